import { setTimeout } from "node:timers/promises";
import { describeFlow, type Flow, flowsOf, titleOf } from "../expect/flow.js";
import type { ActionReport, CheckReport, FlowReport, Packets } from "../expect/report.js";
import type { Lab } from "../kernel/lab.js";
import type { LabCounters } from "../kernel/lab-counters.js";
import type { EndName, Expectation, Topology, XdpAction } from "../topology/topology.js";
import { difference, leastPackets, takeSample } from "./counters.js";
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
	options: CheckOptions;
}

/** Sends what an expectation speaks of, and compares. Causes are for another to find. */
export async function check(bench: Bench, expectation: Expectation): Promise<CheckReport> {
	const start = performance.now();
	const flows: FlowReport[] = [];
	const actions: ActionReport[] = [];
	let ok = true;
	let groups = groupsOf(expectation, bench.topology);
	for (let [group, ...rest] = groups; group; [group, ...rest] = groups) {
		const result = await tryGroup(bench, expectation, group, ok ? bench.options.attempts : 1);
		flows.push(...result.flows);
		actions.push(...result.actions);
		ok &&= result.ok;
		// Once it has failed, the rest is only to see what else does: tried once, all at a time.
		groups = ok || rest.length === 0 ? rest : [rest.flat()];
	}
	return {
		title: titleOf(expectation),
		line: expectation.line,
		ok: ok && flows.length > 0,
		milliseconds: Math.round(performance.now() - start),
		attempts: Math.max(0, ...flows.map(({ attempts }) => attempts)),
		flows,
		actions,
		causes: flows.length ? [] : ["the two sides have no address family in common: nothing was sent"],
	};
}

/**
 * What is sent at a time. Where counters are looked at, one flow after the other, lest one be counted
 * for another; but flows that do not come through count the same few packets side by side.
 */
function groupsOf(expectation: Expectation, topology: Topology): Flow[][] {
	const flows = flowsOf(expectation, topology);
	if (flows.length === 0) return [];
	const counted = Object.keys(expectation.actions).length > 0;
	return counted && expectation.reachable ? flows.map((flow) => [flow]) : [flows];
}

interface GroupResult {
	ok: boolean;
	flows: FlowReport[];
	actions: ActionReport[];
}

/** Milliseconds between the first two attempts; then as much more each time. */
const PAUSE = 100;

async function tryGroup(
	bench: Bench,
	expectation: Expectation,
	group: readonly Flow[],
	attempts: number,
): Promise<GroupResult> {
	for (let attempt = 1; ; attempt++) {
		const { final, ...result } = await tryOnce(bench, expectation, group, attempt);
		if (result.ok || final || attempt >= attempts) return result;
		// What fails at once, as without a route, may be on its way.
		await setTimeout(PAUSE * attempt);
	}
}

/** @returns also whether it is of no use to try again: what must not come through did, or nothing could be sent */
async function tryOnce(
	{ lab, counters, peers, options }: Bench,
	expectation: Expectation,
	group: readonly Flow[],
	attempt: number,
): Promise<GroupResult & { final: boolean }> {
	const { reachable, actions: expected } = expectation;
	const patience = { patience: reachable ? options.patience : options.absence, signal: options.signal };
	const ends = Object.entries(expected) as [EndName, XdpAction][];
	const before = ends.length ? takeSample(counters) : new Map();
	const arrivals = await Promise.all(group.map((flow) => send(lab, peers, flow, patience)));
	const flows = group.map((flow, i): FlowReport => {
		const { tried, some, whole, detail } = arrivals[i] as (typeof arrivals)[number];
		const { protocol, family, address, port } = flow;
		const ok = tried && (reachable ? whole : !some);
		return { protocol, family, address, ...(port !== undefined && { port }), ok, detail, attempts: attempt };
	});
	const after = ends.length ? takeSample(counters) : new Map();
	const came = flows.every(({ ok }) => ok);
	// UDP goes one way. What `reach` asks of an end on the way back, ping and TCP have shown.
	const oneWay = expectation.protocols.length > 1 && group.every(({ protocol }) => protocol === "udp");
	const actions = ends.map(([end, action]): ActionReport => {
		const of = group.map(describeFlow).join(", ");
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
