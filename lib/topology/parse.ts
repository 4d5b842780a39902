import {
	isAlias,
	isMap,
	isScalar,
	isSeq,
	type Node,
	type Pair,
	parseDocument,
	type Scalar,
	type YAMLMap,
	type YAMLSeq,
} from "yaml";
import { Positions } from "./positions.js";
import { quote } from "./printable.js";
import type { Report } from "./report.js";
import type { Range } from "./source.js";
import { reportYamlErrors, unquotedAddress } from "./yaml-errors.js";

/** Values that a document may come to with every alias written out. */
const MAX_VALUES = 250_000;

/** How deep values may be nested; the format itself needs 8. */
const MAX_DEPTH = 64;

/** A value read from YAML: mappings are objects without a prototype, so that no key is special. */
interface Read {
	value: unknown;
	/** Values within, itself included, aliases written out. */
	size: number;
	/** It is reported as wrong; the value is a placeholder. */
	lost: boolean;
}

interface MappingEntry {
	read: Read;
	key: Range;
	at: Range;
}

const LOST: Read = Object.freeze({ value: null, size: 1, lost: true });

/** The document as plain data and where each part of it stands, or undefined after a syntax error. */
export function parse(report: Report): { root: unknown; positions: Positions } | undefined {
	const { contents, errors, warnings } = parseDocument<Node>(report.source.text, {
		// YAML 1.2 even where a `%YAML 1.1` line asks for less: `no` and `1:20` stay strings.
		schema: "core",
		prettyErrors: false,
		// At "silent" the library would also keep quiet about a second document.
		logLevel: "error",
		// Looked for below, in linear time.
		uniqueKeys: false,
	});
	reportYamlErrors([...errors, ...warnings], report);
	if (report.failed) return undefined;
	const reader = new Reader(report);
	const { value, lost } = reader.read(contents, 0);
	return lost ? undefined : { root: value, positions: reader.positions };
}

/** Reads YAML nodes in the order of the file, so that an anchor is known before its aliases. */
class Reader {
	readonly positions = new Positions();
	readonly #report: Report;
	/** What each anchor stands for; undefined while it is being read. */
	readonly #anchors = new Map<string, Read | undefined>();
	/** Of each mapping and list. */
	readonly #sizes = new WeakMap<object, number>();

	constructor(report: Report) {
		this.#report = report;
	}

	read(node: Node | null, depth: number): Read {
		if (node === null) return { value: null, size: 1, lost: false };
		if (isAlias(node)) return this.#alias(node.source, range(node));
		if (depth > MAX_DEPTH)
			return this.#wrong(range(node), "values are nested too deeply", `at most ${MAX_DEPTH} levels`);
		const anchor = "anchor" in node ? node.anchor : undefined;
		if (anchor !== undefined) this.#anchors.set(anchor, undefined);
		const read = this.#content(node, depth);
		if (anchor !== undefined) this.#anchors.set(anchor, read);
		return read;
	}

