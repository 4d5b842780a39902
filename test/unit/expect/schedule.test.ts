import { expect, test } from "vitest";
import { schedule } from "../../../lib/expect/schedule.js";
import { parseTopology } from "../../../lib/topology/parse-topology.js";

/** Islands of two namespaces each; `a` and `b`, `c` and `d`, … */
function lab(islands: number, expectations: string[]) {
	const names = [..."abcdefghijklmnop"].slice(0, 2 * islands);
	const pairs = Array.from({ length: islands }, (_, i) => {
		const [one, other] = names.slice(2 * i, 2 * i + 2);
		return `  - { ${one}:veth: 10.0.${i}.1/24, ${other}:veth: 10.0.${i}.2/24 }\n`;
	});
	const text = `name: x
namespaces: { ${names.map((name) => `${name}: `).join(", ")} }
veths:
${pairs.join("")}expect:
${expectations.map((one) => `  - { ${one} }\n`).join("")}`;
	return parseTopology(text, "x.yaml");
}

const plain = (from: string, to: string) => `ping: { from: ${from}, to: ${to}:veth }`;
const counted = (from: string, to: string) => `${plain(from, to)}, actions: { ${to}:veth: XDP_PASS }`;

test("expectations that count nothing are tried side by side, a few at a time", () => {
	expect(schedule(lab(1, Array(6).fill(plain("a", "b"))))).toEqual([
		[
			[0, 1, 2, 3],
			[4, 5],
		],
	]);
});

test("one that looks at counters is tried alone among those whose traffic may meet it", () => {
	const list = [plain("a", "b"), plain("b", "a"), counted("a", "b"), counted("b", "a"), plain("a", "b")];
	expect(schedule(lab(1, list))).toEqual([[[0, 1], [2], [3], [4]]]);
});

test("so is one that listens on a port of its own, since two cannot", () => {
	const named = "tcp: { from: a, to: b:veth, port: 443 }";
	expect(schedule(lab(1, [plain("a", "b"), named, named]))).toEqual([[[0], [1], [2]]]);
});

test("parts of the lab that no pair connects are tried side by side", () => {
	const list = [counted("a", "b"), counted("c", "d"), counted("b", "a")];
	expect(schedule(lab(2, list))).toEqual([[[0], [2]], [[1]]]);
});

test("no more than four parts at a time", () => {
	const pairs = ["ab", "cd", "ef", "gh", "ij"].map(([a = "", b = ""]) => counted(a, b));
	expect(schedule(lab(5, pairs))).toEqual([[[0], [4]], [[1]], [[2]], [[3]]]);
});

test("nothing expected is nothing to try", () => {
	expect(schedule(lab(1, []))).toEqual([]);
});

test("those that are known to be lost come first and side by side, whatever they count", () => {
	const list = [counted("a", "b"), counted("b", "a"), plain("a", "b"), counted("a", "b")];
	expect(schedule(lab(1, list), [0, 1, 2, 3], new Set([1, 3]))).toEqual([[[1, 3], [0], [2]]]);
});

test("only those are tried that are chosen", () => {
	expect(schedule(lab(1, Array(6).fill(plain("a", "b"))), [1, 4])).toEqual([[[1, 4]]]);
});
