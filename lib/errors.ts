import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import type { CLine, Refusal } from "./programs/refusal.js";
import { type FilePosition, placeText } from "./topology/source.js";

/** `ENODEV: no such device`, from a positive errno. */
export function errnoText(errno: number): string {
	const entry = getSystemErrorMap().get(-errno);
	return entry ? `${entry[0]}: ${entry[1]}` : nameOf(errno);
}

/** The kernel has some of its own, such as ENOTSUPP (524), which errno(3) does not know. */
function nameOf(errno: number): string {
	const known = Object.entries(constants.errno).find(([, number]) => number === errno);
	return known?.[0] ?? LIBBPF_ERRORS[errno] ?? `errno ${errno}`;
}

/** enum libbpf_errno of <bpf/libbpf.h>, as far as it can come of an object. */
const LIBBPF_ERRORS: Readonly<Record<number, string>> = {
	4000: "LIBBPF_ERRNO__LIBELF: libelf cannot read the object",
	4001: "LIBBPF_ERRNO__FORMAT: the object is damaged",
	4003: "LIBBPF_ERRNO__ENDIAN: the object is for another byte order",
	4004: "LIBBPF_ERRNO__INTERNAL: libbpf failed",
	4005: "LIBBPF_ERRNO__RELOC: a reference in the code of the object is damaged",
	4006: "LIBBPF_ERRNO__LOAD: the kernel does not load the program",
	4007: "LIBBPF_ERRNO__VERIFY: the kernel's verifier refuses the program",
	4008: "LIBBPF_ERRNO__PROG2BIG: the program is too large",
};

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

/** A program that the kernel's verifier, or libbpf before it, refuses. */
export interface RefusedProgram extends Refusal {
	/** Its name in the topology file, or that of a built-in program. */
	program: string;
	/** Where the topology file names its object; absent of a built-in program. */
	at?: FilePosition;
	/** All that libbpf logged, the verifier's log included. */
	log: string;
}

/** Programs that are not loaded: all of those that were tried and refused. */
export class VerifierError extends Error {
	override readonly name = "VerifierError";
	/** At least one, in the order of the file. */
	readonly refused: readonly RefusedProgram[];

	constructor(refused: readonly RefusedProgram[]) {
		super(refused.map(refusalText).join("\n"));
		this.refused = refused;
	}

	/** What libbpf logged, the verifier's log included. */
	get log(): string {
		return this.refused.map(({ log }) => log).join("\n");
	}
}

/** `own.yaml:7:13: the kernel's verifier rejects `drop9999`: invalid access to packet, off=13 (drop.c:26)`, and the log. */
function refusalText(refused: RefusedProgram): string {
	const { program, at, byVerifier, reason, source, hint, excerpt } = refused;
	const place = at === undefined ? "" : `${placeText(at)} `;
	const what = byVerifier
		? `the kernel's verifier rejects \`${program}\``
		: `program \`${program}\` cannot be loaded`;
	return [
		`${place}${what}: ${reason}${source ? ` (${lineText(source)})` : ""}`,
		...(hint === undefined ? [] : [`  = ${hint}`]),
		...(excerpt === "" ? [] : [excerpt.replace(/^(?=.)/gm, "    ")]),
	].join("\n");
}

function lineText({ file, line, function: name, text }: CLine): string {
	const where = file === undefined ? `\`${text}\`` : `${file}:${line}`;
	return name === undefined ? where : `${name}, ${where}`;
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
