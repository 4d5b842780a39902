import { bytesOfIp, textOfIp } from "../netlink/ip.js";
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

/** The destinations of default routes. */
export const EVERYWHERE: Readonly<Record<Family, string>> = { 4: "0.0.0.0/0", 6: "::/0" };

/** Whether a destination is that of a default route, of either family. */
export function isDefault(to: string): boolean {
	return to === EVERYWHERE[4] || to === EVERYWHERE[6];
}

/** A route's destination for a person: `default route`, `route to 10.2.0.0/24`. */
export function routeTo(to: string): string {
	return isDefault(to) ? "default route" : `route to ${to}`;
}

export const familyName = (family: Family): string => `IPv${family}`;

const width = (family: Family): number => (family === 4 ? 32 : 128);

function fromBytes(bytes: Buffer): Address {
	const bits = BigInt(`0x${bytes.toString("hex")}`);
	return { family: bytes.length === 4 ? 4 : 6, bits, text: textOfIp(bytes) };
}

function fromBits(family: Family, bits: bigint): Address {
	const bytes = Buffer.from(bits.toString(16).padStart(width(family) / 4, "0"), "hex");
	return { family, bits, text: textOfIp(bytes) };
}

/** What an address is that is not one machine's; undefined for those that are. */
function special({ family, bits }: Address): string | undefined {
	const first = bits >> BigInt(width(family) - 8);
	if (family === 6 && bits >> 32n === 0xffffn) return "is an IPv4 address written as IPv6";
	if (family === 6 ? bits === 0n : first === 0n) return "means no address";
	if (family === 4 && bits === 0xffff_ffffn) return "is the broadcast address";
	if (family === 6 ? first === 0xffn : first >> 4n === 0xen) return "is a multicast address";
	if (family === 6 ? bits === 1n : first === 127n) return "is a loopback address";
	return undefined;
}

/** The address of one machine, without prefix length: a next hop, a gateway, a neighbour. */
export function parseAddress(text: string): Parsed<Address> {
	const slash = text.indexOf("/");
	const bytes = bytesOfIp(slash === -1 ? text : text.slice(0, slash));
	if (bytes === undefined) return { problem: `${quote(text)} is no IPv4 or IPv6 address` };
	if (slash !== -1) {
		const hint = `write \`${text.slice(0, slash)}\``;
		return { problem: `${quote(text)} has a prefix length, which does not belong here`, hint };
	}
	const address = fromBytes(bytes);
	const kind = special(address);
	return kind === undefined ? { value: address } : { problem: `${quote(text)} ${kind}` };
}

/** An address and its length, neither judged by what it is for. */
function readPrefix(text: string): Parsed<{ address: Address; length: number }> {
	const slash = text.indexOf("/");
	const bytes = bytesOfIp(slash === -1 ? text : text.slice(0, slash));
	if (bytes === undefined) return { problem: `${quote(text)} is no IPv4 or IPv6 address` };
	const address = fromBytes(bytes);
	const { family, bits } = address;
	if (family === 6 && bits >> 32n === 0xffffn)
		return { problem: `${quote(text)} is an IPv4 address written as IPv6`, hint: "write it as IPv4" };
	if (slash === -1) {
		const hint = `for example \`${text}/${family === 4 ? 24 : 64}\`; of one address alone, \`/${width(family)}\``;
		return { problem: `${quote(text)} has no prefix length`, hint };
	}
	const digits = text.slice(slash + 1);
	if (!/^(?:0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > width(family)) {
		const problem = `${quote(digits)} is no prefix length of ${familyName(family)}`;
		return { problem, hint: `a whole number up to ${width(family)}` };
	}
	return { value: { address, length: Number(digits) } };
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
	const { address, length } = result.value;
	const prefix = subnetOf(address, length);
	return { value: { ...prefix, cleared: prefix.network.bits !== address.bits } };
}

/** Whether a canonical prefix, `10.2.0.0/24`, has an address in it. */
export function covers(prefix: string, address: Address): boolean {
	const [network = "", length] = prefix.split("/");
	const isSameFamily = network.includes(":") === (address.family === 6);
	return isSameFamily && subnetOf(address, Number(length)).text === prefix;
}

/** An address that an interface can have, with its prefix length. */
export function parseInterfaceAddress(text: string): Parsed<InterfaceAddress> {
	const result = readPrefix(text);
	if ("problem" in result) return result;
	const { address, length } = result.value;
	const kind = special(address) ?? (length === 0 ? "has prefix length 0, which is every address" : undefined);
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

/** A prefix of one address: /32 of IPv4, /128 of IPv6. */
export function isHostPrefix({ family, length }: Pick<Prefix, "family" | "length">): boolean {
	return length === width(family);
}

/** fe80::/10, which is on every link and thus in no particular subnet. */
export function isLinkLocal({ family, bits }: Address): boolean {
	return family === 6 && bits >> 118n === 0xfe80n >> 6n;
}
