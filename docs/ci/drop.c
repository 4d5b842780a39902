// SPDX-License-Identifier: MIT
#include <linux/udp.h>
#include <xdp-topology/parse.h>

const volatile __u16 port = 9999; /* `globals` in the topology sets another one */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} dropped SEC(".maps");

SEC("xdp.frags")
int drop_port(struct xdp_md *ctx)
{
	struct cursor cursor = frame(ctx);
	struct ethhdr *eth = take_ethernet(&cursor);
	struct iphdr *ip = eth ? take(&cursor, sizeof(*ip)) : NULL;
	struct udphdr *udp = ip ? take(&cursor, sizeof(*udp)) : NULL;
	__u64 *count = bpf_map_lookup_elem(&dropped, &(__u32){0});

	if (!count || !udp || ethertype(eth) != bpf_htons(ETH_P_IP) ||
	    !is_plain_ipv4(ip) || ip->protocol != IPPROTO_UDP ||
	    udp->dest != bpf_htons(port))
		return XDP_PASS;
	(*count)++;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
