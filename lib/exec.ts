import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { requireCapabilities } from "./kernel/capabilities.js";
import { withinNamed } from "./kernel/enter.js";

/** Set for what runs in a lab's namespace: its name. */
export const NAMESPACE_VARIABLE = "XDP_TOPOLOGY_NAMESPACE";

/**
 * Runs a function with this thread in a namespace of a lab that is up, or in `host`. A process that
 * it starts is there for good, whichever library starts it:
 *
 * ```ts
 * const { stdout } = await runIn("uno", () => execa("ping", ["-c", "1", "10.0.2.2"]));
 * ```
 *
 * Only what is done before the function returns is done in the namespace. After an `await` in it, and
 * in Node's own sockets, which open in a later tick, the thread is back.
 * @throws UsageError where the namespace is not a lab's
 * @throws UnsupportedError where this machine or user cannot
 */
export function runIn<T>(namespace: string, start: () => T): T {
	requireCapabilities();
	return withinNamed(namespace, () => ({ result: start() })).result;
}

/**
 * Starts a program in a namespace of a lab that is up, or in `host`: spawn() of node:child_process,
 * with its options. XDP_TOPOLOGY_NAMESPACE tells the program where it is.
 * @throws UsageError where the namespace is not a lab's
 * @throws UnsupportedError where this machine or user cannot
 */
export function exec(
	namespace: string,
	command: string,
	args: readonly string[] = [],
	options: SpawnOptions = {},
): ChildProcess {
	const env = { ...(options.env ?? process.env), [NAMESPACE_VARIABLE]: namespace };
	return runIn(namespace, () => spawn(command, args, { ...options, env }));
}
