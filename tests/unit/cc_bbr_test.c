/* SPDX-License-Identifier: ISC */
/* BBRv3 (draft-ietf-ccwg-bbr) on a path whose truth is known. */
#include "cc_lab.h"

static struct tcp_cc_state
info(const struct path *p)
{
	struct tcp_cc_state i;

	p->cc.ops->info(&p->cc, &i);
	cr_assert_eq(i.kind, CC_INFO_BBR);
	return i;
}

/* 5.3.1, 5.3.2: it finds the bandwidth and the round-trip time in STARTUP,
 * drains the queue, and cruises: 1 MB/s, 20 ms. */
Test(cc_bbr, finds_the_path, .description = "MAY-18")
{
	struct path p;
	uint64_t before;

	path_start(&p, "bbr");
	cr_assert_eq(info(&p).pacing_gain_256, 709);
	path_run(&p, 1000000);
	cr_assert_geq(info(&p).bw, 950000, "%lu", (unsigned long)info(&p).bw);
	cr_assert_leq(info(&p).bw, 1050000, "%lu", (unsigned long)info(&p).bw);
	cr_assert_leq(info(&p).min_rtt_us, 22000);
	cr_assert_leq(info(&p).pacing_gain_256, 320);
	/* From then on the queue is a fraction of the BDP, the pipe full. */
	p.max_waiting = 0;
	before = p.delivered;
	path_run(&p, 2000000);
	cr_assert_geq(p.delivered, before + 1900000, "%lu",
	    (unsigned long)(p.delivered - before));
	cr_assert_leq(p.max_waiting, 30 * MSS, "%u", p.max_waiting);
	cr_assert_leq(p.cc.cwnd, 60 * MSS);
}

/* 5.3.3: it probes for more within 2 to 3 seconds, or 63 round trips; what has
 * become free is found. */
Test(cc_bbr, finds_more_bandwidth)
{
	struct path p;

	path_start(&p, "bbr");
	path_run(&p, 2000000);
	p.rate = 2000000;
	path_run(&p, 6000000);
	cr_assert_geq(info(&p).bw, 1900000, "%lu", (unsigned long)info(&p).bw);
}

/* ... and what is gone is given up, within two probing cycles. */
Test(cc_bbr, gives_up_bandwidth)
{
	struct path p;

	path_start(&p, "bbr");
	path_run(&p, 2000000);
	p.rate = 500000;
	path_run(&p, 8000000);
	cr_assert_leq(info(&p).bw, 550000, "%lu", (unsigned long)info(&p).bw);
	p.max_waiting = 0;
	path_run(&p, 2000000);
	cr_assert_leq(p.max_waiting, 30 * MSS, "%u", p.max_waiting);
}

/* 5.3.4: in 5 s without a new minimum the window falls to half the BDP for
 * 200 ms, once; it comes back. */
Test(cc_bbr, probes_the_round_trip_time)
{
	struct path p;
	unsigned held = 0;
	int i;

	path_start(&p, "bbr");
	for (i = 0; i < 1600; i++) {
		path_run(&p, 10000);
		held += p.cc.holding;
		if (p.cc.holding)
			cr_assert_leq(p.cc.cwnd, 16 * MSS);
	}
	/* Two or three times 0.2 s and a little. */
	cr_assert_geq(held, 40, "%u", held);
	cr_assert_leq(held, 90, "%u", held);
	cr_assert(!p.cc.holding || p.cc.cwnd > 0);
	cr_assert_geq(p.delivered, 15000000, "%lu", (unsigned long)p.delivered);
}

/* Losses that are no congestion: one in a hundred costs next to nothing. */
Test(cc_bbr, random_loss)
{
	struct path p;

	path_start(&p, "bbr");
	p.lose_one = 100;
	path_run(&p, 10000000);
	cr_assert_geq(p.delivered, 9300000, "%lu", (unsigned long)p.delivered);
}

/* 5.5.10: a queue of a fifth of the BDP overflows in each probe, which bounds
 * inflight: few losses, a full pipe. */
Test(cc_bbr, shallow_queue)
{
	uint64_t before, lost;
	struct path p;

	path_start(&p, "bbr");
	p.queue = 4 * MSS;
	path_run(&p, 2000000);
	before = p.delivered;
	lost = p.lost;
	path_run(&p, 10000000);
	before = p.delivered - before;
	cr_assert_geq(before, 8500000, "%lu", (unsigned long)before);
	lost = p.lost - lost;
	cr_assert_leq(lost, before / 20, "%lu", (unsigned long)lost);
}

/* A program that sends less than the path takes is no sign of a slow path. */
Test(cc_bbr, application_limited)
{
	struct path p;
	int i;

	path_start(&p, "bbr");
	path_run(&p, 2000000);
	for (i = 0; i < 100; i++) {
		p.app_limited = false;
		path_run(&p, 2000);
		p.app_limited = true;
		path_run(&p, 48000);
	}
	p.app_limited = false;
	cr_assert_geq(info(&p).bw, 800000, "%lu", (unsigned long)info(&p).bw);
}

