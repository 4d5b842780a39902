import { neighborsOf } from "../declare/neighbors.js";
import type { Lab } from "../kernel/lab.js";
import { deleteNeighbor, setNeighbor } from "../netlink/neighbor.js";
import { idOf, type LabObject } from "../plan/object.js";
import { ofLink } from "../snapshot/by-link.js";
import { splitEnd } from "../topology/names.js";
import type { EndName } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";
import { pairOf } from "./veth.js";

export interface Neighbor {
	end: EndName;
	ip: string;
	mac: string;
}

/**
 * A neighbour of one of the lab's ends: permanent, or a routing daemon's with the same MAC, as zebra turns
 * permanent ones into its own. Those that the kernel learned are left alone.
 */
export const neighbor: Kind<Neighbor> = {
	name: "neighbor",
	title: ["neighbour", "neighbours"],
	needsUp: true,
	declare: (requirements) =>
		neighborsOf(requirements).map(({ end, ip, mac, besides, reason }) => ({
			...object(end, ip, mac, pairOf(requirements.pairs, end)),
			...(besides !== undefined && { partOf: idOf({ kind: "neighbor", name: nameOf(end, besides) }) }),
			...(reason !== undefined && { reason }),
		})),
	observe: ({ ends, wanted }) =>
		[...ends.values()].flatMap(({ name, pair, link, namespace }) =>
			ofLink(namespace.neighbors, link.index).flatMap(({ ip, mac, permanent, byDaemon }) => {
				// A routing daemon's is as good where it is as wanted, and otherwise the daemon's business.
				const isOurs = byDaemon ? wanted.has(`neighbor ${nameOf(name, ip)}`) : permanent;
				return isOurs && mac !== undefined ? object(name, ip, mac, pair) : [];
			}),
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

function set(objects: readonly LabObject<Neighbor>[], lab: Lab): void {
	forEach(objects, lab, ({ spec: { end, ip, mac } }) =>
		lab.queue(splitEnd(end).namespace, setNeighbor(lab.ends.ifindex(end), ip, mac)),
	);
}

function nameOf(end: EndName, ip: string): string {
	return `${end} ${ip}`;
}

function object(end: EndName, ip: string, mac: string, pair: string): LabObject<Neighbor> {
	return { kind: "neighbor", name: nameOf(end, ip), spec: { end, ip, mac }, within: [pair], needs: [] };
}
