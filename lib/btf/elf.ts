/** A BPF object file: 64-bit ELF, elf(5) and <elf.h>. Only what a BPF object can be is taken. */

/** An object that is none, or that this machine cannot load. */
export class ObjectError extends Error {
	override readonly name = "ObjectError";
	/** What to do about it. */
	readonly hint: string | undefined;

	constructor(message: string, hint?: string) {
		super(message);
		this.hint = hint;
	}
}

export interface Section {
	index: number;
	name: string;
	/** It holds instructions: SHF_EXECINSTR. */
	executable: boolean;
	/** In bytes; also of `.bss`, which has none in the file. */
	size: number;
	/** Empty where the file has none of it. */
	data: Buffer;
}

export interface Symbol {
	name: string;
	kind: "variable" | "function" | "other";
	/** Seen outside of its source file: not `static`. */
	global: boolean;
	/** The index of its section. */
	section: number;
	/** Offset within the section, in bytes. */
	offset: number;
	/** In bytes. */
	size: number;
}

/** A place whose content the loader of the object fills in. */
export interface Relocation {
	/** The index of the section that has the place. */
	section: number;
	/** Offset of the place within that section, in bytes. */
	offset: number;
	/** What the place refers to. */
	symbol: Symbol;
}

export interface Elf {
	sections: Section[];
	symbols: Symbol[];
	relocations: Relocation[];
}

const EI_CLASS = 4;
const EI_DATA = 5;
const CLASS64 = 2;
const LITTLE_ENDIAN = 1;
const ET_REL = 1;
const EM_BPF = 247;
const SHT_SYMTAB = 2;
const SHT_NOBITS = 8;
const SHT_REL = 9;
const SHF_EXECINSTR = 4n;
const STT_OBJECT = 1;
const STT_FUNC = 2;

/** @throws ObjectError where the bytes are no BPF object of this machine's byte order */
export function readElf(bytes: Buffer): Elf {
	checkHeader(bytes);
	try {
		const headers = readHeaders(bytes);
		const names = contentOf(bytes, headers[bytes.readUInt16LE(62)]);
		const sections = headers.map((header, index) => ({
			index,
			name: stringAt(names, header.name),
			executable: (header.flags & SHF_EXECINSTR) !== 0n,
			size: header.size,
			data: contentOf(bytes, header),
		}));
		// elf(5): an object has one at most.
		const table = headers.find(({ type }) => type === SHT_SYMTAB);
		const symbols = table ? readSymbols(contentOf(bytes, table), contentOf(bytes, headers[table.link])) : [];
		const relocations = headers.flatMap((header) =>
			header.type === SHT_REL ? readRelocations(contentOf(bytes, header), header.info, symbols) : [],
		);
		checkCode({ sections, symbols, relocations });
		return { sections, symbols, relocations };
	} catch (error) {
		if (error instanceof RangeError) throw new ObjectError("the object is cut off or damaged");
		throw error;
	}
}

function checkHeader(bytes: Buffer): void {
	if (bytes.length === 0) throw new ObjectError("the object is empty");
	if (bytes.toString("latin1", 0, 4) !== "\x7fELF")
		throw bytes.includes(0)
			? new ObjectError("this is no ELF object", "compile it with `clang -O2 -g -target bpf -c`")
			: new ObjectError("this is a text, and no ELF object", "name a C source by `source`");
	if (bytes.length < 64) throw new ObjectError("the object is cut off or damaged");
	if (bytes[EI_CLASS] !== CLASS64) throw new ObjectError("this is a 32-bit object, and BPF has 64 bits");
	// Of all machines that Node.js runs on, only s390x has the other order.
	if (bytes[EI_DATA] !== LITTLE_ENDIAN)
		throw new ObjectError(
			"the object is for a machine of big-endian byte order",
			"compile it with `-target bpf`, or `-target bpfel`",
		);
	const machine = bytes.readUInt16LE(18);
	if (machine !== EM_BPF)
		throw new ObjectError(
			"the object holds machine code of a processor, not BPF",
			"compile it with `clang -O2 -g -target bpf -c`",
		);
	if (bytes.readUInt16LE(16) !== ET_REL)
		throw new ObjectError("this is no relocatable object", "give the `.o` file that `clang -c` writes");
}

