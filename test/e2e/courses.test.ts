import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Machine } from "../machine.js";
import { forwardedByStack } from "./counters.js";
import { apply, type Bench, startBench } from "./lab.js";
import { ping } from "./traffic.js";

/** What the courses remark beyond what the files themselves expect. Everything on both kinds of machine. */
const machines: [string, boolean][] = [
	["a machine that forwards", true],
	["a machine that does not forward", false],
];

function benchWith(file: string, forwarding: boolean): { readonly bench: Bench } {
	const holder = {} as { bench: Bench };
	beforeAll(async () => {
		holder.bench = await startBench(forwarding);
		await apply(holder.bench, `topologies/${file}`);
	});
	afterAll(() => holder.bench.machine.stop());
	return holder;
}

describe.concurrent.each(machines)("packet03, assignment 1, on %s", (_, forwarding) => {
	const held = benchWith("packet03-1-icmp-echo.yaml", forwarding);
	const flows = ["10.11.1.1", "fc00:dead:cafe:1::1"].map((address) => ({
		from: "test",
		to: "host",
		address,
	}));

	test.sequential("the program answers where the stack is told to ignore echo requests", async () => {
		const { machine, counters } = held.bench;
		await machine.run("sysctl", [
			"-q",
			"-w",
			"net.ipv4.icmp_echo_ignore_all=1",
			"net.ipv6.icmp.echo_ignore_all=1",
		]);
		const counts = await counters.during(["host:test"], async () => {
			for (const flow of flows) expect(await ping(machine, flow)).toBe(3);
		});
		expect(counts.get("host:test")?.XDP_TX).toBe(6);
		expect(await nstat(machine, "host", "IcmpInEchos", "Icmp6InEchos")).toEqual([0, 0]);
	});
});

describe.concurrent.each(machines)("packet03, assignment 2, on %s", (_, forwarding) => {
	const held = benchWith("packet03-2-redirect.yaml", forwarding);

	test.sequential.each(["10.11.1.2", "fc00:dead:cafe:1::2"])(
		"a ping to %s is redirected, and its reply goes the stack's way",
		async (address) => {
			const { machine, counters } = held.bench;
			const before = await forwardedByStack(machine, "host");
			const counts = await counters.during(["host:right", "left:veth0"], async () => {
				expect(await ping(machine, { from: "right", to: "left", address })).toBe(3);
			});
			expect(counts.get("host:right")?.XDP_REDIRECT).toBe(3);
			expect(await forwardedByStack(machine, "host")).toBe(before + 3);
		},
	);
});

describe.concurrent.each(machines)("packet03, assignment 4, on %s", (_, forwarding) => {
	const held = benchWith("packet03-4-router.yaml", forwarding);

	test.sequential.each(["10.11.3.2", "fc00:dead:cafe:3::2"])(
		"a packet to %s has lost one of its TTL or hop limit",
		async (address) => {
			const reply = await held.bench.machine.in("uno", "ping", ["-n", "-c", "1", "-W", "3", address]);
			expect(reply.stdout).toContain(" ttl=63 ");
		},
	);

	test.sequential.each(["10.11.3.2", "fc00:dead:cafe:3::2"])(
		"a packet to %s whose TTL or hop limit comes to its end is answered by the router's stack",
		async (address) => {
			const { machine, counters } = held.bench;
			const counts = await counters.during(["host:uno"], async () => {
				const { stdout } = await machine.in("uno", "ping", ["-n", "-t", "1", "-c", "1", "-W", "3", address]);
				expect(stdout).toMatch(/From (?:10\.11\.1\.1|fc00:dead:cafe:1::1) .*(?:exceeded|Hop limit)/);
			});
			expect(counts.get("host:uno")).toMatchObject({ XDP_REDIRECT: 0, XDP_DROP: 0 });
		},
	);
});

/** Counters of a namespace's network stack. */
async function nstat(
	machine: Machine,
	namespace: string,
	...names: string[]
): Promise<(number | undefined)[]> {
	const args = ["-asz", "--json", ...names];
	const { kernel } = await machine.json<{ kernel: Record<string, number> }>(namespace, "nstat", ...args);
	return names.map((name) => kernel[name]);
}
