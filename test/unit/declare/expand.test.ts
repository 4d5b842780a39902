import { describe, expect, test } from "vitest";
import { expand } from "../../../lib/declare/expand.js";
import { parseTopology } from "../../../lib/topology/parse-topology.js";
import { interfaceOf } from "../../../lib/topology/sysctl-interface.js";

/** What is different from a lab of a router between two hosts: see {@link lab}. */
interface Parts {
	host?: string;
	r?: string;
	/** The peers of the router's interfaces. */
	a?: string;
	b?: string;
	/** The router's own interfaces. */
	ra?: string;
	rb?: string;
	router?: string;
}

/** `a:eth ── r:a, r:b ── b:eth` */
function lab({
	r = "",
	a = "10.1.0.2/24",
	b = "10.2.0.2/24",
	ra = "10.1.0.1/24",
	rb = "10.2.0.1/24",
	host,
	router = "r",
}: Parts) {
	return `name: lab
namespaces:
${host === undefined ? "" : `  host: {${host}}\n`}${router === "host" ? "" : `  r: {${r}}\n`}  a:
  b:
veths:
  - ${router}:a: ${ra}
    a:eth: ${a}
  - ${router}:b: ${rb}
    b:eth: ${b}
`;
}

/** Everything that a topology comes to, in lines: what, and why. */
function linesOf(text: string): { lines: string[]; warnings: string[] } {
	const { programs, attachments, entries, sysctls, offloads, warnings } = expand(
		parseTopology(text, "lab.yaml"),
	);
	const because = (reason: string | undefined) => (reason === undefined ? "" : ` # ${reason}`);
	const lines = [
		...Array.from(programs, ([name, { globals, constants, reason }]) => {
			const settings = Object.entries(globals).map(([key, value]) => ` ${key}=${value}`);
			const wiring = Object.entries(constants).map(([from, { ifindex }]) => ` ${from}→${ifindex}`);
			return `program ${name}${[...settings, ...wiring].join("")}${because(reason)}`;
		}),
		...Array.from(
			attachments,
			([end, { program, attach, reason }]) =>
				`xdp ${end} ${program}${attach === "generic" ? " generic" : ""}${because(reason)}`,
		),
		...entries.map(
			({ program, map, key, value }) =>
				`entry ${program} ${map} ${key} ${"ifindex" in value ? value.ifindex : "macs"}`,
		),
		...sysctls
			.filter(({ namespace }) => namespace === "r" || namespace === "host")
			.map(
				({ namespace, name, value, optional, reason }) =>
					`sysctl ${namespace} ${name}=${value}${optional ? " if known" : ""}${because(reason)}`,
			),
		...Array.from(
			offloads.values(),
			({ end, feature, on, optional, reason }) =>
				`offload ${end} ${feature} ${on ? "on" : "off"}${optional ? " if possible" : ""}${because(reason)}`,
		),
	];
	return { lines, warnings };
}

const FORWARDS = [
	"sysctl r net.ipv4.ip_forward=1 # r forwards",
	"sysctl r net.ipv6.conf.all.forwarding=1 # r forwards",
];
const DOES_NOT = [
	"sysctl r net.ipv4.ip_forward=0 # r does not forward",
	"sysctl r net.ipv6.conf.all.forwarding=0 # r does not forward",
];
const PASS = (mode: string) =>
	`r forwards by ${mode}: a veth drops XDP frames unless its peer runs a program`;
const CHECKSUM = (mode: string) => `r forwards by ${mode}: XDP frames keep no partial checksum`;
const GRO = "r forwards by fib: a veth drops XDP frames unless its peer has GRO or a program";
const LONG = "r forwards by fib: generic XDP redirects no frame longer than the MTU";
const FIB = [
	"program fib cache=true",
	"xdp r:a fib # forwarding: fib",
	"xdp r:b fib # forwarding: fib",
	"entry fib ports r:a r:a",
	"entry fib ports r:b r:b",
	...FORWARDS,
];

