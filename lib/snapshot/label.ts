/**
 * The mark on a loaded program: a map bound to it (BPF_PROG_BIND_MAP), which lives as long as the
 * program, and whose one entry says in JSON what the program is. So a program can be recognised from
 * the kernel alone, whoever's object it was loaded from.
 */
export interface Label {
	lab: string;
	/** The program's name in the lab: `fib-uncached`. */
	program: string;
	/** The object that it was loaded from: `fib`. */
	source: string;
	/** Of that object's content. */
	digest: string;
	/** Its `const volatile` switches. */
	globals: Record<string, boolean>;
	/** The ifindex of port 0. */
	firstIfindex: number;
	/** How many ports its maps have. */
	ports: number;
}

/** In bytes, padded with zeros. */
export const LABEL_SIZE = 256;

/** JSON, as the map holds it. */
export function encodeLabel(label: Label): Buffer {
	const value = Buffer.alloc(LABEL_SIZE);
	const text = JSON.stringify(label);
	if (Buffer.byteLength(text) >= LABEL_SIZE) throw new RangeError(`label too long: ${text}`);
	value.write(text);
	return value;
}

/** Undefined where the text is not one of ours, as of another version. */
export function decodeLabel(value: Buffer): Label | undefined {
	try {
		const label = JSON.parse(value.toString("utf8", 0, value.indexOf(0))) as Partial<Label>;
		const { lab, program, source, digest, globals, firstIfindex, ports } = label;
		if (typeof lab !== "string" || typeof program !== "string") return undefined;
		if (typeof source !== "string" || typeof digest !== "string") return undefined;
		if (typeof globals !== "object" || globals === null) return undefined;
		if (typeof firstIfindex !== "number" || typeof ports !== "number") return undefined;
		return { lab, program, source, digest, globals, firstIfindex, ports };
	} catch {
		return undefined;
	}
}
