// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares what is for one address, the service's, among hosts that all have it. A packet
 * goes back by the interface that it came in by, inside another one that is for the host
 * chosen (IP in IP: RFC 2003; IPv6 in IPv6: RFC 2473). There unpack.bpf.c takes it out,
 * the stack finds an address of its own in it, and answers the client without coming by
 * here again. So there is no connection to remember, and nothing in the packet changes.
 */
#include <xdp-topology/parse.h>
#include <xdp-topology/redirect.h>
#include <xdp-topology/rewrite.h>

#define TTL 64	     /* the kernel's default: IPDEFTTL, IPV6_DEFAULT_HOPLIMIT */
#define IP_DF 0x4000 /* include/net/ip.h */

const volatile __be32 service4;
const volatile struct in6_addr service6;

struct backend {
	__be32 v4;
	struct in6_addr v6;
};

/* By a number of one's own, which decides whose flows are whose: with the number of
 * another, a host inherits that one's flows. An element of a hash is replaced whole, one
 * of an array is not. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

/* The finaliser of SplitMix64: each bit of the result depends on every bit of `x`. */
static __always_inline __u64 mix(__u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

struct choice {
	__u64 flow;
	__u64 weight; /* the greatest until now */
	__u32 backend;
};

struct bpf_map;

static long weigh(struct bpf_map *map, const __u32 *number, const struct backend *backend,
		  struct choice *choice)
{
	__u64 weight = mix(choice->flow + *number);

	if (weight >= choice->weight) {
		choice->weight = weight;
		choice->backend = *number;
	}
	return 0; /* go on */
}

/*
 * Rendezvous hashing: every backend has a weight of its own for each flow, the heaviest
 * gets it. When one leaves, its flows go to the others, and no other flow moves.
 */
static __always_inline const struct backend *choose(__u64 flow)
{
	struct choice choice = {.flow = flow};

	bpf_for_each_map_elem(&backends, weigh, &choice, 0);
	return bpf_map_lookup_elem(&backends, &choice.backend);
}

/*
 * What tells a flow: the client's address, and the ports where there are any. The
 * fragments of a packet have to meet again, and only the first has the ports: so none is
 * judged by them.
 */
static __always_inline __u64 add_ports(struct cursor *cursor, __u8 protocol, __u64 flow)
{
	const __be32 *ports;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return flow;
	ports = take(cursor, sizeof(*ports));
	return ports ? mix(flow ^ *ports) : flow;
}

/*
 * Makes room for a header behind the Ethernet header, which is addressed to whom the
 * frame came from: the router. Pointers into the packet are void after
 * bpf_xdp_adjust_head().
 */
static __always_inline void *add_header(struct xdp_md *ctx, const struct ethhdr *eth,
					size_t size)
{
	struct ethhdr from = *eth, *to;
	struct cursor cursor;

	if (bpf_xdp_adjust_head(ctx, -(int)size))
		return NULL;
	cursor = frame(ctx);
	to = take(&cursor, sizeof(*to));
	if (!to)
		return NULL;
	mac_copy(to->h_dest, from.h_source);
	mac_copy(to->h_source, from.h_dest);
	to->h_proto = from.h_proto;
	return take(&cursor, size);
}

static __always_inline __u16 header_checksum(const struct iphdr *ip)
{
	const __u16 *word = (const __u16 *)ip;
	__u32 sum = 0;

	for (int i = 0; i < (int)sizeof(*ip) / 2; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

static __always_inline enum xdp_action
balance_ipv4(struct xdp_md *ctx, struct cursor *cursor, const struct ethhdr *eth)
{
	const struct iphdr *ip = take(cursor, sizeof(*ip));
	const struct backend *backend;
	struct iphdr *outer;
	__u16 length;
	__u64 flow;

	if (!ip || ip->daddr != service4)
		return XDP_PASS;
	length = bpf_ntohs(ip->tot_len) + sizeof(*outer);
	flow = mix(ip->saddr);
	if (ip->ihl == sizeof(*ip) / 4 && !is_fragment(ip))
		flow = add_ports(cursor, ip->protocol, flow);
	backend = choose(flow);
	if (!backend)
		return XDP_DROP;
	outer = add_header(ctx, eth, sizeof(*outer));
	if (!outer)
		return XDP_DROP;
	*outer = (struct iphdr){
	    .version = 4,
	    .ihl = sizeof(*outer) / 4,
	    .tot_len = bpf_htons(length),
	    .frag_off = bpf_htons(IP_DF), /* who unpacks it needs it whole */
	    .ttl = TTL,
	    .protocol = IPPROTO_IPIP,
	    .saddr = service4,
	    .daddr = backend->v4,
	};
	outer->check = header_checksum(outer);
	return XDP_TX;
}

static __always_inline bool is_for_service6(const struct ipv6hdr *ip)
{
	for (int i = 0; i < 4; i++)
		if (ip->daddr.s6_addr32[i] != service6.s6_addr32[i])
			return false;
	return true;
}

static __always_inline enum xdp_action
balance_ipv6(struct xdp_md *ctx, struct cursor *cursor, const struct ethhdr *eth)
{
	const struct ipv6hdr *ip = take(cursor, sizeof(*ip));
	struct cursor above = *cursor;
	const struct backend *backend;
	struct ipv6hdr *outer;
	__u64 flow = 0;
	__u16 length;

	/* Who has the address on this link is for the stack to say. */
	if (!ip || !is_for_service6(ip) || is_ndp(&above, ip))
		return XDP_PASS;
	length = ipv6_length(ip);
	for (int i = 0; i < 4; i++)
		flow = mix(flow ^ ip->saddr.s6_addr32[i]);
	backend = choose(add_ports(cursor, ip->nexthdr, flow));
	if (!backend)
		return XDP_DROP;
	outer = add_header(ctx, eth, sizeof(*outer));
	if (!outer)
		return XDP_DROP;
	*outer = (struct ipv6hdr){
	    .version = 6,
	    .payload_len = bpf_htons(length),
	    .nexthdr = IPPROTO_IPV6,
	    .hop_limit = TTL,
	};
	/* Members of an anonymous union: to initialise the one, clang 14 clears the
	 * other. */
	outer->saddr = service6;
	outer->daddr = backend->v6;
	return XDP_TX;
}

SEC("xdp.frags")
int balance(struct xdp_md *ctx)
{
	struct cursor cursor = frame(ctx);
	const struct ethhdr *eth = take(&cursor, sizeof(*eth));

	if (!eth)
		return XDP_PASS;
	switch (ethertype(eth)) {
	case bpf_htons(ETH_P_IP):
		return balance_ipv4(ctx, &cursor, eth);
	case bpf_htons(ETH_P_IPV6):
		return balance_ipv6(ctx, &cursor, eth);
	default:
		return XDP_PASS;
	}
}

char LICENSE[] SEC("license") = "GPL";
