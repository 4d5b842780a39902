import type { EndName } from "../topology/topology.js";
import type { Counts } from "./counts.js";

/** The program that runs on an interface. */
export interface RunningProgram {
	/** The lab's name of it, or, where no lab loaded it, that of its function. */
	name: string;
	id: number;
	/** Hash of the instructions, 16 hex digits, as bpftool(8) shows it. */
	tag: string;
	mode: "native" | "generic" | "offload";
	/** The lab that loaded it; null where none did. */
	lab: string | null;
}

/** Who counted. */
export type Source =
	/** The program itself, in its map `counters`: since it was loaded. */
	| { kind: "map"; map: number; port: number }
	/** The veth, whatever program runs there: since the interface was made. */
	| { kind: "veth" };

/** The counters of one interface at one time. */
export interface Reading {
	lab: string;
	interface: EndName;
	ifindex: number;
	/** Null where none runs. */
	program: RunningProgram | null;
	/** Null where nobody counts: no program, or in generic mode one that does not count itself. */
	source: Source | null;
	counts: Counts | null;
	/** Milliseconds, of a clock that only goes forward. */
	at: number;
}
