import { expect, test } from "vitest";
import type { Machine } from "../../boot/machine.js";
import { follow } from "../../boot/run.js";

/** A machine whose guest has written these lines, and which goes on or has ended. */
function machineOf(rows: readonly string[], ended?: string): Machine {
	const files: Record<string, string> = {
		rows: rows.map((row) => `${row}\n`).join(""),
		"1.log": "the first step's output\n",
	};
	return {
		ended: ended === undefined ? new Promise(() => {}) : Promise.resolve(ended),
		read: (name) => files[name] ?? "",
		console: () => "Kernel panic - not syncing",
		close: async () => {},
	};
}

const PLAN = ["plan\tlab\tapply", "plan\tlab\tdestroy"];

async function followed(machine: Machine, boot = 10) {
	const told: string[] = [];
	const { signal } = new AbortController();
	const result = await follow(machine, { boot, signal, tell: (line) => told.push(line) });
	return { ...result, results: result.steps.map((step) => step.result), told };
}

test("each step has the outcome that the guest has written", async () => {
	const rows = [...PLAN, "end\tlab\tapply\t0\t8.5", "end\tlab\tdestroy\t1\t4.0", "done"];
	const { results, told, trouble } = await followed(machineOf(rows));
	expect(results).toEqual(["passed", "failed"]);
	expect(told).toEqual(["passed    lab: apply, 8.5 s", "FAILED    lab: destroy, 4 s\nexit status 1"]);
	expect(trouble).toBeUndefined();
});

test("a step that timeout(1) has ended says so, after what it printed", async () => {
	const { steps } = await followed(
		machineOf([...PLAN, "end\tlab\tapply\t124\t240.0", "end\tlab\tdestroy\t\t0", "done"]),
	);
	expect(steps.map(({ result, output }) => [result, output])).toEqual([
		["failed", "the first step's output\nexit status 124: too slow"],
		["not tried", ""],
	]);
});

test("a kernel that panics fails the step that was under way, with the console's last lines", async () => {
	const rows = [...PLAN, "begin\tlab\tapply\t240"];
	const { steps, results } = await followed(machineOf(rows, "QEMU ended: exit status 0"));
	expect(results).toEqual(["failed", "not tried"]);
	expect(steps[0]?.output).toBe("QEMU ended: exit status 0\nKernel panic - not syncing");
});

test("a kernel that hangs is given up", async () => {
	const { steps, trouble } = await followed(machineOf([]), 0.1);
	expect(steps).toEqual([]);
	expect(trouble).toBe("nothing comes any more\nKernel panic - not syncing");
});

test("an interruption ends the waiting", async () => {
	const signal = AbortSignal.abort("SIGINT");
	await expect(follow(machineOf(PLAN), { boot: 10, signal, tell: () => {} })).rejects.toMatchObject({
		name: "AbortError",
		cause: "SIGINT",
	});
});
