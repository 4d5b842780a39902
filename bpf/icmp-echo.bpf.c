// SPDX-License-Identifier: GPL-2.0-only
/* Answers echo requests on the wire, whoever they are addressed to. */
#include <xdp-topology/address.h>
#include "counters.h"
#include <xdp-topology/icmp.h>
#include <xdp-topology/parse.h>
#include <xdp-topology/rewrite.h>

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
static __always_inline bool answer_ipv4(struct cursor *cursor)
{
	struct iphdr *ip = take(cursor, sizeof(*ip));
	struct icmp *icmp;
	__u32 sum;

	if (!ip || !is_plain_ipv4(ip) || !ipv4_is_whole(cursor, ip, sizeof(*icmp)) ||
	    ip->protocol != IPPROTO_ICMP || is_fragment(ip) ||
	    !ipv4_is_unicast(&ip->saddr) || !ipv4_is_unicast(&ip->daddr))
		return false;
	icmp = take(cursor, sizeof(*icmp));
	if (!icmp || icmp->type_and_code != bpf_htons(ICMP_ECHO_REQUEST << 8))
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

static __always_inline bool answer_ipv6(struct cursor *cursor)
{
	struct ipv6hdr *ip = take(cursor, sizeof(*ip));
	struct icmp *icmp;
	__u64 *addresses;

	if (!ip || ip->version != 6 || !ipv6_is_whole(cursor, ip, sizeof(*icmp)) ||
	    ip->nexthdr != IPPROTO_ICMPV6 || !ipv6_is_unicast(ip->saddr.s6_addr32) ||
	    !ipv6_is_unicast(ip->daddr.s6_addr32))
		return false;
	icmp = take(cursor, sizeof(*icmp));
	if (!icmp || icmp->type_and_code != bpf_htons(ICMPV6_ECHO_REQUEST << 8))
		return false;
	addresses = ipv6_addresses(ip);

	swap(addresses[0], addresses[2]);
	swap(addresses[1], addresses[3]);
	ip->hop_limit = REPLY_TTL;
	icmp->type = ICMPV6_ECHO_REPLY;
	icmp->checksum = checksum_less(icmp->checksum, ~bpf_htons(1 << 8));
	return true;
}

static __always_inline bool answer_ip(struct cursor *cursor, __be16 proto)
{
	switch (proto) {
	case bpf_htons(ETH_P_IP):
		return answer_ipv4(cursor);
	case bpf_htons(ETH_P_IPV6):
		return answer_ipv6(cursor);
	default:
		return false;
	}
}

static __always_inline bool answer(struct cursor *cursor, struct ethhdr *eth,
				   __be16 proto)
{
	if (mac_is_group(eth->h_dest) || !answer_ip(cursor, proto))
		return false;
	swap_macs(eth);
	return true;
}

/* Tagged frames and jumbo frames, apart so that of others all offsets are constants. */
static __attribute__((noinline)) int echo_any(struct xdp_md *ctx,
					      struct counters *of_port)
{
	struct cursor cursor = any_frame(ctx);
	struct ethhdr *eth = take_ethernet(&cursor);

	if (eth && answer(&cursor, eth, skip_tags(&cursor, ethertype(eth))))
		return count(of_port, cursor.length, XDP_TX);
	return pass(of_port, cursor.length);
}

SEC("xdp.frags")
int xdp_icmp_echo(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);
	struct counters *of_port = counters_of(&port);
	struct cursor cursor;
	struct ethhdr *eth;
	__be16 proto;

	if (!of_port)
		return XDP_PASS;
	cursor = frame(ctx);
	if (is_jumbo(&cursor))
		return echo_any(ctx, of_port);
	eth = take_ethernet(&cursor);
	if (!eth)
		return pass(of_port, cursor.length);
	proto = ethertype(eth);
	if (is_tag(proto))
		return echo_any(ctx, of_port);
	if (answer(&cursor, eth, proto))
		return count(of_port, cursor.length, XDP_TX);
	return pass(of_port, cursor.length);
}

char LICENSE[] SEC("license") = "GPL";
