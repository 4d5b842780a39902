import { describe, expect, test } from "vitest";
import { destroy } from "../../lib/index.js";
import { clearAfterEach, useSandbox } from "../kernel/sandbox.js";
import { SEED } from "../random.js";
import { stopped, useBoundary } from "./boundary.js";
import { LONG, sample, some } from "./extent.js";
import { applyFile, fresh, labOf, prepare, run, SCENARIOS } from "./scenarios.js";
import { expectSame, outcome, running, startBare, stillLoaded, system } from "./system.js";

useSandbox();
useBoundary();
clearAfterEach();

/** Places of one scenario that `npm test` tries. */
const FEW = 2;

describe("SIGKILL before any change of a command costs nothing", () => {
	test.each(some(SCENARIOS, 14))(
		"$title",
		async (scenario) => {
			const lab = labOf(scenario);
			const bare = await startBare();
			await prepare(scenario);
			const { status, calls, stderr } = run(scenario, { what: "changes", how: "count", at: 0 });
			expect(status, stderr).toBe(0);
			await destroy(lab);

			// What comes after: the file that it was about, the one before, or the end.
			const goals = [scenario.to, scenario.from, undefined].filter(
				(text, i) => text !== undefined || i === 2,
			);
			const places = sample(calls.length, FEW);
			let kills = 0;
			let tries = 0;
			for (const at of places) {
				for (const goal of LONG ? goals : [goals[(at + SEED) % goals.length]]) {
					const when = `SEED=${SEED}, killed at ${at} of ${calls.length}: ${calls[at - 1]}; then `;
					const wanted = goal && (await fresh(goal));
					await prepare(scenario);
					const { status, stderr } = run(scenario, { what: "changes", how: "kill", at });
					// It may have got to its end, where this time there was less to do.
					expect([0, 137], `${when}${stderr}`).toContain(status);
					tries++;
					kills += status === 137 ? 1 : 0;
					const ids = running();
					if (goal && wanted) {
						await applyFile(goal);
						await expectSame(wanted, outcome, `${when}applied`);
						ids.push(...running());
					}
					await destroy(lab);
					await expectSame(bare, system, `${when}destroyed`);
					expect(stillLoaded(ids), when).toEqual([]);
				}
			}
			expect(kills, `kills that hit, of ${tries} tries`).toBeGreaterThanOrEqual(Math.max(1, tries / 2));
			console.info(
				`${scenario.title}: ${places.length} of ${calls.length} places, ${kills} kills (SEED=${SEED})`,
			);
		},
		LONG ? 3_600_000 : 240_000,
	);
});

test("SIGKILL before any call of a plan by which programs are loaded leaves nothing", async () => {
	const { to = "" } = SCENARIOS.find(({ title }) => title === "building up pinned.yaml") ?? {};
	const bare = await startBare();
	const { status, calls, stderr } = stopped({ what: "changes", how: "count", at: 0 }, "plan", [to]);
	expect(status, stderr).toBe(0);
	expect(calls).toContainEqual(expect.stringMatching(/^BPF_PROG_LOAD/));
	const places = sample(calls.length, FEW);
	expect(places).not.toEqual([]);
	for (const at of places) {
		const run = stopped({ what: "changes", how: "kill", at }, "plan", [to]);
		expect(run.status, run.stderr).toBe(137);
		await expectSame(bare, system, `killed at ${at}: ${calls[at - 1]}`);
	}
});
