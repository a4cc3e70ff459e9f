/* SPDX-License-Identifier: ISC */
/*
 * ARP: questions, answers, and the defence of our address.
 *
 * Anyone on the link may say anything here, so: only well-formed packets of a
 * single sender count; a question for our address is answered whoever asks; an
 * entry is made only for stations of our own link that ask for us, and what is
 * learnt is judged in neigh_learn().
 *
 * RFC 5227: the address is announced at the start (2.3; the configuration gave
 * it to us, so it is not probed for first).  When another station claims it we
 * keep it and say so at most once in ten seconds (2.4 (c)).
 */
#include "ip/arp.h"

#include <string.h>
#include "ip/ip.h"
#include "wire/arp.h"
#include "wire/ether.h"

#define ANNOUNCEMENTS	   2
#define ANNOUNCE_US	   2000000
#define DEFEND_INTERVAL_US 10000000

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* The packet a from our address spa. */
static void
send(struct ip *ip, const uint8_t *station, struct wire_arp *a)
{
	struct wire_ether eth = {.type = WIRE_ETHER_ARP};
	struct buf *b;
	uint8_t *p;

	b = pkt_new(ip->bufs, WIRE_ETHER_LEN + WIRE_ARP_LEN);
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

void
arp_announce(struct ip *ip, struct ifaddr *a, mono_t now)
{
	announce_once(ip, a);
	if (--a->announcements > 0)
		ifaddr_act_at(ip, a, mono_add(now, ANNOUNCE_US));
}

void
arp_start_announcing(struct ip *ip, struct ifaddr *a, mono_t now)
{
	a->announcements = ANNOUNCEMENTS;
	a->defended = mono_add(now, -DEFEND_INTERVAL_US);
	arp_announce(ip, a, now);
}

static void
defend(struct ip *ip, struct ifaddr *a, mono_t now)
{
	drop_count(ip->drops, DROP_ARP_CONFLICT);
	if (mono_diff(now, a->defended) < DEFEND_INTERVAL_US)
		return;
	a->defended = now;
	announce_once(ip, a);
}

void
arp_input(struct ip *ip, const uint8_t *p, size_t len, bool to_us, mono_t now)
{
	static const uint8_t nobody[6];
	struct wire_arp a, answer;
	struct ipaddr sender, target;
	struct ifaddr *claimed;
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
	claimed = ifaddr_find(ip, &sender);
	if (claimed != NULL) {
		defend(ip, claimed, now);
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
