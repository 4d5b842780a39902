import { shownChanges } from "../plan/render.js";
import type { EndStatus, LabStatus } from "../status.js";
import { splitEnd } from "../topology/names.js";
import { HOST } from "../topology/topology.js";
import { type Drift, placeDrift } from "./drift.js";
import type { Graph, GraphEnd, GraphNamespace, GraphPair } from "./model.js";

/** The picture of a lab that is up: what is there, what should be and is not, and what differs. */
export function graphOfStatus({ lab, namespaces, drift: plan }: LabStatus): Graph {
	const ends = namespaces.flatMap((namespace) => namespace.ends);
	const known = { ends: ends.map(({ name }) => name), namespaces: namespaces.map(({ name }) => name) };
	const changes = plan && shownChanges(plan);
	const drift = placeDrift(changes ?? [], known);
	const drawn = namespaces.map(
		({ name, forwarding, addresses, ends }): GraphNamespace => ({
			name,
			host: name === HOST,
			forwarding,
			addresses,
			gone: false,
			drift: drift.ofNamespace.get(name) ?? [],
			ends: ends.map((end) => describeEnd(end, drift)),
		}),
	);
	return {
		lab,
		differences: changes?.length ?? null,
		namespaces: withGone(drawn, drift),
		pairs: [...livePairs(ends, drift), ...drift.gonePairs],
		drift: drift.elsewhere,
	};
}

function describeEnd({ name, up, addresses, xdp }: EndStatus, drift: Drift): GraphEnd {
	return {
		interface: splitEnd(name).interface,
		// The kernel gives every end a link-local one, which says nothing about the lab.
		addresses: addresses.filter((prefix) => !/^fe[89ab]/i.test(prefix)),
		programs: xdp.map(({ name, mode, ours }) => ({ name, generic: mode === "generic", foreign: !ours })),
		down: !up,
		gone: false,
		drift: drift.ofEnd.get(name) ?? [],
	};
}

/** Adds the namespaces and the ends that an apply would make. */
function withGone(drawn: readonly GraphNamespace[], { goneNamespaces, gonePairs }: Drift): GraphNamespace[] {
	const all = [...drawn];
	const find = (name: string): GraphNamespace => {
		const found = all.find((one) => one.name === name);
		if (found) return found;
		// `host` is always there, even where none of its ends are.
		const gone = name !== HOST;
		const made = { name, host: !gone, forwarding: null, addresses: [], gone, drift: [], ends: [] };
		all.push(made);
		return made;
	};
	for (const name of goneNamespaces) find(name);
	for (const end of gonePairs.flatMap(({ ends }) => ends)) {
		if (end === null) continue;
		const { ends } = find(end.namespace);
		if (ends.some((one) => one.interface === end.interface)) continue;
		ends.push({
			interface: end.interface,
			addresses: [],
			programs: [],
			down: false,
			gone: true,
			drift: [],
		});
	}
	return all;
}

/** Each pair once, at the first of its ends; not those of which an end is gone. */
function livePairs(ends: readonly EndStatus[], { gonePairs }: Drift): GraphPair[] {
	const seen = new Set(
		gonePairs.flatMap(({ ends }) => ends.map((end) => end && `${end.namespace}:${end.interface}`)),
	);
	return ends.flatMap(({ name, peer }) => {
		if (seen.has(name)) return [];
		if (peer !== null) seen.add(peer);
		return [{ ends: [splitEnd(name), peer === null ? null : splitEnd(peer)] }];
	});
}
