import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decode, deriveMac, parseTopology, TopologyError } from "../../../lib/topology/index.js";
import { draftTopology } from "../../../lib/topology/parse-topology.js";
import { fc } from "../../random.js";
import { cpuTime } from "./cpu-time.js";

/** Milliseconds for the largest text that is read at all. */
const LARGEST = 10_000;

/** Milliseconds for one small text; generous, since it is there to notice what has no bound. */
const BOUND = 2000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** Parses what may be nonsense; nothing but a TopologyError may come of it. */
function survive(text: string): void {
	surviveBytes(Buffer.from(text));
}

/** The same of bytes, which may be no text at all. */
function surviveBytes(bytes: Uint8Array, bound = BOUND): void {
	// What has no bound takes as long again; what was in the way, such as a collection of garbage, does not.
	for (let tries = 1; cpuTime(() => read(bytes)) >= bound; tries++) expect(tries).toBeLessThan(3);
}

function read(bytes: Uint8Array): void {
	try {
		const draft = draftTopology(decode(bytes, "lab.yaml"), "lab.yaml");
		if (draft.programs.length === 0) draft.complete(new Map());
	} catch (error) {
		if (!(error instanceof TopologyError)) throw error;
		expect(error.diagnostics.length).toBeGreaterThan(0);
		expect(error.render()).not.toMatch(control);
		for (const { line = 0, column = 0, length = 0 } of error.diagnostics)
			expect(Math.min(line, column, length)).toBeGreaterThan(0);
	}
}

/** Pieces of topologies, which in any order come closer to one than letters do. */
const pieces = fc.constantFrom(
	..."name: x|namespaces:|veths:|expect:|programs:|uno:|host:|dos:|host:uno:|uno:veth0:|  |    |\n|\n  |\n  - |- |: |, |{ |} |[ |] |&a |*a|<<: |\"|'|#|10.1.0.1/24|10.1.0.2|fc00::|fe80::1|02:00:00:00:00:01|forwarding: |fib|map|mode: |redirect: |gateway: |routes: |to: |via: |default|interface: |neighbors: |learned|sysctls: |net.ipv4.ip_forward: 1|net..|mac: |mtu: |1280|xdp: |none|pass|offloads: |tx: false|ping: |from: |actions: |~|null|true|-1|1e400|.nan|__proto__: |constructor: |!!str |!x |%YAML 1.1|---|\t|\u001b[31m|\u0000|\u202e|日本".split(
		"|",
	),
);

const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
	value: fc.oneof(
		{ maxDepth: 4 },
		fc.constantFrom(
			null,
			true,
			0,
			1280,
			"uno",
			"host:uno",
			"10.1.0.1/24",
			"10.1.0.2",
			"fc00::1",
			"none",
			"fib",
		),
		fc.string(),
		fc.array(tie("value"), { maxLength: 4 }),
		fc.dictionary(
			fc.oneof(
				fc.constantFrom(
					"host:uno",
					"uno:veth0",
					"to",
					"via",
					"mode",
					"redirect",
					"uno",
					"addresses",
					"mac",
					"ip",
				),
				fc.string(),
			),
			tie("value"),
			{ maxKeys: 4 },
		),
	),
})).value;

/** Right keys with anything below them. */
const document = fc.record(
	{
		name: fc.oneof(fc.constant("x"), value),
		namespaces: fc.oneof(
			value,
			fc.dictionary(
				fc.constantFrom("host", "uno", "dos"),
				fc.record(
					{ forwarding: value, gateway: value, routes: fc.array(value), neighbors: value, sysctls: value },
					{ requiredKeys: [] },
				),
			),
		),
		veths: fc.oneof(value, fc.array(fc.dictionary(fc.constantFrom("host:uno", "uno:veth0", "dos:a"), value))),
		programs: value,
		expect: value,
	},
	{ requiredKeys: [] },
);

