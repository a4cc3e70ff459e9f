/* SPDX-License-Identifier: ISC */
/* LISTEN, RFC 9293 3.10.7.2: reset, then ACK, then SYN, then all others. */
#include "lab.h"

TestSuite(listen, .init = passive_lab, .fini = lab_end);

Test(listen, table)
{
	const struct lab_row rows[] = {
	    ROW("RST", SEG(RST, .seq = 0), SILENT, TCPS_LISTEN),
	    ROW("RST-ACK", SEG(RST | ACK, .seq = 0, .ack = 5), SILENT,
		TCPS_LISTEN),
	    ROW("SYN-RST", SEG(SYN | RST, .seq = 0), SILENT, TCPS_LISTEN),
	    ROW("ACK", SEG(ACK, .seq = 1, .ack = 77), SEG(RST, .seq = 77),
		TCPS_LISTEN),
	    ROW("data", SEG(ACK | PSH, .seq = 1, .ack = 77, .len = 9),
		SEG(RST, .seq = 77), TCPS_LISTEN),
	    ROW("FIN-ACK", SEG(FIN | ACK, .seq = 1, .ack = 77),
		SEG(RST, .seq = 77), TCPS_LISTEN),
	    ROW("SYN-ACK", SEG(SYN | ACK, .seq = 0, .ack = 77),
		SEG(RST, .seq = 77), TCPS_LISTEN),
	    ROW("SYN", SEG(SYN, .seq = 0), SEG(SYN | ACK, .seq = 0, .ack = 1),
		TCPS_SYN_RECEIVED),
	    ROW("SYN with data, which is not kept",
		SEG(SYN, .seq = 0, .len = 100),
		SEG(SYN | ACK, .seq = 0, .ack = 1), TCPS_SYN_RECEIVED),
	    ROW("SYN with PSH and URG", SEG(SYN | PSH | URG, .seq = 0),
		SEG(SYN | ACK, .seq = 0, .ack = 1), TCPS_SYN_RECEIVED),
	    ROW("SYN that asks for ECN", SEG(SYN | ECE | CWR, .seq = 0),
		SEG(SYN | ACK, .seq = 0, .ack = 1), TCPS_SYN_RECEIVED),
	    ROW("no flags", SEG(0, .seq = 0, .len = 10), SILENT, TCPS_LISTEN),
	    ROW("FIN", SEG(FIN, .seq = 0), SILENT, TCPS_LISTEN),
	    ROW("wrong checksum", SEG(SYN, .bad_csum = true), SILENT,
		TCPS_LISTEN),
	};

	walk(TCPS_LISTEN, rows);
}

/* Nobody listens on the port beside it. */
Test(listen, other_ports_are_closed)
{
	peer_sends(SYN, .dport = 81);
	expect_eq(lab_next().flags, RST | ACK);
	in_state(TCPS_LISTEN);
}

/* MUST-41: what goes on with one peer leaves the listener as it was. */
Test(listen, goes_on_listening, .description = "MUST-41")
{
	for (unsigned i = 0; i < 20; i++) {
		use(i);
		handshake(.mss = 1460);
	}
	expect_eq(lab_stats().passive_opens, 20);
	use(40);
	in_state(TCPS_LISTEN);
}

/* The user takes the listener away: half-open ones are forgotten and reset
 * when their ACK comes, others stay. */
Test(listen, unbind)
{
	use(0);
	handshake(.mss = 1460);
	use(1);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	app_unlistens();
	silence();
	in_state(TCPS_CLOSED);
	peer_sends(ACK, .seq = 1, .ack = 1);
	stack_sends(RST, .seq = 1);
	use(0);
	in_state(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 10);
	app_reads(10);
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 11);
	use(2);
	peer_sends(SYN, .seq = 0);
	stack_sends(RST | ACK, .seq = 0, .ack = 1);
}

/* A quota says no: the SYN is dropped without a word, and counted. */
Test(listen, quota)
{
	lab_may_open = TCP_ADMIT_NO;
	peer_sends(SYN, .seq = 0);
	silence();
	dropped(TCP_QUOTA);
	lab_may_open = TCP_ADMIT_YES;
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
}

/* Its program has closed it: as if it were not there. */
Test(listen, gone)
{
	lab_may_open = TCP_ADMIT_GONE;
	peer_sends(SYN, .seq = 0);
	stack_sends(RST | ACK, .seq = 0, .ack = 1);
	dropped(TCP_NO_CONN);
}

/* The backlog bounds the SYN queue (with a floor of 128); a place comes free
 * with the handshake. */
Test(listen, syn_queue)
{
	lab_start(.listens = true, .backlog = 130,
	    .syncookies = TCP_COOKIES_NEVER);
	for (unsigned i = 0; i < 130; i++) {
		use(i);
		peer_sends(SYN, .seq = 0);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	}
	use(130);
	peer_sends(SYN, .seq = 0);
	silence();
	dropped(TCP_SYN_QUEUE);
	use(0);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	use(130);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
}

