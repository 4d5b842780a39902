import { decodeAttributes, encodeAttributes, familyOf, ip, mac, type Table, u8 } from "./attribute.js";
import { NLM_F_CREATE, NLM_F_DUMP, NLM_F_REPLACE, type Request, zeros } from "./message.js";

/** <linux/rtnetlink.h> */
export const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;

/** struct ndmsg: 12 bytes before the attributes. */
const HEADER = 12;

/** NDA_*, <linux/neighbour.h> */
const table = { ip: [1, ip], mac: [2, mac], protocol: [12, u8] } satisfies Table;

/** <linux/neighbour.h> */
const NUD_PERMANENT = 0x80;

export interface Neighbor {
	/** ifindex */
	index: number;
	ip: string;
	/** Undefined while it is being resolved, or where resolving failed. */
	mac: string | undefined;
	permanent: boolean;
	/** Put there by a routing daemon: {@link isDaemons}. */
	byDaemon: boolean;
}

/** All neighbours of a namespace, of both families. */
export const ALL_NEIGHBORS: Request = {
	what: "RTM_GETNEIGH",
	type: RTM_GETNEIGH,
	flags: NLM_F_DUMP,
	body: zeros(HEADER), // AF_UNSPEC
};

/** The body of an RTM_NEWNEIGH. */
export function decodeNeighbor(body: Buffer): Neighbor {
	const values = decodeAttributes(table, body.subarray(HEADER));
	return {
		index: body.readInt32LE(4),
		ip: values.ip ?? "",
		mac: values.mac,
		permanent: (body.readUInt16LE(8) & NUD_PERMANENT) !== 0,
		byDaemon: isDaemons(values.protocol),
	};
}

/** Whether who has put something there says by NDA_PROTOCOL that they are a daemon; people say nothing, or `static`. */
export function isDaemons(protocol = 0): boolean {
	const [RTPROT_UNSPEC, RTPROT_BOOT, RTPROT_STATIC] = [0, 3, 4]; // <linux/rtnetlink.h>
	return ![RTPROT_UNSPEC, RTPROT_BOOT, RTPROT_STATIC].includes(protocol);
}

function header(index: number, family: number): Buffer {
	const buffer = zeros(HEADER);
	buffer.writeUInt8(family, 0);
	buffer.writeInt32LE(index, 4);
	buffer.writeUInt16LE(NUD_PERMANENT, 8);
	return buffer;
}

/** Sets a permanent neighbour, over a learned one if there is one. */
export function setNeighbor(index: number, address: string, lladdr: string): Request {
	return {
		what: `RTM_NEWNEIGH ${address}`,
		type: RTM_NEWNEIGH,
		flags: NLM_F_CREATE | NLM_F_REPLACE,
		body: Buffer.concat([
			header(index, familyOf(address)),
			encodeAttributes(table, { ip: address, mac: lladdr }),
		]),
	};
}

export function deleteNeighbor(index: number, address: string): Request {
	return {
		what: `RTM_DELNEIGH ${address}`,
		type: RTM_DELNEIGH,
		flags: 0,
		body: Buffer.concat([header(index, familyOf(address)), encodeAttributes(table, { ip: address })]),
	};
}
