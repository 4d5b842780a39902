import {
	ApplyError,
	asError,
	ConflictError,
	InterruptedError,
	isRefusal,
	UnsupportedError,
	UsageError,
} from "./errors.js";
import { requireCapabilities, requireWritableSysctls } from "./kernel/capabilities.js";
import { findConflicts } from "./kernel/conflicts.js";
import { unfulfilled, warningOf } from "./kernel/features.js";
import { Lab } from "./kernel/lab.js";
import { listLabs } from "./kernel/labs.js";
import { takeLock } from "./kernel/lock.js";
import { missingFolders, removeFolders } from "./kernel/pins.js";
import { digestOf, findSettledBy, forgetSettled, writeSettled } from "./kernel/settled.js";
import { inspectState, namesIn, removeState, type State, whereabouts, writeState } from "./kernel/state.js";
import { requireHost } from "./kernel/whereabouts.js";
import { isKnown, KINDS, kindOf } from "./kinds/registry.js";
import { byId, deepEqual, idOf, type LabObject, type Objects } from "./plan/object.js";
import { isEmpty, NOTHING, type Plan } from "./plan/plan.js";
import { changeText, type PlanDocument, planDocument } from "./plan/render.js";
import { type Progress, silent } from "./progress.js";
import { converge, declare, type Look, look } from "./reconcile.js";
import { isUnchanged } from "./settled.js";
import type { Reading, Snapshot } from "./snapshot/snapshot.js";
import { HOST, type Topology } from "./topology/topology.js";

/** Options of {@link apply}. */
export interface ApplyOptions {
	/** Whether a failed apply leaves what it did, for a look. Default: `false`, everything is undone. */
	keep?: boolean;
	/** Whether a lab of this name that is up already is a {@link ConflictError}. Default: `false`, it is changed. */
	fresh?: boolean;
	/** Signal that ends the work, which is then undone; {@link InterruptedError} carries its reason. */
	signal?: AbortSignal | undefined;
	/** Called once if another process holds the lock, with that process: `xdp-apply lab.yaml (pid 42)`. */
	onWait?: (holder: string) => void;
	/** Called with what will not work although it is legal, before anything is touched. */
	onWarnings?: (warnings: readonly string[]) => void;
	/** @internal Shows the stages of the work; the default shows nothing. */
	progress?: Progress;
	/** @internal Text that the topology was read from: remembered once there is nothing to do. */
	text?: string | undefined;
}

/**
 * Computes what {@link apply} would do, and why. Changes nothing.
 * @param topology what the kernel is compared with
 * @returns the changes in their order; none if the lab is as the topology says
 * @throws UnsupportedError if the machine or the user lacks something
 * @throws ConflictError if a name in the kernel belongs to something that is not the lab's
 * @throws UsageError if the topology names nothing and the lab is up
 * @throws VerifierError if the kernel refuses a program of the file's own
 */
export async function plan(topology: Topology): Promise<PlanDocument> {
	return opened(topology.name, async (lab) => {
		const { first, warnings, damage } = survey(lab, topology);
		return document(topology, first.plan, [...warnings, ...damage]);
	});
}

/**
 * Brings the kernel to the state that a topology describes, and reads the kernel back to prove it. A second
 * apply of the same topology changes nothing. A failed apply is undone in reverse order.
 * @param topology what is applied; a lab of the same name that is up is changed into it
 * @returns what was done
 * @throws UnsupportedError if the machine or the user lacks something; nothing was touched
 * @throws ConflictError if a name in the kernel belongs to something that is not the lab's; nothing was touched
 * @throws UsageError if the topology names nothing and the lab is up; nothing was touched
 * @throws VerifierError if the kernel refuses a program of the file's own; nothing was touched
 * @throws ApplyError if a change failed; `undone` and `remains` say what is left
 * @throws InterruptedError if `options.signal` ended it; undone
 */
export async function apply(topology: Topology, options: ApplyOptions = {}): Promise<PlanDocument> {
	requireCapabilities();
	requireWritableSysctls();
	const lock = await takeLock(options.onWait ?? (() => {}), options.signal);
	try {
		if (options.fresh && listLabs().includes(topology.name))
			throw new ConflictError(
				`lab ${topology.name} is up already: take it down, \`xdp-destroy ${topology.name}\``,
			);
		return await opened(topology.name, (lab) => applyLocked(lab, topology, options));
	} finally {
		lock.release();
	}
}

