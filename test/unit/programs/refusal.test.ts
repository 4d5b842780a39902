import { describe, expect, test } from "vitest";
import { type Refusal, readRefusal } from "../../../lib/programs/refusal.js";

const LIBBPF = `libbpf: prog 'drop9999': BPF program load failed: Permission denied
libbpf: prog 'drop9999': failed to load: -13
libbpf: failed to load object 'own'
`;

/** As Linux 6.18 says it. */
const TRACE = `0: R1=ctx() R10=fp0
; unsigned char *data = (void *)(long)ctx->data; @ drop.c:25
0: (61) r1 = *(u32 *)(r1 +0)          ; R1=pkt(r=0)
; return data[13]; @ drop.c:26
1: (71) r0 = *(u8 *)(r1 +13)
invalid access to packet, off=13 size=1, R1(id=0,off=13,r=0)
R1 offset is outside of the packet
`;

const PROCESSED =
	"processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n";

/** What Linux 7.3 says beyond it. */
const DIAGNOSTICS = `
Verification failed: Memory Safety: Out-of-bounds packet access

Reason:
  The access reads 1 byte at offset 13, but the verifier has only proven that 0 bytes of the
  packet are there.

At:
  drop9999 @ drop.c:26:9
  Source context:
      24 | int drop9999(struct xdp_md *ctx) {
      25 |   unsigned char *data = (void *)(long)ctx->data;
  >>> 26 |   return data[13];
         |   ^-- error: packet access out of bounds
      27 | }
  Instruction context:
        0 | (61) r1 = *(u32 *)(r1 +0)
  >>>   1 | (71) r0 = *(u8 *)(r1 +13)
        2 | (95) exit

Causal path:
  drop9999 @ drop.c:25:41
  >>> 25 |   unsigned char *data = (void *)(long)ctx->data;
         |   ^-- R1 becomes a packet pointer

Suggestion:
  Compare data + 14 with data_end before this access.

`;

const read = (verifier: string, libbpf = LIBBPF, errno = 13, entry = "drop9999"): Refusal =>
	readRefusal({ verifier, libbpf }, errno, entry);

describe("of a kernel that explains its refusals itself", () => {
	const refusal = read(`${TRACE}${DIAGNOSTICS}${PROCESSED}`);

	test("the reason, the line of C and the suggestion are the kernel's", () => {
		expect(refusal).toMatchObject({
			byVerifier: true,
			reason:
				"The access reads 1 byte at offset 13, but the verifier has only proven that 0 bytes of the packet are there",
			source: { file: "drop.c", line: 26, text: "return data[13];" },
			hint: "Compare data + 14 with data_end before this access.",
		});
	});

	test("its explanation is shown first, and whole, then the instructions", () => {
		const [explanation, trace] = refusal.excerpt.split("\n\n0: ");
		expect(explanation).toBe(DIAGNOSTICS.trim());
		expect(`0: ${trace}\n`).toBe(TRACE);
	});

	test("and an explanation without a line of C has none", () => {
		const bare = DIAGNOSTICS.replace(
			/^At:\n(?: {2}.*\n)+/m,
			"At:\n  insn 1\n        | ^-- error: out of bounds\n",
		);
		expect(read(`${TRACE}${bare}${PROCESSED}`).source).toBeUndefined();
	});
});

describe("of any other kernel", () => {
	test("the reason is what follows the last instruction, and its line of C the last before", () => {
		expect(read(TRACE + PROCESSED)).toEqual({
			byVerifier: true,
			reason: "invalid access to packet, off=13",
			hint: expect.stringContaining("data_end"),
			source: { file: "drop.c", line: 26, text: "return data[13];" },
			excerpt: TRACE.trimEnd(),
		});
	});

	test("before Linux 6.8, which says no line's number, the line itself is shown", () => {
		const { source } = read(TRACE.replace(/ @ drop\.c:\d+/g, ""));
		expect(source).toEqual({ text: "return data[13];" });
	});

	test("the end of a long log is shown, with how much there is before", () => {
		const long = `${Array.from({ length: 100 }, (_, i) => `${i}: (05) goto pc-1\n`).join("")}${TRACE}`;
		const lines = read(long).excerpt.split("\n");
		expect(lines[0]).toBe("… 87 lines before");
		expect(lines).toHaveLength(21);
		expect(lines.at(-1)).toBe("R1 offset is outside of the packet");
	});

	test("the function that is refused is named where it is another one of the object", () => {
		expect(read(TRACE, LIBBPF, 13, "first").source).toMatchObject({ function: "drop9999" });
	});

	test("what is not known to this program is told as it is", () => {
		expect(read("0: R1=ctx() R10=fp0\n0: (95) exit\nsome new rule is broken\n")).toMatchObject({
			reason: "some new rule is broken",
		});
	});
});

describe("of libbpf", () => {
	test.each<[string, number, string]>([
		["", 12, "ENOMEM: not enough memory"],
		[
			"libbpf: elf: something is odd\nlibbpf: failed to load object 'own'\n",
			22,
			"elf: something is odd [EINVAL]",
		],
		[
			"libbpf: failed to find valid kernel BTF\nlibbpf: Error loading vmlinux BTF: -3\n",
			3,
			"this kernel says nothing of its types: /sys/kernel/btf/vmlinux is missing, and CO-RE needs it [ESRCH]",
		],
		[
			"libbpf: Error in bpf_create_map_xattr(m):Operation not permitted(-1). Retrying without BTF.\nlibbpf: map 'm': failed to create: Operation not permitted(-1)\n",
			1,
			"the kernel does not let this user make map `m` [EPERM]",
		],
		[
			"libbpf: prog 'watch': BPF program load failed: Operation not permitted\nlibbpf: prog 'watch': failed to load: -1\n",
			1,
			"the kernel does not let programs such as `watch` be loaded here [EPERM]",
		],
	])("%j is told in words", (libbpf, errno, reason) => {
		expect(read("", libbpf, errno)).toMatchObject({ byVerifier: false, reason });
	});
});
