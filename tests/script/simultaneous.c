/* SPDX-License-Identifier: ISC */
/* Simultaneous open, RFC 9293 3.5 figure 7 (MUST-10, MUST-11). */
#include "lab.h"

TestSuite(simultaneous, .init = active_lab, .fini = lab_end);

static void
both_send_syn(void)
{
	app_connects();
	stack_sends(SYN, .seq = 0, .mss = 1460);
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	in_state(TCPS_SYN_RECEIVED);
	no_event();
}

Test(simultaneous, ack_completes, .description = "MUST-10")
{
	both_send_syn();
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	event(TCP_EV_CONNECTED);
	silence();
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
}

/* Figure 7: the other side's SYN-ACK is its answer to our SYN. */
Test(simultaneous, synack_completes, .description = "MUST-10")
{
	both_send_syn();
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	in_state(TCPS_ESTABLISHED);
	event(TCP_EV_CONNECTED);
	/* He waits for it as we do. */
	stack_sends(ACK, .seq = 1, .ack = 1);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	app_reads(10);
	lab_run_until(sec(1));
	in_state(TCPS_ESTABLISHED);
}

Test(simultaneous, data_completes)
{
	both_send_syn();
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	in_state(TCPS_ESTABLISHED);
	app_reads(10);
	speaks_between(0, ms(499));
	stack_sends(ACK, .seq = 1, .ack = 11);
}

/* MUST-11: it was an active open, so a reset is told to the user. */
Test(simultaneous, reset, .description = "MUST-11")
{
	both_send_syn();
	peer_sends(RST, .seq = 1);
	gone(ECONNREFUSED);
	in_state(TCPS_CLOSED);
	silence();
}

Test(simultaneous, wrong_acks)
{
	both_send_syn();
	peer_sends(ACK, .seq = 1, .ack = 0);
	stack_sends(RST, .seq = 0);
	peer_sends(ACK, .seq = 1, .ack = 2);
	stack_sends(RST, .seq = 2);
	in_state(TCPS_SYN_RECEIVED);
}

/* The SYN-ACK is resent as a SYN is. */
Test(simultaneous, synack_is_resent)
{
	both_send_syn();
	at(sec(1));
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(sec(3));
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* The peer's SYN again: our SYN-ACK was lost. */
Test(simultaneous, syn_again)
{
	both_send_syn();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	lab_drain();
	in_state(TCPS_SYN_RECEIVED);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* The user closes before the end of it: FIN after the handshake. */
Test(simultaneous, shutdown_meanwhile)
{
	both_send_syn();
	app_shuts_down();
	peer_sends(ACK, .seq = 1, .ack = 1);
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	in_state(TCPS_FIN_WAIT_1);
}

/* Options of the peer's SYN count here as well. */
Test(simultaneous, options)
{
	app_connects();
	stack_sends(SYN, .seq = 0);
	peer_sends(
	    SYN, .seq = 0, .mss = 1000, .wscale = 5, .sackok = 1, .tsval = 7);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .tsecr = 7, .sackok = 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 8, .tsecr = 0);
	expect_eq(lab_info().snd_mss, 988);
	expect_eq(lab_info().snd_wscale, 5);
	expect(lab_info().sack && lab_info().timestamps);
}

/* RFC 2883: the SYN came twice, the second time with its ACK. */
Test(simultaneous, the_syn_again_is_told)
{
	app_connects();
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN, .seq = 0, .mss = 1460, .sackok = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .sackok = 1);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{0, 1}});
}
