import { IPV6_MIN_MTU } from "../topology/mtu.js";
import { sysctlOf } from "../topology/sysctl-interface.js";
import { type End, HOST, type Namespace } from "../topology/topology.js";
import type { Requirements, SysctlRequirement } from "./requirements.js";

/**
 * IP forwarding, set in every namespace that the lab makes. In `host` nothing global is written: the
 * lab's own ends are told to forward, which is all that bpf_fib_lookup() reads.
 */
export function forwardingSysctls(requirements: Requirements, namespace: Namespace): void {
	const on = namespace.forwarding !== undefined;
	const wanted =
		namespace.name === HOST ? (on ? hostSysctls(requirements) : []) : globalSysctls(namespace, on);
	for (const sysctl of wanted) {
		const explicit = namespace.sysctls[sysctl.name];
		if (explicit === undefined) requirements.sysctls.push(sysctl);
		else if (explicit !== sysctl.value && on)
			requirements.warnings.push(
				`${namespace.name} will not forward: ${sysctl.name} is ${explicit}, and \`forwarding\` needs ${sysctl.value}`,
			);
	}
}

function globalSysctls(namespace: Namespace, on: boolean): SysctlRequirement[] {
	const reason = on ? `${namespace.name} forwards` : `${namespace.name} does not forward`;
	return ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"].map((name) => ({
		namespace: namespace.name,
		name,
		value: on ? "1" : "0",
		reason,
	}));
}

function hostSysctls({ ends }: Requirements): SysctlRequirement[] {
	return [...ends.values()].filter(({ namespace }) => namespace === HOST).flatMap(endSysctls);
}

function endSysctls(end: End): SysctlRequirement[] {
	const one = (setting: string, optional?: true): SysctlRequirement => ({
		namespace: end.namespace,
		name: sysctlOf(end.interface, setting),
		value: "1",
		...(optional && { optional }),
		reason: "host forwards, between the lab's own ends only",
	});
	const ipv4 = one("ipv4.forwarding");
	if (end.mtu < IPV6_MIN_MTU) return [ipv4];
	// force_forwarding, since 6.17, lets the stack forward IPv6 with the global switch off.
	return [ipv4, one("ipv6.forwarding"), one("ipv6.force_forwarding", true)];
}
