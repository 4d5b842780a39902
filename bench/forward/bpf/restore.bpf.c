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

struct word {
	__u32 at; /* offset in the frame, in bytes; 0: none */
	__u16 value;
	__u16 unused;
};

/*
 * What is put back, and where a word counts up, so that no packet is like the last. It is
 * written as a whole, in the words that programs read: a load of more than the last store
 * wrote would wait until that has reached the cache, as it need not with real packets.
 */
struct change {
	struct word words[2];
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

	if (!change)
		return XDP_ABORTED;
	for (int i = 0; i < 2; i++) {
		__u16 *word = at(ctx, change->words[i].at, sizeof(*word));

		if (word)
			*word = change->words[i].value;
	}
	counting = at(ctx, change->counting_at, sizeof(*counting));
	if (counting)
		*counting = change->count += change->step;
	bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
