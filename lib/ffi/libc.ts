import { closeSync, constants } from "node:fs";
import koffi from "koffi";
import { SyscallError } from "../errors.js";

const lib = koffi.load("libc.so.6");

// koffi knows no ssize_t; intptr_t has its width and sign.
const functions = {
	unshare: lib.func("int unshare(int flags)"),
	setns: lib.func("int setns(int fd, int nstype)"),
	mount: lib.func("int mount(str source, str target, str type, unsigned long flags, void *data)"),
	umount2: lib.func("int umount2(str target, int flags)"),
	flock: lib.func("int flock(int fd, int operation)"),
	fchdir: lib.func("int fchdir(int fd)"),
	socket: lib.func("int socket(int domain, int type, int protocol)"),
	setsockopt: lib.func("int setsockopt(int fd, int level, int name, const void *value, uint32_t length)"),
	send: lib.func("intptr_t send(int fd, const void *data, size_t length, int flags)"),
	recv: lib.func("intptr_t recv(int fd, _Out_ uint8_t *data, size_t length, int flags)"),
	execvp: lib.func("int execvp(str file, const char **arguments)"),
	fcntl: lib.func("int fcntl(int fd, int command, ...)"),
	signal: lib.func("void *signal(int number, void *handler)"),
	ioctl: lib.func("int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)"),
	bpf: lib.func("long syscall(long number, int command, _Inout_ uint8_t *attributes, uint32_t size)"),
	fsopen: lib.func("long syscall(long number, str type, unsigned int flags)"),
	fsconfig: lib.func(
		"long syscall(long number, int fd, unsigned int command, str key, const void *value, int aux)",
	),
	fsmount: lib.func("long syscall(long number, int fd, unsigned int flags, unsigned int attributes)"),
};

/** Throws {@link SyscallError} on -1, returns the value otherwise. */
function checked(value: number | bigint, call: string): number {
	if (Number(value) === -1) throw new SyscallError(call, koffi.errno());
	return Number(value);
}

/** <sched.h> */
export const CLONE_FS = 0x200;
export const CLONE_NEWNS = 0x20000;
export const CLONE_NEWNET = 0x4000_0000;

/** <sys/mount.h> */
export const MS_BIND = 0x1000;
export const MS_MOVE = 0x2000;
export const MS_REC = 0x4000;
export const MS_SLAVE = 0x8_0000;
export const MS_SHARED = 0x10_0000;
export const MNT_DETACH = 2;

/** <sys/file.h> */
export const LOCK_EX = 2;
export const LOCK_NB = 4;

/** unshare(2): moves the calling thread into new namespaces. */
export function unshare(flags: number): void {
	checked(functions.unshare(flags), "unshare");
}

/** setns(2): moves the calling thread, and no other, into the namespace behind `fd`. */
export function setns(fd: number, type: number): void {
	checked(functions.setns(fd, type), "setns");
}

/** mount(2) without data. */
export function mount(source: string, target: string, type: string, flags: number): void {
	checked(functions.mount(source, target, type, flags, null), `mount(${target})`);
}

/** umount2(2) */
export function umount(target: string, flags: number): void {
	checked(functions.umount2(target, flags), `umount(${target})`);
}

/**
 * A filesystem of this type that is mounted nowhere: fsopen(2), fsconfig(2), fsmount(2). By number, which is
 * the same on every architecture, as glibc has them from 2.36 on. @returns a descriptor of its root
 */
export function openFilesystem(type: string): number {
	const { fsopen, fsconfig, fsmount } = { fsopen: 430, fsconfig: 431, fsmount: 432 };
	const [CLOEXEC, FSCONFIG_CMD_CREATE] = [1, 6];
	const context = checked(functions.fsopen(fsopen, type, CLOEXEC), "fsopen");
	try {
		checked(functions.fsconfig(fsconfig, context, FSCONFIG_CMD_CREATE, null, null, 0), "fsconfig");
		return checked(functions.fsmount(fsmount, context, CLOEXEC, 0), "fsmount");
	} finally {
		closeSync(context);
	}
}

