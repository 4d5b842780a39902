import { closeSync } from "node:fs";
import { SyscallError } from "../errors.js";
import { Libbpf } from "../ffi/libbpf.js";
import { allocate } from "../ffi/memory.js";
import { mapType } from "../programs/maps.js";

/** The fields that we read of struct bpf_prog_info, <linux/bpf.h>. */
export interface ProgramInfo {
	id: number;
	name: string;
	/** Hash of the instructions, 16 hex digits. */
	tag: string;
	/** Nanoseconds since boot. */
	loadTime: bigint;
	mapIds: number[];
}

/** The fields that we read of struct bpf_map_info. */
export interface MapInfo {
	id: number;
	name: string;
	type: number;
	keySize: number;
	valueSize: number;
	maxEntries: number;
}

/** Of `struct bpf_prog_info` up to and including `name`; older and newer kernels agree so far. */
const PROGRAM_INFO = 80;
const MAP_INFO = 40;
/** Ids of maps to have room for at first: MAX_USED_MAPS of <linux/bpf_verifier.h>; bound maps are not limited. */
const MAPS = 64;

/** Throws {@link SyscallError} where a function of libbpf returns a negative errno. */
export function check(result: number, call: string): number {
	if (result < 0) throw new SyscallError(call, -result);
	return result;
}

/** The information of a program, map or BTF, of which the kernel fills in as much as there is room for. */
export function infoOf(fd: number, size: number, prepare: (bytes: Buffer) => void = () => {}): Buffer {
	const bytes = Buffer.alloc(size);
	prepare(bytes);
	check(Libbpf.get().call.infoByFd(fd, bytes, new Uint32Array([size])), "BPF_OBJ_GET_INFO_BY_FD");
	return bytes;
}

const nameIn = (bytes: Buffer) => bytes.toString("latin1", 0, bytes.indexOf(0));

export function programInfo(fd: number, room = MAPS): ProgramInfo {
	const mapIds = allocate(4 * room);
	try {
		const bytes = infoOf(fd, PROGRAM_INFO, (bytes) => {
			bytes.writeUInt32LE(room, 52);
			bytes.writeBigUInt64LE(mapIds.address, 56);
		});
		const count = bytes.readUInt32LE(52);
		if (count > room) return programInfo(fd, count);
		return {
			id: bytes.readUInt32LE(4),
			tag: bytes.toString("hex", 8, 16),
			loadTime: bytes.readBigUInt64LE(40),
			mapIds: Array.from({ length: count }, (_, i) => mapIds.bytes.readUInt32LE(4 * i)),
			name: nameIn(bytes.subarray(64, 80)),
		};
	} finally {
		mapIds.free();
	}
}

export function mapInfo(fd: number): MapInfo {
	const bytes = infoOf(fd, MAP_INFO);
	return {
		type: bytes.readUInt32LE(0),
		id: bytes.readUInt32LE(4),
		keySize: bytes.readUInt32LE(8),
		valueSize: bytes.readUInt32LE(12),
		maxEntries: bytes.readUInt32LE(16),
		name: nameIn(bytes.subarray(24, 40)),
	};
}

export const ENOENT = 2;

/** A descriptor of the program with this id; undefined where it is gone. */
export function openProgram(id: number): number | undefined {
	const fd = Libbpf.get().call.progFdById(id);
	return fd === -ENOENT ? undefined : check(fd, `BPF_PROG_GET_FD_BY_ID ${id}`);
}

/** A descriptor of the map with this id; undefined where it is gone. */
export function openMap(id: number): number | undefined {
	const fd = Libbpf.get().call.mapFdById(id);
	return fd === -ENOENT ? undefined : check(fd, `BPF_MAP_GET_FD_BY_ID ${id}`);
}

/** Of a map that is not per-CPU. Undefined where there is no such entry. */
export function lookup(map: number, key: Uint8Array, valueSize: number): Buffer | undefined {
	const value = Buffer.alloc(valueSize);
	const result = Libbpf.get().call.mapLookup(map, key, value);
	if (result === -ENOENT) return undefined;
	check(result, "BPF_MAP_LOOKUP_ELEM");
	return value;
}

/**
 * Entries of a per-CPU array, in one call: the value of every possible CPU, one after the other, each
 * padded to 8 bytes. BPF_MAP_LOOKUP_BATCH of a per-CPU array is there since Linux 5.13.
 * @param first the first index
 * @param size of a value, in bytes
 * @returns an entry each, as many as there are from `first` on, `count` at most
 */
