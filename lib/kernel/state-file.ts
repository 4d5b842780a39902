/** Files of the directory of states: written whole, and used only where they are root's own and whole. */
import { createHash } from "node:crypto";
import {
	closeSync,
	constants,
	fchmodSync,
	fstatSync,
	fsyncSync,
	lstatSync,
	openSync,
	readFileSync,
	renameSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { ConflictError, fileError } from "../errors.js";
import { isOurs, kindOfFile } from "./state-directory.js";

/** More than the largest topology comes to, in bytes. */
const MAX_SIZE = 64 * 1024 * 1024;

/** Undefined where there is no such file. */
export function readWhole(path: string): { bytes: Buffer } | { damage: string } | undefined {
	const stat = lstatSync(path, { throwIfNoEntry: false });
	if (stat === undefined) return undefined;
	if (!stat.isFile()) return { damage: `is ${kindOfFile(stat)}` };
	let fd: number;
	try {
		fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw fileError(`open ${path}`, error);
	}
	try {
		const opened = fstatSync(fd);
		if (!isOurs(opened) || opened.mode & 0o022) return { damage: "can be written by others" };
		return opened.size > MAX_SIZE ? { damage: "is far too large" } : { bytes: readFileSync(fd) };
	} finally {
		closeSync(fd);
	}
}

/** Leaves a file alone that says this already; otherwise a crash leaves the old one or the new one. */
export function writeWhole(path: string, text: string): void {
	const temporary = `${path}.new`;
	remove(temporary); // a crash may have left it
	const bytes = Buffer.from(text);
	const found = readWhole(path);
	if (found && "bytes" in found && found.bytes.equals(bytes)) return;
	try {
		// Never through a link, or into what somebody has open.
		const fd = openSync(temporary, "wx", 0o600);
		try {
			fchmodSync(fd, 0o600); // the umask may have taken more than others' rights
			writeFileSync(fd, bytes);
			fsyncSync(fd);
		} finally {
			closeSync(fd);
		}
		renameSync(temporary, path);
	} catch (error) {
		try {
			remove(temporary);
		} catch {
			// The next command does; what went wrong first is what to tell.
		}
		throw (error as NodeJS.ErrnoException).code === "EISDIR"
			? isDirectory(path)
			: fileError(`write ${path}`, error);
	}
}

/** A value as the text of a file, JSON with a digest of itself. */
export function seal(value: object): string {
	const state = JSON.stringify(value);
	return `{"sha256":"${sha256(state)}","state":${state}}`;
}

/** Undefined where a file is not, byte for byte, one of {@link seal}'s. */
export function unseal<T extends object>(bytes: Buffer): T | undefined {
	const text = bytes.toString("utf8");
	const [head, digest] = /^\{"sha256":"([0-9a-f]{64})","state":/.exec(text) ?? [];
	if (head === undefined || !text.endsWith("}")) return undefined;
	const state = text.slice(head.length, -1);
	return sha256(state) === digest ? (JSON.parse(state) as T) : undefined;
}

export function sha256(content: string | Buffer): string {
	return createHash("sha256").update(content).digest("hex");
}

/** Already gone is success. */
export function remove(path: string): void {
	try {
		unlinkSync(path);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "EISDIR") throw isDirectory(path);
		if (code !== "ENOENT") throw fileError(`unlink ${path}`, error);
	}
}

function isDirectory(path: string): ConflictError {
	return new ConflictError(`${path} is a directory: remove it`);
}
