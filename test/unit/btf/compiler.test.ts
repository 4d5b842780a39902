import { describe, expect, test } from "vitest";
import { compile, initialBytes, PASS } from "../../clang.js";
import { parseOwn } from "./own.js";

/** A type with its declarations, what C initialises it with, and the same in a topology file. */
type Case = [declaration: string, initialiser: string, yaml: string];

const TYPES = `
enum color { RED, GREEN = 7, BLUE = 0x80000001 };
enum sign { MINUS = -3, PLUS = 3 };
enum wide { WIDE = 0x1234567890ULL };
typedef __u32 meters;
typedef const volatile meters more_meters;
struct point { __s16 x, y; };
struct padded { __u8 a; __u64 b; __u8 c; };
struct packed { __u8 a; __u64 b; __u8 c; } __attribute__((packed));
struct bits { __u32 a : 3; __s32 b : 5; bool c : 1; __u32 : 4; enum color d : 4; enum sign e : 3; __u64 f : 40; };
struct key { union { __be32 v4; __u8 v6[16]; }; __be16 port; struct { __u8 proto; enum color color; }; };
union choice { __u64 number; struct point point; __u8 bytes[12]; };
struct nested { struct point corners[2][3]; union choice choice; char name[16]; struct { __u8 deep; } inner; };
struct prefix { struct { __u32 prefixlen; __u8 data[0]; } lpm; __be32 address; };
struct linked { struct linked *next; void *data; __u32 value; struct bpf_spin_lock lock; };
`;

