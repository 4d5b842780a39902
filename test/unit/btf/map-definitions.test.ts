import { describe, expect, test } from "vitest";
import { compile, PASS } from "../../clang.js";
import { parseOwn, told } from "./own.js";

/** A map in the words of libbpf. */
const map = (name: string, type: string, key: string, value: string, more = "__uint(max_entries, 4);") =>
	`struct { __uint(type, BPF_MAP_TYPE_${type}); __type(key, ${key}); __type(value, ${value}); ${more} } ${name} SEC(".maps");\n`;

/** A map of maps, and the maps that its slots may have. */
const nested = ({ inner = "__uint(max_entries, 2);", slots = "" } = {}) => `
struct pair { __u64 a, b; };
${map("wide", "ARRAY", "__u32", "struct pair", "__uint(max_entries, 2);")}
${map("longer", "ARRAY", "__u32", "__u64")}
${map("hash", "HASH", "__u32", "__u64", "__uint(max_entries, 2);")}
${map("flagged", "ARRAY", "__u32", "__u64", "__uint(max_entries, 2); __uint(map_flags, BPF_F_MMAPABLE);")}
struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); ${inner} };
struct inner a SEC(".maps"), b SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, __u32); __array(values, struct inner); }
	outer SEC(".maps")${slots && ` = { .values = { ${slots} } }`};
`;

const XDP = (name: string, section = "xdp", body = "") =>
	`SEC("${section}") int ${name}(struct xdp_md *ctx) { ${body} return XDP_PASS; }\n`;

const TC = 'SEC("tc") int shape(struct __sk_buff *skb) { return 0; }\n';

/** A program array; `first` calls what is in it. */
const calling = (functions: string, slots = "", section = "xdp") => `
${functions}
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4); __array(values, int(void *)); }
	jump SEC(".maps")${slots && ` = { .values = { ${slots} } }`};
${XDP("first", section, "bpf_tail_call(ctx, &jump, 1);")}`;

const objects = new Map<string, Buffer>();
/** The object of a source, which many cases share. */
function objectOf(source: string): Buffer {
	const object = objects.get(source) ?? compile(source);
	objects.set(source, object);
	return object;
}

const said = (source: string, entry = "") => told(entry, objectOf(source));

