import { levels } from "./levels.js";
import { type Graph, neighborsOf } from "./model.js";

/** Where a namespace stands: in which column, and in which of the rows that a long lab is folded into. */
export interface Place {
	column: number;
	row: number;
}

/** As many columns as still can be read side by side. */
const MOST_COLUMNS = 10;
/** From so many namespaces a column, it is no chain but a grid, which a fold would only tangle. */
const THICK = 4;
/** So many columns for each row give a picture that is wider than high, as a screen is. */
const COLUMNS_PER_ROW = 1.5;

/**
 * The places of all namespaces. What packets cross in few steps is one row from left to right; a long
 * chain or ring is folded, every other row running back from right to left, so that neighbours stay
 * neighbours.
 */
export function columns(graph: Graph): Map<string, Place> {
	const byName = levels(graph);
	const count = 1 + Math.max(0, ...byName.values());
	const perLevel = graph.namespaces.length / count;
	if (count <= MOST_COLUMNS || perLevel >= THICK)
		return new Map(Array.from(byName, ([name, column]) => [name, { column, row: 0 }]));
	const width = Math.max(4, Math.round(Math.sqrt(COLUMNS_PER_ROW * count * perLevel)));
	const places = new Map(Array.from(byName, ([name, level]) => [name, fold(level, width)]));
	// What hangs on one namespace alone stays in that one's row.
	for (const [name, neighbors] of neighborsOf(graph)) {
		const [only, another] = neighbors;
		const place = only === undefined || another !== undefined ? undefined : places.get(only);
		if (place) places.set(name, { column: place.column + 1, row: place.row });
	}
	return places;
}

function fold(level: number, width: number): Place {
	const row = Math.floor(level / width);
	const step = level - row * width;
	return { column: row % 2 === 0 ? step : width - 1 - step, row };
}
