/* SPDX-License-Identifier: ISC */
/*
 * Half-open passive connections: LISTEN's SYN and what happens until its
 * handshake is complete (RFC 9293 3.10.7.2, and 3.10.7.4 for SYN-RECEIVED).
 * A small type, since a SYN costs its sender nothing.
 */
#include <errno.h>
#include "tcp/internal.h"

static uint32_t
half_rcvbuf(const struct tcp_bind *b)
{
	return b->opts.rcvbuf != 0 ? b->opts.rcvbuf : b->t->cfg.size.rcvbuf;
}

uint8_t
half_wscale(const struct tcp_half *h)
{
	const struct tcp_bind *b = h->listener;

	return tune_wscale(b->t, b->opts.rcvbuf);
}

static void
half_send(struct tcp *t, const struct tcp_half *h, const struct wire_tcp *w)
{
	const struct tcp_bind *b = h->listener;
	bool mapped =
	    ipaddr_is_v4(&h->node.id.laddr) && !ipaddr_is_v4(&b->addr);
	uint8_t tos = mapped ? b->opts.tos4 : b->opts.tos;
	uint8_t ttl = mapped ? b->opts.ttl4 : b->opts.ttl;
	struct signer by;

	if (md5_signer_half(h, &by))
		tcp_ctl_send(
		    t, &h->node.id, w, tos | ecn_half_field(h, w), ttl, &by);
}

void
half_synack(struct tcp *t, struct tcp_half *h, const struct wire_fastopen *fo,
    mono_t now)
{
	uint32_t wnd = h->rcv_wnd < 65535 ? h->rcv_wnd : 65535;
	struct wire_tcp w = {
	    .seq = h->iss.v,
	    .ack = h->irs.v + 1 + h->taken,
	    .flags = TH_SYN | TH_ACK,
	    .wnd = (uint16_t)(wnd - h->taken),
	    .has_mss = true,
	    .mss = h->our_mss,
	    .has_wscale = h->wscale,
	    .wscale = h->rcv_wscale,
	    .sack_permitted = h->sack,
	    .has_ts = h->ts,
	    .tsval = tcp_ts_now(now, h->ts_off),
	    .tsecr = h->ts_recent,
	};

	if (fo != NULL)
		w.fastopen = *fo;
	ecn_half_synack(t, h, &w);
	h->synack_at = now;
	half_send(t, h, &w);
}

/* The answer to what is not acceptable, limited (RFC 5961 7). */
static void
ack_half(struct tcp *t, struct tcp_half *h, mono_t now)
{
	struct wire_tcp w = {
	    .seq = h->iss.v + 1,
	    .ack = h->irs.v + 1,
	    .flags = TH_ACK,
	    /* No more than the SYN-ACK could say, unscaled. */
	    .wnd = (uint16_t)((h->rcv_wnd < 65535 ? h->rcv_wnd : 65535) >>
			      h->rcv_wscale),
	    .has_ts = h->ts,
	    .tsval = tcp_ts_now(now, h->ts_off),
	    .tsecr = h->ts_recent,
	};

	ecn_half_ack(h, &w);
	if (mono_diff(now, h->challenged) < TCP_CHALLENGE_US) {
		drop_count(t->cfg.drops, DROP_TCP_CHALLENGE_RATE);
		return;
	}
	h->challenged = now;
	half_send(t, h, &w);
}

static struct tcp_half *
half_new(struct tcp_bind *b, const struct tuple *id)
{
	struct tcp *t = b->t;
	struct tcp_half *h;

	if (!timerq_reserve(&t->timers))
		return NULL;
	if ((h = slab_alloc(&t->halves)) == NULL) {
		timerq_release(&t->timers);
		return NULL;
	}
	h->node.id = *id;
	h->node.kind = NODE_HALF;
	h->timer.when = MONO_NEVER;
	if (!conn_insert(t, &h->node)) {
		slab_free(&t->halves, h);
		timerq_release(&t->timers);
		return NULL;
	}
	h->listener = b;
	b->nhalf++;
	TAILQ_INSERT_TAIL(&b->halves, h, link);
	return h;
}

void
half_free(struct tcp *t, struct tcp_half *h)
{
	TAILQ_REMOVE(&h->listener->halves, h, link);
	h->listener->nhalf--;
	conn_remove(t, &h->node);
	timerq_cancel(&t->timers, &h->timer);
	timerq_release(&t->timers);
	slab_free(&t->halves, h);
}

