// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts back into the frame what the program behind it changes, and goes on in that
 * program: the kernel's own repetition hands on the frame as the last round left it, so
 * that a router's TTL comes to its end and an echo request is answered once.
 */
#include <linux/bpf.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

/*
 * A word that is put back, and one that counts up, so that no packet is like the last.
 * Each is written at once, and no program reads more at once: a load of more than one
 * store has written waits until that has reached the cache, as with real packets it need
 * not.
 */
struct change {
	__u32 at; /* offset in the frame, in bytes; 0: none */
	__u32 value;
	__u32 counting_at;
	__u32 unused;
	__u64 count;
	__u64 step;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct change);
} changes SEC(".maps");

/* Headers are within these bytes. */
#define HEADERS 128

static __always_inline void *at(struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *data = (void *)(long)ctx->data;

	if (!offset || offset > HEADERS ||
	    data + offset + size > (void *)(long)ctx->data_end)
		return NULL;
	return data + offset;
}

SEC("xdp.frags")
int xdp_restore(struct xdp_md *ctx)
{
	struct change *change = bpf_map_lookup_elem(&changes, &(__u32){0});
	__u64 *counting;
	__u32 *changed;

	if (!change)
		return XDP_ABORTED;
	changed = at(ctx, change->at, sizeof(*changed));
	if (changed)
		*changed = change->value;
	counting = at(ctx, change->counting_at, sizeof(*counting));
	if (counting)
		*counting = change->count += change->step;
	bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
