import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { apply, loadTopology, plan } from "../../lib/index.js";
import { compile, link, PASS } from "../clang.js";
import { attached, clearAfterEach, json, linesOf, mapIds, useSandbox } from "./sandbox.js";

useSandbox();
clearAfterEach();

const folder = mkdtempSync("/tmp/xdp-topology-");
afterAll(() => rmSync(folder, { recursive: true }));

async function load(object: Buffer, entry: string) {
	writeFileSync(join(folder, "own.o"), object);
	const file = join(folder, "lab.yaml");
	writeFileSync(
		file,
		`name: own
namespaces: { uno: }
programs: { own: { object: own.o, ${entry} } }
veths: [{ host:uno: { xdp: own }, uno:veth0: }]
`,
	);
	return loadTopology(file);
}

/** Global variables of the running program by name, as bpftool(8) reads them of the maps that they are in. */
function globals(): Record<string, unknown> {
	interface Section {
		formatted: { value: { [section: string]: Record<string, unknown>[] } };
	}
	const ids = [...mapIds(attached("host:uno")?.id ?? 0)].filter(([name]) => /\.(rodata|data|bss)/.test(name));
	return Object.assign(
		{},
		...ids.flatMap(([, id]) =>
			json<Section[]>(`bpftool -j map dump id ${id}`).flatMap(({ formatted }) =>
				Object.values(formatted.value).flat(),
			),
		),
	);
}

const TAILS = `
SEC("xdp") int next(struct xdp_md *ctx) { return XDP_DROP; }
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int(void *)); }
	tails SEC(".maps") = { .values = { [1] = (void *)&next } };
SEC("xdp") int first(struct xdp_md *ctx) { bpf_tail_call(ctx, &tails, 1); return XDP_PASS; }`;

const SECTIONS = `
const volatile __u32 plain = 1; const volatile __u32 named SEC(".rodata.named") = 2;
volatile __u32 changing SEC(".data.changing") = 3; static volatile __u64 hidden = 4; volatile __u32 zero;
SEC("xdp") int sum(struct xdp_md *ctx) { return plain + named + changing + hidden + zero > 100 ? XDP_DROP : XDP_PASS; }`;

const HELPERS = `
__attribute__((noinline)) static int local(int i) { return i + bpf_get_prandom_u32(); }
__attribute__((noinline)) int global(int i) { return local(i) * 3; }
SEC("xdp") int main_program(struct xdp_md *ctx) { return global(ctx->ingress_ifindex) == 7 ? XDP_DROP : XDP_PASS; }`;

describe("unusual objects run", () => {
	test.each<[title: string, object: Buffer, entry: string, name: string]>([
		[
			"one in a section as libbpf took it before 1.0",
			compile(PASS.replace('"xdp"', '"xdp_pass"')),
			"",
			"pass",
		],
		["one with functions of its own", compile(HELPERS), "", "main_program"],
		[
			"one with tail calls that it fills in itself",
			compile(TAILS),
			"program: first, pin: /sys/fs/bpf/own",
			"first",
		],
		["one that is linked of several", link(compile(HELPERS)), "", "main_program"],
		[
			"one among others that cannot be loaded",
			compile(`${PASS} SEC("kprobe/nothing_like_that") int probe(void *ctx) { return *(int *)ctx; }`),
			"",
			"pass",
		],
		["one that is loaded only if asked for", compile(PASS.replace('"xdp"', '"?xdp"')), "", "pass"],
	])("%s", async (_, object, entry, name) => {
		const topology = await load(object, entry);
		await apply(topology);
		expect(attached("host:uno")?.name).toBe(name);
		expect(linesOf(await plan(topology))).toEqual([]);
	});

	test("variables of every section have the values that the file gives them", async () => {
		const values = { plain: 10, named: 20, changing: 30, hidden: 2 ** 40, zero: 50 };
		const entry = `globals: ${JSON.stringify(values)}`;
		const topology = await load(compile(SECTIONS), entry);
		await apply(topology);
		expect(globals()).toEqual(values);
		expect(linesOf(await plan(topology))).toEqual([]);
	});
});