/** fchdir(2) of the calling thread. */
export function fchdir(fd: number): void {
	checked(functions.fchdir(fd), "fchdir");
}

/** Duplicates a descriptor: fcntl(2). @returns the lowest that is free and not below `least` */
export function duplicate(fd: number, least: number): number {
	const F_DUPFD_CLOEXEC = 1030;
	return checked(functions.fcntl(fd, F_DUPFD_CLOEXEC, "int", least), "fcntl(F_DUPFD_CLOEXEC)");
}

/** flock(2). @returns false where LOCK_NB was given and somebody else holds the lock. */
export function flock(fd: number, operation: number): boolean {
	const EWOULDBLOCK = 11;
	try {
		checked(functions.flock(fd, operation), "flock");
		return true;
	} catch (error) {
		if (error instanceof SyscallError && error.errno === EWOULDBLOCK) return false;
		throw error;
	}
}

/** socket(2). @returns the descriptor. */
export function socket(domain: number, type: number, protocol: number): number {
	return checked(functions.socket(domain, type, protocol), "socket");
}

/** setsockopt(2) with an int in the host's byte order. */
export function setsockopt(fd: number, level: number, name: number, value: number): void {
	checked(functions.setsockopt(fd, level, name, new Int32Array([value]), 4), "setsockopt");
}

/** send(2). @returns the number of bytes sent. */
export function send(fd: number, data: Uint8Array): number {
	return checked(functions.send(fd, data, data.length, 0), "send");
}

/** <sys/socket.h> */
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;

/** recv(2) into `data`. @returns the number of bytes received; with MSG_TRUNC in `flags`, the datagram's. */
export function recv(fd: number, data: Uint8Array, flags: number): number {
	return checked(functions.recv(fd, data, data.length, flags), "recv");
}

/**
 * execvp(3): this process becomes another program, with the environment of `process.env`. What Node
 * changed in the process is put back first, as libuv does in a child before its exec (process.c,
 * uv__process_child_init): signals that Node ignores, and standard streams that it closes on exec and
 * may have made non-blocking.
 * @returns only by throwing
 */
export function execvp(file: string, args: readonly string[]): never {
	const SIGPIPE = 13;
	const SIGXFSZ = 25;
	const SIG_DFL = null;
	for (const number of [SIGPIPE, SIGXFSZ]) functions.signal(number, SIG_DFL);
	const F_SETFD = 2;
	const F_GETFL = 3;
	const F_SETFL = 4;
	for (const fd of [0, 1, 2]) {
		const flags = functions.fcntl(fd, F_GETFL);
		if (flags === -1) continue; // closed by whoever started us
		functions.fcntl(fd, F_SETFD, "int", 0);
		if (flags & constants.O_NONBLOCK) functions.fcntl(fd, F_SETFL, "int", flags & ~constants.O_NONBLOCK);
	}
	checked(functions.execvp(file, [file, ...args, null]), `exec(${file})`);
	throw new Error("exec returned");
}

/** ioctl(2) whose argument is a structure, read and written in place, or none. @param what how an error names it */
export function ioctl(fd: number, request: number, argument: Uint8Array | null, what: string): number {
	return checked(functions.ioctl(fd, request, argument), `ioctl(${what})`);
}

/** __NR_bpf differs by architecture: asm/unistd_64.h, asm-generic/unistd.h. */
const NR_BPF: Partial<Record<NodeJS.Architecture, number>> = { x64: 321, arm64: 280, riscv64: 280 };

/** bpf(2), for the commands that libbpf has no function for. `attributes` is a union bpf_attr. */
export function bpf(command: number, attributes: Uint8Array): number {
	const number = NR_BPF[process.arch];
	if (number === undefined) throw new Error(`bpf(2) has no known number on ${process.arch}`);
	return checked(functions.bpf(number, command, attributes, attributes.length), "bpf");
}
