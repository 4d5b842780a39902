import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { readObjects } from "./build/objects.js";
import { UsageError } from "./errors.js";
import { decode, MAX_SIZE } from "./topology/decode.js";
import { type Draft, draftTopology } from "./topology/parse-topology.js";
import type { Source } from "./topology/source.js";
import type { Topology } from "./topology/topology.js";

/**
 * Reads a topology file, and the objects of the programs that it declares; sources are compiled with
 * clang where that is not done already. Needs no root and no kernel.
 * @param file a path, or `-` for standard input
 * @throws TopologyError with every mistake of the file, each with its position
 * @throws UsageError where there is no such file, or it is none: a directory, a device, a FIFO
 * @throws UnsupportedError where clang is needed and missing
 */
export async function loadTopology(file: string): Promise<Topology> {
	return (await readTopology(file)).topology;
}

/** The same, with the text that the positions of warnings refer to. */
export async function readTopology(file: string): Promise<{ topology: Topology; source: Source }> {
	const draft = readDraft(file);
	const folder = file === "-" ? "." : dirname(file);
	return { topology: draft.complete(await readObjects(draft.programs, folder)), source: draft.source };
}

/** What a file says by itself: for those who need nothing of its own programs. */
export function readDraft(file: string): Draft {
	const name = file === "-" ? "(standard input)" : file;
	return draftTopology(decode(file === "-" ? readInput(name) : readFile(file), name), name);
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
	const why: Partial<Record<string, string>> = { ENOENT: "no such file", EACCES: "permission denied" };
	return new UsageError(`${file}: ${why[code ?? ""] ?? code}`);
}
