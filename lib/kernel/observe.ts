import { createHash } from "node:crypto";
import { groupBy } from "../group-by.js";
import { ALL_LINKS, aliasOfLo, type Link } from "../netlink/link.js";
import { decodeNsid, getNsid } from "../netlink/nsid.js";
import type { Objects } from "../plan/object.js";
import { builtin, isBuiltin } from "../programs/builtin.js";
import { findWindow, identifyPairs, WINDOW } from "../snapshot/identify.js";
import type {
	LabEnd,
	NamespaceLinks,
	Pair,
	ProgramSnapshot,
	Query,
	Reading,
	Snapshot,
} from "../snapshot/snapshot.js";
import { COUNTERS_MAP } from "../stats/counters.js";
import { HOST } from "../topology/topology.js";
import { getValue, mapInfo, programInfo, u32Key } from "./bpf.js";
import { readConstants } from "./constants.js";
import { programsInMaps, readContents } from "./contents.js";
import { type Lab, labOfMark } from "./lab.js";
import { type LoadedProgram, openLoaded } from "./load.js";
import { readTypes } from "./map-types.js";
import { listNames } from "./netns.js";
import { readPins } from "./pins.js";
import { type Extras, type Reader, skimNamespace } from "./read-namespace.js";

const LO = 1;

/**
 * Reads all that the lab has in the kernel. Afterwards exactly the lab's namespaces are open in `lab`,
 * and its ends' ifindexes and the attached programs are known there.
 * @param wanted the objects that the topology wants, by id
 * @param queries what to read beyond links, addresses, routes and neighbours
 */
export function observe(
	lab: Lab,
	wanted: Objects,
	queries: readonly Query[],
	{ read, listens }: Reader,
): Snapshot {
	const asked = groupBy(
		queries.flatMap((query) => ("namespace" in query ? query : [])),
		({ namespace }) => namespace,
	);
	const { namespaces, pairs } = locate(
		lab,
		(id) => wanted.has(id),
		(known) => read(lab, known, extrasOf(known, asked.get(known.name) ?? [])),
		listens,
	);
	const ends = new Map(pairs.flatMap(({ ends }) => ends.map((end) => [end.name, end])));
	lab.ends.clear();
	for (const { name, link } of ends.values()) {
		lab.ends.add(name, link.index);
		for (const { mode, id } of link.xdp) if (mode !== "offload") lab.ends.attached.set(name, { mode, id });
	}
	lab.ends.foreign = new Set(
		namespaces[0].links.filter(({ name }) => !ends.has(`${HOST}:${name}`)).map(({ index }) => index),
	);
	const programs = readPrograms(lab, ends.values(), queries);
	return {
		lab: lab.name,
		namespaces: new Map(namespaces.map((namespace) => [namespace.name, namespace])),
		pairs,
		ends,
		endByIndex: new Map(Array.from(ends.values(), ({ name, link }) => [link.index, name])),
		programs,
		pins: readPins(lab, programs, queries),
		wanted,
		firstIfindex: lab.ends.firstIfindex,
		...(listens && { reading: readingOf(lab, namespaces, asked, programs) }),
	};
}

function extrasOf({ links }: NamespaceLinks, asked: readonly Query[]): Extras {
	const withFeatures = asked.some((query) => "features" in query);
	return {
		sysctls: asked.flatMap((query) => ("sysctl" in query ? query.sysctl : [])),
		devices: links.flatMap(({ kind, name }) => (withFeatures && kind === "veth" ? name : [])),
	};
}

function readingOf(
	lab: Lab,
	namespaces: readonly NamespaceLinks[],
	asked: ReadonlyMap<string, readonly Query[]>,
	programs: ReadonlyMap<number, ProgramSnapshot>,
): Reading {
	const told = new Map(namespaces.map(({ name }) => [name, lab.namespace(name).route.testimony()]));
	for (const program of programs.values()) told.set(`program/${program.id}`, testimonyOf(program));
	return {
		extras: namespaces.map((known) => [known.name, extrasOf(known, asked.get(known.name) ?? [])]),
		programs: [...programs.keys()],
		digest: digestOf(told),
	};
}

