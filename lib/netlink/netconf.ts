import { AF_INET, AF_INET6, decodeAttributes, encodeAttributes, s32, type Table } from "./attribute.js";
import { type Request, zeros } from "./message.js";

/** <linux/rtnetlink.h> */
const RTM_GETNETCONF = 82;

/** struct netconfmsg, padded: the family. */
const HEADER = 4;

/** NETCONFA_*, <linux/netconf.h> */
const table = { index: [1, s32], forwarding: [2, s32] } satisfies Table;
const NETCONFA_IFINDEX_ALL = -1;

/** The sysctls of a namespace that netlink tells as well: the `all` of both families. */
export const NETCONF_SYSCTLS = {
	"net.ipv4.ip_forward": AF_INET,
	"net.ipv6.conf.all.forwarding": AF_INET6,
} as const;

/** Asks for the settings of `net.FAMILY.conf.all`. */
export function getNetconf(family: number): Request {
	const header = zeros(HEADER);
	header.writeUInt8(family, 0);
	return {
		what: "RTM_GETNETCONF",
		type: RTM_GETNETCONF,
		flags: 0,
		body: Buffer.concat([header, encodeAttributes(table, { index: NETCONFA_IFINDEX_ALL })]),
	};
}

/** The value of `forwarding`, as sysctl(8) writes it. */
export function decodeForwarding(body: Buffer): string | undefined {
	return decodeAttributes(table, body.subarray(HEADER)).forwarding?.toString();
}
