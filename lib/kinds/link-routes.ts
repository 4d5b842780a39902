import { subnetOf } from "../netlink/address.js";
import { type Hop, isIpv6, nameOf, type Place } from "./route-hops.js";

type Route = Place & { type: string; hops: readonly Hop[] };

/** The routes of a namespace that lead to a link itself, without a next hop. */
export class LinkRoutes {
	/** Ids by prefix and interface. */
	readonly #ids = new Map<string, string[]>();
	readonly #lengths = { ipv4: new Set<number>(), ipv6: new Set<number>() };

	constructor(routes: readonly Route[]) {
		for (const route of routes) {
			const [hop, another] = route.hops;
			if (route.type !== "unicast" || hop?.address !== null || another) continue;
			const key = `${route.to} ${hop.interface}`;
			this.#ids.set(key, [...(this.#ids.get(key) ?? []), `route ${nameOf(route)}`]);
			this.#lengthsOf(route.to).add(Number(route.to.slice(route.to.indexOf("/") + 1)));
		}
	}

	/** The ids of the routes by which the next hops of a route are reachable. */
	neededBy({ hops }: Route): string[] {
		return hops.flatMap(({ address, interface: link, onlink }) =>
			address === null || onlink
				? []
				: [...this.#lengthsOf(address)].flatMap(
						(length) => this.#ids.get(`${subnetOf(`${address}/${length}`)} ${link}`) ?? [],
					),
		);
	}

	#lengthsOf(text: string): Set<number> {
		return isIpv6(text) ? this.#lengths.ipv6 : this.#lengths.ipv4;
	}
}