/* Its listener is gone: the peer is told. */
void
half_reset(struct tcp *t, struct tcp_half *h)
{
	struct wire_tcp w = {
	    .seq = h->iss.v + 1, .ack = h->irs.v + 1, .flags = TH_RST | TH_ACK};

	t->st.out_rsts++;
	half_send(t, h, &w);
	half_free(t, h);
}

static bool
address_valid(const struct ipaddr *a)
{
	uint32_t v4;

	if (ipaddr_is_any(a))
		return false;
	if (!ipaddr_is_v4(a))
		return !ipaddr_is_multicast(a);
	v4 = ipaddr_to_v4(a);
	return v4 < 0xe0000000; /* multicast, reserved, broadcast */
}

/* Room in the SYN queue?  A backlog of 1 must not make a burst of two
 * handshakes fail, so there is a floor. */
static bool
queue_has_room(const struct tcp_bind *b)
{
	return b->nhalf < (b->backlog > 128 ? b->backlog : 128);
}

void
half_describe(struct tcp_bind *b, struct tcp_half *h, const struct seg *s,
    const struct tcp_path *path)
{
	const struct tcp *t = b->t;

	h->path = *path;
	h->irs = s->seq;
	h->iss = tcp_isn(t, &s->id, s->now);
	if (s->has_iss_floor && !seq_gt(h->iss, s->iss_floor))
		h->iss = seq_add(s->iss_floor, 65537);
	h->challenged = mono_add(s->now, -TCP_CHALLENGE_US);
	h->peer_mss = s->h.has_mss ? s->h.mss : tcp_default_mss(&s->id.raddr);
	h->our_mss = tcp_adv_mss(path, b->opts.max_seg);
	h->snd_wnd = s->h.wnd;
	h->rcv_wnd = half_rcvbuf(b);
	h->wscale = s->h.has_wscale && !t->cfg.no_wscale;
	h->snd_wscale = s->h.wscale;
	h->rcv_wscale = h->wscale ? half_wscale(h) : 0;
	h->sack = s->h.sack_permitted && !t->cfg.no_sack;
	h->ts = s->h.has_ts && !t->cfg.no_timestamps;
	h->ts_recent = s->h.tsval;
	h->ts_off = tcp_ts_offset(t, &s->id);
	ecn_half_syn(t, h, s);
	ao_half(h, s);
}

/* The answer that leaves nothing here (cookie.c). */
static void
syn_cookie(struct tcp_bind *b, struct seg *s, const struct tcp_path *path)
{
	struct tcp_half h = {.node.id = s->id, .listener = b};

	half_describe(b, &h, s, path);
	if (!cookie_encode(b->t, &h, s->now)) {
		drop(b->t, DROP_TCP_SYN_QUEUE);
		return;
	}
	cookie_note(b, s->now);
	half_synack(b->t, &h, NULL, s->now);
}

/*
 * The listener's program is no more, and its user will say so.  Another one at
 * the port has the SYN then; one that asks for signatures has its next copy,
 * which is checked with its own keys.  NULL: it is dealt with.
 */
static struct tcp_bind *
successor(struct tcp_bind *b, struct seg *s)
{
	struct tcp *t = b->t;
	struct tcp_bind *next;

	b->listening = false;
	next = bind_lookup(t, &s->id);
	if (next != NULL && b->keys == NULL && next->keys == NULL)
		return next;
	if (next == NULL)
		tcp_send_rst_for(t, s);
	drop(t, DROP_TCP_NO_CONN);
	return NULL;
}

