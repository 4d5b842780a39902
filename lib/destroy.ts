import { closeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { ConflictError, UsageError } from "./errors.js";
import { openProgram } from "./kernel/bpf.js";
import { requireCapabilities } from "./kernel/capabilities.js";
import { Lab } from "./kernel/lab.js";
import { takeLock } from "./kernel/lock.js";
import { removeFolders } from "./kernel/pins.js";
import { endProcesses, type Process, processesIn } from "./kernel/processes.js";
import { forgetSettled } from "./kernel/settled.js";
import { inspectState, namesIn, removeState } from "./kernel/state.js";
import { requireHost } from "./kernel/whereabouts.js";
import { kindOf } from "./kinds/registry.js";
import { NONE } from "./plan/object.js";
import { type PlanDocument, planDocument } from "./plan/render.js";
import { type Progress, silent } from "./progress.js";
import { converge, lookAtLinks } from "./reconcile.js";
import { isLabName } from "./topology/names.js";

/** Options of {@link destroy}. */
export interface DestroyOptions {
	/**
	 * Whether processes that still run in the lab's namespaces are ended: SIGTERM, and a second later SIGKILL.
	 * Default: `false`, such a process is a {@link ConflictError}.
	 */
	kill?: boolean;
	/** Signal that ends the work; what is removed by then stays removed, and another destroy removes the rest. */
	signal?: AbortSignal | undefined;
	/** Called once if another process holds the lock, with that process: `xdp-apply lab.yaml (pid 42)`. */
	onWait?: (holder: string) => void;
	/** @internal Shows the stages of the work; the default shows nothing. */
	progress?: Progress;
}

/**
 * Removes everything of a lab and nothing else. Resolves when the kernel has released the namespaces and programs.
 * @param name the lab's name; a lab that is not up is no error
 * @returns what was removed; `warnings` says if the remembered state could not be used
 * @throws ConflictError if processes still run in a namespace of the lab; nothing was touched
 * @throws UsageError if `name` cannot be a lab's name
 * @throws UnsupportedError if the machine or the user lacks something
 * @throws ApplyError if the kernel refuses a removal
 * @throws InterruptedError if `options.signal` ended it
 */
export async function destroy(name: string, options: DestroyOptions = {}): Promise<PlanDocument> {
	if (!isLabName(name)) throw new UsageError(`${JSON.stringify(name)} cannot be a lab's name`);
	requireCapabilities();
	const lock = await takeLock(options.onWait ?? (() => {}), options.signal);
	const lab = new Lab(name);
	try {
		return await destroyLocked(lab, options);
	} finally {
		lab.closeAll();
		lock.release();
	}
}

async function destroyLocked(lab: Lab, options: DestroyOptions): Promise<PlanDocument> {
	const { state, damage } = inspectState(lab.name);
	requireHost(state);
	lab.recall(state);
	const first = lookAtLinks(lab);
	const { plan, snapshot } = first;
	const namespaces = [...snapshot.namespaces.values()].filter(({ made }) => made).map(({ name }) => name);
	await clear(lab, namespaces, options.kill ?? false);
	const programs = [...snapshot.programs.values()].filter(({ label }) => label).map(({ id }) => id);
	forgetSettled(lab.name);
	await converge(lab, NONE, first, { progress: options.progress ?? silent, signal: options.signal });
	lab.removeLeft(namesIn(state));
	removeFolders(lab, []);
	lab.closeAll();
	await untilUnloaded(programs);
	removeState(lab.name);
	return planDocument(lab.name, plan, damage === undefined ? [] : [damage], (kind) => kindOf({ kind }));
}

/** Sees to it that nobody is left in the namespaces. */
async function clear(lab: Lab, namespaces: readonly string[], kill: boolean): Promise<void> {
	if (kill) await endProcesses(() => processesIn(lab, namespaces));
	const left = processesIn(lab, namespaces);
	if (left.length) throw new ConflictError(`processes still run in the lab:\n${describeProcesses(left)}`);
}

function describeProcesses(processes: readonly Process[]): string {
	const lines = processes.map(({ pid, command, namespace }) => `  ${namespace}: ${command} (pid ${pid})`);
	return [...lines, "end them, or use --kill"].join("\n");
}

/** A namespace is taken apart behind our back, and only then its interfaces let go of their programs. */
async function untilUnloaded(programs: readonly number[]): Promise<void> {
	const PATIENCE = 10_000;
	const deadline = Date.now() + PATIENCE;
	for (const id of programs)
		for (let fd = openProgram(id); fd !== undefined && Date.now() < deadline; fd = openProgram(id)) {
			closeSync(fd);
			await setTimeout(2);
		}
}
