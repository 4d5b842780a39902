import type { Encoded } from "../btf/encoded.js";
import type { Address } from "../netlink/address.js";
import type { Link } from "../netlink/link.js";
import type { Neighbor } from "../netlink/neighbor.js";
import type { Route } from "../netlink/route.js";
import type { LabObject, Objects } from "../plan/object.js";
import type { EndName } from "../topology/topology.js";
import type { Features } from "./features.js";
import type { Label } from "./label.js";
import type { ProgramTypes } from "./types.js";

/** What the kernel has, as it told it: the input of every kind's `observe`. */
export interface Snapshot {
	lab: string;
	namespaces: ReadonlyMap<string, NamespaceSnapshot>;
	/** The lab's veth pairs among all links. */
	pairs: readonly Pair[];
	/** Both ends of {@link pairs}, by name. */
	ends: ReadonlyMap<EndName, LabEnd>;
	/** The lab's ends by ifindex, where that is unique in the lab. */
	endByIndex: ReadonlyMap<number, EndName>;
	/** The programs attached to the lab's ends, by id. */
	programs: ReadonlyMap<number, ProgramSnapshot>;
	/** What is pinned where the lab's maps are or are to be, by path. */
	pins: ReadonlyMap<string, PinSnapshot>;
	/** The objects that are wanted, by id: some things are ours, or are looked at, only then. */
	wanted: Objects;
	/** The ifindex of port 0. */
	firstIfindex: number;
	/** How all this was read, where note was taken of it. */
	reading?: Reading;
}

/** What was read of the kernel, to be read again and compared: plain data. */
export interface Reading {
	/** By namespace: what was read beyond links, addresses, routes and neighbours. */
	extras: [namespace: string, { sysctls: string[]; devices: string[] }][];
	/** Ids. */
	programs: number[];
	/** Of all that the kernel told, as far as it stays the same while nobody changes anything. */
	digest: string;
}

/** As much of a namespace as tells whose the links in it are. */
export interface NamespaceLinks {
	name: string;
	/** Made by this lab, and not the namespace that the command runs in. */
	made: boolean;
	links: readonly Link[];
	/** Of `host`: the lab's namespaces by the number that IFLA_LINK_NETNSID gives them. */
	byNsid?: ReadonlyMap<number, string>;
}

export interface NamespaceSnapshot extends NamespaceLinks {
	addresses: readonly Address[];
	routes: readonly Route[];
	neighbors: readonly Neighbor[];
	/** Those that were asked for; undefined where the kernel has no such name. */
	sysctls: ReadonlyMap<string, string | undefined>;
	/** By ifindex, where somebody asked. */
	features: ReadonlyMap<number, Features>;
}

export interface LabEnd<N extends NamespaceLinks = NamespaceSnapshot> {
	name: EndName;
	/** The id of the veth object that it is an end of. */
	pair: string;
	namespace: N;
	link: Link;
}

export interface Pair<N extends NamespaceLinks = NamespaceSnapshot> {
	/** One where the other end is in a namespace that is not the lab's. */
	ends: [LabEnd<N>] | [LabEnd<N>, LabEnd<N>];
	/** Both ifindexes are within the lab's window and unique in it. */
	numbered: boolean;
}

export interface ProgramSnapshot {
	id: number;
	name: string;
	tag: string;
	/** Absent where the program is not this lab's. */
	label: Label | undefined;
	/** Of a built-in program: the entries of the maps that are reconciled, by map and port. */
	entries: ReadonlyMap<string, ReadonlyMap<number, Buffer>>;
	/** Of a file's own program: the entries that are looked at, by map. */
	contents: ReadonlyMap<string, readonly EntrySnapshot[]>;
	/** Of a file's own program: to show what is in its maps. */
	types?: ProgramTypes;
}

/** An entry of a map, in hexadecimal. */
export interface EntrySnapshot {
	key: string;
	/** Of a per-CPU map, one value if all are the same. */
	value: string;
	/** The object that asked for it; absent of one that was found among all. */
	of?: LabObject;
	/** This command has written it so. */
	written?: boolean;
	/** Of a map that holds maps or functions: the id of the one that is there. */
	id?: number;
	/** The label of the function that is there, if it works on the maps of the program that calls it. */
	called?: Label;
}

export interface PinSnapshot {
	/** The id of the map; undefined where something else is there. */
	map: number | undefined;
	/** It is a map of the lab's. */
	ours: boolean;
}

/** What has to be read beyond links, addresses, routes and neighbours. */
export type Query =
	| { namespace: string; sysctl: string }
	| { namespace: string; features: true }
	| EntryQuery
	/** All entries of a map. */
	| { program: string; map: string; all: true }
	| { pin: string };

/** An entry of a map of a file's own program. */
export interface EntryQuery {
	program: string;
	map: string;
	key: Encoded;
	/** Of an array, an entry of zeros is none. */
	initial: boolean;
	of: LabObject;
}
