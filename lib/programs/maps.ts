/** The types of BPF maps, enum bpf_map_type of <linux/bpf.h>, and what user space may do with their entries. */
import type { Btf } from "../btf/btf.js";
import { layoutOf } from "../btf/layout.js";
import type { MapDefinition } from "../btf/object.js";

export interface MapType {
	/** As bpftool(8) calls it. */
	name: string;
	/** Why a file can give it no entries; absent where it can. */
	closed?: string;
	/** Entries are there from the start, by number from 0: they are zeroed, not deleted. */
	array?: true;
	/** Every CPU has a value of its own. */
	perCpu?: true;
	/** Its values are devices or CPUs, with a program for what is redirected there. */
	redirects?: "devmap" | "cpumap";
	/** Keys are numbers from 0, below max_entries. */
	indexed?: true;
}

const sockets = "it is filled with sockets, by the program that opens them";
const byProgram = "it is filled by the program";
const unsupported = "maps of maps are not supported: fill it with bpftool(8) or a loader of your own";

const TYPES: Readonly<Record<number, MapType>> = {
	1: { name: "hash" },
	2: { name: "array", array: true, indexed: true },
	3: { name: "prog_array", closed: "it holds programs for tail calls, which are not supported" },
	4: { name: "perf_event_array", closed: "it holds the descriptors of who reads the events" },
	5: { name: "percpu_hash", perCpu: true },
	6: { name: "percpu_array", array: true, perCpu: true, indexed: true },
	7: { name: "stack_trace", closed: byProgram },
	9: { name: "lru_hash" },
	10: { name: "lru_percpu_hash", perCpu: true },
	11: { name: "lpm_trie" },
	12: { name: "array_of_maps", closed: unsupported },
	13: { name: "hash_of_maps", closed: unsupported },
	14: { name: "devmap", redirects: "devmap", indexed: true },
	15: { name: "sockmap", closed: sockets },
	16: { name: "cpumap", redirects: "cpumap", indexed: true },
	17: { name: "xskmap", closed: "it is filled with AF_XDP sockets, by the program that opens them" },
	18: { name: "sockhash", closed: sockets },
	22: { name: "queue", closed: byProgram },
	23: { name: "stack", closed: byProgram },
	25: { name: "devmap_hash", redirects: "devmap" },
	27: { name: "ringbuf", closed: byProgram },
	30: { name: "bloom_filter", closed: byProgram },
};

export const PROG_ARRAY = 3;
export const LPM_TRIE = 11;

export function mapType(type: number): MapType {
	return (
		TYPES[type] ?? { name: `map of type ${type}`, closed: "entries of such a map cannot be set from a file" }
	);
}

/** What two maps must have in common for one to take the place of the other. */
export function mapDefinition(btf: Btf, map: MapDefinition): string {
	const type = (id: number | undefined, size: number) =>
		id === undefined ? `${size} bytes` : `${size} ${layoutOf(btf, id)}`;
	const { keyType, keySize, valueType, valueSize, maxEntries, flags } = map;
	return [mapType(map.type).name, type(keyType, keySize), type(valueType, valueSize), maxEntries, flags].join(
		", ",
	);
}