describe("whatever the text", () => {
	test("no letters lead to anything but a topology or its mistakes", () => {
		fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), survive), { numRuns: 500 });
	});

	test("nor do pieces of topologies", () => {
		fc.assert(
			fc.property(fc.array(pieces, { maxLength: 60 }), (list) => survive(list.join(""))),
			{ numRuns: 2000 },
		);
	});

	test("nor do documents of the right shape and the wrong values", () => {
		fc.assert(
			fc.property(document, (root) => survive(JSON.stringify(root))),
			{ numRuns: 2000 },
		);
	});

	test("nor do the bytes of a topology of which some are others, gone or twice", () => {
		const sources = readdirSync("topologies")
			.filter((name) => name.endsWith(".yaml"))
			.map((name) => readFileSync(`topologies/${name}`));
		const edit = fc.record({
			at: fc.nat(),
			length: fc.nat(20),
			insert: fc.oneof(
				fc.uint8Array({ maxLength: 4 }),
				pieces.map((piece) => Buffer.from(piece)),
				fc.nat().map((from) => ({ from })),
			),
		});
		fc.assert(
			fc.property(
				fc.constantFrom(...sources),
				fc.array(edit, { minLength: 1, maxLength: 5 }),
				(source, edits) => {
					let bytes = source;
					for (const { at, length, insert } of edits) {
						const start = at % (bytes.length + 1);
						// Bytes, or a part of the file itself.
						const put =
							"from" in insert ? bytes.subarray(insert.from % (bytes.length + 1)).subarray(0, 200) : insert;
						bytes = Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + length)]);
					}
					surviveBytes(bytes);
				},
			),
			{ numRuns: 1000 },
		);
	});

	test.each<[what: string, bytes: Buffer]>([
		["UTF-16, either end first", Buffer.from("\ufeffname: x\n", "utf16le")],
		["UTF-16 without a mark", Buffer.from("name: x\nnamespaces: { uno: }\n", "utf16le")],
		["Latin-1", Buffer.from("name: x # é\n", "latin1")],
		["UTF-8 of surrogates", Buffer.from([0x6e, 0xed, 0xa0, 0x80])],
		["UTF-8 longer than need be", Buffer.from([0x6e, 0xc0, 0xaf])],
		["a mark and nothing else", Buffer.from("\ufeff")],
		["10 MB of spaces", Buffer.alloc(10 << 20, " ")],
		["10 MB of zeros", Buffer.alloc(10 << 20)],
		["one line of 2 MB", Buffer.from(`name: ${"x".repeat(2 << 20)}`)],
		["very many lines", Buffer.from("\n".repeat(2 << 20))],
		[
			"aliases of aliases",
			Buffer.from(
				`a0: &a0 [x]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`).join("\n")}\n`,
			),
		],
		[
			"merges of merges",
			Buffer.from(
				`a0: &a0 { x: 1 }\n${Array.from({ length: 200 }, (_, i) => `a${i + 1}: &a${i + 1} { <<: [*a${i}, *a${i}] }`).join("\n")}\n`,
			),
		],
	])("nor do bytes that are %s", (_, bytes) => surviveBytes(bytes, LARGEST));

	test("a mark of UTF-8 is none of the text", () => {
		expect(parseTopology(decode(Buffer.from("\ufeffname: x\n"), "lab.yaml"), "lab.yaml").name).toBe("x");
	});

	test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"])(
		"a name like any other, wherever one may be given: %s",
		(name) => {
			const { namespaces, veths } = parseTopology(
				`name: x
namespaces: { "${name}": { sysctls: { net.ipv4.conf.${name}.rp_filter: 0 }, forwarding: { mode: map, redirect: { "${name}": b } } }, uno: }
veths:
  - "${name}:${name}": 10.1.0.1/24
    uno:veth0: 10.1.0.2/24
  - "${name}:b": 10.2.0.1/24
    uno:c: 10.2.0.2/24
expect: [{ ping: { from: "${name}", to: uno:veth0 }, actions: { "${name}:${name}": XDP_PASS } }]
`,
				"lab.yaml",
			);
			expect(namespaces.map((one) => one.name)).toContain(name);
			expect(veths[0]?.ends.map((end) => end.name)).toContain(`${name}:${name}`);
			expect(Object.prototype).not.toHaveProperty("mode");
		},
	);

	test("nor do any bytes", () => {
		fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => surviveBytes(bytes)));
	});

	test.each([
		["brackets", "[", 20_000],
		["braces", "{a: ", 20_000],
		["dashes", "- ", 20_000],
		["question marks", "? ", 20_000],
		["quotes", '"', 20_000],
		["anchors", "&a ", 20_000],
		["aliases", "*a ", 20_000],
		["one key", "a: 1\n", 20_000],
		["ends nowhere", "- {a:b: , c:d: }\n", 5000],
	])("nor do very many %s", (_, piece, times) => {
		survive(piece.repeat(times));
		survive(`name: x\nveths:\n${piece.repeat(times)}`);
	});
});

describe("a derived MAC", () => {
	const name = fc.stringMatching(/^[a-z0-9]{1,10}$/);

	test("is unicast, locally administered and always the same", () => {
		fc.assert(
			fc.property(name, name, name, (lab, namespace, link) => {
				const mac = deriveMac(lab, `${namespace}:${link}`);
				expect(mac).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
				expect(deriveMac(lab, `${namespace}:${link}`)).toBe(mac);
			}),
		);
	});

	test("depends on the lab and on the end", () => {
		expect(new Set([deriveMac("a", "b:c"), deriveMac("a", "b:d"), deriveMac("b", "b:c")]).size).toBe(3);
	});
});
