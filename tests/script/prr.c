/* SPDX-License-Identifier: ISC */
/*
 * Proportional rate reduction (RFC 9937): what goes in fast recovery.
 */
#include "lab.h"

#define M 1460

TestSuite(prr, .init = passive_lab, .fini = lab_end);

/* Ten segments of a handshake of 40 ms are out and more wait. */
static void
ten_out(void)
{
	peer_sends(SYN, .seq = 0, .mss = M, .sackok = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(40 * M);
	expect_eq(lab_drain(), 10);
	at(ms(80));
}

#define came(una, from, to)                                                    \
	peer_sends(ACK, .seq = 1, .ack = 1 + (una)*M,                          \
	    .sack = {{1 + (from)*M, 1 + (to)*M}})
#define sends(n) stack_sends(ACK, .seq = 1 + (n)*M, .ack = 1, .len = M)

/* 6.2: with more in flight than ssthresh, which is half here, one goes for
 * every two that came. */
Test(prr, proportional)
{
	ten_out();
	came(0, 1, 4);
	expect_eq(lab_info().ssthresh_bytes, 5 * M);
	sends(0);
	silence();
	came(0, 1, 5);
	sends(10);
	silence();
	came(0, 1, 6);
	silence();
	came(0, 1, 7);
	silence();
	/* ssthresh is reached: one for one. */
	came(0, 1, 8);
	sends(11);
	silence();
	came(0, 1, 9);
	sends(12);
	silence();
	came(0, 1, 10);
	sends(13);
	silence();
	at(ms(120));
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
	expect_eq(lab_info().ca_state, 0);
	expect_eq(lab_info().cwnd_bytes, 5 * M);
	lab_drain();
}

/* Less in flight than that: as much as came, and no more (CRB) ... */
Test(prr, conservative)
{
	ten_out();
	came(0, 7, 10);
	expect_eq(lab_info().flight_bytes, 0);
	sends(0);
	sends(1);
	sends(2);
	silence();
}

/* ... and one more with each ACK that advances and shows no loss (SSRB), up to
 * ssthresh. */
Test(prr, slow_start)
{
	ten_out();
	came(0, 7, 10);
	expect_eq(lab_drain(), 3);
	at(ms(120));
	came(1, 7, 10);
	sends(3);
	sends(4);
	silence();
	came(2, 7, 10);
	sends(5);
	sends(6);
	silence();
	came(3, 7, 10);
	sends(10);
	expect(lab_info().flight_bytes <= 5 * M);
	lab_drain();
	expect_eq(lab_info().flight_bytes, 5 * M);
}

/* The first retransmission goes whatever the sums say. */
Test(prr, fast_retransmit)
{
	lab_start(.listens = true, .congestion = "cubic");
	ten_out();
	came(0, 1, 2);
	sends(10);
	at(ms(92));
	sends(0);
	expect_eq(lab_info().ca_state, 3);
}

/* A retransmission that is lost is a sign of loss: no slow start for it. */
Test(prr, not_with_loss)
{
	ten_out();
	came(0, 7, 10);
	expect_eq(lab_drain(), 3);
	at(ms(120));
	/* The second came, the first did not. */
	peer_sends(ACK, .seq = 1, .ack = 1,
	    .sack = {{1 + M, 1 + 2 * M}, {1 + 7 * M, 1 + 10 * M}});
	sends(0);
	silence();
	expect_eq(lab_stats().lost_retransmits, 1);
}

/* Without SACK each duplicate counts for one that came. */
Test(prr, without_sack)
{
	unsigned n = 0;

	peer_sends(SYN, .seq = 0, .mss = M);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(40 * M);
	expect_eq(lab_drain(), 10);
	at(ms(80));
	for (unsigned i = 0; i < 2; i++) {
		peer_sends(ACK, .seq = 1, .ack = 1);
		sends(10 + i);
	}
	peer_sends(ACK, .seq = 1, .ack = 1);
	sends(0);
	silence();
	for (unsigned i = 0; i < 6; i++) {
		peer_sends(ACK, .seq = 1, .ack = 1);
		n += lab_drain();
	}
	expect_eq(n, 3);
	at(ms(120));
	peer_sends(ACK, .seq = 1, .ack = 1 + 12 * M);
	expect_eq(lab_info().cwnd_bytes, lab_info().ssthresh_bytes);
	lab_drain();
}
