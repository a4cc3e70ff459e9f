/* SPDX-License-Identifier: ISC */
/*
 * IPv4 routes: longest prefix first.  Addresses are in host order here.
 */
#ifndef IP_ROUTE_H
#define IP_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#define IP_ROUTES 65 /* the configured ones and our own link */

struct route {
	uint32_t dst, mask;
	uint32_t gateway; /* 0: on link */
};

struct routes {
	struct route r[IP_ROUTES]; /* longer prefixes first */
	unsigned n;
};

/* Adds one; of equal prefixes the first added wins.  false when the table is
 * full, the mask has holes, or dst has bits outside it. */
bool route_add(struct routes *t, const struct route *r);

/* The best route to dst, or NULL. */
const struct route *route_find(const struct routes *t, uint32_t dst);

#endif
