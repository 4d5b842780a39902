/** Programs of the file's own: what the kind `program` knows of them. */
import { createHash } from "node:crypto";
import { closeSync, readFileSync } from "node:fs";
import { type Encoded, endsOf, fill } from "../btf/encoded.js";
import { readBpfObject } from "../btf/object.js";
import type { Requirements } from "../declare/requirements.js";
import { mapInfo } from "../kernel/bpf.js";
import type { Lab } from "../kernel/lab.js";
import { createLabel } from "../kernel/label.js";
import { closeLoaded, type LoadedProgram, loadProgram } from "../kernel/load.js";
import { openPinned } from "../kernel/pins.js";
import { deepEqual, type LabObject } from "../plan/object.js";
import { mapType, PROG_ARRAY } from "../programs/maps.js";
import type { Label, OwnLabel } from "../snapshot/label.js";
import type { Query, Snapshot } from "../snapshot/snapshot.js";
import type { Program as Declared, EndName, ProgramMap } from "../topology/topology.js";
import { holdsAll, portsFor, portsInUse } from "./ports.js";
import { pairOf } from "./veth.js";

export interface OwnProgram {
	/** Its C function. */
	function: string;
	/** Of the object's content. */
	digest: string;
	/** What global variables are set to before it is loaded. */
	globals: Record<string, Encoded>;
	/** A hash of what its maps are, by name: one that stays the same keeps its content under a changed program. */
	maps: Record<string, string>;
	/** The folder in which they are pinned. */
	pin?: string;
	/** At least as many ports the maps must have whose keys are ifindexes; 0 where there are none. */
	ports: number;
	/** Where it comes from; absent of a program that is in the kernel. */
	object?: {
		path: string;
		/** What the file calls it. */
		origin: string;
		/** It was compiled from a source. */
		compiled: boolean;
		/** Functions that its prog_arrays get. */
		functions: string[];
		/** Maps that may hold no other entries. */
		exact: string[];
		/** max_entries of maps that are given another room than the object says. */
		room: Record<string, number>;
		/** Maps that are given room for all ifindexes of the lab. */
		byIfindex: string[];
	};
}

export function isOwn(spec: object): spec is OwnProgram {
	return "function" in spec;
}

export function declare({ own, ends, pairs }: Requirements): LabObject<OwnProgram>[] {
	return Array.from(own, ([name, program]) => {
		const byIfindex = program.maps.filter((map) => map.byIfindex).map((map) => map.name);
		const reason = `${byIfindex.join(", ")} made larger: the keys are ifindexes`;
		return {
			kind: "program",
			name,
			spec: specOfDeclared(program, byIfindex, ends.size),
			at: program.at,
			within: [],
			needs: [...new Set(program.globals.flatMap(({ value }) => endsOf(value)))].map((end) =>
				pairOf(pairs, end),
			),
			...(byIfindex.length > 0 && { reason }),
		};
	});
}

function specOfDeclared(program: Declared, byIfindex: string[], ends: number): OwnProgram {
	const { path, origin, compiled, digest, maps, globals, entries, pin } = program;
	return {
		function: program.function,
		digest,
		globals: Object.fromEntries(globals.map(({ name, value }) => [name, value])),
		maps: Object.fromEntries(maps.map((map) => [map.name, identityOf(map, program)])),
		ports: byIfindex.length > 0 ? portsFor(ends) : 0,
		...(pin !== undefined && { pin }),
		object: {
			path,
			origin,
			compiled,
			functions: [
				...new Set(
					entries.flatMap(({ target }) => (target && "function" in target ? [target.function] : [])),
				),
			],
			exact: maps.filter(({ exact }) => exact).map(({ name }) => name),
			room: Object.fromEntries(
				maps.flatMap(({ name, maxEntries }) => (maxEntries ? [[name, maxEntries]] : [])),
			),
			byIfindex,
		},
	};
}

/**
 * What must be the same for a map to be kept. The kernel ties a map that runs programs to those that take, or do
 * not take, frames in several buffers (bpf_prog_map_compatible()). A prog_array is never shared by two versions
 * of a program: the calls of the version that still runs would change.
 */
