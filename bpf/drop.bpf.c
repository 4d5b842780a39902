// SPDX-License-Identifier: GPL-2.0-only
#include "counters.h"

SEC("xdp.frags")
int xdp_drop(struct xdp_md *ctx)
{
	__u32 port = port_of(ctx->ingress_ifindex);

	return counted(ctx, counters_of(port), XDP_DROP);
}

char LICENSE[] SEC("license") = "GPL";
