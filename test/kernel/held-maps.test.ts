import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apply, destroy, loadTopology, plan } from "../../lib/index.js";
import { attached, clearAfterEach, json, linesOf, mapIds, sh, useSandbox } from "./sandbox.js";

useSandbox();
clearAfterEach();

let folder: string;
beforeAll(() => {
	folder = mkdtempSync("/tmp/xdp-topology-");
	for (const name of ["map-of-maps", "optional-program", "timer"])
		copyFileSync(`test/cases/programs/${name}.c`, join(folder, `${name}.c`));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function load(program: string) {
	const file = join(folder, "lab.yaml");
	writeFileSync(
		file,
		`name: own
namespaces: { uno: }
programs: { own: { ${program} } }
veths: [{ host:uno: { addresses: 10.11.1.1/24, xdp: own }, uno:veth0: 10.11.1.2/24 }]
`,
	);
	return loadTopology(file);
}
const applyOwn = async (program: string) => linesOf(await apply(await load(program)));
const planned = async (program: string) => linesOf(await plan(await load(program)));

/** By program: the maps of a loaded program stay the same. */
const known = new Map<number, Map<string, number>>();

/** The id of a map of the program that runs. */
function idOf(map: string): number | undefined {
	const program = attached("host:uno")?.id ?? 0;
	const ids = known.get(program) ?? mapIds(program);
	known.set(program, ids);
	return ids.get(map);
}

interface Dumped {
	key: string[];
	value?: string[];
	formatted?: { key: number; value?: number; values?: { value: number }[] };
}
const dump = (map: string) => json<Dumped[]>(`bpftool -j map dump id ${idOf(map)}`);

/** What a map of maps or a prog_array holds: ids by key. */
function held(map: string): Record<number, number> {
	const number = (bytes: string[] = []) => Buffer.from(bytes.map(Number)).readUInt32LE();
	return Object.fromEntries(dump(map).map(({ key, value }) => [number(key), number(value)]));
}

/** Numbers by key; of a per-CPU map, the sum. */
const counted = (map: string) =>
	Object.fromEntries(
		dump(map).map(({ formatted }) => [
			formatted?.key,
			formatted?.value ?? formatted?.values?.reduce((sum, { value }) => sum + value, 0),
		]),
	);

const nameOfProgram = (id: number | undefined) =>
	json<{ name: string }>(`bpftool -j prog show id ${id}`).name;

/** Packets that the program sees. */
const ping = () => sh("nsenter --net=/run/netns/uno ping -q -c 3 -i 0.01 -W 1 10.11.1.1");

const nested = (defines: string, maps = "") =>
	`source: map-of-maps.c, defines: { SLOT: 2, SIZE: 2, VALUE: __u64, VERSION: 1, ${defines} }, maps: { b: [{ key: 1, value: 77 }], ${maps} }`;

describe.each(["", ", pin: /sys/fs/bpf/own"])("maps of maps%s", (pin) => {
	test("that the source fills anew are made anew, and the other maps stay", {
		timeout: 120_000,
	}, async () => {
		await applyOwn(nested("") + pin);
		const before = { b: idOf("b"), outer: idOf("outer") };
		expect(held("outer")).toEqual({ 0: idOf("a"), 2: before.b });
		const defines = "SLOT: 3";
		const changes = await applyOwn(nested(defines).replace("SLOT: 2, ", "") + pin);
		expect(changes).toContain("~ program own: another source: loaded anew, maps kept but for outer");
		expect(held("outer")).toEqual({ 0: idOf("a"), 3: before.b });
		expect(idOf("outer")).not.toBe(before.outer);
		ping();
		// What is counted behind the slot, in the map that was kept with what the file has set.
		expect(counted("b")).toEqual({ 0: expect.any(Number), 1: 77 });
		expect(counted("b")[0]).toBeGreaterThanOrEqual(3);
		if (pin)
			expect(json<{ id: number }>("bpftool -j map show pinned /sys/fs/bpf/own/outer").id).toBe(idOf("outer"));
		expect(await planned(nested(defines).replace("SLOT: 2, ", "") + pin)).toEqual([]);
	});

	test.each([
		["size", "SIZE: 3", "SIZE: 2, "],
		["value", "VALUE: struct wide", "VALUE: __u64, "],
	])("are made anew with maps of another %s in them", async (_, define, without) => {
		await applyOwn(nested("") + pin);
		const program = nested(define).replace(without, "").replace("b: [{ key: 1, value: 77 }], ", "") + pin;
		await applyOwn(program);
		expect(held("outer")).toEqual({ 0: idOf("a"), 2: idOf("b") });
		ping();
		expect(counted("seen")).toMatchObject({ 0: 1 + Number(held("per_cpu_lru")[0] === undefined) });
		expect(await planned(program)).toEqual([]);
	});
});

describe("the file's maps in a map of maps", () => {
	const program = nested("", "outer: [{ key: 1, value: { map: b } }, { key: 3, value: { map: a } }]");

	test("are written, kept, and put back where somebody changes them", async () => {
		expect(await applyOwn(program)).toEqual(
			expect.arrayContaining(["+ entry own outer[1] = { map: b }", "+ entry own outer[3] = { map: a }"]),
		);
		const expected = { 0: idOf("a"), 1: idOf("b"), 2: idOf("b"), 3: idOf("a") };
		expect(held("outer")).toEqual(expected);
		expect(await planned(program)).toEqual([]);
		sh(`bpftool map update id ${idOf("outer")} key 1 0 0 0 value id ${idOf("a")}
			bpftool map delete id ${idOf("outer")} key 3 0 0 0`);
		const lines = ["~ entry own outer[1]: { map: a } → { map: b }", "+ entry own outer[3] = { map: a }"];
		expect((await planned(program)).sort()).toEqual([...lines].sort());
		await applyOwn(program);
		expect(held("outer")).toEqual(expected);
		expect(await planned(program)).toEqual([]);
	});

	test("go with the line that named them, and others with `exact`", async () => {
		await applyOwn(program);
		await applyOwn(nested("", "outer: [{ key: 1, value: { map: b } }]"));
		expect(held("outer")).toEqual({ 0: idOf("a"), 1: idOf("b"), 2: idOf("b") });
		const exact = nested("", "outer: { exact: true, entries: [{ key: 1, value: { map: b } }] }");
		await applyOwn(exact);
		expect(held("outer")).toEqual({ 1: idOf("b") });
		expect(await planned(exact)).toEqual([]);
	});

	test("are those of the program that takes its place", async () => {
		await applyOwn(program);
		const other = program.replace("VERSION: 1", "VERSION: 5").replace("VALUE: __u64", "VALUE: __s64");
		expect(await applyOwn(other)).toEqual(
			expect.arrayContaining(["+ entry own outer[1] = { map: b }", "+ entry own outer[3] = { map: a }"]),
		);
		expect(held("outer")).toEqual({ 0: idOf("a"), 1: idOf("b"), 2: idOf("b"), 3: idOf("a") });
		expect(await planned(other)).toEqual([]);
	});
});

describe("a prog_array", () => {
	const jumping = (more: string) =>
		`source: optional-program.c, program: xdp_root, pin: /sys/fs/bpf/own, ${more}`;
	const program = jumping("maps: { jmp_table: [{ key: 2, value: { function: xdp_two } }] }");

	test("has no function loaded that nobody names, such as one that the verifier refuses", async () => {
		await applyOwn(jumping(""));
		expect(nameOfProgram(attached("host:uno")?.id)).toBe("xdp_root");
		expect(held("jmp_table")).toEqual({});
	});

	test("calls the function that the file names, whose counters are those of the program", async () => {
		expect(await applyOwn(program)).toContain("+ entry own jmp_table[2] = { function: xdp_two }");
		expect(nameOfProgram(held("jmp_table")[2])).toBe("xdp_two");
		ping();
		const { 0: root, 1: failed, 2: two } = counted("hits");
		expect(two).toBeGreaterThanOrEqual(3);
		expect([root, failed]).toEqual([two, 0]);
		expect(await planned(program)).toEqual([]);
	});

	test("gets it again where somebody takes it out, or puts another program there", async () => {
		await applyOwn(program);
		ping();
		const before = counted("hits")[2] ?? 0;
		sh(`bpftool map delete pinned /sys/fs/bpf/own/jmp_table key 2 0 0 0`);
		expect(await planned(program)).toEqual(["+ entry own jmp_table[2] = { function: xdp_two }"]);
		await applyOwn(program);
		ping();
		expect(counted("hits")[2]).toBeGreaterThanOrEqual(before + 3);
		const root = attached("host:uno")?.id;
		sh(`bpftool map update pinned /sys/fs/bpf/own/jmp_table key 2 0 0 0 value id ${root}`);
		expect(await planned(program)).toEqual([
			"~ entry own jmp_table[2]: { function: xdp_root } → { function: xdp_two }",
		]);
		await applyOwn(program);
		expect(nameOfProgram(held("jmp_table")[2])).toBe("xdp_two");
		expect(await planned(program)).toEqual([]);
	});

	test("is emptied with the line that named the function, and goes with the lab", async () => {
		await applyOwn(program);
		expect(await applyOwn(jumping(""))).toEqual([expect.stringMatching(/^- entry own jmp_table\[2\]/)]);
		expect(held("jmp_table")).toEqual({});
		await applyOwn(program);
		await destroy("own");
		expect(json<{ name: string }[]>("bpftool -j prog list").filter(({ name }) => name === "xdp_two")).toEqual(
			[],
		);
	});

	test("that another version of the program has is made anew, with the functions of that version", async () => {
		await applyOwn(program);
		const [id, two] = [idOf("jmp_table"), held("jmp_table")[2]];
		const other = `${program}, defines: { VERSION: 2 }`;
		writeFileSync(
			join(folder, "optional-program.c"),
			`${sh("cat test/cases/programs/optional-program.c")}\nint version = 2;\n`,
		);
		await applyOwn(other);
		expect(idOf("jmp_table")).not.toBe(id);
		expect(held("jmp_table")[2]).not.toBe(two);
		ping();
		expect(counted("hits")[1]).toBe(0);
		expect(await planned(other)).toEqual([]);
	});
});

test("a timer ticks where its map is pinned", async () => {
	const program = "source: timer.c, defines: { PERIOD: 1000000 }, pin: /sys/fs/bpf/own";
	await applyOwn(program);
	ping();
	expect(counted("seen")).toMatchObject({ 1: 0, 2: 0 });
	const ticks = () =>
		json<{ formatted: { value: { ticks: number } } }[]>(`bpftool -j map dump id ${idOf("timers")}`)[0]
			?.formatted.value.ticks ?? 0;
	await expect.poll(ticks, { timeout: 20_000 }).toBeGreaterThan(3);
	expect(await planned(program)).toEqual([]);
});