function identityOf({ type, definition }: ProgramMap, { frags, digest, globals }: Declared): string {
	const more = [
		...(mapType(type).redirects ? [frags] : []),
		...(type === PROG_ARRAY ? [frags, digest, globals] : []),
	];
	return hash(Buffer.from(JSON.stringify([definition, ...more])));
}

/** The maps that may hold nothing but what the file says are read whole. */
export function ask(program: string, { object }: OwnProgram): Query[] {
	return (object?.exact ?? []).map((map) => ({ program, map, all: true }));
}

/** A label says what a variable was set to; where that is what is wanted, in the words of the file. */
export function specOf(
	snapshot: Snapshot,
	label: Label,
	own: OwnLabel,
	desired: object | undefined,
): OwnProgram {
	const wanted = desired && isOwn(desired) ? desired.globals : {};
	const indexOf = (end: EndName) => snapshot.ends.get(end)?.link.index;
	return {
		function: label.source,
		digest: label.digest,
		globals: Object.fromEntries(
			Object.entries(label.globals).map(([name, setting]): [string, Encoded] => {
				const value = wanted[name];
				return [name, value && settingOf(value, indexOf) === setting ? value : { hex: String(setting) }];
			}),
		),
		maps: Object.fromEntries(Object.entries(own.maps).map(([name, { definition }]) => [name, definition])),
		ports: holdsAll(snapshot, label) ? label.ports : 0,
		...(own.pin && { pin: own.pin.path }),
	};
}

/** A value as a label has it: the bytes, or a hash where they are many. Undefined where an end is missing. */
function settingOf(value: Encoded, ifindexOf: IfindexOf): string | undefined {
	const LONG = 32;
	const bytes = fill(value, ifindexOf);
	return bytes && (bytes.length > LONG ? hash(bytes) : bytes.toString("hex"));
}

export function isSame(desired: OwnProgram, actual: OwnProgram): boolean {
	return (
		desired.function === actual.function &&
		desired.digest === actual.digest &&
		deepEqual(desired.globals, actual.globals) &&
		deepEqual(desired.maps, actual.maps) &&
		actual.ports >= desired.ports &&
		desired.pin === actual.pin
	);
}

/** A map that is made anew has none of the entries that were in the one before. */
export function takes(from: OwnProgram, to: OwnProgram, { kind, spec }: LabObject): boolean {
	const { map, target } = spec as { map?: string; target?: { map?: string } };
	const maps = [map, target?.map].filter((one) => one !== undefined);
	return kind === "entry" && maps.some((one) => !survives(one, from.maps, to.maps));
}

function survives(map: string, from: OwnProgram["maps"], to: OwnProgram["maps"]): boolean {
	return from[map] !== undefined && from[map] === to[map];
}

export function describe(name: string, { function: entry, object }: OwnProgram): string {
	return object ? `${name} (${entry} of ${object.origin})` : `${name} (${entry})`;
}

export function describeChange(from: OwnProgram, to: OwnProgram): string {
	const names = Object.keys({ ...from.globals, ...to.globals });
	const globals = names.filter((name) => !deepEqual(from.globals[name], to.globals[name]));
	const what = [
		...(from.digest === to.digest ? [] : [to.object?.compiled ? "another source" : "another object"]),
		...(from.function === to.function ? [] : [`${from.function} → ${to.function}`]),
		...(globals.length ? [`another ${globals.join(", ")}`] : []),
		...(from.pin === to.pin ? [] : [to.pin === undefined ? "not pinned" : `pinned in ${to.pin}`]),
	];
	if (what.length === 0) what.push("another size of maps");
	const lost = Object.keys(from.maps).filter((map) => !survives(map, from.maps, to.maps));
	const rest = lost.length === 0 ? "maps kept" : `maps kept but for ${lost.join(", ")}`;
	return `${what.join(", ")}: loaded anew, ${rest}`;
}

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

type IfindexOf = (end: EndName) => number | undefined;

function settingsOf({ globals }: OwnProgram, ifindexOf: IfindexOf): Record<string, string> {
	return Object.fromEntries(
		Object.entries(globals).map(([name, value]) => [name, settingOf(value, ifindexOf) ?? ""]),
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

function hash(content: Buffer): string {
	return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
