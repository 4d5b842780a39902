import { UsageError } from "../errors.js";
import { HOST } from "../topology/topology.js";
import { Lab, labOfMark } from "./lab.js";
import { listNames } from "./netns.js";
import { ownerOf } from "./observe.js";
import { listStates, readState } from "./state.js";

/** The labs that are up, by name: those whose marks are in the kernel, and those of this boot's states. */
export function listLabs(): string[] {
	const labs = new Set(listStates().filter((lab) => readState(lab) !== undefined));
	for (const { lab } of listNamespaces()) labs.add(lab);
	const lab = new Lab("");
	try {
		for (const { alias } of lab.links(HOST)) {
			const owner = labOfMark(alias);
			if (owner !== undefined) labs.add(owner);
		}
	} finally {
		lab.closeAll();
	}
	return [...labs].sort();
}

const HOW = "`xdp-apply FILE` brings one up";

/** That a lab is not up, with those that are. */
export function notUp(name: string, labs: readonly string[]): UsageError {
	if (labs.length === 0) return new UsageError(`no lab ${name} is up: ${HOW}`);
	return new UsageError(`no lab ${name} is up; labs that are up: ${labs.join(", ")}`);
}

/**
 * Of the labs that are up the only one, for who names none.
 * @param advice for who has several
 * @throws UsageError where there is not just one
 */
export function onlyLab(labs: readonly string[], advice = "name one"): string {
	const [lab, ...more] = labs;
	if (lab === undefined) throw new UsageError(`no lab is up: ${HOW}`);
	if (more.length) throw new UsageError(`several labs are up: ${labs.join(", ")}; ${advice}`);
	return lab;
}

/** The namespaces that labs have made, by name. */
export function listNamespaces(): { name: string; lab: string }[] {
	const lab = new Lab("");
	try {
		return listNames()
			.sort()
			.flatMap((name) => {
				const owner = ownerOf(lab, name);
				return owner === undefined ? [] : [{ name, lab: owner }];
			});
	} finally {
		lab.closeAll();
	}
}