/* The user's accept queue is full: the ACK is ignored, the SYN-ACK is resent
 * and the peer's next ACK asks again. */
Test(listen, accept_queue_full)
{
	lab_accept_error = -EAGAIN;
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	silence();
	in_state(TCPS_SYN_RECEIVED);
	dropped(TCP_ACCEPT_QUEUE);
	quiet_until(ms(999));
	at(sec(1));
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	lab_accept_error = 0;
	peer_sends(ACK, .seq = 1, .ack = 1);
	silence();
	in_state(TCPS_ESTABLISHED);
}

/* Data that comes with such an ACK is not acknowledged, so it comes again. */
Test(listen, accept_queue_full_with_data)
{
	lab_accept_error = -EAGAIN;
	reach(TCPS_SYN_RECEIVED);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	silence();
	lab_accept_error = 0;
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	in_state(TCPS_ESTABLISHED);
	app_reads(10);
	speaks_between(0, ms(499));
	stack_sends(ACK, .seq = 1, .ack = 11);
}

/* The user refuses (or is dead): the peer gets a reset. */
Test(listen, accept_refused)
{
	lab_accept_error = -ECONNREFUSED;
	reach(TCPS_SYN_RECEIVED);
	peer_sends(ACK, .seq = 1, .ack = 1);
	stack_sends(RST | ACK, .seq = 1, .ack = 1);
	expect_eq(lab_stats().conns, 0);
	expect_eq(lab_stats().half_open, 0);
}

/* MUST-43: a listener on one address takes only what is for it, and is more
 * special than one on every address. */
Test(listen, on_one_address, .description = "MUST-43")
{
	struct ipaddr a = lab_addr(0xc0000202), b = lab_addr(0xc0000203);
	struct tcp_bind *ba, *bb;

	active_lab();
	expect_eq(tcp_bind(lab_tcp(), &a, 80, 0, 0, NULL, &ba), 0);
	expect_eq(tcp_bind(lab_tcp(), &b, 80, 0, 0, NULL, &bb), 0);
	expect_eq(tcp_listen(bb, 5), 0);
	peer_sends(SYN, .seq = 0);
	stack_sends(RST | ACK, .seq = 0, .ack = 1);
	expect_eq(tcp_listen(ba, 5), 0);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	tcp_unbind(ba, lab_mono());
	silence();
	tcp_unbind(bb, lab_mono());
}

/* No memory for one more connection: the SYN is dropped and counted. */
Test(listen, connection_limit)
{
	lab_start(.listens = true, .max_conns = 2);
	for (unsigned i = 0; i < 2; i++) {
		use(i);
		handshake(.mss = 1460);
	}
	use(2);
	peer_sends(SYN, .seq = 0);
	silence();
	dropped(TCP_NO_MEMORY);
	use(0);
	peer_sends(RST, .seq = 1);
	use(2);
	peer_sends(SYN, .seq = 0);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
}

/* TCP_DEFER_ACCEPT as Linux has it: the user is woken by data, not by the
 * handshake, which counts as complete all the same. */
Test(listen, defer_accept)
{
	expect_eq(
	    tcp_bind_opts(lab_bind(), &(struct tcp_opts){.defer_accept = 3}),
	    0);
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	silence();
	dropped(TCP_DEFERRED);
	in_state(TCPS_SYN_RECEIVED);
	quiet_until(sec(2));
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 5);
	in_state(TCPS_ESTABLISHED);
	app_reads(5);
	lab_run_until(sec(3));
}

Test(listen, defer_accept_takes_a_fin)
{
	tcp_bind_opts(lab_bind(), &(struct tcp_opts){.defer_accept = 3});
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(FIN | ACK, .seq = 1, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 2);
	in_state(TCPS_CLOSE_WAIT);
}

/* After its time, here of 1, 2 and 4 s, the peer is asked once more, and his
 * answer will do. */
Test(listen, defer_accept_ends)
{
	tcp_bind_opts(lab_bind(), &(struct tcp_opts){.defer_accept = 3});
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	quiet_until(sec(7) - 1);
	at(sec(7));
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	in_state(TCPS_SYN_RECEIVED);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* The SYN again after hours of that: the time until the next look stays
 * bounded. */
Test(listen, defer_accept_for_hours)
{
	tcp_bind_opts(lab_bind(), &(struct tcp_opts){.defer_accept = 60});
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	quiet_until(sec(6000));
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	lab_run_until(sec(9000));
	in_state(TCPS_CLOSED);
}

/* A peer who never acknowledged is asked as always. */
Test(listen, defer_accept_without_an_ack)
{
	tcp_bind_opts(lab_bind(), &(struct tcp_opts){.defer_accept = 3});
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(sec(1));
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(sec(3));
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
}
