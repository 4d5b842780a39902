import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { VerifierError } from "../../lib/errors.js";
import { apply, loadTopology, plan, type Topology } from "../../lib/index.js";
import { loadProgram } from "../../lib/kernel/load.js";
import { compile, PASS } from "../clang.js";
import {
	attached,
	clearAfterEach,
	descriptors,
	differences,
	failureOf,
	json,
	kernel,
	linesOf,
	sh,
	useSandbox,
} from "./sandbox.js";

useSandbox();
clearAfterEach();

const HASH = `struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); } seen SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); } list SEC(".maps");
static long (*no_such_helper)(void) = (void *)9999;
`;

/** Mistakes that people make, each with the body of its function, from line 2 of `NAME.c` on, and what is said of it. */
const MISTAKES: [name: string, body: string, message: string][] = [
	[
		"bounds",
		"unsigned char *data = (void *)(long)ctx->data;\nreturn data[13] ? XDP_PASS : XDP_DROP;",
		"invalid access to packet, off=13 (bounds.c:3)",
	],
	[
		"null",
		"__u32 key = 7; __u64 *value = bpf_map_lookup_elem(&seen, &key);\n*value += 1;\nreturn XDP_PASS;",
		"the result of a map lookup may be NULL: R0 invalid mem access 'map_value_or_null' (null.c:3)",
	],
	[
		"endless",
		"volatile int i = 0;\nwhile (1) { i++; if (i < 0) break; }\nreturn XDP_PASS;",
		"a loop may never end: infinite loop detected at insn 2 (endless.c:3)",
	],
	[
		"unbounded",
		"__u32 n = ctx->rx_queue_index; volatile __u32 i = 0;\nfor (i = 0; i < n; i++) ;\nreturn XDP_PASS;",
		"a loop may never end: infinite loop detected at insn 6 (unbounded.c:3)",
	],
	[
		"steps",
		'__u64 sum = 0;\nfor (__u32 i = 0; i < 2000000; i++) asm volatile("" : "+r"(sum));\nreturn XDP_PASS;',
		"it takes more steps to verify than the kernel allows: BPF program is too large. Processed 1000001 insn",
	],
	[
		"helper",
		"\nreturn no_such_helper();",
		"this kernel has no such helper: invalid func unknown#9999 (helper.c:3)",
	],
	[
		"foreign",
		"char byte;\nreturn bpf_skb_load_bytes(ctx, 0, &byte, 1);",
		"an XDP program cannot call this helper: program of this type cannot use helper bpf_skb_load_bytes#26 (foreign.c:3)",
	],
	[
		"sleeping",
		"char name[8];\nreturn bpf_copy_from_user(name, 8, (void *)8);",
		"an XDP program never sleeps: helper call might sleep in a non-sleepable prog (sleeping.c:3)",
	],
	[
		"uninitialised",
		'int result;\nasm volatile("%0 = r7" : "=r"(result));\nreturn result;',
		"a variable is read that has no value yet: R7 !read_ok (uninitialised.c:3)",
	],
	[
		"nothing",
		'\nasm volatile("if r1 > 5 goto +1; exit");\nreturn 0;',
		"the function may end without a return value: R0 !read_ok (nothing.c:3)",
	],
	[
		"context",
		"\nreturn *(int *)((char *)ctx + 100);",
		"no such access to `struct xdp_md` is allowed: invalid bpf_context access off=100 size=4 (context.c:3)",
	],
	[
		"written",
		"\nctx->data = 0;\nreturn XDP_PASS;",
		"no such access to `struct xdp_md` is allowed: invalid bpf_context access off=0 size=4 (written.c:3)",
	],
	[
		"index",
		'char bytes[8] = {}; __u64 i = ctx->rx_queue_index;\nbytes[i] = 1;\nasm volatile("" :: "r"(bytes) : "memory");\nreturn bytes[0];',
		"it writes outside of its stack of 512 bytes: invalid unbounded variable-offset write to stack R3 (index.c:3)",
	],
	[
		"value",
		"__u32 key = 1; __u8 *value = bpf_map_lookup_elem(&list, &key);\nreturn value ? value[100] : 0;",
		"it reaches beyond the value of a map: invalid access to map value, value_size=8 off=100 size=1 (value.c:3)",
	],
	[
		"stack",
		"volatile char bytes[400]; bytes[ctx->rx_queue_index & 255] = 0;\nreturn deep(ctx->rx_queue_index) + bytes[0];",
		"the functions that call each other need more than 512 bytes of stack: combined stack size of 2 calls is 800. Too large",
	],
	[
		"leak",
		"void *event = bpf_ringbuf_reserve(&events, 8, 0);\nreturn event ? XDP_PASS : XDP_DROP;",
		"what was acquired is not released on every path: Unreleased reference id=2 alloc_insn=4 (leak.c:3)",
	],
	[
		"number",
		"\nreturn *(int *)(long)ctx->rx_queue_index;",
		"a number is used as a pointer: R1 invalid mem access 'scalar' (number.c:3)",
	],
];

