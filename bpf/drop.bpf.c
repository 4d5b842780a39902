// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"

SEC("xdp.frags")
int xdp_drop(struct xdp_md *ctx)
{
	return counted(ctx, port_of(ctx->ingress_ifindex), XDP_DROP);
}

char LICENSE[] SEC("license") = "GPL";
