import type { DeclaredAddresses, DeclaredEnd } from "./declared.js";
import { IPV6_MIN_MTU } from "./mtu.js";
import type { EndName } from "./topology.js";

/** The metric of the route to an IPv6 subnet that the kernel makes: IP6_RT_PRIO_ADDRCONF of net/ip6_route.h. */
const IPV6_METRIC = 256;

/** The subnet of the link-local address that the kernel gives every interface with IPv6. */
const LINK_LOCAL = "fe80::/64";

/**
 * The routes of the main table that the kernel makes by itself, one for the subnet of each address. A static
 * route of the same prefix and metric is refused (fib_table_insert(), fib6_add_rt2node()).
 */
export class KernelRoutes {
	/** The interface by prefix and metric. */
	readonly #interfaces = new Map<string, EndName>();

	constructor(ends: readonly DeclaredEnd[], loopback: DeclaredAddresses | undefined) {
		for (const { end, addresses } of ends) {
			for (const { family, subnet } of addresses) {
				if (family === 6) this.#add(subnet.text, IPV6_METRIC, end.name);
				// An IPv4 address of 32 bits has a route in the local table alone (fib_add_ifaddr()).
				else if (subnet.length < 32) this.#add(subnet.text, 0, end.name);
			}
			if (end.mtu >= IPV6_MIN_MTU) this.#add(LINK_LOCAL, IPV6_METRIC, end.name);
		}
		// The routes of IPv4 addresses on `lo` are in the local table.
		for (const { family, subnet } of loopback?.addresses ?? [])
			if (family === 6 && loopback) this.#add(subnet.text, IPV6_METRIC, loopback.name);
	}

	/** The interface that the kernel's route to a prefix leads to. */
	find(to: string, metric: number): EndName | undefined {
		return this.#interfaces.get(`${to} ${metric}`);
	}

	#add(to: string, metric: number, name: EndName): void {
		const key = `${to} ${metric}`;
		if (!this.#interfaces.has(key)) this.#interfaces.set(key, name);
	}
}
