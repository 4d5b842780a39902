/** Folders under /proc/sys/net that hold one folder an interface, and `all` and `default` beside. */
const PER_INTERFACE = /^net\.(?:ipv4|ipv6|mpls)\.(?:conf|neigh)\.([^.]+)\./;

/** What a sysctl is about: an interface, `all` or `default`; undefined for all others. */
export function scopeOf(sysctl: string): string | undefined {
	return PER_INTERFACE.exec(sysctl)?.[1]?.replaceAll("/", ".");
}

/**
 * The interface whose own setting a sysctl is, as `veth0` of `net.ipv4.conf.veth0.forwarding`: it
 * comes and goes with that. Undefined for all others, `all` and `default` among them.
 */
export function interfaceOf(sysctl: string): string | undefined {
	const scope = scopeOf(sysctl);
	return scope === "all" || scope === "default" ? undefined : scope;
}

/** The other way round: the sysctl of an interface's own `FAMILY.NAME`, such as `ipv4.forwarding`. */
export function sysctlOf(link: string, setting: string): string {
	const [family, name] = setting.split(".");
	return `net.${family}.conf.${link.replaceAll(".", "/")}.${name}`;
}
