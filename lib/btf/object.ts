import { Btf, type TypeId } from "./btf.js";
import { type Elf, ObjectError, readElf, type Section } from "./elf.js";
import { functionsOf } from "./functions.js";
import { type MapDefinition, mapsOf } from "./map-definition.js";

/** What a BPF object holds, as far as somebody who loads it must know. */
export interface BpfObject {
	programs: ProgramDefinition[];
	maps: MapDefinition[];
	/** Global variables by name, of all sections of data. Two static ones may have the same name. */
	variables: ReadonlyMap<string, readonly Variable[]>;
	btf: Btf;
}

export interface ProgramDefinition {
	/** Of its C function. */
	name: string;
	/** What SEC() says: `xdp.frags`. */
	section: string;
	/** Undefined where it is no XDP program. */
	xdp: XdpDefinition | undefined;
	/** The names of the maps that its code refers to, its own or that of a function in `.text`. */
	maps: string[];
	/** A function in which a call goes through a register (`callx`), which no BPF machine has; absent without. */
	indirectCall?: string;
}

export interface XdpDefinition {
	/** Where it runs: on an interface, or on what a map of devices or of CPUs has redirected. */
	place: "interface" | "devmap" | "cpumap";
	/** It takes frames in several buffers: BPF_F_XDP_HAS_FRAGS. */
	frags: boolean;
	/** A name of section that only libbpf before 1.0 took for XDP: `xdp_pass`. */
	legacy: boolean;
}

export interface Variable {
	/** `.rodata`, `.data`, `.bss`, or one of them with a name behind it. */
	section: string;
	/** Offset within the section, in bytes. */
	offset: number;
	type: TypeId;
}

/** @throws ObjectError where it cannot be loaded on this machine, or says nothing of its types */
export function readBpfObject(bytes: Buffer): BpfObject {
	const elf = readElf(bytes);
	const section = elf.sections.find(({ name }) => name === ".BTF");
	if (!section) throw new ObjectError("the object has no BTF", "compile it with `clang -g`");
	if (elf.sections.some(({ name }) => name === "maps"))
		throw new ObjectError(
			'the object defines maps the old way, in SEC("maps"), which libbpf 1.0 and newer do not take',
			'define them by their types, in SEC(".maps")',
		);
	const structOps = elf.sections.find(({ name }) => /^\??\.struct_ops(?:\.link)?$/.test(name));
	if (structOps)
		throw new ObjectError(
			`the object implements kernel operations in SEC("${structOps.name}"), which cannot be loaded beside an XDP program`,
			"keep them in an object of their own",
		);
	const btf = new Btf(section.data);
	checkExterns(elf, btf);
	return { programs: programsOf(elf), maps: mapsOf(elf, btf), variables: variablesOf(elf, btf), btf };
}

/** The kernel and its configuration fill in what is in these sections of BTF, and nothing else. */
function checkExterns({ sections, relocations }: Elf, btf: Btf): void {
	const UNDEFINED = 0;
	const known = new Set([".kconfig", ".ksyms"].flatMap((section) => btf.namesIn(section)));
	const missing = relocations.find(
		({ section, symbol }) =>
			sections[section]?.executable &&
			symbol.section === UNDEFINED &&
			symbol.name !== "" &&
			!known.has(symbol.name),
	);
	if (missing)
		throw new ObjectError(
			`the object refers to ${missing.symbol.name}, which is not in it`,
			"link the objects that belong together with `bpftool gen object`",
		);
}

/** As bpf_object__add_programs() of libbpf: functions of sections with code; `.text` has their helpers. */
function programsOf(elf: Elf): ProgramDefinition[] {
	const functions = functionsOf(elf);
	const helpers = functions.filter(({ section }) => section.name === ".text");
	return functions.flatMap(({ name, global, section, maps, indirectCall }) => {
		if (section.name === ".text") return [];
		if (!global)
			throw new ObjectError(
				`function ${name} in SEC("${section.name}") is static, which libbpf does not take`,
				"leave out `static`, or the SEC()",
			);
		// A question mark asks the loader not to load it unless told to.
		const text = section.name.replace(/^\?/, "");
		const culprit = indirectCall ? name : helpers.find((helper) => helper.indirectCall)?.name;
		return [
			{
				name,
				section: text,
				xdp: xdpOf(text),
				maps: [...new Set([...maps, ...helpers.flatMap((helper) => helper.maps)])],
				...(culprit !== undefined && { indirectCall: culprit }),
			},
		];
	});
}

/** The section_defs of libbpf, and what libbpf before 1.0 took as well: anything that begins with `xdp`. */
function xdpOf(section: string): XdpDefinition | undefined {
	const match = /^xdp(\.frags)?(?:\/(devmap|cpumap))?$/.exec(section);
	if (match) {
		const [, frags, place] = match;
		return {
			place: (place as "devmap" | "cpumap" | undefined) ?? "interface",
			frags: frags !== undefined,
			legacy: false,
		};
	}
	const old = /^xdp(?:_(devmap|cpumap)\/)?/.exec(section);
	if (!old) return undefined;
	return { place: (old[1] as "devmap" | "cpumap" | undefined) ?? "interface", frags: false, legacy: true };
}

const DATA = /^\.(?:rodata|data|bss)(?:\.|$)/;

/** Where a variable is, its symbol knows; what it is, BTF. */
function variablesOf({ sections, symbols }: Elf, btf: Btf): Map<string, Variable[]> {
	const variables = new Map<string, Variable[]>();
	for (const section of sections.filter(({ name }) => DATA.test(name))) {
		const types = new Map(btf.variables(section.name).map(({ name, type }) => [name, type]));
		for (const { name, offset } of inSection(symbols, section)) {
			const type = types.get(name);
			if (type === undefined) continue;
			if (offset + btf.sizeOf(type) > section.size)
				throw new ObjectError(`variable ${name} lies outside of its section`);
			variables.set(name, [...(variables.get(name) ?? []), { section: section.name, offset, type }]);
		}
	}
	return variables;
}

function inSection(symbols: Elf["symbols"], { index }: Section): Elf["symbols"] {
	return symbols.filter(({ kind, section }) => kind === "variable" && section === index);
}
