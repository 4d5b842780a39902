import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apply, type Bench, expectDestroyLeavesNothing, expectNothingToDo, startBench, xdp } from "./lab.js";

/** Two routers with loopback addresses and a link of two addresses: /31, and /127 with its first address. */
const ROUTERS = `name: routers
namespaces:
  r1:
    forwarding: fib
    addresses: [10.255.0.1/32, "fd00:ff::1/128"]
    routes:
      - { to: 10.255.0.2/32, via: 10.0.0.1, source: 10.255.0.1 }
      - { to: "fd00:ff::2/128", via: "fd00::1", source: "fd00:ff::1" }
  r2:
    forwarding: fib
    addresses: [10.255.0.2/32, "fd00:ff::2/128"]
    routes:
      - { to: 10.255.0.1/32, via: 10.0.0.0, source: 10.255.0.2 }
      - { to: "fd00:ff::1/128", via: "fd00::", source: "fd00:ff::2" }
      - { to: 10.1.0.0/24, via: 10.0.0.0 }
      - { to: "fd00:1::/64", via: "fd00::" }
  h1: { gateway: [10.1.0.1, "fd00:1::1"] }
veths:
  - r1:core: [10.0.0.0/31, "fd00::/127"]
    r2:core: [10.0.0.1/31, "fd00::1/127"]
  - r1:h1: [10.1.0.1/24, "fd00:1::1/64"]
    h1:eth0: [10.1.0.2/24, "fd00:1::2/64"]
expect:
  - reach: { from: h1, to: r2:lo }
    actions: { r1:h1: XDP_REDIRECT, r2:core: XDP_PASS, r1:core: XDP_REDIRECT }
  - reach: { from: r1:lo, to: r2:lo }
  - reach: { from: r1, to: r2:core }
  - reach: { from: r2, to: r1:core }
`;

interface AddressShown {
	ifname: string;
	addr_info: { local: string; prefixlen: number; scope: string }[];
}

describe("addresses on lo, and links of two addresses", () => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench(false);
		await apply(bench, ROUTERS);
	});
	afterAll(() => bench.machine.stop());

	test("are there as the file says, beside the kernel's own", async () => {
		const [lo] = await bench.machine.json<AddressShown[]>("r1", "ip", "-j", "address", "show", "lo");
		const shown = lo?.addr_info.map(({ local, prefixlen, scope }) => `${local}/${prefixlen} ${scope}`);
		expect(shown?.sort()).toEqual([
			"10.255.0.1/32 global",
			"127.0.0.1/8 host",
			"::1/128 host",
			"fd00:ff::1/128 global",
		]);
	});

	test.each([
		["10.255.0.2", { dst: "10.255.0.2", gateway: "10.0.0.1", dev: "core", prefsrc: "10.255.0.1" }],
		["fd00:ff::2", { dst: "fd00:ff::2", gateway: "fd00::1", dev: "core", prefsrc: "fd00:ff::1" }],
	])("are what the router itself sends from towards %s", async (address, route) => {
		expect(await bench.machine.json("r1", "ip", "-j", "route", "get", address)).toMatchObject([route]);
	});

	test("answer, and are answered, through XDP", async () => {
		const { exitCode, stdout } = await xdp(bench.machine, ROUTERS, "verify");
		expect(stdout).toContain("routers: 4 passed");
		expect(exitCode, stdout).toBe(0);
		// The tool is not its own witness.
		for (const address of ["10.255.0.2", "fd00:ff::2", "10.0.0.1", "fd00::1"]) {
			const { stdout } = await bench.machine.in("h1", "ping", ["-c", "1", "-W", "1", address]);
			expect(stdout).toContain(" 0% packet loss");
		}
	});

	test("are no difference once they are there", () => expectNothingToDo(bench, ROUTERS));

	test("are shown by status, and differ there where somebody removes one", async () => {
		const shown = async () => JSON.parse((await bench.machine.xdp("status", "--json", "routers")).stdout);
		const lo = ({ namespaces }: { namespaces: { name: string; addresses: string[] }[] }) =>
			Object.fromEntries(namespaces.map(({ name, addresses }) => [name, addresses.toSorted()]));
		expect(lo(await shown())).toEqual({
			r1: ["10.255.0.1/32", "fd00:ff::1/128"],
			r2: ["10.255.0.2/32", "fd00:ff::2/128"],
			h1: [],
		});
		await bench.machine.in("r1", "ip", ["address", "del", "10.255.0.1/32", "dev", "lo"]);
		const status = await shown();
		expect(lo(status)["r1"]).toEqual(["fd00:ff::1/128"]);
		expect(status.drift.changes).toContainEqual(
			expect.objectContaining({ action: "create", text: "r1:lo 10.255.0.1/32" }),
		);
		const { stdout } = await bench.machine.xdp("status", "routers");
		expect(stdout).toMatch(/^ {2}r1:lo {2}fd00:ff::1\/128$/m);
	});

	test("leave one after the other, and nothing of them stays with the file", async () => {
		const without = ROUTERS.slice(0, ROUTERS.indexOf("expect:"))
			.replace(/ {4}addresses: .*\n/, "")
			.replaceAll(/, source: \S+ }/g, " }");
		await apply(bench, without);
		const [lo] = await bench.machine.json<AddressShown[]>("r1", "ip", "-j", "address", "show", "lo");
		expect(lo?.addr_info.filter(({ scope }) => scope === "global")).toEqual([]);
		await expectDestroyLeavesNothing(bench);
	});
});

