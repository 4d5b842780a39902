/** A value in the memory of the kernel, but for the numbers of interfaces, which it has only then. */
export interface Encoded {
	/** Hexadecimal, in the order of memory. */
	hex: string;
	/** Where ifindexes go: host byte order. Absent where there are none. */
	ifindexes?: IfindexSlot[];
}

export interface IfindexSlot {
	/** Offset in bytes. */
	at: number;
	/** In bytes: 4 to 8. */
	size: number;
	/** NAMESPACE:INTERFACE */
	end: `${string}:${string}`;
}

export function encoded(bytes: Buffer, slots: IfindexSlot[] = []): Encoded {
	return { hex: bytes.toString("hex"), ...(slots.length > 0 && { ifindexes: slots }) };
}

/** The ends whose ifindexes a value has. */
export function endsOf({ ifindexes = [] }: Encoded): IfindexSlot["end"][] {
	return ifindexes.map(({ end }) => end);
}

/** The bytes themselves; undefined where an interface is not there. */
export function fill(
	{ hex, ifindexes = [] }: Encoded,
	ifindexOf: (end: IfindexSlot["end"]) => number | undefined,
): Buffer | undefined {
	const bytes = Buffer.from(hex, "hex");
	for (const { at, end } of ifindexes) {
		const index = ifindexOf(end);
		if (index === undefined) return undefined;
		bytes.writeUInt32LE(index, at);
	}
	return bytes;
}
