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

	test("of labs that want the same names end in one that is whole, and one that is refused", async () => {
		const labs = ["one", "two"].map((name) => `${pair("shared").replace("name: shared", `name: ${name}`)}`);
		const outputs = await Promise.all(labs.map((lab) => machine.xdp("apply", "-q", file(lab))));
		const winner = outputs.findIndex(({ exitCode }) => exitCode === 0);
		const name = ["one", "two"][winner];
		expect(outputs[1 - winner]).toMatchObject({
			exitCode: 1,
			stderr: expect.stringContaining(
				`error: shared, host:to-shared belong to lab ${name}: \`xdp-destroy ${name}\` removes it`,
			),
		});
		expect(await machine.xdpWith(labs[winner] ?? "", "plan", "--detailed-exitcode")).toMatchObject({
			exitCode: 0,
		});
		expect(JSON.parse((await machine.xdp("status", "--json")).stdout)).toMatchObject([{ lab: name }]);
		expect(await machine.xdp("destroy")).toMatchObject({ exitCode: 0 });
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("go on where the one that was waited for is killed", async () => {
		const first = begin(machine, star(300), "apply");
		await expect.poll(() => namesIn(machine).length, { interval: 2, timeout: 20_000 }).toBeGreaterThan(20);
		const second = begin(machine, pair("other"), "apply", "-q");
		await new Promise((resolve) => second.child.stderr.once("data", resolve));
		first.child.kill("SIGKILL");
		expect(await second.ended).toMatchObject({ exitCode: 0 });
		await first.ended;
		expect(await machine.xdp("destroy", "--all", "-q")).toMatchObject({ exitCode: 0 });
		expect(await snapshot(machine)).toEqual(bare);
	});

	test("a destroy that waits is ended by SIGHUP with 129", async () => {
		const first = begin(machine, star(300), "apply");
		await expect.poll(() => namesIn(machine).length, { interval: 2, timeout: 20_000 }).toBeGreaterThan(20);
		const second = begin(machine, star(300), "destroy");
		await new Promise((resolve) => second.child.stderr.once("data", resolve));
		second.child.kill("SIGHUP");
		expect(await second.ended).toMatchObject({ exitCode: 129 });
		expect(await first.ended).toMatchObject({ exitCode: 0 });
	});

	test("apply and destroy one lab in any order, and each does the whole of its work", async () => {
		const lab = file(star(10));
		const commands = ["apply", "destroy", "apply", "apply", "destroy", "apply", "destroy"];
		const outputs = await Promise.all(commands.map((command) => machine.xdp(command, lab)));
		for (const { exitCode, stdout, stderr } of outputs) {
			expect(exitCode, stderr).toBe(0);
			expect(stdout).toMatch(/^star: (destroyed|nothing to (do|destroy)|\d+ changes in .*)$/);
		}
		expect(namesIn(machine).length === 0 || namesIn(machine).length === 11).toBe(true);
		expect(await machine.xdp("destroy", "star")).toMatchObject({ exitCode: 0 });
		expect(await snapshot(machine)).toEqual(bare);
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