async function applyLocked(lab: Lab, topology: Topology, options: ApplyOptions): Promise<PlanDocument> {
	// Objects of programs of one's own are files that change without the topology.
	const digest = topology.programs.length ? undefined : digestOf(JSON.stringify(topology));
	const text = options.text === undefined ? undefined : digestOf(options.text);
	const settle = (reading: Reading | undefined, ofLab: string[]) => {
		const warned = { ofFile: topology.warnings, ofLab };
		if (text !== undefined && digest !== undefined && reading !== undefined)
			writeSettled(text, { lab: topology.name, topology: digest, reading, warnings: warned });
	};
	const settled = digest === undefined ? undefined : findSettledBy(topology.name, digest);
	if (settled && isUnchanged(settled)) {
		options.onWarnings?.(settled.warnings.ofLab);
		settle(settled.reading, settled.warnings.ofLab);
		return document(topology, NOTHING, settled.warnings.ofLab);
	}
	const { first, desired, warnings, damage, state, settings } = survey(lab, topology);
	const result = document(topology, first.plan, [...warnings, ...damage]);
	options.onWarnings?.([...warnings, ...damage]);
	const now = (): State => ({
		version: 1,
		lab: topology.name,
		...whereabouts(),
		topology,
		settings: settings.wanted,
		pins: Object.fromEntries(lab.pins),
		folders: [...lab.folders],
	});
	const pins = pinsOf(topology);
	lab.removeLeft(namesIn(state));
	if (isEmpty(first.plan)) {
		removeFolders(lab, pins);
		if (digest === undefined) forgetSettled(topology.name);
		writeState(now());
		settle(first.snapshot.reading, warnings);
		return result;
	}
	forgetSettled(topology.name);
	writeState({ ...now(), leaving: namesIn(state), settings: settings.touched });
	const progress = options.progress ?? silent;
	let last: Look;
	try {
		last = await converge(lab, desired, first, { progress, signal: options.signal });
		removeFolders(lab, pins);
		writeState(now());
	} catch (error) {
		if (options.keep) throw error;
		throw await undo(lab, first, state, error, progress);
	}
	settle(last.snapshot.reading, warnings);
	return result;
}

/** The folders that a topology pins maps in. */
function pinsOf({ programs }: Topology): string[] {
	return programs.flatMap(({ pin }) => pin ?? []);
}

/** Puts back what was there: the same machine, with what was observed first as what is desired. */
async function undo(
	lab: Lab,
	{ actual }: Look,
	state: State | undefined,
	thrown: unknown,
	progress: Progress,
): Promise<Error> {
	const error = asError(thrown);
	const before = new Map([...actual].filter(([, object]) => kindOf(object).restores?.(object) ?? true));
	const failures = new Set<string>();
	try {
		await converge(lab, before, look(lab, before), { progress, failures });
		removeFolders(lab, state ? pinsOf(state.topology) : []);
		if (state) writeState(state);
		else removeState(lab.name);
		const failure = isRefusal(error) ? new ApplyError(error.message, { cause: error }) : error;
		if (failure instanceof ApplyError || failure instanceof InterruptedError) failure.undone = true;
		return failure;
	} catch (second) {
		const failure = new ApplyError(error.message, { cause: error });
		failure.remains = [...remainsOf(lab, before, second), ...failures];
		return failure;
	}
}

/** What an undo has not put back, or, where that cannot be seen any more, why. */
function remainsOf(lab: Lab, before: Objects, failure: unknown): string[] {
	try {
		return look(lab, before).plan.changes.map((change) => changeText(change, kindOf(change.object)));
	} catch {
		return [asError(failure).message];
	}
}

