import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
	ApplyError,
	apply,
	destroy,
	InterruptedError,
	loadTopology,
	plan,
	planText,
	UnsupportedError,
} from "../../lib/index.js";
import type { Progress } from "../../lib/progress.js";
import { compile, PASS } from "../clang.js";
import {
	attached,
	clearAfterEach,
	failureOf,
	json,
	linesOf,
	mapIds,
	programIds,
	programs,
	sh,
	useSandbox,
} from "./sandbox.js";

useSandbox();
clearAfterEach();

const folder = mkdtempSync("/tmp/xdp-topology-");
afterAll(() => rmSync(folder, { recursive: true }));

/** The path of a program of a test's own. */
function compiled(name: string, source: string): string {
	const object = join(folder, `${name}.o`);
	writeFileSync(object, compile(source));
	return object;
}

/** A map in the words of libbpf. */
const map = (name: string, type: string, key: string, value: string, entries: number) =>
	`struct { __uint(type, BPF_MAP_TYPE_${type}); __type(key, ${key}); __type(value, ${value}); __uint(max_entries, ${entries}); } ${name} SEC(".maps");\n`;

/** A host with two interfaces to namespaces; the program `own` runs on the first. */
function lab(programs: string, { a = "xdp: own", peer = "", namespaces = "" } = {}): string {
	return `name: own
namespaces: { uno: , dos: , ${namespaces} }
programs:
${programs.replace(/^/gm, "  ")}
veths:
  - host:a: { addresses: 10.1.0.1/24, ${a} }
    uno:veth0: { addresses: 10.1.0.2/24, ${peer} }
  - host:b: 10.2.0.1/24
    dos:veth0: 10.2.0.2/24
`;
}

async function load(text: string) {
	const file = join(folder, "lab.yaml");
	writeFileSync(file, text);
	return loadTopology(file);
}
const applyLab = async (text: string) => apply(await load(text));
/** Interrupts an apply once all has been changed; what comes then is the undo. */
async function expectUndone(text: string): Promise<void> {
	let interrupted = false;
	const progress: Progress = async (stages) => {
		for (const stage of stages) await stage.run();
		if (interrupted) return;
		interrupted = true;
		throw new InterruptedError("SIGINT");
	};
	const error = await failureOf(apply(await load(text), { progress }), InterruptedError);
	expect(error.undone).toBe(true);
}
const planned = async (text: string) => linesOf(await plan(await load(text)));
/** With the reasons. */
const explained = async (text: string) => planText(await plan(await load(text)));
/** In the order of the keys: that of a hash is its own affair. */
const dump = (link: string, name: string) =>
	json<Dumped[]>(`bpftool -j map dump id ${mapIds(attached(link)?.id ?? 0).get(name)}`).sort((one, other) =>
		JSON.stringify(one.key).localeCompare(JSON.stringify(other.key)),
	);

interface Dumped {
	key: string[];
	value?: string[];
	values?: { cpu: number; value: string[] }[];
	formatted?: { key: unknown; value: unknown };
}

/** What it returns depends on a global, as what is in its maps. */
const CONFIGURED = `${map("config", "ARRAY", "__u32", "__u64", 4)}${map("hosts", "HASH", "__u32", "__u32", 16)}
const volatile __u32 verdict = XDP_PASS;
__u32 start = 7;
SEC("xdp") int configured(struct xdp_md *ctx) {
	__u32 key = 0;
	if (bpf_map_lookup_elem(&config, &key) && bpf_map_lookup_elem(&hosts, &start)) start++;
	return verdict;
}\n`;

describe("a change that is interrupted", () => {
	test("is undone: the program before, and what was in its maps", async () => {
		const text = (verdict: number, entries: string) =>
			lab(
				`own: { object: ${compiled("configured", CONFIGURED)}, globals: { verdict: ${verdict} }, maps: { hosts: [${entries}] } }`,
			);
		const first = text(2, "{ key: 10.0.0.1, value: 1 }, { key: 10.0.0.2, value: 2 }");
		await applyLab(first);
		const before = { program: attached("host:a"), hosts: dump("host:a", "hosts") };
		await expectUndone(text(1, "{ key: 10.0.0.1, value: 11 }, { key: 10.0.0.3, value: 3 }"));
		expect({ program: attached("host:a"), hosts: dump("host:a", "hosts") }).toEqual(before);
		expect(await planned(first)).toEqual([]);
	});
});

