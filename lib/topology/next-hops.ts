import {
	type Address,
	type Family,
	familyName,
	isLinkLocal,
	ownedByNetwork,
	parseAddress,
} from "./address.js";
import type { Context, DeclaredEnd } from "./declared.js";
import type { RouteEntry } from "./generated/document.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Range } from "./source.js";
import type { Subnets } from "./subnets.js";
import type { Route } from "./topology.js";

/** The namespace whose routes are looked at. */
export interface RouteScope {
	namespace: string;
	subnets: Subnets;
	context: Context;
}

/** A next hop as the file has it. */
export interface WrittenHop {
	address: Address;
	at: Range;
	/** What it is called in messages. */
	what: "gateway" | "next hop";
}

type Hop = Route["via"][number];

/** The next hops of a route that are addresses, each once. */
export function readHops(entry: Sound<RouteEntry>, { positions, report }: Context): WrittenHop[] {
	const hops = new Map<string, WrittenHop>();
	for (const { value, at } of positions.oneOrMany(entry, "via")) {
		const address = value === undefined ? undefined : report.take(at, "address", parseAddress(value));
		if (address !== undefined && hops.has(address.text)) {
			report.error(at, "duplicate", `next hop ${quote(address.text)} stands twice`);
		} else if (address !== undefined) {
			hops.set(address.text, { address, at, what: "next hop" });
		}
	}
	return [...hops.values()];
}

/**
 * The next hops of a route with the interfaces that they are behind.
 *
 * @param out the interface that the route itself gives
 */
export function resolveHops(
	hops: readonly WrittenHop[],
	to: { family: Family; text: string },
	out: DeclaredEnd | undefined,
	scope: RouteScope,
): Hop[] {
	const via: Hop[] = [];
	for (const hop of hops) {
		const { family, text } = hop.address;
		if (family !== to.family) {
			const route = `the route to ${to.text} is ${familyName(to.family)}`;
			scope.context.report.error(
				hop.at,
				"route",
				`next hop ${quote(text)} is ${familyName(family)}, and ${route}`,
			);
			continue;
		}
		const resolved = resolveHop(hop, out, scope);
		if (resolved !== undefined) via.push(resolved);
	}
	return via;
}

/** A next hop with the interface that it is behind: the one given, or that of the subnet it is in. */
export function resolveHop(
	{ address, at, what }: WrittenHop,
	out: DeclaredEnd | undefined,
	{ namespace, subnets, context }: RouteScope,
): Hop | undefined {
	const { report, declared } = context;
	const name = `${what} ${quote(address.text)}`;
	if (isLinkLocal(address)) {
		if (out === undefined) {
			const hint = "a route says on which link: `{ to: …, via: fe80::1, interface: veth0 }`";
			report.error(at, "route", `${name} is link-local and needs an interface`, hint);
			return undefined;
		}
		return { address: address.text, interface: out.end.interface };
	}
	const connected = subnets.find(address, out);
	if (connected === undefined) {
		if (!subnets.incomplete && !declared.endsIncomplete) {
			const where = out === undefined ? `namespace ${quote(namespace)}` : quote(out.end.name);
			const message = `${name} is outside every subnet of ${where}`;
			report.error(at, "route", message, () => subnets.describe(address.family, out));
		}
		return undefined;
	}
	if (subnets.owns(address.text)) {
		report.error(at, "route", `${name} is this namespace's own address`);
		return undefined;
	}
	const kind = address.family === 4 ? ownedByNetwork(address, connected.subnet) : undefined;
	if (kind !== undefined) {
		report.error(at, "route", `${name} is the ${kind} of ${connected.subnet.text}`);
		return undefined;
	}
	return { address: address.text, interface: connected.end.end.interface };
}
