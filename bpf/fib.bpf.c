// SPDX-License-Identifier: GPL-2.0-only
/* Forwards as the kernel's FIB says, IPv4 and IPv6. */
#include <xdp-topology/address.h>
#include "counters.h"
#include "next-hop.h"
#include <xdp-topology/parse.h>
#include "ports.h"
#include <xdp-topology/rewrite.h>

/* The fragment header begins with the type of the next one (RFC 8200, section 4.5). */
#define FRAGMENT_LENGTH 8

/*
 * What nearly all packets are. Asked for apart from other protocols, of which clang makes
 * a test of bits in a mask, seven instructions instead of two.
 */
static __always_inline bool is_tcp_or_udp(__u32 protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_TCP;
}

static __always_inline bool has_ports(__u32 protocol)
{
	barrier_var(protocol);
	return protocol == IPPROTO_DCCP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_UDPLITE || protocol == IPPROTO_ESP;
}

/*
 * What the flow dissector (net/core/flow_dissector.c) would find of ports for a hash over
 * paths or an `ip rule`: the first two half-words of these protocols (of ESP, the index
 * of security parameters: proto_ports_offset()). Fragments have none, the first one
 * neither, so that all take one path.
 */
static __always_inline __be32 take_ports(struct cursor *cursor, __u32 protocol)
{
	const __be32 *both;

	if (!is_tcp_or_udp(protocol) && !has_ports(protocol))
		return 0;
	both = take(cursor, sizeof(*both));
	return both ? *both : 0;
}

static __always_inline enum xdp_action forward(struct xdp_md *ctx, struct ethhdr *eth,
					       const struct flow *flow, __u64 length)
{
	const struct fib_result *result = resolve(ctx, flow, length);

	if (!result)
		return XDP_PASS;
	if (!redirected_to(result->hop.egress))
		return result->hop.egress == NOWHERE ? XDP_DROP : XDP_PASS;
	set_macs(eth, &result->hop.macs);
	return XDP_REDIRECT;
}

static __always_inline enum xdp_action
forward_ipv4(struct xdp_md *ctx, __u32 ingress, struct cursor *cursor, struct ethhdr *eth)
{
	struct iphdr *ip = take(cursor, sizeof(*ip));
	struct flow flow = {.eth = eth, .family = AF_INET};
	enum xdp_action action;

	if (!ip || !ipv4_is_whole(cursor, ip, 0) || ip->ttl <= 1)
		return XDP_PASS;
	flow.id = flow_id(ingress, AF_INET, ip->protocol,
			  is_fragment(ip) ? 0 : take_ports(cursor, ip->protocol));
	action = forward(ctx, eth, &flow, cursor->length);
	if (action == XDP_REDIRECT)
		decrease_ttl(ip);
	return action;
}

/*
 * Protocol and ports behind an IPv6 header that says `protocol`; false where it takes the
 * stack to find them.
 */
static __always_inline bool take_protocol(struct cursor *cursor, __u32 *protocol,
					  __be32 *ports)
{
	__u32 extension = *protocol;
	const __u8 *fragment;

	if (is_tcp_or_udp(*protocol)) {
		*ports = take_ports(cursor, *protocol);
		return true;
	}
	barrier_var(extension);
	switch (extension) {
	case IPPROTO_HOPOPTS: /* for every router to read */
		return false;
	case IPPROTO_ROUTING: /* The dissector reads on behind these, so that rules and */
	case IPPROTO_DSTOPTS: /* hashes go by what this program would not find. */
		return false;
	case IPPROTO_FRAGMENT:
		fragment = take(cursor, FRAGMENT_LENGTH);
		if (!fragment)
			return false;
		*protocol = fragment[0];
		*ports = 0;
		return true;
	default:
		*ports = take_ports(cursor, *protocol);
		return true;
	}
}

static __always_inline enum xdp_action
forward_ipv6(struct xdp_md *ctx, __u32 ingress, struct cursor *cursor, struct ethhdr *eth)
{
	struct ipv6hdr *ip = take(cursor, sizeof(*ip));
	struct flow flow = {.eth = eth, .family = AF_INET6};
	enum xdp_action action;
	__u32 protocol;
	__be32 ports;

	if (!ip || !ipv6_is_whole(cursor, ip, 0) || ip->hop_limit <= 1)
		return XDP_PASS;
	protocol = ip->nexthdr;
	if (!take_protocol(cursor, &protocol, &ports))
		return XDP_PASS;
	flow.id = flow_id(ingress, AF_INET6, protocol, ports);
	action = forward(ctx, eth, &flow, cursor->length);
	if (action == XDP_REDIRECT)
		ip->hop_limit--;
	return action;
}

static __always_inline enum xdp_action route(struct xdp_md *ctx, __u32 ingress,
					     struct cursor *cursor)
{
	struct ethhdr *eth = take_ethernet(cursor);

	/* A packet to all on the link is not forwarded (RFC 1812, section 5.3.4). */
	if (!eth || mac_is_group(eth->h_dest))
		return XDP_PASS;
	switch (ethertype(eth)) {
	case bpf_htons(ETH_P_IP):
		return forward_ipv4(ctx, ingress, cursor, eth);
	case bpf_htons(ETH_P_IPV6):
		return forward_ipv6(ctx, ingress, cursor, eth);
	default:
		return XDP_PASS;
	}
}

/* A switch, so that clang counts into a field that it knows, instead of computing one. */
static __always_inline int run(struct xdp_md *ctx, struct cursor frame, __u32 port,
			       struct counters *of_port)
{
	switch (route(ctx, port, &frame)) {
	case XDP_REDIRECT:
		return count(of_port, frame.length, XDP_REDIRECT);
	case XDP_DROP:
		return drop(of_port, frame.length);
	default:
		return pass(of_port, frame.length);
	}
}

static __attribute__((noinline)) int run_jumbo(struct xdp_md *ctx, __u32 port,
					       struct counters *of_port)
{
	return run(ctx, any_frame(ctx), port, of_port);
}

SEC("xdp.frags")
int xdp_fib(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);
	struct counters *of_port = counters_of(&port);
	struct cursor cursor;

	/* Only within the lab does an ifindex tell one namespace from another. */
	if (!of_port)
		return XDP_PASS;
	cursor = frame(ctx);
	if (check_headers(&cursor))
		return run(ctx, cursor, port, of_port);
	if (!is_jumbo(&cursor))
		return run(ctx, cursor, port, of_port);
	return run_jumbo(ctx, port, of_port);
}

char LICENSE[] SEC("license") = "GPL";
