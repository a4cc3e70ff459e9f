/* SPDX-License-Identifier: ISC */
/*
 * CUBIC (RFC 9438) in integers: windows in bytes, time in milliseconds.
 *
 *	W_cubic(t) = C * (t - K)^3 + W_max,  C = 0.4 segments/s^3
 *	K = cbrt((W_max - cwnd_epoch) / C)
 *
 * with beta 0.7 (4.6; 0.85 after a mark of ECN, RFC 8511), fast convergence
 * (4.7), the Reno-friendly region (4.3), a fresh start after a time-out (4.8),
 * undo (4.9), and HyStart++ for slow start (4.10).
 *
 * The time in which the program or the peer's window was the limit is no time
 * for the cubic (5.8): on_ack does not come then, and the gap moves the epoch.
 */
#include "tcp/cc.h"

/* A congestion avoidance stage; undo puts back the one before. */
struct stage {
	int64_t epoch_us; /* its start; 0: none has begun */
	uint32_t w_max;	  /* bytes */
	uint32_t k_ms;
	uint32_t w_est;	     /* bytes: what Reno would have */
	uint32_t cwnd_prior; /* bytes: cwnd at the last congestion */
	uint64_t fraction;   /* acknowledged, not yet worth a byte of cwnd */
	uint64_t est_fraction;
};

struct cubic {
	struct stage s, before;
	int64_t last_ack_us;
};

_Static_assert(sizeof(struct cubic) <= CC_PRIV_BYTES, "fits");

/* Longest (t - K) considered, so that its cube fits: about 8 minutes. */
#define DELTA_MAX_MS 500000

static uint32_t
cube_root(uint64_t x)
{
	uint64_t r = 0;
	int bit;

	for (bit = 20; bit >= 0; bit--) {
		uint64_t t = r | 1ULL << bit;

		if (t * t * t <= x)
			r = t;
	}
	return (uint32_t)r;
}

static void
init(struct tcp_cc *cc, mono_t now)
{
	*CC_STATE(cubic, cc) = (struct cubic){.last_ack_us = now.us};
}

static void
start_stage(struct tcp_cc *cc, mono_t now)
{
	struct stage *s = &CC_STATE(cubic, cc)->s;
	uint64_t below = 0;

	s->epoch_us = now.us;
	s->w_est = cc->cwnd;
	s->fraction = s->est_fraction = 0;
	if (s->w_max > cc->cwnd)
		below = s->w_max - cc->cwnd;
	else
		s->w_max = cc->cwnd;
	/* K^3 = below / (C * MSS) s^3 = below * 2.5e9 / MSS ms^3 */
	s->k_ms = cube_root(below * 2500000000ULL / cc->mss);
}

/* W_cubic at t_ms after the stage's start, in bytes. */
static uint64_t
w_cubic(const struct stage *s, uint32_t mss, int64_t t_ms)
{
	int64_t d = t_ms - (int64_t)s->k_ms;
	uint64_t ad, segs_1e3, off;

	if (d > DELTA_MAX_MS)
		d = DELTA_MAX_MS;
	if (d < -DELTA_MAX_MS)
		d = -DELTA_MAX_MS;
	ad = (uint64_t)(d < 0 ? -d : d);
	segs_1e3 = ad * ad * ad / 2500000; /* 0.4e-9 * ad^3, in thousandths */
	off = segs_1e3 * mss / 1000;
	if (d >= 0)
		return s->w_max + off;
	return off < s->w_max ? s->w_max - off : 0;
}

/* RFC 9438 4.3: alpha is 3(1-b)/(1+b) = 0.529, then 1 above the old cwnd. */
static void
reno_friendly(const struct tcp_cc *cc, struct stage *s, uint32_t acked)
{
	uint64_t alpha = s->w_est >= s->cwnd_prior ? 1000 : 529;
	uint64_t num = alpha * acked * cc->mss + s->est_fraction;
	uint64_t den = 1000ULL * cc->cwnd;

	s->w_est = tcp_cc_add(s->w_est, num / den);
	s->est_fraction = num % den;
}

static void
on_ack(struct tcp_cc *cc, const struct cc_ack *ack)
{
	struct cubic *c = CC_STATE(cubic, cc);
	struct stage *s = &c->s;
	uint32_t acked = tcp_cc_slow_start(cc, ack);
	int64_t gap = ack->now.us - c->last_ack_us, t_ms;
	uint64_t target, num;

	c->last_ack_us = ack->now.us;
	if (acked == 0)
		return;
	if (s->epoch_us == 0)
		start_stage(cc, ack->now);
	else if (gap > 2 * (int64_t)cc->srtt_us)
		s->epoch_us += gap - cc->srtt_us;
	t_ms = (ack->now.us - s->epoch_us) / 1000;
	target = w_cubic(s, cc->mss, t_ms + cc->srtt_us / 1000);
	if (target > cc->cwnd + cc->cwnd / 2)
		target = cc->cwnd + cc->cwnd / 2;
	reno_friendly(cc, s, acked);
	if (s->w_est > cc->cwnd && w_cubic(s, cc->mss, t_ms) < s->w_est) {
		cc->cwnd = s->w_est;
		return;
	}
	if (target <= cc->cwnd)
		return;
	/* cwnd grows by (target - cwnd) / cwnd per byte acknowledged. */
	num = (target - cc->cwnd) * acked + s->fraction;
	s->fraction = num % cc->cwnd;
	cc->cwnd = tcp_cc_add(cc->cwnd, num / cc->cwnd);
}

static uint32_t
on_congestion(struct tcp_cc *cc, enum cc_signal why, uint32_t flight)
{
	struct cubic *c = CC_STATE(cubic, cc);
	struct stage *s = &c->s;
	uint32_t w = cc->cwnd, ss;

	(void)flight; /* cwnd does not grow beyond what is used */
	c->before = *s;
	s->cwnd_prior = w;
	if (why == CC_RTO)
		s->w_max = 0; /* 4.8: K is 0, W_max where the stage begins */
	else if (w < s->w_max)
		s->w_max = (uint32_t)((uint64_t)w * 17 / 20); /* 4.7 */
	else
		s->w_max = w;
	s->epoch_us = 0;
	ss = (uint32_t)((uint64_t)w * (why == CC_CE ? 17 : 14) / 20);
	return ss > 2 * cc->mss ? ss : 2 * cc->mss;
}

static void
undo(struct tcp_cc *cc)
{
	struct cubic *c = CC_STATE(cubic, cc);

	c->s = c->before;
}

const struct tcp_cc_ops tcp_cc_cubic = {
    .name = "cubic",
    .init = init,
    .on_ack = on_ack,
    .on_congestion = on_congestion,
    .undo = undo,
};