describe("what the kernel refuses about maps is told before anything is loaded", () => {
	test("maps without a size, all at once, with both remedies", () => {
		const without = ["ARRAY", "HASH", "LRU_HASH", "PERCPU_ARRAY", "DEVMAP", "CPUMAP"].map((type, i) =>
			map(`m${i}`, type, "__u32", "__u32", ""),
		);
		const rings = ["RINGBUF", "USER_RINGBUF"].map(
			(type) => `struct { __uint(type, BPF_MAP_TYPE_${type}); } ${type} SEC(".maps");`,
		);
		const remedy = (name: string) =>
			`(\`__uint(max_entries, 1024)\` in C, or \`maps: { ${name}: { max_entries: 1024 } }\` in this file)`;
		expect(said(without.join("") + rings.join("") + PASS)).toEqual(
			["m0", "m1", "m2", "m3", "m4", "m5", "RINGBUF", "USER_RINGBUF"].map(
				(name) => `p.o: map \`${name}\` has no \`max_entries\` ${remedy(name)}`,
			),
		);
	});

	test("at the map's name, where the file has it; and not where the file gives the size", () => {
		const source = map("m", "HASH", "__u32", "__u32", "") + map("n", "HASH", "__u32", "__u32", "") + PASS;
		expect(said(source, "maps: { m: { entries: [] }, n: { max_entries: 8 } }")).toEqual([
			expect.stringMatching(/^m: map `m` has no `max_entries`/),
		]);
	});

	test.each(["PERF_EVENT_ARRAY"])("a %s needs none", (type) => {
		expect(said(map("m", type, "__u32", "__u32", "") + PASS)).toEqual([]);
	});

	test.each(["SK_STORAGE", "INODE_STORAGE", "TASK_STORAGE"])("a %s takes none", (type) => {
		const flags = "__uint(map_flags, BPF_F_NO_PREALLOC);";
		expect(said(map("m", type, "__u32", "__u32", flags) + PASS)).toEqual([]);
		expect(said(map("m", type, "__u32", "__u32", `${flags} __uint(max_entries, 4);`) + PASS)).toEqual([
			`p.o: map \`m\` has the type ${type.toLowerCase()}, which takes no \`max_entries\``,
		]);
	});

	test.each<[title: string, source: string, told: string]>([
		[
			"a map without a type",
			'struct { __uint(max_entries, 1); } m SEC(".maps");',
			"map `m` has no type (for example `__uint(type, BPF_MAP_TYPE_HASH)`)",
		],
		[
			"an array with keys that are no index",
			map("m", "ARRAY", "__u64", "__u64"),
			"the keys of `m` have 8 bytes, and those of the type array have 4 (`__type(key, __u32)`)",
		],
		[
			"a trie that is to be allocated beforehand",
			map("m", "LPM_TRIE", "__u64", "__u64"),
			"map `m` has the type lpm_trie, but not `BPF_F_NO_PREALLOC` (`__uint(map_flags, BPF_F_NO_PREALLOC)`)",
		],
		[
			"a map of maps that says nothing of these",
			map("m", "ARRAY_OF_MAPS", "__u32", "__u32"),
			"map `m` does not say which maps it holds (`__array(values, struct inner)`, where `struct inner` is the definition of a map)",
		],
		[
			"a map of maps without a size",
			nested({ inner: "" }).replace(/struct inner a.*\n/, ""),
			"map `outer.inner` has no `max_entries` (`__uint(max_entries, 1024)`)",
		],
	])("%s", (_, source, message) => {
		expect(said(source + PASS)).toEqual([`p.o: ${message}`]);
	});

	test.each([
		[8, "cgroup_array"],
		[19, "cgroup_storage"],
		[31, "user_ringbuf"],
		[32, "cgrp_storage"],
		[33, "arena"],
	])("map type %i is called %s", (number, name) => {
		const size = [19, 32].includes(number) ? "" : "__uint(max_entries, 4096);";
		const source = `struct { __uint(type, ${number}); ${size} } m SEC(".maps");\n${PASS}`;
		expect(said(source, "maps: { m: [{ key: 0, value: 0 }] }")).toEqual([
			expect.stringContaining(`its type is ${name} (`),
		]);
	});
});

describe("maps in a map of maps", () => {
	test("are named by the file", () => {
		const entry = "maps: { outer: [{ key: 1, value: { map: b } }, { key: 3, value: { map: a } }] }";
		const [program] = parseOwn(entry, objectOf(nested() + PASS)).programs;
		expect(program?.entries.map(({ label, text, target }) => [label, text, target])).toEqual([
			["1", "{ map: b }", { map: "b" }],
			["3", "{ map: a }", { map: "a" }],
		]);
	});

	test.each([
		["{ map: bb }", "bb: the object has no map `bb` (did you mean `b`?)"],
		[
			"{ map: wide }",
			"wide: `wide` cannot be in `outer`: it has a value size of 16, and the maps there have 8",
		],
		[
			"{ map: longer }",
			"longer: `longer` cannot be in `outer`: it has max_entries of 4, and the maps there have 2",
		],
		[
			"{ map: flagged }",
			"flagged: `flagged` cannot be in `outer`: it has map_flags of 1024, and the maps there have 0",
		],
		[
			"{ map: hash }",
			"hash: `hash` cannot be in `outer`: its type is hash, and that of the maps there is array",
		],
		[
			"{ map: outer }",
			"outer: `outer` cannot be in `outer`: no map of maps holds maps of the type array_of_maps",
		],
		["7", "7: `7` is no value of `outer`: its type is array_of_maps (`{ map: NAME }`)"],
		[
			"{ function: pass }",
			"{ function: pass }: a mapping is no value of `outer`: its type is array_of_maps (`{ map: NAME }`)",
		],
		[
			"{ map: 5 }",
			"{ map: 5 }: a mapping is no value of `outer`: its type is array_of_maps (`{ map: NAME }`)",
		],
	])("%s", (value, message) => {
		expect(said(nested() + PASS, `maps: { outer: [{ key: 0, value: ${value} }] }`)).toEqual([message]);
	});

	test("those of another size fit where the definition says so", () => {
		const source = nested({ inner: "__uint(max_entries, 2); __uint(map_flags, 0x1000);" });
		const more = map(
			"other",
			"ARRAY",
			"__u32",
			"__u64",
			"__uint(max_entries, 9); __uint(map_flags, 0x1000);",
		);
		expect(said(source + more + PASS, "maps: { outer: [{ key: 0, value: { map: other } }] }")).toEqual([]);
	});

	test.each([
		[
			"[1] = (void *)&wide",
			"p.o: `outer`[1] is set in C to `wide`: it has a value size of 16, and the maps there have 8",
		],
		["[7] = &a", "p.o: `outer`[7] is set in C, and `outer` has 4 entries"],
	])("%s in C is looked at as well", (slots, message) => {
		expect(said(nested({ slots }) + PASS)).toEqual([message]);
	});
});

