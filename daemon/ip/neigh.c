/* SPDX-License-Identifier: ISC */
/*
 * The neighbour cache and its unreachability detection: the state machine of
 * RFC 4861 7.3, applied to ARP (RFC 826) too, with Linux's constants and names.
 *
 *	INCOMPLETE --answer--> REACHABLE --time--> STALE --use--> DELAY
 *	    |                      ^ answer or progress above       | 5 s
 *	    | 3 questions          +------------------------------PROBE
 *	    v                                     3 questions       |
 *	  FAILED <--------------------------------------------------+
 *
 * REACHABLE becomes STALE when it is looked at, and STALE and FAILED wait for
 * nothing, so an idle cache has no deadline (RFC 4861's timers run only while
 * somebody sends).
 *
 * Trust: anyone on the link can answer.  What is learnt without having been
 * asked for never makes an entry REACHABLE, and an address that was confirmed
 * moves at most once a second.  Memory: NEIGH_MAX entries made at the start;
 * when all are taken the longest unused goes, those first that never proved
 * to exist, so a scan through us cannot push out the gateway.  Frames that
 * wait are bounded per neighbour and over all of them.
 */
#include "ip/neigh.h"

#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "ip/arp.h"
#include "ip/ip.h"
#include "ip/nd.h"

static const char *const names[NEIGH_NSTATES] = {
    [NEIGH_FREE] = "NONE",
    [NEIGH_INCOMPLETE] = "INCOMPLETE",
    [NEIGH_REACHABLE] = "REACHABLE",
    [NEIGH_STALE] = "STALE",
    [NEIGH_DELAY] = "DELAY",
    [NEIGH_PROBE] = "PROBE",
    [NEIGH_FAILED] = "FAILED",
};

const char *
neigh_state_name(enum neigh_state s)
{
	return names[s];
}

bool
neigh_init(struct ip *ip)
{
	struct neigh_table *t = &ip->neigh;
	size_t i;

	*t = (struct neigh_table){0};
	TAILQ_INIT(&t->lru[0]);
	TAILQ_INIT(&t->lru[1]);
	LIST_INIT(&t->unused);
	t->key = (struct siphash_key){rng_u64(&ip->rng), rng_u64(&ip->rng)};
	t->queue_limit = bufpool_limit(ip->bufs) / 8;
	t->entries = calloc(NEIGH_MAX, sizeof t->entries[0]);
	t->hash = calloc(NEIGH_BUCKETS, sizeof t->hash[0]);
	if (t->entries == NULL || t->hash == NULL)
		return false;
	for (i = 0; i < NEIGH_MAX; i++) {
		if (!timerq_reserve(&ip->timers))
			return false;
	}
	return true;
}

void
neigh_done(struct ip *ip)
{
	struct neigh_table *t = &ip->neigh;
	size_t i;

	for (i = 0; i < t->touched; i++) {
		timerq_cancel(&ip->timers, &t->entries[i].timer.t);
		pktq_clear(&t->entries[i].queue);
	}
	free(t->entries);
	free(t->hash);
	*t = (struct neigh_table){0};
}

static struct neigh_list *
bucket(struct neigh_table *t, const struct ipaddr *addr)
{
	uint64_t h = siphash(&t->key, addr, sizeof *addr);

	return &t->hash[h & (NEIGH_BUCKETS - 1)];
}

static struct neigh *
find(struct neigh_table *t, const struct ipaddr *addr)
{
	struct neigh *n;

	if (t->last != NULL && ipaddr_eq(&t->last->addr, addr))
		return t->last;
	LIST_FOREACH (n, bucket(t, addr), hash) {
		if (ipaddr_eq(&n->addr, addr))
			return t->last = n;
	}
	return NULL;
}

/* Takes the frames that wait out of n's queue. */
static struct pktq
take_queue(struct neigh_table *t, struct neigh *n)
{
	struct pktq q = n->queue;

	t->queue_bytes -= q.bytes;
	n->queue = (struct pktq){0};
	return q;
}

static void
evict(struct ip *ip, struct neigh *n)
{
	struct neigh_table *t = &ip->neigh;
	struct pktq q = take_queue(t, n);

	ip->drops->count[DROP_IP_NEIGH_QUEUE] += q.n;
	pktq_clear(&q);
	timerq_cancel(&ip->timers, &n->timer.t);
	TAILQ_REMOVE(&t->lru[n->proven], n, lru);
	LIST_REMOVE(n, hash);
	if (t->last == n)
		t->last = NULL;
	n->state = NEIGH_FREE;
	LIST_INSERT_HEAD(&t->unused, n, hash);
	t->n--;
}

