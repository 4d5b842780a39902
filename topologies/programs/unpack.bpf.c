// SPDX-License-Identifier: GPL-2.0-only
/* Takes packets out of those in which load-balancer.bpf.c sends them. */
#include <xdp-topology/parse.h>

/* The sender of what is unpacked; the rest passes as it is. */
const volatile __be32 balancer4;
const volatile struct in6_addr balancer6;

static __always_inline bool is_packed_ipv4(struct cursor *cursor)
{
	const struct iphdr *ip = take(cursor, sizeof(*ip));

	return ip && ip->protocol == IPPROTO_IPIP && ip->ihl == sizeof(*ip) / 4 &&
	       !is_fragment(ip) && ip->saddr == balancer4;
}

static __always_inline bool is_packed_ipv6(struct cursor *cursor)
{
	const struct ipv6hdr *ip = take(cursor, sizeof(*ip));

	if (!ip || ip->nexthdr != IPPROTO_IPV6)
		return false;
	for (int i = 0; i < 4; i++)
		if (ip->saddr.s6_addr32[i] != balancer6.s6_addr32[i])
			return false;
	return true;
}

/* Moves the Ethernet header up to what is inside. Both headers are of one family, so that
 * its type stays what it is; and both IP headers are longer than it, so that it does not
 * overlap itself. */
static __always_inline enum xdp_action unpack(struct xdp_md *ctx, size_t size)
{
	struct cursor cursor = frame(ctx);
	const struct ethhdr *from = take(&cursor, sizeof(*from));
	void *room = take(&cursor, size);
	struct ethhdr *to;

	if (!from || !room)
		return XDP_DROP;
	to = room + size - sizeof(*to);
	*to = *from;
	return bpf_xdp_adjust_head(ctx, size) ? XDP_DROP : XDP_PASS;
}

SEC("xdp.frags")
int unpack_ip(struct xdp_md *ctx)
{
	struct cursor cursor = frame(ctx);
	const struct ethhdr *eth = take(&cursor, sizeof(*eth));

	if (!eth)
		return XDP_PASS;
	if (ethertype(eth) == bpf_htons(ETH_P_IP) && is_packed_ipv4(&cursor))
		return unpack(ctx, sizeof(struct iphdr));
	if (ethertype(eth) == bpf_htons(ETH_P_IPV6) && is_packed_ipv6(&cursor))
		return unpack(ctx, sizeof(struct ipv6hdr));
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
