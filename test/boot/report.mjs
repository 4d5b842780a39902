// The outcome of the steps on each kernel: a table, JUnit and the sum.

/**
 * @typedef {object} Step
 * @property {string} test
 * @property {string} name
 * @property {"passed" | "failed" | "not tried"} result
 * @property {number} seconds
 * @property {string} output what a failed step printed
 */

/**
 * @typedef {object} Run
 * @property {string} kernel as asked for: 6.1
 * @property {string} release as `uname -r` prints it; empty if the kernel did not come up
 * @property {number} seconds
 * @property {Step[]} steps
 */

/**
 * A line for each test, with the seconds of its steps.
 * @param {Run[]} runs
 */
export function tableOf(runs) {
	return runs
		.map(({ kernel, release, seconds, steps }) => {
			const tests = groupByTest(steps);
			const width = Math.max(...[...tests.keys()].map((name) => name.length));
			const lines = Array.from(tests, ([name, ofTest]) => {
				const verdict = ofTest.every(isPassed) ? "passed" : "FAILED";
				return `  ${verdict}  ${name.padEnd(width)}  ${ofTest.map(cellOf).join(", ")}\n`;
			});
			return `Linux ${release || kernel}, ${Math.round(seconds)} s in all\n${lines.join("")}`;
		})
		.join("\n");
}

function cellOf({ name, result, seconds }) {
	return result === "passed" ? `${name} ${seconds} s` : `${name} ${result.toUpperCase()}`;
}

function isPassed({ result }) {
	return result === "passed";
}

function groupByTest(steps) {
	const tests = new Map();
	for (const step of steps) tests.set(step.test, [...(tests.get(step.test) ?? []), step]);
	return tests;
}

/**
 * JUnit's XML: a suite for each kernel, a case for each step.
 * @param {Run[]} runs
 */
export function junitOf(runs) {
	const suites = runs.map(({ kernel, release, seconds, steps }) => {
		const failures = steps.filter((step) => !isPassed(step)).length;
		const cases = steps.map(
			(step) =>
				`    <testcase classname="${escaped(`${kernel}.${step.test}`)}" name="${escaped(step.name)}" time="${step.seconds}">${failureOf(step)}</testcase>\n`,
		);
		const attributes = `tests="${steps.length}" failures="${failures}" time="${seconds.toFixed(1)}"`;
		return `  <testsuite name="${escaped(`Linux ${release || kernel}`)}" ${attributes}>\n${cases.join("")}  </testsuite>\n`;
	});
	return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join("")}</testsuites>\n`;
}

function failureOf({ result, output }) {
	return result === "passed" ? "" : `<failure message="${result}">${escaped(output)}</failure>`;
}

/** XML 1.0 has no control characters but white space. */
function escaped(text) {
	const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
	return text
		.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
		.replace(/[&<>"]/g, (character) => entities[character]);
}

/**
 * The sum of all runs. A run without any step has failed.
 * @param {Run[]} runs
 */
export function sumOf(runs) {
	const steps = runs.flatMap(({ steps }) => steps);
	const passed = steps.filter(isPassed).length;
	const empty = runs.filter(({ steps }) => steps.length === 0).length;
	return { passed, failed: steps.length - passed + empty };
}
