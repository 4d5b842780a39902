/**
 * The interface whose own setting a sysctl is, as `veth0` of `net.ipv4.conf.veth0.forwarding`: it
 * comes and goes with that. Undefined for all others, `all` and `default` among them.
 */
export function interfaceOf(sysctl: string): string | undefined {
	const name = /^net\.(?:ipv4|ipv6)\.(?:conf|neigh)\.([^.]+)\./.exec(sysctl)?.[1]?.replaceAll("/", ".");
	return name === "all" || name === "default" ? undefined : name;
}
