/* SPDX-License-Identifier: ISC */
/*
 * The retransmission timer, RFC 6298 (MUST-18, MUST-19), with R2 (MUST-20).
 * Departures: the minimum is 200 ms (2.4 says 1 s), as Linux has it.
 */
#include <string.h>
#include "lab.h"

TestSuite(rexmt, .init = passive_lab, .fini = lab_end);

/* A handshake that takes rtt. */
static void
established_after(int64_t rtt)
{
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(rtt);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* 2.2: the first sample: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4*RTTVAR. */
Test(rexmt, first_sample, .description = "MUST-18")
{
	established_after(ms(100));
	expect_eq(lab_info().srtt_us, ms(100));
	expect_eq(lab_info().rttvar_us, ms(50));
	expect_eq(lab_info().rto_us, ms(300));
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	quiet_until(ms(400) - 1);
	at(ms(400));
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
}

/* 2.3: the next samples, alpha = 1/8, beta = 1/4. */
Test(rexmt, next_samples, .description = "MUST-18")
{
	established_after(ms(100));
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	at(ms(300));
	peer_sends(ACK, .seq = 1, .ack = 11);
	expect_eq(lab_info().rttvar_us, 62500);
	expect_eq(lab_info().srtt_us, 112500);
	expect_eq(lab_info().rto_us, 362500);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 11, .ack = 1, .len = 10);
	at(ms(400));
	peer_sends(ACK, .seq = 1, .ack = 21);
	/* var 62500*3/4 + 12500/4, srtt 112500*7/8 + 100000/8 */
	expect_eq(lab_info().rttvar_us, 50000);
	expect_eq(lab_info().srtt_us, 110938);
}

/* A steady RTT leaves no variance, and still the RTO is well above it: the
 * peer may delay its ACK, a queue may grow. */
Test(rexmt, steady_rtt)
{
	int64_t seq = 1;

	established_after(ms(300));
	for (unsigned i = 0; i < 50; i++) {
		app_writes(10);
		stack_sends(ACK | PSH, .seq = seq, .ack = 1, .len = 10);
		after(ms(300));
		seq += 10;
		peer_sends(ACK, .seq = 1, .ack = seq);
	}
	expect_eq(lab_info().srtt_us, ms(300));
	app_writes(10);
	stack_sends(ACK | PSH, .seq = seq, .ack = 1, .len = 10);
	quiet_for(ms(499));
	expect_eq(lab_stats().timeouts, 0);
	peer_sends(ACK, .seq = 1, .ack = seq + 10);
}

/* 2.4: the minimum. */
Test(rexmt, minimum)
{
	established_after(us(100));
	expect_eq(lab_info().rto_us, ms(200) + us(100));
}

/* 5.1, 5.4, 5.5, 5.6: resent, doubled each time, up to 120 s (2.5); R2 ends
 * it after 15 times, which is far beyond 100 s (SHLD-11). */
Test(rexmt, backoff_and_r2, .description = "MUST-19 MUST-20 SHLD-11")
{
	int64_t t = 0, rto = RTO;

	reach(TCPS_ESTABLISHED);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	for (unsigned i = 0; i < 15; i++) {
		t += rto;
		quiet_until(t - 1);
		at(t);
		stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
		rto = 2 * rto < sec(120) ? 2 * rto : sec(120);
	}
	expect(t > sec(100));
	event(TCP_EV_ERROR); /* R1 */
	no_event();
	quiet_until(t + rto - 1);
	in_state(TCPS_ESTABLISHED);
	lab_run_until(t + rto);
	gone(ETIMEDOUT);
	in_state(TCPS_CLOSED);
	expect_eq(lab_stats().retrans_segs, 15);
}

/* R1 (RFC 9293 3.8.3): with the third retransmission IP is asked to look after
 * the way, and the program can know, long before R2; an ACK takes it back. */
Test(rexmt, r1_is_told, .description = "MUST-20 SHLD-9 SHLD-10")
{
	struct tcp_out out;

	reach(TCPS_ESTABLISHED);
	app_writes(10);
	lab_drain();
	for (int i = 1; i <= 5; i++) {
		at(lab_now() + lab_info().timer_us);
		memset(&out, 0, sizeof out);
		expect(tcp_output(lab_tcp(), &out, lab_mono()));
		expect_eq(out.in_doubt, i == 3);
		if (i == 3)
			event(TCP_EV_ERROR);
		no_event();
	}
	in_state(TCPS_ESTABLISHED);
	expect_eq(tcp_soft_error(lab_pcb()), ETIMEDOUT);
	expect_eq(tcp_soft_error(lab_pcb()), 0);
	peer_sends(ACK, .seq = 1, .ack = 11);
	app_writes(10);
	lab_drain();
	for (int i = 1; i <= 3; i++) {
		at(lab_now() + lab_info().timer_us);
		lab_drain();
	}
	event(TCP_EV_ERROR);
	peer_sends(ACK, .seq = 1, .ack = 21);
	expect_eq(tcp_soft_error(lab_pcb()), 0);
	no_event();
}

