import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Machine } from "../machine.js";
import { type Snapshot, snapshot } from "./snapshot.js";
import { begin, namesIn, pair, star } from "./star.js";

let machine: Machine;
let bare: Snapshot;
let folder: string;

beforeEach(async () => {
	machine = await Machine.start();
	bare = await snapshot(machine);
	folder = mkdtempSync("/tmp/xdp-topology-");
});
afterEach(async () => {
	rmSync(folder, { recursive: true });
	await machine.stop();
});

/** A topology in a file of its own. @returns its path */
function file(text: string): string {
	const path = join(folder, `${/^name: (.*)$/m.exec(text)?.[1]}.yaml`);
	writeFileSync(path, text);
	return path;
}

describe("two commands at once", () => {
	test("wait for one another, and the one that waits names the other", async () => {
		const first = begin(machine, star(200), "apply");
		await expect.poll(() => namesIn(machine).length, { interval: 2, timeout: 20_000 }).toBeGreaterThan(0);
		const second = await machine.xdp("apply", file(pair("other")));
		expect(second).toMatchObject({ exitCode: 0 });
		expect(second.stderr).toMatch(
			new RegExp(`^waiting for \\S*xdp-apply\\S* - \\(pid ${first.child.pid}\\)$`, "m"),
		);
		expect(second.stderr.match(/waiting/g)).toHaveLength(1);
		expect(await first.ended).toMatchObject({ exitCode: 0 });
		for (const lab of [star(200), pair("other")])
			expect(await machine.xdpWith(lab, "plan", "--detailed-exitcode")).toMatchObject({ exitCode: 0 });
	});

	test.each([
		["SIGINT", 130],
		["SIGTERM", 143],
	] as const)("the one that waits ends by %s with %i, having touched nothing", async (signal, exitCode) => {
		const first = begin(machine, star(300), "apply");
		await expect.poll(() => namesIn(machine).length, { interval: 2, timeout: 20_000 }).toBeGreaterThan(0);
		const second = begin(machine, pair("other"), "apply");
		await new Promise((resolve) => second.child.stderr.once("data", resolve));
		second.child.kill(signal);
		const { exitCode: status, stderr } = await second.ended;
		expect({ status, stderr }).toEqual({
			status: exitCode,
			stderr: expect.stringMatching(new RegExp(`^waiting for .*\\nerror: interrupted by ${signal}$`)),
		});
		expect(await first.ended).toMatchObject({ exitCode: 0 });
		expect(namesIn(machine)).not.toContain("other");
	});

	test("of one lab end in one lab", async () => {
		const lab = file(star(20));
		const outputs = await Promise.all([1, 2, 3].map(() => machine.xdp("apply", lab)));
		expect(outputs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
		expect(outputs.map(({ stdout }) => /nothing to do/.test(stdout)).sort()).toEqual([false, true, true]);
	});

	test("that make and destroy labs, many times over, leave nothing", async () => {
		const labs = ["a", "b", "c"].map((name) =>
			file(pair(name).replaceAll("10.1.", `10.${name.charCodeAt(0)}.`)),
		);
		const runs = await Promise.all(
			labs.map(async (lab) => {
				const statuses: (number | undefined)[] = [];
				for (let i = 0; i < 4; i++)
					for (const command of ["apply", "destroy"]) {
						const { exitCode, stderr } = await machine.xdp(command, lab);
						statuses.push(exitCode);
						if (exitCode !== 0) expect(stderr).toBe("");
					}
				return statuses;
			}),
		);
		expect(new Set(runs.flat())).toEqual(new Set([0]));
		expect(await snapshot(machine)).toEqual(bare);
	});
});