describe("a program on what a map redirects", () => {
	const redirects = (type: string, section: string) => `
		struct { __uint(type, BPF_MAP_TYPE_${type}); __uint(key_size, 4); __uint(value_size, 8); __uint(max_entries, 8); } targets SEC(".maps");
		const volatile __u32 verdict = XDP_PASS;
		SEC("xdp") int redirect(struct xdp_md *ctx) { return bpf_redirect_map(&targets, 0, XDP_PASS); }
		SEC("${section}") int behind(struct xdp_md *ctx) { return verdict; }\n`;
	const programsOf = (object: string, value: string, globals = "") =>
		`own: { object: ${object}, program: redirect, maps: { targets: [{ key: 0, value: ${value} }] } }
behind: { object: ${object}, program: behind, ${globals} }`;

	test.each([
		["DEVMAP", "xdp/devmap", "{ ifindex: host:b, program: behind }"],
		["DEVMAP_HASH", "xdp/devmap", "{ ifindex: host:b, program: behind }"],
		["CPUMAP", "xdp/cpumap", "{ qsize: 192, program: behind }"],
	])("of type %s is loaded, written with the entry, and follows the file", async (type, section, value) => {
		const object = compiled(type, redirects(type, section));
		const text = lab(programsOf(object, value));
		await applyLab(text);
		const [entry] = dump("host:a", "targets");
		const id = Buffer.from(entry?.value?.slice(4).map(Number) ?? []).readUInt32LE();
		expect(json<{ name: string }>(`bpftool -j prog show id ${id}`).name).toBe("behind");
		expect(await planned(text)).toEqual([]);
		const changed = lab(programsOf(object, value, "globals: { verdict: 1 }"));
		expect(await planned(changed)).toEqual([
			"~ program behind: verdict set to 1: loaded anew, maps kept",
			expect.stringMatching(/^~ entry own targets\[0\]: /),
		]);
		await applyLab(changed);
		expect(await planned(changed)).toEqual([]);
		const [after] = dump("host:a", "targets");
		expect(after?.value?.slice(4)).not.toEqual(entry?.value?.slice(4));
		await destroy("own");
		expect(programs()).toEqual({});
	});

	test("is refused on an interface, and one for an interface in a map", async () => {
		const object = compiled("DEVMAP", redirects("DEVMAP", "xdp/devmap"));
		await expect(load(lab(`own: { object: ${object}, program: behind }`))).rejects.toThrow(
			"`behind` is a program for the entries of a devmap, not for an interface",
		);
		const text = `${programsOf(object, "{ ifindex: host:b, program: behind }").replace("program: behind, ", "program: redirect, ")}`;
		await expect(load(lab(text))).rejects.toThrow("program `behind` cannot run on what `targets` redirects");
	});
});

describe("an entry that the machine cannot take is told before anything is touched", () => {
	const source = `${map("cpus", "CPUMAP", "__u32", "__u32", 64)}${map("few", "HASH", "__u32", "__u32", 2)}
		SEC("xdp") int spread(struct xdp_md *ctx) { return bpf_map_lookup_elem(&few, &(__u32){0}) ? XDP_PASS : bpf_redirect_map(&cpus, 0, 0); }\n`;

	test("of a cpumap, whose CPU the machine does not have", async () => {
		const possible = Number(sh("getconf _NPROCESSORS_CONF"));
		const entries = [0, possible - 1, possible, 63].map((key) => `{ key: ${key}, value: 192 }`);
		const text = lab(
			`own: { object: ${compiled("spread", source)}, maps: { cpus: [${entries.join(", ")}] } }`,
		);
		const column = (key: number) => 1 + (text.split("\n")[3] ?? "").indexOf(`key: ${key},`) + 5;
		const before = sh("ip netns; ls /run");
		for (const work of [plan(await load(text)), apply(await load(text))])
			expect((await failureOf(work, UnsupportedError)).message.split("\n")).toEqual(
				[possible, 63].map(
					(key) =>
						`${join(folder, "lab.yaml")}:4:${column(key)}: this machine has no CPU ${key} for \`cpus\`: it has ${possible === 1 ? "CPU 0" : `0 to ${possible - 1}`}`,
				),
			);
		expect(sh("ip netns; ls /run")).toBe(before);
	});

	test("and one of a map that others have filled is undone, in words", async () => {
		const text = (key: number) =>
			lab(`own: { object: ${compiled("spread", source)}, maps: { few: [{ key: ${key}, value: 1 }] } }`);
		await applyLab(text(1));
		const id = mapIds(attached("host:a")?.id ?? 0).get("few");
		sh(`bpftool map update id ${id} key 7 0 0 0 value 7 0 0 0`);
		const error = await failureOf(applyLab(text(1).replace("[", "[{ key: 2, value: 2 }, ")), ApplyError);
		expect(error.message).toBe(
			"entry own few[2]: map `few` is full, with 2 entries: give it more room by `max_entries` [E2BIG]",
		);
		expect(error.undone).toBe(true);
	});
});

