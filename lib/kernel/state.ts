import {
	closeSync,
	fsyncSync,
	mkdirSync,
	openSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	renameSync,
	rmdirSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import type { LabObject } from "../plan/object.js";
import { namespaceProblem } from "../topology/names.js";
import type { Topology } from "../topology/topology.js";

/** What the kernel cannot tell of a lab, one file a lab. */
export const STATE_DIRECTORY = "/run/xdp-topology";

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

/** Undefined where there is none, or none that can be used: cut off, edited, of another version or boot. */
export function readState(lab: string): State | undefined {
	try {
		const state = JSON.parse(readFileSync(pathOf(lab), "utf8")) as Partial<State> | null;
		if (state?.version !== 1 || state.lab !== lab || state.boot !== whereabouts().boot) return undefined;
		if (typeof state.host !== "string" || !Array.isArray(state.settings)) return undefined;
		if (state.leaving !== undefined && !Array.isArray(state.leaving)) return undefined;
		if (!Array.isArray(state.topology?.namespaces) || !Array.isArray(state.topology.veths)) return undefined;
		// A lab that is up may have been applied by a version that kept fewer things.
		const { expect = [], programs = [] } = state.topology;
		const { pins = {}, folders = [] } = state;
		return { ...state, pins, folders, topology: { ...state.topology, expect, programs } } as State;
	} catch {
		return undefined;
	}
}

/** Writes it whole, unless it is there already: a crash leaves the old one or the new one. */
export function writeState(state: State): void {
	const text = JSON.stringify(state);
	const temporary = `${pathOf(state.lab)}.new`;
	if (text === read(state.lab)) {
		rmSync(temporary, { force: true }); // a crash may have left it
		return;
	}
	mkdirSync(STATE_DIRECTORY, { recursive: true, mode: 0o700 });
	const fd = openSync(temporary, "w", 0o600);
	try {
		writeFileSync(fd, text);
		fsyncSync(fd);
	} finally {
		closeSync(fd);
	}
	renameSync(temporary, pathOf(state.lab));
}

/** The namespaces that a lab may have made. */
export function namesIn(state: State | undefined): string[] {
	if (!state) return [];
	const names = [...state.topology.namespaces.map(({ name }) => name), ...(state.leaving ?? [])];
	// Somebody may have edited it.
	return [...new Set(names)].filter((name) => typeof name === "string" && !namespaceProblem(name));
}

function read(lab: string): string | undefined {
	try {
		return readFileSync(pathOf(lab), "utf8");
	} catch {
		return undefined;
	}
}

/** Removes a lab's files. */
export function removeState(lab: string): void {
	for (const path of [pathOf(lab), `${pathOf(lab)}.new`]) rmSync(path, { force: true });
}

/** Removes the directory after the last lab; called under its lock. */
export function removeEmptyDirectory(): void {
	try {
		rmdirSync(STATE_DIRECTORY);
	} catch {
		// a lab's file is there
	}
}

/** The labs that have a state, of this boot or another. */
export function listStates(): string[] {
	try {
		return readdirSync(STATE_DIRECTORY).flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []);
	} catch {
		return [];
	}
}
