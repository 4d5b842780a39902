/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXT_HOP_H
#define NEXT_HOP_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "address.h"
#include "counters.h"
#include "rewrite.h"

/* include/linux/socket.h */
#define AF_INET 2
#define AF_INET6 10

/* Traffic class and flow label (include/net/ipv6.h: IPV6_FLOWINFO_MASK). */
#define FLOWINFO 0x0fffffff

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
	__u32 ingress;	/* port */
	__be32 service; /* as the header begins: version, and TOS or class and label */
	__be32 ports;	/* source and destination */
	__u8 protocol;
	/* Source and destination as the header has them. IPv4: the first word. */
	__u64 addresses[4];
};

static __always_inline bool is_ipv6(const struct flow *flow)
{
	return (bpf_ntohl(flow->service) >> 28) == 6;
}

/* Not the key of any map by port. */
#define NOWHERE 0xffffffff

struct next_hop {
	struct macs macs;
	__u32 egress; /* port; NOWHERE: a route that drops */
	__u32 mtu;
};

struct fib_result {
	__u64 tick; /* of the lookup; 0: not kept */
	struct flow flow;
	struct next_hop hop;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << FLOWS_BITS);
	__type(key, __u32);
	__type(value, struct fib_result);
} fib_cache SEC(".maps");

/*
 * What ip_route_input_slow(), ipv6_rcv() and ip6_forward() refuse before they look at a
 * route, and bpf_fib_lookup() does not. It does refuse IPv6 that is multicast, loopback
 * or link-local.
 */
static __always_inline bool is_forwardable(const struct bpf_fib_lookup *fib)
{
	if (fib->family == AF_INET6)
		return !ipv6_is_reserved(fib->ipv6_src);
	return ipv4_is_forwardable(fib->ipv4_src) && ipv4_is_forwardable(fib->ipv4_dst);
}

static __always_inline void ask(struct bpf_fib_lookup *fib, const struct flow *flow)
{
	__builtin_memcpy(&fib->sport, &flow->ports, sizeof(flow->ports));
	fib->l4_protocol = flow->protocol;
	if (is_ipv6(flow)) {
		fib->family = AF_INET6;
		fib->flowinfo = flow->service & bpf_htonl(FLOWINFO);
		__builtin_memcpy(fib->ipv6_src, flow->addresses, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, flow->addresses + 2,
				 sizeof(fib->ipv6_dst));
	} else {
		fib->family = AF_INET;
		fib->tos = bpf_ntohl(flow->service) >> 16;
		__builtin_memcpy(&fib->ipv4_src, flow->addresses, sizeof(fib->ipv4_src));
		__builtin_memcpy(&fib->ipv4_dst, (void *)flow->addresses + 4,
				 sizeof(fib->ipv4_dst));
	}
}

/* Whether the packet's fate is decided: by `hop`. Otherwise it is the stack's. */
static __always_inline bool look_up(struct xdp_md *ctx, const struct flow *flow,
				    __u32 length, struct next_hop *hop)
{
	struct bpf_fib_lookup fib = {.tot_len = length, .ifindex = ctx->ingress_ifindex};

	/* Only within the lab does an ifindex tell one namespace from another. The length
	 * has 16 bits, and an IPv6 packet can be 40 bytes longer. */
	if (!is_port(flow->ingress) || length > 0xffff)
		return false;
	ask(&fib, flow);
	if (!is_forwardable(&fib))
		return false;

	switch (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		mac_copy(hop->macs.destination, fib.dmac);
		mac_copy(hop->macs.source, fib.smac);
		hop->egress = port_of(fib.ifindex);
		hop->mtu = fib.mtu_result;
		return true;
	case BPF_FIB_LKUP_RET_BLACKHOLE:
	case BPF_FIB_LKUP_RET_UNREACHABLE:
	case BPF_FIB_LKUP_RET_PROHIBIT:
		hop->egress = NOWHERE;
		hop->mtu = ~0;
		return true;
	default:
		return false;
	}
}

/*
 * Multiplicative hashing: the high bits of a product depend on all bits of its factors.
 * The two directions of a connection get slots of their own.
 */
static __always_inline __u32 slot_of(const struct flow *flow)
{
	__u64 hash = flow->addresses[0] ^ flow->ports ^ flow->ingress;

	if (is_ipv6(flow)) {
		hash ^= flow->addresses[1];
		hash += (flow->addresses[2] ^ flow->addresses[3]) * 0xd6e8feb86659fd93;
	}
	return hash * 0x9e3779b97f4a7c15 >> (64 - FLOWS_BITS);
}

static __always_inline bool same_flow(const struct flow *a, const struct flow *b)
{
	const int words = is_ipv6(a) ? 4 : 1;

	for (int i = 0; i < words; i++)
		if (a->addresses[i] != b->addresses[i])
			return false;
	return a->service == b->service && a->protocol == b->protocol &&
	       a->ports == b->ports && a->ingress == b->ingress;
}

/*
 * The next hop of a packet, or NULL where the stack has to decide. Of negative results
 * only those that drop are kept: what goes to the stack costs many times the lookup
 * anyway, and a neighbour that is found meanwhile is used by the very next packet.
 */
static __always_inline const struct next_hop *
next_hop(struct xdp_md *ctx, const struct flow *flow, __u32 length)
{
	__u64 tick = bpf_jiffies64();
	__u32 index = slot_of(flow);
	struct fib_result *result;

	result = bpf_map_lookup_elem(&fib_cache, &index);
	if (!result)
		return NULL;
	if (result->tick == tick && length <= result->hop.mtu &&
	    same_flow(flow, &result->flow))
		return &result->hop;
	if (!look_up(ctx, flow, length, &result->hop))
		return NULL;
	if (cache) {
		result->flow = *flow;
		result->tick = tick;
	}
	return &result->hop;
}

#endif
