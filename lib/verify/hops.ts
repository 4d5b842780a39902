import { isIPv6 } from "node:net";
import type { NextHop } from "../netlink/route.js";
import type { RouteLookup } from "../netlink/route-lookup.js";
import type { LabEnd, NamespaceSnapshot } from "../snapshot/snapshot.js";
import { sysctlOf } from "../topology/sysctl-interface.js";
import { endAt, type Ground } from "./ground.js";
import { whyNoRoute } from "./no-route.js";
import type { Hop, Journey } from "./path.js";

/** 0 where the hash of IPv4 takes addresses alone: fib_multipath_hash() of net/ipv4/route.c. */
export const HASH_POLICY = "net.ipv4.fib_multipath_hash_policy";

/** The sysctl that bpf_fib_lookup() and the network stack read before they forward. */
export function forwardingSysctl(link: string, family: 4 | 6): string {
	return sysctlOf(link, `ipv${family}.forwarding`);
}

export interface Hops {
	/** One for each of equal paths. */
	hops: Hop[];
	/** The packets take the first of them for certain. */
	certain: boolean;
}

/** Where packets leave a namespace that they start in, or come in to by `ingress`. */
export function hopsOf(ground: Ground, journey: Journey, name: string, ingress: LabEnd | undefined): Hops {
	const { snapshot, topology } = ground;
	const namespace = snapshot.namespaces.get(name);
	if (!namespace) return { hops: [], certain: false };
	const forwarding = topology.namespaces.find((one) => one.name === name)?.forwarding;
	const hop: Hop = { namespace, forwarding, ingress };
	const only = (more: Partial<Hop>): Hops => ({ hops: [{ ...hop, ...more }], certain: true });

	const target = redirectTarget(hop);
	if (target !== undefined) {
		const egress = snapshot.ends.get(`${name}:${target}`);
		return only(egress ? leaving(ground, hop, egress) : { stop: `${name}:${target} is not there` });
	}
	const { destination } = journey;
	const { lookup, errno, refused } = route(ground, journey, hop);
	if (!lookup) return only({ stop: whyNoRoute(namespace, destination, errno) });
	if (lookup.type === "local") return only({ refused, stop: whyNotArrived(journey, hop) });
	if (lookup.type !== "unicast")
		return only({ stop: `${destination} is a ${lookup.type} address in ${name}` });
	const paths = pathsOf(ground, namespace, lookup);
	const chosen = paths.length > 1 ? choice(ground, journey, hop) : undefined;
	const ordered = paths.toSorted((a, b) => Number(isSame(b, chosen)) - Number(isSame(a, chosen)));
	const hops = ordered.map(({ index, gateway }): Hop => {
		const egress = endAt(ground, namespace, index);
		if (!egress) return { ...hop, refused, stop: `${name} routes ${destination} out of the lab` };
		return leaving(ground, { ...hop, refused, next: gateway ?? destination }, egress);
	});
	return { hops, certain: hops.length === 1 || chosen !== undefined };
}

/** Where `hardcoded` and `map` send what comes in here, whoever it is for. */
function redirectTarget({ forwarding, ingress }: Hop): string | undefined {
	if (forwarding?.mode !== "hardcoded" && forwarding?.mode !== "map") return undefined;
	return forwarding.redirect.find(({ from }) => from === ingress?.link.name)?.to;
}

interface Answer {
	lookup?: RouteLookup;
	errno: number;
	refused: boolean;
}

/**
 * The route as the kernel finds it. Of packets that come in, the stack checks more than bpf_fib_lookup()
 * does, so what it refuses is asked for once more as the namespace's own.
 */
function route({ ask }: Ground, { destination, source, protocol }: Journey, hop: Hop): Answer {
	const { namespace, ingress } = hop;
	const own = { destination, protocol };
	if (ingress && source !== undefined) {
		const lookup = ask(namespace.name, { ...own, source, input: ingress.link.index }, true);
		if (!("errno" in lookup)) return { lookup, errno: 0, refused: false };
	}
	const lookup = ask(namespace.name, own, true);
	if ("errno" in lookup) return { errno: lookup.errno, refused: false };
	return { lookup, errno: 0, refused: ingress !== undefined && source !== undefined };
}

/** The kernel leaves out next hops whose interface is down. */
function pathsOf(ground: Ground, namespace: NamespaceSnapshot, { hops }: RouteLookup): NextHop[] {
	const alive = hops.filter(({ index }) => endAt(ground, namespace, index)?.link.up ?? true);
	return alive.length > 0 ? alive : hops;
}

/** The one of equal paths that packets take, if it is the same for all packets between two addresses. */
function choice({ ask }: Ground, journey: Journey, { namespace, ingress }: Hop): NextHop | undefined {
	const { destination, source, protocol } = journey;
	if (!ingress || source === undefined || isIPv6(destination)) return undefined;
	if (namespace.sysctls.get(HASH_POLICY) !== "0") return undefined;
	const packets = { destination, source, protocol, input: ingress.link.index };
	const lookup = ask(namespace.name, packets, false);
	return "errno" in lookup ? undefined : lookup.hops[0];
}

function isSame(a: NextHop, b: NextHop | undefined): boolean {
	return a.index === b?.index && a.gateway === b.gateway;
}

/** Undefined where packets may end here. */
function whyNotArrived({ destination, to }: Journey, { namespace, ingress }: Hop): string | undefined {
	const { name, addresses, links } = namespace;
	if (!ingress && name !== to[0]) return `${name} has ${destination} itself, nothing is sent`;
	if (to.includes(name)) return undefined;
	const index = addresses.find(({ prefix }) => prefix.startsWith(`${destination}/`))?.index;
	const link = links.find((one) => one.index === index);
	return `${link ? `${name}:${link.name}` : name} has ${destination} as well: packets end there`;
}

/** A hop with what it leaves by. A packet without a neighbour never leaves. */
function leaving({ peers, tried }: Ground, hop: Hop, egress: LabEnd): Hop {
	const { namespace, next } = hop;
	const peer = peers.get(egress.name);
	if (!peer) return { ...hop, egress, stop: `the other end of ${egress.name} is not there` };
	if (next === undefined) return { ...hop, egress, peer };
	const found = namespace.neighbors.find(({ index, ip }) => index === egress.link.index && ip === next);
	const left = { ...hop, egress, peer };
	if (!found && !tried) return left;
	if (found?.mac === undefined)
		return { ...left, stop: `${egress.name} has no neighbour ${next}`, unsure: !found };
	if (found.mac === peer.link.mac) return left;
	return {
		...left,
		stop: `${egress.name} takes ${next} for ${found.mac}, and ${peer.name} has ${peer.link.mac}`,
	};
}