/** All that is known before anything is touched. */
function survey(lab: Lab, topology: Topology) {
	const { state, damage } = inspectState(topology.name);
	requireHost(state);
	lab.recall(state);
	requireRoom(lab, topology, state);
	const { objects, warnings: ofFile, needs } = declare(topology);
	const warnings = [...ofFile, ...unfulfilled(needs).map(warningOf)];
	const remembered = (state?.settings ?? []).filter(isKnown);
	let first = look(lab, objects, remembered);
	requireContent(topology, first.snapshot);
	const conflicts = [...findConflicts(lab, topology, first.snapshot), ...refusals(lab, first.plan)];
	if (conflicts.length) throw new ConflictError(conflicts.join("\n"));
	const settings = settingsOf(objects, state);
	const forgotten = settings.left.map((object) => ({ object, to: kindOf(object).forget?.(object, lab) }));
	const turned = byId(forgotten.flatMap(({ to }) => (to && to !== "remove" ? [to] : [])));
	const desired = turned.size ? new Map([...objects, ...turned]) : objects;
	const unwanted = new Set(
		forgotten
			.filter(
				({ object, to }) => to === "remove" && deepEqual(first.actual.get(idOf(object))?.spec, object.spec),
			)
			.map(({ object }) => object),
	);
	if (turned.size || unwanted.size)
		first = look(
			lab,
			desired,
			remembered.filter((object) => !unwanted.has(object)),
			[...unwanted],
		);
	if (!isEmpty(first.plan)) {
		for (const folder of pinsOf(topology).flatMap(missingFolders)) lab.folders.add(folder);
		prepare(lab, first.plan);
	}
	// What is wrong with the state is wrong until it is written: no warning about the lab.
	return { first, desired, warnings, damage: damage === undefined ? [] : [damage], state, settings };
}

/** A file that names nothing but the lab is a mistake while the lab is up: to remove one is xdp-destroy's. */
function requireContent({ name, namespaces, veths }: Topology, { namespaces: made, pairs }: Snapshot): void {
	const isBare = namespaces.every(
		({ name, forwarding, routes, neighbors, sysctls }) =>
			name === HOST &&
			forwarding === undefined &&
			routes.length + neighbors.length + Object.keys(sysctls).length === 0,
	);
	const isUp = made.size > 1 || pairs.length > 0;
	if (isBare && veths.length === 0 && isUp)
		throw new UsageError(
			`the file names nothing but the lab, and ${name} is up: \`xdp-destroy ${name}\` removes it`,
		);
}

/** Without it an apply would not come to its end, nor, at worst, its undo. What goes is open as long as what comes. */
function requireRoom(lab: Lab, { namespaces }: Topology, state: State | undefined): void {
	const { size } = new Set([...namesIn(state), ...namespaces.map(({ name }) => name)]);
	if (lab.makeRoom(size)) return;
	throw new UnsupportedError(
		`${size} namespaces take more open files than this process may have: raise the limit, \`ulimit -n\``,
	);
}

/** What is known to fail before it is tried. */
function refusals(lab: Lab, plan: Plan): string[] {
	return KINDS.flatMap((kind) => {
		const { wanted, removed } = ofKind(plan, kind.name);
		return kind.refuse?.(wanted, removed, lab) ?? [];
	});
}

/** Has the kernel see what it may refuse, before anything is touched. */
function prepare(lab: Lab, plan: Plan): void {
	for (const kind of KINDS) {
		const { wanted, removed } = ofKind(plan, kind.name);
		if (wanted.length > 0) kind.prepare?.(wanted, removed, lab);
	}
}

/** What a plan makes or changes of a kind, and what it removes first. */
function ofKind({ changes, removals }: Plan, name: string): Record<"wanted" | "removed", LabObject[]> {
	return {
		wanted: changes.flatMap(({ action, object }) =>
			action !== "remove" && object.kind === name ? object : [],
		),
		removed: removals.filter(({ kind }) => kind === name),
	};
}

/** Settings have a value whether or not anybody wants one: those once changed are remembered. */
function settingsOf(objects: Objects, state: State | undefined) {
	const isSetting = (object: LabObject | undefined): boolean => {
		if (object === undefined) return false;
		const { forget, remembers } = kindOf(object);
		return forget !== undefined && (remembers?.(object) ?? true);
	};
	const wanted = [...objects.values()].filter(isSetting);
	const left = (state?.settings ?? []).filter(
		(object) =>
			isKnown(object) &&
			!isSetting(objects.get(idOf(object))) &&
			object.within.every((container) => objects.has(container)),
	);
	return { wanted, left, touched: [...wanted, ...left] };
}

function document({ name }: Topology, plan: Plan, warnings: string[]): PlanDocument {
	return planDocument(name, plan, warnings, (kind) => kindOf({ kind }));
}

async function opened<T>(name: string, work: (lab: Lab) => Promise<T>): Promise<T> {
	requireCapabilities();
	const lab = new Lab(name);
	try {
		return await work(lab);
	} finally {
		lab.closeAll();
	}
}
