/** enum xdp_action of <linux/bpf.h>, in its order and with its names. */
export const ACTIONS = ["XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"] as const;
export type Action = (typeof ACTIONS)[number];

export interface Count {
	packets: number;
	/** Null where nobody counts the bytes of this apart. */
	bytes: number | null;
}

/** What one interface has counted, from whatever it is counted by. */
export interface Counts {
	/** By what the program decided; null where nobody counts that action apart. */
	actions: Record<Action, Count | null>;
	total: Count;
	/** Packets in `total` that are in no action: lost before or after the program decided. Null: not counted. */
	lost: number | null;
}

/** An object with a value for each action. */
export function byAction<T>(value: (action: Action, number: number) => T): Record<Action, T> {
	return Object.fromEntries(ACTIONS.map((action, number) => [action, value(action, number)])) as Record<
		Action,
		T
	>;
}
