/* SPDX-License-Identifier: MIT */
#ifndef XDP_TOPOLOGY_PARSE_H
#define XDP_TOPOLOGY_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "version.h"

/* include/net/ip.h */
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff

/* A full Ethernet frame with a tag (include/linux/if_vlan.h: VLAN_ETH_FRAME_LEN). */
#define FULL_FRAME 1518

/* Position in a frame while its headers are parsed. */
struct cursor {
	void *at;      /* next byte to parse */
	void *end;     /* end of the linear part */
	size_t offset; /* of `at` in the frame, in bytes */
	size_t sure;   /* bytes behind `at` that a check has already covered */
	__u64 length;  /* of the frame, in bytes */
};

/* Cursor at the first byte of the frame. Its length is that of the linear part. */
static __always_inline struct cursor frame(const struct xdp_md *ctx)
{
	void *start = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;

	return (struct cursor){.at = start, .end = end, .length = end - start};
}

/*
 * Whether the frame may continue in fragments. The linear part is full before a fragment
 * is used, and the linear part holds more than a full Ethernet frame: on veth and in
 * generic mode a page minus headroom and skb_shared_info (skb_pp_cow_data(), and
 * veth_xdp_rcv_skb() before it).
 */
static __always_inline bool is_jumbo(const struct cursor *frame)
{
	return frame->length > FULL_FRAME;
}

/* Headers of Ethernet and IPv6, and the ports behind them. */
#define HEADERS 58

/*
 * Whether a frame is no jumbo frame, and long enough for all that is read of it. It is
 * marked so, and one check then does for everything: programs go on in two copies of what
 * follows, after a yes and after a no. A wire pads frames to 60 bytes; what a veth hands
 * on may be shorter.
 */
static __always_inline bool check_headers(struct cursor *frame)
{
	if (is_jumbo(frame) || frame->at + HEADERS > frame->end)
		return false;
	frame->sure = HEADERS;
	return true;
}

/*
 * As frame(), but the length includes all fragments. The helper for this is as slow as a
 * redirect. Programs that forward call it in a function of its own, because the code
 * around a call has fewer registers even when the call is not made.
 */
static __always_inline struct cursor any_frame(struct xdp_md *ctx)
{
	struct cursor cursor = frame(ctx);

	if (is_jumbo(&cursor))
		cursor.length = bpf_xdp_get_buff_len(ctx);
	return cursor;
}

/* Length of the frame with all fragments, in bytes. */
static __always_inline __u64 frame_length(struct xdp_md *ctx)
{
	return any_frame(ctx).length;
}

/* The next `size` bytes, or NULL if the frame has fewer. Moves the cursor behind them. */
static __always_inline void *take(struct cursor *cursor, size_t size)
{
	void *at = cursor->at;

	if (size > cursor->sure && at + size > cursor->end)
		return NULL;
	__builtin_assume(at); /* spares the callers' checks for NULL a second branch */
	cursor->at = at + size;
	cursor->offset += size;
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
	cursor->offset = sizeof(*eth);
	cursor->sure += sizeof(struct iphdr);
	return eth;
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
 * Whether an IPv4 header needs nothing of what the stack alone can do. Its checksum is
 * not verified: an incremental update carries an error along to the next one who does.
 */
static __always_inline bool is_plain_ipv4(const struct iphdr *ip)
{
	return ip->version == 4 && ip->ihl == sizeof(*ip) / 4;
}

/*
 * Whether the packet, whose header was taken last, has this much payload, and is not cut
 * short (ip_rcv_core() drops what is).
 */
static __always_inline bool ipv4_is_whole(const struct cursor *cursor,
					  const struct iphdr *ip, __u32 payload)
{
	__u32 length = bpf_ntohs(ip->tot_len);

	return length >= sizeof(*ip) + payload &&
	       cursor->offset - sizeof(*ip) + length <= cursor->length;
}

static __always_inline bool is_fragment(const struct iphdr *ip)
{
	return ip->frag_off & bpf_htons(IP_MF | IP_OFFSET);
}

static __always_inline __u32 ipv6_length(const struct ipv6hdr *ip)
{
	return sizeof(*ip) + bpf_ntohs(ip->payload_len);
}

/* As ipv4_is_whole(); see ip6_rcv_core(). */
static __always_inline bool ipv6_is_whole(const struct cursor *cursor,
					  const struct ipv6hdr *ip, __u32 payload)
{
	__u32 length = bpf_ntohs(ip->payload_len);

	return length >= payload && cursor->offset + length <= cursor->length;
}

#endif
