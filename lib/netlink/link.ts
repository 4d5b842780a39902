import {
	AF_INET,
	AF_INET6,
	AF_UNSPEC,
	decodeAttributes,
	encodeAttributes,
	mac,
	nest,
	nested,
	raw,
	s32,
	string,
	type Table,
	u8,
	u32,
	type Values,
} from "./attribute.js";
import { NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, type Request, zeros } from "./message.js";

/** <linux/rtnetlink.h> */
export const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;

/** <linux/if.h> */
const IFF_UP = 0x1;

/** struct ifinfomsg: 16 bytes before the attributes. */
const HEADER = 16;

/** enum of IFLA_XDP_*, <linux/if_link.h> */
const xdp = {
	fd: [1, s32],
	attached: [2, u8],
	flags: [3, u32],
	progId: [4, u32],
	driverProgId: [5, u32],
	genericProgId: [6, u32],
	expectedFd: [8, s32],
} satisfies Table;

/** IFLA_INET_CONF and IFLA_INET6_CONF: a link's own sysctls, s32 each. */
const inet = { conf: [1, raw] } satisfies Table;
const inet6 = { conf: [2, raw] } satisfies Table;

const afSpec = { inet: [AF_INET, nested(inet)], inet6: [AF_INET6, nested(inet6)] } satisfies Table;

/**
 * Where a setting of `net.FAMILY.conf.IF` stands in the array of its family: IPV4_DEVCONF_* of <linux/ip.h>
 * count from 1, DEVCONF_* of <linux/ipv6.h> from 0.
 */
const SETTINGS = [
	["ipv4.forwarding", "inet", 0],
	["ipv6.forwarding", "inet6", 0],
	["ipv6.accept_ra", "inet6", 3],
	["ipv6.disable_ipv6", "inet6", 26],
	["ipv6.accept_dad", "inet6", 27],
] as const;

/** `FAMILY.NAME` of a sysctl `net.FAMILY.conf.IF.NAME`. */
export type LinkSetting = (typeof SETTINGS)[number][0];

const linkInfo = { kind: [1, string], data: [2, raw] } satisfies Table;

const link = {
	address: [1, mac],
	name: [3, string],
	mtu: [4, u32],
	peerIndex: [5, u32],
	linkInfo: [18, nested(linkInfo)],
	alias: [20, string],
	afSpec: [26, nested(afSpec)],
	netnsFd: [28, u32],
	extMask: [29, u32],
	txQueues: [31, u32],
	rxQueues: [32, u32],
	netnsId: [37, s32],
	xdp: [nest(43), nested(xdp)],
} satisfies Table;

/** VETH_INFO_PEER, <linux/veth.h>: a struct ifinfomsg and its attributes. */
const vethInfo = { peer: [1, raw] } satisfies Table;

export type XdpMode = "native" | "generic" | "offload";

export interface Link {
	index: number;
	up: boolean;
	name: string;
	/** `veth`, `bridge`, …; undefined for `lo` and hardware. */
	kind: string | undefined;
	mac: string;
	mtu: number;
	alias: string | undefined;
	/** IFLA_LINK: of a veth, the ifindex of its peer, in the peer's namespace. */
	peerIndex: number | undefined;
	/** IFLA_LINK_NETNSID: the peer's namespace as this one numbers it; undefined where it is the same. */
	netnsId: number | undefined;
	txQueues: number;
	rxQueues: number;
	xdp: { mode: XdpMode; id: number }[];
	/** Those of a family are missing where the link does not have it. */
	settings: Partial<Record<LinkSetting, number>>;
}

function header(index: number, flags = 0, change = 0): Buffer {
	const buffer = zeros(HEADER);
	buffer.writeUInt8(AF_UNSPEC, 0);
	buffer.writeInt32LE(index, 4);
	buffer.writeUInt32LE(flags, 8);
	buffer.writeUInt32LE(change, 12);
	return buffer;
}

/** Statistics are half of a dump and nobody here reads them. */
const RTEXT_FILTER_SKIP_STATS = 1 << 3;

/** All links of a namespace. */
export const ALL_LINKS: Request = {
	what: "RTM_GETLINK",
	type: RTM_GETLINK,
	flags: NLM_F_DUMP,
	body: Buffer.concat([header(0), encodeAttributes(link, { extMask: RTEXT_FILTER_SKIP_STATS })]),
};

/** The body of an RTM_NEWLINK. */
export function decodeLink(body: Buffer): Link {
	const values = decodeAttributes(link, body.subarray(HEADER));
	return {
		index: body.readInt32LE(4),
		up: (body.readUInt32LE(8) & IFF_UP) !== 0,
		name: values.name ?? "",
		kind: values.linkInfo?.kind,
		mac: values.address ?? "",
		mtu: values.mtu ?? 0,
		alias: values.alias,
		peerIndex: values.peerIndex,
		netnsId: values.netnsId,
		txQueues: values.txQueues ?? 1,
		rxQueues: values.rxQueues ?? 1,
		xdp: decodeXdp(values.xdp ?? {}),
		settings: decodeSettings(values.afSpec),
	};
}