describe("a mode comes to", () => {
	test.each<[title: string, parts: Parts, lines: string[]]>([
		["nothing: the stack does not forward", {}, DOES_NOT],
		["kernel: the stack forwards", { r: "forwarding: kernel" }, FORWARDS],
		[
			"hardcoded, one way: the ingress's peer sends whole checksums, the egress's runs a program",
			{ r: "forwarding: { mode: hardcoded, redirect: { a: b } }" },
			[
				"program hardcoded r:a→r:b",
				`program pass # ${PASS("hardcoded")}`,
				"xdp r:a hardcoded # forwarding: hardcoded",
				`xdp b:eth pass # ${PASS("hardcoded")}`,
				...FORWARDS,
				`offload a:eth tx off # ${CHECKSUM("hardcoded")}`,
			],
		],
		[
			"map, both ways",
			{ r: "forwarding: { mode: map, redirect: { a: b, b: a } }" },
			[
				"program map",
				`program pass # ${PASS("map")}`,
				"xdp r:a map # forwarding: map",
				"xdp r:b map # forwarding: map",
				`xdp b:eth pass # ${PASS("map")}`,
				`xdp a:eth pass # ${PASS("map")}`,
				"entry map redirects r:a r:b",
				"entry map redirects r:b r:a",
				"entry map ports r:b r:b",
				"entry map macs r:b macs",
				"entry map ports r:a r:a",
				"entry map macs r:a macs",
				...FORWARDS,
				`offload a:eth tx off # ${CHECKSUM("map")}`,
				`offload b:eth tx off # ${CHECKSUM("map")}`,
			],
		],
		[
			"fib, of every end",
			{ r: "forwarding: fib" },
			[
				"program fib cache=true",
				`program pass # ${PASS("fib")}`,
				"xdp r:a fib # forwarding: fib",
				"xdp r:b fib # forwarding: fib",
				`xdp a:eth pass # ${PASS("fib")}`,
				`xdp b:eth pass # ${PASS("fib")}`,
				"entry fib ports r:a r:a",
				"entry fib ports r:b r:b",
				...FORWARDS,
				`offload a:eth tx off # ${CHECKSUM("fib")}`,
				`offload b:eth tx off # ${CHECKSUM("fib")}`,
			],
		],
		[
			"fib without a cache is another program",
			{ r: "forwarding: { mode: fib, cache: false, interfaces: [a] }" },
			[
				"program fib-uncached cache=false",
				`program pass # ${PASS("fib")}`,
				"xdp r:a fib-uncached # forwarding: fib",
				`xdp a:eth pass # ${PASS("fib")}`,
				"entry fib-uncached ports r:a r:a",
				...FORWARDS,
				`offload a:eth tx off # ${CHECKSUM("fib")}`,
			],
		],
		[
			"fib with peers made ready by GRO",
			{ r: "forwarding: { mode: fib, peers: gro }" },
			[
				...FIB,
				`offload a:eth tx off # ${CHECKSUM("fib")}`,
				`offload b:eth tx off # ${CHECKSUM("fib")}`,
				`offload a:eth gro on # ${GRO}`,
				`offload b:eth gro on # ${GRO}`,
			],
		],
		[
			"fib in generic mode: frames stay within the MTU, and no peer needs a program",
			{ r: "forwarding: { mode: fib, attach: generic }" },
			[
				...FIB.map((line) => line.replace(" fib # forwarding", " fib generic # forwarding")),
				`offload a:eth tso off # ${LONG}`,
				`offload a:eth tx-udp-segmentation off # ${LONG}`,
				`offload b:eth tso off # ${LONG}`,
				`offload b:eth tx-udp-segmentation off # ${LONG}`,
			],
		],
		[
			"fib in host: nothing global, its own ends alone",
			{
				host: "forwarding: fib",
				router: "host",
				rb: "{ addresses: 10.2.0.1/24, mtu: 1200 }",
				b: "{ addresses: 10.2.0.2/24, mtu: 1200 }",
			},
			[
				"program fib cache=true",
				`program pass # ${PASS("fib").replace(/^r/, "host")}`,
				"xdp host:a fib # forwarding: fib",
				"xdp host:b fib # forwarding: fib",
				`xdp a:eth pass # ${PASS("fib").replace(/^r/, "host")}`,
				`xdp b:eth pass # ${PASS("fib").replace(/^r/, "host")}`,
				"entry fib ports host:a host:a",
				"entry fib ports host:b host:b",
				"sysctl host net.ipv4.conf.a.forwarding=1 # host forwards, between the lab's own ends only",
				"sysctl host net.ipv6.conf.a.forwarding=1 # host forwards, between the lab's own ends only",
				"sysctl host net.ipv6.conf.a.force_forwarding=1 if known # host forwards, between the lab's own ends only",
				// Below an MTU of 1280 a link has no IPv6.
				"sysctl host net.ipv4.conf.b.forwarding=1 # host forwards, between the lab's own ends only",
				`offload a:eth tx off # ${CHECKSUM("fib").replace(/^r/, "host")}`,
				`offload b:eth tx off # ${CHECKSUM("fib").replace(/^r/, "host")}`,
			],
		],
		[
			"icmp-echo: what answers needs a peer that runs a program and sends whole checksums",
			{ ra: "{ addresses: 10.1.0.1/24, xdp: icmp-echo }" },
			[
				"program icmp-echo",
				"program pass # r:a answers by XDP_TX: a veth drops XDP frames unless its peer runs a program",
				"xdp r:a icmp-echo",
				"xdp a:eth pass # r:a answers by XDP_TX: a veth drops XDP frames unless its peer runs a program",
				...DOES_NOT,
				"offload a:eth tx off # r:a answers by XDP_TX: XDP frames keep no partial checksum",
			],
		],
		[
			"drop and pass: themselves",
			{
				ra: "{ addresses: 10.1.0.1/24, xdp: drop }",
				rb: "{ addresses: 10.2.0.1/24, xdp: { program: pass, attach: generic } }",
			},
			["program drop", "program pass", "xdp r:a drop", "xdp r:b pass generic", ...DOES_NOT],
		],
	])("%s", (_, parts, lines) => {
		expect(linesOf(lab(parts))).toEqual({ lines, warnings: [] });
	});
});

