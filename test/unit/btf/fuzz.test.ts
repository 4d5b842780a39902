import { expect, test } from "vitest";
import { ObjectError } from "../../../lib/btf/elf.js";
import { readBpfObject } from "../../../lib/btf/object.js";
import { compile, PASS, sectionOf } from "../../clang.js";
import { fc } from "../../random.js";
import { told } from "./own.js";

const object = compile(`
	enum color { RED, GREEN }; struct list { struct list *next; union { __u32 a : 3; char b[4]; }; enum color color; };
	typedef struct { struct { __u64 deep[2][2]; } inner; } outer;
	struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct list); __type(value, outer); __uint(max_entries, 2); } map SEC(".maps");
	struct list list = { .color = GREEN }; const volatile outer wide = {}; volatile int (*function)(struct list *);
	${PASS}`);

const ENTRY = `globals: { list: { a: 1, color: RED }, wide: "${"00".repeat(32)}", function: 1 },
    maps: { map: [{ key: { b: x, color: GREEN }, value: { inner: { deep: [[1, 2], [3, 4]] } } }] }`;

/** Reads it and uses what it holds: all that may come of it is a diagnostic. */
function use(bytes: Buffer): void {
	try {
		readBpfObject(bytes);
	} catch (error) {
		expect(error).toBeInstanceOf(ObjectError);
	}
	told(ENTRY, bytes);
}

const runs = { numRuns: 400 };

test("the object is one that is read and used in full", () => {
	expect(told(ENTRY, object)).toEqual(["1: a `volatile int (*)(…)` cannot be given a value"]);
});

/** Changes at random places of a part: numbers that lead astray, and any others. */
function changed(from: number, to: number): fc.Arbitrary<Buffer> {
	const value = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));
	const change = fc.tuple(fc.integer({ min: from, max: to - 1 }), value);
	return fc.array(change, { minLength: 1, maxLength: 8 }).map((changes) => {
		const bytes = Buffer.from(object);
		for (const [at, byte] of changes) bytes[at] = byte;
		return bytes;
	});
}

const types = sectionOf(object, ".BTF");
const at = object.indexOf(types);

test("changed types come to a diagnostic or to other types", () => {
	fc.assert(fc.property(changed(at, at + types.length), use), runs);
});

test("a changed header does too", () => {
	fc.assert(fc.property(changed(0, 64), use), runs);
});

test("and changed sections", () => {
	const headers = Number(object.readBigUInt64LE(40));
	fc.assert(fc.property(changed(headers, object.length), use), runs);
});

test("and bytes that are no object at all", () => {
	const bytes = fc.uint8Array({ maxLength: 400 }).map((random) => Buffer.from(random));
	const behindHeader = bytes.map((random) => Buffer.concat([object.subarray(0, 64), random]));
	fc.assert(fc.property(fc.oneof(bytes, behindHeader), use), runs);
});

/** struct btf_header, and types as numbers of 32 bits behind it: see <linux/btf.h>. */
function withTypes(...numbers: number[]): Buffer {
	const bytes = Buffer.from(object);
	const content = Buffer.from(Uint32Array.from(numbers.map((number) => number >>> 0)).buffer);
	const strings = Buffer.from("\0list\0.data\0");
	const header = Buffer.from(types.subarray(0, 24));
	for (const [i, number] of [0, content.length, content.length, strings.length].entries())
		header.writeUInt32LE(number, 8 + 4 * i);
	bytes.fill(0, at, at + types.length);
	bytes.set(Buffer.concat([header, content, strings]), at);
	return bytes;
}

const [LIST, DATA] = [1, 6];
const kind = (number: number, count = 0) => (number << 24) | count;
const [POINTER, ARRAY, STRUCT, TYPEDEF, VARIABLE, SECTION] = [2, 3, 4, 8, 14, 15].map((number) =>
	kind(number),
) as [number, number, number, number, number, number];

/** Types 1 and on, then a variable `list` of type 1 in `.data`. @param count of the types */
const variable = (count: number) => [LIST, VARIABLE, 1, 1, DATA, SECTION | 1, 4, count + 1, 0, 4];

test.each<[title: string, numbers: number[], said: RegExp]>([
	["a typedef of itself", [LIST, TYPEDEF, 1], /damaged/],
	["an array of itself", [0, ARRAY, 0, 1, 1, 1], /damaged/],
	["a struct within itself", [LIST, STRUCT | 1, 4, LIST, 1, 0], /damaged/],
	["a member outside of its struct", [LIST, STRUCT | 1, 4, LIST, 2, 8, 0, kind(1), 4, 32], /damaged/],
	["a type that is not there", [LIST, TYPEDEF, 99], /damaged/],
	["an array larger than memory", [0, ARRAY, 0, 2, 2, 0xffffffff, 0, kind(1), 4, 32], /damaged/],
	[
		"a variable larger than its section",
		[0, ARRAY, 0, 2, 2, 1000, 0, kind(1), 4, 32],
		/outside of its section/,
	],
	["a pointer to itself", [0, POINTER, 1], /a `…/],
])("%s leads nobody astray", (_, numbers, said) => {
	const count = numbers.includes(kind(1)) ? 2 : 1;
	expect(told("globals: { list: 1 }", withTypes(...numbers, ...variable(count)))).toEqual([
		expect.stringMatching(said),
	]);
});

test("structs within each other do not multiply", () => {
	// Thirty anonymous unions, each with the next one twice: 2^30 names.
	const unions = Array.from({ length: 30 }, (_, i) => [0, kind(5, 2), 4, 0, i + 2, 0, 0, i + 2, 0]);
	const bytes = withTypes(...unions.flat(), 0, kind(1), 4, 32, ...variable(31));
	expect(told("globals: { list: { x: 1 } }", bytes)).toEqual([expect.stringContaining("damaged")]);
});
