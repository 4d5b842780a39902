import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Variable, variables } from "../../../lib/btf/variables.js";

interface Type {
	id: number;
	kind: string;
	name: string;
	vars?: { type_id: number; offset: number; size: number }[];
}

/** The variables of a section as bpftool(8) reads them. */
function byBpftool(object: string, section: string): Map<string, Variable> {
	const text = execFileSync("bpftool", ["-j", "btf", "dump", "file", object], { encoding: "utf8" });
	const { types } = JSON.parse(text) as { types: Type[] };
	const names = new Map(types.map(({ id, name }) => [id, name]));
	const found = types.find(({ kind, name }) => kind === "DATASEC" && name === section);
	return new Map(
		(found?.vars ?? []).map(({ type_id, offset, size }) => [names.get(type_id) ?? "", { offset, size }]),
	);
}

/** The section `.BTF` of an object. */
function btfOf(object: string): Buffer {
	const directory = mkdtempSync("/tmp/xdp-topology-");
	try {
		const out = join(directory, "btf");
		execFileSync("llvm-objcopy", [`--dump-section=.BTF=${out}`, object, "/dev/null"]);
		return readFileSync(out);
	} finally {
		rmSync(directory, { recursive: true });
	}
}

describe("the variables of a section are those that bpftool sees", () => {
	test.each(["fib", "hardcoded", "map", "pass", "drop", "icmp-echo"])("%s.bpf.o", (name) => {
		const object = `dist/bpf/${name}.bpf.o`;
		const found = variables(btfOf(object), ".rodata");
		expect(found).toEqual(byBpftool(object, ".rodata"));
		expect(found.get("first_ifindex")).toEqual({ offset: expect.any(Number), size: 4 });
	});

	test("whatever types there are between them", () => {
		const source = `
			enum small { A, B }; enum large { C = 1ULL << 40 };
			union both { int i; char c[8]; };
			struct outer { struct { long l; } inner; union both u; enum small s; enum large e; const char *p; };
			typedef int (*function)(struct outer *, ...);
			const volatile struct outer first; const volatile char tiny = 1; const volatile enum large big = C;
			const volatile int array[3][5]; const volatile function pointer; volatile int written = 1; int zero;
			const volatile float fraction; const volatile _Bool yes = 1;
			int __attribute__((section("xdp"), used)) program(void *context) {
				return tiny + array[1][2] + written + zero + yes + (int)big + first.s + (pointer != 0);
			}`;
		const directory = mkdtempSync("/tmp/xdp-topology-");
		try {
			const [code, object] = [join(directory, "all.c"), join(directory, "all.o")];
			writeFileSync(code, source);
			execFileSync("clang", ["-O2", "-g", "-w", "-target", "bpf", "-c", code, "-o", object]);
			for (const section of [".rodata", ".data", ".bss"]) {
				const expected = byBpftool(object, section);
				expect(expected.size).toBeGreaterThan(0);
				// In an object file that libbpf has not opened yet, offsets are still to be filled in.
				expect([...variables(btfOf(object), section).keys()]).toEqual([...expected.keys()]);
			}
			expect(variables(btfOf(object), ".none")).toEqual(new Map());
		} finally {
			rmSync(directory, { recursive: true });
		}
	});
});
