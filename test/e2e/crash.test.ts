import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { type Snapshot, snapshot } from "./snapshot.js";
import { begin, namesIn, pair, star } from "./star.js";

const HOSTS = 300;
const LAB = star(HOSTS);

let machine: Machine;
let bare: Snapshot;

beforeEach(async () => {
	machine = await Machine.start();
	bare = await snapshot(machine);
});
afterEach(() => machine.stop());

/** Begins a big apply and sends it a signal in the middle. */
async function interrupted(signal: NodeJS.Signals, ...args: string[]) {
	const { child, ended } = begin(machine, LAB, "apply", ...args);
	await expect.poll(() => namesIn(machine).length, { interval: 2, timeout: 20_000 }).toBeGreaterThan(50);
	child.kill(signal);
	return ended;
}

describe("an apply that is ended in the middle", () => {
	test.each([
		["SIGINT", 130],
		["SIGTERM", 143],
	] as const)("by %s undoes what it did and exits with %i", async (signal, exitCode) => {
		const output = await interrupted(signal);
		expect(output).toMatchObject({ exitCode, stdout: "" });
		expect(output.stderr).toContain(`error: interrupted by ${signal}\nwhat was done has been undone`);
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("by SIGINT leaves what it did with --keep, and another apply goes on from there", async () => {
		const { exitCode, stderr } = await interrupted("SIGINT", "--keep");
		expect({ exitCode, undone: stderr.includes("undone") }).toEqual({ exitCode: 130, undone: false });
		expect(namesIn(machine).length).toBeGreaterThan(50);
		expect(await machine.xdpWith(LAB, "apply", "--quiet")).toMatchObject({ exitCode: 0 });
		expect(await machine.xdpWith(LAB, "plan")).toMatchObject({ exitCode: 0, stdout: "star: nothing to do" });
	});

	test("by SIGKILL is completed by another apply", async () => {
		expect(await interrupted("SIGKILL")).toMatchObject({ exitCode: undefined });
		expect(namesIn(machine).length).toBeLessThan(HOSTS + 1);
		expect(await machine.xdpWith(LAB, "apply", "--quiet")).toMatchObject({ exitCode: 0 });
		expect(await machine.xdpWith(LAB, "plan")).toMatchObject({ exitCode: 0, stdout: "star: nothing to do" });
	});

	test("by SIGKILL is removed whole by destroy", async () => {
		await interrupted("SIGKILL");
		expect(await machine.xdp("destroy", "star", "--quiet")).toMatchObject({ exitCode: 0 });
		expect(await snapshot(machine)).toEqual(bare);
	});
});

describe("an update that is ended in the middle", () => {
	test("by SIGTERM leaves the lab as it was before", async () => {
		await machine.xdpWith(pair("star"), "apply");
		// What spares the next apply its work is forgotten with the first change.
		await machine.run("sh", ["-c", "rm /run/xdp-topology/*.settled"]);
		const before = await snapshot(machine);
		expect(await interrupted("SIGTERM")).toMatchObject({ exitCode: 143 });
		expect(await snapshot(machine)).toEqual(before);
	});
});

describe("a destroy that is ended in the middle", () => {
	test.each(["SIGINT", "SIGKILL"] as const)("by %s is completed by another destroy", async (signal) => {
		await machine.xdpWith(LAB, "apply", "--quiet");
		const { child, ended } = begin(machine, LAB, "destroy");
		await expect.poll(() => namesIn(machine).length, { interval: 2, timeout: 20_000 }).toBeLessThan(HOSTS);
		child.kill(signal);
		await ended;
		expect(await machine.xdp("destroy", "star", "--quiet")).toMatchObject({ exitCode: 0 });
		expect(await snapshot(machine)).toEqual(bare);
	});
});
