import { setTimeout } from "node:timers/promises";
import { InterruptedError, UsageError } from "./errors.js";
import { requireCapabilities } from "./kernel/capabilities.js";
import { LabCounters } from "./kernel/lab-counters.js";
import { listLabs, listNamespaces, notUp, onlyLab } from "./kernel/labs.js";
import { readState } from "./kernel/state.js";
import { requireHost } from "./kernel/whereabouts.js";
import { pairId } from "./snapshot/identify.js";
import { type InterfaceStats, rates } from "./stats/rates.js";
import type { Reading } from "./stats/reading.js";
import { splitEnd } from "./topology/names.js";
import type { EndName, Topology } from "./topology/topology.js";

/** One sample of the counters of interfaces. */
export interface Stats {
	/** When it was taken: RFC 3339, UTC. */
	time: string;
	interfaces: InterfaceStats[];
}

export interface StatsOptions {
	/** Seconds that the rates are taken over; the default is a quarter. */
	period?: number;
	/** Ends the waiting. */
	signal?: AbortSignal | undefined;
}

export interface WatchOptions {
	/** Seconds from sample to sample, which the rates are taken over; the default is 2. */
	interval?: number;
	/** How many samples; the default is no end. */
	count?: number;
	/** Ends the watch, which is no error. */
	signal?: AbortSignal | undefined;
}

/** Seconds, as the tutorial's xdp_stats has them: the first rates come soon, and then one every two. */
const FIRST_PERIOD = 0.25;
const INTERVAL = 2;

/** Milliseconds that a lab's namespaces may outlive it because its counters are watched. */
const LONGEST_HOLD = 1000;

/**
 * What XDP programs did with packets, and how fast, by interface and action.
 * @param targets labs and interfaces of labs that are up: `three-routers`, `r1:uno`, or `uno` if only one
 * interface has that name; none: the one lab that is up
 * @throws UsageError where no such lab or interface is up
 * @throws UnsupportedError where this machine or user cannot
 * @throws InterruptedError with the signal's reason
 */
export async function stats(targets: readonly string[], options: StatsOptions = {}): Promise<Stats> {
	const { period = FIRST_PERIOD, signal } = options;
	for await (const one of samples(targets, period, { count: 1, signal })) return one;
	if (signal?.aborted) throw new InterruptedError(signal.reason);
	throw new UsageError("it went down while its counters were read");
}

/**
 * A sample and the next, until the count is reached, the signal comes, or the interfaces are gone. The
 * first comes after a quarter of a second, and none is made up for that nobody took in time.
 * @param targets as of {@link stats}
 */
export async function* watchStats(
	targets: readonly string[],
	options: WatchOptions = {},
): AsyncGenerator<Stats, void, void> {
	yield* samples(targets, Math.min(FIRST_PERIOD, options.interval ?? INTERVAL), options);
}

/** @param first the seconds before the first sample */
async function* samples(
	targets: readonly string[],
	first: number,
	{ interval = INTERVAL, count = Number.POSITIVE_INFINITY, signal }: WatchOptions,
): AsyncGenerator<Stats, void, void> {
	const labs = open(targets);
	try {
		let before = byInterface(labs);
		let due = performance.now() + 1000 * first;
		for (let taken = 0; taken < count; taken++) {
			if (!(await waitUntil(due, labs, signal))) return;
			const now = byInterface(labs);
			if (now.size === 0 && before.size > 0) return;
			const time = new Date().toISOString();
			const interfaces = Array.from(now.values(), (one) => rates(one, before.get(one.interface)));
			before = now;
			yield { time, interfaces };
			due = Math.max(due + 1000 * interval, performance.now());
		}
	} finally {
		for (const lab of labs) lab.close();
	}
}

/** Lets signals be seen also where it is late already. @returns false where the signal came first */
async function waitUntil(
	due: number,
	labs: readonly LabCounters[],
	signal: AbortSignal | undefined,
): Promise<boolean> {
	let left = due - performance.now();
	do {
		const pause = Math.min(Math.max(0, left), LONGEST_HOLD);
		await setTimeout(pause, undefined, signal ? { signal } : {}).catch((error) => {
			if (!signal?.aborted) throw error;
		});
		for (const lab of labs) lab.closeUnnamed();
		left = due - performance.now();
	} while (left > 0 && !signal?.aborted);
	return !signal?.aborted;
}

/** Of every lab; in `host` names are unique, and a namespace is one lab's. */
function byInterface(labs: readonly LabCounters[]): Map<EndName, Reading> {
	return new Map(
		labs.flatMap((lab) => lab.sample()).map((reading): [EndName, Reading] => [reading.interface, reading]),
	);
}

/** Opens what is named, as one reader a lab. */
function open(targets: readonly string[]): LabCounters[] {
	requireCapabilities();
	const ends = new Set(targets.filter((target) => target.includes(":")));
	const names = targets.length === 0 ? [onlyLab(listLabs())] : targets.filter((name) => !ends.has(name));
	// Whose an interface is, is not in its name; and a lab is up that has lost its state.
	const up = ends.size > 0 || !names.every(readState) ? listLabs() : [...new Set(names)];
	const labs = new Set(names.filter((name) => up.includes(name)));
	const bare = new Set(names.filter((name) => !labs.has(name)));
	const isNamed = (end: EndName) => ends.has(end) || bare.has(splitEnd(end).interface);
	const opened: LabCounters[] = [];
	try {
		for (const lab of up) {
			if (labs.has(lab)) opened.push(openLab(lab, () => true));
			else if (ends.size + bare.size > 0) opened.push(openLab(lab, isNamed));
		}
		const found = opened.flatMap((lab) => lab.ends);
		const problems = [
			...[...bare].flatMap((name) => problemOf(name, found, up)),
			...[...ends]
				.filter((end) => !found.includes(end as EndName))
				.map((end) => `no lab that is up has an interface ${end}`),
		];
		if (problems.length) throw new UsageError(problems.join("\n"));
		return opened;
	} catch (error) {
		for (const lab of opened) lab.close();
		throw error;
	}
}

/** What is wrong with a name that is no lab's: nothing if just one interface has it. */
function problemOf(name: string, found: readonly EndName[], labs: readonly string[]): string[] {
	const ends = found.filter((end) => splitEnd(end).interface === name);
	if (ends.length === 1) return [];
	if (ends.length > 1) return [`several interfaces are named ${name}: ${ends.join(", ")}; name one of these`];
	if (labs.length === 0) return [notUp(name, labs).message];
	if (listNamespaces().some((namespace) => namespace.name === name))
		return [`${name} is a namespace: name an interface of it, as ${name}:INTERFACE`];
	return [
		`${name} is neither a lab that is up nor an interface of one; labs that are up: ${labs.join(", ")}`,
	];
}

function openLab(name: string, select: (end: EndName) => boolean): LabCounters {
	const state = readState(name);
	const wanted = new Set(state ? idsOf(state.topology) : []);
	const lab = new LabCounters(name, (id) => wanted.has(id), select);
	try {
		// A lab of another `host`, none of whose interfaces is asked for, is in nobody's way.
		if (lab.ends.length) requireHost(state);
		return lab;
	} catch (error) {
		lab.close();
		throw error;
	}
}

/** Of the objects by which a lab's interfaces are found. */
function idsOf({ namespaces, veths }: Topology): string[] {
	return [
		...namespaces.map(({ name }) => `netns ${name}`),
		...veths.map(({ ends: [{ name }, peer] }) => pairId([name, peer.name])),
	];
}
