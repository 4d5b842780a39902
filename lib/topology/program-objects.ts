import { createHash } from "node:crypto";
import { ObjectError } from "../btf/elf.js";
import { Encoder, type Surroundings } from "../btf/encode.js";
import { type BpfObject, type ProgramDefinition, readBpfObject, type XdpDefinition } from "../btf/object.js";
import { mapType, PROG_ARRAY } from "../programs/maps.js";
import { BUILT_IN_PROGRAMS, type Context } from "./declared.js";
import { list, quote } from "./printable.js";
import { resolveMaps } from "./program-maps.js";
import type { ProgramSource } from "./programs.js";
import type { EndName, Global, Program, Veth } from "./topology.js";

/** An object as it was read or compiled, or why there is none. */
export type ObjectContent =
	| { path: string; bytes: Buffer /** The compiler's. */; warnings?: string }
	| { problem: string; hint?: string; detail?: string };

/** What a native program that is not `xdp.frags` takes of a peer's MTU: veth_xdp_set() of drivers/net/veth.c. */
const MAX_PEER_MTU = 3506;

/** Resolves what the file says of its own programs against their objects. What is wrong is reported. */
export function resolvePrograms(
	sources: readonly ProgramSource[],
	objects: ReadonlyMap<string, ObjectContent>,
	veths: readonly Veth[],
	context: Context,
): Program[] {
	const programs = sources.flatMap(
		(source) => resolveProgram(source, objects.get(source.name), context) ?? [],
	);
	checkPlaces(programs, sources, veths, context);
	checkMtus(programs, veths, context);
	checkPins(programs, sources, context);
	return programs;
}

function resolveProgram(
	source: ProgramSource,
	content: ObjectContent | undefined,
	context: Context,
): Program | undefined {
	const { report } = context;
	if (content === undefined) throw new Error(`bug: nobody has read the object of ${source.name}`);
	if ("problem" in content) {
		report.error(source.originAt, "program", content.problem, content.hint, content.detail);
		return undefined;
	}
	if (content.warnings) report.warn(source.originAt, "clang has warnings", content.warnings);
	try {
		const object = readBpfObject(content.bytes);
		const chosen = chooseProgram(source, object, context);
		if (!chosen) return undefined;
		const encoder = new Encoder(object.btf, surroundings(context));
		const { maps, entries } = resolveMaps(source, object, encoder, context);
		warnOfProgArrays(source, maps, context);
		return {
			name: source.name,
			path: content.path,
			digest: createHash("sha256").update(content.bytes).digest("hex").slice(0, 16),
			origin: "object" in source.origin ? source.origin.object : source.origin.source,
			function: chosen.name,
			place: chosen.xdp.place,
			frags: chosen.xdp.frags,
			maps,
			globals: resolveGlobals(source, object, encoder, context),
			entries,
			...(source.pin !== undefined && { pin: source.pin }),
		};
	} catch (error) {
		if (!(error instanceof ObjectError)) throw error;
		report.error(source.originAt, "program", error.message, error.hint);
		return undefined;
	}
}

/** The kernel empties a prog_array with the last descriptor or pin of it: prog_array_map_clear() of kernel/bpf/arraymap.c. */
function warnOfProgArrays(
	{ name, at, pin }: ProgramSource,
	maps: Program["maps"],
	{ report }: Context,
): void {
	for (const map of maps)
		if (map.type === PROG_ARRAY && pin === undefined)
			report.warn(
				at,
				`tail calls of program ${quote(name)} will fail: ${quote(map.name)} is emptied once nothing holds it; give the program \`pin\``,
			);
}

function chooseProgram(
	{ entry, originAt }: ProgramSource,
	{ programs }: BpfObject,
	{ report, positions }: Context,
): (ProgramDefinition & { xdp: XdpDefinition }) | undefined {
	const ofXdp = programs.filter(
		(one): one is ProgramDefinition & { xdp: XdpDefinition } => one.xdp !== undefined,
	);
	const names = ofXdp.map(({ name }) => name);
	const listed = () =>
		names.length ? `it has ${list(names.slice(0, 8).map(quote))}` : 'one begins with SEC("xdp")';
	if (entry.program !== undefined) {
		const at = positions.value(entry, "program");
		const found = ofXdp.find(({ name }) => name === entry.program);
		if (found) return found;
		const other = programs.find(({ name }) => name === entry.program);
		if (other)
			report.error(
				at,
				"program",
				`${quote(other.name)} is no XDP program: its section is ${quote(other.section)}`,
				listed(),
			);
		else
			report.error(
				at,
				"program",
				`the object has no program ${quote(entry.program)}`,
				() => report.suggest(entry.program ?? "", names) ?? listed(),
			);
		return undefined;
	}
	const [only, another] = ofXdp;
	if (only && !another) return only;
	if (only)
		report.error(
			originAt,
			"program",
			"the object has several XDP programs: say which by `program`",
			listed(),
		);
	else {
		const others = programs.slice(0, 8).map(({ name, section }) => `${quote(name)} (${section})`);
		const hint = others.length ? `it has ${list(others)}` : 'one begins with SEC("xdp")';
		report.error(originAt, "program", "the object has no XDP program", hint);
	}
	return undefined;
}

