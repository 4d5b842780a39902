import { afterAll, beforeAll, describe, test } from "vitest";
import { stringify } from "yaml";
import { expectationsOf, verify } from "./expectations.js";
import { apply, type Bench, expectDestroyLeavesNothing, expectNothingToDo, startBench } from "./lab.js";

/** uno and dos reach each other, and XDP does it. */
const BOTH_WAYS = [
	{ reach: { from: "uno", to: "dos:veth0" }, actions: { "host:uno": "XDP_REDIRECT" } },
	{ reach: { from: "dos", to: "uno:veth0" }, actions: { "host:dos": "XDP_REDIRECT" } },
];

/** Labs that no shipped file makes, with what must hold of them. */
const labs: [title: string, topology: Record<string, unknown>][] = [
	[
		"a hardcoded ring of three",
		{
			name: "hardcoded-ring",
			namespaces: {
				host: { forwarding: { mode: "hardcoded", redirect: { uno: "dos", dos: "tres", tres: "uno" } } },
				...hostsBehind("uno", "dos", "tres"),
			},
			veths: vethsOf("uno", "dos", "tres"),
			expect: [
				...["uno dos", "dos tres", "tres uno"].map((pair) => {
					const [from, to] = pair.split(" ");
					return {
						udp: { from, to: `${to}:veth0`, packets: 30 },
						actions: { [`host:${from}`]: "XDP_REDIRECT", [`${to}:veth0`]: "XDP_PASS" },
					};
				}),
				// Against the ring: it comes to dos, who is not meant.
				{ udp: { from: "uno", to: "tres:veth0" }, reachable: false, actions: { "host:uno": "XDP_REDIRECT" } },
			],
		},
	],
	[
		"a wiring by maps in which two interfaces lead to one",
		{
			name: "funnel",
			namespaces: {
				host: { forwarding: { mode: "map", redirect: { uno: "tres", dos: "tres", tres: "uno" } } },
				...hostsBehind("uno", "dos", "tres"),
			},
			veths: vethsOf("uno", "dos", "tres"),
			expect: [
				{
					reach: { from: "uno", to: "tres:veth0" },
					actions: { "host:uno": "XDP_REDIRECT", "tres:veth0": "XDP_PASS" },
				},
				{ udp: { from: "dos", to: "tres:veth0" }, actions: { "host:dos": "XDP_REDIRECT" } },
				{
					ping: { from: "dos", to: "tres:veth0" },
					reachable: false,
					actions: { "host:dos": "XDP_REDIRECT" },
				},
			],
		},
	],
	[
		"redirects in generic mode",
		{
			name: "generic",
			namespaces: {
				host: { forwarding: { mode: "map", attach: "generic", redirect: { uno: "dos", dos: "uno" } } },
				...hostsBehind("uno", "dos"),
			},
			veths: vethsOf("uno", "dos"),
			expect: BOTH_WAYS,
		},
	],
	[
		"redirects to peers with GRO and no program",
		{
			name: "gro",
			namespaces: {
				host: { forwarding: { mode: "map", peers: "gro", redirect: { uno: "dos", dos: "uno" } } },
				...hostsBehind("uno", "dos"),
			},
			veths: vethsOf("uno", "dos"),
			expect: BOTH_WAYS,
		},
	],
	[
		"forwarding by the network stack alone",
		{
			name: "kernel",
			namespaces: { host: { forwarding: "kernel" }, ...hostsBehind("uno", "dos") },
			veths: vethsOf("uno", "dos"),
			expect: [{ reach: { from: "uno", to: "dos:veth0" } }, { reach: { from: "dos", to: "uno:veth0" } }],
		},
	],
	[
		"neighbours that are learned",
		{
			name: "learned",
			namespaces: {
				router: { forwarding: "fib", neighbors: "learned" },
				uno: { gateway: ["10.11.1.1", "fc00:1::1"], neighbors: "learned" },
				dos: { gateway: ["10.11.2.1", "fc00:2::1"], neighbors: "learned" },
			},
			veths: [
				{ "router:uno": ["10.11.1.1/24", "fc00:1::1/64"], "uno:veth0": ["10.11.1.2/24", "fc00:1::2/64"] },
				{ "router:dos": ["10.11.2.1/24", "fc00:2::1/64"], "dos:veth0": ["10.11.2.2/24", "fc00:2::2/64"] },
			],
			expect: [{ reach: { from: "uno", to: "dos:veth0" } }],
		},
	],
	[
		"routes that drop",
		{
			name: "drops",
			namespaces: {
				router: {
					forwarding: "fib",
					routes: [
						{ to: "10.11.2.0/28", type: "blackhole" },
						{ to: "10.11.2.16/28", type: "unreachable" },
						{ to: "10.11.2.32/28", type: "prohibit" },
						{ to: "fc00:2::10/124", type: "blackhole" },
						{ to: "fc00:2::20/124", type: "unreachable" },
						{ to: "fc00:2::30/124", type: "prohibit" },
					],
				},
				uno: { gateway: ["10.11.1.1", "fc00:1::1"] },
				dos: { gateway: ["10.11.2.65", "fc00:2::1"] },
			},
			veths: [
				{ "router:uno": ["10.11.1.1/24", "fc00:1::1/64"], "uno:veth0": ["10.11.1.2/24", "fc00:1::2/64"] },
				{ "router:dos": ["10.11.2.65/24", "fc00:2::1/64"], "dos:veth0": ["10.11.2.66/24", "fc00:2::2/64"] },
				// In dos, where packets to them would arrive.
				{ "dos:black": null, "dos:black-peer": ["10.11.2.1/32", "fc00:2::11/128"] },
				{ "dos:away": null, "dos:away-peer": ["10.11.2.17/32", "fc00:2::21/128"] },
				{ "dos:barred": null, "dos:barred-peer": ["10.11.2.33/32", "fc00:2::31/128"] },
			],
			expect: [
				{ reach: { from: "uno", to: "dos:veth0" }, actions: { "router:uno": "XDP_REDIRECT" } },
				...Object.entries({ black: "XDP_DROP", away: "XDP_PASS", barred: "XDP_PASS" }).map(
					([name, action]) => ({
						reach: { from: "uno", to: `dos:${name}-peer` },
						reachable: false,
						actions: { "router:uno": action },
					}),
				),
			],
		},
	],
];

describe.concurrent.each(labs)("%s", (_, topology) => {
	const text = stringify(topology);
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
		await apply(bench, text);
	});
	afterAll(() => bench.machine.stop());

	for (const expectation of expectationsOf(text))
		test.sequential(expectation.title, () => verify(bench.machine, bench.counters, expectation));

	test.sequential("a second apply finds nothing to do", () => expectNothingToDo(bench, text));

	test.sequential("destroy leaves the machine as it was", () => expectDestroyLeavesNothing(bench));
});

/** As in the courses: the outer ends in the host, each named like its namespace. */
function vethsOf(...names: string[]): Record<string, string[]>[] {
	return names.map((name, i) => ({
		[`host:${name}`]: [`10.11.${i + 1}.1/24`, `fc00:${i + 1}::1/64`],
		[`${name}:veth0`]: [`10.11.${i + 1}.2/24`, `fc00:${i + 1}::2/64`],
	}));
}

function hostsBehind(...names: string[]): Record<string, { gateway: string[] }> {
	return Object.fromEntries(
		names.map((name, i) => [name, { gateway: [`10.11.${i + 1}.1`, `fc00:${i + 1}::1`] }]),
	);
}
