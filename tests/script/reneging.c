/* SPDX-License-Identifier: ISC */
/*
 * A receiver that throws away what it has SACKed (RFC 2018 8).
 */
#include "lab.h"

#define M 1460

TestSuite(reneging, .init = passive_lab, .fini = lab_end);

/* Of ten segments the third to the fifth are SACKed; then the first two are
 * acknowledged, and nothing is said of the others. */
static void
silent_about(void)
{
	peer_sends(SYN, .seq = 0, .mss = M, .sackok = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(40));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(10 * M);
	expect_eq(lab_drain(), 10);
	at(ms(80));
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1 + 2 * M, 1 + 5 * M}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = M);
	at(ms(100));
	peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M);
	silence();
}

/* Half a round trip is his to acknowledge it; then it all goes again, by slow
 * start, long before the RTO. */
Test(reneging, sent_again)
{
	silent_about();
	quiet_until(ms(120) - 1);
	lab_run_until(ms(130));
	expect_eq(lab_stats().sack_renegings, 1);
	expect_eq(lab_info().sacked_bytes, 0);
	expect(lab_stats().retrans_segs >= 2);
	for (int64_t una = 3; una <= 10; una++) {
		after(ms(40));
		peer_sends(ACK, .seq = 1, .ack = 1 + una * M);
		lab_drain();
	}
	expect_eq(lab_info().ca_state, 0);
	expect_eq(lab_info().lost_bytes, 0);
}

/* It was a matter of order among his ACKs. */
Test(reneging, a_moment)
{
	silent_about();
	at(ms(110));
	peer_sends(ACK, .seq = 1, .ack = 1 + 5 * M);
	lab_run_until(ms(200));
	expect_eq(lab_stats().sack_renegings, 0);
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
}

/* ACKs that say nothing do not put the moment off. */
Test(reneging, not_put_off)
{
	silent_about();
	for (unsigned i = 0; i < 9; i++) {
		at(ms(101 + 2 * i));
		peer_sends(ACK, .seq = 1, .ack = 1 + 2 * M);
	}
	lab_run_until(ms(130));
	expect_eq(lab_stats().sack_renegings, 1);
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * M);
}
