import type { Encoder } from "../btf/encode.js";
import { endsOf } from "../btf/encoded.js";
import type { MapDefinition } from "../btf/map-definition.js";
import type { BpfObject } from "../btf/object.js";
import { hasTimer, mapDefinition, mapType } from "../programs/maps.js";
import type { Context } from "./declared.js";
import type { MapContents } from "./generated/document.js";
import { type EntryList, MapResolver, type ProgramUse } from "./map-entries.js";
import type { Sound } from "./positions.js";
import { list, quote } from "./printable.js";
import type { ProgramSource } from "./programs.js";
import type { Range } from "./source.js";
import type { MapEntry, ProgramMap } from "./topology.js";

/** A map of the object, and what the file says of it. */
interface Told {
	/** With the room that the file gives it. */
	map: MapDefinition;
	at: Range;
	entries: EntryList;
	exact: boolean;
	initial: boolean;
}

/** What the file says of the maps of a program. */
export function resolveMaps(
	source: ProgramSource,
	object: BpfObject,
	encoder: Encoder,
	context: Context,
): { definitions: MapDefinition[]; entries: MapEntry[]; maps: ProgramMap[]; uses: ProgramUse[] } {
	const told = toldOf(source, object, context);
	const definitions = object.maps.map((map) => told.get(map.name)?.map ?? map);
	const byName = new Map(definitions.map((map) => [map.name, map]));
	const entries: MapEntry[] = [];
	const uses: ProgramUse[] = [];
	const byIfindex = new Set<string>();
	for (const one of told.values()) {
		const resolved = resolveEntries(one, { ...object, maps: definitions }, encoder, context, uses);
		if (mapType(one.map.type).indexed && resolved.some(({ key }) => endsOf(key).length > 0))
			byIfindex.add(one.map.name);
		entries.push(...resolved.map((entry) => ({ ...entry, ...(one.initial && { initial: true as const }) })));
	}
	return {
		definitions,
		entries,
		uses,
		maps: object.maps.map(({ name, maxEntries }) => {
			const map = byName.get(name) as MapDefinition;
			return {
				name,
				type: map.type,
				definition: mapDefinition(object.btf, map, byName),
				timer: hasTimer(object.btf, map),
				exact: told.get(name)?.exact ?? false,
				byIfindex: byIfindex.has(name),
				...(map.maxEntries !== maxEntries && { maxEntries: map.maxEntries }),
			};
		}),
	};
}

function toldOf({ entry }: ProgramSource, object: BpfObject, context: Context): Map<string, Told> {
	const told = new Map<string, Told>();
	const written = context.positions.entries<EntryList | Sound<MapContents>>(entry.maps ?? {});
	for (const { name, value, key: at } of written) {
		const map = findMap(name, at, object, context);
		if (!map || value === undefined) continue;
		const contents = Array.isArray(value) ? { entries: value } : value;
		const { entries = [], exact = false, initial = false, max_entries = map.maxEntries } = contents;
		told.set(name, { map: { ...map, maxEntries: max_entries }, at, entries, exact, initial });
	}
	return told;
}

function findMap(
	name: string,
	at: Range,
	{ maps, variables }: BpfObject,
	{ report }: Context,
): MapDefinition | undefined {
	const map = maps.find((one) => one.name === name);
	if (!map) {
		const names = maps.map((one) => one.name);
		report.error(at, "program", `the object has no map ${quote(name)}`, () => {
			if (variables.has(name)) return "it is a global variable: set it under `globals`";
			const known = names.length ? `it has ${list(names.slice(0, 8).map(quote))}` : "it has none";
			return report.suggest(name, names) ?? known;
		});
	}
	return map;
}

function resolveEntries(
	{ map, at, entries, exact }: Told,
	object: BpfObject,
	encoder: Encoder,
	context: Context,
	uses: ProgramUse[],
): MapEntry[] {
	if (entries.length === 0 && !exact) return [];
	const { closed, name: type } = mapType(map.type);
	if (closed === undefined) return new MapResolver(map, object, encoder, context, uses).entries(entries, at);
	const message = `${quote(map.name)} takes no entries from a file: its type is ${type}`;
	context.report.error(at, "program", message, closed);
	return [];
}
