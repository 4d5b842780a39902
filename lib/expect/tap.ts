import { printable } from "../topology/printable.js";
import { CONFORMS, failureLines, flowFailure, flowText, remedy } from "./failure.js";
import type { CheckReport, UntriedReport, VerifyReport } from "./report.js";

/**
 * TAP version 14 (https://testanything.org/tap-version-14-specification.html): a test point an expectation,
 * with a subtest of its traffic, and one for the lab being what its topology says.
 * @param file the topology file, where it is known
 */
export function tapReport({ checks, untried, drift }: VerifyReport, file?: string): string {
	const all: (CheckReport | UntriedReport)[] = [...checks, ...untried].toSorted((a, b) => a.line - b.line);
	const points = all.flatMap((one, i) =>
		"flows" in one ? checkLines(one, i + 1, file) : [skipLine(one, i + 1)],
	);
	return `${["TAP version 14", `1..${all.length + 1}`, ...points, ...conformLines(drift, all.length + 1, file)].join("\n")}\n`;
}

function checkLines(check: CheckReport, number: number, file: string | undefined): string[] {
	const failure = check.ok ? [] : failureLines(check);
	return [
		`# Subtest: ${escapeTap(check.title)}`,
		`    1..${check.flows.length}`,
		...check.flows.map((flow, i) => {
			const ok = flowFailure(flow, check).length === 0;
			return `    ${ok ? "ok" : "not ok"} ${i + 1} - ${escapeTap(flowText(flow))}`;
		}),
		`${check.ok ? "ok" : "not ok"} ${number} - ${escapeTap(check.title)}`,
		...yaml(
			{
				duration_ms: check.milliseconds,
				attempts: check.attempts,
				...(file !== undefined && { file: JSON.stringify(file) }),
				line: check.line,
			},
			failure,
		),
	];
}

function skipLine({ title }: UntriedReport, number: number): string {
	return `ok ${number} - ${escapeTap(title)} # SKIP something failed before`;
}

function conformLines(drift: readonly string[], number: number, file: string | undefined): string[] {
	if (drift.length === 0) return [`ok ${number} - ${CONFORMS}`];
	return [`not ok ${number} - ${CONFORMS}`, ...yaml({}, [...drift, remedy(file)])];
}

/** A block of diagnostics. A JSON string is a YAML one. */
function yaml(values: Record<string, string | number>, failure: readonly string[]): string[] {
	const lines = Object.entries(values).map(([name, value]) => `  ${name}: ${value}`);
	const failed = failure.map((line) => `    - ${JSON.stringify(line)}`);
	return ["  ---", ...lines, ...(failed.length ? ["  failure:", ...failed] : []), "  ..."];
}

/** A hash would begin a directive, such as `# SKIP`. */
function escapeTap(text: string): string {
	return printable(text).replace(/[\\#]/g, "\\$&");
}
