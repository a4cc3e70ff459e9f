/* SPDX-License-Identifier: ISC */
/*
 * The IP layer's life and its way out: addresses, routes, next hops, the
 * queues of what waits, and the one timer queue behind neighbours and
 * addresses.
 *
 * Output is RFC 791 and RFC 1122 3.2.1 as a host does it today: DF is always
 * set (path MTU discovery, RFC 1191), so a packet is atomic and its
 * identification means nothing (RFC 6864 4.1); it is zero, except in what the
 * device will cut up, which starts at a random number and counts up.
 *
 * Both queues are bounded: out by the number of answers (frames that waited
 * for a neighbour are bounded there already), loop by bytes.
 */
#include "ip/ip.h"

#include <string.h>
#include "ip/icmp.h"

bool
bucket_take(struct bucket *b, mono_t now)
{
	int64_t cost = 1000000 / b->per_s, full = cost * b->burst;

	b->credit_us += mono_diff(now, b->last);
	if (b->credit_us > full)
		b->credit_us = full;
	b->last = now;
	if (b->credit_us < cost)
		return false;
	b->credit_us -= cost;
	return true;
}

static struct bucket
bucket_full(uint32_t per_s, uint32_t burst, mono_t now)
{
	return (struct bucket){.per_s = per_s,
	    .burst = burst,
	    .credit_us = (int64_t)burst * 1000000 / per_s,
	    .last = now};
}

bool
ip_init(struct ip *ip, const struct ip_config *cfg, mono_t now)
{
	unsigned i;

	*ip = (struct ip){.mtu = cfg->mtu,
	    .bufs = cfg->bufs,
	    .drops = cfg->drops,
	    .echo = bucket_full(ICMP_ECHO_PER_S, ICMP_ECHO_BURST, now),
	    .errors = bucket_full(ICMP_ERRORS_PER_S, ICMP_ERRORS_BURST, now)};
	memcpy(ip->mac, cfg->mac, sizeof ip->mac);
	rng_init(&ip->rng, cfg->seed[0], cfg->seed[1]);
	timerq_init(&ip->timers);
	for (i = 0; i < IP_ADDRS; i++) {
		if (!timerq_reserve(&ip->timers))
			return false;
	}
	return neigh_init(ip);
}

void
ip_done(struct ip *ip)
{
	struct ifaddr *a;

	pktq_clear(&ip->out);
	pktq_clear(&ip->loop);
	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a))
		timerq_cancel(&ip->timers, &a->timer);
	neigh_done(ip);
	timerq_done(&ip->timers);
}

/* ---- addresses and routes ---- */

/* Can a station have it? */
static bool
is_station(const struct ipnet *net)
{
	static const struct ipaddr loop = {{[15] = 1}};
	struct ipaddr last = net->addr;
	uint32_t v4, host;

	if (ipaddr_is_any(&net->addr) || ipaddr_is_multicast(&net->addr) ||
	    net->plen > 128 || ipaddr_eq(&net->addr, &loop))
		return false;
	if (!ipaddr_is_v4(&last))
		return true;
	v4 = ipaddr_to_v4(&last);
	if (net->plen < 96 || v4 >> 24 == 0 || v4 >> 24 == 127 || v4 >> 28 > 14)
		return false;
	host = net->plen == 96 ? UINT32_MAX : UINT32_MAX >> (net->plen - 96);
	/* RFC 3021: links of one or two stations have no broadcast. */
	return net->plen >= 127 || ((v4 & host) != 0 && (v4 & host) != host);
}

static bool
lists(const struct ipnet *nets, unsigned n, const struct ipaddr *addr)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		if (ipaddr_eq(&nets[i].addr, addr))
			return true;
	}
	return false;
}

bool
ip_set_addrs(struct ip *ip, const struct ipnet *nets, unsigned n, mono_t now)
{
	struct ifaddr *a;
	unsigned i, others = 0;

	for (i = 0; i < n; i++) {
		if (!is_station(&nets[i]) || lists(nets, i, &nets[i].addr))
			return false;
	}
	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a))
		others += a->origin != ADDR_STATIC;
	if (others + n > IP_ADDRS)
		return false;
	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a)) {
		if (a->origin == ADDR_STATIC && !lists(nets, n, &a->addr))
			ifaddr_remove(ip, a);
	}
	for (i = 0; i < n; i++) {
		a = ifaddr_find(ip, &nets[i].addr);
		if (a == NULL) {
			ifaddr_add(ip, &nets[i], ADDR_STATIC, now);
			continue;
		}
		a->plen = nets[i].plen;
		a->origin = ADDR_STATIC;
	}
	ip_rebuild_routes(ip);
	return true;
}

static void
add_links(const struct ip *ip, struct routes *t)
{
	const struct ifaddr *a;
	const struct route *r;
	struct route link = {.origin = ROUTE_LINK};

	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a)) {
		if (a->state == ADDR_DUPLICATE)
			continue;
		link.plen = a->plen;
		link.dst = ipaddr_masked(&a->addr, a->plen);
		r = route_find(t, &link.dst);
		if (r == NULL || r->plen != link.plen)
			route_add(t, &link);
	}
}

/* A gateway is a station on our link. */
static bool
gateway_near(const struct ip *ip, const struct routes *t, const struct route *r)
{
	const struct route *hop;

	if (route_on_link(r))
		return true;
	hop = route_find(t, &r->gateway);
	return hop != NULL && route_on_link(hop) &&
	       ifaddr_find(ip, &r->gateway) == NULL;
}

