/** What the maps of a file's own programs hold, as far as anybody asks. */
import { fill } from "../btf/encoded.js";
import { mapType } from "../programs/maps.js";
import type { EntryQuery, EntrySnapshot, ProgramSnapshot, Query } from "../snapshot/snapshot.js";
import { getValue, keysOf, mapInfo } from "./bpf.js";
import type { Lab } from "./lab.js";
import type { LoadedProgram } from "./load.js";

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
		if (queries.some((query) => "all" in query && query.program === program && query.map === map))
			for (const entry of readAll(fd)) entries.set(entry.key, entry);
		for (const { key, of } of wanted.filter((query) => query.map === map)) {
			const bytes = fill(key, (end) => lab.ifindexes.get(end));
			const value = bytes && readValue(fd, bytes);
			if (bytes && value) entries.set(bytes.toString("hex"), { key: bytes.toString("hex"), value, of });
		}
		if (entries.size) contents.set(map, [...entries.values()]);
	}
	return contents;
}

function readValue(map: number, key: Buffer): string | undefined {
	return getValue(map, key)?.toString("hex");
}

/** Of an array, the entries that are not zero, as it has all of them from the start. */
function readAll(map: number): EntrySnapshot[] {
	const { type } = mapInfo(map);
	return keysOf(map).flatMap((key) => {
		const value = readValue(map, key);
		const isThere = value !== undefined && !(mapType(type).array && /^0*$/.test(value));
		return isThere ? [{ key: key.toString("hex"), value }] : [];
	});
}

/** The ids of the programs that run on what a program's maps redirect: struct bpf_devmap_val and bpf_cpumap_val. */
export function programsInMaps(program: LoadedProgram | undefined): number[] {
	return [...(program?.maps.values() ?? [])].flatMap((map) => {
		const { type, valueSize } = mapInfo(map);
		if (!mapType(type).redirects || valueSize !== 8) return [];
		return keysOf(map).flatMap((key) => getValue(map, key)?.readUInt32LE(4) || []);
	});
}
