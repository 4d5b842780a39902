import { type Action, byAction, type Counts } from "../../../lib/stats/counts.js";
import type { Reading } from "../../../lib/stats/reading.js";

/** Counts of a built-in program; what is not named is 0. */
export function counted(actions: Partial<Record<Action, [packets: number, bytes: number]>>): Counts {
	const rows = byAction((action) => {
		const [packets, bytes] = actions[action] ?? [0, 0];
		return { packets, bytes };
	});
	const sum = (what: "packets" | "bytes") => Object.values(rows).reduce((all, row) => all + row[what], 0);
	return { actions: rows, total: { packets: sum("packets"), bytes: sum("bytes") }, lost: null };
}

/** A reading of r1:uno, which runs `fib` of its lab. */
export function reading(more: Partial<Reading> = {}): Reading {
	return {
		lab: "demo",
		interface: "r1:uno",
		ifindex: 100_000,
		program: { name: "fib", id: 12, tag: "0123456789abcdef", mode: "native", lab: "demo" },
		source: { kind: "map", map: 5, port: 0 },
		counts: counted({}),
		at: 0,
		...more,
	};
}
