import { dirname } from "node:path";
import { readObjects } from "./build/objects.js";
import { nameOf, readText } from "./read-text.js";
import type { TopologyDocument } from "./topology/generated/document.js";
import { type Draft, draftTopology } from "./topology/parse-topology.js";
import type { Source } from "./topology/source.js";
import type { Topology } from "./topology/topology.js";

/** Options of {@link loadTopology}. */
export interface LoadOptions {
	/** Folder that relative paths in the topology start from. Default: the file's, or the current one. */
	folder?: string;
}

/**
 * Reads a topology, and the objects of the programs that it declares. clang compiles sources that have changed
 * since they were last compiled. Needs no root and does not touch the kernel.
 * @param source the path of a file, `-` for standard input, or a document: what a file says, as an object
 * @returns the topology, every default filled in
 * @throws TopologyError if anything is wrong; `diagnostics` has every mistake with its position, or of a document
 * with its path
 * @throws UsageError if there is no such file, or if it is a directory, a device or a FIFO
 * @throws UnsupportedError if a source has to be compiled and clang is missing
 */
export async function loadTopology(
	source: string | TopologyDocument,
	options: LoadOptions = {},
): Promise<Topology> {
	const draft = typeof source === "string" ? readDraft(source) : draftTopology(source, "");
	const folder = options.folder ?? (typeof source === "string" ? folderOf(source) : ".");
	return draft.complete(await readObjects(draft.programs, folder));
}

function folderOf(file: string): string {
	return file === "-" ? "." : dirname(file);
}

/** Topology of a file, with the text that the positions of warnings refer to. @param text the file's, if it has been read */
export async function readTopology(
	file: string,
	text = readText(file),
): Promise<{ topology: Topology; source: Source }> {
	const draft = draftTopology(text, nameOf(file));
	const objects = await readObjects(draft.programs, folderOf(file));
	return { topology: draft.complete(objects), source: draft.source };
}

/** What a file says by itself: for those who need nothing of its own programs. */
export function readDraft(file: string): Draft {
	return draftTopology(readText(file), nameOf(file));
}
