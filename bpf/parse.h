/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PARSE_H
#define PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* include/net/ip.h */
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff

/* A full Ethernet frame with a tag (include/linux/if_vlan.h: VLAN_ETH_FRAME_LEN). */
#define FULL_FRAME 1518

/*
 * Bytes of the whole frame. A frame goes on in fragments only once its linear part is
 * full, and that holds more than a full Ethernet frame: a page less headroom and
 * skb_shared_info on veth and in generic mode (skb_pp_cow_data(), and before it
 * veth_xdp_rcv_skb()). So ordinary frames are spared the helper, which costs as much as a
 * redirect.
 */
static __always_inline __u64 frame_length(struct xdp_md *ctx)
{
	__u64 linear = (long)ctx->data_end - (long)ctx->data;

	return linear > FULL_FRAME ? bpf_xdp_get_buff_len(ctx) : linear;
}

/* What is still to be parsed of the linear part. */
struct cursor {
	void *at;
	void *end;
	size_t sure; /* bytes from `at` on that are there for certain */
};

static __always_inline struct cursor frame(struct xdp_md *ctx)
{
	return (struct cursor){(void *)(long)ctx->data, (void *)(long)ctx->data_end, 0};
}

/* The next `size` bytes, or NULL if there are not as many. */
static __always_inline void *take(struct cursor *cursor, size_t size)
{
	void *at = cursor->at;

	if (size > cursor->sure && at + size > cursor->end)
		return NULL;
	__builtin_assume(at); /* spares the callers' checks for NULL a second branch */
	cursor->at = at + size;
	cursor->sure -= size < cursor->sure ? size : cursor->sure;
	return at;
}

/*
 * The Ethernet header, or NULL of a frame in which not even an IPv4 header could follow:
 * one check for both, since nobody here looks into less.
 */
static __always_inline struct ethhdr *take_ethernet(struct cursor *cursor)
{
	struct ethhdr *eth = take(cursor, sizeof(*eth) + sizeof(struct iphdr));

	if (!eth)
		return NULL;
	cursor->at = eth + 1;
	cursor->sure = sizeof(struct iphdr);
	return eth;
}

/* Whether the frame has as many bytes as this from `at` on, its fragments included. */
static __always_inline bool reaches(struct xdp_md *ctx, const struct cursor *cursor,
				    const void *at, __u64 length)
{
	__u64 linear = cursor->end - at;

	return length <= linear ||
	       length + (at - (void *)(long)ctx->data) <= frame_length(ctx);
}

/* struct ethhdr is packed, so that clang would read its last field byte by byte. */
static __always_inline __be16 ethertype(const struct ethhdr *eth)
{
	return *(const __be16 *)((const void *)eth + offsetof(struct ethhdr, h_proto));
}

/*
 * Source and destination: one word of IPv4, four of IPv6. By offset, since of the address
 * of a field clang knows the alignment, and would read it in smaller words.
 */
static __always_inline __u64 *ipv4_addresses(struct iphdr *ip)
{
	return (void *)ip + offsetof(struct iphdr, saddr);
}

static __always_inline __u64 *ipv6_addresses(struct ipv6hdr *ip)
{
	return (void *)ip + offsetof(struct ipv6hdr, saddr);
}

/*
 * An IPv4 header that needs nothing of what the stack alone can do: no options, and not
 * cut short (ip_rcv_core() drops what is). Its checksum is not verified: an incremental
 * update carries an error along to the next one who does.
 */
static __always_inline struct iphdr *take_ipv4(struct cursor *cursor, struct xdp_md *ctx,
					       __u32 payload)
{
	struct iphdr *ip = take(cursor, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl != sizeof(*ip) / 4 ||
	    bpf_ntohs(ip->tot_len) < sizeof(*ip) + payload ||
	    !reaches(ctx, cursor, ip, bpf_ntohs(ip->tot_len)))
		return NULL;
	return ip;
}

static __always_inline bool is_fragment(const struct iphdr *ip)
{
	return ip->frag_off & bpf_htons(IP_MF | IP_OFFSET);
}

static __always_inline __u32 ipv6_length(const struct ipv6hdr *ip)
{
	return sizeof(*ip) + bpf_ntohs(ip->payload_len);
}

/* An IPv6 header of a packet that is not cut short (ip6_rcv_core()). */
static __always_inline struct ipv6hdr *take_ipv6(struct cursor *cursor,
						 struct xdp_md *ctx, __u32 payload)
{
	struct ipv6hdr *ip = take(cursor, sizeof(*ip));

	if (!ip || ip->version != 6 || bpf_ntohs(ip->payload_len) < payload ||
	    !reaches(ctx, cursor, ip, ipv6_length(ip)))
		return NULL;
	return ip;
}

#endif
