import { lstatSync, mkdirSync, rmdirSync, type Stats } from "node:fs";
import { ConflictError, fileError } from "../errors.js";

/** What the kernel cannot tell of labs, one file a lab. */
export const STATE_DIRECTORY = "/run/xdp-topology";

/** Makes the directory of states unless it is there. */
export function makeStateDirectory(): void {
	try {
		mkdirSync(STATE_DIRECTORY, { mode: 0o700 });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST")
			throw fileError(`mkdir ${STATE_DIRECTORY}`, error);
	}
}

/**
 * Whether the directory of states is there.
 * @throws ConflictError where what is there is somebody else's
 */
export function hasStateDirectory(): boolean {
	const stat = lstatSync(STATE_DIRECTORY, { throwIfNoEntry: false });
	if (stat === undefined) return false;
	if (stat.isDirectory() && isOurs(stat)) return true;
	const what = stat.isDirectory() ? `belongs to user ${stat.uid}` : `is ${kindOfFile(stat)}`;
	throw new ConflictError(`${STATE_DIRECTORY} ${what}, and must be a directory of root's: remove it`);
}

export function isOurs({ uid }: Stats): boolean {
	return uid === process.geteuid?.();
}

/** What a file is, for a person. */
export function kindOfFile(stat: Stats): string {
	if (stat.isSymbolicLink()) return "a symbolic link";
	if (stat.isDirectory()) return "a directory";
	if (stat.isFile()) return "a file";
	return stat.isFIFO() ? "a FIFO" : stat.isSocket() ? "a socket" : "a device";
}

/** Removes the directory after the last lab; called under its lock. */
export function removeEmptyDirectory(): void {
	try {
		rmdirSync(STATE_DIRECTORY);
	} catch {
		// a lab's file is there
	}
}
