/* SPDX-License-Identifier: ISC */
/* Congestion control by itself: numbers from RFC 5681, 6928 and 9438. */
#include <criterion/criterion.h>
#include "tcp/cc.h"

#define MSS 1000

/* One round trip: a full window acknowledged, segment by segment. */
static void
round_trip(struct tcp_cc *cc, mono_t *now, int64_t rtt_us)
{
	uint32_t left = cc->cwnd;

	cc->srtt_us = (uint32_t)rtt_us;
	*now = mono_add(*now, rtt_us);
	for (; left >= MSS; left -= MSS)
		cc->ops->on_ack(
		    cc, &(struct cc_ack){
			    .now = *now, .acked = MSS, .flight = left});
}

static void
lose(struct tcp_cc *cc)
{
	tcp_cc_congestion(cc, CC_LOSS, cc->cwnd);
}

Test(cc, table_knows_its_names)
{
	cr_assert_eq(tcp_cc_find(NULL), &tcp_cc_cubic);
	cr_assert_eq(tcp_cc_find("cubic"), &tcp_cc_cubic);
	cr_assert_eq(tcp_cc_find("newreno"), &tcp_cc_newreno);
	cr_assert_eq(tcp_cc_find("reno"), &tcp_cc_newreno);
	cr_assert_null(tcp_cc_find("vegas"));
}

/* RFC 6928: ten segments; RFC 5681 3.1: doubling each round trip. */
Test(cc, slow_start_doubles)
{
	const struct tcp_cc_ops *all[] = {&tcp_cc_cubic, &tcp_cc_newreno};
	struct tcp_cc cc;
	mono_t now = {1000000};
	size_t i;

	for (i = 0; i < 2; i++) {
		tcp_cc_init(&cc, all[i], MSS, now);
		cr_assert_eq(cc.cwnd, 10 * MSS);
		round_trip(&cc, &now, 100000);
		cr_assert_eq(cc.cwnd, 20 * MSS);
		round_trip(&cc, &now, 100000);
		cr_assert_eq(cc.cwnd, 40 * MSS);
	}
}

/* RFC 5681 3.1, 3.2: one segment a round trip, half on a loss, never less
 * than two segments. */
Test(cc, newreno_is_linear_and_halves)
{
	struct tcp_cc cc;
	mono_t now = {1000000};
	int i;

	tcp_cc_init(&cc, &tcp_cc_newreno, MSS, now);
	cc.cwnd = 100 * MSS;
	lose(&cc);
	cr_assert_eq(cc.cwnd, 50 * MSS);
	for (i = 0; i < 20; i++)
		round_trip(&cc, &now, 100000);
	cr_assert_geq(cc.cwnd, 69 * MSS);
	cr_assert_leq(cc.cwnd, 71 * MSS);
	cr_assert_eq(cc.ops->on_congestion(&cc, CC_LOSS, MSS), 2 * MSS);
}

/* RFC 9438 4.2: after a loss at W the cubic is back at W after
 * K = cbrt(W * (1 - 0.7) / 0.4) seconds, and flat there. */
Test(cc, cubic_returns_to_w_max_at_k)
{
	struct tcp_cc cc;
	mono_t start = {1000000}, now = start;
	uint32_t before = 0;

	tcp_cc_init(&cc, &tcp_cc_cubic, MSS, now);
	cc.cwnd = 1000 * MSS;
	lose(&cc);
	cr_assert_eq(cc.cwnd, 700 * MSS);
	/* K = cbrt(300 / 0.4) = 9.086 s */
	while (mono_diff(now, start) < 9100000) {
		before = cc.cwnd;
		round_trip(&cc, &now, 100000);
	}
	cr_assert_geq(cc.cwnd, 985 * MSS, "%u", cc.cwnd);
	cr_assert_leq(cc.cwnd, 1005 * MSS, "%u", cc.cwnd);
	cr_assert_leq(cc.cwnd - before, MSS);
	/* And convex afterwards: 0.4 * 5^3 = 50 segments in 5 s more. */
	while (mono_diff(now, start) < 14186000)
		round_trip(&cc, &now, 100000);
	cr_assert_geq(cc.cwnd, 1035 * MSS, "%u", cc.cwnd);
	cr_assert_leq(cc.cwnd, 1065 * MSS, "%u", cc.cwnd);
}

/* RFC 9438 4.7: a second loss below the last maximum lowers the plateau. */
Test(cc, cubic_converges_fast)
{
	struct tcp_cc cc;
	mono_t start = {1000000}, now = start;

	tcp_cc_init(&cc, &tcp_cc_cubic, MSS, now);
	cc.cwnd = 1000 * MSS;
	lose(&cc);
	lose(&cc);
	cr_assert_eq(cc.cwnd, 490 * MSS);
	/* W_max = 700 * 0.85 = 595: K = cbrt(105 / 0.4) = 6.4 s. */
	while (mono_diff(now, start) < 6400000)
		round_trip(&cc, &now, 100000);
	cr_assert_geq(cc.cwnd, 580 * MSS, "%u", cc.cwnd);
	cr_assert_leq(cc.cwnd, 600 * MSS, "%u", cc.cwnd);
}

/* RFC 9438 4.3: at a short round trip Reno's window is the larger one. */
Test(cc, cubic_is_not_slower_than_reno)
{
	struct tcp_cc cc;
	mono_t start = {1000000}, now = start;
	int i;

	tcp_cc_init(&cc, &tcp_cc_cubic, MSS, now);
	cc.cwnd = 20 * MSS;
	lose(&cc);
	for (i = 0; i < 100; i++)
		round_trip(&cc, &now, 1000);
	/* 0.529 segments a round trip up to the old 20, then one each. */
	cr_assert_geq(cc.cwnd, 80 * MSS, "%u", cc.cwnd);
	cr_assert_leq(cc.cwnd, 110 * MSS, "%u", cc.cwnd);
}

/* An idle time is no time in which the cubic may grow. */
Test(cc, cubic_does_not_grow_while_idle)
{
	struct tcp_cc cc;
	mono_t now = {1000000};
	uint32_t before;

	tcp_cc_init(&cc, &tcp_cc_cubic, MSS, now);
	cc.cwnd = 1000 * MSS;
	lose(&cc);
	round_trip(&cc, &now, 100000);
	before = cc.cwnd;
	now = mono_add(now, 3600LL * 1000000);
	round_trip(&cc, &now, 100000);
	cr_assert_leq(cc.cwnd, before + before / 20, "%u", cc.cwnd);
}
