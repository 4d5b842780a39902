/**
 * The mark on a loaded program: a map bound to it (BPF_PROG_BIND_MAP), which lives as long as the
 * program, and whose one entry says in JSON what the program is. So a program can be recognised from
 * the kernel alone, whoever's object it was loaded from.
 */
export interface Label {
	lab: string;
	/** The program's name in the lab: `fib-uncached`. */
	program: string;
	/** The built-in object that it was loaded from: `fib`; of a file's own program, its C function. */
	source: string;
	/** Of the object's content. */
	digest: string;
	/** What was set before it was loaded: switches of a built-in program, {@link settingOf} of any other. */
	globals: Record<string, boolean | string>;
	/** The ifindex of port 0. */
	firstIfindex: number;
	/** How many ports its maps have. */
	ports: number;
	/** Of a file's own program. */
	own?: OwnLabel;
}

export interface OwnLabel {
	/** The maps of its object by name: the kernel keeps 15 characters of one. */
	maps: Record<string, { id: number; definition: string }>;
	/** The folder in which they are pinned, and those of its path that were made for it. */
	pin?: { path: string; made: string[] };
}

/** JSON, as the map holds it: padded with zeros, with room for one at the end. */
export function encodeLabel(label: Label): Buffer {
	const text = Buffer.from(JSON.stringify(label));
	const GRAIN = 256;
	const value = Buffer.alloc(Math.ceil((text.length + 1) / GRAIN) * GRAIN);
	text.copy(value);
	return value;
}

/** Undefined where the text is not one of ours, as of another version. */
export function decodeLabel(value: Buffer): Label | undefined {
	try {
		const label = JSON.parse(value.toString("utf8", 0, value.indexOf(0))) as Partial<Label>;
		const { lab, program, source, digest, globals, firstIfindex, ports, own } = label;
		if (typeof lab !== "string" || typeof program !== "string") return undefined;
		if (typeof source !== "string" || typeof digest !== "string") return undefined;
		if (typeof globals !== "object" || globals === null) return undefined;
		if (typeof firstIfindex !== "number" || typeof ports !== "number") return undefined;
		if (own !== undefined && (typeof own !== "object" || typeof own?.maps !== "object")) return undefined;
		return { lab, program, source, digest, globals, firstIfindex, ports, ...(own && { own }) };
	} catch {
		return undefined;
	}
}
