/* SPDX-License-Identifier: ISC */
/*
 * Neighbour discovery's questions and answers.  The state machine behind them
 * is neigh.c's; here messages are judged, written, and turned into its words.
 *
 * Trust: a hop limit of 255 says that the sender is on our link, no more.
 * RFC 4861 7.1's checks come first; RFC 6980 forbids fragments (both in
 * icmp6.c); entries are made only for stations of our link that ask for us.
 *
 * An address that begins its life is tentative: dad_probes solicitations from
 * :: ask who has it (RFC 4862 5.4), with a nonce, so that our own question
 * that comes back is no duplicate (RFC 7527).  An address whose identifier we
 * made is made anew when it was taken, three times (RFC 7217 6); one that was
 * configured stays refused until somebody configures something else.
 */
#include "ip/nd.h"

#include <string.h>
#include "ip/icmp6.h"
#include "ip/ip.h"
#include "wire/bytes.h"
#include "wire/icmp6.h"

#define TARGET 16 /* bytes, behind the ICMPv6 header */

#define FLAG_ROUTER    0x80000000u
#define FLAG_SOLICITED 0x40000000u
#define FLAG_OVERRIDE  0x20000000u

#define DAD_DELAY_US 1000000 /* at most, RFC 4862 5.4.2 */
#define IDGEN_TRIES  3	     /* RFC 7217 7 */

static const struct ipaddr unspecified;
static const struct ipaddr all_nodes = {{0xff, 0x02, [15] = 1}};

void
nd_ask(struct ip *ip, const struct ipaddr *addr, const uint8_t *mac)
{
	const struct ifaddr *ours = ifaddr_source(ip, addr);
	struct ipaddr group = mld_solicited_node(addr);
	uint8_t data[TARGET + WIRE_ND_LLA_LEN];
	struct wire_icmp m = {
	    .type = WIRE_ICMP6_NS, .data = data, .len = sizeof data};

	if (ours == NULL)
		return;
	memcpy(data, addr->b, TARGET);
	wire_nd_lla_emit(WIRE_ND_SOURCE_LLA, ip->mac, data + TARGET);
	ip->solicitations++;
	icmp6_send(
	    ip, &ours->addr, mac != NULL ? addr : &group, mac, &m, (mono_t){0});
}

static void
ask_for_duplicates(struct ip *ip, struct ifaddr *a)
{
	struct ipaddr group = mld_solicited_node(&a->addr);
	uint8_t data[TARGET + 2 + WIRE_ND_NONCE];
	struct wire_icmp m = {
	    .type = WIRE_ICMP6_NS, .data = data, .len = sizeof data};
	uint64_t nonce = rng_u64(&ip->rng);

	memcpy(a->nonce, &nonce, sizeof a->nonce);
	memcpy(data, a->addr.b, TARGET);
	data[TARGET] = WIRE_ND_NONCE_OPT;
	data[TARGET + 1] = 1;
	memcpy(data + TARGET + 2, a->nonce, sizeof a->nonce);
	icmp6_send(ip, &unspecified, &group, NULL, &m, (mono_t){0});
}

/* We are at a: told to dst, solicited or not. */
static void
advertise(struct ip *ip, const struct ifaddr *a, const struct ipaddr *dst,
    bool solicited, mono_t now)
{
	uint8_t data[TARGET + WIRE_ND_LLA_LEN];
	struct wire_icmp m = {.type = WIRE_ICMP6_NA,
	    .rest = FLAG_OVERRIDE | (solicited ? FLAG_SOLICITED : 0),
	    .data = data,
	    .len = sizeof data};

	memcpy(data, a->addr.b, TARGET);
	wire_nd_lla_emit(WIRE_ND_TARGET_LLA, ip->mac, data + TARGET);
	icmp6_send(ip, &a->addr, dst, NULL, &m, now);
}

/* ---- the life of an address of ours ---- */

static void
ready(struct ip *ip, struct ifaddr *a, mono_t now)
{
	a->state = mono_before(now, a->preferred_until) ? ADDR_PREFERRED
							: ADDR_DEPRECATED;
	ip->changes++;
	if (ipaddr_is_link_local(&a->addr) && ip->accept_ra)
		ra_start(ip, now);
}

void
nd_start(struct ip *ip, struct ifaddr *a, mono_t now)
{
	a->state = ADDR_TENTATIVE;
	mld_joined(ip, a, now);
	if (ip->dad_probes == 0) {
		ready(ip, a, now);
		return;
	}
	ifaddr_act_at(ip, a, mono_add(now, rng_below(&ip->rng, DAD_DELAY_US)));
}

