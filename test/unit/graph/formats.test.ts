import { readFileSync } from "node:fs";
import { execa } from "execa";
import { expect, test } from "vitest";
import { graph } from "../../../lib/graph.js";
import { loadTopology } from "../../../lib/load.js";
import { parseTopology } from "../../../lib/topology/parse-topology.js";
import { change, live } from "./live.js";
import { named, ring, small } from "./topologies.js";

test("a small topology in Mermaid has a node a namespace and a labelled line a pair", async () => {
	expect(await graph(small(), { format: "mermaid" })).toBe(
		[
			"flowchart LR",
			"\t%% small",
			'\tn0("<b>r</b><br/>forwards: fib")',
			'\tn1("<b>uno</b>")',
			'\tn2("<b>dos</b>")',
			'\tn0 ---|"r:uno 10.0.1.1/24 fc00:1::1/64 (fib)<br/>uno:veth0 10.0.1.2/24 fc00:1::2/64 (pass)"| n1',
			'\tn0 ---|"r:dos 10.0.2.1/24 (fib)<br/>dos:veth0 10.0.2.2/24 (pass)"| n2',
			"\tclassDef host stroke-width:3px",
			"\tclassDef drift stroke:#cf222e,color:#cf222e",
			"",
		].join("\n"),
	);
});

test("a small topology in dot is a graph from left to right, with lines between rows of cards", async () => {
	const lines = (await graph(small(), { format: "dot" })).split("\n");
	expect(lines[0]).toBe('graph "small" {');
	expect(lines.slice(-4)).toEqual([
		'\t"uno":r0:e -- "r":l0:w [id="pair0"]',
		'\t"r":r1:e -- "dos":l0:w [id="pair1"]',
		"}",
		"",
	]);
	const card = lines.find((line) => line.startsWith('\t"uno" [')) ?? "";
	expect(card.replace(/<[^>]*>/g, "|").match(/[^|]+/g)).toEqual([
		'\t"uno" [id="namespace1" label=',
		"uno",
		"veth0",
		"10.0.1.2/24",
		"fc00:1::2/64",
		"pass",
		">]",
	]);
});

test("addresses on lo are told with their namespace, of a file and of a lab that is up", async () => {
	const file = parseTopology("name: x\nnamespaces: { r: { addresses: [10.255.0.2/32] } }", "x.yaml");
	for (const what of [file, live([])]) {
		expect(await graph(what, { format: "mermaid" })).toMatch(/<br\/>lo 10\.255\.0\.2\/32"/);
		const card = (await graph(what, { format: "dot" })).replace(/<[^>]*>/g, "|");
		expect(card).toMatch(/\|lo\|+10\.255\.0\.2\/32\|/);
	}
});

test("a program in generic mode is marked so, wherever it is drawn", async () => {
	const generic = small("{ mode: fib, attach: generic }");
	for (const format of ["svg", "dot", "mermaid"] as const)
		expect(await graph(generic, { format })).toMatch(/fib(&#160;| )generic/);
});

test.each([
	["three-routers", () => loadTopology("topologies/three-routers.yaml")],
	["a ring of 60 namespaces", () => ring(12, 4)],
	["a lab that is up", () => live([change("create", "xdp", "r:uno", "r:uno fib")])],
])("the SVG of %s is well-formed XML, and the same each time", async (_, make) => {
	const first = await graph(await make());
	expect(await graph(await make())).toBe(first);
	await parseXml(first);
});

test.each([
	`a"b`,
	"a\\",
	`a\\"b`,
	"a<b>&amp;",
	"-->",
	"a'b",
	"a.b-c_d",
	"[x](y){z}|#35;",
	"`x`%",
	"n0;x",
	"ñandú",
	"\\N\\G",
])("a namespace and an interface may be called %s", async (name) => {
	const topology = named(name.startsWith("-") ? `x${name}` : name, name.replace("%", ""));
	const namespace = topology.namespaces[0]?.name ?? "";
	const link = topology.veths[0]?.ends[0].interface ?? "";
	const { texts, titles } = await parseXml(await graph(topology));
	expect(texts).toContain(namespace);
	expect(texts).toContain(link);
	expect(titles).toContain(namespace);
	expect(titles).toContain(`${namespace}:${link} — other:veth0`);
	const mermaid = await graph(topology, { format: "mermaid" });
	for (const line of mermaid.split("\n").filter((line) => /^\tn\d/.test(line)))
		expect(line).toMatch(/^\tn\d(\("[^"`\\[\]{}|]*"\)(:::\w+)?| ---\|"[^"`\\[\]{}|]*"\| n\d)$/);
});

test("a large picture leaves the addresses out, unless all are asked for", async () => {
	const address = "10.3.1.2/24";
	expect(await graph(ring(5, 3))).toContain(address);
	expect(await graph(ring(12, 4))).not.toContain(address);
	expect(await graph(ring(12, 4), { full: true })).toContain(address);
});

test("an SVG has a dark colour for each of its light ones, and no background", async () => {
	const svg = await graph(live([change("create", "veth", "r:uno uno:veth0")], ["r:uno", "uno:veth0"]));
	const [, style = ""] = /<style>(.*?)<\/style>/s.exec(svg) ?? [];
	expect(style).toMatch(/^@media \(prefers-color-scheme:dark\)/);
	for (const [, name, color] of svg.replace(style, "").matchAll(/\b(fill|stroke)="(#\w+)"/g))
		expect(style).toContain(`[${name}="${color}"]{${name}:`);
	expect(svg.replace(style, "")).not.toMatch(/(fill|stroke)="(white|black)"/);
});

test("a PNG has the signature and twice the size of the SVG", async () => {
	const [, width, height] = /width="(\d+)pt" height="(\d+)pt"/.exec(await graph(small())) ?? [];
	const png = await graph(small(), { format: "png" });
	expect(png.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
	// A point is 4/3 of a pixel.
	expect(png.readUInt32BE(16)).toBeCloseTo((Number(width) * 8) / 3, -1);
	expect(png.readUInt32BE(20)).toBeCloseTo((Number(height) * 8) / 3, -1);
});

test("docs/three-routers.svg is the picture of topologies/three-routers.yaml", async () => {
	const svg = await graph(await loadTopology("topologies/three-routers.yaml"));
	expect(svg).toBe(readFileSync("docs/three-routers.svg", "utf8"));
});

/** Texts and titles of an SVG, read by a parser that is not ours; rejects where it is not well-formed. */
async function parseXml(svg: string): Promise<{ texts: string[]; titles: string[] }> {
	const script = `
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
find = lambda name: [one.text for one in root.iter("{http://www.w3.org/2000/svg}" + name)]
print(json.dumps({"texts": find("text"), "titles": find("title")}))`;
	const { stdout } = await execa("/usr/bin/python3", ["-c", script], { input: svg });
	const { texts, titles } = JSON.parse(stdout);
	const plain = (text: string) => text.replaceAll("\u00a0", " ");
	return { texts: texts.map(plain), titles: titles.map(plain) };
}
