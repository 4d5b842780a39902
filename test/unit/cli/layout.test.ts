import { expect, test } from "vitest";
import { layOut } from "../../../lib/cli/layout.js";

const rows = [
	[["r1:uno", "up"], ["10.0.1.1/24", "fc00::1/64"], ["fib (native)"]],
	[["r1:a", "up"], ["10.0.2.1/24"], []],
];

test("a row is a line where all rows fit", () => {
	expect(layOut(rows, 49, 4)).toEqual([
		["r1:uno  up  10.0.1.1/24  fc00::1/64  fib (native)"],
		["r1:a  up  10.0.2.1/24"],
	]);
});

test("a group that does not fit in one row begins a new line in every row that has it", () => {
	expect(layOut(rows, 48, 4)).toEqual([
		["r1:uno  up  10.0.1.1/24  fc00::1/64", "    fib (native)"],
		["r1:a  up  10.0.2.1/24"],
	]);
	expect(layOut(rows, 34, 4)).toEqual([
		["r1:uno  up", "    10.0.1.1/24  fc00::1/64", "    fib (native)"],
		["r1:a  up", "    10.0.2.1/24"],
	]);
});

test("a group that is longer than a line is broken between its words", () => {
	expect(layOut(rows, 16, 4)[0]).toEqual([
		"r1:uno  up",
		"    10.0.1.1/24",
		"    fc00::1/64",
		"    fib (native)",
	]);
});

test("groups share a line below the first if they fit there", () => {
	expect(layOut([[["a".repeat(20)], ["b"], ["c"]]], 20, 4)).toEqual([["a".repeat(20), "    b  c"]]);
});
