/**
 * Netlink messages, bytes to values and back: struct nlmsghdr of <linux/netlink.h>.
 * All headers are in the host's byte order, which on every machine that XDP runs
 * on with Node.js is little-endian.
 */

/** Message types: NLMSG_* */
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** Flags: NLM_F_* */
const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
/** On an error message: the request is not echoed whole, only its header. */
const NLM_F_CAPPED = 0x100;
/** On an error message: attributes (the extended acknowledgement) follow. */
const NLM_F_ACK_TLVS = 0x200;

const HEADER = 16;

/** An attribute's number, without the flags of nesting and byte order: <linux/netlink.h> */
const NLA_TYPE_MASK = 0x3fff;

/** A request, still without the sequence number that its socket gives it. */
export interface Request {
	/** How an error names it: `RTM_NEWADDR 10.0.0.1/24 on veth0`. */
	what: string;
	type: number;
	/** Beside NLM_F_REQUEST and NLM_F_ACK, which the socket sets. */
	flags: number;
	/** The family's fixed header, then attributes. */
	body: Uint8Array;
}

/** NLMSG_ALIGN of <linux/netlink.h>, the same as NLA_ALIGN. */
export function align(length: number): number {
	return (length + 3) & ~3;
}

/** Zeros, from Node's pool: an ArrayBuffer for each attribute would cost more than all else of a message. */
export function zeros(length: number): Buffer {
	return Buffer.allocUnsafe(length).fill(0);
}

/** `request` as the kernel takes it, padded to a multiple of four bytes. */
export function encodeMessage(request: Request, sequence: number, flags: number): Buffer {
	const length = HEADER + request.body.length;
	const buffer = zeros(align(length));
	buffer.writeUInt32LE(length, 0);
	buffer.writeUInt16LE(request.type, 4);
	buffer.writeUInt16LE(NLM_F_REQUEST | request.flags | flags, 6);
	buffer.writeUInt32LE(sequence, 8);
	buffer.set(request.body, HEADER);
	return buffer;
}

export interface Message {
	type: number;
	flags: number;
	sequence: number;
	/** A view into the received bytes. */
	body: Buffer;
}

/** The messages of one received datagram. Stops at a header that does not fit. */
export function* decodeMessages(datagram: Buffer): Generator<Message> {
	for (let at = 0; at + HEADER <= datagram.length; ) {
		const length = datagram.readUInt32LE(at);
		if (length < HEADER || at + length > datagram.length) return;
		yield {
			type: datagram.readUInt16LE(at + 4),
			flags: datagram.readUInt16LE(at + 6),
			sequence: datagram.readUInt32LE(at + 8),
			body: datagram.subarray(at + HEADER, at + length),
		};
		at += align(length);
	}
}

export interface Acknowledgement {
	/** Positive errno; 0 for success. */
	errno: number;
	/** NLMSGERR_ATTR_MSG, the kernel's own words. */
	text: string | undefined;
}

/** struct nlmsgerr and, where there, its extended acknowledgement. */
export function decodeAcknowledgement(message: Message): Acknowledgement {
	const NLMSGERR_ATTR_MSG = 1;
	const errno = 0 - message.body.readInt32LE(0);
	let text: string | undefined;
	if (message.flags & NLM_F_ACK_TLVS) {
		const echoed = message.flags & NLM_F_CAPPED ? HEADER : message.body.readUInt32LE(4);
		for (const [type, value] of splitAttributes(message.body.subarray(4 + align(echoed))))
			if (type === NLMSGERR_ATTR_MSG) text = value.toString("utf8").replace(/\0+$/, "");
	}
	return { errno, text };
}

/**
 * Goes through attributes as they follow one another: struct nlattr. Nested and byte-order flags are removed.
 * Without a view of each value, as most of a link's fifty are of no interest.
 * @param visit told where a value begins and ends within `bytes`
 * @param from where the attributes begin @param to where they end
 */
export function visitAttributes(
	bytes: Buffer,
	visit: (type: number, start: number, end: number) => void,
	from = 0,
	to = bytes.length,
): void {
	for (let at = from; at + 4 <= to; ) {
		const length = bytes.readUInt16LE(at);
		if (length < 4 || at + length > to) return;
		visit(bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, at + 4, at + length);
		at += align(length);
	}
}

/** All attributes, each with a view of its value. */
export function splitAttributes(bytes: Buffer): [type: number, value: Buffer][] {
	const attributes: [number, Buffer][] = [];
	visitAttributes(bytes, (type, start, end) => attributes.push([type, bytes.subarray(start, end)]));
	return attributes;
}

/** One attribute, padded. */
export function joinAttribute(type: number, value: Uint8Array): Buffer {
	const buffer = zeros(align(4 + value.length));
	buffer.writeUInt16LE(4 + value.length, 0);
	buffer.writeUInt16LE(type, 2);
	buffer.set(value, 4);
	return buffer;
}
