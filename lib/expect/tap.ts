import { printable } from "../topology/printable.js";
import { failureLines } from "./failure.js";
import type { CheckReport, VerifyReport } from "./report.js";

/** TAP version 14 (https://testanything.org/tap-version-14-specification.html). */
export function tapReport({ checks, drift }: VerifyReport): string {
	const notes = drift.map((line) => `# differs from its topology: ${printable(line)}`);
	const lines = checks.flatMap((check, i) => checkLines(check, i + 1));
	return `${["TAP version 14", `1..${checks.length}`, ...lines, ...notes].join("\n")}\n`;
}

function checkLines(check: CheckReport, number: number): string[] {
	const head = `${check.ok ? "ok" : "not ok"} ${number} - ${escapeTap(check.title)}`;
	const values: [string, string][] = [
		["duration_ms", String(check.milliseconds)],
		["attempts", String(check.attempts)],
		["line", String(check.line)],
	];
	const lines = values.map(([name, value]) => `  ${name}: ${value}`);
	// A JSON string is a YAML one.
	const failure = check.ok ? [] : failureLines(check).map((line) => `    - ${JSON.stringify(line)}`);
	return [head, "  ---", ...lines, ...(failure.length ? ["  failure:", ...failure] : []), "  ..."];
}

/** A hash would begin a directive, such as `# SKIP`. */
function escapeTap(text: string): string {
	return text.replace(/[\\#]/g, "\\$&");
}
