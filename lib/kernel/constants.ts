/** What a program keeps by port behind its counters, the same for every CPU: `struct port` of bpf/hardcoded.bpf.c. */
import { COUNTERS_SIZE } from "../stats/counters.js";
import { freeze, lookupPerCpu, mapInfo, putValue, u32Key } from "./bpf.js";

/** Fills the map of a program that runs nowhere yet, and freezes it: from then on only the program writes. */
export function writeConstants(map: number, constants: ReadonlyMap<number, Buffer>): void {
	for (const [port, value] of constants)
		putValue(map, u32Key(port), Buffer.concat([Buffer.alloc(COUNTERS_SIZE), value]));
	freeze(map);
}

/** What is not zero, by port. */
export function readConstants(map: number): Map<number, Buffer> {
	const { maxEntries, valueSize } = mapInfo(map);
	const constants = new Map<number, Buffer>();
	for (let first = 0; first < maxEntries; first += CHUNK)
		lookupPerCpu(map, first, Math.min(CHUNK, maxEntries - first), valueSize).forEach((entry, i) => {
			const value = entry.subarray(COUNTERS_SIZE, valueSize);
			if (value.some((byte) => byte !== 0)) constants.set(first + i, value);
		});
	return constants;
}

/** Entries a call: with 1,024 CPUs these are 25 MB. */
const CHUNK = 256;
