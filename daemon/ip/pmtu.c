/* SPDX-License-Identifier: ISC */
/*
 * The cache of path MTUs: a table of fixed size, in sets by a keyed hash, so a
 * peer cannot aim at another's entry.  What does not fit pushes out what
 * expires first.  An entry's end makes the next connection try the link's MTU
 * again (RFC 1191 6.3, RFC 8201 4); a connection keeps the value that it has.
 *
 * An MTU below the family's floor is not believed in full: RFC 8201 4 forbids
 * less than 1280, and a forged word must not slow an IPv4 path to a crawl.
 */
#include "ip/pmtu.h"

#include "ip/ip.h"
#include "wire/ipv6.h"

static struct pmtu *
set_of(const struct ip *ip, const struct ipaddr *dst)
{
	uint64_t h = siphash(&ip->neigh.key, dst, sizeof *dst);
	const struct pmtu *set = ip->pmtu.e[(h >> 32) % PMTU_SETS];

	return (struct pmtu *)(uintptr_t)set;
}

static struct pmtu *
find(const struct ip *ip, const struct ipaddr *dst)
{
	struct pmtu *e = set_of(ip, dst), *end = e + PMTU_WAYS;

	for (; e < end; e++) {
		if (e->mtu != 0 && ipaddr_eq(&e->dst, dst))
			return e;
	}
	return NULL;
}

void
pmtu_learn(struct ip *ip, const struct ipaddr *dst, uint16_t mtu, mono_t now)
{
	uint16_t least = ipaddr_is_v4(dst) ? PMTU_MIN4 : WIRE_IPV6_MTU_MIN;
	struct pmtu *e = find(ip, dst), *set = set_of(ip, dst);
	unsigned i;

	if (mtu < least)
		mtu = least;
	if (mtu >= ip_mtu(ip, dst, now))
		return;
	for (i = 0; e == NULL && i < PMTU_WAYS; i++) {
		if (set[i].mtu == 0)
			e = &set[i];
	}
	if (e == NULL) {
		e = set;
		for (i = 1; i < PMTU_WAYS; i++) {
			if (mono_before(set[i].expires, e->expires))
				e = &set[i];
		}
	}
	*e = (struct pmtu){
	    .dst = *dst, .mtu = mtu, .expires = mono_add(now, PMTU_EXPIRE_US)};
}

uint16_t
pmtu_find(const struct ip *ip, const struct ipaddr *dst, mono_t now)
{
	const struct pmtu *e = find(ip, dst);

	return e != NULL && mono_before(now, e->expires) ? e->mtu : 0;
}
