import {
	closeSync,
	constants,
	lstatSync,
	mkdirSync,
	openSync,
	readdirSync,
	statSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { SyscallError, UnsupportedError } from "../errors.js";
import {
	CLONE_NEWNET,
	ioctl,
	MNT_DETACH,
	MS_BIND,
	MS_REC,
	MS_SHARED,
	mount,
	setns,
	umount,
	unshare,
} from "../ffi/libc.js";
import { findSharedMounts, type InMounts } from "./mounts.js";

/** Where `ip netns` keeps its names. */
export const NETNS_DIRECTORY = "/run/netns";

/** The file that names a namespace. It never lies elsewhere, wherever the name comes from. */
function fileOf(name: string): string {
	if (/^\.{0,2}$|\//.test(name)) throw new Error(`${JSON.stringify(name)} cannot name a namespace`);
	return `${NETNS_DIRECTORY}/${name}`;
}

/** A descriptor of the namespace that this thread is in. */
export function openCurrent(): number {
	return openSync("/proc/thread-self/ns/net", "r");
}

/** A descriptor of a named namespace; undefined where there is none, or only the plain file of one. */
export function openNamed(name: string): number | undefined {
	let fd: number;
	try {
		// A FIFO of that name would keep open(2) waiting.
		fd = openSync(fileOf(name), constants.O_RDONLY | constants.O_NONBLOCK);
	} catch (error) {
		// Nothing, a link that leads nowhere or to itself, a socket, a device that nobody drives: open(2).
		if (["ENOENT", "ELOOP", "ENXIO", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? ""))
			return undefined;
		throw error;
	}
	if (isNetns(fd)) return fd;
	closeSync(fd);
	return undefined;
}

/** Whether a descriptor is one of a network namespace: ioctl_nsfs(2). */
function isNetns(fd: number): boolean {
	const NS_GET_NSTYPE = 0xb703;
	try {
		return ioctl(fd, NS_GET_NSTYPE, null, "NS_GET_NSTYPE") === CLONE_NEWNET;
	} catch (error) {
		if (error instanceof SyscallError) return false;
		throw error;
	}
}

/** The device number of nsfs, where the files of all namespaces live. */
function nsfsDevice(): number {
	return statSync("/proc/thread-self/ns/net").dev;
}

/** Every name in {@link NETNS_DIRECTORY}, ours or not. */
export function listNames(): string[] {
	try {
		return readdirSync(NETNS_DIRECTORY);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw error;
	}
}

/**
 * Runs `work` with this thread in the namespace behind `fd`. Whatever `work` does is synchronous:
 * a thread of Node's pool, or a later tick, would be in another namespace.
 * @param home a descriptor of the namespace that this thread is in, if there is one
 */
export function within<T>(fd: number, work: () => T extends Promise<unknown> ? never : T, home?: number): T {
	return comingBack(home, () => {
		permitted(() => setns(fd, CLONE_NEWNET));
		return work();
	});
}

/**
 * Runs `work` with this thread in a new namespace, which is gone afterwards unless somebody holds it.
 * @param home as for {@link within}
 */
export function inFresh<T>(work: () => T, home?: number): T {
	return comingBack(home, () => {
		permitted(() => unshare(CLONE_NEWNET));
		return work();
	});
}

/** Runs what moves this thread to another namespace, and moves it back. */
function comingBack<T>(home: number | undefined, work: () => T): T {
	const back = home ?? openCurrent();
	try {
		try {
			return work();
		} finally {
			setns(back, CLONE_NEWNET);
		}
	} finally {
		if (back !== home) closeSync(back);
	}
}

/** Gives namespaces their names and takes them away, for one command: the mounts are looked at once. */
export class NetnsNames {
	#inMounts: InMounts | undefined;
	#shared = false;

	#run<T>(work: () => T extends Promise<unknown> ? never : T): T {
		this.#inMounts ??= findSharedMounts();
		return this.#inMounts(work);
	}

	/**
	 * Creates a namespace, lets `prepare` work in it, and only then names it: whoever finds the name
	 * finds a namespace that is ready, and a crash before leaves nothing, since an unnamed namespace
	 * dies with its last user.
	 * @param prepare returns a descriptor of the namespace
	 * @param home as for {@link within}
	 */
	create(name: string, prepare: () => number, home: number): void {
		inFresh(() => {
			const fd = prepare();
			this.#run(() => {
				if (!this.#shared) shareDirectory();
				this.#shared = true;
				bindName(name, fd);
			});
		}, home);
	}

	/** Takes a name away; the namespace itself goes with its last user. Already gone is success. */
	remove(name: string): void {
		this.#run(() => unbindName(name));
	}
}

function bindName(name: string, fd: number): void {
	const target = fileOf(name);
	writeFileSync(target, "", { mode: 0o444, flag: "a" });
	try {
		permitted(() => mount(`/proc/${process.pid}/fd/${fd}`, target, "none", MS_BIND));
	} catch (error) {
		unlinkSync(target);
		throw error;
	}
}

function unbindName(name: string): void {
	const target = fileOf(name);
	// Mounts may lie on one another, where /run/netns was bound over itself.
	for (;;) {
		const wasMounted = tolerating(["EINVAL", "ENOENT"], () => umount(target, MNT_DETACH));
		try {
			unlinkSync(target);
			return;
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code === "ENOENT") return;
			if (!wasMounted || code !== "EBUSY") throw error;
		}
	}
}

/** Makes /run/netns a shared mount, so that names appear in every mount namespace: ip-netns(8). */
function shareDirectory(): void {
	try {
		// Not recursive: Node.js tells of a read-only file system that the folder is not there.
		mkdirSync(NETNS_DIRECTORY, { mode: 0o755 });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
	}
	const share = () => mount("", NETNS_DIRECTORY, "none", MS_SHARED | MS_REC);
	// EINVAL: it is no mount yet.
	if (tolerating(["EINVAL"], () => permitted(share))) return;
	mount(NETNS_DIRECTORY, NETNS_DIRECTORY, "none", MS_BIND | MS_REC);
	share();
}

/** Root may do all this; where it may not, something stands above root. */
function permitted(call: () => void): void {
	try {
		call();
	} catch (error) {
		if (!(error instanceof SyscallError) || !["EPERM", "EACCES"].includes(error.code)) throw error;
		throw new UnsupportedError(
			`${error.message}: forbidden to root too, by a seccomp filter or a security module: in a container, start it with --privileged`,
		);
	}
}

/** @returns whether the call succeeded, false where it failed by one of these errors */
function tolerating(codes: readonly string[], call: () => void): boolean {
	try {
		call();
		return true;
	} catch (error) {
		if (error instanceof SyscallError && codes.includes(error.code)) return false;
		throw error;
	}
}

/** Whether a name is taken by what is neither a namespace nor the plain file of one. */
export function isSomethingElse(name: string): boolean {
	const file = lstatSync(fileOf(name), { throwIfNoEntry: false });
	return file !== undefined && file.dev !== nsfsDevice() && !(file.isFile() && file.size === 0);
}

/** Whether a name is but the plain file that a crash left between naming and mounting: nobody's. */
export function isLeftName(name: string): boolean {
	const file = lstatSync(fileOf(name), { throwIfNoEntry: false });
	return file?.isFile() === true && file.size === 0 && file.dev !== nsfsDevice();
}
