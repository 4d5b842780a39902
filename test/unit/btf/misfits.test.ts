import { describe, expect, test } from "vitest";
import { compile, PASS } from "../../clang.js";
import { parseOwn, told } from "./own.js";

const object = compile(`
enum color { RED, GREEN = 7 };
enum wide { WIDE = 0x1234567890ULL };
typedef __u32 meters;
struct point { __s16 x, y; };
struct key { union { __be32 v4; __u8 v6[16]; }; __be16 port; struct { __u8 proto; }; };
struct bits { __u32 a : 3; __s32 b : 5; enum color d : 2; };
struct device { __u32 ifindex; __u8 mac[6]; };
volatile __u8 u8; volatile __s8 s8; volatile meters m; volatile bool flag; volatile float real;
volatile enum color color; volatile enum wide wide;
volatile struct point point; volatile struct key key; volatile struct bits bits; volatile struct device device;
volatile __u16 list[3]; volatile __u8 mac[6]; volatile __u8 address[16]; volatile char name[4];
void *pointer; int (*function)(struct point *);
const volatile __u64 u64 = 1; volatile __u32 large[5000000];
const int limit = 5; const int table[2] = {1}; static volatile __u32 hidden = 1;
${PASS}
int use(int i) { static volatile int inner = 1; return inner + limit + table[i] + hidden; }
`);

/** A title, what `globals` says, and for each mistake what is underlined, what is said, and the hint. */
type Case = [title: string, globals: string, ...mistakes: string[]];

function refused(title: string, cases: Case[]): void {
	describe(title, () => {
		test.each(cases)("%s", (_, globals, ...mistakes) => {
			expect(told(`globals: { ${globals} }`, object)).toEqual(mistakes);
		});
	});
}

const KEY =
	"`volatile struct key { union { __be32 v4; __u8 v6[16]; }; __be16 port; struct { __u8 proto; }; }`";

refused("a number that does not fit", [
	["is too great", "u8: 256", "256: 256 does not fit `volatile __u8` (0 to 255)"],
	["is too small", "s8: -129", "-129: -129 does not fit `volatile __s8` (-128 to 127)"],
	["is negative", "u8: -1", "-1: -1 does not fit `volatile __u8` (0 to 255)"],
	[
		"is longer than any",
		"u64: 18446744073709551616",
		"18446744073709551616: 18446744073709551616 does not fit `const volatile __u64` (0 to 18446744073709551615)",
	],
	["is a fraction", "u8: 1.5", "1.5: `1.5` does not fit `volatile __u8` (a whole number)"],
	[
		"is too great for a float",
		"real: 1e39",
		"1e39: `1e39` does not fit `volatile float` (a number up to 3.4e38)",
	],
	["is no boolean", "flag: 2", "2: `2` does not fit `volatile bool` (`true` or `false`)"],
	[
		"is too great for an enum",
		"color: 4294967296",
		"4294967296: 4294967296 does not fit `volatile enum color` (0 to 4294967295)",
	],
	[
		"is too wide for a bit-field",
		"bits: { a: 8, b: -17, d: GREEN }",
		"8: 8 does not fit `__u32 a : 3` (0 to 7)",
		"-17: -17 does not fit `__s32 b : 5` (-16 to 15)",
		"GREEN: 7 does not fit `enum color d : 2` (0 to 3)",
	],
]);

