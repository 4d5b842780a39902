import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { flood } from "./flood.js";

/** Three hosts behind a router; `tres` has the address of `dos` as well, so that either may be sent to. */
function lab(forwarding: string, more = { namespaces: "", veths: "", uno: "gateway: 10.1.0.1" }): string {
	return `name: lab
namespaces:
  r: { forwarding: ${forwarding} }
  uno: { ${more.uno} }
  dos: { gateway: 10.2.0.1 }
  tres: { gateway: 10.3.0.1 }
${more.namespaces}
veths:
  - r:uno: 10.1.0.1/24
    uno:veth0: 10.1.0.2/24
  - r:dos: 10.2.0.1/24
    dos:veth0: 10.2.0.2/24
  - r:tres: 10.3.0.1/24
    tres:veth0: [10.3.0.2/24, 10.2.0.2/32]
${more.veths}
`;
}

/** With so many more interfaces that the programs need larger maps. */
const GROWN = {
	namespaces: "  more:",
	veths: Array.from(
		{ length: 70 },
		(_, i) => `  - r:h${i}: 10.9.${i}.1/24\n    more:h${i}: 10.9.${i}.2/24`,
	).join("\n"),
	uno: "gateway: 10.1.0.1",
};
const OTHER_ROUTE = {
	namespaces: "",
	veths: "",
	uno: "routes: [{ to: default, via: 10.1.0.1, source: 10.1.0.2 }]",
};

const wiring = (mode: string, to: string, more = "") =>
	`{ mode: ${mode}, redirect: { uno: ${to}, ${to}: uno${more} } }`;
const FIB = lab("fib");
const MAP = lab(wiring("map", "dos"));
const HARDCODED = lab(wiring("hardcoded", "dos"));

let machine: Machine;
beforeAll(async () => {
	machine = await Machine.start();
});
afterAll(() => machine.stop());

/** Applies one lab, and under a flood from `uno` the other. */
async function change(before: string, after: string, to = ["dos"]) {
	expect(await machine.xdpWith(before, "apply", "-q")).toMatchObject({ exitCode: 0 });
	const planned = await machine.xdpWith(after, "plan");
	const result = await flood(machine, { from: "uno", to, address: "10.2.0.2" }, async () => {
		expect(await machine.xdpWith(after, "apply", "-q")).toMatchObject({ exitCode: 0 });
	});
	expect(await machine.xdpWith(after, "plan", "--detailed-exitcode")).toMatchObject({ exitCode: 0 });
	return { ...result, plan: planned.stdout };
}

/** What the plan says where packets may be lost. */
const WARNED = /packets between are lost/;

describe("under a flood no packet is lost by", () => {
	test.each<[what: string, before: string, after: string]>([
		["an apply that has nothing to do", FIB, FIB],
		["a lab that grows, and a program that makes room", FIB, lab("fib", GROWN)],
		["a lab that shrinks", lab("fib", GROWN), FIB],
		["a program that is replaced", FIB, lab("{ mode: fib, cache: false }")],
		["a program that is replaced by one with other maps", FIB, MAP],
		["maps that make way for constants", MAP, HARDCODED],
		["XDP that begins", lab("kernel"), FIB],
		["XDP that ends", MAP, lab("kernel")],
		["peers that change from a program to GRO", FIB, lab("{ mode: fib, peers: gro }")],
		["peers that change from GRO to a program", lab("{ mode: fib, peers: gro }"), FIB],
		["a route that is replaced", FIB, lab("fib", OTHER_ROUTE)],
		["a wiring of others, by maps", MAP, lab(wiring("map", "dos", ", tres: dos"))],
		["a wiring of others, by constants", HARDCODED, lab(wiring("hardcoded", "dos", ", tres: dos"))],
	])("%s", async (_, before, after) => {
		const { sent, lost, plan } = await change(before, after);
		expect({ lost, warned: WARNED.test(plan) }).toEqual({ lost: 0, warned: false });
		expect(sent).toBeGreaterThanOrEqual(4000);
	});

	test.each(["map", "hardcoded"])("a wiring that is changed under it, by %s", async (mode) => {
		for (const [from, to] of [
			["dos", "tres"],
			["tres", "dos"],
		] as const) {
			const { lost, arrived, plan } = await change(lab(wiring(mode, from)), lab(wiring(mode, to)), [
				"dos",
				"tres",
			]);
			expect({ lost, warned: WARNED.test(plan) }).toEqual({ lost: 0, warned: false });
			// It has been changed while packets came.
			expect(Math.min(...arrived)).toBeGreaterThan(0);
		}
	});
});

test("where the kernel cannot change from native to generic without a gap, the plan says so", async () => {
	const generic = "{ mode: fib, attach: generic }";
	const { plan, lost, sent } = await change(FIB, lab(generic));
	expect(plan.match(new RegExp(WARNED, "g"))).toHaveLength(3);
	// Short of all: what comes in the gap goes to the stack, which forwards, or to a peer not ready for it.
	expect(lost).toBeLessThan(sent / 2);
	const back = await machine.xdpWith(FIB, "plan");
	expect(back.stdout.match(new RegExp(WARNED, "g"))).toHaveLength(3);
});
