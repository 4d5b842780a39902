import { closeSync, openSync, readFileSync } from "node:fs";
import { CLONE_FS, CLONE_NEWNS, fchdir, setns, unshare } from "../ffi/libc.js";

/** Runs synchronous work with this thread in a mount namespace. */
export type InMounts = <T>(work: () => T extends Promise<unknown> ? never : T) => T;

/**
 * Finds the mount namespace in which names of network namespaces can be seen by others.
 *
 * `ip netns exec` starts a command in a mount namespace of its own, a slave of the one it was called
 * in: what is mounted there stays there and dies with the command. So where /run/netns is such a
 * slave, the work is done in the nearest ancestor's namespace that is its master.
 */
export function findSharedMounts(): InMounts {
	const master = masterOf("self");
	const owner = master === undefined ? undefined : findOwner(master);
	return owner === undefined ? (work) => work() : (work) => inMountsOf(owner, work);
}

function inMountsOf<T>(pid: string, work: () => T): T {
	const here = openSync("/proc/thread-self/ns/mnt", "r");
	const there = openSync(`/proc/${pid}/ns/mnt`, "r");
	const directory = openSync(".", "r");
	try {
		// setns(2) refuses mount namespaces to a thread that shares its root and directory with others.
		unshare(CLONE_FS);
		setns(there, CLONE_NEWNS);
		try {
			return work();
		} finally {
			setns(here, CLONE_NEWNS);
			fchdir(directory);
		}
	} finally {
		for (const fd of [here, there, directory]) closeSync(fd);
	}
}

/** The nearest ancestor of this process in whose mounts the peer group `group` is shared. */
function findOwner(group: string): string | undefined {
	for (let pid = String(process.ppid); pid !== "0"; pid = parentOf(pid)) {
		const shared = netnsMount(pid)?.find((option) => option.startsWith("shared:"));
		if (shared === `shared:${group}`) return pid;
	}
	return undefined;
}

/** The peer group that /run/netns receives mounts from without passing its own on. */
function masterOf(pid: string): string | undefined {
	const options = netnsMount(pid);
	if (!options || options.some((option) => option.startsWith("shared:"))) return undefined;
	return options.find((option) => option.startsWith("master:"))?.slice("master:".length);
}

/** The optional fields of the mount at /run/netns: proc_pid_mountinfo(5). */
function netnsMount(pid: string): string[] | undefined {
	let text: string;
	try {
		text = readFileSync(`/proc/${pid}/mountinfo`, "utf8");
	} catch {
		return undefined; // it ended meanwhile
	}
	const line = text.split("\n").findLast((line) => line.split(" ")[4] === "/run/netns");
	const fields = line?.split(" ");
	return fields?.slice(6, fields.indexOf("-"));
}

function parentOf(pid: string): string {
	try {
		return /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
	} catch {
		return "0";
	}
}
