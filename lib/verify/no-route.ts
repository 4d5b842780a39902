import { BlockList, isIPv6 } from "node:net";
import type { Route, RouteType } from "../netlink/route.js";
import type { NamespaceSnapshot } from "../snapshot/snapshot.js";
import { isDefault } from "../topology/address.js";

/** What the kernel answers where a route drops packets: fib_props of net/ipv4/fib_semantics.c. */
const DROPPING = new Map<number, RouteType>([
	[13, "prohibit"], // EACCES
	[22, "blackhole"], // EINVAL
	[113, "unreachable"], // EHOSTUNREACH
]);

/** Why a namespace sends nothing to an address. @param errno the kernel's answer */
export function whyNoRoute(namespace: NamespaceSnapshot, address: string, errno: number): string {
	const type = DROPPING.get(errno);
	if (type === undefined) return `${namespace.name} has no route to ${address}`;
	const words = type === "unreachable" ? "an unreachable" : `a ${type}`;
	const route = findRoute(namespace, address);
	if (route?.type === type) {
		const which = isDefault(route.to)
			? `the default route of ${namespace.name}`
			: `the route of ${namespace.name} to ${route.to}`;
		return `${which} is ${words}`;
	}
	return `${namespace.name} sends nothing to ${address}: a rule or a route outside the main table is ${words}`;
}

/** The route of the main table: the longest prefix, then the lowest metric. */
function findRoute({ routes }: NamespaceSnapshot, address: string): Route | undefined {
	const length = ({ to }: Route) => Number(to.slice(to.indexOf("/") + 1));
	return routes
		.filter(({ to }) => contains(to, address))
		.sort((a, b) => length(b) - length(a) || a.metric - b.metric)[0];
}

/** Whether an address is in the subnet of a prefix such as `10.2.0.1/24`. */
export function contains(prefix: string, address: string): boolean {
	const [network = "", length] = prefix.split("/");
	const family = isIPv6(address) ? "ipv6" : "ipv4";
	if (isIPv6(network) !== isIPv6(address)) return false;
	const list = new BlockList();
	list.addSubnet(network, Number(length), family);
	return list.check(address, family);
}