/* 5.2: no timer when everything is acknowledged. */
Test(rexmt, timer_stops)
{
	reach(TCPS_ESTABLISHED);
	app_writes(1000);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 1000);
	at(ms(50));
	peer_sends(ACK, .seq = 1, .ack = 1001);
	expect(mono_is_never(tcp_deadline(lab_tcp())));
	quiet_until(sec(3600));
}

/* 5.3: an ACK of new data starts it anew. */
Test(rexmt, timer_restarts)
{
	reach(TCPS_ESTABLISHED);
	app_writes(2920);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1460);
	stack_sends(ACK | PSH, .seq = 1461, .ack = 1, .len = 1460);
	at(ms(150));
	peer_sends(ACK, .seq = 1, .ack = 1461);
	quiet_until(ms(150) + lab_info().rto_us - 1);
	after(1);
	stack_sends(ACK | PSH, .seq = 1461, .ack = 1, .len = 1460);
}

/* 5.1: more data does not put it off. */
Test(rexmt, more_data_does_not_restart_it)
{
	app_sets(nodelay = true);
	reach(TCPS_ESTABLISHED);
	app_sets(nodelay = true);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	at(ms(150));
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 11, .ack = 1, .len = 10);
	quiet_until(RTO - 1);
	at(RTO);
	if (lab_next().seq != 1)
		expect(false);
	lab_drain();
}

/* 3, Karn: what was resent gives no sample. */
Test(rexmt, karn, .description = "MUST-18")
{
	established_after(ms(100));
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	at(ms(400));
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	at(ms(410));
	peer_sends(ACK, .seq = 1, .ack = 11);
	expect_eq(lab_info().srtt_us, ms(100));
	expect_eq(lab_info().rttvar_us, ms(50));
}

/* RFC 7323 4.1: with timestamps it does. */
Test(rexmt, timestamps_sample_retransmissions)
{
	handshake(.mss = 1460, .tsval = 1);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	at(RTO);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10, .tsval = 200);
	at(ms(280));
	peer_sends(ACK, .seq = 1, .ack = 11, .tsval = 300, .tsecr = 200);
	expect_eq(
	    lab_info().srtt_us > us(9000) && lab_info().srtt_us < us(11000), 1);
}

/* RFC 5681 3.1: after a time-out one segment, then slow start. */
Test(rexmt, slow_start_after_timeout, .description = "MUST-19")
{
	reach(TCPS_ESTABLISHED);
	app_writes(5 * 1460);
	expect_eq(lab_drain(), 5);
	at(RTO);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1460);
	silence();
	expect_eq(lab_info().cwnd_bytes, 1460);
	expect_eq(lab_info().ssthresh_bytes, 2 * 1460 + 730);
	at(ms(210));
	peer_sends(ACK, .seq = 1, .ack = 1461);
	stack_sends(ACK, .seq = 1461, .ack = 1, .len = 1460);
	stack_sends(ACK, .seq = 2921, .ack = 1, .len = 1460);
	silence();
	at(ms(220));
	peer_sends(ACK, .seq = 1, .ack = 4381);
	stack_sends(ACK, .seq = 4381, .ack = 1, .len = 1460);
	stack_sends(ACK | PSH, .seq = 5841, .ack = 1, .len = 1460);
	at(ms(230));
	peer_sends(ACK, .seq = 1, .ack = 7301);
	silence();
	expect(mono_is_never(tcp_deadline(lab_tcp())));
}

/* The first one was not lost, only late: its ACK covers everything. */
Test(rexmt, ack_of_all_after_timeout)
{
	reach(TCPS_ESTABLISHED);
	app_writes(5 * 1460);
	expect_eq(lab_drain(), 5);
	at(RTO);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1460);
	at(ms(201));
	peer_sends(ACK, .seq = 1, .ack = 7301);
	silence();
	app_writes(100);
	stack_sends(ACK | PSH, .seq = 7301, .ack = 1, .len = 100);
}

/* What is acknowledged is never sent again, though it shares a record with
 * what is not. */
