/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COUNT_H
#define COUNT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Of one port and one CPU, by enum xdp_action. */
struct counters {
	struct {
		__u64 packets;
		__u64 bytes;
	} action[XDP_REDIRECT + 1];
};

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

/*
 * Functions of their own for what is not forwarded, so that it takes no registers from
 * what is.
 */
static __attribute__((noinline, unused)) int pass(struct counters *of_port, __u64 length)
{
	return count(of_port, length, XDP_PASS);
}

static __attribute__((noinline, unused)) int drop(struct counters *of_port, __u64 length)
{
	return count(of_port, length, XDP_DROP);
}

#endif