function resolveGlobals(
	{ entry }: ProgramSource,
	{ variables }: BpfObject,
	encoder: Encoder,
	{ positions, report }: Context,
): Global[] {
	const globals: Global[] = [];
	for (const { name, value, key } of positions.entries<unknown>(entry.globals ?? {})) {
		const variable = variables.get(name);
		if (!variable) {
			const names = [...variables.keys()];
			report.error(key, "program", `the object has no global variable ${quote(name)}`, () => {
				const known = names.length ? `it has ${list(names.slice(0, 8).map(quote))}` : "it has none";
				return report.suggest(name, names) ?? known;
			});
		} else if (value !== undefined) {
			const place = { container: entry.globals as object, name };
			globals.push({ name, value: encoder.encode(variable.type, value, place) });
		}
	}
	return globals;
}

/** What an encoder needs to know of the file. */
function surroundings({ positions, report, declared }: Context): Surroundings {
	return {
		problem: ({ container, name }, message, hint) => {
			if (!positions.isLost(container, name))
				report.error(positions.value(container, name), "program", message, hint);
		},
		reference: (kind, text, { container, name }) => {
			const at = positions.value(container, name);
			const found = declared.findEnd(text, at);
			if (!found) return undefined;
			const { end, addresses } = found;
			if (kind === "ifindex") return end.name;
			if (kind === "mac") return Buffer.from(end.mac.replaceAll(":", ""), "hex");
			const family = kind === "ipv4" ? 4 : 6;
			const address = addresses.find((one) => one.family === family && !one.linkLocal);
			if (!address) {
				if (!found.incomplete)
					report.error(at, "reference", `${quote(end.name)} has no IPv${family} address`);
				return undefined;
			}
			return Buffer.from(address.bits.toString(16).padStart(family === 4 ? 8 : 32, "0"), "hex");
		},
	};
}

/** A program for a map of devices is attached to no interface, and the other way round. */
function checkPlaces(
	programs: readonly Program[],
	sources: readonly ProgramSource[],
	veths: readonly Veth[],
	context: Context,
): void {
	const byName = new Map(programs.map((program) => [program.name, program]));
	const used = new Set<string>();
	for (const { name, entries, maps } of programs)
		for (const { map, program } of entries) {
			if (program === undefined) continue;
			used.add(program);
			const place = mapType(maps.find((one) => one.name === map)?.type ?? 0).redirects;
			const own = byName.get(program);
			// One whose object is wrong has been reported.
			if (own ? own.place === place : !BUILT_IN_PROGRAMS.includes(program)) continue;
			const message = `program ${quote(program)} cannot run on what map ${quote(map)} of ${quote(name)} redirects`;
			const at = sources.find((source) => source.name === name)?.at ?? { start: 0, end: 1 };
			context.report.error(at, "program", message, `it must be in SEC("xdp/${place}")`);
		}
	for (const end of veths.flatMap(({ ends }) => ends)) {
		if (!end.xdp || end.xdp === "none") continue;
		used.add(end.xdp.program);
		const program = byName.get(end.xdp.program);
		if (!program || program.place === "interface") continue;
		const { xdpAt, at } = declaredEnd(end.name, context);
		const message = `${quote(program.function)} is a program for the entries of a ${program.place}, not for an interface`;
		context.report.error(
			xdpAt ?? at,
			"program",
			message,
			`name it in an entry of a map: \`program: ${program.name}\``,
		);
	}
	for (const { name, at } of sources)
		if (!used.has(name)) context.report.warn(at, `program ${quote(name)} is used by no end, and not loaded`);
}

function checkMtus(programs: readonly Program[], veths: readonly Veth[], context: Context): void {
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

function checkPins(
	programs: readonly Program[],
	sources: readonly ProgramSource[],
	{ report, positions }: Context,
): void {
	const taken = new Map<string, string>();
	for (const { name, pin, maps } of programs) {
		const entry = sources.find((source) => source.name === name)?.entry;
		for (const map of pin === undefined ? [] : maps) {
			const path = `${pin}/${map.name}`;
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
	const found = declared.ends(name.slice(0, name.indexOf(":"))).find(({ end }) => end.name === name);
	if (!found) throw new Error(`bug: ${name} is not declared`);
	return found;
}
