import { type Context, Declared } from "./declared.js";
import { MAX_SIZE } from "./decode.js";
import { warnOfVeth } from "./doubts.js";
import { resolveExpectations } from "./expect.js";
import type { TopologyDocument } from "./generated/document.js";
import { checkLabName } from "./names.js";
import { declareNamespaces, resolveNamespaces } from "./namespaces.js";
import { parse } from "./parse.js";
import type { Sound } from "./positions.js";
import { declarePrograms } from "./programs.js";
import { Report } from "./report.js";
import { checkSchema } from "./schema-errors.js";
import { Source } from "./source.js";
import type { Topology } from "./topology.js";
import { resolveVeths, veth } from "./veths.js";

const FIRST_CHARACTER = { start: 0, end: 1 };

/**
 * The topology that a text declares.
 *
 * @param file the name that diagnostics give the text
 * @throws {TopologyError} with every mistake of the text
 */
export function parseTopology(text: string, file: string): Topology {
	const report = new Report(new Source(text, file));
	if (text.length > MAX_SIZE) {
		report.error(FIRST_CHARACTER, "encoding", "the file is too large", `at most ${MAX_SIZE} bytes`);
		report.finish();
	}
	const parsed = parse(report);
	if (parsed === undefined) {
		report.finish();
		throw new Error("bug: no document and no mistake");
	}
	const { root, positions } = parsed;
	if (root === null || typeof root !== "object" || Array.isArray(root)) {
		const what = root === null ? "empty" : Array.isArray(root) ? "a list" : "one value";
		const message = `the file is ${what}, and a topology is a mapping`;
		report.error(FIRST_CHARACTER, "type", message, "it begins with `name: LAB`");
		report.finish();
		throw new Error("unreachable");
	}
	const document = checkSchema(root, positions, report);
	if (report.full) report.finish();
	const topology = resolve(document, { report, positions, declared: new Declared(report) });
	report.finish();
	return { ...topology, warnings: report.warnings() };
}

function resolve(document: Sound<TopologyDocument>, context: Context): Omit<Topology, "warnings"> {
	const { report, positions } = context;
	const { name = "" } = document;
	if (document.name !== undefined) checkLabName(document.name, positions.value(document, "name"), report);
	declareNamespaces(document, context);
	declarePrograms(document, context);
	const pairs = resolveVeths(document, name, context);
	const namespaces = resolveNamespaces(document, context);
	const expect = resolveExpectations(document, context);
	for (const pair of pairs) warnOfVeth(pair, report);
	return { name, namespaces, veths: pairs.map(veth), expect };
}
