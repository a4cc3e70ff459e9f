/* SPDX-License-Identifier: ISC */
/*
 * Multicast listening, as much as neighbour discovery needs: the groups are
 * the solicited-node ones of our addresses, and they follow from the table of
 * addresses, so nothing is kept here but when to speak.
 *
 * A change is told at once and MLD_ROBUSTNESS - 1 times again; a querier is
 * answered once within the time that he allows, with all groups at once, which
 * answers a question about one of them too.  What he sent last decides the
 * version.  (DEVIATION: RFC 3810 8.2.1 would have us go back to version 2 when
 * an older querier has been silent; here his successor's query does that.)
 *
 * Reports leave from the link-local address, or from :: before there is one
 * (RFC 3590), with the router alert that RFC 2711 asks for.
 */
#include "ip/mld.h"

#include <string.h>
#include "ip/ip.h"
#include "wire/bytes.h"
#include "wire/icmp6.h"

#define ALERT_HDR    8
#define REPORT_BYTES 1200 /* at most, so that it fits any link */
#define RECORD	     20
#define V1_QUERY     16 /* bytes behind the ICMPv6 header */
#define V2_QUERY     20

enum record_type {
	MODE_IS_EXCLUDE = 2,
	CHANGE_TO_INCLUDE = 3,
	CHANGE_TO_EXCLUDE = 4,
};

static const struct ipaddr all_nodes = {{0xff, 0x02, [15] = 1}};
static const struct ipaddr all_routers = {{0xff, 0x02, [15] = 2}};
static const struct ipaddr all_mld2 = {{0xff, 0x02, [15] = 0x16}};

struct ipaddr
mld_solicited_node(const struct ipaddr *addr)
{
	struct ipaddr g = {{0xff, 0x02, [11] = 1, [12] = 0xff}};

	memcpy(g.b + 13, addr->b + 13, 3);
	return g;
}

/* Has an address up to and without end the group? */
static bool
wanted(
    const struct ip *ip, const struct ipaddr *group, const struct ifaddr *end)
{
	const struct ifaddr *a = NULL;
	struct ipaddr g;

	while ((a = ifaddr_next(ip, a)) != end && a != NULL) {
		g = mld_solicited_node(&a->addr);
		if (!ipaddr_is_v4(&a->addr) && a->state != ADDR_DUPLICATE &&
		    ipaddr_eq(&g, group))
			return true;
	}
	return false;
}

bool
mld_member(const struct ip *ip, const struct ipaddr *group)
{
	return ipaddr_eq(group, &all_nodes) || wanted(ip, group, NULL);
}

static const struct ipaddr *
source(const struct ip *ip)
{
	static const struct ipaddr none;
	const struct ifaddr *a = NULL;

	while ((a = ifaddr_next(ip, a)) != NULL) {
		if (!ipaddr_is_v4(&a->addr) && ifaddr_usable(a) &&
		    ipaddr_is_link_local(&a->addr))
			return &a->addr;
	}
	return &none;
}

static void
send(struct ip *ip, const struct ipaddr *dst, const struct wire_icmp *m)
{
	static const uint8_t alert[ALERT_HDR] = {
	    WIRE_PROTO_ICMP6, 0, 5, 2, 0, 0, 1, 0};
	struct ip_hdr_out h = {.src = *source(ip),
	    .dst = *dst,
	    .proto = WIRE_PROTO_HOPOPTS,
	    .ttl = 1,
	    .len = (uint16_t)(ALERT_HDR + WIRE_ICMP_HDR + m->len)};
	struct buf *b = ip_packet(ip, &h);
	uint8_t *p;

	if (b == NULL)
		return;
	p = ip_payload(ip, b, &h);
	memcpy(p, alert, ALERT_HDR);
	p += ALERT_HDR;
	memcpy(p + wire_icmp6_emit(m, &h.src, dst, p), m->data, m->len);
	ip_send_to(ip, b, dst, NULL);
}

static size_t
put_record(uint8_t *p, enum record_type type, const struct ipaddr *group)
{
	memset(p, 0, 4);
	p[0] = (uint8_t)type;
	memcpy(p + 4, group->b, sizeof group->b);
	return RECORD;
}

static void
send_records(struct ip *ip, const uint8_t *records, size_t len)
{
	struct wire_icmp m = {.type = WIRE_ICMP6_MLD2_REPORT,
	    .rest = (uint32_t)(len / RECORD),
	    .data = records,
	    .len = len};

	if (len > 0)
		send(ip, &all_mld2, &m);
}

