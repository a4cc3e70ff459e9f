/* SPDX-License-Identifier: ISC */
/*
 * The DHCP client.
 *
 *	INIT -> SELECTING -offer-> REQUESTING -ack-> BOUND -T1-> RENEWING
 *	  ^         | 4 s, doubled     | nak, 4 tries      ^ ack     | T2
 *	  +---------+------------------+                   +---- REBINDING
 *	  +--------------- nak, expiry, conflict ----------------------+
 *
 * Trust: anyone on the link can be a server (RFC 2131 7); an answer must carry
 * our transaction's number and our station's address, a lease must make sense,
 * and the first offer is taken.  The address is probed for before it is used
 * (RFC 2131 2.2, RFC 5227) and declined when somebody has it.
 *
 * Lease times count from when they were asked for (RFC 2131 4.4.1).
 */
#include "ip/dhcp4.h"

#include <string.h>
#include "ip/ip.h"
#include "wire/bytes.h"
#include "wire/dhcp4.h"
#include "wire/ipv4.h"

#define S_US	     1000000LL
#define START_US     (1 * S_US)
#define RETRY_US     (4 * S_US) /* RFC 2131 4.1: doubled up to 64 s */
#define RETRY_MAX    4
#define REQUESTS     4
#define RENEW_MIN_US (60 * S_US) /* RFC 2131 4.4.5 */
#define DECLINE_US   (10 * S_US) /* RFC 2131 3.1.5 */

#define BROADCAST 0xffffffffu

static void
wait_us(struct ip *ip, mono_t now, int64_t us)
{
	timerq_set(&ip->timers, &ip->dhcp.timer.t, mono_add(now, us));
}

