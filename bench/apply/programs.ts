import { execFileSync } from "node:child_process";
import type { EndSteps } from "./steps.js";

/** A program as the product has loaded it, read back from the kernel. */
export interface KernelProgram {
	/** In the lab. */
	name: string;
	/** The file that it was loaded from. */
	object: string;
	/** max_entries by map, of the maps that the object declares. */
	capacities: [map: string, entries: number][];
	/** What its constants are, in hex; empty where it has none. */
	rodata: string;
	/** What its label says, in hex. */
	label: string;
}

function json<T>(command: string, ...args: string[]): T {
	return JSON.parse(execFileSync(command, args, { encoding: "utf8" })) as T;
}

/** The programs that run on these ends, with what a load of the same takes. */
export function readPrograms(ends: readonly EndSteps[]): KernelProgram[] {
	return ends.map(({ namespace, interface: name }) => {
		const [link] = json<[{ xdp: { prog: { id: number } } }]>(
			"ip",
			"-n",
			namespace,
			"-j",
			"-d",
			"link",
			"show",
			"dev",
			name,
		);
		return readProgram(link.xdp.prog.id);
	});
}

function readProgram(id: number): KernelProgram {
	const { map_ids } = json<{ map_ids: number[] }>("bpftool", "-j", "prog", "show", "id", String(id));
	const maps = map_ids.map((map) =>
		json<{ id: number; name: string; type: string; max_entries: number }>(
			"bpftool",
			"-j",
			"map",
			"show",
			"id",
			String(map),
		),
	);
	const value = (name: string) => {
		const map = maps.find((one) => one.name.endsWith(name));
		return map ? firstValue(map.id) : "";
	};
	const label = value("xdp_topology");
	const { program, source } = JSON.parse(Buffer.from(label, "hex").toString().replace(/\0+$/, "")) as {
		program: string;
		source: string;
	};
	return {
		name: program,
		object: `dist/bpf/${source}.bpf.o`,
		capacities: maps
			.filter(({ name }) => !name.endsWith("rodata") && name !== "xdp_topology")
			.map(({ name, max_entries }) => [name, max_entries]),
		rodata: value(".rodata"),
		label,
	};
}

function firstValue(map: number): string {
	const [{ value }] = json<[{ value: string[] }]>("bpftool", "-j", "map", "dump", "id", String(map));
	return value.map((byte) => byte.slice(2)).join("");
}
