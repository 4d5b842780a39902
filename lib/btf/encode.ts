import type { Btf, TypeId } from "./btf.js";
import { parseBytes } from "./bytes.js";
import { type Encoded, encoded } from "./encoded.js";
import { rangeOf, toInteger } from "./integer.js";
import { digitsOf, Memory, text } from "./memory.js";
import { referenceIn, writeReference } from "./reference.js";
import { writeNumber } from "./scalar.js";
import type { Place, Surroundings } from "./surroundings.js";
import { writeValue } from "./value.js";

/** More than a topology file could write out, in bytes. */
const MAX_SIZE = 16 * 1024 * 1024;

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
		const memory = this.#allocate(this.#btf.sizeOf(type), place);
		if (!memory) return encoded(Buffer.alloc(0));
		writeValue(memory, type, value, place, 0);
		return memory.encoded;
	}

	/** A value of so many bytes whose type nobody knows. */
	encodeUntyped(size: number, value: unknown, place: Place): Encoded {
		const memory = this.#allocate(size, place);
		if (!memory) return encoded(Buffer.alloc(0));
		const name = `${size} bytes without a BTF type`;
		// What is as large as an integer is one; digits of anything else are its bytes.
		const integer = [1, 2, 4, 8].includes(size) ? toInteger(value) : undefined;
		const bytes = typeof value === "string" ? parseBytes(value, size) : undefined;
		if (referenceIn(value))
			writeReference(memory, { name, at: 0, size, integer: true, bytes: true }, value as object, place);
		else if (integer !== undefined)
			writeNumber(memory, integer, { name, at: 0, size, range: rangeOf(8 * size, integer < 0n) }, place);
		else if (bytes) bytes.copy(memory.bytes);
		else {
			const hint = [1, 2, 4, 8].includes(size) ? "a whole number" : digitsOf(size);
			memory.problem(place, `${text(value)} does not fit ${name}`, hint);
		}
		return memory.encoded;
	}

	/** A number of 32 bits that the kernel knows by a name: `ifindex`, `qsize`. */
	encodeNumber(name: string, value: unknown, place: Place): Encoded {
		const memory = new Memory(this.#btf, this.#around, 4);
		const target = { name: `\`${name}\``, at: 0, size: 4 };
		const integer = toInteger(value);
		if (referenceIn(value))
			writeReference(memory, { ...target, integer: true, bytes: false }, value as object, place);
		else if (integer !== undefined)
			writeNumber(memory, integer, { ...target, range: rangeOf(32, false) }, place);
		else memory.problem(place, `${text(value)} does not fit ${target.name}`, "a whole number");
		return memory.encoded;
	}

	/** The number of an interface. @param end its name, as the file has it at `place` */
	encodeIfindex(end: string, place: Place): Encoded {
		const found = this.#around.reference("ifindex", end, place);
		return encoded(Buffer.alloc(4), typeof found === "string" ? [{ at: 0, size: 4, end: found }] : []);
	}

	#allocate(size: number, place: Place): Memory | undefined {
		if (size <= MAX_SIZE) return new Memory(this.#btf, this.#around, size);
		this.#around.problem(place, `a value of ${size} bytes cannot be given here`, `at most ${MAX_SIZE}`);
		return undefined;
	}
}
