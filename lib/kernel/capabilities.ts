import { readFileSync } from "node:fs";
import { errnoText, UnsupportedError } from "../errors.js";
import { Libbpf } from "../ffi/libbpf.js";

/** <linux/capability.h> */
const NEEDED: Readonly<Record<string, number>> = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };

/**
 * Whether this process may change what a lab consists of.
 * @throws UnsupportedError with the one thing to change
 */
export function requireCapabilities(): void {
	if (process.platform !== "linux") throw new UnsupportedError(`XDP is Linux's; this is ${process.platform}`);
	requirePrivileges();
	requireBpf();
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

/** The root of a user namespace has all capabilities there, and may not use BPF or large socket buffers. */
function requireBpf(): void {
	const { call } = Libbpf.get();
	const result = call.progNextId(0, new Uint32Array(1));
	if (result >= 0 || result === -ENOENT) return;
	if (result === -EPERM)
		throw new UnsupportedError(
			"BPF is not permitted here: this is the root of a user namespace, as in a rootless container; use the machine's own root",
		);
	throw new UnsupportedError(`this kernel has no BPF: ${errnoText(-result)}`);
}

const EPERM = 1;
const ENOENT = 2;
