import { describe, expect, test } from "vitest";
import { destroy } from "../../lib/index.js";
import { applyText, changes, useSandbox } from "../kernel/sandbox.js";
import { fc, SEED } from "../random.js";
import { LONG, RUNS } from "./extent.js";
import { expectSame, outcome, settled, startBare, system } from "./system.js";
import { topologyOf } from "./topologies.js";

useSandbox();

const LAB = "any";

describe("any topology turned into any other", () => {
	test(
		"is what the other comes to by itself, and leaves nothing when destroyed",
		async () => {
			const numRuns = RUNS ?? (LONG ? 1000 : 6);
			const bare = await startBare();
			let tried = 0;
			const property = fc
				.asyncProperty(topologyOf(LAB), topologyOf(LAB), async (one, other) => {
					await applyText(other);
					const alone = await settled(outcome);
					await destroy(LAB);
					await expectSame(bare, system, "destroyed");
					await applyText(one);
					await applyText(other);
					await expectSame(alone, outcome, "one, then the other");
					expect(await changes(other)).toEqual([]);
					await destroy(LAB);
					await expectSame(bare, system, "destroyed again");
					tried++;
				})
				.afterEach(() => destroy(LAB, { kill: true }).then(() => {}));
			await fc.assert(property, { seed: SEED, numRuns });
			expect(tried).toBe(numRuns);
			console.info(`${tried} pairs of topologies (SEED=${SEED})`);
		},
		LONG ? 3_600_000 : 240_000,
	);
});
