/* SPDX-License-Identifier: ISC */
/*
 * The layer: creation, the connection table (a hash table keyed by SipHash,
 * so a peer cannot aim at one chain; it grows with what it holds), the queue
 * of segments that belong to no connection, deadlines and censuses.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tcp/internal.h"

#define TABLE_MIN  256
#define TXSEGS_MIN 1024

/* ---- the connection table ---- */

static size_t
slot_of(const struct tcp *t, const struct tuple *id)
{
	return siphash(&t->key_table, id, sizeof *id) & (t->conns.nslots - 1);
}

struct tcp_node *
conn_find(const struct tcp *t, const struct tuple *id)
{
	struct tcp_node *n = t->conns.slots[slot_of(t, id)];

	while (n != NULL && memcmp(&n->id, id, sizeof *id) != 0)
		n = n->hash_next;
	return n;
}

static void
table_link(struct tcp *t, struct tcp_node *n)
{
	size_t slot = slot_of(t, &n->id);

	n->hash_next = t->conns.slots[slot];
	t->conns.slots[slot] = n;
}

/* Doubles; when memory is out the chains just get longer. */
static void
table_grow(struct tcp *t)
{
	struct tcp_node **old = t->conns.slots, *n, *next;
	size_t i, nold = t->conns.nslots;
	struct tcp_node **slots = calloc(nold * 2, sizeof *slots);

	if (slots == NULL)
		return;
	t->conns.slots = slots;
	t->conns.nslots = nold * 2;
	for (i = 0; i < nold; i++) {
		for (n = old[i]; n != NULL; n = next) {
			next = n->hash_next;
			table_link(t, n);
		}
	}
	free(old);
}

bool
conn_table_full(const struct tcp *t)
{
	return t->cfg.max_conns != 0 && t->conns.count >= t->cfg.max_conns;
}

bool
conn_insert(struct tcp *t, struct tcp_node *n)
{
	CHECK(!n->hashed);
	if (conn_table_full(t))
		return false;
	if (t->conns.count >= t->conns.nslots)
		table_grow(t);
	table_link(t, n);
	n->hashed = true;
	t->conns.count++;
	return true;
}

void
conn_remove(struct tcp *t, struct tcp_node *n)
{
	struct tcp_node **at;

	if (!n->hashed)
		return;
	at = &t->conns.slots[slot_of(t, &n->id)];
	while (*at != n)
		at = &(*at)->hash_next;
	*at = n->hash_next;
	n->hashed = false;
	t->conns.count--;
	bind_port_freed(t, &n->id);
}

struct tcp_peers *
conn_peers(struct tcp *t, const struct ipaddr *addr)
{
	return &t->peers[siphash(&t->key_table, addr, sizeof *addr) %
			 TCP_PEERS];
}

/* ---- numbers that must not be guessed ---- */

/* RFC 6528: a clock of 4 us ticks (MUST-8) and a hash (SHLD-1) whose key nobody
 * knows (MUST-9). */
seq_t
tcp_isn(const struct tcp *t, const struct tuple *id, mono_t now)
{
	uint64_t h = siphash(&t->key_isn, id, sizeof *id);

	return SEQ((uint32_t)h + (uint32_t)(now.us >> 2));
}

/* RFC 7323 5.4: millisecond ticks from an offset of the connection's own, the
 * same for each connection between two addresses. */
uint32_t
tcp_ts_offset(const struct tcp *t, const struct tuple *id)
{
	return (uint32_t)siphash(&t->key_ts, id, 2 * sizeof(struct ipaddr));
}

uint32_t
tcp_ts_now(mono_t now, uint32_t ts_off)
{
	return (uint32_t)(now.us / 1000) + ts_off;
}

/* ---- segments that belong to no connection ---- */

void
tcp_ctl_send(struct tcp *t, const struct tuple *id, const struct wire_tcp *h,
    uint8_t tos, uint8_t ttl, const struct signer *by)
{
	struct tcp_ctl *c;

	if (t->ctl_n == TCP_CTL_QUEUE) {
		drop_count(t->cfg.drops, DROP_TCP_CTL_QUEUE);
		return;
	}
	c = &t->ctl[(t->ctl_head + t->ctl_n++) % TCP_CTL_QUEUE];
	c->id = *id;
	c->h = *h;
	c->h.sport = id->lport;
	c->h.dport = id->rport;
	c->tos = tos;
	c->ttl = ttl;
	md5_sign_ctl(t, by, id, &c->h);
}

