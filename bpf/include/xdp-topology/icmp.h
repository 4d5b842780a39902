/* SPDX-License-Identifier: MIT */
#ifndef XDP_TOPOLOGY_ICMP_H
#define XDP_TOPOLOGY_ICMP_H

#include <linux/types.h>

/*
 * An echo, of ICMP (RFC 792) and of ICMPv6 (RFC 4443, section 4.1), and the beginning of
 * any ICMPv6 message. linux/icmp.h includes the C library's headers, for which the bpf
 * target is a 32-bit machine.
 */
struct icmp {
	union {
		__u8 type;
		__be16 type_and_code;
	};
	__u16 checksum;
	__be16 id;
	__be16 sequence;
};

#define ICMP_ECHO_REPLY 0
#define ICMP_ECHO_REQUEST 8
#define ICMPV6_ECHO_REQUEST 128
#define ICMPV6_ECHO_REPLY 129

/* Neighbour discovery, from router solicitation to redirect (RFC 4861, section 4). */
#define NDP_FIRST 133
#define NDP_LAST 137

#endif
