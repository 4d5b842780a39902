import { bytesOfIp, textOfIp } from "../netlink/ip.js";
import type { ArrayType, Btf, IntType, Member, StructType, TypeId } from "./btf.js";
import { readBits } from "./integer.js";
import { isNetworkOrder } from "./scalar.js";

/** What is known of a value besides its type. */
export interface Notation {
	/** A value of the same type as the topology file writes it: an address, where the type is only a number. */
	like?: string;
	/** The interface whose ifindex stands at an offset in bytes; undefined of any other number. */
	interfaceAt?(offset: number, ifindex: number): string | undefined;
}

/** A value of memory as a topology file writes it, in YAML's flow style: the way back from an Encoder. */
export function textOfValue(btf: Btf, type: TypeId, bytes: Buffer, notation: Notation = {}): string {
	return new Decoder(btf, bytes, notation).text(type, 0);
}

/** A value whose type is not known: a number where its size is that of one. */
export function textOfUntyped(bytes: Buffer, { like, interfaceAt }: Notation = {}): string {
	if (isAddress(bytes.length, like)) return textOfIp(bytes);
	if (![1, 2, 4, 8].includes(bytes.length)) return hexOf(bytes);
	const number = readBits(bytes, 0, 8 * bytes.length, false);
	return interfaceAt?.(0, Number(number)) ?? String(number);
}

const hexOf = (bytes: Buffer) => `0x${bytes.toString("hex")}`;
/** Whether a text is an IP address of so many bytes. */
const isAddress = (size: number, text = "") => bytesOfIp(text)?.length === size;
const isMac = (text: string) => /^(?:[\da-f]{2}:){5}[\da-f]{2}$/i.test(text);

/** Structs within each other that are written out; deeper ones are bytes. */
const MAX_DEPTH = 8;

class Decoder {
	readonly #btf: Btf;
	readonly #bytes: Buffer;
	readonly #notation: Notation;

	constructor(btf: Btf, bytes: Buffer, notation: Notation) {
		this.#btf = btf;
		this.#bytes = bytes;
		this.#notation = notation;
	}

	/** @param at offset in bytes */
	text(id: TypeId, at: number, depth = 0): string {
		const type = this.#btf.resolve(id);
		const part = this.#bytes.subarray(at, at + this.#btf.sizeOf(id));
		if (depth > MAX_DEPTH) return hexOf(part);
		switch (type.kind) {
			case "int":
				return this.#integer(id, type, at, depth);
			case "enum": {
				const value = readBits(part, 0, 8 * type.size, type.signed);
				const narrow = type.cut ? BigInt.asIntN(32, value) : value;
				return type.values.find((one) => one.value === value || one.value === narrow)?.name ?? String(value);
			}
			case "float":
				return String(type.size === 4 ? part.readFloatLE() : part.readDoubleLE());
			case "array":
				return this.#array(type, part, at, depth);
			case "struct":
			case "union":
				if (type.name === "in6_addr" || (depth === 0 && this.#isBytes(part.length)))
					return this.#address(part);
				return `{ ${this.#members(type, at, depth).join(", ")} }`;
			default:
				return hexOf(part);
		}
	}

	#integer(id: TypeId, { size, bits, signed, boolean }: IntType, at: number, depth: number): string {
		const part = this.#bytes.subarray(at, at + size);
		if (boolean) return String(part[0] !== 0);
		const network = isNetworkOrder(this.#btf, id);
		// Within a struct, only what is in network byte order can be told from a count.
		const { like = "" } = this.#notation;
		const inside = network && /(?:\d+\.){3}\d+/.test(like);
		if ((size === 4 && (depth > 0 ? inside : isAddress(4, like))) || size === 16) return textOfIp(part);
		const number = readBits(network ? Buffer.from(part).reverse() : part, 0, bits, signed);
		return this.#notation.interfaceAt?.(at, Number(number)) ?? String(number);
	}

	#array({ element, length }: ArrayType, part: Buffer, at: number, depth: number): string {
		const type = this.#btf.resolve(element);
		const size = this.#btf.sizeOf(element);
		if (type.kind === "int" && type.name === "char") {
			const end = part.indexOf(0);
			const text = part.toString("latin1", 0, end);
			if (end > 0 && /^[\x20-\x7e]+$/.test(text) && part.subarray(end).every((byte) => byte === 0))
				return text;
		}
		if (type.kind === "int" && !type.boolean && (size === 1 || this.#isBytes(part.length)))
			return this.#address(part);
		const items = Array.from({ length }, (_, i) => this.text(element, at + i * size, depth + 1));
		return `[${items.join(", ")}]`;
	}

	/** Bytes that are written as one: a MAC, an address, or hexadecimal digits. */
	#address(part: Buffer): string {
		if (part.length === 6) return part.toString("hex").replace(/(?=(?:..)+$)(?!^)/g, ":");
		const { like = "" } = this.#notation;
		if (part.length === 16 && /:[\da-f]*:/i.test(like)) return textOfIp(part);
		if (part.length === 4 && /(?:\d+\.){3}\d+/.test(like)) return textOfIp(part);
		return hexOf(part);
	}

	/** Whether the file writes such a value as one address or one MAC. */
	#isBytes(size: number): boolean {
		const { like = "" } = this.#notation;
		return (size === 6 && isMac(like)) || isAddress(size, like);
	}

	#members(type: StructType, at: number, depth: number): string[] {
		const members = type.kind === "union" ? this.#chosen(type) : type.members;
		return members.flatMap((member) => this.#member(member, at, depth));
	}

	/** Of a union the member that the file names, else the largest. */
	#chosen({ members }: StructType): Member[] {
		const { like = "" } = this.#notation;
		const size = (member: Member) => this.#btf.sizeOf(member.type);
		const named = members.find(({ name }) => name !== "" && new RegExp(`\\b${name}:`).test(like));
		const found = named ?? members.toSorted((a, b) => size(b) - size(a))[0];
		return found ? [found] : [];
	}

	#member({ name, type: id, bits, bitOffset }: Member, at: number, depth: number): string[] {
		const type = this.#btf.resolve(id);
		const isStruct = type.kind === "struct" || type.kind === "union";
		if (name === "") return isStruct ? this.#members(type, at + bitOffset / 8, depth) : [];
		if (type.kind === "pointer" || this.#btf.sizeOf(id) === 0) return [];
		// What the kernel keeps for itself reads as zeros.
		if (isStruct && /^bpf_(?:spin_lock|res_spin_lock|timer|wq|list_|rb_|refcount|task_work)/.test(type.name))
			return [];
		if (bits === 0) return [`${name}: ${this.text(id, at + bitOffset / 8, depth + 1)}`];
		const signed = (type.kind === "int" || type.kind === "enum") && type.signed;
		const value = readBits(this.#bytes, 8 * at + bitOffset, bits, signed);
		const named = type.kind === "enum" ? type.values.find((one) => one.value === value)?.name : undefined;
		return [`${name}: ${named ?? value}`];
	}
}
