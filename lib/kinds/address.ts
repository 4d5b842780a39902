import type { Lab } from "../kernel/lab.js";
import * as netlink from "../netlink/address.js";
import type { Link } from "../netlink/link.js";
import type { LabObject } from "../plan/object.js";
import { ofLink, ofPrefix } from "../snapshot/by-link.js";
import type { NamespaceSnapshot, Snapshot } from "../snapshot/snapshot.js";
import { loopbackOf } from "../topology/addressed.js";
import { IPV6_MIN_MTU } from "../topology/mtu.js";
import { LOOPBACK, splitEnd } from "../topology/names.js";
import type { Addressed, EndName } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";
import { pairOf } from "./veth.js";

export interface Address {
	/** One of the lab's ends, or the `lo` of a namespace that the lab made. */
	end: EndName;
	/** `10.1.0.2/24` */
	prefix: string;
	/** Where the prefix leads to, if not to the address's own subnet; a topology has none. */
	peer?: string;
	/** The kernel's route to the subnet is there. */
	connected: boolean;
	/** Another of the end's, made before it, is the primary address of its IPv4 subnet. */
	secondary: boolean;
}

/** LOOPBACK_IFINDEX of <net/net_namespace.h> */
const LO = 1;

/** An address of one of the lab's ends, or on `lo`. */
export const address: Kind<Address> = {
	name: "address",
	title: ["address", "addresses"],
	needsUp: true,
	declare: ({ topology, ends, pairs }) => {
		const loopbacks = topology.namespaces.flatMap((namespace) => loopbackOf(namespace) ?? []);
		return [
			...loopbacks.flatMap((lo) => declareOn(lo, `netns ${lo.namespace}`)),
			...[...ends.values()].flatMap((end) => declareOn(end, pairOf(pairs, end.name))),
		];
	},
	observe: (snapshot) => holdersIn(snapshot).flatMap((holder) => observeOn(holder, snapshot)),
	// The kernel makes the route to the subnet with the address, and only then, and which is the primary
	// address of a subnet depends on which came first.
	replaces: () => true,
	// Removing a primary IPv4 address takes its secondaries along or makes one of them primary
	// (__inet_del_ifa()): apply looks again and makes what is missing.
	create: (objects, lab) =>
		forEach(objects, lab, ({ spec: { end, prefix, peer } }) =>
			lab.queue(splitEnd(end).namespace, netlink.setAddress(ifindexOf(end, lab), prefix, peer)),
		),
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec: { end, prefix, peer } }) =>
			lab.queue(splitEnd(end).namespace, netlink.deleteAddress(ifindexOf(end, lab), prefix, peer), GONE),
		),
	describe: ({ name }) => name,
	describeChange: (from, to) =>
		from.secondary === to.secondary
			? `the kernel's route to ${subnetOf(to)} is gone`
			: from.secondary
				? "secondary → primary"
				: "primary → secondary",
};

function object(container: string, spec: Address): LabObject<Address> {
	return { kind: "address", name: nameOf(spec.end, spec), spec, within: [container], needs: [] };
}

function declareOn({ name, addresses }: Addressed, container: string): LabObject<Address>[] {
	return addresses.map((prefix, i) =>
		object(container, {
			end: name,
			prefix,
			connected: true,
			secondary: addresses.slice(0, i).some((other) => areOfOneSubnet({ prefix: other }, { prefix })),
		}),
	);
}

/** A link whose addresses are the topology's. */
interface Holder {
	name: EndName;
	/** The id of what it goes with. */
	container: string;
	namespace: NamespaceSnapshot;
	link: Link;
}

/** The ends of the lab, and the `lo` of each namespace that the lab made. */
function holdersIn({ namespaces, ends }: Snapshot): Holder[] {
	const loopbacks = [...namespaces.values()].flatMap((namespace) => {
		const link = namespace.made ? namespace.links.find(({ index }) => index === LO) : undefined;
		const name: EndName = `${namespace.name}:${LOOPBACK}`;
		return link ? { name, container: `netns ${namespace.name}`, namespace, link } : [];
	});
	const ofEnds = [...ends.values()].map(({ pair, ...end }) => ({ ...end, container: pair }));
	return [...loopbacks, ...ofEnds];
}

