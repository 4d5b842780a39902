import { describe, expect, test } from "vitest";
import { hostFlags } from "../../../lib/build/compile.js";
import { abridge } from "../../../lib/build/diagnostics.js";

const warning = (i: number) => `a.c:${i}:1: warning: unused ${i} [-Wunused]\n  int v${i};\n      ^`;
const error = (i: number) => `a.c:${i}:1: error: no ${i}\n  v${i};\n  ^\nb.h:${i}:1: note: declared here`;
const many = (count: number, one: (i: number) => string) => Array.from({ length: count }, (_, i) => one(i));

describe("what clang says", () => {
	test("stays as it is while it is short", () => {
		const text = [...many(3, warning), error(1), "3 warnings and 1 error generated."].join("\n");
		expect(abridge(`${text}\n`)).toBe(text);
		expect(abridge("")).toBe("");
	});

	test("keeps the errors behind very many warnings, in the order of the text", () => {
		const included = "In file included from a.c:1:\nIn file included from b.h:2:";
		const last = "1000 warnings and 2 errors generated.";
		const text = [...many(500, warning), error(1), `${included}\n${error(2)}`, ...many(500, warning), last];
		const lines = abridge(text.join("\n")).split("\n");
		const at = (line: string) => lines.indexOf(line);
		expect([at("a.c:1:1: error: no 1"), at("a.c:2:1: error: no 2")]).not.toContain(-1);
		expect(lines.slice(at("a.c:2:1: error: no 2") - 2, at("a.c:2:1: error: no 2"))).toEqual(
			included.split("\n"),
		);
		expect(at("a.c:1:1: error: no 1")).toBeLessThan(at("a.c:2:1: error: no 2"));
		expect(lines).toContain(last);
		const shown = lines.length - 1;
		expect(lines.at(-1)).toBe(`(${text.join("\n").split("\n").length - shown} more lines of clang's)`);
	});

	test.each([
		["errors", many(5000, error).join("\n")],
		["warnings", many(5000, warning).join("\n")],
		["one line", `a.c:1:1: error: no\n${"x".repeat(1e6)}`],
		["notes of one error", `a.c:1:1: error: no\n${many(5000, (i) => `a.c:${i}:1: note: here`).join("\n")}`],
		["lines of nothing known", many(5000, String).join("\n")],
		["long lines", many(500, (i) => `a.c:${i}:1: error: ${"ü".repeat(1000)}`).join("\n")],
	])("is bounded in lines and bytes: %s", (_, text) => {
		const short = abridge(text);
		expect(short.split("\n").length).toBeLessThanOrEqual(61);
		expect(Buffer.byteLength(short)).toBeLessThanOrEqual(20_000);
		expect(short.startsWith(text.slice(0, 5))).toBe(true);
	});
});

test.each<[NodeJS.Architecture, string]>([
	["x64", "-D__x86_64__"],
	["arm64", "-D__aarch64__"],
	["riscv64", "-D__riscv_xlen=64"],
	["ppc64", "-D_CALL_ELF=2"],
])("headers of the C library on %s are told the architecture", (arch, flag) => {
	expect(hostFlags(arch)).toContain(flag);
});
