import ipaddr from "ipaddr.js";

/** Ethertypes and protocols: <linux/if_ether.h>, <linux/in.h>. */
export const IPV4 = 0x0800;
export const ARP = 0x0806;
export const VLAN = 0x8100;
export const QINQ = 0x88a8;
export const IPV6 = 0x86dd;
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const GRE = 47;
export const ESP = 50;
export const ICMPV6 = 58;

const u16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);
const bytes = (length: number, fill = 0) => Buffer.alloc(length, fill);

export const mac = (text: string) => Buffer.from(text.replaceAll(":", ""), "hex");
export const address = (text: string) => Buffer.from(ipaddr.parse(text).toByteArray());

/** The internet checksum in full (RFC 1071), of data whose own checksum field is zero. */
export function checksum(...parts: Buffer[]): number {
	const data = Buffer.concat(parts);
	let sum = 0;
	for (let i = 0; i < data.length; i += 2) sum += ((data[i] ?? 0) << 8) | (data[i + 1] ?? 0);
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

export interface Ethernet {
	source: string;
	destination: string;
	/** Ethertypes of tags, outermost first. */
	tags: number[];
	/** Zero bytes after the payload. */
	padding: number;
}

/** The MAC of the router's end of a subnet, and of the host that it leads to: no byte is like another. */
export const endMac = (subnet: number) => `02:e1:e2:e3:4${subnet}:e5`;
export const hostMac = (subnet: number) => `06:f1:f2:f3:5${subnet}:f5`;

/** From a host to the router's end. */
const ETHERNET: Ethernet = {
	source: hostMac(1),
	destination: endMac(1),
	tags: [],
	padding: 0,
};

export function ethernet(type: number, payload: Buffer, fields: Partial<Ethernet> = {}): Buffer {
	const { source, destination, tags, padding } = { ...ETHERNET, ...fields };
	return Buffer.concat([
		mac(destination),
		mac(source),
		...tags.flatMap((tag) => [u16(tag), u16(7)]),
		u16(type),
		payload,
		bytes(padding),
	]);
}

/** What a wire pads a frame to, and a veth does not: ETH_ZLEN of <linux/if_ether.h>. */
const SHORTEST = 60;

/**
 * Frames as a veth hands them on, and, where any is shorter, padded as on a wire: programs have a way of their own
 * for what is short.
 */
export function byVethAndWire<T extends Buffer[]>(...frames: T): T[] {
	const padded = frames.map((frame) => Buffer.concat([frame, bytes(Math.max(0, SHORTEST - frame.length))]));
	return frames.some(({ length }) => length < SHORTEST) ? [frames, padded as T] : [frames];
}

export interface Ipv4 {
	version: number;
	source: string;
	destination: string;
	tos: number;
	id: number;
	/** Flags and offset, as in the header. */
	fragment: number;
	ttl: number;
	protocol: number;
	options: Buffer;
	payload: Buffer;
	/** What the header says, where it is not the truth. */
	length: number;
	ihl: number;
}

const IPV4_DEFAULTS: Ipv4 = {
	version: 4,
	source: "10.1.0.2",
	destination: "10.2.0.2",
	tos: 0,
	id: 0,
	fragment: 0,
	ttl: 64,
	protocol: UDP,
	options: bytes(0),
	payload: bytes(8),
	length: Number.NaN,
	ihl: Number.NaN,
};

export function ipv4(fields: Partial<Ipv4> = {}, link: Partial<Ethernet> = {}): Buffer {
	const ip = { ...IPV4_DEFAULTS, ...fields };
	const header = Buffer.concat([
		Buffer.from([(ip.version << 4) | (ip.ihl || 5 + ip.options.length / 4), ip.tos]),
		u16(Number.isNaN(ip.length) ? 20 + ip.options.length + ip.payload.length : ip.length),
		u16(ip.id),
		u16(ip.fragment),
		Buffer.from([ip.ttl, ip.protocol, 0, 0]),
		address(ip.source),
		address(ip.destination),
		ip.options,
	]);
	header.writeUInt16BE(checksum(header), 10);
	return ethernet(IPV4, Buffer.concat([header, ip.payload]), link);
}

export interface Ipv6 {
	version: number;
	source: string;
	destination: string;
	/** Traffic class and flow label. */
	flow: number;
	hopLimit: number;
	protocol: number;
	payload: Buffer;
	/** What the header says, where it is not the truth. */
	length: number;
}

const IPV6_DEFAULTS: Ipv6 = {
	version: 6,
	source: "fc00:1::2",
	destination: "fc00:2::2",
	flow: 0,
	hopLimit: 64,
	protocol: UDP,
	payload: bytes(8),
	length: Number.NaN,
};

export function ipv6(fields: Partial<Ipv6> = {}, link: Partial<Ethernet> = {}): Buffer {
	const ip = { ...IPV6_DEFAULTS, ...fields };
	const header = bytes(8);
	header.writeUInt32BE(ip.version * 2 ** 28 + ip.flow, 0);
	header.writeUInt16BE(Number.isNaN(ip.length) ? ip.payload.length : ip.length, 4);
	header.set([ip.protocol, ip.hopLimit], 6);
	return ethernet(
		IPV6,
		Buffer.concat([header, address(ip.source), address(ip.destination), ip.payload]),
		link,
	);
}

/** The ports and no more of a segment or datagram. */
export const ports = (source: number, destination: number, length = 8) =>
	Buffer.concat([u16(source), u16(destination), bytes(length - 4)]);

export interface Echo {
	type: number;
	code: number;
	id: number;
	sequence: number;
	data: Buffer;
}

/** An ICMP message; for ICMPv6, `pseudo` is its pseudo-header's addresses. */
function message({ type, code, id, sequence, data }: Echo, pseudo: Buffer[]): Buffer {
	const icmp = Buffer.concat([Buffer.from([type, code, 0, 0]), u16(id), u16(sequence), data]);
	const prefix = pseudo.length
		? [...pseudo, bytes(2), u16(icmp.length), bytes(3), Buffer.from([ICMPV6])]
		: [];
	icmp.writeUInt16BE(checksum(...prefix, icmp), 2);
	return icmp;
}

const ECHO = { code: 0, id: 0x1234, sequence: 1, data: Buffer.from("abcdefgh") };

export function echo4(
	icmp: Partial<Echo> = {},
	ip: Partial<Ipv4> = {},
	link: Partial<Ethernet> = {},
): Buffer {
	return ipv4({ protocol: ICMP, payload: message({ type: 8, ...ECHO, ...icmp }, []), ...ip }, link);
}

export function echo6(
	icmp: Partial<Echo> = {},
	ip: Partial<Ipv6> = {},
	link: Partial<Ethernet> = {},
): Buffer {
	const { source, destination } = { ...IPV6_DEFAULTS, ...ip };
	const payload = message({ type: 128, ...ECHO, ...icmp }, [address(source), address(destination)]);
	return ipv6({ protocol: ICMPV6, payload, ...ip }, link);
}
