/* SPDX-License-Identifier: ISC */
/* NewReno: RFC 5681 3.1 and 3.2, RFC 8511. */
#include "cc_lab.h"

/* One segment a round trip, half on a loss, never less than two segments. */
Test(cc_newreno, linear_and_halves, .description = "MUST-19")
{
	struct tcp_cc cc = {0};
	mono_t now = {1000000};
	int i;

	begin(&cc, "newreno");
	cc.cwnd = 100 * MSS;
	lose(&cc);
	cr_assert_eq(cc.cwnd, 50 * MSS);
	for (i = 0; i < 20; i++)
		round_trip(&cc, &now, 100000);
	cr_assert_geq(cc.cwnd, 69 * MSS);
	cr_assert_leq(cc.cwnd, 71 * MSS);
	cr_assert_eq(cc.ops->on_congestion(&cc, CC_LOSS, MSS), 2 * MSS);
	/* RFC 8511: a mark costs less than a loss. */
	cr_assert_eq(cc.ops->on_congestion(&cc, CC_CE, 100 * MSS), 80 * MSS);
}

/* The saw-tooth keeps a bottleneck with a queue of its BDP busy. */
Test(cc_newreno, fills_the_pipe)
{
	struct path p;

	path_start(&p, "newreno");
	p.queue = 20 * MSS;
	path_run(&p, 10000000);
	cr_assert_geq(p.delivered, 9000000, "%lu", (unsigned long)p.delivered);
	cr_assert_gt(p.lost, 0);
}
