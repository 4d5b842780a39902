import type { PlanResult } from "./apply.js";
import { kindOf } from "./kinds/registry.js";
import { type PlanDocument, planDocument, planText } from "./plan/render.js";

/** A plan as plain data, for a program. */
export function renderJson({ lab, plan, warnings }: PlanResult): PlanDocument {
	return planDocument(lab, plan, warnings, (kind) => kindOf({ kind }));
}

/** A plan for a person: a line an object, the reason after it, a count at the end. */
export function renderText(result: PlanResult, options: { color?: boolean } = {}): string {
	return planText(renderJson(result), options);
}

export type { PlanDocument };
