import ipaddr from "ipaddr.js";
import { quote } from "./printable.js";
import type { Parsed } from "./report.js";

export type Family = 4 | 6;

/** An address as a number, and as its canonical text (RFC 5952 for IPv6). */
export interface Address {
	family: Family;
	bits: bigint;
	text: string;
}

export interface Prefix {
	family: Family;
	/** Bits after the prefix cleared. */
	network: Address;
	length: number;
	/** `10.2.0.0/24`. */
	text: string;
}

/** What an interface has: an address, and the subnet that it is in. */
export interface InterfaceAddress extends Address {
	subnet: Prefix;
	/** With the prefix length: `10.1.0.2/24`. */
	withLength: string;
}

export const familyName = (family: Family): string => `IPv${family}`;

const width = (family: Family): number => (family === 4 ? 32 : 128);

function fromParsed(parsed: ipaddr.IPv4 | ipaddr.IPv6): Address {
	const bits = BigInt(`0x${Buffer.from(parsed.toByteArray()).toString("hex")}`);
	return parsed instanceof ipaddr.IPv6
		? { family: 6, bits, text: parsed.toRFC5952String() }
		: { family: 4, bits, text: parsed.toString() };
}

function fromBits(family: Family, bits: bigint): Address {
	const bytes = Buffer.from(bits.toString(16).padStart(width(family) / 4, "0"), "hex");
	return fromParsed(ipaddr.fromByteArray([...bytes]));
}

/** Any address, strictly: four decimal parts without leading zeros, or IPv6 without a zone. */
function read(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
	if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
	// The library also takes zones, and groups of more than four digits.
	if (
		text.length <= 45 &&
		/^[0-9a-f:.]+$/i.test(text) &&
		!/[0-9a-f]{5}/i.test(text) &&
		ipaddr.IPv6.isValid(text)
	) {
		return ipaddr.IPv6.parse(text);
	}
	return undefined;
}

/** What an address is that is not one machine's; undefined for those that are. */
function special(parsed: ipaddr.IPv4 | ipaddr.IPv6): string | undefined {
	switch (parsed.range()) {
		case "unspecified":
			return "means no address";
		case "broadcast":
			return "is the broadcast address";
		case "multicast":
			return "is a multicast address";
		case "loopback":
			return "is a loopback address";
		case "ipv4Mapped":
			return "is an IPv4 address written as IPv6";
		default:
			return undefined;
	}
}

/** The address of one machine, without prefix length: a next hop, a gateway, a neighbour. */
export function parseAddress(text: string): Parsed<Address> {
	const slash = text.indexOf("/");
	const parsed = read(slash === -1 ? text : text.slice(0, slash));
	if (parsed === undefined) return { problem: `${quote(text)} is no IPv4 or IPv6 address` };
	if (slash !== -1) {
		const hint = `write \`${text.slice(0, slash)}\``;
		return { problem: `${quote(text)} has a prefix length, which does not belong here`, hint };
	}
	const kind = special(parsed);
	return kind === undefined ? { value: fromParsed(parsed) } : { problem: `${quote(text)} ${kind}` };
}

/** An address and its length, neither judged by what it is for. */
function readPrefix(text: string): Parsed<{ parsed: ipaddr.IPv4 | ipaddr.IPv6; length: number }> {
	const slash = text.indexOf("/");
	const parsed = read(slash === -1 ? text : text.slice(0, slash));
	if (parsed === undefined) return { problem: `${quote(text)} is no IPv4 or IPv6 address` };
	if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress())
		return { problem: `${quote(text)} is an IPv4 address written as IPv6`, hint: "write it as IPv4" };
	const family = parsed instanceof ipaddr.IPv6 ? 6 : 4;
	if (slash === -1) {
		const hint = `for example \`${text}/${family === 4 ? 24 : 64}\`; of one address alone, \`/${width(family)}\``;
		return { problem: `${quote(text)} has no prefix length`, hint };
	}
	const digits = text.slice(slash + 1);
	if (!/^(?:0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > width(family)) {
		const problem = `${quote(digits)} is no prefix length of ${familyName(family)}`;
		return { problem, hint: `a whole number up to ${width(family)}` };
	}
	return { value: { parsed, length: Number(digits) } };
}

/** The network that an address is in. */
export function subnetOf(address: Address, length: number): Prefix {
	const host = BigInt(width(address.family) - length);
	const network = fromBits(address.family, (address.bits >> host) << host);
	return { family: address.family, network, length, text: `${network.text}/${length}` };
}

/** A route's destination. Bits after the prefix are cleared; `cleared` says whether there were any. */
export function parsePrefix(text: string): Parsed<Prefix & { cleared: boolean }> {
	const result = readPrefix(text);
	if ("problem" in result) return result;
	const address = fromParsed(result.value.parsed);
	const prefix = subnetOf(address, result.value.length);
	return { value: { ...prefix, cleared: prefix.network.bits !== address.bits } };
}

/** An address that an interface can have, with its prefix length. */
export function parseInterfaceAddress(text: string): Parsed<InterfaceAddress> {
	const result = readPrefix(text);
	if ("problem" in result) return result;
	const { parsed, length } = result.value;
	const address = fromParsed(parsed);
	const kind = special(parsed) ?? (length === 0 ? "has prefix length 0, which is every address" : undefined);
	if (kind !== undefined) return { problem: `${quote(text)} ${kind}` };
	const subnet = subnetOf(address, length);
	const own = ownedByNetwork(address, subnet);
	if (own !== undefined)
		return { problem: `${quote(text)} is the ${own} of ${subnet.text}`, hint: "give an address within it" };
	return { value: { ...address, subnet, withLength: `${address.text}/${length}` } };
}

/** The first and last address of a network are no interface's (RFC 3021 excepts /31; RFC 4291, 2.6.1). */
export function ownedByNetwork(address: Address, { network, length }: Prefix): string | undefined {
	const host = width(address.family) - length;
	if (host < 2) return undefined;
	if (address.bits === network.bits)
		return address.family === 4 ? "network address" : "subnet-router anycast address";
	const last = network.bits + (1n << BigInt(host)) - 1n;
	return address.family === 4 && address.bits === last ? "broadcast address" : undefined;
}

const LINK_LOCAL = subnetOf(fromParsed(ipaddr.IPv6.parse("fe80::")), 10);

/** fe80::/10, which is on every link and thus in no particular subnet. */
export function isLinkLocal(address: Address): boolean {
	return (
		address.family === 6 && subnetOf(address, LINK_LOCAL.length).network.bits === LINK_LOCAL.network.bits
	);
}
