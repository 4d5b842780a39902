/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORTS_H
#define PORTS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "port.h"

/*
 * The ends that a frame may leave by: the ifindex by port. The kernel resolves an ifindex
 * in the namespace of whoever writes the entry (dev_map_update_elem()). Ports are few, so
 * this is an array and no hash, which takes longer to find an entry.
 */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

/*
 * Whether the frame will leave by this port. Headers are rewritten only after a yes,
 * so that what `ports` does not have reaches the stack as it came.
 */
static __always_inline bool redirected_to(__u32 port)
{
	return bpf_redirect_map(&ports, port, XDP_PASS) == XDP_REDIRECT;
}

#endif
