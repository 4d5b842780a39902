/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "port.h"

/* Of one port and one CPU, by enum xdp_action. */
struct counters {
	struct {
		__u64 packets;
		__u64 bytes;
	} action[XDP_REDIRECT + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

/* NULL for an interface that is no port of the lab. */
static __always_inline struct counters *counters_of(const __u32 *port)
{
	return bpf_map_lookup_elem(&counters, port);
}

/* Counts a frame by what becomes of it, and returns that. No program changes lengths. */
static __always_inline enum xdp_action count(struct counters *of_port, __u64 length,
					     enum xdp_action action)
{
	if (of_port) {
		of_port->action[action].packets++;
		of_port->action[action].bytes += length;
	}
	return action;
}

#endif