Test(rexmt, partly_acknowledged)
{
	reach(TCPS_ESTABLISHED);
	app_writes(2920);
	lab_drain();
	at(ms(10));
	peer_sends(ACK, .seq = 1, .ack = 501);
	lab_run_until(ms(10) + lab_info().rto_us - 1);
	after(1);
	if (lab_next().seq != 501)
		expect(false);
	lab_drain();
}

/* RFC 5681 4.1: after an idle time longer than the RTO the window is the
 * initial one again. */
Test(rexmt, idle_restart)
{
	int64_t seq = 1;

	reach(TCPS_ESTABLISHED);
	for (unsigned i = 0; i < 6; i++) {
		app_writes(10 * 1460);
		lab_drain();
		seq += 14600;
		after(ms(10));
		peer_sends(ACK, .seq = 1, .ack = seq);
	}
	expect(lab_info().cwnd_bytes > 14600);
	after(sec(10));
	app_writes(40 * 1460);
	expect_eq(lab_drain(), 10);
}

/* RFC 6928: ten segments at first. */
Test(rexmt, initial_window)
{
	reach(TCPS_ESTABLISHED);
	app_writes(20 * 1460);
	expect_eq(lab_drain(), 10);
	expect_eq(lab_info().cwnd_bytes, 14600);
	/* RFC 5681 3.1: a segment more for each one acknowledged. */
	at(ms(10));
	peer_sends(ACK, .seq = 1, .ack = 2921);
	expect_eq(lab_drain(), 4);
	expect_eq(lab_info().cwnd_bytes, 14600 + 2920);
}

/* MUST-21: the user's own limit (TCP_USER_TIMEOUT). */
Test(rexmt, user_timeout, .description = "MUST-21")
{
	reach(TCPS_ESTABLISHED);
	app_sets(user_timeout_us = 3000000);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	lab_run_until(sec(3) - 1);
	in_state(TCPS_ESTABLISHED);
	event(TCP_EV_ERROR);
	no_event();
	lab_run_until(sec(7));
	gone(ETIMEDOUT);
}

/* Progress begins its time anew. */
Test(rexmt, user_timeout_and_progress)
{
	int64_t ack = 1;

	reach(TCPS_ESTABLISHED);
	app_sets(user_timeout_us = 3000000);
	app_writes(20 * 100);
	lab_drain();
	for (unsigned i = 0; i < 10; i++) {
		lab_run_until(lab_now() + sec(2));
		ack += 100;
		peer_sends(ACK, .seq = 1, .ack = ack);
		lab_drain();
		in_state(TCPS_ESTABLISHED);
	}
	lab_run_until(lab_now() + sec(10));
	gone(ETIMEDOUT);
}

/* The SYN's round trip is the first sample of an active open. */
Test(rexmt, sample_of_an_active_open)
{
	active_lab();
	app_connects();
	stack_sends(SYN, .seq = 0);
	at(ms(20));
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().srtt_us, ms(20));
	expect_eq(lab_info().rttvar_us, ms(10));
}

/* 5.7: not if it was resent; then data begins with 3 s. */
Test(rexmt, no_sample_of_a_resent_syn)
{
	active_lab();
	app_connects();
	stack_sends(SYN, .seq = 0);
	at(sec(1));
	stack_sends(SYN, .seq = 0);
	at(sec(1) + ms(20));
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().srtt_us, 0);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	quiet_until(sec(4) + ms(20) - 1);
	at(sec(4) + ms(20));
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
}

/* 5.7: a time-out backs off once for each, and an ACK of new data ends it. */
Test(rexmt, backoff_ends_with_an_ack)
{
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	lab_drain();
	at(RTO);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	at(3 * RTO);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	at(ms(610));
	peer_sends(ACK, .seq = 1, .ack = 11);
	expect_eq(lab_info().backoff, 0);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 11, .ack = 1, .len = 10);
	after(lab_info().rto_us);
	stack_sends(ACK | PSH, .seq = 11, .ack = 1, .len = 10);
}

/* MUST-20: a peer that talks but never acknowledges does not put R2 off. */
Test(rexmt, r2_despite_a_talking_peer, .description = "MUST-20")
{
	int64_t seq = 1;

	reach(TCPS_ESTABLISHED);
	app_writes(10);
	lab_drain();
	while (lab_now() < sec(1500) && lab_pcb() != NULL) {
		lab_run_until(lab_now() + sec(10));
		if (lab_pcb() == NULL)
			break;
		peer_sends(ACK | PSH, .seq = seq++, .ack = 1, .len = 1);
		if (lab_pcb() != NULL)
			app_reads(1);
	}
	lab_drain();
	gone(ETIMEDOUT);
}
