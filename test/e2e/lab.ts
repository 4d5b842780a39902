import { readFileSync } from "node:fs";
import { expect, vi } from "vitest";
import { Machine } from "../machine.js";
import { Counters, forwardedByStack } from "./counters.js";
import { namespacesOf, programsOf, type Snapshot, snapshot, stillLoaded } from "./snapshot.js";

/** A machine of a test's own, with what the test suite knows of its labs. */
export interface Bench {
	machine: Machine;
	counters: Counters;
	/** The machine before any lab. */
	bare: Snapshot;
}

/** @param forwarding whether the machine itself forwards before any lab; left as it is by default */
export async function startBench(forwarding?: boolean): Promise<Bench> {
	const machine = await Machine.start();
	if (forwarding !== undefined) {
		const value = forwarding ? 1 : 0;
		const names = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];
		await machine.run("sysctl", ["-q", "-w", ...names.map((name) => `${name}=${value}`)]);
	}
	return { machine, counters: new Counters(machine), bare: await snapshot(machine) };
}

/** A file of topologies/ to be edited and read from standard input: its paths begin at the project's folder. */
export function textOf(file: string): string {
	return readFileSync(`topologies/${file}`, "utf8").replaceAll(
		"source: programs/",
		"source: topologies/programs/",
	);
}

/** Applies a topology, a file's path or text on standard input, and expects that it says no word of warning. */
export async function apply({ machine }: Bench, topology: string): Promise<void> {
	const { exitCode, stderr } = await xdp(machine, topology, "apply");
	expect({ exitCode, warnings: warningsOf(stderr) }, stderr).toEqual({ exitCode: 0, warnings: [] });
}

function warningsOf(stderr: string): string[] {
	return stderr.split("\n").filter((line) => /warning|error/.test(line));
}

/** Runs a command on a topology: a file where it is one line, text otherwise. */
export function xdp(machine: Machine, topology: string, command: string, ...args: string[]) {
	return topology.includes("\n")
		? machine.xdpWith(topology, command, ...args)
		: machine.xdp(command, ...args, topology);
}

/** Expects that a second apply of each finds nothing to do, and that the kernel agrees, byte by byte. */
export async function expectNothingToDo({ machine }: Bench, ...topologies: string[]): Promise<void> {
	const before = await snapshot(machine);
	for (const topology of topologies) {
		const { exitCode, stdout, stderr } = await xdp(machine, topology, "apply");
		expect({ exitCode, stdout }, stderr).toEqual({
			exitCode: 0,
			stdout: expect.stringMatching(/^[^\n]+: nothing to do$/),
		});
	}
	expect(await snapshot(machine)).toEqual(before);
}

/** Expects that nothing has changed in `host` that reaches beyond the lab's own interfaces. */
export async function expectHostUntouched({ machine, bare }: Bench): Promise<void> {
	const now = await snapshot(machine);
	const key = Object.keys(bare).find((name) => name.startsWith("host: sysctl")) ?? "";
	const lines = new Set(now[key]?.split("\n"));
	expect(bare[key]?.split("\n").filter((line) => !lines.has(line))).toEqual([]);
}

/** Expects that no namespace's network stack has forwarded a packet. */
export async function expectNoneForwardedByStack({ machine }: Bench): Promise<void> {
	const names = ["host", ...(await namespacesOf(machine))];
	const forwarded = await Promise.all(
		names.map(async (name) => [name, await forwardedByStack(machine, name)]),
	);
	expect(forwarded).toEqual(names.map((name) => [name, 0]));
}

/** Destroys all labs and expects to find the machine as it was before them. */
export async function expectDestroyLeavesNothing({ machine, bare }: Bench): Promise<void> {
	const programs = await programsOf(machine);
	const { exitCode, stderr } = await machine.xdp("destroy", "--all");
	expect(exitCode, stderr).toBe(0);
	expect(await snapshot(machine)).toEqual(bare);
	// A program is freed a grace period after its last user has gone.
	const gone = async () => expect(await stillLoaded(machine, programs)).toEqual([]);
	await vi.waitFor(gone, { timeout: 10_000, interval: 50 });
}
