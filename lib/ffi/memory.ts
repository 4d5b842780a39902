import koffi from "koffi";

/** Memory that is never moved or collected, for structures that hold an address. To be freed. */
export interface Memory {
	readonly address: bigint;
	/** The memory itself; not to be used after {@link free}. */
	readonly bytes: Buffer;
	free(): void;
}

/** Zeroed. */
export function allocate(size: number): Memory {
	const pointer = koffi.alloc("uint8_t", size);
	const bytes = Buffer.from(koffi.view(pointer, size));
	bytes.fill(0);
	return { address: koffi.address(pointer), bytes, free: () => koffi.free(pointer) };
}

const libc = koffi.load("libc.so.6");
const malloc = libc.func("void *malloc(size_t size)");
const free = libc.func("void free(void *memory)");

/** Large memory that takes room only as far as it is written: with whatever content, and a zero at its beginning. */
export function reserve(size: number): Omit<Memory, "address"> & { pointer: unknown } {
	const pointer = malloc(size);
	if (!pointer) throw new Error(`no memory for ${size} bytes`);
	const bytes = Buffer.from(koffi.view(pointer, size));
	bytes[0] = 0;
	return { pointer, bytes, free: () => free(pointer) };
}
