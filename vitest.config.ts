import { defineConfig } from "vitest/config";

/** Three suites: `unit` needs no root, `kernel` real namespaces, `e2e` the built commands. */
export default defineConfig({
	test: {
		pool: "forks",
		testTimeout: 60_000,
		hookTimeout: 60_000,
		projects: ["unit", "kernel", "e2e"].map((name) => ({
			extends: true,
			test: { name, include: [`test/${name}/**/*.test.ts`] },
		})),
	},
});
