import {
	AF_INET,
	AF_INET6,
	decodeAttributes,
	encodeAttributes,
	familyOf,
	ip,
	type Table,
	u8,
	u32,
} from "./attribute.js";
import { NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE, type Request, zeros } from "./message.js";

/** <linux/rtnetlink.h> */
export const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

/** struct ifaddrmsg: 8 bytes before the attributes. */
const HEADER = 8;

/** IFA_*, <linux/if_addr.h> */
const table = {
	address: [1, ip],
	local: [2, ip],
	flags: [8, u32],
	proto: [11, u8],
} satisfies Table;

/** <linux/if_addr.h> */
const IFA_F_SECONDARY = 0x01;
const IFA_F_NODAD = 0x02;
const IFA_F_MANAGETEMPADDR = 0x100;
const IFA_F_PERMANENT = 0x80;
/** IFAPROT_KERNEL_*: written by the kernel itself, since 5.18. */
const KERNEL_PROTOCOLS = [1, 2, 3];

export interface Address {
	/** ifindex */
	index: number;
	/** `10.1.0.1/24`: the local address. */
	prefix: string;
	/** The address that the prefix is one of, where that is not the local one: `peer` of ip-address(8). */
	peer: string | undefined;
	/** Put there by somebody, not by the kernel nor by a router's advertisement. */
	permanent: boolean;
	/** Of IPv4: made after another of its subnet, whose address packets leave with. */
	secondary: boolean;
	/** IFA_PROTO says that the kernel made it; undefined on kernels that do not say. */
	byKernel: boolean | undefined;
}

/** All addresses of a namespace, of both families. */
export const ALL_ADDRESSES: Request = {
	what: "RTM_GETADDR",
	type: RTM_GETADDR,
	flags: NLM_F_DUMP,
	body: zeros(HEADER), // AF_UNSPEC
};

/** The body of an RTM_NEWADDR. */
export function decodeAddress(body: Buffer): Address {
	const values = decodeAttributes(table, body.subarray(HEADER));
	const flags = values.flags ?? body.readUInt8(2);
	const { address, local = address } = values;
	return {
		index: body.readUInt32LE(4),
		prefix: `${local}/${body.readUInt8(1)}`,
		peer: address === local ? undefined : address,
		permanent: (flags & IFA_F_PERMANENT) !== 0 && (flags & IFA_F_MANAGETEMPADDR) === 0,
		// Of IPv6 the same bit says that an address is temporary.
		secondary: body.readUInt8(0) === AF_INET && (flags & IFA_F_SECONDARY) !== 0,
		byKernel: values.proto === undefined ? undefined : KERNEL_PROTOCOLS.includes(values.proto),
	};
}

function request(type: number, flags: number, index: number, prefix: string, peer?: string): Request {
	const [local = "", length] = prefix.split("/");
	const family = familyOf(local);
	const header = zeros(HEADER);
	header.writeUInt8(family, 0);
	header.writeUInt8(Number(length), 1);
	header.writeUInt32LE(index, 4);
	const nodad = family === AF_INET6 ? { flags: IFA_F_NODAD } : {};
	return {
		what: `${type === RTM_NEWADDR ? "RTM_NEWADDR" : "RTM_DELADDR"} ${prefix}`,
		type,
		flags,
		body: Buffer.concat([header, encodeAttributes(table, { local, address: peer ?? local, ...nodad })]),
	};
}

/**
 * Adds an address such as `10.1.0.1/24`, or makes one that is there permanent; IPv6 without duplicate
 * address detection.
 */
export function setAddress(index: number, prefix: string, peer?: string): Request {
	return request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, prefix, peer);
}

export function deleteAddress(index: number, prefix: string, peer?: string): Request {
	return request(RTM_DELADDR, 0, index, prefix, peer);
}

/** The subnet of `10.1.0.2/24`, which is `10.1.0.0/24`: where the kernel's connected route leads. */
export function subnetOf(prefix: string): string {
	const [address = "", length] = prefix.split("/");
	const bytes = Buffer.from(ip.encode(address));
	const bits = Number(length);
	bytes.forEach((byte, i) => {
		bytes[i] = byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i)));
	});
	return `${ip.decode(bytes)}/${length}`;
}

/**
 * The link-local address that the kernel gives a link: the modified EUI-64 of its MAC (RFC 4291,
 * appendix A), with its prefix length.
 */
export function linkLocal(mac: string): string {
	const bytes = Buffer.from(mac.replaceAll(":", ""), "hex");
	const suffix = Buffer.concat([bytes.subarray(0, 3), Buffer.of(0xff, 0xfe), bytes.subarray(3)]);
	suffix.writeUInt8(suffix.readUInt8(0) ^ 0x02, 0);
	const prefix = Buffer.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0);
	return `${ip.decode(Buffer.concat([prefix, suffix]))}/64`;
}

/** Whether an address is what {@link linkLocal} makes of some MAC. */
export function isOfMac(prefix: string): boolean {
	if (!prefix.startsWith("fe80:")) return false;
	const bytes = ip.encode(prefix.slice(0, prefix.indexOf("/")));
	return bytes[11] === 0xff && bytes[12] === 0xfe;
}