/* False: the listener is gone. */
static bool
syn_for(struct tcp_bind *b, struct seg *s)
{
	struct tcp *t = b->t;
	bool full = !queue_has_room(b);
	enum tcp_admit admit;
	struct wire_fastopen answer;
	struct tcp_path path = {0};
	struct tcp_half *h;

	/* MUST-57, MUST-63 */
	if (!address_valid(&s->id.raddr) || !address_valid(&s->id.laddr)) {
		drop(t, DROP_TCP_ADDR);
		return true;
	}
	if (full && t->cfg.syncookies == TCP_COOKIES_NEVER) {
		drop(t, DROP_TCP_SYN_QUEUE);
		return true;
	}
	admit = t->cfg.env.may_open(t->cfg.env.ctx, b);
	if (admit == TCP_ADMIT_GONE)
		return false;
	if (admit == TCP_ADMIT_NO ||
	    (admit == TCP_ADMIT_COOKIE &&
		t->cfg.syncookies == TCP_COOKIES_NEVER)) {
		drop(t, DROP_TCP_QUOTA);
		return true;
	}
	if (t->cfg.env.path(
		t->cfg.env.ctx, &s->id.laddr, &s->id.raddr, &path) != 0) {
		drop(t, DROP_TCP_ADDR);
		return true;
	}
	if (full || admit == TCP_ADMIT_COOKIE ||
	    t->cfg.syncookies == TCP_COOKIES_ALWAYS) {
		syn_cookie(b, s, &path);
		return true;
	}
	if (fastopen_admits(b, s, &answer) &&
	    fastopen_child(b, s, &path, &answer) != NEXT)
		return true;
	if ((h = half_new(b, &s->id)) == NULL) {
		drop(t, DROP_TCP_NO_MEMORY);
		return true;
	}
	half_describe(b, h, s, &path);
	/* As on Linux: beside a signature and timestamps there is no room for
	 * SACK blocks, which are worth more.  A cookie needs its timestamp. */
	h->ts = h->ts && (s->by.md5 == NULL || !h->sack);
	half_synack(t, h, &answer, s->now);
	timerq_set(&t->timers, &h->timer, mono_add(s->now, TCP_RTO_INITIAL_US));
	return true;
}

/* A SYN for listener b (RFC 9293 3.10.7.2, third). */
void
half_syn(struct tcp_bind *b, struct seg *s)
{
	while (b != NULL && !syn_for(b, s))
		b = successor(b, s);
}

/* A peer who has acknowledged and is to send data first hears nothing until
 * the time for that is over: then his answer completes the handshake. */
void
half_timeout(struct tcp *t, struct tcp_half *h, mono_t now)
{
	uint8_t defer = h->deferred ? h->listener->opts.defer_accept : 0;

	if (h->retries >= TCP_SYNACK_RETRIES && h->retries >= defer) {
		t->st.attempt_fails++;
		half_free(t, h);
		return;
	}
	h->retries++;
	if (h->retries >= defer) {
		t->st.retrans_segs++;
		half_synack(t, h, NULL, now);
	}
	timerq_set(&t->timers, &h->timer, mono_add(now, half_patience(h)));
}

int64_t
half_patience(const struct tcp_half *h)
{
	int64_t wait = (int64_t)TCP_RTO_INITIAL_US
		       << (h->retries < 7 ? h->retries : 7);

	return wait < TCP_RTO_MAX_US ? wait : TCP_RTO_MAX_US;
}

void
half_measure(struct tcb *p, const struct tcp_half *h, mono_t now)
{
	p->rate.packets++;
	/* Karn: a SYN-ACK that was sent twice gives no sample, nor does one
	 * that nobody remembers. */
	if (h->stateless)
		p->rto_us = TCP_RTO_INITIAL_US;
	else if (h->retries == 0)
		tcp_rtt_sample(p, mono_diff(now, h->synack_at));
	else
		p->rto_us = TCP_RTO_FALLBACK_US;
}

struct tcb *
half_promote(struct tcp *t, const struct tcp_half *h, bool acked, mono_t now)
{
	struct tcb *p = pcb_new(t, &h->node.id, now);

	if (p == NULL)
		return NULL;
	if (!md5_inherit(p, h->listener, h)) {
		pcb_free(p);
		return NULL;
	}
	p->path = h->path;
	p->flags = PF_PASSIVE | (h->ts ? PF_TS : 0) | (h->sack ? PF_SACK : 0) |
		   (h->wscale ? PF_WSCALE : 0);
	p->iss = h->iss;
	p->snd_una = p->snd_nxt = p->recover = seq_add(h->iss, 1);
	p->snd_sml = p->rack.fack = p->rack.dsack_round = p->snd_una;
	p->irs = h->irs;
	p->rcv_nxt = p->last_ack_sent = seq_add(h->irs, 1);
	p->rcv_wscale = h->rcv_wscale;
	p->rcv_adv =
	    seq_add(p->rcv_nxt, h->rcv_wnd < 65535 ? h->rcv_wnd : 65535);
	p->snd_wscale = h->wscale ? h->snd_wscale : 0;
	p->peer_mss =
	    h->peer_mss != 0 ? h->peer_mss : tcp_default_mss(&h->node.id.raddr);
	p->ts_off = h->ts_off;
	p->ts_recent = h->ts_recent;
	p->ts_recent_at = now;
	p->rcv_mss = TCP_DEFAULT_MSS;
	tcp_set_state(p, TCPS_SYN_RECEIVED);
	pcb_opts_apply(p, &h->listener->opts);
	pcb_set_mss(p);
	tune_established(p, now);
	mtu_established(p, now);
	if (acked)
		half_measure(p, h, now);
	tcp_cc_init(&p->cc, bind_cc(h->listener), p->snd_mss, now);
	return p;
}

