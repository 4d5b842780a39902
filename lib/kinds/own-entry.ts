/** Entries of the maps of a file's own programs: what the kind `entry` knows of them. */
import { closeSync } from "node:fs";
import { type Encoded, endsOf, fill } from "../btf/encoded.js";
import type { Requirements } from "../declare/requirements.js";
import { SyscallError, UnsupportedError } from "../errors.js";
import { mapInfo, openMap, openProgram, possibleCpus, putValue, remove, u32Key } from "../kernel/bpf.js";
import type { Lab } from "../kernel/lab.js";
import type { LoadedProgram } from "../kernel/load.js";
import { deepEqual, type LabObject } from "../plan/object.js";
import { mapType } from "../programs/maps.js";
import type { Label } from "../snapshot/label.js";
import type { EntryQuery, EntrySnapshot, Snapshot } from "../snapshot/snapshot.js";
import type { MapTypes } from "../snapshot/types.js";
import type { EndName } from "../topology/topology.js";
import { namesIn, textOfEntryValue, textOfKey } from "./entry-text.js";
import { loadFunction } from "./own-load.js";
import { type CurrentProgram, currentPrograms } from "./program.js";
import { pairOf } from "./veth.js";

export interface OwnEntry {
	program: string;
	map: string;
	/** The key as the file writes it, in short. */
	label: string;
	key: Encoded;
	/** The value as the file writes it, or would write it. */
	text?: string;
	/** Of a per-CPU map, every CPU's. */
	value: Encoded;
	/** It is written where it is missing; what becomes of it then is the program's. */
	initial?: true;
	/** The program that runs on what the entry redirects; its descriptor is the value's last 4 bytes. */
	runs?: string;
	/** The CPU that is the key of a cpumap's entry. */
	cpu?: number;
	/** The map or function of the same object that the value is a descriptor of. */
	target?: Target;
}

type Target =
	| { map: string }
	/** `object` is the path of the object that has the function. */
	| { function: string; object: string }
	/** What the kernel has there, if that is neither. */
	| { id: number };

export function isOwn(spec: object): spec is OwnEntry {
	return "label" in spec;
}

export function declare({ own, pairs }: Requirements): LabObject<OwnEntry>[] {
	return Array.from(own).flatMap(([program, { entries, path }]) =>
		entries.map(({ program: runs, cpu, target, ...entry }) => {
			const of = target && "function" in target ? { ...target, object: path } : target;
			const object = make({
				...entry,
				program,
				...(runs !== undefined && { runs }),
				...(cpu !== undefined && { cpu: cpu.number }),
				...(of && { target: of }),
			});
			const ends = [entry.key, entry.value].flatMap(endsOf);
			const needs = [
				...ends.map((end) => pairOf(pairs, end)),
				...(runs === undefined ? [] : [`program ${runs}`]),
			];
			return { ...object, needs, ...(cpu !== undefined && { at: cpu.at }) };
		}),
	);
}

/** What to look at, to see whether an entry is there. */
export function query(object: LabObject<OwnEntry>): EntryQuery {
	const { program, map, key, initial = false } = object.spec;
	return { program, map, key, initial, of: object };
}

function make(spec: OwnEntry): LabObject<OwnEntry> {
	const { program, map, label } = spec;
	return {
		kind: "entry",
		name: `${program} ${map}[${label}]`,
		spec,
		within: [`program ${program}`],
		needs: [],
	};
}

/** The entries that are looked at, as the kernel has them: in the words of the file where they are the same. */
export function observe(snapshot: Snapshot): LabObject<OwnEntry>[] {
	const current = currentPrograms(snapshot);
	const names = namesIn(snapshot, current);
	return Array.from(current.values()).flatMap(({ label, contents, types }) =>
		Array.from(contents).flatMap(([map, entries]) => {
			const taken = new Set(entries.map(({ of }) => (of?.spec as OwnEntry | undefined)?.label));
			return entries.map((one) => {
				const { key, value, of, written } = one;
				const program = label.program;
				const held = heldIn(one, label);
				const textOf = (wanted: Partial<OwnEntry>) => {
					const type = types?.map(map);
					return type && { text: textOfEntryValue(type, value, wanted, names) };
				};
				if (!of) {
					// Written as the file writes its own entries of the map.
					const sample = entries.find((other) => other.of)?.of?.spec as OwnEntry | undefined;
					const entry = {
						program,
						map,
						key: { hex: key },
						value: { hex: value },
						...textOf(sample ?? {}),
						...held,
					};
					return make({ ...entry, label: labelOf(types?.map(map), key, sample?.label, taken) });
				}
				const spec = of.spec as OwnEntry;
				// What differs although it was written just now has been changed by the program itself.
				if (spec.initial || written || isAsWanted(spec, one, label, snapshot, current)) return make(spec);
				const { text: _, target: __, ...rest } = spec;
				return make({ ...rest, value: { hex: value }, ...textOf(spec), ...held });
			});
		}),
	);
}

/** The label of a key that the file does not name: bytes where another key has the same text. */
function labelOf(
	types: MapTypes | undefined,
	key: string,
	like: string | undefined,
	taken: Set<string | undefined>,
): string {
	const text = types && textOfKey(types, key, like);
	const label = text === undefined || taken.has(text) ? `0x${key}` : text;
	taken.add(label);
	return label;
}