test("a value for a per-CPU map is every CPU's", async () => {
	const source = `${map("limits", "PERCPU_ARRAY", "__u32", "__u32", 2)}
		SEC("xdp") int limited(struct xdp_md *ctx) { __u32 key = 1; return bpf_map_lookup_elem(&limits, &key) ? XDP_PASS : XDP_DROP; }\n`;
	const text = lab(
		`own: { object: ${compiled("limited", source)}, maps: { limits: [{ key: 1, value: 258 }] } }`,
	);
	await applyLab(text);
	const values = dump("host:a", "limits")[1]?.values?.map(({ value }) => value);
	expect(new Set(values?.map(String))).toEqual(new Set(["0x02,0x01,0x00,0x00"]));
	expect(values?.length).toBeGreaterThan(0);
	expect(await planned(text)).toEqual([]);
});

describe("in generic mode", () => {
	const object = () => compiled("pass", PASS);

	test.each([
		["by the program's entry", () => lab(`own: { object: ${object()}, attach: generic }`)],
		[
			"by the end",
			() => lab(`own: { object: ${object()} }`, { a: "xdp: { program: own, attach: generic }" }),
		],
	])("said %s: the sender segments by itself, and nobody needs a program for it", async (_, text) => {
		const plan = await explained(text());
		await applyLab(text());
		expect(plan).toContain("+ xdp host:a own generic");
		expect(plan).toMatch(
			/\+ offload uno:veth0 tso off +# host:a runs own: generic XDP redirects no frame longer than the MTU/,
		);
		expect(plan).not.toContain("program pass");
		expect(attached("host:a")?.mode).toBe(2);
	});

	test("a change to it says that it is not atomic", async () => {
		await applyLab(lab(`own: { object: ${object()} }`));
		expect(await planned(lab(`own: { object: ${object()}, attach: generic }`))).toContain(
			"~ xdp host:a: own → own generic (packets between are lost: the kernel takes one mode away before the other)",
		);
	});
});

describe("what follows from a program of the file's own", () => {
	test("is that whom it may answer gets `pass`, and sends whole checksums", async () => {
		const plan = await explained(lab(`own: { object: ${compiled("pass", PASS)} }`));
		expect(plan).toMatch(
			/\+ xdp uno:veth0 pass +# host:a runs own: a veth drops XDP frames unless its peer runs a program/,
		);
		expect(plan).toMatch(
			/\+ offload uno:veth0 tx off +# host:a runs own: XDP frames keep no partial checksum/,
		);
	});

	test("is said where the file will not have it", async () => {
		const { warnings } = await plan(
			await load(lab(`own: { object: ${compiled("pass", PASS)} }`, { peer: "xdp: none" })),
		);
		expect(warnings).toEqual(["host:a will not deliver to uno:veth0: `xdp: none`, and host:a runs own"]);
	});
});

test("a section name of old, which libbpf 1.0 does not know, is that of an XDP program", async () => {
	const source =
		'SEC("xdp_case04_pass") int old(struct xdp_md *ctx) { return XDP_PASS; }\nSEC("tc") int other(struct __sk_buff *skb) { return 0; }\n';
	await applyLab(lab(`own: { object: ${compiled("old", source)} }`));
	expect(attached("host:a")?.name).toBe("old");
});