/* The connection that a completed handshake makes. */
static struct tcb *
promote(struct tcp *t, const struct tcp_half *h, struct seg *s)
{
	struct tcb *p = half_promote(t, h, true, s->now);

	if (p == NULL)
		return NULL;
	p->snd_wnd = p->max_wnd = (uint32_t)s->h.wnd << p->snd_wscale;
	p->snd_wl1 = s->seq;
	p->snd_wl2 = s->ack;
	ecn_promote(p, h, s);
	return p;
}

/* A cookie's ACK met a full accept queue.  Its peer takes the connection for
 * made, and what he sends next may have another number, which would not prove
 * the cookie: so it is remembered now, if there is room. */
static void
keep_cookie(
    struct tcp_bind *b, const struct tcp_half *h, uint8_t ecn, mono_t now)
{
	struct tcp *t = b->t;
	struct tcp_half *k;

	if (!queue_has_room(b) ||
	    t->cfg.env.may_open(t->cfg.env.ctx, b) != TCP_ADMIT_YES ||
	    (k = half_new(b, &h->node.id)) == NULL)
		return;
	k->iss = h->iss;
	k->irs = h->irs;
	k->rcv_wnd = h->rcv_wnd;
	k->ts_recent = h->ts_recent;
	k->ts_off = h->ts_off;
	k->peer_mss = h->peer_mss;
	k->our_mss = tcp_adv_mss(&h->path, b->opts.max_seg);
	k->snd_wscale = h->snd_wscale;
	k->rcv_wscale = h->rcv_wscale;
	k->wscale = h->wscale;
	k->ts = h->ts;
	k->sack = h->sack;
	k->ao = h->ao;
	k->ao_keyid = h->ao_keyid;
	k->ao_rnext = h->ao_rnext;
	k->ecn.mode = ecn;
	k->path = h->path;
	k->retries = 1; /* nobody knows when it was answered */
	k->synack_at = now;
	k->challenged = mono_add(now, -TCP_CHALLENGE_US);
	timerq_set(&t->timers, &k->timer, mono_add(now, TCP_RTO_INITIAL_US));
}

/* Makes the connection and hands it to its listener; h goes if it is in the
 * table. */
static enum step
complete(struct tcp *t, struct tcp_half *h, struct seg *s)
{
	struct tcp_bind *b = h->listener;
	struct tcb *p = promote(t, h, s);
	bool there;
	uint8_t ecn;
	int error;

	if (p == NULL)
		return drop(t, DROP_TCP_NO_MEMORY);
	tcp_set_state(p, TCPS_ESTABLISHED);
	p->bind = b;
	bind_ref(b);
	error = t->cfg.env.accept(t->cfg.env.ctx, b, p->h);
	if (error == -EAGAIN) {
		ecn = p->ecn.mode;
		pcb_free(p);
		if (h->stateless)
			keep_cookie(b, h, ecn, s->now);
		return drop(t, DROP_TCP_ACCEPT_QUEUE);
	}
	/* The listener, and with it h, may be gone by now. */
	there = conn_find(t, &s->id) == &h->node;
	if (error != 0) {
		pcb_free(p);
		/* And with it the key that s is signed with. */
		if (bind_lookup(t, &s->id) != b)
			s->by = (struct signer){0};
		if (there)
			half_reset(t, h);
		else if (h->stateless)
			tcp_send_rst_for(t, s);
		return DROP;
	}
	if (there)
		half_free(t, h);
	CHECK(conn_insert(t, &p->h->node));
	t->st.passive_opens++;
	ecn_established(p);
	tcp_arm_keep(p, s->now);
	return NEXT;
}

