/* SPDX-License-Identifier: MIT */
#ifndef XDP_TOPOLOGY_ADDRESS_H
#define XDP_TOPOLOGY_ADDRESS_H

#include <linux/in.h>
#include <linux/in6.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* The group bit: multicast, and broadcast with it. */
static __always_inline bool mac_is_group(const __u8 *mac)
{
	return mac[0] & 1;
}

/* Not 0.0.0.0/8, multicast, reserved or broadcast. */
static __always_inline bool ipv4_is_unicast(const __be32 *address)
{
	__u32 first = *(const __u8 *)address;

	return first - 1 < 223; /* 1 to 223: of 0 it wraps */
}

/* Unicast of more than host (127.0.0.0/8) and link scope (169.254.0.0/16, RFC 3927). */
static __always_inline bool ipv4_is_forwardable(const __be32 *address)
{
	return ipv4_is_unicast(address) && *(const __u8 *)address != IN_LOOPBACKNET &&
	       *(const __be16 *)address != bpf_htons(0xa9fe);
}

static __always_inline bool ipv6_is_multicast(const __be32 *address)
{
	return *(const __u8 *)address == 0xff;
}

/* In ::/64 there is no host: unspecified, loopback, IPv4-mapped. */
static __always_inline bool ipv6_is_reserved(const __be32 *address)
{
	return !*(const __u64 *)address;
}

static __always_inline bool ipv6_is_unicast(const __be32 *address)
{
	return !ipv6_is_multicast(address) && !ipv6_is_reserved(address);
}

#endif
