import { describe, expect, test } from "vitest";
import { compile, link, PASS, sectionOf } from "../../clang.js";
import { parseOwn, told } from "./own.js";

/** What is said of an object, at its path. */
const say = (message: string, hint?: string) => [`p.o: ${message}${hint === undefined ? "" : ` (${hint})`}`];

const good = compile(`const volatile __u32 limit = 1;\n${PASS}`);

const withHeader = (at: number, ...bytes: number[]) => {
	const changed = Buffer.from(good);
	changed.set(bytes, at);
	return changed;
};

describe("a file that is no BPF object is told, at its path", () => {
	test.each<[title: string, object: Buffer, said: string[]]>([
		["an empty one", Buffer.alloc(0), say("the object is empty")],
		[
			"a text",
			Buffer.from("int main;\n"),
			say("this is a text, and no ELF object", "name a C source by `source`"),
		],
		[
			"another binary file",
			Buffer.from("PK\x03\x04\0\0"),
			say("this is no ELF object", "compile it with `clang -O2 -g -target bpf -c`"),
		],
		["the beginning of one", Buffer.from("\x7fELF\x02"), say("the object is cut off or damaged")],
		["one of 32 bits", withHeader(4, 1), say("this is a 32-bit object, and BPF has 64 bits")],
		[
			"one of the other byte order",
			compile(PASS, ["-target", "bpfeb"]),
			say(
				"the object is for a machine of big-endian byte order",
				"compile it with `-target bpf`, or `-target bpfel`",
			),
		],
		[
			"one of a processor",
			compile("int f(void) { return 1; }", ["-target", "x86_64-linux-gnu", "-mcpu=x86-64"]),
			say(
				"the object holds machine code of a processor, not BPF",
				"compile it with `clang -O2 -g -target bpf -c`",
			),
		],
		[
			"a linked one",
			withHeader(16, 2),
			say("this is no relocatable object", "give the `.o` file that `clang -c` writes"),
		],
		["one without types", compile(PASS, ["-g0"]), say("the object has no BTF", "compile it with `clang -g`")],
		[
			"maps as before libbpf 1.0",
			compile(`struct { int type, key, value, entries; } old SEC("maps") = { 1, 4, 4, 1 };\n${PASS}`),
			say(
				'the object defines maps the old way, in SEC("maps"), which libbpf 1.0 and newer do not take',
				'define them by their types, in SEC(".maps")',
			),
		],
		...["?.struct_ops", ".struct_ops", ".struct_ops.link"].map((section): [string, Buffer, string[]] => [
			`kernel operations in ${section}`,
			compile(`struct { void *init; } mine SEC("${section}") = { 0 };\n${PASS}`),
			say(
				`the object implements kernel operations in SEC("${section}"), which cannot be loaded beside an XDP program`,
				"keep them in an object of their own",
			),
		]),
		[
			"one made without optimisation",
			compile(
				`struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 1); } m SEC(".maps");
				SEC("xdp") int slow(struct xdp_md *c) { __u32 k = 0; return bpf_map_lookup_elem(&m, &k) ? XDP_DROP : XDP_PASS; }`,
				["-O0"],
			),
			say(
				"`slow` calls a function through a register, which BPF cannot do",
				"an object that clang made without optimisation has such calls: compile it with `-O2`",
			),
		],
		[
			"a static map",
			compile(
				`static struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 1); } m SEC(".maps");
				SEC("xdp") int reads(struct xdp_md *c) { __u32 k = 0; return bpf_map_lookup_elem(&m, &k) ? XDP_DROP : XDP_PASS; }`,
			),
			say("map m is static, which libbpf does not take", "leave out `static`"),
		],
		[
			"a map with a field of no meaning",
			compile(`struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(colour, 4); } m SEC(".maps");\n${PASS}`),
			say("the definition of map m has colour, which libbpf does not know"),
		],
		[
			"a function that is not in it",
			compile('int away(int); SEC("xdp") int calls(struct xdp_md *c) { return away(c->data); }'),
			say(
				"the object refers to away, which is not in it",
				"link the objects that belong together with `bpftool gen object`",
			),
		],
		[
			"a map that is no struct",
			compile(`int map SEC(".maps");\n${PASS}`),
			say("map map is defined by something else than a struct"),
		],
		[
			"a static program",
			compile('SEC("xdp") static int __attribute__((used)) hidden(struct xdp_md *ctx) { return XDP_PASS; }'),
			say(
				'function hidden in SEC("xdp") is static, which libbpf does not take',
				"leave out `static`, or the SEC()",
			),
		],
	])("%s", (_, object, said) => {
		expect(told("", object)).toEqual(said);
	});

	test("one that is cut off anywhere, or nowhere", () => {
		const text = "globals: { limit: 5 }";
		expect(told(text, good)).toEqual([]);
		for (let length = 0; length < good.length; length += 7)
			expect(told(text, good.subarray(0, length))).toEqual([
				expect.stringMatching(/^p\.o: .*(empty|no ELF|cut off|damaged)/),
			]);
	});

	test("one whose types are cut off anywhere", () => {
		const types = sectionOf(good, ".BTF");
		const at = good.indexOf(types);
		for (let length = 0; length < types.length; length += 5) {
			const zeroed = Buffer.from(good).fill(0xff, at + length, at + types.length);
			expect(told("globals: { limit: 5 }", zeroed)).toEqual(say("the object's BTF is damaged"));
		}
	});
});

