import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { UsageError } from "./errors.js";
import { decode, MAX_SIZE } from "./topology/decode.js";

/** How diagnostics name a file. @param file a path, or `-` for standard input */
export function nameOf(file: string): string {
	return file === "-" ? "(standard input)" : file;
}

/**
 * The text of a topology file.
 * @param file a path, or `-` for standard input
 * @throws TopologyError where it is no text, or too much of it
 * @throws UsageError where there is no such file, or it is none: a directory, a device, a FIFO
 */
export function readText(file: string): string {
	const name = nameOf(file);
	return decode(file === "-" ? readInput(name) : readFile(file), name);
}

function readInput(name: string): Buffer {
	const stat = fstatSync(0);
	if (stat.isDirectory()) throw new UsageError(`${name}: is a directory, and a topology is a file`);
	return readAll(0, name);
}

function readFile(file: string): Buffer {
	let fd: number;
	try {
		// A FIFO without a writer would keep open(2) waiting.
		fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
	} catch (error) {
		throw unreadable(file, error);
	}
	try {
		const stat = fstatSync(fd);
		if (!stat.isFile()) {
			const what = stat.isDirectory() ? "a directory" : stat.isFIFO() ? "a FIFO" : "a device";
			throw new UsageError(`${file}: is ${what}, and a topology is a file (or - for standard input)`);
		}
		return readAll(fd, file);
	} finally {
		closeSync(fd);
	}
}

/** Up to one byte more than a topology may have: enough to see that it has too many. */
function readAll(fd: number, name: string): Buffer {
	const buffer = Buffer.alloc(MAX_SIZE + 1);
	let length = 0;
	while (length < buffer.length) {
		const read = readSome(fd, buffer, length, name);
		if (read === 0) break;
		length += read;
	}
	return buffer.subarray(0, length);
}

function readSome(fd: number, buffer: Buffer, from: number, name: string): number {
	for (;;) {
		try {
			return readSync(fd, buffer, from, buffer.length - from, null);
		} catch (error) {
			// Standard input may have been made non-blocking by whoever had it before.
			if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw unreadable(name, error);
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
		}
	}
}

function unreadable(file: string, error: unknown): UsageError {
	const { code } = error as NodeJS.ErrnoException;
	// A lab's name in place of its file.
	const meant = [`${file}.yaml`, `${file}.yml`, `topologies/${file}.yaml`].find((path) => existsSync(path));
	if (code === "ENOENT" && meant !== undefined)
		return new UsageError(`${file}: no such file; did you mean ${meant}?`);
	const why: Partial<Record<string, string>> = { ENOENT: "no such file", EACCES: "permission denied" };
	return new UsageError(`${file}: ${why[code ?? ""] ?? code}`);
}
