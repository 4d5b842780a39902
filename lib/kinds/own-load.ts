/** Loading programs of the file's own. */
import { closeSync, readFileSync } from "node:fs";
import { fill } from "../btf/encoded.js";
import { readBpfObject } from "../btf/object.js";
import { mapInfo } from "../kernel/bpf.js";
import type { Lab } from "../kernel/lab.js";
import { createLabel } from "../kernel/label.js";
import { closeLoaded, type LoadedProgram, loadProgram } from "../kernel/load.js";
import { openPinned } from "../kernel/pins.js";
import { deepEqual } from "../plan/object.js";
import { mapType, PROG_ARRAY } from "../programs/maps.js";
import type { Label } from "../snapshot/label.js";
import type { EndName } from "../topology/topology.js";
import type { OwnProgram } from "./own-program.js";
import { hash, type IfindexOf, settingsOf } from "./own-setting.js";
import { portsInUse } from "./ports.js";

/** Whether a program that is in the kernel already is what is wanted. */
export function isLoadOf(label: Label, spec: OwnProgram, lab: Lab): boolean {
	if (!label.own || label.source !== spec.function || label.digest !== spec.digest) return false;
	const maps = Object.fromEntries(
		Object.entries(label.own.maps).map(([name, { definition }]) => [name, definition]),
	);
	if (label.own.pin?.path !== spec.pin || !deepEqual(maps, spec.maps)) return false;
	if (spec.ports > 0 && label.firstIfindex !== lab.ends.firstIfindex) return false;
	if (spec.ports > 0 && label.ports < portsInUse(spec.ports, lab)) return false;
	return deepEqual(
		label.globals,
		settingsOf(spec, (end) => lab.ends.find(end)),
	);
}

/**
 * Loads a program in place of the one that the lab has under this name, whose maps it takes over where they
 * are the same.
 */
export function load(name: string, spec: OwnProgram, lab: Lab): LoadedProgram {
	const { opened, kept, room } = openMaps(name, spec, lab);
	try {
		return loadWith(name, spec, lab, { kept, room, ifindexOf: (end) => lab.ends.ifindex(end) });
	} finally {
		closeMaps(opened);
	}
}

/**
 * Loads a program before anything is touched: with the ifindexes that the lab's interfaces will have.
 * @returns undefined where it must be loaded again, since it has a copy of a map that it cannot share yet
 */
export function loadAhead(name: string, spec: OwnProgram, lab: Lab): LoadedProgram | undefined {
	const { opened, kept, room } = openMaps(name, spec, lab);
	try {
		// libbpf writes the slots of a prog_array that it is given: those of the program that runs.
		const shared = new Map([...kept].filter(([, fd]) => mapInfo(fd).type !== PROG_ARRAY));
		const ifindexOf = (end: EndName) => lab.ends.future(end);
		const loaded = loadWith(name, spec, lab, { kept: shared, room, ifindexOf });
		if (shared.size === kept.size) return loaded;
		closeLoaded(loaded);
		return undefined;
	} finally {
		closeMaps(opened);
	}
}

interface Maps {
	/** Pinned maps that were opened, to be closed. */
	opened: ReadonlyMap<string, number>;
	/** Maps to take over. */
	kept: ReadonlyMap<string, number>;
	/** max_entries, where it is not what the object says. */
	room: ReadonlyMap<string, number>;
}

function openMaps(name: string, spec: OwnProgram, lab: Lab): Maps {
	const ports = spec.ports && portsInUse(spec.ports, lab);
	const { room = {}, byIfindex = [] } = spec.object ?? {};
	const rooms = new Map([
		...Object.entries(room),
		...byIfindex.map((map): [string, number] => [map, lab.ends.firstIfindex + ports]),
	]);
	const opened = openPinnedMaps(spec, lab);
	return { opened, kept: keptMaps(spec, lab.programs.get(name), opened, rooms), room: rooms };
}

