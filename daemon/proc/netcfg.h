/* SPDX-License-Identifier: ISC */
/*
 * The host's side of a device: what `ip link` and `ip address` would
 * do, for the parent.  netns as in dev/netns.h (NULL: this one).
 * Addresses are of either family, prefix lengths count of 128 (base/addr.h).
 * All are idempotent and return 0 or a negative errno with one line in err
 * that names the cause and the cure.
 */
#ifndef PROC_NETCFG_H
#define PROC_NETCFG_H

#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "dev/link.h"

int netcfg_query(const char *netns, const char *ifname, struct link_facts *out,
    char *err, size_t errlen);

/* Brings it up; mtu and txqueuelen are kept when 0. */
int netcfg_link(const char *netns, const char *ifname, uint32_t mtu,
    uint32_t txqueuelen, char *err, size_t errlen);

int netcfg_address(const char *netns, const char *ifname,
    const struct ipaddr *addr, unsigned plen, char *err, size_t errlen);

#endif
