import { defineConfig } from "vitest/config";

/**
 * Four suites: `unit` needs no root, `kernel` real namespaces, `e2e` the built commands, `reliability` both
 * of them and time: `npm run soak` gives it all that it can use.
 */
export default defineConfig({
	test: {
		pool: "forks",
		// Tests wait more than they compute, and each has a machine of its own.
		maxWorkers: 2,
		testTimeout: 60_000,
		hookTimeout: 60_000,
		projects: ["unit", "kernel", "e2e", "reliability"].map((name) => ({
			extends: true,
			test: { name, include: [`test/${name}/**/*.test.ts`] },
		})),
	},
});
