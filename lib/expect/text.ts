import { printable } from "../topology/printable.js";
import { countText, duration, failureLines, flowText, remedy, summary } from "./failure.js";
import type { CheckReport, VerifyReport } from "./report.js";

export interface TextOptions {
	color?: boolean;
	/** Also what was seen of checks that passed. */
	verbose?: boolean;
}

/** One check for a person, its lines ended. @param number from 1 */
export function checkText(check: CheckReport, number: number, options: TextOptions = {}): string {
	const paint = (code: number, text: string) => (options.color ? `\x1b[${code}m${text}\x1b[0m` : text);
	const head = check.ok ? paint(32, "ok") : paint(31, "not ok");
	const tries = check.attempts > 1 ? `, ${check.attempts} attempts` : "";
	const time = paint(2, `(${duration(check.milliseconds)}${tries})`);
	const more = check.ok && options.verbose ? seen(check) : check.ok ? [] : failureLines(check);
	return [
		`${head} ${number} - ${check.title} ${time}`,
		...more.map((line) => `    ${printable(line)}`),
		"",
	].join("\n");
}

function seen({ flows, actions }: CheckReport): string[] {
	return [
		...flows.map(flowText),
		...actions.flatMap(({ end, action, of, counts }) =>
			counts ? `${end} counted ${countText(counts, action)} of ${of}` : [],
		),
	];
}

/** Differences that are listed; of a lab that is mostly gone, the rest says no more. */
const LISTED = 20;

/** What follows after the last check. @param file the topology file, where it is known */
export function endText(report: VerifyReport, file?: string): string {
	const { drift, ok } = report;
	const listed = drift.slice(0, LISTED).map((line) => `    ${printable(line)}`);
	if (drift.length > LISTED) listed.push(`    … and ${drift.length - LISTED} more`);
	const differs = ["the lab differs from its topology:", ...listed, printable(remedy(file))];
	const same = ok ? [] : ["the plan finds no difference to the topology"];
	const end = `${summary(report)} (${duration(report.milliseconds)})`;
	return [...(drift.length ? differs : same), end, ""].join("\n");
}
