import type { Objects } from "./object.js";

/**
 * Sorts objects so that each comes after what contains it and what it needs. Objects of one depth
 * stay in the order given, so that equal work comes together and a plan reads the same every time.
 * @param ids what to sort
 * @param known these and others: dependencies may lead through what is not sorted
 */
export function byDependency(ids: readonly string[], known: Objects): string[] {
	const depths = new Map<string, number>();
	const depth = (id: string): number => {
		const found = depths.get(id);
		if (found !== undefined) return found;
		depths.set(id, 0); // a cycle ends here: two peers that each wait for the other
		const object = known.get(id);
		let deepest = -1;
		for (const list of object ? [object.within, object.needs] : [])
			for (const before of list) if (known.has(before)) deepest = Math.max(deepest, depth(before));
		depths.set(id, deepest + 1);
		return deepest + 1;
	};
	const layers: string[][] = [];
	for (const id of ids) {
		const at = depth(id);
		const layer = layers[at];
		if (layer) layer.push(id);
		else layers[at] = [id];
	}
	return layers.flat();
}
