import { createHash } from "node:crypto";
import { closeSync } from "node:fs";
import { createFrozenArray, lookup, u32Key } from "../kernel/bpf.js";
import type { Lab } from "../kernel/lab.js";
import { createLabel, LABEL_MAP, readLabel } from "../kernel/label.js";
import { type LoadedProgram, loadProgram } from "../kernel/load.js";
import { readObject } from "../kernel/objects.js";
import { u32 } from "../netlink/attribute.js";
import { deepEqual, type LabObject } from "../plan/object.js";
import { type BuiltinName, builtin, isBuiltin, type RedirectValue } from "../programs/builtin.js";
import type { Label } from "../snapshot/label.js";
import type { ProgramSnapshot, Snapshot } from "../snapshot/snapshot.js";
import type { EndName } from "../topology/topology.js";
import { forEach, type Kind } from "./kind.js";
import { vethOf } from "./veth.js";

export interface Program {
	/** The object that it is loaded from. */
	source: string;
	/** Of the object's content. */
	digest: string;
	/** `const volatile` switches, set before it is loaded. */
	globals: Record<string, boolean>;
	/** Constants by ingress end, in a table that is frozen before the program is loaded. */
	constants: Record<EndName, RedirectValue>;
	/** At least as many ports its maps must have; 0 where an end lies beyond them. */
	ports: number;
}

/**
 * A program in the kernel with its maps, loaded once for all the interfaces of the lab that run it. It
 * lives while it is attached somewhere or this command holds it, so removing one is letting go of it.
 */
export const program: Kind<Program> = {
	name: "program",
	title: ["program", "programs"],
	declare: ({ programs, ends, peers }) =>
		Array.from(programs, ([name, { builtin, globals, constants, reason }]) => ({
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
			needs: Object.entries(constants).map(([, { ifindex }]) =>
				vethOf(ifindex as EndName, peers.get(ifindex as EndName)?.name),
			),
			...(reason !== undefined && { reason }),
		})),
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
	replaces: () => true,
	create: (objects, lab) => forEach(objects, lab, (object) => load(object, lab)),
	remove: (objects, lab) => {
		for (const { name } of objects) lab.programs.delete(name);
	},
	describe: ({ name, spec: { source, constants } }) => {
		const wiring = Object.entries(constants).map(([from, { ifindex }]) => `${from} → ${ifindex}`);
		return [
			name,
			...(name === source ? [] : [`(${source})`]),
			...(wiring.length ? [wiring.join(", ")] : []),
		].join(" ");
	},
	describeChange: (from, to) =>
		from.source !== to.source || from.digest !== to.digest
			? "another object"
			: !deepEqual(from.globals, to.globals)
				? "other settings"
				: from.ports < to.ports
					? `room for ${to.ports} interfaces`
					: "other constants",
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
		const spec = specOf(snapshot, label, one.entries);
		const desired = snapshot.wanted.get(`program ${label.program}`) as LabObject<Program> | undefined;
		const wanted = desired !== undefined && isEnough(desired.spec, spec);
		if (!current.has(label.program) || wanted) current.set(label.program, { ...one, label, spec, wanted });
	}
	return current;
}

function isEnough(desired: Program, actual: Program): boolean {
	return (
		desired.source === actual.source &&
		desired.digest === actual.digest &&
		deepEqual(desired.globals, actual.globals) &&
		deepEqual(desired.constants, actual.constants) &&
		actual.ports >= desired.ports
	);
}

function specOf(snapshot: Snapshot, label: Label, entries: ProgramSnapshot["entries"]): Program {
	return {
		source: label.source,
		digest: label.digest,
		globals: label.globals,
		constants: readConstants(snapshot, label, entries),
		ports: holdsAll(snapshot, label) ? label.ports : 0,
	};
}

function digestOf(elf: Buffer): string {
	return createHash("sha256").update(elf).digest("hex").slice(0, 16);
}

