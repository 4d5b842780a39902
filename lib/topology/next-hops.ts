import {
	type Address,
	type Family,
	familyName,
	isLinkLocal,
	ownedByNetwork,
	parseAddress,
	routeTo,
} from "./address.js";
import type { Context, DeclaredEnd } from "./declared.js";
import type { NextHopEntry, RouteEntry } from "./generated/document.js";
import type { LinkRoutes } from "./link-routes.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Range } from "./source.js";
import type { Subnets } from "./subnets.js";
import type { Route } from "./topology.js";

/** The namespace whose routes are looked at. */
export interface RouteScope {
	namespace: string;
	subnets: Subnets;
	linkRoutes: LinkRoutes;
	context: Context;
}

/** A next hop as the file has it. */
export interface WrittenHop {
	address: Address;
	at: Range;
	/** What it is called in messages. */
	what: "gateway" | "next hop";
	/** The interface that the next hop itself gives. */
	out?: DeclaredEnd;
	weight?: number;
}

/** A route as far as its next hops depend on it. */
export interface HopsOf {
	family: Family;
	/** The destination as the file has it. */
	written: string;
	to: string;
	/** The interface that the route gives. */
	out: DeclaredEnd | undefined;
	onlink: boolean;
}

type Hop = Route["via"][number];

/** The next hops of a route that are addresses. */
export function readHops(entry: Sound<RouteEntry>, scope: RouteScope): WrittenHop[] {
	const { positions, report } = scope.context;
	return [...positions.oneOrMany(entry, "via")].flatMap(({ value, at }) => {
		if (value === undefined) return [];
		if (typeof value === "object") return readMapping(value, entry, scope);
		const address = report.take(at, "address", parseAddress(value));
		return address === undefined ? [] : [{ address, at, what: "next hop" as const }];
	});
}

/** A next hop that is a mapping; nothing where a part of the mapping is wrong. */
function readMapping(
	hop: Sound<NextHopEntry>,
	route: Sound<RouteEntry>,
	{ namespace, context }: RouteScope,
): WrittenHop[] {
	const { positions, report, declared } = context;
	const { address: text, interface: name, weight } = hop;
	let out: DeclaredEnd | undefined;
	if (name !== undefined) {
		const at = positions.value(hop, "interface");
		out = declared.findInterface(namespace, name, at);
		if (route.interface !== undefined) {
			const message = "both the route and its next hop name an `interface`";
			report.error(positions.key(hop, "interface"), "route", message, "keep that of the next hop");
		}
	}
	if (text === undefined || (name !== undefined && out === undefined)) return [];
	const at = positions.value(hop, "address");
	const address = report.take(at, "address", parseAddress(text));
	if (address === undefined) return [];
	return [{ address, at, what: "next hop", ...(out && { out }), ...(weight !== undefined && { weight }) }];
}

/** The next hops of a route with the interfaces that they are behind, each once. */
export function resolveHops(hops: readonly WrittenHop[], route: HopsOf, scope: RouteScope): Hop[] {
	const { report } = scope.context;
	const via = new Map<string, Hop>();
	for (const written of hops) {
		if (!suits(written, route, scope)) continue;
		const hop = resolveHop(written, written.out ?? route.out, scope, route.onlink);
		if (hop === undefined) continue;
		const identity = `${hop.address} ${hop.interface}`;
		if (via.has(identity))
			report.error(written.at, "duplicate", `next hop ${quote(hop.address)} stands twice`);
		const shares = hops.length > 1 && written.weight !== undefined && written.weight !== 1;
		via.set(identity, {
			...hop,
			...(shares && { weight: written.weight }),
			...(route.onlink && { onlink: true }),
		});
	}
	return [...via.values()];
}

/** Whether a route may have a next hop of this family: IPv4 takes both (RFC 8950). */
function suits({ address, at }: WrittenHop, { family, written, to }: HopsOf, scope: RouteScope): boolean {
	if (address.family === family) return true;
	// The family of `default` is that of the next hops, which must then be of one.
	if (family === 4 && written !== "default") return true;
	const hint =
		family === 4
			? "write a route for each family, or `0.0.0.0/0` for an IPv4 route by an IPv6 next hop"
			: "an IPv6 route takes IPv6 next hops alone; an IPv4 route takes both (RFC 8950)";
	const message = `next hop ${quote(address.text)} is ${familyName(address.family)}, and the ${routeTo(to)} is ${familyName(family)}`;
	scope.context.report.error(at, "route", message, hint);
	return false;
}

/** A next hop with the interface that it is behind: the one given, or that of the subnet or route it is in. */
export function resolveHop(
	{ address, at, what }: WrittenHop,
	out: DeclaredEnd | undefined,
	scope: RouteScope,
	onlink = false,
): Hop | undefined {
	const { subnets, linkRoutes, context } = scope;
	const { report, declared } = context;
	const name = `${what} ${quote(address.text)}`;
	if (subnets.owns(address.text)) {
		report.error(at, "route", `${name} is this namespace's own address`);
		return undefined;
	}
	const connected = isLinkLocal(address) ? undefined : subnets.find(address, out);
	const onLink = isLinkLocal(address) ? undefined : linkRoutes.find(address, out);
	const isLonger = onLink !== undefined && onLink.length > (connected?.subnet.length ?? -1);
	const end = isLonger ? onLink.end : connected?.end;
	const known = end ?? (onlink || isLinkLocal(address) ? out : undefined);
	if (known === undefined) {
		if (isLinkLocal(address) || onlink) report.error(at, "route", ...needsInterface(name, onlink));
		else refuseUnreachable(name, { address, at }, out, scope);
		return undefined;
	}
	const kind =
		address.family === 4 && connected && !isLonger && !onlink
			? ownedByNetwork(address, connected.subnet)
			: undefined;
	if (kind !== undefined) {
		report.error(at, "route", `${name} is the ${kind} of ${connected?.subnet.text}`);
		return undefined;
	}
	declared.nextHops.push({ name, address, at, end: known });
	return { address: address.text, interface: known.end.interface };
}

function needsInterface(name: string, onlink: boolean): [message: string, hint: string] {
	return onlink
		? [`${name} is \`onlink\` and needs an interface`, "say on which link: `interface: eth0`"]
		: [
				`${name} is link-local and needs an interface`,
				"say on which link: `interface: veth0` beside `via`, or in each next hop of a list",
			];
}

function refuseUnreachable(
	name: string,
	{ address, at }: Pick<WrittenHop, "address" | "at">,
	out: DeclaredEnd | undefined,
	{ namespace, subnets, linkRoutes, context }: RouteScope,
): void {
	const { report, declared } = context;
	if (subnets.incomplete || linkRoutes.incomplete || declared.endsIncomplete) return;
	const where = out === undefined ? `namespace ${quote(namespace)}` : quote(out.end.name);
	const message = `${name} is outside every subnet of ${where}`;
	report.error(at, "route", message, () => subnets.describe(address.family, out));
}
