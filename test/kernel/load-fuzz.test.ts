import { afterAll, expect, test } from "vitest";
import { ObjectError } from "../../lib/btf/elf.js";
import { readBpfObject } from "../../lib/btf/object.js";
import { SyscallError, VerifierError } from "../../lib/errors.js";
import { closeLoaded, loadProgram } from "../../lib/kernel/load.js";
import { compile } from "../clang.js";
import { fc } from "../random.js";

/** Something of everything: maps of maps and of programs, data, functions, a program of another kind. */
const object = compile(`
	struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, __u32); __type(value, __u64); __uint(max_entries, 2); } a SEC(".maps");
	struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4); __type(key, __u32); __array(values, struct inner); }
		outer SEC(".maps") = { .values = { [1] = &a } };
	struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64); __uint(max_entries, 2); } map SEC(".maps");
	SEC("xdp") int next(struct xdp_md *ctx) { return XDP_DROP; }
	struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int(void *)); }
		tails SEC(".maps") = { .values = { [1] = (void *)&next } };
	const volatile __u32 limit = 7; __u64 counted; static volatile __u32 hidden = 3;
	__attribute__((noinline)) int help(int i) { return i * limit + hidden; }
	SEC("xdp") int pass(struct xdp_md *ctx) {
		__u32 k = 0; __u64 *v = bpf_map_lookup_elem(&map, &k);
		if (v) counted += *v;
		bpf_tail_call(ctx, &tails, 1);
		return help(ctx->ingress_ifindex) == 5 ? XDP_DROP : XDP_PASS;
	}
	SEC("tc") int shape(struct __sk_buff *skb) { return help(skb->len); }`);

let [accepted, loaded] = [0, 0];

/**
 * Loads what the reader of objects takes, as apply does. libbpf is part of this process, which a fault of libbpf's
 * would end, and with it the tests of this file.
 */
function use(bytes: Buffer): void {
	try {
		const { programs, variables } = readBpfObject(bytes);
		if (!programs.some(({ name, xdp }) => name === "pass" && xdp)) return;
		accepted++;
		const globals = new Map(variables.has("limit") ? [["limit", Buffer.alloc(4, 1)]] : []);
		const options = { program: "pass", globals, maxEntries: new Map([["map", 4]]) };
		closeLoaded(loadProgram("fuzz", bytes, options));
		loaded++;
	} catch (error) {
		const refusals = [ObjectError, SyscallError, VerifierError];
		if (!refusals.some((one) => error instanceof one)) throw error;
	}
}

/** The object with some bytes of a part changed. */
function changed(from: number, to: number) {
	const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));
	const change = fc.tuple(fc.integer({ min: from, max: to - 1 }), byte);
	return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
		const bytes = Buffer.from(object);
		for (const [at, value] of changes) bytes[at] = value;
		return bytes;
	});
}

const headers = Number(object.readBigUInt64LE(40));
const names = Number(object.readBigUInt64LE(headers + 64 * object.readUInt16LE(62) + 24));
const parts = Array.from({ length: object.readUInt16LE(60) }, (_, i): [string, number, number] => {
	const at = headers + 64 * i;
	const name = names + object.readUInt32LE(at);
	const from = Number(object.readBigUInt64LE(at + 24));
	const size = Number(object.readBigUInt64LE(at + 32));
	return [object.toString("latin1", name, object.indexOf(0, name)), from, from + size];
}).filter(([name, from, to]) => to > from && !/^$|debug|bss|llvm/.test(name));

const SOAK = process.env["SOAK"] === "1";

test.each<[string, number, number]>([
	["ELF header", 0, 64],
	["section headers", headers, object.length],
	...parts,
])("a changed %s is refused or loaded, and libbpf survives it", (_, from, to) => {
	fc.assert(fc.property(changed(from, to), use), { numRuns: SOAK ? 5000 : 40 });
});

test("the object as it is loads", () => {
	const before = loaded;
	use(object);
	expect(loaded).toBe(before + 1);
});

afterAll(() => {
	// Refused by the reader alone, they would show nothing about libbpf.
	expect(accepted).toBeGreaterThan(20 * parts.length);
	expect(loaded).toBeGreaterThan(5 * parts.length);
	expect(accepted).toBeGreaterThan(loaded);
});
