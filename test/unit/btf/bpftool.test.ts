import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Btf, type Type } from "../../../lib/btf/btf.js";
import { readElf } from "../../../lib/btf/elf.js";
import { readBpfObject } from "../../../lib/btf/object.js";
import { printType } from "../../../lib/btf/print.js";
import { compile, PASS, tool } from "../../clang.js";

/** A type as `bpftool -j btf dump` has it. */
interface Dumped {
	id: number;
	kind: string;
	name: string;
	size?: number;
	nr_bits?: number;
	encoding?: string;
	type_id?: number;
	nr_elems?: number;
	members?: { name: string; type_id: number; bits_offset: number; bitfield_size?: number }[];
	values?: { name: string; val: string }[];
	vars?: { type_id: number }[];
	ret_type_id?: number;
	fwd_kind?: string;
}

function dump(object: Buffer): Dumped[] {
	const text = tool(object, "bpftool", "-j", "btf", "dump", "file", "OBJECT");
	// Values of 64 bits are no JavaScript numbers.
	const quoted = text.replaceAll(/"val":(-?\d+)/g, '"val":"$1"');
	return (JSON.parse(quoted) as { types: Dumped[] }).types;
}

const name = (text: string) => (text === "(anon)" ? "" : text);

/** What our reader should have made of it. */
function expected(type: Dumped): unknown {
	const { size, type_id } = type;
	switch (type.kind) {
		case "INT":
			return {
				kind: "int",
				name: type.name,
				size,
				bits: type.nr_bits,
				signed: type.encoding === "SIGNED",
				boolean: type.encoding === "BOOL",
			};
		case "FLOAT":
			return { kind: "float", name: type.name, size };
		case "PTR":
			return { kind: "pointer", type: type_id };
		case "CONST":
		case "VOLATILE":
		case "RESTRICT":
			return { kind: type.kind.toLowerCase(), type: type_id };
		case "TYPE_TAG":
			return { kind: "tag", type: type_id };
		case "TYPEDEF":
			return { kind: "typedef", name: type.name, type: type_id };
		case "VAR":
			return { kind: "variable", name: type.name, type: type_id };
		case "ARRAY":
			return { kind: "array", element: type_id, length: type.nr_elems };
		case "STRUCT":
		case "UNION":
			return {
				kind: type.kind.toLowerCase(),
				name: name(type.name),
				size,
				members: type.members?.map((member) => ({
					name: name(member.name),
					type: member.type_id,
					bitOffset: member.bits_offset,
					bits: member.bitfield_size ?? 0,
				})),
			};
		case "ENUM":
		case "ENUM64":
			return {
				kind: "enum",
				name: name(type.name),
				size,
				signed: type.encoding === "SIGNED",
				// bpftool 7.1 prints those of 32 bits with their sign, whatever it says of it itself.
				values: type.values?.map(({ name, val }) => ({ name, value: BigInt.asUintN(32, BigInt(val)) })),
				cut: type.kind === "ENUM" && size === 8,
			};
		case "DATASEC":
			return { kind: "section", name: type.name, variables: type.vars?.map(({ type_id }) => type_id) };
		case "FUNC_PROTO":
			return { kind: "prototype", result: type.ret_type_id };
		case "FWD":
			return { kind: "forward", name: type.name, of: type.fwd_kind };
		default:
			return { kind: "other", name: name(type.name) };
	}
}

function btfOf(object: Buffer): Btf {
	const section = readElf(object).sections.find(({ name }) => name === ".BTF");
	return new Btf(section?.data ?? Buffer.alloc(0));
}

const AWKWARD = compile(`
struct opaque; union hidden;
enum small { A, B = -5, C = 0x7fffffff }; enum large { D = 1ULL << 40 };
union both { int i; char c[8]; struct { __u16 half; }; };
struct outer {
	struct { long l; }; union both u; enum small s; const char *restrict p; struct opaque *o; union hidden *h;
	__u32 bit : 1, : 3, more : 28; __u64 wide : 60; bool flag : 1; char tail[];
} __attribute__((packed));
typedef int (*function)(struct outer *, ...);
typedef struct { __u32 anonymous; } typed;
struct list { struct list *next; int (*compare[2])(const struct list *, const struct list *); };
#define tag __attribute__((btf_type_tag("user")))
const volatile struct outer first; volatile function pointer; const volatile float fraction; double fine;
typed t; struct list list; const volatile int array[3][5]; volatile __int128 huge; int tag *tagged;
int (*rows)[4]; char *words[4]; int *const fixed = 0; const int *loose; __be32 network;
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, typed); __type(value, struct list); __uint(max_entries, 9); __uint(map_flags, BPF_F_NO_PREALLOC); } map SEC(".maps");
int __attribute__((btf_decl_tag("declared"))) declared;
${PASS}
int use(void) { return first.bit + (pointer != 0) + array[1][2] + (int)huge; }
`);

