/* SPDX-License-Identifier: MIT */
#ifndef XDP_TOPOLOGY_VERSION_H
#define XDP_TOPOLOGY_VERSION_H

/*
 * Version of these headers. The number grows when a name, an argument or a meaning
 * changes, and stays when something is added. A program that depends on one version says
 * so: _Static_assert(XDP_TOPOLOGY_HEADERS == 1, "written for version 1");
 */
#define XDP_TOPOLOGY_HEADERS 1

#endif
