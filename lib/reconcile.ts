import { setImmediate } from "node:timers/promises";
import { expand } from "./declare/expand.js";
import { type KernelNeed, kernelNeeds } from "./declare/kernel-needs.js";
import type { Requirements } from "./declare/requirements.js";
import { ApplyError, asError, InterruptedError, NetlinkError } from "./errors.js";
import { groupBy } from "./group-by.js";
import type { Lab } from "./kernel/lab.js";
import { observe } from "./kernel/observe.js";
import { LINKS_ALONE, type Reader, THOROUGH } from "./kernel/read-namespace.js";
import { KINDS, kindOf } from "./kinds/registry.js";
import { byId, idOf, type KindRules, type LabObject, NONE, type Objects } from "./plan/object.js";
import { type Change, diff, isLate, type Plan } from "./plan/plan.js";
import { changeText } from "./plan/render.js";
import type { Progress, Stage } from "./progress.js";
import type { Snapshot } from "./snapshot/snapshot.js";
import type { Topology } from "./topology/topology.js";

/** The objects that a topology wants, what in it will not work, and what it needs of the kernel. */
export function declare(topology: Topology): {
	objects: Objects;
	warnings: string[];
	needs: KernelNeed[];
} {
	const requirements: Requirements = expand(topology);
	const objects = byId(KINDS.flatMap((kind) => kind.declare(requirements)));
	return { objects, warnings: requirements.warnings, needs: kernelNeeds(requirements) };
}

export interface Look {
	snapshot: Snapshot;
	actual: Objects;
	plan: Plan;
}

/**
 * Observes and compares.
 * @param also settings to look at without wanting anything of them, for an undo to put back
 * @param unwanted objects to look at that are to go
 */
export function look(
	lab: Lab,
	desired: Objects,
	also: readonly LabObject[] = [],
	unwanted: readonly LabObject[] = [],
): Look {
	const others = [...unwanted, ...also];
	const wanted = others.length ? new Map([...byId(others), ...desired]) : desired;
	const { snapshot, actual } = see(lab, wanted, THOROUGH);
	const passive = new Set(also.map(idOf).filter((id) => !desired.has(id)));
	const compared = passive.size ? new Map([...actual].filter(([id]) => !passive.has(id))) : actual;
	return { snapshot, actual, plan: diff(desired, compared, rulesOf) };
}

/** The same of a lab that is to go: see {@link LINKS_ALONE}. */
export function lookAtLinks(lab: Lab): Look {
	const { snapshot, actual } = see(lab, NONE, LINKS_ALONE);
	return { snapshot, actual, plan: diff(NONE, actual, rulesOf) };
}

function rulesOf(kind: string): KindRules {
	return kindOf({ kind });
}

/** Reads the kernel, of which the wanted objects say where to look, and makes objects of it. */
function see(lab: Lab, wanted: Objects, reader: Reader): Pick<Look, "snapshot" | "actual"> {
	const byKind = groupBy(wanted.values(), ({ kind }) => kind);
	const queries = KINDS.flatMap((kind) => kind.ask?.(byKind.get(kind.name) ?? []) ?? []);
	const snapshot = observe(lab, wanted, queries, reader);
	const actual = KINDS.flatMap((kind) => {
		kind.bind?.(snapshot, lab);
		return kind.observe(snapshot);
	});
	return { snapshot, actual: byId(actual) };
}

export interface ExecuteOptions {
	progress: Progress;
	signal?: AbortSignal | undefined;
	/**
	 * Where it is given, a change that fails is noted here and the rest is done all the same: for an
	 * undo, of which as much as can be is done.
	 */
	failures?: Set<string>;
}

/** How often apply looks again before it calls a difference an error. */
const ROUNDS = 3;

/**
 * Turns what is into what is desired: observe, diff, apply, until nothing differs.
 * @returns the look that found nothing to do
 * @throws ApplyError where a change fails or a difference remains
 */
export async function converge(
	lab: Lab,
	desired: Objects,
	first: Look,
	options: ExecuteOptions,
): Promise<Look> {
	let last = first;
	for (let round = 0; last.plan.changes.length > 0; round++) {
		if (round === ROUNDS) throw remaining(last.plan);
		await execute(lab, last.plan, options);
		last = look(lab, desired);
	}
	return last;
}