static struct neigh *
take_unused(struct ip *ip)
{
	struct neigh_table *t = &ip->neigh;
	struct neigh *n;

	if (LIST_EMPTY(&t->unused) && t->touched < NEIGH_MAX)
		return &t->entries[t->touched++];
	if (LIST_EMPTY(&t->unused)) {
		n = TAILQ_FIRST(&t->lru[0]);
		evict(ip, n != NULL ? n : TAILQ_FIRST(&t->lru[1]));
	}
	n = LIST_FIRST(&t->unused);
	LIST_REMOVE(n, hash);
	return n;
}

static struct neigh *
create(struct ip *ip, const struct ipaddr *addr, enum neigh_state state,
    mono_t now)
{
	struct neigh_table *t = &ip->neigh;
	struct neigh *n = take_unused(ip);

	*n = (struct neigh){
	    .addr = *addr, .state = state, .updated = now, .confirmed = now};
	TAILQ_INSERT_TAIL(&t->lru[0], n, lru);
	LIST_INSERT_HEAD(bucket(t, addr), n, hash);
	t->n++;
	return t->last = n;
}

/* The longest unused stands first. */
static void
touch(struct neigh_table *t, struct neigh *n)
{
	TAILQ_REMOVE(&t->lru[n->proven], n, lru);
	TAILQ_INSERT_TAIL(&t->lru[n->proven], n, lru);
}

static void
enter(struct ip *ip, struct neigh *n, enum neigh_state state, mono_t deadline)
{
	n->state = state;
	n->probes = 0;
	timerq_set(&ip->timers, &n->timer.t, deadline);
}

/* Asks, everybody or only the station that had the address. */
static void
ask(struct ip *ip, struct neigh *n, mono_t now)
{
	const uint8_t *mac = n->state == NEIGH_PROBE ? n->mac : NULL;
	int64_t again_us = NEIGH_RETRANS_US;

	if (ipaddr_is_v4(&n->addr)) {
		arp_ask(ip, ipaddr_to_v4(&n->addr), mac);
	} else {
		nd_ask(ip, &n->addr, mac);
		again_us = ip->retrans_us;
	}
	n->probes++;
	timerq_set(&ip->timers, &n->timer.t, mono_add(now, again_us));
}

enum neigh_state
neigh_state_at(const struct neigh *n, mono_t now)
{
	if (n->state == NEIGH_REACHABLE &&
	    mono_diff(now, n->confirmed) > n->reachable_us)
		return NEIGH_STALE;
	return n->state;
}

struct neigh *
neigh_use(struct ip *ip, const struct ipaddr *addr, mono_t now)
{
	struct neigh *n = find(&ip->neigh, addr);

	if (n == NULL)
		n = create(ip, addr, NEIGH_FAILED, now);
	touch(&ip->neigh, n);
	switch (neigh_state_at(n, now)) {
	case NEIGH_FAILED:
		enter(ip, n, NEIGH_INCOMPLETE, MONO_NEVER);
		ask(ip, n, now);
		break;
	case NEIGH_STALE:
		enter(ip, n, NEIGH_DELAY, mono_add(now, NEIGH_DELAY_US));
		break;
	default:
		break;
	}
	return n;
}

void
neigh_hold(struct ip *ip, struct neigh *n, struct buf *b)
{
	struct neigh_table *t = &ip->neigh;

	CHECK(n->state == NEIGH_INCOMPLETE);
	if (n->queue.bytes + b->cap > NEIGH_QUEUE_BYTES ||
	    t->queue_bytes + b->cap > t->queue_limit) {
		drop_count(ip->drops, DROP_IP_NEIGH_QUEUE);
		buf_unref(b);
		return;
	}
	pktq_put(&n->queue, b);
	t->queue_bytes += b->cap;
}

/* n's address is known: everything that waited can go. */
static void
release(struct ip *ip, struct neigh *n)
{
	struct pktq q = take_queue(&ip->neigh, n);
	struct buf *b;

	for (b = q.head; b != NULL; b = b->next)
		memcpy(pkt_frame(b), n->mac, sizeof n->mac);
	pktq_join(&ip->out, &q);
}

/* RFC 4861 6.3.2: 0.5 to 1.5 times the base, which a router may set. */
static uint32_t
random_reachable(struct ip *ip, const struct neigh *n)
{
	uint32_t base = ipaddr_is_v4(&n->addr) ? NEIGH_REACHABLE_US
					       : (uint32_t)ip->reachable_us;

	return base / 2 + rng_below(&ip->rng, base);
}

