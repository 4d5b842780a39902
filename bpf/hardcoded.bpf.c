// SPDX-License-Identifier: GPL-2.0-only
/* Redirects by constants: a table that is filled and frozen before the program's load. */
#include "counters.h"
#include "redirect.h"
#include "rewrite.h"

struct redirect {
	struct macs macs;
	__u32 ifindex; /* of the egress; 0: not redirected */
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

static __always_inline const struct redirect *redirect_of(struct ethhdr *eth, __u32 port)
{
	const struct redirect *to = eth ? bpf_map_lookup_elem(&redirects, &port) : NULL;

	return to && to->ifindex ? to : NULL;
}

SEC("xdp.frags")
int xdp_hardcoded(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);
	struct ethhdr *eth = redirectable(ctx);
	const struct redirect *to = redirect_of(eth, port);
	__u32 egress;

	if (!to)
		return counted(ctx, port, XDP_PASS);
	egress = to->ifindex;
	set_macs(eth, &to->macs);
	counted(ctx, port, XDP_REDIRECT);
	/* Resolved only after the run (xdp_do_redirect()): there is no other answer. */
	return bpf_redirect(egress, 0);
}

char LICENSE[] SEC("license") = "GPL";
