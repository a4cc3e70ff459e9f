/* SPDX-License-Identifier: ISC */
/*
 * A peer that wants to cost more than it should, and waits that must end.
 */
#include "lab.h"

#define M 1460

TestSuite(hostile, .init = passive_lab, .fini = lab_end);

/* Segments smaller than a unit of the scaled window must not make the window
 * creep over the receive buffer, one rounding each. */
Test(hostile, tiny_segments_do_not_stretch_the_window)
{
	int64_t seq = 1;

	lab_start(.listens = true, .rcvbuf = 1 << 20);
	handshake(.seq = 0, .mss = M, .wscale = 7);
	while (lab_info().rcv_wnd >= M) {
		peer_sends(ACK, .seq = seq, .ack = 1, .len = M);
		seq += M;
		lab_drain();
	}
	for (unsigned i = 0; i < 5000; i++) {
		peer_sends(ACK, .seq = seq, .ack = 1, .len = 1);
		seq++;
		lab_run_until(lab_now() + ms(50));
	}
	expect(tcp_recv_queued(lab_pcb()) <= (1 << 20) + 32);
	/* The window opens again when the user reads. */
	app_reads((int64_t)tcp_recv_queued(lab_pcb()));
	expect(lab_drain() > 0);
	expect(lab_info().rcv_wnd > 65535);
}

/* A SACK block of one octet splits what is out; a peer may not make a record
 * of each octet. */
Test(hostile, sack_splits_are_bounded)
{
	int64_t una = 1;

	lab_start(.listens = true, .tso = 64000);
	handshake(.seq = 0, .mss = M, .wscale = 7, .sackok = 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 8000);
	app_writes(10 * M);
	lab_drain();
	for (unsigned i = 0; i < 10 * M - 8; i += 8) {
		uint32_t a = (uint32_t)una + i;

		peer_sends(ACK, .seq = 1, .ack = una,
		    .sack = {{a + 1, a + 2}, {a + 3, a + 4}, {a + 5, a + 6},
			{a + 7, a + 8}});
		lab_drain();
	}
	expect(lab_info().sacked_bytes > 0);
	expect(lab_info().sacked_bytes < 500);
	peer_sends(ACK, .seq = 1, .ack = una + 10 * M);
	expect_eq(lab_info().sacked_bytes, 0);
}

/* What was read only after the end still ends. */
Test(hostile, last_ack_with_unread_data)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(FIN | ACK, .seq = 1, .ack = 1, .len = 10);
	lab_drain();
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1, .ack = 12);
	peer_sends(ACK, .seq = 12, .ack = 2);
	event(TCP_EV_READABLE | TCP_EV_EOF);
	no_event();
	app_reads(10);
	gone(0);
}

/* A FIN and the acknowledgment of ours in one burst: theirs is acknowledged. */
Test(hostile, simultaneous_close_in_one_burst)
{
	reach(TCPS_FIN_WAIT_1);
	peer_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(ACK, .seq = 2, .ack = 2);
	stack_sends(ACK, .seq = 2, .ack = 2);
	silence();
}

/* TCP_MAXSEG goes up when cwnd is one small segment. */
Test(hostile, larger_segments_than_cwnd)
{
	reach(TCPS_ESTABLISHED);
	app_sets(max_seg = 100);
	app_writes(100);
	lab_drain();
	lab_run_until(sec(5));
	app_sets(max_seg = 0);
	expect(lab_info().cwnd_bytes >= lab_info().snd_mss);
	peer_sends(ACK, .seq = 1, .ack = 101);
	app_writes(5 * M);
	expect(lab_drain() > 0);
}

/* Keep-alive does not keep a dead peer with a closed window alive. */
Test(hostile, keepalive_and_probes)
{
	reach(TCPS_ESTABLISHED);
	app_sets(keepidle_s = 20);
	app_sets(keepalive = true);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
	app_writes(100);
	lab_run_until(sec(7200));
	gone(ETIMEDOUT);
}

/* No memory for what the user writes, and nothing is out whose ACK would tell
 * him to try again. */
