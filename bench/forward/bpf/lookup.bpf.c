// SPDX-License-Identifier: GPL-2.0-only
/* A plain bpf_fib_lookup(), by itself or as the least router that there can be. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* include/linux/socket.h */
#define AF_INET 2
#define AF_INET6 10

const volatile bool forwards;

static __always_inline int forward(struct ethhdr *eth, const struct bpf_fib_lookup *fib)
{
	struct ipv6hdr *ipv6 = (void *)(eth + 1);
	struct iphdr *ipv4 = (void *)(eth + 1);
	__u32 check;

	if (fib->family == AF_INET) {
		/* ip_decrease_ttl() of include/net/ip.h */
		check = ipv4->check + bpf_htons(0x0100);
		ipv4->check = check + (check >= 0xffff);
		ipv4->ttl--;
	} else {
		ipv6->hop_limit--;
	}
	__builtin_memcpy(eth->h_dest, fib->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib->smac, ETH_ALEN);
	return bpf_redirect(fib->ifindex, 0);
}

SEC("xdp.frags")
int xdp_lookup(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct ipv6hdr *ipv6 = (void *)(eth + 1);
	struct iphdr *ipv4 = (void *)(eth + 1);
	struct bpf_fib_lookup fib = {.ifindex = ctx->ingress_ifindex};

	/* One check for both families: frames have at least 60 bytes. */
	if ((void *)(ipv6 + 1) > end)
		return XDP_ABORTED;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		fib.family = AF_INET;
		fib.l4_protocol = ipv4->protocol;
		fib.tot_len = bpf_ntohs(ipv4->tot_len);
		fib.tos = ipv4->tos;
		fib.ipv4_src = ipv4->saddr;
		fib.ipv4_dst = ipv4->daddr;
	} else {
		fib.family = AF_INET6;
		fib.l4_protocol = ipv6->nexthdr;
		fib.tot_len = sizeof(*ipv6) + bpf_ntohs(ipv6->payload_len);
		fib.flowinfo = *(__be32 *)ipv6 & bpf_htonl(0x0fffffff);
		__builtin_memcpy(fib.ipv6_src, &ipv6->saddr, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &ipv6->daddr, sizeof(fib.ipv6_dst));
	}
	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_ABORTED;
	return forwards ? forward(eth, &fib) : XDP_REDIRECT;
}

char LICENSE[] SEC("license") = "GPL";
