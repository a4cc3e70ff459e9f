/* SPDX-License-Identifier: ISC */
/*
 * A host's side of router discovery.
 *
 * Trust: any station on the link can advertise (RFC 4861 11), so all that is
 * learnt is bounded (routers, prefixes, addresses), lifetimes run out, a
 * lifetime that protects an address is not shortened below two hours (RFC 4862
 * 5.5.3 (e)), an MTU is believed between 1280 and the link's, and a hop limit
 * below HOPS_MIN is not: with it one could cut a host off from all that is far.
 *
 * Of the routers one serves: the best preference (RFC 4191) among those that
 * answer as neighbours; when none does, each gets its turn (RFC 4861 6.3.6).
 * We ask for advertisements until one comes, ever more seldom (RFC 7559).
 *
 * Addresses: RFC 7217's identifier, a keyed hash of prefix, station and
 * attempt, which is stable on a link and tells nothing elsewhere.  SipHash
 * serves as the pseudo-random function.
 */
#include "ip/ra.h"

#include <string.h>
#include "ip/icmp6.h"
#include "ip/ip.h"
#include "wire/bytes.h"
#include "wire/icmp6.h"

#define RA_FIXED       8 /* bytes behind the ICMPv6 header */
#define SOLICIT_US     4000000
#define SOLICIT_MAX_US 3600000000
#define TWO_HOURS_US   7200000000
#define S_US	       1000000LL

#define HOPS_MIN	 32
#define RETRANS_MIN_US	 100000
#define RETRANS_MAX_US	 60000000
#define REACHABLE_MAX_US 3600000000

static const struct ipaddr all_routers = {{0xff, 0x02, [15] = 2}};

static mono_t
after(mono_t now, uint32_t seconds)
{
	return seconds == UINT32_MAX ? MONO_NEVER
				     : mono_add(now, seconds * S_US);
}

/* ---- identifiers ---- */

