/* SPDX-License-Identifier: ISC */
/*
 * TIME-WAIT (RFC 9293 3.10.7.4, RFC 6191): what must be remembered for 2*MSL
 * of a connection that is over, in 64 bytes, since a busy server has a hundred
 * thousand of them.
 *
 * That is why records are known by index, and stand in the slots of a wheel
 * of ticks, each a 128th of 2*MSL, linked in one direction: a wait is up to a
 * tick longer than 2*MSL, never shorter.  A record that ends early, or whose
 * time starts anew, stays in its slot until that is cleaned; slots are swept
 * at the rate at which records end early, so that the dead never outnumber
 * what a wheel's turn brings.
 */
#include <stdlib.h>
#include <string.h>
#include "tcp/internal.h"

#define TW_CHUNK 1024
#define TW_NIL	 UINT32_MAX

/* ---- the store ---- */

static struct tcp_tw *
record(const struct tw_store *st, uint32_t i)
{
	return &st->chunks[i / TW_CHUNK][i % TW_CHUNK];
}

void
tw_init(struct tcp *t, mono_t now)
{
	struct tw_store *st = &t->tw;
	unsigned i;

	st->tick_us = 2 * (int64_t)t->cfg.msl_us / TW_SPAN;
	if (st->tick_us == 0)
		st->tick_us = 1;
	st->done = now.us / st->tick_us;
	st->free = TW_NIL;
	st->limit = t->cfg.max_conns == 0 || t->cfg.max_conns > TW_NIL
			? TW_NIL
			: (uint32_t)t->cfg.max_conns;
	for (i = 0; i < TW_SLOTS; i++)
		st->slots[i] = TW_NIL;
}

/* Another chunk of free records; false when memory is out. */
static bool
grow(struct tw_store *st)
{
	uint32_t room = st->chunk_room, first = st->nchunks * TW_CHUNK, i;
	struct tcp_tw **chunks, *c;

	if (st->nchunks == room) {
		room = room == 0 ? 16 : 2 * room;
		if ((chunks = calloc(room, sizeof *chunks)) == NULL)
			return false;
		if (st->nchunks > 0)
			memcpy(
			    chunks, st->chunks, st->nchunks * sizeof *chunks);
		free(st->chunks);
		st->chunks = chunks;
		st->chunk_room = room;
	}
	if ((c = aligned_alloc(64, TW_CHUNK * sizeof *c)) == NULL)
		return false;
	st->chunks[st->nchunks++] = c;
	for (i = TW_CHUNK; i-- > 0;) {
		c[i].next = st->free;
		st->free = first + i;
	}
	return true;
}

/* A zeroed record, its number in *index; NULL when there is none. */
static struct tcp_tw *
take(struct tw_store *st, uint32_t *index)
{
	struct tcp_tw *w;

	if (st->live >= st->limit || (st->free == TW_NIL && !grow(st)))
		return NULL;
	*index = st->free;
	w = record(st, *index);
	st->free = w->next;
	st->held++;
	st->live++;
	return memset(w, 0, sizeof *w);
}

static void
give_back(struct tw_store *st, uint32_t index)
{
	struct tcp_tw *w = record(st, index);

	w->next = st->free;
	st->free = index;
	st->held--;
}

size_t
tw_bytes(const struct tcp *t)
{
	return (size_t)t->tw.nchunks * TW_CHUNK * sizeof(struct tcp_tw);
}

/* ---- the wheel ---- */

static int64_t
ending_tick(const struct tcp *t, mono_t now)
{
	return (now.us + 2 * (int64_t)t->cfg.msl_us) / t->tw.tick_us + 1;
}

static void
push(struct tw_store *st, uint8_t slot, uint32_t index)
{
	record(st, index)->next = st->slots[slot];
	st->slots[slot] = index;
}

/* When the slot of w will be over. */
static mono_t
ending(const struct tw_store *st, const struct tcp_tw *w)
{
	int64_t next = st->done + 1;
	int64_t ahead = (w->node.tw_slot - next) & (TW_SLOTS - 1);

	return (mono_t){(next + ahead) * st->tick_us};
}

static void
retire(struct tcp *t, struct tcp_tw *w)
{
	conn_remove(t, &w->node);
	if (w->node.tw_bound)
		bind_tw_gone(t, &w->node.id);
	md5_tw_gone(t, &w->node.id);
	t->tw.live--;
}

/* Ends the record for the rest of tcp/; its slot gives it back. */
void
tw_free(struct tcp *t, struct tcp_tw *w)
{
	struct tw_store *st = &t->tw;

	retire(t, w);
	/* Those that end early must not pile up until their slots come. */
	if (++st->deaths > st->held / TW_SLOTS) {
		st->deaths = 0;
		st->sweep++;
	}
}