/** What a program is refused with: the message's first line. */
function firstLine(object: Buffer, name: string): string {
	const before = descriptors();
	try {
		loadProgram(name, object, { program: name, globals: new Map() });
	} catch (error) {
		expect(error).toBeInstanceOf(VerifierError);
		expect(descriptors()).toEqual(before);
		return (error as Error).message.split("\n")[0] ?? "";
	}
	throw new Error("it was loaded");
}

describe("the first line says why a program is refused, and where in C", () => {
	let object: Buffer;
	beforeAll(() => {
		const functions = MISTAKES.map(
			([name, body]) => `#line 1 "${name}.c"\nSEC("xdp") int ${name}(struct xdp_md *ctx) {\n${body} }\n`,
		);
		const deep =
			"static __attribute__((noinline)) int deep(int i) { volatile char bytes[400]; bytes[i & 255] = 1; return bytes[7]; }\n";
		object = compile(`${HASH}${deep}${functions.join("")}`);
	});

	test.each(MISTAKES)("%s", (name, _, message) => {
		expect(firstLine(object, name)).toBe(`the kernel's verifier rejects \`${name}\`: ${message}`);
	});

	test.each([
		[
			"one that was compiled without optimisation",
			PASS.replace("return", "__u32 key = 0; bpf_map_lookup_elem(&seen, &key); return"),
			["-O0"],
			/^the kernel's verifier rejects `pass`: the object was compiled without optimisation: unknown opcode 8d/,
		],
		[
			"one that calls a function which this kernel lacks",
			`extern int no_such_kfunc(int) __ksym;\n${PASS.replace("return", "no_such_kfunc(1); return")}`,
			[],
			/^program `pass` cannot be loaded: this kernel has no function `no_such_kfunc` for BPF programs \(kfunc\) \[E\w+\]$/,
		],
		[
			"one that reads a variable which this kernel lacks",
			`extern const int no_such_variable __ksym;\n${PASS.replace("XDP_PASS", "no_such_variable")}`,
			[],
			/^program `pass` cannot be loaded: this kernel has no `no_such_variable`, which the object takes from it \[E\w+\]$/,
		],
		[
			"one with a map of a type that there is not",
			`struct { __uint(type, 999); __type(key, __u32); __type(value, __u64); __uint(max_entries, 4); } odd SEC(".maps");\n${PASS}`,
			[],
			/^program `pass` cannot be loaded: this kernel does not take the definition of map `odd` \[EINVAL\]$/,
		],
		[
			"one with a map that is larger than memory",
			`struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __uint(value_size, 1 << 20); __uint(max_entries, 1 << 22); } huge SEC(".maps");\n${PASS}`,
			[],
			/^program `pass` cannot be loaded: (?:map `huge` is larger than this kernel allows \[E2BIG\]|there is not enough memory for map `huge` \[ENOMEM\])$/,
		],
	])("%s", (_, source, flags, message) => {
		const object = compile(HASH + source, flags);
		expect(firstLine(object, "pass")).toMatch(message);
	});

	test("one that reads a field which this kernel lacks", () => {
		const types = "struct task_struct { int no_such_field; } __attribute__((preserve_access_index));\n";
		const body = "struct task_struct *task = (void *)bpf_get_current_task(); return task->no_such_field;";
		const source = `${types}#line 7 "field.c"\nSEC("xdp") int pass(struct xdp_md *ctx) { ${body} }\n`;
		expect(firstLine(compile(source), "pass")).toBe(
			"the kernel's verifier rejects `pass`: this kernel has no `struct task_struct.no_such_field` (CO-RE) (field.c:7)",
		);
	});

	test("one without the GPL that calls what is under it", () => {
		const object = compile(PASS.replace("return", "bpf_get_current_task(); return"));
		object.write("BSD", object.indexOf("GPL\0"));
		expect(firstLine(object, "pass")).toMatch(
			/^the kernel's verifier rejects `pass`: the helper is for programs under the GPL: cannot call GPL-restricted function/,
		);
	});
});

