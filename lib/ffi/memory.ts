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
