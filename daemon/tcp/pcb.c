/* SPDX-License-Identifier: ISC */
/*
 * A connection's birth, its state changes, its events and its death.
 *
 * A connection dies in one of two ways.  pcb_dead() takes it out of the tables
 * at once; its user learns it by GONE, and the memory goes when he asks for
 * the next event (or at once when there is no user).  pcb_finished() is for an
 * orderly end while data is unread: GONE waits until the data is taken.
 */
#include <errno.h>
#include <string.h>
#include "tcp/internal.h"

/* Bit b of row a: the state may go from a to b. */
#define TO(s) (1u << TCPS_##s)
static const uint16_t legal[TCPS_NSTATES] = {
    [TCPS_CLOSED] = TO(SYN_SENT) | TO(SYN_RECEIVED),
    [TCPS_SYN_SENT] = TO(SYN_RECEIVED) | TO(ESTABLISHED) | TO(CLOSED),
    [TCPS_SYN_RECEIVED] =
	TO(ESTABLISHED) | TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [TCPS_ESTABLISHED] = TO(FIN_WAIT_1) | TO(CLOSE_WAIT) | TO(CLOSED),
    [TCPS_FIN_WAIT_1] =
	TO(FIN_WAIT_2) | TO(CLOSING) | TO(TIME_WAIT) | TO(CLOSED),
    [TCPS_FIN_WAIT_2] = TO(TIME_WAIT) | TO(CLOSED),
    [TCPS_CLOSE_WAIT] = TO(LAST_ACK) | TO(CLOSED),
    [TCPS_CLOSING] = TO(TIME_WAIT) | TO(CLOSED),
    [TCPS_LAST_ACK] = TO(CLOSED),
    [TCPS_TIME_WAIT] = TO(CLOSED),
};
#undef TO

const char *
tcp_state_name(enum tcp_state s)
{
	static const char *const names[TCPS_NSTATES] = {
	    [TCPS_CLOSED] = "UNCONN",
	    [TCPS_ESTABLISHED] = "ESTAB",
	    [TCPS_SYN_SENT] = "SYN-SENT",
	    [TCPS_SYN_RECEIVED] = "SYN-RECV",
	    [TCPS_FIN_WAIT_1] = "FIN-WAIT-1",
	    [TCPS_FIN_WAIT_2] = "FIN-WAIT-2",
	    [TCPS_TIME_WAIT] = "TIME-WAIT",
	    [TCPS_CLOSE_WAIT] = "CLOSE-WAIT",
	    [TCPS_LAST_ACK] = "LAST-ACK",
	    [TCPS_LISTEN] = "LISTEN",
	    [TCPS_CLOSING] = "CLOSING",
	};

	return s < TCPS_NSTATES ? names[s] : "?";
}

void
tcp_set_state(struct tcb *p, enum tcp_state to)
{
	CHECK(legal[p->state] & 1u << to);
	p->state = to;
}

void
pcb_init(struct tcb *p, struct tcp_pcb *h, mono_t now)
{
	struct tcp *t = h->t;
	int i;

	p->h = h;
	p->t = t;
	for (i = 0; i < TMR_N; i++)
		p->deadline[i] = MONO_NEVER;
	p->rack.degree = TCP_DUPTHRESH;
	p->rack.wnd_mult = 1;
	p->sndbuf = t->cfg.size.sndbuf;
	p->rcvbuf = t->cfg.size.rcvbuf;
	p->rcv_clamp = UINT32_MAX;
	p->rto_us = TCP_RTO_INITIAL_US;
	p->mtu.raise_at = MONO_NEVER;
	p->min_rtt_us = UINT32_MAX;
	p->keepidle_s = TCP_KEEPIDLE_S;
	p->keepintvl_s = TCP_KEEPINTVL_S;
	p->keepcnt = TCP_KEEPCNT;
	p->linger2_s = TCP_LINGER2_S;
	p->max_syn_retries = TCP_SYN_RETRIES;
	p->last_rcv = p->last_snd = p->last_ack = p->advanced = now;
	/* So that the first challenge is never withheld. */
	p->challenged = p->oow_acked = mono_add(now, -TCP_CHALLENGE_US);
	p->peer_mss = tcp_default_mss(&h->node.id.raddr);
	p->cc.ops = t->cc;
}