interface Header {
	name: number;
	type: number;
	flags: bigint;
	offset: number;
	size: number;
	/** Of a symbol table, the section of its names. */
	link: number;
	/** Of relocations, the section that they change. */
	info: number;
}

/** struct elf64_shdr */
function readHeaders(bytes: Buffer): Header[] {
	const SIZE = 64;
	const table = Number(bytes.readBigUInt64LE(40));
	const length = bytes.readUInt16LE(60);
	if (bytes.readUInt16LE(58) !== SIZE || table + length * SIZE > bytes.length) throw new RangeError();
	return Array.from({ length }, (_, i) => {
		const at = table + i * SIZE;
		return {
			name: bytes.readUInt32LE(at),
			type: bytes.readUInt32LE(at + 4),
			flags: bytes.readBigUInt64LE(at + 8),
			offset: Number(bytes.readBigUInt64LE(at + 24)),
			size: Number(bytes.readBigUInt64LE(at + 32)),
			link: bytes.readUInt32LE(at + 40),
			info: bytes.readUInt32LE(at + 44),
		};
	});
}

function contentOf(bytes: Buffer, header: Header | undefined): Buffer {
	if (!header || (header.type !== SHT_NOBITS && header.offset + header.size > bytes.length))
		throw new RangeError();
	const { type, offset, size } = header;
	return type === SHT_NOBITS ? Buffer.alloc(0) : bytes.subarray(offset, offset + size);
}

/** struct elf64_sym */
function readSymbols(table: Buffer, names: Buffer): Symbol[] {
	const SIZE = 24;
	return Array.from({ length: Math.floor(table.length / SIZE) }, (_, i) => {
		const at = i * SIZE;
		const info = table.readUInt8(at + 4);
		const type = info & 0xf;
		return {
			name: stringAt(names, table.readUInt32LE(at)),
			kind: type === STT_OBJECT ? "variable" : type === STT_FUNC ? "function" : "other",
			global: info >> 4 !== 0,
			section: table.readUInt16LE(at + 6),
			offset: Number(table.readBigUInt64LE(at + 8)),
			size: Number(table.readBigUInt64LE(at + 16)),
		};
	});
}

/** struct elf64_rel */
function readRelocations(table: Buffer, section: number, symbols: readonly Symbol[]): Relocation[] {
	const SIZE = 16;
	return Array.from({ length: Math.floor(table.length / SIZE) }, (_, i) => {
		const at = i * SIZE;
		const symbol = symbols[table.readUInt32LE(at + 12)];
		if (!symbol) throw new RangeError();
		return { section, offset: Number(table.readBigUInt64LE(at)), symbol };
	});
}

/** Instructions, which are 8 bytes each, and what is said of them: libbpf has no words for what is outside of them. */
function checkCode({ sections, symbols, relocations }: Elf): void {
	const WORD = 8;
	for (const { kind, section, offset, size } of symbols) {
		const code = sections[section];
		if (kind !== "function" || !code?.executable) continue;
		if (size === 0 || size % WORD || offset % WORD || offset + size > code.size) throw new RangeError();
	}
	for (const { section, offset, symbol } of relocations) {
		const code = sections[section];
		if (!code?.executable && code?.name !== ".maps") continue;
		// From 0xff00 (SHN_LORESERVE) on, a number is not that of a section.
		const isSection = symbol.section < sections.length || symbol.section >= 0xff00;
		if (offset % WORD || offset + WORD > code.size || !isSection) throw new RangeError();
	}
}

/** Longer than any name of a compiler's; it keeps a table without an end from being searched for each. */
const MAX_NAME = 4096;

/** A string of a string table, which ends in a NUL. */
export function stringAt(table: Buffer, offset: number): string {
	const rest = table.subarray(offset, offset + MAX_NAME);
	const length = rest.indexOf(0);
	if (offset > table.length || length === -1) throw new RangeError();
	return rest.toString("utf8", 0, length);
}
