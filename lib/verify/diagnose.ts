import { expand } from "../declare/expand.js";
import { type KernelNeed, kernelNeeds } from "../declare/kernel-needs.js";
import type { Requirements } from "../declare/requirements.js";
import { type Flow, flowsOf } from "../expect/flow.js";
import type { CheckReport } from "../expect/report.js";
import { unfulfilled } from "../kernel/features.js";
import type { Lab } from "../kernel/lab.js";
import { observe } from "../kernel/observe.js";
import { THOROUGH } from "../kernel/read-namespace.js";
import { askRoute } from "../kernel/route-lookup.js";
import { kindOf } from "../kinds/registry.js";
import { changeLine, planDocument } from "../plan/render.js";
import { declare, look } from "../reconcile.js";
import type { Query, Snapshot } from "../snapshot/snapshot.js";
import { LOOPBACK, splitEnd } from "../topology/names.js";
import type { EndName, Expectation, Topology } from "../topology/topology.js";
import { causesOf, type Findings, findOnPath } from "./findings.js";
import { type Ground, groundOf } from "./ground.js";
import { forwardingSysctl, HASH_POLICY } from "./hops.js";
import { nobodyCounts, wrongProgram } from "./looks.js";
import { type Journey, pathOf } from "./path.js";

/** How the lab differs from its topology, in the plan's words. Opens the lab's namespaces. */
export function findDrift(lab: Lab, topology: Topology): string[] {
	const { plan } = look(lab, declare(topology).objects);
	return planDocument(topology.name, plan, [], (kind) => kindOf({ kind })).changes.map(changeLine);
}

/** How a lab is known to be, before or after traffic is sent. */
export class Diagnosis {
	readonly #topology: Topology;
	readonly #requirements: Requirements;
	readonly #unfulfilled: readonly KernelNeed[];
	readonly #ground: Ground;

	/** @param tried whether traffic was sent that may fail */
	constructor(lab: Lab, topology: Topology, tried: boolean) {
		this.#topology = topology;
		this.#requirements = expand(topology);
		this.#unfulfilled = unfulfilled(kernelNeeds(this.#requirements));
		const snapshot = lookClosely(lab, topology);
		this.#ground = groundOf(snapshot, topology, tried, (...question) => askRoute(lab, ...question));
	}

	/** Why a check has failed, as far as following its packets through the lab shows. */
	causes(expectation: Expectation, { flows, actions }: Pick<CheckReport, "flows" | "actions">): string[] {
		const { snapshot } = this.#ground;
		const uncounted = actions.flatMap(({ ok, end }) => (ok ? [] : nobodyCounts(end, snapshot)));
		if (uncounted.length > 0 && flows.every(({ ok }) => ok)) return uncounted;
		const all = flowsOf(expectation, this.#topology);
		const failed = all.filter((_, i) => !flows[i]?.ok);
		// Where all of it came through, it took another way than it should.
		const blamed = failed.length ? failed : all;
		const found = blamed.flatMap((flow) => this.#follow(flow, expectation.reachable).findings);
		const counting = actions.filter(({ ok }) => !ok).map(({ end }) => end);
		const causes = [
			...findMissing(snapshot, expectation, blamed),
			...causesOf(failed.length ? found : found.map(({ all }) => ({ all, some: [] }))),
			...counting.flatMap((end) => wrongProgram(end, { snapshot, requirements: this.#requirements }) ?? []),
		];
		return [...new Set(causes)];
	}

	/** What is to be expected of traffic that should come through. */
	foresee(flow: Flow): Outlook {
		const { findings, arrives } = this.#follow(flow, true);
		if (!arrives) return "lost";
		return causesOf(findings).length > 0 ? "doubtful" : "open";
	}

	/** There, and back where somebody answers. */
	#follow({ from, to, address, protocol: name, family, source: given }: Flow, reachable: boolean): Followed {
		const { snapshot, ask } = this.#ground;
		if (!snapshot.namespaces.has(from)) return { findings: [], arrives: false };
		const protocol = PROTOCOLS[name][family];
		const own = ask(from, { destination: address, protocol }, false);
		const source = given ?? ("errno" in own ? undefined : own.source);
		const known = { snapshot, requirements: this.#requirements, unfulfilled: this.#unfulfilled };
		const follow = (journey: Omit<Journey, "protocol">, before = false) => {
			const path = pathOf(this.#ground, { ...journey, protocol });
			const { destination, source } = journey;
			const scene = { ...known, destination, source, family, protocol: name };
			return { ...path, findings: findOnPath(path, scene, before) };
		};
		const there = follow({ from, to, destination: address, source });
		const arrives = there.arrivals.size > 0;
		// Nothing on the way explains why traffic comes through that must not, but it may not have been sent.
		const unsent = there.hops.flatMap(({ egress, stop }) => (egress ? [] : (stop ?? [])));
		if (!reachable) return { findings: [{ all: unsent, some: [] }], arrives };
		if (name === "udp" || source === undefined) return { findings: [there.findings], arrives };
		const answers = { to: [from], destination: source, source: address };
		const wrong = there.findings.all.length > 0;
		const back = Array.from(there.arrivals, (host) => follow({ ...answers, from: host }, wrong));
		return {
			findings: [there, ...back].map(({ findings }) => findings),
			arrives: back.some(({ arrivals }) => arrivals.size > 0),
		};
	}
}

/** `lost`: the kernel's routes and neighbours do not let it through. `doubtful`: something on its way is wrong. */
export type Outlook = "lost" | "doubtful" | "open";

interface Followed {
	findings: Findings[];
	/** Some packets get there and, where somebody answers, back. */
	arrives: boolean;
}

/** IPPROTO_* of <linux/in.h> and <linux/in6.h>. */
const PROTOCOLS = { ping: { 4: 1, 6: 58 }, tcp: { 4: 6, 6: 6 }, udp: { 4: 17, 6: 17 } } as const;

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
	const names = topology.namespaces.map(({ name }) => name);
	const ends = topology.veths.flatMap(({ ends }) => ends);
	const queries: Query[] = [
		...names.map((namespace): Query => ({ namespace, features: true })),
		...names.map((namespace): Query => ({ namespace, sysctl: HASH_POLICY })),
		...ends.flatMap(({ namespace, interface: name }) =>
			([4, 6] as const).map((family): Query => ({ namespace, sysctl: forwardingSysctl(name, family) })),
		),
	];
	return observe(lab, objects, queries, THOROUGH);
}
