/* SPDX-License-Identifier: ISC */
/*
 * When text is acknowledged (RFC 5681 4.2, RFC 9293 3.8.6.3), with the quick
 * ACKs of a connection's first segments; without them see receive.c.
 */
#include "lab.h"

#define M 1460

static void
quick_lab(void)
{
	lab_start(.listens = true, .quickack = true);
	reach(TCPS_ESTABLISHED);
}

TestSuite(delack, .init = quick_lab, .fini = lab_end);

/* n segments of m bytes from seq on, each acknowledged at once, and read. */
static void
quick(int64_t seq, unsigned n, uint32_t m)
{
	for (unsigned i = 0; i < n; i++) {
		peer_sends(ACK, .seq = seq + i * m, .ack = 1, .len = m);
		stack_sends(ACK, .seq = 1, .ack = seq + (i + 1) * m);
		app_reads(m);
		silence();
	}
}

/* The sender is in slow start and lives on ACKs: 16 at once, then delayed. */
Test(delack, first_segments)
{
	quick(1, 16, M);
	peer_sends(ACK, .seq = 1 + 16 * M, .ack = 1, .len = M);
	quiet_until(ms(40) - 1);
	at(ms(40));
	stack_sends(ACK, .seq = 1, .ack = 1 + 17 * M);
}

/* Not more than make half the window, but two. */
Test(delack, small_window)
{
	lab_start(.listens = true, .quickack = true, .rcvbuf = 2000);
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 500);
	stack_sends(ACK, .seq = 1, .ack = 501);
	peer_sends(ACK, .seq = 501, .ack = 1, .len = 500);
	stack_sends(ACK, .seq = 1, .ack = 1001);
	app_reads(1000);
	lab_drain();
	peer_sends(ACK, .seq = 1001, .ack = 1, .len = 500);
	silence();
}

/* An answer within the delay: the next one will carry the ACK. */
Test(delack, ping_pong)
{
	quick(1, 1, 100);
	app_writes(50);
	stack_sends(ACK | PSH, .seq = 1, .ack = 101, .len = 50);
	at(ms(10));
	peer_sends(ACK | PSH, .seq = 101, .ack = 51, .len = 100);
	app_reads(100);
	quiet_until(ms(20));
	app_writes(50);
	stack_sends(ACK | PSH, .seq = 51, .ack = 201, .len = 50);
	silence();
}

/* No answer in ping-pong: the ACK is late, but it comes. */
Test(delack, ping_pong_without_answer)
{
	quick(1, 1, 100);
	app_writes(50);
	stack_sends(ACK | PSH, .seq = 1, .ack = 101, .len = 50);
	at(ms(100));
	peer_sends(ACK | PSH, .seq = 101, .ack = 51, .len = 100);
	app_reads(100);
	quiet_until(ms(140) - 1);
	speaks_between(ms(140), ms(300));
	stack_sends(ACK, .seq = 51, .ack = 201);
}

/* What is written later is no answer. */
Test(delack, late_write_is_no_answer)
{
	quick(1, 1, 100);
	at(ms(50));
	app_writes(50);
	stack_sends(ACK | PSH, .seq = 1, .ack = 101, .len = 50);
	peer_sends(ACK | PSH, .seq = 101, .ack = 51, .len = 100);
	stack_sends(ACK, .seq = 51, .ack = 201);
}

/* A duplicate: the peer waits for ACKs. */
Test(delack, duplicate_ends_ping_pong)
{
	quick(1, 1, 100);
	app_writes(50);
	stack_sends(ACK | PSH, .seq = 1, .ack = 101, .len = 50);
	peer_sends(ACK | PSH, .seq = 1, .ack = 51, .len = 100);
	stack_sends(ACK, .seq = 51, .ack = 101);
	peer_sends(ACK | PSH, .seq = 101, .ack = 51, .len = 100);
	stack_sends(ACK, .seq = 51, .ack = 201);
}

/* A pause above the RTO: he starts again from a small window. */
Test(delack, quick_after_a_pause)
{
	quick(1, 16, M);
	at(sec(2));
	quick(1 + 16 * M, 16, M);
	peer_sends(ACK, .seq = 1 + 32 * M, .ack = 1, .len = M);
	silence();
}

/* The last short segment: once it is taken there is nothing to wait for. */
Test(delack, short_segment_is_taken)
{
	quick(1, 16, M);
	peer_sends(ACK | PSH, .seq = 1 + 16 * M, .ack = 1, .len = 200);
	silence();
	app_reads(200);
	stack_sends(ACK, .seq = 1, .ack = 201 + 16 * M);
	/* A full one waits for the second. */
	peer_sends(ACK, .seq = 201 + 16 * M, .ack = 1, .len = M);
	app_reads(M);
	silence();
}

/* Segments that come far apart make the delay longer, but never more than a
 * round trip or 200 ms (MUST-40). */
Test(delack, delay_follows_the_distance, .description = "MUST-40 SHLD-18")
{
	int64_t t = ms(100), seq = 1601;

	lab_start(.listens = true, .quickack = true);
	peer_sends(SYN, .seq = 0, .mss = M);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = M);
	at(t);
	peer_sends(ACK, .seq = 1, .ack = 1);
	quick(1, 16, 100);
	for (unsigned i = 0; i < 20; i++, seq += 100) {
		t += ms(39);
		lab_run_until(t);
		peer_sends(ACK, .seq = seq, .ack = 1, .len = 100);
	}
	lab_run_until(t + ms(90));
	t += ms(105);
	lab_run_until(t);
	peer_sends(ACK, .seq = seq, .ack = 1, .len = 100);
	quiet_until(t + ms(70));
	speaks_between(t + ms(70), t + ms(100));
	stack_sends(ACK, .seq = 1, .ack = seq + 100);
}

/* TCP_QUICKACK 0 is ping-pong from now on, 1 the end of any delay. */
Test(delack, quickack_off_and_on)
{
	app_sets(quickack = TCP_QUICK_OFF);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	silence();
	app_sets(quickack = TCP_QUICK_ON);
	stack_sends(ACK, .seq = 1, .ack = 101);
	for (unsigned i = 0; i < 40; i++) {
		peer_sends(ACK | PSH, .seq = 101 + 10 * i, .ack = 1, .len = 10);
		stack_sends(ACK, .seq = 1, .ack = 111 + 10 * i);
	}
}
