/* SPDX-License-Identifier: ISC */
/* CUBIC by numbers: RFC 9438. */
#include "cc_lab.h"

/* RFC 9438 4.2: after a loss at W the cubic is back at W after
 * K = cbrt(W * (1 - 0.7) / 0.4) seconds, and flat there. */
Test(cc_cubic, returns_to_w_max_at_k, .description = "MAY-18")
{
	struct tcp_cc cc = {0};
	mono_t start = {1000000}, now = start;
	uint32_t before = 0;

	begin(&cc, "cubic");
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
Test(cc_cubic, converges_fast)
{
	struct tcp_cc cc = {0};
	mono_t start = {1000000}, now = start;

	begin(&cc, "cubic");
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
Test(cc_cubic, is_not_slower_than_reno)
{
	struct tcp_cc cc = {0};
	mono_t start = {1000000}, now = start;
	int i;

	begin(&cc, "cubic");
	cc.cwnd = 20 * MSS;
	lose(&cc);
	for (i = 0; i < 100; i++)
		round_trip(&cc, &now, 1000);
	/* 0.529 segments a round trip up to the old 20, then one each. */
	cr_assert_geq(cc.cwnd, 80 * MSS, "%u", cc.cwnd);
	cr_assert_leq(cc.cwnd, 110 * MSS, "%u", cc.cwnd);
}

/* An idle time is no time in which the cubic may grow. */
Test(cc_cubic, does_not_grow_while_idle)
{
	struct tcp_cc cc = {0};
	mono_t now = {1000000};
	uint32_t before;

	begin(&cc, "cubic");
	cc.cwnd = 1000 * MSS;
	lose(&cc);
	round_trip(&cc, &now, 100000);
	before = cc.cwnd;
	now = mono_add(now, 3600LL * 1000000);
	round_trip(&cc, &now, 100000);
	cr_assert_leq(cc.cwnd, before + before / 20, "%u", cc.cwnd);
}

/* RFC 9438 4.8: after a time-out W_max is where avoidance begins, K is 0: the
 * old plateau does not pull. */
Test(cc_cubic, starts_afresh_after_a_timeout)
{
	struct tcp_cc cc = {0};
	mono_t now = {1000000};
	uint32_t start;
	int i;

	begin(&cc, "cubic");
	cc.cwnd = 1000 * MSS;
	tcp_cc_congestion(&cc, CC_RTO, 1000 * MSS);
	cr_assert_eq(cc.ssthresh, 700 * MSS);
	while (cc.cwnd < cc.ssthresh)
		round_trip(&cc, &now, 100000);
	start = cc.cwnd;
	for (i = 0; i < 50; i++)
		round_trip(&cc, &now, 100000);
	/* 0.4 * 5^3 = 50 segments in 5 s, where the way back to 1000 would
	 * have been 270. */
	cr_assert_geq(cc.cwnd, start + 35 * MSS, "%u", cc.cwnd - start);
	cr_assert_leq(cc.cwnd, start + 65 * MSS, "%u", cc.cwnd - start);
}

/* RFC 9438 4.9: after undo the cubic goes on as if nothing had been. */
Test(cc_cubic, undo_restores_the_stage)
{
	struct tcp_cc a = {0}, b;
	mono_t now = {1000000}, at;
	int i;

	begin(&a, "cubic");
	a.cwnd = 1000 * MSS;
	lose(&a);
	for (i = 0; i < 20; i++)
		round_trip(&a, &now, 100000);
	b = a;
	lose(&b);
	cr_assert_lt(b.cwnd, a.cwnd);
	cr_assert(tcp_cc_undo(&b));
	for (i = 0; i < 40; i++) {
		at = now;
		round_trip(&a, &at, 100000);
		round_trip(&b, &now, 100000);
	}
	cr_assert_eq(a.cwnd, b.cwnd);
}

/* RFC 8511 4.2: 0.85 after a mark. */
Test(cc_cubic, marks_cost_less)
{
	struct tcp_cc cc = {0};

	begin(&cc, "cubic");
	cc.cwnd = 1000 * MSS;
	tcp_cc_congestion(&cc, CC_CE, 1000 * MSS);
	cr_assert_eq(cc.cwnd, 850 * MSS);
}

/* A bottleneck with a queue of half its BDP stays busy. */
Test(cc_cubic, fills_the_pipe)
{
	struct path p;

	path_start(&p, "cubic");
	p.queue = 10 * MSS;
	path_run(&p, 10000000);
	cr_assert_geq(p.delivered, 9000000, "%lu", (unsigned long)p.delivered);
	cr_assert_gt(p.lost, 0);
}
