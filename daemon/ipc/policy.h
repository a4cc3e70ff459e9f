/* SPDX-License-Identifier: ISC */
/*
 * Which stack does a destination or a listening address belong to?  The
 * daemon writes the rules into a struct proto_policy (one shared, read-only
 * page for all clients), both sides evaluate them with the code here.
 *
 * Rules are tried in the order in which they were added; the first match
 * decides; no match means the kernel.  A page is bounds-checked on each use,
 * so a damaged one gives the kernel's answer and never a wild read.
 */
#ifndef IPC_POLICY_H
#define IPC_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "tcpd/proto.h"

struct policy_verdict {
	enum proto_action action;
	enum proto_why why;
	uint32_t line; /* of tcpd.conf; 0: a built-in rule */
};

struct policy_verdict policy_connect(
    const struct proto_policy *p, const struct ipaddr *dst, uint16_t port);
struct policy_verdict policy_bind(
    const struct proto_policy *p, const struct ipaddr *addr, uint16_t port);

/* Is there any destination of this family that is tcpd's? */
bool policy_reaches(const struct proto_policy *p, bool v4);

/* "tcpd has a route to it" and the like, for people. */
const char *policy_why_text(enum proto_why why);
const char *policy_action_text(enum proto_action action);

/* The rule of the next of tcpd's own addresses, from *at on (0 at first); NULL:
 * there is none. */
const struct proto_rule *policy_next_address(
    const struct proto_policy *p, uint32_t *at);

/* Is this a page that this version can read? */
bool policy_valid(const struct proto_policy *p);

/* ---- building, in the daemon ---- */

/* plen counts of 128: an IPv4 prefix is 96 + its length, and one of less than
 * 96 is of IPv6 alone. */
void policy_init(struct proto_policy *p, uint32_t generation);
/* 0 or -ENOSPC (PROTO_POLICY_RULES are in), -EINVAL. */
int policy_add_connect(struct proto_policy *p, const struct ipaddr *addr,
    uint8_t plen, uint16_t port_first, uint16_t port_last,
    enum proto_action action, enum proto_why why, uint32_t line);
int policy_add_bind(struct proto_policy *p, const struct ipaddr *addr,
    uint8_t plen, uint16_t port_first, uint16_t port_last,
    enum proto_action action, enum proto_why why, uint32_t line);
/* One of tcpd's own, in a network of so many bits. */
int policy_add_address(
    struct proto_policy *p, const struct ipaddr *addr, uint8_t net_plen);
/* Whose 127.0.0.0/8 and ::1 are, for both connect and bind, and the wildcards
 * as a destination, which mean the same; line: of tcpd.conf, 0: nothing is
 * said there.  Rules of tcpd.conf go in before this, routes and addresses after
 * it. */
int policy_add_loopback(
    struct proto_policy *p, enum proto_action action, uint32_t line);
/* Makes it valid; no rule may be added afterwards. */
void policy_finalise(struct proto_policy *p);

#endif
