import { describe, expect, test } from "vitest";
import { type End, type EndName, parseTopology, type Topology } from "../../../lib/topology/index.js";
import { lab, mistakes } from "./marked.js";

function end(name: EndName, addresses: string[], mac: string, more: Partial<End> = {}): End {
	const [namespace = "", interfaceName = ""] = name.split(":");
	return { name, namespace, interface: interfaceName, addresses, mac, mtu: 1500, offloads: {}, ...more };
}

const plain = { routes: [], neighbors: [], learned: false, sysctls: {} };

/** The namespace `uno`, or another, of a topology. */
function namespace(text: string, name = "uno") {
	return parseTopology(text, "lab.yaml").namespaces.find((each) => each.name === name);
}

describe("the smallest lab", () => {
	test("resolves to this and nothing else", () => {
		const text = `# yaml-language-server: $schema=../schemas/topology.schema.json
name: echo
namespaces:
  uno:
veths:
  - host:uno: { addresses: [10.11.1.1/24, fc00:dead:cafe:1::1/64] }
    uno:veth0: { addresses: [10.11.1.2/24, fc00:dead:cafe:1::2/64], xdp: icmp-echo }
`;
		expect(parseTopology(text, "echo.yaml")).toEqual({
			name: "echo",
			namespaces: [
				{ name: "host", ...plain },
				{ name: "uno", ...plain },
			],
			veths: [
				{
					ends: [
						end("host:uno", ["10.11.1.1/24", "fc00:dead:cafe:1::1/64"], "02:0e:14:63:59:ac"),
						end("uno:veth0", ["10.11.1.2/24", "fc00:dead:cafe:1::2/64"], "8a:13:e2:cc:c0:bb", {
							xdp: { program: "icmp-echo", attach: "native" },
						}),
					],
				},
			],
			programs: [],
			expect: [],
			warnings: [],
		} satisfies Topology);
	});

	test("is nothing but a name", () => {
		expect(parseTopology("name: x", "x")).toEqual({
			name: "x",
			namespaces: [],
			veths: [],
			programs: [],
			expect: [],
			warnings: [],
		});
		expect(parseTopology("name: x\nveths:\nnamespaces:\nexpect:\nprograms:\n", "x").veths).toEqual([]);
	});
});

describe("an end", () => {
	const ends = (a: string): End | undefined => parseTopology(lab({ a }), "lab.yaml").veths[0]?.ends[0];

	test.each([
		["nothing", "", []],
		["one address", "10.1.0.1/24", ["10.1.0.1/24"]],
		["an IPv6 address without quotes", "FC00:0::1/64", ["fc00::1/64"]],
		["a list", '[10.1.0.1/24, "fc00::1/64"]', ["10.1.0.1/24", "fc00::1/64"]],
		["a mapping with one address", "{ addresses: 10.1.0.1/32 }", ["10.1.0.1/32"]],
		["both addresses of a /31", "[10.1.0.4/31, 10.1.0.5/31]", ["10.1.0.4/31", "10.1.0.5/31"]],
	])("may be %s", (_, text, addresses) => {
		expect(ends(text)?.addresses).toEqual(addresses);
	});

	test("takes a MAC in any case, with or without quotes", () => {
		expect(ends("{ mac: 02:00:00:00:00:0A }")?.mac).toBe("02:00:00:00:00:0a");
	});

	test("takes a jumbo MTU, offloads and a program", () => {
		const text = "{ mtu: 9000, offloads: { tx: false, gro: true }, xdp: { program: drop, attach: generic } }";
		const resolved = ends(text);
		expect(resolved).toMatchObject({ mtu: 9000, xdp: { program: "drop", attach: "generic" } });
		expect(resolved?.offloads).toEqual({ tx: false, gro: true });
		expect(ends("{ xdp: none }")?.xdp).toBe("none");
		expect(ends("{ xdp: { program: pass } }")?.xdp).toEqual({ program: "pass", attach: "native" });
	});
});

