import { BlockList, isIPv6 } from "node:net";
import type { Route } from "../netlink/route.js";
import type { LabEnd, NamespaceSnapshot, Snapshot } from "../snapshot/snapshot.js";
import type { Forwarding, Topology } from "../topology/topology.js";

/** What a packet meets in one namespace. */
export interface Hop {
	namespace: NamespaceSnapshot;
	/** How the topology has it forward. */
	forwarding: Forwarding | undefined;
	/** Where the packet comes in; undefined where it starts. */
	ingress: LabEnd | undefined;
	/** Where it leaves; undefined where it ends. */
	egress: LabEnd | undefined;
	/** The other end of `egress`. */
	peer: LabEnd | undefined;
	/** The address that `egress` must have a neighbour for; undefined where none is asked for. */
	next: string | undefined;
}

export interface Path {
	hops: Hop[];
	/** Why it leads no further, where that is not because it has arrived. */
	stop: string | undefined;
}

/** Longer than any route through a lab: a loop. */
const MAX_HOPS = 64;

/** The way that a packet takes by redirects and main routing tables as they are; the first of equal paths. */
export function pathOf(snapshot: Snapshot, topology: Topology, from: string, address: string): Path {
	const hops: Hop[] = [];
	let name = from;
	let ingress: LabEnd | undefined;
	while (hops.length < MAX_HOPS) {
		const namespace = snapshot.namespaces.get(name);
		if (!namespace) return { hops, stop: `namespace ${name} is not there` };
		const forwarding = topology.namespaces.find((one) => one.name === name)?.forwarding;
		const hop: Hop = { namespace, forwarding, ingress, egress: undefined, peer: undefined, next: undefined };
		hops.push(hop);
		const stop = leave(snapshot, hop, address);
		if (stop !== undefined || !hop.egress) return { hops, stop };
		if (!hop.peer) return { hops, stop: `the other end of ${hop.egress.name} is not there` };
		ingress = hop.peer;
		name = ingress.namespace.name;
	}
	return { hops, stop: `packets to ${address} go round in a loop` };
}

/** Fills in how a packet leaves. @returns why it does not; undefined also where it has arrived */
function leave(snapshot: Snapshot, hop: Hop, address: string): string | undefined {
	const { namespace, ingress } = hop;
	const target = ingress && redirectTarget(hop, ingress);
	if (target !== undefined) {
		hop.egress = snapshot.ends.get(`${namespace.name}:${target}`);
		if (!hop.egress) return `${namespace.name}:${target} is not there`;
	} else {
		if (namespace.addresses.some(({ prefix }) => prefix.startsWith(`${address}/`))) return undefined;
		const route = findRoute(namespace, address);
		if (!route) return `${namespace.name} has no route to ${address}`;
		if (route.type !== "unicast") return `the route of ${namespace.name} to ${route.to} is a ${route.type}`;
		const [first] = route.hops;
		hop.egress = [...snapshot.ends.values()].find(
			(end) => end.namespace === namespace && end.link.index === first?.index,
		);
		if (!hop.egress) return `${namespace.name} routes ${address} out of the lab`;
		hop.next = first?.gateway ?? address;
	}
	const pair = snapshot.pairs.find(({ ends }) => ends.some((end) => end === hop.egress));
	hop.peer = pair?.ends.find((end) => end !== hop.egress);
	return undefined;
}

/** Where `hardcoded` and `map` send what comes in here, whoever it is for. */
function redirectTarget({ forwarding }: Hop, ingress: LabEnd): string | undefined {
	if (forwarding?.mode !== "hardcoded" && forwarding?.mode !== "map") return undefined;
	return forwarding.redirect.find(({ from }) => from === ingress.link.name)?.to;
}

/** The longest prefix, then the lowest metric. */
function findRoute({ routes }: NamespaceSnapshot, address: string): Route | undefined {
	const family = isIPv6(address) ? "ipv6" : "ipv4";
	const length = ({ to }: Route) => Number(to.slice(to.indexOf("/") + 1));
	return routes
		.filter((route) => {
			const network = route.to.slice(0, route.to.indexOf("/"));
			if (isIPv6(network) !== (family === "ipv6")) return false;
			const list = new BlockList();
			list.addSubnet(network, length(route), family);
			return list.check(address, family);
		})
		.sort((a, b) => length(b) - length(a) || a.metric - b.metric)[0];
}
