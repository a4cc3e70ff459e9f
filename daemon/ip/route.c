/* SPDX-License-Identifier: ISC */
/*
 * The route table: at most IP_ROUTES entries in an array sorted by prefix
 * length, so the first that matches is the longest (RFC 1122 3.3.1.2, with
 * RFC 4632's longest match).  A host has a handful of routes; scanning these
 * is cheaper than any tree.
 *
 * Both families share it: an IPv4 route is one to a v4-mapped prefix of at
 * least 96 bits.  A shorter one, such as ::/0, covers the mapped block only
 * on paper, so a destination meets routes of its own family alone.
 */
#include "ip/route.h"

#include <stddef.h>

static const char *const origins[ROUTE_NORIGINS] = {
    [ROUTE_STATIC] = "static",
    [ROUTE_LINK] = "link",
    [ROUTE_RA] = "ra",
    [ROUTE_DHCP] = "dhcp",
};

const char *
route_origin_name(enum route_origin o)
{
	return origins[o];
}

static bool
sensible(const struct route *r)
{
	struct ipaddr dst;

	if (r->plen > 128)
		return false;
	dst = ipaddr_masked(&r->dst, r->plen);
	if (!ipaddr_eq(&dst, &r->dst))
		return false;
	return ipaddr_is_any(&r->gateway) ||
	       ipaddr_is_v4(&r->gateway) == route_is_v4(r);
}

bool
route_add(struct routes *t, const struct route *r)
{
	unsigned i;

	if (t->n == IP_ROUTES || !sensible(r))
		return false;
	for (i = t->n; i > 0 && t->r[i - 1].plen < r->plen; i--)
		t->r[i] = t->r[i - 1];
	t->r[i] = *r;
	t->n++;
	return true;
}

const struct route *
route_find(const struct routes *t, const struct ipaddr *dst)
{
	bool v4 = ipaddr_is_v4(dst);
	const struct route *r;

	for (r = t->r; r < t->r + t->n; r++) {
		if (route_is_v4(r) == v4 && ipaddr_in(dst, &r->dst, r->plen))
			return r;
	}
	return NULL;
}
