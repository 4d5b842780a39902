import { accessSync, constants } from "node:fs";
import { delimiter, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type ExecaError, execa, type Options, type ResultPromise } from "execa";
import { requireCapabilities } from "./kernel/capabilities.js";
import { NAMESPACE_VARIABLE, withinNamed } from "./kernel/enter.js";
import { sysfsLauncher } from "./kernel/sysfs.js";
import { HOST } from "./topology/topology.js";

/**
 * Runs a function with this thread in a network namespace of a lab that is up, or in `host`. A process that
 * the function starts stays in that namespace, whichever library starts it:
 *
 * ```ts
 * const server = runIn("dos", () => spawn("iperf3", ["-s"]));
 * ```
 *
 * Only what the function does before it returns is done in the namespace. After an `await` the thread
 * is back in its own namespace. Sockets of `node:net` and `node:dgram` open after the function
 * has returned, so they are outside as well. Only the network namespace changes: /sys/class/net is still the one of
 * `host`, because a thread of Node.js cannot leave a mount namespace without consequences for `process.chdir()`.
 * A program that reads /sys is started by {@link exec}.
 * @param namespace the namespace's name, as the topology has it
 * @param start called once, at once
 * @returns what `start` returns
 * @throws UsageError if no lab that is up has such a namespace
 * @throws ConflictError if `namespace` is `host` and the labs have another `host`
 * @throws UnsupportedError if the machine or the user lacks something
 */
export function runIn<T>(namespace: string, start: () => T): T {
	requireCapabilities();
	return withinNamed(namespace, () => ({ result: start() })).result;
}

/**
 * Runs a program in a namespace of a lab that is up, or in `host`: [execa](https://github.com/sindresorhus/execa)
 * with its options but `argv0`. The program sees the /sys of its namespace, and bpffs. The variable
 * XDP_TOPOLOGY_NAMESPACE names the namespace to the program.
 *
 * ```ts
 * const { stdout } = await exec("uno", "ping", ["-c", "1", "10.0.2.2"]);
 * ```
 *
 * A lab goes down only when no process runs in its namespaces, so await what is started. {@link withLab} ends the rest.
 * @param namespace the namespace's name, as the topology has it
 * @param command found in PATH; no shell is involved unless `options.shell` says so
 * @param args arguments of the command
 * @param options options of execa, such as `{ reject: false }`, `{ timeout: 5_000 }` (milliseconds), `{ stdio: "inherit" }`
 * @returns the running child process, which is also a promise: of `stdout`, `stderr` and `exitCode`, and rejected by
 * an ExecaError if the exit code is not 0
 * @throws UsageError if no lab that is up has such a namespace
 * @throws ConflictError if `namespace` is `host` and the labs have another `host`
 * @throws UnsupportedError if the machine or the user lacks something
 */
export function exec<Given extends Options = Record<never, never>>(
	namespace: string,
	command: string,
	args: readonly string[] = [],
	options?: Given,
): ResultPromise<Given> {
	return start(namespace, command, args, options ?? {}) as unknown as ResultPromise<Given>;
}

/** execa without the types that follow from the options: those are {@link exec}'s affair. */
const run: (command: string, args: readonly string[], options: Options) => ResultPromise = execa as never;

function start(namespace: string, command: string, args: readonly string[], options: Options): ResultPromise {
	const env = { ...options.env, [NAMESPACE_VARIABLE]: namespace };
	const { uid, gid, shell, ...rest } = options;
	const line = shell
		? [shell === true ? "/bin/sh" : String(shell), "-c", [command, ...args].join(" ")]
		: [command, ...args];
	// execa itself reports a program that is not there; local ones and those for Node.js it finds itself.
	if (namespace === HOST || options.preferLocal || options.node || !isFound(line[0] ?? "", options))
		return runIn(namespace, () => run(command, args, { ...options, env }));
	return runIn(namespace, () => {
		const [launcher, ...before] = sysfsLauncher();
		const child = run(launcher, [...before, ...asUser(uid, gid), ...line], { ...rest, env });
		return withoutLauncher(child, [command, ...args].join(" "));
	});
}

/** The child whose errors name the command, and not the launcher before it. */
function withoutLauncher(child: ResultPromise, command: string): ResultPromise {
	const settle = child.then.bind(child);
	const rename = (error: ExecaError) => {
		const { escapedCommand } = error;
		for (const key of ["message", "shortMessage", "stack"] as const)
			error[key] = error[key]?.replaceAll(escapedCommand, () => command) ?? "";
		return Object.assign(error, { command, escapedCommand: command });
	};
	return Object.assign(child, {
		// biome-ignore lint/suspicious/noThenProperty: it has one, and this is it with another error
		then: ((done, failed) => settle(done, failed && ((error) => failed(rename(error))))) as typeof child.then,
		catch: ((failed) => child.then(undefined, failed)) as typeof child.catch,
	});
}

/** Whether execvp(3) would find a program to run. */
function isFound(command: string, { cwd, env, extendEnv = true }: Options): boolean {
	const path = env?.["PATH"] ?? (extendEnv ? process.env["PATH"] : undefined) ?? "/bin:/usr/bin";
	const folders = command.includes("/") ? [""] : path.split(delimiter);
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
