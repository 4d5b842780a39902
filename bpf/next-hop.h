/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NEXT_HOP_H
#define NEXT_HOP_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include <xdp-topology/address.h>
#include <xdp-topology/parse.h>
#include "port.h"
#include <xdp-topology/rewrite.h>

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
 * All that bpf_fib_lookup() reads of a packet but its length. A lookup is filled from
 * nothing else, so what tells two packets apart for a route, a rule or the hash over
 * equal paths tells them apart in the cache too. What is in the header is read there each
 * time: a load costs less than a register that is saved across a call.
 */
struct flow {
	__u64 id;
	const struct ethhdr *eth;
	__u8 family;
};

/*
 * What is not read in the header, in one word: from the lowest bit, ports (32), protocol
 * (8), family (1), and the ingress, which stands for its namespace. Its port has 23 bits:
 * the maps of as many would take gigabytes.
 */
#define ID_PROTOCOL 32
#define ID_IPV6 (1 << 8) /* above the protocol */
#define ID_INGRESS 41

static __always_inline __u64 flow_id(__u32 ingress, __u8 family, __u32 protocol,
				     __be32 ports)
{
	__u64 of_protocol = protocol | (family == AF_INET6 ? ID_IPV6 : 0);
	__u64 id = (__u64)ingress << ID_INGRESS | of_protocol << ID_PROTOCOL | ports;

	barrier_var(id); /* or clang keeps the parts too, for what happens after a miss */
	return id;
}

/* As the header begins: version, and TOS or traffic class and flow label. */
static __always_inline __be32 service_of(const struct flow *flow)
{
	const void *header = flow->eth + 1;

	return flow->family == AF_INET6 ? *(const __be32 *)header
					: *(const __be16 *)header;
}

static __always_inline const __u64 *addresses_of(const struct flow *flow)
{
	const void *header = flow->eth + 1;

	return header + (flow->family == AF_INET6 ? offsetof(struct ipv6hdr, saddr)
						  : offsetof(struct iphdr, saddr));
}

/* Not the key of any map by port, nor the port of an interface: ifindexes begin at 1. */
#define NOWHERE port_of(0)

/* include/linux/if_vlan.h */
#define VLAN_HLEN 4

struct next_hop {
	struct macs macs;
	__u32 egress; /* port; NOWHERE: a blackhole route */
	__u32 room;   /* bytes of a frame that the MTU of route and egress leave */
};

/*
 * What a lookup has found, and for which flow. What IPv4 needs of it comes first: that
 * may lie in one line of the CPU's cache, of 64 bytes, and the whole never does.
 */
struct fib_result {
	__u64 tick; /* of the lookup; 0: none */
	__u64 flow;
	struct next_hop hop;
	__be32 service;
	__u64 addresses[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 << FLOWS_BITS);
	__type(key, __u32);
	__type(value, struct fib_result);
} fib_cache SEC(".maps");

/*
 * What ip_route_input_slow(), ipv6_rcv() and ip6_forward() refuse before they look at a
 * route, and bpf_fib_lookup() does not; with it, for the stack to judge, IPv4 of link
 * scope and any source in ::/64. The lookup does refuse IPv6 that is multicast, loopback
 * or link-local.
 */
static __always_inline bool is_forwardable(const struct flow *flow)
{
	const __be32 *addresses = (const __be32 *)addresses_of(flow);

	if (flow->family == AF_INET6)
		return !ipv6_is_reserved(addresses);
	return ipv4_is_forwardable(&addresses[0]) && ipv4_is_forwardable(&addresses[1]);
}

static __always_inline void ask(struct bpf_fib_lookup *fib, const struct flow *flow)
{
	const __u64 *addresses = addresses_of(flow);
	__be32 ports = flow->id;

	__builtin_memcpy(&fib->sport, &ports, sizeof(ports));
	fib->family = flow->family;
	fib->l4_protocol = flow->id >> ID_PROTOCOL;
	if (flow->family == AF_INET6) {
		fib->flowinfo = service_of(flow) & bpf_htonl(FLOWINFO);
		/* The destination follows, there as here. */
		for (int i = 0; i < 4; i++)
			((__u64 *)fib->ipv6_src)[i] = addresses[i];
	} else {
		fib->tos = bpf_ntohs(service_of(flow));
		fib->ipv4_src = ((const __be32 *)addresses)[0];
		fib->ipv4_dst = ((const __be32 *)addresses)[1];
	}
}

