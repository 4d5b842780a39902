import type { Btf, Member, StructType, Type, TypeId } from "./btf.js";
import { parseBytes } from "./bytes.js";
import { type Encoded, encoded, type IfindexSlot } from "./encoded.js";
import { integerBytes, rangeOf, setBits, toInteger } from "./integer.js";
import { printType } from "./print.js";

/** Where a value stands: in a mapping or a list, under a name. */
export interface Place {
	container: object;
	name: string;
}

/** What an encoder asks of who called it, and tells them. */
export interface Surroundings {
	/** Something about a value is wrong. */
	problem(place: Place, message: string, hint?: string): void;
	/** `{ ifindex: END }` and the like; undefined after a mistake in it, which is then reported. */
	reference(kind: ReferenceKind, end: string, place: Place): IfindexSlot["end"] | Buffer | undefined;
}

export const REFERENCES = ["ifindex", "mac", "ipv4", "ipv6"] as const;
export type ReferenceKind = (typeof REFERENCES)[number];

/** Typedefs whose values are in network byte order: <linux/types.h>. */
const NETWORK_ORDER = /^__be(16|32|64)$/;

/** Puts values into the memory of their types. What does not fit is reported, all of it. */
export class Encoder {
	readonly #btf: Btf;
	readonly #around: Surroundings;

	constructor(btf: Btf, around: Surroundings) {
		this.#btf = btf;
		this.#around = around;
	}

