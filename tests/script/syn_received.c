/* SPDX-License-Identifier: ISC */
/* SYN-RECEIVED, RFC 9293 3.10.7.4, reached by a passive open. */
#include "lab.h"

TestSuite(syn_received, .init = passive_lab, .fini = lab_end);

Test(syn_received, table, .description = "MUST-11")
{
	const struct lab_row rows[] = {
	    ROW("ACK", SEG(ACK, .seq = 1, .ack = 1), SILENT, TCPS_ESTABLISHED),
	    ROW("ACK of nothing", SEG(ACK, .seq = 1, .ack = 0),
		SEG(RST, .seq = 0), TCPS_SYN_RECEIVED),
	    ROW("ACK of what was not sent", SEG(ACK, .seq = 1, .ack = 2),
		SEG(RST, .seq = 2), TCPS_SYN_RECEIVED),
	    ROW("RST at the edge", SEG(RST, .seq = 1), SILENT, TCPS_LISTEN),
	    ROW("RST-ACK at the edge", SEG(RST | ACK, .seq = 1, .ack = 1),
		SILENT, TCPS_LISTEN),
	    ROW("RST in the window", SEG(RST, .seq = 2),
		SEG(ACK, .seq = 1, .ack = 1), TCPS_SYN_RECEIVED),
	    ROW("RST outside the window", SEG(RST, .seq = 200000), SILENT,
		TCPS_SYN_RECEIVED),
	    ROW("RST before the window", SEG(RST, .seq = 0), SILENT,
		TCPS_SYN_RECEIVED),
	    ROW("the SYN again, at once", SEG(SYN, .seq = 0, .mss = 1460),
		SEG(SYN | ACK, .seq = 0, .ack = 1), TCPS_SYN_RECEIVED),
	    ROW("a SYN in the window", SEG(SYN, .seq = 1),
		SEG(ACK, .seq = 1, .ack = 1), TCPS_SYN_RECEIVED),
	    ROW("outside the window", SEG(ACK, .seq = 200000, .ack = 1),
		SEG(ACK, .seq = 1, .ack = 1), TCPS_SYN_RECEIVED),
	    ROW("ACK with data", SEG(ACK | PSH, .seq = 1, .ack = 1, .len = 10),
		SILENT, TCPS_ESTABLISHED, .ev = TCP_EV_READABLE),
	    ROW("ACK with FIN", SEG(FIN | ACK, .seq = 1, .ack = 1),
		SEG(ACK, .seq = 1, .ack = 2), TCPS_CLOSE_WAIT,
		.ev = TCP_EV_EOF),
	    ROW("ACK with data and FIN",
		SEG(FIN | PSH | ACK, .seq = 1, .ack = 1, .len = 10),
		SEG(ACK, .seq = 1, .ack = 12), TCPS_CLOSE_WAIT),
	    ROW("data without ACK", SEG(PSH, .seq = 1, .len = 10), SILENT,
		TCPS_SYN_RECEIVED),
	    ROW("FIN without ACK", SEG(FIN, .seq = 1), SILENT,
		TCPS_SYN_RECEIVED),
	    ROW("wrong checksum",
		SEG(ACK, .seq = 1, .ack = 1, .bad_csum = true), SILENT,
		TCPS_SYN_RECEIVED),
	};

	walk(TCPS_SYN_RECEIVED, rows);
}

/* The first SYN that comes again is answered whenever that is, further ones
 * not more than twice a second. */
Test(syn_received, syns_again)
{
	lab_start(.listens = true);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(100));
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(ms(599));
	peer_sends(SYN, .seq = 0);
	silence();
	at(ms(600));
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	lab_end();
}

/* RFC 6298 2.1, 5.5: a lost SYN-ACK is resent after 1 s, then backs off; in
 * the end the half-open connection is forgotten. */
Test(syn_received, synack_is_resent)
{
	peer_sends(SYN, .seq = 0, .win = 65535, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	for (int i = 1; i <= 5; i++) {
		quiet_until(sec((1 << i) - 1) - 1);
		at(sec((1 << i) - 1));
		stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	}
	quiet_until(sec(63) - 1);
	in_state(TCPS_SYN_RECEIVED);
	quiet_until(sec(64));
	in_state(TCPS_LISTEN);
	expect_eq(lab_stats().half_open, 0);
}

/* The peer's SYN again: our answer was lost, it comes at once; but not many
 * for many. */
Test(syn_received, syn_again)
{
	reach(TCPS_SYN_RECEIVED);
	at(ms(900));
	for (unsigned i = 0; i < 10; i++)
		peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* RFC 6298 5.7: a SYN-ACK that had to be resent starts data with RTO 3 s. */
Test(syn_received, rto_after_a_resent_synack)
{
	reach(TCPS_SYN_RECEIVED);
	at(sec(1));
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(sec(1) + ms(10));
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(100);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	quiet_until(sec(4) + ms(10) - 1);
	at(sec(4) + ms(10));
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
}

/* A handshake in 20 ms: the RTT is taken from it, RTO = max(3*RTT, 200 ms). */
Test(syn_received, rtt_from_the_handshake)
{
	reach(TCPS_SYN_RECEIVED);
	at(ms(20));
	peer_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().srtt_us, ms(20));
	expect_eq(lab_info().rttvar_us, ms(10));
	app_writes(100);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	speaks_between(ms(219), ms(261));
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
}

/* The peer's data may come before the handshake's ACK, which was lost. */
Test(syn_received, ack_is_lost)
{
	reach(TCPS_SYN_RECEIVED);
	peer_sends(ACK, .seq = 1461, .ack = 1, .len = 100);
	stack_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1561);
	app_reads(1560);
}

/* RFC 5961 7: challenges are limited. */
Test(syn_received, challenges_are_limited)
{
	unsigned n = 0;

	reach(TCPS_SYN_RECEIVED);
	for (unsigned i = 0; i < 100; i++) {
		peer_sends(RST, .seq = 2 + i);
		n += lab_drain();
	}
	expect(n >= 1 && n <= 20);
	in_state(TCPS_SYN_RECEIVED);
}

/* PAWS holds here as well (RFC 7323 5): an old duplicate completes nothing. */
Test(syn_received, paws)
{
	peer_sends(SYN, .seq = 0, .mss = 1460, .tsval = 1000);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .tsecr = 1000);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 900, .tsecr = 0);
	stack_sends(ACK, .seq = 1, .ack = 1, .tsecr = 1000);
	in_state(TCPS_SYN_RECEIVED);
	dropped(TCP_PAWS);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 1000, .tsecr = 0);
	in_state(TCPS_ESTABLISHED);
}

/* A forged ACK does no harm to the handshake. */
Test(syn_received, wrong_ack_then_right_one)
{
	reach(TCPS_SYN_RECEIVED);
	peer_sends(ACK, .seq = 1, .ack = 100);
	stack_sends(RST, .seq = 100);
	peer_sends(ACK, .seq = 1, .ack = 1);
	silence();
	in_state(TCPS_ESTABLISHED);
}

/* The peer's SYN arrives just before we would have forgotten him: our answer
 * is worth something only if its ACK still finds us. */
Test(syn_received, syn_again_late)
{
	reach(TCPS_SYN_RECEIVED);
	lab_run_until(sec(62));
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	quiet_until(sec(64));
	peer_sends(ACK, .seq = 1, .ack = 1);
	silence();
	in_state(TCPS_ESTABLISHED);
}
