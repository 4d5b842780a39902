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

static __always_inline bool is_tag(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/* The ethertype behind the tags, which the reply keeps. */
static __always_inline __be16 skip_tags(struct cursor *cursor, __be16 proto)
{
	for (int i = 0; i < MAX_TAGS; i++) {
		struct tag *tag;

		if (!is_tag(proto))
			break;
		tag = take(cursor, sizeof(*tag));
		if (!tag)
			break;
		proto = tag->proto;
	}
	return proto;
}

#define swap(a, b)                                                                       \
	do {                                                                             \
		__typeof__(a) was = (a);                                                 \
		(a) = (b);                                                               \
		(b) = was;                                                               \
	} while (0)

static __always_inline void swap_macs(struct ethhdr *eth)
{
	void *destination = eth;
	void *source = destination + ETH_ALEN;

	swap(*(__u32 *)destination, *(__u32 *)source);
	swap(*(__u16 *)(destination + 4), *(__u16 *)(source + 4));
}

/*
 * Checksums do not notice a swap of addresses: they add in any order. A wrong checksum
 * stays wrong, so whoever sent it learns of it.
 */
static __always_inline bool answer_ipv4(struct cursor *cursor, struct xdp_md *ctx)
{
	struct iphdr *ip = take_ipv4(cursor, ctx, sizeof(struct icmp));
	struct icmp *icmp;
	__u32 sum;

	if (!ip || ip->protocol != IPPROTO_ICMP || is_fragment(ip) ||
	    !ipv4_is_unicast(ip->saddr) || !ipv4_is_unicast(ip->daddr))
		return false;
	icmp = take(cursor, sizeof(*icmp));
	if (!icmp || icmp->type != ICMP_ECHO_REQUEST || icmp->code != 0)
		return false;

	swap(ip->saddr, ip->daddr);
	set_ttl(ip, REPLY_TTL);
	icmp->type = ICMP_ECHO_REPLY;
	/* Never 0x0000: of a reply that is all zeros only the other zero is right
	 * (csum_fold()), of any other it is as good. */
	sum = icmp->checksum + bpf_htons(ICMP_ECHO_REQUEST << 8);
	icmp->checksum = sum + (sum >> 16);
	return true;
}

static __always_inline bool answer_ipv6(struct cursor *cursor, struct xdp_md *ctx)
{
	struct ipv6hdr *ip = take_ipv6(cursor, ctx, sizeof(struct icmp));
	struct icmp *icmp;
	__u64 *addresses;

	if (!ip || ip->nexthdr != IPPROTO_ICMPV6 ||
	    !ipv6_is_unicast(ip->saddr.s6_addr32) ||
	    !ipv6_is_unicast(ip->daddr.s6_addr32))
		return false;
	icmp = take(cursor, sizeof(*icmp));
	if (!icmp || icmp->type != ICMPV6_ECHO_REQUEST || icmp->code != 0)
		return false;
	addresses = ipv6_addresses(ip);

	swap(addresses[0], addresses[2]);
	swap(addresses[1], addresses[3]);
	ip->hop_limit = REPLY_TTL;
	icmp->type = ICMPV6_ECHO_REPLY;
	icmp->checksum = checksum_less(icmp->checksum, ~bpf_htons(1 << 8));
	return true;
}

static __always_inline bool answer(struct xdp_md *ctx, struct cursor *cursor,
				   __be16 proto)
{
	switch (proto) {
	case bpf_htons(ETH_P_IP):
		return answer_ipv4(cursor, ctx);
	case bpf_htons(ETH_P_IPV6):
		return answer_ipv6(cursor, ctx);
	default:
		return false;
	}
}

/* A function of its own, so that without tags all offsets are constants. */
static __attribute__((noinline)) bool answer_tagged(struct xdp_md *ctx)
{
	struct cursor cursor = frame(ctx);
	struct ethhdr *eth = take_ethernet(&cursor);

	return eth && answer(ctx, &cursor, skip_tags(&cursor, ethertype(eth)));
}

static __always_inline enum xdp_action echo(struct xdp_md *ctx, struct cursor *cursor)
{
	struct ethhdr *eth = take_ethernet(cursor);
	bool answered;

	if (!eth || mac_is_group(eth->h_dest))
		return XDP_PASS;
	answered = is_tag(ethertype(eth)) ? answer_tagged(ctx)
					  : answer(ctx, cursor, ethertype(eth));
	if (!answered)
		return XDP_PASS;
	swap_macs(eth);
	return XDP_TX;
}

SEC("xdp.frags")
int xdp_icmp_echo(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);
	struct cursor cursor = frame(ctx);
	enum xdp_action action = echo(ctx, &cursor);

	return count(counters_of(&port), frame_length(ctx), action);
}

char LICENSE[] SEC("license") = "GPL";
