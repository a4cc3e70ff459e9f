/* SPDX-License-Identifier: ISC */
/*
 * Recovery that was for nothing is taken back: by DSACK (RFC 2883, 3708), by
 * timestamps (RFC 3522, 4015).
 */
#include "lab.h"

#define M     1460
#define M_TS  1448
#define NEVER UINT32_MAX

TestSuite(undo, .init = passive_lab, .fini = lab_end);

/* Ten segments of a handshake of 40 ms are out. */
static void
ten_out(uint32_t mss, int64_t ts)
{
	peer_sends(SYN, .seq = 0, .mss = M, .sackok = 1, .tsval = ts);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = ts, .tsecr = ts);
	app_writes(10 * mss);
	expect_eq(lab_drain(), 10);
	at(ms(80));
}

static void
restored(unsigned seen)
{
	expect(lab_info().cwnd_bytes >= 10 * M_TS);
	expect_eq(lab_info().ssthresh_bytes, NEVER);
	expect_eq(lab_info().ca_state, 0);
	expect_eq(lab_info().lost_bytes, 0);
	expect_eq(lab_stats().spurious_recoveries, 1);
	expect_eq(lab_info().reord_seen, seen);
}

/* After recovery the peer reports that what was resent came twice. */
Test(undo, dsack)
{
	ten_out(M, NONE);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + M, 1 + 6 * M}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	at(ms(85));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	expect_eq(lab_info().cwnd_bytes, 5 * M);
	at(ms(120));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M, .sack = {{1, 1 + M}});
	restored(1);
	expect_eq(lab_info().dsack_dups, 1);
	/* It was overtaken by five. */
	expect_eq(lab_info().reordering, 6);
}

/* The ACK is in less than a round trip that of the first transmission: the
 * second is no measure of the delivery rate, and no round trip has passed that
 * began with it. */
Test(undo, delivery_rate)
{
	ten_out(M, NONE);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + M, 1 + 6 * M}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	at(ms(85));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	expect_eq(lab_info().delivery_rate, 10 * M * 1000 / 45);
}

/* Two went again; one report is not enough. */
Test(undo, dsack_of_all)
{
	ten_out(M, NONE);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + 2 * M, 1 + 8 * M}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + 2 * M, 1 + 9 * M}});
	stack_sends(ACK, .seq = 1 + M, .ack = 1, .len = M);
	at(ms(85));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	at(ms(120));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M, .sack = {{1, 1 + M}});
	expect_eq(lab_stats().spurious_recoveries, 0);
	expect_eq(lab_info().cwnd_bytes, 5 * M);
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + 10 * M, .sack = {{1 + M, 1 + 2 * M}});
	restored(1);
}

/* In recovery itself, of what is above the acknowledgment. */
Test(undo, dsack_at_the_end)
{
	ten_out(M, NONE);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + M, 1 + 6 * M}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	at(ms(120));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M, .sack = {{1, 1 + M}});
	restored(1);
}

/* What nobody resent, or more of it than was: a tale that changes nothing. */
Test(undo, false_dsack)
{
	ten_out(M, NONE);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + M, 1 + 6 * M}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	at(ms(120));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	for (unsigned i = 2; i < 9; i++)
		peer_sends(
		    ACK, .seq = 1, .ack = 1 + 10 * M, .sack = {{1, 1 + i * M}});
	/* Longer than any window, and of octets not yet sent. */
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + 10 * M, .sack = {{(uint32_t)-70000, 1}});
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M, .sack = {{1, 1 + 11 * M}});
	expect_eq(lab_stats().spurious_recoveries, 0);
	expect_eq(lab_info().cwnd_bytes, 5 * M);
}

/* RFC 3522 3.2: the echo is older than the retransmission. */
Test(undo, eifel)
{
	ten_out(M_TS, 0);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 40, .tsecr = 40,
	    .sack = {{1 + M_TS, 1 + 6 * M_TS}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M_TS);
	at(ms(85));
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + 10 * M_TS, .tsval = 45, .tsecr = 40);
	restored(1);
}

/* And when it is the retransmission that fills the hole, it stands. */
Test(undo, not_without_reason)
{
	ten_out(M_TS, 0);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 40, .tsecr = 40,
	    .sack = {{1 + M_TS, 1 + 6 * M_TS}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M_TS);
	at(ms(120));
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + 10 * M_TS, .tsval = 80, .tsecr = 80);
	expect_eq(lab_info().cwnd_bytes, 5 * M_TS);
	expect_eq(lab_stats().spurious_recoveries, 0);
}

/* A partial ACK that proves it: nothing more goes again, and when what went
 * is accounted for, it is taken back. */
Test(undo, partial)
{
	ten_out(M_TS, 0);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 40, .tsecr = 40,
	    .sack = {{1 + 3 * M_TS, 1 + 7 * M_TS}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M_TS);
	stack_sends(ACK, .seq = 1 + M_TS, .ack = 1, .len = M_TS);
	silence();
	at(ms(85));
	peer_sends(ACK, .seq = 1, .ack = 1 + M_TS, .tsval = 45, .tsecr = 40,
	    .sack = {{1 + 3 * M_TS, 1 + 8 * M_TS}});
	silence();
	expect_eq(lab_info().ca_state, 3);
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M_TS, .tsval = 45, .tsecr = 40,
	    .sack = {{1 + 3 * M_TS, 1 + 8 * M_TS}});
	silence();
	expect_eq(lab_info().lost_bytes, 0);
	expect_eq(lab_stats().spurious_recoveries, 1);
	expect(lab_info().cwnd_bytes >= 10 * M_TS);
	expect_eq(lab_info().ca_state, 1);
	at(ms(86));
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + 10 * M_TS, .tsval = 46, .tsecr = 40);
	restored(2); /* so it was late as well */
}

/* RFC 8985 6.2 step 4: each round with a DSACK widens the window by a quarter
 * of the RTT. */
Test(undo, reordering_window_grows)
{
	ten_out(M, NONE);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + M, 1 + 6 * M}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	at(ms(120));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M, .sack = {{1, 1 + M}});
	restored(1);
	app_writes(4 * M);
	expect_eq(lab_drain(), 4);
	at(ms(160));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M,
	    .sack = {{1 + 11 * M, 1 + 14 * M}});
	/* 120 + 40 + 2 * 10, and 2 for the timer. */
	quiet_until(ms(182) - 1);
	at(ms(182));
	stack_sends(ACK, .seq = 1 + 10 * M, .ack = 1, .len = M);
}
