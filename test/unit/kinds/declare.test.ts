import { describe, expect, test } from "vitest";
import { kindOf } from "../../../lib/kinds/registry.js";
import type { Veth } from "../../../lib/kinds/veth.js";
import { idOf, type LabObject } from "../../../lib/plan/object.js";
import { declare } from "../../../lib/reconcile.js";
import { parseTopology } from "../../../lib/topology/parse-topology.js";

function objectsOf(text: string): LabObject[] {
	return [...declare(parseTopology(text, "lab.yaml")).objects.values()];
}

/** The objects of some kinds, as a plan shows them. */
function linesOf(text: string, ...kinds: string[]): string[] {
	return objectsOf(text)
		.filter(({ kind }) => kinds.includes(kind))
		.map(
			(object) =>
				`${object.kind} ${kindOf(object).describe(object)}${object.reason ? ` # ${object.reason}` : ""}`,
		);
}

const MACS = { a: "02:00:00:00:00:0a", b: "02:00:00:00:00:0b" };
const lab = (parts: { a?: string; b?: string; uno?: string } = {}) => `name: lab
namespaces: { uno: {${parts.uno ?? ""}} }
veths:
  - host:a: { mac: "${MACS.a}", ${parts.a ?? "addresses: 10.1.0.1/24"} }
    uno:b: { mac: "${MACS.b}", ${parts.b ?? "addresses: 10.1.0.2/24"} }
`;

