import type { Requirements } from "../declare/requirements.js";
import { remove, u32Key, update } from "../kernel/bpf.js";
import type { Lab } from "../kernel/lab.js";
import type { LabObject } from "../plan/object.js";
import { builtin, isBuiltin, type Value } from "../programs/builtin.js";
import type { Snapshot } from "../snapshot/snapshot.js";
import type { EndName } from "../topology/topology.js";
import { currentPrograms } from "./program.js";
import { pairOf } from "./veth.js";

/** An entry of a map by port, of a built-in program. */
export interface PortEntry {
	program: string;
	/** The object that the program is loaded from: it knows the layout. */
	source: string;
	map: string;
	/** The end whose port is the key. */
	key: EndName;
	value: Value;
}

export function declare({
	attachments,
	entries,
	pairs,
	peers,
	programs,
}: Requirements): LabObject<PortEntry>[] {
	const ids = new Set(entries.map(portEntryId));
	return entries.map(({ program, map, key, value, reason }) => {
		const ends = [key, ...("ifindex" in value ? [value.ifindex as EndName] : [])];
		const [, target] = ends;
		const receiver = target && peers.get(target)?.name;
		return {
			...object({ program, source: programs.get(program)?.builtin ?? program, map, key, value }),
			needs: [
				...ends.map((end) => pairOf(pairs, end)),
				// Packets follow an entry at once: what is known of where it leads, and who receives there, come first.
				...(receiver && attachments.get(receiver)?.prepares ? [`xdp ${receiver}`] : []),
				...(map === "redirects" ? ["ports", "macs"] : [])
					.map((map) => portEntryId({ program, map, key: target as EndName }))
					.filter((id) => ids.has(id)),
			],
			...(reason !== undefined && { reason }),
		};
	});
}

export function observe(snapshot: Snapshot): LabObject<PortEntry>[] {
	const { endByIndex, ends, firstIfindex } = snapshot;
	const endOf = (ifindex: number): EndName => endByIndex.get(ifindex) ?? `:#${ifindex}`;
	return Array.from(currentPrograms(snapshot)).flatMap(([program, { label, entries }]) => {
		const { source } = label;
		if (label.own || !isBuiltin(source)) return [];
		return Object.entries(builtin(source).maps).flatMap(([map, layout]) =>
			Array.from(entries.get(map) ?? [], ([port, bytes]): LabObject<PortEntry> => {
				const key = endOf(firstIfindex + port);
				const pair = ends.get(key)?.pair;
				return {
					...object({ program, source, map, key, value: layout.decode(bytes, endOf) }),
					// Before the port can be another end's.
					needs: pair === undefined ? [] : [pair],
				};
			}),
		);
	});
}

export function put(spec: PortEntry, lab: Lab): void {
	const { map, key, layout } = locate(spec, lab);
	update(
		map,
		key,
		layout.encode(spec.value, (end) => lab.ends.ifindex(end as EndName)),
	);
}

export function erase(spec: PortEntry, lab: Lab): void {
	const { map, key, layout } = locate(spec, lab);
	// A devmap has slots without a device; an array's entry is never gone, only zero.
	if (isDevmap(spec)) remove(map, key);
	else update(map, key, Buffer.alloc(layout.size));
}

export function describe({ program, map, key, value }: PortEntry): string {
	return `${program} ${map}[${key}] = ${valueText({ value })}`;
}

export function valueText({ value }: Pick<PortEntry, "value">): string {
	return "ifindex" in value ? value.ifindex : `${value.source} → ${value.destination}`;
}

function object(spec: PortEntry): LabObject<PortEntry> {
	return { kind: "entry", name: nameOf(spec), spec, within: [`program ${spec.program}`], needs: [] };
}

type Place = Pick<PortEntry, "program" | "map" | "key">;

function nameOf({ program, map, key }: Place): string {
	return `${program} ${map} ${key}`;
}

export function portEntryId(place: Place): string {
	return `entry ${nameOf(place)}`;
}

function locate({ program, source, map, key }: PortEntry, lab: Lab) {
	const fd = lab.program(program).maps.get(map);
	const layout = isBuiltin(source) ? builtin(source).maps[map] : undefined;
	if (fd === undefined || !layout) throw new Error(`program ${program} has no map ${map}`);
	return { map: fd, key: u32Key(portOf(key, lab)), layout };
}

/** An entry that nobody wants may be at a port that no end has: `:#100007`. */
function portOf(key: EndName, lab: Lab): number {
	return key.startsWith(":#") ? Number(key.slice(2)) - lab.ends.firstIfindex : lab.ends.port(key);
}

function isDevmap({ map }: PortEntry): boolean {
	return map === "ports";
}