bool
ip_set_routes(struct ip *ip, const struct route *r, unsigned n)
{
	struct routes t = {.n = 0}, conf = {.n = 0};
	unsigned i;

	add_links(ip, &t);
	for (i = 0; i < n; i++) {
		if (!route_add(&conf, &r[i]) || !route_add(&t, &r[i]))
			return false;
	}
	for (i = 0; i < n; i++) {
		if (!gateway_near(ip, &t, &r[i]))
			return false;
	}
	ip->configured = conf;
	ip_rebuild_routes(ip);
	return true;
}

void
ip_rebuild_routes(struct ip *ip)
{
	struct routes *t = &ip->routes;
	unsigned i;

	t->n = 0;
	add_links(ip, t);
	for (i = 0; i < ip->configured.n; i++) {
		if (route_on_link(&ip->configured.r[i]))
			route_add(t, &ip->configured.r[i]);
	}
	/* A gateway's link may have gone with an address. */
	for (i = 0; i < ip->configured.n; i++) {
		if (!route_on_link(&ip->configured.r[i]) &&
		    gateway_near(ip, t, &ip->configured.r[i]))
			route_add(t, &ip->configured.r[i]);
	}
	ip->changes++;
}

static bool
is_group4(const struct ip *ip, const struct ipaddr *addr)
{
	uint32_t v4 = ipaddr_to_v4(addr), host;
	const struct ifaddr *a;

	/* Multicast, reserved (RFC 1112 4) and limited broadcast. */
	if (v4 >= 0xe0000000)
		return true;
	/* "This" network (RFC 1122 3.2.1.3) and the host's own loop. */
	if (v4 >> 24 == 0 || v4 >> 24 == 127)
		return true;
	/* The broadcast addresses of our links, new and old; /31 and /32 have
	 * none (RFC 3021). */
	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a)) {
		if (a->plen < 96 || a->plen >= 127 ||
		    !ipaddr_in(addr, &a->addr, a->plen))
			continue;
		host = UINT32_MAX >> (a->plen - 96);
		if ((v4 & host) == host || (v4 & host) == 0)
			return true;
	}
	return false;
}

bool
ip_is_group(const struct ip *ip, const struct ipaddr *addr)
{
	static const struct ipaddr loop = {{[15] = 1}};

	if (ipaddr_is_v4(addr))
		return is_group4(ip, addr);
	return ipaddr_is_multicast(addr) || ipaddr_is_any(addr) ||
	       ipaddr_eq(addr, &loop);
}

bool
ip_is_ours(const struct ip *ip, const struct ipaddr *addr)
{
	const struct ifaddr *a = ifaddr_find(ip, addr);

	return a != NULL && ifaddr_usable(a);
}

/* ---- out ---- */

enum ip_way
ip_way(
    struct ip *ip, const struct ipaddr *dst, mono_t now, struct neigh **neigh)
{
	const struct route *r;

	if (ip_is_ours(ip, dst))
		return IP_WAY_LOOP;
	r = ip_is_group(ip, dst) ? NULL : route_find(&ip->routes, dst);
	if (r == NULL)
		return IP_WAY_NONE;
	*neigh = neigh_use(ip, route_on_link(r) ? dst : &r->gateway, now);
	return neigh_usable(*neigh) ? IP_WAY_FRAME : IP_WAY_RESOLVE;
}

void
ip_queue_out(struct ip *ip, struct buf *b)
{
	if (ip->out.n >= IP_OUT_FRAMES) {
		drop_count(ip->drops, DROP_IP_OUT_QUEUE);
		buf_unref(b);
		return;
	}
	pktq_put(&ip->out, b);
}

void
ip_queue_loop(struct ip *ip, struct buf *b)
{
	if (ip->loop.bytes + b->cap > IP_LOOP_BYTES) {
		drop_count(ip->drops, DROP_IP_LOOP_QUEUE);
		buf_unref(b);
		return;
	}
	pktq_put(&ip->loop, b);
}

struct buf *
ip_packet(struct ip *ip, const struct ip_hdr_out *h)
{
	struct buf *b = pkt_new(ip->bufs, (size_t)IP_HEADS + h->len);

	if (b == NULL) {
		drop_count(ip->drops, DROP_IP_NO_MEMORY);
		return NULL;
	}
	ip_write_heads(ip, pkt_frame(b), NULL, h);
	return b;
}

void
ip_send(struct ip *ip, struct buf *b, const struct ipaddr *dst, mono_t now)
{
	struct neigh *n;

	switch (ip_way(ip, dst, now, &n)) {
	case IP_WAY_NONE:
		drop_count(ip->drops, DROP_IP_NO_ROUTE);
		buf_unref(b);
		break;
	case IP_WAY_LOOP:
		ip_queue_loop(ip, b);
		break;
	case IP_WAY_FRAME:
		memcpy(pkt_frame(b), n->mac, sizeof n->mac);
		ip_queue_out(ip, b);
		break;
	case IP_WAY_RESOLVE:
		neigh_hold(ip, n, b);
		break;
	}
}

bool
ip_expire(struct ip *ip, mono_t now, struct neigh_failure *out)
{
	struct timer *t;

	while ((t = timerq_pop(&ip->timers, now)) != NULL) {
		if (t->tag == IP_TIMER_ADDR)
			ifaddr_expire(ip, ifaddr_of(t), now);
		else if (neigh_expire(ip, t, now, out))
			return true;
	}
	return false;
}
