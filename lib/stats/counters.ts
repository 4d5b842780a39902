import { ACTIONS, byAction, type Counts } from "./counts.js";

/** The map of every built-in program: bpf/counters.h. */
export const COUNTERS_MAP = "counters";

/** `struct counters { struct { __u64 packets, bytes; } action[XDP_REDIRECT + 1]; }` */
export const COUNTERS_SIZE = ACTIONS.length * 16;

/**
 * The sum of what each CPU counted.
 * @param entry a value for each CPU, which begins with `struct counters`
 * @param size of one of these values, in bytes
 */
export function sumCounters(entry: Buffer, size = COUNTERS_SIZE): Counts {
	const sum = (offset: number) => {
		let sum = 0;
		for (let at = offset; at < entry.length; at += size) sum += readU64(entry, at);
		return sum;
	};
	const actions = byAction((_, number) => ({ packets: sum(16 * number), bytes: sum(16 * number + 8) }));
	const rows = Object.values(actions);
	return {
		actions,
		total: {
			packets: rows.reduce((all, { packets }) => all + packets, 0),
			bytes: rows.reduce((all, { bytes }) => all + bytes, 0),
		},
		lost: null,
	};
}

/** Exact up to 2^53: at 100 Gbit/s a counter of bytes takes eight days to get there. */
export function readU64(bytes: Buffer, at: number): number {
	return bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
}
