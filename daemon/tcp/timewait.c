/* SPDX-License-Identifier: ISC */
/*
 * TIME-WAIT (RFC 9293 3.10.7.4, RFC 6191): what must be remembered for 2*MSL
 * of a connection that is over, in a small record.  All wait as long, so the
 * list in order of arrival is the list in order of expiry.
 */
#include "tcp/internal.h"

void
tw_free(struct tcp *t, struct tcp_tw *w)
{
	TAILQ_REMOVE(&t->tws, w, link);
	conn_remove(t, &w->node);
	if (w->bind != NULL)
		bind_unref(w->bind);
	slab_free(&t->twslab, w);
}

static void
restart(struct tcp *t, struct tcp_tw *w, mono_t now)
{
	w->expires = mono_add(now, 2 * (int64_t)t->cfg.msl_us);
	TAILQ_REMOVE(&t->tws, w, link);
	TAILQ_INSERT_TAIL(&t->tws, w, link);
}

/* The connection is over on our side first; its user may still have data to
 * take.  p may be freed here. */
void
tw_enter(struct tcp_pcb *p, mono_t now)
{
	struct tcp *t = p->t;
	struct tcp_tw *w = slab_alloc(&t->twslab);

	tcp_set_state(p, TCPS_TIME_WAIT);
	t->st.time_waits++;
	/* Without memory the quiet time is skipped; nothing else is lost. */
	if (w == NULL) {
		drop_count(t->cfg.drops, DROP_TCP_NO_MEMORY);
		pcb_finished(p);
		return;
	}
	w->node.id = p->node.id;
	w->node.kind = NODE_TW;
	w->snd_nxt = p->snd_nxt;
	w->rcv_nxt = p->rcv_nxt;
	w->ts = p->flags & PF_TS;
	w->ts_recent = p->ts_recent;
	w->ts_off = p->ts_off;
	w->wnd = (uint16_t)tcp_select_window(p);
	w->expires = mono_add(now, 2 * (int64_t)t->cfg.msl_us);
	w->challenged = mono_add(now, -TCP_CHALLENGE_US);
	w->bind = p->bind;
	if (w->bind != NULL)
		bind_ref(w->bind);
	conn_remove(t, &p->node);
	TAILQ_INSERT_TAIL(&t->tws, w, link);
	CHECK(conn_insert(t, &w->node));
	/* What p had to acknowledge, the peer's FIN first of all. */
	if (p->flags & PF_ACK_NOW)
		tw_ack(t, w, now);
	pcb_finished(p);
}

void
tw_ack(struct tcp *t, struct tcp_tw *w, mono_t now)
{
	struct wire_tcp h = {
	    .seq = w->snd_nxt.v,
	    .ack = w->rcv_nxt.v,
	    .flags = TH_ACK,
	    .wnd = w->wnd,
	    .has_ts = w->ts,
	    .tsval = tcp_ts_now(now, w->ts_off),
	    .tsecr = w->ts_recent,
	};

	tcp_ctl_send(t, &w->node.id, &h, 0, 64);
}

/* RFC 6191 2: is this SYN surely newer than the old connection? */
static bool
syn_is_newer(const struct tcp_tw *w, const struct seg *s)
{
	if (w->ts && s->h.has_ts) {
		int32_t d = (int32_t)(s->h.tsval - w->ts_recent);

		if (d != 0)
			return d > 0;
	}
	return seq_gt(s->seq, w->rcv_nxt); /* MAY-2 */
}

bool
tw_reusable(const struct tcp *t, const struct tcp_tw *w, mono_t now)
{
	int64_t left = mono_diff(w->expires, now);

	/* Our timestamps go on counting, so after a second the peer can tell
	 * the new connection from the old (RFC 6191 from the other side). */
	return w->ts && 2 * (int64_t)t->cfg.msl_us - left >= 1000000;
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
	if (w->ts && s->h.has_ts && (int32_t)(s->h.tsval - w->ts_recent) < 0)
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
	    mono_diff(s->now, w->challenged) < TCP_CHALLENGE_US) {
		drop(t, DROP_TCP_SEQ);
		return;
	}
	w->challenged = s->now;
	tw_ack(t, w, s->now);
}

void
tw_expire(struct tcp *t, mono_t now)
{
	struct tcp_tw *w;

	while (
	    (w = TAILQ_FIRST(&t->tws)) != NULL && !mono_before(now, w->expires))
		tw_free(t, w);
}
