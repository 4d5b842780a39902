/** Integers of any width and sign, as a topology writes them and as memory has them. */

/** What a value says as an integer: a number, or a text of digits where it is too long for one. */
export function toInteger(value: unknown): bigint | undefined {
	if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
	if (typeof value !== "string" || !/^[-+]?(?:\d+|0x[\da-f]+|0o[0-7]+|0b[01]+)$/i.test(value))
		return undefined;
	const negative = value.startsWith("-");
	const magnitude = BigInt(value.replace(/^[-+]/, ""));
	return negative ? -magnitude : magnitude;
}

/** The least and the greatest value of so many bits. */
export function rangeOf(bits: number, signed: boolean): [least: bigint, greatest: bigint] {
	const width = BigInt(bits);
	return signed ? [-(1n << (width - 1n)), (1n << (width - 1n)) - 1n] : [0n, (1n << width) - 1n];
}

/** Bytes in the host's order, or in the network's. @param size in bytes */
export function integerBytes(value: bigint, size: number, network = false): Buffer {
	const bytes = Buffer.alloc(size);
	let rest = BigInt.asUintN(8 * size, value);
	for (let i = 0; i < size; i++, rest >>= 8n) bytes[network ? size - 1 - i : i] = Number(rest & 0xffn);
	return bytes;
}

/** The number in a bit-field of little-endian memory: so many bits from an offset in bits. */
export function readBits(bytes: Buffer, offset: number, bits: number, signed: boolean): bigint {
	let value = 0n;
	for (let i = bits - 1; i >= 0; i--) {
		const at = offset + i;
		value = (value << 1n) | BigInt(((bytes[at >> 3] ?? 0) >> (at & 7)) & 1);
	}
	return signed ? BigInt.asIntN(bits, value) : value;
}

/** Sets a bit-field of little-endian memory: so many bits from an offset in bits. */
export function setBits(bytes: Buffer, offset: number, bits: number, value: bigint): void {
	for (let i = 0; i < bits; i++) {
		const at = offset + i;
		const mask = 1 << (at & 7);
		const byte = bytes[at >> 3] ?? 0;
		bytes[at >> 3] = (value >> BigInt(i)) & 1n ? byte | mask : byte & ~mask;
	}
}
