import type { ErrorObject } from "ajv";
import type { DiagnosticCode } from "./diagnostic.js";
import { hintForKey } from "./foreign-words.js";
import { list, quote } from "./printable.js";
import type { Report } from "./report.js";

/** The parts of a schema that a message draws on. */
interface Schema {
	properties?: Record<string, unknown>;
	patternProperties?: Record<string, unknown>;
	examples?: unknown[];
	oneOf?: { properties?: Record<string, { enum?: string[] }> }[];
}

/** What the keywords of the schema say about a failure; each keyword sets its own. */
interface Params {
	additionalProperty: string;
	allowedValues: string[];
	limit: number;
	missingProperty: string;
	propertyName: string;
	tag: string;
	tagValue: unknown;
	type: string | string[];
}

export type SchemaError = ErrorObject<string, Partial<Params>>;

interface Explanation {
	code: DiagnosticCode;
	message: string;
	hint?: string | undefined;
}

const typeNames: Record<string, string> = {
	array: "a list",
	boolean: "true or false",
	integer: "a whole number",
	null: "nothing",
	number: "a number",
	object: "a mapping",
	string: "a string",
};

/**
 * What an error of the validator means to the author of the file.
 *
 * @param name the key of the wrong value, or its index in a list
 * @param text the value as the file has it
 */
export function explain(error: SchemaError, name: string, text: string, report: Report): Explanation {
	const { keyword, data } = error;
	const params = error.params as Params;
	const schema = (error.parentSchema ?? {}) as Schema;
	const parent = error.instancePath.split("/").at(-2)?.replaceAll("~1", "/").replaceAll("~0", "~") ?? "";
	const what = /^\d+$/.test(name) ? `an item of ${quote(parent)}` : quote(name);
	switch (keyword) {
		case "additionalProperties":
			return unknownKey(params.additionalProperty, schema, report);
		case "required":
			return {
				code: "missing-key",
				message: `${quote(params.missingProperty)} is missing`,
				hint: forKey(name),
			};
		case "type":
			return { code: "type", ...wrongType(what, params.type, data, text, schema) };
		case "enum":
			return choice(what, String(data), params.allowedValues, report);
		case "discriminator": {
			const { tag, tagValue } = params;
			if (typeof tagValue !== "string")
				return { code: "type", ...wrongType(quote(tag), "string", tagValue, text, {}) };
			const known = (schema.oneOf ?? []).flatMap((branch) => branch.properties?.[tag]?.enum ?? []);
			return choice(quote(tag), tagValue, known, report);
		}
		case "minimum":
			return { code: "value", message: `${what} must be at least ${params.limit}, and is ${data}` };
		case "maximum":
			return { code: "value", message: `${what} must be at most ${params.limit}, and is ${data}` };
		case "minProperties":
		case "maxProperties":
			return count(params.limit, Object.keys(data as object).length, what);
		case "minItems":
			return { code: "value", message: `${what} is empty` };
		case "propertyNames":
			return { code: "name", message: `${quote(params.propertyName)} cannot be a name` };
		default:
			return { code: "value", message: `${what} cannot be ${quote(String(data))}`, hint: example(schema) };
	}
}

function unknownKey(key: string, schema: Schema, report: Report): Explanation {
	if (schema.patternProperties !== undefined) {
		const hint = hintForKey(key, []) ?? "an end is NAMESPACE:INTERFACE, for example `uno:veth0`";
		return { code: "name", message: `${quote(key)} does not name an end`, hint };
	}
	const known = Object.keys(schema.properties ?? {});
	const hint = hintForKey(key, known) ?? report.suggest(key, known) ?? `expected ${list(known.map(quote))}`;
	return { code: "unknown-key", message: `unknown key ${quote(key)}`, hint };
}

function wrongType(
	what: string,
	expected: string | string[],
	data: unknown,
	text: string,
	schema: Schema,
): { message: string; hint?: string | undefined } {
	const types = [expected].flat().filter((type) => type !== "null");
	const wanted = list([...new Set(types)].map((type) => typeNames[type] ?? type));
	if (data === null) return { message: `${what} has no value, expected ${wanted}`, hint: example(schema) };
	const actual = Array.isArray(data) ? "array" : typeof data;
	const is = actual === "number" ? quote(text) : (typeNames[actual] ?? actual);
	const message = `${what} must be ${wanted}, and is ${is}`;
	if (types.includes("string") && !types.includes("array") && (actual === "number" || actual === "boolean"))
		return { message, hint: `put it in quotes: "${text}"` };
	if (actual === "string" && !types.includes("string") && /^(?:\d+|true|false)$/.test(String(data)))
		return { message, hint: "write it without quotes" };
	const asBoolean =
		types.includes("boolean") && typeof data === "string" ? BOOLEANS.get(data.toLowerCase()) : undefined;
	return { message, hint: asBoolean === undefined ? example(schema) : `write \`${asBoolean}\`` };
}

/** What YAML 1.1 and ethtool(8) write for true and false. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
	["on", true],
	["yes", true],
	["off", false],
	["no", false],
]);

function choice(what: string, value: string, known: string[], report: Report): Explanation {
	const message = `${what} cannot be ${quote(value)}, expected ${list(known.map(quote))}`;
	return { code: "value", message, hint: report.suggest(value, known) };
}

function count(limit: number, actual: number, what: string): Explanation {
	if (limit === 2) return { code: "value", message: `a veth pair has two ends, and this one has ${actual}` };
	return { code: "value", message: `${what} is empty` };
}

function forKey(name: string): string | undefined {
	return name === "" ? "a lab has a name: `name: LAB`" : undefined;
}

function example({ examples }: Schema): string | undefined {
	return examples?.[0] === undefined ? undefined : `for example ${quote(String(examples[0]))}`;
}
