import { declare } from "../../lib/reconcile.js";
import { WINDOW } from "../../lib/snapshot/identify.js";
import { parseTopology } from "../../lib/topology/parse-topology.js";
import type { End, EndName, Topology } from "../../lib/topology/topology.js";

/**
 * What a lab comes to, in the product's own words, laid out for those who have nothing to think about:
 * bench/floor.c, and scripts of commands.
 */
export interface Steps {
	lab: string;
	/** In the order in which they are made. */
	namespaces: NamespaceSteps[];
	pairs: [EndSteps, EndSteps][];
}

export interface NamespaceSteps {
	name: string;
	/** Name and value, of those that a new namespace does not have by itself. */
	sysctls: [name: string, value: string][];
	ends: EndSteps[];
	routes: { to: string; via: string; end: EndSteps }[];
}

export interface EndSteps {
	namespace: string;
	interface: string;
	/** As the product numbers it. */
	index: number;
	mac: string;
	addresses: string[];
	neighbors: { ip: string; mac: string }[];
	/** TX checksum offload is to be off. */
	txOff: boolean;
	/** The program to attach. */
	program: string;
	/** Maps in which this end's port leads to itself. */
	maps: { program: string; map: string; port: number }[];
}

interface Specs {
	sysctl: { namespace: string; name: string; value: string };
	neighbor: { end: EndName; ip: string; mac: string };
	offload: { end: EndName; feature: string; state: string };
	xdp: { end: EndName; program: string };
	entry: { program: string; map: string; key: EndName };
	route: { namespace: string; to: string; hops: { interface: string; address: string }[] };
}

/** The steps to a lab whose file has nothing but what bench/apply/labs.ts writes. */
export function stepsOf(text: string): Steps {
	const topology = parseTopology(text, "lab.yaml");
	const objects = [...declare(topology).objects.values()];
	const ofKind = <K extends keyof Specs>(kind: K) =>
		objects.filter((object) => object.kind === kind).map(({ spec }) => spec as Specs[K]);
	const ends = endsOf(topology);
	const end = (name: EndName) => ends.get(name) as EndSteps;
	const namespaces = new Map(
		topology.namespaces.map(({ name }): [string, NamespaceSteps] => [
			name,
			{ name, sysctls: [], ends: [], routes: [] },
		]),
	);
	for (const one of ends.values()) namespaces.get(one.namespace)?.ends.push(one);
	for (const { namespace, name, value } of ofKind("sysctl"))
		if (value !== "0") namespaces.get(namespace)?.sysctls.push([name, value]);
	for (const { end: name, ip, mac } of ofKind("neighbor")) end(name).neighbors.push({ ip, mac });
	for (const { end: name, feature, state } of ofKind("offload"))
		if (feature === "tx" && state === "off") end(name).txOff = true;
	for (const { end: name, program } of ofKind("xdp")) end(name).program = program;
	for (const { program, map, key } of ofKind("entry"))
		end(key).maps.push({ program, map, port: end(key).index - WINDOW });
	for (const { namespace, to, hops } of ofKind("route"))
		for (const hop of hops)
			namespaces
				.get(namespace)
				?.routes.push({ to, via: hop.address, end: end(`${namespace}:${hop.interface}`) });
	return {
		lab: topology.name,
		namespaces: [...namespaces.values()],
		pairs: topology.veths.map(({ ends: [a, b] }) => [end(a.name), end(b.name)]),
	};
}

function endsOf({ veths }: Topology): Map<EndName, EndSteps> {
	let index = WINDOW;
	const sorted = veths.flatMap(({ ends: [a, b] }): End[] => (a.name < b.name ? [a, b] : [b, a]));
	return new Map(
		sorted.map((end) => [
			end.name,
			{
				namespace: end.namespace,
				interface: end.interface,
				index: index++,
				mac: end.mac,
				addresses: end.addresses,
				neighbors: [],
				txOff: false,
				program: "",
				maps: [],
			},
		]),
	);
}
