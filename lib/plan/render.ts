import { printable } from "../topology/printable.js";
import { idOf, isEqual, type KindRules } from "./object.js";
import { type Action, type Change, NOTHING, type Plan } from "./plan.js";

/** A plan as a document: what `--json` prints, and what the text is made from. */
export interface PlanDocument {
	lab: string;
	changes: ChangeDocument[];
	/** How many of each action, parts of others among them. */
	counts: Record<Action, number>;
	/** Objects that go along with what is removed, without a line of their own. */
	folded: number;
	/** What will not work although it is legal. */
	warnings: string[];
}

export interface ChangeDocument {
	action: Action;
	kind: string;
	/** Names the object among those of its kind. */
	name: string;
	/** For a person: the object, or what changes in it. */
	text: string;
	/** Why, where it follows from something else. */
	reason?: string;
	/** The id of the object of another change whose line stands for this one too. */
	partOf?: string;
}

/** @param rules the rules of a kind by its name */
export function planDocument(
	lab: string,
	plan: Plan,
	warnings: string[],
	rules: (kind: string) => KindRules,
): PlanDocument {
	const counts: PlanDocument["counts"] = { create: 0, update: 0, replace: 0, remove: 0 };
	const isPart = partsOf(plan);
	const changes = plan.changes.map((change) => {
		counts[change.action]++;
		const { partOf } = change.object;
		return {
			...changeDocument(change, rules(change.object.kind)),
			...(partOf !== undefined && isPart(change) && { partOf }),
		};
	});
	return { lab, changes, counts, folded: plan.folded, warnings };
}

/** Whether the line of another change stands for a change as well. */
function partsOf({ changes }: Plan): (change: Change) => boolean {
	const done = new Set(changes.map(({ action, object }) => `${action} ${idOf(object)}`));
	return ({ action, object: { partOf } }) => partOf !== undefined && done.has(`${action} ${partOf}`);
}

/** That there is nothing to do. */
export function emptyDocument(lab: string, warnings: string[]): PlanDocument {
	return planDocument(lab, NOTHING, warnings, (kind) => {
		throw new Error(`no change is of kind ${kind}`);
	});
}

function changeDocument(change: Change, kind: KindRules): ChangeDocument {
	const { action, object } = change;
	const reason = reasonOf(change);
	return {
		action,
		kind: object.kind,
		name: object.name,
		text: what(change, kind),
		...(reason !== undefined && { reason }),
	};
}

/** A change in one line: `veth host:uno uno:veth0: host:uno mtu 1400 → 1500`. */
export function changeText(change: Change, kind: KindRules): string {
	return `${change.object.kind} ${what(change, kind)}`;
}

function what(change: Change, kind: KindRules): string {
	const { object } = change;
	if (!("from" in change) || isEqual(kind, object.spec, change.from.spec)) return kind.describe(object);
	const difference = kind.describeChange?.(change.from.spec, object.spec);
	if (difference === undefined) return kind.describe(object);
	return `${kind.displayName?.(object) ?? object.name}: ${difference}`;
}

/** How the reason begins of what is there, and goes and comes along with something else. */
export const MADE_AGAIN = "made again after";

function reasonOf(change: Change): string | undefined {
	if ("because" in change && change.because !== undefined) return `${MADE_AGAIN} ${change.because}`;
	return change.action === "remove" ? undefined : change.object.reason;
}

const SIGNS: Record<Action, string> = { create: "+", update: "~", replace: "-/+", remove: "-" };

/** A change as a line of the plan, without its reason: `+ xdp uno:veth0 pass`. */
export function changeLine({ action, kind, text }: ChangeDocument): string {
	return `${SIGNS[action]} ${kind} ${text}`;
}

/** The changes that have a line of their own, which parts of others have not. */
export function shownChanges({ changes }: Pick<PlanDocument, "changes">): ChangeDocument[] {
	return changes.filter(({ partOf }) => partOf === undefined);
}

/** A line an object, the reason after it, a count at the end. */
export function planText(document: PlanDocument, options: { color?: boolean } = {}): string {
	const shown = shownChanges(document);
	const paint = (code: number, text: string) => (options.color ? `\x1b[${code}m${text}\x1b[0m` : text);
	const colors: Record<Action, number> = { create: 32, update: 33, replace: 35, remove: 31 };
	const heads = shown.map(({ kind, text }) => printable(`${kind} ${text}`));
	const width = Math.min(56, Math.max(0, ...heads.map((head) => head.length)));
	const lines = shown.map(({ action, reason }, i) => {
		const sign = paint(colors[action], SIGNS[action].padStart(3));
		const head = heads[i] ?? "";
		return reason === undefined
			? `${sign} ${head}`
			: `${sign} ${head.padEnd(width)}  ${paint(2, `# ${printable(reason)}`)}`;
	});
	return `${[...lines, ...(lines.length ? [""] : []), summary(document)].join("\n")}\n`;
}

/** `three-routers: 12 to create, 1 to change`, or that there is nothing to do. */
function summary(document: PlanDocument): string {
	const { lab, changes, folded } = document;
	if (changes.length === 0) return `${lab}: nothing to do`;
	const shown = shownChanges(document);
	const counts = (action: Action) => shown.filter((change) => change.action === action).length;
	const verbs: [Action, string][] = [
		["create", "create"],
		["update", "change"],
		["replace", "replace"],
		["remove", "remove"],
	];
	const parts = verbs.flatMap(([action, verb]) => (counts(action) ? [`${counts(action)} to ${verb}`] : []));
	const more = [
		...(shown.length < changes.length ? [`${changes.length - shown.length} more within these lines`] : []),
		...(folded ? [`${folded} more go with what contains them`] : []),
	];
	return `${lab}: ${parts.join(", ")}${more.length ? ` (${more.join(", ")})` : ""}`;
}
