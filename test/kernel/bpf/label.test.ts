import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { closeLoaded, loadProgram } from "../../../lib/kernel/load.js";
import { compile } from "./program.js";

/** Somebody else's program, with a map of the name that our labels have. */
const foreign = (map: string) => `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
${map}
} xdp_topology SEC(".maps");

SEC("xdp")
int xdp_foreign(struct xdp_md *ctx)
{
	void *used = &xdp_topology;

	barrier_var(used);
	return ctx->ingress_ifindex ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
`;

test.each([
	["a ring buffer", "__uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096);"],
	["a queue", "__uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 1); __type(value, __u64);"],
	[
		"a hash with longer keys",
		"__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1); __uint(key_size, 4096); __type(value, __u64);",
	],
	[
		"a per-CPU array, of which the kernel returns a value for each CPU",
		"__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32); __uint(value_size, 32768);",
	],
	[
		"an array of something else than JSON",
		"__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64);",
	],
])("a program of somebody else's is not taken for labelled by %s of that name", (_, map) => {
	const directory = mkdtempSync(join(tmpdir(), "label-"));
	try {
		const source = join(directory, "foreign.bpf.c");
		writeFileSync(source, foreign(map));
		const loaded = loadProgram("foreign", compile(source), { program: "xdp_foreign", globals: new Map() });
		expect(loaded.maps.has("xdp_topology")).toBe(true);
		expect(loaded.label).toBeUndefined();
		closeLoaded(loaded);
	} finally {
		rmSync(directory, { recursive: true });
	}
});
