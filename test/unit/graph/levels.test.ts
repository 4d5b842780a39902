import { expect, test } from "vitest";
import { levels } from "../../../lib/graph/levels.js";
import type { Graph } from "../../../lib/graph/model.js";

/** The columns of a graph that is given by its lines: `a-b b-c`. */
function columns(lines: string): Record<string, number> {
	const pairs = lines.split(" ").map((line) => line.split("-") as [string, string]);
	const names = [...new Set(pairs.flat())];
	const graph: Graph = {
		lab: "test",
		namespaces: names.map((name) => ({
			name,
			host: false,
			forwarding: null,
			addresses: [],
			gone: false,
			drift: [],
			ends: [],
		})),
		pairs: pairs.map(([a, b]) => ({
			ends: [
				{ namespace: a, interface: "x" },
				{ namespace: b, interface: "y" },
			],
		})),
		drift: [],
	};
	return Object.fromEntries(levels(graph));
}

test.each([
	["a pair goes from left to right", "a-b", { a: 0, b: 1 }],
	["a router stands between its two hosts", "r-a r-b", { a: -1, r: 0, b: 1 }],
	["a hub has half of its hosts on each side", "r-a r-b r-c r-d", { a: -1, b: -1, r: 0, c: 1, d: 1 }],
	["a chain is a chain", "a-r r-s s-t t-b", { a: -1, r: 0, s: 1, t: 2, b: 3 }],
	[
		"a triangle of routers has one in front",
		"a-r b-s c-t r-s r-t s-t",
		{ a: -1, r: 0, s: 1, t: 1, b: 2, c: 2 },
	],
	[
		"the spines of a Clos network share a column",
		"s-x s-y s-z t-x t-y t-z x-a y-b z-c",
		{ s: 0, t: 0, x: 1, y: 1, z: 1, a: 2, b: 2, c: 2 },
	],
	["parts that are not connected begin side by side", "a-b c-d", { a: 0, b: 1, c: 0, d: 1 }],
	["two lines between the same two count once", "a-b a-b", { a: 0, b: 1 }],
])("%s", (_, lines, expected) => {
	expect(columns(lines)).toEqual(expected);
});