void
neigh_confirm(struct ip *ip, struct neigh *n, mono_t now)
{
	struct neigh_table *t = &ip->neigh;

	if (!neigh_usable(n))
		return;
	if (!n->proven) {
		TAILQ_REMOVE(&t->lru[0], n, lru);
		n->proven = true;
		TAILQ_INSERT_TAIL(&t->lru[1], n, lru);
	}
	if (n->state != NEIGH_REACHABLE || n->reachable_us == 0)
		n->reachable_us = random_reachable(ip, n);
	n->confirmed = now;
	enter(ip, n, NEIGH_REACHABLE, MONO_NEVER);
}

void
neigh_doubt(struct ip *ip, struct neigh *n, mono_t now)
{
	if (n->state != NEIGH_REACHABLE && n->state != NEIGH_STALE &&
	    n->state != NEIGH_DELAY)
		return;
	enter(ip, n, NEIGH_PROBE, MONO_NEVER);
	ask(ip, n, now);
}

static void
set_mac(struct neigh *n, const uint8_t mac[6], mono_t now)
{
	memcpy(n->mac, mac, sizeof n->mac);
	n->updated = now;
}

void
neigh_learn(struct ip *ip, const struct ipaddr *addr, const uint8_t mac[6],
    enum neigh_hint hint, mono_t now)
{
	struct neigh *n = find(&ip->neigh, addr);
	bool awaited, moved;

	if (n == NULL) {
		/* He will want an answer (RFC 826, "Packet Reception"). */
		if (hint != NEIGH_ASKED_US)
			return;
		n = create(ip, addr, NEIGH_FAILED, now);
	}
	if (n->state == NEIGH_FAILED || n->state == NEIGH_INCOMPLETE) {
		awaited = n->state == NEIGH_INCOMPLETE;
		set_mac(n, mac, now);
		enter(ip, n, NEIGH_STALE, MONO_NEVER);
		if (awaited && hint == NEIGH_ANSWERED)
			neigh_confirm(ip, n, now);
		release(ip, n);
		return;
	}
	moved = memcmp(n->mac, mac, sizeof n->mac) != 0;
	awaited = n->state == NEIGH_PROBE && hint == NEIGH_ANSWERED;
	if (moved && !awaited && mono_diff(now, n->updated) < NEIGH_LOCK_US)
		return;
	if (moved) {
		set_mac(n, mac, now);
		enter(ip, n, NEIGH_STALE, MONO_NEVER);
	}
	if (awaited)
		neigh_confirm(ip, n, now);
}

/* RFC 4861 7.2.5, of an entry whose station is known. */
static void
readvertised(
    struct ip *ip, struct neigh *n, const struct neigh_advert *v, mono_t now)
{
	bool moved = v->mac != NULL && memcmp(n->mac, v->mac, 6) != 0;

	if (moved && !v->override) {
		if (n->state == NEIGH_REACHABLE)
			enter(ip, n, NEIGH_STALE, MONO_NEVER);
		return;
	}
	if (moved)
		set_mac(n, v->mac, now);
	if (v->solicited)
		neigh_confirm(ip, n, now);
	else if (moved)
		enter(ip, n, NEIGH_STALE, MONO_NEVER);
}

void
neigh_advertised(struct ip *ip, const struct ipaddr *addr,
    const struct neigh_advert *v, mono_t now)
{
	struct neigh *n = find(&ip->neigh, addr);

	if (n == NULL)
		return;
	if (neigh_usable(n)) {
		readvertised(ip, n, v, now);
	} else if (n->state == NEIGH_INCOMPLETE && v->mac != NULL) {
		set_mac(n, v->mac, now);
		enter(ip, n, NEIGH_STALE, MONO_NEVER);
		if (v->solicited)
			neigh_confirm(ip, n, now);
		release(ip, n);
	} else {
		return;
	}
	if (!v->router)
		ra_not_router(ip, addr);
}

static bool
fail(struct ip *ip, struct neigh *n, struct neigh_failure *out)
{
	enter(ip, n, NEIGH_FAILED, MONO_NEVER);
	out->addr = n->addr;
	out->undelivered = take_queue(&ip->neigh, n);
	ra_neigh_failed(ip, &n->addr);
	return true;
}

bool
neigh_expire(
    struct ip *ip, struct timer *timer, mono_t now, struct neigh_failure *out)
{
	struct neigh *n =
	    (struct neigh *)(void *)((uint8_t *)timer -
				     offsetof(struct neigh, timer));

	switch (n->state) {
	case NEIGH_DELAY:
		enter(ip, n, NEIGH_PROBE, MONO_NEVER);
		ask(ip, n, now);
		return false;
	case NEIGH_INCOMPLETE:
	case NEIGH_PROBE:
		if (n->probes >= NEIGH_PROBES)
			return fail(ip, n, out);
		ask(ip, n, now);
		return false;
	default:
		CHECK(!"a neighbour that waits for nothing has a timer");
		return false;
	}
}
