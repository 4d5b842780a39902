import type { Lab } from "../kernel/lab.js";
import * as netlink from "../netlink/route.js";
import { deepEqual, type LabObject } from "../plan/object.js";
import { ofLink } from "../snapshot/by-link.js";
import type { LabEnd, NamespaceSnapshot } from "../snapshot/snapshot.js";
import { type EndName, HOST, type RouteType } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";

export interface Route {
	namespace: string;
	/** `10.2.0.0/24`; the default is `0.0.0.0/0` or `::/0`. */
	to: string;
	metric: number;
	type: RouteType;
	/** Next hops: an interface, and an address unless the destination is on its link. Sorted. */
	hops: Hop[];
	/** Preferred source address. */
	source: string | null;
	/** Type of service that a packet must have; a topology has no such routes. */
	tos: number;
	/** The nexthop object that somebody else's route refers to; a topology has none. */
	nexthopId: number | null;
}

interface Hop {
	interface: string;
	/** Null where the destination is on the interface's link. */
	address: string | null;
	/** Its share among equal-cost paths, which are equal in a topology. */
	weight: number;
}

/** What the kernel gives an IPv6 route without one: IP6_RT_PRIO_USER of <net/ip6_route.h>. */
const IP6_RT_PRIO_USER = 1024;

/** A static route of the main table. */
export const route: Kind<Route> = {
	name: "route",
	title: ["route", "routes"],
	needsUp: true,
	declare: ({ topology, ends, pairs }) =>
		topology.namespaces.flatMap(({ name, routes }) => {
			const around = surroundingsIn(
				name,
				(link) => pairs.get(`${name}:${link}`),
				(link) => ends.get(`${name}:${link}`)?.addresses ?? [],
			);
			return routes.map((wanted) => {
				const hops = wanted.via.map(({ address, interface: link }) => ({
					interface: link,
					address,
					weight: 1,
				}));
				const onLink =
					wanted.interface === undefined ? [] : [{ interface: wanted.interface, address: null, weight: 1 }];
				return object(
					{
						namespace: name,
						to: wanted.to,
						metric: wanted.metric ?? (wanted.family === 6 ? IP6_RT_PRIO_USER : 0),
						type: wanted.type,
						hops: hops.length ? hops : onLink,
						source: wanted.source ?? null,
						tos: 0,
						nexthopId: null,
					},
					around,
				);
			});
		}),
	observe: ({ namespaces, ends, wanted }) => {
		return [...namespaces.values()].flatMap((namespace) =>
			nameApart(observeIn(namespace, ends), (name) => wanted.get(`route ${name}`)?.spec),
		);
	},
	create: (objects, lab) =>
		forEach(objects, lab, ({ spec }) => lab.queue(spec.namespace, netlink.addRoute(request(spec, lab)))),
	refuse: (wanted, _removed, lab) => {
		const inHost = wanted.filter(({ spec }) => spec.namespace === HOST);
		return inHost.length ? held(inHost, lab) : [];
	},
	// Somebody else may have put one of their own before the lab's, which would be replaced.
	replaces: (from) => from.namespace === HOST,
	// Also of another type, or with other next hops: packets find the old route or the new one.
	update: (changes, lab) =>
		forEach(
			changes.map(({ object }) => object),
			lab,
			({ spec }) => lab.queue(spec.namespace, netlink.replaceRoute(request(spec, lab))),
		),
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec }) =>
			lab.queue(spec.namespace, netlink.deleteRoute(request(spec, lab)), GONE),
		),
	describe: ({ spec }) => `${nameOf(spec)} ${paths(spec)}`,
	describeChange: (from, to) => `${paths(from)} → ${paths(to)}`,
};

/** Routes of `host` that somebody else has to the same destination: the kernel takes one of a metric. */
function held(wanted: readonly LabObject<Route>[], lab: Lab): string[] {
	const ours = new Set(lab.ends.ifindexes());
	const links = new Map(lab.links(HOST).map(({ index, name }) => [index, name]));
	const theirs = ([4, 6] as const)
		.flatMap((family) => lab.namespace(HOST).route.dump(netlink.dumpRoutes(family), netlink.decodeRoute))
		.flatMap((route) => route ?? [])
		.filter(({ hops }) => hops.length === 0 || !hops.every(({ index }) => ours.has(index)));
	return wanted.flatMap(({ name, spec: { to, metric } }) => {
		const found = theirs.find((route) => route.to === to && route.metric === metric && !route.tos);
		if (!found) return [];
		const where = found.hops.map(({ index }) => `dev ${links.get(index) ?? index}`).join(", ") || found.type;
		return [
			`a route ${name} is there that is not this lab's (${where}): choose another metric, or remove it`,
		];
	});
}

/** What a route by an interface has to do with the other objects, by id. */
interface Surroundings {
	/** Undefined where the interface is not the lab's. */
	pair: string | undefined;
	/** Of the interface. */
	addresses: string[];
}