/* Empties a slot of what ended early, of what moved on and, when it is over,
 * of all the rest. */
static void
clean_slot(struct tcp *t, uint8_t slot, bool over)
{
	struct tw_store *st = &t->tw;
	uint32_t i = st->slots[slot], next;

	st->slots[slot] = TW_NIL;
	for (; i != TW_NIL; i = next) {
		struct tcp_tw *w = record(st, i);

		next = w->next;
		if (w->node.hashed && w->node.tw_slot != slot) {
			push(st, w->node.tw_slot, i);
			continue;
		}
		if (w->node.hashed && !over) {
			push(st, slot, i);
			continue;
		}
		if (w->node.hashed)
			retire(t, w);
		give_back(st, i);
	}
}

/* The first tick after the last one done that has records. */
static void
find_first(struct tw_store *st)
{
	for (st->first = st->done + 1; st->first <= st->done + TW_SLOTS;
	     st->first++) {
		if (st->slots[st->first % TW_SLOTS] != TW_NIL)
			return;
	}
}

void
tw_expire(struct tcp *t, mono_t now)
{
	struct tw_store *st = &t->tw;
	int64_t tick = now.us / st->tick_us;

	while (st->held > 0 && st->first <= tick) {
		st->done = st->first;
		clean_slot(t, (uint8_t)(st->first % TW_SLOTS), true);
		find_first(st);
	}
	if (tick > st->done)
		st->done = tick;
	for (; st->sweep > 0; st->sweep--)
		clean_slot(t, (uint8_t)(st->cursor++), false);
}

mono_t
tw_deadline(const struct tcp *t)
{
	const struct tw_store *st = &t->tw;

	if (st->held == 0)
		return MONO_NEVER;
	return (mono_t){st->first * st->tick_us};
}

void
tw_foreach(const struct tcp *t,
    void (*fn)(void *arg, const struct tcp_tw *w, mono_t expires), void *arg)
{
	const struct tw_store *st = &t->tw;
	unsigned slot;
	uint32_t i;

	for (slot = 0; slot < TW_SLOTS; slot++) {
		for (i = st->slots[slot]; i != TW_NIL;
		     i = record(st, i)->next) {
			const struct tcp_tw *w = record(st, i);

			if (w->node.hashed)
				fn(arg, w, ending(st, w));
		}
	}
}

void
tw_done(struct tcp *t)
{
	struct tw_store *st = &t->tw;
	uint32_t i;

	for (i = 0; i < TW_SLOTS; i++)
		clean_slot(t, (uint8_t)i, true);
	for (i = 0; i < TW_SLOTS; i++) /* what had moved */
		clean_slot(t, (uint8_t)i, true);
	CHECK(st->held == 0 && st->live == 0);
	for (i = 0; i < st->nchunks; i++)
		free(st->chunks[i]);
	free(st->chunks);
}

/* ---- a connection's end ---- */

/* A fresh record in the wheel, or NULL. */
static struct tcp_tw *
tw_new(struct tcp *t, mono_t now)
{
	struct tw_store *st = &t->tw;
	struct tcp_tw *w;
	uint32_t index;
	int64_t tick;

	tw_expire(t, now);
	if ((w = take(st, &index)) == NULL)
		return NULL;
	tick = ending_tick(t, now);
	w->node.tw_slot = (uint8_t)(tick % TW_SLOTS);
	push(st, w->node.tw_slot, index);
	if (st->held == 1 || tick < st->first)
		st->first = tick;
	return w;
}

/* The connection is over on our side first (MUST-13); its user may still have
 * data to take.  p may be freed here. */
void
tw_enter(struct tcb *p, mono_t now)
{
	struct tcp *t = p->t;
	struct tcp_tw *w = md5_tw_enter(p) ? tw_new(t, now) : NULL;

	tcp_set_state(p, TCPS_TIME_WAIT);
	t->st.time_waits++;
	/* Without memory the quiet time is skipped; nothing else is lost. */
	if (w == NULL) {
		drop_count(t->cfg.drops, DROP_TCP_NO_MEMORY);
		md5_tw_gone(t, &p->h->node.id);
		pcb_finished(p);
		return;
	}
	w->node.id = p->h->node.id;
	w->node.kind = NODE_TW;
	w->snd_nxt = p->snd_nxt;
	w->rcv_nxt = p->rcv_nxt;
	w->ts_recent = p->ts_recent;
	w->node.tw_ts = (p->flags & PF_TS) != 0;
	w->node.tw_ace = p->ecn.mode == ECN_ACCURATE ? p->ecn.r_cep & 7 : 0;
	w->node.tw_wnd = (uint16_t)tcp_select_window(p);
	if (p->bind != NULL) {
		w->node.tw_bound = 1;
		p->bind->tws++;
	}
	conn_remove(t, &p->h->node);
	CHECK(conn_insert(t, &w->node));
	/* What p had to acknowledge, the peer's FIN first of all. */
	if (p->flags & PF_ACK_NOW)
		tw_ack(t, w, now);
	pcb_finished(p);
}

