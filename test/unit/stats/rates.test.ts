import { expect, test } from "vitest";
import { rates } from "../../../lib/stats/rates.js";
import type { Reading } from "../../../lib/stats/reading.js";
import { vethCounts } from "../../../lib/stats/veth.js";
import { counted, reading } from "./readings.js";

const before = reading({ at: 1000, counts: counted({ XDP_PASS: [10, 1000], XDP_TX: [1, 60] }) });
const after = reading({ at: 1500, counts: counted({ XDP_PASS: [20, 2000], XDP_TX: [1, 60] }) });

test("rates are what came between two readings by the time between them", () => {
	const { period, actions, total } = rates(after, before);
	expect(period).toBe(0.5);
	expect(actions?.XDP_PASS).toEqual({
		packets: 20,
		bytes: 2000,
		packetsPerSecond: 20,
		bitsPerSecond: 16_000,
	});
	expect(actions?.XDP_TX).toEqual({ packets: 1, bytes: 60, packetsPerSecond: 0, bitsPerSecond: 0 });
	expect(total).toEqual({ packets: 21, bytes: 2060, packetsPerSecond: 20, bitsPerSecond: 16_000 });
});

const fewer = counted({ XDP_PASS: [1, 100] });
test.each<[string, Reading | undefined, Partial<Reading>]>([
	["there is no earlier reading", undefined, {}],
	["another program counts since", before, { source: { kind: "map", map: 6, port: 0 } }],
	["the veth counts since, and no longer the program", before, { source: { kind: "veth" } }],
	["the interface was made anew", before, { ifindex: 100_001 }],
	["the counter began anew", before, { counts: fewer }],
	["nobody counted before", reading({ at: 1000, source: null, counts: null }), {}],
])("there are counts and no rates where %s", (_, earlier, now) => {
	const { period, actions } = rates({ ...after, ...now }, earlier);
	expect(period).toBeNull();
	expect(actions?.XDP_PASS).toMatchObject({ packetsPerSecond: null, bitsPerSecond: null });
	expect(actions?.XDP_PASS?.packets).toBeGreaterThan(0);
});

test("a veth's counters go on when the program is replaced", () => {
	const source = { kind: "veth" } as const;
	const counts = (packets: number) => vethCounts([["rx_queue_0_xdp_packets", packets]]) ?? null;
	const then = reading({ at: 0, source, counts: counts(5), program: null });
	const { actions } = rates(reading({ at: 2000, source, counts: counts(9) }), then);
	expect(actions).toMatchObject({
		XDP_ABORTED: null,
		XDP_PASS: { packets: 9, bytes: null, packetsPerSecond: 2, bitsPerSecond: null },
	});
});

test("a remainder that goes back is no negative rate", () => {
	const source = { kind: "veth" } as const;
	const counts = (packets: number, tx: number) =>
		vethCounts([
			["rx_queue_0_xdp_packets", packets],
			["rx_queue_0_xdp_tx", tx],
		]) ?? null;
	const then = reading({ at: 0, source, counts: counts(64, 0) });
	const { actions } = rates(reading({ at: 1000, source, counts: counts(64, 64) }), then);
	expect(actions?.XDP_PASS?.packetsPerSecond).toBe(0);
	expect(actions?.XDP_TX?.packetsPerSecond).toBe(64);
});

test("an interface that nobody counts has no rows", () => {
	const none = reading({ program: null, source: null, counts: null });
	expect(rates(none, before)).toMatchObject({ period: null, actions: null, total: null, lost: null });
});