describe("types are read as bpftool(8) reads them", () => {
	const built = readdirSync("dist/bpf").filter((file) => file.endsWith(".o"));
	test.each([
		["an object with every kind of type", AWKWARD],
		...built.map((file) => [file, readFileSync(`dist/bpf/${file}`)] as const),
	] as const)("%s", (_, object) => {
		const btf = btfOf(object);
		const types = dump(object);
		expect(types.length).toBeGreaterThan(5);
		for (const type of types) expect([type.id, btf.type(type.id)]).toEqual([type.id, expected(type)]);
		expect(() => btf.type(types.length + 1)).toThrow("damaged");
	});

	test("sizes too", () => {
		const types = dump(AWKWARD);
		const sized = types.filter(({ size, kind }) => size !== undefined && kind !== "DATASEC");
		const btf = btfOf(AWKWARD);
		expect(sized.map(({ id }) => btf.sizeOf(id))).toEqual(sized.map(({ size }) => size));
	});

	test("the values of an enum of 64 bits", () => {
		// clang 14 has none, so this is made by hand: struct btf_header, btf_type and btf_enum64 of <linux/btf.h>.
		const strings = Buffer.from("\\0wide\\0GREAT\\0LOW\\0".replaceAll("\\0", "\0"));
		const u32s = (...numbers: number[]) => Buffer.from(Uint32Array.from(numbers).buffer);
		const signed = 0x80000000;
		const types = u32s(
			1,
			(signed | (19 << 24) | 2) >>> 0,
			8,
			6,
			0x9abcdef0,
			0x12345678,
			12,
			0xffffffff,
			0xffffffff,
		);
		const header = Buffer.alloc(24);
		header.writeUInt16LE(0xeb9f, 0);
		header[2] = 1;
		header.set(u32s(24, 0, types.length, types.length, strings.length), 4);
		expect(new Btf(Buffer.concat([header, types, strings])).type(1)).toEqual({
			kind: "enum",
			name: "wide",
			size: 8,
			signed: true,
			values: [
				{ name: "GREAT", value: 0x123456789abcdef0n },
				{ name: "LOW", value: -1n },
			],
			cut: false,
		} satisfies Type);
	});
});

describe("types are printed as C takes them", () => {
	test("the compiler finds each to be that of the variable", () => {
		const names = [
			"pointer",
			"array",
			"huge",
			"rows",
			"words",
			"fixed",
			"loose",
			"network",
			"fraction",
			"fine",
			"t",
		];
		const { variables, btf } = readBpfObject(AWKWARD);
		const checks = names.map((name) => {
			const printed = printType(btf, variables.get(name)?.[0]?.type ?? 0);
			return `_Static_assert(__builtin_types_compatible_p(__typeof__(${name}), ${printed}), "${name}: ${printed}");`;
		});
		compile(`
			typedef int (*function)(void *, ...); typedef struct { __u32 anonymous; } typed;
			volatile function pointer; const volatile int array[3][5]; volatile __int128 huge; int (*rows)[4];
			char *words[4]; int *const fixed = 0; const int *loose; __be32 network; const volatile float fraction;
			double fine; typed t;
			${checks.join("\n")}`);
		expect(checks.map((check) => /"(.*)"/.exec(check)?.[1])).toEqual([
			"pointer: volatile function",
			"array: const volatile int[3][5]",
			"huge: volatile __int128",
			"rows: int (*)[4]",
			"words: char *[4]",
			"fixed: int *const",
			"loose: const int *",
			"network: __be32",
			"fraction: const volatile float",
			"fine: double",
			"t: typed",
		]);
	});

	test("structs with their members", () => {
		const { variables, btf } = readBpfObject(AWKWARD);
		expect(printType(btf, variables.get("first")?.[0]?.type ?? 0)).toBe(
			"const volatile struct outer { struct { long l; }; union both u; enum small s; const char *p; " +
				"struct opaque *o; union hidden *h; __u32 bit : 1; __u32 more : 28; __u64 wide : 60; bool flag : 1; char tail[0]; }",
		);
		expect(printType(btf, variables.get("list")?.[0]?.type ?? 0)).toBe(
			"struct list { struct list *next; int (*compare[2])(…); }",
		);
	});
});

test("maps are those that are defined", () => {
	const { maps, btf } = readBpfObject(AWKWARD);
	expect(maps).toMatchObject([{ name: "map", type: 1, keySize: 4, valueSize: 24, maxEntries: 9, flags: 1 }]);
	expect([maps[0]?.keyType, maps[0]?.valueType].map((id) => printType(btf, id ?? 0))).toEqual([
		"typed",
		"struct list { struct list *next; int (*compare[2])(…); }",
	]);
});