	/** A value of a type. @param value plain data, read at `place` */
	encode(type: TypeId, value: unknown, place: Place): Encoded {
		const bytes = Buffer.alloc(this.#btf.sizeOf(type));
		const slots: IfindexSlot[] = [];
		new Writer(this.#btf, this.#around, bytes, slots).value(type, value, place, 0);
		return encoded(bytes, slots);
	}

	/** The number of an interface. @param end its name, as the file has it at `place` */
	ifindex(end: string, place: Place): Encoded {
		const found = this.#around.reference("ifindex", end, place);
		return encoded(Buffer.alloc(4), typeof found === "string" ? [{ at: 0, size: 4, end: found }] : []);
	}

	/** A value of so many bytes whose type nobody knows. */
	encodeUntyped(size: number, value: unknown, place: Place): Encoded {
		const bytes = Buffer.alloc(size);
		const slots: IfindexSlot[] = [];
		new Writer(this.#btf, this.#around, bytes, slots).untyped(size, value, place);
		return encoded(bytes, slots);
	}
}

/** Writes one value and what it consists of. */
class Writer {
	readonly #btf: Btf;
	readonly #around: Surroundings;
	readonly #bytes: Buffer;
	readonly #slots: IfindexSlot[];

	constructor(btf: Btf, around: Surroundings, bytes: Buffer, slots: IfindexSlot[]) {
		this.#btf = btf;
		this.#around = around;
		this.#bytes = bytes;
		this.#slots = slots;
	}

	value(id: TypeId, value: unknown, place: Place, at: number): void {
		const type = this.#btf.resolve(id);
		if (this.#reference(id, type, value, place, at) || this.#wholeBytes(id, type, value, at)) return;
		switch (type.kind) {
			case "int":
				this.#integer(id, type, value, place, at);
				break;
			case "enum":
				this.#enumerator(id, type, value, place, at);
				break;
			case "float":
				if (typeof value !== "number") this.#misfit(id, value, place, "a number");
				else if (type.size === 4) this.#bytes.writeFloatLE(value, at);
				else this.#bytes.writeDoubleLE(value, at);
				break;
			case "array":
				this.#list(id, type, value, place, at);
				break;
			case "struct":
				this.#struct(id, type, value, place, at);
				break;
			case "union":
				this.#union(id, type, value, place, at);
				break;
			default:
				this.#around.problem(place, `a ${this.#print(id)} cannot be given a value`);
		}
	}

	untyped(size: number, value: unknown, place: Place): void {
		const none: Type = {
			kind: "int",
			name: `${size} bytes without a type`,
			size,
			bits: 8 * size,
			signed: false,
			boolean: false,
		};
		if (this.#reference(undefined, none, value, place, 0) || this.#wholeBytes(undefined, none, value, 0))
			return;
		const integer = size <= 8 ? toInteger(value) : undefined;
		if (integer !== undefined) this.#put(integer, rangeOf(8 * size, integer < 0n), size, none.name, place, 0);
		else {
			const hint = size <= 8 ? "a number, or hexadecimal digits" : "hexadecimal digits";
			this.#around.problem(
				place,
				`${text(value)} is not ${size} bytes, and the map has no BTF type here`,
				hint,
			);
		}
	}

	/** `{ ifindex: host:uno }`; a struct that has such a member itself is given the member. */
	#reference(id: TypeId | undefined, type: Type, value: unknown, place: Place, at: number): boolean {
		if (!isMapping(value)) return false;
		const [key, another] = Object.keys(value);
		const kind = REFERENCES.find((one) => one === key);
		if (kind === undefined || another !== undefined) return false;
		if (
			(type.kind === "struct" || type.kind === "union") &&
			this.#members(type).some(({ name }) => name === key)
		)
			return false;
		const end = value[kind];
		const inner = { container: value, name: kind };
		if (typeof end !== "string") {
			this.#around.problem(
				inner,
				`a reference names an end, and this is ${text(end)}`,
				"NAMESPACE:INTERFACE",
			);
			return true;
		}
		const found = this.#around.reference(kind, end, inner);
		if (found === undefined) return true;
		const size = id === undefined ? (type.kind === "int" ? type.size : 0) : this.#btf.sizeOf(id);
		const name = id === undefined ? `${size} bytes` : this.#print(id);
		if (typeof found === "string") {
			if (type.kind === "int" && !type.boolean && size >= 4 && size <= 8)
				this.#slots.push({ at, size, end: found });
			else this.#around.problem(place, `an ifindex does not fit ${name}`, "it is a number of 32 bits");
		} else if (found.length === size) found.copy(this.#bytes, at);
		else
			this.#around.problem(
				place,
				`a reference to ${REFERENCE[kind]} is ${found.length} bytes, and ${name} has ${size}`,
			);
		return true;
	}

	/** A MAC, an address or hexadecimal digits for all the bytes of a value at once. */
	#wholeBytes(id: TypeId | undefined, type: Type, value: unknown, at: number): boolean {
		if (typeof value !== "string") return false;
		const size = id === undefined ? (type.kind === "int" ? type.size : 0) : this.#btf.sizeOf(id);
		if (type.kind === "enum" || type.kind === "float") return false;
		// Of an integer, digits are a number: only an address has another meaning.
		if (type.kind === "int" && !value.includes(".") && !value.includes(":")) return false;
		if (type.kind === "array" && this.#isText(type.element) && Buffer.byteLength(value) < type.length)
			return false;
		const bytes = parseBytes(value, size);
		bytes?.copy(this.#bytes, at);
		return bytes !== undefined;
	}

	#integer(id: TypeId, type: Extract<Type, { kind: "int" }>, value: unknown, place: Place, at: number): void {
		if (type.boolean) {
			const on = typeof value === "boolean" ? value : value === 1 ? true : value === 0 ? false : undefined;
			if (on === undefined) this.#misfit(id, value, place, "`true` or `false`");
			else this.#bytes[at] = on ? 1 : 0;
			return;
		}
		const integer = typeof value === "boolean" ? BigInt(value) : toInteger(value);
		if (integer === undefined) {
			const address = type.size === 4 ? ", or an IPv4 address" : "";
			this.#misfit(id, value, place, `a whole number${address}`);
			return;
		}
		const range = rangeOf(type.bits, type.signed);
		this.#put(integer, range, type.size, this.#print(id), place, at, this.#isNetworkOrder(id));
	}

	#put(
		value: bigint,
		[least, greatest]: [bigint, bigint],
		size: number,
		type: string,
		place: Place,
		at: number,
		network = false,
	): void {
		if (value < least || value > greatest)
			this.#around.problem(place, `${value} does not fit ${type}`, `${least} to ${greatest}`);
		else integerBytes(value, size, network).copy(this.#bytes, at);
	}

	#enumerator(
		id: TypeId,
		type: Extract<Type, { kind: "enum" }>,
		value: unknown,
		place: Place,
		at: number,
	): void {
		const integer = this.#enumValue(id, type, value, place);
		if (integer === undefined) return;
		this.#put(integer, rangeOf(8 * type.size, type.signed), type.size, this.#print(id), place, at);
	}

	#enumValue(
		id: TypeId,
		type: Extract<Type, { kind: "enum" }>,
		value: unknown,
		place: Place,
	): bigint | undefined {
		const named = type.values.find(({ name }) => name === value)?.value;
		const integer = named ?? toInteger(value);
		if (integer === undefined) {
			const names = type.values.slice(0, 8).map(({ name }) => `\`${name}\``);
			this.#misfit(id, value, place, `one of ${names.join(", ")}${type.values.length > 8 ? ", …" : ""}`);
		}
		return integer;
	}

