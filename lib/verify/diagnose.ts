import { expand } from "../declare/expand.js";
import { kernelNeeds } from "../declare/kernel-needs.js";
import { type Flow, flowsOf } from "../expect/flow.js";
import type { CheckReport } from "../expect/report.js";
import { unfulfilled } from "../kernel/features.js";
import type { Lab } from "../kernel/lab.js";
import { observe } from "../kernel/observe.js";
import { THOROUGH } from "../kernel/read-namespace.js";
import { kindOf } from "../kinds/registry.js";
import { changeLine, planDocument } from "../plan/render.js";
import { declare, look } from "../reconcile.js";
import type { Query, Snapshot } from "../snapshot/snapshot.js";
import { LOOPBACK, splitEnd } from "../topology/names.js";
import type { EndName, Expectation, Topology } from "../topology/topology.js";
import { forwardingSysctl, LOOKS, nobodyCounts, type Scene, wrongProgram } from "./looks.js";
import { type Path, pathOf } from "./path.js";

/** How the lab differs from its topology, in the plan's words. */
export function findDrift(lab: Lab, topology: Topology): string[] {
	const { plan } = look(lab, declare(topology).objects);
	return planDocument(topology.name, plan, [], (kind) => kindOf({ kind })).changes.map(changeLine);
}

/** Why a check has failed, as far as it can be seen by following its packets through the lab. */
export function findCauses(
	lab: Lab,
	topology: Topology,
	expectation: Expectation,
	{ flows, actions }: Pick<CheckReport, "flows" | "actions">,
): string[] {
	const snapshot = lookClosely(lab, topology);
	const uncounted = actions.flatMap(({ ok, end }) => (ok ? [] : nobodyCounts(end, snapshot)));
	if (uncounted.length > 0 && flows.every(({ ok }) => ok)) return uncounted;
	const requirements = expand(topology);
	const lacking = unfulfilled(kernelNeeds(requirements));
	const all = flowsOf(expectation, topology);
	const failed = all.filter((_, i) => !flows[i]?.ok);
	// Where all of it came through, it took another way than it should.
	const blamed = failed.length ? failed : all;
	const causes = findMissing(snapshot, expectation, blamed);
	// What must not come through and does, is kept by nothing that could be looked for on its way.
	for (const flow of expectation.reachable || failed.length === 0 ? blamed : []) {
		const scene = {
			snapshot,
			requirements,
			family: flow.family,
			checksummed: flow.protocol !== "ping",
			unfulfilled: lacking,
		};
		causes.push(...pathsOf(snapshot, topology, flow).flatMap((path) => findOnPath(path, scene)));
	}
	const counting = actions.filter(({ ok }) => !ok).map(({ end }) => end);
	causes.push(...counting.flatMap((end) => wrongProgram(end, { snapshot, requirements }) ?? []));
	if (causes.length > 0) return [...new Set(causes)];
	const drift = findDrift(lab, topology);
	return drift.length ? [`the lab differs from its topology: ${drift.slice(0, 3).join("; ")}`] : [];
}

/** The two sides themselves, as far as it takes to send something. */
function findMissing(snapshot: Snapshot, { from, to }: Expectation, flows: readonly Flow[]): string[] {
	const { namespaces, ends } = snapshot;
	const target = splitEnd(to).namespace;
	const gone = [from.namespace, target].filter((name) => !namespaces.has(name));
	if (gone.length) return gone.map((name) => `namespace ${name} is not there`);
	const isLoopback = (end: EndName) => splitEnd(end).interface === LOOPBACK;
	const missing = [from.end, to].filter((end) => end !== undefined && !isLoopback(end) && !ends.has(end));
	if (missing.length) return missing.map((end) => `${end} is not there`);
	const has = (address: string) =>
		namespaces.get(target)?.addresses.some(({ prefix }) => prefix.startsWith(`${address}/`));
	return flows.flatMap(({ address }) => (has(address) ? [] : `${to} has no address ${address}`));
}

/** More than a plan needs: offloads of every end, and whether it forwards. */
function lookClosely(lab: Lab, topology: Topology): Snapshot {
	const { objects } = declare(topology);
	look(lab, objects);
	const names = topology.namespaces.map(({ name }) => name);
	const ends = topology.veths.flatMap(({ ends }) => ends);
	const queries: Query[] = [
		...names.map((namespace): Query => ({ namespace, features: true })),
		...ends.flatMap(({ namespace, interface: name }) =>
			([4, 6] as const).map((family): Query => ({ namespace, sysctl: forwardingSysctl(name, family) })),
		),
	];
	return observe(lab, objects, queries, THOROUGH);
}

/** There, and back where somebody answers and it is known who. */
function pathsOf(snapshot: Snapshot, topology: Topology, flow: Flow): Path[] {
	const there = pathOf(snapshot, topology, flow.from, flow.address);
	const [host, another] = flow.to;
	if (flow.protocol === "udp" || there.stop !== undefined || another !== undefined) return [there];
	const source = flow.source ?? sourceOf(there, flow.family);
	return source === undefined || host === undefined
		? [there]
		: [there, pathOf(snapshot, topology, host, source)];
}

/** The address that the kernel sends from: the first of the interface that it sends by. */
function sourceOf({ hops: [first] }: Path, family: 4 | 6): string | undefined {
	const index = first?.egress?.link.index;
	const own = first?.namespace.addresses.filter((address) => address.index === index) ?? [];
	const found = own.find(
		({ prefix }) => prefix.includes(":") === (family === 6) && !/^fe[89ab]/.test(prefix),
	);
	return found?.prefix.replace(/\/.*/, "");
}

/** What is wrong nearest to the start comes first, and of one namespace what is most certain; then what it leads to. */
function findOnPath({ hops, stop }: Path, scene: Scene): string[] {
	const found = hops.flatMap((hop) => LOOKS.flatMap((one) => one(hop, scene) ?? []));
	return stop === undefined ? found : [...found, stop];
}
