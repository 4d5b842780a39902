/** The maps that an object defines in SEC(".maps"), as parse_btf_map_def() of libbpf reads them. */
import type { Btf, StructType, TypeId } from "./btf.js";
import { type Elf, ObjectError, type Section } from "./elf.js";

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
	/** What `map_extra` says: of a bloom filter, how many hash functions it has. */
	extra: number;
	/** The definition that the maps in a map of maps have. */
	inner?: MapDefinition;
	/** What the object itself puts into a map of maps or of programs. */
	slots: Slot[];
}

export interface Slot {
	index: number;
	/** The name of a map or of a function of the same object. */
	name: string;
}

/** @throws ObjectError where libbpf takes no such definition */
export function mapsOf(elf: Elf, btf: Btf): MapDefinition[] {
	const section = elf.sections.find(({ name }) => name === ".maps");
	const names = new Set<string>();
	return btf.variables(".maps").map(({ name, type }) => {
		if (names.has(name))
			throw new ObjectError(`the object has two maps with the name ${name}`, "rename one of them in C");
		names.add(name);
		const definition = btf.resolve(type);
		if (definition.kind !== "struct")
			throw new ObjectError(`map ${name} is defined by something else than a struct`);
		if (elf.symbols.some((one) => one.section === section?.index && one.name === name && !one.global))
			throw new ObjectError(`map ${name} is static, which libbpf does not take`, "leave out `static`");
		return { ...definitionOf(name, definition, btf), slots: slotsOf(name, definition, section, elf) };
	});
}

/** `__uint(name, n)` is a pointer to an array of n, `__type(name, t)` a pointer to t. */
function definitionOf(name: string, definition: StructType, btf: Btf, isInner = false): MapDefinition {
	const unknown = definition.members.find((member) => !FIELDS.includes(member.name));
	if (unknown)
		throw new ObjectError(`the definition of map ${name} has ${unknown.name}, which libbpf does not know`);
	const members = new Map(definition.members.map((member) => [member.name, btf.resolve(member.type)]));
	const pointee = (key: string) => {
		const pointer = members.get(key);
		return pointer?.kind === "pointer" ? pointer.type : undefined;
	};
	const number = (key: string) => {
		const array = btf.resolve(pointee(key) ?? 0);
		return array.kind === "array" ? array.length : 0;
	};
	const [keyType, valueType] = [pointee("key"), pointee("value")];
	const inner = isInner ? undefined : innerOf(members.get("values"), btf);
	const valueSize = valueType === undefined ? number("value_size") : btf.sizeOf(valueType);
	return {
		name,
		type: number("type"),
		keySize: keyType === undefined ? number("key_size") : btf.sizeOf(keyType),
		valueSize: members.has("values") ? SLOT_SIZE : valueSize,
		...(keyType !== undefined && { keyType }),
		...(valueType !== undefined && { valueType }),
		maxEntries: number("max_entries"),
		flags: number("map_flags"),
		extra: number("map_extra"),
		...(inner && { inner: definitionOf(`${name}.inner`, inner, btf, true) }),
		slots: [],
	};
}

const FIELDS: readonly string[] = [
	"type",
	"key",
	"key_size",
	"value",
	"value_size",
	"values",
	"max_entries",
	"map_flags",
	"map_extra",
	"numa_node",
	"pinning",
];

/** A descriptor when it is written, an id when it is read: bytes. */
const SLOT_SIZE = 4;

/** `__array(values, struct inner)` is an array of pointers to the definition. */
function innerOf(values: ReturnType<Btf["resolve"]> | undefined, btf: Btf): StructType | undefined {
	const pointer = values?.kind === "array" ? btf.resolve(values.element) : undefined;
	const inner = pointer?.kind === "pointer" ? btf.resolve(pointer.type) : undefined;
	return inner?.kind === "struct" ? inner : undefined;
}

/** As bpf_object__collect_map_relos() of libbpf: slots begin where the definition's last member is. */
function slotsOf(
	name: string,
	{ members }: StructType,
	section: Section | undefined,
	{ symbols, relocations }: Elf,
): Slot[] {
	const POINTER = 8;
	const map = symbols.find((symbol) => symbol.section === section?.index && symbol.name === name);
	const values = members.at(-1);
	if (!map || values?.name !== "values") return [];
	const first = map.offset + values.bitOffset / 8;
	return relocations.flatMap(({ section: at, offset, symbol }) =>
		at === section?.index && offset >= first && offset < map.offset + map.size
			? [{ index: (offset - first) / POINTER, name: symbol.name }]
			: [],
	);
}
