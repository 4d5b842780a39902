import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { SyscallError, UsageError } from "../errors.js";
import { enterForGood } from "../kernel/enter.js";
import type { Invocation } from "./shell.js";

/** A program in the background. */
export interface Detached {
	pid: number;
	/** Where its standard output and error go. */
	output: string;
}

/**
 * Starts a program in a lab's namespace, in a session of its own: neither the end of this process nor of the
 * terminal ends the program. This process is in the namespace afterwards.
 * @param output file for standard output and error; by default a new one in the folder for temporary files
 * @throws SyscallError where the program cannot be run
 * @throws UsageError where the file cannot be written, or the namespace is not a lab's
 */
export async function detach(
	namespace: string,
	{ command: [program, ...args], environment }: Invocation,
	output: string | undefined,
): Promise<Detached> {
	enterForGood(namespace);
	const log =
		output === undefined ? newLog(`xdp-exec-${namespace}-${basename(program)}`) : openLog(output, "w");
	try {
		const child = spawn(program, args, {
			detached: true,
			stdio: ["ignore", log.fd, log.fd],
			env: { ...process.env, ...environment },
		});
		await once(child, "spawn");
		child.unref();
		return { pid: child.pid as number, output: log.path };
	} catch (error) {
		if (output === undefined) rmSync(log.path);
		const { errno, syscall = "" } = error as NodeJS.ErrnoException;
		throw syscall.startsWith("spawn") ? new SyscallError(`exec(${program})`, -(errno ?? 0)) : error;
	} finally {
		closeSync(log.fd);
	}
}

interface Log {
	fd: number;
	path: string;
}

/** A file that was not there before: `/tmp/xdp-exec-uno-iperf3.log`, then `….2.log`. */
function newLog(name: string): Log {
	for (let number = 1; ; number++) {
		const path = join(tmpdir(), `${name}${number === 1 ? "" : `.${number}`}.log`);
		try {
			return openLog(path, "wx");
		} catch (error) {
			if (((error as Error).cause as NodeJS.ErrnoException)?.code !== "EEXIST") throw error;
		}
	}
}

function openLog(path: string, flags: "w" | "wx"): Log {
	try {
		return { fd: openSync(path, flags, 0o600), path };
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		throw new UsageError(`${path}: the output cannot be written there (${code})`, { cause: error });
	}
}