describe("forwarding", () => {
	const two = (forwarding: string): string =>
		lab({ host: `forwarding: ${forwarding}`, more: "  - host:dos:\n    uno:veth1:" });

	test.each([
		["kernel", { mode: "kernel" }],
		["{ mode: kernel }", { mode: "kernel" }],
		["fib", { mode: "fib", interfaces: ["uno", "dos"], cache: true, attach: "native", peers: "program" }],
		[
			"{ mode: fib, interfaces: [dos], cache: false, attach: generic, peers: gro }",
			{ mode: "fib", interfaces: ["dos"], cache: false, attach: "generic", peers: "gro" },
		],
		[
			"{ mode: hardcoded, redirect: { dos: uno } }",
			{ mode: "hardcoded", redirect: [{ from: "dos", to: "uno" }], attach: "native", peers: "program" },
		],
		[
			"{ mode: map, redirect: { uno: host:dos, host:dos: uno } }",
			{
				mode: "map",
				redirect: [
					{ from: "uno", to: "dos" },
					{ from: "dos", to: "uno" },
				],
				attach: "native",
				peers: "program",
			},
		],
	])("%s", (text, resolved) => {
		expect(namespace(two(text), "host")?.forwarding).toEqual(resolved);
	});

	test("keeps the order of the file, of interfaces that look like numbers too", () => {
		const text = `name: x
namespaces: { b: , 1: , host: { forwarding: { mode: map, redirect: { x: "2", 2: "1", 1: x } } } }
veths: [{ host:x: , b:x: }, { host:2: , b:y: }, { host:1: , 1:z: }]
`;
		const topology = parseTopology(text, "x");
		expect(topology.namespaces.map(({ name }) => name)).toEqual(["host", "b", "1"]);
		expect(topology.namespaces[0]?.forwarding).toMatchObject({
			redirect: [
				{ from: "x", to: "2" },
				{ from: "2", to: "1" },
				{ from: "1", to: "x" },
			],
		});
	});
});

describe("routes", () => {
	const text = `name: routes
namespaces:
  r1:
    forwarding: fib
    gateway: [10.12.0.2, "fc00:12::2"]
    routes:
      - { to: 10.2.0.0/24, via: 10.12.0.2 }
      - { to: "fc00:2::/64", via: ["fc00:12::2", "fc00:13::2"] }      # equal-cost paths
      - { to: 10.99.0.0/16, type: blackhole }
      - { to: "FC00:0:0::/32", via: "fe80::1", interface: r3, metric: 10, source: "fc00:13::1" }
      - { to: 10.3.0.0/24, interface: r1:r3 }
      - { to: 10.4.0.0/24, via: 10.12.0.130, metric: 0 }
      - { to: ::/0, type: unreachable, metric: 2000 }
  r2:
  r3:
veths:
  - r1:r2: [10.12.0.1/24, fc00:12::1/64]
    r2:r1: [10.12.0.2/24, fc00:12::2/64]
  - r1:r3: [10.12.0.129/25, fc00:13::1/64]
    r3:r1: [10.12.0.130/25, fc00:13::2/64]
`;

	test("name their interfaces, by the longest subnet", () => {
		expect(namespace(text, "r1")?.routes).toEqual([
			{ family: 4, to: "0.0.0.0/0", via: [{ address: "10.12.0.2", interface: "r2" }], type: "unicast" },
			{ family: 6, to: "::/0", via: [{ address: "fc00:12::2", interface: "r2" }], type: "unicast" },
			{ family: 4, to: "10.2.0.0/24", via: [{ address: "10.12.0.2", interface: "r2" }], type: "unicast" },
			{
				family: 6,
				to: "fc00:2::/64",
				via: [
					{ address: "fc00:12::2", interface: "r2" },
					{ address: "fc00:13::2", interface: "r3" },
				],
				type: "unicast",
			},
			{ family: 4, to: "10.99.0.0/16", via: [], type: "blackhole" },
			{
				family: 6,
				to: "fc00::/32",
				via: [{ address: "fe80::1", interface: "r3" }],
				metric: 10,
				type: "unicast",
				source: "fc00:13::1",
			},
			{ family: 4, to: "10.3.0.0/24", via: [], interface: "r3", type: "unicast" },
			{ family: 4, to: "10.4.0.0/24", via: [{ address: "10.12.0.130", interface: "r3" }], type: "unicast" },
			{ family: 6, to: "::/0", via: [], metric: 2000, type: "unreachable" },
		]);
	});
});

