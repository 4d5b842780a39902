import { type Encoded, encoded } from "../btf/encoded.js";
import type { MapDefinition } from "../btf/map-definition.js";
import { isMapping, text } from "../btf/memory.js";
import type { BpfObject } from "../btf/object.js";
import type { Place } from "../btf/surroundings.js";
import { innerProblem, mapType } from "../programs/maps.js";
import type { Context } from "./declared.js";
import { list, quote } from "./printable.js";
import type { EntryTarget } from "./topology.js";

/**
 * The value of an entry in a map of maps, `{ map: NAME }`, or in a prog_array, `{ function: NAME }`. Its 4 bytes
 * are a descriptor, which only apply has.
 */
export function heldValue(
	kind: "function" | "map",
	value: unknown,
	place: Place,
	map: MapDefinition,
	object: BpfObject,
	{ positions, report }: Context,
): { value: Encoded; target?: EntryTarget } {
	const { [kind]: name, ...others } = isMapping(value) ? value : {};
	const bytes = encoded(Buffer.alloc(4));
	if (typeof name !== "string" || Object.keys(others).length > 0) {
		const message = `${text(value)} is no value of ${quote(map.name)}: its type is ${mapType(map.type).name}`;
		report.error(positions.value(place.container, place.name), "program", message, `\`{ ${kind}: NAME }\``);
		return { value: bytes };
	}
	const at = positions.value(value as object, kind);
	const known = kind === "map" ? object.maps : object.programs.filter(({ xdp }) => xdp);
	const what = kind === "map" ? "map" : "program";
	const problem = kind === "map" ? mapProblem(name, map, object) : functionProblem(name, object);
	if (problem) report.error(at, "program", problem);
	else if (!known.some((one) => one.name === name))
		report.error(at, "program", `the object has no ${what} ${quote(name)}`, () => {
			const names = known.map((one) => one.name);
			const listed = names.length ? `it has ${list(names.slice(0, 8).map(quote))}` : "it has none";
			return report.suggest(name, names) ?? listed;
		});
	return { value: bytes, target: kind === "map" ? { map: name } : { function: name } };
}

/** Why a map of the object cannot be in a map of maps. */
function mapProblem(
	name: string,
	{ name: outer, inner }: MapDefinition,
	{ maps }: BpfObject,
): string | undefined {
	const map = maps.find((one) => one.name === name);
	const problem = map && inner && innerProblem(inner, map);
	return problem && `${quote(name)} cannot be in ${quote(outer)}: ${problem}`;
}

/** Why a function of the object cannot be in a prog_array. */
function functionProblem(name: string, { programs }: BpfObject): string | undefined {
	const found = programs.find((one) => one.name === name);
	if (!found || found.xdp) return undefined;
	return `${quote(name)} is no XDP program: its section is ${quote(found.section)}`;
}
