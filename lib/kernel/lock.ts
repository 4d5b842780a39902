import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { InterruptedError } from "../errors.js";
import { flock, LOCK_EX, LOCK_NB } from "../ffi/libc.js";
import { removeEmptyDirectory, STATE_DIRECTORY } from "./state.js";

/** A lock that is held. The end of the process lets go of it as well. */
export interface Lock {
	release(): void;
}

/**
 * Takes the one lock that all changes of labs are made under: flock(2) on the state directory itself,
 * so that no file is left and the lock of a dead process is no lock. Waits without blocking the thread.
 * @throws InterruptedError where `signal` ends the waiting
 * @param onWait called once if somebody else holds it, with who that is: `xdp-apply lab.yaml (pid 42)`
 */
export async function takeLock(onWait: (holder: string) => void, signal?: AbortSignal): Promise<Lock> {
	for (let waiting = false; ; ) {
		const fd = openDirectory();
		if (fd === undefined) continue;
		let holder: string | undefined;
		try {
			if (flock(fd, LOCK_EX | LOCK_NB)) {
				if (isStillThere(fd)) return { release: () => release(fd) };
			} else holder = holderOf(fstatSync(fd).ino);
		} catch (error) {
			closeSync(fd);
			throw error;
		}
		closeSync(fd);
		if (!waiting && holder !== undefined) {
			onWait(holder);
			waiting = true;
		}
		if (signal?.aborted) throw new InterruptedError(signal.reason);
		await setTimeout(20);
	}
}

/** Undefined where whoever had the lock has just removed the directory. */
function openDirectory(): number | undefined {
	mkdirSync(STATE_DIRECTORY, { recursive: true, mode: 0o700 });
	try {
		return openSync(STATE_DIRECTORY, "r");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw error;
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

/** Who holds a flock on this inode: proc_locks(5). */
function holderOf(inode: number): string | undefined {
	const lines = readFileSync("/proc/locks", "utf8").split("\n");
	const line = lines.find(
		(line) => line.includes(" FLOCK ") && line.includes(`:${inode} `) && !line.includes("->"),
	);
	const pid = line?.trim().split(/\s+/)[4];
	if (pid === undefined) return undefined;
	try {
		const [, ...words] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
		return `${words.join(" ").trim() || "another process"} (pid ${pid})`;
	} catch {
		return `pid ${pid}`;
	}
}
