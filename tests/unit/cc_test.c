/* SPDX-License-Identifier: ISC */
/* What all congestion controls share: RFC 5681, 6928, 9406; and the table. */
#include "cc_lab.h"

Test(cc, table_knows_its_names)
{
	unsigned i;

	cr_assert_eq(tcp_cc_find(NULL), &tcp_cc_cubic);
	cr_assert_eq(tcp_cc_find("reno"), &tcp_cc_newreno);
	cr_assert_null(tcp_cc_find("vegas"));
	for (i = 0; tcp_cc_name(i) != NULL; i++)
		cr_assert_str_eq(
		    tcp_cc_find(tcp_cc_name(i))->name, tcp_cc_name(i));
	cr_assert_geq(i, 4);
}

/* RFC 6928: ten segments; RFC 5681 3.1: doubling each round trip. */
Test(cc, slow_start_doubles)
{
	static const char *const all[] = {"cubic", "newreno", "dctcp"};
	struct tcp_cc cc = {0};
	mono_t now = {1000000};
	size_t i;

	for (i = 0; i < 3; i++) {
		begin(&cc, all[i]);
		cr_assert_eq(cc.cwnd, 10 * MSS);
		round_trip(&cc, &now, 100000);
		cr_assert_eq(cc.cwnd, 20 * MSS);
		round_trip(&cc, &now, 100000);
		cr_assert_eq(cc.cwnd, 40 * MSS);
	}
}

/* A round of n acknowledgments with that round-trip time. */
static void
hystart_round(struct tcp_cc *cc, uint64_t *delivered, unsigned n, int64_t rtt)
{
	uint64_t before = *delivered;

	while (n-- > 0) {
		*delivered += MSS;
		(void)tcp_cc_slow_start(cc, &(struct cc_ack){.acked = MSS,
						.rtt_us = rtt,
						.rate.prior_delivered = before,
						.total_delivered = *delivered});
	}
}

/* RFC 9406 4.2: 16 ms later than the round before is a queue: a quarter of the
 * growth for five rounds, then it is over. */
Test(cc, hystart_leaves_slow_start)
{
	struct tcp_cc cc = {0};
	uint64_t delivered = 0;
	uint32_t w;
	int i;

	begin(&cc, "newreno");
	hystart_round(&cc, &delivered, 16, 200000);
	hystart_round(&cc, &delivered, 16, 200000);
	w = cc.cwnd;
	cr_assert_eq(w, 42 * MSS);
	/* A little later: no. */
	hystart_round(&cc, &delivered, 16, 215000);
	cr_assert_eq(cc.cwnd, w + 16 * MSS);
	w = cc.cwnd;
	/* Seven that are late are chance, the eighth turns it. */
	hystart_round(&cc, &delivered, 16, 232000);
	cr_assert_eq(cc.cwnd, w + 7 * MSS + 9 * MSS / 4);
	for (i = 0; i < 4; i++) {
		cr_assert_eq(cc.ssthresh, UINT32_MAX);
		w = cc.cwnd;
		hystart_round(&cc, &delivered, 16, 232000);
		cr_assert_eq((cc.cwnd - w + MSS / 2) / MSS, 4);
	}
	w = cc.cwnd;
	hystart_round(&cc, &delivered, 1, 232000);
	cr_assert_eq(cc.ssthresh, w);
}

/* RFC 9406 4.2: the delay went away: it was none, on with it. */
Test(cc, hystart_takes_it_back)
{
	struct tcp_cc cc = {0};
	uint64_t delivered = 0;
	uint32_t w;
	int i;

	begin(&cc, "cubic");
	hystart_round(&cc, &delivered, 16, 200000);
	hystart_round(&cc, &delivered, 16, 230000);
	w = cc.cwnd;
	hystart_round(&cc, &delivered, 16, 205000);
	cr_assert_gt(cc.cwnd, w + 8 * MSS);
	for (i = 0; i < 6; i++)
		hystart_round(&cc, &delivered, 16, 205000);
	cr_assert_eq(cc.ssthresh, UINT32_MAX);
}

/* What was no congestion is undone, once; a later growth is not lost by it. */
Test(cc, undo_gives_it_back)
{
	static const char *const all[] = {"cubic", "newreno", "dctcp"};
	struct tcp_cc cc = {0};
	size_t i;

	for (i = 0; i < 3; i++) {
		begin(&cc, all[i]);
		cc.cwnd = 100 * MSS;
		cc.ssthresh = 80 * MSS;
		cr_assert(!tcp_cc_undo(&cc));
		tcp_cc_congestion(&cc, CC_RTO, 100 * MSS);
		cr_assert_eq(cc.cwnd, MSS);
		cr_assert_lt(cc.ssthresh, 80 * MSS);
		cr_assert(tcp_cc_undo(&cc));
		cr_assert_eq(cc.cwnd, 100 * MSS);
		cr_assert_eq(cc.ssthresh, 80 * MSS);
		cr_assert(!tcp_cc_undo(&cc));
		lose(&cc);
		cc.cwnd = 120 * MSS;
		cr_assert(tcp_cc_undo(&cc));
		cr_assert_eq(cc.cwnd, 120 * MSS);
	}
}

/* RFC 5681 4.1, 2861: the initial window after an idle RTO, and ssthresh so
 * that slow start finds back; not after less. */
Test(cc, idle_restart)
{
	struct tcp_cc cc = {0};

	begin(&cc, "cubic");
	cc.cwnd = cc.ssthresh = 100 * MSS;
	tcp_cc_idle(&cc, (mono_t){2000000}, 50000, false);
	cr_assert_eq(cc.cwnd, 100 * MSS);
	cc.ssthresh = 20 * MSS;
	tcp_cc_idle(&cc, (mono_t){3000000}, 900000, true);
	cr_assert_eq(cc.cwnd, 10 * MSS);
	cr_assert_eq(cc.ssthresh, 75 * MSS);
}

/* From one algorithm to another in mid-flight: the window stays, what the old
 * one had in mind does not. */
Test(cc, change)
{
	struct path p;

	path_start(&p, "bbr");
	path_run(&p, 2000000);
	cr_assert_neq(p.cc.pacing_rate, 0);
	tcp_cc_change(&p.cc, &tcp_cc_cubic, p.now);
	cr_assert_eq(p.cc.pacing_rate, 0);
	cr_assert(!p.cc.holding);
	path_run(&p, 2000000);
	tcp_cc_change(&p.cc, &tcp_cc_bbr, p.now);
	path_run(&p, 2000000);
	cr_assert_gt(p.delivered, 5500000);
}

/* A millisecond's worth in one burst, two segments to 64 KiB. */
Test(cc, quantum)
{
	struct tcp_cc cc = {0};

	begin(&cc, "cubic");
	cr_assert_eq(tcp_cc_quantum(&cc, 1000), 2 * MSS);
	cr_assert_eq(tcp_cc_quantum(&cc, 20000000), 20000);
	cr_assert_eq(tcp_cc_quantum(&cc, 10000000000), 65536);
}
