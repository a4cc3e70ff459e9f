/* SPDX-License-Identifier: ISC */
/* FIN-WAIT-2, RFC 9293 3.10.7.4: our FIN is acknowledged. */
#include "lab.h"

#define CHALLENGE SEG(ACK, .seq = 2, .ack = 1)

TestSuite(fin_wait_2, .init = passive_lab, .fini = lab_end);

Test(fin_wait_2, table)
{
	const struct lab_row rows[] = {
	    ROW("ACK", SEG(ACK, .seq = 1, .ack = 2), SILENT, TCPS_FIN_WAIT_2),
	    ROW("FIN", SEG(FIN | ACK, .seq = 1, .ack = 2),
		SEG(ACK, .seq = 2, .ack = 2), TCPS_TIME_WAIT),
	    ROW("FIN after a gap", SEG(FIN | ACK, .seq = 11, .ack = 2),
		CHALLENGE, TCPS_FIN_WAIT_2),
	    ROW("data", SEG(ACK, .seq = 1, .ack = 2, .len = 10), SILENT,
		TCPS_FIN_WAIT_2, .ev = TCP_EV_READABLE),
	    ROW("ACK beyond the FIN", SEG(ACK, .seq = 1, .ack = 3), CHALLENGE,
		TCPS_FIN_WAIT_2),
	    ROW("out of window", SEG(ACK, .seq = 1 << 20, .ack = 2), CHALLENGE,
		TCPS_FIN_WAIT_2),
	    ROW("RST", SEG(RST, .seq = 1), SILENT, TCPS_CLOSED,
		.gone = ECONNRESET),
	    ROW("RST in the window", SEG(RST, .seq = 9), CHALLENGE,
		TCPS_FIN_WAIT_2),
	    ROW("SYN", SEG(SYN, .seq = 1), CHALLENGE, TCPS_FIN_WAIT_2),
	    ROW("no ACK", SEG(FIN, .seq = 1), SILENT, TCPS_FIN_WAIT_2),
	};

	walk(TCPS_FIN_WAIT_2, rows);
}

/* Half close: the peer may send for as long as it likes, and is read. */
Test(fin_wait_2, half_close)
{
	int64_t seq = 1;

	reach(TCPS_FIN_WAIT_2);
	for (unsigned i = 0; i < 50; i++) {
		after(sec(60));
		peer_sends(ACK | PSH, .seq = seq, .ack = 2, .len = 1460);
		peer_sends(ACK | PSH, .seq = seq + 1460, .ack = 2, .len = 1460);
		seq += 2920;
		stack_sends(ACK, .seq = 2, .ack = seq);
		app_reads(2920);
	}
	peer_sends(FIN | ACK, .seq = seq, .ack = 2);
	stack_sends(ACK, .seq = 2, .ack = seq + 1);
	in_state(TCPS_TIME_WAIT);
}

/* No time limit while the program still holds it (MUST-13's other side). */
Test(fin_wait_2, waits_for_ever_for_the_program)
{
	reach(TCPS_FIN_WAIT_2);
	quiet_until(sec(86400));
	in_state(TCPS_FIN_WAIT_2);
}

/* An orphan waits 60 s for the peer's FIN, or TCP_LINGER2. */
Test(fin_wait_2, orphan_times_out)
{
	reach(TCPS_FIN_WAIT_2);
	app_closes();
	quiet_until(sec(60) - 1);
	in_state(TCPS_FIN_WAIT_2);
	quiet_until(sec(61));
	in_state(TCPS_CLOSED);
	expect_eq(lab_stats().orphans, 0);
}

Test(fin_wait_2, linger2)
{
	reach(TCPS_ESTABLISHED);
	app_sets(linger2_s = 5);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 2);
	quiet_until(sec(5) - 1);
	in_state(TCPS_FIN_WAIT_2);
	quiet_until(sec(6));
	in_state(TCPS_CLOSED);
}

/* The orphan's peer does send FIN: TIME-WAIT as always. */
Test(fin_wait_2, orphan_ends_in_order)
{
	reach(TCPS_FIN_WAIT_2);
	app_closes();
	at(sec(30));
	peer_sends(FIN | ACK, .seq = 1, .ack = 2);
	stack_sends(ACK, .seq = 2, .ack = 2);
	in_state(TCPS_TIME_WAIT);
}

/* Data and FIN together with data unread: the program still gets it all. */
Test(fin_wait_2, data_is_read_after_the_fin)
{
	reach(TCPS_FIN_WAIT_2);
	peer_sends(FIN | PSH | ACK, .seq = 1, .ack = 2, .len = 500);
	stack_sends(ACK, .seq = 2, .ack = 502);
	event(TCP_EV_READABLE);
	in_state(TCPS_TIME_WAIT);
	app_reads(500);
}
