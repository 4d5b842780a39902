import {
	type Address,
	EVERYWHERE,
	type Family,
	familyName,
	parseAddress,
	parsePrefix,
	routeTo,
} from "./address.js";
import type { Context } from "./declared.js";
import type { NamespaceEntry, RouteEntry } from "./generated/document.js";
import { KernelRoutes } from "./kernel-routes.js";
import { LinkRoutes } from "./link-routes.js";
import { type RouteScope, readHops, resolveHop, resolveHops } from "./next-hops.js";
import type { Sound } from "./positions.js";
import { quote } from "./printable.js";
import type { Range } from "./source.js";
import { Subnets } from "./subnets.js";
import { HOST, type Route } from "./topology.js";

/** The kernel's metric of an IPv6 route that gives none: IP6_RT_PRIO_USER of net/ip6_route.h. */
const IPV6_METRIC = 1024;

/** The routes of a namespace, its gateways among them. */
export function resolveRoutes(
	namespace: string,
	entry: Sound<NonNullable<NamespaceEntry>>,
	context: Context,
): Route[] {
	return new RouteResolver(namespace, entry, context).resolve(entry);
}

class RouteResolver {
	readonly #scope: RouteScope;
	readonly #kernelRoutes: KernelRoutes;
	/** Where each route stands that is there already, by prefix and metric: `in line 3`. */
	readonly #places = new Map<string, string>();
	readonly #routes: Route[] = [];

