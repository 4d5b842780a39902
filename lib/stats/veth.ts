import type { Counts } from "./counts.js";

/** veth_rq_stats_desc of drivers/net/veth.c, by queue; what other drivers count is named otherwise. */
const RX_QUEUE = /^rx_queue_\d+_(xdp_packets|xdp_bytes|drops|xdp_redirect|xdp_drops|xdp_tx|xdp_tx_errors)$/;

/**
 * What a veth counts of a program of anybody's, from `ethtool -S`. It has no count of `XDP_PASS`: that is
 * what is left over. `XDP_ABORTED` is counted with `XDP_DROP` (veth_xdp_rcv_one()), and bytes in total
 * only: there those of a packet from a stack lack the Ethernet header, those of a frame from XDP do not.
 * @returns undefined where these are not the statistics of a veth
 */
export function vethCounts(statistics: Iterable<readonly [name: string, value: number]>): Counts | undefined {
	const sums = new Map<string, number>();
	for (const [name, value] of statistics) {
		const what = RX_QUEUE.exec(name)?.[1];
		if (what !== undefined) sums.set(what, (sums.get(what) ?? 0) + value);
	}
	const sum = (name: string) => sums.get(name) ?? 0;
	const packets = sums.get("xdp_packets");
	if (packets === undefined) return undefined;
	// An error is one of sending: the program did say XDP_TX.
	const tx = sum("xdp_tx") + sum("xdp_tx_errors");
	// Redirects that failed are among `drops`, and so is what could not be made an XDP frame.
	const lost = sum("drops");
	// The kernel adds to these one after the other: read in between, the rest may come out below zero.
	const pass = Math.max(0, packets - lost - sum("xdp_drops") - sum("xdp_redirect") - tx);
	const count = (packets: number) => ({ packets, bytes: null });
	return {
		actions: {
			XDP_ABORTED: null,
			XDP_DROP: count(sum("xdp_drops")),
			XDP_PASS: count(pass),
			XDP_TX: count(tx),
			XDP_REDIRECT: count(sum("xdp_redirect")),
		},
		total: { packets, bytes: sum("xdp_bytes") },
		lost,
	};
}