describe("what the state kept is not needed", () => {
	test("to know a program, its maps and its pins", async () => {
		const text = lab(
			`own: { object: ${compiled("configured", CONFIGURED)}, globals: { verdict: 2 }, maps: { hosts: [{ key: 1, value: 1 }] }, pin: /sys/fs/bpf/own-test }`,
		);
		await applyLab(text);
		sh("rm -r /run/xdp-topology");
		expect(await planned(text)).toEqual([]);
		await destroy("own");
		expect(sh("ls /sys/fs/bpf")).not.toContain("own-test\n");
	});
});

test("an object that changes while it is applied is not taken for what it was", async () => {
	const topology = await load(lab(`own: { object: ${compiled("changing", PASS)} }`));
	compiled("changing", CONFIGURED);
	const error = await failureOf(apply(topology), ApplyError);
	expect(error.message).toMatch(/^program own: .*changing\.o has changed meanwhile: apply again$/);
});

test("a program that nothing uses is a warning, and not loaded", async () => {
	const topology = await load(lab(`own: { object: ${compiled("pass", PASS)} }`, { a: "xdp: pass" }));
	expect(topology.warnings).toEqual([
		expect.objectContaining({ line: 4, message: "program `own` is used by no end, and not loaded" }),
	]);
	await apply(topology);
	expect(programIds()).toHaveLength(1);
});

test("a name in full is kept of a map whose name is longer than the kernel keeps", async () => {
	const source = `${map("a_name_of_more_than_15_characters_1", "ARRAY", "__u32", "__u32", 1)}${map("a_name_of_more_than_15_characters_2", "ARRAY", "__u32", "__u32", 1)}
		SEC("xdp") int both(struct xdp_md *ctx) {
			__u32 key = 0, *one = bpf_map_lookup_elem(&a_name_of_more_than_15_characters_1, &key);
			__u32 *two = bpf_map_lookup_elem(&a_name_of_more_than_15_characters_2, &key);
			return one && two && *one < *two ? XDP_PASS : XDP_DROP;
		}\n`;
	const entries = [1, 2].map((n) => `a_name_of_more_than_15_characters_${n}: [{ key: 0, value: ${n} }]`);
	const text = lab(`own: { object: ${compiled("names", source)}, maps: { ${entries.join(", ")} } }`);
	await applyLab(text);
	expect(await planned(text)).toEqual([]);
	expect(sh("ping -n -c 1 -W 2 10.1.0.2")).toContain("1 received");
	expect(planText(await plan(await load(text)))).toContain("nothing to do");
});

describe("tail calls through an array that the object fills itself", () => {
	const source = `
		SEC("xdp") int behind(struct xdp_md *ctx) { return XDP_DROP; }
		struct {
			__uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __type(key, __u32);
			__array(values, int(void *));
		} jumps SEC(".maps") = { .values = { [0] = (void *)&behind } };
		SEC("xdp") int first(struct xdp_md *ctx) { bpf_tail_call(ctx, &jumps, 0); return XDP_PASS; }\n`;
	const text = (pin: string) => lab(`own: { object: ${compiled("tail", source)}, program: first, ${pin} }`);
	const answers = () => sh("ping -n -q -c 1 -W 0.3 -I a 10.1.0.2 || true").includes("1 received");

	test("work where the array is pinned", async () => {
		await applyLab(text("pin: /sys/fs/bpf/own-test"));
		expect(answers()).toBe(false);
	});

	test("stay those of the program that runs until another takes its place", async () => {
		await applyLab(text("pin: /sys/fs/bpf/own-test"));
		const other = source.replace("return XDP_DROP", "return XDP_PASS");
		const changed = lab(
			`own: { object: ${compiled("tail2", other)}, program: first, pin: /sys/fs/bpf/own-test }`,
		);
		await expectUndone(changed);
		expect(answers()).toBe(false);
		await applyLab(changed);
		expect(answers()).toBe(true);
		expect(await planned(changed)).toEqual([]);
	});

	test("are warned of where it is not: the kernel empties it", async () => {
		const topology = await load(text(""));
		expect(topology.warnings).toEqual([
			expect.objectContaining({
				line: 4,
				message: expect.stringContaining("`jumps` is emptied once nothing holds it"),
			}),
		]);
		await apply(topology);
		expect(answers()).toBe(true);
	});
});

