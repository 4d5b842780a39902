import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TopologyError } from "../../../lib/topology/error.js";
import { hintForKey, WORDS } from "../../../lib/topology/foreign-words.js";
import { parseTopology } from "../../../lib/topology/parse-topology.js";

/** What is said of each unknown key of a text, as `key: hint`. */
function hints(text: string): string[] {
	try {
		parseTopology(text, "lab.yaml");
	} catch (error) {
		if (!(error instanceof TopologyError)) throw error;
		return error.diagnostics.flatMap(({ message, hint = "" }) => {
			const [, key] = /^(?:unknown key )?`(\w+)`(?: does not name an end)?$/.exec(message) ?? [];
			return key === undefined ? [] : [`${key}: ${hint}`];
		});
	}
	throw new Error("there is nothing wrong with it");
}

const LAB = (more: string) => `name: lab\nnamespaces: { r1: , r2: }\n${more}`;

test.each<[tool: string, text: string, expected: RegExp[]]>([
	[
		"containerlab",
		'name: lab\ntopology:\n  nodes: { r1: { kind: linux } }\n  links: [{ endpoints: ["r1:eth1", "r2:eth1"] }]\n',
		[/^topology: `nodes` are `namespaces` here and `links` are `veths`/],
	],
	[
		"containerlab, half way",
		'name: lab\nnodes: { r1: { image: alpine } }\nlinks: [{ endpoints: ["r1:eth1", "r2:eth1"] }]\n',
		[/^nodes: .*`namespaces`/, /^links: .*`veths`.*r1:eth0: 10\.0\.0\.1\/24/],
	],
	[
		"its links in ours",
		LAB('veths: [{ endpoints: ["r1:eth1", "r2:eth1"] }]'),
		[/^endpoints: the two ends are the keys/],
	],
	[
		"its nodes in ours",
		"name: lab\nnamespaces: { r1: { image: alpine, exec: [ip a] } }",
		[/^image: .*leave it out/, /^exec: .*xdp-exec/],
	],
	["netplan", "network: { version: 2, ethernets: { eth0: { dhcp4: true } } }", [/^network: .*`veths`/]],
	[
		"netplan's interfaces",
		LAB(
			"ethernets: {}\nrenderer: networkd\nveths: [{ r1:a: { routes: [], macaddress: x }, r2:a: { dhcp4: true } }]",
		),
		[
			/^ethernets: /,
			/^renderer: .*leave it out/,
			/^routes: .*namespace/,
			/^macaddress: write `mac`/,
			/^dhcp4: .*leave it out/,
		],
	],
	[
		"netlab",
		LAB("provider: clab\nmodule: [ospf]\nvalidate: {}"),
		[/^provider: /, /^module: /, /^validate: .*`expect`/],
	],
	[
		"Kubernetes",
		"apiVersion: v1\nkind: Pod\nmetadata: {}",
		[/^apiVersion: .*no Kubernetes manifest/, /^kind: /, /^metadata: /],
	],
	[
		"ip-route(8)",
		"name: lab\nnamespaces: { r1: { routes: [{ dst: 10.0.0.0/8, dev: eth0, gw: 10.0.0.1 }] } }",
		[/^dst: write `to`/, /^dev: write `interface`/, /^gw: write `via`/],
	],
	[
		"xdp-loader",
		LAB("veths: [{ r1:a: { prog: x, mode: skb }, r2:a: }]\nprograms: { x: { file: x.c, section: xdp } }"),
		[
			/^prog: .*`xdp: NAME`/,
			/^mode: .*attach: generic/,
			/^file: .*`source: FILE.c`/,
			/^section: .*`program: FUNCTION`/,
		],
	],
	[
		"Scapy",
		LAB("veths: [{ r1:a: , r2:a: }]\nexpect: [{ Ether: {} }, { ping: { src: r1, dst: 'r2:a' } }]"),
		[/^Ether: packets are not written by hand/, /^src: write `from`/, /^dst: write `to`/],
	],
])("words of %s are answered by ours", (_, text, expected) => {
	const found = hints(text);
	for (const pattern of expected) expect(found).toContainEqual(expect.stringMatching(pattern));
});

test("a slip of a letter is still one", () => {
	expect(hints(LAB("veth: []"))).toEqual(["veth: did you mean `veths`?"]);
	expect(hints("name: lab\nnamespaces: { r1: { gatway: 10.0.0.1 } }")).toEqual([
		"gatway: did you mean `gateway`?",
	]);
});

test("no word of ours is in the table, and none is there twice", () => {
	const schema = JSON.parse(readFileSync("schemas/topology.schema.json", "utf8"));
	const objects = [schema, ...Object.values<{ properties?: object }>(schema.definitions)];
	const known = objects
		.map(({ properties = {} }) => Object.keys(properties))
		.filter(({ length }) => length > 0);
	expect(known.length).toBeGreaterThan(8);
	for (const keys of known)
		for (const key of keys) expect([key, hintForKey(key, keys)]).toEqual([key, undefined]);
	const words = WORDS.flatMap(([place, words]) => words.split(" ").map((word) => `${place}: ${word}`));
	expect(words.filter((word, i) => words.indexOf(word) !== i)).toEqual([]);
});