/** Those of each interface of a namespace, worked out once: a router may have a thousand routes by one. */
function surroundingsIn(
	namespace: string,
	pairOf: (link: string) => string | undefined,
	prefixesOf: (link: string) => readonly string[],
): (link: string) => Surroundings {
	const known = new Map<string, Surroundings>();
	return (link) => {
		let found = known.get(link);
		if (!found) {
			const addresses = prefixesOf(link).map((prefix) => `address ${namespace}:${link} ${prefix}`);
			found = { pair: pairOf(link), addresses };
			known.set(link, found);
		}
		return found;
	};
}

function observeIn(
	{ name, made, links, routes, addresses }: NamespaceSnapshot,
	ends: ReadonlyMap<EndName, LabEnd>,
): LabObject<Route>[] {
	const nameOfLink = new Map(links.map((link) => [link.index, link.name]));
	const indexOfLink = new Map(links.map((link) => [link.name, link.index]));
	const around = surroundingsIn(
		name,
		(link) => ends.get(`${name}:${link}`)?.pair,
		(link) => ofLink(addresses, indexOfLink.get(link) ?? 0).map(({ prefix }) => prefix),
	);
	return routes.flatMap((route) => {
		// Others belong to the kernel, or to a routing daemon.
		if (route.protocol !== netlink.RTPROT_STATIC && route.protocol !== netlink.RTPROT_BOOT) return [];
		const hops = route.hops.map(({ index, gateway, weight = 1 }) => ({
			interface: nameOfLink.get(index) ?? `#${index}`,
			address: gateway ?? null,
			weight,
		}));
		// What leads by somebody's own link is theirs, and dies with that.
		const isOurs = (hop: Hop) => around(hop.interface).pair !== undefined;
		if (hops.length === 0 ? !made : !(made ? hops.some(isOurs) : hops.every(isOurs))) return [];
		const { to, metric, type, source = null, tos = 0, nexthopId = null } = route;
		return [object({ namespace: name, to, metric, type, hops, source, tos, nexthopId }, around)];
	});
}

/**
 * The kernel may have several routes of one prefix and metric (`ip route append`), of which a topology
 * has one: that one keeps the name, the others get their paths added to it.
 */
function nameApart(routes: LabObject<Route>[], wanted: (name: string) => unknown): LabObject<Route>[] {
	const first = new Map<string, LabObject<Route>>();
	for (const route of routes)
		if (!first.has(route.name) || deepEqual(route.spec, wanted(route.name))) first.set(route.name, route);
	return routes.map((route) =>
		first.get(route.name) === route ? route : { ...route, name: `${route.name} ${paths(route.spec)}` },
	);
}

function object(spec: Route, around: (link: string) => Surroundings): LabObject<Route> {
	const links = [...new Set(spec.hops.map((hop) => hop.interface))].map(around);
	const pairs = links.flatMap(({ pair }) => pair ?? []);
	const text = (hop: Route["hops"][number]) => `${hop.interface} ${hop.address}`;
	return {
		kind: "route",
		name: nameOf(spec),
		spec: { ...spec, hops: spec.hops.toSorted((a, b) => (text(a) < text(b) ? -1 : 1)) },
		within: [
			...(spec.namespace === HOST ? [] : [`netns ${spec.namespace}`]),
			// One of several equal-cost paths can go without the route.
			...(pairs.length === 1 ? pairs : []),
		],
		// A next hop must be on a link, and a source among the addresses, by the time the route is made.
		needs: [...pairs, ...links.flatMap(({ addresses }) => addresses)],
	};
}

function nameOf({ namespace, to, metric, tos }: Route): string {
	const usual = to.includes(":") ? IP6_RT_PRIO_USER : 0;
	return [
		`${namespace} ${to}`,
		...(tos === 0 ? [] : [`tos 0x${tos.toString(16)}`]),
		...(metric === usual ? [] : [`metric ${metric}`]),
	].join(" ");
}

function paths({ type, hops, source, nexthopId }: Route): string {
	const each = hops.map(({ interface: link, address, weight }) =>
		[address === null ? "" : `via ${address} `, `dev ${link}`, weight === 1 ? "" : ` weight ${weight}`].join(
			"",
		),
	);
	return [
		...(nexthopId === null ? [] : [`nhid ${nexthopId}`]),
		type === "unicast" ? each.join(", ") : type,
		...(source === null ? [] : [`src ${source}`]),
	].join(" ");
}

function request({ namespace, to, metric, type, hops, source, tos, nexthopId }: Route, lab: Lab) {
	return {
		to,
		metric,
		type,
		source: source ?? undefined,
		tos,
		nexthopId: nexthopId ?? undefined,
		hops: hops.map((hop) => ({
			index: lab.linkIndex(namespace, hop.interface),
			gateway: hop.address ?? undefined,
			weight: hop.weight,
		})),
	};
}
