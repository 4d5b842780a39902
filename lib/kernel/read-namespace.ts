import { NetlinkError, SyscallError } from "../errors.js";
import { ALL_ADDRESSES, decodeAddress } from "../netlink/address.js";
import { ALL_NEIGHBORS, decodeNeighbor } from "../netlink/neighbor.js";
import { decodeForwarding, getNetconf, NETCONF_SYSCTLS } from "../netlink/netconf.js";
import { decodeRoute, dumpRoutes } from "../netlink/route.js";
import type { Features } from "../snapshot/features.js";
import type { NamespaceLinks, NamespaceSnapshot } from "../snapshot/snapshot.js";
import type { EndName } from "../topology/topology.js";
import { ENOENT } from "./bpf.js";
import type { Lab } from "./lab.js";
import type { NetlinkSocket } from "./socket.js";

const ENODEV = 19;

/** What is read of a namespace beyond links, addresses, routes and neighbours. */
export interface Extras {
	/** By sysctl(8) name. */
	sysctls: string[];
	/** The interfaces whose features are read. */
	devices: string[];
}

/** How a look reads. */
export interface Reader {
	/** Reads what the links of a namespace do not tell. */
	read(lab: Lab, known: NamespaceLinks, extras: Extras): NamespaceSnapshot;
	/** Whether a digest is made of what the kernel tells. */
	listens: boolean;
}

/** Reads everything. */
export const THOROUGH: Reader = { read: readNamespace, listens: true };

/** For a lab that is to go: what is in its namespaces goes with them, so of these only links are read. */
export const LINKS_ALONE: Reader = {
	read: (lab, known, extras) => (known.made ? nothingBeyond(known) : readNamespace(lab, known, extras)),
	listens: false,
};

/** What a namespace has, given its links. */
function readNamespace(lab: Lab, known: NamespaceLinks, extras: Extras): NamespaceSnapshot {
	const { name, links } = known;
	const { route } = lab.namespace(name);
	const indexes = new Map(links.map((link) => [link.name, link.index]));
	return {
		...known,
		addresses: route.dump(ALL_ADDRESSES, decodeAddress),
		routes: [...readRoutes(route, 4, decodeRoute), ...readRoutes(route, 6, decodeRoute)],
		neighbors: route.dump(ALL_NEIGHBORS, decodeNeighbor),
		sysctls: readSysctls(lab, name, extras.sysctls),
		features: new Map(
			extras.devices.flatMap((link) => {
				const features = readFeatures(lab, `${name}:${link}`);
				return features ? [[indexes.get(link) ?? 0, features]] : [];
			}),
		),
	};
}

/** A namespace of which only the links are known. */
function nothingBeyond(known: NamespaceLinks): NamespaceSnapshot {
	return { ...known, addresses: [], routes: [], neighbors: [], sysctls: new Map(), features: new Map() };
}

/** Reads the same in the same order, for the digest that its socket makes of it, and keeps nothing. */
export function skimNamespace(lab: Lab, name: string, extras: Extras): void {
	const { route } = lab.namespace(name);
	const nothing = () => undefined;
	route.dump(ALL_ADDRESSES, nothing);
	for (const family of [4, 6] as const) readRoutes(route, family, nothing);
	route.dump(ALL_NEIGHBORS, nothing);
	readSysctls(lab, name, extras.sysctls);
	for (const link of extras.devices) readFeatures(lab, `${name}:${link}`);
}

/** Undefined where the link has gone since it was listed, as one whose peer's namespace is being undone. */
function readFeatures(lab: Lab, end: EndName): Features | undefined {
	try {
		return lab.features(end);
	} catch (error) {
		if (error instanceof SyscallError && error.errno === ENODEV) return undefined;
		throw error;
	}
}

/** IPv4 has no main table before something is in it. */
export function readRoutes<T>(
	socket: NetlinkSocket,
	family: 4 | 6,
	decode: (body: Buffer) => T | undefined,
): T[] {
	try {
		return socket.dump(dumpRoutes(family), decode);
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
	if (others.length)
		lab.enter(namespace, () => {
			for (const name of others) values.set(name, lab.sysctls.read(name));
		});
	for (const [name, value] of values) route.note(`${name}=${value}\n`);
	return values;
}
