import { describe, expect, test } from "vitest";
import { byId, deepEqual, idOf, type LabObject } from "../../../lib/plan/object.js";
import { byDependency } from "../../../lib/plan/order.js";
import { object } from "./object.js";

describe("by dependency,", () => {
	test.each<[title: string, objects: LabObject[], others: LabObject[], order: string]>([
		["equals keep their order", [object("x b"), object("x a"), object("x c")], [], "b a c"],
		[
			"a container comes before what it contains",
			[object("x b", { within: ["x a"] }), object("x a")],
			[],
			"a b",
		],
		["a need comes before who needs it", [object("x b", { needs: ["x a"] }), object("x a")], [], "a b"],
		[
			"objects of one depth come together",
			[object("x a"), object("x b", { within: ["x a"] }), object("x c"), object("x d", { within: ["x c"] })],
			[],
			"a c b d",
		],
		["what is not there is no dependency", [object("x b", { needs: ["x none"] }), object("x a")], [], "b a"],
		[
			"the longest way counts",
			[
				object("x d", { needs: ["x a", "x c"] }),
				object("x c", { needs: ["x b"] }),
				object("x b", { needs: ["x a"] }),
				object("x a"),
			],
			[],
			"a b c d",
		],
		[
			"a dependency may lead through what is not sorted",
			[object("x c", { within: ["x b"] }), object("x a")],
			[object("x b", { within: ["x a"] })],
			"a c",
		],
		[
			"a circle ends somewhere",
			[object("x a", { needs: ["x b"] }), object("x b", { needs: ["x a"] }), object("x c")],
			[],
			"c b a",
		],
		["an object may need itself", [object("x a", { needs: ["x a"] }), object("x b")], [], "b a"],
	])("%s", (_, objects, others, order) => {
		expect(
			byDependency(objects.map(idOf), byId([...others, ...objects]))
				.map((id) => id.replace("x ", ""))
				.join(" "),
		).toBe(order);
	});

	test("nothing is lost or made up, and a chain is sorted from either end", () => {
		const chain = Array.from({ length: 500 }, (_, i) => object(`x ${i}`, { needs: i ? [`x ${i - 1}`] : [] }));
		expect(byDependency(chain.map(idOf).toReversed(), byId(chain))).toEqual(chain.map(idOf));
	});
});

describe("deepEqual", () => {
	test.each<[unknown, unknown, boolean]>([
		[1, 1, true],
		[Number.NaN, Number.NaN, true],
		[0, "0", false],
		[null, undefined, false],
		[null, {}, false],
		[{}, { a: undefined }, true],
		[{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
		[{ a: { b: [1, 2] } }, { a: { b: [1, 2] } }, true],
		[[1, 2], [2, 1], false],
		[[1], [1, 2], false],
		[[], {}, false],
		[[undefined], [], true],
	])("of %j and %j is %j", (a, b, equal) => {
		expect(deepEqual(a, b)).toBe(equal);
		expect(deepEqual(b, a)).toBe(equal);
	});
});
