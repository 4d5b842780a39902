// SPDX-License-Identifier: GPL-2.0-only
/* Decides by a map which TCP and UDP ports can be reached; what is neither passes. */
#include <xdp-topology/parse.h>

/* Extension headers that are looked behind; real packets have one or two. */
#define MAX_EXTENSIONS 6

/* Not the whole of IPPROTO_*, so that BTF gives a topology these two names. */
enum protocol {
	TCP = IPPROTO_TCP,
	UDP = IPPROTO_UDP,
};

/* Packed: a hash compares whole keys, and padding would be a part of them. */
struct rule {
	enum protocol protocol;
	__be16 port; /* destination */
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct rule);
	__type(value, enum xdp_action);
} rules SEC(".maps");

/* What becomes of a port that no rule names. */
const volatile enum xdp_action default_action = XDP_DROP;

/* What is above the network layer. */
struct transport {
	__u8 protocol;
	bool is_fragment; /* but the first, which alone has the header */
};

static __always_inline bool skip_ipv4(struct cursor *cursor, struct transport *transport)
{
	const struct iphdr *ip = take(cursor, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl * 4 < sizeof(*ip))
		return false;
	transport->protocol = ip->protocol;
	transport->is_fragment = ip->frag_off & bpf_htons(IP_OFFSET);
	return take(cursor, ip->ihl * 4 - sizeof(*ip)); /* options */
}

/* The first 8 bytes of an extension header, and all of a fragment header (RFC 8200,
 * section 4). */
struct extension {
	__u8 next;
	__u8 length;   /* in units of 8 bytes, the first not counted */
	__be16 offset; /* of a fragment, in its upper 13 bits */
	__be32 rest;
};

static __always_inline bool skip_ipv6(struct cursor *cursor, struct transport *transport)
{
	const struct ipv6hdr *ip = take(cursor, sizeof(*ip));
	const struct extension *extension;

	if (!ip || ip->version != 6)
		return false;
	transport->protocol = ip->nexthdr;
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		switch (transport->protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			extension = take(cursor, sizeof(*extension));
			if (!extension || !take(cursor, extension->length * 8))
				return false;
			break;
		case IPPROTO_FRAGMENT:
			extension = take(cursor, sizeof(*extension));
			if (!extension)
				return false;
			transport->is_fragment = extension->offset & bpf_htons(0xfff8);
			if (transport->is_fragment)
				return true;
			break;
		default:
			return true;
		}
		transport->protocol = extension->next;
	}
	return false;
}

struct ports {
	__be16 source;
	__be16 destination;
};

static __always_inline enum xdp_action filter(struct cursor *cursor,
					      const struct transport *transport)
{
	struct rule rule = {.protocol = transport->protocol};
	const enum xdp_action *action;
	const struct ports *ports;

	if (rule.protocol != TCP && rule.protocol != UDP)
		return XDP_PASS;
	/* Without the first, which is judged, nothing comes of the others. */
	if (transport->is_fragment)
		return XDP_PASS;
	ports = take(cursor, sizeof(*ports));
	if (!ports)
		return XDP_DROP;
	rule.port = ports->destination;
	action = bpf_map_lookup_elem(&rules, &rule);
	return action ? *action : default_action;
}

/* What cannot be understood is dropped: it must not be a way around the rules. */
SEC("xdp.frags")
int filter_ports(struct xdp_md *ctx)
{
	struct cursor cursor = frame(ctx);
	const struct ethhdr *eth = take(&cursor, sizeof(*eth));
	struct transport transport = {};

	if (!eth)
		return XDP_DROP;
	switch (ethertype(eth)) {
	case bpf_htons(ETH_P_IP):
		return skip_ipv4(&cursor, &transport) ? filter(&cursor, &transport)
						      : XDP_DROP;
	case bpf_htons(ETH_P_IPV6):
		return skip_ipv6(&cursor, &transport) ? filter(&cursor, &transport)
						      : XDP_DROP;
	default:
		return XDP_PASS;
	}
}

char LICENSE[] SEC("license") = "GPL";
