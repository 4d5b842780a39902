import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apply, type Bench, expectNothingToDo, startBench, xdp } from "./lab.js";
import { programsOf } from "./snapshot.js";
import { type Flow, ping, udp } from "./traffic.js";

interface PlanJson {
	changes: { action: string; kind: string; name: string }[];
}

async function planned({ machine }: Bench, topology: string): Promise<string[]> {
	const { stdout, stderr } = await xdp(machine, topology, "plan", "--json");
	if (stdout === "") throw new Error(stderr);
	return (JSON.parse(stdout) as PlanJson).changes.map(
		({ action, kind, name }) => `${action} ${kind} ${name}`,
	);
}

describe.concurrent("a wiring by maps that is changed while packets flow", () => {
	const text = readFileSync("topologies/packet03-4-router.yaml", "utf8");
	const wiredAs = (redirect: string) =>
		text.replace(/forwarding: .*/, `forwarding: { mode: map, redirect: ${redirect} }`);
	const before = wiredAs("{ uno: dos, dos: tres, tres: uno }");
	const after = wiredAs("{ uno: tres, tres: dos, dos: uno }");
	const toTres: Flow = { from: "uno", to: "tres", address: "10.11.3.2" };
	const toDos: Flow = { from: "uno", to: "dos", address: "fc00:dead:cafe:2::2" };
	let bench: Bench;

	/** One way, as a ring has no way back. */
	async function expectArrival(there: Flow, elsewhere: Flow): Promise<void> {
		expect(await udp(bench.machine, there)).toBe(10);
		expect(await udp(bench.machine, { ...elsewhere, patience: 300 })).toBe(0);
	}

	beforeAll(async () => {
		bench = await startBench();
		await apply(bench, before);
	});
	afterAll(() => bench.machine.stop());

	test.sequential("leads where the entries say", async () => {
		await expectArrival(toDos, toTres);
	});

	test.sequential("is planned as a change of entries and of nothing else", async () => {
		expect((await planned(bench, after)).sort()).toEqual(
			["dos", "tres", "uno"].map((name) => `update entry map redirects host:${name}`),
		);
	});

	test.sequential("leads elsewhere, by the same program with its counters in place", async () => {
		const programs = await programsOf(bench.machine);
		const redirected = async () => (await bench.counters.read(["host:uno"])).get("host:uno")?.XDP_REDIRECT;
		const counted = await redirected();
		await apply(bench, after);
		expect(await programsOf(bench.machine)).toEqual(programs);
		expect(await redirected()).toBe(counted);
		await expectArrival(toTres, toDos);
		await expectNothingToDo(bench, after);
	});
});

describe.concurrent("a route of three routers that is changed by hand", () => {
	const file = "topologies/three-routers.yaml";
	const ways = [
		["IPv4", "10.0.3.2", ["10.0.3.0/24", "via", "10.12.0.2"]],
		["IPv6", "fc00:3::2", ["fc00:3::/64", "via", "fc00:12::2"]],
	] as const;
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
		await apply(bench, file);
	});
	afterAll(() => bench.machine.stop());

	for (const [family, address, route] of ways) {
		const flow: Flow = { from: "uno", to: "tres", address };
		const passingR2 = async () => {
			const counts = await bench.counters.during(["r2:r1"], async () => {
				expect(await ping(bench.machine, flow)).toBe(3);
			});
			return counts.get("r2:r1")?.XDP_REDIRECT;
		};

		test.sequential(`${family} follows it with the next packet`, async () => {
			expect(await passingR2()).toBe(0);
			const changed = await bench.machine.in("r1", "ip", ["route", "replace", ...route]);
			expect(changed).toMatchObject({ exitCode: 0 });
			expect(await passingR2()).toBe(3);
		});

		test.sequential(`${family} is back on its way after an apply`, async () => {
			expect(await planned(bench, file)).toEqual([`update route r1 ${route[0]}`]);
			await apply(bench, file);
			expect(await passingR2()).toBe(0);
			await expectNothingToDo(bench, file);
		});
	}
});
