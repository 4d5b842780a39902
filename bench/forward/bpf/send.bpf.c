// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sender of XDP frames, for BPF_F_TEST_XDP_LIVE_FRAMES: the kernel hands on the same
 * few pages, as whoever forwarded them has left them, so that what routers change is
 * written anew: MACs, TTL or hop limit, the checksum.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u64 frame[4];

/* To be cleared before a run: what the kernel does before and after it takes longer. */
struct clock {
	__u64 frames; /* still to be sent */
	__u64 began;  /* ns, at the first */
	__u64 ended;  /* at the last */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clocks SEC(".maps");

SEC("xdp.frags")
int xdp_send(struct xdp_md *ctx)
{
	struct clock *clock = bpf_map_lookup_elem(&clocks, &(__u32){0});
	__u64 *words = (void *)(long)ctx->data;

	if (!clock || (void *)words + sizeof(frame) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	if (!clock->began)
		clock->began = bpf_ktime_get_ns();
	if (--clock->frames == 0)
		clock->ended = bpf_ktime_get_ns();
	for (unsigned int i = 0; i < sizeof(frame) / sizeof(*frame); i++)
		words[i] = frame[i];
	/* To the device that the frames are said to come from (xdp_test_run_batch()). */
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
