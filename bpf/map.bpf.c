// SPDX-License-Identifier: GPL-2.0-only
/* Redirects by maps: the same wiring as hardcoded, to be changed while packets flow. */
#include "counters.h"
#include "ports.h"
#include "redirect.h"
#include "rewrite.h"

/*
 * The egress's ifindex by port of the ingress; 0: not redirected. One word, so that a
 * change of the wiring is seen whole.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, __u32);
} redirects SEC(".maps");

/* By port of the egress. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct macs);
} macs SEC(".maps");

static __always_inline enum xdp_action redirect(struct cursor *cursor,
						const __u32 *ingress)
{
	struct ethhdr *eth = redirectable(cursor);
	const volatile __u32 *to;
	const struct macs *of_egress;
	__u32 egress, ifindex;

	if (!eth)
		return XDP_PASS;
	to = bpf_map_lookup_elem(&redirects, ingress);
	if (!to)
		return XDP_PASS;
	ifindex = *to;
	if (!ifindex)
		return XDP_PASS;
	egress = port_of(ifindex);
	of_egress = bpf_map_lookup_elem(&macs, &egress);
	if (!of_egress || !redirected_to(egress))
		return XDP_PASS;
	set_macs(eth, of_egress);
	return XDP_REDIRECT;
}

SEC("xdp.frags")
int xdp_map(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);
	struct cursor cursor = frame(ctx);
	__u64 length = frame_length(ctx);
	enum xdp_action action = redirect(&cursor, &port);

	return count(counters_of(&port), length, action);
}

char LICENSE[] SEC("license") = "GPL";
