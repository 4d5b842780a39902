import { describe, expect, test } from "vitest";
import { parseTopology, renderWarnings, Source, TopologyError } from "../../../lib/topology/index.js";
import { lab } from "./marked.js";

/** What the user sees of a wrong file. */
function rendered(text: string, options = {}, file = "lab.yaml"): string {
	try {
		parseTopology(text, file);
	} catch (error) {
		if (error instanceof TopologyError) return error.render(options);
		throw error;
	}
	return "";
}

describe("the report", () => {
	test("shows each mistake with its line, a caret and a hint, and counts them", () => {
		const text = `name: Echo
namespaces:
  uno:
    gateway: [10.9.0.1, 10.1.0.1]
veths:
  - host:uno: { adresses: [10.1.0.1/24] }
    uno:veth0: { addresses: [10.1.0.2/24], mtu: 12 }
`;
		expect(rendered(text)).toBe(`lab.yaml:1:7: error: \`Echo\` cannot be the name of a lab
   1 | name: Echo
     |       ^^^^
     = lower-case letters, digits and dashes, a letter or digit first and last
lab.yaml:4:15: error: gateway \`10.9.0.1\` is outside every subnet of namespace \`uno\`
   4 |     gateway: [10.9.0.1, 10.1.0.1]
     |               ^^^^^^^^
     = its subnets are 10.1.0.0/24
lab.yaml:4:25: error: a second gateway for IPv4
   4 |     gateway: [10.9.0.1, 10.1.0.1]
     |                         ^^^^^^^^
     = list equal-cost next hops in a route: \`{ to: default, via: [A, B] }\`
lab.yaml:6:17: error: unknown key \`adresses\`
   6 |   - host:uno: { adresses: [10.1.0.1/24] }
     |                 ^^^^^^^^
     = did you mean \`addresses\`?
lab.yaml:7:49: error: \`mtu\` must be at least 68, and is 12
   7 |     uno:veth0: { addresses: [10.1.0.2/24], mtu: 12 }
     |                                                 ^^
5 errors
`);
	});

	test("of an empty file has no line to show", () => {
		expect(rendered("", {}, "-")).toBe(
			"-:1:1: error: the file is empty, and a topology is a mapping\n     = it begins with `name: LAB`\n1 error\n",
		);
	});

	test("puts the caret below tabs, wide characters and combining ones", () => {
		expect(rendered('name: x\nnamespaces: { "日本": , e\u0301:\t, «: { gatway: 1 } }\n')).toBe(
			`lab.yaml:2:34: error: unknown key \`gatway\`
   2 | namespaces: { "日本": , e\u0301:  , «: { gatway: 1 } }
     |                                    ^^^^^^
     = did you mean \`gateway\`?
1 error
`,
		);
	});

	test("cuts a long line around the caret", () => {
		const text = `name: x\nnamespaces: { ${"u: {}, ".repeat(1).padEnd(300, " ")}B/: , ${" ".repeat(300)} }\n`;
		expect(rendered(text).split("\n")[1]).toMatch(/^ {3}2 \| … +B\/: , *…?$/);
		expect(
			Math.max(
				...rendered(text)
					.split("\n")
					.map((line) => line.length),
			),
		).toBeLessThan(120);
	});

	test("never prints the user's control characters", () => {
		const text = 'name: "\\e[31m\\u202e"\n"\u001b]0;title\u0007": 1\n';
		const report = rendered(text, {}, "lab\u001b[2J.yaml");
		// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
		expect(report).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
		expect(report).toContain("`\\u{1b}[31m\\u{202e}`");
		expect(report).toContain("lab\\u{1b}[2J.yaml:1:7:");
	});

	test("is coloured on demand only", () => {
		expect(rendered("- a")).not.toContain("\u001b");
		expect(rendered("- a", { color: true })).toContain("\u001b[31merror:\u001b[0m");
	});

	test("of very many mistakes stops at a thousand", () => {
		const report = rendered(
			`name: x\n${Array.from({ length: 1200 }, (_, index) => `k${index}: 1\n`).join("")}`,
		);
		expect(report.split("\n").at(-2)).toBe("1000 errors, and more that are not shown");
	});

	test("in one line names the first mistake", () => {
		expect(() => parseTopology("nam: x\nveth: 1\n", "lab.yaml")).toThrow(
			"lab.yaml:1:1: `name` is missing (and 2 more)",
		);
	});
});

