/* SPDX-License-Identifier: ISC */
/*
 * Buffer sizes that follow the path: memory where the bandwidth-delay product
 * is large, none where it is small.  A size that the user set stays.
 *
 * Sending, twice the congestion window is enough: one that is out and one to
 * follow.  Receiving, nobody tells us the peer's window; but what the user took
 * in a round trip is what came in it, so the next one may bring twice that
 * (dynamic right-sizing, as Linux does it).  A user who hands it on tells how
 * much of it waits there: what has piled up in the round trip was not taken.
 *
 * When the buffers of all connections together come near their limit nothing
 * grows and windows are small; nearer still, what waits out of order goes, and
 * the peers send it again.  Only then are writers refused (sendq.c), which is
 * a wait for them, no error.
 */
#include "tcp/internal.h"

#define SPACE_SEGMENTS 10 /* what a peer begins with, RFC 6928 */
#define PRESSED_WND    16384

bool
tune_pressed(const struct tcp *t)
{
	return bufpool_used(t->cfg.bufs) > bufpool_limit(t->cfg.bufs) / 4 * 3;
}

bool
tune_short(const struct tcp *t)
{
	size_t limit = bufpool_limit(t->cfg.bufs);

	return bufpool_used(t->cfg.bufs) > limit - limit / 8;
}

uint32_t
tune_window(const struct tcb *p, uint32_t room)
{
	uint32_t least = 4 * p->rcv_mss;

	if (least < PRESSED_WND)
		least = PRESSED_WND;
	return room > least && tune_pressed(p->t) ? least : room;
}

uint8_t
tune_wscale(const struct tcp *t, uint32_t locked)
{
	uint32_t rcvbuf = locked != 0 ? locked : t->cfg.size.rcvbuf;
	uint8_t s = 0;

	if (locked == 0 && rcvbuf < t->cfg.size.rcvbuf_max)
		rcvbuf = t->cfg.size.rcvbuf_max;
	while (s < 14 && (65535u << s) < rcvbuf)
		s++;
	return s;
}

void
tune_established(struct tcb *p, mono_t now)
{
	struct tcp_tune *tu = &p->tune;

	tu->since = tu->rtt_at = now;
	tu->rtt_seq = p->rcv_adv;
	tu->space = SPACE_SEGMENTS * (uint32_t)p->snd_mss;
	if (tu->space > p->rcvbuf)
		tu->space = p->rcvbuf;
}

void
tune_sndbuf(struct tcb *p)
{
	uint32_t max = p->t->cfg.size.sndbuf_max;
	uint64_t want = 2 * (uint64_t)p->cc.cwnd;

	if (p->tune.snd_locked || want <= p->sndbuf || p->sndbuf >= max ||
	    tune_pressed(p->t))
		return;
	p->sndbuf = want < max ? (uint32_t)want : max;
}

/* ---- the round trip as a receiver sees it ---- */

static void
rtt_sample(struct tcp_tune *tu, int64_t us, bool at_most)
{
	uint32_t s = us < 1		   ? 1
		     : us > TCP_RTO_MAX_US ? TCP_RTO_MAX_US
					   : (uint32_t)us;

	if (tu->rtt_us == 0 || (at_most && s < tu->rtt_us))
		tu->rtt_us = s;
	else if (!at_most)
		tu->rtt_us = (uint32_t)((7 * (uint64_t)tu->rtt_us + s) / 8);
}

void
tune_segment(struct tcb *p, const struct seg *s)
{
	struct tcp_tune *tu = &p->tune;
	uint32_t echo = s->h.tsecr;

	if (tu->rcv_locked)
		return;
	if ((p->flags & PF_TS) && s->h.has_ts && echo != 0) {
		/* One sample an echo: of a full segment, so that one that the
		 * user of the peer held back tells less. */
		if (echo == tu->echo || s->len < p->rcv_mss)
			return;
		tu->echo = echo;
		rtt_sample(tu,
		    (int64_t)(tcp_ts_now(s->now, p->ts_off) - echo) * 1000,
		    false);
		return;
	}
	/* Without timestamps a whole window takes a round trip or more. */
	if (seq_lt(p->rcv_nxt, tu->rtt_seq))
		return;
	rtt_sample(tu, mono_diff(s->now, tu->rtt_at), true);
	tu->rtt_at = s->now;
	tu->rtt_seq = seq_add(p->rcv_nxt, tcp_rcv_wnd(p));
}

/* ---- the receive buffer ---- */

/* As the receiver knows it, or from our SYN. */
static uint32_t
round_trip(const struct tcb *p)
{
	return p->tune.rtt_us != 0 ? p->tune.rtt_us : p->srtt_us;
}

void
pcb_recv_unread(struct tcb *p, uint32_t bytes)
{
	p->tune.unread = bytes;
}

/* Since tu->since, without what has piled up. */
static uint64_t
taken_in_all(const struct tcp_tune *tu)
{
	uint32_t more =
	    tu->unread > tu->unread_since ? tu->unread - tu->unread_since : 0;

	return tu->taken > more ? tu->taken - more : 0;
}

bool
tune_growing(const struct tcb *p, mono_t now)
{
	return taken_in_all(&p->tune) >= p->tune.space &&
	       mono_diff(now, p->tune.since) < (int64_t)round_trip(p);
}

void
tune_taken(struct tcb *p, size_t n, mono_t now)
{
	struct tcp_tune *tu = &p->tune;
	uint32_t rtt = round_trip(p);
	uint64_t want, taken, more;

	tu->taken += n;
	if (rtt == 0 || mono_diff(now, tu->since) < (int64_t)rtt)
		return;
	taken = taken_in_all(tu);
	tu->since = now;
	tu->taken = 0;
	tu->unread_since = tu->unread;
	if (taken <= tu->space)
		return;
	/* Room for twice as much, and for what the peer's window grows by while
	 * ours is on its way to him. */
	want = 2 * taken + 16 * (uint64_t)p->rcv_mss;
	more = want * (taken - tu->space) / (tu->space + 1);
	want += 2 * more;
	tu->space = taken < UINT32_MAX ? (uint32_t)taken : UINT32_MAX;
	if (tu->rcv_locked || want <= p->rcvbuf || tune_pressed(p->t) ||
	    p->rcvbuf >= p->t->cfg.size.rcvbuf_max)
		return;
	p->rcvbuf = want < p->t->cfg.size.rcvbuf_max
			? (uint32_t)want
			: p->t->cfg.size.rcvbuf_max;
}
