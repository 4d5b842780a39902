import { maskPrefixKey, parseBytes, parsePrefixKey } from "../btf/bytes.js";
import type { Encoder } from "../btf/encode.js";
import { type Encoded, encoded } from "../btf/encoded.js";
import { toInteger } from "../btf/integer.js";
import type { MapDefinition } from "../btf/map-definition.js";
import { digitsOf, isMapping } from "../btf/memory.js";
import type { BpfObject } from "../btf/object.js";
import { type Place, REFERENCES } from "../btf/surroundings.js";
import { LPM_TRIE, mapType } from "../programs/maps.js";
import type { Context } from "./declared.js";
import type { MapEntry as MapEntryDocument } from "./generated/document.js";
import { heldValue } from "./held-value.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Range } from "./source.js";
import type { MapEntry } from "./topology.js";

export type EntryList = Sound<MapEntryDocument>[];

/** A program that is to run on what an entry redirects. */
export interface ProgramUse {
	map: MapDefinition;
	program: string;
	/** Of the program's name. */
	at: Range;
}

/** Resolves the entries of one map. */
export class MapResolver {
	readonly #map: MapDefinition;
	readonly #encoder: Encoder;
	readonly #context: Context;
	readonly #uses: ProgramUse[];
	readonly #object: BpfObject;

