import * as frame from "../../test/kernel/bpf/frame.js";

/** A packet that is sent again and again, and what must be put back in between: see bpf/restore.bpf.c. */
export interface Packet {
	family: Family;
	bytes: Buffer;
	/** Offset of the 32-bit word that whoever forwards or answers it changes. */
	changes: number;
	/** Where the destination is to be another each time: the offset of a 64-bit word, and what is added to it. */
	counts?: { at: number; step: bigint };
}

export type Family = "IPv4" | "IPv6";

/** UDP, 64 bytes of Ethernet frame with IPv4. */
const payload = frame.ports(5000, 5000, 30);

/** Offsets in an Ethernet frame without tags, in bytes. */
const IPV4 = {
	ttl: 22, // with protocol and checksum
	addresses: 26,
	icmp: 34, // type, code and checksum
};
const IPV6 = {
	length: 18, // with next header and hop limit
	destination: 38,
	icmp: 54,
};

/** To the same host, from a host that the router of router() in test/kernel/bpf/namespace.ts knows. */
export const REPEATED: Packet[] = [
	{ family: "IPv4", bytes: frame.ipv4({ payload }), changes: IPV4.ttl },
	{ family: "IPv6", bytes: frame.ipv6({ payload }), changes: IPV6.length },
];

/** What {@link NEW} is sent to, of which only the first byte stays. */
export const PREFIXES = { IPv4: "48.0.0.0/8", IPv6: "3000::/8" };

/** Never to the same host twice in a row. */
export const NEW: Packet[] = [
	{
		family: "IPv4",
		bytes: frame.ipv4({ payload, destination: "48.0.0.1" }),
		changes: IPV4.ttl,
		counts: { at: IPV4.addresses, step: 1n << 40n }, // the source comes first
	},
	{
		family: "IPv6",
		bytes: frame.ipv6({ payload, destination: "3000::1" }),
		changes: IPV6.length,
		counts: { at: IPV6.destination, step: 1n << 8n },
	},
];

/** Requests, of which the reply changes type and checksum for good. */
export const ECHO: Packet[] = [
	{ family: "IPv4", bytes: frame.echo4(), changes: IPV4.icmp },
	{ family: "IPv6", bytes: frame.echo6(), changes: IPV6.icmp },
];
