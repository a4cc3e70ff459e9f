/* SPDX-License-Identifier: ISC */
/*
 * TIME-WAIT, RFC 9293 3.10.7.4 and 3.6.1, RFC 6191 (timestamps, SHLD-4),
 * RFC 1122 4.2.2.13 (sequence numbers, MAY-2).
 */
#include "lab.h"

TestSuite(time_wait, .init = passive_lab, .fini = lab_end);

Test(time_wait, table)
{
	const struct lab_row rows[] = {
	    ROW("the FIN again", SEG(FIN | ACK, .seq = 1, .ack = 2),
		SEG(ACK, .seq = 2, .ack = 2), TCPS_TIME_WAIT),
	    ROW("old data", SEG(ACK, .seq = 1, .ack = 2, .len = 1),
		SEG(ACK, .seq = 2, .ack = 2), TCPS_TIME_WAIT),
	    ROW("a reset outside the window", SEG(RST, .seq = 1 << 20), SILENT,
		TCPS_TIME_WAIT),
	    ROW("a reset before the window", SEG(RST, .seq = 1), SILENT,
		TCPS_TIME_WAIT),
	    ROW("an old SYN", SEG(SYN, .seq = 0), SEG(ACK, .seq = 2, .ack = 2),
		TCPS_TIME_WAIT),
	    ROW("wrong checksum",
		SEG(FIN | ACK, .seq = 1, .ack = 2, .bad_csum = true), SILENT,
		TCPS_TIME_WAIT),
	};

	walk(TCPS_TIME_WAIT, rows);
}

/* MUST-13: 2*MSL, here of 30 s. */
Test(time_wait, lasts_two_msl)
{
	reach(TCPS_TIME_WAIT);
	gone(0);
	quiet_until(sec(60) - 1);
	in_state(TCPS_TIME_WAIT);
	expect_eq(lab_stats().time_wait, 1);
	quiet_until(sec(60));
	in_state(TCPS_LISTEN);
	expect_eq(lab_stats().time_wait, 0);
}

Test(time_wait, msl_is_configured)
{
	lab_start(.listens = true, .msl_us = 500000);
	reach(TCPS_TIME_WAIT);
	quiet_until(sec(1) - 1);
	in_state(TCPS_TIME_WAIT);
	quiet_until(sec(1));
	in_state(TCPS_LISTEN);
}

/* The peer's FIN again: the ACK was lost; the time starts anew. */
Test(time_wait, fin_restarts_the_timer)
{
	reach(TCPS_TIME_WAIT);
	at(sec(50));
	peer_sends(FIN | ACK, .seq = 1, .ack = 2);
	stack_sends(ACK, .seq = 2, .ack = 2);
	quiet_until(sec(110) - 1);
	in_state(TCPS_TIME_WAIT);
	quiet_until(sec(111));
	in_state(TCPS_LISTEN);
}

/* An exact reset may end it (RFC 9293) or not (RFC 1337); it says nothing. */
Test(time_wait, exact_rst)
{
	reach(TCPS_TIME_WAIT);
	peer_sends(RST, .seq = 2);
	silence();
}

/* MAY-2: a SYN above what was received opens a new connection, whose ISN is
 * above what we sent. */
Test(time_wait, new_syn_with_a_higher_number)
{
	uint32_t old;

	reach(TCPS_TIME_WAIT);
	gone(0);
	old = lab_iss();
	at(sec(5));
	new_incarnation();
	peer_sends(SYN, .seq = 100000, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 100001);
	expect((int32_t)(lab_iss() - old) > 1);
	peer_sends(ACK, .seq = 100001, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* RFC 6191: with timestamps, a later one is enough, whatever the number. */
Test(time_wait, new_syn_with_a_later_timestamp)
{
	handshake(.mss = 1460, .tsval = 1000);
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(FIN | ACK, .seq = 1, .ack = 2, .tsval = 1010, .tsecr = 0);
	stack_sends(ACK, .seq = 2, .ack = 2);
	in_state(TCPS_TIME_WAIT);
	at(sec(2));
	new_incarnation();
	peer_sends(SYN, .seq = -5000, .mss = 1460, .tsval = 3010);
	stack_sends(SYN | ACK, .seq = 0, .ack = -4999);
}

/* RFC 6191: an older timestamp is an old duplicate, whatever the number. */
Test(time_wait, new_syn_with_an_older_timestamp)
{
	handshake(.mss = 1460, .tsval = 1000);
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(FIN | ACK, .seq = 1, .ack = 2, .tsval = 1010, .tsecr = 0);
	stack_sends(ACK, .seq = 2, .ack = 2);
	at(sec(2));
	peer_sends(SYN, .seq = -5000, .mss = 1460, .tsval = 900);
	stack_sends(ACK, .seq = 2, .ack = 2);
	in_state(TCPS_TIME_WAIT);
}

/* A SYN for a port that nobody listens on any more. */
Test(time_wait, new_syn_without_a_listener)
{
	reach(TCPS_TIME_WAIT);
	app_unlistens();
	peer_sends(SYN, .seq = 100000, .mss = 1460);
	for (struct lab_seg s; (s = lab_next()).flags != 0;)
		expect(!(s.flags & SYN));
}

/* Our own new connection does not take a 4-tuple out of TIME-WAIT without
 * timestamps to tell old from new. */
Test(time_wait, answers_are_limited)
{
	unsigned n = 0;

	reach(TCPS_TIME_WAIT);
	for (unsigned i = 0; i < 100; i++) {
		peer_sends(SYN, .seq = -1000 - (int)i);
		n += lab_drain();
	}
	expect(n >= 1 && n <= 100);
	in_state(TCPS_TIME_WAIT);
}

/* Many at once, and all go when their time is over. */
Test(time_wait, many)
{
	for (unsigned i = 0; i < LAB_CONNS; i++) {
		use(i);
		reach(TCPS_TIME_WAIT);
	}
	expect_eq(lab_stats().time_wait, LAB_CONNS);
	expect_eq(lab_stats().conns, 0);
	quiet_until(sec(60));
	expect_eq(lab_stats().time_wait, 0);
	expect(mono_is_never(tcp_deadline(lab_tcp())));
}