void
nd_act(struct ip *ip, struct ifaddr *a, mono_t now)
{
	if (a->state != ADDR_TENTATIVE)
		return;
	if (a->probes == ip->dad_probes) {
		ready(ip, a, now);
		return;
	}
	ask_for_duplicates(ip, a);
	a->probes++;
	ifaddr_act_at(ip, a, mono_add(now, ip->retrans_us));
}

/* Another station has a, which was tentative. */
static void
taken(struct ip *ip, struct ifaddr *a, mono_t now)
{
	struct ifaddr again = *a;

	drop_count(ip->drops, DROP_ICMP_DUPLICATE);
	a->state = ADDR_DUPLICATE;
	ifaddr_act_at(ip, a, MONO_NEVER);
	if ((again.origin == ADDR_SLAAC || again.origin == ADDR_LINK_LOCAL) &&
	    again.attempt < IDGEN_TRIES) {
		again.attempt++;
		again.addr = ra_stable_addr(ip, &again.addr, again.attempt);
		ifaddr_remove(ip, a, now);
		ifaddr_add(ip, &again, now);
	}
	ip->changes++;
	ip_rebuild_routes(ip);
}

/* ---- in ---- */

static void
solicited(struct ip *ip, const struct ip_in *in, struct ifaddr *a,
    const struct wire_nd_opts *o, mono_t now)
{
	bool duplicate_check = ipaddr_is_any(&in->src);

	if (a->state == ADDR_TENTATIVE && duplicate_check) {
		if (o->nonce == NULL ||
		    memcmp(o->nonce, a->nonce, sizeof a->nonce) != 0)
			taken(ip, a, now);
		return;
	}
	if (!ifaddr_usable(a))
		return;
	if (duplicate_check) {
		advertise(ip, a, &all_nodes, false, now);
		return;
	}
	if (o->source_lla != NULL && !(o->source_lla[0] & 1) &&
	    ip_on_link(ip, &in->src))
		neigh_learn(ip, &in->src, o->source_lla, NEIGH_ASKED_US, now);
	advertise(ip, a, &in->src, true, now);
}

static void
advertised(struct ip *ip, const struct ipaddr *target, uint32_t flags,
    const struct wire_nd_opts *o, mono_t now)
{
	struct ifaddr *a = ifaddr_find(ip, target);
	struct neigh_advert n = {.mac = o->target_lla,
	    .router = flags & FLAG_ROUTER,
	    .solicited = flags & FLAG_SOLICITED,
	    .override = flags & FLAG_OVERRIDE};

	if (n.mac != NULL && (n.mac[0] & 1)) {
		drop_count(ip->drops, DROP_ICMP_MALFORMED);
		return;
	}
	if (a == NULL)
		neigh_advertised(ip, target, &n, now);
	else if (n.mac != NULL && memcmp(n.mac, ip->mac, sizeof ip->mac) == 0)
		return; /* our own, come back */
	else if (a->state == ADDR_TENTATIVE)
		taken(ip, a, now);
	else
		drop_count(ip->drops, DROP_ICMP_DUPLICATE);
}

/* RFC 4861 7.1.1 and 7.1.2, less what icmp6_input() has seen to. */
static bool
valid(const struct ip_in *in, const struct wire_icmp *m,
    const struct ipaddr *target, const struct wire_nd_opts *o)
{
	struct ipaddr group = mld_solicited_node(target);

	if (ipaddr_is_multicast(target) || ipaddr_is_v4(target))
		return false;
	if (m->type == WIRE_ICMP6_NA)
		return !ipaddr_is_multicast(&in->dst) ||
		       !(m->rest & FLAG_SOLICITED);
	return !ipaddr_is_any(&in->src) ||
	       (ipaddr_eq(&in->dst, &group) && o->source_lla == NULL);
}

void
nd_input(struct ip *ip, const struct ip_in *in, const struct wire_icmp *m,
    mono_t now)
{
	struct ipaddr target;
	struct wire_nd_opts o;
	struct ifaddr *a;

	if (m->len < TARGET ||
	    wire_nd_opts_parse(m->data + TARGET, m->len - TARGET, &o) != 0) {
		drop_count(ip->drops, DROP_ICMP_MALFORMED);
		return;
	}
	memcpy(target.b, m->data, TARGET);
	if (!valid(in, m, &target, &o)) {
		drop_count(ip->drops, DROP_ICMP_MALFORMED);
		return;
	}
	if (m->type == WIRE_ICMP6_NA)
		advertised(ip, &target, m->rest, &o, now);
	else if ((a = ifaddr_find(ip, &target)) != NULL)
		solicited(ip, in, a, &o, now);
}
