import type { Machine } from "../machine.js";

interface Link {
	ifindex: number;
	xdp?: { mode: number; prog: { id: number } };
}

/** What runs on an end, `NAMESPACE:INTERFACE`. */
export interface Running {
	/** The program's. */
	id: number;
	/** XDP_ATTACHED_* of <linux/if_link.h>. */
	mode: number;
	ifindex: number;
}

export async function runningOn(machine: Machine, end: string): Promise<Running> {
	const [namespace = "", device = ""] = end.split(":");
	const [link] = await machine.json<Link[]>(namespace, "ip", "-j", "-d", "link", "show", "dev", device);
	if (!link?.xdp) throw new Error(`${end} runs no program`);
	return { id: link.xdp.prog.id, mode: link.xdp.mode, ifindex: link.ifindex };
}

/** The id of a program's map; undefined where it has none of that name. */
export async function mapOf(machine: Machine, program: number, name: RegExp): Promise<string | undefined> {
	const { map_ids = [] } = await bpftool<{ map_ids?: number[] }>(
		machine,
		"prog",
		"show",
		"id",
		String(program),
	);
	const maps = await Promise.all(
		map_ids.map((id) => bpftool<{ id: number; name: string }>(machine, "map", "show", "id", String(id))),
	);
	return maps.find((map) => name.test(map.name))?.id.toString();
}

/** The entries of a map, as its BTF types them. */
export async function entriesOf<Entry>(machine: Machine, map: string): Promise<Entry[]> {
	const dumped = await bpftool<{ formatted: Entry }[]>(machine, "map", "dump", "id", map);
	return dumped.map(({ formatted }) => formatted);
}

function bpftool<T>(machine: Machine, ...args: string[]): Promise<T> {
	return machine.json<T>("host", "bpftool", "-j", ...args);
}
