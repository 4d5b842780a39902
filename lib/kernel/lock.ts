import {
	closeSync,
	constants,
	fchmodSync,
	fstatSync,
	openSync,
	readFileSync,
	type Stats,
	statSync,
} from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileError, InterruptedError } from "../errors.js";
import { flock, LOCK_EX, LOCK_NB } from "../ffi/libc.js";
import {
	hasStateDirectory,
	makeStateDirectory,
	removeEmptyDirectory,
	STATE_DIRECTORY,
} from "./state-directory.js";

/** A lock that is held. The end of the process lets go of it as well. */
export interface Lock {
	release(): void;
}

/**
 * Takes the one lock that all changes of labs are made under: flock(2) on the state directory itself,
 * so that no file is left and the lock of a dead process is no lock. Waits without blocking the thread.
 * @throws InterruptedError where `signal` ends the waiting
 * @throws ConflictError where the directory is somebody else's
 * @throws UnsupportedError where it cannot be made
 * @param onWait called once if somebody else holds it, with who that is: `xdp-apply lab.yaml (pid 42)`
 */
export async function takeLock(onWait: (holder: string) => void, signal?: AbortSignal): Promise<Lock> {
	let told = false;
	for (let refused = 0; ; ) {
		const fd = openDirectory();
		if (fd === undefined) continue;
		let held: Stats | undefined;
		try {
			if (!flock(fd, LOCK_EX | LOCK_NB)) held = fstatSync(fd);
			else if (isStillThere(fd)) return { release: () => release(fd) };
		} catch (error) {
			closeSync(fd);
			throw error;
		}
		closeSync(fd);
		if (held !== undefined && !told) {
			// Whoever is not found has let go meanwhile, unless that goes on: in another pid namespace.
			const holder = holderOf(held) ?? (++refused > 5 ? "another process" : undefined);
			if (holder !== undefined) onWait(holder);
			told = holder !== undefined;
		}
		if (signal?.aborted) throw new InterruptedError(signal.reason);
		await setTimeout(20);
	}
}

/** Undefined where whoever had the lock has just removed the directory. */
function openDirectory(): number | undefined {
	makeStateDirectory();
	if (!hasStateDirectory()) return undefined;
	try {
		const fd = openSync(STATE_DIRECTORY, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
		if ((fstatSync(fd).mode & 0o777) !== 0o700) fchmodSync(fd, 0o700);
		return fd;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw fileError(`open ${STATE_DIRECTORY}`, error);
	}
}

function release(fd: number): void {
	removeEmptyDirectory();
	closeSync(fd);
}

/** Who leaves no lab behind removes the directory: a lock on what has no name is none. */
function isStillThere(fd: number): boolean {
	const held = fstatSync(fd);
	const named = statSync(STATE_DIRECTORY, { throwIfNoEntry: false });
	return named !== undefined && named.ino === held.ino && named.dev === held.dev;
}

/** Who holds a flock on this file, of those that are in our pid namespace. */
function holderOf(file: Stats): string | undefined {
	const pid = flockHolder(readFileSync("/proc/locks", "utf8"), file);
	if (pid === undefined) return undefined;
	try {
		const [, ...words] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
		return `${words.join(" ").trim() || "another process"} (pid ${pid})`;
	} catch {
		return `pid ${pid}`;
	}
}

/**
 * The process that holds a flock on a file, by proc_locks(5):
 * `4: FLOCK  ADVISORY  WRITE 1021 00:1a:1234 0 EOF`, where `->` before the kind is one who waits.
 */
export function flockHolder(locks: string, { dev, ino }: Pick<Stats, "dev" | "ino">): number | undefined {
	const hex = (number: number) => number.toString(16).padStart(2, "0");
	const file = `${hex(major(dev))}:${hex(minor(dev))}:${ino}`;
	for (const line of locks.split("\n")) {
		const [, kind, , , pid, where] = line.trim().split(/\s+/);
		// Of a process in another pid namespace the kernel shows 0.
		if (kind === "FLOCK" && where === file && Number(pid) > 0) return Number(pid);
	}
	return undefined;
}

/** As new_encode_dev() of <linux/kdev_t.h> puts them together. */
function major(device: number): number {
	return (device >>> 8) & 0xfff;
}

function minor(device: number): number {
	return (device & 0xff) | ((device >>> 12) & 0xfff00);
}