struct tcb *
pcb_new(struct tcp *t, const struct tuple *id, mono_t now)
{
	struct tcp_pcb *h = NULL;
	struct tcb *p = NULL;

	if (!timerq_reserve(&t->timers))
		return NULL;
	if ((h = slab_alloc(&t->pcbs)) == NULL ||
	    (p = slab_alloc(&t->tcbs)) == NULL) {
		if (h != NULL)
			slab_free(&t->pcbs, h);
		timerq_release(&t->timers);
		return NULL;
	}
	h->t = t;
	h->b = p;
	h->node.id = *id;
	h->node.kind = NODE_PCB;
	h->timer.when = MONO_NEVER;
	pcb_init(p, h, now);
	scoreboard_init(p);
	STAILQ_INIT(&p->rcvq);
	RB_INIT(&p->ooo);
	LIST_INSERT_HEAD(conn_peers(t, &id->raddr), h, peer_link);
	rest_later(p, now);
	return p;
}

/* Out of the tables and lists, but the memory stays. */
static void
unlink_pcb(struct tcb *p)
{
	struct tcp *t = p->t;
	int i;

	conn_remove(t, &p->h->node);
	timerq_cancel(&t->timers, &p->h->timer);
	for (i = 0; i < TMR_N; i++)
		p->deadline[i] = MONO_NEVER;
	if (p->fo.half != NULL)
		fastopen_done(p);
	if (p->on_ready)
		TAILQ_REMOVE(&t->ready, p, ready_link);
	p->on_ready = false;
	if (p->bind != NULL)
		bind_unref(p->bind);
	p->bind = NULL;
}

void
pcb_free(struct tcb *p)
{
	struct tcp *t = p->t;

	unlink_pcb(p);
	if (p->on_events)
		TAILQ_REMOVE(&t->events, p, event_link);
	if (p->flags & PF_ORPHAN) {
		t->orphans--;
		if (t->cfg.env.orphan != NULL)
			t->cfg.env.orphan(
			    t->cfg.env.ctx, p->owner, -1, p->orphan_bytes);
	}
	sendq_free(p);
	txseg_free_all(p);
	reasm_free(p);
	md5_free(t, &p->md5.keys);
	TAILQ_REMOVE(&t->awake, p, awake_link);
	LIST_REMOVE(p->h, peer_link);
	timerq_release(&t->timers);
	slab_free(&t->pcbs, p->h);
	slab_free(&t->tcbs, p);
}

void
pcb_event(struct tcb *p, unsigned bits)
{
	if (p->flags & PF_ORPHAN)
		return;
	p->events |= bits;
	if (p->on_events)
		return;
	p->on_events = true;
	TAILQ_INSERT_TAIL(&p->t->events, p, event_link);
}

void
pcb_ready(struct tcb *p)
{
	if (p->on_ready || p->state == TCPS_CLOSED || (p->flags & PF_FINISHED))
		return;
	p->on_ready = true;
	TAILQ_INSERT_TAIL(&p->t->ready, p, ready_link);
}

void
pcb_dead(struct tcb *p, int error)
{
	struct tcp *t = p->t;

	if (p->state == TCPS_SYN_SENT || p->state == TCPS_SYN_RECEIVED)
		t->st.attempt_fails++;
	else if (error == ECONNRESET)
		t->st.estab_resets++;
	if (p->state != TCPS_CLOSED)
		tcp_set_state(p, TCPS_CLOSED);
	p->flags &= ~PF_FINISHED; /* GONE comes once */
	unlink_pcb(p);
	sendq_free(p);
	txseg_free_all(p);
	if (p->flags & PF_ORPHAN) {
		pcb_free(p);
		return;
	}
	p->error = error;
	pcb_event(p, TCP_EV_GONE);
}

void
pcb_finished(struct tcb *p)
{
	if (p->flags & PF_ORPHAN || p->rcv_bytes == 0) {
		pcb_dead(p, 0);
		return;
	}
	p->flags |= PF_FINISHED;
	unlink_pcb(p);
	sendq_free(p);
	txseg_free_all(p);
}

bool
tcp_event(struct tcp *t, struct tcp_event *ev)
{
	struct tcb *p;

	if (t->delivered != NULL) {
		pcb_free(t->delivered);
		t->delivered = NULL;
	}
	if ((p = TAILQ_FIRST(&t->events)) == NULL)
		return false;
	TAILQ_REMOVE(&t->events, p, event_link);
	p->on_events = false;
	ev->pcb = p->h;
	ev->user = p->h->user;
	ev->bits = p->events;
	ev->error = p->error;
	p->events = 0;
	if (ev->bits & TCP_EV_GONE)
		t->delivered = p;
	return true;
}

/* One heap entry a connection: the earliest of its deadlines.  An entry that
 * is early does no harm: pcb_timeout() looks again. */
void
pcb_timer(struct tcb *p, enum tcp_timer which, mono_t when)
{
	mono_t first = when;
	int i;

	p->deadline[which] = when;
	for (i = 0; i < TMR_N; i++)
		first = mono_min(first, p->deadline[i]);
	if (timer_queued(&p->h->timer) &&
	    !mono_before(first, p->h->timer.when) && !mono_is_never(first))
		return;
	timerq_set(&p->t->timers, &p->h->timer, first);
}

