import type { Forwarding } from "../topology/topology.js";

/** What a picture shows, of a file or of a lab that is up: plain data, the same for every format. */
export interface Graph {
	lab: string;
	/** Undefined for a file. Of a lab: how many differences from what was applied, null where unknown. */
	differences?: number | null;
	namespaces: GraphNamespace[];
	pairs: GraphPair[];
	/** Differences that belong to no namespace and no end, such as a program's. */
	drift: string[];
}

export interface GraphNamespace {
	name: string;
	/** The namespace that the commands run in. */
	host: boolean;
	forwarding: Forwarding["mode"] | null;
	/** On `lo`. */
	addresses: string[];
	/** It was applied and is not there any more. */
	gone: boolean;
	drift: string[];
	ends: GraphEnd[];
}

export interface GraphEnd {
	interface: string;
	addresses: string[];
	programs: GraphProgram[];
	down: boolean;
	/** It was applied and is not there any more. */
	gone: boolean;
	drift: string[];
}

export interface GraphProgram {
	name: string;
	generic: boolean;
	/** Somebody else's. */
	foreign: boolean;
}

/** The two ends by namespace and interface; null where the other end is in somebody else's namespace. */
export interface GraphPair {
	ends: [GraphEndName, GraphEndName | null];
}

export interface GraphEndName {
	namespace: string;
	interface: string;
}

/** Whether something about an end is not as it was applied. */
export function isDrifted({ gone, drift }: Pick<GraphEnd, "gone" | "drift">): boolean {
	return gone || drift.length > 0;
}

/** The namespaces that each namespace has a pair with, other than itself. */
export type Neighbors = ReadonlyMap<string, ReadonlySet<string>>;

export function neighborsOf({ namespaces, pairs }: Graph): Neighbors {
	const neighbors = new Map(namespaces.map(({ name }): [string, Set<string>] => [name, new Set()]));
	for (const {
		ends: [a, b],
	} of pairs) {
		if (!b || a.namespace === b.namespace) continue;
		neighbors.get(a.namespace)?.add(b.namespace);
		neighbors.get(b.namespace)?.add(a.namespace);
	}
	return neighbors;
}