describe("a program of the file's own is loaded before anything is touched", () => {
	const folder = mkdtempSync("/tmp/xdp-topology-");
	afterAll(() => rmSync(folder, { recursive: true }));
	/** Others may load programs meanwhile. */
	const MINE = `v${process.pid}`;
	const objects = {
		good: PASS.replace("pass", `${MINE}_good`),
		other: PASS.replace("pass", `${MINE}_other`),
		bad: '#line 26 "drop.c"\nSEC("xdp") int bad(struct xdp_md *ctx) { return ((char *)(long)ctx->data)[13]; }\n',
		numbered: `const volatile __u32 out = 0; __u32 uses = 0;
SEC("xdp") int ${MINE}_numbered(struct xdp_md *ctx) {
	if (!out) return *(char *)(long)ctx->data; /* never, once \`out\` is known */
	return bpf_redirect(out, 0);
}\n`,
		array: `struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64); __uint(max_entries, 16); } hits SEC(".maps");
SEC("xdp") int ${MINE}_array(struct xdp_md *ctx) { __u32 key = 1; return bpf_map_lookup_elem(&hits, &key) ? XDP_PASS : XDP_DROP; }\n`,
	};
	beforeAll(() => {
		for (const [name, source] of Object.entries(objects))
			writeFileSync(join(folder, `${name}.o`), compile(source));
	});
	const load = (a: string, b = "good", more = ""): Promise<Topology> => {
		const file = join(folder, "own.yaml");
		writeFileSync(
			file,
			`name: own
namespaces: { uno: , dos: }
programs:
  a: { object: ${a}.o${more} }
  b: { object: ${b}.o }
veths:
  - host:a: { addresses: 10.1.0.1/24, xdp: a }
    uno:veth0: 10.1.0.2/24
  - host:b: { addresses: 10.2.0.1/24, xdp: b }
    dos:veth0: 10.2.0.2/24
`,
		);
		return loadTopology(file);
	};
	/** Programs and maps with labels of this lab; the kernel lets go of them some time after their last descriptor. */
	const loaded = () => {
		const programs = json<{ id: number; name?: string; map_ids?: number[] }[]>("bpftool -j prog show");
		return programs.filter(({ name }) => name?.startsWith(MINE)).map(({ id, map_ids }) => ({ id, map_ids }));
	};

	test.each([
		["plan", plan],
		["apply", apply],
	])("%s tells all that are refused, each with its place in the file and in C", async (_, command) => {
		const before = kernel();
		const error = await failureOf(command(await load("bad", "bad")), VerifierError);
		expect(error.message.split("\n").filter((line) => line.startsWith(folder))).toEqual([
			`${folder}/own.yaml:4:16: the kernel's verifier rejects \`a\`: invalid access to packet, off=13 (drop.c:26)`,
			`${folder}/own.yaml:5:16: the kernel's verifier rejects \`b\`: invalid access to packet, off=13 (drop.c:26)`,
		]);
		expect(error.refused[0]).toMatchObject({
			program: "a",
			at: { file: `${folder}/own.yaml`, line: 4, column: 16 },
			source: { file: "drop.c", line: 26 },
			log: expect.stringContaining("R1 offset is outside of the packet"),
		});
		expect(differences(before, kernel())).toEqual([]);
		expect(sh("ls /run")).not.toContain("xdp-topology");
	});

	test("which leaves what runs as it is", async () => {
		await apply(await load("good"));
		const before = [attached("host:a"), attached("host:b"), kernel()] as const;
		await failureOf(apply(await load("good", "bad")), VerifierError);
		expect([attached("host:a"), attached("host:b")]).toEqual(before.slice(0, 2));
		expect(linesOf(await plan(await load("good")))).toEqual([]);
	});

	test("with the numbers that the interfaces will have, and once only", async () => {
		const topology = await load("numbered", "good", ", globals: { out: { ifindex: host:b } }");
		await plan(topology);
		await vi.waitFor(() => expect(loaded()).toEqual([]));
		await apply(topology);
		// Had one been loaded again, the kernel would have both for a moment.
		expect(loaded()).toHaveLength(2);
		expect(attached("host:a")?.name).toBe(`${MINE}_numbered`.slice(0, 15));
		expect(linesOf(await plan(topology))).toEqual([]);
	});

	test("two plans at a time, and one beside a lab, leave no program and no descriptor", async () => {
		const room = ", maps: { hits: { max_entries: 64 } }";
		const topology = await load("array", "good", room);
		await vi.waitFor(() => expect(loaded()).toEqual([]));
		const before = descriptors();
		const results = await Promise.all([plan(topology), plan(topology)]);
		for (const { changes } of results) expect(changes).not.toEqual([]);
		expect(descriptors()).toEqual(before);
		await vi.waitFor(() => expect(loaded()).toEqual([]));
		await apply(topology);
		const running = loaded();
		expect(running).toHaveLength(2);
		const other = await plan(await load("array", "other", room));
		expect(linesOf(other)).toContainEqual(expect.stringMatching(/^~ program b: /));
		await vi.waitFor(() => expect(loaded()).toEqual(running));
	});
});