/**
 * Whether the kernel tells the very same as in an earlier reading. Everything is read again, and compared
 * without being decoded.
 */
export function tellsTheSame(lab: Lab, { extras, programs, digest }: Reading): boolean {
	const extrasBy = new Map(extras);
	const told = new Map<string, string>();
	for (const name of new Set([...listNames(), HOST])) {
		if (!lab.open(name)) continue;
		const { route } = lab.namespace(name);
		route.listen();
		const [alias] = route.dump(ALL_LINKS, aliasOfLo);
		if (name === HOST || alias === lab.mark) {
			skimNamespace(lab, name, extrasBy.get(name) ?? { sysctls: [], devices: [] });
			told.set(name, route.testimony());
		}
		if (name !== HOST) lab.close(name);
	}
	for (const id of programs) {
		const program = readProgram(lab, id, []);
		if (program) told.set(`program/${id}`, testimonyOf(program));
	}
	return digestOf(told) === digest;
}

/** A digest of what can be changed of a program: the entries of its maps. */
function testimonyOf({ entries }: ProgramSnapshot): string {
	const hash = createHash("sha256");
	for (const [map, values] of entries)
		for (const [port, value] of values) hash.update(`${map} ${port} ${value.toString("hex")}\n`);
	return hash.digest("base64");
}

/** @param told digests by namespace, and by program as `program/12`, which is nobody's name */
function digestOf(told: ReadonlyMap<string, string>): string {
	const sorted = [...told].sort(([a], [b]) => (a < b ? -1 : 1));
	return createHash("sha256").update(JSON.stringify(sorted)).digest("base64");
}

/**
 * Finds the lab: afterwards exactly its namespaces are open in `lab`, whose window is known.
 * @param isWanted whether the topology has an object of this id
 * @param read what else to read of each namespace, once
 * @param listens whether the namespaces' sockets take note of what they are told
 * @returns `host` first
 */
export function locate<N extends NamespaceLinks>(
	lab: Lab,
	isWanted: (id: string) => boolean,
	read: (links: NamespaceLinks) => N,
	listens = false,
): { namespaces: [N, ...N[]]; pairs: Pair<N>[] } {
	const made = new Map<string, N>();
	const known = new Set<string>();
	const others: (readonly Link[])[] = [];
	const names = listNames();
	lab.makeRoom(names.length);
	for (const name of namesFirst(names, isWanted)) {
		if (name === HOST) continue;
		const links = openLinks(lab, name, listens);
		if (!links) continue;
		if (!carriesMark(lab, links)) {
			others.push(links);
			lab.close(name);
			continue;
		}
		if (known.has(lab.inode(name))) {
			// Another name of a namespace that we have: it goes when that goes.
			lab.addAlias(name);
			continue;
		}
		known.add(lab.inode(name));
		made.set(name, read({ name, made: true, links }));
	}
	const byNsid = new Map<number, string>();
	for (const name of made.keys()) {
		const nsid = lab.namespace(HOST).route.get(getNsid(lab.namespace(name).fd), decodeNsid);
		if (nsid >= 0) byNsid.set(nsid, name);
	}
	if (listens) lab.namespace(HOST).route.listen();
	const host = read({ name: HOST, made: false, links: lab.links(HOST), byNsid });
	const namespaces: [N, ...N[]] = [host, ...made.values()];
	lab.ends.firstIfindex = findWindow(namespaces, lab.mark) ?? freeWindow([...others, host.links].flat());
	const pairs = identifyPairs(namespaces, lab.ends.firstIfindex, lab.mark, isWanted);
	return { namespaces, pairs };
}