/* RFC 5453: those that mean something else. */
static bool
reserved(const uint8_t iid[8])
{
	static const uint8_t anycast[7] = {
	    0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t proxy[5] = {0x02, 0x00, 0x5e, 0xff, 0xfe};
	static const uint8_t zero[8];

	return memcmp(iid, zero, 8) == 0 || memcmp(iid, proxy, 5) == 0 ||
	       (memcmp(iid, anycast, 7) == 0 && iid[7] >= 0x80);
}

struct ipaddr
ra_stable_addr(
    const struct ip *ip, const struct ipaddr *prefix, unsigned attempt)
{
	struct ipaddr a = ipaddr_masked(prefix, 64);
	uint8_t in[8 + 6 + 2];
	uint64_t h;

	memcpy(in, prefix->b, 8);
	memcpy(in + 8, ip->mac, 6);
	in[14] = (uint8_t)attempt;
	for (in[15] = 0;; in[15]++) {
		h = siphash(&ip->stable, in, sizeof in);
		put32(a.b + 8, (uint32_t)(h >> 32));
		put32(a.b + 12, (uint32_t)h);
		if (!reserved(a.b + 8))
			return a;
	}
}

/* ---- routers ---- */

static void
arm(struct ip *ip)
{
	struct ra *ra = &ip->ra;
	mono_t first = ra->solicit;
	unsigned i;

	for (i = 0; i < RA_ROUTERS; i++) {
		if (ra->routers[i].expires.us != 0)
			first = mono_min(first, ra->routers[i].expires);
	}
	for (i = 0; i < RA_PREFIXES; i++) {
		if (ra->prefixes[i].expires.us != 0)
			first = mono_min(first, ra->prefixes[i].expires);
	}
	timerq_set(&ip->timers, &ra->timer.t, first);
}

void
ra_start(struct ip *ip, mono_t now)
{
	ip->ra.solicit_us = SOLICIT_US;
	ip->ra.solicit = mono_add(now, rng_below(&ip->rng, S_US));
	arm(ip);
}

static void
solicit(struct ip *ip, mono_t now)
{
	uint8_t data[WIRE_ND_LLA_LEN];
	struct wire_icmp m = {
	    .type = WIRE_ICMP6_RS, .data = data, .len = sizeof data};
	const struct ifaddr *ours = ifaddr_source(ip, &all_routers);
	int64_t us = ip->ra.solicit_us;

	wire_nd_lla_emit(WIRE_ND_SOURCE_LLA, ip->mac, data);
	if (ours != NULL)
		icmp6_send(ip, &ours->addr, &all_routers, NULL, &m, now);
	us += us / 10 - rng_below(&ip->rng, (uint32_t)(us / 5));
	ip->ra.solicit = mono_add(now, us);
	ip->ra.solicit_us = us * 2 < SOLICIT_MAX_US ? us * 2 : SOLICIT_MAX_US;
}

static struct ra_router *
find_router(struct ip *ip, const struct ipaddr *addr)
{
	struct ra_router *r = ip->ra.routers, *end = r + RA_ROUTERS;

	for (; r < end; r++) {
		if (r->expires.us != 0 && ipaddr_eq(&r->addr, addr))
			return r;
	}
	return NULL;
}

/* The higher, the sooner it serves. */
static int
rank(const struct ra_router *r)
{
	return r->expires.us == 0 ? -9 : r->preference - (r->failed ? 4 : 0);
}

static void
take_router(struct ip *ip, const struct ipaddr *addr, uint16_t lifetime_s,
    uint8_t flags, mono_t now)
{
	struct ra_router *r = find_router(ip, addr), *w = ip->ra.routers;
	uint8_t prf = flags >> 3 & 3;
	struct ra_router new = {.addr = *addr,
	    .expires = after(now, lifetime_s),
	    .preference = (int8_t)(prf == 1   ? 1
				   : prf == 3 ? -1
					      : 0)};
	unsigned i;

	if (lifetime_s == 0) {
		if (r != NULL)
			*r = (struct ra_router){0};
		return;
	}
	for (i = 0; r == NULL && i < RA_ROUTERS; i++) {
		if (rank(&ip->ra.routers[i]) < rank(w))
			w = &ip->ra.routers[i];
	}
	if (r == NULL && rank(w) >= rank(&new)) {
		drop_count(ip->drops, DROP_ICMP_TABLE);
		return;
	}
	*(r != NULL ? r : w) = new;
}

void
ra_neigh_failed(struct ip *ip, const struct ipaddr *addr)
{
	struct ra_router *r = find_router(ip, addr), *o;
	unsigned i, good = 0;

	if (r == NULL)
		return;
	r->failed = true;
	for (i = 0; i < RA_ROUTERS; i++)
		good += rank(&ip->ra.routers[i]) >= -1;
	for (i = 0; good == 0 && i < RA_ROUTERS; i++) {
		o = &ip->ra.routers[i];
		o->failed = o == r;
	}
	ip_rebuild_routes(ip);
}

void
ra_not_router(struct ip *ip, const struct ipaddr *addr)
{
	struct ra_router *r = find_router(ip, addr);

	if (r == NULL)
		return;
	*r = (struct ra_router){0};
	ip_rebuild_routes(ip);
}

/* ---- prefixes ---- */

static void
take_on_link(struct ip *ip, const struct wire_nd_prefix *p, mono_t now)
{
	struct ra_prefix *x = ip->ra.prefixes, *end = x + RA_PREFIXES;
	struct ra_prefix *room = NULL;
	struct ipaddr prefix = ipaddr_masked(&p->prefix, p->plen);

	for (; x < end; x++) {
		if (x->expires.us == 0)
			room = x;
		else if (x->plen == p->plen && ipaddr_eq(&x->prefix, &prefix))
			break;
	}
	if (x == end)
		x = room;
	if (x == NULL)
		drop_count(ip->drops, DROP_ICMP_TABLE);
	else if (p->valid_s == 0)
		*x = (struct ra_prefix){0};
	else
		*x = (struct ra_prefix){.prefix = prefix,
		    .plen = p->plen,
		    .expires = after(now, p->valid_s)};
}

static void
refresh_addr(
    struct ip *ip, struct ifaddr *a, const struct wire_nd_prefix *p, mono_t now)
{
	mono_t valid = after(now, p->valid_s);
	mono_t floor = mono_add(now, TWO_HOURS_US);

	/* RFC 4862 5.5.3 (e) */
	if (mono_before(valid, floor) && mono_before(valid, a->valid_until))
		valid = mono_min(a->valid_until, floor);
	ifaddr_lifetime(ip, a, after(now, p->preferred_s), valid, now);
}

static void
take_autonomous(struct ip *ip, const struct wire_nd_prefix *p, mono_t now)
{
	struct ifaddr *a = NULL,
		      new = {.plen = 64,
			  .origin = ADDR_SLAAC,
			  .preferred_until = after(now, p->preferred_s),
			  .valid_until = after(now, p->valid_s)};
	unsigned n = 0;

	if (p->plen != 64 || p->preferred_s > p->valid_s) {
		drop_count(ip->drops, DROP_ICMP_MALFORMED);
		return;
	}
	while ((a = ifaddr_next(ip, a)) != NULL) {
		n += a->origin == ADDR_SLAAC;
		if (a->origin != ADDR_SLAAC ||
		    !ipaddr_in(&a->addr, &p->prefix, 64))
			continue;
		refresh_addr(ip, a, p, now);
		return;
	}
	if (p->valid_s == 0)
		return;
	new.addr = ra_stable_addr(ip, &p->prefix, 0);
	if (n >= RA_ADDRS || ifaddr_add(ip, &new, now) == NULL)
		drop_count(ip->drops, DROP_ICMP_TABLE);
}

static void
take_prefix(struct ip *ip, const struct wire_nd_prefix *p, mono_t now)
{
	if (p->plen > 128 || ipaddr_is_multicast(&p->prefix) ||
	    (ipaddr_is_any(&p->prefix) && p->plen != 0)) {
		drop_count(ip->drops, DROP_ICMP_MALFORMED);
		return;
	}
	if (ipaddr_is_link_local(&p->prefix) || p->plen == 0)
		return;
	if (p->on_link)
		take_on_link(ip, p, now);
	if (p->autonomous)
		take_autonomous(ip, p, now);
}

/* ---- in, and time ---- */

static void
take_times(struct ip *ip, const uint8_t *p)
{
	int64_t reachable = get32(p) * 1000LL, retrans = get32(p + 4) * 1000LL;

	if (reachable != 0 && reachable <= REACHABLE_MAX_US)
		ip->reachable_us = reachable;
	if (retrans >= RETRANS_MIN_US && retrans <= RETRANS_MAX_US)
		ip->retrans_us = retrans;
}

void
ra_input(struct ip *ip, const struct ip_in *in, const struct wire_icmp *m,
    mono_t now)
{
	struct wire_nd_opts o;
	unsigned i;

	if (!ip->accept_ra) {
		drop_count(ip->drops, DROP_ICMP_TYPE);
		return;
	}
	if (!ipaddr_is_link_local(&in->src) || m->len < RA_FIXED ||
	    wire_nd_opts_parse(m->data + RA_FIXED, m->len - RA_FIXED, &o) !=
		0) {
		drop_count(ip->drops, DROP_ICMP_MALFORMED);
		return;
	}
	ip->ra.solicit = MONO_NEVER;
	if (o.source_lla != NULL && !(o.source_lla[0] & 1))
		neigh_learn(ip, &in->src, o.source_lla, NEIGH_ASKED_US, now);
	take_router(
	    ip, &in->src, (uint16_t)m->rest, (uint8_t)(m->rest >> 16), now);
	take_times(ip, m->data);
	if (m->rest >> 24 >= HOPS_MIN)
		ip->hop_limit6 = (uint8_t)(m->rest >> 24);
	if (o.mtu >= WIRE_IPV6_MTU_MIN && o.mtu <= ip->mtu)
		ip->mtu6 = (uint16_t)o.mtu;
	for (i = 0; i < o.nprefixes; i++)
		take_prefix(ip, &o.prefixes[i], now);
	arm(ip);
	ip_rebuild_routes(ip);
}

void
ra_expire(struct ip *ip, mono_t now)
{
	struct ra *ra = &ip->ra;
	unsigned i;

	for (i = 0; i < RA_ROUTERS; i++) {
		if (!mono_before(now, ra->routers[i].expires))
			ra->routers[i] = (struct ra_router){0};
	}
	for (i = 0; i < RA_PREFIXES; i++) {
		if (!mono_before(now, ra->prefixes[i].expires))
			ra->prefixes[i] = (struct ra_prefix){0};
	}
	if (!mono_before(now, ra->solicit))
		solicit(ip, now);
	arm(ip);
	ip_rebuild_routes(ip);
}

void
ra_add_routes(const struct ip *ip, struct routes *t)
{
	const struct ra_router *best = ip->ra.routers, *r;
	const struct ra_prefix *x;
	struct route new = {.origin = ROUTE_RA};

	for (x = ip->ra.prefixes; x < ip->ra.prefixes + RA_PREFIXES; x++) {
		new.dst = x->prefix;
		new.plen = x->plen;
		if (x->expires.us != 0)
			route_add(t, &new);
	}
	for (r = ip->ra.routers; r < ip->ra.routers + RA_ROUTERS; r++) {
		if (rank(r) > rank(best))
			best = r;
	}
	if (best->expires.us != 0)
		route_add(t,
		    &(struct route){.gateway = best->addr, .origin = ROUTE_RA});
}
