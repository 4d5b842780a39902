import type { Elf, Section } from "./elf.js";

/** A function of an object, and what its instructions say about loading it. */
export interface CodeFunction {
	name: string;
	/** Seen outside of its source file: not `static`. */
	global: boolean;
	section: Section;
	/** The names of the maps that its instructions refer to. */
	maps: string[];
	/** One of its calls goes through a register: what clang makes of a helper's pointer at -O0. */
	indirectCall: boolean;
}

/** The functions in sections with code. */
export function functionsOf({ sections, symbols, relocations }: Elf): CodeFunction[] {
	const ofMaps = sections.find(({ name }) => name === ".maps")?.index;
	const toMaps = relocations.filter(({ symbol }) => ofMaps !== undefined && symbol.section === ofMaps);
	return symbols.flatMap((symbol) => {
		const section = sections[symbol.section];
		if (symbol.kind !== "function" || !section?.executable) return [];
		const { name, global, offset, size } = symbol;
		const isWithin = (at: number) => at >= offset && at < offset + size;
		const maps = toMaps.filter((one) => one.section === section.index && isWithin(one.offset));
		return [
			{
				name,
				global,
				section,
				maps: [...new Set(maps.map((one) => one.symbol.name))],
				indirectCall: hasIndirectCall(section, symbol),
			},
		];
	});
}

/** struct bpf_insn of <linux/bpf.h>: 8 bytes, or 16 where a constant of 64 bits is loaded. */
function hasIndirectCall({ data }: Section, { offset, size }: Elf["symbols"][number]): boolean {
	const [INSTRUCTION, LOAD_64, CALL_REGISTER] = [8, 0x18, 0x8d];
	const end = Math.min(offset + size, data.length);
	for (let at = offset; at < end; at += data[at] === LOAD_64 ? 2 * INSTRUCTION : INSTRUCTION)
		if (data[at] === CALL_REGISTER) return true;
	return false;
}
