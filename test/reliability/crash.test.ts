import { describe, expect, test } from "vitest";
import { destroy } from "../../lib/index.js";
import { applyText, clearAfterEach, type Kernel, useSandbox } from "../kernel/sandbox.js";
import { type Stopped, stopped, useBoundary } from "./boundary.js";
import { LONG, SEED, sample } from "./extent.js";
import { labOf, SCENARIOS, type Scenario } from "./scenarios.js";
import { expectSame, outcome, running, settled, startAfresh, stillLoaded, system } from "./system.js";

useSandbox();
useBoundary();
clearAfterEach();

/** Places of one scenario that `npm test` tries. */
const FEW = 2;

/** Runs the scenario's command, with the lab as it is before, up to a change. */
async function killedAt(scenario: Scenario, at: number): Promise<Stopped> {
	startAfresh();
	if (scenario.from !== undefined) await applyText(scenario.from);
	const stop = { what: "changes", how: "kill", at } as const;
	return scenario.to === undefined
		? stopped(stop, "destroy", [labOf(scenario)])
		: stopped(stop, "apply", ["-"], scenario.to);
}

const clean = new Map<string, Kernel>();

/** What a topology comes to where there was nothing before. */
async function fresh(text: string): Promise<Kernel> {
	const known = clean.get(text);
	if (known) return known;
	startAfresh();
	await applyText(text);
	const result = await settled(outcome);
	await destroy(labOf({ title: "", to: text }));
	clean.set(text, result);
	return result;
}

describe("SIGKILL before any change of a command costs nothing", () => {
	test.each(SCENARIOS)(
		"$title",
		async (scenario) => {
			const lab = labOf(scenario);
			startAfresh();
			const bare = await settled(system);
			const { status, calls, stderr } = await killedAt(scenario, 0);
			expect(status, stderr).toBe(0);
			await destroy(lab);

			// What comes after: the file that it was about, the one before, or the end.
			const goals = [scenario.to, scenario.from, undefined].filter(
				(text, i) => text !== undefined || i === 2,
			);
			const places = sample(calls.length, FEW);
			let kills = 0;
			for (const at of places) {
				for (const goal of LONG ? goals : [goals[(at + SEED) % goals.length]]) {
					const when = `seed ${SEED}, killed at ${at} of ${calls.length}: ${calls[at - 1]}; then `;
					const wanted = goal && (await fresh(goal));
					const { status, stderr } = await killedAt(scenario, at);
					// It may have got to its end, where this time there was less to do.
					expect([0, 137], `${when}${stderr}`).toContain(status);
					kills += status === 137 ? 1 : 0;
					const ids = running();
					if (goal && wanted) {
						await applyText(goal);
						await expectSame(wanted, outcome, `${when}applied`);
						ids.push(...running());
					}
					await destroy(lab);
					await expectSame(bare, system, `${when}destroyed`);
					expect(stillLoaded(ids), when).toEqual([]);
				}
			}
			console.info(`${scenario.title}: ${places.length} of ${calls.length} places, ${kills} kills`);
		},
		LONG ? 3_600_000 : 60_000,
	);
});
