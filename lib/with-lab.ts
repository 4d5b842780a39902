import { setTimeout } from "node:timers/promises";
import type { Options, ResultPromise } from "execa";
import { type ApplyOptions, apply } from "./apply.js";
import { destroy } from "./destroy.js";
import { ApplyError, InterruptedError, UsageError } from "./errors.js";
import { exec, runIn } from "./exec.js";
import type { VerifyReport } from "./expect/report.js";
import { loadTopology } from "./load.js";
import type { PlanDocument } from "./plan/render.js";
import { interruptible } from "./signals.js";
import { type Stats, type StatsOptions, stats } from "./stats.js";
import { type LabStatus, status } from "./status.js";
import type { TopologyDocument } from "./topology/generated/document.js";
import { HOST, type Topology } from "./topology/topology.js";
import { type VerifyOptions, verify } from "./verify/verify.js";

/** Options of {@link withLab}. */
export interface WithLabOptions extends Pick<ApplyOptions, "onWait"> {
	/** Signal that ends the work and takes the lab down, such as the `signal` of a test. */
	signal?: AbortSignal | undefined;
	/**
	 * Whether a lab of this name that is up already, such as one of a test run that was killed, is taken down
	 * first, with the processes in it. Default: `false`, such a lab is a {@link ConflictError}.
	 */
	replace?: boolean;
}

/** A lab that is up, as the work of {@link withLab} gets it. After the work every method throws a UsageError. */
export interface RunningLab {
	/** The lab's name. */
	readonly name: string;
	/** What was applied. */
	readonly topology: Topology;
	/** What the apply did, with the warnings about the lab. */
	readonly plan: PlanDocument;
	/** Signal that is aborted when the work is to end early: by `options.signal` or by SIGINT, SIGTERM or SIGHUP. */
	readonly signal: AbortSignal;
	/** {@link exec} in a namespace of this lab, or in `host`. What still runs when the work is done is ended. */
	exec<Given extends Options = Record<never, never>>(
		namespace: string,
		command: string,
		args?: readonly string[],
		options?: Given,
	): ResultPromise<Given>;
	/** {@link runIn} in a namespace of this lab, or in `host`. */
	runIn<T>(namespace: string, start: () => T): T;
	/** {@link verify} of this lab: tries its `expect` list with real traffic. */
	verify(options?: VerifyOptions): Promise<VerifyReport>;
	/** {@link status} of this lab. */
	status(): LabStatus;
	/** {@link stats} of this lab's interfaces, or of those that are named: `r1:uno`. */
	stats(interfaces?: readonly string[], options?: StatsOptions): Promise<Stats>;
}

/**
 * Brings a lab up, does the work, and takes the lab down, whatever happens.
 *
 * ```ts
 * await withLab("demo.yaml", async (lab) => {
 * 	await lab.exec("uno", "ping", ["-c", "1", "10.0.2.2"]);
 * });
 * ```
 *
 * The lab goes down when the work returns or throws, when `options.signal` is aborted, and at SIGINT, SIGTERM and
 * SIGHUP; the process then ends by that signal, unless it has a listener of its own for the signal. Processes that
 * still run in the lab are ended: SIGTERM, and a second later SIGKILL. A failed apply is undone.
 * Labs may be nested and run side by side as long as their names and their namespaces' names differ.
 * @param source a topology file, what {@link loadTopology} or {@link parseTopology} returned, or a document: what
 * a file says, as an object
 * @param work called with the lab once the lab is up
 * @returns what the work returns
 * @throws TopologyError if the file or the document is wrong
 * @throws ConflictError if a lab of this name is up already, or another name is taken; nothing was touched
 * @throws UnsupportedError if the machine or the user lacks something
 * @throws ApplyError if a change failed
 * @throws InterruptedError if a signal ended the work
 * @throws AggregateError if the work failed and the lab could not be taken down; `errors` has both
 */
export async function withLab<T>(
	source: string | Topology | TopologyDocument,
	work: (lab: RunningLab) => T | Promise<T>,
	options: WithLabOptions = {},
): Promise<T> {
	let stopped: NodeJS.Signals | undefined;
	try {
		return await interruptible(async (received) => {
			received.addEventListener("abort", () => {
				stopped = received.reason;
			});
			const signal = options.signal ? AbortSignal.any([options.signal, received]) : received;
			throwIfAborted(signal);
			const topology = isTopology(source) ? source : await loadTopology(source);
			return await run(topology, work, { ...options, signal });
		});
	} finally {
		if (stopped !== undefined && process.listenerCount(stopped) === 0) process.kill(process.pid, stopped);
	}
}

/** Only a resolved topology has warnings. */
function isTopology(source: string | Topology | TopologyDocument): source is Topology {
	return typeof source === "object" && "warnings" in source;
}

