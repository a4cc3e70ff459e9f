/* SPDX-License-Identifier: ISC */
/* DCTCP: RFC 8257 3.3. */
#include "cc_lab.h"

/* n windows of ten segments, of which marked are CE. */
static void
windows(struct tcp_cc *cc, uint64_t *delivered, int n, unsigned marked)
{
	uint64_t before;
	unsigned i;

	for (; n > 0; n--) {
		before = *delivered;
		for (i = 0; i < 10; i++) {
			*delivered += MSS;
			cc->ops->watch(cc, &(struct cc_ack){.delivered = MSS,
					       .ce = i < marked ? MSS : 0,
					       .rate.prior_delivered = before,
					       .total_delivered = *delivered});
		}
	}
}

static uint32_t
alpha(const struct tcp_cc *cc)
{
	struct tcp_cc_state i;

	cc->ops->info(cc, &i);
	cr_assert_eq(i.kind, CC_INFO_DCTCP);
	return i.alpha_1024;
}

/* alpha begins at 1 and follows the share of marks with a gain of 1/16; the
 * window falls by half of it. */
Test(cc_dctcp, alpha_follows_the_marks)
{
	struct tcp_cc cc = {0};
	uint64_t delivered = 0;

	begin(&cc, "dctcp");
	cr_assert_eq(alpha(&cc), 1024);
	windows(&cc, &delivered, 11, 0);
	/* (15/16)^11 = 0.49 */
	cr_assert_geq(alpha(&cc), 490);
	cr_assert_leq(alpha(&cc), 540);
	windows(&cc, &delivered, 100, 3);
	cr_assert_geq(alpha(&cc), 295);
	cr_assert_leq(alpha(&cc), 315);
	cc.cwnd = 100 * MSS;
	tcp_cc_congestion(&cc, CC_CE, 100 * MSS);
	cr_assert_geq(cc.cwnd, 84 * MSS);
	cr_assert_leq(cc.cwnd, 86 * MSS);
	windows(&cc, &delivered, 300, 10);
	cc.cwnd = 100 * MSS;
	tcp_cc_congestion(&cc, CC_CE, 100 * MSS);
	cr_assert_leq(cc.cwnd, 51 * MSS);
	/* 3.5: a loss halves, whatever alpha is. */
	windows(&cc, &delivered, 300, 0);
	cc.cwnd = 100 * MSS;
	lose(&cc);
	cr_assert_eq(cc.cwnd, 50 * MSS);
}

/* A switch that marks from a few segments on: the pipe is full and the queue
 * stays that short. */
Test(cc_dctcp, short_queue_full_pipe)
{
	uint64_t before;
	struct path p;

	path_start(&p, "dctcp");
	p.cc.ecn = true;
	p.rtt_us = 1000;
	p.rate = 100000000;
	p.mark = 20 * MSS;
	path_run(&p, 500000);
	p.max_waiting = 0;
	p.marked = 0;
	before = p.delivered;
	path_run(&p, 1000000);
	before = p.delivered - before;
	cr_assert_geq(before, 95000000, "%lu", (unsigned long)before);
	cr_assert_gt(p.marked, 0);
	cr_assert_lt(p.max_waiting, 60 * MSS, "%u", p.max_waiting);
}
