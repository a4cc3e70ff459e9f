/* SPDX-License-Identifier: ISC */
/*
 * Tail loss probes (RFC 8985 7).
 */
#include "lab.h"

#define M 1460

TestSuite(tlp, .init = passive_lab, .fini = lab_end);

/* A handshake of 40 ms; n segments are out then, if any. */
static void
out(unsigned n)
{
	peer_sends(SYN, .seq = 0, .mss = M, .sackok = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .sackok = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1);
	if (n > 0)
		app_writes(n * M);
	expect_eq(lab_drain(), n);
}

#define came(una, from, to)                                                    \
	peer_sends(ACK, .seq = 1, .ack = 1 + (una)*M,                          \
	    .sack = {{1 + (from)*M, 1 + (to)*M}})
#define acked(una) peer_sends(ACK, .seq = 1, .ack = 1 + (una)*M)
#define last(n)	   stack_sends(ACK | PSH, .seq = 1 + (n)*M, .ack = 1, .len = M)

/* 7.2, 7.3: two round trips (and 2 ms, the slack) after the last segment went
 * the last one goes again; the RTO starts anew with it. */
Test(tlp, last_segment)
{
	out(4);
	quiet_until(ms(122) - 1);
	at(ms(122));
	last(3);
	expect_eq(lab_stats().tlp_probes, 1);
	expect_eq(lab_stats().timeouts, 0);
	/* One only. */
	quiet_until(ms(122 + 240) - 1);
	at(ms(122 + 240));
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	expect_eq(lab_stats().timeouts, 1);
}

/* New data rather than old, even if the congestion window is full. */
Test(tlp, new_data)
{
	out(10);
	app_writes(3 * M);
	silence();
	at(ms(122));
	stack_sends(ACK, .seq = 1 + 10 * M, .ack = 1, .len = M);
	silence();
	expect_eq(lab_stats().tlp_probes, 1);
	expect_eq(lab_stats().retrans_segs, 0);
	/* It was no retransmission, so its ACK proves no loss. */
	at(ms(162));
	acked(11);
	expect_eq(lab_info().ssthresh_bytes, UINT32_MAX);
	lab_drain();
}

/* But not beyond the peer's window (MUST-34). */
Test(tlp, window_closed)
{
	out(0);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 4 * M);
	app_writes(9 * M);
	expect_eq(lab_drain(), 4);
	at(ms(122));
	stack_sends(ACK, .seq = 1 + 3 * M, .ack = 1, .len = M);
	silence();
}

/* What Nagle or TCP_CORK holds back goes as the probe. */
Test(tlp, small_new_data)
{
	out(4);
	app_sets(cork = true);
	app_writes(10);
	silence();
	at(ms(122));
	stack_sends(ACK | PSH, .seq = 1 + 4 * M, .ack = 1, .len = 10);
}

/* Of one segment the ACK may be delayed: 200 ms more, so that the RTO would
 * come first.  The probe takes its place. */
Test(tlp, single_segment)
{
	out(1);
	quiet_until(ms(40 + 240) - 1);
	at(ms(40 + 240));
	last(0);
	expect_eq(lab_stats().tlp_probes, 1);
	expect_eq(lab_stats().timeouts, 0);
	quiet_until(ms(280 + 240) - 1);
	at(ms(280 + 240));
	last(0);
	expect_eq(lab_stats().timeouts, 1);
}

/* The tail is lost: the SACK of the probe brings the rest by RACK, without a
 * time-out. */
Test(tlp, tail_loss)
{
	out(6);
	at(ms(80));
	acked(2);
	at(ms(162));
	last(5);
	at(ms(203));
	came(2, 5, 6);
	stack_sends(ACK, .seq = 1 + 2 * M, .ack = 1, .len = M);
	lab_drain();
	expect_eq(lab_info().lost_bytes, 3 * M);
	expect_eq(lab_info().ca_state, 3);
	at(ms(243));
	acked(3);
	lab_drain();
	at(ms(283));
	acked(6);
	expect_eq(lab_info().ca_state, 0);
	expect_eq(lab_stats().timeouts, 0);
}

/* 7.4.2: the probe has filled the only hole.  Nothing else tells of the loss,
 * which still was one. */
Test(tlp, loss_mended)
{
	out(4);
	at(ms(80));
	acked(3);
	lab_run_until(ms(80 + 240));
	expect_eq(lab_stats().tlp_probes, 1);
	at(ms(361));
	acked(4);
	expect_eq(lab_stats().tlp_recoveries, 0);
	app_writes(2 * M);
	expect_eq(lab_drain(), 2);
	at(ms(401));
	acked(6);
	expect_eq(lab_stats().tlp_recoveries, 1);
	expect_eq(lab_info().cwnd_bytes, lab_info().ssthresh_bytes);
	expect(lab_info().cwnd_bytes < 10 * M);
	expect_eq(lab_info().ca_state, 0);
}

/* Both arrived: the second ACK of the same number says so. */
Test(tlp, only_late)
{
	out(4);
	at(ms(122));
	last(3);
	at(ms(130));
	acked(4);
	at(ms(162));
	acked(4);
	app_writes(2 * M);
	expect_eq(lab_drain(), 2);
	at(ms(202));
	acked(6);
	expect_eq(lab_stats().tlp_recoveries, 0);
	expect_eq(lab_info().ssthresh_bytes, UINT32_MAX);
}

/* Each ACK that advances moves it; when all is acknowledged, none comes. */
Test(tlp, moves_with_acks)
{
	out(4);
	at(ms(81));
	acked(2);
	quiet_until(ms(163) + 249);
	at(ms(163) + 250);
	last(3);
	at(ms(200));
	acked(4);
	expect(mono_is_never(tcp_deadline(lab_tcp())));
}

/* With something SACKed RACK's timer is at work, and no probe. */
Test(tlp, not_in_disorder)
{
	out(4);
	at(ms(80));
	came(0, 1, 2);
	lab_run_until(ms(200));
	expect_eq(lab_stats().tlp_probes, 0);
}

/* 7.1: without SACK there is none. */
Test(tlp, needs_sack)
{
	peer_sends(SYN, .seq = 0, .mss = M);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(4 * M);
	expect_eq(lab_drain(), 4);
	quiet_until(ms(40 + 240) - 1);
	at(ms(40 + 240));
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	expect_eq(lab_stats().tlp_probes, 0);
}

/* The FIN can be the probe, new or old. */
Test(tlp, fin)
{
	out(3);
	at(ms(41));
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1 + 3 * M, .ack = 1);
	at(ms(123));
	stack_sends(FIN | ACK, .seq = 1 + 3 * M, .ack = 1);
	at(ms(163));
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + 2 * M, .sack = {{1 + 3 * M, 2 + 3 * M}});
	/* 40, of the older ones' RTT 123, 10 of the window, 2 of slack. */
	quiet_until(ms(175) - 1);
	at(ms(175));
	stack_sends(ACK | PSH, .seq = 1 + 2 * M, .ack = 1, .len = M);
	at(ms(215));
	peer_sends(ACK, .seq = 1, .ack = 2 + 3 * M);
	in_state(TCPS_FIN_WAIT_2);
}

/* The user's own limit is no later for it (RFC 5482). */
Test(tlp, user_timeout)
{
	out(0);
	app_sets(user_timeout_us = 100000);
	app_writes(M);
	last(0);
	lab_run_until(ms(140));
	gone(ETIMEDOUT);
	expect_eq(lab_stats().tlp_probes, 0);
}