/*
 * An ACK for listener b, or for a half-open connection of another answer to
 * the same SYN (h), that may bring back a cookie.  NEXT: it did, and there is
 * a connection; DROP: it did, to no avail; DONE: it is no cookie of ours.
 */
enum step
half_cookie(struct tcp_bind *b, struct tcp_half *old, struct seg *s)
{
	struct tcp *t = b->t;
	struct tcp_half h = {
	    .listener = b, .stateless = true, .rcv_wnd = half_rcvbuf(b)};

	if ((s->h.flags & (TH_SYN | TH_ACK | TH_RST)) != TH_ACK ||
	    !mono_before(s->now, b->cookies_until))
		return DONE;
	if (!cookie_decode(t, s, &h))
		return cookie_maybe(t, s) ? drop(t, DROP_TCP_COOKIE) : DONE;
	if (t->cfg.env.path(
		t->cfg.env.ctx, &s->id.laddr, &s->id.raddr, &h.path) != 0)
		return drop(t, DROP_TCP_ADDR);
	ao_half(&h, s);
	if (old != NULL)
		half_free(t, old);
	else if (conn_table_full(t))
		return drop(t, DROP_TCP_NO_MEMORY);
	return complete(t, &h, s);
}

/*
 * A segment for a half-open connection.  NEXT: it is a connection now, and the
 * segment goes on there.
 */
enum step
half_input(struct tcp *t, struct tcp_half *h, struct seg *s)
{
	seq_t nxt = seq_add(h->irs, 1);
	uint32_t wnd = h->rcv_wnd < 65535 ? h->rcv_wnd : 65535;
	enum step step;
	bool in_window =
	    seq_geq(s->seq, nxt) && seq_lt(s->seq, seq_add(nxt, wnd));

	/* The SYN again: our answer was lost.  The first time it is answered
	 * at once, after that not more often than other such segments. */
	if ((s->h.flags & (TH_SYN | TH_ACK | TH_RST)) == TH_SYN &&
	    seq_eq(s->seq, h->irs)) {
		if (!ecn_half_again(h, s)) {
			half_reset(t, h);
			return drop(t, DROP_TCP_ECN_MIXED);
		}
		if (!h->again ||
		    mono_diff(s->now, h->synack_at) >= TCP_CHALLENGE_US) {
			h->again = true;
			half_synack(t, h, NULL, s->now);
			/* Time for the ACK of this answer as well. */
			timerq_set(&t->timers, &h->timer,
			    mono_add(s->now, half_patience(h)));
		}
		return DROP;
	}
	if (s->h.flags & TH_RST) {
		if (seq_eq(s->seq, nxt)) {
			t->st.attempt_fails++;
			half_free(t, h);
			return DROP;
		}
		if (!in_window)
			return drop(t, DROP_TCP_SEQ);
		ack_half(t, h, s->now);
		return drop(t, DROP_TCP_RST_SEQ);
	}
	if (h->ts && s->h.has_ts && (int32_t)(s->h.tsval - h->ts_recent) < 0) {
		t->st.paws_rejected++;
		ack_half(t, h, s->now);
		return drop(t, DROP_TCP_PAWS);
	}
	if (!in_window) {
		ack_half(t, h, s->now);
		return drop(t, DROP_TCP_SEQ);
	}
	if (s->h.flags & TH_SYN) {
		ack_half(t, h, s->now);
		return drop(t, DROP_TCP_SYN_CHALLENGED);
	}
	if (!(s->h.flags & TH_ACK))
		return drop(t, DROP_TCP_NO_ACK);
	if (seq_eq(s->ack, seq_add(h->iss, 1))) {
		if (s->len > 0 || s->fin ||
		    h->retries >= h->listener->opts.defer_accept)
			return complete(t, h, s);
		/* TCP_DEFER_ACCEPT: the user wants to be woken by data. */
		h->deferred = true;
		return drop(t, DROP_TCP_DEFERRED);
	}
	/* The answer to the cookie that went out before there was room. */
	step = half_cookie(h->listener, h, s);
	if (step != DONE)
		return step;
	tcp_send_rst_for(t, s);
	return drop(t, DROP_TCP_ACK_FUTURE);
}
