import { setTimeout } from "node:timers/promises";
import { describeFlow, type Flow, flowsOf, titleOf } from "../expect/flow.js";
import type { ActionReport, CheckReport, FlowReport, Packets } from "../expect/report.js";
import type { Lab } from "../kernel/lab.js";
import type { LabCounters } from "../kernel/lab-counters.js";
import type { EndName, Expectation, Topology, XdpAction } from "../topology/topology.js";
import { difference, leastPackets, takeSample } from "./counters.js";
import type { Diagnosis } from "./diagnose.js";
import type { Peers } from "./peers.js";
import { send } from "./send.js";

export interface CheckOptions {
	/** How often traffic is tried that should come through. */
	attempts: number;
	/** Milliseconds to wait for traffic that should come through. */
	patience: number;
	/** Milliseconds to wait for traffic that should not. */
	absence: number;
	signal?: AbortSignal | undefined;
}

/** What checks work with. */
export interface Bench {
	lab: Lab;
	/** Of the ends that expectations look at. */
	counters: LabCounters;
	peers: Peers;
	topology: Topology;
	/** How the lab was before any traffic, if it differs from its topology. */
	before?: Diagnosis | undefined;
	options: CheckOptions;
}

/** Sends what an expectation speaks of, and compares. Causes are for another to find. */
export async function check(bench: Bench, expectation: Expectation): Promise<CheckReport> {
	const start = performance.now();
	const flows = flowsOf(expectation, bench.topology);
	const seen = new Map<Flow, FlowReport>();
	const actions: ActionReport[] = [];
	let ok = flows.length > 0;
	let failed = false;
	let groups = groupsOf(bench, expectation, flows);
	for (let [group, ...rest] = groups; group; [group, ...rest] = groups) {
		const result = await tryGroup(bench, expectation, failed ? { ...group, attempts: 1 } : group);
		group.flows.forEach((flow, i) => {
			seen.set(flow, result.flows[i] as FlowReport);
		});
		actions.push(...result.actions);
		ok &&= result.ok;
		failed ||= !result.ok && !group.lost;
		// Once it has failed, the rest is only to see what else does: tried once, all at a time.
		groups = failed && rest.length > 1 ? [merge(rest)] : rest;
	}
	return {
		title: titleOf(expectation),
		line: expectation.line,
		ok,
		milliseconds: Math.round(performance.now() - start),
		attempts: Math.max(0, ...Array.from(seen.values(), ({ attempts }) => attempts)),
		flows: flows.map((flow) => seen.get(flow) as FlowReport),
		actions,
		causes: flows.length ? [] : ["the two sides have no address family in common: nothing was sent"],
	};
}

/** What is sent at a time. */
interface Group {
	flows: Flow[];
	attempts: number;
	/** It is known that nothing of it comes through. */
	lost?: true;
}

/**
 * Where counters are looked at, one flow after the other, lest one be counted for another; but flows that do
 * not come through count the same few packets side by side. What differs is not tried again and again.
 */
function groupsOf({ before, options }: Bench, expectation: Expectation, flows: readonly Flow[]): Group[] {
	const { reachable, actions } = expectation;
	const outlooks = flows.map((flow) => (reachable && before?.foresee(flow)) || "open");
	const lost = flows.filter((_, i) => outlooks[i] === "lost");
	const others = flows.flatMap((flow, i): Group[] => {
		const attempts = outlooks[i] === "doubtful" ? 1 : options.attempts;
		return outlooks[i] === "lost" ? [] : [{ flows: [flow], attempts }];
	});
	const counted = Object.keys(actions).length > 0 && reachable;
	return [
		...(lost.length ? [{ flows: lost, attempts: 1, lost: true } as const] : []),
		...(counted || others.length < 2 ? others : [merge(others)]),
	];
}

function merge(groups: readonly Group[]): Group {
	return {
		flows: groups.flatMap(({ flows }) => flows),
		attempts: Math.max(...groups.map(({ attempts }) => attempts)),
	};
}

