/* SPDX-License-Identifier: ISC */
/*
 * Neighbour discovery (RFC 4861 7) and duplicate address detection (RFC 4862
 * 5.4).  Routers are in ra.h.
 */
#ifndef IP_ND_H
#define IP_ND_H

#include <stdint.h>
#include "base/addr.h"
#include "base/mono.h"

struct ip;
struct ifaddr;
struct ip_in;
struct wire_icmp;

/* Who has addr?  To one station, or to its group when mac is NULL. */
void nd_ask(struct ip *ip, const struct ipaddr *addr, const uint8_t *mac);

/* a begins its life: its group is joined, duplicates are looked for. */
void nd_start(struct ip *ip, struct ifaddr *a, mono_t now);
/* The time that nd_start() asked for (a->act) has come. */
void nd_act(struct ip *ip, struct ifaddr *a, mono_t now);

/* A solicitation or advertisement; the message is a valid ICMPv6 one. */
void nd_input(struct ip *ip, const struct ip_in *in, const struct wire_icmp *m,
    mono_t now);

#endif
