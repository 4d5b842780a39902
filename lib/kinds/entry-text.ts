/** Keys and values of maps as the kernel has them, in the notation of the topology file. */
import type { Btf, TypeId } from "../btf/btf.js";
import { type Notation, textOfUntyped, textOfValue } from "../btf/decode.js";
import type { Encoded } from "../btf/encoded.js";
import { textOfIp } from "../netlink/ip.js";
import { LPM_TRIE, mapType } from "../programs/maps.js";
import type { Snapshot } from "../snapshot/snapshot.js";
import type { MapTypes } from "../snapshot/types.js";

/** Who is behind a number: names of the lab. */
export interface Names {
	/** The interface that has an ifindex. */
	interfaceOf(ifindex: number): string | undefined;
	/** The program that has an id. */
	programOf(id: number): string | undefined;
}

export function namesIn({ endByIndex }: Snapshot, programs: ReadonlyMap<string, { id: number }>): Names {
	return {
		interfaceOf: (ifindex) => endByIndex.get(ifindex),
		programOf: (id) => [...programs].find(([, program]) => program.id === id)?.[0],
	};
}

/** The value that the file gives, and how it writes it, if it does. */
interface Wanted {
	text?: string | undefined;
	value?: Encoded | undefined;
}

/** What is longer is shown as its bytes, as a value that the file writes in many words. */
const SHOWN = 60;

/** The value of an entry. @param hex the bytes; of a per-CPU map, of all CPUs where they differ */
export function textOfEntryValue(
	{ type, valueSize, types }: MapTypes,
	hex: string,
	wanted: Wanted,
	names: Names,
): string {
	const bytes = Buffer.from(hex, "hex");
	const { redirects, perCpu } = mapType(type);
	if (redirects) return textOfTarget(redirects, bytes, names);
	const notation = notationOf(wanted, names);
	const one = (part: Buffer) =>
		types ? textOfValue(types.btf, types.value, part, notation) : textOfUntyped(part, notation);
	if (!perCpu || bytes.length === valueSize) return short(one(bytes), hex);
	const count = bytes.length / valueSize;
	const all = Array.from({ length: count }, (_, cpu) =>
		one(bytes.subarray(cpu * valueSize, (cpu + 1) * valueSize)),
	);
	return `${short(`[${all.join(", ")}]`, hex)} by CPU`;
}

/** A key that the file does not name. @param hex its bytes @param like a key that the file names */
export function textOfKey({ type, types }: MapTypes, hex: string, like?: string): string {
	const bytes = Buffer.from(hex, "hex");
	if (type === LPM_TRIE && [8, 20].includes(bytes.length))
		return `${textOfIp(bytes.subarray(4))}/${bytes.readUInt32LE()}`;
	const notation = like === undefined ? {} : { like };
	return short(
		types ? textOfValue(types.btf, types.key, bytes, notation) : textOfUntyped(bytes, notation),
		hex,
	);
}

/** A value of the global variables, of which only what is set to is known. */
export function textOfVariable(
	{ btf, type }: { btf: Btf; type: TypeId },
	hex: string,
	wanted: Wanted,
	names: Names,
): string | undefined {
	// A long value is remembered by its hash.
	if (btf.sizeOf(type) !== hex.length / 2) return undefined;
	return short(textOfValue(btf, type, Buffer.from(hex, "hex"), notationOf(wanted, names)), hex);
}

function notationOf({ text, value }: Wanted, names: Names): Notation {
	const slots = new Set(value?.ifindexes?.map(({ at }) => at));
	return {
		...(text !== undefined && { like: text }),
		interfaceAt: (offset, ifindex) => (slots.has(offset) ? names.interfaceOf(ifindex) : undefined),
	};
}

/** struct bpf_devmap_val and bpf_cpumap_val of <linux/bpf.h>: an ifindex or the length of a queue, and a program's id. */
function textOfTarget(kind: "devmap" | "cpumap", bytes: Buffer, names: Names): string {
	const number = bytes.readUInt32LE();
	const first = (kind === "devmap" ? names.interfaceOf(number) : undefined) ?? String(number);
	const id = bytes.length === 8 ? bytes.readUInt32LE(4) : 0;
	if (id === 0) return first;
	const field = kind === "devmap" ? "ifindex" : "qsize";
	return `{ ${field}: ${first}, program: ${names.programOf(id) ?? `#${id}`} }`;
}

function short(text: string, hex: string): string {
	return text.length > SHOWN ? `0x${hex}` : text;
}
