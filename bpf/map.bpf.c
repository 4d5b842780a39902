// SPDX-License-Identifier: GPL-2.0-only
/* Redirects by maps: the same wiring as hardcoded, to be changed while packets flow. */
#include "counters.h"
#include "ports.h"
#include <xdp-topology/redirect.h>
#include <xdp-topology/rewrite.h>

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

static __always_inline bool redirect(struct cursor *cursor, const __u32 *ingress)
{
	struct ethhdr *eth = redirectable(cursor);
	const volatile __u32 *to;
	const struct macs *of_egress;
	__u32 egress;

	if (!eth)
		return false;
	to = bpf_map_lookup_elem(&redirects, ingress);
	if (!to)
		return false;
	egress = port_of(*to); /* of 0, no port */
	of_egress = bpf_map_lookup_elem(&macs, &egress);
	if (!of_egress || !redirected_to(egress))
		return false;
	set_macs(eth, of_egress);
	return true;
}

static __always_inline int run(struct cursor frame, const __u32 *port,
			       struct counters *of_port)
{
	if (redirect(&frame, port))
		return count(of_port, frame.length, XDP_REDIRECT);
	return pass(of_port, frame.length);
}

static __attribute__((noinline)) int run_jumbo(struct xdp_md *ctx, const __u32 *port,
					       struct counters *of_port)
{
	return run(any_frame(ctx), port, of_port);
}

SEC("xdp.frags")
int xdp_map(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);
	struct counters *of_port = counters_of(&port);
	struct cursor cursor;

	if (!of_port)
		return XDP_PASS;
	cursor = frame(ctx);
	if (check_headers(&cursor))
		return run(cursor, &port, of_port);
	if (!is_jumbo(&cursor))
		return run(cursor, &port, of_port);
	return run_jumbo(ctx, &port, of_port);
}

char LICENSE[] SEC("license") = "GPL";
