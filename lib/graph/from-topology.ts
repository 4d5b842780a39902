import { expand } from "../declare/expand.js";
import { type End, HOST, type Topology } from "../topology/topology.js";
import type { Graph, GraphEnd } from "./model.js";

/** The picture of a file: what an apply would make, the programs that follow from a mode included. */
export function graphOfTopology(topology: Topology): Graph {
	const { attachments } = expand(topology);
	const ends = new Map<string, GraphEnd[]>();
	for (const end of topology.veths.flatMap(({ ends }) => ends)) {
		const attachment = attachments.get(end.name);
		const list = ends.get(end.namespace) ?? [];
		ends.set(end.namespace, list);
		list.push({
			interface: end.interface,
			addresses: end.addresses,
			programs: attachment
				? [{ name: attachment.program, generic: attachment.attach === "generic", foreign: false }]
				: [],
			down: false,
			gone: false,
			drift: [],
		});
	}
	return {
		lab: topology.name,
		namespaces: topology.namespaces.map(({ name, forwarding, addresses }) => ({
			name,
			host: name === HOST,
			forwarding: forwarding?.mode ?? null,
			addresses: addresses ?? [],
			gone: false,
			drift: [],
			ends: ends.get(name) ?? [],
		})),
		pairs: topology.veths.map(({ ends: [a, b] }) => ({ ends: [nameOf(a), nameOf(b)] })),
		drift: [],
	};
}

function nameOf({ namespace, interface: link }: End) {
	return { namespace, interface: link };
}
