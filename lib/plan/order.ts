import { idOf, type LabObject } from "./object.js";

/**
 * Sorts objects so that each comes after what contains it and what it needs. Objects of one depth
 * stay in the order given, so that equal work comes together and a plan reads the same every time.
 * @param others objects that are not sorted but through which dependencies may lead
 */
export function byDependency(objects: readonly LabObject[], others: readonly LabObject[]): LabObject[] {
	const known = new Map([...others, ...objects].map((object) => [idOf(object), object]));
	const depths = new Map<string, number>();
	const depth = (id: string): number => {
		const found = depths.get(id);
		if (found !== undefined) return found;
		depths.set(id, 0); // a cycle ends here: two peers that each wait for the other
		const object = known.get(id);
		let deepest = -1;
		for (const before of object ? [...object.within, ...object.needs] : [])
			if (known.has(before)) deepest = Math.max(deepest, depth(before));
		depths.set(id, deepest + 1);
		return deepest + 1;
	};
	return objects
		.map((object, i) => ({ object, i, depth: depth(idOf(object)) }))
		.sort((a, b) => a.depth - b.depth || a.i - b.i)
		.map(({ object }) => object);
}
