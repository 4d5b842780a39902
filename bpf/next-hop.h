/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXT_HOP_H
#define NEXT_HOP_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "address.h"
#include "parse.h"
#include "port.h"
#include "rewrite.h"

/* include/linux/socket.h */
#define AF_INET 2
#define AF_INET6 10

/* Traffic class and flow label (include/net/ipv6.h: IPV6_FLOWINFO_MASK). */
#define FLOWINFO 0x0fffffff

/* Of an IPv4 header's first word; with its length, which is the same for all. */
#define VERSION_AND_TOS 0xffff0000

#define FLOWS_BITS 8

/* Reuses a lookup's result within a tick of the kernel's clock; false: looks up each
 * packet. */
const volatile bool cache = true;

/*
 * All that bpf_fib_lookup() reads of a packet but its length. A lookup is filled from
 * nothing else, so what tells two packets apart for a route, a rule or the hash over
 * equal paths tells them apart in the cache too. What is in the header is read there each
 * time: a load costs less than a register that is saved across a call.
 */
struct flow {
	const __u32 *ingress; /* port; it stands for its namespace */
	void *header;
	__be32 ports; /* source and destination */
	__u8 protocol;
	__u8 family;
};

/* As the header begins: version, and TOS or traffic class and flow label. */
static __always_inline __be32 service_of(const struct flow *flow)
{
	__be32 first = *(__be32 *)flow->header;

	return flow->family == AF_INET6 ? first : first & bpf_htonl(VERSION_AND_TOS);
}

static __always_inline const __u64 *addresses_of(const struct flow *flow)
{
	return flow->family == AF_INET6 ? ipv6_addresses(flow->header)
					: ipv4_addresses(flow->header);
}

/* Not the key of any map by port. */
#define NOWHERE 0xffffffff

struct next_hop {
	struct macs macs;
	__u32 egress; /* port; NOWHERE: a route that drops */
	__u32 mtu;
};

/* What a lookup has found, and for which flow. */
struct fib_result {
	__u64 tick; /* of the lookup; 0: none */
	__u32 ingress;
	__be32 service;
	__be32 ports;
	__u8 protocol;
	__u64 addresses[4];
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
	const __be32 *addresses = (const __be32 *)addresses_of(flow);

	__builtin_memcpy(&fib->sport, &flow->ports, sizeof(flow->ports));
	fib->family = flow->family;
	fib->l4_protocol = flow->protocol;
	if (flow->family == AF_INET6) {
		fib->flowinfo = service_of(flow) & bpf_htonl(FLOWINFO);
		for (int i = 0; i < 4; i++) {
			fib->ipv6_src[i] = addresses[i];
			fib->ipv6_dst[i] = addresses[4 + i];
		}
	} else {
		fib->tos = bpf_ntohl(service_of(flow)) >> 16;
		fib->ipv4_src = addresses[0];
		fib->ipv4_dst = addresses[1];
	}
}

/* Whether the packet's fate is decided: by `hop`. Otherwise it is the stack's. */
static __always_inline bool look_up(struct xdp_md *ctx, const struct flow *flow,
				    __u32 length, struct next_hop *hop)
{
	struct bpf_fib_lookup fib __attribute__((aligned(8))) = {
	    .tot_len = length, .ifindex = ctx->ingress_ifindex};

	/* The length has 16 bits, and an IPv6 packet can be 40 bytes longer. */
	if (length > 0xffff)
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
	const __u64 *addresses = addresses_of(flow);
	__u64 hash = addresses[0] ^ flow->ports ^ *flow->ingress;

	if (flow->family == AF_INET6) {
		hash ^= addresses[1];
		hash += (addresses[2] ^ addresses[3]) * 0xd6e8feb86659fd93;
	}
	return hash * 0x9e3779b97f4a7c15 >> (64 - FLOWS_BITS);
}

static __always_inline int words_of(const struct flow *flow)
{
	return flow->family == AF_INET6 ? 4 : 1;
}

/* The version in `service` tells the families apart. */
static __always_inline bool is_of(const struct fib_result *result,
				  const struct flow *flow)
{
	const __u64 *addresses = addresses_of(flow);

	for (int i = 0; i < words_of(flow); i++)
		if (result->addresses[i] != addresses[i])
			return false;
	return result->service == service_of(flow) && result->ports == flow->ports &&
	       result->protocol == flow->protocol && result->ingress == *flow->ingress;
}

static __always_inline void keep(struct fib_result *result, const struct flow *flow,
				 __u64 tick)
{
	const __u64 *addresses = addresses_of(flow);

	for (int i = 0; i < words_of(flow); i++)
		result->addresses[i] = addresses[i];
	result->service = service_of(flow);
	result->ports = flow->ports;
	result->protocol = flow->protocol;
	result->ingress = *flow->ingress;
	result->tick = tick;
}

/*
 * What is known of a packet's next hop, or NULL where the stack has to decide. Of
 * negative results only those that drop are kept: what goes to the stack costs many times
 * the lookup anyway, and a neighbour that is found meanwhile is used by the very next
 * packet.
 */
static __always_inline const struct fib_result *
resolve(struct xdp_md *ctx, const struct flow *flow, __u32 length)
{
	__u32 index = slot_of(flow);
	struct fib_result *result = bpf_map_lookup_elem(&fib_cache, &index);
	__u64 tick;

	if (!result)
		return NULL;
	if (result->tick == bpf_jiffies64() && length <= result->hop.mtu &&
	    is_of(result, flow))
		return result;
	/* Once more: that is two instructions, and a hit does not have to keep it. */
	tick = bpf_jiffies64();
	if (!look_up(ctx, flow, length, &result->hop))
		return NULL;
	if (cache)
		keep(result, flow, tick);
	return result;
}

#endif
