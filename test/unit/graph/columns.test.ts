import { describe, expect, test } from "vitest";
import { columns } from "../../../lib/graph/columns.js";
import { graphOfTopology } from "../../../lib/graph/from-topology.js";
import { parseTopology } from "../../../lib/topology/index.js";

/** A ring of routers, or a chain where it is open. */
function routers(count: number, closed: boolean): string {
	const names = Array.from({ length: count }, (_, i) => `r${i}`);
	const pairs = names.slice(0, closed ? count : -1).map((name, i) => {
		const next = names[(i + 1) % count];
		return `  - ${name}:right: 10.${i}.0.1/24\n    ${next}:left: 10.${i}.0.2/24`;
	});
	return `name: lab\nnamespaces: { ${names.map((name) => `${name}: `).join(", ")} }\nveths:\n${pairs.join("\n")}\n`;
}

const placesOf = (text: string) => columns(graphOfTopology(parseTopology(text, "lab.yaml")));

describe("a long lab", () => {
	test.each([
		["a chain", routers(40, false)],
		["a ring", routers(60, true)],
	])("that is %s is folded into rows of a readable width, neighbours side by side", (_, text) => {
		const places = placesOf(text);
		expect(Math.max(...[...places.values()].map(({ column }) => column))).toBeLessThan(12);
		expect(Math.max(...[...places.values()].map(({ row }) => row))).toBeGreaterThan(1);
		for (const { ends } of graphOfTopology(parseTopology(text, "lab.yaml")).pairs) {
			const [a, b] = ends.map((end) => places.get(end?.namespace ?? ""));
			const columnsApart = Math.abs((a?.column ?? 0) - (b?.column ?? 99));
			const rowsApart = Math.abs((a?.row ?? 0) - (b?.row ?? 99));
			expect(columnsApart + rowsApart).toBe(1);
		}
	});

	test("that is short stays in one row", () => {
		expect(new Set([...placesOf(routers(8, false)).values()].map(({ row }) => row))).toEqual(new Set([0]));
	});
});
