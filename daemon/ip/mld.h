/* SPDX-License-Identifier: ISC */
/*
 * Multicast groups that we listen to, told to the link (RFC 3810, RFC 2710):
 * a switch that snoops would not bring us neighbours' questions otherwise.
 */
#ifndef IP_MLD_H
#define IP_MLD_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/mono.h"
#include "base/timerq.h"

struct ip;
struct ifaddr;
struct ip_in;
struct wire_icmp;

#define MLD_ROBUSTNESS 2
#define MLD_REPEAT_US  1000000 /* RFC 3810 9.11 */

struct mld {
	struct tagged_timer timer;
	mono_t repeat;	 /* when changes are told again */
	mono_t answer;	 /* when a querier is answered */
	bool version1;	 /* he speaks MLDv1 */
	uint8_t repeats; /* still to come */
};

/* The group that neighbours ask addr's holder in (RFC 4291 2.7.1). */
struct ipaddr mld_solicited_node(const struct ipaddr *addr);
/* We listen to it: all nodes', or an address's of ours. */
bool mld_member(const struct ip *ip, const struct ipaddr *group);

/* a's group is listened to from now on. */
void mld_joined(struct ip *ip, const struct ifaddr *a, mono_t now);
/* a, which is no more in the table, needs its group no more. */
void mld_left(struct ip *ip, const struct ipaddr *addr, mono_t now);

/* A query; the message is a valid ICMPv6 one. */
void mld_input(struct ip *ip, const struct ip_in *in, const struct wire_icmp *m,
    mono_t now);
void mld_expire(struct ip *ip, mono_t now);

#endif
