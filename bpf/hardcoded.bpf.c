// SPDX-License-Identifier: GPL-2.0-only
/* Redirects by constants: a table that is filled and frozen before the program's load. */
#include "counters.h"
#include "redirect.h"
#include "rewrite.h"

struct redirect {
	__u32 ifindex; /* of the egress; 0: not redirected */
	__u8 source[ETH_ALEN];
	__u8 destination[ETH_ALEN];
};

/*
 * By port of the ingress. Not BPF_F_RDONLY_PROG, though nothing here writes: of a frozen
 * map with that flag the verifier wants to read the values itself, which an array of more
 * than one entry does not let it (check_mem_access(), array_map_direct_value_addr()).
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct redirect);
} redirects SEC(".maps");

static __always_inline enum xdp_action redirect(struct xdp_md *ctx, __u32 port)
{
	struct cursor cursor = frame(ctx);
	struct ethhdr *eth = take_redirectable(&cursor);
	const struct redirect *to;

	if (!eth)
		return XDP_PASS;
	to = bpf_map_lookup_elem(&redirects, &port);
	if (!to || !to->ifindex)
		return XDP_PASS;
	set_macs(eth, to->source, to->destination);
	/* Resolved only after the run (xdp_do_redirect()), so there is no answer to wait
	 * for. */
	bpf_redirect(to->ifindex, 0);
	return XDP_REDIRECT;
}

SEC("xdp.frags")
int xdp_hardcoded(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);

	return counted(ctx, counters_of(port), redirect(ctx, port));
}

char LICENSE[] SEC("license") = "GPL";
