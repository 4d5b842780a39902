import { EVERYWHERE } from "../topology/address.js";

export interface Hop {
	interface: string;
	/** Null where the destination is on the interface's link. May be IPv6 in an IPv4 route. */
	address: string | null;
	/** Its share among equal-cost paths. */
	weight: number;
	/** The address is on the interface's link, whatever other routes say. */
	onlink?: true;
}

/** What of a route makes up its name. */
export interface Place {
	namespace: string;
	to: string;
	metric: number;
	tos: number;
}

/** What the kernel gives an IPv6 route without one: IP6_RT_PRIO_USER of <net/ip6_route.h>. */
export const IP6_RT_PRIO_USER = 1024;

export const isIpv6 = (text: string): boolean => text.includes(":");

/** `r1 10.2.0.0/24 metric 5`: at most one route of a table has it. */
export function nameOf({ namespace, to, metric, tos }: Place): string {
	return `${namespace} ${to}${qualifiers({ to, metric, tos })}`;
}

/** The same for a person, as ip(8) has it: a default route is `default`. */
export function displayNameOf(route: Place & { hops: readonly Hop[] }): string {
	return `${route.namespace} ${destinationText(route)}${qualifiers(route)}`;
}

function qualifiers({ to, metric, tos }: Omit<Place, "namespace">): string {
	const usual = isIpv6(to) ? IP6_RT_PRIO_USER : 0;
	const service = tos === 0 ? "" : ` tos 0x${tos.toString(16)}`;
	return `${service}${metric === usual ? "" : ` metric ${metric}`}`;
}

function destinationText({ to, hops }: { to: string; hops: readonly Hop[] }): string {
	if (to === EVERYWHERE[4]) return "default";
	if (to !== EVERYWHERE[6]) return to;
	// Without a next hop, nothing else would say which family it is.
	return hops.some(({ address }) => address !== null) ? "default" : "default (IPv6)";
}

/** `via 10.0.0.2 dev eth0, via inet6 fe80::2 dev eth1 weight 2`. */
export function hopsText(to: string, hops: readonly Hop[]): string {
	return hops
		.map(({ interface: link, address, weight, onlink }) => {
			const inet6 = !isIpv6(to) && address !== null && isIpv6(address) ? "inet6 " : "";
			const via = address === null ? "" : `via ${inet6}${address} `;
			return `${via}dev ${link}${weight === 1 ? "" : ` weight ${weight}`}${onlink ? " onlink" : ""}`;
		})
		.join(", ");
}