/* RFC 9293 3.10.7.1: the answer to a segment that nothing here knows. */
void
tcp_send_rst_for(struct tcp *t, struct seg *s)
{
	struct wire_tcp h = {.flags = TH_RST};

	if (s->h.flags & TH_RST || !md5_may_reset(t, s))
		return;
	if (s->h.flags & TH_ACK) {
		h.seq = s->ack.v;
	} else {
		h.flags |= TH_ACK;
		h.ack =
		    s->seq.v + s->len + s->fin + ((s->h.flags & TH_SYN) != 0);
	}
	t->st.out_rsts++;
	tcp_ctl_send(t, &s->id, &h, 0, 0, &s->by);
}

static bool
ctl_output(struct tcp *t, struct tcp_out *out)
{
	struct tcp_ctl *c;

	if (t->ctl_n == 0)
		return false;
	c = &t->ctl[t->ctl_head];
	t->ctl_head = (t->ctl_head + 1) % TCP_CTL_QUEUE;
	t->ctl_n--;
	out->src = c->id.laddr;
	out->dst = c->id.raddr;
	out->tos = c->tos;
	out->ttl = c->ttl;
	out->gso_size = 0;
	out->payload_len = 0;
	out->nspans = 0;
	out->hdr_len = (uint8_t)wire_tcp_emit(&c->h, out->hdr);
	return true;
}

/* MUST-58, MUST-59: asked after a burst of input, a connection has one ACK for
 * all of it. */
bool
tcp_output(struct tcp *t, struct tcp_out *out, mono_t now)
{
	struct tcb *p;

	if (ctl_output(t, out)) {
		t->st.out_segs++;
		return true;
	}
	while ((p = TAILQ_FIRST(&t->ready)) != NULL) {
		TAILQ_REMOVE(&t->ready, p, ready_link);
		p->on_ready = false;
		if (!pcb_output(p, out, now))
			continue;
		/* One segment each, in turn. */
		pcb_ready(p);
		t->st.out_segs++;
		return true;
	}
	timerq_turn(&t->timers, now);
	t->turned = now;
	return false;
}

/* ---- deadlines ---- */

mono_t
tcp_deadline(const struct tcp *t)
{
	return mono_min(timerq_deadline(&t->timers), tw_deadline(t));
}

void
tcp_expire(struct tcp *t, mono_t now)
{
	struct timer *tm;
	struct tcb *p;

	t->turned = now;
	t->turn++;
	tw_expire(t, now);
	rest_expire(t, now);
	while ((tm = timerq_pop(&t->timers, now)) != NULL) {
		/* Both owners have it behind their node. */
		struct tcp_node *n = (void *)((char *)tm - sizeof *n);

		if (n->kind == NODE_HALF)
			half_timeout(t, (struct tcp_half *)n, now);
		else if ((p = pcb_awake((struct tcp_pcb *)n)) != NULL)
			pcb_timeout(p, now);
		else
			timerq_set(
			    &t->timers, tm, mono_add(now, TCP_RTO_INITIAL_US));
	}
}

/* ---- birth and death ---- */

static void
derive_keys(struct tcp *t)
{
	struct siphash_key *keys[] = {&t->key_table, &t->key_isn, &t->key_port,
	    &t->key_ts, &t->key_cookie};
	size_t i;

	for (i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		keys[i]->k0 = rng_u64(&t->rng);
		keys[i]->k1 = rng_u64(&t->rng);
	}
}

/* The records of what is out take an eighth of what the buffers may. */
static size_t
txsegs_limit(const struct bufpool *bufs)
{
	size_t n = bufpool_limit(bufs) / 8 / sizeof(struct txseg);

	return n > TXSEGS_MIN ? n : TXSEGS_MIN;
}

