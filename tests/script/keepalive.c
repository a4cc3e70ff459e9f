/* SPDX-License-Identifier: ISC */
/* Keep-alive, RFC 9293 3.8.4 (MUST-24 to MUST-29, SHLD-12). */
#include "lab.h"

TestSuite(keepalive, .init = passive_lab, .fini = lab_end);

/* MUST-25: off unless asked for. */
Test(keepalive, is_off, .description = "MUST-25")
{
	reach(TCPS_ESTABLISHED);
	expect(mono_is_never(tcp_deadline(lab_tcp())));
	quiet_until(sec(10LL * 86400));
	in_state(TCPS_ESTABLISHED);
}

/* MUST-28: two hours by default; SHLD-12: no data; an answer starts anew. */
Test(keepalive, default_interval,
    .description = "MUST-24 MUST-28 SHLD-12 MAY-5 MAY-6")
{
	reach(TCPS_ESTABLISHED);
	app_sets(keepalive = true);
	for (int i = 1; i <= 12; i++) {
		speaks_between(lab_now() + sec(7199), lab_now() + sec(7201));
		stack_sends(ACK, .seq = 0, .ack = 1);
		peer_sends(ACK, .seq = 1, .ack = 1);
		silence();
	}
	in_state(TCPS_ESTABLISHED);
	no_event();
	expect_eq(lab_stats().keepalive_probes, 12);
}

/* MUST-27, MUST-29: own intervals; several unanswered probes, then dead. */
Test(keepalive, peer_is_dead, .description = "MUST-27 MUST-29")
{
	int64_t t = sec(10);

	reach(TCPS_ESTABLISHED);
	app_sets(keepidle_s = 10);
	app_sets(keepintvl_s = 3);
	app_sets(keepcnt = 4);
	app_sets(keepalive = true);
	for (unsigned i = 0; i < 4; i++, t += sec(3)) {
		quiet_until(t - 1);
		at(t);
		stack_sends(ACK, .seq = 0, .ack = 1);
	}
	quiet_until(t - 1);
	no_event();
	in_state(TCPS_ESTABLISHED);
	lab_run_until(t);
	gone(ETIMEDOUT);
	in_state(TCPS_CLOSED);
}

/* MUST-26: whatever comes starts the time anew. */
Test(keepalive, traffic_restarts_it, .description = "MUST-26")
{
	reach(TCPS_ESTABLISHED);
	app_sets(keepidle_s = 10);
	app_sets(keepalive = true);
	for (int i = 0; i < 10; i++) {
		after(sec(9));
		peer_sends(ACK | PSH, .seq = 1 + i, .ack = 1, .len = 1);
		app_reads(1);
		lab_run_until(lab_now() + ms(50));
	}
	expect_eq(lab_stats().keepalive_probes, 0);
	speaks_between(lab_now() + sec(9), lab_now() + sec(11));
	stack_sends(ACK, .seq = 0, .ack = 11);
}

/* MUST-26: not while data is out, which is its own probe. */
Test(keepalive, not_with_data_out, .description = "MUST-26")
{
	reach(TCPS_ESTABLISHED);
	app_sets(keepidle_s = 1);
	app_sets(keepintvl_s = 1);
	app_sets(keepcnt = 2);
	app_sets(keepalive = true);
	app_writes(10);
	lab_run_until(sec(20));
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_stats().keepalive_probes, 0);
}

/* The peer has restarted and knows nothing: its reset is believed. */
Test(keepalive, peer_has_restarted)
{
	reach(TCPS_ESTABLISHED);
	app_sets(keepidle_s = 10);
	app_sets(keepalive = true);
	at(sec(10));
	stack_sends(ACK, .seq = 0, .ack = 1);
	peer_sends(RST, .seq = 1);
	gone(ECONNRESET);
}

/* Turned off again: silence. */
Test(keepalive, off_again, .description = "MUST-24")
{
	reach(TCPS_ESTABLISHED);
	app_sets(keepidle_s = 10);
	app_sets(keepalive = true);
	at(sec(5));
	app_sets(keepalive = false);
	quiet_until(sec(100000));
}

/* The option set before connect() holds after it. */
Test(keepalive, set_before_connect)
{
	active_lab();
	app_sets(keepalive = true);
	app_sets(keepidle_s = 20);
	app_connects();
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1);
	speaks_between(sec(19), sec(21));
	stack_sends(ACK, .seq = 0, .ack = 1);
}

/* It watches a half-closed connection as well. */
Test(keepalive, in_close_wait)
{
	reach(TCPS_CLOSE_WAIT);
	app_sets(keepidle_s = 10);
	app_sets(keepintvl_s = 1);
	app_sets(keepcnt = 3);
	app_sets(keepalive = true);
	lab_run_until(sec(30));
	gone(ETIMEDOUT);
}

/* MUST-28 for a program that only turns it on. */
Test(keepalive, defaults_of_connect, .description = "MUST-28")
{
	active_lab();
	app_sets(keepalive = true);
	app_connects();
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1);
	quiet_until(sec(7200) - 1);
	at(sec(7200));
	for (unsigned i = 0; i < 9; i++) {
		stack_sends(ACK, .seq = 0, .ack = 1);
		after(sec(75));
	}
	lab_drain();
	gone(ETIMEDOUT);
}
