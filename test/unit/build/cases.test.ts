import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clang } from "../../../lib/build/clang.js";
import { loadTopology, type Topology, TopologyError } from "../../../lib/index.js";
import { compile, linkAll } from "../../clang.js";
import { ROOT } from "../../machine.js";

const cases = join(ROOT, "test/cases/programs");
let folder: string;
beforeAll(() => {
	folder = mkdtempSync("/tmp/xdp-topology-");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of a test's own beside copies of some of the cases. */
function file(name: string, text: string | Buffer, copies: readonly string[] = []): string {
	for (const copy of copies) copyFileSync(join(cases, copy), join(folder, copy));
	writeFileSync(join(folder, name), text);
	return join(folder, name);
}

const lab = (program: string) => `name: lab
namespaces: { uno: }
programs: { own: { ${program} } }
veths: [{ host:uno: { xdp: own }, uno:veth0: }]
`;

/** What a file is refused for: where, what and the hint. */
async function mistakes(path: string): Promise<string[]> {
	const error = await loadTopology(path).catch((thrown: unknown) => thrown);
	if (!(error instanceof TopologyError)) throw new Error(`it is not refused: ${error}`);
	return error.diagnostics.map(
		({ line, column, message, hint }) => `${line}:${column}: ${message}${hint ? ` (${hint})` : ""}`,
	);
}

const warnings = ({ warnings }: Topology) => warnings.map(({ message }) => message);

const STRUCT_OPS =
	'the object implements kernel operations in SEC(".struct_ops"), which cannot be loaded beside an XDP program (keep them in an object of their own)';

describe("programs that users of other tools had", () => {
	test("kernel operations beside XDP are refused in words, from source and object", async () => {
		expect(await mistakes(join(cases, "struct-ops-beside-xdp.yaml"))).toEqual([`5:18: ${STRUCT_OPS}`]);
		const source = join(cases, "struct-ops-beside-xdp.c");
		file("ops.o", compile(`#define LICENSE unused\n#include "${source}"`));
		const path = file("ops.yaml", lab("object: ops.o, program: p"));
		expect(await mistakes(path)).toEqual([`3:28: ${STRUCT_OPS}`]);
	});

	test("a global variable that two static ones have the name of is refused", async () => {
		const objects = [1, 2].map((i) => compile(`#include "${join(cases, `two-statics-${i}.c`)}"`));
		file("two-statics.o", linkAll(objects), ["two-statics.yaml"]);
		expect(await mistakes(join(folder, "two-statics.yaml"))).toEqual([
			"5:44: two static variables of the object have the name `limit` (rename one of them in C)",
		]);
	});

	test("one that only one file has is set beside them", async () => {
		const other = compile(
			'static volatile const int limit = 1; volatile int single; SEC("xdp") int p(struct xdp_md *c) { return limit + single; }',
		);
		const more = compile("static volatile int limit = 2; int f(void) { return limit; }");
		file("kinds.o", linkAll([other, more]));
		expect(await mistakes(file("kinds.yaml", lab("object: kinds.o, globals: { limit: 3 }")))).toHaveLength(1);
		const { programs } = await loadTopology(
			file("single.yaml", lab("object: kinds.o, globals: { single: 3 }")),
		);
		expect(programs[0]?.globals).toMatchObject([{ name: "single", value: { hex: "03000000" } }]);
	});

	test("a timer without a pin is a warning", async () => {
		expect(warnings(await loadTopology(join(cases, "timer.yaml")))).toEqual([
			"timers of program `own` will not start: `timers` needs a reference from user space; give the program `pin`",
		]);
	});

	test("headers of the kernel that include the C library's compile", async () => {
		expect(warnings(await loadTopology(join(cases, "kernel-header.yaml")))).toEqual([]);
	});

	test.each([
		"stdlib.h",
		"string.h",
		"stdint.h",
		"netinet/in.h",
		"arpa/inet.h",
		"linux/if.h",
		"net/ethernet.h",
	])("so does <%s>", async (header) => {
		file(
			"header.c",
			`#include <${header}>\n#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include <asm/bitsperlong.h>\n_Static_assert(__BITS_PER_LONG == 64, "BPF");\nSEC("xdp") int p(struct xdp_md *c) { return XDP_PASS; }\n`,
		);
		expect(warnings(await loadTopology(file("header.yaml", lab("source: header.c"))))).toEqual([]);
	});

	test("an object that is named as a source is one line, and the other way round", async () => {
		file("good.o", compile('SEC("xdp") int p(struct xdp_md *c) { return XDP_PASS; }'));
		expect(await mistakes(file("object.yaml", lab("source: good.o")))).toEqual([
			"3:28: this is an ELF object, and no C source (name it by `object`)",
		]);
		file("binary.c", Buffer.from("int x;\0"));
		expect(await mistakes(file("binary.yaml", lab("source: binary.c")))).toEqual([
			"3:28: this is a binary file, and no C source",
		]);
		file("good.c", "int x;\n");
		expect(await mistakes(file("source.yaml", lab("object: good.c")))).toEqual([
			"3:28: this is a text, and no ELF object (name a C source by `source`)",
		]);
	});

	test("a source with mistakes without end is told in some lines", async () => {
		file("bad.c", `${"int f(void) { int unused; }\n".repeat(3000)}wrong\n`);
		const error = await loadTopology(file("bad.yaml", lab("source: bad.c"))).catch(
			(thrown: unknown) => thrown,
		);
		const [only] = (error as TopologyError).diagnostics;
		expect(only?.message).toBe("clang cannot compile this");
		expect(only?.detail).toMatch(/error: .*\(\d+ more lines of clang's\)$/s);
		expect(only?.detail?.length).toBeLessThan(10_000);
	});
});

describe("clang is given limits, for a source that would", () => {
	/** A macro that stands for 2^power times the same. */
	const doubled = (power: number, text: string) =>
		`#define A0 ${text}\n${Array.from({ length: power }, (_, i) => `#define A${i + 1} A${i} A${i}\n`).join("")}`;

	test.each([
		[
			"take a very long time",
			`${doubled(40, "")}A40\n`,
			{ seconds: 1, memory: 4096 },
			"clang has not finished compiling this within 1 s",
		],
		[
			"take all memory",
			`${doubled(22, "1,")}int a[] = { A22 };\n`,
			{ seconds: 60, memory: 300 },
			"clang needs more than 300 MiB of memory to compile this",
		],
	])("%s", async (_, source, limits, problem) => {
		const args = [
			"-target",
			"bpf",
			"-fno-crash-diagnostics",
			"-c",
			file("endless.c", source),
			"-o",
			"/dev/null",
		];
		expect(await clang(args, limits)).toEqual({ problem });
	});
});
