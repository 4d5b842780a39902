import type { RouteAnswer } from "../kernel/route-lookup.js";
import type { Packets } from "../netlink/route-lookup.js";
import type { LabEnd, NamespaceSnapshot, Snapshot } from "../snapshot/snapshot.js";
import type { EndName, Topology } from "../topology/topology.js";

/** The kernel's answer about packets in a namespace; `whole` asks for all of equal paths. */
export type Ask = (namespace: string, packets: Packets, whole: boolean) => RouteAnswer;

/** What a path is read from. */
export interface Ground {
	snapshot: Snapshot;
	topology: Topology;
	/** Packets were sent before the snapshot was read: what they could not resolve shows. */
	tried: boolean;
	ask: Ask;
	/** The lab's ends by namespace and ifindex. */
	ends: ReadonlyMap<string, LabEnd>;
	/** The other end of a pair, by name. */
	peers: ReadonlyMap<EndName, LabEnd>;
}

export function groundOf(snapshot: Snapshot, topology: Topology, tried: boolean, ask: Ask): Ground {
	const ends = Array.from(
		snapshot.ends.values(),
		(end) => [keyOf(end.namespace, end.link.index), end] as const,
	);
	const peers = snapshot.pairs.flatMap(({ ends: [a, b] }) =>
		b ? [[a.name, b] as const, [b.name, a] as const] : [],
	);
	return { snapshot, topology, tried, ask, ends: new Map(ends), peers: new Map(peers) };
}

/** The end of a namespace that has an ifindex; undefined where it is not the lab's. */
export function endAt({ ends }: Ground, namespace: NamespaceSnapshot, index: number): LabEnd | undefined {
	return ends.get(keyOf(namespace, index));
}

function keyOf({ name }: NamespaceSnapshot, index: number): string {
	return `${name} ${index}`;
}