describe("functions in a prog_array", () => {
	const pinned = (value: string) =>
		`program: first, pin: /sys/fs/bpf/p, maps: { jump: [{ key: 1, value: ${value} }] }`;
	const source = calling(
		XDP("second") + XDP("third") + XDP("jumbo", "xdp.frags") + XDP("behind", "xdp/devmap") + TC,
	);

	test("are named by the file", () => {
		const [program] = parseOwn(pinned("{ function: second }"), objectOf(source)).programs;
		expect(program?.entries.map(({ text, target }) => [text, target])).toEqual([
			["{ function: second }", { function: "second" }],
		]);
	});

	test.each([
		["{ function: secnd }", "secnd: the object has no program `secnd` (did you mean `second`?)"],
		["{ function: shape }", "shape: `shape` is no XDP program: its section is `tc`"],
		[
			"{ function: jumbo }",
			'jump: `first` is in SEC("xdp"), and `jumbo` is in SEC("xdp.frags"): `jump` takes and serves programs of one kind (give them the same SEC())',
		],
		[
			"{ function: behind }",
			'jump: `first` is in SEC("xdp"), and `behind` is in SEC("xdp/devmap"): `jump` takes and serves programs of one kind (give them the same SEC())',
		],
		["second", "second: `second` is no value of `jump`: its type is prog_array (`{ function: NAME }`)"],
	])("%s", (value, message) => {
		expect(
			said(source, pinned(value)).map((one) =>
				one
					.replace(
						'`behind` is in SEC("xdp/devmap"), and `first` is in SEC("xdp")',
						'`first` is in SEC("xdp"), and `behind` is in SEC("xdp/devmap")',
					)
					.replace(
						'`jumbo` is in SEC("xdp.frags"), and `first` is in SEC("xdp")',
						'`first` is in SEC("xdp"), and `jumbo` is in SEC("xdp.frags")',
					),
			),
		).toEqual([message]);
	});

	test("stay there only if the maps are pinned", () => {
		expect(said(source, "program: first, maps: { jump: [{ key: 1, value: { function: second } }] }")).toEqual(
			[
				"jump: the functions in `jump` do not stay there: the kernel empties a prog_array that only a program holds (give program `p` `pin`, such as `pin: /sys/fs/bpf/p`)",
			],
		);
	});

	test.each([
		["[1] = (void *)&jumbo", /`first` is in SEC\("xdp"\).*|`jumbo` is in SEC\("xdp.frags"\)/],
		[
			"[1] = (void *)&shape",
			/^p\.o: `jump`\[1\] is set in C to `shape`, which is no XDP program: its section is `tc`$/,
		],
		["[9] = (void *)&second", /^p\.o: `jump`\[9\] is set in C, and `jump` has 4 entries$/],
	])("%s in C is looked at as well", (slots, message) => {
		const functions = XDP("second") + XDP("jumbo", "xdp.frags") + TC;
		expect(said(calling(functions, slots), "program: first, pin: /sys/fs/bpf/p")).toEqual([
			expect.stringMatching(message),
		]);
	});
});