const program = (section: string, name: string) =>
	`SEC("${section}") int ${name}(struct xdp_md *ctx) { return XDP_PASS; }\n`;
const tc = 'SEC("tc") int shape(struct __sk_buff *skb) { return 0; }\n';

describe("choosing the program", () => {
	/** What is chosen of an object: the function, where it runs, and whether it takes frames in several buffers. */
	function chosen(source: string, entry = "") {
		const { function: name, place, frags } = parseOwn(entry, compile(source)).programs[0] ?? {};
		return [name, place, frags];
	}

	test.each<[title: string, source: string, entry: string, chosen: unknown[]]>([
		["the only one need not be named", PASS, "", ["pass", "interface", false]],
		[
			"one of several by its name",
			program("xdp", "a") + program("xdp", "b"),
			"program: b",
			["b", "interface", false],
		],
		["the only one of XDP", program("xdp", "a") + tc, "", ["a", "interface", false]],
		["xdp.frags", program("xdp.frags", "a"), "", ["a", "interface", true]],
		["one that is not loaded unless it is asked for", program("?xdp", "a"), "", ["a", "interface", false]],
		[
			"helpers are no programs",
			`${PASS} __attribute__((noinline)) int help(int i) { return i; }`,
			"",
			["pass", "interface", false],
		],
		["the thesis's sections", program("xdp_pass", "a"), "", ["a", "interface", false]],
		["the kernel's old samples", program("xdp1", "a"), "", ["a", "interface", false]],
	])("%s", (_, source, entry, expected) => {
		expect(chosen(source, entry)).toEqual(expected);
	});

	test.each<[title: string, source: string, entry: string, said: string]>([
		[
			"several, and none is named",
			program("xdp", "a") + program("xdp.frags", "b"),
			"",
			"p.o: the object has several XDP programs: say which by `program` (it has `a` or `b`)",
		],
		[
			"a misspelt name",
			program("xdp", "redirect"),
			"program: redirct",
			"redirct: the object has no program `redirct` (did you mean `redirect`?)",
		],
		[
			"another name",
			program("xdp", "a"),
			"program: other",
			"other: the object has no program `other` (it has `a`)",
		],
		[
			"a program for something else",
			PASS + tc,
			"program: shape",
			"shape: `shape` is no XDP program: its section is `tc` (it has `pass`)",
		],
		["only programs for something else", tc, "", "p.o: the object has no XDP program (it has `shape` (tc))"],
		[
			"no program at all",
			"int number = 1;",
			"",
			'p.o: the object has no XDP program (one begins with SEC("xdp"))',
		],
		[
			"a function without a section",
			"int pass(struct xdp_md *ctx) { return XDP_PASS; }",
			"program: pass",
			'pass: the object has no program `pass` (one begins with SEC("xdp"))',
		],
		[
			"controls in a name of the object's",
			'SEC("xdp\\33[31m") int a(void *c) { return 2; } SEC("tc\\33[31m") int b(void *c) { return 2; }',
			"program: b",
			"b: `b` is no XDP program: its section is `tc\\u{1b}[31m` (it has `a`)",
		],
	])("%s is told", (_, source, entry, said) => {
		expect(told(entry, compile(source))).toEqual([said]);
	});

	test("a wrong name hides no wrong value", () => {
		expect(told("program: nix, globals: { limit: -1 }", good)).toEqual([
			"nix: the object has no program `nix` (it has `pass`)",
			"-1: -1 does not fit `const volatile __u32` (0 to 4294967295)",
		]);
	});

	test.each([
		["xdp/devmap", "devmap"],
		["xdp.frags/cpumap", "cpumap"],
		["xdp_devmap/old", "devmap"],
	])("one in SEC(%j) is for the entries of a map, not for an interface", (section, place) => {
		expect(told("", compile(program(section, "behind")))).toEqual([
			`p: \`behind\` is a program for the entries of a ${place}, not for an interface (name it in an entry of a map: \`program: p\`)`,
		]);
	});
});

