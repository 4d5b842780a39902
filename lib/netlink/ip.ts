/** IPv4 and IPv6 addresses as 4 or 16 bytes in network order, and as text. */

/** Strictly: four decimal parts without leading zeros, or IPv6 without a zone. Undefined for anything else. */
export function bytesOfIp(text: string): Buffer | undefined {
	return text.includes(":") ? bytesOfIpv6(text) : bytesOfIpv4(text);
}

function bytesOfIpv4(text: string): Buffer | undefined {
	const parts = text.split(".");
	if (parts.length !== 4) return undefined;
	const bytes = Buffer.allocUnsafe(4);
	for (let i = 0; i < 4; i++) {
		const part = parts[i] ?? "";
		if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
		bytes[i] = Number(part);
	}
	return bytes;
}

function bytesOfIpv6(text: string): Buffer | undefined {
	const [before = "", after, ...more] = text.split("::");
	if (more.length) return undefined;
	const head = groupsOf(before, after === undefined);
	const tail = groupsOf(after ?? "", true);
	if (!head || !tail) return undefined;
	// `::` stands for one group at least.
	const zeros = 8 - head.length - tail.length;
	if (after === undefined ? zeros !== 0 : zeros < 1) return undefined;
	const bytes = Buffer.alloc(16);
	let at = 0;
	for (const group of head) at = bytes.writeUInt16BE(group, at);
	at += 2 * zeros;
	for (const group of tail) at = bytes.writeUInt16BE(group, at);
	return bytes;
}

/** Of `fc00:1` or, where the address ends with it, `ffff:10.0.0.1`: numbers of 16 bits. */
function groupsOf(text: string, ends: boolean): number[] | undefined {
	if (text === "") return [];
	const groups: number[] = [];
	const parts = text.split(":");
	for (const [i, part] of parts.entries()) {
		const ipv4 = ends && i === parts.length - 1 && part.includes(".") ? bytesOfIpv4(part) : undefined;
		if (ipv4) groups.push(ipv4.readUInt16BE(0), ipv4.readUInt16BE(2));
		else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
		else return undefined;
	}
	return groups;
}

/** Canonical: RFC 5952 for IPv6, all of it in hexadecimal. */
export function textOfIp(bytes: Uint8Array): string {
	if (bytes.length === 4) return bytes.join(".");
	const groups: number[] = [];
	for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
	const { start, length } = longestZeros(groups);
	const hex = (from: number, to: number) => {
		let text = "";
		for (let i = from; i < to; i++) text += `${i === from ? "" : ":"}${groups[i]?.toString(16)}`;
		return text;
	};
	return length < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
}

/** The first of the longest runs of zeros, which `::` stands for. */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
	const longest = { start: 0, length: 0 };
	for (let i = 0, run = 0; i < groups.length; i++) {
		run = groups[i] === 0 ? run + 1 : 0;
		if (run <= longest.length) continue;
		longest.start = i - run + 1;
		longest.length = run;
	}
	return longest;
}
