import { linkLocal } from "../netlink/address.js";
import { IPV6_MIN_MTU } from "../topology/mtu.js";
import { sysctlOf } from "../topology/sysctl-interface.js";
import type { End, Namespace } from "../topology/topology.js";

/** Whether IPv6 runs on an interface: its MTU is large enough, and no sysctl of the file switches IPv6 off. */
export function hasIpv6(end: End, namespace: Namespace | undefined): boolean {
	return end.mtu >= IPV6_MIN_MTU && settingOf("disable_ipv6", end, namespace) !== "1";
}

/**
 * The link-local address that the kernel makes for an interface out of its MAC, without prefix length.
 * Undefined where the kernel makes none, or another one: addrconf_addr_gen() of net/ipv6/addrconf.c.
 */
export function kernelLinkLocal(end: End, namespace: Namespace | undefined): string | undefined {
	const IN6_ADDR_GEN_MODE_EUI64 = "0";
	if (!hasIpv6(end, namespace) || settingOf("stable_secret", end, namespace) !== undefined) return undefined;
	const mode = settingOf("addr_gen_mode", end, namespace) ?? IN6_ADDR_GEN_MODE_EUI64;
	return mode === IN6_ADDR_GEN_MODE_EUI64 ? linkLocal(end.mac).replace("/64", "") : undefined;
}

/**
 * What the file sets for an interface: by itself, or for all. `default` is for interfaces that come later: the
 * lab's are there when that is written.
 */
function settingOf(setting: string, end: End, namespace: Namespace | undefined): string | undefined {
	const sysctls = namespace?.sysctls ?? {};
	return sysctls[sysctlOf(end.interface, `ipv6.${setting}`)] ?? sysctls[`net.ipv6.conf.all.${setting}`];
}
