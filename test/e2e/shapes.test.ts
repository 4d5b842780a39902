import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
	apply,
	type Bench,
	expectDestroyLeavesNothing,
	expectNoneForwardedByStack,
	expectNothingToDo,
	startBench,
} from "./lab.js";
import { type Host, ring, type Shape, star } from "./shapes.js";
import { type Flow, iperfUdp, ping, TCP_ARRIVES, tcp, udp } from "./traffic.js";

/** Dots, dashes, both cases, underscores, and as long as an interface's name can be. */
const ODD_NAMES = ["a.b", "A.B", "x-y--z", "_", "under_score", "9", "fifteen-letters", "ÄÖ,+@=~^"];

const shapes: [string, Shape, { size?: number }?][] = [
	["a ring of five", ring(5)],
	["a star of eight", star(8)],
	["a ring of four, IPv4 only", ring(4, { families: [4] })],
	["a ring of four, IPv6 only", ring(4, { families: [6] })],
	["a star of three, IPv6 only", star(3, { families: [6] })],
	["a star of odd names", star(ODD_NAMES.length, { names: ODD_NAMES, inner: "Eth0.100-x_y~15" })],
	["a ring with an MTU of 9000", ring(3, { mtu: 9000 }), { size: 8900 }],
	["a ring in generic mode", ring(3, { forwarding: { mode: "fib", attach: "generic" } })],
	["a ring with GRO instead of programs", ring(3, { forwarding: { mode: "fib", peers: "gro" } })],
	["a ring that looks up every packet", ring(3, { forwarding: { mode: "fib", cache: false } })],
];

describe.concurrent.each(shapes)("%s", (_, shape, { size } = {}) => {
	const [first, last] = [shape.hosts[0] as Host, shape.hosts.at(-1) as Host];
	const flows = flowsBetween(first, last);
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
		await apply(bench, shape.text);
	});
	afterAll(() => bench.machine.stop());

	test.sequential("redirects every ping between any two hosts, and its reply, at every hop", async () => {
		const pairs = pairsOf(shape.hosts);
		const expected = new Map<string, number>();
		for (const [from, to] of pairs)
			for (const end of [...shape.path(from, to), ...shape.path(to, from)])
				expected.set(end, (expected.get(end) ?? 0) + from.addresses.length);
		const counts = await bench.counters.during([...expected.keys()], async () => {
			const replies = pairs
				.flatMap(([from, to]) => flowsBetween(from, to))
				.map(async (flow) => ({
					...flow,
					replies: await ping(bench.machine, flow, { count: 1, ...(size !== undefined && { size }) }),
				}));
			expect((await Promise.all(replies)).filter(({ replies }) => replies !== 1)).toEqual([]);
		});
		const redirected = Array.from(counts, ([end, { XDP_REDIRECT }]) => [end, XDP_REDIRECT]);
		expect(Object.fromEntries(redirected)).toEqual(Object.fromEntries(expected));
	});

	test.sequential("carries TCP", async () => {
		for (const flow of flows)
			expect(await tcp(bench.machine, flow), flow.address).toBeGreaterThanOrEqual(TCP_ARRIVES);
	});

	test.sequential("carries UDP", async () => {
		for (const flow of flows) {
			expect(await udp(bench.machine, flow, 20), flow.address).toBe(20);
			expect(await iperfUdp(bench.machine, flow), flow.address).toBeGreaterThan(0);
		}
	});

	test.sequential("leaves nothing to the network stack", () => expectNoneForwardedByStack(bench));

	test.sequential("a second apply finds nothing to do", () => expectNothingToDo(bench, shape.text));

	test.sequential("destroy leaves the machine as it was", () => expectDestroyLeavesNothing(bench));
});

function pairsOf(hosts: readonly Host[]): [Host, Host][] {
	return hosts.flatMap((from, i) => hosts.slice(i + 1).map((to): [Host, Host] => [from, to]));
}

function flowsBetween(from: Host, to: Host): Flow[] {
	return to.addresses.map((address) => ({ from: from.name, to: to.name, address }));
}
