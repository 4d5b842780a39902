import { bytesOfIp, textOfIp } from "./ip.js";
import { joinAttribute, splitAttributes, visitAttributes, zeros } from "./message.js";

/** How a value of type T stands in an attribute. */
export interface Codec<T> {
	encode(value: T): Uint8Array;
	/** @throws RangeError where the bytes are too few. */
	decode(bytes: Buffer): T;
}

/** A table of attributes: name to number and codec. One table serves both directions. */
// biome-ignore lint/suspicious/noExplicitAny: a table mixes codecs of any type; Values recovers each.
export type Table = Record<string, readonly [type: number, codec: Codec<any>]>;

/** What a table describes: every attribute may be missing. */
export type Values<T extends Table> = {
	-readonly [K in keyof T]?: T[K] extends readonly [number, Codec<infer V>] ? V : never;
};

const NLA_F_NESTED = 0x8000;

/** Encodes the given attributes in the table's order. */
export function encodeAttributes<T extends Table>(table: T, values: Values<T>): Buffer {
	const parts: Buffer[] = [];
	for (const name in table) {
		const value = values[name];
		const [type, codec] = table[name] as Table[string];
		if (value !== undefined) parts.push(joinAttribute(type, codec.encode(value)));
	}
	return Buffer.concat(parts);
}

/** Decodes the attributes that the table knows; others are passed over. */
export function decodeAttributes<T extends Table>(table: T, bytes: Buffer): Values<T> {
	const byType = index(table);
	const values: Record<string, unknown> = {};
	visitAttributes(bytes, (type, start, end) => {
		const found = byType.get(type);
		if (found) values[found[0]] = found[1].decode(bytes.subarray(start, end));
	});
	return values as Values<T>;
}

type Index = Map<number, [name: string, codec: Codec<unknown>]>;
const indexes = new WeakMap<Table, Index>();

function index(table: Table): Index {
	let found = indexes.get(table);
	if (!found) {
		found = new Map(
			Object.entries(table).map(([name, [type, codec]]) => [type & ~NLA_F_NESTED, [name, codec]]),
		);
		indexes.set(table, found);
	}
	return found;
}

/** Attributes within an attribute. */
export function nested<T extends Table>(table: T): Codec<Values<T>> {
	return {
		encode: (values) => encodeAttributes(table, values),
		decode: (bytes) => decodeAttributes(table, bytes),
	};
}

/** A list of nested attributes, each under the same number. */
export function list<T>(type: number, codec: Codec<T>): Codec<T[]> {
	return {
		encode: (values) => Buffer.concat(values.map((value) => joinAttribute(type, codec.encode(value)))),
		decode: (bytes) => splitAttributes(bytes).map(([, value]) => codec.decode(value)),
	};
}

/** The number of an attribute that is marked as nested, as the strict parsers of newer families ask. */
export function nest(type: number): number {
	return type | NLA_F_NESTED;
}

export const u8: Codec<number> = {
	encode: (value) => Buffer.of(value),
	decode: (bytes) => bytes.readUInt8(0),
};

export const u16: Codec<number> = {
	encode: (value) => {
		const buffer = zeros(2);
		buffer.writeUInt16LE(value);
		return buffer;
	},
	decode: (bytes) => bytes.readUInt16LE(0),
};

export const u32: Codec<number> = {
	encode: (value) => {
		const buffer = zeros(4);
		buffer.writeUInt32LE(value);
		return buffer;
	},
	decode: (bytes) => bytes.readUInt32LE(0),
};

export const s32: Codec<number> = {
	encode: (value) => {
		const buffer = zeros(4);
		buffer.writeInt32LE(value);
		return buffer;
	},
	decode: (bytes) => bytes.readInt32LE(0),
};

/** Zero-terminated. */
export const string: Codec<string> = {
	encode: (value) => Buffer.from(`${value}\0`),
	decode: (bytes) => bytes.toString("utf8", 0, bytes.indexOf(0) < 0 ? bytes.length : bytes.indexOf(0)),
};

/** Present or not. */
export const flag: Codec<boolean> = { encode: () => zeros(0), decode: () => true };

export const raw: Codec<Uint8Array> = { encode: (value) => value, decode: (bytes) => bytes };

/** Six bytes, written `02:00:00:00:00:01`. */
export const mac: Codec<string> = {
	encode: (value) => Buffer.from(value.replaceAll(":", ""), "hex"),
	decode: (bytes) => bytes.toString("hex").replace(/..(?!$)/g, "$&:"),
};

/** 4 or 16 bytes in network order, written canonically (RFC 5952). */
export const ip: Codec<string> = {
	encode: (value) => {
		const bytes = bytesOfIp(value);
		if (!bytes) throw new Error(`${value} is no address`);
		return bytes;
	},
	decode: textOfIp,
};

/** AF_INET or AF_INET6 of a written address. */
export function familyOf(address: string): number {
	return address.includes(":") ? AF_INET6 : AF_INET;
}

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;