describe("objects of every kind are taken", () => {
	const MAPS = `
		struct inner { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u32); __uint(max_entries, 1); } inner SEC(".maps");
		struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1); __uint(key_size, 4); __array(values, struct inner); } outer SEC(".maps") = { .values = { &inner } };
		struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, 4); __array(values, int(void *)); } tails SEC(".maps");
		struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
		struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } events SEC(".maps");
		struct { __uint(type, BPF_MAP_TYPE_XSKMAP); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } sockets SEC(".maps");
		struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __uint(value_size, 4); } queue SEC(".maps");
	`;
	const object = compile(MAPS + PASS);

	test("with maps that a file cannot fill", () => {
		expect(told("", object)).toEqual([]);
	});

	test.each([
		["ring", "ringbuf", "it is filled by the program"],
		["events", "perf_event_array", "it holds the descriptors of who reads the events"],
		["sockets", "xskmap", "it is filled with AF_XDP sockets, by the program that opens them"],
		["queue", "queue", "it is filled by the program"],
	])("entries of %s are refused, with the reason", (map, type, reason) => {
		expect(told(`maps: { ${map}: [{ key: 0, value: 0 }] }`, object)).toEqual([
			`${map}: \`${map}\` takes no entries from a file: its type is ${type} (${reason})`,
		]);
	});

	test("beside programs of any other kind, what the kernel itself has, and its configuration", () => {
		const sections = [
			"lsm/file_open",
			"fentry",
			"iter/task",
			"syscall",
			"usdt",
			"freplace/pass",
			"sk_lookup",
		];
		const more = ["netfilter", "tcx/ingress", "struct_ops/init", "kprobe.multi/tcp_*", "nonsense"];
		const others = [...sections, ...more].map(
			(section, i) => `SEC("${section}") int other${i}(void *ctx) { return 0; }`,
		);
		const source = `extern int CONFIG_HZ SEC(".kconfig"); extern int kfunc(void) SEC(".ksyms");
			SEC("xdp") int asks(struct xdp_md *ctx) { return CONFIG_HZ + kfunc(); }
			${others.join("\n")}`;
		expect(told("", compile(source))).toEqual([]);
	});

	test("with sections of data of their own names, static variables, and zeros", () => {
		const source = `
			volatile const __u32 first SEC(".rodata.first") = 1; volatile __u32 second SEC(".data.second") = 2;
			static volatile __u32 third = 3; __u32 fourth; static volatile const __u32 fifth = 5;
			SEC("xdp") int sum(struct xdp_md *ctx) { return first + second + third + fourth + fifth; }`;
		const names = ["first", "second", "third", "fourth", "fifth"];
		const { programs } = parseOwn(`globals: { ${names.map((name, i) => `${name}: ${i}`)} }`, compile(source));
		expect(programs[0]?.globals).toMatchObject(
			names.map((name, i) => ({ name, value: { hex: `0${i}000000` } })),
		);
	});

	test("as `bpftool gen object` links them", () => {
		const linked = link(compile(`const volatile struct { __u16 a, b; } pair = { 1, 2 };\n${MAPS}${PASS}`));
		expect(parseOwn("globals: { pair: { a: 3, b: 4 } }", linked).programs[0]?.globals).toMatchObject([
			{ name: "pair", value: { hex: "03000400" } },
		]);
	});
});
