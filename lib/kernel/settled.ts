import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { asError, isRefusal } from "../errors.js";
import type { Reading } from "../snapshot/snapshot.js";
import type { Warning } from "../topology/topology.js";
import { stateDigest, whereabouts } from "./state.js";
import { hasStateDirectory, STATE_DIRECTORY } from "./state-directory.js";
import { readWhole, remove, seal, unseal, writeWhole } from "./state-file.js";

/** Of all that this program was built from, set by scripts/build.mjs; not set where it runs from its sources. */
declare const BUILD: string | undefined;

/**
 * What is remembered of a look that found nothing to do, so that the next one for the same text need only
 * see whether the kernel tells the same. It spares work and decides nothing: without it, or where anything
 * differs, the text is parsed and compared with the kernel.
 */
export interface Settled {
	lab: string;
	/** Digest of the lab's state, which is to be there and as it was. */
	state: string;
	/** Digest of the topology that the text came to. */
	topology: string;
	reading: Reading;
	/** What was doubtful all the same, in the file and in the lab. */
	warnings: { ofFile: Warning[]; ofLab: string[] };
}

const SUFFIX = ".settled";

/** The file of a lab that a text of this digest has settled. */
function pathOf(lab: string, digest: string): string {
	return `${STATE_DIRECTORY}/${lab}.${digest}${SUFFIX}`;
}

/** Of a text, of what made something of it, and of where. Undefined where it is not known what that is. */
export function digestOf(text: string): string | undefined {
	if (typeof BUILD === "undefined") return undefined;
	const { boot, host } = whereabouts();
	return createHash("sha256")
		.update(JSON.stringify([BUILD, boot, host]))
		.update(text)
		.digest("hex")
		.slice(0, 32);
}

/** The lab that a text has settled; undefined where it has not, or something was changed since by a command. */
export function findSettled(digest: string): Settled | undefined {
	return readSettled(fileOf(digest));
}

/** Whether there may be one, which is cheap to know before one has the lock; {@link findSettled} then says. */
export function hasSettled(digest: string): boolean {
	return fileOf(digest) !== undefined;
}

function fileOf(digest: string): string | undefined {
	return listFiles().find((name) => name.endsWith(`.${digest}${SUFFIX}`));
}

/** The same, of a lab that a topology of this digest has settled, whatever its text was. */
export function findSettledBy(lab: string, topology: string): Settled | undefined {
	const settled = readSettled(
		listFiles().find((name) => name.startsWith(`${lab}.`) && name.endsWith(SUFFIX)),
	);
	return settled?.topology === topology ? settled : undefined;
}

function readSettled(name: string | undefined): Settled | undefined {
	const found = name === undefined ? undefined : readWhole(`${STATE_DIRECTORY}/${name}`);
	const settled = found && "bytes" in found ? unseal<Settled>(found.bytes) : undefined;
	return settled && settled.state === stateDigest(settled.lab) ? settled : undefined;
}

/** Called under the lock, when nothing was found to do. Where it cannot be written, it is done without. */
export function writeSettled(digest: string, found: Omit<Settled, "state">): void {
	const path = pathOf(found.lab, digest);
	try {
		forgetSettled(found.lab, path);
		const state = stateDigest(found.lab);
		if (state !== undefined) writeWhole(path, seal({ ...found, state } satisfies Settled));
	} catch (error) {
		if (!isRefusal(asError(error))) throw error;
	}
}

/** Called under the lock, before anything is changed. @param but a file to leave */
export function forgetSettled(lab: string, but?: string): void {
	for (const name of listFiles()) {
		const path = `${STATE_DIRECTORY}/${name}`;
		if (name.startsWith(`${lab}.`) && name.includes(SUFFIX) && path !== but) remove(path);
	}
}

function listFiles(): string[] {
	return hasStateDirectory() ? readdirSync(STATE_DIRECTORY) : [];
}