interface GroupResult {
	ok: boolean;
	flows: FlowReport[];
	actions: ActionReport[];
}

/** Milliseconds between the first two attempts; then as much more each time. */
const PAUSE = 100;

async function tryGroup(bench: Bench, expectation: Expectation, group: Group): Promise<GroupResult> {
	let spent = group.flows.map(() => 0);
	for (let attempt = 1; ; attempt++) {
		const { final, ...result } = await tryOnce(bench, expectation, group, attempt);
		spent = spent.map((before, i) => before + (result.flows[i]?.milliseconds ?? 0));
		for (const [i, flow] of result.flows.entries()) flow.milliseconds = spent[i] ?? 0;
		if (result.ok || final || attempt >= group.attempts) return result;
		// What fails at once, as without a route, may be on its way.
		await setTimeout(PAUSE * attempt);
	}
}

/** @returns also whether it is of no use to try again: what must not come through did, or nothing could be sent */
async function tryOnce(
	{ lab, counters, peers, options }: Bench,
	expectation: Expectation,
	{ flows: group, lost }: Group,
	attempt: number,
): Promise<GroupResult & { final: boolean }> {
	const { reachable, actions: expected } = expectation;
	const patience = {
		patience: reachable && !lost ? options.patience : options.absence,
		signal: options.signal,
	};
	const ends = Object.entries(expected) as [EndName, XdpAction][];
	const before = ends.length ? takeSample(counters) : new Map();
	const start = performance.now();
	const arrivals = await Promise.all(
		group.map(async (flow) => {
			const arrival = await send(lab, peers, flow, patience);
			return { ...arrival, milliseconds: Math.round(performance.now() - start) };
		}),
	);
	const flows = group.map((flow, i): FlowReport => {
		const { tried, some, whole, detail, milliseconds } = arrivals[i] as (typeof arrivals)[number];
		const { protocol, family, address, port } = flow;
		const ok = tried && (reachable ? whole : !some);
		const where = { protocol, family, address, ...(port !== undefined && { port }) };
		return { ...where, ok, detail, attempts: attempt, milliseconds };
	});
	const after = ends.length ? takeSample(counters) : new Map();
	const came = flows.every(({ ok }) => ok);
	// UDP goes one way. What `reach` asks of an end on the way back, ping and TCP have shown.
	const oneWay = expectation.protocols.length > 1 && group.every(({ protocol }) => protocol === "udp");
	const actions = ends.map(([end, action]): ActionReport => {
		const of = group.map(describeFlow).join("; ");
		const least = group.reduce((sum, flow) => sum + leastPackets(lab, end, flow, reachable), 0);
		const counts = difference(end, before, after);
		const elsewhere = oneWay && counts !== null && total(counts) < least;
		return { end, action, of, least, counts, ok: elsewhere || (counts?.[action] ?? 0) >= least };
	});
	if (await isDisturbed(counters, actions))
		for (const action of actions)
			if (isAmbiguous(action)) Object.assign(action, { ok: false, disturbed: true });
	const ok = came && actions.every(({ ok }) => ok);
	return { ok, flows, actions, final: arrivals.some(({ tried }) => !tried) || (!reachable && !came) };
}

/** Another action has counted as many: one of the two may be somebody else's traffic. */
function isAmbiguous({ ok, action, counts, least }: ActionReport): boolean {
	return ok && Object.entries(counts ?? {}).some(([other, packets]) => other !== action && packets >= least);
}

/** Whether the ends of which that is so go on counting while nothing is sent. */
async function isDisturbed(counters: LabCounters, actions: readonly ActionReport[]): Promise<boolean> {
	const ambiguous = actions.filter(isAmbiguous);
	if (ambiguous.length === 0) return false;
	const before = takeSample(counters);
	await setTimeout(IDLE);
	const after = takeSample(counters);
	return ambiguous.some(({ end, action }) => (difference(end, before, after)?.[action] ?? 0) > 0);
}

/** Milliseconds in which traffic that disturbs a check shows. */
const IDLE = 100;

function total(counts: Packets): number {
	return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