/* 5.5.11: losses that were none leave no trace. */
Test(cc_bbr, spurious_loss)
{
	struct path p;
	uint32_t w;

	path_start(&p, "bbr");
	path_run(&p, 2000000);
	w = p.cc.cwnd;
	p.lose_one = 3;
	path_run(&p, 20000);
	p.lose_one = 0;
	path_run(&p, 25000);
	cr_assert(tcp_cc_undo(&p.cc));
	cr_assert_geq(p.cc.cwnd, w);
	path_run(&p, 200000);
	cr_assert_geq(info(&p).bw, 950000, "%lu", (unsigned long)info(&p).bw);
}

/* CE is answered: where the round trip is short, by its share; elsewhere as a
 * loss.  The queue stays well below what it is without marks. */
Test(cc_bbr, marks)
{
	struct path p;

	path_start(&p, "bbr");
	p.cc.ecn = true;
	p.rtt_us = 2000;
	p.rate = 50000000;
	p.mark = 10 * MSS;
	path_run(&p, 2000000);
	cr_assert_geq(p.delivered, 85000000, "%lu", (unsigned long)p.delivered);
	cr_assert_leq(p.marked, p.delivered / 4, "%lu of %lu",
	    (unsigned long)p.marked, (unsigned long)p.delivered);
}

/* After a silence it goes on at the rate it knows, without a burst. */
Test(cc_bbr, idle)
{
	struct path p;

	path_start(&p, "bbr");
	path_run(&p, 2000000);
	p.app_limited = true;
	path_run(&p, 1000000);
	p.app_limited = false;
	tcp_cc_idle(&p.cc, p.now, 1000000, true);
	cr_assert_geq(p.cc.cwnd, 20 * MSS);
	cr_assert_leq(p.cc.pacing_rate, 1050000);
	p.next_send = p.now.us;
	p.max_waiting = 0;
	path_run(&p, 100000);
	cr_assert_leq(p.max_waiting, 12 * MSS, "%u", p.max_waiting);
}

/* 5.5.11: losses that ended a probe and were none: the probe goes on, however
 * many they were. */
Test(cc_bbr, spurious_losses_in_a_probe)
{
	struct path p;
	int i;

	path_start(&p, "bbr");
	for (i = 0; i < 10000 && info(&p).pacing_gain_256 != 320; i++)
		path_run(&p, 1000);
	p.lose_one = 3;
	for (i = 0; i < 60 && info(&p).pacing_gain_256 == 320; i++)
		path_run(&p, 1000);
	cr_assert_eq(info(&p).pacing_gain_256, 230);
	path_run(&p, 6000);
	p.lose_one = 0;
	cr_assert(tcp_cc_undo(&p.cc));
	cr_assert_eq(info(&p).pacing_gain_256, 320);
}

/* Losses after a mark in the same round: going back is not to STARTUP. */
Test(cc_bbr, spurious_losses_after_a_mark)
{
	struct path p;
	int i;

	path_start(&p, "bbr");
	p.cc.ecn = true;
	path_run(&p, 2000000);
	for (i = 0; i < 10000 && info(&p).pacing_gain_256 != 256; i++)
		path_run(&p, 1000);
	p.rate = 500000;
	path_run(&p, 4000);
	p.mark = 1;
	path_run(&p, 4000);
	p.mark = 0;
	p.lose_one = 3;
	path_run(&p, 6000);
	p.lose_one = 0;
	path_run(&p, 30000);
	cr_assert_gt(p.marked, 0);
	cr_assert_gt(p.lost, 0);
	cr_assert(tcp_cc_undo(&p.cc));
	cr_assert_leq(info(&p).pacing_gain_256, 320);
}

/* A path of a few bytes a second is paced too. */
Test(cc_bbr, the_slowest_path)
{
	struct path p;

	path_start(&p, "bbr");
	p.rate = 60;
	path_run(&p, 3600000000);
	cr_assert_leq(info(&p).bw, 70, "%lu", (unsigned long)info(&p).bw);
	cr_assert_gt(p.cc.pacing_rate, 0);
	cr_assert_leq(p.cc.pacing_rate, 200);
}

/* A peer that acknowledges 1 GB in a microsecond and then takes its time: the
 * product of both has more than 64 bits. */
Test(cc_bbr, the_fastest_path)
{
	struct tcp_cc cc = {0};
	struct cc_ack a = {.now = {1000000},
	    .acked = MSS,
	    .delivered = MSS,
	    .rtt_us = 1,
	    .rate = {.delivered = 1 << 30, .interval_us = 1}};
	int i;

	begin(&cc, "bbr");
	for (i = 0; i < 400; i++) {
		if (i == 200) {
			a.rtt_us = 25477746;
			a.rate.interval_us = a.rtt_us;
			a.now = mono_add(a.now, 11000000);
		}
		a.now = mono_add(a.now, 1000);
		a.rate.prior_delivered = a.total_delivered;
		a.total_delivered += MSS;
		a.flight = 1 << 20;
		cc.ops->on_ack(&cc, &a);
		cr_assert_geq(cc.cwnd, 4 * MSS);
		cr_assert_leq(cc.cwnd, CC_CWND_MAX);
	}
	/* What was out does not fill what it seems that the path holds. */
	cr_assert_geq(cc.cwnd, 100 * MSS, "%u", cc.cwnd);
}
