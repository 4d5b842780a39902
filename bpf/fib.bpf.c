// SPDX-License-Identifier: GPL-2.0-only
/* Forwards as the kernel's FIB says, IPv4 and IPv6. */
#include "address.h"
#include "counters.h"
#include "next-hop.h"
#include "parse.h"
#include "ports.h"
#include "rewrite.h"

/* The fragment header begins with the type of the next one (RFC 8200, section 4.5). */
#define FRAGMENT_LENGTH 8

/*
 * What the flow dissector (net/core/flow_dissector.c) would find of ports for a hash over
 * paths or an `ip rule`: the first two half-words of these protocols. Fragments have
 * none, the first one neither, so that all take one path.
 */
static __always_inline __be32 take_ports(struct cursor *cursor, __u8 protocol)
{
	__be32 *both;

	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		both = take(cursor, sizeof(*both));
		return both ? *both : 0;
	default:
		return 0;
	}
}

static __always_inline enum xdp_action forward(struct xdp_md *ctx, struct ethhdr *eth,
					       const struct flow *flow, __u32 length)
{
	const struct fib_result *result = resolve(ctx, flow, length);

	if (!result)
		return XDP_PASS;
	if (!redirected_to(result->hop.egress))
		return result->hop.egress == NOWHERE ? XDP_DROP : XDP_PASS;
	set_macs(eth, &result->hop.macs);
	return XDP_REDIRECT;
}

static __always_inline enum xdp_action forward_ipv4(struct xdp_md *ctx, const __u32 *port,
						    struct cursor *cursor,
						    struct ethhdr *eth)
{
	struct iphdr *ip = take_ipv4(cursor, ctx, 0);
	struct flow flow = {.ingress = port, .header = ip, .family = AF_INET};
	enum xdp_action action;

	if (!ip || ip->ttl <= 1)
		return XDP_PASS;
	flow.protocol = ip->protocol;
	flow.ports = is_fragment(ip) ? 0 : take_ports(cursor, ip->protocol);
	action = forward(ctx, eth, &flow, bpf_ntohs(ip->tot_len));
	if (action == XDP_REDIRECT)
		decrease_ttl(ip);
	return action;
}

static __always_inline enum xdp_action forward_ipv6(struct xdp_md *ctx, const __u32 *port,
						    struct cursor *cursor,
						    struct ethhdr *eth)
{
	struct ipv6hdr *ip = take_ipv6(cursor, ctx, 0);
	struct flow flow = {.ingress = port, .header = ip, .family = AF_INET6};
	enum xdp_action action;
	const __u8 *fragment;

	if (!ip || ip->hop_limit <= 1)
		return XDP_PASS;
	switch (ip->nexthdr) {
	case IPPROTO_HOPOPTS: /* for every router to read */
		return XDP_PASS;
	case IPPROTO_ROUTING: /* The dissector reads on behind these, so that rules and */
	case IPPROTO_DSTOPTS: /* hashes go by what this program would not find. */
		return XDP_PASS;
	case IPPROTO_FRAGMENT:
		fragment = take(cursor, FRAGMENT_LENGTH);
		if (!fragment)
			return XDP_PASS;
		flow.protocol = fragment[0];
		break;
	default:
		flow.protocol = ip->nexthdr;
		flow.ports = take_ports(cursor, ip->nexthdr);
	}
	action = forward(ctx, eth, &flow, ipv6_length(ip));
	if (action == XDP_REDIRECT)
		ip->hop_limit--;
	return action;
}

static __always_inline enum xdp_action route(struct xdp_md *ctx, const __u32 *port,
					     struct cursor *cursor)
{
	struct ethhdr *eth = take_ethernet(cursor);

	/* A packet to all on the link is not forwarded (RFC 1812, section 5.3.4). */
	if (!eth || mac_is_group(eth->h_dest))
		return XDP_PASS;
	switch (ethertype(eth)) {
	case bpf_htons(ETH_P_IP):
		return forward_ipv4(ctx, port, cursor, eth);
	case bpf_htons(ETH_P_IPV6):
		return forward_ipv6(ctx, port, cursor, eth);
	default:
		return XDP_PASS;
	}
}

SEC("xdp.frags")
int xdp_fib(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);
	struct cursor cursor = frame(ctx);
	struct counters *of_port = counters_of(&port);
	enum xdp_action action;

	/* Only within the lab does an ifindex tell one namespace from another. */
	if (!of_port)
		return XDP_PASS;
	action = route(ctx, &port, &cursor);
	return count(of_port, frame_length(ctx), action);
}

char LICENSE[] SEC("license") = "GPL";
