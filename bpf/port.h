/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_H
#define PORT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* What the maps by port are declared with; user space sets the lab's own number before
 * load. */
#define PORTS 64

/*
 * A port is the lab's own number of an interface. Ifindexes are unique across all the
 * namespaces of a lab and lie in one window, so that one loaded program and its maps can
 * serve all of them.
 */
const volatile __u32 first_ifindex;

/* Outside the window this is no key of any map: below it, the difference wraps. */
static __always_inline __u32 port_of(__u32 ifindex)
{
	return ifindex - first_ifindex;
}

#endif
