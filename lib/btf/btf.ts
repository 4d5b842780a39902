/** BTF, the types of a BPF object: Documentation/bpf/btf.rst of the kernel and <linux/btf.h>. */
import { ObjectError, stringAt } from "./elf.js";

/** The number of a type within its BTF; 0 is void. */
export type TypeId = number;

export interface Member {
	/** Empty of an anonymous struct or union. */
	name: string;
	type: TypeId;
	/** From the beginning of the struct. */
	bitOffset: number;
	/** Of a bit-field; 0 of any other member. */
	bits: number;
}

export type Type =
	| { kind: "void" }
	| { kind: "int"; name: string; size: number; bits: number; signed: boolean; boolean: boolean }
	| { kind: "float"; name: string; size: number }
	| { kind: "pointer" | "const" | "volatile" | "restrict" | "tag"; type: TypeId }
	| { kind: "array"; element: TypeId; length: number }
	| { kind: "struct" | "union"; name: string; size: number; members: Member[] }
	| { kind: "enum"; name: string; size: number; signed: boolean; values: { name: string; value: bigint }[] }
	| { kind: "typedef"; name: string; type: TypeId }
	| { kind: "variable"; name: string; type: TypeId }
	| { kind: "section"; name: string; variables: TypeId[] }
	/** What no value has: a function, its prototype, a forward declaration, a tag of a declaration. */
	| { kind: "other"; name: string };

export type StructType = Extract<Type, { kind: "struct" | "union" }>;

const MAGIC = 0xeb9f;

/** The types of an object, by number. */
export class Btf {
	readonly #types: Type[] = [{ kind: "void" }];

	/**
	 * @param data the content of the section `.BTF`
	 * @throws ObjectError where it is damaged
	 */
	constructor(data: Buffer) {
		try {
			if (data.readUInt16LE(0) !== MAGIC) throw new RangeError();
			const header = data.readUInt32LE(4);
			const part = (at: number) => {
				const from = header + data.readUInt32LE(at);
				return data.subarray(from, from + data.readUInt32LE(at + 4));
			};
			this.#read(part(8), part(16));
		} catch (error) {
			if (error instanceof RangeError) throw new ObjectError("the object's BTF is damaged");
			throw error;
		}
	}

	/** struct btf_type, each with what its kind has behind it. */
	#read(types: Buffer, strings: Buffer): void {
		for (let at = 0; at < types.length; ) {
			const record = new Reader(types, at, strings);
			this.#types.push(record.type());
			at = record.at;
		}
	}

	type(id: TypeId): Type {
		const type = this.#types[id];
		if (!type) throw new ObjectError("the object's BTF is damaged");
		return type;
	}

	/** The type itself behind typedefs and qualifiers. */
	resolve(id: TypeId): Type {
		for (let at = id, steps = 0; steps < 64; steps++) {
			const type = this.type(at);
			switch (type.kind) {
				case "typedef":
				case "const":
				case "volatile":
				case "restrict":
				case "tag":
					at = type.type;
					break;
				default:
					return type;
			}
		}
		throw new ObjectError("the object's BTF is damaged");
	}

	/** In bytes. */
	sizeOf(id: TypeId): number {
		const type = this.resolve(id);
		switch (type.kind) {
			case "array":
				return type.length * this.sizeOf(type.element);
			case "pointer":
				return 8;
			case "int":
			case "float":
			case "enum":
			case "struct":
			case "union":
				return type.size;
			default:
				return 0;
		}
	}

	/** The variables of a section, such as `.maps`. */
	variables(section: string): { name: string; type: TypeId }[] {
		return this.#types.flatMap((type) =>
			type.kind === "section" && type.name === section
				? type.variables.flatMap((id) => {
						const variable = this.type(id);
						return variable.kind === "variable" ? [{ name: variable.name, type: variable.type }] : [];
					})
				: [],
		);
	}
}

/** Reads one record, from its beginning to `at` behind it. */
class Reader {
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
					values: this.#times(vlen, () => {
						const value = { name: this.#string(), value: this.#u32() };
						return { name: value.name, value: BigInt(flag ? value.value | 0 : value.value) };
					}),
				};
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
				return { kind: "other", name };
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
					values: this.#times(vlen, () => this.#enum64(flag)),
				};
			case 7: // FWD
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

	#enum64(signed: boolean): { name: string; value: bigint } {
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
