import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

interface Schema {
	$ref?: string;
	description?: string;
	type?: string | string[];
	properties?: Record<string, Schema>;
	patternProperties?: Record<string, Schema>;
	additionalProperties?: boolean | Schema;
	oneOf?: Schema[];
	definitions?: Record<string, Schema>;
	required?: string[];
}

const root: Schema = JSON.parse(
	readFileSync(new URL("../../../schemas/topology.schema.json", import.meta.url), "utf8"),
);

function resolve(schema: Schema): Schema {
	const name = schema.$ref?.replace("#/definitions/", "");
	return name === undefined ? schema : (root.definitions?.[name] ?? {});
}

/** Every mapping of the format with the name it has here. */
function* mappings(): Iterable<[string, Schema]> {
	const all = { "": root, ...root.definitions };
	for (const [name, schema] of Object.entries(all)) {
		for (const [index, each] of [schema, ...(schema.oneOf ?? [])].entries()) {
			if (each.properties !== undefined || each.patternProperties !== undefined)
				yield [`${name}/${index}`, each];
		}
	}
}

const fields = [...mappings()].flatMap(([name, schema]) =>
	Object.entries({ ...schema.properties, ...schema.patternProperties }).map(
		([key, field]): [string, Schema, boolean] => [
			`${name}/${key}`,
			resolve(field),
			schema.required?.includes(key) ?? false,
		],
	),
);

describe("the schema", () => {
	test.each(fields)("explains %s by an example", (_, field) => {
		expect(field.description).toMatch(/Example: `.+`/);
	});

	test.each(fields.filter(([, field]) => "default" in field))("tells the default of %s", (_, field) => {
		expect(field.description).toContain("Default: ");
	});

	test.each([...mappings()])("takes no key that it does not know in %s", (_, schema) => {
		expect(schema.additionalProperties).toBe(false);
	});
});
