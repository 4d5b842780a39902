import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
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
