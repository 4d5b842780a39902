import { type Action, byAction, type Count, type Counts } from "./counts.js";
import type { Reading } from "./reading.js";

/** A count and how fast it grows. */
export interface Row extends Count {
	/** Null where there is no period. */
	packetsPerSecond: number | null;
	/** Null where there is no period, or the bytes are not counted apart. */
	bitsPerSecond: number | null;
}

/** What one interface has counted, and how fast. */
export interface InterfaceStats extends Omit<Reading, "counts" | "at"> {
	/**
	 * Seconds that the rates are taken over. Null where there is nothing to compare with: nobody counts, or
	 * somebody else does since, or the counter began anew.
	 */
	period: number | null;
	/** By what the program decided; an action is null where nobody counts it apart. */
	actions: Record<Action, Row | null> | null;
	total: Row | null;
	/** Packets in `total` that are in no action; null where nobody counts them. */
	lost: number | null;
}

/** Compares a reading with an earlier one of the same interface. */
export function rates({ counts, at, ...reading }: Reading, before: Reading | undefined): InterfaceStats {
	if (!counts) return { ...reading, period: null, actions: null, total: null, lost: null };
	const earlier = before && isContinued(before, { counts, at, ...reading }) ? before.counts : null;
	const period = before && earlier ? (at - before.at) / 1000 : null;
	const row = (now: Count, then: Count | null | undefined): Row => ({
		...now,
		packetsPerSecond: perSecond(now.packets, then?.packets, period),
		bitsPerSecond: perSecond(now.bytes, then?.bytes, period, 8),
	});
	return {
		...reading,
		period,
		actions: byAction((action) => {
			const now = counts.actions[action];
			return now && row(now, earlier?.actions[action]);
		}),
		total: row(counts.total, earlier?.total),
		lost: counts.lost,
	};
}

function perSecond(
	now: number | null,
	then: number | null | undefined,
	period: number | null,
	unit = 1,
): number | null {
	if (now === null || then === null || then === undefined || period === null) return null;
	// A remainder may go back by a few: vethCounts().
	return (Math.max(0, now - then) * unit) / period;
}

/** Whether both are of one counter, and it did not begin anew in between. */
function isContinued(before: Reading, now: Reading & { counts: Counts }): boolean {
	const { source } = now;
	if (!before.counts || before.source?.kind !== source?.kind || before.ifindex !== now.ifindex) return false;
	if (before.source?.kind === "map" && source?.kind === "map" && before.source.map !== source.map)
		return false;
	return now.at > before.at && now.counts.total.packets >= before.counts.total.packets;
}