function observeOn(holder: Holder, { wanted }: Snapshot): LabObject<Address>[] {
	const { name, container, link, namespace } = holder;
	const addresses = ofLink(namespace.addresses, link.index).filter(({ permanent }) => permanent);
	const isWanted = (one: netlink.Address) => wanted.has(`address ${nameOf(name, one)}`);
	return addresses
		.filter((one) => !isKernels(one, link) || isWanted(one))
		.map((one) =>
			object(container, {
				end: name,
				prefix: one.prefix,
				...(one.peer !== undefined && { peer: one.peer }),
				connected: isConnected(holder, one),
				secondary: isSecondary(one, addresses.filter(isWanted)),
			}),
		);
}

function ifindexOf(end: EndName, lab: Lab): number {
	return splitEnd(end).interface === LOOPBACK ? LO : lab.ends.ifindex(end);
}

type Prefix = Pick<netlink.Address, "prefix"> & { peer?: string | undefined };

function nameOf(end: EndName, { prefix, peer }: Prefix): string {
	return `${end} ${prefix}${peer === undefined ? "" : ` peer ${peer}`}`;
}

/** Where the kernel's route leads that comes with an address. */
function subnetOf({ prefix, peer }: Prefix): string {
	return netlink.subnetOf(peer === undefined ? prefix : prefix.replace(/.*(?=\/)/, peer));
}

function isIpv4(address: string): boolean {
	return !address.includes(":");
}

/** As __inet_insert_ifa() of net/ipv4/devinet.c has it; IPv6 knows no such thing. */
function areOfOneSubnet(one: Prefix, other: Prefix): boolean {
	return [one, other].every(({ prefix }) => isIpv4(prefix)) && subnetOf(one) === subnetOf(other);
}

/** One that is secondary to what is not wanted is as good as a primary one: the kernel makes it that. */
function isSecondary(one: netlink.Address, wanted: readonly netlink.Address[]): boolean {
	return one.secondary && wanted.some((other) => !other.secondary && areOfOneSubnet(other, one));
}

/** The addresses that the kernel gives `lo`: inetdev_event() of net/ipv4/devinet.c, init_loopback() of net/ipv6/addrconf.c. */
const KERNELS_ON_LO: ReadonlySet<string> = new Set(["127.0.0.1/8", "::1/128"]);

/** The addresses that somebody gave `lo`. */
export function addressesOnLo({ addresses }: Pick<NamespaceSnapshot, "addresses">): string[] {
	return ofLink(addresses, LO)
		.map(({ prefix }) => prefix)
		.filter((prefix) => !KERNELS_ON_LO.has(prefix));
}

/**
 * An address that the kernel gives a link by itself: of `lo` the two of loopback, of any other the
 * link-local one. Before 5.18 the kernel does not say that an address is of its own making.
 */
function isKernels({ byKernel, prefix }: netlink.Address, { index, mac }: Link): boolean {
	if (index === LO) return KERNELS_ON_LO.has(prefix);
	return byKernel === true || (prefix.startsWith("fe80:") && prefix === netlink.linkLocal(mac));
}

/**
 * A link that is down has lost the route for another reason, and gets it back when it comes up. For an IPv4
 * address on `lo` the kernel has no route in the main table (fib_add_ifaddr() of net/ipv4/fib_frontend.c).
 */
function isConnected({ link, namespace }: Holder, one: netlink.Address): boolean {
	if (!link.up || /^[\d.]+\/32$/.test(one.prefix)) return true;
	if (link.index === LO && isIpv4(one.prefix)) return true;
	return ofPrefix(namespace.routes, subnetOf(one)).some(({ hops }) =>
		hops.some(({ index }) => index === link.index),
	);
}

/** Whether a link of this MTU can have the address. */
export function fits(address: string, mtu: number): boolean {
	return mtu >= IPV6_MIN_MTU || isIpv4(address);
}
