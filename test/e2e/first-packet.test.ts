import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apply, type Bench, expectNoneForwardedByStack, startBench } from "./lab.js";
import { type Flow, iperfUdp, ping, TCP_ARRIVES, tcp } from "./traffic.js";

const ROUTERS = ["r1:uno", "r3:r1", "r3:tres", "r1:r3"];

/** As nothing has been sent before, each of these is a first packet. */
const uses: [how: string, address: string, use: (bench: Bench, flow: Flow) => Promise<void>][] = [
	["an IPv4 ping", "10.0.3.2", one],
	["an IPv6 ping", "fc00:3::2", one],
	["TCP over IPv4", "10.0.3.2", stream],
	["TCP over IPv6", "fc00:3::2", stream],
	["iperf3's UDP over IPv4", "10.0.3.2", datagrams],
	["iperf3's UDP over IPv6", "fc00:3::2", datagrams],
];

describe.concurrent.each(uses)("three routers that have forwarded nothing yet: %s", (_, address, use) => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
		await apply(bench, "topologies/three-routers.yaml");
	});
	afterAll(() => bench.machine.stop());

	test.sequential("is redirected at every hop, both ways, from the first packet on", () =>
		use(bench, { from: "uno", to: "tres", address }));

	test.sequential("is forwarded by no network stack", () => expectNoneForwardedByStack(bench));
});

async function one(bench: Bench, flow: Flow): Promise<void> {
	expect(await ping(bench.machine, flow, { count: 1 })).toBe(1);
	expect(await redirected(bench)).toEqual([1, 1, 1, 1]);
}

async function stream(bench: Bench, flow: Flow): Promise<void> {
	expect(await tcp(bench.machine, flow)).toBeGreaterThanOrEqual(TCP_ARRIVES);
	await expectSamePacketsAlongTheWay(bench);
}

async function datagrams(bench: Bench, flow: Flow): Promise<void> {
	expect(await iperfUdp(bench.machine, flow)).toBeGreaterThan(0);
	await expectSamePacketsAlongTheWay(bench);
}

/** What one router has redirected, the next one has: nothing came by another way, nothing was lost. */
async function expectSamePacketsAlongTheWay(bench: Bench): Promise<void> {
	const [there, thereToo, back, backToo] = await redirected(bench);
	expect(there).toBeGreaterThan(0);
	expect(back).toBeGreaterThan(0);
	expect([thereToo, backToo]).toEqual([there, back]);
}

async function redirected(bench: Bench): Promise<(number | undefined)[]> {
	const counts = await bench.counters.read(ROUTERS);
	return ROUTERS.map((end) => counts.get(end)?.XDP_REDIRECT);
}
