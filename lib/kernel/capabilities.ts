import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { errnoText, fileError, SyscallError, UnsupportedError } from "../errors.js";
import { Libbpf } from "../ffi/libbpf.js";
import { loadSmallestProgram } from "./features.js";

/** <linux/capability.h> */
const NEEDED: Readonly<Record<string, number>> = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };

/**
 * Whether this process may look at and change what a lab consists of.
 * @throws UnsupportedError with the one thing to change
 */
export function requireCapabilities(): void {
	if (process.platform !== "linux") throw new UnsupportedError(`XDP is Linux's; this is ${process.platform}`);
	if (!existsSync("/proc/self/status"))
		throw new UnsupportedError("/proc is missing: mount it, by `mount -t proc proc /proc`");
	requirePrivileges();
	requireBpf();
}

/**
 * Whether what only an apply needs is there as well.
 * @throws UnsupportedError with the one thing to change
 */
export function requireWritableSysctls(): void {
	try {
		accessSync("/proc/sys/net/ipv4/ip_forward", constants.W_OK);
	} catch (error) {
		throw fileError("write /proc/sys/net", error);
	}
}

function requirePrivileges(): void {
	const effective = BigInt(
		`0x${/^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0"}`,
	);
	const missing = Object.entries(NEEDED).filter(([, bit]) => !((effective >> BigInt(bit)) & 1n));
	if (missing.length === 0) return;
	if (process.geteuid?.() !== 0)
		throw new UnsupportedError(
			"labs are made of network namespaces and BPF programs: run this as root (sudo)",
		);
	const names = missing.map(([name]) => name).join(" and ");
	throw new UnsupportedError(`${names} missing: in a container, start it with --privileged`);
}

function requireBpf(): void {
	const { call } = Libbpf.get();
	const result = call.progNextId(0, new Uint32Array(1));
	if (result >= 0 || result === -ENOENT) return;
	if (result === -ENOSYS) throw new UnsupportedError(`this kernel has no BPF: ${errnoText(ENOSYS)}`);
	if (result !== -EPERM) throw new SyscallError("BPF_PROG_GET_NEXT_ID", -result);
	throw new UnsupportedError(
		isMachinesRoot()
			? FORBIDDEN
			: "BPF is not permitted here: this is the root of a user namespace, as in a rootless container; use the machine's own root",
	);
}

/**
 * Whether the kernel loads XDP programs as they are here.
 * @throws UnsupportedError with the one thing to change
 */
export function requireXdp(): void {
	const result = loadSmallestProgram();
	if (result === 0) return;
	if (result === -EPERM) throw new UnsupportedError(FORBIDDEN);
	if (result === -EINVAL)
		throw new UnsupportedError(
			"this kernel does not load XDP programs that take jumbo frames: use Linux 6.1 or newer",
		);
	throw new SyscallError("BPF_PROG_LOAD of the smallest program", -result);
}

/** The root of a user namespace has all capabilities there, and may not use BPF or large socket buffers. */
function isMachinesRoot(): boolean {
	// user_namespaces(7): the first one maps every id to itself.
	return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
}

const FORBIDDEN =
	"BPF is forbidden here, to root too, by a seccomp filter or a security module: in a container, start it with --privileged";

const EPERM = 1;
const ENOENT = 2;
const EINVAL = 22;
const ENOSYS = 38;
