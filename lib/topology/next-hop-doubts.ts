import { linkLocal } from "../netlink/address.js";
import { type Address, isLinkLocal } from "./address.js";
import type { Context, DeclaredEnd } from "./declared.js";
import { quote } from "./printable.js";
import type { Namespace } from "./topology.js";
import type { DeclaredVeth } from "./veths.js";

/** Sysctls by which a namespace answers for addresses of others. */
const PROXY = /\.(?:proxy_arp|proxy_arp_pvlan|proxy_ndp)$/;

/** Warns of next hops that nobody on the link has: a veth has one other interface. */
export function warnOfNextHops(
	pairs: readonly DeclaredVeth[],
	namespaces: readonly Namespace[],
	{ report, declared }: Context,
): void {
	const peers = new Map<DeclaredEnd, DeclaredEnd>(
		pairs.flatMap(([a, b]): [DeclaredEnd, DeclaredEnd][] => [
			[a, b],
			[b, a],
		]),
	);
	const byName = new Map(namespaces.map((namespace) => [namespace.name, namespace]));
	for (const { name, address, at, end } of declared.nextHops) {
		const peer = peers.get(end);
		if (peer === undefined || answers(peer, address) || hasNeighbor(end, address)) continue;
		const has = isLinkLocal(address)
			? [linkLocalOf(peer)]
			: peer.addresses
					.filter(({ family, linkLocal }) => family === address.family && !linkLocal)
					.map(({ text }) => text);
		const other = `the other interface of the link is ${quote(peer.end.name)}`;
		const addresses = has.length > 0 ? `, with ${has.slice(0, 2).join(", ")}` : "";
		report.warn(at, `${name} is nobody's: ${other}${addresses}`);
	}

	function answers(peer: DeclaredEnd, address: Address): boolean {
		const { namespace } = peer.end;
		if (peer.incomplete || peer.addresses.some(({ text }) => text === address.text)) return true;
		if (address.text === linkLocalOf(peer)) return true;
		const { sysctls } = byName.get(namespace) ?? { sysctls: {} };
		if (Object.entries(sysctls).some(([name, value]) => PROXY.test(name) && value !== "0")) return true;
		// ARP is answered for every address of the namespace (arp_process()), ND for those of the interface.
		if (address.family === 6) return false;
		const loopback = declared.loopback(namespace);
		return [...declared.ends(namespace), ...(loopback ? [loopback] : [])].some(
			({ incomplete, addresses }) => incomplete || addresses.some(({ text }) => text === address.text),
		);
	}

	function hasNeighbor({ end }: DeclaredEnd, address: Address): boolean {
		const neighbors = byName.get(end.namespace)?.neighbors ?? [];
		return neighbors.some(({ ip, interface: link }) => ip === address.text && link === end.interface);
	}
}

/** The link-local address that the kernel gives an interface by its MAC, without prefix length. */
function linkLocalOf({ end }: DeclaredEnd): string {
	return linkLocal(end.mac).replace("/64", "");
}
