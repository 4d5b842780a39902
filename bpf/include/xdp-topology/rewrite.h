/* SPDX-License-Identifier: MIT */
#ifndef XDP_TOPOLOGY_REWRITE_H
#define XDP_TOPOLOGY_REWRITE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/types.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "what lies first in memory is at the lower end of a word");

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

/* The beginning of an Ethernet header. */
struct macs {
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
};

/* In words, of a map's value: elsewhere than on the stack they need not be aligned. */
static __always_inline void set_macs(struct ethhdr *eth, const struct macs *macs)
{
	*(__u64 *)eth = *(const __u64 *)macs;
	((__u32 *)eth)[2] = ((const __u32 *)macs)[2];
}

/*
 * The MACs of a lookup, as set_macs() reads them: it does so at once, and a load of more
 * than one store has written waits until all of them have reached the cache.
 */
static __always_inline void join_macs(struct macs *macs, const struct bpf_fib_lookup *fib)
{
	const __u16 *destination = (const void *)fib->dmac;
	const __u16 *source = (const void *)fib->smac;

	*(__u64 *)macs = destination[0] | (__u64)destination[1] << 16 |
			 (__u64)destination[2] << 32 | (__u64)source[0] << 48;
	((__u32 *)macs)[2] = source[1] | (__u32)source[2] << 16;
}

/*
 * The checksum after a 16-bit word has become less by so much, in network byte order: the
 * checksum is the complement of a sum, and gains what the sum loses (RFC 1624). A carry
 * comes back at the other end, and of the two zeros of such sums it is 0x0000.
 */
static __always_inline __u16 checksum_less(__u16 checksum, __u16 less)
{
	__u32 sum = checksum + less;

	return sum + ((sum + 1) >> 16);
}

/*
 * One less of the TTL, at least 1 so far, is one more of the checksum, as checksum_less()
 * has it. Both are in one word, the TTL at its lower end, the checksum at its upper one,
 * so that this is one addition: of 0x10000 - 1, and once more of 0x10000 where the
 * checksum would come to 0xffff or beyond.
 */
static __always_inline void decrease_ttl(struct iphdr *ip)
{
	__u32 *word = (void *)ip + offsetof(struct iphdr, ttl);
	__u32 now = *word;

	if (now >= 0xfffe0000)
		now += 0x10000;
	*word = now + 0xffff;
}

static __always_inline void set_ttl(struct iphdr *ip, __u8 ttl)
{
	__s32 less = bpf_htons(ip->ttl << 8) - bpf_htons(ttl << 8);

	if (!less)
		return;
	/* What is negative borrows from the other end. */
	ip->check = checksum_less(ip->check, less + (less >> 31));
	ip->ttl = ttl;
}

#endif