/** The same with IPv6, and traffic between the hosts, which only the router can have forwarded. */
const UNNUMBERED = `name: unnumbered6
namespaces:
  h1: { routes: [{ to: "fd00::1/128", interface: eth1 }, { to: "::/0", via: "fd00::1" }] }
  r:
    forwarding: fib
    addresses: ["fd00::1/128"]
    routes: [{ to: "fd00:1::1/128", interface: eth1 }, { to: "fd00:1::2/128", interface: eth2 }]
  h2: { routes: [{ to: "fd00::1/128", interface: eth1 }, { to: "::/0", via: "fd00::1" }] }
veths:
  - r:eth1: "fd00::1/128"
    h1:eth1: "fd00:1::1/128"
  - r:eth2: "fd00::1/128"
    h2:eth1: "fd00:1::2/128"
expect:
  - reach: { from: h1, to: h2:eth1 }
    actions: { r:eth1: XDP_REDIRECT, r:eth2: XDP_REDIRECT }
  - ping: { from: h2, to: r:lo }
`;

describe.each([
	[
		"addresses on lo",
		"loopback-address",
		readFileSync("test/cases/loopback-address.yaml", "utf8"),
		undefined,
	],
	["one IPv4 address on two links", "unnumbered", readFileSync("test/cases/unnumbered.yaml", "utf8"), "eth1"],
	["one IPv6 address on two links and lo", "unnumbered6", UNNUMBERED, "eth1"],
])("a lab with %s", (_, lab, text, shared) => {
	let bench: Bench;

	beforeAll(async () => {
		bench = await startBench(false);
		await apply(bench, text);
	});
	afterAll(() => bench.machine.stop());

	test("is verified, and has nothing left to do", async () => {
		const { exitCode, stdout } = await bench.machine.xdp("verify", lab);
		expect(exitCode, stdout).toBe(0);
		await expectNothingToDo(bench, text);
	});

	if (shared)
		test("keeps the address on the one link where somebody removes it from the other", async () => {
			const { machine } = bench;
			const [address] = /(?:10\.0\.0|fd00:)\S*1\/(?:32|128)/.exec(text.slice(text.indexOf("r:eth1"))) ?? [];
			expect(address).toBeDefined();
			await machine.in("r", "ip", ["address", "del", address ?? "", "dev", "eth1"]);
			const { stdout: plan } = await xdp(machine, text, "plan");
			expect(plan).toContain(`+ address r:eth1 ${address}\n`);
			expect(plan).not.toContain("r:eth2");
			const ping = await machine.in("h2", "ping", [
				"-c",
				"1",
				"-W",
				"2",
				(address ?? "").replace(/\/.*/, ""),
			]);
			expect(ping).toMatchObject({ exitCode: 0 });
			await apply(bench, text);
			await expectNothingToDo(bench, text);
		});

	test("leaves nothing behind", () => expectDestroyLeavesNothing(bench));
});

/** Two routers that know each other by link-local addresses alone, and whose routes a daemon makes. */
const DAEMONS = `name: daemons
namespaces:
  r1: { forwarding: fib }
  r2: { forwarding: fib }
  h1: { gateway: "fd00:1::1" }
  h2: { gateway: "fd00:2::1" }
veths:
  - r1:core: { mac: "02:00:00:00:00:01" }
    r2:core: { mac: "02:00:00:00:00:02" }
  - r1:h1: "fd00:1::1/64"
    h1:eth0: "fd00:1::2/64"
  - r2:h2: "fd00:2::1/64"
    h2:eth0: "fd00:2::2/64"
`;

test("a daemon's route by a link-local next hop is forwarded by XDP from the first packet on", async () => {
	const bench = await startBench();
	const { machine, counters } = bench;
	try {
		await apply(bench, DAEMONS);
		const route = (router: string, to: string, via: string) =>
			machine.in(router, "ip", ["-6", "route", "add", to, "via", via, "dev", "core", "proto", "12"]);
		expect(await route("r1", "fd00:2::/64", "fe80::ff:fe00:2")).toMatchObject({ exitCode: 0 });
		expect(await route("r2", "fd00:1::/64", "fe80::ff:fe00:1")).toMatchObject({ exitCode: 0 });
		const ping = await machine.in("h1", "ping", ["-c", "1", "-W", "2", "fd00:2::2"]);
		expect(ping).toMatchObject({ exitCode: 0 });
		const onTheWay = ["r1:h1", "r2:core", "r2:h2", "r1:core"];
		const counts = await counters.read(onTheWay);
		expect(onTheWay.map((end) => counts.get(end)?.XDP_REDIRECT)).toEqual([1, 1, 1, 1]);
		await expectNothingToDo(bench, DAEMONS);
	} finally {
		await machine.stop();
	}
});
