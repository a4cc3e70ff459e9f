/* SPDX-License-Identifier: ISC */
/*
 * ARP: questions, answers, and the defence of our address.
 *
 * Anyone on the link may say anything here, so: only well-formed packets of a
 * single sender count; a question for our address is answered whoever asks; an
 * entry is made only for stations of our own link that ask for us, and what is
 * learnt is judged in neigh_learn().
 *
 * RFC 5227: with ip->acd an address is probed for (2.1) before it is announced
 * (2.3).  When another station claims it we say once that it is ours; when that
 * is contradicted within ten seconds we give it up (2.4 (b)).  Without, the
 * configuration's word is enough: no probes, and the address is kept and
 * defended at most once in ten seconds (2.4 (c)).
 */
#include "ip/arp.h"

#include <string.h>
#include "ip/ip.h"
#include "wire/arp.h"
#include "wire/ether.h"

#define PROBE_WAIT_US	   1000000
#define PROBES		   3
#define PROBE_MIN_US	   1000000
#define PROBE_SPREAD_US	   1000000
#define ANNOUNCE_WAIT_US   2000000
#define ANNOUNCEMENTS	   2
#define ANNOUNCE_US	   2000000
#define DEFEND_INTERVAL_US 10000000

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* The packet a from our address spa. */
static void
send(struct ip *ip, const uint8_t *station, struct wire_arp *a)
{
	struct wire_ether eth = {.type = WIRE_ETHER_ARP, .vlan = ip->vlan};
	struct buf *b;
	uint8_t *p;

	b = pkt_new(ip->bufs,
	    (ip->vlan != 0 ? WIRE_ETHER_MAX : WIRE_ETHER_LEN) + WIRE_ARP_LEN);
	if (b == NULL) {
		drop_count(ip->drops, DROP_IP_NO_MEMORY);
		return;
	}
	memcpy(eth.dst, station != NULL ? station : broadcast, sizeof eth.dst);
	memcpy(eth.src, ip->mac, sizeof eth.src);
	memcpy(a->sha, ip->mac, sizeof a->sha);
	p = pkt_frame(b);
	p += wire_ether_emit(&eth, p);
	wire_arp_emit(a, p);
	ip_queue_out(ip, b);
}

void
arp_ask(struct ip *ip, uint32_t addr, const uint8_t *mac)
{
	struct wire_arp a = {.op = WIRE_ARP_REQUEST, .tpa = addr};
	struct ipaddr dst = ipaddr_v4(addr);
	const struct ifaddr *ours = ifaddr_source(ip, &dst);

	if (ours == NULL)
		return;
	a.spa = ipaddr_to_v4(&ours->addr);
	ip->arp_requests++;
	send(ip, mac, &a);
}

static void
announce_once(struct ip *ip, const struct ifaddr *a)
{
	uint32_t addr = ipaddr_to_v4(&a->addr);
	struct wire_arp p = {.op = WIRE_ARP_REQUEST, .spa = addr, .tpa = addr};

	send(ip, NULL, &p);
}

static void
probe(struct ip *ip, const struct ifaddr *a)
{
	struct wire_arp p = {
	    .op = WIRE_ARP_REQUEST, .tpa = ipaddr_to_v4(&a->addr)};

	send(ip, NULL, &p);
}

/* ---- the life of an address of ours ---- */

static void
announce(struct ip *ip, struct ifaddr *a, mono_t now)
{
	announce_once(ip, a);
	if (--a->announcements > 0)
		ifaddr_act_at(ip, a, mono_add(now, ANNOUNCE_US));
}

static void
ready(struct ip *ip, struct ifaddr *a, mono_t now)
{
	a->state = ADDR_PREFERRED;
	ip->changes++;
	a->announcements = ANNOUNCEMENTS;
	a->defended = mono_add(now, -DEFEND_INTERVAL_US);
	announce(ip, a, now);
}

