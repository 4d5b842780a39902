import { type Graph, type Neighbors, neighborsOf } from "./model.js";

/**
 * In which column each namespace goes, so that packets go through the picture from left to right: those
 * that connect others by their distance from one at the rim, and those at the end of a single line beside
 * what they hang on. Each connected part has a rim of its own.
 */
export function levels(graph: Graph): Map<string, number> {
	const all = neighborsOf(graph);
	const result = new Map<string, number>();
	for (const start of all.keys()) {
		if (result.has(start)) continue;
		const part = [...distances([start], all).keys()];
		const core = new Set(part.filter((name) => (all.get(name)?.size ?? 0) > 1));
		// Two that have only each other, or one on its own.
		const inner = core.size > 0 ? core : new Set(part);
		const [first = start] = part.filter((name) => inner.has(name));
		const within = new Map([...inner].map((name) => [name, only(all.get(name), inner)]));
		const starts = spines(inner, all) ?? [rim(first, within)];
		for (const [name, level] of distances(starts, within)) result.set(name, level);
		placeLeaves(inner, all, result);
	}
	return result;
}

/** To the right; of the leftmost to the left, and of one that connects nothing but these, half of them. */
function placeLeaves(inner: ReadonlySet<string>, all: Neighbors, result: Map<string, number>): void {
	for (const name of inner) {
		const level = result.get(name) ?? 0;
		const leaves = [...(all.get(name) ?? [])].filter((leaf) => !inner.has(leaf));
		const left = level > 0 ? 0 : inner.size > 1 ? leaves.length : Math.floor(leaves.length / 2);
		leaves.forEach((leaf, i) => {
			result.set(leaf, i < left ? level - 1 : level + 1);
		});
	}
}

/** Several that all connect the same ones, three or more, as the spines of a Clos network do. */
function spines(inner: ReadonlySet<string>, all: Neighbors): string[] | undefined {
	const groups = new Map<string, string[]>();
	for (const name of inner) {
		const neighbors = all.get(name) ?? new Set();
		if (neighbors.size < 3 || ![...neighbors].every((one) => inner.has(one))) continue;
		const key = [...neighbors].sort().join(" ");
		groups.set(key, [...(groups.get(key) ?? []), name]);
	}
	return [...groups.values()].find(({ length }) => length > 1);
}

function only(names: ReadonlySet<string> = new Set(), of: ReadonlySet<string>): Set<string> {
	return new Set([...names].filter((name) => of.has(name)));
}

/** One that is as far from another as any, found in two sweeps; of equals the first in the file. */
function rim(start: string, neighbors: Neighbors): string {
	const [far] = farthest(start, neighbors);
	const [other, distance] = farthest(far, neighbors);
	return [start, far, other].find((name) => farthest(name, neighbors)[1] === distance) ?? start;
}

function farthest(start: string, neighbors: Neighbors): [string, number] {
	let last: [string, number] = [start, 0];
	for (const entry of distances([start], neighbors)) if (entry[1] > last[1]) last = entry;
	return last;
}

/** Breadth first. */
function distances(starts: readonly string[], neighbors: Neighbors): Map<string, number> {
	const found = new Map(starts.map((start) => [start, 0]));
	// A map's iterator also visits what is added on the way.
	for (const [name, level] of found)
		for (const next of neighbors.get(name) ?? []) if (!found.has(next)) found.set(next, level + 1);
	return found;
}
