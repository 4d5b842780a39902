import type { Lab } from "../kernel/lab.js";
import { pinMap, pinProblem, readPin, unpin } from "../kernel/pins.js";
import type { LabObject } from "../plan/object.js";
import { forEach, type Kind } from "./kind.js";
import { currentPrograms } from "./program.js";

export interface Pin {
	path: string;
	program: string;
	/** The map's name, or `#ID` of one that the program does not have any more. */
	map: string;
}

/**
 * A map in the file system of BPF, where others find it. It is made after its program is attached and
 * goes before that: as long as it is there, the program's label says whose it is.
 */
export const pin: Kind<Pin> = {
	name: "pin",
	title: ["pinned map", "pinned maps"],
	declare: ({ own, attachments }) =>
		Array.from(own).flatMap(([program, { pin, maps }]) => {
			const ends = Array.from(attachments).filter(([, attachment]) => attachment.program === program);
			const needs = [`program ${program}`, ...ends.map(([end]) => `xdp ${end}`)];
			return pin === undefined
				? []
				: maps.map(({ name }) => ({ ...make({ path: `${pin}/${name}`, program, map: name }), needs }));
		}),
	ask: (objects) => objects.map(({ spec: { path } }) => ({ pin: path })),
	bind: ({ pins, programs }, lab) => {
		for (const { label } of programs.values())
			for (const folder of label?.own?.pin?.made ?? []) lab.folders.add(folder);
		for (const path of lab.pins.keys()) if (!pins.get(path)?.ours) lab.pins.delete(path);
		// What a label says of a map is as good as what was written down.
		const maps = [...programs.values()].flatMap(({ label }) => Object.values(label?.own?.maps ?? {}));
		const definitions = new Map(maps.map(({ id, definition }) => [id, definition]));
		for (const [path, { map: id, ours }] of pins) {
			const definition = definitions.get(id ?? 0);
			if (ours && id !== undefined && definition !== undefined) lab.pins.set(path, { id, definition });
		}
	},
	observe: (snapshot) => {
		const { pins } = snapshot;
		const names = new Map<number, { program: string; map: string }>();
		for (const [program, { label }] of currentPrograms(snapshot))
			for (const [map, { id }] of Object.entries(label.own?.maps ?? {})) names.set(id, { program, map });
		return Array.from(pins).flatMap(([path, { map, ours }]) =>
			ours && map !== undefined ? [make({ path, program: "", map: `#${map}`, ...names.get(map) })] : [],
		);
	},
	create: set,
	update: (changes, lab) =>
		set(
			changes.map(({ object }) => object),
			lab,
		),
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec: { path } }) => {
			unpin(path);
			lab.pins.delete(path);
		}),
	refuse: (wanted, _removed, lab) =>
		wanted.flatMap(({ spec: { path } }) => {
			const problem = pinProblem(path);
			if (problem !== undefined) return [problem];
			const found = readPin(path);
			if (!found || (found.map !== undefined && lab.pins.get(path)?.id === found.map)) return [];
			const what = found.map === undefined ? "something that is no map" : `map ${found.map}`;
			return [`${path} is held by ${what}, which is not this lab's: choose another folder, or remove it`];
		}),
	describe: ({ spec: { path, program, map } }) => `${path} = ${program} ${map}`,
	describeChange: (from, to) => `${from.map} → ${to.map}${from.map === to.map ? ", made anew" : ""}`,
};

function make(spec: Pin): LabObject<Pin> {
	return { kind: "pin", name: spec.path, spec, within: [], needs: [] };
}

function set(objects: readonly LabObject<Pin>[], lab: Lab): void {
	forEach(objects, lab, ({ spec: { path, program, map } }) => {
		const { maps, label } = lab.program(program);
		const fd = maps.get(map);
		const known = label?.own?.maps[map];
		if (fd === undefined || !known) throw new Error(`program ${program} has no map ${map}`);
		pinMap(fd, path);
		lab.pins.set(path, known);
	});
}
