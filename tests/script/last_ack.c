/* SPDX-License-Identifier: ISC */
/* LAST-ACK, RFC 9293 3.10.7.4: only the ACK of our FIN is missing. */
#include "lab.h"

#define CHALLENGE SEG(ACK, .seq = 2, .ack = 2)

TestSuite(last_ack, .init = passive_lab, .fini = lab_end);

Test(last_ack, table)
{
	const struct lab_row rows[] = {
	    ROW("ACK of the FIN", SEG(ACK, .seq = 2, .ack = 2), SILENT,
		TCPS_LISTEN),
	    ROW("ACK, not of the FIN", SEG(ACK, .seq = 2, .ack = 1), SILENT,
		TCPS_LAST_ACK),
	    ROW("ACK beyond the FIN", SEG(ACK, .seq = 2, .ack = 3), CHALLENGE,
		TCPS_LAST_ACK),
	    ROW("the peer's FIN again", SEG(FIN | ACK, .seq = 1, .ack = 1),
		CHALLENGE, TCPS_LAST_ACK),
	    ROW("out of window", SEG(ACK, .seq = 1 << 20, .ack = 2), CHALLENGE,
		TCPS_LAST_ACK),
	    ROW("RST in the window", SEG(RST, .seq = 3), CHALLENGE,
		TCPS_LAST_ACK),
	    ROW("RST before the window", SEG(RST, .seq = 1), SILENT,
		TCPS_LAST_ACK),
	    ROW("SYN", SEG(SYN, .seq = 2), CHALLENGE, TCPS_LAST_ACK),
	    ROW("no ACK", SEG(0, .seq = 2), SILENT, TCPS_LAST_ACK),
	};

	walk(TCPS_LAST_ACK, rows);
}

Test(last_ack, ends_in_order)
{
	reach(TCPS_LAST_ACK);
	peer_sends(ACK, .seq = 2, .ack = 2);
	gone(0);
	expect_eq(lab_stats().conns, 0);
	expect_eq(lab_stats().time_wait, 0);
}

Test(last_ack, rst)
{
	reach(TCPS_LAST_ACK);
	peer_sends(RST, .seq = 2);
	silence();
	in_state(TCPS_LISTEN);
}

/* The peer has all of ours, forgot us, and answers our FIN, whose ACK was lost,
 * with a reset: no byte of his, which we have acknowledged, is lost by that. */
Test(last_ack, rst_spares_what_is_unread)
{
	reach(TCPS_ESTABLISHED);
	peer_sends(FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 200);
	stack_sends(ACK, .seq = 1, .ack = 202);
	app_reads(50);
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1, .ack = 202);
	in_state(TCPS_LAST_ACK);
	peer_sends(RST, .seq = 202);
	silence();
	app_reads(150);
	gone(0);
	expect_eq(lab_stats().conns, 0);
}

Test(last_ack, fin_is_resent)
{
	reach(TCPS_LAST_ACK);
	speaks_between(ms(200), sec(1));
	stack_sends(FIN | ACK, .seq = 1, .ack = 2);
	peer_sends(ACK, .seq = 2, .ack = 2);
	in_state(TCPS_LISTEN);
}

/* An orphan whose last ACK never comes is forgotten. */
Test(last_ack, orphan_is_given_up)
{
	reach(TCPS_CLOSE_WAIT);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 2);
	lab_run_until(sec(900));
	in_state(TCPS_LISTEN);
	expect_eq(lab_stats().conns, 0);
}
