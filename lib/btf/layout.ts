import { createHash } from "node:crypto";
import type { Btf, TypeId } from "./btf.js";

/**
 * A text that two types have in common if memory of one means the same as that of the other: all that
 * they consist of, by name and place. What something is called beside that (a typedef) does not count.
 */
export function layoutOf(btf: Btf, id: TypeId, known = new Map<TypeId, string>()): string {
	const layout = known.get(id) ?? layoutOfType(btf, id, known);
	known.set(id, layout);
	return layout;
}

function layoutOfType(btf: Btf, id: TypeId, known: Map<TypeId, string>): string {
	const type = btf.resolve(id);
	switch (type.kind) {
		case "int":
			return `${type.boolean ? "bool" : type.signed ? "s" : "u"}${type.bits}`;
		case "float":
			return `float${type.size}`;
		case "enum":
			return `enum${type.size}{${type.values.map(({ name, value }) => `${name}=${value}`).join()}}`;
		case "array":
			return `${layoutOf(btf, type.element, known)}[${type.length}]`;
		case "struct":
		case "union": {
			const members = type.members.map(
				(member) => `${member.name}@${member.bitOffset}:${member.bits} ${layoutOf(btf, member.type, known)}`,
			);
			// A hash: a struct within a struct within a struct would make it long.
			const hash = createHash("sha256").update(members.join(";")).digest("hex").slice(0, 16);
			return `${type.kind}${type.size}{${hash}}`;
		}
		default:
			return type.kind;
	}
}