/** Room to grow: a lab that gets a few more ends keeps its programs and their counters. */
function portsFor(ends: number): number {
	const LEAST = 64;
	return 2 ** Math.ceil(Math.log2(Math.max(LEAST, ends)));
}

function holdsAll({ ends, firstIfindex }: Snapshot, label: Label): boolean {
	return (
		label.firstIfindex === firstIfindex &&
		[...ends.values()].every(({ link }) => link.index < firstIfindex + label.ports)
	);
}

function readConstants(
	{ endByIndex, firstIfindex }: Snapshot,
	{ source }: Label,
	entries: ProgramSnapshot["entries"],
): Program["constants"] {
	if (!isBuiltin(source)) return {};
	const { frozen, maps } = builtin(source);
	const layout = frozen === undefined ? undefined : maps[frozen];
	const endOf = (index: number): EndName => endByIndex.get(index) ?? (`:#${index}` as EndName);
	return Object.fromEntries(
		Array.from(layout ? (entries.get(frozen ?? "") ?? []) : [], ([port, bytes]) => [
			endOf(firstIfindex + port),
			layout?.decode(bytes, endOf) as RedirectValue,
		]),
	);
}

function load({ name, spec }: LabObject<Program>, lab: Lab): void {
	const known = [...lab.held.values()].find((held) => isLoadOf(held, name, spec, lab));
	lab.programs.set(name, known ?? lab.hold(loadAnew(name, spec, lab)));
}

/** Whether a program that is in the kernel already is what is wanted: where a change is undone, it is. */
function isLoadOf({ maps }: LoadedProgram, name: string, spec: Program, lab: Lab): boolean {
	const mark = maps.get(LABEL_MAP);
	const label = mark === undefined ? undefined : readLabel(mark);
	if (label?.lab !== lab.name || label.program !== name || label.digest !== spec.digest) return false;
	if (!deepEqual(label.globals, spec.globals) || label.firstIfindex !== lab.firstIfindex) return false;
	if (label.ports < spec.ports) return false;
	const table = frozenTable(spec, label.ports, lab);
	const map = table && maps.get(table.name);
	return (
		!table ||
		map === undefined ||
		table.entries.every((entry, port) => lookup(map, u32Key(port), entry.length)?.equals(entry))
	);
}

function loadAnew(name: string, spec: Program, lab: Lab): LoadedProgram {
	const { source, globals } = spec;
	if (!isBuiltin(source)) throw new Error(`no built-in program ${source}`);
	const { function: entry, byPort } = builtin(source);
	const elf = readObject(source);
	const ports = Math.max(spec.ports, portsFor(1 + Math.max(0, ...lab.ports())));
	const table = frozenTable(spec, ports, lab);
	const label = createLabel({
		lab: lab.name,
		program: name,
		source,
		globals,
		digest: digestOf(elf),
		firstIfindex: lab.firstIfindex,
		ports,
	});
	try {
		return loadProgram(source, elf, {
			program: entry,
			globals: new Map([
				["first_ifindex", u32.encode(lab.firstIfindex)],
				...Object.entries(globals).map(([key, on]): [string, Uint8Array] => [key, Uint8Array.of(on ? 1 : 0)]),
			]),
			maxEntries: new Map(byPort.map((map) => [map, ports])),
			ready: new Map(table ? [[table.name, createFrozenArray(table.name, table.entries, table.size)]] : []),
			bound: label,
		});
	} finally {
		closeSync(label);
	}
}

/** The frozen map of a program by port, in the kernel's layout; undefined where it has none. */
function frozenTable({ source, constants }: Program, ports: number, lab: Lab) {
	const { frozen, maps } = builtin(source as BuiltinName);
	const layout = frozen === undefined ? undefined : maps[frozen];
	if (frozen === undefined || !layout) return undefined;
	const entries: Buffer[] = Array.from({ length: ports }, () => Buffer.alloc(layout.size));
	for (const [from, value] of Object.entries(constants))
		entries[lab.port(from as EndName)] = layout.encode(value, (end) => lab.ifindex(end as EndName));
	return { name: frozen, size: layout.size, entries };
}
