import type { Btf, EnumType, IntType, Member, Type, TypeId } from "./btf.js";
import { integerBytes, rangeOf, setBits, toInteger } from "./integer.js";
import { type Memory, names, text } from "./memory.js";
import { printMember } from "./print.js";
import type { Place } from "./surroundings.js";

/** A number's place in memory, and what it is called. */
export interface NumberTarget {
	name: string;
	at: number;
	size: number;
	/** The least and the greatest value. */
	range: [bigint, bigint];
	network?: boolean;
}

export function writeNumber(memory: Memory, value: bigint, target: NumberTarget, place: Place): void {
	const { name, at, size, range, network } = target;
	const [least, greatest] = range;
	if (value < least || value > greatest)
		memory.problem(place, `${value} does not fit ${name}`, `${least} to ${greatest}`);
	else integerBytes(value, size, network).copy(memory.bytes, at);
}

export function writeInteger(
	memory: Memory,
	id: TypeId,
	type: IntType,
	value: unknown,
	place: Place,
	at: number,
): void {
	if (type.boolean) {
		const on = [false, 0, true, 1].indexOf(value as number);
		if (on === -1) memory.misfit(id, value, place, "`true` or `false`");
		else memory.bytes[at] = on < 2 ? 0 : 1;
		return;
	}
	const integer = integerOf(value);
	if (integer === undefined) memory.misfit(id, value, place, expectedOf(type, value));
	else {
		const network = isNetworkOrder(memory.btf, id);
		const { size, bits, signed } = type;
		writeNumber(
			memory,
			integer,
			{ name: memory.print(id), at, size, range: rangeOf(bits, signed), network },
			place,
		);
	}
}

function expectedOf({ size }: IntType, value: unknown): string {
	if (size !== 4) return "a whole number";
	// What looks like an end was perhaps meant as its number.
	return typeof value === "string" && /^[^:\s]+:[^:\s]+$/.test(value)
		? `a whole number; the number of an interface is \`{ ifindex: ${value} }\``
		: "a whole number, or an IPv4 address";
}

function integerOf(value: unknown): bigint | undefined {
	return typeof value === "boolean" ? BigInt(value) : toInteger(value);
}

export function writeEnumerator(
	memory: Memory,
	id: TypeId,
	type: EnumType,
	value: unknown,
	place: Place,
	at: number,
): void {
	const integer = enumerator(memory, id, type, value, place);
	if (integer === undefined) return;
	const { size } = type;
	writeNumber(
		memory,
		integer,
		{ name: memory.print(id), at, size, range: rangeOfEnum(type, 8 * size) },
		place,
	);
}

/** By its name, or as a number; what is neither is reported. */
function enumerator(
	memory: Memory,
	id: TypeId,
	type: EnumType,
	value: unknown,
	place: Place,
): bigint | undefined {
	const named = type.values.find(({ name }) => name === value)?.value;
	if (named !== undefined && type.cut) {
		const message = `the object knows 32 bits only of \`${value}\` of ${memory.print(id)}`;
		memory.problem(place, message, "write it as a number, or compile with clang 15 or newer");
		return undefined;
	}
	const integer = named ?? toInteger(value);
	if (integer === undefined) memory.misfit(id, value, place, `one of ${names(type.values)}`);
	return integer;
}

/** Before clang 15 an enum does not say that it has negative values: they look like great ones. */
function rangeOfEnum({ size, signed, values }: EnumType, bits: number): [bigint, bigint] {
	const top = 1n << BigInt(8 * size - 1);
	const maybeSigned = !signed && values.some(({ value }) => value >= top);
	const [least, greatest] = rangeOf(bits, signed);
	return [maybeSigned ? rangeOf(bits, true)[0] : least, greatest];
}

export function writeFloat(
	memory: Memory,
	id: TypeId,
	size: number,
	value: unknown,
	place: Place,
	at: number,
): void {
	// A whole number too long for a JavaScript integer comes as text.
	const number = typeof value === "string" && /^[-+]?\d+(?:e[-+]?\d+)?$/i.test(value) ? Number(value) : value;
	if (typeof number !== "number") memory.misfit(id, value, place, "a number");
	else if (size === 4) {
		if (Number.isFinite(number) && !Number.isFinite(Math.fround(number)))
			memory.misfit(id, value, place, "a number up to 3.4e38");
		else memory.bytes.writeFloatLE(number, at);
	} else if (size === 8) memory.bytes.writeDoubleLE(number, at);
	else memory.problem(place, `a ${memory.print(id)} of ${size} bytes cannot be given a value`);
}

/** @param at offset of the struct, in bytes */
export function writeBitfield(
	memory: Memory,
	member: Member,
	value: unknown,
	place: Place,
	at: number,
): void {
	const { type: id, bits, bitOffset } = member;
	const type = memory.btf.resolve(id);
	const integer = type.kind === "enum" ? enumerator(memory, id, type, value, place) : integerOf(value);
	const name = `\`${printMember(memory.btf, member)}\``;
	if (integer === undefined) {
		if (type.kind !== "enum") memory.problem(place, `${text(value)} does not fit ${name}`, "a whole number");
		return;
	}
	const [least, greatest] = rangeOfBits(type, bits);
	// A negative enumerator that looks like a great one.
	const given = integer > greatest && least < 0n ? BigInt.asIntN(32, integer) : integer;
	if (given < least || given > greatest)
		memory.problem(place, `${integer} does not fit ${name}`, `${least} to ${greatest}`);
	else setBits(memory.bytes, 8 * at + bitOffset, bits, given);
}

function rangeOfBits(type: Type, bits: number): [bigint, bigint] {
	if (type.kind === "enum") return rangeOfEnum(type, bits);
	return rangeOf(bits, type.kind === "int" && type.signed);
}

/** Typedefs whose values are in network byte order: <linux/types.h>. */
const NETWORK_ORDER = /^__be(?:16|32|64)$/;

/** Whether a type is a number in network byte order. */
export function isNetworkOrder(btf: Btf, id: TypeId): boolean {
	const type = btf.type(id);
	if (type.kind === "typedef" && NETWORK_ORDER.test(type.name)) return true;
	return "type" in type && isNetworkOrder(btf, type.type);
}