const CASES: Case[] = [
	// Integers of every width and sign, at their ends
	...[8, 16, 32, 64].flatMap((bits): Case[] => [
		[`__u${bits} V`, `${(1n << BigInt(bits)) - 1n}ull`, `${(1n << BigInt(bits)) - 1n}`],
		[`__s${bits} V`, `-${(1n << BigInt(bits - 1)) - 1n}ll - 1`, `-${1n << BigInt(bits - 1)}`],
		[`__s${bits} V`, `${(1n << BigInt(bits - 1)) - 1n}ll`, `${(1n << BigInt(bits - 1)) - 1n}`],
		[`__u${bits} V`, "0x5a", "0x5a"],
		[`__s${bits} V`, "-0x5a", '"-0x5a"'],
	]),
	["__u64 V", "0xfedcba9876543210ull", "0xfedcba9876543210"],
	["__u64 V", "9007199254740993ull", "9007199254740993"],
	["__u64 V", "9007199254740993ull", '"9007199254740993"'],
	["__u32 V", "493", "0o755"],
	["__u32 V", "5", '"0b101"'],
	["__u32 V", "1000", "1e3"],
	["__int128 V", "-(((__int128)1 << 100) + 5)", "-1267650600228229401496703205381"],
	["unsigned __int128 V", "~(unsigned __int128)0", "0xffffffffffffffffffffffffffffffff"],
	["char V", "65", "65"],
	["meters V", "7", "7"],
	["more_meters V", "7", "7"],
	["__be16 V", "__builtin_bswap16(443)", "443"],
	["__be32 V", "__builtin_bswap32(0x0a000001)", "10.0.0.1"],
	["__be32 V", "__builtin_bswap32(1)", "1"],
	["__be64 V", "__builtin_bswap64(1)", "1"],
	["__u32 V", "__builtin_bswap32(0x0a000001)", "10.0.0.1"],
	["bool V", "true", "true"],
	["bool V", "true", "1"],
	["bool V", "false", "false"],
	["__u8 V", "1", "true"],
	// Other scalars
	["float V", "1.5f", "1.5"],
	["float V", "-0.1f", "-0.1"],
	["double V", "0.1", "0.1"],
	["double V", "1e300", "1e300"],
	["double V", "1e20", "1e20"],
	["double V", "123456789012345678901.0", "123456789012345678901"],
	["double V", "3", "3"],
	["enum color V", "GREEN", "GREEN"],
	["enum color V", "BLUE", "BLUE"],
	["enum color V", "BLUE", "0x80000001"],
	["enum color V", "9", "9"],
	["enum sign V", "MINUS", "MINUS"],
	["enum sign V", "MINUS", "-3"],
	["enum wide V", "WIDE", "0x1234567890"],
	// Arrays
	["__u32 V[3]", "{1, 2, 3}", "[1, 2, 3]"],
	["__u16 V[2][3]", "{{1, 2, 3}, {4, 5, 6}}", "[[1, 2, 3], [4, 5, 6]]"],
	["__u8 V[6]", "{2, 0, 0, 0, 0, 9}", '"02:00:00:00:00:09"'],
	["unsigned char V[6]", "{2, 0, 0, 0, 0, 9}", "02-00-00-00-00-09"],
	["__u8 V[4]", "{10, 0, 0, 1}", "10.0.0.1"],
	["__u8 V[16]", "{0xfc, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}", '"fc00::1"'],
	["__u8 V[4]", "{0xde, 0xad, 0xbe, 0xef}", '"0xdeadbeef"'],
	["__u8 V[4]", "{0xde, 0xad, 0xbe, 0xef}", "de ad be ef"],
	["__u16 V[2]", "{0xadde, 0xefbe}", "deadbeef"],
	["char V[8]", '"veth0"', "veth0"],
	["char V[8]", '"a.b:c"', "a.b:c"],
	["char V[8]", '"\\xc3\\xa9\\n"', '"é\\n"'],
	["char V[8]", '""', '""'],
	["char V[4]", "{1, -2, 3, 4}", "[1, -2, 3, 4]"],
	["enum color V[2]", "{RED, GREEN}", "[RED, 7]"],
	["bool V[3]", "{true, false, true}", "[true, false, 1]"],
	["struct point V[2]", "{{1, 2}, {-3, -4}}", "[{ x: 1, y: 2 }, { y: -4, x: -3 }]"],
	// Structs and unions
	["struct point V", "{-1, 2}", "{ x: -1, y: 2 }"],
	["struct padded V", "{1, 2, 3}", "{ a: 1, b: 2, c: 3 }"],
	["struct packed V", "{1, 0x0102030405060708, 3}", "{ a: 1, b: 0x0102030405060708, c: 3 }"],
	[
		"struct bits V",
		"{.a = 5, .b = -7, .c = true, .d = GREEN, .e = MINUS, .f = 0x123456789a}",
		"{ a: 5, b: -7, c: true, d: GREEN, e: MINUS, f: 0x123456789a }",
	],
	["struct bits V", "{.d = 7, .e = -3}", "{ a: 0, b: 0, c: 0, d: 7, e: -3, f: 0 }"],
	[
		"struct key V",
		"{.v4 = __builtin_bswap32(0x0a000001), .port = __builtin_bswap16(80), .proto = 6, .color = GREEN}",
		"{ v4: 10.0.0.1, port: 80, proto: 6, color: GREEN }",
	],
	[
		"struct key V",
		"{.v6 = {0xfe, 0x80, [15] = 2}, .port = 0, .proto = 0, .color = RED}",
		'{ v6: "fe80::2", port: 0, proto: 0, color: RED }',
	],
	["union choice V", "{.number = 5}", "{ number: 5 }"],
	["union choice V", "{.point = {1, 2}}", "{ point: { x: 1, y: 2 } }"],
	[
		"union choice V",
		"{.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}",
		"0102030405060708090a0b0c00000000",
	],
	[
		"struct nested V",
		'{.corners = {{{1, 2}, {3, 4}, {5, 6}}, {{7, 8}, {9, 10}, {11, 12}}}, .choice = {.number = 1ull << 63}, .name = "x", .inner = {9}}',
		`{ corners: [[{ x: 1, y: 2 }, { x: 3, y: 4 }, { x: 5, y: 6 }], [{ x: 7, y: 8 }, { x: 9, y: 10 }, { x: 11, y: 12 }]],
      choice: { number: 0x8000000000000000 }, name: x, inner: { deep: 9 } }`,
	],
	["struct point V", "{0x0201, 0x0403}", '"01020304"'],
	["struct in_addr V", "{__builtin_bswap32(0x0a000001)}", "10.0.0.1"],
	["struct in6_addr V", "{.s6_addr = {0xfc, [15] = 1}}", '"fc00::1"'],
	["struct prefix V", "{{8}, __builtin_bswap32(0x0a000000)}", "{ lpm: { prefixlen: 8 }, address: 10.0.0.0 }"],
	["struct linked V", "{.value = 3}", "{ value: 3 }"],
	// References
	["__u8 V[6]", "{2, 0, 0, 0, 0, 1}", "{ mac: host:uno }"],
	["__u32 V", "__builtin_bswap32(0x0a000001)", "{ ipv4: host:uno }"],
	["__be32 V", "__builtin_bswap32(0x0a000002)", "{ ipv4: uno:a }"],
	["struct in6_addr V", "{.s6_addr = {0xfc, [15] = 1}}", "{ ipv6: host:uno }"],
	["struct { __u8 mac[6]; __u16 pad; } V", "{{2, 0, 0, 0, 0, 1}, 0}", "{ mac: { mac: host:uno }, pad: 0 }"],
];

/** All in one object, a variable each. */
const names = CASES.map((_, i) => `v${i}`);
const object = compile(
	[
		TYPES,
		...CASES.map(([declaration, initialiser], i) => {
			const storage = i % 2 === 0 ? "const volatile" : "volatile";
			return `${storage} ${declaration.replace(/\bV\b/, `v${i}`)} = ${initialiser};`;
		}),
		PASS,
	].join("\n"),
);

describe("a value is what the compiler makes of the same in C", () => {
	const expected = initialBytes(object, names);
	test.each(CASES.map((one, i) => [...one, `v${i}`] as const))("%s = %s is %s", (_, __, yaml, name) => {
		const [global] = parseOwn(`globals: { ${name}: ${yaml} }`, object).programs[0]?.globals ?? [];
		expect(global).toMatchObject({ name, value: { hex: expected.get(name)?.toString("hex") } });
	});
});
