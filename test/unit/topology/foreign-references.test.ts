import { describe, expect, test } from "vitest";
import { parseTopology } from "../../../lib/topology/index.js";
import { compile } from "../../clang.js";

const object = compile(`
struct { __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(key_size, 4); __uint(value_size, 4); __uint(max_entries, 64); } devices SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_CPUMAP); __uint(key_size, 4); __uint(value_size, 8); __uint(max_entries, 4); } cpus SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u8[6]); __uint(max_entries, 4); } macs SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __be32); __uint(max_entries, 4); } addresses SEC(".maps");
const volatile __u32 out = 1;
SEC("xdp") int first(struct xdp_md *ctx) {
	__u32 key = 0;
	if (out == 7) return bpf_redirect_map(&cpus, 0, 0);
	return bpf_map_lookup_elem(&macs, &key) || bpf_map_lookup_elem(&addresses, &key) ? XDP_PASS : bpf_redirect_map(&devices, 0, 0);
}
SEC("xdp/cpumap") int behind(struct xdp_md *ctx) { return out; }
`);

/** @param ends those that run the program `p` */
function topologyWith(options: string, ends: readonly string[], more = ""): string {
	const xdp = (end: string) => (ends.includes(end) ? "{ addresses: ADDRESS, xdp: p }" : "ADDRESS");
	return `name: own
namespaces: { uno: , dos: }
programs:
  p: { object: p.o, program: first, ${options} }
${more}
veths:
  - host:uno: ${xdp("host:uno").replace("ADDRESS", "10.1.0.1/24")}
    uno:veth0: ${xdp("uno:veth0").replace("ADDRESS", "10.1.0.2/24")}
  - host:dos: ${xdp("host:dos").replace("ADDRESS", "10.2.0.1/24")}
    dos:veth0: ${xdp("dos:veth0").replace("ADDRESS", "10.2.0.2/24")}
`;
}

/** What is marked, and what is said of it. */
function warnings(text: string): string[] {
	const content = { path: "/p.o", bytes: object };
	const { warnings } = parseTopology(
		text,
		"lab.yaml",
		new Map([
			["p", content],
			["behind", content],
		]),
	);
	return warnings
		.filter(({ message }) => message.includes("an ifindex names"))
		.map(({ line = 0, column = 0, message }) => {
			const marked = /^[\w:]+/.exec(text.split("\n")[line - 1]?.slice(column - 1) ?? "")?.[0];
			return `${marked}: ${message.replace(/, and program | runs in |: an ifindex names.*/g, " | ").trim()}`;
		});
}

const HERE = ["host:uno"];
const dos = (end: string, more: string) => `${end}: \`${end}\` is in namespace \`dos\` | ${more} |`;

describe("an ifindex of another namespace is warned of", () => {
	test.each<[what: string, options: string, ends: string[], expected: string[]]>([
		["in a variable", "globals: { out: { ifindex: dos:veth0 } }", HERE, [dos("dos:veth0", "`p` | `host`")]],
		[
			"in a devmap, short and as a mapping",
			"maps: { devices: [{ key: 0, value: { ifindex: dos:veth0 } }, { key: 1, value: { ifindex: host:dos } }] }",
			HERE,
			[dos("dos:veth0", "`p` | `host`")],
		],
		[
			"as a key",
			"maps: { macs: [{ key: { ifindex: dos:veth0 }, value: { mac: host:dos } }] }",
			HERE,
			[dos("dos:veth0", "`p` | `host`")],
		],
		[
			"with all namespaces that the program runs in",
			"globals: { out: { ifindex: dos:veth0 } }",
			["host:uno", "uno:veth0"],
			[dos("dos:veth0", "`p` | `host` or `uno`")],
		],
		[
			"where it is right in one of them only",
			"globals: { out: { ifindex: dos:veth0 } }",
			["dos:veth0", "uno:veth0"],
			[dos("dos:veth0", "`p` also | `uno`")],
		],
	])("%s", (_, options, ends, expected) => {
		expect(warnings(topologyWith(options, ends))).toEqual(expected);
	});

	test("in a program that another names in its maps: it runs where that one runs", () => {
		const more = "  behind: { object: p.o, program: behind, globals: { out: { ifindex: dos:veth0 } } }";
		const text = topologyWith(
			"maps: { cpus: [{ key: 0, value: { qsize: 64, program: behind } }] }",
			HERE,
			more,
		);
		expect(warnings(text)).toEqual([dos("dos:veth0", "`behind` | `host`")]);
	});
});

describe("not warned of is", () => {
	test.each<[what: string, options: string, ends: string[]]>([
		["an ifindex of the namespace itself", "globals: { out: { ifindex: host:dos } }", HERE],
		[
			"a MAC or an address of another namespace",
			"maps: { macs: [{ key: 1, value: { mac: dos:veth0 } }], addresses: [{ key: 1, value: { ipv4: dos:veth0 } }] }",
			HERE,
		],
		[
			"a map by interface that several namespaces share",
			"maps: { devices: [{ key: { ifindex: host:uno }, value: { ifindex: host:dos } }, { key: { ifindex: dos:veth0 }, value: { ifindex: dos:veth0 } }] }",
			["host:uno", "dos:veth0"],
		],
		["a program that nothing uses", "globals: { out: { ifindex: dos:veth0 } }", []],
	])("%s", (_, options, ends) => {
		expect(warnings(topologyWith(options, ends))).toEqual([]);
	});
});
