import type { Btf, TypeId } from "./btf.js";
import { type Encoded, encoded, type IfindexSlot } from "./encoded.js";
import { printType } from "./print.js";
import type { Place, Surroundings } from "./surroundings.js";

/** The memory that one value is written to, zeroed at first. */
export class Memory {
	readonly btf: Btf;
	readonly bytes: Buffer;
	readonly slots: IfindexSlot[] = [];
	readonly #around: Surroundings;

	/** @param size in bytes */
	constructor(btf: Btf, around: Surroundings, size: number) {
		this.btf = btf;
		this.bytes = Buffer.alloc(size);
		this.#around = around;
	}

	get encoded(): Encoded {
		return encoded(this.bytes, this.slots);
	}

	get reference(): Surroundings["reference"] {
		return this.#around.reference;
	}

	problem(place: Place, message: string, hint?: string): void {
		this.#around.problem(place, message, hint);
	}

	/** @param expected what would fit */
	misfit(id: TypeId, value: unknown, place: Place, expected: string): void {
		this.problem(place, `${text(value)} does not fit ${this.print(id)}`, expected);
	}

	/** A type as C writes it, in backticks. */
	print(id: TypeId): string {
		return `\`${printType(this.btf, id)}\``;
	}
}

export function isMapping(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value of the user's, in a message. */
export function text(value: unknown): string {
	const SHOWN = 60;
	if (Array.isArray(value)) return "a list";
	if (isMapping(value)) return "a mapping";
	const all = String(value);
	return `\`${all.length > SHOWN ? `${all.slice(0, SHOWN)}…` : all}\``;
}

/** `a`, `b`, …: of many names, some. */
export function names(all: readonly { name: string }[]): string {
	const SHOWN = 8;
	const shown = all.slice(0, SHOWN).map(({ name }) => `\`${name}\``);
	return [...shown, ...(all.length > SHOWN ? ["…"] : [])].join(", ");
}

/** Without quotes, YAML takes some for a number. @param size in bytes */
export function digitsOf(size: number): string {
	return `${2 * size} hexadecimal digits in quotes`;
}
