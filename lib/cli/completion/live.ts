import { titleOf } from "../../expect/flow.js";
import { listLabs, listNamespaces } from "../../kernel/labs.js";
import { readState } from "../../kernel/state.js";
import { HOST } from "../../topology/topology.js";
import type { Live, Value } from "./candidates.js";

/** What is up, as far as this user may see it: only root may enter namespaces and read states. */
export const live: Live = {
	labs: () => quietly(() => listLabs().map((value) => ({ value, description: "lab" }))),
	namespaces: () =>
		quietly(() => [
			{ value: HOST, description: "this namespace" },
			...listNamespaces().map(({ name, lab }) => ({ value: name, description: `namespace of ${lab}` })),
		]),
	// As applied: to look at the links of every namespace takes longer than a person waits for a key.
	ends: () =>
		quietly(() =>
			listLabs().flatMap((lab) =>
				(readState(lab)?.topology.veths ?? []).flatMap(({ ends }) =>
					ends.map(({ name }) => ({ value: name, description: `interface of ${lab}` })),
				),
			),
		),
	expectations: () =>
		quietly(() =>
			listLabs().flatMap((lab) =>
				(readState(lab)?.topology.expect ?? []).map((one) => ({
					value: titleOf(one),
					description: `expectation of ${lab}`,
				})),
			),
		),
};

/** Nobody who presses a key wants to read an error. */
function quietly(list: () => Value[]): Value[] {
	try {
		return list();
	} catch {
		return [];
	}
}
