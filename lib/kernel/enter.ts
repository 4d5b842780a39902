import { closeSync } from "node:fs";
import { UsageError } from "../errors.js";
import { CLONE_NEWNET, execvp, setns } from "../ffi/libc.js";
import { groupBy } from "../group-by.js";
import { HOST } from "../topology/topology.js";
import { Lab } from "./lab.js";
import { listNamespaces } from "./labs.js";
import { openCurrent, openNamed, within } from "./netns.js";
import { ownerOf } from "./observe.js";
import { listStates, readState } from "./state.js";
import { mountOwnSysfs } from "./sysfs.js";
import { requireHost } from "./whereabouts.js";

/** Environment variable of a process in a lab's namespace: the namespace's name. */
export const NAMESPACE_VARIABLE = "XDP_TOPOLOGY_NAMESPACE";

/**
 * Opens a namespace that a lab has made, or `host`.
 * @returns a descriptor, to be closed
 * @throws UsageError where it is not a lab's
 * @throws ConflictError where this is not the labs' `host`
 */
function open(name: string): number {
	if (name === HOST) {
		for (const lab of listStates()) requireHost(readState(lab));
		return openCurrent();
	}
	const fd = isLabs(name) ? openNamed(name) : undefined;
	if (fd === undefined) throw new UsageError(`${name} is no namespace of a lab: ${known()}`);
	return fd;
}

function isLabs(name: string): boolean {
	// A path would lead out of where the names are.
	if (name === "" || name.includes("/")) return false;
	const lab = new Lab("");
	try {
		return ownerOf(lab, name) !== undefined;
	} finally {
		lab.closeAll();
	}
}

/** `three-routers has dos, r1, r2, r3, tres, uno` */
function known(): string {
	const labs = groupBy(listNamespaces(), ({ lab }) => lab);
	if (labs.size === 0) return "no lab is up";
	return [...labs]
		.map(([lab, namespaces]) => `${lab} has ${namespaces.map(({ name }) => name).join(", ")}`)
		.join("; ");
}

/** Runs `work` with this thread in a lab's namespace; see {@link within}. */
export function withinNamed<T>(name: string, work: () => T extends Promise<unknown> ? never : T): T {
	const fd = open(name);
	try {
		return within(fd, work);
	} finally {
		closeSync(fd);
	}
}

/**
 * Moves this thread for good into a lab's namespace, with the /sys of that namespace: for a process that ends soon
 * or becomes another. bpffs and what is pinned there stays visible; `ip netns exec` hides it.
 * @throws UsageError where it is not a lab's
 */
export function enterForGood(name: string): void {
	const fd = open(name);
	setns(fd, CLONE_NEWNET);
	closeSync(fd);
	// The /sys of `host` is there already.
	if (name !== HOST) mountOwnSysfs();
}

/**
 * This process becomes a program in a lab's namespace.
 * @param command found in PATH; the rest are its arguments
 * @param environment what to add to that of this process
 * @throws SyscallError where the program cannot be run
 */
export function become(
	name: string,
	[command, ...args]: readonly [string, ...string[]],
	environment: Readonly<Record<string, string>>,
): never {
	enterForGood(name);
	Object.assign(process.env, environment);
	return execvp(command, args);
}
