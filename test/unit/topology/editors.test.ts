import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

/** As somebody gets it who has the package: its own name leads there from inside as well. */
const schema = createRequire(import.meta.url)("xdp-topology/schema");
const folder = new URL("../../../topologies/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

/** What a YAML language server does with the schema: it knows draft 07, and nothing of this project. */
function check(document: unknown): unknown {
	const ajv = new Ajv({
		strict: true,
		// An editor takes `oneOf` at its word; this is for the wording of errors only, and ignored there.
		discriminator: true,
		allowUnionTypes: true,
		// The branches of a oneOf have type and properties from the schema around them.
		strictTypes: false,
		strictRequired: false,
	});
	const validate = ajv.compile(schema);
	return validate(document) ? [] : validate.errors;
}

describe("the schema that editors use", () => {
	test("is valid by the draft that it names", () => {
		const draft = "http://json-schema.org/draft-07/schema#";
		expect(schema.$schema).toBe(draft);
		const ajv = new Ajv();
		expect(ajv.validate(draft, schema), ajv.errorsText()).toBe(true);
	});

	test("has no keyword that JSON Schema does not know, and refuses what is wrong", () => {
		expect(check({ name: "x" })).toEqual([]);
		expect(check({ name: "x", namespaces: { a: { forwading: "fib" } } })).not.toEqual([]);
		expect(check({ name: "x", namespaces: { a: { forwarding: { mode: "fast" } } } })).not.toEqual([]);
	});

	test("leaves no reference open", () => {
		const references = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)];
		expect(references.length).toBeGreaterThan(0);
		const definitions = Object.keys(schema.definitions);
		expect(definitions).toEqual(expect.arrayContaining(references.map(([, name]) => name)));
	});

	test.each(files)("is named by %s on its first line, and accepts it", (file) => {
		const text = readFileSync(new URL(file, folder), "utf8");
		const [, path = ""] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
		expect(JSON.parse(readFileSync(new URL(path, folder), "utf8"))).toEqual(schema);
		expect(check(parse(text, { merge: true }))).toEqual([]);
	});
});
