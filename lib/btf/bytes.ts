import { bytesOfIp } from "../netlink/ip.js";

/**
 * The bytes that a text stands for where a value is bytes: a MAC, an IPv4 or IPv6 address (in network
 * byte order), or hexadecimal digits (`0xdeadbeef`, `de ad be ef`, `de:ad:be:ef`) in the order of memory.
 * Undefined where it is none of these of that size.
 */
export function parseBytes(text: string, size: number): Buffer | undefined {
	const address = bytesOfIp(text);
	if (address?.length === size) return address;
	const digits = HEX.test(text) ? text.replace(/^0x/i, "").replace(/[ :-]/g, "") : undefined;
	return digits?.length === 2 * size ? Buffer.from(digits, "hex") : undefined;
}

const HEX = /^(?:0x)?[0-9a-f]{2}(?:[ :-]?[0-9a-f]{2})*$/i;

/**
 * A key of an LPM trie, struct bpf_lpm_trie_key of <linux/bpf.h>: the length in bits as `__u32` in the
 * host's byte order, then the address in network byte order with the bits after the prefix cleared.
 */
export function parsePrefixKey(text: string, size: number): Buffer | undefined {
	const [address = "", length = "", another] = text.split("/");
	const bytes = parseBytes(address, size - 4);
	if (!bytes || another !== undefined || !/^\d{1,3}$/.test(length) || Number(length) > 8 * bytes.length)
		return undefined;
	// Hexadecimal digits are an address of no family.
	if (!bytesOfIp(address)) return undefined;
	const bits = Buffer.alloc(4);
	bits.writeUInt32LE(Number(length));
	return maskPrefixKey(Buffer.concat([bits, bytes]));
}

/** The same key with the bits behind the prefix cleared; undefined where there are not as many as it says. */
export function maskPrefixKey(key: Buffer): Buffer | undefined {
	const length = key.readUInt32LE();
	if (length > 8 * (key.length - 4)) return undefined;
	return Buffer.from(
		key.map((byte, i) => {
			const kept = Math.min(8, Math.max(0, length - 8 * (i - 4)));
			return i < 4 ? byte : byte & (0xff00 >> kept);
		}),
	);
}
