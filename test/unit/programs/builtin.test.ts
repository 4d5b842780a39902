import { describe, expect, test } from "vitest";
import { BUILTINS, builtin, isBuiltin, type Layout, type Value } from "../../../lib/programs/builtin.js";

const INDEXES = new Map([
	["r:a", 100_000],
	["r:b", 0x01020304],
]);
const ifindexOf = (end: string) => INDEXES.get(end) ?? 0;
const endOf = (index: number) => [...INDEXES].find(([, one]) => one === index)?.[0] ?? "";
function layout(program: keyof typeof BUILTINS, map: string): Layout {
	const { maps, constants } = builtin(program);
	return (map === "constants" ? constants : maps[map]) as Layout;
}
const MACS = { source: "02:00:00:00:00:01", destination: "02:00:00:00:00:02" };

describe("a map's values in bytes, as bpf/*.bpf.c declares them", () => {
	test.each<[program: keyof typeof BUILTINS, map: string, value: Value, bytes: string]>([
		["map", "redirects", { ifindex: "r:a" }, "a0860100"],
		["map", "ports", { ifindex: "r:b" }, "04030201"],
		["fib", "ports", { ifindex: "r:b" }, "04030201"],
		["map", "macs", MACS, "020000000002 020000000001"],
		["hardcoded", "constants", { ifindex: "r:b", ...MACS }, "020000000002 020000000001 04030201"],
	])("%s %s %j", (program, map, value, bytes) => {
		const { encode, decode, size } = layout(program, map);
		const encoded = encode(value, ifindexOf);
		expect(encoded.toString("hex")).toBe(bytes.replaceAll(" ", ""));
		expect(encoded).toHaveLength(size);
		expect(decode(encoded, endOf)).toEqual(value);
	});
});

test.each(Object.entries(BUILTINS))(
	"%s has counters by port, and every map that it fills is one by port",
	(_, one) => {
		const { byPort, maps } = one;
		expect(byPort).toContain("counters");
		for (const map of Object.keys(maps)) expect(byPort).toContain(map);
	},
);

test.each([
	["pass", true],
	["icmp-echo", true],
	["own", false],
	["constructor", false],
	["", false],
])("whether %j is built in: %j", (name, expected) => {
	expect(isBuiltin(name)).toBe(expected);
});
