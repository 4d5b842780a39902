import { remove, u32Key, update } from "../kernel/bpf.js";
import type { Lab } from "../kernel/lab.js";
import type { LabObject } from "../plan/object.js";
import { builtin, isBuiltin, type Value } from "../programs/builtin.js";
import type { EndName } from "../topology/topology.js";
import { forEach, type Kind } from "./kind.js";
import { currentPrograms } from "./program.js";
import { split, vethOf } from "./veth.js";

export interface Entry {
	program: string;
	/** The object that the program is loaded from: it knows the layout. */
	source: string;
	map: string;
	/** The end whose port is the key. */
	key: EndName;
	value: Value;
}

/** An entry of a BPF map by port. */
export const entry: Kind<Entry> = {
	name: "entry",
	title: ["map entry", "map entries"],
	declare: ({ entries, peers, programs }) =>
		entries.map(({ program, map, key, value, reason }) => ({
			...object({ program, source: programs.get(program)?.builtin ?? program, map, key, value }),
			needs: [key, ...("ifindex" in value ? [value.ifindex as EndName] : [])].map((end) =>
				vethOf(end, peers.get(end)?.name),
			),
			...(reason !== undefined && { reason }),
		})),
	observe: (snapshot) => {
		const { endByIndex, firstIfindex } = snapshot;
		const endOf = (ifindex: number): EndName => endByIndex.get(ifindex) ?? `:#${ifindex}`;
		return Array.from(currentPrograms(snapshot)).flatMap(([program, { label, entries }]) => {
			const { source } = label;
			if (!isBuiltin(source)) return [];
			const { maps, frozen } = builtin(source);
			return Object.entries(maps).flatMap(([map, layout]) =>
				map === frozen
					? []
					: Array.from(entries.get(map) ?? [], ([port, bytes]) =>
							object({
								program,
								source,
								map,
								key: endOf(firstIfindex + port),
								value: layout.decode(bytes, endOf),
							}),
						),
			);
		});
	},
	create: write,
	update: (changes, lab) =>
		write(
			changes.map(({ object }) => object),
			lab,
		),
	remove: (objects, lab) =>
		forEach(objects, lab, ({ spec }) => {
			const { map, key, layout } = locate(spec, lab);
			// An array has no entry to delete, only one of zeros.
			if (isArray(spec)) update(map, key, Buffer.alloc(layout.size));
			else remove(map, key);
		}),
	describe: ({ spec: { program, map, key, value } }) => `${program} ${map}[${key}] = ${text(value)}`,
	describeChange: (from, to) => `${text(from.value)} → ${text(to.value)}`,
};

function object(spec: Entry): LabObject<Entry> {
	const { program, map, key } = spec;
	return { kind: "entry", name: `${program} ${map} ${key}`, spec, within: [`program ${program}`], needs: [] };
}

function text(value: Value): string {
	return "ifindex" in value ? value.ifindex : `${value.source} → ${value.destination}`;
}

/** A devmap resolves an ifindex in the namespace of whoever writes it. */
function write(objects: readonly LabObject<Entry>[], lab: Lab): void {
	forEach(objects, lab, ({ spec }) => {
		const { map, key, layout } = locate(spec, lab);
		const value = layout.encode(spec.value, (end) => lab.ifindex(end as EndName));
		lab.enter(split(spec.key).namespace, () => update(map, key, value));
	});
}

function locate({ program, source, map, key }: Entry, lab: Lab) {
	const fd = lab.program(program).maps.get(map);
	const layout = isBuiltin(source) ? builtin(source).maps[map] : undefined;
	if (fd === undefined || !layout) throw new Error(`program ${program} has no map ${map}`);
	return { map: fd, key: u32Key(portOf(key, lab)), layout };
}

/** An entry that nobody wants may be at a port that no end has: `:#100007`. */
function portOf(key: EndName, lab: Lab): number {
	return key.startsWith(":#") ? Number(key.slice(2)) - lab.firstIfindex : lab.port(key);
}

/** Of the maps by port, a devmap alone is no array. */
function isArray({ map }: Entry): boolean {
	return map !== "ports";
}
