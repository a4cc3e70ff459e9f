/* SPDX-License-Identifier: ISC */
/*
 * Reports of what came twice (RFC 2883), as the receiver makes them.
 */
#include "lab.h"

TestSuite(dsack, .init = passive_lab, .fini = lab_end);

static void
begin(bool sack)
{
	handshake(.mss = 1460, .sackok = sack ? 1 : NONE);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000);
	lab_drain();
	lab_run_until(ms(100));
}

/* 4.1.1: below the acknowledgment, even outside the window: the first block
 * and the only one, in one ACK. */
Test(dsack, old_segment)
{
	begin(true);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 1001, .sack = {{1, 1001}});
	expect_eq(lab_stats().dsacks_sent, 1);
	peer_sends(ACK, .seq = 3001, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 1001, .sack = {{3001, 4001}});
	peer_sends(ACK, .seq = 1001, .ack = 1, .len = 2000);
	stack_sends(ACK, .seq = 1, .ack = 4001);
	app_reads(4000);
}

/* 4.3: the old front of a segment whose rest is new. */
Test(dsack, old_front)
{
	begin(true);
	peer_sends(ACK, .seq = 501, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 1501, .sack = {{501, 1001}});
	app_reads(1500);
}

/* 4.1.2: out of order twice: first the duplicate, then the block that holds
 * it. */
Test(dsack, out_of_order)
{
	begin(true);
	peer_sends(ACK, .seq = 2001, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 1001, .sack = {{2001, 3001}});
	peer_sends(ACK, .seq = 4001, .ack = 1, .len = 1000);
	stack_sends(
	    ACK, .seq = 1, .ack = 1001, .sack = {{4001, 5001}, {2001, 3001}});
	peer_sends(ACK, .seq = 2001, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 1001,
	    .sack = {{2001, 3001}, {2001, 3001}, {4001, 5001}});
	/* 4.2.2: in part. */
	peer_sends(ACK, .seq = 2501, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 1001,
	    .sack = {{2501, 3001}, {2001, 3501}, {4001, 5001}});
	/* What is filled between two is no duplicate where it is new. */
	peer_sends(ACK, .seq = 3301, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 1001, .any_sack = true);
	peer_sends(ACK, .seq = 1001, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 5001);
	app_reads(5000);
}

/* The FIN is a number, too. */
Test(dsack, fin)
{
	begin(true);
	peer_sends(FIN | ACK, .seq = 1001, .ack = 1, .len = 10);
	stack_sends(ACK, .seq = 1, .ack = 1012);
	peer_sends(FIN | ACK, .seq = 1001, .ack = 1, .len = 10);
	stack_sends(ACK, .seq = 1, .ack = 1012, .sack = {{1001, 1012}});
	app_reads(1010);
}

/* A keep-alive that brings no octet is nothing that came twice. */
Test(dsack, keepalive)
{
	begin(true);
	peer_sends(ACK, .seq = 1000, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1001);
	app_reads(1000);
}

Test(dsack, without_sack)
{
	begin(false);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 1001);
	app_reads(1000);
}
