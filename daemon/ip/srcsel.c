/* SPDX-License-Identifier: ISC */
/*
 * Which of our addresses a packet leaves from: RFC 6724 5 for both families,
 * rule by rule, each a comparison of two candidates.  We have one interface
 * and no mobility or temporary addresses, so rules 4, 5 and 7 decide nothing;
 * of 5.5 (which is optional, and here after 6) we keep the sense: an address of
 * the next hop's own prefix, since routers filter others; it is also how Linux
 * chooses for IPv4.
 */
#include "ip/ip.h"

enum scope {
	SCOPE_LINK = 2,
	SCOPE_SITE = 5,
	SCOPE_GLOBAL = 14,
};

/* RFC 6724 3.1 and 3.2. */
static int
scope(const struct ipaddr *a)
{
	if (a->b[0] == 0xff)
		return a->b[1] & 15;
	if (ipaddr_is_link_local(a))
		return SCOPE_LINK;
	if (a->b[0] == 0xfe && a->b[1] >> 6 == 3)
		return SCOPE_SITE;
	return SCOPE_GLOBAL;
}

/* The default policy table of RFC 6724 2.1: longest prefix first. */
static uint8_t
label(const struct ipaddr *a)
{
	static const struct {
		struct ipaddr prefix;
		uint8_t plen, label;
	} table[] = {
	    {{{[15] = 1}}, 128, 0},
	    {{{[10] = 0xff, [11] = 0xff}}, 96, 4},
	    {{{0}}, 96, 3},
	    {{{0x20, 0x01}}, 32, 5},
	    {{{0x20, 0x02}}, 16, 2},
	    {{{0x3f, 0xfe}}, 16, 12},
	    {{{0xfe, 0xc0}}, 10, 11},
	    {{{0xfc}}, 7, 13},
	    {{{0}}, 0, 1},
	};
	unsigned i = 0;

	while (!ipaddr_in(a, &table[i].prefix, table[i].plen))
		i++;
	return table[i].label;
}

/* Rule 8 counts within the source's own prefix only. */
static unsigned
common(const struct ifaddr *a, const struct ipaddr *dst)
{
	unsigned n = ipaddr_common(&a->addr, dst);

	return n < a->plen ? n : a->plen;
}

/* Is a better than b? */
static bool
better(const struct ifaddr *a, const struct ifaddr *b, const struct ipaddr *dst,
    const struct ipaddr *hop)
{
	int sa = scope(&a->addr), sb = scope(&b->addr), sd = scope(dst);
	bool x, y;

	x = ipaddr_eq(&a->addr, dst); /* 1: the same address */
	y = ipaddr_eq(&b->addr, dst);
	if (x != y)
		return x;
	if (sa != sb) /* 2: the smallest scope that reaches dst */
		return sa < sb ? sa >= sd : sb < sd;
	if (a->state != b->state) /* 3: not a deprecated one */
		return a->state == ADDR_PREFERRED;
	x = label(&a->addr) == label(dst); /* 6: matching labels */
	y = label(&b->addr) == label(dst);
	if (x != y)
		return x;
	x = ipaddr_in(hop, &a->addr, a->plen); /* the next hop's prefix */
	y = ipaddr_in(hop, &b->addr, b->plen);
	if (x != y)
		return x;
	return common(a, dst) > common(b, dst); /* 8: the longest match */
}

const struct ifaddr *
ifaddr_source(const struct ip *ip, const struct ipaddr *dst)
{
	const struct route *r = route_find(&ip->routes, dst);
	const struct ipaddr *hop =
	    r != NULL && !route_on_link(r) ? &r->gateway : dst;
	const struct ifaddr *a, *best = NULL;
	bool v4 = ipaddr_is_v4(dst);

	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a)) {
		if (!ifaddr_usable(a) || ipaddr_is_v4(&a->addr) != v4)
			continue;
		if (best == NULL || better(a, best, dst, hop))
			best = a;
	}
	return best;
}
