import type { Lab } from "../kernel/lab.js";
import * as netlink from "../netlink/route.js";
import { deepEqual, idOf, type LabObject } from "../plan/object.js";
import { ofLink } from "../snapshot/by-link.js";
import type { LabEnd, NamespaceSnapshot } from "../snapshot/snapshot.js";
import { type EndName, HOST, type RouteType } from "../topology/topology.js";
import { GONE, type Kind } from "./kind.js";
import { LinkRoutes } from "./link-routes.js";
import { findHeld } from "./route-conflicts.js";
import { displayNameOf, type Hop, hopsText, IP6_RT_PRIO_USER, nameOf } from "./route-hops.js";

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
			const specs = routes.map((wanted): Route => {
				const hops = wanted.via.map(({ address, interface: link, weight = 1, onlink }) => ({
					interface: link,
					address,
					weight,
					...(onlink && { onlink }),
				}));
				const onLink =
					wanted.interface === undefined ? [] : [{ interface: wanted.interface, address: null, weight: 1 }];
				return {
					namespace: name,
					to: wanted.to,
					metric: wanted.metric ?? (wanted.family === 6 ? IP6_RT_PRIO_USER : 0),
					type: wanted.type,
					hops: hops.length ? hops : onLink,
					source: wanted.source ?? null,
					tos: 0,
					nexthopId: null,
				};
			});
			return objects(specs, around);
		}),
	observe: ({ namespaces, ends, wanted }) => {
		return [...namespaces.values()].flatMap((namespace) =>
			nameApart(observeIn(namespace, ends), (name) => wanted.get(`route ${name}`)?.spec),
		);
	},
	create: (objects, lab) =>
		forEach(objects, lab, ({ spec }) => lab.queue(spec.namespace, netlink.addRoute(request(spec, lab)))),
	refuse: (wanted, _removed, lab) => findHeld(wanted, lab),
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
	displayName: ({ spec }) => displayNameOf(spec),
	describe: ({ spec }) => `${displayNameOf(spec)} ${paths(spec)}`,
	describeChange: (from, to) => `${paths(from)} → ${paths(to)}`,
};

/** Does `work` for each route, and lets errors name the one at hand as a person knows it. */
function forEach(
	routes: readonly LabObject<Route>[],
	lab: Lab,
	work: (route: LabObject<Route>) => void,
): void {
	for (const each of routes) {
		lab.on(idOf({ kind: each.kind, name: displayNameOf(each.spec) }));
		work(each);
	}
	lab.on(undefined);
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
	const specs = routes.flatMap((route): Route[] => {
		// Others belong to the kernel, or to a routing daemon.
		if (route.protocol !== netlink.RTPROT_STATIC && route.protocol !== netlink.RTPROT_BOOT) return [];
		const hops = route.hops.map(({ index, gateway, weight = 1, onlink }) => ({
			interface: nameOfLink.get(index) ?? `#${index}`,
			address: gateway ?? null,
			weight,
			...(onlink && { onlink: true as const }),
		}));
		// What leads by somebody's own link is theirs, and dies with that.
		const isOurs = (hop: Hop) => around(hop.interface).pair !== undefined;
		if (hops.length === 0 ? !made : !(made ? hops.some(isOurs) : hops.every(isOurs))) return [];
		const { to, metric, type, source = null, tos = 0, nexthopId = null } = route;
		return [{ namespace: name, to, metric, type, hops, source, tos, nexthopId }];
	});
	return objects(specs, around);
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

/** The routes of one namespace; a route whose next hop another route makes reachable needs that route. */
function objects(specs: readonly Route[], around: (link: string) => Surroundings): LabObject<Route>[] {
	const linkRoutes = new LinkRoutes(specs);
	return specs.map((spec) => object(spec, around, linkRoutes));
}

function object(
	spec: Route,
	around: (link: string) => Surroundings,
	linkRoutes: LinkRoutes,
): LabObject<Route> {
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
		needs: [...pairs, ...links.flatMap(({ addresses }) => addresses), ...linkRoutes.neededBy(spec)],
	};
}

function paths({ to, type, hops, source, nexthopId }: Route): string {
	return [
		...(nexthopId === null ? [] : [`nhid ${nexthopId}`]),
		type === "unicast" ? hopsText(to, hops) : type,
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
			...(hop.onlink && { onlink: true }),
		})),
	};
}
