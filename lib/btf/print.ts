import type { Btf, Member, StructType, TypeId } from "./btf.js";

/** Members of a struct that are written out; of more, the rest is an ellipsis. */
const SHOWN = 12;

/** A type as C writes it in a cast: `__u32`, `unsigned char[6]`, `struct key { __u32 saddr; }`. */
export function printType(btf: Btf, id: TypeId): string {
	return declare(btf, id, "", true);
}

/** A declaration: `unsigned char mac[6]`. @param body write out a struct's members */
function declare(btf: Btf, id: TypeId, declarator: string, body: boolean): string {
	const type = btf.type(id);
	const named = (text: string) => (declarator === "" ? text : `${text} ${declarator}`);
	switch (type.kind) {
		case "array": {
			// An array of pointers binds the other way round than a pointer to an array.
			const inner = declarator.startsWith("*") ? `(${declarator})` : declarator;
			return declare(btf, type.element, `${inner}[${type.length}]`, body).replace(/ (?=\[)/, "");
		}
		case "pointer":
			return declare(btf, type.type, `*${declarator}`, false);
		case "const":
		case "volatile":
			return `${type.kind} ${declare(btf, type.type, declarator, body)}`;
		case "restrict":
		case "tag":
			return declare(btf, type.type, declarator, body);
		case "struct":
		case "union":
			return named(printStruct(btf, type, body));
		case "enum":
			return named(type.name === "" ? "enum" : `enum ${type.name}`);
		case "void":
			return named("void");
		case "section":
			return named(type.name);
		default:
			return named(type.name);
	}
}

function printStruct(btf: Btf, type: StructType, body: boolean): string {
	const head = type.name === "" ? type.kind : `${type.kind} ${type.name}`;
	if (!body && type.name !== "") return head;
	const members = type.members.slice(0, SHOWN).map((member) => `${printMember(btf, member)};`);
	if (type.members.length > SHOWN) members.push("…");
	return [head, "{", ...members, "}"].join(" ");
}

function printMember(btf: Btf, { type, name, bits }: Member): string {
	return declare(btf, type, bits > 0 ? `${name} : ${bits}` : name, false).trimEnd();
}