describe("warnings", () => {
	const cases: [string, string, [line: number, column: number, message: string][]][] = [
		["a lab without doubt has none", lab(), []],
		[
			"two ends without a common subnet",
			lab({ b: "10.2.0.2/24" }),
			[[7, 5, "`host:uno` and `uno:veth0` have no IPv4 subnet in common"]],
		],
		["link-local addresses are in none", lab({ a: "fe80::1/64", b: "fc00::2/64" }), []],
		["an address at one end only", lab({ b: "" }), []],
		[
			"ends of different MTUs",
			lab({ b: "{ mtu: 9000 }" }),
			[[7, 23, "the ends of the pair have different MTUs: host:uno has 1500, uno:veth0 9000"]],
		],
		[
			"different MTUs along a redirect",
			lab({
				host: "forwarding: { mode: map, redirect: { uno: b } }",
				more: "  - host:b: { mtu: 9000 }\n    uno:c: { mtu: 9000 }",
			}),
			[[3, 52, "different MTUs along the redirect: uno has MTU 1500, b 9000"]],
		],
		[
			"an end of the host named like a physical interface",
			lab({ more: "  - host:eth0:\n    uno:eth0:\n  - host:enp3s0:\n    uno:b:" }),
			[
				[8, 5, "`host:eth0` is named like a physical interface of the machine"],
				[10, 5, "`host:enp3s0` is named like a physical interface of the machine"],
			],
		],
		[
			"two interfaces of a namespace in one subnet",
			lab({
				a: '[10.1.0.1/24, "fc00::1/64", "fe80::a/64", 10.4.0.1/32]',
				more: '  - host:b: [10.1.0.3/24, 10.1.0.4/24, "fc00::3/64", "fe80::a/64", 10.4.0.1/32]\n    uno:c:',
				b: "",
			}),
			[
				[8, 14, "`host:uno` and `host:b` are both in 10.1.0.0/24: packets for it leave by one of them only"],
				[8, 40, "`host:uno` and `host:b` are both in fc00::/64: packets for it leave by one of them only"],
			],
		],
		[
			"both ends of one link in one namespace and subnet",
			lab({ more: "  - host:b: 10.5.0.1/24\n    host:c: 10.5.0.2/24" }),
			[],
		],
		[
			"an address on lo that makes a whole subnet the namespace's own",
			lab({ uno: 'addresses: [10.9.0.1/24, "fc00:9::1/64", 10.8.0.1/32]' }),
			[
				[
					4,
					21,
					"packets for all of 10.9.0.0/24 stay in `uno`, since `10.9.0.1/24` is on `lo`: `10.9.0.1/32` is the address alone",
				],
				[
					4,
					34,
					"packets for all of fc00:9::/64 stay in `uno`, since `fc00:9::1/64` is on `lo`: `fc00:9::1/128` is the address alone",
				],
			],
		],
		[
			"a gateway and next hops that nobody on the link has",
			lab({
				a: '[10.1.0.1/24, "fc00::1/64"]',
				b: '[10.1.0.2/24, "fc00::2/64"]',
				uno: 'gateway: [10.1.0.254, "fc00::9"], routes: [{ to: 10.2.0.0/24, via: [10.1.0.1, 10.1.0.3] }, { to: 10.3.0.0/24, via: "fe80::7", interface: veth0 }]',
			}),
			[
				[
					4,
					19,
					"gateway `10.1.0.254` is nobody's: the other interface of the link is `host:uno`, with 10.1.0.1",
				],
				[4, 31, "gateway `fc00::9` is nobody's: the other interface of the link is `host:uno`, with fc00::1"],
				[
					4,
					87,
					"next hop `10.1.0.3` is nobody's: the other interface of the link is `host:uno`, with 10.1.0.1",
				],
				[
					4,
					124,
					"next hop `fe80::7` is nobody's: the other interface of the link is `host:uno`, with fe80::10cb:d6ff:fe65:388",
				],
			],
		],
		[
			"a gateway that has a MAC, or that another interface of the peer's namespace has",
			lab({
				uno: "gateway: 10.1.0.254, neighbors: [{ ip: 10.1.0.254, mac: host:uno, interface: veth0 }], routes: [{ to: 10.2.0.0/24, via: 10.1.0.7 }]",
				more: "  - uno:c: 10.5.0.1/24\n    host:c: [10.5.0.2/24, 10.1.0.7/32]",
			}),
			[],
		],
		[
			"peers of host addresses, if not both have a route to the other",
			lab({ a: "10.9.0.1/32", b: "10.9.0.2/32", uno: "routes: [{ to: 10.9.0.1/32, interface: veth0 }]" }),
			[[7, 5, "`host:uno` and `uno:veth0` have no IPv4 subnet in common"]],
		],
		[
			"peers of host addresses that have routes to each other",
			lab({
				a: '[10.9.0.1/32, "fc00::1/128"]',
				b: '[10.9.0.2/32, "fc00::2/128"]',
				host: 'routes: [{ to: 10.9.0.2/32, interface: uno }, { to: "fc00::2/128", interface: uno }]',
				uno: 'routes: [{ to: 10.9.0.0/24, interface: veth0 }, { to: "::/0", interface: veth0 }]',
			}),
			[],
		],
		[
			"a destination with bits after its prefix",
			lab({ uno: "routes: [{ to: 10.2.0.5/24, via: 10.1.0.1 }]" }),
			[[4, 24, "`10.2.0.5/24` has bits after its prefix, taken as 10.2.0.0/24"]],
		],
		[
			"a namespace that forwards between nothing",
			"name: x\nnamespaces: { a: { forwarding: fib } }\n",
			[[2, 32, "namespace `a` has no interface to forward between"]],
		],
	];

	test.each(cases)("%s", (_, text, expected) => {
		const { warnings } = parseTopology(text, "lab.yaml");
		expect(warnings.map(({ line, column, message }) => [line, column, message])).toEqual(expected);
	});

	test("are shown like mistakes", () => {
		const text = lab({ b: "{ mtu: 9000 }" });
		expect(renderWarnings(new Source(text, "lab.yaml"), parseTopology(text, "lab.yaml").warnings)).toBe(
			`lab.yaml:7:23: warning: the ends of the pair have different MTUs: host:uno has 1500, uno:veth0 9000
   7 |     uno:veth0: { mtu: 9000 }
     |                       ^
`,
		);
	});
});