	#content(node: Node, depth: number): Read {
		if (isMap<Node, Node | null>(node)) return this.#unquoted(node) ?? this.#mapping(node, depth);
		if (isSeq<Node>(node)) return this.#list(node, depth);
		return { value: isScalar(node) ? scalar(node) : null, size: 1, lost: false };
	}

	#alias(name: string, at: Range): Read {
		const read = this.#anchors.get(name);
		if (read !== undefined) return read;
		if (this.#anchors.has(name))
			return this.#wrong(at, `alias ${quote(name)} stands within the value that it names`);
		const hint =
			this.#report.suggest(name, this.#anchors.keys()) ?? "an anchor, `&NAME`, comes before its aliases";
		return this.#wrong(at, `no anchor ${quote(name)} before this alias`, hint);
	}

	/** `fc00:1::` without quotes: to YAML a mapping from `fc00:1:` to nothing. */
	#unquoted(node: YAMLMap<Node, Node | null>): Read | undefined {
		const [pair, another] = node.items;
		if (pair === undefined || another !== undefined || !isScalar(pair.key)) return undefined;
		const at = range(pair.key);
		const address = unquotedAddress(this.#report.source, at.start);
		if (address === undefined || address.length !== at.end - at.start + 1) return undefined;
		return this.#wrong(
			{ start: at.start, end: at.end + 1 },
			`YAML reads ${quote(address)} as a mapping, since it ends in a colon`,
			`put it in quotes: "${address}"`,
		);
	}

	#list(node: YAMLSeq<Node>, depth: number): Read {
		const list: unknown[] = [];
		let size = 1;
		for (const item of node.items) {
			const read = this.read(item, depth + 1);
			const at = range(item);
			this.positions.add(list, String(list.length), at, at, read.lost);
			list.push(read.value);
			size += read.size;
		}
		return this.#sized(list, size, node);
	}

	#mapping(node: YAMLMap<Node, Node | null>, depth: number): Read {
		const entries = new Map<string, MappingEntry>();
		const merged: Pair<Node, Node | null>[] = [];
		let size = 1;
		for (const pair of node.items) {
			const key = range(pair.key);
			const name = this.#key(pair.key, key);
			const before = name === undefined ? undefined : entries.get(name);
			if (name === undefined || before !== undefined) {
				if (before !== undefined) {
					this.#report.error(
						key,
						"duplicate-key",
						`duplicate key ${quote(name ?? "")}`,
						`it is first ${this.#report.source.where(before.key.start)}`,
					);
				}
				// Read all the same: what is wrong within is reported, and its anchors are known.
				this.read(pair.value, depth + 1);
			} else if (name === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN") {
				merged.push(pair);
			} else {
				const read = this.read(pair.value, depth + 1);
				entries.set(name, { read, key, at: pair.value === null ? key : range(pair.value) });
			}
		}
		const mapping: Record<string, unknown> = Object.create(null);
		for (const pair of merged) this.#merge(pair, entries, depth);
		for (const [name, { read, key, at }] of entries) {
			this.positions.add(mapping, name, key, at, read.lost);
			mapping[name] = read.value;
			size += read.size;
		}
		return this.#sized(mapping, size, node);
	}

	/** `<<: *anchor` or a list of such: what the mapping does not say itself, the first one wins. */
	#merge(pair: Pair<Node, Node | null>, entries: Map<string, MappingEntry>, depth: number): void {
		const { value, lost } = this.read(pair.value, depth + 1);
		for (const source of Array.isArray(value) ? value : [value]) {
			if (source === null || typeof source !== "object" || Array.isArray(source)) {
				if (!lost) this.#wrong(range(pair.key), "`<<` merges mappings only", "for example `<<: *anchor`");
				return;
			}
			for (const { name, value, key, at } of this.positions.entries<unknown>(source)) {
				if (!entries.has(name)) {
					const size = typeof value === "object" && value !== null ? (this.#sizes.get(value) ?? 1) : 1;
					entries.set(name, { read: { value, size, lost: value === undefined }, key, at });
				}
			}
		}
	}

	/** A key's name: the text itself also of a number, so that `010` is not `10`. */
	#key(node: Node, at: Range): string | undefined {
		const read = isAlias(node)
			? this.read(node, 0).value
			: isScalar(node)
				? (node.source ?? node.value)
				: undefined;
		if (typeof read === "string" && !(isScalar(node) && node.value === null)) return read;
		this.#report.error(at, "yaml", "a key must be a name");
		return undefined;
	}

	/** Of a value that is too large nothing is kept, so that what aliases it is not too large again. */
	#sized(value: object, size: number, node: Node): Read {
		if (size > MAX_VALUES) {
			const hint = `at most ${MAX_VALUES}, with aliases written out`;
			return this.#wrong(range(node), "the file holds too many values", hint);
		}
		this.#sizes.set(value, size);
		return { value, size, lost: false };
	}

	#wrong(at: Range, message: string, hint?: string): Read {
		this.#report.error(at, "yaml", message, hint);
		return LOST;
	}
}

/** Its value; of a whole number that is too long for a JavaScript number, the text. */
function scalar({ value, source }: Scalar): unknown {
	return typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)
		? (source ?? value)
		: value;
}

/** A node's own text, without the comments and line ends after it. */
function range(node: Node): Range {
	const [start, end] = node.range ?? [0, 0];
	return { start, end };
}