/* MUST-16: what the peer takes, what the path takes, less our options. */
void
pcb_set_mss(struct tcb *p)
{
	uint32_t hdr = tcp_hdrs(&p->h->node.id.raddr);
	uint32_t mss =
	    p->path.mtu > hdr + TCP_MIN_MSS ? p->path.mtu - hdr : TCP_MIN_MSS;

	if (mss > p->peer_mss)
		mss = p->peer_mss;
	if (p->max_seg != 0 && mss > p->max_seg)
		mss = p->max_seg;
	if (mss < TCP_MIN_MSS)
		mss = TCP_MIN_MSS;
	p->cc.options = (p->flags & PF_TS ? 12 : 0) + p->md5.room;
	mss -= p->cc.options;
	p->snd_mss = (uint16_t)mss;
	p->cc.mss = mss;
	/* Less than a segment would wait for ever. */
	if (p->cc.cwnd < mss)
		p->cc.cwnd = mss;
	/* A recovery may end with it. */
	if (p->cc.ssthresh < 2 * mss)
		p->cc.ssthresh = 2 * mss;
}

void
pcb_opts_apply(struct tcb *p, const struct tcp_opts *o)
{
	static const struct {
		size_t off;
		uint32_t flag;
	} bits[] = {
	    {offsetof(struct tcp_opts, nodelay), PF_NODELAY},
	    {offsetof(struct tcp_opts, cork), PF_CORK},
	    {offsetof(struct tcp_opts, keepalive), PF_KEEPALIVE},
	};
	size_t i;

	for (i = 0; i < sizeof bits / sizeof bits[0]; i++) {
		if (*(const bool *)((const char *)o + bits[i].off))
			p->flags |= bits[i].flag;
		else
			p->flags &= ~bits[i].flag;
	}
	delack_ask(p, o->quickack);
	if (o->sndbuf != 0) {
		p->sndbuf = o->sndbuf;
		p->tune.snd_locked = true;
	}
	if (o->rcvbuf != 0) {
		p->rcvbuf = o->rcvbuf;
		p->tune.rcv_locked = true;
	}
	p->user_timeout_us = o->user_timeout_us;
	p->notsent_lowat = o->notsent_lowat;
	p->window_clamp = o->window_clamp;
	p->keepidle_s = o->keepidle_s != 0 ? o->keepidle_s : TCP_KEEPIDLE_S;
	p->keepintvl_s = o->keepintvl_s != 0 ? o->keepintvl_s : TCP_KEEPINTVL_S;
	p->keepcnt = o->keepcnt != 0 ? (uint8_t)o->keepcnt : TCP_KEEPCNT;
	p->linger2_s = o->linger2_s != 0 ? o->linger2_s : TCP_LINGER2_S;
	p->max_syn_retries =
	    o->syn_retries != 0 ? o->syn_retries : TCP_SYN_RETRIES;
	p->max_seg = o->max_seg;
	p->pace.max_rate = o->max_pacing_rate;
	p->fo.bare = o->fastopen_bare;
	p->tos = o->tos;
	p->ttl = o->ttl;
}

/* Each record waits where its flags say, in order. */
static void
check_turns(const struct tcb *p, uint32_t flying, uint32_t lost)
{
	const struct txseg *x, *prev = NULL;

	TAILQ_FOREACH (x, &p->flying, turn) {
		CHECK(!(x->flags & TX_SACKED));
		CHECK((x->flags & (TX_LOST | TX_RETX)) != TX_LOST);
		CHECK(prev == NULL || prev->sent_at.us <= x->sent_at.us);
		prev = x;
		flying -= x->len;
	}
	prev = NULL;
	TAILQ_FOREACH (x, &p->lost, turn) {
		CHECK((x->flags & (TX_LOST | TX_RETX)) == TX_LOST);
		CHECK(prev == NULL || seq_lt(prev->seq, x->seq));
		prev = x;
		lost -= x->len;
	}
	CHECK(flying == 0 && lost == 0);
}

