/* SPDX-License-Identifier: ISC */
/*
 * CUBIC (RFC 9438) in integers: windows in bytes, time in milliseconds.
 *
 *	W_cubic(t) = C * (t - K)^3 + W_max,  C = 0.4 segments/s^3
 *	K = cbrt((W_max - cwnd_epoch) / C)
 *
 * with beta 0.7, fast convergence (4.7) and the Reno-friendly region (4.3).
 */
#include "tcp/cc.h"

enum {
	W_MAX,	    /* bytes */
	EPOCH_US,   /* start of this congestion avoidance stage, 0: none */
	K_MS,	    /* */
	W_EST,	    /* bytes: what Reno would have */
	CWND_PRIOR, /* bytes: cwnd at the last loss */
	FRACTION,   /* bytes acknowledged, not yet worth one byte of cwnd */
	EST_FRACTION,
};

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
init(struct tcp_cc *cc)
{
	int i;

	for (i = 0; i < CC_PRIV_WORDS; i++)
		cc->priv[i] = 0;
}

static void
start_epoch(struct tcp_cc *cc, mono_t now)
{
	uint64_t below = 0;

	cc->priv[EPOCH_US] = (uint64_t)now.us | 1;
	cc->priv[W_EST] = cc->cwnd;
	cc->priv[FRACTION] = cc->priv[EST_FRACTION] = 0;
	if (cc->priv[W_MAX] > cc->cwnd)
		below = cc->priv[W_MAX] - cc->cwnd;
	else
		cc->priv[W_MAX] = cc->cwnd;
	/* K^3 = below / (C * MSS) s^3 = below * 2.5e9 / MSS ms^3 */
	cc->priv[K_MS] = cube_root(below * 2500000000ULL / cc->mss);
}

/* W_cubic at t_ms after the epoch's start, in bytes. */
static uint64_t
w_cubic(const struct tcp_cc *cc, int64_t t_ms)
{
	int64_t d = t_ms - (int64_t)cc->priv[K_MS];
	uint64_t ad, segs_1e3, off;

	if (d > DELTA_MAX_MS)
		d = DELTA_MAX_MS;
	if (d < -DELTA_MAX_MS)
		d = -DELTA_MAX_MS;
	ad = (uint64_t)(d < 0 ? -d : d);
	segs_1e3 = ad * ad * ad / 2500000; /* 0.4e-9 * ad^3, in thousandths */
	off = segs_1e3 * cc->mss / 1000;
	if (d >= 0)
		return cc->priv[W_MAX] + off;
	return off < cc->priv[W_MAX] ? cc->priv[W_MAX] - off : 0;
}

/* RFC 9438 4.3: alpha is 3(1-b)/(1+b) = 0.529, then 1 above the old cwnd. */
static void
reno_friendly(struct tcp_cc *cc, uint32_t acked)
{
	uint64_t alpha = cc->priv[W_EST] >= cc->priv[CWND_PRIOR] ? 1000 : 529;
	uint64_t num = alpha * acked * cc->mss + cc->priv[EST_FRACTION];
	uint64_t den = 1000ULL * cc->cwnd;

	cc->priv[W_EST] += num / den;
	cc->priv[EST_FRACTION] = num % den;
}

static void
on_ack(struct tcp_cc *cc, const struct cc_ack *ack)
{
	uint32_t acked = tcp_cc_slow_start(cc, ack->acked);
	uint64_t target, num, est;
	int64_t t_ms;

	if (acked == 0)
		return;
	if (cc->priv[EPOCH_US] == 0)
		start_epoch(cc, ack->now);
	t_ms = (ack->now.us - (int64_t)cc->priv[EPOCH_US]) / 1000;
	target = w_cubic(cc, t_ms + cc->srtt_us / 1000);
	if (target > cc->cwnd + cc->cwnd / 2)
		target = cc->cwnd + cc->cwnd / 2;
	reno_friendly(cc, acked);
	est = cc->priv[W_EST];
	if (w_cubic(cc, t_ms) < est && est > cc->cwnd) {
		cc->cwnd =
		    est < UINT32_MAX / 2 ? (uint32_t)est : UINT32_MAX / 2;
		return;
	}
	if (target <= cc->cwnd)
		return;
	/* cwnd grows by (target - cwnd) / cwnd per byte acknowledged. */
	num = (target - cc->cwnd) * acked + cc->priv[FRACTION];
	cc->priv[FRACTION] = num % cc->cwnd;
	num /= cc->cwnd;
	if (cc->cwnd + num < UINT32_MAX / 2)
		cc->cwnd += (uint32_t)num;
}

static uint32_t
on_loss(struct tcp_cc *cc, uint32_t flight)
{
	uint32_t w = cc->cwnd, ss;

	(void)flight;
	cc->priv[CWND_PRIOR] = w;
	/* Fast convergence: give room to a newcomer. */
	if (w < cc->priv[W_MAX])
		cc->priv[W_MAX] = (uint64_t)w * 17 / 20;
	else
		cc->priv[W_MAX] = w;
	cc->priv[EPOCH_US] = 0;
	ss = (uint32_t)((uint64_t)w * 7 / 10);
	return ss > 2 * cc->mss ? ss : 2 * cc->mss;
}

static void
on_rto(struct tcp_cc *cc)
{
	cc->priv[EPOCH_US] = 0;
}

static void
on_idle(struct tcp_cc *cc, int64_t idle_us)
{
	/* The cubic must not grow over a time in which nothing was sent. */
	if (cc->priv[EPOCH_US] != 0)
		cc->priv[EPOCH_US] += (uint64_t)idle_us & ~1ULL;
}

const struct tcp_cc_ops tcp_cc_cubic = {
    .name = "cubic",
    .init = init,
    .on_ack = on_ack,
    .on_loss = on_loss,
    .on_rto = on_rto,
    .on_idle = on_idle,
};
