import { InterruptedError, UsageError } from "../errors.js";
import type { CheckReport, VerifyReport } from "../expect/report.js";
import { schedule } from "../expect/schedule.js";
import { requireCapabilities } from "../kernel/capabilities.js";
import { Lab } from "../kernel/lab.js";
import { LabCounters } from "../kernel/lab-counters.js";
import { listLabs } from "../kernel/labs.js";
import { inspectState, readState } from "../kernel/state.js";
import { requireHost } from "../kernel/whereabouts.js";
import { declare, look } from "../reconcile.js";
import type { Topology } from "../topology/topology.js";
import { type Bench, type CheckOptions, check } from "./check.js";
import { countedEnds } from "./counters.js";
import { findCauses, findDrift } from "./diagnose.js";
import { Peers } from "./peers.js";

export interface VerifyOptions {
	/** How often traffic is tried that should come through and does not: 3 by default. */
	attempts?: number;
	/** Milliseconds to wait for traffic that should come through: 1000 by default. */
	patience?: number;
	/** Milliseconds to wait for traffic that should not come through: 500 by default. */
	absence?: number;
	/** Aborting it ends the work; the reason is what {@link InterruptedError} tells. */
	signal?: AbortSignal;
	/** Told of each check, in the order of the list, as soon as it and all before it are done. */
	onCheck?: (check: CheckReport) => void;
}

/**
 * Tries what a topology expects of its lab, which must be up, with real traffic. Changes nothing.
 * @param target a topology, or the name of a lab: then what was applied last counts
 * @throws UsageError where no such lab is up, or it is not known what was applied
 * @throws UnsupportedError where this machine or user cannot
 * @throws InterruptedError where `options.signal` ended it
 */
export async function verify(target: Topology | string, options: VerifyOptions = {}): Promise<VerifyReport> {
	requireCapabilities();
	const topology = typeof target === "string" ? appliedTopology(target) : target;
	requireUp(topology.name);
	const start = performance.now();
	const counters = openCounters(topology);
	const lab = new Lab(topology.name);
	const peers = new Peers(lab);
	const stop = () => void peers.close();
	options.signal?.addEventListener("abort", stop);
	try {
		look(lab, declare(topology).objects);
		const checks = await checkAll(
			{ lab, counters, peers, topology, options: withDefaults(options) },
			options.onCheck,
		);
		return {
			lab: topology.name,
			ok: checks.every(({ ok }) => ok),
			milliseconds: Math.round(performance.now() - start),
			checks,
			drift: findDrift(lab, topology),
		};
	} finally {
		options.signal?.removeEventListener("abort", stop);
		await peers.close();
		counters.close();
		lab.closeAll();
	}
}

function openCounters(topology: Topology): LabCounters {
	const { objects } = declare(topology);
	const counted = countedEnds(topology);
	return new LabCounters(
		topology.name,
		(id) => objects.has(id),
		(end) => counted.has(end),
	);
}

function withDefaults({ attempts = 3, patience = 1000, absence = 500, signal }: VerifyOptions): CheckOptions {
	return { attempts, patience, absence, signal };
}

function appliedTopology(name: string): Topology {
	requireUp(name);
	const { state, damage } = inspectState(name);
	const why = damage ?? `it is not known what was applied as ${name}`;
	if (!state) throw new UsageError(`${why}: give the topology file`);
	return state.topology;
}

function requireUp(name: string): void {
	if (!listLabs().includes(name)) throw new UsageError(`no lab ${name} is up: apply it first`);
	requireHost(readState(name));
}

async function checkAll(bench: Bench, onCheck: VerifyOptions["onCheck"]): Promise<CheckReport[]> {
	const { topology, options } = bench;
	const checks: CheckReport[] = [];
	let told = 0;
	const checkOne = async (index: number) => {
		const expectation = topology.expect[index];
		if (!expectation) return;
		throwIfAborted(options);
		const report = await check(bench, expectation);
		throwIfAborted(options);
		if (!report.ok) report.causes.push(...findCauses(bench.lab, topology, expectation, report));
		checks[index] = report;
		for (let next = checks[told]; next; next = checks[told]) {
			onCheck?.(next);
			told++;
		}
	};
	await Promise.all(
		schedule(topology).map(async (lane) => {
			for (const batch of lane) await Promise.all(batch.map(checkOne));
		}),
	);
	return checks;
}

function throwIfAborted({ signal }: CheckOptions): void {
	if (signal?.aborted) throw new InterruptedError(signal.reason);
}
