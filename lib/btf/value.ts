import type { ArrayType, Member, StructType, Type, TypeId } from "./btf.js";
import { parseBytes } from "./bytes.js";
import { digitsOf, isMapping, type Memory, names, text } from "./memory.js";
import { referenceIn, writeReference } from "./reference.js";
import { writeBitfield, writeEnumerator, writeFloat, writeInteger } from "./scalar.js";
import type { Place } from "./surroundings.js";

/** Writes a value of a type. @param at offset in bytes */
export function writeValue(memory: Memory, id: TypeId, value: unknown, place: Place, at: number): void {
	const type = memory.btf.resolve(id);
	if (isReference(memory, type, value)) {
		const size = memory.btf.sizeOf(id);
		const [integer, bytes] = [type.kind === "int" && !type.boolean, isBytes(type)];
		writeReference(memory, { name: memory.print(id), at, size, integer, bytes }, value, place);
	} else if (!writeBytes(memory, id, type, value, at)) writeContent(memory, id, type, value, place, at);
}

function writeContent(
	memory: Memory,
	id: TypeId,
	type: Type,
	value: unknown,
	place: Place,
	at: number,
): void {
	switch (type.kind) {
		case "int":
			writeInteger(memory, id, type, value, place, at);
			break;
		case "enum":
			writeEnumerator(memory, id, type, value, place, at);
			break;
		case "float":
			writeFloat(memory, id, type.size, value, place, at);
			break;
		case "array":
			writeList(memory, id, type, value, place, at);
			break;
		case "struct":
		case "union":
			writeMembers(memory, id, type, value, place, at);
			break;
		default:
			memory.problem(place, `a ${memory.print(id)} cannot be given a value`);
	}
}

/** A struct that has a member of the reference's name is given the member. */
function isReference(memory: Memory, type: Type, value: unknown): value is object {
	const kind = referenceIn(value)?.kind;
	if (kind === undefined) return false;
	const isStruct = type.kind === "struct" || type.kind === "union";
	return !(isStruct && membersOf(memory, type).some(({ name }) => name === kind));
}

function isBytes(type: Type): boolean {
	if (type.kind === "int") return !type.boolean;
	return type.kind === "array" || type.kind === "struct" || type.kind === "union";
}

/** A MAC, an address or hexadecimal digits for all the bytes of a value at once. */
function writeBytes(memory: Memory, id: TypeId, type: Type, value: unknown, at: number): boolean {
	if (typeof value !== "string" || !isBytes(type)) return false;
	// Of an integer, digits are a number: only an address has another meaning.
	if (type.kind === "int" && !/[.:]/.test(value)) return false;
	if (type.kind === "array" && isText(memory, type, value)) return false;
	const bytes = parseBytes(value, memory.btf.sizeOf(id));
	bytes?.copy(memory.bytes, at);
	return bytes !== undefined;
}

/** What fits an array of `char`, with the NUL at its end, is text. */
function isText(memory: Memory, { element, length }: ArrayType, value: string): boolean {
	return isChar(memory, element) && Buffer.byteLength(value) < length;
}

function isChar(memory: Memory, element: TypeId): boolean {
	const type = memory.btf.resolve(element);
	return type.kind === "int" && type.name === "char";
}

function writeList(
	memory: Memory,
	id: TypeId,
	type: ArrayType,
	value: unknown,
	place: Place,
	at: number,
): void {
	if (typeof value === "string" && isText(memory, type, value)) {
		// The rest stays zero.
		memory.bytes.write(value, at);
		return;
	}
	if (!Array.isArray(value)) {
		memory.misfit(id, value, place, formsOf(memory, type));
		return;
	}
	if (value.length !== type.length) {
		const message = `a list of ${value.length} does not fit ${memory.print(id)}`;
		memory.problem(place, message, `it has ${type.length}`);
		return;
	}
	const size = memory.btf.sizeOf(type.element);
	for (const [i, item] of value.entries())
		writeValue(memory, type.element, item, { container: value, name: String(i) }, at + i * size);
}

/** What an array can be written as. */
function formsOf(memory: Memory, { element, length }: ArrayType): string {
	const size = length * memory.btf.sizeOf(element);
	const forms = [`a list of ${length}`, digitsOf(size)];
	if (isChar(memory, element)) forms.unshift(`a text of up to ${length - 1} bytes`);
	else if (size === 6) forms.push("a MAC");
	else if (size === 4 || size === 16) forms.push(`an IPv${size === 4 ? 4 : 6} address`);
	return `${forms.slice(0, -1).join(", ")} or ${forms.at(-1)}`;
}

