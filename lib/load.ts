import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { UsageError } from "./errors.js";
import { decode, MAX_SIZE } from "./topology/decode.js";
import { parseTopology } from "./topology/parse-topology.js";
import type { Topology } from "./topology/topology.js";

/**
 * Reads a topology file. Needs no root and no kernel.
 * @param file a path, or `-` for standard input
 * @throws TopologyError with every mistake of the file, each with its position
 * @throws UsageError where there is no such file, or it is none: a directory, a device, a FIFO
 */
export function loadTopology(file: string): Topology {
	const name = file === "-" ? "(standard input)" : file;
	return parseTopology(decode(file === "-" ? readAll(0) : readFile(file), name), name);
}

function readFile(file: string): Buffer {
	let fd: number;
	try {
		// A FIFO without a writer would keep open(2) waiting.
		fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		const why: Partial<Record<string, string>> = { ENOENT: "no such file", EACCES: "permission denied" };
		throw new UsageError(`${file}: ${why[code ?? ""] ?? code}`);
	}
	try {
		const stat = fstatSync(fd);
		if (!stat.isFile()) {
			const what = stat.isDirectory() ? "a directory" : stat.isFIFO() ? "a FIFO" : "a device";
			throw new UsageError(`${file}: is ${what}, and a topology is a file (or - for standard input)`);
		}
		return readAll(fd);
	} finally {
		closeSync(fd);
	}
}

/** Up to one byte more than a topology may have: enough to see that it has too many. */
function readAll(fd: number): Buffer {
	const buffer = Buffer.alloc(MAX_SIZE + 1);
	let length = 0;
	while (length < buffer.length) {
		const read = readSync(fd, buffer, length, buffer.length - length, null);
		if (read === 0) break;
		length += read;
	}
	return buffer.subarray(0, length);
}
