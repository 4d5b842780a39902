import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { LabObject } from "../plan/object.js";
import { isLabName } from "../topology/names.js";
import type { Topology } from "../topology/topology.js";
import { hasStateDirectory, makeStateDirectory, STATE_DIRECTORY } from "./state-directory.js";
import { readWhole, remove, seal, sha256, unseal, writeWhole } from "./state-file.js";

export interface PinnedMap {
	/** No other map gets it until the next boot. */
	id: number;
	/** A hash of what the map is. */
	definition: string;
}

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
	/** The maps that are pinned, by path. */
	pins: Record<string, PinnedMap>;
	/** The folders that were made for that. */
	folders: string[];
}

/** What is remembered of a lab, if anything. */
export interface Memory {
	state: State | undefined;
	/** Why what is there cannot be used, for a person. */
	damage?: string;
}

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
	const state = "bytes" in found ? unseal<State>(found.bytes) : undefined;
	if (state?.version === 1 && state.lab === lab)
		return { state: state.boot === whereabouts().boot ? state : undefined };
	const why = damage ?? (state === undefined ? "was cut off or edited" : "is of another lab or version");
	return {
		state: undefined,
		damage: `${pathOf(lab)} ${why}: what was applied before is not known`,
	};
}

/** Writes it whole, unless it is there already: a crash leaves the old one or the new one. */
export function writeState(state: State): void {
	makeStateDirectory();
	writeWhole(pathOf(state.lab), seal(state));
}

/** A digest of the file itself. Undefined where it cannot be used. */
export function stateDigest(lab: string): string | undefined {
	const found = readWhole(pathOf(lab));
	return found && "bytes" in found ? sha256(found.bytes) : undefined;
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

/** The labs that have a state, of this boot or another, whether or not it can be used. */
export function listStates(): string[] {
	if (!hasStateDirectory()) return [];
	const labs = readdirSync(STATE_DIRECTORY).flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []);
	return labs.filter(isLabName);
}
