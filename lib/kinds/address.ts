import * as netlink from "../netlink/address.js";
import type { LabObject } from "../plan/object.js";
import { ofLink, ofPrefix } from "../snapshot/by-link.js";
import type { LabEnd } from "../snapshot/snapshot.js";
import { IPV6_MIN_MTU } from "../topology/mtu.js";
import { splitEnd } from "../topology/names.js";
import type { EndName } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";
import { pairOf } from "./veth.js";

export interface Address {
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

/** An address of one of the lab's ends. */
export const address: Kind<Address> = {
	name: "address",
	title: ["address", "addresses"],
	needsUp: true,
	declare: ({ ends, pairs }) =>
		[...ends.values()].flatMap((end) =>
			end.addresses.map((prefix, i) =>
				object(pairOf(pairs, end.name), {
					end: end.name,
					prefix,
					connected: true,
					secondary: end.addresses.slice(0, i).some((other) => areOfOneSubnet({ prefix: other }, { prefix })),
				}),
			),
		),
	observe: ({ ends, wanted }) =>
		[...ends.values()].flatMap((end) => {
			const addresses = addressesOf(end);
			const isWanted = (one: netlink.Address) => wanted.has(`address ${nameOf(end.name, one)}`);
			return addresses
				.filter((one) => !isKernels(one, end.link.mac) || isWanted(one))
				.map((one) =>
					object(end.pair, {
						end: end.name,
						prefix: one.prefix,
						...(one.peer !== undefined && { peer: one.peer }),
						connected: isConnected(end, one),
						secondary: isSecondary(one, addresses.filter(isWanted)),
					}),
				);
		}),
	// The kernel makes the route to the subnet with the address, and only then, and which is the primary
	// address of a subnet depends on which came first.
	replaces: () => true,
	// Removing a primary IPv4 address takes its secondaries along or makes one of them primary
	// (__inet_del_ifa()): apply looks again and makes what is missing.
	create: (objects, lab) =>
		forEach(objects, lab, ({ spec: { end, prefix, peer } }) =>
			lab.queue(splitEnd(end).namespace, netlink.setAddress(lab.ends.ifindex(end), prefix, peer)),
		),
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec: { end, prefix, peer } }) =>
			lab.queue(splitEnd(end).namespace, netlink.deleteAddress(lab.ends.ifindex(end), prefix, peer), GONE),
		),
	describe: ({ name }) => name,
	describeChange: (from, to) =>
		from.secondary === to.secondary
			? `the kernel's route to ${subnetOf(to)} is gone`
			: from.secondary
				? "secondary → primary"
				: "primary → secondary",
};

function object(pair: string, spec: Address): LabObject<Address> {
	return { kind: "address", name: nameOf(spec.end, spec), spec, within: [pair], needs: [] };
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

function addressesOf({ link, namespace }: LabEnd): netlink.Address[] {
	return ofLink(namespace.addresses, link.index).filter(({ permanent }) => permanent);
}

/** The link-local address that the kernel gives a link by itself; before 5.18 it does not say so. */
function isKernels({ byKernel, prefix }: netlink.Address, mac: string): boolean {
	return byKernel === true || (prefix.startsWith("fe80:") && prefix === netlink.linkLocal(mac));
}

/** A link that is down has lost the route for another reason, and gets it back when it comes up. */
function isConnected({ link, namespace }: LabEnd, one: netlink.Address): boolean {
	if (!link.up || /^[\d.]+\/32$/.test(one.prefix)) return true;
	return ofPrefix(namespace.routes, subnetOf(one)).some(({ hops }) =>
		hops.some(({ index }) => index === link.index),
	);
}

/** Whether a link of this MTU can have the address. */
export function fits(address: string, mtu: number): boolean {
	return mtu >= IPV6_MIN_MTU || isIpv4(address);
}
