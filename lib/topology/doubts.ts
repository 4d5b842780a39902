import { covers, familyName } from "./address.js";
import type { DeclaredEnd } from "./declared.js";
import { quote } from "./printable.js";
import type { Report } from "./report.js";
import { HOST, type Route } from "./topology.js";
import type { DeclaredVeth } from "./veths.js";

/** How udev and the kernel name physical interfaces: systemd.net-naming-scheme(7). */
const PHYSICAL = /^(?:eth\d+|en(?:o\d+|s\d+|p\d+s\d+|x[0-9a-f]{12})\w*|(?:wlan|wwan)\d+|w[lw]p\d+s\d+\w*)$/;

/**
 * Warns of what is legal in a pair, and seldom meant.
 *
 * @param routes by namespace
 */
export function warnOfVeth(
	[first, second]: DeclaredVeth,
	routes: ReadonlyMap<string, readonly Route[]>,
	report: Report,
): void {
	for (const { end, at } of [first, second]) {
		if (end.namespace === HOST && PHYSICAL.test(end.interface))
			report.warn(at, `${quote(end.name)} is named like a physical interface of the machine`);
	}
	if (first.end.mtu !== second.end.mtu) {
		const mtus = `${first.end.name} has ${first.end.mtu}, ${second.end.name} ${second.end.mtu}`;
		report.warn(
			second.mtuAt ?? first.mtuAt ?? second.at,
			`the ends of the pair have different MTUs: ${mtus}`,
		);
	}
	for (const family of [4, 6] as const) {
		const [ours, theirs] = [subnets(first, family), subnets(second, family)];
		const apart = ours.size > 0 && theirs.size > 0 && ![...ours].some((subnet) => theirs.has(subnet));
		const routed =
			apart && routesTo(first, second, family, routes) && routesTo(second, first, family, routes);
		if (apart && !routed) {
			const names = `${quote(first.end.name)} and ${quote(second.end.name)}`;
			report.warn(second.at, `${names} have no ${familyName(family)} subnet in common`);
		}
	}
}

/** Whether an interface has a route to, or by, an address of its peer, as those of /32 addresses need. */
function routesTo(
	{ end }: DeclaredEnd,
	peer: DeclaredEnd,
	family: 4 | 6,
	routes: ReadonlyMap<string, readonly Route[]>,
): boolean {
	const byLink = (routes.get(end.namespace) ?? []).filter(
		(route) => route.interface === end.interface || route.via.some((hop) => hop.interface === end.interface),
	);
	const isNextHop = (address: string) =>
		byLink.some(({ via }) => via.some((hop) => hop.interface === end.interface && hop.address === address));
	return peer.addresses.some(
		(address) =>
			address.family === family && (isNextHop(address.text) || byLink.some(({ to }) => covers(to, address))),
	);
}

/** Link-local addresses left out: they are in one subnet on every link. */
function subnets({ addresses }: DeclaredEnd, family: 4 | 6): Set<string> {
	const own = addresses.filter((address) => address.family === family && !address.linkLocal);
	return new Set(own.map(({ subnet }) => subnet.text));
}
