/* SPDX-License-Identifier: ISC */
/* FIN-WAIT-1, RFC 9293 3.10.7.4: our FIN is out and not acknowledged. */
#include "lab.h"

#define CHALLENGE SEG(ACK, .seq = 2, .ack = 1)

TestSuite(fin_wait_1, .init = passive_lab, .fini = lab_end);

Test(fin_wait_1, table)
{
	const struct lab_row rows[] = {
	    ROW("ACK of the FIN", SEG(ACK, .seq = 1, .ack = 2), SILENT,
		TCPS_FIN_WAIT_2),
	    ROW("ACK, not of the FIN", SEG(ACK, .seq = 1, .ack = 1), SILENT,
		TCPS_FIN_WAIT_1),
	    ROW("ACK beyond the FIN", SEG(ACK, .seq = 1, .ack = 3), CHALLENGE,
		TCPS_FIN_WAIT_1),
	    ROW("FIN: simultaneous close", SEG(FIN | ACK, .seq = 1, .ack = 1),
		SEG(ACK, .seq = 2, .ack = 2), TCPS_CLOSING, .ev = TCP_EV_EOF),
	    ROW("FIN and ACK of ours", SEG(FIN | ACK, .seq = 1, .ack = 2),
		SEG(ACK, .seq = 2, .ack = 2), TCPS_TIME_WAIT),
	    ROW("FIN after a gap", SEG(FIN | ACK, .seq = 11, .ack = 2),
		SEG(ACK, .seq = 2, .ack = 1), TCPS_FIN_WAIT_2),
	    ROW("data", SEG(ACK, .seq = 1, .ack = 1, .len = 10), SILENT,
		TCPS_FIN_WAIT_1, .ev = TCP_EV_READABLE),
	    ROW("data and ACK of the FIN",
		SEG(ACK, .seq = 1, .ack = 2, .len = 10), SILENT,
		TCPS_FIN_WAIT_2, .ev = TCP_EV_READABLE),
	    ROW("out of window", SEG(ACK, .seq = 1 << 20, .ack = 2), CHALLENGE,
		TCPS_FIN_WAIT_1),
	    ROW("RST", SEG(RST, .seq = 1), SILENT, TCPS_CLOSED,
		.gone = ECONNRESET),
	    ROW("RST in the window", SEG(RST, .seq = 2), CHALLENGE,
		TCPS_FIN_WAIT_1),
	    ROW("RST outside", SEG(RST, .seq = 0), SILENT, TCPS_FIN_WAIT_1),
	    ROW("SYN", SEG(SYN, .seq = 1), CHALLENGE, TCPS_FIN_WAIT_1),
	    ROW("no ACK", SEG(FIN, .seq = 1), SILENT, TCPS_FIN_WAIT_1),
	};

	walk(TCPS_FIN_WAIT_1, rows);
}

/* The FIN is resent until the peer acknowledges it. */
Test(fin_wait_1, fin_is_resent)
{
	reach(TCPS_ESTABLISHED);
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	speaks_between(ms(200), sec(1));
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 2);
	in_state(TCPS_FIN_WAIT_2);
}

/* The FIN follows data that could not be sent yet. */
Test(fin_wait_1, fin_waits_for_the_window)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 1460);
	app_writes(2000);
	app_shuts_down();
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1460);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 1461, .win = 65535);
	stack_sends(FIN | PSH | ACK, .seq = 1461, .ack = 1, .len = 540);
	in_state(TCPS_FIN_WAIT_1);
}

/* An orphan whose peer never answers does not stay for ever. */
Test(fin_wait_1, orphan_is_given_up)
{
	unsigned n;

	reach(TCPS_ESTABLISHED);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	n = lab_run_until(sec(900));
	expect(n >= 3 && n <= 16);
	in_state(TCPS_CLOSED);
	expect_eq(lab_stats().conns, 0);
	expect_eq(lab_stats().orphans, 0);
}

/* Nor does one whose peer keeps its window shut and answers every probe: that
 * peer would hold our memory as long as he likes. */
Test(fin_wait_1, orphan_of_a_closed_window_is_given_up)
{
	struct lab_seg s;

	handshake(.mss = 1460);
	app_writes(100);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	peer_sends(ACK, .seq = 1, .ack = 101, .win = 0);
	app_writes(5000);
	app_closes();
	in_state(TCPS_FIN_WAIT_1);
	expect_eq(lab_stats().orphans, 1);
	for (int i = 0; lab_stats().orphans == 1; i++) {
		expect(i < 20);
		speaks_between(lab_now(), lab_now() + sec(130));
		s = lab_next();
		if (s.flags & RST)
			break;
		peer_sends(ACK, .seq = 1, .ack = 101, .win = 0);
	}
	expect(lab_now() > sec(30) && lab_now() < sec(600));
	expect_eq(lab_stats().conns, 0);
}

/* The layer has a limit of them: one more is reset, and nobody else. */
Test(fin_wait_1, orphans_are_limited)
{
	lab_start(.listens = true, .max_orphans = 2);
	for (unsigned i = 0; i < 4; i++) {
		use(i);
		reach(TCPS_ESTABLISHED);
	}
	for (unsigned i = 0; i < 2; i++) {
		use(i);
		app_closes();
		stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	}
	use(2);
	app_closes();
	stack_sends(RST | ACK, .seq = 1, .ack = 1);
	expect_eq(lab_stats().orphans, 2);
	expect_eq(lab_stats().orphans_reset, 1);
	/* One ends in order and leaves its place. */
	use(0);
	peer_sends(FIN | ACK, .seq = 1, .ack = 2);
	stack_sends(ACK, .seq = 2, .ack = 2);
	use(3);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	expect_eq(lab_stats().orphans, 2);
}
