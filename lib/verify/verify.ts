import { InterruptedError, UsageError } from "../errors.js";
import { flowsOf, titleOf } from "../expect/flow.js";
import type { CheckReport, UntriedReport, VerifyReport } from "../expect/report.js";
import { schedule } from "../expect/schedule.js";
import { requireCapabilities } from "../kernel/capabilities.js";
import { Lab } from "../kernel/lab.js";
import { LabCounters } from "../kernel/lab-counters.js";
import { listLabs } from "../kernel/labs.js";
import { inspectState, readState } from "../kernel/state.js";
import { requireHost } from "../kernel/whereabouts.js";
import { declare } from "../reconcile.js";
import { list, quote } from "../topology/printable.js";
import { suggest } from "../topology/suggest.js";
import type { Expectation, Topology } from "../topology/topology.js";
import { type Bench, type CheckOptions, check } from "./check.js";
import { countedEnds } from "./counters.js";
import { Diagnosis, findDrift } from "./diagnose.js";
import { Peers } from "./peers.js";

export interface VerifyOptions {
	/** How often traffic is tried that should come through and does not: 3 by default. */
	attempts?: number;
	/** Milliseconds to wait for traffic that should come through: 1000 by default. */
	patience?: number;
	/** Milliseconds to wait for traffic that should not come through: 500 by default. */
	absence?: number;
	/** The names of the expectations to try, or their titles; all of them by default. */
	only?: readonly string[];
	/** Tries nothing more once something has failed. */
	failFast?: boolean;
	/** Aborting it ends the work; the reason is what {@link InterruptedError} tells. */
	signal?: AbortSignal;
	/** Told of each check, in the order of the list, as soon as it and all before it are done. */
	onCheck?: (check: CheckReport) => void;
}

/**
 * Tries what a topology expects of its lab, which must be up, with real traffic. Changes nothing.
 * @param target a topology, or the name of a lab: then what was applied last counts
 * @throws UsageError where no such lab is up, it is not known what was applied, or `options.only` has a name
 *   that no expectation has
 * @throws UnsupportedError where this machine or user cannot
 * @throws InterruptedError where `options.signal` ended it
 */
export async function verify(target: Topology | string, options: VerifyOptions = {}): Promise<VerifyReport> {
	requireCapabilities();
	const topology = typeof target === "string" ? appliedTopology(target) : target;
	const chosen = choose(topology, options.only ?? []);
	requireUp(topology.name);
	const start = performance.now();
	const counters = openCounters(topology);
	const lab = new Lab(topology.name);
	const peers = new Peers(lab);
	const stop = () => void peers.close();
	options.signal?.addEventListener("abort", stop);
	try {
		const drift = findDrift(lab, topology);
		const before = drift.length ? new Diagnosis(lab, topology, false) : undefined;
		const bench = { lab, counters, peers, topology, before, options: withDefaults(options) };
		const checks = await checkAll(bench, chosen, drift, options);
		return {
			lab: topology.name,
			ok: drift.length === 0 && checks.every((report) => report?.ok),
			milliseconds: Math.round(performance.now() - start),
			checks: checks.filter((report) => report !== undefined),
			untried: chosen.flatMap((index, i) =>
				checks[i] ? [] : untried(topology.expect[index] as Expectation),
			),
			drift,
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

/** The indexes of the expectations with these names or titles, in the order of the list. */
function choose({ expect }: Topology, only: readonly string[]): number[] {
	const titles = expect.map(titleOf);
	const unknown = only.find((name) => !titles.includes(name));
	if (unknown !== undefined) {
		const known = titles.length ? `expected ${list(titles.slice(0, LISTED).map(quote))}` : "there is none";
		throw new UsageError(`no expectation is named ${quote(unknown)}: ${suggest(unknown, titles) ?? known}`);
	}
	return expect.flatMap((_, i) => (only.length === 0 || only.includes(titles[i] ?? "") ? i : []));
}

/** Names that a hint lists at most. */
const LISTED = 4;

function requireUp(name: string): void {
	if (!listLabs().includes(name)) throw new UsageError(`no lab ${name} is up: apply it first`);
	requireHost(readState(name));
}

function untried(expectation: Expectation): UntriedReport {
	return { title: titleOf(expectation), line: expectation.line };
}

/** @returns a report for each chosen expectation, undefined for those that were not tried */
async function checkAll(
	bench: Bench,
	chosen: readonly number[],
	drift: readonly string[],
	{ onCheck, failFast }: VerifyOptions,
): Promise<(CheckReport | undefined)[]> {
	const { topology, options, before } = bench;
	const checks: (CheckReport | undefined)[] = chosen.map(() => undefined);
	let told = 0;
	const isOver = () => failFast && (drift.length > 0 || checks.some((report) => report?.ok === false));
	const lost = new Set(chosen.filter((index) => isLost(topology, index, before)));
	const checkOne = async (index: number) => {
		const expectation = topology.expect[index];
		if (!expectation || isOver()) return;
		throwIfAborted(options);
		const report = await check(bench, expectation);
		throwIfAborted(options);
		if (!report.ok) report.causes.push(...findCauses(bench, expectation, report, drift, lost.has(index)));
		checks[chosen.indexOf(index)] = report;
		for (let next = checks[told]; next; next = checks[++told]) onCheck?.(next);
	};
	const lanes = schedule(topology, chosen, lost).map(async (lane) => {
		for (const batch of lane) await Promise.all(batch.map(checkOne));
	});
	await Promise.all(lanes);
	for (const report of checks.slice(told)) if (report) onCheck?.(report);
	return checks;
}

/** Whether all traffic of an expectation is known to be lost, however often it is sent. */
function isLost(topology: Topology, index: number, before: Diagnosis | undefined): boolean {
	const expectation = topology.expect[index];
	if (!before || !expectation?.reachable) return false;
	const flows = flowsOf(expectation, topology);
	return flows.length > 0 && flows.every((flow) => before.foresee(flow) === "lost");
}

function findCauses(
	{ lab, topology, before }: Bench,
	expectation: Expectation,
	report: CheckReport,
	drift: readonly string[],
	isLost: boolean,
): string[] {
	// What was known to be lost needs no second look at the whole lab.
	const diagnosis = isLost && before ? before : new Diagnosis(lab, topology, true);
	const causes = diagnosis.causes(expectation, report);
	const known = causes.length > 0 || report.causes.length > 0;
	return known || drift.length === 0 ? causes : [differs(drift)];
}

/** What is left to say where no cause was found. */
function differs(drift: readonly string[]): string {
	const [LISTED, more] = [3, drift.length - 3];
	const listed = drift.slice(0, LISTED).join("; ");
	return `the lab differs from its topology: ${listed}${more > 0 ? `; and ${more} more` : ""}`;
}

function throwIfAborted({ signal }: CheckOptions): void {
	if (signal?.aborted) throw new InterruptedError(signal.reason);
}
