import type { MapDefinition, Slot } from "../btf/map-definition.js";
import type { BpfObject } from "../btf/object.js";
import { innerProblem, LPM_TRIE, mapType } from "../programs/maps.js";
import type { Context } from "./declared.js";
import { quote } from "./printable.js";
import type { ProgramSource } from "./programs.js";

interface Fault {
	message: string;
	hint?: string;
}

/** Reports what the kernel or libbpf refuses about the maps of an object, all of it before anything is loaded. */
export function checkDefinitions(
	maps: readonly MapDefinition[],
	{ programs }: BpfObject,
	{ entry, originAt }: ProgramSource,
	{ positions, report }: Context,
): void {
	for (const map of maps) {
		const at = entry.maps && map.name in entry.maps ? positions.key(entry.maps, map.name) : originAt;
		const functions = new Map(programs.map((one) => [one.name, one]));
		const faults = [
			...definitionFaults(map),
			...map.slots.flatMap((slot) => slotFault(slot, map, maps, functions) ?? []),
		];
		for (const { message, hint } of faults) report.error(at, "program", message, hint);
	}
}

/** <linux/bpf.h> */
const BPF_F_NO_PREALLOC = 1;

function definitionFaults(
	{ name, type, maxEntries, keySize, flags, inner }: MapDefinition,
	isInner = false,
): Fault[] {
	const { name: typeName, sizeless, sizedByLoader, holds, indexed } = mapType(type);
	if (type === 0)
		return [
			{ message: `map ${quote(name)} has no type`, hint: "for example `__uint(type, BPF_MAP_TYPE_HASH)`" },
		];
	const faults: Fault[] = [];
	const inC = "`__uint(max_entries, 1024)`";
	if (sizeless && maxEntries > 0)
		faults.push({ message: `map ${quote(name)} has the type ${typeName}, which takes no \`max_entries\`` });
	if (!sizeless && !sizedByLoader && maxEntries === 0)
		faults.push({
			message: `map ${quote(name)} has no \`max_entries\``,
			hint: isInner ? inC : `${inC} in C, or \`maps: { ${name}: { max_entries: 1024 } }\` in this file`,
		});
	if (indexed && keySize !== 4)
		faults.push({
			message: `the keys of ${quote(name)} have ${keySize} bytes, and those of the type ${typeName} have 4`,
			hint: "`__type(key, __u32)`",
		});
	if (type === LPM_TRIE && (flags & BPF_F_NO_PREALLOC) === 0)
		faults.push({
			message: `map ${quote(name)} has the type lpm_trie, but not \`BPF_F_NO_PREALLOC\``,
			hint: "`__uint(map_flags, BPF_F_NO_PREALLOC)`",
		});
	if (holds === "map" && !inner && !isInner)
		faults.push({
			message: `map ${quote(name)} does not say which maps it holds`,
			hint: "`__array(values, struct inner)`, where `struct inner` is the definition of a map",
		});
	return inner ? [...faults, ...definitionFaults(inner, true)] : faults;
}

/** What the object itself puts into a map of maps or of programs. */
function slotFault(
	{ index, name }: Slot,
	{ name: holder, type, maxEntries, inner }: MapDefinition,
	maps: readonly MapDefinition[],
	functions: ReadonlyMap<string, BpfObject["programs"][number]>,
): Fault | undefined {
	const slot = `${quote(holder)}[${index}]`;
	if (mapType(type).indexed && maxEntries > 0 && index >= maxEntries)
		return { message: `${slot} is set in C, and ${quote(holder)} has ${maxEntries} entries` };
	if (mapType(type).holds === "function") {
		const found = functions.get(name);
		if (!found)
			return { message: `${slot} is set in C to ${quote(name)}, which is no program of the object` };
		if (found.xdp) return undefined;
		return {
			message: `${slot} is set in C to ${quote(name)}, which is no XDP program: its section is ${quote(found.section)}`,
		};
	}
	const map = maps.find((one) => one.name === name);
	if (!map) return { message: `${slot} is set in C to ${quote(name)}, which is no map of the object` };
	const problem = inner && innerProblem(inner, map);
	return problem === undefined ? undefined : { message: `${slot} is set in C to ${quote(name)}: ${problem}` };
}
