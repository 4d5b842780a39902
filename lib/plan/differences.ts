import { printable } from "../topology/printable.js";
import type { Action } from "./plan.js";
import { type ChangeDocument, MADE_AGAIN, type PlanDocument, shownChanges } from "./render.js";

/** A difference between a lab and its topology, in the words of somebody who looks at the lab. */
const WORDS: Record<Action, Difference> = {
	create: "missing",
	update: "changed",
	replace: "changed",
	remove: "not in the topology",
};

type Difference = "missing" | "changed" | "not in the topology" | typeof AGAIN;

/** An object that is there, and goes and comes back with the repair of another. */
const AGAIN = "made again by the repair";

/** In the order in which they are shown, with the colour of each: ECMA-48 SGR. */
const ORDER: readonly (readonly [Difference, number])[] = [
	["missing", 31],
	["changed", 33],
	["not in the topology", 35],
	[AGAIN, 2],
];

export interface DifferencesOptions {
	color?: boolean;
	/** Also why each object is part of the lab. */
	verbose?: boolean;
}

/** Lines about what differs, one an object under the word for it: missing, changed, not in the topology. */
export function differenceLines(document: PlanDocument, options: DifferencesOptions = {}): string[] {
	const changes = shownChanges(document);
	return ORDER.flatMap(([word, code]) => {
		const of = changes.filter((change) => wordOf(change) === word);
		if (of.length === 0) return [];
		const title = options.color ? `\x1b[${code}m${word}\x1b[0m` : word;
		return [`  ${title}:`, ...of.map((change) => `    ${describe(change, options.verbose ?? false)}`)];
	});
}

function wordOf({ action, reason }: ChangeDocument): Difference {
	return reason?.startsWith(MADE_AGAIN) ? AGAIN : WORDS[action];
}

function describe({ kind, text, reason }: ChangeDocument, verbose: boolean): string {
	return printable(`${kind} ${text}${verbose && reason !== undefined ? `  # ${reason}` : ""}`);
}
