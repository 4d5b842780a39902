/** The global variables of a BPF object, from its BTF: Documentation/bpf/btf.rst of the kernel. */

export interface Variable {
	/** Offset within its section, in bytes. */
	offset: number;
	/** In bytes. */
	size: number;
}

/** BTF_KIND_*: what follows struct btf_type, in bytes, by the kind and its vlen. */
const TRAILING: Record<number, (vlen: number) => number> = {
	1: () => 4, // INT
	3: () => 12, // ARRAY
	4: (vlen) => 12 * vlen, // STRUCT
	5: (vlen) => 12 * vlen, // UNION
	6: (vlen) => 8 * vlen, // ENUM
	13: (vlen) => 8 * vlen, // FUNC_PROTO
	14: () => 4, // VAR
	15: (vlen) => 12 * vlen, // DATASEC
	17: () => 4, // DECL_TAG
	19: (vlen) => 12 * vlen, // ENUM64
};
const VAR = 14;
const DATASEC = 15;

/**
 * The variables of one section (`.rodata`) by name.
 * @param btf as `btf__raw_data` returns it: struct btf_header, types, strings; host byte order
 */
export function variables(btf: Buffer, section: string): Map<string, Variable> {
	const header = btf.readUInt32LE(4);
	const types = btf.subarray(header + btf.readUInt32LE(8)).subarray(0, btf.readUInt32LE(12));
	const strings = btf.subarray(header + btf.readUInt32LE(16));
	const nameAt = (offset: number) => strings.toString("utf8", offset, strings.indexOf(0, offset));

	const names = [""]; // of BTF_KIND_VAR by type id; id 0 is void
	const found = new Map<string, Variable>();
	const pending: [id: number, variable: Variable][] = [];
	for (let at = 0; at + 12 <= types.length; ) {
		const info = types.readUInt32LE(at + 4);
		const kind = (info >>> 24) & 0x1f;
		const vlen = info & 0xffff;
		const name = nameAt(types.readUInt32LE(at));
		names.push(kind === VAR ? name : "");
		if (kind === DATASEC && name === section)
			for (let i = 0; i < vlen; i++) {
				const entry = at + 12 + 12 * i;
				const [id, offset, size] = [0, 4, 8].map((field) => types.readUInt32LE(entry + field));
				pending.push([id ?? 0, { offset: offset ?? 0, size: size ?? 0 }]);
			}
		at += 12 + (TRAILING[kind]?.(vlen) ?? 0);
	}
	for (const [id, variable] of pending) found.set(names[id] ?? "", variable);
	return found;
}
