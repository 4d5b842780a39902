import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { normalised, snapshot } from "./snapshot.js";

const FILE = "topologies/three-routers.yaml";

describe("what is changed by hand in three-routers", () => {
	let machine: Machine;

	beforeAll(async () => {
		machine = await Machine.start();
		await machine.xdp("apply", "-q", FILE);
	});
	afterAll(() => machine.stop());

	const ping = async (from: string, to: string) =>
		(await machine.in(from, "ping", ["-qc1", "-W1", to])).exitCode === 0;

	test.each([
		["a program detached", "ip -n r1 link set dev uno xdp off", /^ {2}\+ xdp r1:uno fib\b/m],
		[
			"a route changed",
			"ip -n r1 route change 10.0.3.0/24 via 10.12.0.2",
			/^ {2}~ route r1 10\.0\.3\.0\/24: /m,
		],
		["a link set down", "ip -n r3 link set dev r1 down", /^ {2}~ veth r1:r3 r3:r1: r3:r1 state down → up/m],
		[
			"a MAC changed",
			"ip -n r3 link set dev r1 address 02:00:00:00:00:01",
			/^ {2}~ veth r1:r3 r3:r1: r3:r1 mac /m,
		],
		[
			"a neighbour removed",
			"ip -n r1 neighbour del 10.13.0.3 dev r3",
			/^ {2}\+ neighbor r1:r3 10\.13\.0\.3 /m,
		],
		["a router deleted", "ip netns del r1", /^ {2}\+ netns r1$/m],
		["an interface deleted", "ip -n uno link del dev veth0", /^ {2}\+ veth r1:uno uno:veth0$/m],
	])("%s is told with status 2, and apply brings the very lab back", async (_, script, line) => {
		const before = normalised(await snapshot(machine));
		expect(await machine.run("sh", ["-c", script])).toMatchObject({ exitCode: 0 });

		const planned = await machine.xdp("plan", "--detailed-exitcode", FILE);
		expect(planned).toMatchObject({ exitCode: 2, stdout: expect.stringMatching(line) });
		expect(await machine.xdp("apply", "--verbose", FILE)).toMatchObject({
			exitCode: 0,
			stdout: planned.stdout,
		});

		expect(await machine.xdp("plan", "--detailed-exitcode", FILE)).toMatchObject({ exitCode: 0 });
		expect(await Promise.all(["10.0.3.2", "fc00:3::2"].map((to) => ping("uno", to)))).toEqual([true, true]);
		const after = normalised(await snapshot(machine));
		// How an address came to be, who has been heard of, and the order of files are no part of the lab.
		for (const key of Object.keys(before))
			if (!/address|neighbour|\/run/.test(key)) expect(after[key], key).toBe(before[key]);
	});
});
