import * as netlink from "../netlink/address.js";
import type { LabObject } from "../plan/object.js";
import { ofLink, ofPrefix } from "../snapshot/by-link.js";
import type { LabEnd } from "../snapshot/snapshot.js";
import { IPV6_MIN_MTU } from "../topology/mtu.js";
import type { EndName } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";
import { split, vethOf } from "./veth.js";

export interface Address {
	end: EndName;
	/** `10.1.0.2/24` */
	prefix: string;
	/** The kernel's route to the subnet is there. */
	connected: boolean;
}

/** An address of one of the lab's ends. */
export const address: Kind<Address> = {
	name: "address",
	title: ["address", "addresses"],
	needsUp: true,
	declare: ({ ends, peers }) =>
		[...ends.values()].flatMap((end) =>
			end.addresses.map((prefix) => object(end.name, prefix, vethOf(end.name, peers.get(end.name)?.name))),
		),
	observe: ({ ends, wanted }) =>
		[...ends.values()].flatMap((end) =>
			addressesOf(end)
				.filter((one) => !isKernels(one, end.link.mac) || wanted.has(`address ${end.name} ${one.prefix}`))
				.map(({ prefix }) => object(end.name, prefix, end.pair, isConnected(end, prefix))),
		),
	// The kernel makes the route to the subnet with the address, and only then.
	replaces: () => true,
	// Removing a primary IPv4 address takes its secondaries along (__inet_del_ifa()); as there is no
	// telling from here which is which, apply looks again and makes what is missing.
	create: (objects, lab) =>
		forEach(objects, lab, ({ spec: { end, prefix } }) =>
			lab.queue(split(end).namespace, netlink.setAddress(lab.ifindex(end), prefix)),
		),
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec: { end, prefix } }) =>
			lab.queue(split(end).namespace, netlink.deleteAddress(lab.ifindex(end), prefix), GONE),
		),
	describe: ({ spec: { end, prefix } }) => `${end} ${prefix}`,
	describeChange: ({ prefix }) => `the kernel's route to ${netlink.subnetOf(prefix)} is gone`,
};

function object(end: EndName, prefix: string, pair: string, connected = true): LabObject<Address> {
	return {
		kind: "address",
		name: `${end} ${prefix}`,
		spec: { end, prefix, connected },
		within: [pair],
		needs: [],
	};
}

function addressesOf({ link, namespace }: LabEnd): netlink.Address[] {
	return ofLink(namespace.addresses, link.index).filter(({ permanent }) => permanent);
}

/** The link-local address that the kernel gives a link by itself; before 5.18 it does not say so. */
function isKernels({ byKernel, prefix }: netlink.Address, mac: string): boolean {
	return byKernel === true || prefix === netlink.linkLocal(mac);
}

/** A link that is down has lost the route for another reason, and gets it back when it comes up. */
function isConnected({ link, namespace }: LabEnd, prefix: string): boolean {
	if (!link.up || /^[\d.]+\/32$/.test(prefix)) return true;
	const subnet = netlink.subnetOf(prefix);
	return ofPrefix(namespace.routes, subnet).some(({ hops }) =>
		hops.some(({ index }) => index === link.index),
	);
}

/** Whether a link of this MTU can have the address. */
export function fits(address: string, mtu: number): boolean {
	return mtu >= IPV6_MIN_MTU || !address.includes(":");
}
