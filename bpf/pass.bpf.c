// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"
#include <xdp-topology/parse.h>

SEC("xdp.frags")
int xdp_pass(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);

	return count(counters_of(&port), frame_length(ctx), XDP_PASS);
}

char LICENSE[] SEC("license") = "GPL";
