import { type Context, Declared } from "./declared.js";
import { MAX_SIZE } from "./decode.js";
import { warnOfVeth } from "./doubts.js";
import { resolveExpectations } from "./expect.js";
import type { TopologyDocument } from "./generated/document.js";
import { checkLabName } from "./names.js";
import { declareNamespaces, resolveNamespaces } from "./namespaces.js";
import { warnOfNextHops } from "./next-hop-doubts.js";
import { parse } from "./parse.js";
import type { Sound } from "./positions.js";
import { type ObjectContent, resolvePrograms } from "./program-objects.js";
import { declarePrograms, type ProgramSource } from "./programs.js";
import { Report } from "./report.js";
import { checkSchema } from "./schema-errors.js";
import { Source } from "./source.js";
import type { Topology } from "./topology.js";
import { resolveVeths, veth } from "./veths.js";

const FIRST_CHARACTER = { start: 0, end: 1 };

/** A file that has been read, before the objects of its own programs have. */
export interface Draft {
	/** All but what follows from the objects. */
	topology: Omit<Topology, "programs">;
	source: Source;
	/** What is to be read or compiled. */
	programs: readonly ProgramSource[];
	/**
	 * @param objects by the program's name
	 * @throws {TopologyError} with every mistake in what the file says of the objects
	 */
	complete(objects: ReadonlyMap<string, ObjectContent>): Topology;
}

/**
 * The topology that a text declares.
 *
 * @param file the name that diagnostics give the text
 * @param objects of the programs that it declares, by their names
 * @throws {TopologyError} with every mistake of the text
 */
export function parseTopology(
	text: string,
	file: string,
	objects: ReadonlyMap<string, ObjectContent> = new Map(),
): Topology {
	return draftTopology(text, file).complete(objects);
}

/**
 * All that a text says by itself.
 *
 * @param file the name that diagnostics give the text
 * @throws {TopologyError} with every mistake of the text
 */
export function draftTopology(text: string, file: string): Draft {
	const source = new Source(text, file);
	const report = new Report(source);
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
	const context = { report, positions, declared: new Declared(report) };
	const { programs, ...topology } = resolve(document, context);
	report.finish();
	return {
		topology: { ...topology, warnings: report.warnings() },
		source,
		programs,
		complete: (objects) => {
			const resolved = resolvePrograms(programs, objects, topology.veths, context);
			report.finish();
			return { ...topology, programs: resolved, warnings: report.warnings() };
		},
	};
}

function resolve(document: Sound<TopologyDocument>, context: Context) {
	const { report, positions } = context;
	const { name = "" } = document;
	if (document.name !== undefined) checkLabName(document.name, positions.value(document, "name"), report);
	declareNamespaces(document, context);
	const programs = declarePrograms(document, context);
	const pairs = resolveVeths(document, name, context);
	const namespaces = resolveNamespaces(document, context);
	const expect = resolveExpectations(document, context);
	const routes = new Map(namespaces.map((namespace) => [namespace.name, namespace.routes]));
	for (const pair of pairs) warnOfVeth(pair, routes, report);
	warnOfNextHops(pairs, namespaces, context);
	return { name, namespaces, veths: pairs.map(veth), programs, expect };
}
