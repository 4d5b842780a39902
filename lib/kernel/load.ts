import { closeSync } from "node:fs";
import { type ProgramDefinition, readBpfObject } from "../btf/object.js";
import { SyscallError, VerifierError } from "../errors.js";
import { Libbpf, type Pointer } from "../ffi/libbpf.js";
import { reserve } from "../ffi/memory.js";
import { PROG_ARRAY } from "../programs/maps.js";
import { type Logs, type Refusal, readRefusal } from "../programs/refusal.js";
import type { Label, OwnLabel } from "../snapshot/label.js";
import { check, ENOENT, mapInfo, openMap, openProgram, programInfo } from "./bpf.js";
import { LABEL_MAP, readLabel } from "./label.js";

/** What is set in an object between opening and loading it. */
export interface LoadOptions {
	/** The function to load. */
	program: string;
	/** Values of global variables by name, in the variable's own size and byte order. */
	globals: ReadonlyMap<string, Uint8Array>;
	/** max_entries by map, where it is not what the object says. */
	maxEntries?: ReadonlyMap<string, number>;
	/** Maps to use instead of making them, by name. */
	maps?: ReadonlyMap<string, number>;
	/** A loaded program of the same object, all of whose maps are used. */
	sharing?: LoadedProgram;
	/** Functions to load as well, to be put into a prog_array. */
	functions?: readonly string[];
	/**
	 * A map that is to live as long as the program, as do all maps of the object then, those that the
	 * program does not use itself among them: BPF_PROG_BIND_MAP, since Linux 5.10.
	 * @param maps the ids of the object's maps, by name
	 * @param name the function that it is a label of
	 * @returns its descriptor, which is closed
	 */
	label?: (maps: ReadonlyMap<string, number>, name: string) => number;
}

/** A program in the kernel, with its maps: descriptors to be closed. */
export interface LoadedProgram {
	id: number;
	fd: number;
	maps: ReadonlyMap<string, number>;
	/** Functions of the same object that work on the same maps, as far as this command has loaded them. */
	functions: Map<string, number>;
	/** Absent where it was loaded by somebody else. */
	label: Label | undefined;
}

/**
 * Opens and loads an ELF object: one of its programs, and its maps. Nothing is pinned.
 * @param name what an error calls it
 * @throws VerifierError with the reason and the verifier's log
 */
export function loadProgram(name: string, elf: Buffer, options: LoadOptions): LoadedProgram {
	const bpf = Libbpf.get();
	bpf.takeLog();
	const verifierLog = reserve(VERIFIER_LOG);
	const failure = (why: (logs: Logs) => Refusal) => {
		const logs = { libbpf: bpf.takeLog(), verifier: textOf(verifierLog.bytes) };
		return new VerifierError([{ program: name, ...why(logs), log: `${logs.libbpf}${logs.verifier}` }]);
	};
	const refused = (errno: number) => failure((logs) => readRefusal(logs, errno, options.program));
	let object: Pointer | null = null;
	try {
		object = bpf.call.openMem(elf, elf.length, { sz: 16, object_name: name }) as Pointer | null;
		if (!object) throw refused(bpf.errno());
		choose(object, elf, [options.program, ...(options.functions ?? [])]);
		for (const program of programsOf(object).values())
			check(bpf.call.programSetLogBuffer(program, verifierLog.pointer, VERIFIER_LOG), "log_buf");
		for (const map of mapsOf(object).values()) check(bpf.call.mapSetPinPath(map, null), "pin path");
		for (const [map, entries] of options.maxEntries ?? [])
			check(bpf.call.mapSetMaxEntries(findMap(object, map), entries), `max_entries of ${map}`);
		for (const [map, fd] of options.maps ?? [])
			check(bpf.call.mapReuseFd(findMap(object, map), fd), `reuse ${map}`);
		if (options.sharing) share(object, options.sharing);
		setGlobals(object, elf, options.globals);
		const result = bpf.call.load(object);
		if (result < 0) throw refused(-result);
		const idOf = (name: string) => {
			const program = bpf.call.findProgram(object as Pointer, name) as Pointer | null;
			if (!program) {
				const reason = `the object has no function \`${name}\``;
				throw failure(() => ({ byVerifier: false, reason, excerpt: "" }));
			}
			const fd = bpf.call.programFd(program);
			bind(fd, object as Pointer, name, options.label);
			return programInfo(fd).id;
		};
		// The object closes its descriptors; what we keep is opened anew.
		const loaded = openLoaded(idOf(options.program)) as LoadedProgram;
		try {
			for (const name of options.functions ?? [])
				loaded.functions.set(name, openProgram(idOf(name)) as number);
			return loaded;
		} catch (error) {
			closeLoaded(loaded);
			throw error;
		}
	} finally {
		if (object) bpf.call.close(object);
		verifierLog.free();
	}
}

