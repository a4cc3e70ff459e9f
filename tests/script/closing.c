/* SPDX-License-Identifier: ISC */
/* CLOSING, RFC 9293 3.10.7.4: both sent FIN, ours is not acknowledged. */
#include "lab.h"

#define CHALLENGE SEG(ACK, .seq = 2, .ack = 2)

TestSuite(closing, .init = passive_lab, .fini = lab_end);

Test(closing, table)
{
	const struct lab_row rows[] = {
	    ROW("ACK of the FIN", SEG(ACK, .seq = 2, .ack = 2), SILENT,
		TCPS_TIME_WAIT),
	    ROW("ACK, not of the FIN", SEG(ACK, .seq = 2, .ack = 1), SILENT,
		TCPS_CLOSING),
	    ROW("ACK beyond the FIN", SEG(ACK, .seq = 2, .ack = 3), CHALLENGE,
		TCPS_CLOSING),
	    ROW("the FIN again", SEG(FIN | ACK, .seq = 1, .ack = 1), CHALLENGE,
		TCPS_CLOSING),
	    ROW("out of window", SEG(ACK, .seq = 1 << 20, .ack = 2), CHALLENGE,
		TCPS_CLOSING),
	    ROW("RST in the window", SEG(RST, .seq = 3), CHALLENGE,
		TCPS_CLOSING),
	    ROW("RST before the window", SEG(RST, .seq = 1), SILENT,
		TCPS_CLOSING),
	    ROW("SYN", SEG(SYN, .seq = 2), CHALLENGE, TCPS_CLOSING),
	    ROW("no ACK", SEG(0, .seq = 2), SILENT, TCPS_CLOSING),
	};

	walk(TCPS_CLOSING, rows);
}

/* A reset ends it; both FINs were seen, so the program lost nothing that it
 * could still read, but its own data may be lost. */
Test(closing, rst)
{
	reach(TCPS_CLOSING);
	peer_sends(RST, .seq = 2);
	silence();
	in_state(TCPS_CLOSED);
}

Test(closing, rst_spares_what_is_unread)
{
	reach(TCPS_ESTABLISHED);
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 200);
	stack_sends(ACK, .seq = 2, .ack = 202);
	in_state(TCPS_CLOSING);
	peer_sends(RST, .seq = 202);
	app_reads(200);
	gone(0);
}

/* The FIN is resent here too. */
Test(closing, fin_is_resent)
{
	reach(TCPS_CLOSING);
	speaks_between(ms(200), sec(1));
	stack_sends(FIN | ACK, .seq = 1, .ack = 2);
	peer_sends(ACK, .seq = 2, .ack = 2);
	in_state(TCPS_TIME_WAIT);
}

/* Figure 13: both close at once, with data under way in both directions. */
Test(closing, simultaneous_close_with_data)
{
	reach(TCPS_ESTABLISHED);
	app_writes(100);
	app_shuts_down();
	stack_sends(FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 100);
	peer_sends(FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 200);
	stack_sends(ACK, .seq = 102, .ack = 202);
	in_state(TCPS_CLOSING);
	app_reads(200);
	app_reads_eof();
	peer_sends(ACK, .seq = 202, .ack = 102);
	silence();
	in_state(TCPS_TIME_WAIT);
}
