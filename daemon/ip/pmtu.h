/* SPDX-License-Identifier: ISC */
/*
 * Path MTUs that are smaller than the link's (RFC 1191, RFC 8201): what is
 * known of a destination, so that the next connection to it knows it too.
 */
#ifndef IP_PMTU_H
#define IP_PMTU_H

#include <stdint.h>
#include "base/addr.h"
#include "base/mono.h"

struct ip;

#define PMTU_SETS      256
#define PMTU_WAYS      4
#define PMTU_EXPIRE_US 600000000 /* RFC 8201 5.3, and Linux's */
#define PMTU_MIN4      552	 /* Linux's floor (ip_rt_min_pmtu) */

struct pmtu {
	struct ipaddr dst;
	uint16_t mtu; /* 0: free */
	mono_t expires;
};

struct pmtu_table {
	struct pmtu e[PMTU_SETS][PMTU_WAYS];
};

/* A packet to dst of more than mtu bytes did not get through, as somebody says
 * whom TCP believed. */
void pmtu_learn(
    struct ip *ip, const struct ipaddr *dst, uint16_t mtu, mono_t now);

/* What is known of the path to dst, or 0. */
uint16_t pmtu_find(const struct ip *ip, const struct ipaddr *dst, mono_t now);

#endif
