import { closeSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apply, loadTopology, plan, status } from "../../lib/index.js";
import { openMap, update } from "../../lib/kernel/bpf.js";
import { compile } from "../clang.js";
import { attached, linesOf, links, mapIds, sh, useSandbox } from "./sandbox.js";

useSandbox();

const folder = mkdtempSync("/tmp/xdp-topology-");
afterAll(() => rmSync(folder, { recursive: true }));

const map = (name: string, type: string, key: string, value: string, more = "") =>
	`struct { __uint(type, BPF_MAP_TYPE_${type}); __type(key, ${key}); __type(value, ${value});
		__uint(max_entries, 8); ${more} } ${name} SEC(".maps");\n`;

const SOURCE = `
struct key4 { __u32 prefixlen; __be32 address; };
struct flow { __be32 saddr; __be16 port; __u8 proto; __u8 pad; };
struct rule { __u8 mac[6]; __u16 id; enum xdp_action action; __u32 a : 3; __s32 b : 5; bool on; char name[8]; };
union either { __u32 number; __u8 bytes[4]; };
struct target { __u32 ifindex; __s32 cost; };
${map("limits", "ARRAY", "__u32", "__u64")}
${map("signs", "ARRAY", "__u32", "__s16")}
${map("actions", "HASH", "__u32", "enum xdp_action")}
${map("macs", "HASH", "__u32", "__u8[6]").replace("__type(value, __u8[6])", "__type(value, mac_t)")}
${map("hosts", "HASH", "__u32", "__u32")}
${map("ports", "HASH", "__u32", "__be16")}
${map("rules", "HASH", "__u32", "struct rule")}
${map("flows", "HASH", "struct flow", "__u32")}
${map("routes", "LPM_TRIE", "struct key4", "__u32", "__uint(map_flags, BPF_F_NO_PREALLOC);")}
${map("eithers", "HASH", "__u32", "union either")}
${map("targets", "HASH", "__u32", "struct target")}
${map("cpu", "PERCPU_ARRAY", "__u32", "__u64")}
${map("devices", "DEVMAP", "__u32", "__u32")}
${map("behinds", "DEVMAP", "__u32", "struct bpf_devmap_val")}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 8); } untyped SEC(".maps");
const volatile __u64 limit = 1; const volatile __u8 peer[6] = {}; const volatile enum xdp_action verdict = XDP_PASS;
const volatile __u32 out = 0; const volatile __u8 large[64] = { 1 };
SEC("xdp") int run(struct xdp_md *ctx) { return limit + peer[0] + large[1] == out ? verdict : XDP_DROP; }
SEC("xdp/devmap") int behind(struct xdp_md *ctx) { return XDP_PASS; }
`;

const lab = (globals: string) => `name: values
namespaces: { uno: , dos: }
programs:
  own:
    object: own.o
    program: run
    globals: { ${globals} }
    maps:
      limits: [{ key: 0, value: 77 }]
      signs: [{ key: 1, value: -5 }]
      actions: [{ key: 1, value: XDP_DROP }]
      macs: [{ key: 1, value: { mac: uno:veth0 } }]
      hosts: [{ key: 10.0.0.1, value: 10.0.0.9 }]
      ports: [{ key: 1, value: 80 }]
      rules: [{ key: 1, value: { mac: "02:00:00:00:00:07", id: 9, action: XDP_TX, a: 5, b: -3, on: true, name: web } }]
      flows: { exact: true, entries: [{ key: { saddr: 10.0.0.1, port: 80, proto: 6, pad: 0 }, value: 1 }] }
      routes: { exact: true, entries: [{ key: 10.0.0.0/8, value: 1 }] }
      eithers: [{ key: 1, value: { bytes: [1, 2, 3, 4] } }]
      targets: [{ key: 1, value: { ifindex: { ifindex: host:b }, cost: -1 } }]
      cpu: [{ key: 0, value: 5 }]
      devices: [{ key: 0, value: { ifindex: host:b } }]
      behinds: [{ key: 0, value: { ifindex: host:b, program: behind } }]
      untyped: [{ key: 1, value: 500 }]
  behind: { object: own.o, program: behind }
veths:
  - host:a: { addresses: 10.1.0.1/24, xdp: own }
    uno:veth0: { addresses: 10.1.0.2/24, mac: "02:00:00:00:00:01" }
  - host:b: 10.2.0.1/24
    dos:veth0: 10.2.0.2/24
`;
const GLOBALS =
	'limit: 5, peer: { mac: uno:veth0 }, verdict: XDP_TX, out: { ifindex: host:a }, large: "0x' +
	"02".repeat(64) +
	'"';
const load = (text: string) => {
	writeFileSync(join(folder, "lab.yaml"), text);
	return loadTopology(join(folder, "lab.yaml"));
};

beforeAll(async () => {
	writeFileSync(join(folder, "own.o"), compile(`typedef __u8 mac_t[6];\n${SOURCE}`));
	await apply(await load(lab(GLOBALS)));
});

