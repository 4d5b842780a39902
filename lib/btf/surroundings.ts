import type { IfindexSlot } from "./encoded.js";

/** Where a value stands: in a mapping or a list, under a name. */
export interface Place {
	container: object;
	name: string;
	/** It is about the name itself. */
	isName?: true;
}

/** What an encoder asks of who called it, and tells them. */
export interface Surroundings {
	/** Something about a value is wrong. */
	problem(place: Place, message: string, hint?: string): void;
	/** `{ ifindex: END }` and the like; undefined after a mistake in it, which is then reported. */
	reference(kind: ReferenceKind, end: string, place: Place): IfindexSlot["end"] | Buffer | undefined;
}

export const REFERENCES = ["ifindex", "mac", "ipv4", "ipv6"] as const;
export type ReferenceKind = (typeof REFERENCES)[number];
