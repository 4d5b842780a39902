import {
	AF_INET,
	AF_INET6,
	type Codec,
	decodeAttributes,
	encodeAttributes,
	familyOf,
	ip,
	raw,
	type Table,
	u16,
	u32,
} from "./attribute.js";
import {
	align,
	NLM_F_CREATE,
	NLM_F_DUMP,
	NLM_F_EXCL,
	NLM_F_REPLACE,
	type Request,
	zeros,
} from "./message.js";

/** <linux/rtnetlink.h> */
export const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

/** struct rtmsg: 12 bytes before the attributes. */
const HEADER = 12;
const RT_TABLE_MAIN = 254;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;

/** RTPROT_*: who made a route, <linux/rtnetlink.h> */
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;
export const RTPROT_STATIC = 4;

/** The names that ip(8) has for RTPROT_*. */
const PROTOCOLS: ReadonlyMap<number, string> = new Map([
	[1, "redirect"],
	[RTPROT_KERNEL, "kernel"],
	[RTPROT_BOOT, "boot"],
	[RTPROT_STATIC, "static"],
	[8, "gated"],
	[9, "ra"],
	[10, "mrt"],
	[11, "zebra"],
	[12, "bird"],
	[13, "dnrouted"],
	[14, "xorp"],
	[15, "ntk"],
	[16, "dhcp"],
	[17, "mrouted"],
	[18, "keepalived"],
	[42, "babel"],
	[99, "openr"],
	[186, "bgp"],
	[187, "isis"],
	[188, "ospf"],
	[189, "rip"],
	[192, "eigrp"],
]);

/** Who made a route, as ip(8) takes and shows it: `bgp`, or a number. */
export function protocolName(protocol: number): string {
	return PROTOCOLS.get(protocol) ?? String(protocol);
}

