import { closeSync } from "node:fs";
import type { Label } from "../snapshot/label.js";
import { COUNTERS_MAP, sumCounters } from "../stats/counters.js";
import type { Counts } from "../stats/counts.js";
import { lookupPerCpu, mapInfo, programInfo } from "./bpf.js";
import { closeLoaded, openLoaded } from "./load.js";

/** A program as far as counting goes. Holds its map and not the program, which may go meanwhile. */
export interface CountingProgram {
	id: number;
	/** Of its function. */
	name: string;
	tag: string;
	label: Label | undefined;
	/** Where it counts by itself: a descriptor, to be closed. */
	counters: { fd: number; id: number } | undefined;
}

/** Undefined where it is gone. */
export function openCounting(id: number): CountingProgram | undefined {
	const loaded = openLoaded(id);
	if (!loaded) return undefined;
	let kept: number | undefined;
	try {
		const { name, tag } = programInfo(loaded.fd);
		const { label } = loaded;
		// A map of that name may hold anything where the program is not built in.
		const map = label && !label.own ? loaded.maps.get(COUNTERS_MAP) : undefined;
		const counters = map === undefined ? undefined : { fd: map, id: mapInfo(map).id };
		kept = map;
		return { id, name, tag, label, counters };
	} finally {
		closeLoaded({ ...loaded, maps: new Map([...loaded.maps].filter(([, fd]) => fd !== kept)) });
	}
}

export function closeCounting({ counters }: CountingProgram): void {
	if (counters) closeSync(counters.fd);
}

/** The port by which a program counts an interface; undefined where it counts nothing of it. */
export function portOf({ label, counters }: CountingProgram, ifindex: number): number | undefined {
	if (!label || !counters) return undefined;
	const port = ifindex - label.firstIfindex;
	return port >= 0 && port < label.ports ? port : undefined;
}

/** What the map of a program has, by port. @param ports at least one */
export function readCounters(map: number, ports: readonly number[]): Map<number, Counts> {
	const wanted = new Set(ports);
	const { valueSize } = mapInfo(map);
	const read = new Map<number, Counts>();
	const last = Math.max(...ports);
	for (let first = Math.min(...ports); first <= last; first += CHUNK) {
		const count = Math.min(CHUNK, last - first + 1);
		lookupPerCpu(map, first, count, valueSize).forEach((entry, i) => {
			if (wanted.has(first + i)) read.set(first + i, sumCounters(entry, valueSize));
		});
	}
	return read;
}

/** Entries a call: with 1,024 CPUs these are 20 MB. */
const CHUNK = 256;
