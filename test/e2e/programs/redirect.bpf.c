// SPDX-License-Identifier: GPL-2.0-only
// What a course has its students write: redirect by maps, a router, and an echo, with counters by action.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct record {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct record);
	__uint(max_entries, 5);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} xdp_stats_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
	__uint(max_entries, 256);
} tx_port SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, unsigned char[ETH_ALEN]);
	__type(value, unsigned char[ETH_ALEN]);
	__uint(max_entries, MAX_PARAMS);
} redirect_params SEC(".maps");

const volatile __u32 limit = 0;

static __always_inline int record(struct xdp_md *ctx, __u32 action)
{
	struct record *entry = bpf_map_lookup_elem(&xdp_stats_map, &action);
	if (!entry)
		return XDP_ABORTED;
	entry->packets++;
	entry->bytes += ctx->data_end - ctx->data;
	return action;
}

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return record(ctx, XDP_DROP);
	unsigned char *to = bpf_map_lookup_elem(&redirect_params, eth->h_source);
	if (!to)
		return record(ctx, XDP_PASS);
	__builtin_memcpy(eth->h_dest, to, ETH_ALEN);
	return record(ctx, bpf_redirect_map(&tx_port, 0, limit));
}

SEC("xdp")
int router(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return record(ctx, XDP_PASS);
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ttl <= 1)
		return record(ctx, XDP_PASS);
	struct bpf_fib_lookup fib = {
		.family = 2,
		.ifindex = ctx->ingress_ifindex,
		.ipv4_src = ip->saddr,
		.ipv4_dst = ip->daddr,
	};
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return record(ctx, XDP_PASS);
	__builtin_memcpy(eth->h_dest, fib.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib.smac, ETH_ALEN);
	return record(ctx, bpf_redirect_map(&tx_port, fib.ifindex, 0));
}

char LICENSE[] SEC("license") = "GPL";
