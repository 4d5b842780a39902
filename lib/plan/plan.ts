import { isEqual, type KindRules, type LabObject, type Objects } from "./object.js";
import { byDependency } from "./order.js";

/** One step from what is to what is wanted. */
export type Change =
	| { action: "create"; object: LabObject; because?: string }
	| { action: "update" | "replace"; from: LabObject; object: LabObject; because?: string }
	| { action: "remove"; object: LabObject };

export type Action = Change["action"];

export interface Plan {
	/**
	 * Removals, what depends before what it depends on; the rest, the other way round; then the same of what
	 * {@link KindRules.outlasts} the rest and of what is {@link LabObject.late}.
	 */
	readonly changes: readonly Change[];
	/** What the kernel has to be asked to remove first, in order: of removals and of replacements. */
	readonly removals: readonly LabObject[];
	/** What it is asked to remove after all but the late has been made. */
	readonly lateRemovals: readonly LabObject[];
	/** How many objects go along with their container, without a request of their own. */
	readonly folded: number;
}

/** That there is nothing to do. */
export const NOTHING: Plan = { changes: [], removals: [], lateRemovals: [], folded: 0 };

export function isEmpty({ changes }: Plan): boolean {
	return changes.length === 0;
}

/** The rules of a kind by its name. */
export type Rules = (kind: string) => KindRules;

/** What has to be done to turn `actual` into `desired`. Pure; an empty plan has no changes. */
export function diff(desired: Objects, actual: Objects, rules: Rules): Plan {
	if (isSame(desired, actual, rules)) return NOTHING;
	const { steps, gone } = new Comparison(desired, actual, rules);

	const removed: string[] = [];
	let folded = 0;
	for (const id of gone) {
		const object = actual.get(id);
		if (!object) continue;
		const direct = !desired.has(id) || steps.get(id)?.action === "replace";
		const contained = object.within.some((container) => gone.has(container));
		if (direct && (!contained || rules(object.kind).lingers?.(object, gone))) removed.push(id);
		else folded++;
	}
	const changed = [...desired.keys()].filter((id) => steps.has(id));
	const sorted = byDependency(changed, desired).map((id) => steps.get(id) as Change);
	const needsUp = ({ object }: Change) => rules(object.kind).needsUp ?? false;
	const making = [...sorted.filter((change) => !needsUp(change)), ...sorted.filter(needsUp)];
	const canWait = (object: LabObject): boolean =>
		rules(object.kind).outlasts?.(object) === true &&
		// It may be in the way of a change of its container, as a program is of another MTU.
		!object.within.some((id) => steps.has(id)) &&
		[...object.within, ...object.needs].every((id) => {
			const other = gone.has(id) ? actual.get(id) : undefined;
			return other === undefined || canWait(other);
		});
	const going = byDependency(removed, actual)
		.reverse()
		.map((id) => {
			const object = actual.get(id) as LabObject;
			return { object, stays: desired.has(id), waits: !desired.has(id) && canWait(object) };
		});
	const early = going.filter(({ waits }) => !waits);
	const late = going.filter(({ waits }) => waits);
	const remove = ({ object }: { object: LabObject }): Change => ({ action: "remove", object });
	return {
		changes: [
			...early.filter(({ stays }) => !stays).map(remove),
			...making.filter((change) => !isLate(change, rules)),
			...late.map(remove),
			...making.filter((change) => isLate(change, rules)),
		],
		removals: early.map(({ object }) => object),
		lateRemovals: late.map(({ object }) => object),
		folded,
	};
}

/** Whether nothing differs: what most comparisons find, and without asking what depends on what. */
function isSame(desired: Objects, actual: Objects, rules: Rules): boolean {
	if (desired.size !== actual.size) return false;
	for (const [id, { kind, spec }] of desired) {
		const found = actual.get(id);
		if (!found || !isEqual(rules(kind), spec, found.spec)) return false;
	}
	return true;
}

/** Whether a change is made after all else. */
export function isLate(change: Change, rules: Rules): boolean {
	if (change.object.late) return true;
	const { from, object } = change.action === "update" ? change : {};
	return (from && object && rules(object.kind).waits?.(from.spec, object.spec)) ?? false;
}

/** The steps that a comparison calls for, with all that one step draws after it. */
class Comparison {
	/** By id, of wanted objects only. */
	readonly steps = new Map<string, Change>();
	/** Ids of what goes: removed, replaced, or taken along by one that is. */
	readonly gone = new Set<string>();
	readonly #wanted: Objects;
	readonly #present: Objects;
	readonly #contents = new Map<string, string[]>();
	readonly #compared = new Set<string>();
	readonly #rules: Rules;

	constructor(desired: Objects, actual: Objects, rules: Rules) {
		this.#wanted = desired;
		this.#present = actual;
		this.#rules = rules;
		for (const [id, { within }] of actual)
			for (const container of within) {
				const list = this.#contents.get(container);
				if (list) list.push(id);
				else this.#contents.set(container, [id]);
			}
		for (const id of actual.keys()) if (!desired.has(id)) this.#take(id, id);
		for (const id of desired.keys()) this.#compare(id);
	}

	/** Compares an object after what it depends on, which may draw it along. */
	#compare(id: string): void {
		const object = this.#wanted.get(id);
		if (!object || this.#compared.has(id)) return;
		this.#compared.add(id); // here already: two that wait for each other end here
		for (const container of object.within) this.#compare(container);
		for (const need of object.needs) this.#compare(need);
		const from = this.#present.get(id);
		const rules = this.#rules(object.kind);
		if (this.gone.has(id)) return;
		if (!from) {
			this.steps.set(id, { action: "create", object });
			return;
		}
		// What an object was made with may have been made anew under it, as a program's maps.
		const renewed = object.needs.find((need) => this.gone.has(need));
		const equal = isEqual(rules, object.spec, from.spec);
		if (equal && renewed === undefined) return;
		const action = rules.replaces?.(from.spec, object.spec) ? "replace" : "update";
		this.steps.set(id, { action, from, object, ...(equal && renewed !== undefined && { because: renewed }) });
		if (action === "replace") this.#take(id, id);
		else
			for (const inner of this.#contents.get(id) ?? []) {
				const other = this.#present.get(inner);
				if (other && rules.takes?.(from, object, other)) this.#take(inner, id);
			}
	}

	/** Notes that an object goes, with all that it contains; what of it is wanted is made again. */
	#take(id: string, by: string): void {
		if (this.gone.has(id)) return;
		this.gone.add(id);
		const object = this.#wanted.get(id);
		if (object && id !== by) this.steps.set(id, { action: "create", object, because: by });
		for (const inner of this.#contents.get(id) ?? []) this.#take(inner, by);
	}
}
