/* SPDX-License-Identifier: ISC */
/*
 * The host's side of a device: what `ip link`, `ip address` and `ip route`
 * would do, for the parent.  netns as in dev/netns.h (NULL: this one).
 * IPv4 addresses are in host order.  All are idempotent and return 0 or a
 * negative errno with one line in err that names the cause and the cure.
 */
#ifndef PROC_NETCFG_H
#define PROC_NETCFG_H

#include <stddef.h>
#include <stdint.h>
#include "dev/link.h"

int netcfg_query(const char *netns, const char *ifname, struct link_facts *out,
    char *err, size_t errlen);

/* Brings it up; mtu and txqueuelen are kept when 0. */
int netcfg_link(const char *netns, const char *ifname, uint32_t mtu,
    uint32_t txqueuelen, char *err, size_t errlen);

int netcfg_address(const char *netns, const char *ifname, uint32_t addr,
    unsigned prefix, char *err, size_t errlen);

/* A route to dst/prefix over ifname; via 0: directly connected.  An existing
 * route to the same destination is replaced. */
int netcfg_route(const char *netns, const char *ifname, uint32_t dst,
    unsigned prefix, uint32_t via, char *err, size_t errlen);

#endif
