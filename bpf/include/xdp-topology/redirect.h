/* SPDX-License-Identifier: MIT */
#ifndef XDP_TOPOLOGY_REDIRECT_H
#define XDP_TOPOLOGY_REDIRECT_H

#include "address.h"
#include "icmp.h"
#include "parse.h"

static __always_inline bool is_ndp(struct cursor *cursor, const struct ipv6hdr *ip)
{
	const struct icmp *icmp;

	if (ip->nexthdr != IPPROTO_ICMPV6)
		return false;
	icmp = take(cursor, sizeof(*icmp));
	return icmp && icmp->type >= NDP_FIRST && icmp->type <= NDP_LAST;
}

/*
 * The Ethernet header of a frame that a wire between two ports carries: unicast IPv4 or
 * IPv6, by MAC and by IP address, whoever it is addressed to. NULL for the rest, which is
 * for the stack: multicast and broadcast, and what neighbours ask one another, be it ARP
 * or NDP. A peer that checks its neighbour does so by unicast (ndisc_solicit()), and must
 * be answered.
 */
static __always_inline struct ethhdr *redirectable(struct cursor *cursor)
{
	struct ethhdr *eth = take_ethernet(cursor);
	struct ipv6hdr *ipv6;
	struct iphdr *ipv4;

	if (!eth || mac_is_group(eth->h_dest))
		return NULL;
	switch (ethertype(eth)) {
	case bpf_htons(ETH_P_IPV6):
		ipv6 = take(cursor, sizeof(*ipv6));
		if (!ipv6 || ipv6_is_multicast(ipv6->daddr.s6_addr32) ||
		    is_ndp(cursor, ipv6))
			return NULL;
		break;
	case bpf_htons(ETH_P_IP):
		ipv4 = take(cursor, sizeof(*ipv4));
		if (!ipv4 || !ipv4_is_unicast(&ipv4->daddr))
			return NULL;
		break;
	default:
		return NULL;
	}
	return eth;
}

#endif
