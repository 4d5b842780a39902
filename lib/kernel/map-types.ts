import { closeSync } from "node:fs";
import { Btf } from "../btf/btf.js";
import { Libbpf } from "../ffi/libbpf.js";
import { allocate } from "../ffi/memory.js";
import type { MapTypes, ProgramTypes } from "../snapshot/types.js";
import { infoOf } from "./bpf.js";
import type { LoadedProgram } from "./load.js";

/** The types that the kernel knows of a program's maps and variables. Each is read when it is asked for, and once. */
export function readTypes({ fd, maps }: Pick<LoadedProgram, "fd" | "maps">): ProgramTypes {
	const known = new Map<number, Btf | undefined>();
	const btfOf = (id: number): Btf | undefined => {
		if (!known.has(id)) known.set(id, readBtf(id));
		return known.get(id);
	};
	return {
		map: (name) => {
			const map = maps.get(name);
			return map === undefined ? undefined : typesOfMap(map, btfOf);
		},
		variable: (name) => {
			const btf = btfOf(programBtf(fd));
			const type = btf?.variable(name);
			return btf && type !== undefined ? { btf, type } : undefined;
		},
	};
}

/** Of struct bpf_map_info, <linux/bpf.h>, up to and including `btf_value_type_id`. */
const MAP_INFO = 80;

function typesOfMap(map: number, btfOf: (id: number) => Btf | undefined): MapTypes {
	const bytes = infoOf(map, MAP_INFO);
	const [id, key, value] = [64, 68, 72].map((at) => bytes.readUInt32LE(at)) as [number, number, number];
	// libbpf makes maps of devices, CPUs, sockets and maps without types.
	const btf = id === 0 ? undefined : btfOf(id);
	return {
		type: bytes.readUInt32LE(0),
		valueSize: bytes.readUInt32LE(12),
		...(btf && key !== 0 && value !== 0 && { types: { btf, key, value } }),
	};
}

/** Of struct bpf_prog_info up to and including `btf_id`. */
const PROGRAM_INFO = 136;

function programBtf(program: number): number {
	return infoOf(program, PROGRAM_INFO).readUInt32LE(128);
}

/** Of struct bpf_btf_info: the address of a buffer, its size, the id, and the same of a name. */
const BTF_INFO = 32;

/** The types that were loaded with an object. Undefined where they are gone, or not understood. */
function readBtf(id: number): Btf | undefined {
	const fd = id === 0 ? -1 : Libbpf.get().call.btfFdById(id);
	if (fd < 0) return undefined;
	try {
		const size = infoOf(fd, BTF_INFO).readUInt32LE(8);
		const memory = allocate(size);
		try {
			infoOf(fd, BTF_INFO, (bytes) => {
				bytes.writeBigUInt64LE(memory.address, 0);
				bytes.writeUInt32LE(size, 8);
			});
			return new Btf(Buffer.from(memory.bytes));
		} finally {
			memory.free();
		}
	} catch {
		return undefined; // values are shown as bytes then
	} finally {
		closeSync(fd);
	}
}
