import type { KindRules, LabObject } from "../../../lib/plan/object.js";
import { byId, idOf } from "../../../lib/plan/object.js";
import { type Change, diff, type Plan, type Rules } from "../../../lib/plan/plan.js";

/** An object by its id, `address uno:veth0`; what is left out is empty. */
export function object(id: string, parts: Partial<Omit<LabObject, "kind" | "name">> = {}): LabObject {
	const space = id.indexOf(" ");
	return { kind: id.slice(0, space), name: id.slice(space + 1), spec: {}, within: [], needs: [], ...parts };
}

/** Kinds of a test: what is not named has no rules but a description. */
export function rulesOf(kinds: Record<string, Partial<KindRules>> = {}): Rules {
	return (kind) => ({ describe: ({ name }) => name, ...kinds[kind] });
}

const SIGNS = { create: "+", update: "~", replace: "-/+", remove: "-" } as const;

/** A change in a line: `+ address uno:veth0 (after veth a b)`. */
function line(change: Change): string {
	const because = "because" in change && change.because ? ` (after ${change.because})` : "";
	return `${SIGNS[change.action]} ${idOf(change.object)}${because}`;
}

/** A plan as a test reads it: its changes, and what is removed first, by id. */
export interface Lines {
	changes: string[];
	removals: string[];
	folded: number;
}

export function linesOf({ changes, removals, folded }: Plan): Lines {
	return { changes: changes.map(line), removals: removals.map(idOf), folded };
}

export function planOf(
	desired: LabObject[],
	actual: LabObject[],
	kinds?: Record<string, Partial<KindRules>>,
): Lines {
	return linesOf(diff(byId(desired), byId(actual), rulesOf(kinds)));
}
