/* SPDX-License-Identifier: ISC */
/*
 * The table of our addresses.  It is scanned: a host has a few, and each
 * packet that arrives asks once.  Entries do not move, for their timers are
 * known to the queue by their place.
 */
#include "ip/ifaddr.h"

#include "ip/arp.h"
#include "ip/ip.h"
#include "ip/nd.h"

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

static void
arm(struct ip *ip, struct ifaddr *a)
{
	mono_t first = mono_min(a->act, a->valid_until);

	if (a->state == ADDR_PREFERRED)
		first = mono_min(first, a->preferred_until);
	timerq_set(&ip->timers, &a->timer.t, first);
}

void
ifaddr_act_at(struct ip *ip, struct ifaddr *a, mono_t when)
{
	a->act = when;
	arm(ip, a);
}

struct ifaddr *
ifaddr_add(struct ip *ip, const struct ifaddr *like, mono_t now)
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
	    .addr = like->addr,
	    .plen = like->plen,
	    .state = ADDR_PREFERRED,
	    .origin = like->origin,
	    .attempt = like->attempt,
	    .act = MONO_NEVER,
	    .preferred_until = like->preferred_until,
	    .valid_until = like->valid_until};
	ip->changes++;
	if (ipaddr_is_v4(&a->addr))
		arp_start(ip, a, now);
	else
		nd_start(ip, a, now);
	arm(ip, a);
	return a;
}

void
ifaddr_remove(struct ip *ip, struct ifaddr *a, mono_t now)
{
	bool listened = !ipaddr_is_v4(&a->addr) && a->state != ADDR_DUPLICATE;

	timerq_cancel(&ip->timers, &a->timer.t);
	a->state = ADDR_FREE;
	ip->changes++;
	if (listened)
		mld_left(ip, &a->addr, now);
}

/* The lifetimes decide. */
static void
settle(struct ip *ip, struct ifaddr *a, mono_t now)
{
	uint8_t state = mono_before(now, a->preferred_until) ? ADDR_PREFERRED
							     : ADDR_DEPRECATED;

	if (ifaddr_usable(a) && a->state != state) {
		a->state = state;
		ip->changes++;
	}
	arm(ip, a);
}

void
ifaddr_lifetime(struct ip *ip, struct ifaddr *a, mono_t preferred_until,
    mono_t valid_until, mono_t now)
{
	a->preferred_until = preferred_until;
	a->valid_until = valid_until;
	settle(ip, a, now);
}

void
ifaddr_expire(struct ip *ip, struct ifaddr *a, mono_t now)
{
	if (!mono_before(now, a->valid_until)) {
		ifaddr_remove(ip, a, now);
		ip_rebuild_routes(ip);
		return;
	}
	if (!mono_before(now, a->act)) {
		a->act = MONO_NEVER;
		if (ipaddr_is_v4(&a->addr))
			arp_act(ip, a, now);
		else
			nd_act(ip, a, now);
	}
	settle(ip, a, now);
}
