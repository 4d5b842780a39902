import { subnetOf } from "../netlink/address.js";
import { addressedOf } from "../topology/addressed.js";
import type { End, EndName, Namespace, Topology } from "../topology/topology.js";
import { hasIpv6, kernelLinkLocal } from "./ipv6.js";
import type { Requirements } from "./requirements.js";

/** A permanent neighbour of an end. */
export interface NeighborRequirement {
	end: EndName;
	ip: string;
	mac: string;
	/** Another address of the same neighbour, which stands for this one in a plan. */
	besides?: string;
	reason?: string;
}

/** The neighbours that the file lists, then the peer of each end by every address that is reached there. */
export function neighborsOf({ topology, ends, peers }: Requirements): NeighborRequirement[] {
	const namespaces = new Map(topology.namespaces.map((namespace) => [namespace.name, namespace]));
	const found = new Map<string, NeighborRequirement>();
	const add = (neighbor: NeighborRequirement) => {
		const key = `${neighbor.end} ${neighbor.ip}`;
		const end = ends.get(neighbor.end) as End;
		const namespace = namespaces.get(end.namespace);
		if (found.has(key) || (isIpv6(neighbor.ip) && !hasIpv6(end, namespace))) return;
		found.set(key, neighbor);
	};
	for (const { name, neighbors } of topology.namespaces)
		for (const { ip, mac, interface: link } of neighbors) add({ end: `${name}:${link}`, ip, mac });
	const onLink = destinationsByLink(topology);
	const owned = ownersByNamespace(topology);
	for (const end of ends.values()) {
		const peer = peers.get(end.name);
		if (!peer || namespaces.get(end.namespace)?.learned) continue;
		const neighbor = { end: end.name, mac: peer.mac, reason: `${peer.name}, the peer` };
		const ips = peer.addresses.map(withoutLength);
		for (const ip of ips) add({ ...neighbor, ip });
		const local = kernelLinkLocal(peer, namespaces.get(peer.namespace));
		if (local !== undefined) {
			const known = ips.filter((ip) => found.has(`${end.name} ${ip}`));
			const besides = known.find(isIpv6) ?? known[0];
			add({ ...neighbor, ip: local, ...(besides !== undefined && { besides }) });
		}
		const destinations = onLink.get(end.name);
		for (const [ip, owner] of destinations ? reached(destinations, owned.get(peer.namespace)) : [])
			add({ ...neighbor, ip, reason: `${owner}, which a route puts on this link` });
	}
	return [...found.values()];
}

/** What routes of the file reach on a link without a router between. */
interface Destinations {
	/** Addresses of next hops. */
	hops: Set<string>;
	/** Destinations of routes without a next hop. */
	prefixes: Set<string>;
}

function destinationsByLink({ namespaces }: Topology): Map<EndName, Destinations> {
	const byLink = new Map<EndName, Destinations>();
	const of = (namespace: Namespace, link: string): Destinations => {
		const name: EndName = `${namespace.name}:${link}`;
		const known = byLink.get(name) ?? { hops: new Set(), prefixes: new Set() };
		byLink.set(name, known);
		return known;
	};
	for (const namespace of namespaces)
		for (const { to, via, interface: link } of namespace.routes) {
			for (const hop of via) of(namespace, hop.interface).hops.add(hop.address);
			if (link !== undefined && via.length === 0) of(namespace, link).prefixes.add(to);
		}
	return byLink;
}

/** The interface that has an address, by namespace and address; link-local ones are each link's own. */
function ownersByNamespace(topology: Topology): Map<string, Map<string, EndName>> {
	const owners = new Map<string, Map<string, EndName>>();
	for (const { name, namespace, addresses } of addressedOf(topology)) {
		const known = owners.get(namespace) ?? new Map<string, EndName>();
		owners.set(namespace, known);
		for (const ip of addresses.map(withoutLength))
			if (!known.has(ip) && !/^fe[89ab]/.test(ip)) known.set(ip, name);
	}
	return owners;
}

/** The addresses of a peer's namespace that are among the destinations, each with its interface. */
function* reached(
	{ hops, prefixes }: Destinations,
	owners: ReadonlyMap<string, EndName> = new Map(),
): Iterable<[ip: string, owner: EndName]> {
	const exact = [...hops, ...Array.from(prefixes).filter(isOfOneAddress).map(withoutLength)];
	for (const ip of exact) {
		const owner = owners.get(ip);
		if (owner !== undefined) yield [ip, owner];
	}
	const wide = Array.from(prefixes).filter((prefix) => !isOfOneAddress(prefix));
	if (wide.length === 0) return;
	for (const [ip, owner] of owners) if (wide.some((prefix) => contains(prefix, ip))) yield [ip, owner];
}

function isOfOneAddress(prefix: string): boolean {
	return prefix.endsWith(isIpv6(prefix) ? "/128" : "/32");
}

function contains(prefix: string, ip: string): boolean {
	const length = prefix.slice(prefix.indexOf("/"));
	return isIpv6(prefix) === isIpv6(ip) && subnetOf(`${ip}${length}`) === prefix;
}

function withoutLength(prefix: string): string {
	return prefix.slice(0, prefix.indexOf("/"));
}

function isIpv6(text: string): boolean {
	return text.includes(":");
}
