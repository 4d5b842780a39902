/** What a file's own programs, once their objects are known, must have to do with its ends and each other. */
import { mapType, PROG_ARRAY } from "../programs/maps.js";
import { BUILT_IN_PROGRAMS, type Context } from "./declared.js";
import type { ProgramUse } from "./map-entries.js";
import { MAX_PEER_MTU } from "./mtu.js";
import { splitEnd } from "./names.js";
import { quote } from "./printable.js";
import type { ProgramSource } from "./programs.js";
import type { End, EndName, Program, Veth } from "./topology.js";

/** What a map redirects is for a program of its own type. */
export function checkUses(
	uses: readonly ProgramUse[],
	programs: readonly Program[],
	{ report }: Context,
): void {
	for (const { map, program, at } of uses) {
		const place = mapType(map.type).redirects;
		const own = programs.find(({ name }) => name === program);
		// One whose object is wrong has been reported.
		if (own ? own.place === place : !BUILT_IN_PROGRAMS.includes(program)) continue;
		const message = `program ${quote(program)} cannot run on what ${quote(map.name)} redirects`;
		report.error(at, "program", message, `it must be in SEC("xdp/${place}")`);
	}
}

/** An end takes no program for a map. */
export function checkEnds(programs: readonly Program[], veths: readonly Veth[], context: Context): void {
	const ofMaps = new Map(
		programs.filter(({ place }) => place !== "interface").map((program) => [program.name, program]),
	);
	for (const end of veths.flatMap(({ ends }) => ends)) {
		const program = ofMaps.get(programOf(end) ?? "");
		if (!program) continue;
		const { xdpAt, at } = declaredEnd(end.name, context);
		const message = `${quote(program.function)} is a program for the entries of a ${program.place}, not for an interface`;
		const hint = `name it in an entry of a map: \`program: ${program.name}\``;
		context.report.error(xdpAt ?? at, "program", message, hint);
	}
}

/**
 * Some maps need a reference from user space, a descriptor or a pin, beside that of the program. Without one, the
 * kernel empties a prog_array (prog_array_map_clear() of kernel/bpf/arraymap.c) and starts no timer
 * (bpf_timer_init() of kernel/bpf/helpers.c).
 */
export function checkReferences(
	programs: readonly Program[],
	sources: readonly ProgramSource[],
	{ report, positions }: Context,
): void {
	for (const { name, pin, maps, entries } of programs) {
		const source = sources.find((one) => one.name === name);
		if (pin !== undefined || !source) continue;
		for (const map of maps) {
			const isFilled = entries.some((entry) => entry.map === map.name);
			if (map.type === PROG_ARRAY && isFilled) {
				const message = `the functions in ${quote(map.name)} do not stay there: the kernel empties a prog_array that only a program holds`;
				const hint = `give program ${quote(name)} \`pin\`, such as \`pin: /sys/fs/bpf/${name}\``;
				report.error(positions.key(source.entry.maps ?? {}, map.name), "program", message, hint);
			} else if (map.type === PROG_ARRAY) {
				const message = `tail calls of program ${quote(name)} will fail: ${quote(map.name)} is emptied once nothing holds it`;
				report.warn(source.at, `${message}; give the program \`pin\``);
			} else if (map.timer) {
				const message = `timers of program ${quote(name)} will not start: ${quote(map.name)} needs a reference from user space`;
				report.warn(source.at, `${message}; give the program \`pin\``);
			}
		}
	}
}

export function warnOfUnused(
	sources: readonly ProgramSource[],
	uses: readonly ProgramUse[],
	veths: readonly Veth[],
	{ report }: Context,
): void {
	const used = new Set([
		...uses.map(({ program }) => program),
		...veths.flatMap(({ ends }) => ends.map(programOf)),
	]);
	for (const { name, at } of sources)
		if (!used.has(name)) report.warn(at, `program ${quote(name)} is used by no end, and not loaded`);
}

function programOf({ xdp }: End): string | undefined {
	return xdp && xdp !== "none" ? xdp.program : undefined;
}

export function checkMtus(programs: readonly Program[], veths: readonly Veth[], context: Context): void {
	const single = new Map(programs.filter(({ frags }) => !frags).map((program) => [program.name, program]));
	for (const { ends } of veths)
		for (const [end, peer] of [ends, ends.toReversed() as typeof ends]) {
			if (!end.xdp || end.xdp === "none" || end.xdp.attach !== "native" || peer.mtu <= MAX_PEER_MTU) continue;
			const program = single.get(end.xdp.program);
			if (!program) continue;
			const { mtuAt, at } = declaredEnd(peer.name, context);
			const message = `MTU ${peer.mtu} is more than program ${quote(program.name)} on ${quote(end.name)} can take: ${MAX_PEER_MTU}`;
			context.report.error(mtuAt ?? at, "value", message, 'a program in SEC("xdp.frags") takes any');
		}
}

export function checkPins(
	programs: readonly Program[],
	sources: readonly ProgramSource[],
	{ report, positions }: Context,
): void {
	const taken = new Map<string, string>();
	const folders = programs.flatMap(({ pin }) => pin ?? []);
	for (const { name, pin, maps } of programs) {
		const entry = sources.find((source) => source.name === name)?.entry;
		for (const map of pin === undefined ? [] : maps) {
			const path = `${pin}/${map.name}`;
			const within = folders.find((folder) => folder === path || folder.startsWith(`${path}/`));
			if (within !== undefined && entry) {
				const message = `${quote(path)} is to be a map, and ${quote(within)} a folder`;
				report.error(positions.value(entry, "pin"), "duplicate", message, "choose another folder");
				break;
			}
			const other = taken.get(path);
			if (other !== undefined && entry) {
				const message = `${quote(path)} would be pinned twice: by ${quote(other)} and ${quote(name)}`;
				report.error(
					positions.value(entry, "pin"),
					"duplicate",
					message,
					"every entry has maps of its own: give each a folder",
				);
				break;
			}
			taken.set(path, name);
		}
	}
}

function declaredEnd(name: EndName, { declared }: Context) {
	const found = declared.ends(splitEnd(name).namespace).find(({ end }) => end.name === name);
	if (!found) throw new Error(`bug: ${name} is not declared`);
	return found;
}
