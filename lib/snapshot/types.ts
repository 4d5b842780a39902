import type { Btf, TypeId } from "../btf/btf.js";

/** What the kernel knows of a program's types. */
export interface ProgramTypes {
	/** Undefined where the program has no such map. */
	map(name: string): MapTypes | undefined;
	/** Of a global variable; undefined where there is none of that name, or no BTF. */
	variable(name: string): { btf: Btf; type: TypeId } | undefined;
}

export interface MapTypes {
	/** enum bpf_map_type of <linux/bpf.h>. */
	type: number;
	/** Bytes; of a per-CPU map, of one CPU. */
	valueSize: number;
	/** Absent where the map was made without. */
	types?: { btf: Btf; key: TypeId; value: TypeId };
}
