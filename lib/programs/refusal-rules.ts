/** The words of the verifier and of libbpf that a person who has not read their sources does not understand. */

/** What a line of a log means. */
export interface Rule {
	pattern: RegExp;
	/** Put before the line; a `$1` is what the pattern found. Absent where the line says it. */
	words?: string;
	/** Put in place of the line. */
	instead?: string;
	hint?: string;
}

export interface Explanation {
	reason: string;
	hint?: string;
}

/** The first rule that fits a line; a line of which nothing is known is its own reason. */
export function explain(rules: readonly Rule[], line: string): Explanation {
	for (const { pattern, words, instead, hint } of rules) {
		const match = pattern.exec(line);
		if (!match) continue;
		const fill = (text: string) => text.replace(/\$(\d)/g, (_, n: string) => match[Number(n)] ?? "");
		const reason = instead === undefined ? line : fill(instead);
		return {
			reason: words === undefined ? reason : `${fill(words)}: ${reason}`,
			...(hint !== undefined && { hint: fill(hint) }),
		};
	}
	return { reason: line };
}

/** Messages of kernel/bpf/verifier.c, from Linux 6.1 to 6.18. */
export const RULES_OF_VERIFIER: readonly Rule[] = [
	{
		pattern: /^(invalid access to packet, off=-?\d+)/,
		instead: "$1",
		hint: "compare the address behind what is read with `data_end` first: if (data + … > data_end) return XDP_DROP;",
	},
	{
		pattern: /^R\d+ invalid mem access '\w*map_value_or_null'/,
		words: "the result of a map lookup may be NULL",
		hint: "test it first: if (!value) return XDP_PASS;",
	},
	{
		pattern: /^R\d+ invalid mem access '\w+_or_null'/,
		words: "a pointer that may be NULL is followed",
		hint: "compare it with NULL first",
	},
	{
		pattern: /^R\d+ invalid mem access '(?:scalar|inv)'/,
		words: "a number is used as a pointer",
		hint: "the kernel's memory is read by bpf_probe_read_kernel(), a packet between `data` and `data_end`",
	},
	{
		pattern: /^R0 !read_ok/,
		words: "the function may end without a return value",
		hint: "return an action, such as XDP_PASS, on every path",
	},
	{
		pattern: /^R\d+ !read_ok/,
		words: "a variable is read that has no value yet",
		hint: "initialise it where it is declared",
	},
	{
		pattern: /^invalid read from stack/,
		words: "memory of the stack is read that has no value yet",
		hint: "initialise all of it, padding too: struct key key = {};",
	},
	{
		pattern: /^(?:infinite loop detected|back-edge from insn)/,
		words: "a loop may never end",
		hint: "give it a constant upper bound, or use bpf_loop()",
	},
	{
		pattern: /^BPF program is too large\. Processed (\d+) insn/,
		words: "it takes more steps to verify than the kernel allows",
		hint: "lower the bounds of its loops, or move a loop's body into a callback of bpf_loop()",
	},
	{
		pattern: /^The sequence of \d+ jumps is too complex/,
		words: "it has too many branches to verify",
		hint: "lower the bounds of its loops, or move a loop's body into a callback of bpf_loop()",
	},
	{
		pattern: /^combined stack size of \d+ calls is \d+/,
		words: "the functions that call each other need more than 512 bytes of stack",
		hint: "keep large structs in a map of type PERCPU_ARRAY with one entry",
	},
	{
		pattern: /^invalid (?:unbounded )?(?:variable-offset )?(?:write to|indirect access to) stack R\d+/,
		words: "it writes outside of its stack of 512 bytes",
		hint: "compare an index with the size of its array first; keep large arrays in a map",
	},
	{
		pattern: /^invalid access to map value/,
		words: "it reaches beyond the value of a map",
		hint: "compare the index with the size of the array first",
	},
	{
		pattern: /^R\d+ (?:unbounded memory access|min value is negative|max value is outside)/,
		words: "an index or a length has no bounds",
		hint: "compare it with its least and greatest value first, as an unsigned number",
	},
	{
		pattern: /^invalid func unknown#(\d+)/,
		words: "this kernel has no such helper",
		hint: "bpf-helpers(7) lists them with the kernel that each takes",
	},
	{
		pattern: /^(?:unknown func|program of this type cannot use helper) (\w+)/,
		words: "an XDP program cannot call this helper",
		hint: "bpf-helpers(7) says which programs may call which",
	},
	{
		pattern: /^(?:helper|kernel function|global functions?).*(?:might|may) sleep|sleepable/,
		words: "an XDP program never sleeps",
		hint: "use what does not sleep, such as bpf_probe_read_kernel() for bpf_copy_from_user()",
	},
	{
		pattern: /^cannot call GPL-restricted function/,
		words: "the helper is for programs under the GPL",
		hint: 'say so in the source: char LICENSE[] SEC("license") = "GPL";',
	},
	{
		pattern: /^invalid bpf_context access off=\d+/,
		words: "no such access to `struct xdp_md` is allowed",
		hint: "read its members whole, as <linux/bpf.h> declares them; none of them can be written",
	},
	{
		pattern: /^unknown opcode 8d/,
		words: "the object was compiled without optimisation",
		hint: "compile it with `clang -O2 -g -target bpf`",
	},
	{
		pattern: /^unknown opcode/,
		words: "this kernel does not know an instruction of it",
		hint: "compile it for older kernels: `clang -mcpu=v3`",
	},
	{
		pattern: /^unreachable insn/,
		words: "some of its code can never run",
	},
	{
		pattern: /^Unreleased reference/,
		words: "what was acquired is not released on every path",
		hint: "for example bpf_ringbuf_submit() or bpf_ringbuf_discard() after bpf_ringbuf_reserve()",
	},
	{
		pattern: /^failed to resolve CO-RE relocation <\w+> \[\d+\] ([^(]+?) \(/,
		instead: "this kernel has no `$1` (CO-RE)",
		hint: "ask first: bpf_core_field_exists(), bpf_core_type_exists()",
	},
	{
		pattern: /^R\d+ pointer arithmetic|^R\d+ .*pointer .*prohibited|^math between/,
		words: "an address is computed in a way that cannot be verified",
		hint: "compare the offset with a constant bound before it is added to a pointer",
	},
];

/** Messages of libbpf 1.0 to 1.6 about what never came to the verifier. */
export const RULES_OF_LIBBPF: readonly Rule[] = [
	{
		pattern: /^extern \(func ksym\) '(\w+)': (?:not found|resolved to)/,
		instead: "this kernel has no function `$1` for BPF programs (kfunc)",
		hint: "declare it `__ksym __weak` and ask first, bpf_ksym_exists(); or use a kernel that has it",
	},
	{
		pattern: /^extern (?:\(.*?\) )?'?(\w+)'?.*(?:not found|not resolved)/,
		instead: "this kernel has no `$1`, which the object takes from it",
		hint: "declare it `__weak` and ask first, or use a kernel that has it",
	},
	{
		pattern: /^failed to find valid kernel BTF|^Error loading vmlinux BTF/,
		instead: "this kernel says nothing of its types: /sys/kernel/btf/vmlinux is missing, and CO-RE needs it",
		hint: "use a kernel with CONFIG_DEBUG_INFO_BTF",
	},
	{
		pattern: /^map '([^']+)': failed to create: .*\(-1\)/,
		instead: "the kernel does not let this user make map `$1` [EPERM]",
		hint: "in a container, start it with --privileged",
	},
	{
		pattern: /^map '([^']+)': failed to create: .*\(-12\)/,
		instead: "there is not enough memory for map `$1` [ENOMEM]",
		hint: "lower its max_entries, or raise the memory limit of the cgroup",
	},
	{
		pattern: /^map '([^']+)': failed to create: .*\(-7\)/,
		instead: "map `$1` is larger than this kernel allows [E2BIG]",
		hint: "lower its max_entries or the size of its values",
	},
	{
		pattern: /^map '([^']+)': failed to create: .*\(-22\)/,
		instead: "this kernel does not take the definition of map `$1` [EINVAL]",
		hint: "its type, sizes of key and value, max_entries or flags are not such as this type of map has",
	},
	{
		pattern: /^map '([^']+)': failed to create: (.*)\(-\d+\)/,
		instead: "the kernel does not make map `$1`: $2",
	},
	{
		pattern: /^BTF is required, but is missing or corrupted/,
		instead: "the object's BTF is missing or damaged, and it needs it",
		hint: "compile it with `clang -g`",
	},
	{
		pattern: /^prog '(\w+)': BPF program load failed: Operation not permitted/,
		instead: "the kernel does not let programs such as `$1` be loaded here [EPERM]",
		hint: "kernel lockdown refuses tracing programs (/sys/kernel/security/lockdown), a container needs --privileged",
	},
	{
		pattern: /^prog '(\w+)': BPF program load failed: (.*)/,
		instead: "the kernel does not load `$1`: $2",
	},
];
