/* SPDX-License-Identifier: ISC */
/*
 * ARP for IPv4 over Ethernet (RFC 826, RFC 5227).
 */
#ifndef IP_ARP_H
#define IP_ARP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/mono.h"

struct ip;
struct ifaddr;

/* One ARP packet.  to_us: its frame was addressed to our station alone. */
void arp_input(
    struct ip *ip, const uint8_t *p, size_t len, bool to_us, mono_t now);

/* Who has addr?  To one station, or to all when mac is NULL. */
void arp_ask(struct ip *ip, uint32_t addr, const uint8_t *mac);

/* a begins its life: conflicts are looked for, or it is announced. */
void arp_start(struct ip *ip, struct ifaddr *a, mono_t now);
/* The time that arp_start() asked for (a->act) has come. */
void arp_act(struct ip *ip, struct ifaddr *a, mono_t now);

#endif