static void
check_tx(const struct tcb *p)
{
	uint32_t sacked = 0, lost = 0, retx = 0, splits = 0, waiting = 0, n = 0;
	seq_t at = p->snd_una;
	const struct txseg *x;
	struct txseg *in_tree = RB_MIN(txtree, (struct txtree *)&p->tx_tree);

	TAILQ_FOREACH (x, &p->tx, link) {
		CHECK(x == in_tree);
		in_tree = RB_NEXT(txtree, &p->tx_tree, in_tree);
		CHECK(seq_eq(x->seq, at));
		CHECK(x->len > 0);
		CHECK(!(x->flags & TX_SACKED) ||
		      !(x->flags & (TX_LOST | TX_RETX)));
		at = seq_add(at, x->len);
		splits += (x->flags & TX_SPLIT) != 0;
		n++;
		sacked += x->flags & TX_SACKED ? x->len : 0;
		lost += x->flags & TX_LOST ? x->len : 0;
		retx += x->flags & TX_RETX ? x->len : 0;
		if ((x->flags & (TX_LOST | TX_RETX)) == TX_LOST)
			waiting += x->len;
	}
	CHECK(in_tree == NULL);
	CHECK(seq_eq(at, p->snd_nxt));
	CHECK(splits == p->tx_splits);
	CHECK(n == p->tx_records);
	CHECK(sacked == p->sacked_bytes);
	CHECK(lost == p->lost_bytes);
	CHECK(retx == p->retx_bytes);
	check_turns(p, tcp_outstanding(p) - sacked - waiting, waiting);
}

/* What we told the peer by SACK is here. */
static void
check_sacks(const struct tcb *p)
{
	struct rxseg *r;
	unsigned i;

	for (i = 0; i < p->nrcv_sack; i++) {
		seq_t at = SEQ(p->rcv_sack[i].left);

		RB_FOREACH (r, rxtree, (struct rxtree *)&p->ooo) {
			seq_t end = seq_add(r->seq, r->len);

			if (p->fin_early && seq_eq(at, p->fin_seq))
				at = seq_add(at, 1);
			if (seq_leq(r->seq, at) && seq_gt(end, at))
				at = end;
		}
		if (p->fin_early && seq_eq(at, p->fin_seq))
			at = seq_add(at, 1);
		CHECK(seq_geq(at, SEQ(p->rcv_sack[i].right)));
	}
}

static void
check_queues(const struct tcb *p)
{
	struct rxseg *r;
	const struct buf *b;
	uint32_t n = 0, segs = 0;
	seq_t at = p->rcv_nxt;

	STAILQ_FOREACH (r, &p->rcvq, link)
		n += r->len;
	CHECK(n == p->rcv_bytes);
	n = 0;
	RB_FOREACH (r, rxtree, (struct rxtree *)&p->ooo) {
		CHECK(segs == 0 ? seq_gt(r->seq, at) : seq_geq(r->seq, at));
		at = seq_add(r->seq, r->len);
		n += r->len;
		segs++;
	}
	CHECK(n == p->ooo_bytes);
	CHECK(segs == p->ooo_segs);
	n = 0;
	for (b = p->sq.head; b != NULL; b = b->next)
		n += b->len;
	CHECK(n == p->sq.bytes + p->sq.head_off);
}

/* Every connection that is not closed owns a timer or waits for its user or
 * its peer; its sums are those of its queues. */
void
pcb_check(const struct tcb *p, mono_t now)
{
	/* A number of the sequence space that is no octet to be read. */
	uint32_t fin = (p->flags & PF_FIN_RCVD) != 0;

	(void)now;
	check_queues(p);
	check_sacks(p);
	if (p->state == TCPS_CLOSED || (p->flags & PF_FINISHED)) {
		CHECK(TAILQ_EMPTY(&p->tx));
		return;
	}
	check_tx(p);
	ao_check(p);
	CHECK(p->mtu.size == 0 || (seq_leq(p->mtu.end, p->snd_nxt) &&
				      seq_gt(p->mtu.end, p->snd_una)));
	CHECK(p->cc.cwnd >= p->cc.mss || p->state == TCPS_SYN_SENT);
	CHECK(seq_leq(p->snd_una, p->snd_nxt));
	CHECK(p->state != TCPS_TIME_WAIT);
	CHECK(!p->urg.sending ||
	      seq_diff(p->urg.snd_up, p->snd_una) <= (int64_t)p->sq.bytes + 1);
	CHECK(
	    pcb_recv_urgent(p) <= 65535 + p->rcv_bytes + fin + tcp_rcv_wnd(p));
	CHECK(p->fo.half == NULL || p->state == TCPS_SYN_RECEIVED);
	CHECK(p->fo.sent <= p->sq.bytes || synchronized(p));
	CHECK(p->ecn.nturns <= ECN_TURNS);
	CHECK(p->ecn.nturns == 0 || (p->on_ready && synchronized(p)));
	if (!p->fo.waits &&
	    (seq_lt(p->snd_una, p->snd_nxt) || p->state == TCPS_SYN_SENT ||
		p->state == TCPS_SYN_RECEIVED))
		CHECK(timer_on(p, TMR_REXMT) || p->on_ready);
	if (p->state == TCPS_FIN_WAIT_2 && (p->flags & PF_ORPHAN))
		CHECK(timer_on(p, TMR_KEEP));
	if ((p->flags & PF_ACK_DELAYED))
		CHECK(timer_on(p, TMR_DELACK) || p->on_ready);
}
