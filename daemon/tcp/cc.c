/* SPDX-License-Identifier: ISC */
/*
 * The table of congestion controls and what all of them share: the initial
 * window (RFC 6928), the answer to congestion and its undoing, the restart
 * after an idle time (RFC 5681 4.1), and slow start with HyStart++ (RFC 9406).
 *
 * DEVIATION: RFC 9406 4.2 bounds the growth by L = 8 segments an ACK where
 * there is no pacing.  The ACKs here are often of 64 KiB at once (offloads on
 * both sides), for which that would be no slow start at all; as in Linux, what
 * bounds a burst is the pacing, and the size of the frames.
 */
#include <string.h>
#include "tcp/cc.h"
#include "tcp/tcp.h"

#define HYSTART_SAMPLES	   8
#define HYSTART_MIN_US	   4000
#define HYSTART_MAX_US	   16000
#define HYSTART_DIVISOR	   8
#define HYSTART_CSS_GROWTH 4
#define HYSTART_CSS_ROUNDS 5

static const struct tcp_cc_ops *const table[] = {
    &tcp_cc_cubic, /* the default */
    &tcp_cc_newreno,
    &tcp_cc_bbr,
    &tcp_cc_dctcp,
};
#define NALGORITHMS (sizeof table / sizeof table[0])

/* MAY-18: more than one to choose from. */
const struct tcp_cc_ops *
tcp_cc_find(const char *name)
{
	size_t i;

	if (name == NULL)
		return table[0];
	for (i = 0; i < NALGORITHMS; i++) {
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	}
	/* Linux's name for the same algorithm. */
	return strcmp(name, "reno") == 0 ? &tcp_cc_newreno : NULL;
}

const char *
tcp_cc_name(unsigned i)
{
	return i < NALGORITHMS ? table[i]->name : NULL;
}

void
tcp_cc_init(
    struct tcp_cc *cc, const struct tcp_cc_ops *ops, uint32_t mss, mono_t now)
{
	*cc = (struct tcp_cc){.ops = ops,
	    .mss = mss,
	    .options = cc->options,
	    .ssthresh = UINT32_MAX,
	    .srtt_us = cc->srtt_us,
	    .ecn = cc->ecn};
	cc->cwnd = tcp_cc_initial(cc);
	ops->init(cc, now);
}

void
tcp_cc_change(struct tcp_cc *cc, const struct tcp_cc_ops *ops, mono_t now)
{
	if (cc->ops == ops)
		return;
	cc->ops = ops;
	cc->pacing_rate = 0;
	cc->holding = false;
	cc->prior_cwnd = 0;
	memset(cc->priv, 0, sizeof cc->priv);
	/* Who drives has no use for ssthresh and may leave none. */
	if (cc->ssthresh < 2 * cc->mss)
		cc->ssthresh = 2 * cc->mss;
	ops->init(cc, now);
}

uint32_t
tcp_cc_quantum(const struct tcp_cc *cc, uint64_t rate)
{
	uint64_t n = rate / 1000;

	if (n > 65536)
		n = 65536;
	return n > 2 * cc->mss ? (uint32_t)n : 2 * cc->mss;
}

/* ---- congestion ---- */

void
tcp_cc_congestion(struct tcp_cc *cc, enum cc_signal why, uint32_t flight)
{
	cc->prior_cwnd = cc->cwnd;
	cc->prior_ssthresh = cc->ssthresh;
	cc->ssthresh = cc->ops->on_congestion(cc, why, flight);
	cc->hystart = (struct cc_hystart){0};
	if (why == CC_RTO)
		cc->cwnd = cc->mss;
	else if (!(cc->ops->flags & CC_DRIVES) && cc->cwnd > cc->ssthresh)
		cc->cwnd = cc->ssthresh;
}

bool
tcp_cc_undo(struct tcp_cc *cc)
{
	if (cc->prior_cwnd == 0)
		return false;
	if (cc->ops->undo != NULL)
		cc->ops->undo(cc);
	if (cc->cwnd < cc->prior_cwnd)
		cc->cwnd = cc->prior_cwnd;
	if (cc->ssthresh < cc->prior_ssthresh)
		cc->ssthresh = cc->prior_ssthresh;
	cc->prior_cwnd = 0;
	return true;
}