/*
 * Asked for before a lookup alone: a flow in the cache has passed it, and a packet of
 * that flow begins with the same bytes (`service`).
 */
static __always_inline bool is_plain(const struct flow *flow)
{
	const struct ipv6hdr *ipv6 = (void *)(flow->eth + 1);

	return flow->family == AF_INET6 ? ipv6->version == 6
					: is_plain_ipv4((void *)ipv6);
}

static __always_inline __u32 length_of(const struct flow *flow)
{
	const struct ipv6hdr *ipv6 = (void *)(flow->eth + 1);
	const struct iphdr *ipv4 = (void *)(flow->eth + 1);

	return flow->family == AF_INET6 ? ipv6_length(ipv6) : bpf_ntohs(ipv4->tot_len);
}

/* Whether the packet's fate is decided: by `hop`. Otherwise it is the stack's. */
static __always_inline bool look_up(struct xdp_md *ctx, const struct flow *flow,
				    __u64 frame_length, struct next_hop *hop)
{
	__u32 length = length_of(flow);
	struct bpf_fib_lookup fib __attribute__((aligned(8))) = {
	    .tot_len = length, .ifindex = ctx->ingress_ifindex};

	/* The length has 16 bits, and an IPv6 packet can be 40 bytes longer. */
	if (length > 0xffff || !is_plain(flow) || !is_forwardable(flow))
		return false;
	ask(&fib, flow);

	switch (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		/* Padding that the egress would not take (xdp_ok_fwd_dev()). */
		if (frame_length > ETH_HLEN + VLAN_HLEN + fib.mtu_result)
			return false;
		join_macs(&hop->macs, &fib);
		hop->egress = port_of(fib.ifindex);
		hop->room = ETH_HLEN + fib.mtu_result;
		return true;
	/* The stack answers for unreachable and prohibit routes: ICMP errors. */
	case BPF_FIB_LKUP_RET_BLACKHOLE:
		hop->egress = NOWHERE;
		hop->room = ~0;
		return true;
	default:
		return false;
	}
}

/*
 * Multiplicative hashing: the high bits of a product depend on all bits of its factors.
 * The two directions of a connection get slots of their own.
 */
#define FACTOR 0x9e3779b97f4a7c15

static __always_inline __u32 slot_of(const struct flow *flow)
{
	const __u64 *addresses = addresses_of(flow);
	__u64 hash = addresses[0] ^ flow->id;

	if (flow->family == AF_INET6) {
		hash = (hash ^ addresses[1]) * FACTOR;
		hash ^= addresses[2] ^ addresses[3];
	}
	return hash * FACTOR >> (64 - FLOWS_BITS);
}

static __always_inline int words_of(const struct flow *flow)
{
	return flow->family == AF_INET6 ? 4 : 1;
}

static __always_inline bool is_of(const struct fib_result *result,
				  const struct flow *flow)
{
	const __u64 *addresses = addresses_of(flow);

	for (int i = 0; i < words_of(flow); i++)
		if (result->addresses[i] != addresses[i])
			return false;
	return result->service == service_of(flow) && result->flow == flow->id;
}

static __always_inline void keep(struct fib_result *result, const struct flow *flow,
				 __u64 tick)
{
	const __u64 *addresses = addresses_of(flow);

	for (int i = 0; i < words_of(flow); i++)
		result->addresses[i] = addresses[i];
	result->service = service_of(flow);
	result->flow = flow->id;
	result->tick = tick;
}

/*
 * What is known of a packet's next hop, or NULL where the stack has to decide. Of
 * negative results only those that drop are kept: what goes to the stack costs many times
 * the lookup anyway, and a neighbour that is found meanwhile is used by the very next
 * packet.
 */
static __always_inline const struct fib_result *
resolve(struct xdp_md *ctx, const struct flow *flow, __u64 length)
{
	__u32 index = slot_of(flow);
	struct fib_result *result = bpf_map_lookup_elem(&fib_cache, &index);
	/* Called before `tick` is read, which would have to be saved from it. */
	__u64 now = bpf_jiffies64();

	if (!result)
		return NULL;
	if (result->tick == now && length <= result->hop.room && is_of(result, flow))
		return result;
	/* Once more: that is two instructions, and a hit does not have to keep it. */
	now = bpf_jiffies64();
	if (!look_up(ctx, flow, length, &result->hop))
		return NULL;
	if (cache)
		keep(result, flow, now);
	return result;
}

#endif