/** Writes an entry as another tool would. */
const write = (name: string, key: string, value: string) =>
	sh(
		`bpftool map update id ${mapIds(attached("host:a")?.id ?? 0).get(name)} key hex ${key} value hex ${value}`,
	);
const bytes = (number: number) =>
	Buffer.from(new Uint32Array([number]).buffer)
		.toString("hex", 0, 4)
		.replace(/..(?=.)/g, "$& ");

describe("a value that somebody changed is told as the file writes one", () => {
	const a = () => bytes(links().get("a")?.ifindex ?? 0);

	test.each<[map: string, key: string, value: string | (() => string), line: string]>([
		["limits", "00 00 00 00", "4e 00 00 00 00 00 00 00", "~ entry own limits[0]: 78 → 77"],
		["signs", "01 00 00 00", "fe ff", "~ entry own signs[1]: -2 → -5"],
		["actions", "01 00 00 00", "02 00 00 00", "~ entry own actions[1]: XDP_PASS → XDP_DROP"],
		["macs", "01 00 00 00", "02 00 00 00 00 0a", "~ entry own macs[1]: 02:00:00:00:00:0a → uno:veth0"],
		["hosts", "0a 00 00 01", "0a 00 00 08", "~ entry own hosts[10.0.0.1]: 10.0.0.8 → 10.0.0.9"],
		["ports", "01 00 00 00", "00 51", "~ entry own ports[1]: 81 → 80"],
		[
			"eithers",
			"01 00 00 00",
			"01 02 03 05",
			"~ entry own eithers[1]: { bytes: 0x01020305 } → { bytes: [1, 2, 3, 4] }",
		],
		[
			"targets",
			"01 00 00 00",
			() => `${a()} ff ff ff ff`,
			"~ entry own targets[1]: { ifindex: host:a, cost: -1 } → { ifindex: { ifindex: host:b }, cost: -1 }",
		],
		["devices", "00 00 00 00", a, "~ entry own devices[0]: host:a → host:b"],
		[
			"behinds",
			"00 00 00 00",
			() => `${a()} 00 00 00 00`,
			"~ entry own behinds[0]: host:a → { ifindex: host:b, program: behind }",
		],
		["untyped", "01 00 00 00", "f5 01 00 00", "~ entry own untyped[1]: 501 → 500"],
	])("%s", async (name, key, value, line) => {
		const topology = await load(lab(GLOBALS));
		write(name, key, typeof value === "string" ? value : value());
		expect(linesOf(await plan(topology))).toContain(line);
		expect(status("values").drift?.changes.map(({ text }) => text)).toContain(line.replace("~ entry ", ""));
		await apply(topology);
		expect(linesOf(await plan(topology))).toEqual([]);
	});

	test("a struct of many members by its bytes, as the plan writes a long one", async () => {
		const topology = await load(lab(GLOBALS));
		write("rules", "01 00 00 00", `${"00 ".repeat(23)}00`);
		expect(linesOf(await plan(topology))).toEqual([
			expect.stringMatching(/^~ entry own rules\[1\]: 0x0{48} → 0x/),
		]);
		await apply(topology);
	});

	test("one for each CPU, where they differ", async () => {
		const topology = await load(lab(GLOBALS));
		const count = Number(sh("getconf _NPROCESSORS_CONF"));
		const values = Buffer.from(
			new BigUint64Array(Array.from({ length: count }, (_, cpu) => BigInt(cpu))).buffer,
		);
		const fd = openMap(mapIds(attached("host:a")?.id ?? 0).get("cpu") ?? 0) as number;
		update(fd, Buffer.alloc(4), values);
		closeSync(fd);
		const shown = count > 1 ? `[${Array.from({ length: count }, (_, cpu) => cpu).join(", ")}] by CPU` : "0";
		expect(linesOf(await plan(topology))).toEqual([`~ entry own cpu[0]: ${shown} → 5`]);
		await apply(topology);
	});
});

test("entries that the file does not have are told in its notation, key and value", async () => {
	const topology = await load(lab(GLOBALS));
	write("flows", "0a 00 00 02 01 bb 11 00", "07 00 00 00");
	write("routes", "10 00 00 00 c0 a8 00 00", "02 00 00 00");
	expect(linesOf(await plan(topology))).toEqual([
		"- entry own routes[192.168.0.0/16] = 2",
		"- entry own flows[{ saddr: 10.0.0.2, port: 443, proto: 17, pad: 0 }] = 7",
	]);
	await apply(topology);
	expect(linesOf(await plan(topology))).toEqual([]);
});

test("variables are told with what they are and what they become", async () => {
	const changed = GLOBALS.replace("limit: 5", "limit: 15")
		.replace("verdict: XDP_TX, ", "")
		.replace("uno:veth0", "dos:veth0")
		.replace("host:a", "host:b")
		.replace("02020", "03030");
	const [line] = linesOf(await plan(await load(lab(changed))));
	expect(line).toMatch(
		/^~ program own: limit 5 → 15, peer 02:00:00:00:00:01 → dos:veth0, verdict no longer XDP_TX, out host:a → host:b, another large: loaded anew, maps kept$/,
	);
});
