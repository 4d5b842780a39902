import { type Context, Declared } from "./declared.js";
import { MAX_SIZE } from "./decode.js";
import { DocumentSource } from "./document.js";
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
 * Checks what a topology file says and resolves it. Touches neither files nor the kernel, so {@link loadTopology}
 * is the one for a topology with `programs` of its own.
 *
 * ```ts
 * const topology = parseTopology({ name: "two", veths: [{ "uno:eth0": "10.0.0.1/24", "dos:eth0": "10.0.0.2/24" }] });
 * ```
 * @param source the YAML text, or the same as an object; mistakes in an object have paths such as
 * `namespaces.r1.routes[0].via` instead of lines and columns
 * @param file name of the source in messages; by default `topology` for a text, none for an object
 * @returns the topology, every default filled in
 * @throws TopologyError if anything is wrong; `diagnostics` has every mistake
 */
export function parseTopology(source: string | TopologyDocument, file?: string): Topology;
/** @internal With the objects of the programs that the source declares, by the programs' names. */
export function parseTopology(
	source: string | TopologyDocument,
	file: string,
	objects: ReadonlyMap<string, ObjectContent>,
): Topology;
export function parseTopology(
	source: string | TopologyDocument,
	file = typeof source === "string" ? "topology" : "",
	objects: ReadonlyMap<string, ObjectContent> = new Map(),
): Topology {
	return draftTopology(source, file).complete(objects);
}

/**
 * All that a text or a document says by itself.
 *
 * @param file name of the source in messages
 * @throws {TopologyError} with every mistake
 */
export function draftTopology(from: string | TopologyDocument, file: string): Draft {
	const source = typeof from === "string" ? new Source(from, file) : new DocumentSource(from, file);
	const report = new Report(source);
	const { text } = source;
	if (text.length > MAX_SIZE) {
		report.error(FIRST_CHARACTER, "encoding", "the file is too large", `at most ${MAX_SIZE} bytes`);
		report.finish();
	}
	if (source instanceof DocumentSource && !source.isFinite) {
		report.error(
			FIRST_CHARACTER,
			"type",
			"the document contains itself",
			"plain data, as a file could hold it",
		);
		report.finish();
	}
	const parsed = parse(report);
	if (parsed === undefined) {
		report.finish();
		throw new Error("bug: no document and no mistake");
	}
	const { root, positions } = parsed;
	if (source instanceof DocumentSource) source.remember(root, positions);
	if (root === null || typeof root !== "object" || Array.isArray(root)) {
		const what = root === null ? "empty" : Array.isArray(root) ? "a list" : "one value";
		const subject = typeof from === "string" ? "file" : "document";
		const message = `the ${subject} is ${what}, and a topology is a mapping`;
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
