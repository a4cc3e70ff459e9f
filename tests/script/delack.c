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

/* The first 16, none of them more than came in the round trip before. */
static void
first_sixteen(void)
{
	quick(1, 8, M);
	after(ms(5));
	quick(1 + 8 * M, 8, M);
}

/* The sender is in slow start and lives on ACKs: 16 at once, then delayed. */
Test(delack, first_segments)
{
	first_sixteen();
	peer_sends(ACK, .seq = 1 + 16 * M, .ack = 1, .len = M);
	quiet_until(ms(45) - 1);
	at(ms(45));
	stack_sends(ACK, .seq = 1, .ack = 1 + 17 * M);
}

/* n full segments from *seq on, stamped with a round trip of 5 ms, and read:
 * each acknowledged at once, or with the second one. */
static void
flight(int64_t *seq, unsigned n, bool at_once)
{
	int64_t ms_now = lab_now() / 1000;

	for (unsigned i = 1; i <= n; i++, *seq += M) {
		peer_sends(ACK, .seq = *seq, .ack = 1, .len = M,
		    .tsval = ms_now, .tsecr = ms_now - 5);
		app_reads(M);
		if (at_once || i % 2 == 0)
			stack_sends(ACK, .seq = 1, .ack = *seq + M);
		silence();
	}
}

/* What comes in a round trip beyond the ten of the initial window, or beyond
 * what a former one brought, comes from slow start. */
Test(delack, growth)
{
	int64_t seq = 1;

	lab_start(.listens = true, .quickack = true, .rcvbuf = 1 << 20);
	handshake(.mss = 1460, .wscale = 7, .tsval = 0);
	after(ms(5));
	flight(&seq, 10, true);
	after(ms(5));
	flight(&seq, 6, true);
	after(ms(5));
	/* The first one ends the round trip before. */
	flight(&seq, 12, false);
	flight(&seq, 9, true);
	after(ms(5));
	/* No more than that. */
	flight(&seq, 20, false);
	after(ms(5));
	flight(&seq, 22, false);
	flight(&seq, 1, true);
}

/* He who has not taken it may be behind by more than a round trip. */
Test(delack, what_is_not_taken_is_no_growth)
{
	first_sixteen();
	after(ms(5));
	for (unsigned i = 0; i < 24; i += 2) {
		int64_t seq = 1 + (16 + i) * M;

		peer_sends(ACK, .seq = seq, .ack = 1, .len = M);
		silence();
		peer_sends(ACK, .seq = seq + M, .ack = 1, .len = M);
		stack_sends(ACK, .seq = 1, .ack = seq + 2 * M);
	}
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
	first_sixteen();
	peer_sends(ACK | PSH, .seq = 1 + 16 * M, .ack = 1, .len = 200);
	silence();
	app_reads(200);
	stack_sends(ACK, .seq = 1, .ack = 201 + 16 * M);
	/* A full one waits for the second. */
	peer_sends(ACK, .seq = 201 + 16 * M, .ack = 1, .len = M);
	app_reads(M);
	silence();
}

/* PSH says that the sender may have no more: his buffer is full, perhaps. */
Test(delack, pushed_full_segment_is_taken)
{
	first_sixteen();
	peer_sends(ACK | PSH, .seq = 1 + 16 * M, .ack = 1, .len = M);
	silence();
	app_reads(M / 2);
	silence();
	app_reads(M - M / 2);
	stack_sends(ACK, .seq = 1, .ack = 1 + 17 * M);
}

/* But an answer will carry the ACK, where there was one before. */
Test(delack, pushed_full_segment_in_ping_pong)
{
	quick(1, 1, 100);
	app_writes(50);
	stack_sends(ACK | PSH, .seq = 1, .ack = 101, .len = 50);
	peer_sends(ACK | PSH, .seq = 101, .ack = 51, .len = M);
	app_reads(M);
	silence();
}

/* Two of one length are full ones from now on: the path or his buffer has
 * become smaller.  What is read is no reason for these ACKs. */
Test(delack, full_segments_become_shorter)
{
	int64_t seq = 1 + 16 * M;

	first_sixteen();
	/* More than one segment of M, and not of 700. */
	for (unsigned i = 0; i < 2; i++, seq += 700)
		peer_sends(ACK, .seq = seq, .ack = 1, .len = 700);
	stack_sends(ACK, .seq = 1, .ack = seq);
	silence();
	/* Longer ones are full again. */
	peer_sends(ACK, .seq = seq, .ack = 1, .len = M);
	silence();
	peer_sends(ACK, .seq = seq + M, .ack = 1, .len = 700);
	stack_sends(ACK, .seq = 1, .ack = seq + M + 700);
}

/* Different ones are not, nor ends of small writes. */
Test(delack, short_segments_are_not_full)
{
	int64_t seq = 1 + 16 * M;

	first_sixteen();
	peer_sends(ACK, .seq = seq, .ack = 1, .len = 600);
	peer_sends(ACK, .seq = seq + 600, .ack = 1, .len = 601);
	quiet_until(ms(45) - 1);
	at(ms(45));
	stack_sends(ACK, .seq = 1, .ack = seq + 1201);
	seq += 1201;
	for (unsigned i = 0; i < 7; i++, seq += 200)
		peer_sends(ACK | PSH, .seq = seq, .ack = 1, .len = 200);
	silence();
	peer_sends(ACK | PSH, .seq = seq, .ack = 1, .len = 200);
	stack_sends(ACK, .seq = 1, .ack = seq + 200);
}

/* A link with a tiny MTU: not even 200 octets, and they follow each other. */
Test(delack, short_segments_without_push_are_full)
{
	int64_t seq = 1 + 16 * M;

	first_sixteen();
	for (unsigned i = 0; i < 2; i++, seq += 200)
		peer_sends(ACK, .seq = seq, .ack = 1, .len = 200);
	stack_sends(ACK, .seq = 1, .ack = seq);
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