async function run<T>(
	topology: Topology,
	work: (lab: RunningLab) => T | Promise<T>,
	{ signal, onWait, replace = false }: WithLabOptions & { signal: AbortSignal },
): Promise<T> {
	const waiting = onWait ? { onWait } : {};
	const takeDown = () => destroy(topology.name, { kill: true, ...waiting });
	if (replace) await takeDown();
	const plan = await apply(topology, { signal, fresh: true, ...waiting }).catch(async (error) => {
		if (error instanceof ApplyError && !error.undone) await bothFail(error, takeDown);
		throw error;
	});
	const lab = new Running(topology, plan, signal);
	let result: { value: T } | { error: unknown };
	try {
		result = { value: await Promise.race([work(lab), aborted(signal)]) };
	} catch (error) {
		result = { error };
	}
	const end = async () => {
		lab.close();
		await takeDown();
		await lab.ended();
	};
	if ("value" in result) {
		await end();
		return result.value;
	}
	await bothFail(result.error, end);
	throw result.error;
}

/** Cleans up after an error. @throws AggregateError if that fails as well */
async function bothFail(error: unknown, cleanUp: () => Promise<unknown>): Promise<void> {
	try {
		await cleanUp();
	} catch (second) {
		const messages = [error, second].map((one) => (one instanceof Error ? one.message : String(one)));
		throw new AggregateError([error, second], `${messages[0]}; and then: ${messages[1]}`);
	}
}

function throwIfAborted(signal: AbortSignal): void {
	if (signal.aborted) throw new InterruptedError(signal.reason);
}

/** Rejects when the signal is aborted, and never resolves. */
function aborted(signal: AbortSignal): Promise<never> {
	return new Promise((_, reject) => {
		if (signal.aborted) reject(new InterruptedError(signal.reason));
		signal.addEventListener("abort", () => reject(new InterruptedError(signal.reason)), { once: true });
	});
}

/** The lab of one {@link withLab}, and the processes that its work has started. */
class Running implements RunningLab {
	readonly name: string;
	readonly topology: Topology;
	readonly plan: PlanDocument;
	readonly signal: AbortSignal;
	readonly #namespaces: ReadonlySet<string>;
	readonly #children = new Map<ResultPromise, Promise<unknown>>();
	#isUp = true;

	constructor(topology: Topology, plan: PlanDocument, signal: AbortSignal) {
		this.name = topology.name;
		this.topology = topology;
		this.plan = plan;
		this.signal = signal;
		this.#namespaces = new Set([HOST, ...topology.namespaces.map(({ name }) => name)]);
	}

	exec<Given extends Options = Record<never, never>>(
		namespace: string,
		command: string,
		args: readonly string[] = [],
		options?: Given,
	): ResultPromise<Given> {
		this.#requireNamespace(namespace);
		const child = exec(namespace, command, args, options);
		const running = child as unknown as ResultPromise;
		// A command that is not there has no process, and its promise says so.
		if (running.pid !== undefined) {
			const exit = new Promise((resolve) => running.once("exit", resolve));
			this.#children.set(running, exit);
			exit.then(() => this.#children.delete(running));
		}
		return child;
	}

	runIn<T>(namespace: string, start: () => T): T {
		this.#requireNamespace(namespace);
		return runIn(namespace, start);
	}

	async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
		this.#requireUp();
		return verify(this.topology, { signal: this.signal, ...options });
	}

	status(): LabStatus {
		this.#requireUp();
		return status(this.name);
	}

	async stats(interfaces: readonly string[] = [], options: StatsOptions = {}): Promise<Stats> {
		this.#requireUp();
		return stats(interfaces.length ? interfaces : [this.name], { signal: this.signal, ...options });
	}

	/** Ends the processes that are left. Nobody waits for them, so that their end is nobody's error. */
	close(): void {
		this.#isUp = false;
		for (const child of this.#children.keys()) {
			child.catch(() => {});
			child.kill();
		}
	}

	/**
	 * Resolves when no process that {@link exec} has started is left, in `host` either, and execa has removed its
	 * listeners for signals. A process of theirs that is none of the lab's may keep a pipe open: not for that long.
	 */
	async ended(): Promise<void> {
		const children = [...this.#children];
		await Promise.all(children.map(([, exit]) => exit));
		await Promise.race([
			Promise.allSettled(children.map(([child]) => child)),
			setTimeout(1000, null, { ref: false }),
		]);
	}

	#requireUp(): void {
		if (!this.#isUp) throw new UsageError(`lab ${this.name} is down: its work is over`);
	}

	#requireNamespace(namespace: string): void {
		this.#requireUp();
		if (this.#namespaces.has(namespace)) return;
		const known = [...this.#namespaces].filter((name) => name !== HOST).join(", ");
		throw new UsageError(`lab ${this.name} has no namespace ${namespace}: it has ${known}`);
	}
}