void
tw_ack(struct tcp *t, struct tcp_tw *w, mono_t now)
{
	const struct tuple *id = &w->node.id;
	struct wire_tcp h = {
	    .seq = w->snd_nxt.v,
	    .ack = w->rcv_nxt.v,
	    .flags = TH_ACK | ecn_ace_flags(w->node.tw_ace),
	    .wnd = w->node.tw_wnd,
	    .has_ts = w->node.tw_ts,
	    .tsval = tcp_ts_now(now, tcp_ts_offset(t, id)),
	    .tsecr = w->ts_recent,
	};
	struct signer by = md5_signer_tw(t, id);

	tcp_ctl_send(t, id, &h, 0, 0, &by);
}

/* RFC 5961 7: may one more answer go to this peer?  A share of the tuples has
 * one clock in common, a secret one, so that nobody can watch another's. */
static bool
may_answer(struct tcp *t, const struct tcp_tw *w, mono_t now)
{
	uint64_t h = siphash(&t->key_table, &w->node.id, sizeof w->node.id);
	uint32_t *last = &t->tw.answered[(h >> 32) % TW_RATES];
	uint32_t ms = (uint32_t)(now.us / 1000) | 1; /* 0: never yet */

	if (*last != 0 && ms - *last < TCP_CHALLENGE_US / 1000)
		return false;
	*last = ms;
	return true;
}

/* RFC 6191 2: is this SYN surely newer than the old connection? */
static bool
syn_is_newer(const struct tcp_tw *w, const struct seg *s)
{
	if (w->node.tw_ts && s->h.has_ts) {
		int32_t d = (int32_t)(s->h.tsval - w->ts_recent);

		if (d != 0)
			return d > 0;
	}
	return seq_gt(s->seq, w->rcv_nxt); /* MAY-2 */
}

bool
tw_reusable(const struct tcp *t, const struct tcp_tw *w, mono_t now)
{
	int64_t left = mono_diff(ending(&t->tw, w), now);

	/* Our timestamps go on counting, so after a second the peer can tell
	 * the new connection from the old (RFC 6191 from the other side). */
	return w->node.tw_ts && 2 * (int64_t)t->cfg.msl_us - left >= 1000000;
}

/* Its time starts anew. */
static void
restart(struct tcp *t, struct tcp_tw *w, mono_t now)
{
	struct tw_store *st = &t->tw;
	int64_t tick = now.us / st->tick_us;

	/* Slots are told apart as long as done keeps up. */
	if (tick >= st->first)
		tick = st->first - 1;
	if (tick > st->done)
		st->done = tick;
	w->node.tw_slot = (uint8_t)(ending_tick(t, now) % TW_SLOTS);
}

void
tw_input(struct tcp *t, struct tcp_tw *w, struct seg *s)
{
	struct tcp_bind *b;

	if (s->h.flags & TH_RST) {
		/* RFC 1337's hazard is left to the exact number. */
		if (seq_eq(s->seq, w->rcv_nxt))
			tw_free(t, w);
		else
			drop(t, DROP_TCP_RST_SEQ);
		return;
	}
	if ((s->h.flags & (TH_SYN | TH_ACK)) == TH_SYN && syn_is_newer(w, s) &&
	    (b = bind_lookup(t, &s->id)) != NULL) {
		/* RFC 6191 2: our numbers go on where the old ones ended. */
		s->iss_floor = w->snd_nxt;
		s->has_iss_floor = true;
		tw_free(t, w);
		half_syn(b, s);
		return;
	}
	if (w->node.tw_ts && s->h.has_ts &&
	    (int32_t)(s->h.tsval - w->ts_recent) < 0)
		t->st.paws_rejected++;
	/* A FIN again: the last ACK was lost; wait anew. */
	if (s->fin && seq_lt(s->seq, w->rcv_nxt) &&
	    seq_eq(seq_add(s->seq, s->len + 1), w->rcv_nxt)) {
		restart(t, w, s->now);
		tw_ack(t, w, s->now);
		return;
	}
	/* Anything that carries something is answered, at a bounded rate. */
	if ((s->len == 0 && !s->fin && !(s->h.flags & TH_SYN) &&
		seq_eq(s->seq, w->rcv_nxt)) ||
	    !may_answer(t, w, s->now)) {
		drop(t, DROP_TCP_SEQ);
		return;
	}
	tw_ack(t, w, s->now);
}
