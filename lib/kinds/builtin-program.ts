import { createHash } from "node:crypto";
import type { Requirements } from "../declare/requirements.js";
import { readConstants, writeConstants } from "../kernel/constants.js";
import type { Lab } from "../kernel/lab.js";
import { createLabel } from "../kernel/label.js";
import { closeLoaded, type LoadedProgram, loadProgram } from "../kernel/load.js";
import { readObject } from "../kernel/objects.js";
import { u32 } from "../netlink/attribute.js";
import { deepEqual, type LabObject } from "../plan/object.js";
import { type BuiltinName, builtin, isBuiltin, type RedirectValue } from "../programs/builtin.js";
import type { Label } from "../snapshot/label.js";
import type { ProgramSnapshot, Snapshot } from "../snapshot/snapshot.js";
import { COUNTERS_MAP } from "../stats/counters.js";
import type { EndName } from "../topology/topology.js";
import { holdsAll, portsFor, portsInUse } from "./ports.js";
import { pairOf } from "./veth.js";

export interface BuiltinProgram {
	/** The object that it is loaded from. */
	source: string;
	/** Of the object's content. */
	digest: string;
	/** `const volatile` switches, set before it is loaded. */
	globals: Record<string, boolean>;
	/** Constants by ingress end, which are frozen before the program runs anywhere. */
	constants: Record<EndName, RedirectValue>;
	/** At least as many ports its maps must have; 0 where an end lies beyond them. */
	ports: number;
}

export function declare({ programs, ends, pairs }: Requirements): LabObject<BuiltinProgram>[] {
	return Array.from(programs, ([name, { builtin, globals, constants, reason }]) => ({
		kind: "program",
		name,
		spec: {
			source: builtin,
			digest: digestOf(readObject(builtin)),
			globals,
			constants,
			ports: portsFor(ends.size),
		},
		within: [],
		// The constants are numbers of these interfaces.
		needs: Object.entries(constants).map(([, { ifindex }]) => pairOf(pairs, ifindex as EndName)),
		...(reason !== undefined && { reason }),
	}));
}

export function isEnough(desired: BuiltinProgram, actual: BuiltinProgram): boolean {
	return (
		desired.source === actual.source &&
		desired.digest === actual.digest &&
		deepEqual(desired.globals, actual.globals) &&
		deepEqual(desired.constants, actual.constants) &&
		actual.ports >= desired.ports
	);
}

export function describe(name: string, { source, constants }: BuiltinProgram): string {
	const wiring = Object.entries(constants).map(([from, { ifindex }]) => `${from} → ${ifindex}`);
	return [
		name,
		...(name === source ? [] : [`(${source})`]),
		...(wiring.length ? [wiring.join(", ")] : []),
	].join(" ");
}

export function describeChange(from: BuiltinProgram, to: BuiltinProgram): string {
	if (from.source !== to.source || from.digest !== to.digest) return "another object";
	if (!deepEqual(from.globals, to.globals)) return "other settings";
	return from.ports < to.ports ? `room for ${to.ports} interfaces` : "other constants";
}

export function specOf(
	snapshot: Snapshot,
	label: Label,
	entries: ProgramSnapshot["entries"],
): BuiltinProgram {
	return {
		source: label.source,
		digest: label.digest,
		globals: label.globals as Record<string, boolean>,
		constants: namedConstants(snapshot, label, entries),
		ports: holdsAll(snapshot, label) ? label.ports : 0,
	};
}

function digestOf(elf: Buffer): string {
	return createHash("sha256").update(elf).digest("hex").slice(0, 16);
}

function namedConstants(
	{ endByIndex, firstIfindex }: Snapshot,
	{ source }: Label,
	entries: ProgramSnapshot["entries"],
): BuiltinProgram["constants"] {
	const layout = isBuiltin(source) ? builtin(source).constants : undefined;
	if (!layout) return {};
	const endOf = (index: number): EndName => endByIndex.get(index) ?? (`:#${index}` as EndName);
	return Object.fromEntries(
		Array.from(entries.get(COUNTERS_MAP) ?? [], ([port, bytes]) => [
			endOf(firstIfindex + port),
			layout.decode(bytes, endOf) as RedirectValue,
		]),
	);
}

/** Whether a program that is in the kernel already is what is wanted. */
export function isLoadOf(
	label: Label,
	maps: ReadonlyMap<string, number>,
	spec: BuiltinProgram,
	lab: Lab,
): boolean {
	if (label.source !== spec.source || label.digest !== spec.digest) return false;
	if (label.ports < portsInUse(spec.ports, lab)) return false;
	if (!deepEqual(label.globals, spec.globals) || label.firstIfindex !== lab.ends.firstIfindex) return false;
	const constants = constantsByPort(spec, lab);
	const map = maps.get(COUNTERS_MAP);
	if (!constants || map === undefined) return true;
	const actual = readConstants(map);
	return (
		actual.size === constants.size &&
		Array.from(constants).every(([port, value]) => actual.get(port)?.equals(value))
	);
}

export function load(name: string, spec: BuiltinProgram, lab: Lab): LoadedProgram {
	const { source, globals } = spec;
	if (!isBuiltin(source)) throw new Error(`no built-in program ${source}`);
	const { function: entry, byPort } = builtin(source);
	const elf = readObject(source);
	const ports = portsInUse(spec.ports, lab);
	const program = loadProgram(source, elf, {
		program: entry,
		globals: new Map([
			["first_ifindex", u32.encode(lab.ends.firstIfindex)],
			...Object.entries(globals).map(([key, on]): [string, Uint8Array] => [key, Uint8Array.of(on ? 1 : 0)]),
		]),
		maxEntries: new Map(byPort.map((map) => [map, ports])),
		label: () =>
			createLabel({
				lab: lab.name,
				program: name,
				source,
				globals,
				digest: digestOf(elf),
				firstIfindex: lab.ends.firstIfindex,
				ports,
			}),
	});
	try {
		const constants = constantsByPort(spec, lab);
		if (constants) writeConstants(program.maps.get(COUNTERS_MAP) as number, constants);
		return program;
	} catch (error) {
		closeLoaded(program);
		throw error;
	}
}

/** The constants of a program in the kernel's layout; undefined where it has none. */
function constantsByPort({ source, constants }: BuiltinProgram, lab: Lab): Map<number, Buffer> | undefined {
	const layout = builtin(source as BuiltinName).constants;
	return (
		layout &&
		new Map(
			Object.entries(constants).map(([from, value]) => [
				lab.ends.port(from as EndName),
				layout.encode(value, (end) => lab.ends.ifindex(end as EndName)),
			]),
		)
	);
}