describe("neighbours and sysctls", () => {
	test("a neighbour's MAC is its own or that of an end", () => {
		const neighbors = `neighbors: [
    { ip: 10.1.0.9, mac: 02:00:00:00:00:09, interface: veth0 },
    { ip: "FC00::9", mac: host:uno, interface: uno:veth0 } ]`;
		expect(namespace(lab({ uno: neighbors, a: '{ mac: "02:00:00:00:00:01" }' }))?.neighbors).toEqual([
			{ ip: "10.1.0.9", mac: "02:00:00:00:00:09", interface: "veth0" },
			{ ip: "fc00::9", mac: "02:00:00:00:00:01", interface: "veth0" },
		]);
	});

	test("neighbours may be learned", () => {
		expect(namespace(lab({ uno: "neighbors: learned" }))).toMatchObject({ learned: true, neighbors: [] });
	});

	test("sysctls are strings under one name each", () => {
		const sysctls = `sysctls: {
    net.ipv4.conf.all.rp_filter: 0,
    net.ipv4.conf.all.forwarding: true,
    net/ipv4/conf/v.1/forwarding: false,
    net.ipv6.conf.v/1.hop_limit: "64",
    net.ipv4.tcp_rmem: "4096 131072 6291456" }`;
		expect(namespace(lab({ uno: sysctls, more: "  - host:c:\n    uno:v.1:" }))?.sysctls).toEqual({
			"net.ipv4.conf.all.rp_filter": "0",
			"net.ipv4.ip_forward": "1",
			"net.ipv4.conf.v/1.forwarding": "0",
			"net.ipv6.conf.v/1.hop_limit": "64",
			"net.ipv4.tcp_rmem": "4096 131072 6291456",
		});
	});
});

describe("the parts in the format's description", () => {
	test("expectations are accepted as written", () => {
		const text = `name: x
namespaces: { uno: , dos: , tres: }
veths:
  - { host:uno: , uno:veth0: }
  - { host:dos: , dos:veth0: }
expect:
  - ping: { from: uno, to: dos:veth0 }        # every address family both ends have
    actions: { host:uno: XDP_REDIRECT, host:dos: XDP_REDIRECT }
  - tcp: { from: uno, to: dos:veth0 }
  - udp: { from: uno, to: dos:veth0, packets: 100 }   # one way: counted where it arrives
  - ping: { from: tres, to: uno:veth0 }
    reachable: false
  - reach: { from: uno, to: dos:veth0 }
`;
		expect(mistakes(text)).toEqual([]);
	});
});

describe("anchors, aliases and merge keys", () => {
	test("stand for what they name", () => {
		const text = `name: x
namespaces:
  a: &router
    sysctls: &sysctls { net.ipv4.conf.all.rp_filter: 0, net.ipv4.conf.all.log_martians: 1 }
    forwarding: fib
  b: *router
  c:
    <<: *router
    forwarding: kernel
  d:
    sysctls: { <<: [*sysctls, { net.ipv4.ip_forward: 1 }], net.ipv4.conf.all.log_martians: 0 }
veths:
  - { a:b: , b:a: }
`;
		const { namespaces } = parseTopology(text, "x");
		expect(
			namespaces.map(({ forwarding, sysctls }) => [forwarding?.mode, Object.values(sysctls).join()]),
		).toEqual([
			["fib", "0,1"],
			["fib", "0,1"],
			["kernel", "0,1"],
			[undefined, "0,0,1"],
		]);
	});

	test("a mistake behind an alias is told once, at the anchor", () => {
		const text = "name: x\nnamespaces:\n  a: &a { sysctls: { kernel.panic: 1 } }\n  b: *a\n  c: { <<: *a }\n";
		expect(mistakes(text).map(({ line, column }) => [line, column])).toEqual([[3, 22]]);
	});

	test("one anchor may be used as often as there are namespaces", () => {
		const uses = Array.from({ length: 2000 }, (_, index) => `  n${index}: *a\n`).join("");
		const text = `name: x\nnamespaces:\n  a: &a { sysctls: { net.ipv4.ip_forward: 1 } }\n${uses}`;
		expect(parseTopology(text, "x").namespaces).toHaveLength(2001);
	});

	test("a bomb of aliases goes off nowhere", () => {
		const levels = "abcdefghij".split("").map((name, index, names) => {
			const items = Array.from({ length: 9 }, () => (index === 0 ? "x" : `*${names[index - 1]}`));
			return `${name}: &${name} [${items.join()}]`;
		});
		const messages = mistakes(levels.join("\n")).map(({ message }) => message);
		expect(messages.filter((message) => message.includes("too many values"))).toHaveLength(1);
	});
});
