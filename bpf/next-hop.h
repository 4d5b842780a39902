/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXT_HOP_H
#define NEXT_HOP_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "address.h"
#include "rewrite.h"

/* include/linux/socket.h */
#define AF_INET 2
#define AF_INET6 10

#define FLOWS_BITS 8

/* Reuses a lookup's result within a tick of the kernel's clock; false: looks up each
 * packet. */
const volatile bool cache = true;

/*
 * All that bpf_fib_lookup() reads of a packet but its length. It is filled from nothing
 * else, so what tells two packets apart for a route, a rule or the hash over equal paths
 * tells them apart in the cache too. The ingress stands for its namespace.
 */
struct flow {
	__u32 ingress; /* port */
	__be32 class;  /* TOS, or traffic class and flow label */
	__be32 ports;  /* source and destination */
	__u8 family;
	__u8 protocol;
	__be32 source[4]; /* IPv4: the first word */
	__be32 destination[4];
};

struct next_hop {
	__u32 ifindex; /* 0: a route that drops */
	__u32 mtu;
	__u8 source[ETH_ALEN];
	__u8 destination[ETH_ALEN];
};

struct fib_result {
	__u64 tick;
	struct flow flow;
	struct next_hop hop;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << FLOWS_BITS);
	__type(key, __u32);
	__type(value, struct fib_result);
} fib_cache SEC(".maps");

static __always_inline void copy_ipv6(__be32 *to, const __be32 *from)
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

/*
 * What ip_route_input_slow(), ipv6_rcv() and ip6_forward() refuse before they look at a
 * route, and bpf_fib_lookup() does not. It does refuse IPv6 that is multicast, loopback
 * or link-local.
 */
static __always_inline bool is_forwardable(const struct flow *flow)
{
	if (flow->family == AF_INET6)
		return !ipv6_is_reserved(flow->source);
	return ipv4_is_forwardable(flow->source[0]) &&
	       ipv4_is_forwardable(flow->destination[0]);
}

/* Whether the packet's fate is decided: by `hop`. Otherwise it is the stack's. */
static __always_inline bool look_up(struct xdp_md *ctx, const struct flow *flow,
				    __u32 length, struct next_hop *hop)
{
	struct bpf_fib_lookup fib = {
	    .family = flow->family,
	    .l4_protocol = flow->protocol,
	    .tot_len = length,
	    .ifindex = ctx->ingress_ifindex,
	};

	/* The field has 16 bits, and an IPv6 packet can be 40 bytes longer. */
	if (length > 0xffff || !is_forwardable(flow))
		return false;
	__builtin_memcpy(&fib.sport, &flow->ports, sizeof(flow->ports));
	if (flow->family == AF_INET)
		fib.tos = flow->class;
	else
		fib.flowinfo = flow->class;
	copy_ipv6(fib.ipv6_src, flow->source);
	copy_ipv6(fib.ipv6_dst, flow->destination);

	switch (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		hop->ifindex = fib.ifindex;
		hop->mtu = fib.mtu_result;
		mac_copy(hop->source, fib.smac);
		mac_copy(hop->destination, fib.dmac);
		return true;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		hop->ifindex = 0;
		hop->mtu = ~0;
		return true;
	default:
		return false;
	}
}

static __always_inline __u64 fold(const __be32 *address)
{
	return (address[0] ^ address[2]) | (__u64)(address[1] ^ address[3]) << 32;
}

/*
 * Multiplicative hashing: the high bits of a product depend on all bits of its factors.
 * The two directions of a connection get slots of their own.
 */
static __always_inline __u32 slot_of(const struct flow *flow)
{
	__u64 from = fold(flow->source) ^ flow->ports ^ (__u64)flow->class << 32;
	__u64 to = fold(flow->destination) ^ flow->ingress;

	return (from * 0x9e3779b97f4a7c15 + to * 0xd6e8feb86659fd93) >> (64 - FLOWS_BITS);
}

static __always_inline bool same_address(const struct flow *a, const struct flow *b)
{
	if (a->source[0] != b->source[0] || a->destination[0] != b->destination[0])
		return false;
	if (a->family == AF_INET)
		return true;
	return a->source[1] == b->source[1] && a->source[2] == b->source[2] &&
	       a->source[3] == b->source[3] && a->destination[1] == b->destination[1] &&
	       a->destination[2] == b->destination[2] &&
	       a->destination[3] == b->destination[3];
}

static __always_inline bool same_flow(const struct flow *a, const struct flow *b)
{
	return a->family == b->family && a->protocol == b->protocol &&
	       a->ports == b->ports && a->class == b->class && a->ingress == b->ingress &&
	       same_address(a, b);
}

/*
 * The next hop of a packet, or NULL where the stack has to decide. Of negative results
 * only those that drop are kept: what goes to the stack costs many times the lookup
 * anyway, and a neighbour that is found meanwhile is used by the very next packet.
 */
static __always_inline const struct next_hop *next_hop(struct xdp_md *ctx,
						       const struct flow *flow,
						       __u32 length,
						       struct next_hop *scratch)
{
	__u64 tick = bpf_jiffies64();
	__u32 index = slot_of(flow);
	struct fib_result *slot;

	if (!cache)
		return look_up(ctx, flow, length, scratch) ? scratch : NULL;
	slot = bpf_map_lookup_elem(&fib_cache, &index);
	if (!slot)
		return NULL;
	if (slot->tick != tick || length > slot->hop.mtu ||
	    !same_flow(flow, &slot->flow)) {
		if (!look_up(ctx, flow, length, &slot->hop))
			return NULL;
		slot->flow = *flow;
		slot->tick = tick;
	}
	return &slot->hop;
}

#endif
