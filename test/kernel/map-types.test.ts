import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apply, destroy, loadTopology, plan, type Topology } from "../../lib/index.js";
import { compile, PASS } from "../clang.js";
import { attached, json, linesOf, links, mapIds, sh, useSandbox } from "./sandbox.js";

useSandbox();

const folder = mkdtempSync("/tmp/xdp-topology-");
afterAll(() => rmSync(folder, { recursive: true }));

const map = (name: string, type: string, key: string, value: string, entries: number, more = "") =>
	`struct { __uint(type, BPF_MAP_TYPE_${type}); __type(key, ${key}); __type(value, ${value});
		__uint(max_entries, ${entries}); ${more} } ${name} SEC(".maps");\n`;

const TRIE = "__uint(map_flags, BPF_F_NO_PREALLOC);";

const SOURCE = `
enum verdict { ALLOW = 1, DENY = -2 };
struct key4 { __u32 prefixlen; __be32 address; };
struct key6 { __u32 prefixlen; struct in6_addr address; };
struct flow { union { __be32 v4; __u8 v6[16]; }; __be16 port; __u8 proto; __u8 pad; };
struct rule { enum verdict verdict; struct { __u64 packets, bytes; } counts[2]; __u32 a : 3; __s32 b : 5; bool on; char name[8]; };
struct locked { struct bpf_spin_lock lock; __u32 value; };
${map("array", "ARRAY", "__u32", "__u64", 4)}
${map("hash", "HASH", "struct flow", "struct rule", 4)}
${map("lru", "LRU_HASH", "__u16", "__s8", 4)}
${map("per_cpu", "PERCPU_ARRAY", "__u32", "__u64", 2)}
${map("per_cpu_hash", "PERCPU_HASH", "__u32", "__u8", 2)}
${map("per_cpu_lru", "LRU_PERCPU_HASH", "__u32", "struct key4", 64)}
${map("routes4", "LPM_TRIE", "struct key4", "__u32", 8, TRIE)}
${map("routes6", "LPM_TRIE", "struct key6", "__u32", 8, TRIE)}
${map("devices", "DEVMAP", "__u32", "__u32", 4)}
${map("devices_by_hash", "DEVMAP_HASH", "__u32", "__u32", 4)}
${map("with_program", "DEVMAP", "__u32", "struct bpf_devmap_val", 4)}
${map("with_program_by_hash", "DEVMAP_HASH", "__u32", "struct bpf_devmap_val", 4)}
${map("cpus", "CPUMAP", "__u32", "__u32", 4)}
${map("cpus_with_program", "CPUMAP", "__u32", "struct bpf_cpumap_val", 4)}
${map("locks", "HASH", "__u32", "struct locked", 4)}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(key_size, 6); __uint(value_size, 4); __uint(max_entries, 4); } untyped SEC(".maps");
${map("sockets", "XSKMAP", "__u32", "__u32", 4)}
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } events SEC(".maps");
struct inner { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u32); __uint(max_entries, 1); } inner SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1); __uint(key_size, 4); __array(values, struct inner); } outer SEC(".maps") = { .values = { &inner } };
${PASS}
SEC("xdp/devmap") int behind_device(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp/cpumap") int behind_cpu(struct xdp_md *ctx) { return XDP_PASS; }
`;

const LAB = `name: maps
namespaces: { uno: }
programs:
  own:
    object: own.o
    program: pass
    maps:
      array: [{ key: 0, value: 18446744073709551615 }, { key: "0x3", value: "0x10" }]
      hash:
        - key: { v4: 10.0.0.1, port: 443, proto: 6, pad: 0 }
          value: &rule { verdict: DENY, counts: [{ packets: 1, bytes: 2 }, { packets: 3, bytes: 4 }], a: 5, b: -6, on: true, name: web }
        - key: { v6: "fc00::1", port: 53, proto: 17, pad: 0 }
          value: { <<: *rule, verdict: ALLOW, name: "" }
      lru: [{ key: 65535, value: -128 }]
      per_cpu: [{ key: 1, value: 7 }]
      per_cpu_hash: [{ key: 9, value: 8 }]
      per_cpu_lru: [{ key: { ipv4: host:uno }, value: { prefixlen: 24, address: { ipv4: host:uno } } }]
      routes4:
        - { key: 0.0.0.0/0, value: 1 }
        - { key: 10.0.0.0/8, value: 1 }
        - { key: { prefixlen: 9, address: 10.128.0.0 }, value: 2 }
      routes6: [{ key: "fc00::/7", value: 3 }, { key: "::/0", value: 4 }]
      devices: [{ key: 2, value: { ifindex: host:dos } }]
      devices_by_hash: [{ key: { ifindex: host:dos }, value: { ifindex: host:dos } }]
      with_program: [{ key: 0, value: { ifindex: host:dos, program: device } }, { key: 1, value: { ifindex: host:uno } }]
      with_program_by_hash: [{ key: 7, value: { ifindex: { ifindex: host:dos }, program: device } }]
      cpus: [{ key: 0, value: 192 }]
      cpus_with_program: [{ key: 1, value: { qsize: 64, program: cpu } }]
      locks: [{ key: 1, value: { value: 5 } }]
      untyped: [{ key: { mac: uno:a }, value: { ipv4: host:uno } }, { key: "0x010203040506", value: 5 }]
  device: { object: own.o, program: behind_device }
  cpu: { object: own.o, program: behind_cpu }
veths:
  - host:uno: { addresses: 10.0.0.1/24, xdp: own }
    uno:a: { mac: "02:00:00:00:00:0a" }
  - host:dos: { xdp: pass }
    uno:b:
`;

