import { expect, test } from "vitest";
import { COUNTERS_SIZE, sumCounters } from "../../../lib/stats/counters.js";
import { vethCounts } from "../../../lib/stats/veth.js";

/** A `struct counters` a CPU, from packets and bytes by action. */
function counters(...cpus: [packets: bigint, bytes: bigint][][]): Buffer {
	return Buffer.concat(
		cpus.map((actions) => {
			const entry = Buffer.alloc(COUNTERS_SIZE);
			for (const [i, [packets, bytes]] of actions.entries()) {
				entry.writeBigUInt64LE(packets, 16 * i);
				entry.writeBigUInt64LE(bytes, 16 * i + 8);
			}
			return entry;
		}),
	);
}

test("what the CPUs counted is added up by action", () => {
	const one = [0n, 1n, 2n, 3n, 4n].map((n): [bigint, bigint] => [n, 100n * n]);
	const other = [1n, 0n, 0n, 0n, 5n].map((n): [bigint, bigint] => [n, 60n * n]);
	expect(sumCounters(counters(one, other, []))).toEqual({
		actions: {
			XDP_ABORTED: { packets: 1, bytes: 60 },
			XDP_DROP: { packets: 1, bytes: 100 },
			XDP_PASS: { packets: 2, bytes: 200 },
			XDP_TX: { packets: 3, bytes: 300 },
			XDP_REDIRECT: { packets: 9, bytes: 700 },
		},
		total: { packets: 16, bytes: 1360 },
		lost: null,
	});
});

test("a count beyond 32 bits is exact", () => {
	const { total } = sumCounters(counters([[2n ** 32n + 1n, 2n ** 52n + 1n]]));
	expect(total).toEqual({ packets: 2 ** 32 + 1, bytes: 2 ** 52 + 1 });
});

test("of a veth, all queues are added up, and XDP_PASS is what is left over", () => {
	expect(
		vethCounts([
			["peer_ifindex", 7],
			["rx_queue_0_xdp_packets", 100],
			["rx_queue_0_xdp_bytes", 9000],
			["rx_queue_0_drops", 1],
			["rx_queue_0_xdp_redirect", 20],
			["rx_queue_0_xdp_drops", 30],
			["rx_queue_0_xdp_tx", 4],
			["rx_queue_0_xdp_tx_errors", 2],
			["rx_queue_11_xdp_packets", 10],
			["rx_queue_11_xdp_bytes", 500],
			["rx_queue_11_drops", 0],
			["rx_queue_11_xdp_redirect", 10],
			["tx_queue_0_xdp_xmit", 1000],
			["rx_pp_alloc_fast", 1000],
		]),
	).toEqual({
		actions: {
			XDP_ABORTED: null,
			XDP_DROP: { packets: 30, bytes: null },
			XDP_PASS: { packets: 43, bytes: null },
			XDP_TX: { packets: 6, bytes: null },
			XDP_REDIRECT: { packets: 30, bytes: null },
		},
		total: { packets: 110, bytes: 9500 },
		lost: 1,
	});
});

test("a veth that is read while it counts does not come out below zero", () => {
	const counts = vethCounts([
		["rx_queue_0_xdp_packets", 64],
		["rx_queue_0_xdp_redirect", 128],
	]);
	expect(counts?.actions.XDP_PASS).toEqual({ packets: 0, bytes: null });
});

test("the statistics of another driver are not taken for a veth's", () => {
	expect(vethCounts([["rx_packets", 5]])).toBeUndefined();
	expect(vethCounts([])).toBeUndefined();
});
