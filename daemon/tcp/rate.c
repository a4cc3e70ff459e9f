/* SPDX-License-Identifier: ISC */
/*
 * What congestion control is told: how fast bytes were delivered
 * (draft-ietf-ccwg-bbr 4.1), whether the window was used, what was lost; and
 * what became of the time for TCP_INFO.
 *
 * Each record of what is out (txseg) remembers the counts at the time when it
 * went: struct tx_rate, 24 bytes for up to 64 KiB.  When it is delivered, the
 * difference shows how much else arrived in the time; the slower of sending
 * and acknowledging counts, so that compressed ACKs show no rate that never
 * was.  Times in it are distances back from sent_at, which fit 32 bits.
 *
 * One struct cc_ack is filled in while a segment's acknowledgment is worked
 * through (ack.c, scoreboard.c) and handed out at its end.
 *
 * The window counts as used by Linux's rule rather than RFC 7661's pipeACK,
 * which wants a history of samples for the same answer: it was the limit at
 * some time in the last window's worth, or (slow start) half of it was out.
 */
#include <string.h>
#include "tcp/internal.h"

static uint32_t
back_from(mono_t later, mono_t earlier)
{
	int64_t us = mono_diff(later, earlier);

	return us < 0 ? 0 : us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

/* x goes out, again perhaps; it is not counted in the pipe yet. */
void
rate_sent(struct tcb *p, struct txseg *x, mono_t now)
{
	uint32_t pipe = tcp_pipe(p);

	if (pipe == 0)
		p->rate.first_tx = p->rate.delivered_at = now;
	x->rate = (struct tx_rate){
	    .delivered = (uint32_t)p->rate.delivered,
	    .lost = (uint32_t)p->rate.lost,
	    .delivered_back = back_from(now, p->rate.delivered_at),
	    .first_tx_back = back_from(now, p->rate.first_tx),
	    .flight = pipe + x->len,
	    .app_limited = p->rate.app_limited != 0,
	};
}

/* n bytes of x are there: acknowledged, or SACKed (once). */
void
rate_delivered(struct tcb *p, const struct txseg *x, uint32_t n, bool last)
{
	struct cc_ack *a = &p->rate.ack;

	p->rate.delivered += n;
	p->rate.delivered_at = a->now;
	a->delivered += n;
	p->ecn.s_packets += txseg_packets(x, n);
	p->rate.packets += txseg_packets(x, n);
	/* The newest of what this acknowledgment covers gives the sample.  What
	 * was sent again for nothing gives none: x tells of the time when it
	 * went again, and a round trip would be over that has just begun. */
	if (!last)
		return;
	if (p->rate.sampled && mono_before(x->sent_at, p->rate.first_tx))
		return;
	p->rate.sampled = true;
	p->rate.first_tx = x->sent_at;
	p->rate.sent_us = x->rate.first_tx_back;
	p->rate.since = mono_add(x->sent_at, -(int64_t)x->rate.delivered_back);
	/* 32 bits of each count are enough to tell the distance. */
	a->rate.prior_delivered =
	    p->rate.delivered - n -
	    (uint32_t)(p->rate.delivered - n - x->rate.delivered);
	a->rate.lost = (uint32_t)p->rate.lost - x->rate.lost;
	a->rate.flight = x->rate.flight;
	a->rate.app_limited = x->rate.app_limited;
}

/* x is newly lost. */
void
rate_lost(struct tcb *p, const struct txseg *x)
{
	struct tcp_cc *cc = &p->cc;

	p->rate.lost += x->len;
	if (cc->ops->on_lost != NULL)
		cc->ops->on_lost(
		    cc, &(struct cc_lost){.len = x->len,
			    .flight = x->rate.flight,
			    .lost = (uint32_t)p->rate.lost - x->rate.lost,
			    .app_limited = x->rate.app_limited});
}

void
rate_ack_begin(struct tcb *p, mono_t now)
{
	p->rate.sampled = false;
	p->ecn.s_packets = 0;
	p->rate.ack = (struct cc_ack){
	    .now = now,
	    .prior_flight = tcp_pipe(p),
	    .rtt_us = -1,
	};
}

/* RFC 9406's and BBR's rate sample, whole; false: it shows nothing. */
static bool
finish_sample(struct tcb *p)
{
	struct cc_ack *a = &p->rate.ack;
	int64_t ack_us;

	if (p->rate.app_limited != 0 && p->rate.delivered > p->rate.app_limited)
		p->rate.app_limited = 0;
	if (!p->rate.sampled)
		return false;
	ack_us = mono_diff(a->now, p->rate.since);
	a->rate.delivered = p->rate.delivered - a->rate.prior_delivered;
	a->rate.interval_us =
	    ack_us > p->rate.sent_us ? ack_us : p->rate.sent_us;
	/* Shorter than a round trip can be: of what was sent twice. */
	if (a->rate.interval_us < p->min_rtt_us ||
	    p->min_rtt_us == UINT32_MAX) {
		a->rate.interval_us = 0;
		return false;
	}
	return true;
}

/* For tcpi_delivery_rate: the last one, unless a limited one is lower. */
static void
remember_sample(struct tcb *p)
{
	const struct cc_rate *r = &p->rate.ack.rate;

	if (r->app_limited && p->rate.best_us != 0 &&
	    r->delivered * p->rate.best_us <
		p->rate.best_delivered * (uint64_t)r->interval_us)
		return;
	p->rate.best_delivered = r->delivered;
	p->rate.best_us = (uint64_t)r->interval_us;
	p->rate.best_limited = r->app_limited;
}

/* The acknowledgment is worked through: the algorithm's turn. */
void
rate_ack_end(struct tcb *p)
{
	struct cc_ack *a = &p->rate.ack;
	struct tcp_cc *cc = &p->cc;
	uint64_t lost = p->rate.lost - p->rate.lost_told;

	if (finish_sample(p))
		remember_sample(p);
	if (a->delivered == 0 && lost == 0)
		return;
	a->lost = (uint32_t)lost;
	p->rate.lost_told = p->rate.lost;
	a->flight = tcp_pipe(p);
	a->ca_state = p->ca_state;
	a->total_delivered = p->rate.delivered;
	a->total_lost = p->rate.lost;
	a->cwnd_limited =
	    p->rate.limited ||
	    (cc->cwnd < cc->ssthresh && p->rate.max_out > cc->cwnd / 2);
	if (cc->ops->watch != NULL)
		cc->ops->watch(cc, a);
	if (cc->ops->flags & CC_DRIVES) {
		cc->ops->on_ack(cc, a);
		return;
	}
	if (a->acked == 0 || !a->cwnd_limited)
		return;
	if (p->ca_state == CA_LOSS)
		(void)tcp_cc_slow_start(cc, a);
	else if (p->ca_state < CA_CWR)
		cc->ops->on_ack(cc, a);
}

static enum rate_wait
waits_for(const struct tcb *p)
{
	uint32_t unsent = (uint32_t)pcb_send_unsent(p);
	uint32_t out = tcp_outstanding(p), room;

	if (unsent == 0) {
		if (TAILQ_EMPTY(&p->tx))
			return RATE_IDLE;
		return p->flags & PF_WANT_WRITABLE ? RATE_SNDBUF : RATE_BUSY;
	}
	room = p->snd_wnd > out ? p->snd_wnd - out : 0;
	if (!(p->flags & PF_CWND_LIMITED) && !timer_on(p, TMR_PACE) &&
	    room < unsent && room < p->snd_mss)
		return RATE_RWND;
	return RATE_BUSY;
}

static void
note_wait(struct tcb *p, mono_t now)
{
	p->rate.wait_us[p->rate.wait] += mono_diff(now, p->rate.wait_at);
	p->rate.wait = waits_for(p);
	p->rate.wait_at = now;
}

void
rate_info(const struct tcb *p, struct tcp_info_out *o, mono_t now)
{
	int64_t us[RATE_WAITS];

	o->pacing_rate = pacing_rate(p);
	o->max_pacing_rate = p->pace.max_rate;
	if (p->rate.best_us != 0)
		o->delivery_rate =
		    p->rate.best_delivered * 1000000 / p->rate.best_us;
	o->delivery_app_limited = p->rate.best_limited;
	o->delivered_bytes = p->rate.delivered;
	o->delivered_packets = p->rate.packets;
	memcpy(us, p->rate.wait_us, sizeof us);
	us[p->rate.wait] += mono_diff(now, p->rate.wait_at);
	o->rwnd_limited_us = us[RATE_RWND];
	o->sndbuf_limited_us = us[RATE_SNDBUF];
	o->busy_us = us[RATE_BUSY] + us[RATE_RWND] + us[RATE_SNDBUF];
	if (p->cc.ops->info != NULL)
		p->cc.ops->info(&p->cc, &o->cc);
}

/* Nothing more goes out now: what was the limit? */
void
rate_output_done(struct tcb *p, mono_t now)
{
	uint32_t out = tcp_outstanding(p);
	bool limited = (p->flags & PF_CWND_LIMITED) != 0;

	note_wait(p, now);
	/* The most that was out in a window's time, or that it was the limit.
	 */
	if (seq_geq(p->snd_una, p->rate.window_end) || limited ||
	    (!p->rate.limited && out > p->rate.max_out)) {
		p->rate.limited = limited;
		p->rate.max_out = out;
		p->rate.window_end = p->snd_nxt;
	}
	/* Not while data waits for its time. */
	if (p->cc.holding ||
	    (!limited && !timer_on(p, TMR_PACE) &&
		pcb_send_unsent(p) < p->snd_mss && TAILQ_EMPTY(&p->lost))) {
		p->rate.app_limited = p->rate.delivered + tcp_pipe(p);
		if (p->rate.app_limited == 0)
			p->rate.app_limited = 1;
	}
}
