import { NetlinkError } from "../errors.js";
import { decodeAddress, dumpAddresses } from "../netlink/address.js";
import type { Link } from "../netlink/link.js";
import { decodeNeighbor, dumpNeighbors } from "../netlink/neighbor.js";
import { decodeForwarding, getNetconf, NETCONF_SYSCTLS } from "../netlink/netconf.js";
import { decodeNsid, getNsid } from "../netlink/nsid.js";
import { decodeRoute, dumpRoutes, type Route } from "../netlink/route.js";
import type { LabObject } from "../plan/object.js";
import { BUILTINS, isBuiltin } from "../programs/builtin.js";
import { findWindow, identifyPairs, WINDOW } from "../snapshot/identify.js";
import type {
	LabEnd,
	NamespaceLinks,
	NamespaceSnapshot,
	Pair,
	ProgramSnapshot,
	Query,
	Snapshot,
} from "../snapshot/snapshot.js";
import { type EndName, HOST } from "../topology/topology.js";
import { ENOENT, lookup, mapInfo, programInfo, u32Key } from "./bpf.js";
import { programsInMaps, readContents } from "./contents.js";
import { type Lab, MARK } from "./lab.js";
import { openLoaded } from "./load.js";
import { listNames } from "./netns.js";
import { readPins } from "./pins.js";
import type { NetlinkSocket } from "./socket.js";
import { readSysctl } from "./sysctl.js";

const LO = 1;

/**
 * Reads all that the lab has in the kernel. Afterwards exactly the lab's namespaces are open in `lab`,
 * and its ends' ifindexes and the attached programs are known there.
 * @param wanted the objects that the topology wants, by id
 * @param queries what to read beyond links, addresses, routes and neighbours
 */
export function observe(
	lab: Lab,
	wanted: ReadonlyMap<string, LabObject>,
	queries: readonly Query[],
): Snapshot {
	const asked = new Map<string, Query[]>();
	for (const query of queries) {
		if (!("namespace" in query)) continue;
		const list = asked.get(query.namespace);
		if (list) list.push(query);
		else asked.set(query.namespace, [query]);
	}
	const { namespaces, pairs } = locate(
		lab,
		(id) => wanted.has(id),
		(links) => readNamespace(lab, links, asked.get(links.name) ?? []),
	);
	const ends = new Map<EndName, LabEnd>();
	const endByIndex = new Map<number, EndName>();
	for (const end of pairs.flatMap(({ ends }) => ends)) {
		ends.set(end.name, end);
		endByIndex.set(end.link.index, end.name);
	}
	lab.ifindexes.clear();
	lab.attached.clear();
	for (const { name, link } of ends.values()) {
		lab.ifindexes.set(name, link.index);
		for (const { mode, id } of link.xdp) if (mode !== "offload") lab.attached.set(name, { mode, id });
	}
	lab.foreign = new Set(
		namespaces[0].links.filter(({ name }) => !ends.has(`${HOST}:${name}`)).map(({ index }) => index),
	);
	const programs = readPrograms(lab, ends.values(), queries);
	return {
		lab: lab.name,
		namespaces: new Map(namespaces.map((namespace) => [namespace.name, namespace])),
		pairs,
		ends,
		endByIndex,
		programs,
		pins: readPins(lab, programs, queries),
		wanted,
		firstIfindex: lab.firstIfindex,
	};
}

/**
 * Finds the lab: afterwards exactly its namespaces are open in `lab`, whose window is known.
 * @param isWanted whether the topology has an object of this id
 * @param read what else to read of each namespace, once
 * @returns `host` first
 */
