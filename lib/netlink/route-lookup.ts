import {
	AF_INET,
	decodeAttributes,
	encodeAttributes,
	familyOf,
	ip,
	raw,
	type Table,
	u8,
	u32,
} from "./attribute.js";
import { type Request, zeros } from "./message.js";
import { decodeGateway, decodeNextHops, type NextHop } from "./route.js";

/** <linux/rtnetlink.h> */
const RTM_GETROUTE = 26;
/** Asks for the route itself, with all its next hops, instead of the one that these packets take. */
const RTM_F_FIB_MATCH = 0x2000;

/** struct rtmsg: 12 bytes before the attributes. */
const HEADER = 12;

/** RTA_*, <linux/rtnetlink.h> */
const table = {
	destination: [1, ip],
	source: [2, ip],
	input: [3, u32],
	output: [4, u32],
	preferredSource: [7, ip],
	multipath: [9, raw],
	protocol: [27, u8],
} satisfies Table;

/** RTN_*, <linux/rtnetlink.h>: what a route does with packets. */
const TYPES = ["unspec", "unicast", "local", "broadcast", "anycast", "multicast"] as const;
export type LookupType = (typeof TYPES)[number];

/** Packets of which the route is looked up. */
export interface Packets {
	destination: string;
	/** Needed for packets that come in by an interface. */
	source?: string | undefined;
	/** ifindex of the interface that they come in by; absent for packets of the namespace's own. */
	input?: number | undefined;
	/** IPPROTO_*, which rules of ip-rule(8) may ask for. */
	protocol?: number;
}

/** What the kernel does with packets. */
export interface RouteLookup {
	type: LookupType;
	hops: NextHop[];
	/** The address that the namespace's own packets leave from. */
	source: string | undefined;
}

/**
 * Asks for the route of packets, by all rules and tables.
 * @param whole asks for all next hops of the route, not for the one that the hash chooses
 */
export function lookUpRoute({ destination, source, input, protocol }: Packets, whole: boolean): Request {
	const family = familyOf(destination);
	const bits = family === AF_INET ? 32 : 128;
	const header = zeros(HEADER);
	header.writeUInt8(family, 0);
	header.writeUInt8(bits, 1);
	header.writeUInt8(source === undefined ? 0 : bits, 2);
	header.writeUInt32LE(whole ? RTM_F_FIB_MATCH : 0, 8);
	const attributes = encodeAttributes(table, {
		destination,
		...(source !== undefined && { source }),
		...(input !== undefined && { input }),
		...(protocol !== undefined && { protocol }),
	});
	return {
		what: `RTM_GETROUTE ${destination}`,
		type: RTM_GETROUTE,
		flags: 0,
		body: Buffer.concat([header, attributes]),
	};
}

/** The body of the RTM_NEWROUTE that answers. A route that drops packets is answered by an errno instead. */
export function decodeRouteLookup(body: Buffer): RouteLookup {
	const bytes = body.subarray(HEADER);
	const { output, multipath, preferredSource } = decodeAttributes(table, bytes);
	const single = output === undefined ? [] : [{ index: output, gateway: decodeGateway(bytes) }];
	return {
		type: TYPES[body.readUInt8(7)] ?? "unspec",
		hops: multipath ? decodeNextHops(Buffer.from(multipath)) : single,
		source: preferredSource,
	};
}
