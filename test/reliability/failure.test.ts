import { closeSync, openSync, unlinkSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { destroy } from "../../lib/index.js";
import { KINDS } from "../../lib/kinds/registry.js";
import { clearAfterEach, type Kernel, useSandbox } from "../kernel/sandbox.js";
import { SEED } from "../random.js";
import { type Stopped, stopped, useBoundary } from "./boundary.js";
import { LONG, sample, some } from "./extent.js";
import { applyFile, fresh, labOf, prepare, run, SCENARIOS, type Scenario } from "./scenarios.js";
import { exactly, expectSame, outcome, running, startBare, stillLoaded, system } from "./system.js";

useSandbox();
useBoundary();
clearAfterEach();

/** Places of one scenario that `npm test` tries. */
const FEW = 3;

/**
 * Without what does not matter: libbpf makes some maps without types where the kernel does not take them
 * with, and an empty folder may stay until the lab goes.
 */
function inEssence({ programs: _, files = "", ...rest }: Kernel): Kernel {
	return { ...rest, files: files.replace(/^d .*\n/gm, "") };
}

/** What changes no object: the answers to all that was sent together, what is read, and what is noted. */
const OF_NONE = /^(recv|read|bpf\(|ethtool|RTM_GET|\w+ \/run\/xdp-topology)/;

/** An error of a change says of which object; of what comes before and after them, only the call. */
const OBJECT = new RegExp(`^error: (${KINDS.map(({ name }) => name).join("|")}) `, "m");

/** Where root itself is refused, or the smallest program, this machine cannot: status 77. */
const FORBIDDEN = /: (EPERM|EACCES|EROFS)$|^BPF_PROG_LOAD: EINVAL$/;

/**
 * libbpf tries what the kernel knows, and does without what is refused: what comes of that can be an error
 * of its own much later.
 */
const PROBED = /^BPF_(PROG_LOAD|BTF_LOAD|MAP_CREATE)/;

/** A line of a stack: no user should ever see one. */
const STACK = /^ {4}at .*:\d+:\d+/m;

/** The call that was refused, and by what: `mount /run/netns/uno: ENOMEM`. */
const refusedOf = ({ calls }: Stopped) => calls.find((call) => /: E[A-Z0-9]+$/.test(call)) ?? "";

/** What a scenario's command calls, those that only look included. */
async function callsOf(scenario: Scenario): Promise<string[]> {
	await prepare(scenario);
	const { status, calls, stderr } = run(scenario, { what: "all", how: "count", at: 0 });
	expect(status, stderr).toBe(0);
	await destroy(labOf(scenario));
	return calls;
}

/** Refuses one call of a scenario's command. @param bare the machine without the lab */
async function refuse(scenario: Scenario, at: number, bare: Kernel): Promise<"undone" | "tolerated"> {
	const lab = labOf(scenario);
	const wanted = scenario.to && (await fresh(scenario.to));
	await prepare(scenario);
	const before = exactly();
	const result = run(scenario, { what: "all", how: "fail", at, seed: SEED });
	const { status, stderr } = result;
	const call = refusedOf(result);
	const when = `SEED=${SEED}, call ${at}: ${call}\n${stderr}`;
	expect.soft(stderr, when).not.toMatch(STACK);
	if (status === 0) {
		// What does not matter, such as whether an empty folder goes; or it has been made up for.
		if (wanted) await expectSame(inEssence(wanted), () => inEssence(outcome()), when);
		else await expectSame(inEssence(bare), () => inEssence(system()), when);
	} else {
		expect.soft(FORBIDDEN.test(call) ? [1, 77] : [1], when).toContain(status);
		expect.soft(stderr, when).toMatch(/^error: /m);
		if (status === 1 && !PROBED.test(call)) expect.soft(stderr, when).toContain(call.split(": ").at(-1));
		if (stderr.includes("has been undone") && !OF_NONE.test(call)) expect.soft(stderr, when).toMatch(OBJECT);
		// Without the lock nobody may touch the folder that is to be locked.
		if (wanted && !/^(flock|read \/run\/xdp-topology:)/.test(call)) await expectSame(before, exactly, when);
	}
	const ids = running();
	await destroy(lab);
	await expectSame(bare, system, `${when}; then destroyed`);
	expect(stillLoaded(ids), when).toEqual([]);
	return status === 0 ? "tolerated" : "undone";
}

describe("a call that is refused once", () => {
	test.each(some(SCENARIOS, 12))(
		"$title",
		async (scenario) => {
			const bare = await startBare();
			const total = (await callsOf(scenario)).length;
			const places = sample(total, FEW);
			const tally = { undone: 0, tolerated: 0 };
			expect(places).not.toEqual([]);
			for (const at of places) tally[await refuse(scenario, at, bare)]++;
			console.info(
				`${scenario.title}: ${places.length} of ${total} calls: ${JSON.stringify(tally)} (SEED=${SEED})`,
			);
		},
		LONG ? 14_400_000 : 240_000,
	);
});

test("a disk that fails keeps no command from ending: what is printed is not synced to it", () => {
	const path = `/tmp/xdp-topology-${process.pid}`;
	const file = openSync(path, "wx");
	unlinkSync(path);
	try {
		const { status, calls } = stopped({ what: "all", how: "count", at: 0 }, "status", [], file);
		const syncs = calls.filter((call) => call.startsWith("fsync"));
		expect({ status, syncs }).toEqual({ status: 0, syncs: [] });
	} finally {
		closeSync(file);
	}
});

describe("a place that wants a look of its own:", () => {
	test.each<[what: string, scenario: string, place: (calls: string[]) => number]>([
		[
			"a name that is taken away by half",
			"from packet03-1-icmp-echo.yaml to packet03-2-redirect.yaml",
			(calls) => calls.findLastIndex((call) => call.startsWith("umount /run/netns/")),
		],
		[
			"the rest of an answer, where the undo has to ask again",
			"from case04-hardcoded.yaml to case04-map.yaml",
			(calls) => calls.indexOf("recv", calls.indexOf("RTM_GETADDR", calls.lastIndexOf("RTM_NEWLINK"))),
		],
		[
			"a pin that is to go",
			"destroying pinned.yaml",
			(calls) => calls.indexOf("bpf(7)"), // BPF_OBJ_GET
		],
		[
			"what is noted at the end",
			"building up port-filter.yaml",
			(calls) => calls.lastIndexOf("read /proc/sys/kernel/random/boot_id"),
		],
	])("%s", async (_, title, place) => {
		const scenario = SCENARIOS.find((one) => one.title === title) as Scenario;
		const bare = await startBare();
		const at = 1 + place(await callsOf(scenario));
		expect(at).toBeGreaterThan(0);
		await refuse(scenario, at, bare);
	});
});

describe("a call that is refused, and all that follow, so that nothing can be undone", () => {
	test.each(some(SCENARIOS, 6))(
		"$title",
		async (scenario) => {
			const lab = labOf(scenario);
			const bare = await startBare();
			await prepare(scenario);
			const total = run(scenario, { what: "changes", how: "count", at: 0 }).calls.length;
			await destroy(lab);
			const places = sample(total, FEW);
			const tally: Record<number, number> = {};
			expect(places).not.toEqual([]);
			let refused = 0;
			for (const at of places) {
				const wanted = scenario.to && (await fresh(scenario.to));
				await prepare(scenario);
				const before = exactly();
				const result = run(scenario, { what: "changes", how: "fail-on", at, seed: SEED });
				const { status, stderr } = result;
				tally[status] = (tally[status] ?? 0) + 1;
				refused += refusedOf(result) === "" ? 0 : 1;
				const when = `SEED=${SEED}, from ${at} of ${total} on: ${refusedOf(result)}\n${stderr}`;
				expect.soft(stderr, when).not.toMatch(STACK);
				if (status === 3) expect.soft(stderr, when).toMatch(/^could not be undone:\n( {2}\S.*\n?)+/m);
				else if (status !== 0) {
					expect.soft(FORBIDDEN.test(refusedOf(result)) ? [1, 77] : [1], when).toContain(status);
					// Nothing had been done, then, but to files of the lab's own.
					if (wanted) await expectSame({ ...before, files: "" }, () => ({ ...exactly(), files: "" }), when);
				}
				if (scenario.to && wanted) {
					await applyFile(scenario.to);
					await expectSame(wanted, outcome, `${when}; then applied`);
				}
				const ids = running();
				await destroy(lab);
				await expectSame(bare, system, `${when}; then destroyed`);
				expect(stillLoaded(ids), when).toEqual([]);
			}
			// It may have got to its end, where this time there was less to do.
			expect(refused, `refusals, of ${places.length} tries`).toBeGreaterThanOrEqual(places.length / 2);
			console.info(
				`${scenario.title}: ${places.length} of ${total} places, by status: ${JSON.stringify(tally)} (SEED=${SEED})`,
			);
		},
		LONG ? 3_600_000 : 240_000,
	);
});
