import { dirname } from "node:path";
import { readObjects } from "./build/objects.js";
import { nameOf, readText } from "./read-text.js";
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

/** The same, with the text that the positions of warnings refer to. @param text the file's, if it has been read */
export async function readTopology(
	file: string,
	text = readText(file),
): Promise<{ topology: Topology; source: Source }> {
	const draft = draftTopology(text, nameOf(file));
	const folder = file === "-" ? "." : dirname(file);
	return { topology: draft.complete(await readObjects(draft.programs, folder)), source: draft.source };
}

/** What a file says by itself: for those who need nothing of its own programs. */
export function readDraft(file: string): Draft {
	return draftTopology(readText(file), nameOf(file));
}
