import { closeSync } from "node:fs";
import { variables } from "../btf/variables.js";
import { SyscallError, VerifierError } from "../errors.js";
import { Libbpf, type Pointer } from "../ffi/libbpf.js";
import { check, ENOENT, mapInfo, openMap, openProgram, programInfo } from "./bpf.js";

/** What is set in an object between opening and loading it. */
export interface LoadOptions {
	/** The function to load. */
	program: string;
	/** Values of `const volatile` variables by name, in the variable's own size and byte order. */
	globals: ReadonlyMap<string, Uint8Array>;
	/** max_entries by map, where it is not what the object says. */
	maxEntries: ReadonlyMap<string, number>;
	/** Maps made beforehand, by name; their descriptors are closed. */
	ready: ReadonlyMap<string, number>;
	/** A map that lives as long as the program and is listed with it: BPF_PROG_BIND_MAP, since Linux 5.10. */
	bound?: number;
}

/** A program in the kernel, with its maps: descriptors to be closed. */
export interface LoadedProgram {
	id: number;
	fd: number;
	maps: ReadonlyMap<string, number>;
}

/**
 * Opens and loads an ELF object.
 * @throws VerifierError with libbpf's log, which holds the verifier's
 */
export function loadProgram(name: string, elf: Uint8Array, options: LoadOptions): LoadedProgram {
	const bpf = Libbpf.get();
	bpf.takeLog();
	const failure = (what: string, errno: number) => new VerifierError(`${what} ${name}`, errno, bpf.takeLog());
	let object: Pointer | null = null;
	try {
		object = bpf.call.openMem(elf, elf.length, { sz: 16, object_name: name }) as Pointer | null;
		if (!object) throw failure("open", bpf.errno());
		for (const [map, entries] of options.maxEntries)
			check(bpf.call.mapSetMaxEntries(findMap(object, map), entries), `max_entries of ${map}`);
		for (const [map, fd] of options.ready)
			check(bpf.call.mapReuseFd(findMap(object, map), fd), `reuse ${map}`);
		setGlobals(object, options.globals);
		const result = bpf.call.load(object);
		if (result < 0) throw failure("load", -result);
		const program = bpf.call.findProgram(object, options.program) as Pointer | null;
		if (!program) throw failure(`${options.program} is not in`, ENOENT);
		const fd = bpf.call.programFd(program);
		if (options.bound !== undefined)
			check(bpf.call.progBindMap(fd, options.bound, null), "BPF_PROG_BIND_MAP");
		// The object closes its descriptors; what we keep is opened anew.
		return openLoaded(programInfo(fd).id) as LoadedProgram;
	} finally {
		if (object) bpf.call.close(object);
		for (const fd of options.ready.values()) closeSync(fd);
	}
}

/** A program and its maps by the id of the program; undefined where it is gone. */
export function openLoaded(id: number): LoadedProgram | undefined {
	const fd = openProgram(id);
	if (fd === undefined) return undefined;
	const program = { id, fd, maps: new Map<string, number>() };
	try {
		for (const mapId of programInfo(fd).mapIds) {
			const map = openMap(mapId);
			// Where two names are the same after 15 characters, the first keeps it.
			if (map !== undefined) keepMap(program.maps, map);
		}
		return program;
	} catch (error) {
		closeLoaded(program);
		throw error;
	}
}

function keepMap(maps: Map<string, number>, fd: number): void {
	let name: string | undefined;
	try {
		({ name } = mapInfo(fd));
	} finally {
		if (name === undefined || maps.has(name)) closeSync(fd);
		else maps.set(name, fd);
	}
}

export function closeLoaded(program: LoadedProgram): void {
	for (const fd of [program.fd, ...program.maps.values()]) closeSync(fd);
}

function findMap(object: Pointer, name: string): Pointer {
	const map = Libbpf.get().call.findMap(object, name) as Pointer | null;
	if (!map) throw new SyscallError(`no map ${name} in the object`, ENOENT);
	return map;
}

function setGlobals(object: Pointer, globals: ReadonlyMap<string, Uint8Array>): void {
	if (globals.size === 0) return;
	const bpf = Libbpf.get();
	const size = new Uint32Array(1);
	const raw = bpf.call.btfRawData(bpf.call.objectBtf(object), size) as Pointer;
	const known = variables(Buffer.from(bpf.view(raw, size[0] ?? 0)), ".rodata");
	const length = new BigUint64Array(1);
	const section = bpf.call.mapInitialValue(findMap(object, ".rodata"), length) as Pointer;
	const memory = bpf.view(section, Number(length[0]));
	for (const [name, value] of globals) {
		const variable = known.get(name);
		if (!variable || variable.size !== value.length)
			throw new SyscallError(`no variable ${name} of ${value.length} bytes in the object`, ENOENT);
		memory.set(value, variable.offset);
	}
}
