import { defineConfig } from "vitest/config";

/**
 * `npm test` is the same every time, so that what fails has to do with what was changed. What it has not
 * met yet is for `npm run soak` to find, which is another one every time; `SEED=…` gives the same again.
 * Decided here since every worker has its environment from this process.
 */
if (process.env["SEED"] === undefined) {
	const soak = process.env["SOAK"] === "1";
	const seed = soak ? String(Date.now() % 1_000_000) : "1";
	process.env["SEED"] = seed;
	if (soak) console.info(`SEED=${seed}`);
}

/**
 * Four suites: `unit` needs no root, `kernel` real namespaces, `e2e` the built commands, `reliability` both
 * of them and time: `npm run soak` gives it all that it can use.
 */
export default defineConfig({
	test: {
		pool: "forks",
		// Tests wait more than they compute, and each has a machine of its own.
		maxWorkers: 2,
		// A bound for what hangs: how much a test tries is decided by the test, and a machine may be slow.
		testTimeout: 60_000,
		hookTimeout: 60_000,
		projects: ["unit", "kernel", "e2e", "reliability"].map((name) => ({
			extends: true,
			test: { name, include: [`test/${name}/**/*.test.ts`] },
		})),
	},
});
