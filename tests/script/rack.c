/* SPDX-License-Identifier: ISC */
/*
 * RACK (RFC 8985): what is lost is said by the time at which it was sent.
 */
#include "lab.h"

#define M 1460

TestSuite(rack, .init = passive_lab, .fini = lab_end);

/* A handshake that takes rtt, then n segments at once and no more. */
static void
out_after(int64_t rtt, unsigned n)
{
	peer_sends(SYN, .seq = 0, .mss = M, .sackok = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .sackok = 1);
	at(rtt);
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(n * M);
	expect_eq(lab_drain(), n);
}

/* Segments from..to - 1 have come, counted from 0, and nothing below una. */
#define came(una, from, to)                                                    \
	peer_sends(ACK, .seq = 1, .ack = 1 + (una)*M,                          \
	    .sack = {{1 + (from)*M, 1 + (to)*M}})
#define resent(n) stack_sends(ACK, .seq = 1 + (n)*M, .ack = 1, .len = M)

/* 6.2 step 4: without reordering so far, DupThresh segments are enough. */
Test(rack, dupthresh)
{
	out_after(ms(40), 9);
	at(ms(80));
	came(0, 1, 2);
	silence();
	came(0, 1, 3);
	silence();
	came(0, 1, 4);
	resent(0);
	silence();
	expect_eq(lab_stats().fast_retransmits, 1);
	expect_eq(lab_info().lost_bytes, M);
}

/* All three in one acknowledgment, as a GRO peer sends it. */
Test(rack, dupthresh_at_once)
{
	out_after(ms(40), 9);
	at(ms(80));
	came(0, 1, 4);
	resent(0);
	silence();
}

/* 6.2 step 5: fewer than that, and a quarter of the RTT later it is lost all
 * the same (and 2 ms, the timer's slack). */
Test(rack, reordering_timer)
{
	out_after(ms(40), 3);
	at(ms(80));
	came(0, 1, 2);
	expect_eq(lab_info().ca_state, 1);
	quiet_until(ms(92) - 1);
	at(ms(92));
	resent(0);
	silence();
	expect_eq(lab_info().ca_state, 3);
	expect_eq(lab_stats().timeouts, 0);
}

/* It comes within the window: nothing was lost, nothing happens. */
Test(rack, late_but_there)
{
	out_after(ms(40), 3);
	at(ms(80));
	came(0, 2, 3);
	at(ms(89));
	peer_sends(ACK, .seq = 1, .ack = 1 + 3 * M);
	expect_eq(lab_info().ca_state, 0);
	expect(mono_is_never(tcp_deadline(lab_tcp())));
}

/* Only what was sent before that which came. */
Test(rack, order_of_sending)
{
	out_after(ms(40), 4);
	at(ms(45));
	app_writes(4 * M);
	expect_eq(lab_drain(), 4);
	at(ms(85));
	came(0, 5, 6);
	expect_eq(lab_info().lost_bytes, 0);
	lab_run_until(ms(92));
	expect_eq(lab_info().lost_bytes, 4 * M);
	lab_run_until(ms(96));
	expect_eq(lab_info().lost_bytes, 4 * M);
	/* Sent at the same time, but before: its number says so. */
	lab_run_until(ms(97));
	expect_eq(lab_info().lost_bytes, 5 * M);
	lab_run_until(ms(110));
	expect_eq(lab_info().lost_bytes, 5 * M);
}

/* A retransmission is lost like all else: something that went later came. */
Test(rack, lost_retransmission)
{
	out_after(ms(40), 9);
	at(ms(80));
	came(0, 1, 4);
	resent(0);
	app_writes(9 * M);
	came(0, 1, 9);
	expect(lab_drain() > 0);
	expect_eq(lab_info().lost_bytes, M);
	at(ms(120));
	came(0, 1, 10);
	resent(0);
	expect_eq(lab_stats().lost_retransmits, 1);
	lab_drain();
	at(ms(160));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	lab_drain();
	expect_eq(lab_stats().timeouts, 0);
}

/* But not when what came was sent before it. */
Test(rack, retransmission_under_way)
{
	out_after(ms(40), 9);
	at(ms(80));
	came(0, 1, 4);
	resent(0);
	for (unsigned i = 5; i <= 9; i++) {
		at(ms(80 + 4 * i));
		came(0, 1, i);
		silence();
	}
	expect_eq(lab_stats().lost_retransmits, 0);
}

/* 6.2 step 3: once the order has changed on the way, three are no proof. */
Test(rack, after_reordering)
{
	out_after(ms(40), 9);
	at(ms(80));
	came(0, 1, 2);
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M);
	at(ms(85));
	came(2, 3, 7);
	silence();
	/* Sent at 40 ms; the newest took 45, 10 are the window, 2 the slack. */
	quiet_until(ms(97) - 1);
	at(ms(97));
	resent(2);
}

/* That a later ACK has SACK blocks beyond what it acknowledges is no
 * reordering: the acknowledgments between were lost. */
Test(rack, lost_acks)
{
	out_after(ms(40), 9);
	at(ms(80));
	came(3, 4, 5);
	came(3, 4, 6);
	silence();
	came(3, 4, 7);
	resent(3);
}

/* The degree that TCP_INFO shows: by how many segments it was overtaken. */
Test(rack, reordering_degree)
{
	out_after(ms(40), 9);
	expect_eq(lab_info().reordering, 3);
	at(ms(80));
	came(0, 1, 2);
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M);
	expect_eq(lab_info().reordering, 3);
	at(ms(85));
	came(2, 7, 8);
	at(ms(90));
	peer_sends(ACK, .seq = 1, .ack = 1 + 8 * M);
	expect_eq(lab_info().reordering, 6);
	at(ms(95));
	peer_sends(ACK, .seq = 1, .ack = 1 + 9 * M);
	expect_eq(lab_info().reordering, 6);
	expect_eq(lab_stats().retrans_segs, 0);
}

/* What was resent says nothing by its coming late. */
Test(rack, resent_is_not_reordered)
{
	out_after(ms(40), 10);
	at(ms(80));
	came(0, 1, 10);
	resent(0);
	at(ms(120));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	expect_eq(lab_info().reordering, 3);
	app_writes(9 * M);
	expect_eq(lab_drain(), 5);
	at(ms(160));
	came(10, 11, 14);
	resent(10);
	lab_drain();
}

/* Nothing that comes of a retransmission sooner than any RTT was can be its:
 * the original came (6.2 step 2). */
Test(rack, echo_of_the_original)
{
	out_after(ms(40), 9);
	at(ms(80));
	came(0, 1, 4);
	resent(0);
	at(ms(85));
	/* All but the fifth: were the second transmission of the first the
	 * newest that came, the fifth would be lost at once. */
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + 4 * M, .sack = {{1 + 5 * M, 1 + 6 * M}});
	expect_eq(lab_info().lost_bytes, M);
	lab_drain();
}
