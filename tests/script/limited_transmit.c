/* SPDX-License-Identifier: ISC */
/*
 * Limited transmit (RFC 3042): new data for the first duplicates, so that a
 * small window makes a third one.
 */
#include "lab.h"

#define M 1460

TestSuite(limited_transmit, .init = passive_lab, .fini = lab_end);

/* The ten segments of the window are out and more wait, for which the peer's
 * window has room for room segments. */
static void
window_full(bool sack, unsigned room)
{
	peer_sends(SYN, .seq = 0, .mss = M, .sackok = sack ? 1 : NONE);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1, .win = (int)(10 + room) * M);
	app_writes(30 * M);
	expect_eq(lab_drain(), 10);
	at(ms(80));
}

#define sends(n) stack_sends(ACK, .seq = 1 + (n)*M, .ack = 1, .len = M)

/* 2: one for each of the first two, cwnd unchanged. */
Test(limited_transmit, without_sack)
{
	window_full(false, 20);
	for (unsigned i = 0; i < 2; i++) {
		peer_sends(ACK, .seq = 1, .ack = 1, .win = 30 * M);
		sends(10 + i);
		silence();
		expect_eq(lab_info().cwnd_bytes, 10 * M);
		expect_eq(lab_info().ca_state, 1);
	}
}

/* 2: with SACK only for ACKs with new information. */
Test(limited_transmit, with_sack)
{
	window_full(true, 20);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 30 * M);
	silence();
	for (unsigned i = 0; i < 2; i++) {
		peer_sends(ACK, .seq = 1, .ack = 1, .win = 30 * M,
		    .sack = {{1 + M, 1 + (2 + i) * M}});
		sends(10 + i);
		silence();
		expect_eq(lab_info().cwnd_bytes, 10 * M);
	}
}

/* 2: within the window of the peer. */
Test(limited_transmit, not_beyond_the_window)
{
	window_full(false, 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 11 * M);
	sends(10);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 11 * M);
	silence();
}