/**
 * Bytes for the verifier's log, which libbpf asks for when a program is refused. Since Linux 6.4 the kernel keeps
 * the end of a longer log, before that its beginning. libbpf's own buffer grows, and verifies again each time.
 */
const VERIFIER_LOG = 1 << 24;

/** The end of a text that a zero ends: the reason is there. */
function textOf(bytes: Buffer): string {
	const KEPT = 1 << 20;
	const length = bytes.indexOf(0);
	if (length <= KEPT) return bytes.toString("utf8", 0, length);
	return bytes.toString("utf8", bytes.indexOf("\n", length - KEPT) + 1, length);
}

/** <linux/bpf.h> */
const BPF_PROG_TYPE_XDP = 6;
const ATTACH_TYPES = { interface: 37, devmap: 33, cpumap: 35 }; // BPF_XDP, BPF_XDP_DEVMAP, BPF_XDP_CPUMAP

/** Has libbpf load some functions, and those that the object itself puts into its prog_arrays. */
function choose(object: Pointer, elf: Buffer, wanted: readonly string[]): void {
	const { call } = Libbpf.get();
	const { programs, maps } = readBpfObject(elf);
	const definitions = new Map(programs.map((program) => [program.name, program]));
	const called = maps.filter(({ type }) => type === PROG_ARRAY).flatMap(({ slots }) => slots);
	const loaded = new Set([...wanted, ...called.map(({ name }) => name)]);
	for (const [name, program] of programsOf(object)) {
		const { xdp } = definitions.get(name) ?? ({} as Partial<ProgramDefinition>);
		check(call.programSetAutoload(program, loaded.has(name)), `autoload of ${name}`);
		if (!xdp?.legacy) continue;
		check(call.programSetType(program, BPF_PROG_TYPE_XDP), `type of ${name}`);
		check(call.programSetAttachType(program, ATTACH_TYPES[xdp.place]), `attach type of ${name}`);
	}
}

/** Makes an object's maps and the label live as long as the program, and be listed with it. */
function bind(program: number, object: Pointer, name: string, label: LoadOptions["label"]): void {
	if (!label) return;
	const { call } = Libbpf.get();
	const ids = new Map<string, number>();
	for (const [map, pointer] of mapsOf(object)) {
		const fd = call.mapFd(pointer);
		check(call.progBindMap(program, fd, null), `BPF_PROG_BIND_MAP ${map}`);
		ids.set(map, mapInfo(fd).id);
	}
	const fd = label(ids, name);
	try {
		check(call.progBindMap(program, fd, null), "BPF_PROG_BIND_MAP");
	} finally {
		closeSync(fd);
	}
}

function programsOf(object: Pointer): Map<string, Pointer> {
	const { nextProgram, programName } = Libbpf.get().call;
	return listOf(object, nextProgram, programName);
}

function mapsOf(object: Pointer): Map<string, Pointer> {
	const { nextMap, mapName } = Libbpf.get().call;
	return listOf(object, nextMap, mapName);
}

