/* SPDX-License-Identifier: ISC */
/*
 * Routes of both families: longest prefix first.
 */
#ifndef IP_ROUTE_H
#define IP_ROUTE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"

#define IP_ROUTES 256 /* the configured ones, our links', routers' */

struct route {
	struct ipaddr dst;
	struct ipaddr gateway; /* any: on link */
	uint8_t plen;	       /* of 128 bits; an IPv4 route's is 96 + n */
	uint8_t origin;	       /* enum route_origin */
};

enum route_origin {
	ROUTE_STATIC, /* configured */
	ROUTE_LINK,   /* follows from an address of ours */
	ROUTE_RA,     /* from a router's advertisement */
	ROUTE_DHCP,
	ROUTE_NORIGINS
};

const char *route_origin_name(enum route_origin o);

struct routes {
	struct route r[IP_ROUTES]; /* longer prefixes first */
	unsigned n;
};

/* Adds one; of equal prefixes the first added wins.  false when the table is
 * full or r makes no sense: dst has bits behind plen, or gateway is of the
 * other family. */
bool route_add(struct routes *t, const struct route *r);

/* The best route to dst, or NULL. */
const struct route *route_find(
    const struct routes *t, const struct ipaddr *dst);

static inline bool
route_on_link(const struct route *r)
{
	return ipaddr_is_any(&r->gateway);
}

/* A route to IPv4 addresses; ::/0 leads to none. */
static inline bool
route_is_v4(const struct route *r)
{
	return ipaddr_is_v4(&r->dst);
}

#endif
