/* SPDX-License-Identifier: ISC */
/*
 * The IP layer's life and its way out: next hops, headers, the queues of what
 * waits, and the one timer queue behind all of ip/.
 *
 * Output is RFC 791 and RFC 1122 3.2.1 as a host does it today: DF is set (path
 * MTU discovery, RFC 1191), so a packet is atomic and its identification means
 * nothing (MAY-4, RFC 6864 4.1); it is zero, except in what the device will cut
 * up, which starts at a random number and counts up, and in datagrams whose
 * program wants them in pieces (frag.c).
 *
 * Both queues are bounded: out by the number of answers (frames that waited
 * for a neighbour are bounded there already), loop by bytes.
 */
#include "ip/ip.h"

#include <string.h>
#include "ip/icmp.h"
#include "ip/icmp6.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

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
	    .vlan = cfg->vlan,
	    .acd = cfg->acd,
	    .mtu6 = cfg->mtu,
	    .hop_limit6 = IP_TTL,
	    .bufs = cfg->bufs,
	    .drops = cfg->drops,
	    .accept_ra = cfg->accept_ra,
	    .dad_probes = cfg->dad_probes,
	    .stable = cfg->stable,
	    .retrans_us = NEIGH_RETRANS_US,
	    .reachable_us = NEIGH_REACHABLE_US,
	    .ra = {.timer.tag = IP_TIMER_RA, .solicit = MONO_NEVER},
	    .mld = {.timer.tag = IP_TIMER_MLD,
		.repeat = MONO_NEVER,
		.answer = MONO_NEVER},
	    .echo = bucket_full(ICMP_ECHO_PER_S, ICMP_ECHO_BURST, now),
	    .errors = bucket_full(ICMP_ERRORS_PER_S, ICMP_ERRORS_BURST, now)};
	memcpy(ip->mac, cfg->mac, sizeof ip->mac);
	rng_init(&ip->rng, cfg->seed[0], cfg->seed[1]);
	timerq_init(&ip->timers);
	for (i = 0; i < IP_ADDRS + 3; i++) { /* ra's, mld's and dhcp's too */
		if (!timerq_reserve(&ip->timers))
			return false;
	}
	if (!neigh_init(ip) || !reass_init(ip))
		return false;
	if (cfg->dhcp4)
		dhcp4_start(ip, now);
	return !cfg->ipv6 || ip_start_v6(ip, now);
}

void
ip_done(struct ip *ip)
{
	struct ifaddr *a;

	pktq_clear(&ip->out);
	pktq_clear(&ip->loop);
	for (a = ifaddr_next(ip, NULL); a != NULL; a = ifaddr_next(ip, a))
		timerq_cancel(&ip->timers, &a->timer.t);
	timerq_cancel(&ip->timers, &ip->ra.timer.t);
	timerq_cancel(&ip->timers, &ip->mld.timer.t);
	timerq_cancel(&ip->timers, &ip->dhcp.timer.t);
	neigh_done(ip);
	reass_done(ip);
	timerq_done(&ip->timers);
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
	if (ipaddr_is_v4(addr))
		return is_group4(ip, addr);
	return ipaddr_is_multicast(addr) || ipaddr_is_any(addr) ||
	       ipaddr_is_loopback(addr);
}

bool
ip_is_ours(const struct ip *ip, const struct ipaddr *addr)
{
	const struct ifaddr *a = ifaddr_find(ip, addr);

	return a != NULL && ifaddr_usable(a);
}

bool
ip_is_local(const struct ip *ip, const struct ipaddr *addr)
{
	return (ip->loopback && ipaddr_is_loopback(addr)) ||
	       ip_is_ours(ip, addr);
}

bool
ip_may_quote(
    const struct ip *ip, const struct ip_in *in, const struct ipaddr *addr)
{
	return in->looped ? ip_is_local(ip, addr) : ip_is_ours(ip, addr);
}

bool
ip_on_link(const struct ip *ip, const struct ipaddr *addr)
{
	const struct route *r = route_find(&ip->routes, addr);

	return r != NULL && route_on_link(r) && !ip_is_group(ip, addr);
}