/** What an iterator of libbpf's gives, by name. */
function listOf(
	object: Pointer,
	next: (object: Pointer, previous: Pointer | null) => Pointer | null,
	nameOf: (one: Pointer) => string,
): Map<string, Pointer> {
	const found = new Map<string, Pointer>();
	for (let one = next(object, null); one; one = next(object, one)) found.set(nameOf(one), one);
	return found;
}

/** A program and its maps by the id of the program; undefined where it is gone. */
export function openLoaded(id: number): LoadedProgram | undefined {
	const fd = openProgram(id);
	if (fd === undefined) return undefined;
	const maps = new Map<string, number>();
	const program: LoadedProgram = { id, fd, maps, functions: new Map(), label: undefined };
	try {
		for (const mapId of programInfo(fd).mapIds) {
			const map = openMap(mapId);
			if (map !== undefined) keepMap(maps, map);
		}
		const mark = maps.get(LABEL_MAP);
		const label = mark === undefined ? undefined : readLabel(mark);
		// Of a program of a file's own, the label has the names in full.
		if (label?.own) nameInFull(maps, label.own);
		return { ...program, label };
	} catch (error) {
		closeLoaded(program);
		throw error;
	}
}

/** The kernel keeps 15 characters of a name; where two are the same, the first keeps it. */
function keepMap(maps: Map<string, number>, fd: number): void {
	let name: string | undefined;
	try {
		const info = mapInfo(fd);
		name = maps.has(info.name) ? `${info.name}#${info.id}` : info.name;
	} finally {
		if (name === undefined) closeSync(fd);
		else maps.set(name, fd);
	}
}

function nameInFull(maps: Map<string, number>, own: OwnLabel): void {
	const names = new Map(Object.entries(own.maps).map(([name, { id }]) => [id, name]));
	for (const [short, fd] of [...maps]) {
		const name = names.get(mapInfo(fd).id);
		if (name === undefined || name === short) continue;
		maps.delete(short);
		maps.set(name, fd);
	}
}

export function closeLoaded({ fd, maps, functions }: LoadedProgram): void {
	for (const one of [fd, ...maps.values(), ...functions.values()]) closeSync(one);
}

/** Has an object use the maps of a program that was loaded from it. */
function share(object: Pointer, { maps }: LoadedProgram): void {
	for (const [name, map] of mapsOf(object)) {
		const fd = maps.get(name) ?? sectionMap(name, maps);
		if (fd !== undefined) check(Libbpf.get().call.mapReuseFd(map, fd), `reuse ${name}`);
	}
}

/** The map of a section, such as `.bss`: its name has that of the object before it, internal_map_name() of libbpf. */
function sectionMap(section: string, maps: LoadedProgram["maps"]): number | undefined {
	const KEPT = 15;
	const end = section.slice(0, KEPT).replace(/[^A-Za-z0-9_.]/g, "_");
	return section.startsWith(".") ? [...maps].find(([name]) => name.endsWith(end))?.[1] : undefined;
}

function findMap(object: Pointer, name: string): Pointer {
	const map = Libbpf.get().call.findMap(object, name) as Pointer | null;
	if (!map) throw new SyscallError(`no map ${name} in the object`, ENOENT);
	return map;
}

function setGlobals(object: Pointer, elf: Buffer, globals: ReadonlyMap<string, Uint8Array>): void {
	if (globals.size === 0) return;
	const bpf = Libbpf.get();
	const { variables, btf } = readBpfObject(elf);
	for (const [name, value] of globals) {
		const [variable] = variables.get(name) ?? [];
		if (!variable || btf.sizeOf(variable.type) !== value.length)
			throw new SyscallError(`no variable ${name} of ${value.length} bytes in the object`, ENOENT);
		const length = new BigUint64Array(1);
		const section = bpf.call.mapInitialValue(findMap(object, variable.section), length) as Pointer;
		bpf.view(section, Number(length[0])).set(value, variable.offset);
	}
}