describe("what the file says wins, and what will not work because of it is said", () => {
	const forwarding = "forwarding: fib";
	test.each<[title: string, parts: Parts, lines: string[], warnings: (string | RegExp)[]]>([
		[
			"a peer's own program does as well as `pass`",
			{ r: forwarding, a: "{ addresses: 10.1.0.2/24, xdp: drop }" },
			["xdp a:eth drop", expect.stringContaining("xdp b:eth pass #")],
			[],
		],
		[
			"a peer's generic program does not",
			{ r: forwarding, a: "{ addresses: 10.1.0.2/24, xdp: { program: drop, attach: generic } }" },
			["xdp a:eth drop generic"],
			["r:a will not deliver to a:eth: its program is a generic one, and r forwards by fib"],
		],
		[
			"`xdp: none` at a peer",
			{ r: forwarding, a: "{ addresses: 10.1.0.2/24, xdp: none }" },
			[],
			["r:a will not deliver to a:eth: `xdp: none`, and r forwards by fib"],
		],
		[
			"`xdp: none` at a peer that has GRO",
			{ r: forwarding, a: "{ addresses: 10.1.0.2/24, xdp: none, offloads: { gro: true } }" },
			["offload a:eth gro on"],
			[],
		],
		[
			"GRO that is switched off where it is needed",
			{
				r: "forwarding: { mode: fib, peers: gro }",
				a: "{ addresses: 10.1.0.2/24, offloads: { gro: false } }",
			},
			["offload a:eth gro off"],
			["r:a will not deliver to a:eth: GRO is off there, and r forwards by fib"],
		],
		[
			"the same by its long name",
			{
				r: "forwarding: { mode: fib, peers: gro }",
				a: "{ addresses: 10.1.0.2/24, offloads: { rx-gro: false } }",
			},
			["offload a:eth gro off"],
			["r:a will not deliver to a:eth: GRO is off there, and r forwards by fib"],
		],
		[
			"checksum offload that is to stay on",
			{ r: forwarding, a: "{ addresses: 10.1.0.2/24, offloads: { tx: true } }" },
			["offload a:eth tx on"],
			["TCP and UDP from a:eth will be lost: its tx offload stays on, and r forwards by fib"],
		],
		[
			"the same by its long name",
			{ r: forwarding, a: "{ addresses: 10.1.0.2/24, offloads: { tx-checksum-ip-generic: true } }" },
			["offload a:eth tx-checksum-ip-generic on"],
			["TCP and UDP from a:eth will be lost: its tx offload stays on, and r forwards by fib"],
		],
		[
			"checksum offload that is off anyway",
			{ r: forwarding, a: "{ addresses: 10.1.0.2/24, offloads: { tx: false } }" },
			["offload a:eth tx off"],
			[],
		],
		[
			"segmentation beside a peer's native program",
			{ r: forwarding, a: "{ addresses: 10.1.0.2/24, offloads: { tso: true } }" },
			["offload a:eth tso on if possible"],
			["a:eth keeps tso off as long as r:a runs native XDP"],
		],
		[
			"forwarding switched off by a sysctl",
			{ r: `${forwarding}, sysctls: { net.ipv4.ip_forward: 0 }` },
			["sysctl r net.ipv4.ip_forward=0", "sysctl r net.ipv6.conf.all.forwarding=1 # r forwards"],
			["r will not forward: net.ipv4.ip_forward is 0, and `forwarding` needs 1"],
		],
		[
			"forwarding switched on by a sysctl alone",
			{ r: "sysctls: { net.ipv4.ip_forward: 1 }" },
			["sysctl r net.ipv4.ip_forward=1", "sysctl r net.ipv6.conf.all.forwarding=0 # r does not forward"],
			[],
		],
	])("%s", (_, parts, lines, warnings) => {
		const found = linesOf(lab(parts));
		expect(found.warnings).toEqual(warnings);
		expect(found.lines).toEqual(expect.arrayContaining(lines));
		const subjects = found.lines.map((line) => line.replace(/ (on|off|#|if).*|=.*/, ""));
		expect(new Set(subjects).size, "nothing is asked for twice").toBe(subjects.length);
	});
});

describe("the interface whose own setting a sysctl is", () => {
	test.each([
		["net.ipv4.conf.veth0.forwarding", "veth0"],
		["net.ipv6.conf.eth0/5.accept_ra", "eth0.5"],
		["net.ipv6.neigh.veth0.gc_stale_time", "veth0"],
		["net.ipv4.conf.all.forwarding", undefined],
		["net.ipv4.conf.default.forwarding", undefined],
		["net.ipv4.ip_forward", undefined],
		["net.core.somaxconn", undefined],
		["net.mpls.conf.veth0.input", "veth0"],
	])("%s: %s", (sysctl, name) => {
		expect(interfaceOf(sysctl)).toBe(name);
	});
});