struct tcp *
tcp_new(const struct tcp_config *cfg, mono_t now)
{
	const struct tcp_cc_ops *cc = tcp_cc_find(cfg->congestion);
	struct tcp *t;

	if (cc == NULL || (t = calloc(1, sizeof *t)) == NULL)
		return NULL;
	t->cfg = *cfg;
	t->cfg.congestion = cc->name;
	if (cfg->rest_us == 0)
		t->cfg.rest_us = TCP_REST_US;
	t->cc = cc;
	t->conns.nslots = TABLE_MIN;
	t->conns.slots = calloc(TABLE_MIN, sizeof *t->conns.slots);
	t->ctl = calloc(TCP_CTL_QUEUE, sizeof *t->ctl);
	if (t->conns.slots == NULL || t->ctl == NULL) {
		free(t->conns.slots);
		free(t->ctl);
		free(t);
		return NULL;
	}
	rng_init(&t->rng, cfg->seed[0], cfg->seed[1]);
	derive_keys(t);
	timerq_init(&t->timers);
	RB_INIT(&t->binds);
	TAILQ_INIT(&t->awake);
	for (size_t i = 0; i < TCP_PEERS; i++)
		LIST_INIT(&t->peers[i]);
	TAILQ_INIT(&t->ready);
	TAILQ_INIT(&t->ooos);
	TAILQ_INIT(&t->events);
	slab_init(&t->pcbs, sizeof(struct tcp_pcb), cfg->max_conns);
	slab_init(&t->tcbs, sizeof(struct tcb), 0);
	slab_init(&t->halves, sizeof(struct tcp_half), cfg->max_conns);
	tw_init(t, now);
	fastopen_init(t, now);
	md5_init(t);
	slab_init(&t->txsegs, sizeof(struct txseg), txsegs_limit(cfg->bufs));
	slab_init(&t->rxsegs, sizeof(struct rxseg), 0);
	slab_init(&t->bindslab, sizeof(struct tcp_bind), 0);
	return t;
}

int
tcp_set_defaults(
    struct tcp *t, const char *congestion, const struct tcp_bufs *size)
{
	const struct tcp_cc_ops *cc = tcp_cc_find(congestion);

	if (cc == NULL)
		return -ENOENT;
	t->cfg.congestion = cc->name;
	t->cc = cc;
	t->cfg.size = *size;
	return 0;
}

void
tcp_set_pacing(struct tcp *t, bool on)
{
	t->cfg.pacing = on;
}

void
tcp_set_syncookies(struct tcp *t, enum tcp_cookies mode)
{
	t->cfg.syncookies = mode;
}

void
tcp_set_mtu_probing(struct tcp *t, enum tcp_mtu_probing mode)
{
	t->cfg.mtu_probing = mode;
}

void
tcp_set_ecn(struct tcp *t, enum tcp_ecn_policy policy)
{
	t->cfg.ecn = policy;
}

void
tcp_set_options(struct tcp *t, bool no_timestamps, bool no_sack, bool no_wscale)
{
	t->cfg.no_timestamps = no_timestamps;
	t->cfg.no_sack = no_sack;
	t->cfg.no_wscale = no_wscale;
}

void
tcp_set_accecn(struct tcp *t, enum tcp_accecn_option option, bool ect_all)
{
	t->cfg.accecn_option = option;
	t->cfg.ect_all = ect_all;
}

void
tcp_set_fast_path(struct tcp *t, bool on)
{
	t->cfg.no_fast_path = !on;
}

void
tcp_set_syn_linear(struct tcp *t, uint8_t n)
{
	t->cfg.syn_linear = n;
}

void
tcp_set_min_tso_segs(struct tcp *t, uint8_t n)
{
	t->cfg.min_tso_segs = n;
}

void
tcp_free(struct tcp *t)
{
	struct tcp_pcb *h;
	struct tcb *p;
	struct tcp_bind *b;

	if (t == NULL)
		return;
	if (t->delivered != NULL)
		pcb_free(t->delivered);
	t->delivered = NULL;
	for (size_t i = 0; i < TCP_PEERS; i++) {
		while ((h = LIST_FIRST(&t->peers[i])) != NULL) {
			CHECK((p = pcb_awake(h)) != NULL);
			pcb_free(p);
		}
	}
	tw_done(t);
	while ((b = RB_MIN(bindtree, &t->binds)) != NULL) {
		b->listening = false;
		while (!TAILQ_EMPTY(&b->halves))
			half_free(t, TAILQ_FIRST(&b->halves));
		b->refs = 1;
		bind_unref(b);
	}
	timerq_done(&t->timers);
	slab_done(&t->pcbs);
	slab_done(&t->tcbs);
	slab_done(&t->halves);
	slab_done(&t->txsegs);
	slab_done(&t->rxsegs);
	slab_done(&t->bindslab);
	md5_done(t);
	free(t->conns.slots);
	free(t->ctl);
	free(t);
}

