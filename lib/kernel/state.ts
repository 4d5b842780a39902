import { createHash } from "node:crypto";
import {
	closeSync,
	constants,
	fstatSync,
	fsyncSync,
	lstatSync,
	openSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	renameSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { ConflictError, fileError } from "../errors.js";
import type { LabObject } from "../plan/object.js";
import { isLabName } from "../topology/names.js";
import type { Topology } from "../topology/topology.js";
import {
	hasStateDirectory,
	isOurs,
	kindOfFile,
	makeStateDirectory,
	STATE_DIRECTORY,
} from "./state-directory.js";

/** Losing it loses no lab: the marks in the kernel still find everything. */
export interface State {
	version: 1;
	lab: string;
	/** /proc/sys/kernel/random/boot_id: a state of another boot is a memory only. */
	boot: string;
	/** The network namespace that was `host`: `net:[4026531840]`. */
	host: string;
	/** The topology last applied, or being applied. */
	topology: Topology;
	/** Namespaces of the topology before, while it is being turned into this one. */
	leaving?: string[];
	/** Settings that this lab has changed and that have to be turned back once nobody wants them. */
	settings: LabObject[];
	/** The maps that are pinned, by path: ids. */
	pins: Record<string, number>;
	/** The folders that were made for that. */
	folders: string[];
}

/** What is remembered of a lab, if anything. */
export interface Memory {
	state: State | undefined;
	/** Why what is there cannot be used, for a person. */
	damage?: string;
}

/** More than the largest topology comes to, in bytes. */
const MAX_SIZE = 64 * 1024 * 1024;

function pathOf(lab: string): string {
	return `${STATE_DIRECTORY}/${lab}.json`;
}

/** This boot and the network namespace of this thread, as a state records them. */
export function whereabouts(): Pick<State, "boot" | "host"> {
	return {
		boot: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
		host: readlinkSync("/proc/thread-self/ns/net"),
	};
}

/** Undefined where there is none that can be used: see {@link inspectState}. */
export function readState(lab: string): State | undefined {
	return inspectState(lab).state;
}

/**
 * Reads a lab's state. A file that is not, byte for byte, what {@link writeState} wrote is not used:
 * what it names would be looked at and written as root.
 * @throws ConflictError where the directory is somebody else's
 */
export function inspectState(lab: string): Memory {
	if (!isLabName(lab) || !hasStateDirectory()) return { state: undefined };
	const found = readWhole(pathOf(lab));
	if (found === undefined) return { state: undefined };
	const damage = "damage" in found ? found.damage : undefined;
	const state = "text" in found ? decodeState(found.text) : undefined;
	if (state?.version === 1 && state.lab === lab)
		return { state: state.boot === whereabouts().boot ? state : undefined };
	const why = damage ?? (state === undefined ? "was cut off or edited" : "is of another lab or version");
	return {
		state: undefined,
		damage: `${pathOf(lab)} ${why}: what was applied before is not known`,
	};
}

/** Undefined where there is no such file. */
function readWhole(path: string): { text: string } | { damage: string } | undefined {
	const stat = lstatSync(path, { throwIfNoEntry: false });
	if (stat === undefined) return undefined;
	if (!stat.isFile()) return { damage: `is ${kindOfFile(stat)}` };
	let fd: number;
	try {
		fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw fileError(`open ${path}`, error);
	}
	try {
		const opened = fstatSync(fd);
		if (!isOurs(opened) || opened.mode & 0o022) return { damage: "can be written by others" };
		return opened.size > MAX_SIZE ? { damage: "is far too large" } : { text: readFileSync(fd, "utf8") };
	} finally {
		closeSync(fd);
	}
}

function encodeState(state: State): string {
	return JSON.stringify({ sha256: digestOf(state), state });
}

/** Undefined where the text is not one of {@link encodeState}'s. */
function decodeState(text: string): State | undefined {
	try {
		const { sha256, state } = JSON.parse(text) as { sha256: string; state: State };
		return sha256 === digestOf(state) ? state : undefined;
	} catch {
		return undefined;
	}
}

function digestOf(state: State): string {
	return createHash("sha256").update(JSON.stringify(state)).digest("hex");
}

/** Writes it whole, unless it is there already: a crash leaves the old one or the new one. */
export function writeState(state: State): void {
	makeStateDirectory();
	const path = pathOf(state.lab);
	const temporary = `${path}.new`;
	remove(temporary); // a crash may have left it
	const text = encodeState(state);
	const found = readWhole(path);
	if (found && "text" in found && found.text === text) return;
	try {
		// Never through a link, or into what somebody has open.
		const fd = openSync(temporary, "wx", 0o600);
		try {
			writeFileSync(fd, text);
			fsyncSync(fd);
		} finally {
			closeSync(fd);
		}
		renameSync(temporary, path);
	} catch (error) {
		remove(temporary);
		throw (error as NodeJS.ErrnoException).code === "EISDIR"
			? isDirectory(path)
			: fileError(`write ${path}`, error);
	}
}

/** The namespaces that a lab may have made. */
export function namesIn(state: State | undefined): string[] {
	if (!state) return [];
	return [...new Set([...state.topology.namespaces.map(({ name }) => name), ...(state.leaving ?? [])])];
}

/** Removes a lab's files. */
export function removeState(lab: string): void {
	for (const path of [pathOf(lab), `${pathOf(lab)}.new`]) remove(path);
}

/** Already gone is success. */
function remove(path: string): void {
	try {
		unlinkSync(path);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "EISDIR") throw isDirectory(path);
		if (code !== "ENOENT") throw fileError(`unlink ${path}`, error);
	}
}

function isDirectory(path: string): ConflictError {
	return new ConflictError(`${path} is a directory: remove it`);
}

/** The labs that have a state, of this boot or another, whether or not it can be used. */
export function listStates(): string[] {
	if (!hasStateDirectory()) return [];
	const labs = readdirSync(STATE_DIRECTORY).flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []);
	return labs.filter(isLabName);
}
