/** The types of BPF maps, enum bpf_map_type of <linux/bpf.h>, and what user space may do with their entries. */
import type { Btf, TypeId } from "../btf/btf.js";
import { layoutOf } from "../btf/layout.js";
import type { MapDefinition, Slot } from "../btf/map-definition.js";

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
	/** Its values are functions or other maps of the same object: descriptors when written, ids when read. */
	holds?: "function" | "map";
	/** The loader or the kernel decides how many entries it has, if the object says nothing. */
	sizedByLoader?: true;
	/** The kernel refuses any number of entries for it. */
	sizeless?: true;
}

const sockets = "it is filled with sockets, by the program that opens them";
const byProgram = "it is filled by the program";
const notForXdp = "an XDP program cannot use it";
const storage = "it holds what other programs attach to sockets, files, tasks or cgroups";

const TYPES: Readonly<Record<number, MapType>> = {
	1: { name: "hash" },
	2: { name: "array", array: true, indexed: true },
	3: { name: "prog_array", holds: "function", indexed: true },
	4: {
		name: "perf_event_array",
		closed: "it holds the descriptors of who reads the events",
		sizedByLoader: true,
	},
	5: { name: "percpu_hash", perCpu: true },
	6: { name: "percpu_array", array: true, perCpu: true, indexed: true },
	7: { name: "stack_trace", closed: byProgram },
	8: { name: "cgroup_array", closed: "it holds the descriptors of cgroups" },
	9: { name: "lru_hash" },
	10: { name: "lru_percpu_hash", perCpu: true },
	11: { name: "lpm_trie" },
	12: { name: "array_of_maps", holds: "map", indexed: true },
	13: { name: "hash_of_maps", holds: "map" },
	14: { name: "devmap", redirects: "devmap", indexed: true },
	15: { name: "sockmap", closed: sockets },
	16: { name: "cpumap", redirects: "cpumap", indexed: true },
	17: { name: "xskmap", closed: "it is filled with AF_XDP sockets, by the program that opens them" },
	18: { name: "sockhash", closed: sockets },
	19: { name: "cgroup_storage", closed: storage, sizeless: true },
	20: { name: "reuseport_sockarray", closed: sockets },
	21: { name: "percpu_cgroup_storage", closed: storage, sizeless: true },
	22: { name: "queue", closed: byProgram },
	23: { name: "stack", closed: byProgram },
	24: { name: "sk_storage", closed: storage, sizeless: true },
	25: { name: "devmap_hash", redirects: "devmap" },
	26: { name: "struct_ops", closed: notForXdp, sizedByLoader: true },
	27: { name: "ringbuf", closed: byProgram },
	28: { name: "inode_storage", closed: storage, sizeless: true },
	29: { name: "task_storage", closed: storage, sizeless: true },
	30: { name: "bloom_filter", closed: byProgram },
	31: { name: "user_ringbuf", closed: "it is filled by the process that maps it into its memory" },
	32: { name: "cgrp_storage", closed: storage, sizeless: true },
	33: { name: "arena", closed: "it is memory that the program and a process share" },
};

export const PROG_ARRAY = 3;
export const LPM_TRIE = 11;

export function mapType(type: number): MapType {
	return TYPES[type] ?? { name: `map type ${type}`, closed: "this tool does not know maps of that type" };
}

/**
 * Why a map cannot be in a map of maps; undefined where it can: bpf_map_meta_equal() of kernel/bpf/map_in_map.c
 * and the map_meta_equal of each type.
 */
export function innerProblem(inner: MapDefinition, map: MapDefinition): string | undefined {
	const { name, holds } = mapType(map.type);
	if (holds) return `no map of maps holds maps of the type ${name}`;
	if (map.type !== inner.type)
		return `its type is ${name}, and that of the maps there is ${mapType(inner.type).name}`;
	const sized = SIZED_WITHIN.includes(map.type) && (inner.flags & BPF_F_INNER_MAP) === 0;
	const compared: [what: string, of: number, expected: number][] = [
		["a key size", map.keySize, inner.keySize],
		["a value size", map.valueSize, inner.valueSize],
		["map_flags", map.flags, inner.flags],
		...(sized ? ([["max_entries", map.maxEntries, inner.maxEntries]] as [string, number, number][]) : []),
	];
	const [differs] = compared.filter(([, of, expected]) => of !== expected);
	return differs && `it has ${differs[0]} of ${differs[1]}, and the maps there have ${differs[2]}`;
}

/** Maps in a map of maps that must all have one size: array and xskmap. */
const SIZED_WITHIN: readonly number[] = [2, 17];
/** <linux/bpf.h> */
const BPF_F_INNER_MAP = 0x1000;

/** Whether the values of a map, or of the maps within it, have timers or work queues of the kernel's. */
export function hasTimer(btf: Btf, { valueType, inner }: MapDefinition): boolean {
	const seen = new Set<TypeId>();
	const isIn = (id: TypeId): boolean => {
		if (seen.has(id)) return false;
		seen.add(id);
		const type = btf.resolve(id);
		if (type.kind === "array") return isIn(type.element);
		if (type.kind !== "struct") return false;
		return TIMERS.includes(type.name) || type.members.some((member) => isIn(member.type));
	};
	return (valueType !== undefined && isIn(valueType)) || (inner !== undefined && hasTimer(btf, inner));
}

/** Structs of <linux/bpf.h> that start nothing without a reference from user space: bpf_timer_start() and its like. */
const TIMERS: readonly string[] = ["bpf_timer", "bpf_wq", "bpf_task_work"];

/**
 * What two maps must have in common for one to take the place of the other.
 * @param definitions of the maps that its slots may name, by name
 */
export function mapDefinition(
	btf: Btf,
	map: MapDefinition,
	definitions: ReadonlyMap<string, MapDefinition> = new Map(),
): string {
	const type = (id: number | undefined, size: number) =>
		id === undefined ? `${size} bytes` : `${size} ${layoutOf(btf, id)}`;
	const { keyType, keySize, valueType, valueSize, maxEntries, flags, extra, inner, slots } = map;
	const slotText = ({ index, name }: Slot) => {
		const held = definitions.get(name);
		return `[${index}] = ${name}${held ? ` (${mapDefinition(btf, { ...held, slots: [] })})` : ""}`;
	};
	return [
		mapType(map.type).name,
		type(keyType, keySize),
		type(valueType, valueSize),
		maxEntries,
		flags,
		...(extra ? [`map_extra ${extra}`] : []),
		...(inner ? [`of ${mapDefinition(btf, inner)}`] : []),
		...slots.map(slotText),
	].join(", ");
}
