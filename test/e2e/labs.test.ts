import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectationsOf, verify } from "./expectations.js";
import { apply, type Bench, expectDestroyLeavesNothing, expectNothingToDo, startBench, xdp } from "./lab.js";
import { type Host, ring, type Shape, star } from "./shapes.js";
import { namespacesOf, snapshot } from "./snapshot.js";
import { ping, TCP_ARRIVES, tcp } from "./traffic.js";

const ROUTER_FILE = "topologies/packet03-4-router.yaml";

/** A name for every namespace of three hosts: labs of one machine cannot share them. */
const one = ring(3, { name: "one", router: "one-r", names: ["one-a", "one-b", "one-c"] });
const two = star(3, { name: "two", router: "two-hub", names: ["two-a", "two-b", "two-c"], site: 2 });
/** The same addresses as the first, which is nobody's business but the namespaces'. */
const three = ring(3, { name: "three", router: "three-r", names: ["three-a", "three-b", "three-c"] });

describe("labs side by side", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
		for (const topology of [one.text, two.text, three.text, ROUTER_FILE]) await apply(bench, topology);
	});
	afterAll(() => bench.machine.stop());

	test("each forwards by programs of its own", async () => {
		for (const shape of [one, two, three]) await expectForwarding(bench, shape);
		for (const expectation of expectationsOf(readFileSync(ROUTER_FILE, "utf8")))
			await verify(bench.machine, bench.counters, expectation);
	});

	test("none finds anything to do in another", () =>
		expectNothingToDo(bench, one.text, two.text, three.text, ROUTER_FILE));

	test("a lab that wants another's namespace is refused, and nothing is touched", async () => {
		const before = await snapshot(bench.machine);
		const thief = star(2, { name: "thief", names: ["two-a", "thief-b"], router: "thief-hub" });
		const { exitCode, stderr } = await xdp(bench.machine, thief.text, "apply");
		expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining("two-a") });
		expect(await snapshot(bench.machine)).toEqual(before);
	});

	test("destroy without a name lists them, and touches nothing", async () => {
		const before = await snapshot(bench.machine);
		const { exitCode, stderr } = await bench.machine.xdp("destroy");
		expect(exitCode).toBe(64);
		for (const lab of ["one", "two", "three", "packet03"]) expect(stderr).toContain(lab);
		expect(await snapshot(bench.machine)).toEqual(before);
	});

	test("when one is destroyed the others go on", async () => {
		expect(await bench.machine.xdp("destroy", "one")).toMatchObject({ exitCode: 0 });
		expect((await namespacesOf(bench.machine)).filter((name) => name.startsWith("one-"))).toEqual([]);
		for (const shape of [two, three]) await expectForwarding(bench, shape);
		await expectNothingToDo(bench, two.text, three.text, ROUTER_FILE);
	});

	test("destroy --all leaves the machine as it was", () => expectDestroyLeavesNothing(bench));
});

/** Traffic between the first two hosts is redirected at every hop. */
async function expectForwarding({ machine, counters }: Bench, { hosts, path }: Shape): Promise<void> {
	const [from, to] = hosts as [Host, Host];
	const counts = await counters.during(path(from, to), async () => {
		for (const address of to.addresses) {
			const flow = { from: from.name, to: to.name, address };
			expect(await ping(machine, flow), address).toBe(3);
			expect(await tcp(machine, flow), address).toBeGreaterThanOrEqual(TCP_ARRIVES);
		}
	});
	for (const [end, { XDP_REDIRECT }] of counts) expect(XDP_REDIRECT, end).toBeGreaterThan(6);
}

describe.concurrent("a lab without namespaces, of a pair with both ends in the host", () => {
	const text = `name: both-in-host
veths:
  - host:near: { addresses: [10.11.1.1/24, "fc00:1::1/64"], xdp: pass }
    host:far: { addresses: [10.11.1.2/24, "fc00:1::2/64"], xdp: drop }
`;
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
	});
	afterAll(() => bench.machine.stop());

	test.sequential("can be applied", () => apply(bench, text));

	test.sequential("its programs count what crosses it", async () => {
		const counts = await bench.counters.during(["host:far"], () =>
			bench.machine.run("ping", ["-n", "-c", "3", "-i", "0.05", "-W", "0.2", "-I", "near", "ff02::1"]),
		);
		expect(counts.get("host:far")?.XDP_DROP).toBeGreaterThanOrEqual(3);
	});

	test.sequential("a second apply finds nothing to do", () => expectNothingToDo(bench, text));

	test.sequential("destroy leaves the machine as it was", () => expectDestroyLeavesNothing(bench));
});
