import { ApplyError, asError, type RefusedProgram, VerifierError } from "../errors.js";
import { requireXdp } from "../kernel/capabilities.js";
import type { Lab } from "../kernel/lab.js";
import type { LabObject } from "../plan/object.js";
import type { Label } from "../snapshot/label.js";
import type { ProgramSnapshot, Snapshot } from "../snapshot/snapshot.js";
import * as builtin from "./builtin-program.js";
import { forEach, type Kind } from "./kind.js";
import { isLoadOf, loadAhead, load as loadOwn } from "./own-load.js";
import * as own from "./own-program.js";

export type Program = builtin.BuiltinProgram | own.OwnProgram;

/**
 * A program in the kernel with its maps, loaded once for all the interfaces of the lab that run it. It
 * lives while it is attached somewhere or this command holds it, so removing one is letting go of it.
 */
export const program: Kind<Program> = {
	name: "program",
	title: ["program", "programs"],
	declare: (requirements) => [...builtin.declare(requirements), ...own.declare(requirements)],
	ask: (objects) => objects.flatMap(({ name, spec }) => (own.isOwn(spec) ? own.ask(name, spec) : [])),
	bind: (snapshot, lab) => {
		lab.programs.clear();
		for (const [name, { id }] of currentPrograms(snapshot)) {
			const held = lab.held.get(id);
			if (held) lab.programs.set(name, held);
		}
	},
	observe: (snapshot) =>
		Array.from(currentPrograms(snapshot), ([name, { spec }]) => ({
			kind: "program",
			name,
			spec,
			within: [],
			needs: [],
		})),
	equal: isEnough,
	// The maps of a program of the file's own, and with them their entries, outlive it.
	replaces: (from, to) => !own.isOwn(from) || !own.isOwn(to),
	takes: (from, to, other) =>
		own.isOwn(from.spec) && own.isOwn(to.spec) && own.takes(from.spec, to.spec, other),
	outlasts: () => true,
	refuse: (wanted) => {
		if (wanted.length) requireXdp();
		return [];
	},
	prepare: (wanted, _removed, lab) => prepare(wanted, lab),
	create: (objects, lab) => forEach(objects, lab, (object) => load(object, lab)),
	update: (changes, lab) =>
		forEach(
			changes.map(({ object }) => object),
			lab,
			(object) => load(object, lab),
		),
	remove: (objects, lab) => {
		for (const { name } of objects) lab.programs.delete(name);
	},
	describe: ({ name, spec }) => (own.isOwn(spec) ? own.describe(name, spec) : builtin.describe(name, spec)),
	describeChange: (from, to) => {
		if (own.isOwn(to)) return own.isOwn(from) ? own.describeChange(from, to) : "another object";
		return own.isOwn(from) ? "another object" : builtin.describeChange(from, to);
	},
};

/** A program of the lab as it is in the kernel. */
export interface CurrentProgram extends ProgramSnapshot {
	label: Label;
	spec: Program;
	/** It is as the topology wants the one of its name. */
	wanted: boolean;
}

/**
 * The program that stands for each name. One may be loaded twice where an apply was cut short: then
 * the one that is wanted, if it is there.
 */
export function currentPrograms(snapshot: Snapshot): Map<string, CurrentProgram> {
	const current = new Map<string, CurrentProgram>();
	for (const one of [...snapshot.programs.values()].sort((a, b) => a.id - b.id)) {
		const { label } = one;
		if (!label) continue;
		const desired = snapshot.wanted.get(`program ${label.program}`) as LabObject<Program> | undefined;
		const spec = label.own
			? own.specOf(snapshot, label, label.own, desired?.spec, one.types)
			: builtin.specOf(snapshot, label, one.entries);
		const wanted = desired !== undefined && isEnough(desired.spec, spec);
		if (!current.has(label.program) || wanted) current.set(label.program, { ...one, label, spec, wanted });
	}
	return current;
}

function isEnough(desired: Program, actual: Program): boolean {
	if (own.isOwn(desired)) return own.isOwn(actual) && own.isSame(desired, actual);
	return !own.isOwn(actual) && builtin.isEnough(desired, actual);
}

/**
 * Loads the file's own programs ahead. A program is held, and used when its turn comes, if the numbers of
 * interfaces turn out as foreseen.
 */
function prepare(objects: readonly LabObject<Program>[], lab: Lab): void {
	const refused: RefusedProgram[] = [];
	for (const { name, spec, at } of objects) {
		if (!own.isOwn(spec)) continue;
		try {
			const loaded = loadAhead(name, spec, lab);
			if (loaded) lab.hold(loaded);
		} catch (error) {
			if (!(error instanceof VerifierError))
				throw new ApplyError(`program ${name}: ${asError(error).message}`, { cause: error });
			refused.push(...error.refused.map((one) => ({ ...one, ...(at && { at }) })));
		}
	}
	if (refused.length > 0) throw new VerifierError(refused);
}

/** Loads a program, unless the one that is wanted is in the kernel: after a change is undone, or loaded ahead. */
function load({ name, spec }: LabObject<Program>, lab: Lab): void {
	const isIt = (label: Label, maps: ReadonlyMap<string, number>) =>
		own.isOwn(spec) ? isLoadOf(label, spec, lab) : builtin.isLoadOf(label, maps, spec, lab);
	const known = [...lab.held.values()].find(
		({ label, maps }) => label?.lab === lab.name && label.program === name && isIt(label, maps),
	);
	const loaded = known ?? (own.isOwn(spec) ? loadOwn(name, spec, lab) : builtin.load(name, spec, lab));
	lab.programs.set(name, lab.hold(loaded));
}
