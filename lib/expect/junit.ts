import { CONFORMS, failureLines, flowFailure, remedy } from "./failure.js";
import { describeFlow } from "./flow.js";
import type { CheckReport, VerifyReport } from "./report.js";

/**
 * JUnit XML as CI systems read it: the attributes and elements that the schemas of Jenkins and of
 * Ant's junitreport have in common (https://github.com/testmoapp/junitxml). A case is the traffic of one
 * protocol and family; one more says whether the lab is what its topology says.
 * @param file the topology, where it is known: a CI system leads there
 */
export function junitReport(report: VerifyReport, file?: string): string {
	const { lab, checks, untried, drift } = report;
	const cases = [
		...checks.flatMap(casesOf),
		...untried.map((one): Case => ({ name: one.title, line: one.line, milliseconds: 0, skipped: true })),
		conformity(drift, file),
	];
	const failures = cases.filter(({ failure }) => failure !== undefined).length;
	const counts = { tests: cases.length, failures, errors: 0 };
	const time = seconds(report.milliseconds);
	return [
		'<?xml version="1.0" encoding="UTF-8"?>\n',
		`<testsuites${attributes({ name: "xdp-verify", ...counts, time })}>\n`,
		`  <testsuite${attributes({ name: lab, ...counts, skipped: untried.length, time })}>\n`,
		...cases.map((one) => testcase(lab, one, file)),
		"  </testsuite>\n</testsuites>\n",
	].join("");
}

interface Case {
	name: string;
	/** Absent where no line of the file is about it. */
	line?: number;
	milliseconds: number;
	failure?: { message: string; lines: string[]; type: string };
	skipped?: boolean;
}

function casesOf(check: CheckReport): Case[] {
	const { title, line, causes } = check;
	const failed = (lines: string[]) => ({
		failure: { message: causes[0] ?? lines[0] ?? "", lines, type: "expectation" },
	});
	if (check.flows.length === 0)
		return [{ name: title, line, milliseconds: check.milliseconds, ...failed(failureLines(check)) }];
	return check.flows.map((flow) => {
		const lines = flowFailure(flow, check);
		const { milliseconds } = flow;
		return {
			name: `${title}: ${describeFlow(flow)}`,
			line,
			milliseconds,
			...(lines.length && failed(lines)),
		};
	});
}

function conformity(drift: readonly string[], file: string | undefined): Case {
	const message = `the lab differs from its topology: ${drift[0]}`;
	const failure = { message, lines: [...drift, remedy(file)], type: "difference" };
	return { name: CONFORMS, milliseconds: 0, ...(drift.length > 0 && { failure }) };
}

function testcase(lab: string, { name, line, milliseconds, failure, skipped }: Case, file?: string): string {
	const place = file === undefined ? {} : { file, ...(line !== undefined && { line }) };
	const head = attributes({ classname: lab, name, ...place, time: seconds(milliseconds) });
	if (skipped) return `    <testcase${head}>\n      <skipped/>\n    </testcase>\n`;
	if (!failure) return `    <testcase${head}/>\n`;
	const { message, type, lines } = failure;
	const opening = `<failure${attributes({ message, type })}>`;
	return `    <testcase${head}>\n      ${opening}${escapeXml(lines.join("\n"))}</failure>\n    </testcase>\n`;
}

function attributes(values: Record<string, string | number>): string {
	return Object.entries(values)
		.map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
		.join("");
}

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(3);

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Characters that XML 1.0 has no way to write (section 2.2) become U+FFFD. */
function escapeXml(text: string): string {
	return text
		.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? "")
		.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
}
