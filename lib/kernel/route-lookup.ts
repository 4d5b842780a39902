import { NetlinkError } from "../errors.js";
import { decodeRouteLookup, lookUpRoute, type Packets, type RouteLookup } from "../netlink/route-lookup.js";
import type { Lab } from "./lab.js";

/** What the kernel does with packets in a namespace, or the errno with which it refuses them. */
export type RouteAnswer = RouteLookup | { errno: number };

/**
 * The kernel's own answer to what it does with packets, as `ip route get` shows it.
 * @param whole answers with all next hops of the route, not with the one that the hash chooses
 */
export function askRoute(lab: Lab, namespace: string, packets: Packets, whole = false): RouteAnswer {
	try {
		return lab.namespace(namespace).route.get(lookUpRoute(packets, whole), decodeRouteLookup);
	} catch (error) {
		if (error instanceof NetlinkError) return { errno: error.errno };
		throw error;
	}
}
