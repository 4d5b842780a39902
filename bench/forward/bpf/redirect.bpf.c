// SPDX-License-Identifier: GPL-2.0-only
/* The least that a program can do to forward. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 egress;

SEC("xdp.frags")
int xdp_redirect(struct xdp_md *ctx __attribute__((unused)))
{
	return bpf_redirect(egress, 0);
}

char LICENSE[] SEC("license") = "GPL";