	constructor(map: MapDefinition, object: BpfObject, encoder: Encoder, context: Context, uses: ProgramUse[]) {
		this.#uses = uses;
		this.#map = map;
		this.#object = object;
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
			const { value, ...more } = this.#value(item.value, { container: item, name: "value" });
			const id = JSON.stringify(key);
			if (entries.has(id)) {
				const message = `the key of ${quote(name)} stands twice`;
				report.error(positions.value(item, "key"), "duplicate", message);
			}
			entries.set(id, {
				map: name,
				label: textOfWritten(item.key, key),
				key,
				text: textOfWritten(item.value, value),
				value,
				...more,
				...this.#cpu(key, item),
			});
		}
		return [...entries.values()];
	}

	#key(key: unknown, place: Place): Encoded {
		const { type, keySize, keyType } = this.#map;
		if (type === LPM_TRIE && typeof key === "string") return this.#prefix(key, place);
		const found = this.#encode(keyType, keySize, key, place);
		if (type === LPM_TRIE) return this.#trieKey(found, place);
		if (mapType(type).indexed) this.#checkIndex(found, place);
		return found;
	}

	/** Of a key by its members: the bits behind the prefix are cleared, as they do not count. */
	#trieKey(key: Encoded, place: Place): Encoded {
		const bytes = Buffer.from(key.hex, "hex");
		if (bytes.length < 5 || key.ifindexes) return key;
		const masked = maskPrefixKey(bytes);
		if (masked) return encoded(masked);
		const bits = 8 * (bytes.length - 4);
		this.#error(
			place,
			`a prefix of ${bytes.readUInt32LE()} bits does not fit ${quote(this.#map.name)}`,
			`0 to ${bits}`,
		);
		return key;
	}

	/** `10.0.0.0/8`, or the bytes of a key. */
	#prefix(key: string, place: Place): Encoded {
		const { name, keySize, keyType } = this.#map;
		const bytes = parsePrefixKey(key, keySize) ?? parseBytes(key, keySize);
		if (bytes) return this.#trieKey(encoded(bytes), place);
		const forms: Record<number, string> = { 8: "an IPv4 prefix", 20: "an IPv6 prefix" };
		const hint = forms[keySize] ?? (keyType === undefined ? digitsOf(keySize) : "a mapping of its members");
		this.#error(place, `${quote(key)} is no key of ${quote(name)}`, hint);
		return { hex: "" };
	}

	/** Keys of arrays are numbers of 32 bits. */
	#checkIndex({ hex, ifindexes }: Encoded, place: Place): void {
		const { name, maxEntries } = this.#map;
		if (ifindexes || hex.length !== 8) return;
		const index = Buffer.from(hex, "hex").readUInt32LE();
		if (index >= maxEntries)
			this.#error(place, `${quote(name)} has no entry ${index}`, `0 to ${maxEntries - 1}`);
	}

	/** The CPU that a cpumap's key is. */
	#cpu({ hex }: Encoded, item: EntryList[number]): Pick<MapEntry, "cpu"> {
		if (mapType(this.#map.type).redirects !== "cpumap" || hex.length !== 8) return {};
		const { positions, report } = this.#context;
		const at = report.source.place(positions.value(item, "key").start);
		return { cpu: { number: Buffer.from(hex, "hex").readUInt32LE(), at } };
	}

	#error({ container, name }: Place, message: string, hint: string): void {
		const { positions, report } = this.#context;
		report.error(positions.value(container, name), "program", message, hint);
	}

	#value(value: unknown, place: Place): Pick<MapEntry, "value" | "program" | "target"> {
		const { name, type, valueSize, valueType } = this.#map;
		const { redirects, holds } = mapType(type);
		if (holds) return heldValue(holds, value, place, this.#map, this.#object, this.#context);
		if (redirects && valueSize === 8) return this.#redirect(redirects, value, place);
		if (redirects && isMapping(value) && Object.hasOwn(value, "program")) {
			const within = { container: value, name: "program" };
			const hint = `its value has to be a \`struct bpf_${redirects}_val\``;
			this.#error(within, `an entry of ${quote(name)} has no room for a program`, hint);
			return { value: { hex: "" } };
		}
		if (redirects && toInteger(value) !== undefined) return { value: this.#number(redirects, value, place) };
		return { value: this.#encode(valueType, valueSize, value, place) };
	}

	/**
	 * struct bpf_devmap_val and bpf_cpumap_val of <linux/bpf.h>: the ifindex or the length of the queue, and
	 * a program: `{ ifindex: host:dos, program: NAME }`, `{ qsize: 192, program: NAME }`.
	 */
	#redirect(kind: "devmap" | "cpumap", value: unknown, place: Place): { value: Encoded; program?: string } {
		const first = kind === "devmap" ? "ifindex" : "qsize";
		if (toInteger(value) !== undefined) return { value: withProgram(this.#number(kind, value, place)) };
		const fields = isMapping(value) ? value : {};
		const { [first]: target, program, ...others } = fields;
		if (target === undefined || Object.keys(others).length > 0) {
			const form = `\`{ ${first}: ${kind === "devmap" ? "END" : "192"}, program: NAME }\``;
			this.#error(place, `this is no value of a ${kind}`, form);
			return { value: { hex: "" } };
		}
		const within = { container: fields, name: first };
		// `ifindex: host:dos` is the reference itself.
		const half =
			kind === "devmap" && typeof target === "string" && toInteger(target) === undefined
				? this.#encoder.encodeIfindex(target, within)
				: this.#number(kind, target, within);
		const found = program === undefined ? undefined : this.#program(program, fields);
		return { value: withProgram(half), ...(found !== undefined && { program: found }) };
	}

	/** An entry with a 0 is one that is deleted; a queue has a greatest length: __cpu_map_entry_alloc() of kernel/bpf/cpumap.c. */
	#number(kind: "devmap" | "cpumap", value: unknown, place: Place): Encoded {
		const [name, most] = kind === "devmap" ? ["ifindex", 2 ** 31 - 1] : ["qsize", 16384];
		const found = this.#encoder.encodeNumber(name, value, place);
		const number = toInteger(value);
		if (number !== undefined && (number < 1n || number > BigInt(most)))
			this.#error(place, `${number} is no ${name} of a ${kind}`, `1 to ${most}`);
		return found;
	}

	#program(program: unknown, fields: object): string | undefined {
		const { positions, report, declared } = this.#context;
		const at = positions.value(fields, "program");
		if (typeof program !== "string") {
			report.error(at, "type", "`program` is the name of a program");
			return undefined;
		}
		if (!declared.findProgram(program, at)) return undefined;
		this.#uses.push({ map: this.#map, program, at });
		return program;
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

/** A key or a value as a message shows it: as the file has it; of a reference, the end; where it is long, its bytes. */
export function textOfWritten(written: unknown, { hex, ifindexes = [] }: Encoded): string {
	const SHOWN = 60;
	const [name, value, another] = isMapping(written) ? Object.entries(written).flat() : [];
	if (another === undefined && typeof value === "string" && REFERENCES.some((one) => one === name))
		return value;
	const text = flowText(written);
	return text.length > SHOWN ? [`0x${hex}`, ...ifindexes.map(({ end }) => end)].join(" ") : text;
}

/** In YAML's flow style, without quotes. */
function flowText(written: unknown): string {
	if (Array.isArray(written)) return `[${written.map(flowText).join(", ")}]`;
	if (!isMapping(written)) return String(written);
	const members = Object.entries(written).map(([name, value]) => `${name}: ${flowText(value)}`);
	return `{ ${members.join(", ")} }`;
}
