/** Programs of the file's own: what the kind `program` knows of them. */
import { type Encoded, endsOf } from "../btf/encoded.js";
import type { Requirements } from "../declare/requirements.js";
import { deepEqual, type LabObject } from "../plan/object.js";
import { mapType, PROG_ARRAY } from "../programs/maps.js";
import type { Label, OwnLabel } from "../snapshot/label.js";
import type { Query, Snapshot } from "../snapshot/snapshot.js";
import type { ProgramTypes } from "../snapshot/types.js";
import type { Program as Declared, EndName, ProgramMap } from "../topology/topology.js";
import { namesIn, textOfVariable } from "./entry-text.js";
import { hash, settingOf } from "./own-setting.js";
import { holdsAll, portsFor } from "./ports.js";
import { pairOf } from "./veth.js";

export interface OwnProgram {
	/** Its C function. */
	function: string;
	/** Of the object's content. */
	digest: string;
	/** What global variables are set to before it is loaded. */
	globals: Record<string, Setting>;
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

/** What a global variable is set to. */
export interface Setting extends Encoded {
	/** As the file writes it, or would write it; absent where only a hash of it is known. */
	text?: string;
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
		globals: Object.fromEntries(globals.map(({ name, value, text }) => [name, { ...value, text }])),
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
		...(type === PROG_ARRAY ? [frags, digest, globals.map(({ name, value }) => ({ name, value }))] : []),
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
	types?: ProgramTypes,
): OwnProgram {
	const wanted = desired && isOwn(desired) ? desired.globals : {};
	const indexOf = (end: EndName) => snapshot.ends.get(end)?.link.index;
	return {
		function: label.source,
		digest: label.digest,
		globals: Object.fromEntries(
			Object.entries(label.globals).map(([name, setting]): [string, Setting] => {
				const value = wanted[name];
				if (value && settingOf(value, indexOf) === setting) return [name, value];
				const hex = String(setting);
				const type = types?.variable(name);
				const like = { value, text: value?.text };
				const text = type && textOfVariable(type, hex, like, namesIn(snapshot, new Map()));
				return [name, { hex, ...(text !== undefined && { text }) }];
			}),
		),
		maps: Object.fromEntries(Object.entries(own.maps).map(([name, { definition }]) => [name, definition])),
		ports: holdsAll(snapshot, label) ? label.ports : 0,
		...(own.pin && { pin: own.pin.path }),
	};
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
	const globals = names.flatMap((name) => changeOfSetting(name, from.globals[name], to.globals[name]));
	const what = [
		...(from.digest === to.digest ? [] : [to.object?.compiled ? "another source" : "another object"]),
		...(from.function === to.function ? [] : [`${from.function} → ${to.function}`]),
		...globals,
		...(from.pin === to.pin ? [] : [to.pin === undefined ? "not pinned" : `pinned in ${to.pin}`]),
	];
	if (what.length === 0) what.push("another size of maps");
	const lost = Object.keys(from.maps).filter((map) => !survives(map, from.maps, to.maps));
	const rest = lost.length === 0 ? "maps kept" : `maps kept but for ${lost.join(", ")}`;
	return `${what.join(", ")}: loaded anew, ${rest}`;
}

/** `limit 5 → 15`, `limit set to 15`, `limit no longer 5`, or `another limit` where the values are not known. */
function changeOfSetting(name: string, from: Setting | undefined, to: Setting | undefined): string[] {
	if (deepEqual(from, to)) return [];
	if (!from) return [to?.text === undefined ? `${name} set` : `${name} set to ${to.text}`];
	if (!to) return [`${name} no longer ${from.text ?? "set"}`];
	const known = from.text !== undefined && to.text !== undefined;
	return [known ? `${name} ${from.text} → ${to.text}` : `another ${name}`];
}
