/* SPDX-License-Identifier: ISC */
/*
 * The addresses of our interface: what they are, whence, and how good.
 */
#ifndef IP_IFADDR_H
#define IP_IFADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/mono.h"
#include "base/timerq.h"

struct ip;

enum addr_state {
	ADDR_FREE,
	ADDR_TENTATIVE,	 /* it is still being found out who else has it */
	ADDR_PREFERRED,	 /* ours */
	ADDR_DEPRECATED, /* ours, but better not for something new */
	ADDR_DUPLICATE,	 /* another station has it */
	ADDR_NSTATES
};

enum addr_origin {
	ADDR_STATIC, /* configured */
	ADDR_LINK_LOCAL,
	ADDR_SLAAC,
	ADDR_DHCP,
	ADDR_NORIGINS
};

#define IP_ADDRS 96 /* configured, link-local, learnt */

struct ifaddr {
	struct tagged_timer timer; /* for what is due first */
	struct ipaddr addr;
	uint8_t plen;	       /* of 128 bits */
	uint8_t state;	       /* enum addr_state */
	uint8_t origin;	       /* enum addr_origin */
	uint8_t probes;	       /* made while it was tentative */
	uint8_t attempt;       /* identifiers that were taken before */
	uint8_t announcements; /* ARP's, still to be made */
	uint8_t nonce[6];      /* of the last IPv6 probe */
	mono_t act;	       /* when the next thing is to be said */
	mono_t defended;       /* when we last defended it */
	mono_t preferred_until, valid_until;
};

struct ifaddrs {
	struct ifaddr a[IP_ADDRS];
	unsigned n; /* none from here on is in use */
};

/* What a user configures. */
struct ipnet {
	struct ipaddr addr;
	uint8_t plen;
};

const char *addr_state_name(enum addr_state s);
const char *addr_origin_name(enum addr_origin o);

/* The entry that t sits in. */
static inline struct ifaddr *
ifaddr_of(struct timer *t)
{
	return (struct ifaddr *)(void *)((uint8_t *)t -
					 offsetof(struct ifaddr, timer));
}

/* The entry of addr in whatever state, or NULL. */
struct ifaddr *ifaddr_find(const struct ip *ip, const struct ipaddr *addr);

static inline bool
ifaddr_usable(const struct ifaddr *a)
{
	return a->state == ADDR_PREFERRED || a->state == ADDR_DEPRECATED;
}

/* The next entry in use from a on (NULL: from the first), or NULL:
 *	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a)) */
struct ifaddr *ifaddr_next(const struct ip *ip, const struct ifaddr *a);

/* A new one with the address, origin, attempt and lifetimes of like begins its
 * life; NULL when the table is full. */
struct ifaddr *ifaddr_add(struct ip *ip, const struct ifaddr *like, mono_t now);
void ifaddr_remove(struct ip *ip, struct ifaddr *a, mono_t now);
/* Other lifetimes. */
void ifaddr_lifetime(struct ip *ip, struct ifaddr *a, mono_t preferred_until,
    mono_t valid_until, mono_t now);
/* a has something to say then. */
void ifaddr_act_at(struct ip *ip, struct ifaddr *a, mono_t when);
/* Its timer ran out. */
void ifaddr_expire(struct ip *ip, struct ifaddr *a, mono_t now);

/* The source for packets to dst (RFC 6724 5), or NULL. */
const struct ifaddr *ifaddr_source(
    const struct ip *ip, const struct ipaddr *dst);

#endif
