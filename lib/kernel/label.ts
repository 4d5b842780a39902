import { createFrozenArray, lookup, u32Key } from "./bpf.js";

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

/** The map's name. */
export const LABEL_MAP = "xdp_topology";
const SIZE = 256;

/** @returns a descriptor of a frozen map */
export function createLabel(label: Label): number {
	const value = Buffer.alloc(SIZE);
	const text = JSON.stringify(label);
	if (Buffer.byteLength(text) >= SIZE) throw new RangeError(`label too long: ${text}`);
	value.write(text);
	return createFrozenArray(LABEL_MAP, [value], SIZE);
}

/** Undefined where the text is not one of ours, as of another version. */
export function readLabel(map: number): Label | undefined {
	const value = lookup(map, u32Key(0), SIZE);
	try {
		const label = JSON.parse(value?.toString("utf8", 0, value.indexOf(0)) ?? "") as Partial<Label>;
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
