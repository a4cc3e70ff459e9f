/* SPDX-License-Identifier: ISC */
/*
 * Connections that rest.  Most of many connections are idle, and of one that
 * is, with nothing out and nothing unread, little of its control block says
 * anything: so after a while it is folded up, and unfolded by the next segment,
 * call or timer.
 *
 * Nothing is lost by that, and nobody has to know what there is to keep: what
 * is kept is how the block differs, byte for byte, from what it would be by a
 * few numbers of its own (expected()).  Only the lists, which are empty, and
 * what means something only while something is out are made anew.  The form:
 * for each word of 8 bytes that differs a byte that says which of its bytes do,
 * and their differences; else 0 and the number of such words, less one.
 *
 * Awake connections are looked at now and then, in the order of looked_at.
 */
#include <stdlib.h>
#include <string.h>
#include "tcp/internal.h"

#define WORDS (sizeof(struct tcb) / 8)
#define ROOM  (WORDS * 9)

_Static_assert(sizeof(struct tcb) % 8 == 0, "whole words");

struct tcp_rest {
	mono_t since; /* its last text came */
	seq_t snd_una, rcv_nxt;
	uint32_t ts_recent;
	uint8_t folded[];
};

/* What a connection at rest most likely is; p is zero. */
static void
expected(struct tcb *p, struct tcp_pcb *h, const struct tcp_rest *r)
{
	mono_t since = r->since;

	pcb_init(p, h, since);
	p->snd_una = p->snd_nxt = p->snd_wl2 = p->snd_sml = p->recover =
	    p->iss = r->snd_una;
	p->rack.fack = p->rack.end = p->rack.dsack_round = p->rate.window_end =
	    p->tlp.end = p->undo.marker = p->undo.fack = r->snd_una;
	p->rcv_nxt = p->rcv_adv = p->last_ack_sent = p->snd_wl1 = p->irs =
	    p->gap.nxt = p->tune.rtt_seq = r->rcv_nxt;
	p->ts_recent = p->gap.ts_recent = r->ts_recent;
	p->ts_recent_at = p->rack.xmit_at = p->rate.delivered_at = since;
	p->rate.first_tx = p->rate.since = p->rate.wait_at = since;
	p->rate.ack.now = p->tune.rtt_at = p->tune.since = since;
	p->deadline[TMR_KEEP] =
	    mono_add(since, (int64_t)TCP_KEEPIDLE_S * 1000000);
	p->state = TCPS_ESTABLISHED;
}

/* ---- folding ---- */

static size_t
fold(const struct tcb *p, const struct tcb *base, uint8_t *out)
{
	const uint8_t *a = (const uint8_t *)p, *b = (const uint8_t *)base;
	size_t n = 0, tag, i, k;

	for (i = 0; i < WORDS; i++, a += 8, b += 8) {
		if (memcmp(a, b, 8) == 0) {
			/* One more of a run, which ends at 256. */
			if (i > 0 && memcmp(a - 8, b - 8, 8) == 0 &&
			    out[n - 1] < UINT8_MAX) {
				out[n - 1]++;
				continue;
			}
			out[n++] = 0;
			out[n++] = 0;
			continue;
		}
		tag = n++;
		out[tag] = 0;
		for (k = 0; k < 8; k++) {
			if (a[k] == b[k])
				continue;
			out[tag] |= (uint8_t)(1u << k);
			out[n++] = a[k] ^ b[k];
		}
	}
	return n;
}

static void
unfold(struct tcb *p, const uint8_t *in)
{
	uint8_t *a = (uint8_t *)p;
	size_t i, k;

	for (i = 0; i < WORDS; i++, a += 8) {
		uint8_t tag = *in++;

		if (tag == 0) {
			i += *in;
			a += (size_t)*in++ * 8;
			continue;
		}
		for (k = 0; k < 8; k++)
			if (tag & 1u << k)
				a[k] ^= *in++;
	}
	CHECK(i == WORDS);
}

static void
lists(struct tcb *p)
{
	scoreboard_init(p);
	STAILQ_INIT(&p->rcvq);
	RB_INIT(&p->ooo);
}

static void
remake(struct tcb *p, struct tcp_pcb *h, const struct tcp_rest *r)
{
	memset(p, 0, sizeof *p);
	expected(p, h, r);
	unfold(p, r->folded);
	lists(p);
}

/* ---- going to rest ---- */

