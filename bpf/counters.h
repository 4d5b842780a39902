/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "count.h"
#include "port.h"

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

#endif
