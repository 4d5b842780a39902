import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { ROOT } from "../machine.js";

interface Report {
	nanoseconds: [name: string, family: string, nanoseconds: number][];
	frames: { router: string; family: string; rounds: number[] }[];
}

test("bench:forward measures every mode in both families", async () => {
	const folder = mkdtempSync(join(tmpdir(), "bench-"));
	try {
		const json = join(folder, "forward.json");
		const brief = ["--rounds", "1", "--milliseconds", "0.01", "--frames", "1000", "--seconds", "0"];
		const { stdout } = await execa(
			process.execPath,
			["scripts/bench.mjs", "forward", ...brief, "--json", json],
			{ cwd: ROOT },
		);
		const { nanoseconds, frames } = JSON.parse(readFileSync(json, "utf8")) as Report;
		for (const mode of ["hardcoded", "map", "fib"])
			for (const family of ["IPv4", "IPv6"]) {
				const what = `${mode}, ${family}`;
				expect(
					nanoseconds.some(([name, of, ns]) => name === mode && of === family && Number.isFinite(ns)),
				).toBe(true);
				const sent = frames.find((one) => one.router === mode && one.family === family);
				expect(sent?.rounds, what).toEqual([expect.any(Number)]);
				// Nothing that was forwarded is no measurement.
				expect(sent?.rounds[0], what).toBeGreaterThan(0);
				expect(stdout).toContain(what);
			}
	} finally {
		rmSync(folder, { recursive: true });
	}
});

describe("what is wrong in a benchmark's command line is told before anything is measured:", () => {
	test.each([
		["apply", "--size 3", "unknown option '--size'"],
		["apply", "--sizes 3,x", "'3,x' is invalid. It is no whole number from 3 up."],
		["apply", "--sizes 2", "'2' is invalid"],
		["apply", "--sizes 3,", "'3,' is invalid"],
		["apply", "--rounds 0", "'0' is invalid"],
		["apply", "--rounds 1.5", "'1.5' is invalid"],
		["apply", "--without mininet,script", "It is none of mininet, scripts, edits."],
		["apply", "3", "too many arguments"],
		["forward", "--rounds x", "'x' is invalid"],
		["forward", "--milliseconds 0", "It is no number from 0.001 up."],
		["forward", "--seconds -1", "It is no whole number from 0 up."],
	])("bench:%s %s", async (name, options, message) => {
		const result = await execa(process.execPath, ["scripts/bench.mjs", name, ...options.split(" ")], {
			cwd: ROOT,
			reject: false,
		});
		expect(result).toMatchObject({ exitCode: 1, stdout: "", stderr: expect.stringContaining(message) });
		// No line of a stack.
		expect(result.stderr).not.toContain("    at ");
	});
});
