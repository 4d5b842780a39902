/** BTF, the types of a BPF object: Documentation/bpf/btf.rst of the kernel and <linux/btf.h>. */
import { ObjectError } from "./elf.js";
import { type Extent, measure } from "./extent.js";
import { RecordReader } from "./record.js";

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
	| {
			kind: "enum";
			name: string;
			size: number;
			/** False also where it is not known: clang before 15 does not say. */
			signed: boolean;
			values: { name: string; value: bigint }[];
			/** Of values of 64 bits only 32 are known: clang before 15 has no BTF_KIND_ENUM64. */
			cut: boolean;
	  }
	| { kind: "typedef"; name: string; type: TypeId }
	| { kind: "variable"; name: string; type: TypeId }
	| { kind: "section"; name: string; variables: TypeId[] }
	/** What no value has: a function and its prototype, a forward declaration, a tag of a declaration. */
	| { kind: "prototype"; result: TypeId }
	| { kind: "forward"; name: string; of: "struct" | "union" }
	| { kind: "other"; name: string };

export type IntType = Extract<Type, { kind: "int" }>;
export type EnumType = Extract<Type, { kind: "enum" }>;
export type ArrayType = Extract<Type, { kind: "array" }>;
export type StructType = Extract<Type, { kind: "struct" | "union" }>;

const MAGIC = 0xeb9f;

/** The types of an object, by number. */
export class Btf {
	readonly #types: readonly Type[];
	readonly #extents: readonly Extent[];

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
				const to = from + data.readUInt32LE(at + 4);
				if (to > data.length) throw new RangeError();
				return data.subarray(from, to);
			};
			const [types, strings] = [part(8), part(16)];
			this.#types = [{ kind: "void" }, ...readTypes(types, strings)];
			this.#extents = measure(this.#types);
		} catch (error) {
			if (error instanceof RangeError) throw new ObjectError("the object's BTF is damaged");
			throw error;
		}
	}

	type(id: TypeId): Type {
		const type = this.#types[id];
		if (!type) throw new ObjectError("the object's BTF is damaged");
		return type;
	}

	/** The type itself behind typedefs and qualifiers. */
	resolve(id: TypeId): Type {
		const type = this.type(id);
		return isAlias(type) ? this.resolve(type.type) : type;
	}

	/** In bytes. */
	sizeOf(id: TypeId): number {
		return this.#extents[id]?.size ?? 0;
	}

	/** The names of the variables and functions of a section, such as `.ksyms`. */
	namesIn(section: string): string[] {
		return this.#types.flatMap((type) =>
			type.kind === "section" && type.name === section
				? type.variables.flatMap((id) => {
						const member = this.type(id);
						return "name" in member ? [member.name] : [];
					})
				: [],
		);
	}

	/** The type of a global variable by its name; undefined where there is none. */
	variable(name: string): TypeId | undefined {
		const found = this.#types.find((type) => type.kind === "variable" && type.name === name);
		return found?.kind === "variable" ? found.type : undefined;
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

/** Another name of a type, or the same with a qualifier. */
export function isAlias(
	type: Type,
): type is Extract<Type, { kind: "typedef" | "const" | "volatile" | "restrict" | "tag" }> {
	return ["typedef", "const", "volatile", "restrict", "tag"].includes(type.kind);
}

function* readTypes(types: Buffer, strings: Buffer): Iterable<Type> {
	for (let at = 0; at < types.length; ) {
		const record = new RecordReader(types, at, strings);
		yield record.type();
		at = record.at;
	}
}
