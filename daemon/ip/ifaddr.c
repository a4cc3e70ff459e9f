/* SPDX-License-Identifier: ISC */
/*
 * The table of our addresses.  It is scanned: a host has a few, and each
 * packet that arrives asks once.  Entries do not move, for their timers are
 * known to the queue by their place.
 */
#include "ip/ifaddr.h"

#include <string.h>
#include "base/check.h"
#include "ip/arp.h"
#include "ip/ip.h"

static const char *const states[ADDR_NSTATES] = {
    [ADDR_FREE] = "none",
    [ADDR_TENTATIVE] = "tentative",
    [ADDR_PREFERRED] = "preferred",
    [ADDR_DEPRECATED] = "deprecated",
    [ADDR_DUPLICATE] = "duplicate",
};

static const char *const origins[ADDR_NORIGINS] = {
    [ADDR_STATIC] = "static",
    [ADDR_LINK_LOCAL] = "link-local",
    [ADDR_SLAAC] = "slaac",
    [ADDR_DHCP] = "dhcp",
};

const char *
addr_state_name(enum addr_state s)
{
	return states[s];
}

const char *
addr_origin_name(enum addr_origin o)
{
	return origins[o];
}

struct ifaddr *
ifaddr_next(const struct ip *ip, const struct ifaddr *a)
{
	const struct ifaddr *end = ip->addrs.a + ip->addrs.n;

	for (a = a == NULL ? ip->addrs.a : a + 1; a < end; a++) {
		if (a->state != ADDR_FREE)
			return (struct ifaddr *)(uintptr_t)a;
	}
	return NULL;
}

struct ifaddr *
ifaddr_find(const struct ip *ip, const struct ipaddr *addr)
{
	struct ifaddr *a;

	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a)) {
		if (ipaddr_eq(&a->addr, addr))
			return a;
	}
	return NULL;
}

struct ifaddr *
ifaddr_add(
    struct ip *ip, const struct ipnet *net, enum addr_origin origin, mono_t now)
{
	struct ifaddrs *t = &ip->addrs;
	struct ifaddr *a = t->a;

	while (a < t->a + t->n && a->state != ADDR_FREE)
		a++;
	if (a == t->a + IP_ADDRS)
		return NULL;
	if (a == t->a + t->n)
		t->n++;
	*a = (struct ifaddr){.timer.tag = IP_TIMER_ADDR,
	    .addr = net->addr,
	    .plen = net->plen,
	    .state = ADDR_PREFERRED,
	    .origin = (uint8_t)origin,
	    .act = MONO_NEVER};
	ip->changes++;
	if (ipaddr_is_v4(&a->addr))
		arp_start_announcing(ip, a, now);
	return a;
}

void
ifaddr_remove(struct ip *ip, struct ifaddr *a)
{
	timerq_cancel(&ip->timers, &a->timer);
	a->state = ADDR_FREE;
	ip->changes++;
}

void
ifaddr_expire(struct ip *ip, struct ifaddr *a, mono_t now)
{
	arp_announce(ip, a, now);
}