interface Dumped {
	key: unknown;
	value?: unknown;
	formatted?: { key: unknown; value?: unknown; values?: { value: unknown }[] };
}

/** A map's entries as bpftool(8) has them, by the types of the map itself; of a per-CPU map, the different values. */
function dump(name: string): unknown[] {
	const id = mapIds(attached("host:uno")?.id ?? 0).get(name.slice(0, 15));
	return json<Dumped[]>(`bpftool -j map dump id ${id}`)
		.map(({ key, value, formatted }) => {
			const all = formatted?.values?.map((one) => JSON.stringify(one.value));
			const different = all && [...new Set(all)].map((text) => JSON.parse(text));
			return [formatted?.key ?? key, different ?? formatted?.value ?? value];
		})
		.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

/** A number of 32 bits, byte by byte: the kernel keeps no types of a devmap. */
const u32 = (number = 0) => {
	const memory = Buffer.alloc(4);
	memory.writeUInt32LE(number);
	return [...memory].map((byte) => `0x${byte.toString(16).padStart(2, "0")}`);
};

const bytes = (text: string) => text.split(" ").map((byte) => `0x${byte}`);

describe("every type of map that a file can fill", () => {
	let topology: Topology;
	beforeAll(async () => {
		writeFileSync(join(folder, "own.o"), compile(SOURCE));
		writeFileSync(join(folder, "lab.yaml"), LAB);
		topology = await loadTopology(join(folder, "lab.yaml"));
		await apply(topology);
	});
	afterAll(() => destroy("maps"));

	const index = (end: string) => links().get(end)?.ifindex;

	test.each<[map: string, entries: () => unknown[]]>([
		[
			"array",
			() => [
				[0, Number(2n ** 64n - 1n)],
				[1, 0],
				[2, 0],
				[3, 16],
			],
		],
		["lru", () => [[65535, -128]]],
		[
			"per_cpu",
			() => [
				[0, [0]],
				[1, [7]],
			],
		],
		["per_cpu_hash", () => [[9, [8]]]],
		["devices_by_hash", () => [[u32(index("dos")), u32(index("dos"))]]],
		["locks", () => [[1, { lock: { val: 0 }, value: 5 }]]],
		[
			"routes4",
			() => [
				[{ prefixlen: 0, address: 0 }, 1],
				[{ prefixlen: 8, address: 10 }, 1],
				[{ prefixlen: 9, address: 0x800a }, 2],
			],
		],
		[
			"untyped",
			() => [
				[bytes("01 02 03 04 05 06"), bytes("05 00 00 00")],
				[bytes("02 00 00 00 00 0a"), bytes("0a 00 00 01")],
			],
		],
	])("%s holds what the file says, as bpftool reads it", (name, entries) => {
		expect(dump(name)).toEqual(entries());
	});

	test("structs, unions, enums, bit-fields and text too", () => {
		const counts = [
			{ packets: 1, bytes: 2 },
			{ packets: 3, bytes: 4 },
		];
		const rules = dump("hash") as [{ port: number; proto: number }, object][];
		expect(rules).toHaveLength(2);
		const [web, dns] = [6, 17].map((proto) => rules.find(([key]) => key.proto === proto));
		// bpftool shows numbers of the network's order as they are in memory, and bit-fields without a sign.
		const a = "0x5";
		const b = "0x1a";
		expect(web).toEqual([
			{ "": expect.objectContaining({ v4: 0x0100000a }), port: 0xbb01, proto: 6, pad: 0 },
			{ verdict: "DENY", counts, a, b, on: true, name: "web" },
		]);
		expect(dns).toEqual([
			expect.objectContaining({ port: 0x3500 }),
			{ verdict: "ALLOW", counts, a, b, on: true, name: "" },
		]);
	});

	test("a second apply finds nothing to do", async () => {
		expect(linesOf(await plan(topology))).toEqual([]);
	});

	test.each([
		[
			"a prefix that a shorter one hides",
			"routes4",
			"delete",
			"key hex 08 00 00 00 0a 00 00 00",
			"10.0.0.0/8",
		],
		["a device", "devices", "delete", "key hex 02 00 00 00", "devices[2]"],
		["a value", "lru", "update", "key hex ff ff value hex 01", "lru[65535]"],
		["a value of one CPU", "per_cpu_hash", "delete", "key hex 09 00 00 00", "per_cpu_hash[9]"],
		[
			"an array's zero",
			"array",
			"update",
			"key hex 00 00 00 00 value hex 00 00 00 00 00 00 00 00",
			"array[0]",
		],
	])("%s that somebody changes is drift, and comes back", async (_, name, verb, what, label) => {
		const id = mapIds(attached("host:uno")?.id ?? 0).get(name);
		sh(`bpftool map ${verb} id ${id} ${what}`);
		expect(linesOf(await plan(topology))).toEqual([expect.stringContaining(label)]);
		await apply(topology);
		expect(linesOf(await plan(topology))).toEqual([]);
	});
});
