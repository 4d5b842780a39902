/** What the maps of a file's own programs hold, as far as anybody asks. */
import { fill } from "../btf/encoded.js";
import { deepEqual } from "../plan/object.js";
import { LPM_TRIE, mapType } from "../programs/maps.js";
import type { Label } from "../snapshot/label.js";
import type { EntryQuery, EntrySnapshot, ProgramSnapshot, Query } from "../snapshot/snapshot.js";
import { getValue, keysOf, lookup, mapInfo, u32Key } from "./bpf.js";
import type { Lab } from "./lab.js";
import { LABEL_MAP } from "./label.js";
import { closeLoaded, type LoadedProgram, openLoaded } from "./load.js";

/** The entries that the queries ask for, and those that this command has written itself. */
export function readContents(
	lab: Lab,
	program: string,
	maps: LoadedProgram["maps"],
	queries: readonly Query[],
): ProgramSnapshot["contents"] {
	const contents = new Map<string, EntrySnapshot[]>();
	const isOfProgram = (query: Query | EntryQuery): query is EntryQuery =>
		"key" in query && query.program === program;
	const wanted = [...lab.written.values(), ...queries].filter(isOfProgram);
	for (const [map, fd] of maps) {
		const entries = new Map<string, EntrySnapshot>();
		const all = queries.some((query) => "all" in query && query.program === program && query.map === map);
		if (all && !lab.swept.has(`${program} ${map}`))
			for (const entry of readAll(fd))
				entries.set(entry.key, { ...entry, ...readHeld(fd, entry.value, maps) });
		const asked = wanted.filter((query) => query.map === map);
		const there = asked.length ? keysOfTrie(fd) : undefined;
		for (const { key, initial, of } of asked) {
			const bytes = fill(key, (end) => lab.ends.find(end));
			const hex = bytes?.toString("hex");
			if (!bytes || hex === undefined || there?.has(hex) === false) continue;
			const value = getValue(fd, bytes)?.toString("hex");
			const written = deepEqual(lab.written.get(of.name)?.of.spec, of.spec);
			if (value && !(initial && ZEROS.test(value)))
				entries.set(hex, { key: hex, value, of, written, ...readHeld(fd, value, maps) });
		}
		if (entries.size) contents.set(map, [...entries.values()]);
	}
	return contents;
}

const ZEROS = /^0*$/;

/** A look into a trie finds the longest prefix there is, not only this one: trie_lookup_elem() of kernel/bpf/lpm_trie.c. */
function keysOfTrie(map: number): ReadonlySet<string> | undefined {
	if (mapInfo(map).type !== LPM_TRIE) return undefined;
	return new Set(keysOf(map).map((key) => key.toString("hex")));
}

/** What a value of a map of maps or of a prog_array stands for. @param maps those of the program that has the map */
function readHeld(
	map: number,
	value: string,
	maps: LoadedProgram["maps"],
): Pick<EntrySnapshot, "id" | "called"> {
	const { holds } = mapType(mapInfo(map).type);
	if (!holds) return {};
	const id = Buffer.from(value, "hex").readUInt32LE();
	const called = holds === "function" ? readCalled(id, maps) : undefined;
	return { id, ...(called && { called }) };
}

function readCalled(id: number, maps: LoadedProgram["maps"]): Label | undefined {
	const loaded = openLoaded(id);
	if (!loaded) return undefined;
	try {
		const idsOf = (all: LoadedProgram["maps"]) =>
			[...all].flatMap(([name, fd]) => (name === LABEL_MAP ? [] : [mapInfo(fd).id])).sort();
		return deepEqual(idsOf(loaded.maps), idsOf(maps)) ? loaded.label : undefined;
	} finally {
		closeLoaded(loaded);
	}
}

/** Of an array, the entries that are not zero, as it has all of them from the start. */
function readAll(map: number): EntrySnapshot[] {
	const info = mapInfo(map);
	return keysOf(map).flatMap((key) => {
		const value = getValue(map, key, info)?.toString("hex");
		const isThere = value !== undefined && !(mapType(info.type).array && ZEROS.test(value));
		return isThere ? [{ key: key.toString("hex"), value }] : [];
	});
}

/** The ids of the programs that run on what a program's maps redirect: struct bpf_devmap_val and bpf_cpumap_val. */
export function programsInMaps(program: LoadedProgram | undefined, lab: Lab): number[] {
	return [...(program?.maps.values() ?? [])].flatMap((map) => {
		const { type, valueSize, maxEntries } = mapInfo(map);
		if (!mapType(type).redirects || valueSize !== 8) return [];
		// One that is made large enough for ifindexes has nothing in between.
		const MANY = 4096;
		const large = mapType(type).indexed && maxEntries > MANY;
		const keys = large ? lab.ends.ifindexes().map(u32Key) : keysOf(map);
		return keys.flatMap((key) => lookup(map, key, valueSize)?.readUInt32LE(4) || []);
	});
}
