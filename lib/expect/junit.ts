import { failureLines } from "./failure.js";
import type { CheckReport, VerifyReport } from "./report.js";

/**
 * JUnit XML as CI systems read it: the attributes and elements that the schemas of Jenkins and of
 * Ant's junitreport have in common (https://github.com/testmoapp/junitxml).
 * @param file the topology, where it is known: a CI system leads there
 */
export function junitReport(report: VerifyReport, file?: string): string {
	const { lab, checks, drift } = report;
	const counts = { tests: checks.length, failures: checks.filter(({ ok }) => !ok).length };
	const time = seconds(report.milliseconds);
	const suite = attributes({ name: lab, ...counts, errors: 0, skipped: 0, time });
	const text = escapeXml(["the lab differs from its topology:", ...drift].join("\n"));
	const differences = drift.length ? [`    <system-out>${text}</system-out>\n`] : [];
	return [
		'<?xml version="1.0" encoding="UTF-8"?>\n',
		`<testsuites${attributes({ name: "xdp-verify", ...counts, errors: 0, time })}>\n`,
		`  <testsuite${suite}>\n`,
		...checks.map((check) => testcase(lab, check, file)),
		...differences,
		"  </testsuite>\n</testsuites>\n",
	].join("");
}

function testcase(lab: string, check: CheckReport, file: string | undefined): string {
	const place = file === undefined ? {} : { file, line: check.line };
	const time = seconds(check.milliseconds);
	const head = attributes({ classname: lab, name: check.title, ...place, time });
	if (check.ok) return `    <testcase${head}/>\n`;
	const lines = failureLines(check);
	const message = attributes({ message: check.causes[0] ?? lines[0] ?? "", type: "expectation" });
	return `    <testcase${head}>\n      <failure${message}>${escapeXml(lines.join("\n"))}</failure>\n    </testcase>\n`;
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