function closeMaps(maps: ReadonlyMap<string, number>): void {
	for (const fd of maps.values()) closeSync(fd);
}

function loadWith(
	name: string,
	spec: OwnProgram,
	lab: Lab,
	{ kept, room, ifindexOf }: Omit<Maps, "opened"> & { ifindexOf: IfindexOf },
): LoadedProgram {
	const { object } = spec;
	if (!object) throw new Error(`program ${name} is gone, and its object is not known`);
	const elf = readObject(object.path, spec.digest);
	return loadProgram(name, elf, {
		program: spec.function,
		functions: object.functions,
		globals: new Map(
			Object.entries(spec.globals).map(([global, value]) => [global, fill(value, ifindexOf) as Buffer]),
		),
		maxEntries: room,
		maps: withoutStale(kept, elf),
		label: (ids, source) =>
			createLabel({
				lab: lab.name,
				program: name,
				source,
				digest: spec.digest,
				globals: settingsOf(spec, ifindexOf),
				firstIfindex: lab.ends.firstIfindex,
				ports: spec.ports && portsInUse(spec.ports, lab),
				own: {
					maps: Object.fromEntries(
						Object.entries(spec.maps).flatMap(([map, definition]) => {
							const id = ids.get(map);
							return id === undefined ? [] : [[map, { id, definition }]];
						}),
					),
					...(spec.pin !== undefined && { pin: { path: spec.pin, made: [...lab.folders] } }),
				},
			}),
	});
}

/** A descriptor of a function that works on the maps of a program. @param path of the object of both */
export function loadFunction(name: string, path: string, program: LoadedProgram): number {
	const known = program.functions.get(name);
	if (known !== undefined) return known;
	const { label } = program;
	if (!label) throw new Error(`the program that calls ${name} has no label`);
	const { fd, maps } = loadProgram(label.program, readObject(path, label.digest), {
		program: name,
		globals: new Map(),
		sharing: program,
		label: (_, source) => createLabel({ ...label, source }),
	});
	for (const one of maps.values()) closeSync(one);
	program.functions.set(name, fd);
	return fd;
}

function readObject(path: string, digest: string): Buffer {
	const elf = readFileSync(path);
	if (hash(elf) !== digest) throw new Error(`${path} has changed meanwhile: apply again`);
	return elf;
}

/** What is pinned where this program's maps are to be, and is the same: it outlives a program that was taken off. */
function openPinnedMaps({ pin, maps }: OwnProgram, lab: Lab): Map<string, number> {
	const found = Object.entries(maps).flatMap(([map, definition]): [string, number][] => {
		const path = `${pin}/${map}`;
		const fd = lab.pins.get(path)?.definition === definition ? openPinned(lab, path) : undefined;
		return fd === undefined ? [] : [[map, fd]];
	});
	return new Map(found);
}

/** The maps of the program before, or those that are pinned, that this one can take over. */
function keptMaps(
	spec: OwnProgram,
	before: LoadedProgram | undefined,
	pinned: ReadonlyMap<string, number>,
	room: ReadonlyMap<string, number>,
): Map<string, number> {
	const known = before?.label?.own?.maps ?? {};
	const kept = Object.entries(spec.maps).flatMap(([map, definition]): [string, number][] => {
		const fd = known[map]?.definition === definition ? before?.maps.get(map) : pinned.get(map);
		return fd === undefined || mapInfo(fd).maxEntries < (room.get(map) ?? 0) ? [] : [[map, fd]];
	});
	return new Map(kept);
}

/** A map of maps that is kept keeps its slots, so all that is in them in C has to be kept too. */
function withoutStale(kept: ReadonlyMap<string, number>, elf: Buffer): Map<string, number> {
	const stale = readBpfObject(elf).maps.filter(
		({ type, slots }) => mapType(type).holds === "map" && slots.some(({ name }) => !kept.has(name)),
	);
	return new Map([...kept].filter(([name]) => !stale.some((map) => map.name === name)));
}
