import type { Lab } from "../kernel/lab.js";
import { linkLocal } from "../netlink/address.js";
import { deleteNeighbor, setNeighbor } from "../netlink/neighbor.js";
import type { LabObject } from "../plan/object.js";
import { ofLink } from "../snapshot/by-link.js";
import { splitEnd } from "../topology/names.js";
import type { End, EndName, Namespace } from "../topology/topology.js";
import { fits } from "./address.js";
import { forEach, GONE, type Kind } from "./kind.js";
import { pairOf } from "./veth.js";

export interface Neighbor {
	end: EndName;
	ip: string;
	mac: string;
}

/** A permanent neighbour of one of the lab's ends; learned ones are nobody's business. */
export const neighbor: Kind<Neighbor> = {
	name: "neighbor",
	title: ["neighbour", "neighbours"],
	needsUp: true,
	declare: ({ topology, ends, pairs, peers }) => {
		const objects = new Map<string, LabObject<Neighbor>>();
		const add = (end: End, ip: string, mac: string, reason?: string) => {
			const one = object(end.name, ip, mac, pairOf(pairs, end.name), reason);
			if (!objects.has(one.name) && fits(ip, end.mtu)) objects.set(one.name, one);
		};
		for (const namespace of topology.namespaces)
			for (const { ip, mac, interface: link } of namespace.neighbors)
				add(ends.get(`${namespace.name}:${link}`) as End, ip, mac);
		const byName = new Map(topology.namespaces.map((namespace) => [namespace.name, namespace]));
		for (const end of ends.values()) {
			const namespace = byName.get(end.namespace);
			const peer = peers.get(end.name);
			if (!peer || namespace?.learned) continue;
			for (const ip of peerAddresses(namespace, end, peer)) add(end, ip, peer.mac, `${peer.name}, the peer`);
		}
		return [...objects.values()];
	},
	observe: ({ ends }) =>
		[...ends.values()].flatMap(({ name, pair, link, namespace }) =>
			ofLink(namespace.neighbors, link.index)
				.filter(({ permanent, mac }) => permanent && mac !== undefined)
				.map(({ ip, mac = "" }) => object(name, ip, mac, pair)),
		),
	create: set,
	update: (changes, lab) =>
		set(
			changes.map(({ object }) => object),
			lab,
		),
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec: { end, ip } }) =>
			lab.queue(splitEnd(end).namespace, deleteNeighbor(lab.ends.ifindex(end), ip), GONE),
		),
	describe: ({ spec: { end, ip, mac } }) => `${end} ${ip} lladdr ${mac}`,
	describeChange: (from, to) => `${from.mac} → ${to.mac}`,
};

/** What the peer may be reached by: its addresses, and its link-local one where a route names it. */
function peerAddresses(namespace: Namespace | undefined, end: End, peer: End): string[] {
	const addresses = peer.addresses.map((prefix) => prefix.slice(0, prefix.indexOf("/")));
	const local = linkLocal(peer.mac).replace("/64", "");
	const named = namespace?.routes.some(({ via }) =>
		via.some((hop) => hop.address === local && hop.interface === end.interface),
	);
	return named ? [...addresses, local] : addresses;
}

function set(objects: readonly LabObject<Neighbor>[], lab: Lab): void {
	forEach(objects, lab, ({ spec: { end, ip, mac } }) =>
		lab.queue(splitEnd(end).namespace, setNeighbor(lab.ends.ifindex(end), ip, mac)),
	);
}

function object(end: EndName, ip: string, mac: string, pair: string, reason?: string): LabObject<Neighbor> {
	return {
		kind: "neighbor",
		name: `${end} ${ip}`,
		spec: { end, ip, mac },
		within: [pair],
		needs: [],
		...(reason !== undefined && { reason }),
	};
}
