/* SPDX-License-Identifier: ISC */
/*
 * ICMPv6 (RFC 4443): answers echo requests, tells what errors say about
 * segments of ours, reports what nobody here speaks, and hands the rest to
 * neighbour discovery and MLD.
 */
#ifndef IP_ICMP6_H
#define IP_ICMP6_H

#include "ip/ip.h"

/* in->off and in->len are the message's. */
enum ip_verdict icmp6_input(struct ip *ip, struct ip_in *in, mono_t now);

/* Refuses the packet in, whose IPv6 header starts in->hdr_len bytes in front
 * of in->off: tells its sender, as far as rules and the rate limit allow.
 * to_group: though it was sent to a group. */
void icmp6_error(struct ip *ip, const struct ip_in *in, uint8_t type,
    uint8_t code, uint32_t rest, bool to_group, mono_t now);

/* A message from src to dst with m->len bytes of data behind its header, sent
 * with a hop limit of 255: to the station mac, to the group dst with mac NULL
 * when dst is one, else by its way. */
void icmp6_send(struct ip *ip, const struct ipaddr *src,
    const struct ipaddr *dst, const uint8_t *mac, const struct wire_icmp *m,
    mono_t now);

#endif
