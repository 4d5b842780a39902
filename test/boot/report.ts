/** One command of a test, or one look at what it left. */
export interface Step {
	test: string;
	name: string;
	result: "passed" | "failed" | "not tried";
	seconds: number;
	/** What a failed step printed. */
	output: string;
}

/** The outcome of the steps on one kernel. */
export interface Run {
	/** As asked for: 6.1. */
	kernel: string;
	/** As `uname -r` prints it; empty if the kernel did not come up. */
	release: string;
	/** For booting and all steps. */
	seconds: number;
	steps: Step[];
}

/** A table with a line for each test and the seconds of its steps. */
export function tableOf(runs: readonly Run[]): string {
	return runs
		.map((run) => {
			const tests = groupByTest(run.steps);
			const width = Math.max(0, ...[...tests.keys()].map((name) => name.length));
			const lines = Array.from(tests, ([name, steps]) => {
				const verdict = steps.every(isPassed) ? "passed" : "FAILED";
				return `  ${verdict}  ${name.padEnd(width)}  ${steps.map(cellOf).join(", ")}\n`;
			});
			return `${titleOf(run)}, ${Math.round(run.seconds)} s in all\n${lines.join("")}`;
		})
		.join("\n");
}

/** A line of progress, and what a failed step printed below it. */
export function lineOf({ test, name, result, seconds, output }: Step): string {
	const time = result === "not tried" ? "" : `, ${seconds} s`;
	return `${verdictOf(result).padEnd(9)} ${test}: ${name}${time}${output && `\n${output.trimEnd()}`}`;
}

/** Results in the format of JUnit: a suite for each kernel, a case for each step. */
export function junitOf(runs: readonly Run[]): string {
	const suites = runs.map((run) => {
		const { kernel, seconds, steps } = run;
		const failures = steps.filter((step) => !isPassed(step)).length;
		const counts = `tests="${steps.length}" failures="${failures}" time="${seconds.toFixed(1)}"`;
		const cases = steps.map((step) => {
			const name = `classname="${escaped(`${kernel}.${step.test}`)}" name="${escaped(step.name)}"`;
			return `    <testcase ${name} time="${step.seconds}">${failureOf(step)}</testcase>\n`;
		});
		return `  <testsuite name="${escaped(titleOf(run))}" ${counts}>\n${cases.join("")}  </testsuite>\n`;
	});
	return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join("")}</testsuites>\n`;
}

/** Numbers of steps. A step that was not tried has failed, and so has a run without steps. */
export function sumOf(runs: readonly Run[]): { passed: number; failed: number } {
	const steps = runs.flatMap((run) => run.steps);
	const passed = steps.filter(isPassed).length;
	const empty = runs.filter((run) => run.steps.length === 0).length;
	return { passed, failed: steps.length - passed + empty };
}

function titleOf({ kernel, release }: Run): string {
	return `Linux ${release || kernel}`;
}

function isPassed({ result }: Step): boolean {
	return result === "passed";
}

function verdictOf(result: Step["result"]): string {
	return result === "passed" ? result : result.toUpperCase();
}

function cellOf({ name, result, seconds }: Step): string {
	return result === "passed" ? `${name} ${seconds} s` : `${name} ${verdictOf(result)}`;
}

function groupByTest(steps: readonly Step[]): Map<string, Step[]> {
	const tests = new Map<string, Step[]>();
	for (const step of steps) tests.set(step.test, [...(tests.get(step.test) ?? []), step]);
	return tests;
}

function failureOf({ result, output }: Step): string {
	return result === "passed" ? "" : `<failure message="${result}">${escaped(output)}</failure>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** XML 1.0 has no control characters but white space. */
function escaped(text: string): string {
	return text
		.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
		.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? "");
}