describe("a map that needs a reference from user space is a warning", () => {
	const warnings = (source: string, entry = "") =>
		parseOwn(entry, compile(source))
			.warnings.map(({ message }) => message)
			.filter((one) => /pin/.test(one));
	const WQ = "struct bpf_wq { __u64 opaque[2]; };";

	test.each([
		["an array", "", "ARRAY", "struct { struct bpf_timer t; __u64 n; }"],
		["a hash", "", "HASH", "struct { __u64 n; struct bpf_timer t; }"],
		["an LRU hash", "", "LRU_HASH", "struct { __u64 n; struct bpf_timer t; }"],
		["a struct within", "struct deep { struct { struct bpf_timer t; } in[2]; };", "HASH", "struct deep"],
		["a work queue", WQ, "HASH", "struct { struct bpf_wq w; }"],
	])("with timers in %s", (_, types, type, value) => {
		const source = `${types} typedef ${value} value; ${map("later", type, "__u32", "value")}${PASS}`;
		expect(warnings(source)).toEqual([
			"timers of program `p` will not start: `later` needs a reference from user space; give the program `pin`",
		]);
		expect(warnings(source, "pin: /sys/fs/bpf/p")).toEqual([]);
	});

	test("but not without timers", () => {
		expect(
			warnings(
				`struct plain { __u64 timer; struct bpf_timer *t; }; ${map("m", "HASH", "__u32", "struct plain")}${PASS}`,
			),
		).toEqual([]);
	});
});

describe("a map keeps its content only if it is the same", () => {
	const definition = (source: string, name: string, entry = "") =>
		parseOwn(entry, objectOf(source)).programs[0]?.maps.find((one) => one.name === name)?.definition;
	const base = nested({ slots: "[0] = &a, [2] = &b" }) + PASS;

	test.each([
		["another slot", nested({ slots: "[0] = &a, [3] = &b" }) + PASS],
		["another map in a slot", nested({ slots: "[0] = &a, [2] = &a" }) + PASS],
		["a slot more", nested({ slots: "[0] = &a, [2] = &b, [3] = &b" }) + PASS],
		["inner maps of another size", base.replace("__uint(max_entries, 2); };", "__uint(max_entries, 3); };")],
		[
			"inner maps of another value",
			base.replace(
				"__type(value, __u64); __uint(max_entries, 2); };",
				"__type(value, __s64); __uint(max_entries, 2); };",
			),
		],
	])("a map of maps is another with %s", (_, source) => {
		expect(definition(base, "outer")).toBeDefined();
		expect(definition(source, "outer")).not.toBe(definition(base, "outer"));
		expect(definition(source, "hash")).toBe(definition(base, "hash"));
	});

	test("and with a map in a slot that the file gives another size", () => {
		const source =
			nested({ inner: "__uint(max_entries, 2); __uint(map_flags, 0x1000);", slots: "[0] = &a" }) + PASS;
		expect(definition(source, "outer", "maps: { a: { max_entries: 9 } }")).not.toBe(
			definition(source, "outer"),
		);
	});

	test("a bloom filter is another with other hash functions", () => {
		const bloom = (hashes: number) =>
			`struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __type(value, __u32); __uint(max_entries, 9); __uint(map_extra, ${hashes}); } m SEC(".maps");\n${PASS}`;
		expect(definition(bloom(3), "m")).not.toBe(definition(bloom(4), "m"));
		expect(definition(bloom(3), "m")).toBe(definition(bloom(3), "m"));
	});
});
