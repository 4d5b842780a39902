import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { TopologyDocument } from "../../../lib/index.js";
import { parseTopology, TopologyError } from "../../../lib/topology/index.js";
import { draftTopology } from "../../../lib/topology/parse-topology.js";

const TWO: TopologyDocument = {
	name: "two",
	namespaces: { uno: null, dos: null },
	veths: [{ "uno:eth0": "10.0.0.1/24", "dos:eth0": { addresses: ["10.0.0.2/24"] } }],
};

/** What is wrong with a document, as `PATH: MESSAGE` lines. */
function mistakesIn(document: unknown): string[] {
	try {
		parseTopology(document as TopologyDocument);
		return [];
	} catch (error) {
		if (!(error instanceof TopologyError)) throw error;
		return error.diagnostics.map(({ path, message }) => `${path}: ${message}`);
	}
}

const files = readdirSync("topologies").filter((name) => name.endsWith(".yaml"));

test.each(files)("the document of %s is the topology that its text is", (file) => {
	const text = readFileSync(`topologies/${file}`, "utf8");
	const [ofText, ofDocument] = [text, parse(text) as TopologyDocument].map(
		(source) => draftTopology(source, file).topology,
	);
	const bare = ofText?.expect.map((one) => ({ ...one, line: 0 }));
	expect(ofDocument).toEqual({ ...ofText, expect: bare });
});

const wrong: [string, unknown, string[]][] = [
	[
		"an unknown key",
		{ ...TWO, namespaces: { uno: { forwading: "fib" }, dos: null } },
		["namespaces.uno.forwading: unknown key `forwading`"],
	],
	[
		"an item of a list of a list",
		{
			...TWO,
			namespaces: { uno: { routes: [{ to: "10.1.0.0/16", via: ["10.0.0.2", "10.0.0.x"] }] }, dos: null },
		},
		["namespaces.uno.routes[0].via[1]: "],
	],
	[
		"a key that is no identifier",
		{ ...TWO, veths: [{ "uno:eth0": "10.0.0.1", "dos:eth0": null }] },
		['veths[0]["uno:eth0"]: `10.0.0.1` has no prefix length'],
	],
	["what is missing", { namespaces: {} }, [": `name` is missing"]],
	["the document itself", [], [": the document is a list"]],
	["a value that is no JSON", null, [": the document is empty"]],
	[
		"each of several mistakes, in the document's order",
		{ name: "TWO", namespaces: { uno: { gateway: 1 } } },
		["name: ", "namespaces.uno.gateway: "],
	],
	[
		"an address that stands twice, and the first of them",
		{ ...TWO, veths: [...(TWO.veths ?? []), { "uno:eth1": "10.0.0.1/24", "dos:eth1": null }] },
		['veths[1]["uno:eth1"]: address `10.0.0.1` stands twice'],
	],
];

test.each(wrong)("a document's mistakes have paths: %s", (_, document, expected) => {
	const mistakes = mistakesIn(document);
	expect(mistakes).toHaveLength(expected.length);
	for (const [at, start] of expected.entries())
		expect(mistakes[at]?.startsWith(start), mistakes[at]).toBe(true);
});

describe("a document", () => {
	test("is reported by path, without lines and carets, and a hint names a path as well", () => {
		const twice = { ...TWO, veths: [...(TWO.veths ?? []), { "uno:eth1": "10.0.0.1/24", "dos:eth1": null }] };
		const error = (() => {
			try {
				return parseTopology(twice);
			} catch (error) {
				return error;
			}
		})() as TopologyError;
		expect(error.render()).toBe(
			'veths[1]["uno:eth1"]: error: address `10.0.0.1` stands twice in namespace `uno`\n' +
				'     = it is on `eth0` already, at `veths[0]["uno:eth0"]`; with `/32` on each, interfaces may share it\n' +
				"1 error\n",
		);
		expect(error.message).toBe('veths[1]["uno:eth1"]: address `10.0.0.1` stands twice in namespace `uno`');
		expect(error.diagnostics[0]).not.toHaveProperty("line");
	});

	test("may leave fields undefined, use one object twice, and has bigints for large numbers", () => {
		const leaf = { gateway: "10.0.0.1", neighbors: undefined };
		const { namespaces } = parseTopology({
			name: "star",
			namespaces: { uno: leaf, dos: leaf },
			veths: [{ "uno:eth0": "10.0.0.2/24", "dos:eth0": "10.0.0.3/24" }],
		} as unknown as TopologyDocument);
		expect(namespaces.map(({ routes }) => routes.length)).toEqual([1, 1]);
		expect(mistakesIn({ name: "big", namespaces: { uno: { gateway: 2n ** 64n } } })).toEqual([
			expect.stringMatching(/^namespaces\.uno\.gateway: /),
		]);
	});

	test("has warnings with paths", () => {
		const { warnings } = parseTopology({
			...TWO,
			veths: [{ "uno:eth0": "10.0.0.1/24", "dos:eth0": "10.9.0.2/24" }],
		});
		expect(warnings).toEqual([{ path: expect.stringMatching(/^veths\[0\]/), message: expect.any(String) }]);
	});

	test("that contains itself is a mistake, not a crash", () => {
		const loop: Record<string, unknown> = { name: "loop" };
		loop["namespaces"] = loop;
		expect(mistakesIn(loop)).toEqual([expect.stringContaining("contains itself")]);
	});
});
