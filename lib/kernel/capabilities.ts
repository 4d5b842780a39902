import { readFileSync } from "node:fs";
import { UnsupportedError } from "../errors.js";

/** <linux/capability.h> */
const NEEDED: Readonly<Record<string, number>> = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };

/**
 * Whether this process may change what a lab consists of.
 * @throws UnsupportedError with the one thing to change
 */
export function requireCapabilities(): void {
	if (process.platform !== "linux") throw new UnsupportedError(`XDP is Linux's; this is ${process.platform}`);
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
