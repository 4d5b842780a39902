import { describe, expect, test } from "vitest";
import { describeFlow, flowsOf, titleOf } from "../../../lib/expect/flow.js";
import { parseTopology } from "../../../lib/topology/parse-topology.js";
import type { Topology } from "../../../lib/topology/topology.js";

const both = '[10.0.1.1/24, 10.0.9.1/24, "fe80::7/64", "fc00:1::1/64"]';

function lab(expectation: string, uno = both): Topology {
	return parseTopology(
		`name: x
namespaces: { uno: , dos: }
veths:
  - uno:veth0: ${uno}
    dos:veth0: [10.0.1.2/24, "fe80::8/64", "fc00:1::2/64"]
expect:
  - ${expectation}
`,
		"x.yaml",
	);
}

function flows(expectation: string, uno?: string) {
	const topology = lab(expectation, uno);
	return topology.expect.flatMap((one) => flowsOf(one, topology));
}

test("an expectation resolves to plain data with its place in the file", () => {
	const traffic = "reach: { from: uno:veth0, to: dos:veth0 }";
	expect(lab(`{ ${traffic}, reachable: false, actions: { dos:veth0: XDP_DROP } }`).expect).toEqual([
		{
			line: 7,
			protocols: ["ping", "tcp", "udp"],
			from: { namespace: "uno", end: "uno:veth0" },
			to: "dos:veth0",
			packets: 10,
			reachable: false,
			actions: { "dos:veth0": "XDP_DROP" },
		},
	]);
});

describe("traffic", () => {
	test("goes over every family that both sides have, to the first address that is no link-local one", () => {
		const common = { protocol: "udp", from: "uno", to: ["dos"], packets: 100 };
		expect(flows("udp: { from: uno, to: dos:veth0, packets: 100 }")).toEqual([
			{ ...common, family: 4, address: "10.0.1.2" },
			{ ...common, family: 6, address: "fc00:1::2" },
		]);
		expect(flows("ping: { from: uno, to: dos:veth0 }", "10.0.1.1/24")).toEqual([
			{ protocol: "ping", from: "uno", to: ["dos"], packets: 3, family: 4, address: "10.0.1.2" },
		]);
	});

	test("starts at an address of the end that is named", () => {
		expect(flows("ping: { from: uno:veth0, to: dos:veth0 }").map(({ source }) => source)).toEqual([
			"10.0.1.1",
			"fc00:1::1",
		]);
	});

	test("is for the port that is named", () => {
		const [flow, ...rest] = flows("tcp: { from: uno, to: dos:veth0, port: 443 }");
		expect(flow).toMatchObject({ protocol: "tcp", family: 4, port: 443 });
		expect(rest).toMatchObject([{ protocol: "tcp", family: 6, port: 443 }]);
		expect([flow].flatMap((one) => (one ? describeFlow(one) : []))).toEqual(["TCP to 10.0.1.2, port 443"]);
	});

	test("may arrive in any namespace that has the address", () => {
		const [over4, over6] = flows("udp: { from: uno, to: dos:veth0 }", '[10.0.1.2/32, "fc00:1::1/64"]');
		expect(over4).toMatchObject({ address: "10.0.1.2", to: ["dos", "uno"] });
		expect(over6).toMatchObject({ address: "fc00:1::2", to: ["dos"] });
	});

	test("is none where the two sides have no family in common", () => {
		expect(flows("reach: { from: uno, to: dos:veth0 }", "")).toEqual([]);
	});
});

test.each([
	["reach: { from: uno, to: dos:veth0 }", "uno reaches dos:veth0 by ping, TCP and UDP"],
	["{ tcp: { from: uno:veth0, to: dos:veth0 } }", "uno:veth0 reaches dos:veth0 by TCP"],
	["{ udp: { from: uno, to: dos:veth0, port: 53 } }", "uno reaches dos:veth0 by UDP, port 53"],
	[
		"{ reach: { from: uno, to: dos:veth0 }, reachable: false }",
		"uno does not reach dos:veth0 by ping, TCP or UDP",
	],
])("the title of %s is a sentence", (expectation, title) => {
	expect(lab(expectation).expect.map(titleOf)).toEqual([title]);
});

test("a name takes the place of the title", () => {
	expect(lab("{ name: web is reached, ping: { from: uno, to: dos:veth0 } }").expect.map(titleOf)).toEqual([
		"web is reached",
	]);
});
