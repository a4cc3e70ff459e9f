/* SPDX-License-Identifier: ISC */
/*
 * The IPv4 layer's life and its way out: routes, next hops, headers, the
 * queues of what waits, and the one timer queue behind neighbours and
 * announcements.
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
#include "ip/arp.h"
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
	*ip = (struct ip){.mtu = cfg->mtu,
	    .addr = cfg->addr,
	    .mask = cfg->mask,
	    .bufs = cfg->bufs,
	    .drops = cfg->drops,
	    .echo = bucket_full(ICMP_ECHO_PER_S, ICMP_ECHO_BURST, now),
	    .errors = bucket_full(ICMP_ERRORS_PER_S, ICMP_ERRORS_BURST, now)};
	memcpy(ip->mac, cfg->mac, sizeof ip->mac);
	rng_init(&ip->rng, cfg->seed[0], cfg->seed[1]);
	timerq_init(&ip->timers);
	if (!timerq_reserve(&ip->timers) || !neigh_init(ip) ||
	    !ip_set_routes(ip, NULL, 0))
		return false;
	arp_start_announcing(ip, now);
	return true;
}

void
ip_done(struct ip *ip)
{
	pktq_clear(&ip->out);
	pktq_clear(&ip->loop);
	timerq_cancel(&ip->timers, &ip->announce);
	neigh_done(ip);
	timerq_done(&ip->timers);
}

bool
ip_set_routes(struct ip *ip, const struct route *r, unsigned n)
{
	struct routes t = {.n = 0};
	struct route link = {ip->addr & ip->mask, ip->mask, 0};
	const struct route *hop;
	unsigned i;

	if (!route_add(&t, &link))
		return false;
	for (i = 0; i < n; i++) {
		if (!route_add(&t, &r[i]))
			return false;
	}
	for (i = 0; i < t.n; i++) {
		if (t.r[i].gateway == 0)
			continue;
		/* A gateway is a station on our link. */
		hop = route_find(&t, t.r[i].gateway);
		if (hop == NULL || hop->gateway != 0 ||
		    t.r[i].gateway == ip->addr)
			return false;
	}
	ip->routes = t;
	return true;
}

bool
ip_is_group(const struct ip *ip, uint32_t addr)
{
	/* Multicast, reserved (RFC 1112 4) and limited broadcast. */
	if (addr >= 0xe0000000)
		return true;
	/* "This" network (RFC 1122 3.2.1.3) and the host's own loop. */
	if (addr >> 24 == 0 || addr >> 24 == 127)
		return true;
	/* The broadcast addresses of our link, new and old; /31 and /32 have
	 * none (RFC 3021). */
	if (ip->mask >= 0xfffffffe || ((addr ^ ip->addr) & ip->mask) != 0)
		return false;
	return (addr & ~ip->mask) == ~ip->mask || (addr & ~ip->mask) == 0;
}

enum ip_way
ip_way(struct ip *ip, uint32_t dst, mono_t now, struct neigh **neigh)
{
	const struct route *r;

	if (dst == ip->addr)
		return IP_WAY_LOOP;
	r = ip_is_group(ip, dst) ? NULL : route_find(&ip->routes, dst);
	if (r == NULL)
		return IP_WAY_NONE;
	*neigh = neigh_use(ip, r->gateway != 0 ? r->gateway : dst, now);
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
ip_send(struct ip *ip, struct buf *b, uint32_t dst, mono_t now)
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
		if (t == &ip->announce)
			arp_announce(ip, now);
		else if (neigh_expire(ip, t, now, out))
			return true;
	}
	return false;
}
