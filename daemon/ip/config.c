/* SPDX-License-Identifier: ISC */
/*
 * What is configured, and what follows from it: addresses, the routes of their
 * links, IPv6's beginning.  The table of routes is made anew from its sources
 * (our addresses, the configuration, routers' advertisements) whenever one of
 * them changes, so that nothing has to be taken back piece by piece.
 */
#include <string.h>
#include "ip/ip.h"
#include "wire/ipv6.h"

/* Can a station have it? */
static bool
is_station(const struct ipnet *net)
{
	static const struct ipaddr loop = {{[15] = 1}};
	struct ipaddr last = net->addr;
	uint32_t v4, host;

	if (ipaddr_is_any(&net->addr) || ipaddr_is_multicast(&net->addr) ||
	    net->plen > 128 || ipaddr_eq(&net->addr, &loop))
		return false;
	if (!ipaddr_is_v4(&last))
		return true;
	v4 = ipaddr_to_v4(&last);
	if (net->plen < 96 || v4 >> 24 == 0 || v4 >> 24 == 127 || v4 >> 28 > 14)
		return false;
	/* RFC 3021: links of one or two stations have no broadcast. */
	if (net->plen >= 127)
		return true;
	host = net->plen == 96 ? UINT32_MAX : UINT32_MAX >> (net->plen - 96);
	return (v4 & host) != 0 && (v4 & host) != host;
}

static bool
lists(const struct ipnet *nets, unsigned n, const struct ipaddr *addr)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (ipaddr_eq(&nets[i].addr, addr))
			return true;
	}
	return false;
}

static bool
has_v6(const struct ipnet *nets, unsigned n)
{
	while (n > 0 && ipaddr_is_v4(&nets[n - 1].addr))
		n--;
	return n > 0;
}

bool
ip_start_v6(struct ip *ip, mono_t now)
{
	static const struct ipaddr prefix = {{0xfe, 0x80}};
	struct ifaddr a = {.plen = 64,
	    .origin = ADDR_LINK_LOCAL,
	    .preferred_until = MONO_NEVER,
	    .valid_until = MONO_NEVER};

	if (ip->mtu < WIRE_IPV6_MTU_MIN)
		return false;
	ip->v6 = true;
	a.addr = ra_stable_addr(ip, &prefix, 0);
	if (ifaddr_add(ip, &a, now) == NULL)
		return false;
	ip_rebuild_routes(ip);
	return true;
}

bool
ip_set_addrs(struct ip *ip, const struct ipnet *nets, unsigned n, mono_t now)
{
	struct ifaddr *a;
	unsigned i, others = 0;

	for (i = 0; i < n; i++) {
		if (!is_station(&nets[i]) || lists(nets, i, &nets[i].addr))
			return false;
	}
	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a))
		others += a->origin != ADDR_STATIC;
	if (others + n > IP_ADDRS)
		return false;
	if (has_v6(nets, n) && !ip->v6 && !ip_start_v6(ip, now))
		return false;
	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a)) {
		if (a->origin == ADDR_STATIC && !lists(nets, n, &a->addr))
			ifaddr_remove(ip, a, now);
	}
	for (i = 0; i < n; i++) {
		a = ifaddr_find(ip, &nets[i].addr);
		if (a == NULL) {
			ifaddr_add(ip,
			    &(struct ifaddr){.addr = nets[i].addr,
				.plen = nets[i].plen,
				.origin = ADDR_STATIC,
				.preferred_until = MONO_NEVER,
				.valid_until = MONO_NEVER},
			    now);
			continue;
		}
		a->plen = nets[i].plen;
		a->origin = ADDR_STATIC;
		ifaddr_lifetime(ip, a, MONO_NEVER, MONO_NEVER, now);
	}
	ip_rebuild_routes(ip);
	return true;
}

static void
add_links(const struct ip *ip, struct routes *t)
{
	const struct ifaddr *a;
	const struct route *r;
	struct route link = {.origin = ROUTE_LINK};

	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a)) {
		/* RFC 5942: an address that we made implies no link. */
		if (a->state == ADDR_DUPLICATE || a->origin == ADDR_SLAAC)
			continue;
		link.plen = a->plen;
		link.dst = ipaddr_masked(&a->addr, a->plen);
		r = route_find(t, &link.dst);
		if (r == NULL || r->plen != link.plen)
			route_add(t, &link);
	}
}

/* A gateway is a station on our link. */
static bool
gateway_near(const struct ip *ip, const struct routes *t, const struct route *r)
{
	const struct route *hop;

	if (route_on_link(r))
		return true;
	hop = route_find(t, &r->gateway);
	return hop != NULL && route_on_link(hop) &&
	       ifaddr_find(ip, &r->gateway) == NULL;
}

bool
ip_set_routes(struct ip *ip, const struct route *r, unsigned n)
{
	struct routes t = {.n = 0}, conf = {.n = 0};
	unsigned i;

	add_links(ip, &t);
	for (i = 0; i < n; i++) {
		if (!route_add(&conf, &r[i]) || !route_add(&t, &r[i]))
			return false;
	}
	for (i = 0; i < n; i++) {
		if (!gateway_near(ip, &t, &r[i]))
			return false;
	}
	ip->configured = conf;
	ip_rebuild_routes(ip);
	return true;
}

static bool
same(const struct routes *a, const struct routes *b)
{
	return a->n == b->n && memcmp(a->r, b->r, a->n * sizeof a->r[0]) == 0;
}

void
ip_rebuild_routes(struct ip *ip)
{
	const struct routes *conf = &ip->configured;
	struct routes t = {.n = 0};
	unsigned i;

	add_links(ip, &t);
	for (i = 0; i < conf->n; i++) {
		if (route_on_link(&conf->r[i]))
			route_add(&t, &conf->r[i]);
	}
	/* A gateway's link may have gone with an address. */
	for (i = 0; i < conf->n; i++) {
		if (!route_on_link(&conf->r[i]) &&
		    gateway_near(ip, &t, &conf->r[i]))
			route_add(&t, &conf->r[i]);
	}
	dhcp4_add_routes(ip, &t);
	ra_add_routes(ip, &t);
	if (same(&t, &ip->routes))
		return;
	ip->routes = t;
	ip->changes++;
}
