import type { Member, Type } from "./btf.js";
import { stringAt } from "./elf.js";

/** Reads one type, struct btf_type of <linux/btf.h> and what its kind has behind it, up to `at`. */
export class RecordReader {
	at: number;
	readonly #types: Buffer;
	readonly #strings: Buffer;

	constructor(types: Buffer, at: number, strings: Buffer) {
		this.#types = types;
		this.at = at;
		this.#strings = strings;
	}

	type(): Type {
		const name = this.#string();
		const info = this.#u32();
		const vlen = info & 0xffff;
		// A bit-field's size is in its offset; an enum's values are signed.
		const flag = info >>> 31 === 1;
		const size = this.#u32(); // or the number of a type
		switch ((info >>> 24) & 0x1f) {
			case 1:
				return this.#int(name, size);
			case 2:
				return { kind: "pointer", type: size };
			case 3: {
				const [element, , length] = [this.#u32(), this.#u32(), this.#u32()];
				return { kind: "array", element, length };
			}
			case 4:
			case 5: {
				const members = this.#times(vlen, () => this.#member(flag));
				return { kind: ((info >>> 24) & 0x1f) === 4 ? "struct" : "union", name, size, members };
			}
			case 6:
				return {
					kind: "enum",
					name,
					size,
					signed: flag,
					values: this.#times(vlen, () => this.#enumerator(flag)),
					cut: size > 4,
				};
			case 7:
				return { kind: "forward", name, of: flag ? "union" : "struct" };
			case 8:
				return { kind: "typedef", name, type: size };
			case 9:
				return { kind: "volatile", type: size };
			case 10:
				return { kind: "const", type: size };
			case 11:
				return { kind: "restrict", type: size };
			case 13: // FUNC_PROTO
				this.at += 8 * vlen;
				return { kind: "prototype", result: size };
			case 14:
				this.at += 4; // linkage
				return { kind: "variable", name, type: size };
			case 15: {
				// Offsets and sizes are filled in by who loads an object: the symbols have them.
				const variables = this.#times(vlen, () => [this.#u32(), this.#u32(), this.#u32()][0] ?? 0);
				return { kind: "section", name, variables };
			}
			case 16:
				return { kind: "float", name, size };
			case 17: // DECL_TAG
				this.at += 4;
				return { kind: "other", name };
			case 18: // TYPE_TAG
				return { kind: "tag", type: size };
			case 19:
				return {
					kind: "enum",
					name,
					size,
					signed: flag,
					values: this.#times(vlen, () => this.#enumerator64(flag)),
					cut: false,
				};
			case 12: // FUNC
				return { kind: "other", name };
			default:
				throw new RangeError();
		}
	}

	/** The encoding: BTF_INT_SIGNED 1, BTF_INT_CHAR 2, BTF_INT_BOOL 4. */
	#int(name: string, size: number): Type {
		const info = this.#u32();
		const encoding = (info >>> 24) & 0xf;
		return {
			kind: "int",
			name,
			size,
			bits: info & 0xff,
			signed: (encoding & 1) !== 0,
			boolean: (encoding & 4) !== 0,
		};
	}

	#member(bitfields: boolean): Member {
		const [name, type, offset] = [this.#string(), this.#u32(), this.#u32()];
		return bitfields
			? { name, type, bitOffset: offset & 0xffffff, bits: offset >>> 24 }
			: { name, type, bitOffset: offset, bits: 0 };
	}

	#enumerator(signed: boolean): { name: string; value: bigint } {
		const [name, value] = [this.#string(), this.#u32()];
		return { name, value: BigInt(signed ? value | 0 : value) };
	}

	#enumerator64(signed: boolean): { name: string; value: bigint } {
		const [name, low, high] = [this.#string(), this.#u32(), this.#u32()];
		const value = (BigInt(high) << 32n) | BigInt(low);
		return { name, value: signed ? BigInt.asIntN(64, value) : value };
	}

	#times<T>(count: number, read: () => T): T[] {
		return Array.from({ length: count }, read);
	}

	#u32(): number {
		const value = this.#types.readUInt32LE(this.at);
		this.at += 4;
		return value;
	}

	#string(): string {
		return stringAt(this.#strings, this.#u32());
	}
}
