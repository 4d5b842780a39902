import { createHash } from "node:crypto";
import { ObjectError } from "../btf/elf.js";
import { Encoder } from "../btf/encode.js";
import { type BpfObject, type ProgramDefinition, readBpfObject, type XdpDefinition } from "../btf/object.js";
import type { Surroundings } from "../btf/surroundings.js";
import { checkCode } from "./code-checks.js";
import type { Context } from "./declared.js";
import { type IfindexReference, warnOfForeignReferences } from "./foreign-references.js";
import { checkDefinitions } from "./map-checks.js";
import type { ProgramUse } from "./map-entries.js";
import { list, quote } from "./printable.js";
import {
	checkEnds,
	checkMtus,
	checkPins,
	checkReferences,
	checkUses,
	warnOfUnused,
} from "./program-checks.js";
import { resolveGlobals } from "./program-globals.js";
import { resolveMaps } from "./program-maps.js";
import type { ProgramSource } from "./programs.js";
import type { Program, Veth } from "./topology.js";

/** An object as it was read or compiled, or why there is none. */
export type ObjectContent =
	| {
			path: string;
			bytes: Buffer;
			/** The compiler's. */
			warnings?: string;
	  }
	| {
			problem: string;
			hint?: string;
			detail?: string;
			/** Of the folders of headers, the one that the problem is with. */
			include?: number;
	  };

/** Resolves what the file says of its own programs against their objects. What is wrong is reported. */
export function resolvePrograms(
	sources: readonly ProgramSource[],
	objects: ReadonlyMap<string, ObjectContent>,
	veths: readonly Veth[],
	context: Context,
): Program[] {
	const resolved = sources.flatMap(
		(source) => resolveProgram(source, objects.get(source.name), context) ?? [],
	);
	const programs = resolved.map(({ program }) => program);
	const uses = resolved.flatMap((one) => one.uses);
	checkUses(uses, programs, context);
	checkEnds(programs, veths, context);
	checkMtus(programs, veths, context);
	checkPins(programs, sources, context);
	checkReferences(programs, sources, context);
	warnOfUnused(sources, uses, veths, context);
	warnOfForeignReferences(resolved, veths, context);
	return programs;
}

interface Resolved {
	program: Program;
	uses: ProgramUse[];
	references: IfindexReference[];
}

function resolveProgram(
	source: ProgramSource,
	content: ObjectContent | undefined,
	context: Context,
): Resolved | undefined {
	const { report } = context;
	if (content === undefined) {
		report.error(source.originAt, "program", "this has not been read", "loadTopology() reads it");
		return undefined;
	}
	if ("problem" in content) {
		const { problem, hint, detail, include } = content;
		const at =
			include === undefined
				? source.originAt
				: context.positions.value(source.entry.include ?? [], String(include));
		report.error(at, "program", problem, hint, detail);
		return undefined;
	}
	if (content.warnings) report.warn(source.originAt, "clang has warnings", content.warnings);
	try {
		const object = readBpfObject(content.bytes);
		const chosen = chooseProgram(source, object, context);
		const references: IfindexReference[] = [];
		const encoder = new Encoder(object.btf, surroundings(context, references));
		const { definitions, maps, entries, uses } = resolveMaps(source, object, encoder, context);
		const globals = resolveGlobals(source, object, encoder, context);
		checkDefinitions(definitions, object, source, context);
		if (!chosen) return undefined;
		checkCode(chosen, entries, { ...object, maps: definitions }, source, context);
		const program: Program = {
			name: source.name,
			path: content.path,
			digest: createHash("sha256").update(content.bytes).digest("hex").slice(0, 16),
			origin: "object" in source.origin ? source.origin.object : source.origin.source,
			at: report.source.place(source.originAt.start),
			compiled: "source" in source.origin,
			function: chosen.name,
			place: chosen.xdp.place,
			frags: chosen.xdp.frags,
			maps,
			globals,
			entries,
			...(source.pin !== undefined && { pin: source.pin }),
		};
		return { program, uses, references };
	} catch (error) {
		if (!(error instanceof ObjectError)) throw error;
		report.error(source.originAt, "program", error.message, error.hint);
		return undefined;
	}
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

/** What an encoder needs to know of the file. @param references notes the ifindexes that are asked for */
function surroundings(
	{ positions, report, declared }: Context,
	references: IfindexReference[],
): Surroundings {
	return {
		problem: ({ container, name, isName }, message, hint) => {
			if (positions.isLost(container, name)) return;
			const at = isName ? positions.key(container, name) : positions.value(container, name);
			report.error(at, "program", message, hint);
		},
		reference: (kind, text, { container, name }) => {
			const at = positions.value(container, name);
			if (kind === "ifindex" || kind === "mac") {
				const end = declared.findEnd(text, at)?.end;
				if (end && kind === "ifindex") references.push({ end: end.name, at });
				return kind === "ifindex" ? end?.name : end && Buffer.from(end.mac.replaceAll(":", ""), "hex");
			}
			const found = declared.findAddresses(text, at);
			if (!found) return undefined;
			const { name: owner, addresses } = found;
			const family = kind === "ipv4" ? 4 : 6;
			const address = addresses.find((one) => one.family === family && !one.linkLocal);
			if (!address) {
				if (!found.incomplete) report.error(at, "reference", `${quote(owner)} has no IPv${family} address`);
				return undefined;
			}
			return Buffer.from(address.bits.toString(16).padStart(family === 4 ? 8 : 32, "0"), "hex");
		},
	};
}