describe("a topology's objects", () => {
	test.each<[title: string, text: string, kinds: string[], lines: string[]]>([
		["a namespace, and never host", lab(), ["netns"], ["netns uno"]],
		["a pair, its end in host first", lab(), ["veth"], ["veth host:a uno:b"]],
		[
			"a pair's MTU where it is not 1500",
			lab({ a: "mtu: 9000" }),
			["veth"],
			["veth host:a uno:b mtu 9000/1500"],
		],
		[
			"addresses",
			lab({ a: 'addresses: [10.1.0.1/24, "fc00::1/64"]' }),
			["address"],
			["address host:a 10.1.0.1/24", "address host:a fc00::1/64", "address uno:b 10.1.0.2/24"],
		],
		[
			"routes of every sort",
			lab({
				uno: "gateway: 10.1.0.1, routes: [{ to: 10.2.0.0/16, via: [10.1.0.7, 10.1.0.3], metric: 5 }, { to: 10.3.0.0/16, interface: b }, { to: 10.4.0.0/16, type: prohibit }, { to: 10.5.0.0/16, via: 10.1.0.1, source: 10.1.0.2 }]",
			}),
			["route"],
			[
				"route uno 10.2.0.0/16 metric 5 via 10.1.0.3 dev b, via 10.1.0.7 dev b",
				"route uno 10.3.0.0/16 dev b",
				"route uno 10.4.0.0/16 prohibit",
				"route uno 10.5.0.0/16 via 10.1.0.1 dev b src 10.1.0.2",
				"route uno default via 10.1.0.1 dev b",
			],
		],
		[
			"sysctls, those of interfaces last, as writing the others may reset them",
			lab({ uno: "sysctls: { net.ipv4.conf.b.rp_filter: 2, net.ipv4.tcp_rmem: 4096  8192   16384 }" }),
			["sysctl"],
			[
				"sysctl uno net.ipv4.tcp_rmem = 4096 8192 16384",
				"sysctl uno net.ipv4.ip_forward = 0 # uno does not forward",
				"sysctl uno net.ipv6.conf.all.forwarding = 0 # uno does not forward",
				"sysctl uno net.ipv4.conf.b.rp_filter = 2",
			],
		],
	])("%s", (_, text, kinds, lines) => {
		expect(linesOf(text, ...kinds).toSorted()).toEqual(lines.toSorted());
		if (kinds.length === 1) expect(linesOf(text, ...kinds).length).toBe(lines.length);
	});

	const local = {
		host: `host:a fe80::ff:fe00:b lladdr ${MACS.b} # uno:b, the peer`,
		uno: `uno:b fe80::ff:fe00:a lladdr ${MACS.a} # host:a, the peer`,
	};
	const host = [`host:a 10.1.0.2 lladdr ${MACS.b} # uno:b, the peer`, local.host];
	const uno = [`uno:b 10.1.0.1 lladdr ${MACS.a} # host:a, the peer`, local.uno];
	const onBoth = 'addresses: [10.1.0.1/24, "fc00::1/64"]';

	test.each<[title: string, text: string, lines: string[]]>([
		["the peer's, also by the link-local address that the kernel makes of its MAC", lab(), [...host, ...uno]],
		["but not where neighbours are to be learned", lab({ uno: "neighbors: learned" }), host],
		[
			"a neighbour of the file's own before the peer",
			lab({ uno: 'neighbors: [{ ip: 10.1.0.1, mac: "02:00:00:00:00:99", interface: b }]' }),
			["uno:b 10.1.0.1 lladdr 02:00:00:00:00:99", ...host, local.uno],
		],
		[
			"a link-local address of the file's own beside the kernel's",
			lab({ b: 'addresses: [10.1.0.2/24, "fe80::2/64"]' }),
			[host[0] ?? "", `host:a fe80::2 lladdr ${MACS.b} # uno:b, the peer`, local.host, ...uno],
		],
		[
			"none of IPv6 on an end, or of one, whose MTU is too small for it",
			lab({ a: onBoth, b: "addresses: 10.1.0.2/24, mtu: 1279" }),
			[host[0] ?? "", uno[0] ?? ""],
		],
		[
			"none of IPv6 on an end, or of one, where the file switches it off",
			lab({ a: onBoth, uno: "sysctls: { net.ipv6.conf.b.disable_ipv6: 1 }" }),
			[host[0] ?? "", uno[0] ?? ""],
		],
		[
			"none of IPv6 where the file switches it off for a namespace",
			lab({ a: onBoth, uno: "sysctls: { net.ipv6.conf.all.disable_ipv6: 1 }" }),
			[host[0] ?? "", uno[0] ?? ""],
		],
		[
			"not by a link-local address that the kernel does not make of the MAC",
			lab({ uno: "sysctls: { net.ipv6.conf.b.addr_gen_mode: 1 }" }),
			[host[0] ?? "", ...uno],
		],
		[
			"what else the peer's namespace has and a route puts on the link, exactly or among others",
			`name: lab
namespaces:
  r1:
    routes: [{ to: 10.255.0.2/32, interface: c }, { to: 10.254.0.0/16, interface: c }]
    neighbors: learned
  r2: { addresses: [10.255.0.2/32, 10.254.0.2/32, 10.253.0.2/32], routes: [{ to: "10.255.0.0/16", interface: c }] }
  r3: { addresses: 10.255.0.3/32, routes: [{ to: 10.255.0.2/32, interface: c }, { to: 10.254.0.0/15, interface: d }] }
veths:
  - r2:c: { mac: "${MACS.a}", mtu: 1279 }
    r3:c: { mac: "${MACS.b}", mtu: 1279 }
  - r1:c: { mac: "02:00:00:00:00:0c", mtu: 1279 }
    r3:d: { mac: "02:00:00:00:00:0d", mtu: 1279 }
`,
			[
				`r2:c 10.255.0.3 lladdr ${MACS.b} # r3:lo, which a route puts on this link`,
				`r3:c 10.255.0.2 lladdr ${MACS.a} # r2:lo, which a route puts on this link`,
			],
		],
	])("among neighbours: %s", (_, text, lines) => {
		const found = linesOf(text, "neighbor");
		expect(found.toSorted()).toEqual(lines.map((line) => `neighbor ${line}`).toSorted());
	});

	test("a link-local neighbour is part of the line of an address of the same, if there is one", () => {
		const parts = (text: string) =>
			objectsOf(text).flatMap(({ kind, name, partOf }) => (kind === "neighbor" ? [[name, partOf]] : []));
		expect(parts(lab({ a: "" }))).toEqual([
			["host:a 10.1.0.2", undefined],
			["host:a fe80::ff:fe00:b", "neighbor host:a 10.1.0.2"],
			["uno:b fe80::ff:fe00:a", undefined],
		]);
	});

	test("are settled beside IPv6 only where there is any, and where the file does not settle it", () => {
		const side = (text: string) => {
			const [veth] = objectsOf(text).filter(({ kind }) => kind === "veth") as LabObject<Veth>[];
			return veth?.spec.ends["uno:b"]?.settings;
		};
		const settled = {
			"ipv4.forwarding": 0,
			"ipv6.forwarding": 0,
			"ipv6.disable_ipv6": 0,
			"ipv6.accept_dad": 0,
			"ipv6.accept_ra": 0,
		};
		expect(side(lab())).toEqual(settled);
		expect(side(lab({ b: "mtu: 1200" }))).toEqual({
			"ipv4.forwarding": 0,
			"ipv6.forwarding": null,
			"ipv6.disable_ipv6": null,
			"ipv6.accept_dad": null,
			"ipv6.accept_ra": null,
		});
		for (const [sysctl, setting] of [
			["net.ipv6.conf.b.accept_dad", "ipv6.accept_dad"],
			["net.ipv6.conf.all.disable_ipv6", "ipv6.disable_ipv6"],
			["net.ipv6.conf.b.forwarding", "ipv6.forwarding"],
		])
			expect(side(lab({ uno: `sysctls: { ${sysctl}: 1 }` }))).toEqual({
				...settled,
				[setting as string]: null,
			});
		expect(side(lab({ uno: "sysctls: { net.ipv4.ip_forward: 1 }" }))).toEqual({
			...settled,
			"ipv4.forwarding": 1,
		});
	});

	test("that are routes are within the pair that they lead by, and need what its end has", () => {
		const routes = `routes:
      - { to: 10.8.0.0/16, interface: b }
      - { to: 10.9.0.0/16, interface: c }
      - { to: 10.10.0.0/16, via: [10.1.0.1, 10.2.0.1] }`;
		const text = `name: lab
namespaces:
  uno:
    ${routes}
  dos: {}
veths:
  - { dos:b: 10.1.0.1/24, uno:b: [10.1.0.2/24, 10.3.0.2/24] }
  - { dos:c: 10.2.0.1/24, uno:c: 10.2.0.2/24 }
`;
		const [b, c] = ["veth dos:b uno:b", "veth dos:c uno:c"];
		const [ofB, ofC] = [
			["10.1.0.2/24", "10.3.0.2/24"].map((prefix) => `address uno:b ${prefix}`),
			["address uno:c 10.2.0.2/24"],
		];
		const found = objectsOf(text).filter(({ kind }) => kind === "route");
		expect(found.map(({ name, within, needs }) => ({ name, within, needs }))).toEqual([
			{ name: "uno 10.8.0.0/16", within: ["netns uno", b], needs: [b, ...ofB] },
			{ name: "uno 10.9.0.0/16", within: ["netns uno", c], needs: [c, ...ofC] },
			{ name: "uno 10.10.0.0/16", within: ["netns uno"], needs: [b, c, ...ofB, ...ofC] },
		]);
	});

	test("need what has to be there before them", () => {
		const text = lab({
			uno: "gateway: 10.1.0.1, sysctls: { net.ipv4.conf.b.rp_filter: 2 }",
			b: "addresses: 10.1.0.2/24, xdp: icmp-echo",
		});
		const known = new Map(objectsOf(text).map((object) => [idOf(object), object]));
		const around = (id: string) => ({ within: known.get(id)?.within, needs: known.get(id)?.needs });
		const pair = "veth host:a uno:b";
		expect(Object.fromEntries([...known.keys()].map((id) => [id, around(id)]))).toMatchObject({
			[pair]: { within: ["netns uno"], needs: [] },
			"address host:a 10.1.0.1/24": { within: [pair] },
			"sysctl uno net.ipv4.conf.b.rp_filter": { within: ["netns uno", pair] },
			"offload host:a tx": { within: [pair] },
			"route uno 0.0.0.0/0": { within: ["netns uno", pair], needs: [pair, "address uno:b 10.1.0.2/24"] },
			// Who answers starts after who must be ready to receive.
			"xdp uno:b": { within: [pair], needs: ["program icmp-echo", "xdp host:a"] },
			"xdp host:a": { within: [pair], needs: ["program pass"] },
		});
		for (const { within, needs } of known.values())
			for (const id of [...within, ...needs]) expect(known.has(id), id).toBe(true);
	});
});

