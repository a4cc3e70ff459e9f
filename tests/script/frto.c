/* SPDX-License-Identifier: ISC */
/*
 * A time-out that was needless: F-RTO (RFC 5682) and timestamps (RFC 3522).
 */
#include "lab.h"

#define M 1460

TestSuite(frto, .init = passive_lab, .fini = lab_end);

/* Ten segments go at 40 ms and more wait, if any; the timer fires at t. */
static void
timed_out(bool sack, unsigned more, int64_t t)
{
	peer_sends(SYN, .seq = 0, .mss = M, .sackok = sack ? 1 : NONE);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes((10 + more) * M);
	expect_eq(lab_drain(), 10);
	lab_run_until(t - 1);
	at(t);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	silence();
	expect_eq(lab_stats().timeouts, 1);
}

#define resent(n) stack_sends(ACK, .seq = 1 + (n)*M, .ack = 1, .len = M)

static void
taken_back(void)
{
	expect_eq(lab_stats().spurious_rtos, 1);
	expect(lab_info().cwnd_bytes >= 10 * M);
	expect_eq(lab_info().ssthresh_bytes, UINT32_MAX);
	expect_eq(lab_info().lost_bytes, 0);
}

/* Something that went but once is SACKed: the rest is only late.  (The probe
 * at 122 ms has moved the RTO.) */
Test(frto, sack_of_an_original)
{
	timed_out(true, 0, ms(122 + 240));
	at(ms(370));
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + M, 1 + 2 * M}});
	taken_back();
	expect_eq(lab_info().ca_state, 1);
	at(ms(371));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	silence();
	expect_eq(lab_info().ca_state, 0);
}

Test(frto, ack_of_an_original)
{
	timed_out(true, 0, ms(122 + 240));
	at(ms(370));
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M);
	taken_back();
	silence();
	at(ms(371));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
}

/* 2.1 step 2b: the first ACK may be the retransmission's; two new segments
 * bring the proof, and nothing goes again until then. */
Test(frto, without_sack)
{
	timed_out(false, 8, ms(280));
	at(ms(300));
	peer_sends(ACK, .seq = 1, .ack = 1 + M);
	resent(10);
	resent(11);
	silence();
	at(ms(301));
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M);
	taken_back();
	lab_drain();
	expect_eq(lab_stats().retrans_segs, 1);
}

/* Step 3a: only the new data came, as the duplicates show: it was loss. */
Test(frto, loss)
{
	timed_out(false, 8, ms(280));
	at(ms(320));
	peer_sends(ACK, .seq = 1, .ack = 1 + M);
	resent(10);
	resent(11);
	silence();
	at(ms(360));
	peer_sends(ACK, .seq = 1, .ack = 1 + M);
	resent(1);
	lab_drain();
	expect_eq(lab_stats().spurious_rtos, 0);
	at(ms(400));
	peer_sends(ACK, .seq = 1, .ack = 1 + 12 * M);
	lab_drain();
	expect_eq(lab_stats().spurious_rtos, 0);
	expect(lab_info().ssthresh_bytes <= 5 * M);
}

/* Nothing new to send, or no window for it: as ever. */
Test(frto, nothing_new)
{
	timed_out(false, 0, ms(280));
	at(ms(320));
	peer_sends(ACK, .seq = 1, .ack = 1 + M);
	resent(1);
	resent(2);
	silence();
	expect_eq(lab_stats().spurious_rtos, 0);
}

/* Timestamps say it with the first ACK. */
Test(frto, eifel)
{
	peer_sends(SYN, .seq = 0, .mss = M, .tsval = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 0, .tsecr = 0);
	app_writes(10 * (M - 12));
	expect_eq(lab_drain(), 10);
	lab_run_until(ms(280) - 1);
	at(ms(280));
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M - 12);
	at(ms(290));
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + (M - 12), .tsval = 250, .tsecr = 40);
	silence();
	expect_eq(lab_stats().spurious_rtos, 1);
	expect(lab_info().cwnd_bytes >= 10 * (M - 12));
	at(ms(291));
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + 10 * (M - 12), .tsval = 251, .tsecr = 40);
}

/* A time-out that was needless says nothing of what its retransmission
 * overtook: the rest of the flight is not lost for it. */
Test(frto, what_was_late_is_not_overtaken)
{
	lab_start(.listens = true);
	peer_sends(SYN, .seq = 0, .mss = 1000, .sackok = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(100));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(20000);
	expect_eq(lab_drain(), 10);
	/* The probe, and the time-out. */
	expect_eq(lab_run_until(ms(1000)), 2);
	peer_sends(ACK, .seq = 1, .ack = 1001);
	expect_eq(lab_drain(), 2);
	at(ms(1100));
	peer_sends(ACK, .seq = 1, .ack = 3001);
	expect_eq(lab_stats().spurious_rtos, 1);
	lab_drain();
	quiet_for(ms(90));
	expect_eq(lab_info().total_retrans, 1);
	app_aborts();
	lab_drain();
}