refused("a value of another type", [
	["a word is no number", "u8: abc", "abc: `abc` does not fit `volatile __u8` (a whole number)"],
	["a list is no number", "u8: [1]", "[1]: a list does not fit `volatile __u8` (a whole number)"],
	["a mapping is no number", "u8: {}", "{}: a mapping does not fit `volatile __u8` (a whole number)"],
	["a word is no float", "real: much", "much: `much` does not fit `volatile float` (a number)"],
	["YAML 1.2 has no yes", "flag: yes", "yes: `yes` does not fit `volatile bool` (`true` or `false`)"],
	[
		"a typedef has its own name",
		"m: x",
		"x: `x` does not fit `volatile meters` (a whole number, or an IPv4 address)",
	],
	[
		"an enum lists its names",
		"color: BLUE",
		"BLUE: `BLUE` does not fit `volatile enum color` (one of `RED`, `GREEN`)",
	],
	[
		"a name of an enum of 64 bits is not known before clang 15",
		"wide: WIDE",
		"WIDE: the object knows 32 bits only of `WIDE` of `volatile enum wide` (write it as a number, or compile with clang 15 or newer)",
	],
	["a pointer takes none", "pointer: 1", "1: a `void *` cannot be given a value"],
	[
		"nor hexadecimal digits",
		'pointer: "0102030405060708"',
		'"0102030405060708": a `void *` cannot be given a value',
	],
	["nor one to a function", "function: 1", "1: a `int (*)(…)` cannot be given a value"],
	[
		"nothing is no value within a list",
		"list: [1, 2, ~]",
		"~: `null` does not fit `volatile __u16` (a whole number)",
	],
	[
		"controls come escaped",
		'u8: "\\e[31mred"',
		'"\\e[31mred": `\u001b[31mred` does not fit `volatile __u8` (a whole number)',
	],
	[
		"what is larger than a file",
		"large: [1]",
		"[1]: a value of 20000000 bytes cannot be given here (at most 16777216)",
	],
]);

refused("arrays", [
	["a list too short", "list: [1, 2]", "[1, 2]: a list of 2 does not fit `volatile __u16[3]` (it has 3)"],
	[
		"each wrong item",
		"list: [1, 70000, x]",
		"70000: 70000 does not fit `volatile __u16` (0 to 65535)",
		"x: `x` does not fit `volatile __u16` (a whole number)",
	],
	[
		"a MAC with a part missing",
		"mac: 02:00:00:00:00",
		"02:00:00:00:00: `02:00:00:00:00` does not fit `volatile __u8[6]` (a list of 6, 12 hexadecimal digits in quotes or a MAC)",
	],
	[
		"an IPv6 address with a zone",
		'address: "fe80::1%eth0"',
		'"fe80::1%eth0": `fe80::1%eth0` does not fit `volatile __u8[16]` (a list of 16, 32 hexadecimal digits in quotes or an IPv6 address)',
	],
	[
		"a text without room for the NUL",
		"name: abcd",
		"abcd: `abcd` does not fit `volatile char[4]` (a text of up to 3 bytes, a list of 4 or 8 hexadecimal digits in quotes)",
	],
	[
		"a text whose bytes are more than its characters",
		"name: éé",
		"éé: `éé` does not fit `volatile char[4]` (a text of up to 3 bytes, a list of 4 or 8 hexadecimal digits in quotes)",
	],
]);

refused("structs and unions", [
	[
		"a number",
		"key: 5",
		`5: \`5\` does not fit ${KEY} (a mapping of its members, or 40 hexadecimal digits in quotes)`,
	],
	["missing members", "key: { v4: 1 }", `{ v4: 1 }: ${KEY} lacks \`port\`, \`proto\``],
	[
		"none of a union",
		"key: { port: 1, proto: 1 }",
		`{ port: 1, proto: 1 }: ${KEY} lacks one of \`v4\`, \`v6\``,
	],
	[
		"several of a union",
		"key: { v4: 1, v6: fe80::1, port: 1, proto: 1 }",
		"{ v4: 1, v6: fe80::1, port: 1, proto: 1 }: `union { __be32 v4; __u8 v6[16]; }` is given several members (one of `v4`, `v6`)",
	],
	[
		"a misspelt member is one mistake",
		"point: { x: 1, z: 2 }",
		"z: `volatile struct point { __s16 x; __s16 y; }` has no member `z` (it has `y`)",
	],
	[
		"members that no object should have",
		"point: { x: 1, y: 2, __proto__: 3, constructor: 4 }",
		"__proto__: `volatile struct point { __s16 x; __s16 y; }` has no member `__proto__` (it has `x`, `y`)",
		"constructor: `volatile struct point { __s16 x; __s16 y; }` has no member `constructor` (it has `x`, `y`)",
	],
	[
		"a wrong value deep within",
		"point: { x: 1, y: 40000 }",
		"40000: 40000 does not fit `__s16` (-32768 to 32767)",
	],
]);

