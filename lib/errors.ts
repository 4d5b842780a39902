import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";

/** `ENODEV: no such device`, from a positive errno. */
export function errnoText(errno: number): string {
	const entry = getSystemErrorMap().get(-errno);
	return entry ? `${entry[0]}: ${entry[1]}` : nameOf(errno);
}

/** The kernel has some of its own, such as ENOTSUPP (524), which errno(3) does not know. */
function nameOf(errno: number): string {
	const known = Object.entries(constants.errno).find(([, number]) => number === errno);
	return known ? known[0] : `errno ${errno}`;
}

/** A system call, or a function of the C library, that failed. */
export class SyscallError extends Error {
	override readonly name = "SyscallError";
	/** The call, as a person would write it: `mount(/run/netns/uno)`. */
	readonly call: string;
	/** Positive, as in errno(3). */
	readonly errno: number;
	/** Its name: `EINVAL`. */
	readonly code: string;

	constructor(call: string, errno: number) {
		super(`${call}: ${errnoText(errno)}`);
		this.code = getSystemErrorMap().get(-errno)?.[0] ?? String(errno);
		this.call = call;
		this.errno = errno;
	}
}

/** A request that the kernel refused by a netlink error message. */
export class NetlinkError extends Error {
	override readonly name = "NetlinkError";
	/** What was asked for: `RTM_NEWLINK veth0`. */
	readonly request: string;
	/** Positive, as in errno(3). */
	readonly errno: number;
	/** The kernel's own words: NLMSGERR_ATTR_MSG of the extended acknowledgement. */
	readonly extack: string | undefined;
	/** The object on whose behalf it was asked, where that is known: `address uno:veth0 10.1.0.2/24`. */
	readonly owner: string | undefined;

	constructor(request: string, errno: number, extack?: string, owner?: string) {
		super(`${request}: ${errnoText(errno)}${extack ? ` (kernel: ${extack})` : ""}`);
		this.request = request;
		this.errno = errno;
		this.extack = extack;
		this.owner = owner;
	}
}

/** A BPF object that libbpf or the kernel's verifier refused. */
export class VerifierError extends Error {
	override readonly name = "VerifierError";
	/** What libbpf logged, the verifier's log included. */
	readonly log: string;

	constructor(what: string, errno: number, log: string) {
		const last = log.trimEnd().split("\n").slice(-20).join("\n");
		super(`${what}: ${errnoText(errno)}${last ? `\n${last}` : ""}`);
		this.log = log;
	}
}

/** This machine lacks something; the message names it and the one thing to change. */
export class UnsupportedError extends Error {
	override readonly name = "UnsupportedError";
}

/**
 * What node:fs threw, as an error that says what was asked for.
 * @param call as a person would write it: `write /run/xdp-topology/lab.json`
 */
export function fileError(call: string, error: unknown): Error {
	const { errno, code } = error as NodeJS.ErrnoException;
	if (code === "EROFS")
		return new UnsupportedError(
			`${call}: the file system is read-only: remount it, or start the container with --privileged`,
		);
	return errno === undefined ? (error as Error) : new SyscallError(call, -errno);
}

/** Anything thrown, as an error; one of node:fs, where a file cannot be looked at, like any other refusal. */
export function asError(thrown: unknown): Error {
	if (!(thrown instanceof Error)) return new Error(String(thrown));
	const { syscall, path } = thrown as NodeJS.ErrnoException;
	return syscall === undefined
		? thrown
		: fileError(path === undefined ? syscall : `${syscall} ${path}`, thrown);
}

/** Whether the system has refused something; otherwise it is a mistake, the user's or this program's. */
export function isRefusal(error: unknown): boolean {
	return [SyscallError, NetlinkError, VerifierError, UnsupportedError].some((one) => error instanceof one);
}

/** The kernel holds something that is in the way and is not the lab's; nothing was touched. */
export class ConflictError extends Error {
	override readonly name = "ConflictError";
}

/** An apply or a destroy that did not get there. */
export class ApplyError extends Error {
	override readonly name = "ApplyError";
	/** What could not be undone, described; empty where all of it was, or where nothing had to be. */
	remains: string[] = [];
	/** Whether what was done has been undone. */
	undone = false;
}

/** A signal ended the work; what was done has been undone, unless the caller keeps it. */
export class InterruptedError extends Error {
	override readonly name = "InterruptedError";
	/** `SIGINT`, `SIGTERM` or whatever else the abort signal gave. */
	readonly reason: unknown;
	/** Whether what was done has been undone. */
	undone = false;

	constructor(reason: unknown) {
		super(`interrupted by ${String(reason)}`);
		this.reason = reason;
	}
}

/** The command line is wrong, or a file that it names cannot be read. */
export class UsageError extends Error {
	override readonly name = "UsageError";
}
