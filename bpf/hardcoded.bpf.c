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

SEC("xdp.frags")
int xdp_hardcoded(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);
	struct cursor cursor = frame(ctx);
	__u64 length = frame_length(ctx);
	struct ethhdr *eth = redirectable(&cursor);
	const struct redirect *to;
	__u32 egress;

	if (!eth)
		return count(counters_of(&port), length, XDP_PASS);
	to = bpf_map_lookup_elem(&redirects, &port);
	if (!to || !to->ifindex)
		return count(counters_of(&port), length, XDP_PASS);
	egress = to->ifindex;
	set_macs(eth, &to->macs);
	count(counters_of(&port), length, XDP_REDIRECT);
	/* Resolved only after the run (xdp_do_redirect()): there is no other answer. */
	return bpf_redirect(egress, 0);
}

char LICENSE[] SEC("license") = "GPL";