refused("references", [
	[
		"an end that is not there",
		"m: { ifindex: host:nix }",
		"host:nix: namespace `host` has no interface `nix` (it has `uno`, `dos`)",
	],
	[
		"an interface without its namespace",
		"m: { ifindex: uno }",
		"uno: `uno` does not name an end (an end is NAMESPACE:INTERFACE, for example `uno:veth0`)",
	],
	[
		"something else than a name",
		"m: { ipv4: 5 }",
		"5: a reference names an end, and this is `5` (NAMESPACE:INTERFACE)",
	],
	["an end without IPv4", "m: { ipv4: host:dos }", "host:dos: `host:dos` has no IPv4 address"],
	["an end without IPv6", "address: { ipv6: uno:a }", "uno:a: `uno:a` has no IPv6 address"],
	[
		"a MAC for a number",
		"m: { mac: host:uno }",
		"{ mac: host:uno }: a MAC is 6 bytes, and `volatile meters` has 4",
	],
	[
		"an ifindex for a byte",
		"u8: { ifindex: host:uno }",
		"{ ifindex: host:uno }: an ifindex does not fit `volatile __u8` (it is a number of 32 bits)",
	],
	[
		"an address for an enum",
		"color: { ipv4: host:uno }",
		"{ ipv4: host:uno }: an IPv4 address does not fit `volatile enum color`",
	],
	[
		"an address for a float",
		"real: { ipv4: host:uno }",
		"{ ipv4: host:uno }: an IPv4 address does not fit `volatile float`",
	],
	[
		"a reference for a bit-field",
		"bits: { a: { ifindex: host:uno }, b: 0, d: RED }",
		"{ ifindex: host:uno }: a mapping does not fit `__u32 a : 3` (a whole number)",
	],
	[
		"an end where a reference to it was meant",
		"device: { ifindex: host:dos, mac: { mac: host:dos } }",
		"host:dos: `host:dos` does not fit `__u32` (a whole number; the number of an interface is `{ ifindex: host:dos }`)",
	],
]);

refused("names", [
	[
		"a misspelt variable",
		"lists: 1",
		"lists: the object has no global variable `lists` (did you mean `list`?)",
	],
	[
		"a local variable of a function",
		"inner: 1",
		expect.stringMatching(/^inner: the object has no global variable `inner` \(it has `/),
	],
]);

describe("right, though doubtful", () => {
	test("a constant that the compiler may have used already is a warning", () => {
		const { warnings } = parseOwn("globals: { limit: 7, table: [1, 2], u64: 2, hidden: 5 }", object);
		expect(warnings.map(({ message }) => message)).toEqual(
			["limit", "table"].map(
				(name) =>
					`global variable \`${name}\` is \`const\`, but not \`volatile\`: the compiler may have put its value where it is used`,
			),
		);
	});
});

describe("what a YAML file can do with a value", () => {
	const valuesOf = (globals: string) =>
		Object.fromEntries(
			(parseOwn(`globals: { ${globals} }`, object).programs[0]?.globals ?? []).map(({ name, value }) => [
				name,
				value.hex,
			]),
		);

	test("anchors and aliases", () => {
		expect(valuesOf("list: &a [1, 2, 3], u8: &b 5, s8: *b")).toEqual({
			list: "010002000300",
			u8: "05",
			s8: "05",
		});
	});

	test("merge keys", () => {
		expect(valuesOf("point: { <<: { x: 1, y: 2 }, y: 3 }")).toEqual({ point: "01000300" });
	});

	test("a mistake in an alias is told where the alias is", () => {
		expect(told("globals: { m: &a 300, u8: *a, s8: *a }", object)).toEqual([
			"*a: 300 does not fit `volatile __u8` (0 to 255)",
			"*a: 300 does not fit `volatile __s8` (-128 to 127)",
		]);
	});

	test("no value at all is one", () => {
		expect(told("globals: { u8: , s8: ~ }", object)).toEqual([
			expect.stringContaining("`u8` has no value"),
			expect.stringContaining("`s8` has no value"),
		]);
	});
});
