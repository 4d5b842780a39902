import type { Btf, Member, StructType, TypeId } from "./btf.js";

/** Members of a struct that are written out; of more, the rest is an ellipsis. */
const SHOWN = 12;
/** Anonymous structs within each other that are written out. */
const MAX_BODIES = 3;
/** Types in a row; a damaged object's pointers may lead in a circle. */
const MAX_STEPS = 32;

/** A type as C writes it in a cast: `__u32`, `unsigned char[6]`, `struct key { __u32 saddr; }`. */
export function printType(btf: Btf, id: TypeId): string {
	return new Printer(btf, true).declare(id, "");
}

/** A member as C declares it: `__u8 flag : 1`. */
export function printMember(btf: Btf, member: Member): string {
	return new Printer(btf, false).member(member);
}

class Printer {
	readonly #btf: Btf;
	/** Write out the members also of a struct that has a name. */
	readonly #body: boolean;
	readonly #bodies: number;
	readonly #steps: number;

	constructor(btf: Btf, body: boolean, bodies = 0, steps = 0) {
		this.#btf = btf;
		this.#body = body;
		this.#bodies = bodies;
		this.#steps = steps;
	}

	/** A declaration: `unsigned char mac[6]`; without a declarator, the type alone. */
	declare(id: TypeId, declarator: string): string {
		const type = this.#btf.type(id);
		const named = (text: string) => (declarator === "" ? text : `${text} ${declarator}`);
		if (this.#steps > MAX_STEPS) return named("…");
		// An array of pointers binds the other way round than a pointer to an array.
		const bound = declarator.startsWith("*") ? `(${declarator})` : declarator;
		switch (type.kind) {
			case "array":
				return this.#next(this.#body)
					.declare(type.element, `${bound}[${type.length}]`)
					.replace(/ (?=\[[^;]*$)/, "");
			case "pointer":
				return this.#next(false).declare(type.type, `*${declarator}`);
			case "const":
			case "volatile":
				return this.#btf.resolve(type.type).kind === "pointer" && this.#btf.type(type.type).kind !== "typedef"
					? this.#next(this.#body).declare(type.type, `${type.kind} ${declarator}`.trimEnd())
					: `${type.kind} ${this.#next(this.#body).declare(type.type, declarator)}`;
			case "restrict":
			case "tag":
				return this.#next(this.#body).declare(type.type, declarator);
			case "struct":
			case "union":
				return named(this.#struct(type));
			case "enum":
				return named(type.name === "" ? "enum" : `enum ${type.name}`);
			case "void":
				return named("void");
			case "forward":
				return named(`${type.of} ${type.name}`);
			case "prototype":
				return this.#next(false).declare(type.result, `${bound}(…)`);
			default:
				return named(type.name);
		}
	}

	#struct(type: StructType): string {
		const head = type.name === "" ? type.kind : `${type.kind} ${type.name}`;
		if (!this.#body && type.name !== "") return head;
		if (this.#bodies > MAX_BODIES) return `${head} { … }`;
		const inner = new Printer(this.#btf, false, this.#bodies + 1, this.#steps);
		const members = type.members.slice(0, SHOWN).map((member) => `${inner.member(member)};`);
		if (type.members.length > SHOWN) members.push("…");
		return [head, "{", ...members, "}"].join(" ");
	}

	member({ type, name, bits }: Member): string {
		return this.declare(type, bits > 0 ? `${name} : ${bits}` : name);
	}

	#next(body: boolean): Printer {
		return new Printer(this.#btf, body, this.#bodies, this.#steps + 1);
	}
}