function remaining({ changes }: Plan): ApplyError {
	const lines = changes.map((change) => changeText(change, kindOf(change.object)));
	return new ApplyError(
		`the kernel does not keep what was applied:\n${lines.map((line) => `  ${line}`).join("\n")}`,
	);
}

async function execute(lab: Lab, plan: Plan, { progress, signal, failures }: ExecuteOptions): Promise<void> {
	const turn = breather(signal);
	const stage = <T extends LabObject | { object: LabObject }>(
		verb: string,
		kind: LabObject["kind"],
		items: T[],
		work: (chunk: T[]) => void,
	): Stage => ({
		title: `${verb} ${items.length} ${kindOf({ kind }).title[items.length === 1 ? 0 : 1]}`,
		run: async () => {
			// One at a time, where a failure of one must not keep the next from being tried.
			const size = failures ? 1 : CHUNK;
			for (let at = 0; at < items.length; at += size) {
				attempt(lab, () => work(items.slice(at, at + size)), failures);
				await turn();
			}
		},
	});
	const stages: Stage[] = [];
	const remove = (objects: readonly LabObject[]) => {
		for (const [kind, ofKind] of runs(objects, ({ kind }) => kind))
			stages.push(stage("remove", kind, ofKind, (chunk) => kindOf({ kind }).remove(chunk, lab)));
	};
	const make = (changes: Change[]) => {
		for (const [kind, ofKind] of runs(changes, ({ object }) => object.kind)) {
			const { create, update } = kindOf({ kind });
			const made = ofKind.flatMap((change) => (change.action === "update" ? [] : change.object));
			const changed = ofKind.flatMap((change) => (change.action === "update" ? change : []));
			if (made.length) stages.push(stage("create", kind, made, (chunk) => create(chunk, lab)));
			if (changed.length) stages.push(stage("change", kind, changed, (chunk) => update?.(chunk, lab)));
		}
	};
	const making = plan.changes.filter((change) => change.action !== "remove");
	const late = (change: Change) => isLate(change, (kind) => kindOf({ kind }));
	const needsUp = ({ object }: Change) => kindOf(object).needsUp ?? false;
	remove(plan.removals);
	make(making.filter((change) => !needsUp(change) && !late(change)));
	for (const [kind, changes] of runs(making, ({ object }) => object.kind)) {
		const { start } = kindOf({ kind });
		const made = changes.flatMap((change) => (change.action === "update" ? [] : change.object));
		if (start && made.length) stages.push(stage("bring up", kind, made, (chunk) => start(chunk, lab)));
	}
	make(making.filter((change) => needsUp(change) && !late(change)));
	remove(plan.lateRemovals);
	make(making.filter(late));
	try {
		await progress(stages);
	} finally {
		lab.release();
	}
}

/** Objects handed to a kind at a time; some milliseconds of work. */
const CHUNK = 64;

/** Does a chunk of work and sends what it queued; an error is told which object it is about. */
function attempt(lab: Lab, work: () => void, failures: Set<string> | undefined): void {
	try {
		work();
		lab.flush();
	} catch (thrown) {
		lab.discard();
		const error = asError(thrown);
		const owner = (error instanceof NetlinkError ? error.owner : undefined) ?? lab.owner;
		const message = `${owner ?? "the kernel"}: ${error.message}`;
		if (!failures) throw new ApplyError(message, { cause: error });
		failures.add(message);
	} finally {
		lab.on(undefined);
	}
}

/** Lets signals be seen and the display move, at most every 20 ms, outside every namespace. */
function breather(signal: AbortSignal | undefined): () => Promise<void> {
	let last = performance.now();
	return async () => {
		if (performance.now() - last < 20) return;
		await setImmediate();
		last = performance.now();
		if (signal?.aborted) throw new InterruptedError(signal.reason);
	};
}

/** Neighbouring items of the same key, together. */
function runs<T>(items: readonly T[], key: (item: T) => string): [string, T[]][] {
	const result: [string, T[]][] = [];
	for (const item of items) {
		const last = result.at(-1);
		if (last?.[0] === key(item)) last[1].push(item);
		else result.push([key(item), [item]]);
	}
	return result;
}
