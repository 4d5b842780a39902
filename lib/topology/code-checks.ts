import type { BpfObject, ProgramDefinition } from "../btf/object.js";
import { mapType } from "../programs/maps.js";
import type { Context } from "./declared.js";
import { quote } from "./printable.js";
import type { ProgramSource } from "./programs.js";
import type { MapEntry } from "./topology.js";

/** The functions that are loaded: the chosen one, and those that a prog_array gets from C or from the file. */
export function loadedFunctions(
	chosen: string,
	entries: readonly MapEntry[],
	{ programs, maps }: Pick<BpfObject, "programs" | "maps">,
): ProgramDefinition[] {
	const names = new Set([chosen, ...maps.flatMap((map) => calledFrom(map, entries))]);
	return programs.filter(({ name, xdp }) => xdp && names.has(name));
}

/** The functions in a prog_array. */
function calledFrom(
	{ name, type, slots }: BpfObject["maps"][number],
	entries: readonly MapEntry[],
): string[] {
	if (mapType(type).holds !== "function") return [];
	const ofFile = entries.flatMap(({ map, target }) =>
		map === name && target && "function" in target ? [target.function] : [],
	);
	return [...slots.map((slot) => slot.name), ...ofFile];
}

/** Reports code that no kernel takes. */
export function checkCode(
	chosen: ProgramDefinition,
	entries: readonly MapEntry[],
	object: BpfObject,
	source: ProgramSource,
	{ report, positions }: Context,
): void {
	const loaded = loadedFunctions(chosen.name, entries, object);
	const [culprit] = loaded.flatMap(({ indirectCall }) => indirectCall ?? []);
	if (culprit !== undefined)
		report.error(
			source.originAt,
			"program",
			`${quote(culprit)} calls a function through a register, which BPF cannot do`,
			"an object that clang made without optimisation has such calls: compile it with `-O2`",
		);
	for (const map of object.maps) {
		const within = calledFrom(map, entries);
		const [first, ...others] = loaded.filter(
			({ name, maps }) => within.includes(name) || (within.length > 0 && maps.includes(map.name)),
		);
		const other = others.find((one) => first && kindOf(one) !== kindOf(first));
		if (!first || !other) continue;
		const of = ({ name, section }: ProgramDefinition) => `${quote(name)} is in SEC("${section}")`;
		const message = `${of(first)}, and ${of(other)}: ${quote(map.name)} takes and serves programs of one kind`;
		const { maps = {} } = source.entry;
		const at = map.name in maps ? positions.key(maps, map.name) : source.originAt;
		report.error(at, "program", message, "give them the same SEC()");
	}
}

/** What bpf_prog_map_compatible() of kernel/bpf/core.c compares of XDP programs. */
function kindOf({ xdp }: ProgramDefinition): string {
	return `${xdp?.place} ${xdp?.frags}`;
}
