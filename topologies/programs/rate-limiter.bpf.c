// SPDX-License-Identifier: GPL-2.0-only
/*
 * A token bucket for every source: it holds `burst` tokens, gets `rate` of them a second,
 * and a packet takes one. A packet that finds none is dropped.
 */
#include <xdp-topology/parse.h>

#define SECOND 1000000000ULL /* in nanoseconds */

/* Times that a token is reached for while other CPUs take one. */
#define ATTEMPTS 4

/* Of each source that no prefix below speaks for: packets a second, and at once. */
const volatile __u32 rate = 1000;
const volatile __u32 burst = 1000;

struct limit {
	__u32 rate; /* 0: nothing passes */
	__u32 burst;
};

/* The keys of an LPM trie begin with the length of their prefix, in bits. */
struct prefix4 {
	__u32 length;
	__be32 address;
};

struct prefix6 {
	__u32 length;
	struct in6_addr address;
};

/* What each source in a prefix may send. A trie is never allocated beforehand. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct prefix4);
	__type(value, struct limit);
} limits4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct prefix6);
	__type(value, struct limit);
} limits6 SEC(".maps");

/* An IPv4 address, or the /64 of an IPv6 address: whoever has one of those has them all.
 */
struct source {
	__u32 version;
	__u8 address[8];
};

/*
 * A bucket is one number: the time at which it will be full, of the clock of
 * bpf_ktime_get_ns(). Each token that is missing puts it off by the time that a token
 * takes to come. So there is nothing to refill, and one compare-and-exchange takes a
 * token.
 */
struct bucket {
	__u64 full_at;
	__u64 dropped; /* packets */
};

/* Who has sent nothing for longest makes room for a newcomer: a flood of made-up sources
 * fills the map, and does not stop it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct source);
	__type(value, struct bucket);
} buckets SEC(".maps");

/* The bucket of a source, full where it is new. NULL only where the kernel has no element
 * left. */
static __always_inline struct bucket *bucket_of(const struct source *source)
{
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, source);
	struct bucket full = {};

	if (bucket)
		return bucket;
	/* Where another CPU was faster, its bucket stays. */
	bpf_map_update_elem(&buckets, source, &full, BPF_NOEXIST);
	return bpf_map_lookup_elem(&buckets, source);
}

static __always_inline bool take_token(struct bucket *bucket, const struct limit *limit)
{
	__u64 now = bpf_ktime_get_ns();
	__u64 interval;

	if (limit->rate == 0)
		return false;
	interval = SECOND / limit->rate;
	for (int i = 0; i < ATTEMPTS; i++) {
		__u64 before = *(volatile __u64 *)&bucket->full_at;
		__u64 after = (before > now ? before : now) + interval;

		if (after - now > limit->burst * interval)
			return false;
		if (__sync_val_compare_and_swap(&bucket->full_at, before, after) ==
		    before)
			return true;
	}
	return false;
}

static __always_inline enum xdp_action admit(const struct source *source,
					     const struct limit *of_prefix)
{
	struct limit otherwise = {.rate = rate, .burst = burst};
	struct bucket *bucket = bucket_of(source);

	if (!bucket)
		return XDP_DROP;
	if (take_token(bucket, of_prefix ? of_prefix : &otherwise))
		return XDP_PASS;
	__sync_fetch_and_add(&bucket->dropped, 1);
	return XDP_DROP;
}

static __always_inline enum xdp_action admit_ipv4(struct cursor *cursor)
{
	const struct iphdr *ip = take(cursor, sizeof(*ip));
	struct prefix4 host = {.length = 32};
	struct source source = {.version = 4};

	if (!ip)
		return XDP_DROP;
	host.address = ip->saddr;
	__builtin_memcpy(source.address, &ip->saddr, sizeof(ip->saddr));
	return admit(&source, bpf_map_lookup_elem(&limits4, &host));
}

static __always_inline enum xdp_action admit_ipv6(struct cursor *cursor)
{
	const struct ipv6hdr *ip = take(cursor, sizeof(*ip));
	struct prefix6 host = {.length = 128};
	struct source source = {.version = 6};

	if (!ip)
		return XDP_DROP;
	host.address = ip->saddr;
	__builtin_memcpy(source.address, &ip->saddr, sizeof(source.address));
	return admit(&source, bpf_map_lookup_elem(&limits6, &host));
}

SEC("xdp.frags")
int limit_rate(struct xdp_md *ctx)
{
	struct cursor cursor = frame(ctx);
	const struct ethhdr *eth = take(&cursor, sizeof(*eth));

	if (!eth)
		return XDP_DROP;
	switch (ethertype(eth)) {
	case bpf_htons(ETH_P_IP):
		return admit_ipv4(&cursor);
	case bpf_htons(ETH_P_IPV6):
		return admit_ipv6(&cursor);
	default:
		return XDP_PASS; /* ARP, and what has no source to go by */
	}
}

char LICENSE[] SEC("license") = "GPL";