const alias = { alias: link.alias } satisfies Table;

/** Of the body of an RTM_NEWLINK, if it is of `lo`, its alias. */
export function aliasOfLo(body: Buffer): string | undefined {
	const LO = 1;
	return body.readInt32LE(4) === LO ? decodeAttributes(alias, body.subarray(HEADER)).alias : undefined;
}

function decodeXdp(values: Values<typeof xdp>): Link["xdp"] {
	// XDP_ATTACHED_* of <linux/if_link.h>
	const modes: Record<number, XdpMode> = { 1: "native", 2: "generic", 3: "offload" };
	const MULTI = 4;
	if (values.attached === MULTI)
		return [
			{ mode: "native" as const, id: values.driverProgId ?? 0 },
			{ mode: "generic" as const, id: values.genericProgId ?? 0 },
		].filter(({ id }) => id !== 0);
	const mode = modes[values.attached ?? 0];
	return mode && values.progId ? [{ mode, id: values.progId }] : [];
}

function decodeSettings(families: Values<typeof afSpec> = {}): Link["settings"] {
	const settings: Link["settings"] = {};
	for (const [name, family, index] of SETTINGS) {
		const conf = families[family]?.conf;
		if (conf && conf.length >= 4 * (index + 1))
			settings[name] = new DataView(conf.buffer, conf.byteOffset).getInt32(4 * index, true);
	}
	return settings;
}

export interface VethEnd {
	name: string;
	/** The ifindex to give it. */
	index: number;
	mac: string;
	mtu: number;
	/** Receive and transmit queues, as many of each. */
	queues: number;
	/** A descriptor of the namespace to create it in. */
	netnsFd: number;
}

/** Creates both ends of a veth, each in its namespace, both down. */
export function createVeth(end: VethEnd, peer: VethEnd): Request {
	const one = ({ name, index, mac, mtu, queues, netnsFd }: VethEnd) =>
		[
			header(index),
			encodeAttributes(link, { address: mac, name, mtu, netnsFd, txQueues: queues, rxQueues: queues }),
		] as const;
	const data = encodeAttributes(vethInfo, { peer: Buffer.concat(one(peer)) });
	return {
		what: `RTM_NEWLINK ${end.name} (veth, peer ${peer.name})`,
		type: RTM_NEWLINK,
		flags: NLM_F_CREATE | NLM_F_EXCL,
		body: Buffer.concat([...one(end), encodeAttributes(link, { linkInfo: { kind: "veth", data } })]),
	};
}

export interface LinkChange {
	up?: boolean;
	mac?: string;
	mtu?: number;
	alias?: string;
	/** Move it to the namespace behind this descriptor. */
	netnsFd?: number;
}

/** Changes a link in place. */
export function changeLink(index: number, change: LinkChange): Request {
	const { up, mac: address, mtu, alias, netnsFd } = change;
	return {
		what: `RTM_NEWLINK ${Object.keys(change).join(", ")}`,
		type: RTM_NEWLINK,
		flags: 0,
		body: Buffer.concat([
			header(index, up ? IFF_UP : 0, up === undefined ? 0 : IFF_UP),
			encodeAttributes(link, {
				...(address !== undefined && { address }),
				...(mtu !== undefined && { mtu }),
				...(alias !== undefined && { alias }),
				...(netnsFd !== undefined && { netnsFd }),
			}),
		]),
	};
}

/** Deletes a link; a veth's peer goes with it. */
export function deleteLink(index: number): Request {
	return { what: "RTM_DELLINK", type: RTM_DELLINK, flags: 0, body: header(index) };
}

/**
 * Attaches a program, or detaches with fd -1.
 * @param expectedFd the program that must be there now (XDP_FLAGS_REPLACE), or -1 for none: then an
 *   attached program is an error (EBUSY), unless this detaches.
 */
export function setXdp(index: number, mode: "native" | "generic", fd: number, expectedFd = -1): Request {
	// XDP_FLAGS_* of <linux/if_link.h>
	const UPDATE_IF_NOEXIST = 1;
	const MODE = { generic: 2, native: 4 } as const;
	const REPLACE = 16;
	const condition = expectedFd >= 0 ? REPLACE : fd >= 0 ? UPDATE_IF_NOEXIST : 0;
	return {
		what: `RTM_NEWLINK XDP ${mode}`,
		type: RTM_NEWLINK,
		flags: 0,
		body: Buffer.concat([
			header(index),
			encodeAttributes(link, {
				xdp: { fd, flags: MODE[mode] | condition, ...(expectedFd >= 0 && { expectedFd }) },
			}),
		]),
	};
}
