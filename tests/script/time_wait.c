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

/* A wait ends with the 128th of 2*MSL that it ends in. */
#define TICK (sec(60) / 128)

/* MUST-13: 2*MSL, here of 30 s. */
Test(time_wait, lasts_two_msl, .description = "MUST-13")
{
	reach(TCPS_TIME_WAIT);
	gone(0);
	quiet_until(sec(60) - 1);
	in_state(TCPS_TIME_WAIT);
	expect_eq(lab_stats().time_wait, 1);
	quiet_until(sec(60) + TICK);
	in_state(TCPS_LISTEN);
	expect_eq(lab_stats().time_wait, 0);
}

Test(time_wait, msl_is_configured)
{
	lab_start(.listens = true, .msl_us = 500000);
	reach(TCPS_TIME_WAIT);
	quiet_until(sec(1) - 1);
	in_state(TCPS_TIME_WAIT);
	quiet_until(sec(1) + sec(1) / 128);
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
Test(time_wait, new_syn_with_a_higher_number, .description = "MAY-2")
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
Test(time_wait, new_syn_with_a_later_timestamp, .description = "SHLD-4 MAY-2")
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
	quiet_until(sec(60) + TICK);
	expect_eq(lab_stats().time_wait, 0);
	expect(mono_is_never(tcp_deadline(lab_tcp())));
}

/* ---- our own connect() over TIME-WAIT ---- */

static struct tcp_bind *own;

/* A connection from our port 1234 to the peer's 80, with timestamps or not,
 * closed by us first. */
static void
active_time_wait(bool ts)
{
	struct ipaddr any = lab_addr(0);

	active_lab();
	expect_eq(tcp_bind(lab_tcp(), &any, 1234, 0, 0, NULL, &own), 0);
	lab_connect_from(own, 0);
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460,
	    .tsval = ts ? 5 : NONE, .tsecr = 0);
	stack_sends(ACK, .seq = 1, .ack = 1);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(
	    FIN | ACK, .seq = 1, .ack = 2, .tsval = ts ? 6 : NONE, .tsecr = 0);
	stack_sends(ACK, .seq = 2, .ack = 2);
	in_state(TCPS_TIME_WAIT);
}

/* RFC 6191 from the other side: our later timestamps tell the new connection
 * from the old one after a second; its ISN is above the old numbers. */
Test(time_wait, our_own_reuse_with_timestamps, .description = "SHLD-4")
{
	uint32_t old;

	active_time_wait(true);
	old = lab_iss();
	after(ms(500));
	lab_connect_from(own, EADDRNOTAVAIL);
	after(ms(1500));
	new_incarnation();
	lab_connect_from(own, 0);
	stack_sends(SYN, .seq = 0);
	expect((int32_t)(lab_iss() - old) > 1);
	in_state(TCPS_SYN_SENT);
	expect_eq(lab_stats().time_wait, 0);
	tcp_unbind(own, lab_mono());
}

/* Without them it has to wait for its end. */
Test(time_wait, no_reuse_without_timestamps, .description = "SHLD-4")
{
	active_time_wait(false);
	after(sec(30));
	lab_connect_from(own, EADDRNOTAVAIL);
	after(sec(31));
	new_incarnation();
	lab_connect_from(own, 0);
	stack_sends(SYN, .seq = 0);
	tcp_unbind(own, lab_mono());
}

/* The port of a connection in TIME-WAIT is not chosen for another one to the
 * same peer. */
Test(time_wait, port_is_not_chosen_again)
{
	lab_start(.port_first = 50000, .port_last = 50001);
	for (unsigned i = 0; i < 2; i++) {
		use(i);
		app_connects();
		stack_sends(SYN, .seq = 0);
		peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
		stack_sends(ACK, .seq = 1, .ack = 1);
		app_closes();
		stack_sends(FIN | ACK, .seq = 1, .ack = 1);
		peer_sends(FIN | ACK, .seq = 1, .ack = 2);
		stack_sends(ACK, .seq = 2, .ack = 2);
	}
	use(2);
	app_connects_fails(EADDRNOTAVAIL);
	after(sec(61));
	app_connects();
	stack_sends(SYN, .seq = 0);
}

/* MAY-2 when the clock's ISN would fall into the old numbers: a long transfer
 * went faster than the clock. */
Test(time_wait, isn_is_above_the_old_numbers)
{
	uint32_t old, sent = 0;

	handshake(.mss = 1460);
	while (sent < 3000000) {
		app_writes(14600);
		lab_drain();
		sent += 14600;
		peer_sends(ACK, .seq = 1, .ack = 1 + (int64_t)sent);
	}
	app_closes();
	stack_sends(FIN | ACK, .seq = 1 + (int64_t)sent, .ack = 1);
	peer_sends(FIN | ACK, .seq = 1, .ack = 2 + (int64_t)sent);
	stack_sends(ACK, .seq = 2 + (int64_t)sent, .ack = 2);
	old = lab_iss() + sent;
	new_incarnation();
	peer_sends(SYN, .seq = 100000, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 100001);
	expect((int32_t)(lab_iss() - old) > 0);
}

/* With timestamps it is, after a second, when no other is free (RFC 6191 from
 * the other side): 2*MSL must not bound the connections to one server. */
Test(time_wait, port_is_chosen_again_with_timestamps)
{
	lab_start(.port_first = 50000, .port_last = 50000);
	app_connects();
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .tsval = 1000,
	    .tsecr = 0);
	stack_sends(ACK, .seq = 1, .ack = 1);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
	peer_sends(FIN | ACK, .seq = 1, .ack = 2, .tsval = 1000, .tsecr = 0);
	stack_sends(ACK, .seq = 2, .ack = 2);
	use(2);
	app_connects_fails(EADDRNOTAVAIL);
	after(ms(999));
	app_connects_fails(EADDRNOTAVAIL);
	after(ms(1) + TICK);
	app_connects();
	stack_sends(SYN, .seq = 0);
}

/* One that ends early gives its record back long before its time: what is held
 * does not grow with the connections that use one tuple after another. */
Test(time_wait, records_of_reused_tuples_come_back)
{
	reach(TCPS_TIME_WAIT);
	for (int64_t i = 1, s; i <= 5000; i++) {
		s = 100000 * i;
		at(i * ms(10));
		new_incarnation();
		peer_sends(SYN, .seq = s, .mss = 1460);
		stack_sends(SYN | ACK, .seq = 0, .ack = s + 1);
		peer_sends(ACK, .seq = s + 1, .ack = 1);
		app_closes();
		stack_sends(FIN | ACK, .seq = 1, .ack = s + 1);
		peer_sends(FIN | ACK, .seq = s + 1, .ack = 2);
		stack_sends(ACK, .seq = 2, .ack = s + 2);
	}
	expect_eq(lab_stats().time_wait, 1);
	/* 50 s have passed: without a sweep all 5,000 would be there. */
	expect_eq(lab_stats().time_wait_bytes, 1024 * 64);
	quiet_for(sec(61));
	expect_eq(lab_stats().time_wait, 0);
}
