import type { Encoder } from "../btf/encode.js";
import { endsOf } from "../btf/encoded.js";
import type { BpfObject, MapDefinition } from "../btf/object.js";
import { mapDefinition, mapType } from "../programs/maps.js";
import type { Context } from "./declared.js";
import type { MapContents } from "./generated/document.js";
import { type EntryList, MapResolver, type ProgramUse } from "./map-entries.js";
import type { Sound } from "./positions.js";
import { list, quote } from "./printable.js";
import type { ProgramSource } from "./programs.js";
import type { Range } from "./source.js";
import type { MapEntry, ProgramMap } from "./topology.js";

/** What the file says of the maps of a program. */
export function resolveMaps(
	{ entry }: ProgramSource,
	object: BpfObject,
	encoder: Encoder,
	context: Context,
): { entries: MapEntry[]; maps: ProgramMap[]; uses: ProgramUse[] } {
	const { positions } = context;
	const entries: MapEntry[] = [];
	const uses: ProgramUse[] = [];
	const maps = new Map(object.maps.map((map) => [map.name, { map, exact: false, byIfindex: false }]));
	for (const { name, value, key } of positions.entries<EntryList | Sound<MapContents>>(entry.maps ?? {})) {
		const found = findMap(name, key, object, context);
		if (!found || value === undefined) continue;
		const {
			entries: items = [],
			exact = false,
			initial = false,
			max_entries,
		} = Array.isArray(value) ? { entries: value } : value;
		const map = max_entries === undefined ? found : { ...found, maxEntries: max_entries };
		const resolved = items.length || exact ? resolveEntries(map, items, key, encoder, context, uses) : [];
		const byIfindex =
			resolved.some((one) => endsOf(one.key).length > 0) && mapType(map.type).indexed === true;
		maps.set(name, { map, exact, byIfindex });
		entries.push(...resolved.map((one) => ({ ...one, ...(initial && { initial }) })));
	}
	return {
		entries,
		uses,
		maps: object.maps.map(({ name, maxEntries }) => {
			const { map, exact, byIfindex } = maps.get(name) as {
				map: MapDefinition;
				exact: boolean;
				byIfindex: boolean;
			};
			const room = map.maxEntries === maxEntries ? {} : { maxEntries: map.maxEntries };
			return { name, type: map.type, definition: mapDefinition(object.btf, map), exact, byIfindex, ...room };
		}),
	};
}

function findMap(
	name: string,
	at: Range,
	{ maps }: BpfObject,
	{ report }: Context,
): MapDefinition | undefined {
	const map = maps.find((one) => one.name === name);
	if (!map) {
		const names = maps.map((one) => one.name);
		report.error(at, "program", `the object has no map ${quote(name)}`, () => {
			const known = names.length ? `it has ${list(names.slice(0, 8).map(quote))}` : "it has none";
			return report.suggest(name, names) ?? known;
		});
	}
	return map;
}

function resolveEntries(
	map: MapDefinition,
	items: EntryList,
	at: Range,
	encoder: Encoder,
	context: Context,
	uses: ProgramUse[],
): MapEntry[] {
	const { closed, name: type } = mapType(map.type);
	if (closed === undefined) return new MapResolver(map, encoder, context, uses).entries(items, at);
	const message = `${quote(map.name)} takes no entries from a file: its type is ${type}`;
	context.report.error(at, "program", message, closed);
	return [];
}