void
tcp_cc_idle(struct tcp_cc *cc, mono_t now, int64_t idle_us, bool long_idle)
{
	uint32_t iw = tcp_cc_initial(cc);

	if (cc->ops->on_idle != NULL)
		cc->ops->on_idle(cc, now, idle_us);
	if (!long_idle || cc->cwnd <= iw || (cc->ops->flags & CC_DRIVES))
		return;
	/* RFC 2861 3: so that slow start finds back to it. */
	if (cc->ssthresh < cc->cwnd - cc->cwnd / 4)
		cc->ssthresh = cc->cwnd - cc->cwnd / 4;
	cc->cwnd = iw;
	cc->hystart = (struct cc_hystart){0};
}

void
tcp_cc_avoid(struct tcp_cc *cc, uint32_t acked, uint32_t *counted)
{
	uint64_t n = (uint64_t)*counted + acked;

	while (n >= cc->cwnd && cc->cwnd < CC_CWND_MAX) {
		n -= cc->cwnd;
		cc->cwnd = tcp_cc_add(cc->cwnd, cc->mss);
	}
	*counted = (uint32_t)n;
}

/* ---- slow start ---- */

/* RFC 9406 4.2: how much later than in the last round is a queue. */
static uint32_t
hystart_threshold(const struct cc_hystart *h)
{
	uint32_t t = h->last_min_us / HYSTART_DIVISOR;

	return t < HYSTART_MIN_US   ? HYSTART_MIN_US
	       : t > HYSTART_MAX_US ? HYSTART_MAX_US
				    : t;
}

static void
hystart_round(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct cc_hystart *h = &cc->hystart;

	if (ack->rate.prior_delivered < h->round_end)
		return;
	h->round_end = ack->total_delivered;
	h->last_min_us = h->min_us;
	h->min_us = 0;
	h->samples = 0;
	/* Slow for five rounds: it was the queue. */
	if (h->css_rounds > 0 && ++h->css_rounds > HYSTART_CSS_ROUNDS)
		cc->ssthresh = cc->cwnd;
}

static void
hystart_sample(struct tcp_cc *cc, uint32_t rtt_us)
{
	struct cc_hystart *h = &cc->hystart;

	if (h->min_us == 0 || rtt_us < h->min_us)
		h->min_us = rtt_us;
	if (h->samples < UINT8_MAX)
		h->samples++;
	if (h->samples < HYSTART_SAMPLES || h->last_min_us == 0)
		return;
	if (h->css_rounds > 0) {
		/* It was not a queue: it went away. */
		if (h->min_us < h->baseline_us)
			h->css_rounds = 0;
	} else if (h->min_us >= h->last_min_us + hystart_threshold(h)) {
		h->css_rounds = 1;
		h->baseline_us = h->min_us;
		h->fraction = 0;
	}
}

uint32_t
tcp_cc_slow_start(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct cc_hystart *h = &cc->hystart;
	uint32_t acked = ack->acked, room;

	if (cc->cwnd >= cc->ssthresh)
		return acked;
	/* Only the first slow start: after a loss ssthresh is known. */
	if (cc->ssthresh == UINT32_MAX) {
		hystart_round(cc, ack);
		if (ack->rtt_us > 0)
			hystart_sample(cc, (uint32_t)ack->rtt_us);
		if (cc->cwnd >= cc->ssthresh)
			return acked;
	}
	if (h->css_rounds > 0) {
		acked += h->fraction;
		h->fraction = acked % HYSTART_CSS_GROWTH;
		acked /= HYSTART_CSS_GROWTH;
	}
	room = cc->ssthresh - cc->cwnd;
	if (acked <= room) {
		cc->cwnd = tcp_cc_add(cc->cwnd, acked);
		return 0;
	}
	cc->cwnd += room;
	return acked - room;
}
