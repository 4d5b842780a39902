import { IPV6_MIN_MTU } from "../declare/forwarding-sysctls.js";
import { deleteAddress, setAddress } from "../netlink/address.js";
import type { LabObject } from "../plan/object.js";
import type { EndName } from "../topology/topology.js";
import { forEach, GONE, type Kind } from "./kind.js";
import { split, vethOf } from "./veth.js";

export interface Address {
	end: EndName;
	/** `10.1.0.2/24` */
	prefix: string;
}

/** An address of one of the lab's ends. */
export const address: Kind<Address> = {
	name: "address",
	title: ["address", "addresses"],
	declare: ({ ends, peers }) =>
		[...ends.values()].flatMap((end) =>
			end.addresses.map((prefix) => object(end.name, prefix, vethOf(end.name, peers.get(end.name)?.name))),
		),
	observe: ({ pairs, wanted }) =>
		pairs.flatMap(({ ends }) => {
			const pair = vethOf(...(ends.map(({ name }) => name) as [EndName, EndName?]));
			return ends.flatMap(({ name, link, namespace }) =>
				namespace.addresses
					.filter(({ index, permanent }) => index === link.index && permanent)
					// Kernels before 5.18 do not say that they made the link-local address themselves.
					.filter(
						({ byKernel = true, prefix }) =>
							!(byKernel && isLinkLocal(prefix)) || wanted.has(`address ${name} ${prefix}`),
					)
					.map(({ prefix }) => object(name, prefix, pair)),
			);
		}),
	// Removing a primary IPv4 address takes its secondaries along (__inet_del_ifa()); as there is no
	// telling from here which is which, apply looks again and makes what is missing.
	create: (objects, lab) =>
		forEach(objects, lab, ({ spec: { end, prefix } }) =>
			lab.queue(split(end).namespace, setAddress(lab.ifindex(end), prefix)),
		),
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec: { end, prefix } }) =>
			lab.queue(split(end).namespace, deleteAddress(lab.ifindex(end), prefix), GONE),
		),
	describe: ({ spec: { end, prefix } }) => `${end} ${prefix}`,
};

function object(end: EndName, prefix: string, pair: string): LabObject<Address> {
	return { kind: "address", name: `${end} ${prefix}`, spec: { end, prefix }, within: [pair], needs: [] };
}

function isLinkLocal(prefix: string): boolean {
	return /^fe[89ab]/i.test(prefix);
}

/** Whether a link of this MTU can have the address. */
export function fits(address: string, mtu: number): boolean {
	return mtu >= IPV6_MIN_MTU || !address.includes(":");
}