/** The names that are wanted before all others: of several names of one namespace the first counts. */
function namesFirst(names: string[], isWanted: (id: string) => boolean): string[] {
	return names.toSorted((a, b) => Number(isWanted(`netns ${b}`)) - Number(isWanted(`netns ${a}`)));
}

/** Opens a namespace, and reads its links; undefined where there is none of that name. */
function openLinks(lab: Lab, name: string, listens: boolean): Link[] | undefined {
	if (!lab.open(name)) return undefined;
	if (listens) lab.namespace(name).route.listen();
	return lab.links(name);
}

function carriesMark(lab: Lab, links: readonly Link[]): boolean {
	return links.find(({ index }) => index === LO)?.alias === lab.mark;
}

/** Whose a namespace is: a lab's name, `undefined` for nobody's that we know. */
export function ownerOf(lab: Lab, name: string): string | undefined {
	// A namespace of somebody else's may have the name by which labs call the machine's own.
	if (name === HOST || !lab.open(name)) return undefined;
	try {
		return labOfMark(lab.links(name).find(({ index }) => index === LO)?.alias);
	} finally {
		lab.close(name);
	}
}

/**
 * The first window in which nobody has a link, neither in `host` nor in another lab's namespaces: that lab may
 * grow, and what it makes is asked of `host`, where the kernel refuses a number that is taken there
 * (__rtnl_newlink()).
 */
function freeWindow(links: readonly Link[]): number {
	const used = new Set(links.map(({ index }) => Math.floor(index / WINDOW)));
	let window = 1;
	while (used.has(window)) window++;
	return window * WINDOW;
}

function readPrograms(
	lab: Lab,
	ends: Iterable<LabEnd>,
	queries: readonly Query[],
): Map<number, ProgramSnapshot> {
	const programs = new Map<number, ProgramSnapshot>();
	const pending = Array.from(ends, ({ link }) => link.xdp.map(({ id }) => id)).flat();
	for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
		if (programs.has(id)) continue;
		const program = readProgram(lab, id, queries);
		if (program) programs.set(id, program);
		if (program?.label?.own) pending.push(...programsInMaps(lab.held.get(id), lab));
	}
	return programs;
}

function readProgram(lab: Lab, id: number, queries: readonly Query[]): ProgramSnapshot | undefined {
	const opened = lab.held.get(id) ?? openLoaded(id);
	if (!opened) return undefined;
	const { fd, maps, label } = lab.hold(opened);
	const { name, tag } = programInfo(fd);
	const program = { id, name, tag, label: undefined, entries: new Map(), contents: new Map() };
	if (label?.lab !== lab.name) return program;
	if (label.own) {
		const contents = readContents(lab, label.program, maps, queries);
		return { ...program, label, contents, types: readTypes({ fd, maps }) };
	}
	return { ...program, label, entries: readByPort(label.source, maps) };
}

/** What was filled of a built-in program: maps, and its constants under the name of the map that has them. */
function readByPort(source: string, maps: LoadedProgram["maps"]): ProgramSnapshot["entries"] {
	if (!isBuiltin(source)) return new Map();
	const { maps: filled, constants } = builtin(source);
	const entries = new Map(Object.keys(filled).map((map) => [map, readEntries(maps.get(map))]));
	const counters = maps.get(COUNTERS_MAP);
	if (constants && counters !== undefined) entries.set(COUNTERS_MAP, readConstants(counters));
	return entries;
}

/** The entries of a map by port that are not zero, as an array has all of them from the start. */
function readEntries(map: number | undefined): Map<number, Buffer> {
	const entries = new Map<number, Buffer>();
	if (map === undefined) return entries;
	const info = mapInfo(map);
	for (let port = 0; port < info.maxEntries; port++) {
		const value = getValue(map, u32Key(port), info);
		if (value?.some((byte) => byte !== 0)) entries.set(port, value);
	}
	return entries;
}
