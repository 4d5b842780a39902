import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { requireCapabilities } from "./kernel/capabilities.js";
import { withinNamed } from "./kernel/enter.js";
import { sysfsLauncher } from "./kernel/sysfs.js";
import { HOST } from "./topology/topology.js";

/** Set for what runs in a lab's namespace: its name. */
export const NAMESPACE_VARIABLE = "XDP_TOPOLOGY_NAMESPACE";

/**
 * Runs a function with this thread in a network namespace of a lab that is up, or in `host`. A process that
 * the function starts stays in that namespace, whichever library starts it:
 *
 * ```ts
 * const { stdout } = await runIn("uno", () => execa("ping", ["-c", "1", "10.0.2.2"]));
 * ```
 *
 * Only what is done before the function returns is done in the namespace. After an `await` in it, and
 * in Node's own sockets, which open in a later tick, the thread is back. Only the network namespace changes:
 * /sys/class/net is still the one of `host`, because a thread of Node.js cannot leave a mount namespace
 * without consequences for `process.chdir()`. A program that reads /sys is started by {@link exec}.
 * @throws UsageError where the namespace is not a lab's
 * @throws UnsupportedError where this machine or user cannot
 */
export function runIn<T>(namespace: string, start: () => T): T {
	requireCapabilities();
	return withinNamed(namespace, () => ({ result: start() })).result;
}

/**
 * Starts a program in a namespace of a lab that is up, or in `host`: spawn() of node:child_process,
 * with its options but `argv0`. The program sees the /sys of its namespace, and bpffs;
 * XDP_TOPOLOGY_NAMESPACE tells the program where it is.
 * @throws UsageError where the namespace is not a lab's
 * @throws UnsupportedError where this machine or user cannot
 */
export function exec(
	namespace: string,
	command: string,
	args: readonly string[] = [],
	options: Omit<SpawnOptions, "argv0"> = {},
): ChildProcess {
	const env = { ...(options.env ?? process.env), [NAMESPACE_VARIABLE]: namespace };
	const { uid, gid, shell, ...rest } = { ...options, env };
	const line = shell
		? [shell === true ? "/bin/sh" : shell, "-c", [command, ...args].join(" ")]
		: [command, ...args];
	// spawn() itself reports a program that is not there by its event `error`.
	if (namespace === HOST || !isFound(line[0] ?? "", rest))
		return runIn(namespace, () => spawn(command, args, { ...options, env }));
	return runIn(namespace, () => {
		const [launcher, ...before] = sysfsLauncher();
		return spawn(launcher, [...before, ...asUser(uid, gid), ...line], rest);
	});
}

/** Whether execvp(3) would find a program to run. */
function isFound(command: string, { cwd, env }: SpawnOptions): boolean {
	const folders = command.includes("/") ? [""] : (env?.["PATH"] ?? "/bin:/usr/bin").split(delimiter);
	const base = cwd instanceof URL ? fileURLToPath(cwd) : (cwd ?? "");
	return folders.some((folder) => {
		try {
			accessSync(resolve(base, folder, command), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}

/** A user's rights are dropped after the mounts, as spawn() drops them: setpriv(1). */
function asUser(uid: number | undefined, gid: number | undefined): string[] {
	if (uid === undefined && gid === undefined) return [];
	return [
		"/usr/bin/setpriv",
		"--clear-groups",
		...(gid === undefined ? [] : [`--regid=${gid}`]),
		...(uid === undefined ? [] : [`--reuid=${uid}`]),
	];
}