static bool
idle(const struct tcb *p, mono_t now)
{
	mono_t last = mono_max(mono_max(p->last_rcv, p->last_snd), p->last_ack);
	int i;

	if (p->state != TCPS_ESTABLISHED && p->state != TCPS_CLOSE_WAIT &&
	    p->state != TCPS_FIN_WAIT_2)
		return false;
	if (mono_diff(now, last) < p->t->cfg.rest_us || p->on_ready ||
	    p->on_events || p->events != 0 || !p->h->node.hashed ||
	    p->fo.half != NULL)
		return false;
	if (p->sq.bytes > 0 || !TAILQ_EMPTY(&p->tx) || p->rcv_bytes > 0 ||
	    p->ooo_segs > 0 || p->flags & (PF_ORPHAN | PF_FINISHED))
		return false;
	for (i = 0; i < TMR_N; i++)
		if (i != TMR_KEEP && timer_on(p, i))
			return false;
	return true;
}

/* What an idle connection can do without. */
static void
tidy(struct tcb *p)
{
	sendq_free(p);
	memset(&p->tx, 0, sizeof p->tx);
	memset(&p->flying, 0, sizeof p->flying);
	memset(&p->lost, 0, sizeof p->lost);
	memset(&p->rcvq, 0, sizeof p->rcvq);
	memset(&p->ready_link, 0, sizeof p->ready_link);
	memset(&p->event_link, 0, sizeof p->event_link);
	memset(&p->ooo_link, 0, sizeof p->ooo_link);
	memset(&p->awake_link, 0, sizeof p->awake_link);
	p->looked_at = (mono_t){0};
	p->turn_hint = NULL;
	memset(&p->rate.ack, 0, sizeof p->rate.ack);
	p->rate.ack.now = p->last_rcv;
}

/* false: there is no memory even for less. */
static bool
rest(struct tcb *p)
{
	struct tcp_pcb *h = p->h;
	struct tcp *t = p->t;
	uint8_t out[ROOM];
	struct tcb base;
	struct tcp_rest head = {.since = p->last_rcv,
			    .snd_una = p->snd_una,
			    .rcv_nxt = p->rcv_nxt,
			    .ts_recent = p->ts_recent},
			*r;
	size_t n;

	tidy(p);
	memset(&base, 0, sizeof base);
	expected(&base, h, &head);
	n = fold(p, &base, out);
	r = malloc(sizeof *r + n);
	if (r == NULL) {
		lists(p);
		return false;
	}
	*r = head;
	memcpy(r->folded, out, n);
	slab_free(&t->tcbs, p);
	h->rest = r;
	h->node.resting = true;
	t->resting++;
	return true;
}

void
rest_later(struct tcb *p, mono_t now)
{
	p->looked_at = now;
	TAILQ_INSERT_TAIL(&p->t->awake, p, awake_link);
}

/* Long enough for one look to do where all was said at once. */
static int64_t
look_us(const struct tcp *t)
{
	return (int64_t)t->cfg.rest_us + t->cfg.rest_us / 8;
}

mono_t
tcp_rest_deadline(const struct tcp *t)
{
	const struct tcb *p = TAILQ_FIRST(&t->awake);

	if (p == NULL)
		return MONO_NEVER;
	/* Who was woken by a call that does not know the time was so later. */
	return mono_max(mono_add(p->looked_at, look_us(t)), t->turned);
}

void
rest_expire(struct tcp *t, mono_t now)
{
	struct tcb *p;

	while (!mono_before(now, tcp_rest_deadline(t))) {
		p = TAILQ_FIRST(&t->awake);
		TAILQ_REMOVE(&t->awake, p, awake_link);
		if (!idle(p, now) || !rest(p))
			rest_later(p, now);
	}
}

/* ---- waking up ---- */

struct tcb *
rest_end(struct tcp_pcb *h)
{
	struct tcp_rest *r = h->rest;
	struct tcp *t = h->t;
	struct tcb *p;

	if ((p = slab_alloc(&t->tcbs)) == NULL)
		return NULL;
	remake(p, h, r);
	free(r);
	h->b = p;
	h->node.resting = false;
	t->resting--;
	rest_later(p, t->turned);
	return p;
}

const struct tcb *
pcb_look(const struct tcp_pcb *h, struct tcb *room)
{
	if (!h->node.resting)
		return h->b;
	remake(room, (struct tcp_pcb *)h, h->rest);
	return room;
}