static void
send(struct ip *ip, struct wire_dhcp4 *m, uint32_t dst, mono_t now)
{
	static const uint8_t everybody[6] = {
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct ip_hdr_out h = {.src = ipaddr_v4(m->ciaddr),
	    .dst = ipaddr_v4(dst),
	    .proto = WIRE_PROTO_UDP,
	    .ttl = IP_TTL,
	    .len = WIRE_DHCP4_LEN};
	int64_t secs = mono_diff(now, ip->dhcp.began) / S_US;
	struct buf *b = ip_packet(ip, &h);

	if (b == NULL)
		return;
	m->xid = ip->dhcp.xid;
	m->secs = (uint16_t)(secs < UINT16_MAX ? secs : UINT16_MAX);
	m->max_len = ip->mtu;
	memcpy(m->mac, ip->mac, sizeof m->mac);
	wire_dhcp4_emit(m, m->ciaddr, dst, ip_payload(ip, b, &h));
	if (dst == BROADCAST)
		ip_send_to(ip, b, &h.dst, everybody);
	else
		ip_send(ip, b, &h.dst, now);
}

/* Says what belongs to the state, and when again if nobody answers. */
static void
speak(struct ip *ip, mono_t now)
{
	struct dhcp4 *d = &ip->dhcp;
	struct wire_dhcp4 m = {.type = WIRE_DHCP4_REQUEST};
	int64_t us = RETRY_US << (d->tries < RETRY_MAX ? d->tries : RETRY_MAX);
	mono_t end;

	d->asked = now;
	d->tries++;
	if (d->state == DHCP4_SELECTING) {
		m.type = WIRE_DHCP4_DISCOVER;
	} else if (d->state == DHCP4_REQUESTING) {
		m.requested = d->addr;
		m.server = d->server;
	} else {
		m.ciaddr = d->addr;
		end = d->state == DHCP4_RENEWING ? d->t2 : d->expires;
		us =
		    mono_is_never(end) ? RENEW_MIN_US : mono_diff(end, now) / 2;
		us = us > RENEW_MIN_US ? us : RENEW_MIN_US;
		if (!mono_is_never(end) && us > mono_diff(end, now))
			us = mono_diff(end, now);
		send(ip, &m, d->state == DHCP4_RENEWING ? d->server : BROADCAST,
		    now);
		wait_us(ip, now, us);
		return;
	}
	send(ip, &m, BROADCAST, now);
	/* 4.1: a second earlier or later. */
	wait_us(ip, now, us - S_US + rng_below(&ip->rng, 2 * S_US));
}

static void
enter(struct ip *ip, enum dhcp4_state state, mono_t now)
{
	ip->dhcp.state = (uint8_t)state;
	ip->dhcp.tries = 0;
	speak(ip, now);
}

/* ---- the lease ---- */

static struct ifaddr *
leased(const struct ip *ip)
{
	struct ifaddr *a = NULL;

	while ((a = ifaddr_next(ip, a)) != NULL) {
		if (a->origin == ADDR_DHCP)
			return a;
	}
	return NULL;
}

static void
give_back(struct ip *ip, mono_t now)
{
	struct ifaddr *a = leased(ip);

	if (a != NULL)
		ifaddr_remove(ip, a, now);
	ip->dhcp.router = 0;
	ip_rebuild_routes(ip);
}

static void
begin_again(struct ip *ip, mono_t now, int64_t us)
{
	give_back(ip, now);
	ip->dhcp.state = DHCP4_INIT;
	wait_us(ip, now, us);
}

static mono_t
lease_end(const struct dhcp4 *d, uint32_t s)
{
	return s == UINT32_MAX ? MONO_NEVER : mono_add(d->asked, s * S_US);
}

static uint8_t
mask_plen(uint32_t mask, uint32_t addr)
{
	uint8_t n = 0;

	if (mask == 0) /* the classes of old, as RFC 2132 has no default */
		mask = addr >> 31 == 0	 ? 0xff000000
		       : addr >> 30 == 2 ? 0xffff0000
					 : 0xffffff00;
	while (n < 32 && (mask & (UINT32_MAX >> n)) != 0)
		n++;
	return (uint8_t)(96 + n);
}

static void
use_address(struct ip *ip, mono_t now)
{
	struct dhcp4 *d = &ip->dhcp;
	struct ifaddr new = {.addr = ipaddr_v4(d->addr),
	    .plen = mask_plen(d->mask, d->addr),
	    .origin = ADDR_DHCP,
	    .preferred_until = d->expires,
	    .valid_until = d->expires};
	struct ifaddr *a = leased(ip);

	if (a != NULL && ipaddr_eq(&a->addr, &new.addr)) {
		a->plen = new.plen;
		ifaddr_lifetime(ip, a, d->expires, d->expires, now);
	} else {
		if (a != NULL)
			ifaddr_remove(ip, a, now);
		/* An address that is configured too stays what it is. */
		if (ifaddr_find(ip, &new.addr) == NULL)
			ifaddr_add(ip, &new, now);
	}
	ip_rebuild_routes(ip);
}

static void
take_lease(struct ip *ip, const struct wire_dhcp4 *m, mono_t now)
{
	struct dhcp4 *d = &ip->dhcp;
	uint32_t lease = m->lease_s, t1 = m->t1_s, t2 = m->t2_s;

	/* RFC 2131 4.4.5: what is missing or makes no sense. */
	if (lease != UINT32_MAX) {
		if (t2 == 0 || t2 >= lease)
			t2 = (uint32_t)((uint64_t)lease * 7 / 8);
		if (t1 == 0 || t1 >= t2)
			t1 = t2 < lease / 2 ? t2 : lease / 2;
	} else {
		t1 = t2 = UINT32_MAX;
	}
	d->addr = m->yiaddr;
	d->mask = m->mask;
	d->router = m->router;
	if (m->server != 0)
		d->server = m->server;
	d->expires = lease_end(d, lease);
	d->t1 = lease_end(d, t1);
	d->t2 = lease_end(d, t2);
	d->state = DHCP4_BOUND;
	timerq_set(&ip->timers, &d->timer.t, d->t1);
	use_address(ip, now);
}

void
dhcp4_conflict(struct ip *ip, mono_t now)
{
	struct dhcp4 *d = &ip->dhcp;
	struct wire_dhcp4 m = {.type = WIRE_DHCP4_DECLINE,
	    .requested = d->addr,
	    .server = d->server};

	if (d->state < DHCP4_BOUND)
		return;
	send(ip, &m, BROADCAST, now);
	begin_again(ip, now, DECLINE_US);
}

/* ---- in, and time ---- */

bool
dhcp4_wants(const struct ip *ip, const struct ip_in *in)
{
	const uint8_t *p = in->buf->data + in->off;

	return ip->dhcp.state > DHCP4_INIT && in->proto == WIRE_PROTO_UDP &&
	       in->len >= 8 && get16(p) == WIRE_DHCP4_SERVER &&
	       get16(p + 2) == WIRE_DHCP4_CLIENT;
}

static bool
can_be_ours(uint32_t addr)
{
	return addr >> 24 != 0 && addr >> 24 != 127 && addr < 0xe0000000;
}

void
dhcp4_input(struct ip *ip, const struct ip_in *in, mono_t now)
{
	struct dhcp4 *d = &ip->dhcp;
	struct wire_dhcp4 m;
	int why = wire_dhcp4_parse(in->buf->data + in->off, in->len,
	    ipaddr_to_v4(&in->src), ipaddr_to_v4(&in->dst), in->csum_ok, &m);

	if (why == DROP_NONE &&
	    (m.xid != d->xid || memcmp(m.mac, ip->mac, sizeof m.mac) != 0))
		why = DROP_DHCP_OTHER;
	if (why == DROP_NONE && m.type != WIRE_DHCP4_NAK &&
	    (!can_be_ours(m.yiaddr) || m.lease_s == 0))
		why = DROP_DHCP_MALFORMED;
	if (why != DROP_NONE) {
		drop_count(ip->drops, why);
		return;
	}
	if (d->state == DHCP4_SELECTING && m.type == WIRE_DHCP4_OFFER &&
	    m.server != 0) {
		d->addr = m.yiaddr;
		d->server = m.server;
		enter(ip, DHCP4_REQUESTING, now);
	} else if (d->state == DHCP4_SELECTING || d->state == DHCP4_BOUND) {
		drop_count(ip->drops, DROP_DHCP_OTHER);
	} else if (m.type == WIRE_DHCP4_ACK) {
		take_lease(ip, &m, now);
	} else if (m.type == WIRE_DHCP4_NAK) {
		begin_again(ip, now, START_US);
	}
}

static void
begin(struct ip *ip, mono_t now)
{
	ip->dhcp.xid = (uint32_t)rng_u64(&ip->rng);
	ip->dhcp.began = now;
	enter(ip, DHCP4_SELECTING, now);
}

void
dhcp4_start(struct ip *ip, mono_t now)
{
	ip->dhcp =
	    (struct dhcp4){.timer.tag = IP_TIMER_DHCP4, .state = DHCP4_INIT};
	wait_us(ip, now, rng_below(&ip->rng, START_US));
}

void
dhcp4_expire(struct ip *ip, mono_t now)
{
	struct dhcp4 *d = &ip->dhcp;

	if (d->state > DHCP4_BOUND && !mono_before(now, d->expires))
		begin_again(ip, now, 0);
	else if (d->state == DHCP4_INIT ||
		 (d->state == DHCP4_REQUESTING && d->tries >= REQUESTS))
		begin(ip, now);
	else if (d->state == DHCP4_BOUND)
		enter(ip, DHCP4_RENEWING, now);
	else if (d->state == DHCP4_RENEWING && !mono_before(now, d->t2))
		enter(ip, DHCP4_REBINDING, now);
	else
		speak(ip, now);
}

void
dhcp4_add_routes(const struct ip *ip, struct routes *t)
{
	const struct ifaddr *a = leased(ip);
	struct route r = {.dst = ipaddr_v4(0),
	    .plen = 96,
	    .gateway = ipaddr_v4(ip->dhcp.router),
	    .origin = ROUTE_DHCP};
	const struct route *hop = route_find(t, &r.gateway);

	if (a != NULL && can_be_ours(ip->dhcp.router) && hop != NULL &&
	    route_on_link(hop))
		route_add(t, &r);
}
