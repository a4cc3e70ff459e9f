/* SPDX-License-Identifier: ISC */
/*
 * An IPv4 address from a server (RFC 2131): the client's state machine.
 */
#ifndef IP_DHCP4_H
#define IP_DHCP4_H

#include <stdbool.h>
#include <stdint.h>
#include "base/mono.h"
#include "base/timerq.h"

struct ip;
struct ip_in;
struct routes;

/* RFC 2131 4.4, figure 5; a lease is not asked for again at a start (no
 * INIT-REBOOT), for nothing is kept from one run to the next. */
enum dhcp4_state {
	DHCP4_OFF,
	DHCP4_INIT, /* about to begin */
	DHCP4_SELECTING,
	DHCP4_REQUESTING,
	DHCP4_BOUND,
	DHCP4_RENEWING,	 /* asks the server that gave the lease */
	DHCP4_REBINDING, /* asks everybody */
};

struct dhcp4 {
	struct tagged_timer timer;
	uint8_t state; /* enum dhcp4_state */
	uint8_t tries; /* of what is being said */
	uint32_t xid;
	mono_t began, asked; /* this attempt; the last REQUEST */
	uint32_t addr, server, mask, router;
	mono_t t1, t2, expires;
};

void dhcp4_start(struct ip *ip, mono_t now);
/* Is the IPv4 packet in (off and len are the payload's) for the client,
 * whomever it is addressed to? */
bool dhcp4_wants(const struct ip *ip, const struct ip_in *in);
void dhcp4_input(struct ip *ip, const struct ip_in *in, mono_t now);
void dhcp4_expire(struct ip *ip, mono_t now);
/* Another station has the address that the server gave. */
void dhcp4_conflict(struct ip *ip, mono_t now);
/* The route that came with the lease. */
void dhcp4_add_routes(const struct ip *ip, struct routes *t);

#endif