void
arp_start(struct ip *ip, struct ifaddr *a, mono_t now)
{
	if (!ip->acd && a->origin != ADDR_DHCP) {
		ready(ip, a, now);
		return;
	}
	a->state = ADDR_TENTATIVE;
	ifaddr_act_at(ip, a, mono_add(now, rng_below(&ip->rng, PROBE_WAIT_US)));
}

void
arp_act(struct ip *ip, struct ifaddr *a, mono_t now)
{
	int64_t us = ANNOUNCE_WAIT_US;

	if (ifaddr_usable(a)) {
		announce(ip, a, now);
		return;
	}
	if (a->state != ADDR_TENTATIVE)
		return;
	if (a->probes == PROBES) {
		ready(ip, a, now);
		return;
	}
	probe(ip, a);
	if (++a->probes < PROBES)
		us = PROBE_MIN_US + rng_below(&ip->rng, PROBE_SPREAD_US);
	ifaddr_act_at(ip, a, mono_add(now, us));
}

static void
give_up(struct ip *ip, struct ifaddr *a, mono_t now)
{
	if (a->origin == ADDR_DHCP) {
		dhcp4_conflict(ip, now);
		return;
	}
	a->state = ADDR_DUPLICATE;
	ifaddr_act_at(ip, a, MONO_NEVER);
	ip->changes++;
	ip_rebuild_routes(ip);
}

/* Another station claims a. */
static void
claimed(struct ip *ip, struct ifaddr *a, mono_t now)
{
	drop_count(ip->drops, DROP_ARP_CONFLICT);
	if (!ifaddr_usable(a)) {
		if (a->state == ADDR_TENTATIVE)
			give_up(ip, a, now);
		return;
	}
	if (mono_diff(now, a->defended) < DEFEND_INTERVAL_US) {
		if (ip->acd || a->origin == ADDR_DHCP)
			give_up(ip, a, now);
		return;
	}
	a->defended = now;
	announce_once(ip, a);
}

void
arp_input(struct ip *ip, const uint8_t *p, size_t len, bool to_us, mono_t now)
{
	static const uint8_t nobody[6];
	struct wire_arp a, answer;
	struct ipaddr sender, target;
	struct ifaddr *ours;
	enum neigh_hint hint = NEIGH_OVERHEARD;
	int why = wire_arp_parse(p, len, &a);

	if (why == DROP_NONE && memcmp(a.sha, nobody, sizeof nobody) == 0)
		why = DROP_ARP_MALFORMED;
	if (why != DROP_NONE) {
		drop_count(ip->drops, why);
		return;
	}
	if (memcmp(a.sha, ip->mac, sizeof a.sha) == 0)
		return; /* our own, come back */
	sender = ipaddr_v4(a.spa);
	target = ipaddr_v4(a.tpa);
	ours = ifaddr_find(ip, &sender);
	/* RFC 5227 2.1.1: somebody else's probe is a claim too. */
	if (ours == NULL && a.spa == 0 && a.op == WIRE_ARP_REQUEST) {
		ours = ifaddr_find(ip, &target);
		if (ours != NULL && ours->state != ADDR_TENTATIVE)
			ours = NULL;
	}
	if (ours != NULL) {
		claimed(ip, ours, now);
		return;
	}
	if (!ip_is_ours(ip, &target)) {
		/* Between others: good for what is known already. */
	} else if (a.op == WIRE_ARP_REQUEST) {
		answer = (struct wire_arp){
		    .op = WIRE_ARP_REPLY, .spa = a.tpa, .tpa = a.spa};
		memcpy(answer.tha, a.sha, sizeof answer.tha);
		send(ip, a.sha, &answer);
		hint = NEIGH_ASKED_US;
	} else if (to_us) {
		hint = NEIGH_ANSWERED;
	}
	if (ip_on_link(ip, &sender))
		neigh_learn(ip, &sender, a.sha, hint, now);
}
