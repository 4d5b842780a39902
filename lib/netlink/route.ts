import {
	AF_INET,
	AF_INET6,
	type Codec,
	decodeAttributes,
	encodeAttributes,
	familyOf,
	ip,
	type Table,
	u32,
} from "./attribute.js";
import { align, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, type Request } from "./message.js";

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
export const RTPROT_BOOT = 3;
export const RTPROT_STATIC = 4;

/** RTN_*, <linux/rtnetlink.h> */
const TYPES = { unicast: 1, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
export type RouteType = keyof typeof TYPES;
const typeNames = new Map<number, RouteType>(
	Object.entries(TYPES).map(([name, number]) => [number, name as RouteType]),
);

export interface NextHop {
	/** ifindex of the output interface. */
	index: number;
	/** Undefined where the destination is on the link. */
	gateway?: string | undefined;
	/** Share among equal-cost paths, 1 to 256; 1 where not given. */
	weight?: number;
}

/** struct rtnexthop, one after the other, each with attributes of its own. */
const nextHops: Codec<NextHop[]> = {
	encode: (hops) =>
		Buffer.concat(
			hops.map(({ index, gateway, weight = 1 }) => {
				const attributes = gateway === undefined ? Buffer.alloc(0) : encodeAttributes(table, { gateway });
				const header = Buffer.alloc(8);
				header.writeUInt16LE(8 + attributes.length, 0);
				header.writeUInt8(weight - 1, 3); // rtnh_hops
				header.writeInt32LE(index, 4);
				return Buffer.concat([header, attributes]);
			}),
		),
	decode: (bytes) => {
		const hops: NextHop[] = [];
		for (let at = 0; at + 8 <= bytes.length; ) {
			const length = bytes.readUInt16LE(at);
			if (length < 8) break;
			const { gateway } = decodeAttributes(table, bytes.subarray(at + 8, at + length));
			hops.push({ index: bytes.readInt32LE(at + 4), gateway, weight: bytes.readUInt8(at + 3) + 1 });
			at += align(length);
		}
		return hops;
	},
};

/** RTA_* */
const table = {
	destination: [1, ip],
	output: [4, u32],
	gateway: [5, ip],
	metric: [6, u32],
	source: [7, ip],
	multipath: [9, nextHops as Codec<NextHop[]>],
	table: [15, u32],
} satisfies Table;

export interface Route {
	/** A prefix with its length: `10.2.0.0/24`, `::/0`. */
	to: string;
	type: RouteType;
	/** Empty for all types but unicast. */
	hops: NextHop[];
	metric: number;
	source: string | undefined;
	/** RTPROT_* */
	protocol: number;
}

export function dumpRoutes(family: 4 | 6): Request {
	const body = Buffer.alloc(HEADER);
	body.writeUInt8(family === 4 ? AF_INET : AF_INET6, 0);
	return { what: `RTM_GETROUTE IPv${family}`, type: RTM_GETROUTE, flags: NLM_F_DUMP, body };
}

/** The body of an RTM_NEWROUTE; undefined for a route outside the main table or of another type. */
export function decodeRoute(body: Buffer): Route | undefined {
	const type = typeNames.get(body.readUInt8(7));
	const values = decodeAttributes(table, body.subarray(HEADER));
	// RTM_F_CLONED marks an entry of the route cache, which is no route.
	const RTM_F_CLONED = 0x200;
	if (!type || (values.table ?? body.readUInt8(4)) !== RT_TABLE_MAIN) return undefined;
	if (body.readUInt32LE(8) & RTM_F_CLONED) return undefined;
	const any = body.readUInt8(0) === AF_INET ? "0.0.0.0" : "::";
	const single = values.output === undefined ? [] : [{ index: values.output, gateway: values.gateway }];
	return {
		to: `${values.destination ?? any}/${body.readUInt8(1)}`,
		type,
		// IPv6 reports a blackhole as one by way of lo.
		hops: type === "unicast" ? (values.multipath ?? single) : [],
		metric: values.metric ?? 0,
		source: values.source,
		protocol: body.readUInt8(5),
	};
}

function request(type: number, flags: number, route: Omit<Route, "protocol">): Request {
	const [address = "", length] = route.to.split("/");
	const family = familyOf(address);
	const onLink = route.type === "unicast" && route.hops.every(({ gateway }) => gateway === undefined);
	const header = Buffer.alloc(HEADER);
	header.writeUInt8(family, 0);
	header.writeUInt8(Number(length), 1);
	header.writeUInt8(RT_TABLE_MAIN, 4);
	header.writeUInt8(RTPROT_STATIC, 5);
	header.writeUInt8(onLink && family === AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, 6);
	header.writeUInt8(TYPES[route.type], 7);
	const [hop, ...more] = route.hops;
	const paths = more.length
		? { multipath: route.hops }
		: hop && { output: hop.index, ...(hop.gateway !== undefined && { gateway: hop.gateway }) };
	return {
		what: `${type === RTM_NEWROUTE ? "RTM_NEWROUTE" : "RTM_DELROUTE"} ${route.to}`,
		type,
		flags,
		body: Buffer.concat([
			header,
			encodeAttributes(table, {
				...(Number(length) > 0 && { destination: address }),
				...paths,
				...(route.metric > 0 && { metric: route.metric }),
				...(route.source !== undefined && { source: route.source }),
			}),
		]),
	};
}

/** Adds a route to the main table, with protocol static. */
export function addRoute(route: Omit<Route, "protocol">): Request {
	return request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
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
