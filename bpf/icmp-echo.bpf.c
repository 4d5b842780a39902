// SPDX-License-Identifier: GPL-2.0-only
/* Answers echo requests on the wire, whoever they are addressed to. */
#include "address.h"
#include "counters.h"
#include "icmp.h"
#include "parse.h"
#include "rewrite.h"

/* A reply starts afresh: the kernel's default (IPDEFTTL, IPV6_DEFAULT_HOPLIMIT). */
#define REPLY_TTL 64

/* 802.1Q inside 802.1ad is as deep as tags go. */
#define MAX_TAGS 2

struct tag {
	__be16 tci;
	__be16 proto;
};

/* The ethertype behind the tags, which the reply keeps. */
static __always_inline __be16 skip_tags(struct cursor *cursor, __be16 proto)
{
	for (int i = 0; i < MAX_TAGS; i++) {
		struct tag *tag;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		tag = take(cursor, sizeof(*tag));
		if (!tag)
			break;
		proto = tag->proto;
	}
	return proto;
}

static __always_inline void swap_macs(struct ethhdr *eth)
{
	__u16 sender[ETH_ALEN / 2];

	mac_copy(sender, eth->h_source);
	mac_copy(eth->h_source, eth->h_dest);
	mac_copy(eth->h_dest, sender);
}

/*
 * Checksums do not notice a swap of addresses: they add in any order. A wrong checksum
 * stays wrong, so whoever sent it learns of it.
 */
static __always_inline bool answer_ipv4(struct cursor *cursor, struct xdp_md *ctx)
{
	struct iphdr *ip = take_ipv4(cursor, ctx);
	struct icmp *icmp;
	__be32 sender;

	if (!ip || ip->protocol != IPPROTO_ICMP || is_fragment(ip) ||
	    bpf_ntohs(ip->tot_len) < sizeof(*ip) + sizeof(*icmp) ||
	    !ipv4_is_unicast(ip->saddr) || !ipv4_is_unicast(ip->daddr))
		return false;
	icmp = take(cursor, sizeof(*icmp));
	if (!icmp || icmp->type != ICMP_ECHO_REQUEST || icmp->code != 0)
		return false;

	sender = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = sender;
	set_ttl(ip, REPLY_TTL);
	icmp->type = ICMP_ECHO_REPLY;
	icmp->checksum =
	    checksum_replace(icmp->checksum, bpf_htons(ICMP_ECHO_REQUEST << 8),
			     bpf_htons(ICMP_ECHO_REPLY << 8));
	/* Of a reply that is all zeros, which the equation does not foresee, only this is
	 * right (csum_fold()); of any other it is as good as 0. */
	if (icmp->checksum == 0)
		icmp->checksum = 0xffff;
	return true;
}

static __always_inline bool answer_ipv6(struct cursor *cursor, struct xdp_md *ctx)
{
	struct ipv6hdr *ip = take_ipv6(cursor, ctx);
	struct in6_addr sender;
	struct icmp *icmp;

	if (!ip || ip->nexthdr != IPPROTO_ICMPV6 ||
	    bpf_ntohs(ip->payload_len) < sizeof(*icmp) ||
	    !ipv6_is_unicast(ip->saddr.s6_addr32) ||
	    !ipv6_is_unicast(ip->daddr.s6_addr32))
		return false;
	icmp = take(cursor, sizeof(*icmp));
	if (!icmp || icmp->type != ICMPV6_ECHO_REQUEST || icmp->code != 0)
		return false;

	sender = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = sender;
	ip->hop_limit = REPLY_TTL;
	icmp->type = ICMPV6_ECHO_REPLY;
	icmp->checksum =
	    checksum_replace(icmp->checksum, bpf_htons(ICMPV6_ECHO_REQUEST << 8),
			     bpf_htons(ICMPV6_ECHO_REPLY << 8));
	return true;
}

static __always_inline enum xdp_action echo(struct xdp_md *ctx)
{
	struct cursor cursor = frame(ctx);
	struct ethhdr *eth = take(&cursor, sizeof(*eth));
	bool answered = false;

	if (!eth || mac_is_group(eth->h_dest))
		return XDP_PASS;
	switch (skip_tags(&cursor, ethertype(eth))) {
	case bpf_htons(ETH_P_IP):
		answered = answer_ipv4(&cursor, ctx);
		break;
	case bpf_htons(ETH_P_IPV6):
		answered = answer_ipv6(&cursor, ctx);
		break;
	}
	if (!answered)
		return XDP_PASS;
	swap_macs(eth);
	return XDP_TX;
}

SEC("xdp.frags")
int xdp_icmp_echo(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);

	return counted(ctx, counters_of(port), echo(ctx));
}

char LICENSE[] SEC("license") = "GPL";
