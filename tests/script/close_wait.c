/* SPDX-License-Identifier: ISC */
/* CLOSE-WAIT, RFC 9293 3.10.7.4: the peer's FIN is in, ours not yet out. */
#include "lab.h"

#define CHALLENGE SEG(ACK, .seq = 1, .ack = 2)

TestSuite(close_wait, .init = passive_lab, .fini = lab_end);

Test(close_wait, table)
{
	const struct lab_row rows[] = {
	    ROW("ACK", SEG(ACK, .seq = 2, .ack = 1), SILENT, TCPS_CLOSE_WAIT),
	    ROW("the FIN again", SEG(FIN | ACK, .seq = 1, .ack = 1), CHALLENGE,
		TCPS_CLOSE_WAIT),
	    ROW("ACK of what was not sent", SEG(ACK, .seq = 2, .ack = 2),
		CHALLENGE, TCPS_CLOSE_WAIT),
	    ROW("out of window", SEG(ACK, .seq = 1 << 20, .ack = 1), CHALLENGE,
		TCPS_CLOSE_WAIT),
	    ROW("RST", SEG(RST, .seq = 2), SILENT, TCPS_CLOSED,
		.gone = ECONNRESET),
	    ROW("RST in the window", SEG(RST, .seq = 3), CHALLENGE,
		TCPS_CLOSE_WAIT),
	    ROW("RST before the window", SEG(RST, .seq = 1), SILENT,
		TCPS_CLOSE_WAIT),
	    ROW("SYN", SEG(SYN, .seq = 2), CHALLENGE, TCPS_CLOSE_WAIT),
	    ROW("no ACK", SEG(0, .seq = 2), SILENT, TCPS_CLOSE_WAIT),
	};

	walk(TCPS_CLOSE_WAIT, rows);
}

/* Text after a FIN should not occur; it is not given to the program. */
Test(close_wait, text_after_the_fin)
{
	reach(TCPS_CLOSE_WAIT);
	peer_sends(ACK | PSH, .seq = 2, .ack = 1, .len = 10);
	lab_drain();
	in_state(TCPS_CLOSE_WAIT);
	expect_eq(tcp_recv_queued(lab_pcb()), 0);
	app_reads_eof();
}

/* The other direction goes on for as long as the program wants. */
Test(close_wait, half_close)
{
	int64_t seq = 1;

	reach(TCPS_CLOSE_WAIT);
	app_reads_eof();
	for (unsigned i = 0; i < 30; i++) {
		after(sec(100));
		app_writes(1460);
		stack_sends(ACK | PSH, .seq = seq, .ack = 2, .len = 1460);
		seq += 1460;
		peer_sends(ACK, .seq = 2, .ack = seq);
		silence();
	}
	app_closes();
	stack_sends(FIN | ACK, .seq = seq, .ack = 2);
	in_state(TCPS_LAST_ACK);
	peer_sends(ACK, .seq = 2, .ack = seq + 1);
	in_state(TCPS_CLOSED);
}

/* MUST-12: the program can tell a FIN from a reset. */
Test(close_wait, fin_is_not_a_reset, .description = "MUST-12")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	event(TCP_EV_READABLE);
	peer_sends(FIN | ACK, .seq = 11, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 12);
	event(TCP_EV_EOF);
	expect(!tcp_recv_eof(lab_pcb()));
	app_reads(10);
	app_reads_eof();
	peer_sends(RST, .seq = 12);
	gone(ECONNRESET);
}

/* Data still unread at close: RST instead of FIN (SHLD-3). */
Test(close_wait, close_with_unread_data, .description = "SHLD-3")
{
	reach(TCPS_ESTABLISHED);
	peer_sends(FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 10);
	stack_sends(ACK, .seq = 1, .ack = 12);
	app_closes();
	stack_sends(RST | ACK, .seq = 1, .ack = 12);
	in_state(TCPS_CLOSED);
}

/* No time limit: the peer waits in FIN-WAIT-2, the program does not close. */
Test(close_wait, no_timer)
{
	reach(TCPS_CLOSE_WAIT);
	quiet_until(sec(86400));
	in_state(TCPS_CLOSE_WAIT);
}

/* RFC 2883: a FIN that came twice. */
Test(close_wait, the_fin_again_is_told)
{
	lab_start(.listens = true);
	handshake(.mss = 1460, .sackok = 1);
	peer_sends(ACK | FIN, .seq = 1, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 2);
	after(sec(1));
	peer_sends(ACK | FIN, .seq = 1, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 2, .sack = {{1, 2}});
	app_aborts();
	lab_drain();
}

/* One that came early is an octet for SACK; two of them at different places
 * leave nothing behind. */
Test(close_wait, an_early_fin_is_told)
{
	lab_start(.listens = true);
	handshake(.mss = 1460, .sackok = 1);
	peer_sends(ACK | FIN, .seq = 1001, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{1001, 1002}});
	peer_sends(ACK, .seq = 501, .ack = 1, .len = 500);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{501, 1002}});
	peer_sends(ACK | FIN, .seq = 2001, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{2001, 2002}});
	peer_sends(ACK | FIN, .seq = 1001, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1, .any_sack = true);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 500);
	stack_sends(ACK, .seq = 1, .ack = 1002);
	in_state(TCPS_CLOSE_WAIT);
	app_aborts();
	lab_drain();
}

/* Behind text it waits a little for the answer; alone it does not. */
Test(close_wait, the_fin_waits_for_the_answer)
{
	lab_start(.listens = true, .quickack = true);
	handshake(.mss = 1460);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 101);
	after(ms(10));
	peer_sends(ACK | FIN, .seq = 101, .ack = 1);
	quiet_for(ms(39));
	after(ms(1));
	stack_sends(ACK, .seq = 1, .ack = 102);
	app_aborts();
	lab_drain();
	lab_start(.listens = true, .quickack = true);
	handshake(.mss = 1460);
	peer_sends(ACK | FIN, .seq = 1, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 2);
	app_aborts();
	lab_drain();
}
