import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Lab } from "./lab.js";

/** A process that runs in a namespace. */
export interface Process {
	pid: number;
	/** /proc/PID/comm */
	command: string;
	/** The name of the namespace. */
	namespace: string;
}

/**
 * The processes, other than this one, whose network namespace is one of these.
 * @param namespaces names by what /proc/PID/ns/net links to: `net:[4026531840]`
 */
function listProcesses(namespaces: ReadonlyMap<string, string>): Process[] {
	return readdirSync("/proc").flatMap((entry) => {
		const pid = Number(entry);
		if (!Number.isInteger(pid) || pid === process.pid) return [];
		try {
			const namespace = namespaces.get(readlinkSync(`/proc/${pid}/ns/net`));
			if (namespace === undefined) return [];
			return [{ pid, command: readFileSync(`/proc/${pid}/comm`, "utf8").trim(), namespace }];
		} catch {
			return []; // it ended meanwhile, or is a kernel thread's
		}
	});
}

/** The processes that run in these namespaces of a lab. */
export function processesIn(lab: Lab, namespaces: readonly string[]): Process[] {
	if (namespaces.length === 0) return [];
	return listProcesses(new Map(namespaces.map((name) => [lab.inode(name), name])));
}

/** Ends processes: SIGTERM, and SIGKILL for those that do not go within a second. */
export async function endProcesses(list: () => Process[]): Promise<void> {
	const deadline = Date.now() + 1000;
	for (const { pid } of list()) send(pid, "SIGTERM");
	while (Date.now() < deadline && list().length > 0) await setTimeout(10);
	for (const { pid } of list()) send(pid, "SIGKILL");
	while (Date.now() < deadline + 1000 && list().length > 0) await setTimeout(10);
}

function send(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(pid, signal);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
	}
}
