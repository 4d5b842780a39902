/**
 * Generates what follows from schemas/topology.schema.json into lib/topology/generated/:
 * the types of a raw document (document.ts) and its validator (validate.js, validate.d.ts).
 * Takes well under a second; a file whose text would be the same is not touched.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import standalone from "ajv/dist/standalone/index.js";
import { compile } from "json-schema-to-typescript";

const schemaFile = fileURLToPath(new URL("../schemas/topology.schema.json", import.meta.url));
const outputFolder = fileURLToPath(new URL("../lib/topology/generated/", import.meta.url));

const banner = "// Generated from schemas/topology.schema.json by scripts/generate-topology.mjs.\n";

const declaration = `${banner}import type { ErrorObject } from "ajv";
import type { TopologyDocument } from "./document.js";

/** Whether a value is a topology document; if not, \`errors\` says why, until the next call. */
export declare const validate: {
	(data: unknown): data is TopologyDocument;
	errors?: ErrorObject[] | null;
};
`;

/** Written whole and only where it differs, so that a reader beside this process sees no half file. */
function write(name, text) {
	const file = outputFolder + name;
	try {
		if (readFileSync(file, "utf8") === text) {
			return;
		}
	} catch (error) {
		if (error.code !== "ENOENT") {
			throw error;
		}
	}
	const temporary = `${outputFolder}.${name}.${process.pid}`;
	writeFileSync(temporary, text);
	renameSync(temporary, file);
}

function types(schema) {
	return compile(schema, schema.title, {
		bannerComment: banner,
		format: false,
		// Counts are checked by the validator; as tuples they would only be in the way.
		ignoreMinAndMaxItems: true,
		$refOptions: { resolve: { external: false } },
	});
}

function validator(schema) {
	const ajv = new Ajv({
		allErrors: true,
		// Errors carry the schema around them: the diagnostics name its keys and quote its examples.
		verbose: true,
		discriminator: true,
		allowUnionTypes: true,
		// The branches of a discriminated oneOf have their type from the schema around them.
		strictTypes: false,
		strictRequired: false,
		// A key such as `constructor` must not be found on a prototype.
		ownProperties: true,
		code: { source: true, esm: true },
		schemas: { topology: schema },
	});
	const code = standalone(ajv, { validate: "topology" })
		// In place: a copy of all errors for each wrong item would be quadratic.
		.replace(/vErrors\.concat\(([\w.]+)\)/g, "append(vErrors, $1)");
	// Keywords with a runtime part (minLength, uniqueItems, …) are required as CommonJS, even from ESM.
	const required = /require\("[^"]*"\)/.exec(code);
	if (required !== null) {
		throw new Error(`the schema uses a keyword that needs ${required[0]}: express it by pattern`);
	}
	return `${code}
function append(errors, more) {
	for (const error of more) {
		errors.push(error);
	}
	return errors;
}
`;
}

const schema = JSON.parse(readFileSync(schemaFile, "utf8"));
mkdirSync(outputFolder, { recursive: true });
write("document.ts", await types(schema));
write("validate.d.ts", declaration);
write("validate.js", banner + validator(schema));
