/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REWRITE_H
#define REWRITE_H

#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/*
 * By half-words: clang copies byte by byte what it only knows as bytes, and words of a
 * MAC on the stack are not aligned, which the verifier insists on there.
 */
static __always_inline void mac_copy(void *to, const void *from)
{
	__u16 *into = to;
	const __u16 *mac = from;

	into[0] = mac[0];
	into[1] = mac[1];
	into[2] = mac[2];
}

static __always_inline void set_macs(struct ethhdr *eth, const void *source,
				     const void *destination)
{
	mac_copy(eth->h_dest, destination);
	mac_copy(eth->h_source, source);
}

/* The checksum after one of its 16-bit words has changed: RFC 1624, equation 3. */
static __always_inline __u16 checksum_replace(__u16 checksum, __u16 from, __u16 to)
{
	__u32 sum = (__u16)~checksum + (__u16)~from + to;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/*
 * The checksum's word is the TTL and the protocol together. It is written as one, too: to
 * read a word after a write of one byte in it is to wait for the store.
 */
static __always_inline void set_ttl(struct iphdr *ip, __u8 ttl)
{
	__u16 *word = (__u16 *)&ip->ttl;
	__u16 to = bpf_htons(ttl << 8 | ip->protocol);

	ip->check = checksum_replace(ip->check, *word, to);
	*word = to;
}

#endif
