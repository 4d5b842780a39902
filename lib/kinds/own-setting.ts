/** What a label says of the global variables of a file's own program. */
import { createHash } from "node:crypto";
import { type Encoded, fill } from "../btf/encoded.js";
import type { EndName } from "../topology/topology.js";
import type { OwnProgram } from "./own-program.js";

export type IfindexOf = (end: EndName) => number | undefined;

export function settingsOf({ globals }: OwnProgram, ifindexOf: IfindexOf): Record<string, string> {
	return Object.fromEntries(
		Object.entries(globals).map(([name, value]) => [name, settingOf(value, ifindexOf) ?? ""]),
	);
}

/** A value as a label has it: the bytes, or a hash where they are many. Undefined where an end is missing. */
export function settingOf(value: Encoded, ifindexOf: IfindexOf): string | undefined {
	const LONG = 32;
	const bytes = fill(value, ifindexOf);
	return bytes && (bytes.length > LONG ? hash(bytes) : bytes.toString("hex"));
}

/** 16 hexadecimal digits of the SHA-256 of a content. */
export function hash(content: Buffer): string {
	return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
