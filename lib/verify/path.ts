import type { LabEnd, NamespaceSnapshot } from "../snapshot/snapshot.js";
import type { Forwarding } from "../topology/topology.js";
import type { Ground } from "./ground.js";
import { hopsOf } from "./hops.js";

/** Packets that come in by one interface, or start in a namespace, and leave by one interface. */
export interface Hop {
	namespace: NamespaceSnapshot;
	/** How the topology has the namespace forward. */
	forwarding: Forwarding | undefined;
	/** Where the packets come in; undefined where they start. */
	ingress: LabEnd | undefined;
	/** Where the packets leave; undefined where they end. */
	egress?: LabEnd | undefined;
	/** The other end of `egress`; absent if they leave by none. */
	peer?: LabEnd | undefined;
	/** The address that `egress` must have a neighbour for; absent where none is asked for. */
	next?: string | undefined;
	/** Why the packets get no further. */
	stop?: string | undefined;
	/** `stop` holds if packets got here at all, which the kernel's tables do not show. */
	unsure?: boolean;
	/** The network stack refuses the packets by their source address. */
	refused?: boolean;
	/** What the packets meet behind `peer`. */
	behind?: Stage;
}

/** What packets meet in one namespace: a hop for each of the equal paths that they may take. */
export interface Stage {
	hops: Hop[];
	/** The namespaces from here on in which the packets rightly end. */
	arrivals: Set<string>;
}

/** Packets to follow. */
export interface Journey {
	from: string;
	destination: string;
	/** Absent where it is not known. */
	source?: string | undefined;
	/** IPPROTO_* */
	protocol: number;
	/** The namespaces in which the packets may end; the sender only if it is the first. */
	to: readonly string[];
}

/** How many routers packets pass that start with the kernel's default TTL or hop limit, 64. */
const MAX_ROUTERS = 63;

/** The path of packets by redirects and the kernel's routing, as the lab is now. */
export function pathOf(ground: Ground, journey: Journey): Stage {
	const visited = new Map<string, Stage>();
	/** The stages between the start and the present one. */
	const open = new Set<Stage>();

	function visit(name: string, ingress: LabEnd | undefined, routers: number): Stage {
		const stage: Stage = { hops: [], arrivals: new Set() };
		visited.set(ingress?.name ?? name, stage);
		open.add(stage);
		const { hops, certain } = hopsOf(ground, journey, name, ingress);
		for (const hop of hops) {
			stage.hops.push(hop);
			if (hop.stop !== undefined) continue;
			if (hop.peer) follow(hop, hop.peer, routers);
			else stage.arrivals.add(name);
			for (const arrival of hop.behind?.arrivals ?? []) stage.arrivals.add(arrival);
			// The first is the one that the kernel chooses: the others do not matter if it leads on.
			if (certain && stage.arrivals.size > 0) break;
		}
		open.delete(stage);
		return stage;
	}

	/** @param routers how many have routed the packets so far: a redirect leaves the TTL alone */
	function follow(hop: Hop, peer: LabEnd, routers: number): void {
		const { ingress, egress, next } = hop;
		const known = visited.get(peer.name);
		const packets = `packets to ${journey.destination}`;
		const routes = ingress !== undefined && next !== undefined;
		if (known && open.has(known))
			hop.stop = `${packets} go round in a loop: ${egress?.name} sends them to ${peer.name} again`;
		else if (routes && routers === MAX_ROUTERS)
			hop.stop = `the TTL of ${packets} is used up at ${ingress.name}`;
		else hop.behind = known ?? visit(peer.namespace.name, peer, routers + Number(routes));
	}

	return visit(journey.from, undefined, 0);
}
