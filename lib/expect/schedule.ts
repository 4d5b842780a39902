import type { Expectation, Topology } from "../topology/topology.js";

/** Indexes of expectations: those of a batch are tried side by side, the batches one after the other. */
export type Lane = number[][];

/** Lanes run side by side. */
const LANES = 4;
const BATCH = 4;

/**
 * The expectations that may be tried at the same time without one being counted for another. Traffic,
 * with its replies and whatever strays, stays among the namespaces that pairs of the lab connect;
 * within such an island, one that looks at counters or listens on a port of its own is tried alone.
 * @param chosen indexes of the expectations to try
 * @param lost indexes of those whose traffic is known to be lost: they are tried first, whatever they count
 */
export function schedule(
	{ expect, veths }: Pick<Topology, "expect" | "veths">,
	chosen: readonly number[] = expect.map((_, i) => i),
	lost: ReadonlySet<number> = new Set(),
): Lane[] {
	const islandOf = islands(veths.map(({ ends: [a, b] }) => [a.namespace, b.namespace]));
	const byIsland = new Map<string, number[]>();
	const lostFirst = chosen.toSorted((a, b) => Number(lost.has(b)) - Number(lost.has(a)));
	for (const i of lostFirst) {
		const island = islandOf(expect[i]?.from.namespace ?? "");
		byIsland.set(island, [...(byIsland.get(island) ?? []), i]);
	}
	const lanes: Lane[] = [];
	[...byIsland.values()].forEach((indexes, i) => {
		const lane = lanes[i % LANES] ?? [];
		lanes[i % LANES] = lane;
		lane.push(...batches(indexes, expect, lost));
	});
	return lanes;
}

/** In the order of the list, as far as it goes: neighbours that may share a batch do. */
function batches(
	indexes: readonly number[],
	expect: readonly Expectation[],
	lost: ReadonlySet<number>,
): Lane {
	const lane: Lane = [];
	let open: { batch: number[]; lost: boolean } | undefined;
	for (const index of indexes) {
		const { actions = {}, port } = expect[index] ?? {};
		const isLost = lost.has(index);
		const alone = (Object.keys(actions).length > 0 && !isLost) || port !== undefined;
		if (!alone && open?.lost === isLost && open.batch.length < BATCH) open.batch.push(index);
		else {
			const batch = [index];
			lane.push(batch);
			open = alone ? undefined : { batch, lost: isLost };
		}
	}
	return lane;
}

/** The name of the island that a namespace is on, by the pairs between namespaces. */
function islands(pairs: readonly (readonly [string, string])[]): (namespace: string) => string {
	const parent = new Map<string, string>();
	const find = (name: string): string => {
		let root = name;
		for (let up = parent.get(root); up !== undefined; up = parent.get(root)) root = up;
		return root;
	};
	for (const [a, b] of pairs) {
		const [one, other] = [find(a), find(b)];
		if (one !== other) parent.set(one, other);
	}
	return find;
}
