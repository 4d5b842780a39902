import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apply, type Bench, expectDestroyLeavesNothing, startBench, xdp } from "./lab.js";

const read = (name: string) => readFileSync(`test/cases/${name}.yaml`, "utf8");
const RFC_8950 = read("ipv4-over-ipv6-next-hop");

/** An IPv4 default route and a link-local next hop, the link's only IPv6 addresses. */
const LINK_LOCAL = RFC_8950.replace(
	'{ to: 10.2.0.0/24, via: "fd00::1" }',
	'{ to: 0.0.0.0/0, via: "fe80::2", interface: core }',
)
	.replace('via: "fd00::" }', 'via: [{ address: "fe80::1", interface: core }] }')
	.replace('"fd00::/127"', '"fe80::1/64"')
	.replace("fd00::1/127", '"fe80::2/64"');

/** Onlink in both families: no subnet and no route has the next hops. */
const ONLINK = `name: onlink
namespaces:
  a: { gateway: [10.1.0.1, "fd01::1"] }
  b: { gateway: [10.2.0.1, "fd02::1"] }
  r1:
    forwarding: fib
    routes:
      - { to: 10.2.0.0/24, via: 10.255.0.2, interface: core, onlink: true }
      - { to: "fd02::/64", via: "fd00:ff::2", interface: core, onlink: true }
  r2:
    forwarding: fib
    routes:
      - { to: 10.1.0.0/24, via: 10.255.0.1, interface: core, onlink: true }
      - { to: "fd01::/64", via: "fd00:ff::1", interface: core, onlink: true }
veths:
  - r1:core: [10.255.0.1/32, "fd00:ff::1/128"]
    r2:core: [10.255.0.2/32, "fd00:ff::2/128"]
  - r1:a: [10.1.0.1/24, "fd01::1/64"]
    a:eth0: [10.1.0.2/24, "fd01::2/64"]
  - r2:b: [10.2.0.1/24, "fd02::1/64"]
    b:eth0: [10.2.0.2/24, "fd02::2/64"]
expect:
  - reach: { from: a, to: b:eth0 }
    actions: { r1:a: XDP_REDIRECT, r2:core: XDP_REDIRECT }
`;

const as = (text: string, forwarding: string) =>
	text.replaceAll("forwarding: fib", `forwarding: ${forwarding}`);

describe("next hops that no subnet has", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
	});
	afterAll(() => bench.machine.stop());

	test.each([
		["a next hop that a route has", read("next-hop-by-route")],
		["peers of host addresses with routes to each other", read("peer-host-routes")],
		["IPv4 by an IPv6 next hop", RFC_8950],
		["IPv4 by an IPv6 next hop, every packet looked up", as(RFC_8950, "{ mode: fib, cache: false }")],
		["IPv4 by an IPv6 next hop, in generic mode", as(RFC_8950, "{ mode: fib, attach: generic }")],
		["IPv4 by link-local next hops", LINK_LOCAL],
		["on-link next hops", ONLINK],
	])("%s: applied without a warning, verified, nothing left to do", async (_, text) => {
		await apply(bench, text);
		const { stdout, exitCode } = await xdp(bench.machine, text, "verify");
		expect(stdout).toMatch(/^ok 1 - /m);
		expect(exitCode, stdout).toBe(0);
		const again = await xdp(bench.machine, text, "plan", "--detailed-exitcode");
		expect(again.exitCode, again.stdout).toBe(0);
		await bench.machine.xdp("destroy", "--all");
	});

	test("of IPv6 carry IPv4 without a question for a MAC: the neighbour is there, and no IPv4 one is", async () => {
		await apply(bench, RFC_8950);
		const { stdout } = await bench.machine.in("a", "ping", ["-c", "3", "-W", "1", "10.2.0.2"]);
		expect(stdout).toContain(" 0% packet loss");
		const show = ["-j", "neighbour", "show", "dev", "core"];
		const neighbors = await bench.machine.json<{ dst: string; state: string[] }[]>("r1", "ip", ...show);
		expect(neighbors).toContainEqual(expect.objectContaining({ dst: "fd00::1", state: ["PERMANENT"] }));
		expect(neighbors.filter(({ dst }) => !dst.includes(":"))).toEqual([]);
		await expectDestroyLeavesNothing(bench);
	});
});

describe("a route that has its place taken", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench();
	});
	afterAll(() => bench.machine.stop());

	test("by the kernel is told with its position, from nothing and from a running lab", async () => {
		const fails = async (command: string, name: string) => {
			const { exitCode, stderr } = await bench.machine.xdp(command, `test/cases/${name}.yaml`);
			expect(exitCode).toBe(64);
			expect(stderr).toContain(":3:24: error: the subnet of `h:eth0` has its route from the kernel already");
			expect(stderr).toContain("= leave it out, or give it another `metric`");
		};
		await fails("apply", "connected-route");
		await fails("apply", "connected-blackhole-2");
		await apply(bench, "test/cases/connected-blackhole-1.yaml");
		await fails("plan", "connected-blackhole-2");
		await fails("apply", "connected-blackhole-2");
		await expectDestroyLeavesNothing(bench);
	});

	test("by a daemon ends plan and apply with status 1", async () => {
		await apply(bench, "test/cases/daemon-route-1.yaml");
		await bench.machine.in("r1", "ip", ["route", "add", "10.2.0.0/24", "via", "10.0.0.2", "proto", "bgp"]);
		for (const command of ["plan", "apply"]) {
			const { exitCode, stderr } = await bench.machine.xdp(command, "test/cases/daemon-route-2.yaml");
			expect(stderr).toBe(
				"error: a route r1 10.2.0.0/24 is there that is not this lab's (dev core, proto bgp): choose another metric, or remove it",
			);
			expect(exitCode).toBe(1);
		}
		await bench.machine.in("r1", "ip", ["route", "del", "10.2.0.0/24", "proto", "bgp"]);
		await apply(bench, "test/cases/daemon-route-2.yaml");
		await expectDestroyLeavesNothing(bench);
	});
});