export function locate<N extends NamespaceLinks>(
	lab: Lab,
	isWanted: (id: string) => boolean,
	read: (links: NamespaceLinks) => N,
): { namespaces: [N, ...N[]]; pairs: Pair<N>[] } {
	const made = new Map<string, N>();
	const known = new Set<string>();
	for (const name of namesFirst(listNames(), isWanted)) {
		if (name === HOST) continue;
		const links = openOurs(lab, name);
		if (!links) continue;
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
	const host = read({ name: HOST, made: false, links: lab.links(HOST), byNsid });
	const namespaces: [N, ...N[]] = [host, ...made.values()];
	lab.firstIfindex = findWindow(namespaces, lab.mark) ?? freeWindow(host.links);
	const pairs = identifyPairs(namespaces, lab.firstIfindex, lab.mark, (pair) => isWanted(`veth ${pair}`));
	return { namespaces, pairs };
}

/** The names that are wanted before all others: of several names of one namespace the first counts. */
function namesFirst(names: string[], isWanted: (id: string) => boolean): string[] {
	return names.toSorted((a, b) => Number(isWanted(`netns ${b}`)) - Number(isWanted(`netns ${a}`)));
}

/** The links of a namespace that carries the lab's mark; undefined for any other. */
function openOurs(lab: Lab, name: string): Link[] | undefined {
	if (!lab.open(name)) return undefined;
	const links = lab.links(name);
	if (links.find(({ index }) => index === LO)?.alias === lab.mark) return links;
	lab.close(name);
	return undefined;
}

/** Whose a namespace is: a lab's name, `undefined` for nobody's that we know. */
export function ownerOf(lab: Lab, name: string): string | undefined {
	if (!lab.open(name)) return undefined;
	try {
		const alias = lab.links(name).find(({ index }) => index === LO)?.alias;
		return alias?.startsWith(MARK) ? alias.slice(MARK.length) : undefined;
	} finally {
		lab.close(name);
	}
}

function readNamespace(lab: Lab, known: NamespaceLinks, asked: readonly Query[]): NamespaceSnapshot {
	const { name } = known;
	const { route } = lab.namespace(name);
	return {
		...known,
		addresses: route.dump(dumpAddresses(), decodeAddress),
		routes: [...readRoutes(route, 4), ...readRoutes(route, 6)],
		neighbors: route.dump(dumpNeighbors(), decodeNeighbor),
		sysctls: readSysctls(
			lab,
			name,
			asked.flatMap((query) => ("sysctl" in query ? query.sysctl : [])),
		),
		features: asked.some((query) => "features" in query) ? readFeatures(lab, known) : new Map(),
	};
}

/** IPv4 has no main table before something is in it. */
function readRoutes(socket: NetlinkSocket, family: 4 | 6): Route[] {
	try {
		return socket.dump(dumpRoutes(family), decodeRoute);
	} catch (error) {
		if (error instanceof NetlinkError && error.errno === ENOENT) return [];
		throw error;
	}
}

function readSysctls(lab: Lab, namespace: string, names: readonly string[]): NamespaceSnapshot["sysctls"] {
	const { route } = lab.namespace(namespace);
	const values = new Map<string, string | undefined>(names.map((name) => [name, undefined]));
	const others: string[] = [];
	for (const name of names) {
		const family = NETCONF_SYSCTLS[name as keyof typeof NETCONF_SYSCTLS];
		if (family === undefined) others.push(name);
		else values.set(name, route.get(getNetconf(family), decodeForwarding));
	}
	// Looking a name up below /proc/sys/net takes the longer the more namespaces there are: d_lookup()
	// goes through the entries of all (proc_sys_compare()).
	if (others.length)
		lab.enter(namespace, () => {
			for (const name of others) values.set(name, readSysctl(name));
		});
	return values;
}

function readFeatures(lab: Lab, { name, links }: NamespaceLinks): NamespaceSnapshot["features"] {
	const veths = links.filter(({ kind }) => kind === "veth");
	return new Map(veths.map((link) => [link.index, lab.features(`${name}:${link.name}`)]));
}

/** The first window in which `host` has no link: another lab's ends may be there. */
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
		if (program?.label?.own) pending.push(...programsInMaps(lab.held.get(id)));
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
	if (label.own) return { ...program, label, contents: readContents(lab, label.program, maps, queries) };
	const filled = isBuiltin(label.source) ? Object.keys(BUILTINS[label.source].maps) : [];
	const entries = new Map(filled.map((map) => [map, readEntries(maps.get(map))]));
	return { ...program, label, entries };
}

/** The entries of a map by port that are not zero, as an array has all of them from the start. */
function readEntries(map: number | undefined): Map<number, Buffer> {
	const entries = new Map<number, Buffer>();
	if (map === undefined) return entries;
	const { maxEntries, valueSize } = mapInfo(map);
	for (let port = 0; port < maxEntries; port++) {
		const value = lookup(map, u32Key(port), valueSize);
		if (value?.some((byte) => byte !== 0)) entries.set(port, value);
	}
	return entries;
}
