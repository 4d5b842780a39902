import { type Btf, isAlias, type TypeId } from "../btf/btf.js";
import type { Encoder } from "../btf/encode.js";
import type { BpfObject } from "../btf/object.js";
import type { Context } from "./declared.js";
import { textOfWritten } from "./map-entries.js";
import { list, quote } from "./printable.js";
import type { ProgramSource } from "./programs.js";
import type { Range } from "./source.js";
import type { Global } from "./topology.js";

/** The values that the file gives to global variables of a program's object. */
export function resolveGlobals(
	{ entry }: ProgramSource,
	object: BpfObject,
	encoder: Encoder,
	context: Context,
): Global[] {
	const { positions, report } = context;
	const globals: Global[] = [];
	for (const { name, value, key } of positions.entries<unknown>(entry.globals ?? {})) {
		const type = findVariable(name, key, object, context);
		if (type === undefined || value === undefined) continue;
		const place = { container: entry.globals as object, name };
		const encoded = encoder.encode(type, value, place);
		globals.push({ name, text: textOfWritten(value, encoded), value: encoded });
		if (isConstant(name, object) && !isVolatile(object.btf, type)) {
			const message = `global variable ${quote(name)} is \`const\`, but not \`volatile\``;
			report.warn(key, `${message}: the compiler may have put its value where it is used`);
		}
	}
	return globals;
}

/** The type of a variable; a name that no variable has, or two, is reported. */
function findVariable(
	name: string,
	at: Range,
	{ variables, maps }: BpfObject,
	{ report }: Context,
): TypeId | undefined {
	const [variable, another] = variables.get(name) ?? [];
	if (variable && !another) return variable.type;
	if (variable) {
		const message = `two static variables of the object have the name ${quote(name)}`;
		report.error(at, "program", message, "rename one of them in C");
		return undefined;
	}
	const names = [...variables.keys()];
	report.error(at, "program", `the object has no global variable ${quote(name)}`, () => {
		if (maps.some((map) => map.name === name)) return "it is a map: give its entries under `maps`";
		const known = names.length ? `it has ${list(names.slice(0, 8).map(quote))}` : "it has none";
		return report.suggest(name, names) ?? known;
	});
	return undefined;
}

function isConstant(name: string, { variables }: BpfObject): boolean {
	return variables.get(name)?.[0]?.section.startsWith(".rodata") ?? false;
}

function isVolatile(btf: Btf, id: TypeId): boolean {
	const type = btf.type(id);
	if (type.kind === "array") return isVolatile(btf, type.element);
	return type.kind === "volatile" || (isAlias(type) && isVolatile(btf, type.type));
}
