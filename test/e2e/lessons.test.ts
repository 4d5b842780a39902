import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectationsOf, verify } from "./expectations.js";
import { apply, type Bench, expectDestroyLeavesNothing, expectNothingToDo, startBench, xdp } from "./lab.js";
import { normalised, type Snapshot, snapshot } from "./snapshot.js";

interface Step {
	to: string;
	/** What the plan says of namespaces and of the program that forwards or answers. */
	plan: string[];
}

/** The lessons of a course, one turned into the next, to the last and back. */
const walks: [course: string, start: string, steps: Step[]][] = [
	[
		"packet03",
		"packet03-1-icmp-echo",
		[
			{
				to: "packet03-2-redirect",
				plan: [
					"remove program icmp-echo",
					"remove netns test",
					"create netns left",
					"create netns right",
					"create program hardcoded",
				],
			},
			{ to: "packet03-3-redirect-map", plan: ["remove program hardcoded", "create program map"] },
			{
				to: "packet03-4-router",
				plan: [
					"remove program map",
					"remove netns left",
					"remove netns right",
					"create netns uno",
					"create netns dos",
					"create netns tres",
					"create program fib-uncached",
				],
			},
			{
				to: "packet03-3-redirect-map",
				plan: [
					"remove program fib-uncached",
					"remove netns uno",
					"remove netns dos",
					"remove netns tres",
					"create netns left",
					"create netns right",
					"create program map",
				],
			},
			{ to: "packet03-2-redirect", plan: ["remove program map", "create program hardcoded"] },
			{
				to: "packet03-1-icmp-echo",
				plan: [
					"remove program hardcoded",
					"remove netns left",
					"remove netns right",
					"create netns test",
					"create program icmp-echo",
				],
			},
		],
	],
	[
		"case04",
		"case04-hardcoded",
		[
			{ to: "case04-map", plan: ["remove program hardcoded", "create program map"] },
			{ to: "case04-fib", plan: ["remove program map", "create program fib-uncached"] },
			{ to: "case04-hardcoded", plan: ["remove program fib-uncached", "create program hardcoded"] },
			{ to: "case04-fib", plan: ["remove program hardcoded", "create program fib-uncached"] },
			{ to: "case04-map", plan: ["remove program fib-uncached", "create program map"] },
			{ to: "case04-hardcoded", plan: ["remove program map", "create program hardcoded"] },
		],
	],
];

const WIRING = ["veth", "address", "neighbor", "route"];

interface PlanJson {
	changes: { action: string; kind: string; name: string }[];
}

describe.concurrent.each(walks)("the lessons of %s", (course, start, steps) => {
	const fresh = new Map<string, Snapshot>();
	let bench: Bench;

	beforeAll(async () => {
		const lessons = [...new Set([start, ...steps.map(({ to }) => to)])];
		await Promise.all(lessons.map(async (lesson) => fresh.set(lesson, await freshlyApplied(lesson))));
		bench = await startBench();
		await apply(bench, fileOf(start));
	});
	afterAll(() => bench.machine.stop());

	steps.forEach(({ to, plan }, i) => {
		const from = steps[i - 1]?.to ?? start;
		// In case04 the file that is there is edited; the names of the namespaces tell packet03's apart.
		const text = course === "case04" ? withForwardingOf(start, to) : textOf(to);

		test.sequential(`${from} turns into ${to}`, async () => {
			const planned = await xdp(bench.machine, text, "plan", "--json", "--detailed-exitcode");
			expect(planned.exitCode, planned.stderr).toBe(2);
			const { changes } = JSON.parse(planned.stdout) as PlanJson;
			const lines = changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`);
			expect(lines.filter((line) => /^\w+ (?:netns|program) /.test(line))).toEqual(
				expect.arrayContaining(plan),
			);
			expect(lines.filter((line) => /^\w+ (?:netns|program) /.test(line))).toHaveLength(plan.length);
			if (!plan.some((line) => line.includes("netns")))
				expect(changes.filter(({ kind }) => WIRING.includes(kind))).toEqual([]);

			await apply(bench, text);
			expect(normalised(await snapshot(bench.machine))).toEqual(fresh.get(to));
		});

		test.sequential(`then ${to} is as good as new`, async () => {
			await expectNothingToDo(bench, text);
			for (const expectation of expectationsOf(textOf(to)))
				await verify(bench.machine, bench.counters, expectation);
		});
	});

	test.sequential("destroy leaves the machine as it was", () => expectDestroyLeavesNothing(bench));
});

async function freshlyApplied(lesson: string): Promise<Snapshot> {
	const bench = await startBench();
	try {
		await apply(bench, fileOf(lesson));
		return normalised(await snapshot(bench.machine));
	} finally {
		await bench.machine.stop();
	}
}

function fileOf(lesson: string): string {
	return `topologies/${lesson}.yaml`;
}

function textOf(lesson: string): string {
	return readFileSync(fileOf(lesson), "utf8");
}

const FORWARDING = /^ {4}forwarding: .*$/m;

/** The text of one lesson in which only the forwarding is that of another. */
function withForwardingOf(lesson: string, other: string): string {
	const forwarding = FORWARDING.exec(textOf(other))?.[0];
	if (forwarding === undefined) throw new Error(`${other} has no forwarding`);
	return textOf(lesson).replace(FORWARDING, forwarding);
}
