/* SPDX-License-Identifier: ISC */
/*
 * Pacing: data goes at a rate and not all that the window lets go at once.
 *
 * The rate is the algorithm's own (BBR), or twice what the window gives in a
 * round trip while it may double, 1.2 times afterwards (Linux's figures), so
 * that pacing is not what limits; and never more than the program wants
 * (SO_MAX_PACING_RATE).  What goes is charged to a clock, pace.next; before it
 * nothing goes.
 *
 * The clock may lag: by a millisecond, so that a timer that fires late, or a
 * daemon that was busy, does not lower the rate.  On paths with a round trip
 * below that the window alone paces nothing: a thousand connections on a link
 * without delay would cost a timer and a small frame for each millisecond of
 * each, more than there is time for, and the round trips grow.  Where the rate
 * is only the window's, by ten segments' worth, a burst that each path has to
 * take (RFC 6928).  Without this short transfers and those with few segments
 * out took 2 to 10 per cent longer in the simulator; with it none does, and
 * windows of hundreds of segments before a short queue are twice as fast as
 * without pacing.
 */
#include "tcp/internal.h"

#define LAG_US	  1000
#define BURST_US  512 /* of min_rtt: halves what may go beside the rate */
#define TSO_BYTES 65536

/* From the window; 0 where the round trip is not known, or nothing. */
static uint64_t
window_rate(const struct tcb *p)
{
	const struct tcp_cc *cc = &p->cc;

	if (cc->srtt_us == 0 || p->min_rtt_us < LAG_US)
		return 0;
	return (uint64_t)cc->cwnd * 1000000 / cc->srtt_us *
	       (cc->cwnd < cc->ssthresh / 2 ? 200 : 120) / 100;
}

/* Bytes a second, 0: nothing is paced; and how far the clock may lag. */
static uint64_t
rate_and_lag(const struct tcb *p, int64_t *lag_us)
{
	uint64_t rate = p->cc.pacing_rate, max = p->pace.max_rate;
	bool own = rate != 0;

	*lag_us = LAG_US;
	if (!own && p->t->cfg.pacing)
		rate = window_rate(p);
	if (max != 0 && (rate == 0 || rate > max))
		return max;
	if (!own && rate != 0)
		*lag_us += (int64_t)(CC_IW_SEGS * (uint64_t)p->cc.mss *
				     1000000 / rate);
	return rate;
}

uint64_t
pacing_rate(const struct tcb *p)
{
	int64_t lag_us;

	return rate_and_lag(p, &lag_us);
}

/* Where nothing is paced, too, as in Linux: a train is a burst anyway, and the
 * ACKs of small ones are spread over the round trip. */
uint32_t
pacing_quantum(const struct tcb *p)
{
	uint32_t least = p->t->cfg.min_tso_segs * (uint32_t)p->cc.mss, quantum;
	uint64_t rate = pacing_rate(p);

	if (rate == 0)
		rate = window_rate(p);
	if (rate == 0)
		return UINT32_MAX;
	quantum = tcp_cc_quantum(&p->cc, rate);
	/* Where the round trip is a few milliseconds a burst hurts nobody, and
	 * small frames cost both ends more than the wire. */
	if (p->cc.pacing_rate == 0 && p->min_rtt_us < BURST_US * 16)
		quantum += TSO_BYTES >> p->min_rtt_us / BURST_US;
	return quantum > least ? quantum : least;
}

bool
pacing_holds(struct tcb *p, mono_t now)
{
	if (!mono_before(now, p->pace.next))
		return false;
	pcb_timer(p, TMR_PACE, p->pace.next);
	return true;
}

void
pacing_sent(struct tcb *p, uint32_t len, mono_t now)
{
	int64_t lag_us;
	uint64_t rate = rate_and_lag(p, &lag_us), cost;

	if (rate == 0)
		return;
	/* The rest of a microsecond is kept: at 10 Gbit/s it is a segment.  At
	 * a lower rate than it is from it would be more than one. */
	if (p->pace.rest >= rate)
		p->pace.rest = 0;
	cost = (uint64_t)len * 1000000 + p->pace.rest;
	p->pace.rest = cost % rate;
	p->pace.next = mono_add(mono_max(p->pace.next, mono_add(now, -lag_us)),
	    (int64_t)(cost / rate));
}
