import { parsePrefixKey } from "../btf/bytes.js";
import { type Encoder, type Place, REFERENCES } from "../btf/encode.js";
import { type Encoded, encoded, endsOf } from "../btf/encoded.js";
import type { BpfObject, MapDefinition } from "../btf/object.js";
import { LPM_TRIE, mapDefinition, mapType } from "../programs/maps.js";
import type { Context } from "./declared.js";
import type { MapContents, MapEntry as MapEntryDocument } from "./generated/document.js";
import type { Sound } from "./positions.js";
import { list, quote } from "./printable.js";
import type { ProgramSource } from "./programs.js";
import type { Range } from "./source.js";
import type { MapEntry, ProgramMap } from "./topology.js";

type EntryList = Sound<MapEntryDocument>[];

/** What the file says of the maps of a program. */
export function resolveMaps(
	{ entry }: ProgramSource,
	object: BpfObject,
	encoder: Encoder,
	context: Context,
): { entries: MapEntry[]; maps: ProgramMap[] } {
	const { positions } = context;
	const entries: MapEntry[] = [];
	const maps = new Map(object.maps.map((map) => [map.name, { map, exact: false, byIfindex: false }]));
	for (const { name, value, key } of positions.entries<EntryList | Sound<MapContents>>(entry.maps ?? {})) {
		const found = findMap(name, key, object, context);
		if (!found || value === undefined) continue;
		const {
			entries: items = [],
			exact = false,
			max_entries,
		} = Array.isArray(value) ? { entries: value } : value;
		const map = max_entries === undefined ? found : { ...found, maxEntries: max_entries };
		const resolved = items.length || exact ? resolveEntries(map, items, key, encoder, context) : [];
		const byIfindex =
			resolved.some((one) => endsOf(one.key).length > 0) && mapType(map.type).indexed === true;
		maps.set(name, { map, exact, byIfindex });
		entries.push(...resolved);
	}
	return {
		entries,
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
): MapEntry[] {
	const { closed, name: type } = mapType(map.type);
	if (closed === undefined) return new MapResolver(map, encoder, context).entries(items, at);
	const message = `${quote(map.name)} is a ${type}, which takes no entries from a file`;
	context.report.error(at, "program", message, closed);
	return [];
}

/** Resolves the entries of one map. */
class MapResolver {
	readonly #map: MapDefinition;
	readonly #encoder: Encoder;
	readonly #context: Context;

	constructor(map: MapDefinition, encoder: Encoder, context: Context) {
		this.#map = map;
		this.#encoder = encoder;
		this.#context = context;
	}

	entries(items: EntryList, at: Range): MapEntry[] {
		const { positions, report } = this.#context;
		const { name, maxEntries } = this.#map;
		if (items.length > maxEntries)
			report.error(
				at,
				"program",
				`${items.length} entries do not fit ${quote(name)}, which has room for ${maxEntries}`,
			);
		const entries = new Map<string, MapEntry>();
		for (const { value: item } of positions.entries<EntryList[number]>(items)) {
			if (!item || item.key === undefined || item.value === undefined) continue;
			const place = { container: item, name: "key" };
			const key = this.#key(item.key, place);
			const { value, program } = this.#value(item.value, { container: item, name: "value" });
			const id = JSON.stringify(key);
			if (entries.has(id)) {
				const message = `the key of ${quote(name)} stands twice`;
				report.error(positions.value(item, "key"), "duplicate", message);
			}
			entries.set(id, {
				map: name,
				label: label(item.key, key),
				key,
				value,
				...(program !== undefined && { program }),
			});
		}
		return [...entries.values()];
	}

	#key(key: unknown, place: Place): Encoded {
		const { name, type, keySize, keyType, maxEntries } = this.#map;
		const { positions, report } = this.#context;
		if (type === LPM_TRIE && typeof key === "string") {
			const prefix = parsePrefixKey(key, keySize);
			if (prefix) return encoded(prefix);
			const family = keySize === 8 ? "an IPv4 prefix" : keySize === 20 ? "an IPv6 prefix" : "a mapping";
			report.error(
				positions.value(place.container, place.name),
				"program",
				`${quote(key)} is no key of ${quote(name)}`,
				family,
			);
			return { hex: "" };
		}
		if (mapType(type).indexed && typeof key === "number" && key >= maxEntries) {
			const message = `${quote(name)} has no entry ${key}`;
			report.error(
				positions.value(place.container, place.name),
				"program",
				message,
				`0 to ${maxEntries - 1}`,
			);
			return { hex: "" };
		}
		return this.#encode(keyType, keySize, key, place);
	}

	#value(value: unknown, place: Place): { value: Encoded; program?: string } {
		const { type, valueSize, valueType } = this.#map;
		const { redirects } = mapType(type);
		if (redirects && valueSize === 8) return this.#redirect(redirects, value, place);
		return { value: this.#encode(valueType, valueSize, value, place) };
	}

	/**
	 * struct bpf_devmap_val and bpf_cpumap_val of <linux/bpf.h>: the ifindex or the length of the queue, and
	 * a program: `{ ifindex: host:dos, program: NAME }`, `{ qsize: 192, program: NAME }`.
	 */
	#redirect(kind: "devmap" | "cpumap", value: unknown, place: Place): { value: Encoded; program?: string } {
		const { positions, report, declared } = this.#context;
		const first = kind === "devmap" ? "ifindex" : "qsize";
		const at = positions.value(place.container, place.name);
		if (typeof value !== "object" || value === null || Array.isArray(value))
			return { value: withProgram(this.#encoder.encodeUntyped(4, value, place)) };
		const fields = value as Record<string, unknown>;
		const unknown = Object.keys(fields).find((key) => key !== first && key !== "program");
		if (unknown !== undefined || !Object.hasOwn(fields, first)) {
			const message = `this is no value of a ${kind}`;
			report.error(
				at,
				"program",
				message,
				`\`{ ${first}: ${kind === "devmap" ? "END" : "192"}, program: NAME }\``,
			);
			return { value: { hex: "" } };
		}
		const target = fields[first];
		const inner = { container: fields, name: first };
		// `ifindex: host:dos` is the reference itself.
		const named = kind === "devmap" && typeof target === "string";
		const half = named ? this.#encoder.ifindex(target, inner) : this.#encoder.encodeUntyped(4, target, inner);
		const { program } = fields;
		if (program === undefined) return { value: withProgram(half) };
		const programAt = positions.value(fields, "program");
		if (typeof program !== "string") report.error(programAt, "type", "`program` is the name of a program");
		else if (declared.findProgram(program, programAt)) return { value: withProgram(half), program };
		return { value: withProgram(half) };
	}

	#encode(type: number | undefined, size: number, value: unknown, place: Place): Encoded {
		return type === undefined
			? this.#encoder.encodeUntyped(size, value, place)
			: this.#encoder.encode(type, value, place);
	}
}

/** Room for the descriptor of a program behind the first 4 bytes; zero is none. */
function withProgram({ hex, ...rest }: Encoded): Encoded {
	return { hex: `${hex}00000000`, ...rest };
}

/** A key as the file has it; of a reference, the end; where it is long, its bytes. */
function label(key: unknown, { hex, ifindexes = [] }: Encoded): string {
	const SHOWN = 40;
	const [name, value, another] = typeof key === "object" && key !== null ? Object.entries(key).flat() : [];
	if (another === undefined && typeof value === "string" && REFERENCES.some((one) => one === name))
		return value;
	const text = typeof key === "object" ? JSON.stringify(key).replaceAll('"', "") : String(key);
	return text.length > SHOWN ? [`0x${hex}`, ...ifindexes.map(({ end }) => end)].join(" ") : text;
}