describe("two specs are", () => {
	test.each<[kind: string, what: string, desired: unknown, actual: unknown, equal: boolean]>([
		[
			"sysctl",
			"equal where the kernel need not have it",
			{ value: "1", optional: true },
			{ value: null },
			true,
		],
		["sysctl", "different where it must", { value: "1" }, { value: null }, false],
		[
			"offload",
			"equal where it cannot be changed and need not",
			{ state: "on", optional: true },
			{ state: "off", fixed: true },
			true,
		],
		["offload", "different where some of several are on", { state: "on" }, { state: "mixed" }, false],
		[
			"xdp",
			"equal",
			{ program: "fib", current: true, mode: "native" },
			{ program: "fib", current: true, mode: "native" },
			true,
		],
		[
			"xdp",
			"different where it is an older one",
			{ program: "fib", current: true, mode: "native" },
			{ program: "fib", current: false, mode: "native" },
			false,
		],
		[
			"xdp",
			"different in another mode",
			{ program: "fib", current: true, mode: "native" },
			{ program: "fib", current: true, mode: "generic" },
			false,
		],
		[
			"program",
			"equal where there is more room than needed",
			{ source: "fib", digest: "1", globals: {}, constants: {}, ports: 64 },
			{ source: "fib", digest: "1", globals: {}, constants: {}, ports: 128 },
			true,
		],
		[
			"program",
			"different where there is less",
			{ source: "fib", digest: "1", globals: {}, constants: {}, ports: 128 },
			{ source: "fib", digest: "1", globals: {}, constants: {}, ports: 64 },
			false,
		],
	])("%s: %s", (kind, _, desired, actual, equal) => {
		expect(kindOf({ kind }).equal?.(desired, actual)).toBe(equal);
	});
});

test("a kind that is not there is a bug", () => {
	expect(() => kindOf({ kind: "vxlan" })).toThrow("no kind vxlan");
});
