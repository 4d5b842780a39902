import { Btf, type TypeId } from "./btf.js";
import { type Elf, ObjectError, readElf, type Section } from "./elf.js";

/** What a BPF object holds, as far as somebody who loads it must know. */
export interface BpfObject {
	programs: ProgramDefinition[];
	maps: MapDefinition[];
	/** Global variables by name, of all sections of data. */
	variables: ReadonlyMap<string, Variable>;
	btf: Btf;
}

export interface ProgramDefinition {
	/** Of its C function. */
	name: string;
	/** What SEC() says: `xdp.frags`. */
	section: string;
	/** Undefined where it is no XDP program. */
	xdp: XdpDefinition | undefined;
}

export interface XdpDefinition {
	/** Where it runs: on an interface, or on what a map of devices or of CPUs has redirected. */
	place: "interface" | "devmap" | "cpumap";
	/** It takes frames in several buffers: BPF_F_XDP_HAS_FRAGS. */
	frags: boolean;
	/** A name of section that only libbpf before 1.0 took for XDP: `xdp_pass`. */
	legacy: boolean;
}

export interface MapDefinition {
	name: string;
	/** enum bpf_map_type of <linux/bpf.h>. */
	type: number;
	/** Bytes. */
	keySize: number;
	valueSize: number;
	/** Absent where the definition gives only a size. */
	keyType?: TypeId;
	valueType?: TypeId;
	maxEntries: number;
	flags: number;
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
	const btf = new Btf(section.data);
	return { programs: programsOf(elf), maps: mapsOf(btf), variables: variablesOf(elf, btf), btf };
}

/** As bpf_object__add_programs() of libbpf: functions of sections with code; `.text` has their helpers. */
function programsOf({ sections, symbols }: Elf): ProgramDefinition[] {
	return symbols.flatMap(({ name, kind, global, section: index }) => {
		const section = sections[index];
		if (kind !== "function" || !section?.executable || section.name === ".text") return [];
		if (!global)
			throw new ObjectError(
				`function ${name} in SEC("${section.name}") is static, which libbpf does not take`,
				"leave out `static`, or the SEC()",
			);
		// A question mark asks the loader not to load it unless told to.
		const text = section.name.replace(/^\?/, "");
		return [{ name, section: text, xdp: xdpOf(text) }];
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

/** Definitions in SEC(".maps"): `__uint(name, n)` is a pointer to an array of n, `__type(name, t)` one to t. */
function mapsOf(btf: Btf): MapDefinition[] {
	return btf.variables(".maps").map(({ name, type }) => {
		const definition = btf.resolve(type);
		if (definition.kind !== "struct")
			throw new ObjectError(`map ${name} is defined by something else than a struct`);
		const pointees = new Map(
			definition.members.map((member) => {
				const pointer = btf.resolve(member.type);
				return [member.name, pointer.kind === "pointer" ? pointer.type : 0];
			}),
		);
		const number = (key: string) => {
			const array = pointees.has(key) ? btf.resolve(pointees.get(key) ?? 0) : undefined;
			return array?.kind === "array" ? array.length : 0;
		};
		const [keyType, valueType] = [pointees.get("key"), pointees.get("value")];
		return {
			name,
			type: number("type"),
			keySize: keyType === undefined ? number("key_size") : btf.sizeOf(keyType),
			valueSize: valueType === undefined ? number("value_size") : btf.sizeOf(valueType),
			...(keyType !== undefined && { keyType }),
			...(valueType !== undefined && { valueType }),
			maxEntries: number("max_entries"),
			flags: number("map_flags"),
		};
	});
}

const DATA = /^\.(?:rodata|data|bss)(?:\.|$)/;

/** Where a variable is, its symbol knows; what it is, BTF. */
function variablesOf({ sections, symbols }: Elf, btf: Btf): Map<string, Variable> {
	const variables = new Map<string, Variable>();
	for (const section of sections.filter(({ name }) => DATA.test(name))) {
		const types = new Map(btf.variables(section.name).map(({ name, type }) => [name, type]));
		for (const { name, offset } of inSection(symbols, section)) {
			const type = types.get(name);
			if (type === undefined) continue;
			if (offset + btf.sizeOf(type) > section.size)
				throw new ObjectError(`variable ${name} lies outside of its section`);
			variables.set(name, { section: section.name, offset, type });
		}
	}
	return variables;
}

function inSection(symbols: Elf["symbols"], { index }: Section): Elf["symbols"] {
	return symbols.filter(({ kind, section }) => kind === "variable" && section === index);
}