	constructor(namespace: string, entry: Sound<NonNullable<NamespaceEntry>>, context: Context) {
		const { declared, positions } = context;
		const [ends, loopback] = [declared.ends(namespace), declared.loopback(namespace)];
		this.#kernelRoutes = new KernelRoutes(ends, loopback);
		this.#scope = {
			namespace,
			context,
			subnets: new Subnets(ends, loopback),
			linkRoutes: new LinkRoutes(namespace, entry, declared, positions),
		};
	}

	resolve(entry: Sound<NonNullable<NamespaceEntry>>): Route[] {
		const { positions } = this.#scope.context;
		const families = new Set<Family>();
		for (const { value, at } of positions.oneOrMany(entry, "gateway")) {
			if (value !== undefined) this.#gateway(value, at, families);
		}
		for (const { value, at } of positions.entries<Sound<RouteEntry>>(entry.routes ?? [])) {
			if (value !== undefined) this.#route(value, at);
		}
		return this.#routes;
	}

	#gateway(text: string, at: Range, families: Set<Family>): void {
		const { report } = this.#scope.context;
		const address = report.take(at, "address", parseAddress(text));
		if (address === undefined || this.#refuseDefault(at)) return;
		const { family } = address;
		if (families.has(family)) {
			const hint = "list equal-cost next hops in a route: `{ to: default, via: [A, B] }`";
			report.error(at, "duplicate", `a second gateway for ${familyName(family)}`, hint);
			return;
		}
		families.add(family);
		const hop = resolveHop({ address, at, what: "gateway" }, undefined, this.#scope);
		if (hop !== undefined) this.#add({ family, to: EVERYWHERE[family], via: [hop], type: "unicast" }, at);
	}

	#route(entry: Sound<RouteEntry>, at: Range): void {
		const { positions, report, declared } = this.#scope.context;
		const type = entry.type ?? "unicast";
		const hops = readHops(entry, this.#scope);
		const out =
			entry.interface === undefined
				? undefined
				: declared.findInterface(this.#scope.namespace, entry.interface, positions.value(entry, "interface"));
		if (type !== "unicast" && this.#refuseTargets(entry, type)) return;
		const to = this.#destination(entry, hops[0]?.address.family);
		const source = this.#source(entry);
		if (to === undefined) return;
		const { family } = to;
		const toAt = positions.value(entry, "to");
		if (this.#scope.namespace === HOST && type !== "unicast") {
			report.error(
				positions.value(entry, "type"),
				"route",
				`a route of type ${type} in \`host\` would be the machine's own`,
			);
			return;
		}
		if (to.text === EVERYWHERE[family] && this.#refuseDefault(toAt)) return;
		const onlink = entry.onlink === true;
		const via = resolveHops(
			hops,
			{ family, written: entry.to ?? to.text, to: to.text, out, onlink },
			this.#scope,
		);
		if (source !== undefined && source.address.family !== family) {
			report.error(
				source.at,
				"route",
				`the source of an ${familyName(family)} route must be ${familyName(family)}`,
			);
		}
		if (onlink && type === "unicast" && entry.via === undefined && !positions.isDamaged(entry)) {
			const message = "`onlink` is about next hops, and the route has none";
			report.error(positions.key(entry, "onlink"), "route", message, "add `via`, or leave it out");
		}
		const named = entry.via !== undefined || entry.interface !== undefined || positions.isDamaged(entry);
		if (type === "unicast" && !named) {
			report.error(at, "route", `the ${routeTo(to.text)} has neither \`via\` nor \`interface\``);
			return;
		}
		this.#add(
			{
				family,
				to: to.text,
				via,
				...(out !== undefined && entry.via === undefined ? { interface: out.end.interface } : {}),
				...(entry.metric === undefined || entry.metric === 0 ? {} : { metric: entry.metric }),
				type,
				...(source === undefined ? {} : { source: source.address.text }),
			},
			toAt,
		);
	}

	#destination(
		entry: Sound<RouteEntry>,
		hopFamily: Family | undefined,
	): { family: Family; text: string } | undefined {
		const { positions, report } = this.#scope.context;
		if (entry.to === undefined) return undefined;
		const at = positions.value(entry, "to");
		if (entry.to === "default") {
			if (this.#refuseDefault(at)) return undefined;
			if (hopFamily === undefined) {
				if (entry.via === undefined && !positions.isDamaged(entry))
					report.error(at, "route", "`default` of which family?", "write `0.0.0.0/0` or `::/0`");
				return undefined;
			}
			return { family: hopFamily, text: EVERYWHERE[hopFamily] };
		}
		const prefix = report.take(at, "address", parsePrefix(entry.to));
		if (prefix?.cleared)
			report.warn(at, `${quote(entry.to)} has bits after its prefix, taken as ${prefix.text}`);
		return prefix;
	}

	#source(entry: Sound<RouteEntry>): { address: Address; at: Range } | undefined {
		const { positions, report, declared } = this.#scope.context;
		if (entry.source === undefined) return undefined;
		const at = positions.value(entry, "source");
		const address = report.take(at, "address", parseAddress(entry.source));
		if (address === undefined) return undefined;
		// The host has addresses that no file names.
		const known = this.#scope.namespace === HOST || this.#scope.subnets.owns(address.text);
		const mayBeMore =
			this.#scope.subnets.incomplete ||
			declared.endsIncomplete ||
			declared.loopback(this.#scope.namespace)?.incomplete === true;
		if (!known && !mayBeMore) {
			const message = `source ${quote(address.text)} is no address of namespace ${quote(this.#scope.namespace)}`;
			report.error(at, "reference", message);
		}
		return { address, at };
	}

	/** What drops packets sends them nowhere. */
	#refuseTargets(entry: Sound<RouteEntry>, type: string): boolean {
		const { positions, report } = this.#scope.context;
		const names = (["via", "interface", "onlink", "source"] as const).filter(
			(name) => entry[name] !== undefined,
		);
		for (const name of names)
			report.error(positions.key(entry, name), "route", `a ${type} route takes no \`${name}\``);
		return names.length > 0;
	}

	#refuseDefault(at: Range): boolean {
		if (this.#scope.namespace === HOST) {
			const hint = "route the lab's prefixes one by one";
			this.#scope.context.report.error(
				at,
				"route",
				"a default route in `host` would be the machine's own",
				hint,
			);
		}
		return this.#scope.namespace === HOST;
	}

	#add(route: Route, at: Range): void {
		const { report } = this.#scope.context;
		const metric = route.metric ?? (route.family === 6 ? IPV6_METRIC : 0);
		const identity = `${route.to} ${metric}`;
		const first = this.#places.get(identity);
		const where = report.source.where(at.start);
		if (first !== undefined) {
			const message = `a second ${routeTo(route.to)} with the same metric, the first is ${first}`;
			const hint = "equal-cost next hops are a list: `via: [A, B]`; otherwise give it another `metric`";
			report.error(at, "duplicate", message, hint);
			return;
		}
		this.#places.set(identity, where);
		const connected = this.#kernelRoutes.find(route.to, metric);
		if (connected !== undefined) {
			const message = `the subnet of ${quote(connected)} has its route from the kernel already`;
			report.error(at, "route", message, "leave it out, or give it another `metric`");
			return;
		}
		this.#routes.push(route);
	}
}