/** RTN_*, <linux/rtnetlink.h> */
const TYPES = { unicast: 1, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
export type RouteType = keyof typeof TYPES;
const typeNames = new Map<number, RouteType>(
	Object.entries(TYPES).map(([name, number]) => [number, name as RouteType]),
);

export interface NextHop {
	/** ifindex of the output interface. */
	index: number;
	/** Undefined where the destination is on the link. May be IPv6 in an IPv4 route. */
	gateway?: string | undefined;
	/** Share among equal-cost paths, 1 to 256; 1 where not given. */
	weight?: number;
	/** The gateway is on the interface's link, whatever other routes say. */
	onlink?: boolean;
}

/** RTNH_F_ONLINK of <linux/rtnetlink.h>: in rtnh_flags, of a single next hop in rtm_flags. */
const RTNH_F_ONLINK = 4;

/** struct rtvia: the family, then the address. */
const rtvia: Codec<string> = {
	encode: (address) => Buffer.concat([u16.encode(familyOf(address)), ip.encode(address)]),
	decode: (bytes) => ip.decode(bytes.subarray(2)),
};

/** RTA_GATEWAY, or RTA_VIA for a next hop of the other family than the route's. */
const gateways = { gateway: [5, ip], via: [18, rtvia] } satisfies Table;

function encodeGateway(family: number, gateway: string | undefined): Buffer {
	if (gateway === undefined) return zeros(0);
	return encodeAttributes(gateways, familyOf(gateway) === family ? { gateway } : { via: gateway });
}

/** The next hop among the attributes of a route or of one of its paths. */
export function decodeGateway(bytes: Buffer): string | undefined {
	const { gateway, via } = decodeAttributes(gateways, bytes);
	return gateway ?? via;
}

/** struct rtnexthop, one after the other, each with attributes of its own. */
function encodeNextHops(family: number, hops: readonly NextHop[]): Buffer {
	return Buffer.concat(
		hops.map(({ index, gateway, weight = 1, onlink }) => {
			const attributes = encodeGateway(family, gateway);
			const header = zeros(8);
			header.writeUInt16LE(8 + attributes.length, 0);
			header.writeUInt8(onlink ? RTNH_F_ONLINK : 0, 2); // rtnh_flags
			header.writeUInt8(weight - 1, 3); // rtnh_hops
			header.writeInt32LE(index, 4);
			return Buffer.concat([header, attributes]);
		}),
	);
}

/** The value of RTA_MULTIPATH. */
export function decodeNextHops(bytes: Buffer): NextHop[] {
	const hops: NextHop[] = [];
	for (let at = 0; at + 8 <= bytes.length; ) {
		const length = bytes.readUInt16LE(at);
		if (length < 8) break;
		const gateway = decodeGateway(bytes.subarray(at + 8, at + length));
		hops.push({
			index: bytes.readInt32LE(at + 4),
			gateway,
			weight: bytes.readUInt8(at + 3) + 1,
			...onlinkIn(bytes.readUInt8(at + 2)),
		});
		at += align(length);
	}
	return hops;
}

/** The mark of a next hop that is on its link, if the flags have it. */
function onlinkIn(flags: number): Pick<NextHop, "onlink"> {
	return flags & RTNH_F_ONLINK ? { onlink: true } : {};
}

/** RTA_* */
const table = {
	destination: [1, ip],
	output: [4, u32],
	metric: [6, u32],
	source: [7, ip],
	multipath: [9, raw],
	table: [15, u32],
	nexthopId: [30, u32],
} satisfies Table;

export interface Route {
	/** A prefix with its length: `10.2.0.0/24`, `::/0`. */
	to: string;
	type: RouteType;
	/** Empty for all types but unicast. */
	hops: NextHop[];
	metric: number;
	source: string | undefined;
	/** Type of service that a packet must have; 0 for any. */
	tos?: number;
	/** The nexthop object (ip-nexthop(8)) that the hops come from. */
	nexthopId?: number | undefined;
	/** RTPROT_* */
	protocol: number;
}

export function dumpRoutes(family: 4 | 6): Request {
	const body = zeros(HEADER);
	body.writeUInt8(family === 4 ? AF_INET : AF_INET6, 0);
	// The kernel leaves other tables out where the socket has NETLINK_GET_STRICT_CHK.
	body.writeUInt8(RT_TABLE_MAIN, 4);
	return { what: `RTM_GETROUTE IPv${family}`, type: RTM_GETROUTE, flags: NLM_F_DUMP, body };
}

/** The body of an RTM_NEWROUTE; undefined for a route outside the main table or of another type. */
export function decodeRoute(body: Buffer): Route | undefined {
	const type = typeNames.get(body.readUInt8(7));
	const values = decodeAttributes(table, body.subarray(HEADER));
	// RTM_F_CLONED marks an entry of the route cache, which is no route.
	const RTM_F_CLONED = 0x200;
	if (!type || (values.table ?? body.readUInt8(4)) !== RT_TABLE_MAIN) return undefined;
	const flags = body.readUInt32LE(8);
	if (flags & RTM_F_CLONED) return undefined;
	const any = body.readUInt8(0) === AF_INET ? "0.0.0.0" : "::";
	const gateway = decodeGateway(body.subarray(HEADER));
	const single = values.output === undefined ? [] : [{ index: values.output, gateway, ...onlinkIn(flags) }];
	const multiple = values.multipath && decodeNextHops(Buffer.from(values.multipath));
	return {
		to: `${values.destination ?? any}/${body.readUInt8(1)}`,
		type,
		// IPv6 reports a blackhole as one by way of lo.
		hops: type === "unicast" ? (multiple ?? single) : [],
		metric: values.metric ?? 0,
		source: values.source,
		tos: body.readUInt8(3),
		nexthopId: values.nexthopId,
		protocol: body.readUInt8(5),
	};
}

function request(type: number, flags: number, route: Omit<Route, "protocol">): Request {
	const [address = "", length] = route.to.split("/");
	const family = familyOf(address);
	const onLink = route.type === "unicast" && route.hops.every(({ gateway }) => gateway === undefined);
	const header = zeros(HEADER);
	header.writeUInt8(family, 0);
	header.writeUInt8(Number(length), 1);
	header.writeUInt8(route.tos ?? 0, 3);
	header.writeUInt8(RT_TABLE_MAIN, 4);
	header.writeUInt8(RTPROT_STATIC, 5);
	header.writeUInt8(onLink && family === AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, 6);
	header.writeUInt8(TYPES[route.type], 7);
	if (route.hops.length === 1 && route.hops[0]?.onlink) header.writeUInt32LE(RTNH_F_ONLINK, 8);
	return {
		what: `${type === RTM_NEWROUTE ? "RTM_NEWROUTE" : "RTM_DELROUTE"} ${Number(length) === 0 ? "default" : route.to}`,
		type,
		flags,
		body: Buffer.concat([
			header,
			encodeAttributes(table, {
				...(Number(length) > 0 && { destination: address }),
				...(route.metric > 0 && { metric: route.metric }),
				...(route.source !== undefined && { source: route.source }),
			}),
			encodePaths(family, route),
		]),
	};
}

function encodePaths(family: number, { hops, nexthopId }: Pick<Route, "hops" | "nexthopId">): Buffer {
	if (nexthopId !== undefined) return encodeAttributes(table, { nexthopId });
	const [hop, ...more] = hops;
	if (more.length) return encodeAttributes(table, { multipath: encodeNextHops(family, hops) });
	if (!hop) return zeros(0);
	return Buffer.concat([encodeAttributes(table, { output: hop.index }), encodeGateway(family, hop.gateway)]);
}

/** Adds a route to the main table, with protocol static. */
export function addRoute(route: Omit<Route, "protocol">): Request {
	return request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
}

/** Puts a route in place of one of the same prefix and metric, in one step; or adds it. */
export function replaceRoute(route: Omit<Route, "protocol">): Request {
	return request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

/** Deletes the route of this prefix, metric and these next hops, whatever its protocol. */
export function deleteRoute(route: Omit<Route, "protocol">): Request {
	const message = request(RTM_DELROUTE, 0, route);
	const RT_SCOPE_NOWHERE = 255;
	message.body[5] = 0;
	// For IPv4, fib_table_delete compares scopes; RT_SCOPE_NOWHERE matches any.
	message.body[6] = RT_SCOPE_NOWHERE;
	return message;
}