export function lookupPerCpu(map: number, first: number, count: number, size: number): Buffer[] {
	const { call } = Libbpf.get();
	const entry = perCpuSize(size) * possibleCpus();
	const keys = Buffer.alloc(4 * count);
	const values = Buffer.alloc(entry * count);
	const got = new Uint32Array([count]);
	// The kernel goes on after the index that it is given; without one it begins at the first.
	const after = first === 0 ? null : u32Key(first - 1);
	const result = call.mapLookupBatch(map, after, new Uint32Array(1), keys, values, got, null);
	// The end of the array came first; what there is has been read.
	if (result !== -ENOENT) check(result, "BPF_MAP_LOOKUP_BATCH");
	return Array.from({ length: got[0] ?? 0 }, (_, i) => values.subarray(i * entry, (i + 1) * entry));
}

/**
 * The value of an entry, of every CPU where the map has one for each; undefined where there is none.
 * @returns of a per-CPU map whose CPUs agree one value, of any other all of them in a row
 */
export function getValue(
	map: number,
	key: Uint8Array,
	{ type, valueSize }: Pick<MapInfo, "type" | "valueSize"> = mapInfo(map),
): Buffer | undefined {
	if (!mapType(type).perCpu) return lookup(map, key, valueSize);
	const size = perCpuSize(valueSize);
	const all = lookup(map, key, size * possibleCpus());
	if (!all) return undefined;
	const values = Array.from({ length: possibleCpus() }, (_, cpu) =>
		all.subarray(cpu * size, cpu * size + valueSize),
	);
	const [first, ...rest] = values;
	return first && rest.every((value) => value.equals(first)) ? first : Buffer.concat(values);
}

/** Writes an entry; of a per-CPU map, the same value for every CPU. */
export function putValue(map: number, key: Uint8Array, value: Buffer): void {
	const { type } = mapInfo(map);
	if (!mapType(type).perCpu) {
		update(map, key, value);
		return;
	}
	const padded = Buffer.alloc(perCpuSize(value.length));
	value.copy(padded);
	update(map, key, Buffer.concat(Array.from({ length: possibleCpus() }, () => padded)));
}

/** The keys of a map, as they are while they are read. */
export function keysOf(map: number): Buffer[] {
	const { keySize, maxEntries } = mapInfo(map);
	const keys = new Map<string, Buffer>();
	let last: Buffer | null = null;
	// Where the last key is gone meanwhile, the kernel begins anew; if others never rest, there is an end all the same.
	for (let i = 0; i < 4 * maxEntries; i++) {
		const next = Buffer.alloc(keySize);
		const result = Libbpf.get().call.mapNextKey(map, last, next);
		if (result === -ENOENT) break;
		check(result, "BPF_MAP_GET_NEXT_KEY");
		keys.set(next.toString("hex"), next);
		last = next;
	}
	return [...keys.values()];
}

/** What a value of a per-CPU map takes of each CPU: bpf_map_value_size() rounds it up. */
function perCpuSize(size: number): number {
	return Math.ceil(size / 8) * 8;
}

/** CPUs that may ever come online: the kernel gives every one its own value. */
export function possibleCpus(): number {
	return check(Libbpf.get().call.possibleCpus(), "/sys/devices/system/cpu/possible");
}

/** A devmap resolves an ifindex in the network namespace of the calling thread. */
export function update(map: number, key: Uint8Array, value: Uint8Array): void {
	check(Libbpf.get().call.mapUpdate(map, key, value, 0), "BPF_MAP_UPDATE_ELEM");
}

/** Already gone is success. */
export function remove(map: number, key: Uint8Array): void {
	const result = Libbpf.get().call.mapDelete(map, key);
	if (result !== -ENOENT) check(result, "BPF_MAP_DELETE_ELEM");
}

/** The array element or hash key of a 32-bit number, in the host's byte order. */
export function u32Key(value: number): Buffer {
	const buffer = Buffer.alloc(4);
	buffer.writeUInt32LE(value);
	return buffer;
}

/** <linux/bpf.h> */
export const BPF_MAP_TYPE_ARRAY = 2;

/** User space can write nothing to the map from then on. */
export function freeze(map: number): void {
	check(Libbpf.get().call.mapFreeze(map), "BPF_MAP_FREEZE");
}

/** Creates an array of this one value, which is frozen. */
export function createFrozen(name: string, value: Uint8Array): number {
	const fd = check(
		Libbpf.get().call.mapCreate(BPF_MAP_TYPE_ARRAY, name, 4, value.length, 1, null),
		`BPF_MAP_CREATE ${name}`,
	);
	try {
		update(fd, u32Key(0), value);
		freeze(fd);
		return fd;
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}