function writeMembers(
	memory: Memory,
	id: TypeId,
	type: StructType,
	value: unknown,
	place: Place,
	at: number,
): void {
	if (!isMapping(value)) {
		const which = type.kind === "struct" ? "of its members" : "with one of its members";
		memory.misfit(id, value, place, `a mapping ${which}, or ${digitsOf(type.size)}`);
		return;
	}
	const known = membersOf(memory, type);
	const unknown = Object.keys(value).filter((name) => !known.some((member) => member.name === name));
	const free = known.filter(({ name }) => !Object.hasOwn(value, name));
	for (const name of unknown) {
		const message = `${memory.print(id)} has no member ${text(name)}`;
		const hint = `it has ${names(free.length ? free : known)}`;
		memory.problem({ container: value, name, isName: true }, message, hint);
	}
	const lacking = fill(memory, id, type, value, place, at);
	// A misspelt member is not a missing one as well.
	if (lacking.length && !unknown.length)
		memory.problem(place, `${memory.print(id)} lacks ${lacking.join(", ")}`);
}

/**
 * Writes the members of a struct, those of its anonymous structs and unions among them.
 * @returns what the value lacks
 */
function fill(
	memory: Memory,
	id: TypeId,
	type: StructType,
	value: Record<string, unknown>,
	place: Place,
	at: number,
): string[] {
	if (type.kind === "union") return choose(memory, id, type, value, place, at);
	return type.members.flatMap((member) => fillMember(memory, member, value, place, at));
}

function fillMember(
	memory: Memory,
	member: Member,
	value: Record<string, unknown>,
	place: Place,
	at: number,
): string[] {
	const { name, type, bits, bitOffset } = member;
	const inner = memory.btf.resolve(type);
	const offset = at + bitOffset / 8;
	if (name === "") return isStruct(inner) ? fill(memory, type, inner, value, place, offset) : [];
	if (!Object.hasOwn(value, name)) return isLeftToKernel(memory, member) ? [] : [`\`${name}\``];
	const within = { container: value, name };
	if (isKernels(inner))
		memory.problem(within, `${memory.print(type)} is the kernel's own, and takes no value`);
	else if (bits > 0) writeBitfield(memory, member, value[name], within, at);
	else writeValue(memory, type, value[name], within, offset);
	return [];
}

/** Of a union, one member has the value. */
function choose(
	memory: Memory,
	id: TypeId,
	type: StructType,
	value: Record<string, unknown>,
	place: Place,
	at: number,
): string[] {
	const [member, another] = type.members.filter((one) =>
		namesOf(memory, one).some(({ name }) => Object.hasOwn(value, name)),
	);
	const known = names(membersOf(memory, type));
	if (!member) return [`one of ${known}`];
	if (!another) return fillMember(memory, member, value, place, at);
	memory.problem(place, `${memory.print(id)} is given several members`, `one of ${known}`);
	return [];
}

/** By name: those of anonymous structs and unions are the outer one's. */
function membersOf(memory: Memory, { members }: StructType): Member[] {
	return members.flatMap((member) => namesOf(memory, member));
}

function namesOf(memory: Memory, member: Member): Member[] {
	if (member.name !== "") return [member];
	const inner = memory.btf.resolve(member.type);
	return isStruct(inner) ? membersOf(memory, inner) : [];
}

function isStruct(type: Type): type is StructType {
	return type.kind === "struct" || type.kind === "union";
}

/** What the kernel alone fills in: btf_parse_fields() of kernel/bpf/btf.c. */
const OF_KERNEL =
	/^bpf_(?:spin_lock|res_spin_lock|timer|wq|task_work|list_head|list_node|rb_root|rb_node|refcount)$/;

/** A member that a value may leave out: nobody could give it one, or it has no bytes. */
function isLeftToKernel({ btf }: Memory, { type: id }: Member): boolean {
	const type = btf.resolve(id);
	return type.kind === "pointer" || btf.sizeOf(id) === 0 || isKernels(type);
}

function isKernels(type: Type): boolean {
	return type.kind === "struct" && OF_KERNEL.test(type.name);
}
