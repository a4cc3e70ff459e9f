/* SPDX-License-Identifier: ISC */
/*
 * Fast retransmit and fast recovery: RFC 5681 3.2 and RFC 6582 without SACK,
 * RFC 6675 with it; limited transmit (RFC 3042).
 */
#include "lab.h"

#define M 1460

TestSuite(recovery, .init = passive_lab, .fini = lab_end);

/* Ten segments are out, more wait. */
static void
ten_out(bool sack)
{
	peer_sends(SYN, .seq = 0, .mss = M, .sackok = sack ? 1 : NONE);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(20));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(30 * M);
	expect_eq(lab_drain(), 10);
	at(ms(40));
}

static void
dup(void)
{
	peer_sends(ACK, .seq = 1, .ack = 1);
}

/* RFC 3042 and 5681 3.2: two duplicates let one new segment each go, the
 * third resends what is missing. */
Test(recovery, third_duplicate)
{
	ten_out(false);
	dup();
	stack_sends(ACK, .seq = 1 + 10 * M, .ack = 1, .len = M);
	dup();
	stack_sends(ACK, .seq = 1 + 11 * M, .ack = 1, .len = M);
	silence();
	dup();
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	silence();
	expect_eq(lab_stats().fast_retransmits, 1);
	/* Half of the 12 that were out. */
	expect_eq(lab_info().ssthresh_bytes, 6 * M);
}

/* Recovery ends with the ACK of all that was out; cwnd is ssthresh then, and
 * that ACK counts as any other, as in Linux. */
Test(recovery, full_ack)
{
	ten_out(false);
	dup();
	dup();
	expect_eq(lab_drain(), 2);
	dup();
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	at(ms(60));
	peer_sends(ACK, .seq = 1, .ack = 1 + 12 * M);
	expect_eq(lab_info().cwnd_bytes, 7 * M);
	expect_eq(lab_info().ca_state, 0);
	expect_eq(lab_drain(), 7);
}

/* RFC 6582 3.2: a partial ACK resends the next hole at once. */
Test(recovery, partial_ack)
{
	ten_out(false);
	dup();
	dup();
	lab_drain();
	dup();
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	silence();
	at(ms(60));
	peer_sends(ACK, .seq = 1, .ack = 1 + 4 * M);
	stack_sends(ACK, .seq = 1 + 4 * M, .ack = 1, .len = M);
	lab_drain();
	expect_eq(lab_info().ca_state, 3);
	at(ms(60));
	peer_sends(ACK, .seq = 1, .ack = 1 + 12 * M);
	expect_eq(lab_info().ca_state, 0);
	expect_eq(lab_stats().timeouts, 0);
	lab_drain();
}

/* Each further duplicate lets the window breathe: one more is gone. */
Test(recovery, inflation)
{
	unsigned n = 0;

	ten_out(false);
	dup();
	dup();
	lab_drain();
	dup();
	lab_drain();
	for (unsigned i = 0; i < 8; i++) {
		dup();
		n += lab_drain();
	}
	/* 12 out, 11 of them gone, cwnd 6. */
	expect(n >= 3 && n <= 6);
}

/* RFC 5681 2: not duplicates: with data, with another window, without
 * anything out. */
Test(recovery, not_duplicates)
{
	ten_out(false);
	for (unsigned i = 0; i < 6; i++) {
		peer_sends(ACK, .seq = 1 + 10 * i, .ack = 1, .len = 10);
		lab_drain();
	}
	expect_eq(lab_stats().fast_retransmits, 0);
	for (unsigned i = 0; i < 6; i++) {
		peer_sends(
		    ACK, .seq = 61, .ack = 1, .win = 60000 - 100 * (int)i);
		lab_drain();
	}
	expect_eq(lab_stats().fast_retransmits, 0);
	expect_eq(lab_info().ca_state, 0);
}

/* RFC 6582 3.2 step 1: duplicates of what an RTO has resent are not news. */
Test(recovery, no_fast_retransmit_after_timeout)
{
	ten_out(false);
	lab_run_until(ms(240));
	expect_eq(lab_stats().timeouts, 1);
	lab_drain();
	for (unsigned i = 0; i < 6; i++)
		dup();
	lab_drain();
	expect_eq(lab_stats().fast_retransmits, 0);
}

/* The retransmission is lost too: the timer mends it. */
Test(recovery, lost_retransmission)
{
	ten_out(false);
	for (unsigned i = 0; i < 3; i++)
		dup();
	lab_drain();
	speaks_between(ms(200), ms(900));
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	silence();
	expect_eq(lab_stats().timeouts, 1);
}

/* ---- with SACK ---- */

/* The first is missing, three came: it is resent, and nothing else. */
Test(recovery, sack_one_hole)
{
	ten_out(true);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + M, 1 + 4 * M}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	expect_eq(lab_stats().sack_recoveries, 1);
	expect_eq(lab_info().ca_state, 3);
	lab_drain();
	at(ms(60));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	expect_eq(lab_info().ca_state, 0);
	lab_drain();
	expect_eq(lab_stats().retrans_segs, 1);
}