uint16_t
ip_mtu(struct ip *ip, const struct ipaddr *dst, mono_t now)
{
	uint16_t path = pmtu_find(ip, dst, now);

	if (path != 0)
		return path;
	return ipaddr_is_v4(dst) ? ip->mtu : ip->mtu6;
}

uint8_t
ip_hop_limit(const struct ip *ip, const struct ipaddr *dst)
{
	return ipaddr_is_v4(dst) ? IP_TTL : ip->hop_limit6;
}

/* ---- out ---- */

void
ip_write_heads(const struct ip *ip, uint8_t *p, const uint8_t *dst_mac,
    const struct ip_hdr_out *h)
{
	struct wire_ether eth = {.type = WIRE_ETHER_IPV6, .vlan = ip->vlan};
	struct wire_ipv6 v6 = {.tclass = h->tos,
	    .flow = h->flow,
	    .payload_len = h->len,
	    .next = h->proto,
	    .hop_limit = h->ttl,
	    .src = h->src,
	    .dst = h->dst};
	struct wire_ipv4 v4 = {.tos = h->tos,
	    .id = h->id,
	    .df = !h->may_cut,
	    .mf = h->more,
	    .frag_off = h->at,
	    .ttl = h->ttl,
	    .proto = h->proto,
	    .total_len = (uint16_t)(WIRE_IPV4_HDR_MIN + h->len)};

	memcpy(eth.src, ip->mac, sizeof eth.src);
	if (dst_mac != NULL)
		memcpy(eth.dst, dst_mac, sizeof eth.dst);
	if (!ipaddr_is_v4(&h->dst)) {
		p += wire_ether_emit(&eth, p);
		wire_ipv6_emit(&v6, p);
		return;
	}
	eth.type = WIRE_ETHER_IPV4;
	v4.src = ipaddr_to_v4(&h->src);
	v4.dst = ipaddr_to_v4(&h->dst);
	p += wire_ether_emit(&eth, p);
	wire_ipv4_emit(&v4, p);
}

enum ip_way
ip_way(
    struct ip *ip, const struct ipaddr *dst, mono_t now, struct neigh **neigh)
{
	const struct route *r;

	if (ip_is_local(ip, dst))
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

bool
ip_loop_full(const struct ip *ip)
{
	return ip->loop.bytes + IP_LOOP_MTU + PKT_HEAD > IP_LOOP_BYTES;
}

struct buf *
ip_packet(struct ip *ip, const struct ip_hdr_out *h)
{
	struct buf *b = pkt_new(ip->bufs, ip_heads(ip, &h->dst) + h->len);

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

void
ip_send_to(
    struct ip *ip, struct buf *b, const struct ipaddr *dst, const uint8_t *mac)
{
	uint8_t group[6] = {0x33, 0x33}; /* RFC 2464 7 */

	memcpy(group + 2, dst->b + 12, 4);
	memcpy(pkt_frame(b), mac != NULL ? mac : group, sizeof group);
	ip_queue_out(ip, b);
}

void
ip_refuse_port(struct ip *ip, const struct ip_in *in, mono_t now)
{
	if (ipaddr_is_v4(&in->src))
		icmp_error(ip, in, WIRE_ICMP_UNREACH, WIRE_UNREACH_PORT, now);
	else
		icmp6_error(ip, in, WIRE_ICMP6_UNREACH, WIRE_UNREACH6_PORT, 0,
		    false, now);
}

bool
ip_expire(struct ip *ip, mono_t now, struct neigh_failure *out)
{
	struct timer *t;

	while ((t = timerq_pop(&ip->timers, now)) != NULL) {
		switch (((struct tagged_timer *)t)->tag) {
		case IP_TIMER_NEIGH:
			if (neigh_expire(ip, t, now, out))
				return true;
			break;
		case IP_TIMER_ADDR:
			ifaddr_expire(ip, ifaddr_of(t), now);
			break;
		case IP_TIMER_RA:
			ra_expire(ip, now);
			break;
		case IP_TIMER_MLD:
			mld_expire(ip, now);
			break;
		case IP_TIMER_REASS:
			reass_expire(ip, t, now);
			break;
		case IP_TIMER_DHCP4:
			dhcp4_expire(ip, now);
			break;
		}
	}
	return false;
}