describe("an entry that the program itself changes", () => {
	const source = `${map("budget", "ARRAY", "__u32", "__u64", 2)}${map("seen", "HASH", "__u32", "__u64", 2)}
		const volatile __u32 step = 1;
		SEC("xdp") int spend(struct xdp_md *ctx) {
			__u32 key = 0;
			__u64 *left = bpf_map_lookup_elem(&budget, &key), *count = bpf_map_lookup_elem(&seen, &key);
			if (left) *left -= step;
			if (count) *count += step;
			return XDP_PASS;
		}\n`;
	const text = (maps: string, step = 1) =>
		lab(`own: { object: ${compiled("spend", source)}, globals: { step: ${step} }, maps: { ${maps} } }`);
	const send = () => sh("ping -n -q -c 3 -i 0.01 -I a 10.1.0.2");
	const both = (options: string) =>
		["budget", "seen"].map((name) => `${name}: { ${options} entries: [{ key: 0, value: 100 }] }`).join(", ");

	test("does not keep an apply from being done while packets flow", async () => {
		await applyLab(text(both("")));
		const flood = spawn("ping", ["-n", "-q", "-f", "-c", "2000000", "-I", "a", "10.1.0.2"], {
			stdio: "ignore",
		});
		try {
			for (const step of [2, 3, 4]) await applyLab(text(both(""), step));
			expect(flood.exitCode).toBeNull();
		} finally {
			flood.kill("SIGKILL");
		}
	});

	test("is removed from an exact map, and that it comes back is no failure", async () => {
		const exact = `${map("sources", "LRU_HASH", "__u64", "__u32", 4096)}
			SEC("xdp") int fill(struct xdp_md *ctx) {
				__u64 now = bpf_ktime_get_ns(); __u32 one = 1;
				bpf_map_update_elem(&sources, &now, &one, BPF_ANY);
				return XDP_PASS;
			}\n`;
		const text = lab(
			`own: { object: ${compiled("fill", exact)}, maps: { sources: { exact: true, entries: [{ key: 1, value: 1 }] } } }`,
		);
		await applyLab(text);
		const flood = spawn("ping", ["-n", "-q", "-f", "-c", "2000000", "-I", "a", "10.1.0.2"], {
			stdio: "ignore",
		});
		try {
			for (let i = 0; i < 3; i++) await applyLab(text);
		} finally {
			flood.kill("SIGKILL");
		}
	});

	test("is left alone where it is but the initial one, under a new program as well", async () => {
		const first = text(both("initial: true,"));
		await applyLab(first);
		send();
		expect(await planned(first)).toEqual([]);
		expect(await planned(text(both("initial: true,"), 5))).toEqual([
			"~ program own: step 1 → 5: loaded anew, maps kept",
			"~ xdp host:a: own, loaded anew",
		]);
		await applyLab(text(both("initial: true,"), 5));
		expect(dump("host:a", "budget")[0]?.formatted?.value).toBeLessThan(100);
		expect(dump("host:a", "seen")[0]?.formatted?.value).toBeGreaterThan(100);
	});
});

describe("an MTU and the program that allows it", () => {
	const program = (section: string) =>
		`SEC("${section}") int large(struct xdp_md *ctx) { return XDP_PASS; }\n`;
	const at = (mtu: number, section: string) =>
		lab(`own: { object: ${compiled(section, program(section))} }`, {
			a: `xdp: own, mtu: ${mtu}`,
			peer: `mtu: ${mtu}`,
		});

	test("go up and down together, which the plan says is not without a gap", async () => {
		const [small, large] = [at(1500, "xdp"), at(9000, "xdp.frags")];
		await applyLab(small);
		expect((await planned(large)).join("\n")).toContain(
			"mtu 1500 → 9000, host:a (packets between may be lost",
		);
		await applyLab(large);
		expect(await planned(large)).toEqual([]);
		expect(attached("host:a")?.name).toBe("large");
		await applyLab(small);
		expect(await planned(small)).toEqual([]);
	});
});

test("an object may have more maps than a program can use", async () => {
	const names = Array.from({ length: 70 }, (_, i) => `many_${i}`);
	const source = `${names.map((name) => map(name, "ARRAY", "__u32", "__u32", 1)).join("")}${PASS}`;
	const text = lab(`own: { object: ${compiled("many", source)}, maps: { many_69: [{ key: 0, value: 1 }] } }`);
	await applyLab(text);
	expect(await planned(text)).toEqual([]);
});