/* Two holes: both are resent in order, what the peer has is not. */
Test(recovery, sack_two_holes)
{
	ten_out(true);
	peer_sends(ACK, .seq = 1, .ack = 1,
	    .sack = {{1 + 6 * M, 1 + 10 * M}, {1 + M, 1 + 5 * M}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	stack_sends(ACK, .seq = 1 + 5 * M, .ack = 1, .len = M);
	for (struct lab_seg s; (s = lab_next()).flags != 0;)
		expect(s.seq >= 1 + 10 * M);
	at(ms(60));
	peer_sends(
	    ACK, .seq = 1, .ack = 1 + 5 * M, .sack = {{1 + 6 * M, 1 + 10 * M}});
	for (struct lab_seg s; (s = lab_next()).flags != 0;)
		expect(s.seq >= 1 + 10 * M);
	expect_eq(lab_stats().retrans_segs, 2);
	expect_eq(lab_stats().timeouts, 0);
}

/* RFC 6675: the pipe bounds what is sent, holes first. */
Test(recovery, sack_pipe)
{
	struct lab_seg s;
	unsigned n = 0;

	ten_out(true);
	/* Only the last four came. */
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + 6 * M, 1 + 10 * M}});
	while ((s = lab_next()).flags != 0)
		n++;
	/* ssthresh is 5; the pipe is empty but for what we now send. */
	expect(n >= 1 && n <= 5);
	expect(lab_info().cwnd_bytes <= 5 * M);
	expect(lab_info().ssthresh_bytes == 5 * M);
}

/* Blocks that cannot be: of unsent data, upside down, long acknowledged
 * (RFC 2883 DSACK): none may harm. */
Test(recovery, impossible_blocks)
{
	ten_out(true);
	for (unsigned i = 0; i < 4; i++) {
		peer_sends(ACK, .seq = 1, .ack = 1,
		    .sack = {{1 + 20 * M, 1 + 25 * M}});
		peer_sends(
		    ACK, .seq = 1, .ack = 1, .sack = {{1 + 5 * M, 1 + 25 * M}});
		peer_sends(
		    ACK, .seq = 1, .ack = 1, .sack = {{1 + 5 * M, 1 + 4 * M}});
		peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{5, 5}});
	}
	lab_drain();
	expect_eq(lab_info().sacked_bytes, 0);
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M, .sack = {{1, 1 + M}});
	lab_drain();
	expect_eq(lab_info().sacked_bytes, 0);
	expect_eq(lab_info().ca_state, 0);
}

/* RFC 2018 8: after a time-out the peer may have thrown away what it SACKed;
 * everything can be sent again. */
Test(recovery, reneging)
{
	handshake(.mss = M, .sackok = 1);
	app_writes(4 * M);
	lab_drain();
	at(ms(1));
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + M, 1 + 3 * M}});
	lab_drain();
	lab_run_until(ms(260));
	/* It has the first now and forgot the others. */
	peer_sends(ACK, .seq = 1, .ack = 1 + M);
	lab_run_until(ms(3000));
	expect(lab_stats().retrans_segs >= 3);
	peer_sends(ACK, .seq = 1, .ack = 1 + 4 * M);
	silence();
}

/* With SACK three plain duplicates without blocks are no loss. */
Test(recovery, sack_needs_blocks)
{
	ten_out(true);
	for (unsigned i = 0; i < 5; i++)
		dup();
	lab_drain();
	expect_eq(lab_stats().fast_retransmits, 0);
}

/* A window's worth lost but for the tail: few round trips, no time-out. */
Test(recovery, sack_many_holes)
{
	int64_t una = 1, nxt = 1 + 10 * M;
	struct lab_seg s;

	ten_out(true);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + 7 * M, nxt}});
	for (unsigned round = 0; round < 10 && una < nxt; round++) {
		int64_t next = una;

		while ((s = lab_next()).flags != 0) {
			if (s.seq == next && s.seq < 1 + 7 * M)
				next += s.len;
			if (s.seq + s.len > nxt)
				nxt = s.seq + s.len;
		}
		if (next >= 1 + 7 * M)
			next = nxt;
		una = next;
		after(ms(20));
		if (una < 1 + 7 * M)
			peer_sends(ACK, .seq = 1, .ack = una,
			    .sack = {{1 + 7 * M, (uint32_t)nxt}});
		else
			peer_sends(ACK, .seq = 1, .ack = una);
	}
	lab_drain();
	expect(una > 1 + 7 * M);
	expect_eq(lab_stats().timeouts, 0);
}

/* Reordering that looked like loss: each of the two SACKs let a segment go, so
 * the ACK of all three lets the window grow by one. */
Test(recovery, growth_after_reordering)
{
	lab_start(.listens = true);
	peer_sends(SYN, .seq = 0, .mss = 1000, .sackok = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	at(ms(100));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(20000);
	expect_eq(lab_drain(), 10);
	at(ms(200));
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1001, 2001}});
	expect_eq(lab_drain(), 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1001, 3001}});
	expect_eq(lab_drain(), 1);
	peer_sends(ACK, .seq = 1, .ack = 3001);
	expect_eq(lab_info().cwnd_bytes, 11000);
	expect_eq(lab_drain(), 2);
}