/* ---- censuses ---- */

struct census {
	void (*fn)(void *arg, const struct tcp_entry *e);
	void *arg;
};

static void
census_tw(void *arg, const struct tcp_tw *w, mono_t expires)
{
	const struct census *c = arg;

	c->fn(c->arg, &(struct tcp_entry){.id = w->node.id,
			  .state = TCPS_TIME_WAIT,
			  .deadline = expires});
}

void
tcp_foreach(const struct tcp *t,
    void (*fn)(void *arg, const struct tcp_entry *e), void *arg)
{
	struct tcp_pcb *p;
	struct tcp_bind *b;
	struct tcp_half *h;
	struct census c = {fn, arg};

	for (size_t i = 0; i < TCP_PEERS; i++) {
		LIST_FOREACH (p, &t->peers[i], peer_link)
			fn(arg, &(struct tcp_entry){.id = p->node.id,
				    .state = tcp_pcb_state(p),
				    .pcb = p,
				    .deadline = p->timer.when});
	}
	RB_FOREACH (b, bindtree, (struct bindtree *)&t->binds) {
		TAILQ_FOREACH (h, &b->halves, link) {
			fn(arg, &(struct tcp_entry){.id = h->node.id,
				    .state = TCPS_SYN_RECEIVED,
				    .listener = b,
				    .deadline = h->timer.when});
		}
	}
	tw_foreach(t, census_tw, &c);
}

void
tcp_foreach_bind(
    const struct tcp *t, void (*fn)(void *arg, struct tcp_bind *b), void *arg)
{
	struct tcp_bind *b, *next;

	RB_FOREACH_SAFE(b, bindtree, (struct bindtree *)&t->binds, next)
	{
		if (!b->released)
			fn(arg, b);
	}
}

void
tcp_stats(const struct tcp *t, struct tcp_stats *out)
{
	*out = t->st;
	out->conns = t->pcbs.used;
	out->half_open = t->halves.used;
	out->time_wait = t->tw.live;
	out->time_wait_bytes = tw_bytes(t);
	out->resting = t->resting;
	out->binds = t->bindslab.used;
	out->orphans = t->orphans;
}

struct tw_census {
	size_t n, bound;
	mono_t now;
	int64_t longest; /* us that one may last */
};

static void
check_tw(void *arg, const struct tcp_tw *w, mono_t expires)
{
	struct tw_census *c = arg;

	CHECK(mono_diff(expires, c->now) <= c->longest);
	c->n++;
	c->bound += w->node.tw_bound;
}

void
tcp_check(const struct tcp *t, mono_t now)
{
	struct tcb *p;
	struct tcp_bind *b;
	struct tw_census tw = {.now = now,
	    .longest = 2 * (int64_t)t->cfg.msl_us + 2 * t->tw.tick_us};
	size_t n = 0, orphans = 0, hashed = 0, bound = 0, fast = 0, pending = 0;
	size_t resting = 0;
	const struct tcp_pcb *h;
	struct tcb room;

	TAILQ_FOREACH (p, &t->awake, awake_link) {
		CHECK(p->h->b == p && !p->h->node.resting);
		pcb_check(p, now);
		n++;
		orphans += (p->flags & PF_ORPHAN) != 0;
		hashed += p->h->node.hashed;
		fast += p->fo.half != NULL;
	}
	CHECK(n == t->tcbs.used);
	for (size_t i = 0; i < TCP_PEERS; i++) {
		LIST_FOREACH (h, &t->peers[i], peer_link) {
			if (!h->node.resting)
				continue;
			CHECK(h->node.hashed);
			pcb_check(pcb_look(h, &room), now);
			resting++;
		}
	}
	CHECK(resting == t->resting);
	n += resting;
	hashed += resting;
	CHECK(n == t->pcbs.used);
	CHECK(orphans == t->orphans);
	tw_foreach(t, check_tw, &tw);
	CHECK(tw.n == t->tw.live);
	RB_FOREACH (b, bindtree, (struct bindtree *)&t->binds) {
		bound += b->tws;
		pending += b->fo.pending;
	}
	CHECK(tw.bound == bound);
	CHECK(fast == pending);
	CHECK(t->conns.count == hashed + tw.n + t->halves.used - fast);
}
