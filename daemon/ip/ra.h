/* SPDX-License-Identifier: ISC */
/*
 * Routers and what they advertise (RFC 4861 6.3): default routes, prefixes on
 * our link, addresses made from them (RFC 4862 5.5, RFC 7217).
 */
#ifndef IP_RA_H
#define IP_RA_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/mono.h"
#include "base/timerq.h"

struct ip;
struct ip_in;
struct ifaddr;
struct routes;
struct wire_icmp;

#define RA_ROUTERS  8  /* the least trusted of more is forgotten */
#define RA_PREFIXES 16 /* more are not taken */
#define RA_ADDRS    16 /* made from prefixes */

struct ra_router {
	struct ipaddr addr;
	mono_t expires;	   /* us 0: free */
	int8_t preference; /* RFC 4191: -1, 0, 1 */
	bool failed;	   /* did not answer when it was last asked */
};

struct ra_prefix {
	struct ipaddr prefix;
	uint8_t plen;
	mono_t expires; /* us 0: free */
};

struct ra {
	struct tagged_timer timer;
	struct ra_router routers[RA_ROUTERS];
	struct ra_prefix prefixes[RA_PREFIXES];
	mono_t solicit; /* when routers are next asked to speak */
	int64_t solicit_us;
};

/* Begins to look for routers; a link-local address has become usable. */
void ra_start(struct ip *ip, mono_t now);
void ra_input(struct ip *ip, const struct ip_in *in, const struct wire_icmp *m,
    mono_t now);
void ra_expire(struct ip *ip, mono_t now);

/* Routes that follow from what was advertised. */
void ra_add_routes(const struct ip *ip, struct routes *t);
/* addr did not answer as a neighbour: another router serves. */
void ra_neigh_failed(struct ip *ip, const struct ipaddr *addr);
/* addr says that it is no router any more. */
void ra_not_router(struct ip *ip, const struct ipaddr *addr);

/* The address that we make in prefix/64 (RFC 7217); attempt counts those that
 * were taken. */
struct ipaddr ra_stable_addr(
    const struct ip *ip, const struct ipaddr *prefix, unsigned attempt);

#endif