	#list(id: TypeId, type: Extract<Type, { kind: "array" }>, value: unknown, place: Place, at: number): void {
		if (typeof value === "string" && this.#isText(type.element) && Buffer.byteLength(value) < type.length) {
			// The rest stays zero: the text ends in a NUL.
			this.#bytes.write(value, at);
			return;
		}
		if (!Array.isArray(value)) {
			const size = this.#btf.sizeOf(id);
			const forms = [`a list of ${type.length}`, "hexadecimal digits"];
			if (size === 6) forms.push("a MAC");
			if (size === 4 || size === 16) forms.push(`an IPv${size === 4 ? 4 : 6} address`);
			this.#misfit(id, value, place, `${forms.slice(0, -1).join(", ")} or ${forms.at(-1)}`);
			return;
		}
		if (value.length !== type.length) {
			this.#around.problem(
				place,
				`a list of ${value.length} does not fit ${this.#print(id)}`,
				`it has ${type.length}`,
			);
			return;
		}
		const size = this.#btf.sizeOf(type.element);
		for (const [i, item] of value.entries())
			this.value(type.element, item, { container: value, name: String(i) }, at + i * size);
	}

	#struct(id: TypeId, type: StructType, value: unknown, place: Place, at: number): void {
		if (!isMapping(value)) {
			this.#misfit(id, value, place, "a mapping of its members");
			return;
		}
		const known = this.#members(type);
		this.#unknownMembers(id, known, value);
		this.#fill(id, type, value, place, at);
	}

	/** The members of a struct, those of its anonymous structs and unions among them. */
	#fill(id: TypeId, type: StructType, value: Record<string, unknown>, place: Place, at: number): void {
		if (type.kind === "union") {
			this.#choose(id, type, value, place, at);
			return;
		}
		for (const member of type.members) {
			const inner = this.#btf.resolve(member.type);
			const offset = at + member.bitOffset / 8;
			if (member.name === "") {
				if (inner.kind === "struct" || inner.kind === "union")
					this.#fill(member.type, inner, value, place, offset);
			} else if (!Object.hasOwn(value, member.name))
				this.#around.problem(place, `${this.#print(id)} lacks its member \`${member.name}\``);
			else this.#member(member, value, at);
		}
	}

	#union(id: TypeId, type: StructType, value: unknown, place: Place, at: number): void {
		if (!isMapping(value)) {
			this.#misfit(id, value, place, "a mapping with one of its members");
			return;
		}
		this.#unknownMembers(id, this.#members(type), value);
		this.#choose(id, type, value, place, at);
	}

	/** Of a union, one member has the value. */
	#choose(id: TypeId, type: StructType, value: Record<string, unknown>, place: Place, at: number): void {
		const given = type.members.filter((member) => {
			const inner = this.#btf.resolve(member.type);
			if (member.name !== "") return Object.hasOwn(value, member.name);
			return (
				(inner.kind === "struct" || inner.kind === "union") &&
				this.#members(inner).some(({ name }) => Object.hasOwn(value, name))
			);
		});
		const [member, another] = given;
		if (!member || another) {
			const names = this.#members(type).map(({ name }) => `\`${name}\``);
			const what = member ? "several members" : "none of its members";
			this.#around.problem(place, `${this.#print(id)} is given ${what}`, `one of ${names.join(", ")}`);
		} else if (member.name === "")
			this.#fill(member.type, this.#btf.resolve(member.type) as StructType, value, place, at);
		else this.#member(member, value, at);
	}

	#member(member: Member, value: Record<string, unknown>, at: number): void {
		const place = { container: value, name: member.name };
		if (member.bits === 0) this.value(member.type, value[member.name], place, at + member.bitOffset / 8);
		else this.#bitfield(member, value[member.name], place, 8 * at + member.bitOffset);
	}

	#bitfield({ type: id, bits, name }: Member, value: unknown, place: Place, at: number): void {
		const type = this.#btf.resolve(id);
		const integer =
			type.kind === "enum"
				? this.#enumValue(id, type, value, place)
				: typeof value === "boolean"
					? BigInt(value)
					: toInteger(value);
		if (integer === undefined) {
			if (type.kind !== "enum") this.#misfit(id, value, place, "a whole number");
			return;
		}
		const signed = (type.kind === "int" || type.kind === "enum") && type.signed;
		const [least, greatest] = rangeOf(bits, signed);
		if (integer < least || integer > greatest)
			this.#around.problem(
				place,
				`${integer} does not fit ${this.#print(id)} ${name} : ${bits}`,
				`${least} to ${greatest}`,
			);
		else setBits(this.#bytes, at, bits, integer);
	}

	#unknownMembers(id: TypeId, known: readonly Member[], value: Record<string, unknown>): void {
		for (const name of Object.keys(value))
			if (!known.some((member) => member.name === name)) {
				const names = known.slice(0, 8).map((member) => `\`${member.name}\``);
				const message = `${this.#print(id)} has no member ${text(name)}`;
				this.#around.problem({ container: value, name }, message, `it has ${names.join(", ")}`);
			}
	}

	/** By name: those of anonymous structs and unions are the outer one's. */
	#members(type: StructType): Member[] {
		return type.members.flatMap((member) => {
			const inner = this.#btf.resolve(member.type);
			if (member.name !== "") return [member];
			return inner.kind === "struct" || inner.kind === "union" ? this.#members(inner) : [];
		});
	}

	#misfit(id: TypeId, value: unknown, place: Place, expected: string): void {
		this.#around.problem(place, `${text(value)} does not fit ${this.#print(id)}`, expected);
	}

	#print(id: TypeId): string {
		return `\`${printType(this.#btf, id)}\``;
	}

	#isText(element: TypeId): boolean {
		const type = this.#btf.resolve(element);
		return type.kind === "int" && type.name === "char";
	}

	#isNetworkOrder(id: TypeId): boolean {
		for (let type = this.#btf.type(id); ; type = this.#btf.type(type.type)) {
			if (type.kind === "typedef" && NETWORK_ORDER.test(type.name)) return true;
			if (type.kind !== "typedef" && type.kind !== "const" && type.kind !== "volatile" && type.kind !== "tag")
				return false;
		}
	}
}

const REFERENCE: Record<ReferenceKind, string> = {
	ifindex: "an ifindex",
	mac: "a MAC",
	ipv4: "an IPv4 address",
	ipv6: "an IPv6 address",
};

function isMapping(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value of the user's, in a message. */
function text(value: unknown): string {
	if (Array.isArray(value)) return "a list";
	if (isMapping(value)) return "a mapping";
	return typeof value === "string" ? `\`${value.slice(0, 60)}\`` : `\`${String(value)}\``;
}