/** What an entry of a map of maps or of a prog_array has, in the words of a file where these have a name for it. */
function heldIn({ id, called }: EntrySnapshot, { own }: Label): Pick<OwnEntry, "text" | "target"> {
	if (id === undefined) return {};
	const [map] = Object.entries(own?.maps ?? {}).find(([, one]) => one.id === id) ?? [];
	const text = called ? `{ function: ${called.source} }` : map === undefined ? `id ${id}` : `{ map: ${map} }`;
	return { text, target: { id } };
}

function isTarget(target: Target, { id, called }: EntrySnapshot, label: Label): boolean {
	if ("map" in target) return label.own?.maps[target.map]?.id === id;
	if ("id" in target) return target.id === id;
	return (
		called !== undefined && deepEqual({ ...called, own: label.own }, { ...label, source: target.function })
	);
}

function isAsWanted(
	{ value, runs, target }: OwnEntry,
	entry: EntrySnapshot,
	label: Label,
	{ ends }: Snapshot,
	current: ReadonlyMap<string, CurrentProgram>,
): boolean {
	if (target) return isTarget(target, entry, label);
	const bytes = fill(value, (end) => ends.get(end)?.link.index);
	if (!bytes) return false;
	if (runs !== undefined) {
		// Written as a descriptor, read as an id: struct bpf_devmap_val.
		const program = current.get(runs);
		if (!program?.wanted) return false;
		bytes.writeUInt32LE(program.id, bytes.length - 4);
	}
	return bytes.toString("hex") === entry.value;
}

/** An end whose namespace an entry has to be written in; undefined where that does not matter. */
export function endOf({ value }: OwnEntry): EndName | undefined {
	return endsOf(value)[0];
}

export function put(object: LabObject<OwnEntry>, lab: Lab): void {
	const { spec } = object;
	const { map, key } = locate(spec, lab);
	const value = fill(spec.value, (end) => lab.ends.ifindex(end)) as Buffer;
	if (spec.target) {
		putHeld(map, key, spec.target, lab.program(spec.program));
		lab.written.set(object.name, query(object));
		return;
	}
	if (spec.runs !== undefined) value.writeUInt32LE(lab.program(spec.runs).fd, value.length - 4);
	try {
		putValue(map, key, value);
	} catch (error) {
		throw inWords(error, map, spec.map);
	}
	lab.written.set(object.name, query(object));
}

/** E2BIG of htab_map_update_elem(), ENOSPC of trie_update_elem(): there is no room for a further entry. */
function inWords(error: unknown, map: number, name: string): unknown {
	if (!(error instanceof SyscallError) || !["E2BIG", "ENOSPC"].includes(error.code)) return error;
	const { maxEntries } = mapInfo(map);
	return new Error(
		`map \`${name}\` is full, with ${maxEntries} entries: give it more room by \`max_entries\` [${error.code}]`,
	);
}

/**
 * Whether the machine has the CPUs of a cpumap's entries: CPUs that may ever come online.
 * @throws UnsupportedError with the place of each that it lacks
 */
export function requireCpus(objects: readonly LabObject<OwnEntry>[]): void {
	const wanted = objects.filter(({ spec }) => spec.cpu !== undefined);
	if (wanted.length === 0) return;
	const count = possibleCpus();
	const missing = wanted.filter(({ spec }) => (spec.cpu ?? 0) >= count);
	const lines = missing.map(({ at, spec }) => {
		const place = at ? `${at.file}:${at.line}:${at.column}: ` : "";
		return `${place}this machine has no CPU ${spec.cpu} for \`${spec.map}\`: it has ${count === 1 ? "CPU 0" : `0 to ${count - 1}`}`;
	});
	if (lines.length > 0) throw new UnsupportedError(lines.join("\n"));
}

/** Puts a map or a function into a map of them. */
function putHeld(map: number, key: Buffer, target: Target, program: LoadedProgram): void {
	if ("id" in target) {
		const open = mapType(mapInfo(map).type).holds === "map" ? openMap : openProgram;
		const fd = open(target.id);
		if (fd === undefined) throw new Error(`what was there, id ${target.id}, is gone`);
		try {
			putValue(map, key, u32Key(fd));
		} finally {
			closeSync(fd);
		}
		return;
	}
	const fd =
		"map" in target ? program.maps.get(target.map) : loadFunction(target.function, target.object, program);
	if (fd === undefined) throw new Error(`the program has no such map: ${JSON.stringify(target)}`);
	putValue(map, key, u32Key(fd));
}

export function erase(spec: OwnEntry, lab: Lab): void {
	const { map, key } = locate(spec, lab);
	lab.swept.add(`${spec.program} ${spec.map}`);
	const { type, valueSize } = mapInfo(map);
	// An array has no entry to delete, only one of zeros.
	if (mapType(type).array) putValue(map, key, Buffer.alloc(valueSize));
	else remove(map, key);
}

function locate({ program, map, key }: OwnEntry, lab: Lab): { map: number; key: Buffer } {
	const fd = lab.program(program).maps.get(map);
	if (fd === undefined) throw new Error(`program ${program} has no map ${map}`);
	return { map: fd, key: fill(key, (end) => lab.ends.ifindex(end)) as Buffer };
}

export function describe(spec: OwnEntry): string {
	return `${spec.program} ${spec.map}[${spec.label}] = ${valueText(spec)}`;
}

export function valueText({ text, value }: OwnEntry): string {
	const ends = endsOf(value);
	return text ?? (ends.length ? ends.join(", ") : `0x${value.hex}`);
}