Test(hostile, memory_comes_back)
{
	lab_start(.listens = true, .pool = 300000);
	reach(TCPS_ESTABLISHED);
	use(1);
	peer_sends(SYN, .seq = 0, .win = 65535, .mss = M);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	use(0);
	while (lab_offers(100000) > 0)
		;
	lab_drain();
	use(1);
	(void)lab_offers(100000);
	while (lab_offers(100000) > 0)
		;
	use(0);
	app_aborts();
	lab_drain();
	use(1);
	while (lab_info().flight_bytes > 0) {
		struct tcp_info_out i = lab_info();

		peer_sends(ACK, .seq = 1, .ack = 1 + (int64_t)i.bytes_sent);
		lab_drain();
	}
	lab_run_until(lab_now() + sec(1));
	event(TCP_EV_WRITABLE);
	app_aborts();
	lab_drain();
}

/* A queue on the way that is longer than the user's limit is no reason to give
 * up while acknowledgments come. */
Test(hostile, user_timeout_with_a_long_queue)
{
	lab_start(.listens = true);
	peer_sends(SYN, .seq = 0, .win = 65535, .mss = M);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	after(ms(900));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_sets(user_timeout_us = 3000000);
	for (unsigned i = 0; i < 10; i++) {
		app_writes(M);
		lab_drain();
	}
	for (int64_t n = 1; n <= 10; n++) {
		lab_run_until(lab_now() + ms(900));
		in_state(TCPS_ESTABLISHED);
		peer_sends(ACK, .seq = 1, .ack = 1 + n * M);
		lab_drain();
	}
	in_state(TCPS_ESTABLISHED);
}

/* A timestamp counts only if the segment's ACK is acceptable too (RFC 5961 5's
 * reason): one guess in the window must not shut the peer out by PAWS. */
Test(hostile, timestamp_of_a_guess)
{
	handshake(.seq = 0, .mss = M, .tsval = 1000);
	peer_sends(ACK, .seq = 1, .ack = 99999, .len = 10, .tsval = 900000,
	    .tsecr = 0);
	stack_sends(ACK, .seq = 1, .ack = 1);
	peer_sends(
	    ACK, .seq = 1, .ack = 1, .len = 10, .tsval = 1010, .tsecr = 0);
	after(ms(40));
	stack_sends(ACK, .seq = 1, .ack = 11, .tsecr = 1010);
}

/* RFC 7323 5.5: after 24 days TS.Recent is void, and is learnt anew. */
Test(hostile, timestamp_after_24_days)
{
	handshake(.seq = 0, .mss = M, .tsval = 1000);
	at(sec(25 * 24 * 3600));
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 10,
	    .tsval = 1000 + 25LL * 24 * 3600 * 1000, .tsecr = 0);
	after(ms(40));
	stack_sends(
	    ACK, .seq = 1, .ack = 11, .tsecr = 1000 + 25LL * 24 * 3600 * 1000);
}

/* Bare acknowledgments are not data that was sent (RFC 5681 4.1). */
Test(hostile, idle_is_without_data)
{
	reach(TCPS_ESTABLISHED);
	app_writes(10);
	lab_drain();
	peer_sends(ACK, .seq = 1, .ack = 11);
	after(sec(5));
	peer_sends(ACK, .seq = 1, .ack = 11, .len = 10);
	after(ms(40));
	stack_sends(ACK, .seq = 11, .ack = 11);
	expect_eq(lab_info().last_data_sent_us, ms(5040));
}

/* An MSS smaller than the options that come off it. */
Test(hostile, mss_of_three)
{
	handshake(.seq = 0, .mss = 3, .tsval = 1000);
	expect(lab_info().snd_mss < 536);
	app_writes(3000);
	expect(lab_drain() >= 10);
}

/* A user's limit that passed while a closed window answers: the timer goes on,
 * and not at once for ever. */
Test(hostile, user_timeout_and_a_window_that_closed)
{
	reach(TCPS_ESTABLISHED);
	app_sets(user_timeout_us = 3000000);
	app_writes(M);
	lab_drain();
	for (unsigned i = 0; i < 30; i++) {
		peer_sends(ACK, .seq = 1, .ack = 1, .win = 0);
		lab_run_until(lab_now() + sec(1));
	}
	in_state(TCPS_ESTABLISHED);
	expect(lab_stats().timeouts < 20);
}