static void
tell_one(struct ip *ip, enum record_type type, const struct ipaddr *group)
{
	uint8_t record[RECORD];
	struct wire_icmp m = {.type = type == CHANGE_TO_INCLUDE
					  ? WIRE_ICMP6_MLD_DONE
					  : WIRE_ICMP6_MLD_REPORT,
	    .data = group->b,
	    .len = sizeof group->b};

	if (!ip->mld.version1)
		send_records(ip, record, put_record(record, type, group));
	else
		send(ip, type == CHANGE_TO_INCLUDE ? &all_routers : group, &m);
}

/* Every group once. */
static void
tell_all(struct ip *ip, enum record_type type)
{
	uint8_t records[REPORT_BYTES];
	const struct ifaddr *a = NULL;
	struct ipaddr g;
	size_t len = 0;

	while ((a = ifaddr_next(ip, a)) != NULL) {
		if (ipaddr_is_v4(&a->addr) || a->state == ADDR_DUPLICATE)
			continue;
		g = mld_solicited_node(&a->addr);
		if (wanted(ip, &g, a))
			continue;
		if (ip->mld.version1) {
			tell_one(ip, type, &g);
			continue;
		}
		len += put_record(records + len, type, &g);
		if (len + RECORD > sizeof records) {
			send_records(ip, records, len);
			len = 0;
		}
	}
	send_records(ip, records, len);
}

static void
arm(struct ip *ip)
{
	timerq_set(&ip->timers, &ip->mld.timer.t,
	    mono_min(ip->mld.repeat, ip->mld.answer));
}

void
mld_joined(struct ip *ip, const struct ifaddr *a, mono_t now)
{
	struct ipaddr g = mld_solicited_node(&a->addr);

	tell_one(ip, CHANGE_TO_EXCLUDE, &g);
	ip->mld.repeats = MLD_ROBUSTNESS - 1;
	if (mono_is_never(ip->mld.repeat))
		ip->mld.repeat =
		    mono_add(now, 1 + rng_below(&ip->rng, MLD_REPEAT_US));
	arm(ip);
}

void
mld_left(struct ip *ip, const struct ipaddr *addr, mono_t now)
{
	struct ipaddr g = mld_solicited_node(addr);

	(void)now;
	if (!wanted(ip, &g, NULL))
		tell_one(ip, CHANGE_TO_INCLUDE, &g);
}

/* RFC 3810 5.1.3: milliseconds, floating when large. */
static int64_t
response_us(uint32_t rest, bool v1)
{
	uint32_t code = rest >> 16;

	if (!v1 && code >= 0x8000)
		code = ((code & 0xfff) | 0x1000) << ((code >> 12 & 7) + 3);
	return (int64_t)code * 1000;
}

void
mld_input(struct ip *ip, const struct ip_in *in, const struct wire_icmp *m,
    mono_t now)
{
	struct mld *d = &ip->mld;
	struct ipaddr group;
	int64_t wait_us;
	mono_t when;

	/* RFC 3810 5.1.14, 6.2 */
	if (!ipaddr_is_link_local(&in->src) || in->hop_limit != 1 ||
	    (m->len != V1_QUERY && m->len < V2_QUERY)) {
		drop_count(ip->drops, DROP_ICMP_MALFORMED);
		return;
	}
	memcpy(group.b, m->data, sizeof group.b);
	if (!ipaddr_is_any(&group) && !wanted(ip, &group, NULL))
		return;
	d->version1 = m->len == V1_QUERY;
	wait_us = response_us(m->rest, d->version1);
	if (wait_us > UINT32_MAX - 1)
		wait_us = UINT32_MAX - 1;
	when = mono_add(now, rng_below(&ip->rng, (uint32_t)wait_us + 1));
	d->answer = mono_min(d->answer, when);
	arm(ip);
}

void
mld_expire(struct ip *ip, mono_t now)
{
	struct mld *d = &ip->mld;

	if (!mono_before(now, d->answer)) {
		d->answer = MONO_NEVER;
		tell_all(ip, MODE_IS_EXCLUDE);
	}
	if (!mono_before(now, d->repeat)) {
		d->repeat = MONO_NEVER;
		tell_all(ip, CHANGE_TO_EXCLUDE);
		if (d->repeats > 0 && --d->repeats > 0)
			d->repeat = mono_add(now, MLD_REPEAT_US);
	}
	arm(ip);
}
