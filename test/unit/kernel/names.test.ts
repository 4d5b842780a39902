import { describe, expect, test } from "vitest";
import { markOf } from "../../../lib/kernel/lab.js";
import { readState } from "../../../lib/kernel/state.js";
import { normalizeValue } from "../../../lib/kernel/sysctl.js";

describe("a sysctl's value is compared with its white space folded", () => {
	test.each([
		["1\n", "1"],
		["4096\t131072\t6291456\n", "4096 131072 6291456"],
		["  a   b ", "a b"],
		["", ""],
	])("%j is %j", (value, folded) => {
		expect(normalizeValue(value)).toBe(folded);
	});
});

test("a mark names its lab", () => {
	expect(markOf("three-routers")).toBe("xdp-topology:three-routers");
});

test("a state that is not there is none", () => {
	expect(readState("no-such-lab-as-this")).toBeUndefined();
});
