import {
	closeSync,
	existsSync,
	mkdirSync,
	readlinkSync,
	renameSync,
	rmdirSync,
	rmSync,
	statfsSync,
	statSync,
} from "node:fs";
import { dirname } from "node:path";
import { Libbpf } from "../ffi/libbpf.js";
import { mount } from "../ffi/libc.js";
import type { PinSnapshot, ProgramSnapshot, Query } from "../snapshot/snapshot.js";
import { check, mapInfo, openMap } from "./bpf.js";
import type { Lab } from "./lab.js";

/** BPF_FS_MAGIC of <linux/magic.h>. */
const BPF_FS = 0xcafe4a11;

/** Where everybody has it; `ip` and libbpf mount it there as well. */
const BPFFS = "/sys/fs/bpf";

/** What is at the paths that are asked for, that the lab's programs name, and that earlier commands made. */
export function readPins(
	lab: Lab,
	programs: ReadonlyMap<number, ProgramSnapshot>,
	queries: readonly Query[],
): Map<string, PinSnapshot> {
	const paths = new Set([
		...lab.pins.keys(),
		...queries.flatMap((query) => ("pin" in query ? [query.pin] : [])),
	]);
	const maps = new Set<number>();
	for (const { label } of programs.values())
		for (const [name, { id }] of Object.entries(label?.own?.maps ?? {})) {
			maps.add(id);
			if (label?.own?.pin) paths.add(`${label.own.pin.path}/${name}`);
		}
	const pins = new Map<string, PinSnapshot>();
	for (const path of paths) {
		const found = readPin(path);
		if (!found) continue;
		const ours = found.map !== undefined && (maps.has(found.map) || lab.pins.get(path)?.id === found.map);
		pins.set(path, { ...found, ours });
	}
	return pins;
}

/** A descriptor of a pinned map that is the lab's; undefined where something else is there, or nothing. */
export function openPinned(lab: Lab, path: string): number | undefined {
	const known = lab.pins.get(path);
	if (!known || readPin(path)?.map !== known.id) return undefined;
	return openMap(known.id);
}

/** ENOENT, ENOTDIR, ELOOP; and EACCES, of a file that is in no BPF file system (bpf_inode_type()). */
const NO_PIN: ReadonlySet<number> = new Set([2, 20, 40, 13]);

/** What is at a path; undefined where nothing is. */
export function readPin(path: string): { map: number | undefined } | undefined {
	const fd = Libbpf.get().call.objGet(path);
	if (NO_PIN.has(-fd)) return existsSync(path) ? { map: undefined } : undefined;
	check(fd, `BPF_OBJ_GET ${path}`);
	try {
		const isMap = readlinkSync(`/proc/self/fd/${fd}`).endsWith("bpf-map");
		return { map: isMap ? mapInfo(fd).id : undefined };
	} finally {
		closeSync(fd);
	}
}

/**
 * Pins a map, in place of whatever is there. Folders that are missing are made, and the file system of BPF
 * mounted, as bpf_object__pin_maps() of libbpf and `ip` do.
 */
export function pinMap(map: number, path: string): void {
	if (isBelow(path, BPFFS) && !isBpffs(BPFFS)) mount("bpf", BPFFS, "bpf", 0);
	for (const folder of missingFolders(dirname(path))) mkdirSync(folder, { mode: 0o700 });
	const { call } = Libbpf.get();
	const result = call.objPin(map, path);
	if (result !== -EEXIST) {
		check(result, `BPF_OBJ_PIN ${path}`);
		return;
	}
	// Who looks at the path finds the old map or the new one.
	const temporary = `${path}${TEMPORARY}`;
	rmSync(temporary, { force: true });
	check(call.objPin(map, temporary), `BPF_OBJ_PIN ${temporary}`);
	renameSync(temporary, path);
}

const EEXIST = 17;

/** The ending of a pin that is about to take another's place. */
const TEMPORARY = "__xdp_topology";

/** Already gone is success. */
export function unpin(path: string): void {
	for (const one of [`${path}${TEMPORARY}`, path]) rmSync(one, { force: true });
}

/** Removes the folders that were made for pins and that nobody needs any more. @param needed by pins to come */
export function removeFolders(lab: Lab, needed: readonly string[]): void {
	const isNeeded = (folder: string) => needed.some((one) => one === folder || isBelow(one, folder));
	for (const folder of [...lab.folders].sort((a, b) => b.length - a.length)) {
		if (isNeeded(folder)) continue;
		try {
			rmdirSync(folder);
		} catch {
			// something else is pinned there, or it is gone
		}
		lab.folders.delete(folder);
	}
}

/** Of a folder and those around it, the ones that would have to be made. */
export function missingFolders(folder: string): string[] {
	return existsSync(folder) || folder === BPFFS ? [] : [...missingFolders(dirname(folder)), folder];
}

/** Why nothing can be pinned at a path; undefined where it can. */
export function pinProblem(path: string): string | undefined {
	const folder = nearestFolder(dirname(path));
	if (!statSync(folder).isDirectory())
		return `${folder} is no folder to pin maps in: choose another, or remove it`;
	if (isBpffs(folder) || (isBelow(path, BPFFS) && existsSync(BPFFS))) return undefined;
	return `${path}: ${folder} is in no BPF file system: mount one there (mount -t bpf bpf DIR), or pin below ${BPFFS}`;
}

function nearestFolder(path: string): string {
	return existsSync(path) ? path : nearestFolder(dirname(path));
}

function isBpffs(path: string): boolean {
	return existsSync(path) && statfsSync(path).type === BPF_FS;
}

function isBelow(path: string, folder: string): boolean {
	return path.startsWith(`${folder}/`);
}
