/* SPDX-License-Identifier: ISC */
/* SYN-SENT, RFC 9293 3.10.7.3: ACK, then RST, then SYN. */
#include "lab.h"

TestSuite(syn_sent, .init = active_lab, .fini = lab_end);

Test(syn_sent, table)
{
	const struct lab_row rows[] = {
	    ROW("ACK of nothing", SEG(ACK, .seq = 0, .ack = 0),
		SEG(RST, .seq = 0), TCPS_SYN_SENT),
	    ROW("ACK of what was not sent", SEG(ACK, .seq = 0, .ack = 2),
		SEG(RST, .seq = 2), TCPS_SYN_SENT),
	    ROW("SYN-ACK of nothing", SEG(SYN | ACK, .seq = 0, .ack = 0),
		SEG(RST, .seq = 0), TCPS_SYN_SENT),
	    ROW("SYN-ACK of what was not sent",
		SEG(SYN | ACK, .seq = 0, .ack = 2), SEG(RST, .seq = 2),
		TCPS_SYN_SENT),
	    ROW("ACK alone", SEG(ACK, .seq = 0, .ack = 1), SILENT,
		TCPS_SYN_SENT),
	    ROW("RST that acknowledges", SEG(RST | ACK, .seq = 0, .ack = 1),
		SILENT, TCPS_CLOSED, .gone = ECONNREFUSED),
	    ROW("SYN-RST that acknowledges",
		SEG(SYN | RST | ACK, .seq = 0, .ack = 1), SILENT, TCPS_CLOSED,
		.gone = ECONNREFUSED),
	    ROW("RST with a wrong ACK", SEG(RST | ACK, .seq = 0, .ack = 0),
		SILENT, TCPS_SYN_SENT),
	    ROW("RST with a future ACK", SEG(RST | ACK, .seq = 0, .ack = 2),
		SILENT, TCPS_SYN_SENT),
	    ROW("RST without ACK", SEG(RST, .seq = 0), SILENT, TCPS_SYN_SENT),
	    ROW("SYN-ACK", SEG(SYN | ACK, .seq = 0, .ack = 1),
		SEG(ACK, .seq = 1, .ack = 1), TCPS_ESTABLISHED,
		.ev = TCP_EV_CONNECTED),
	    ROW("SYN: simultaneous open", SEG(SYN, .seq = 0),
		SEG(SYN | ACK, .seq = 0, .ack = 1), TCPS_SYN_RECEIVED),
	    ROW("FIN", SEG(FIN, .seq = 0), SILENT, TCPS_SYN_SENT),
	    ROW("data", SEG(PSH, .seq = 0, .len = 10), SILENT, TCPS_SYN_SENT),
	    ROW("wrong checksum",
		SEG(SYN | ACK, .seq = 0, .ack = 1, .bad_csum = true), SILENT,
		TCPS_SYN_SENT),
	};

	walk(TCPS_SYN_SENT, rows);
}

/* RFC 6298 2.1, 5.5, MUST-22: the SYN is resent after 1, 3, 7 ... seconds;
 * after seven times and the last wait, which is long after the three minutes of
 * MUST-23, the user learns ETIMEDOUT. */
Test(syn_sent, syn_is_resent_and_given_up, .description = "MUST-22 MUST-23")
{
	app_connects();
	stack_sends(SYN, .seq = 0, .mss = 1460);
	for (int i = 1; i <= 7; i++) {
		quiet_until(sec((1 << i) - 1) - 1);
		at(sec((1 << i) - 1));
		stack_sends(SYN, .seq = 0, .mss = 1460);
	}
	event(TCP_EV_ERROR);
	quiet_until(sec(247) - 1);
	no_event();
	at(sec(247));
	silence();
	gone(ETIMEDOUT);
	in_state(TCPS_CLOSED);
	expect_eq(lab_stats().attempt_fails, 1);
}

/* The same with the program's own count (TCP_SYNCNT). */
Test(syn_sent, syn_retries_option)
{
	app_sets(syn_retries = 2);
	app_connects();
	stack_sends(SYN, .seq = 0);
	at(sec(1));
	stack_sends(SYN, .seq = 0);
	at(sec(3));
	stack_sends(SYN, .seq = 0);
	quiet_until(sec(7) - 1);
	no_event();
	at(sec(7));
	gone(ETIMEDOUT);
}

/* RFC 7323: a SYN-ACK that echoes what no SYN of ours had is not of our peer's
 * making; it is reset and changes nothing.  0 says that it echoes none. */
Test(syn_sent, echo_of_no_timestamp_of_ours)
{
	lab_start();
	app_connects();
	stack_sends(SYN, .seq = 0, .tsval = 0);
	at(sec(1));
	stack_sends(SYN, .seq = 0, .tsval = 1000);
	at(ms(1100));
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .tsval = 7,
	    .tsecr = 1101);
	stack_sends(RST, .seq = 1);
	dropped(TCP_PAWS);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .tsval = 7,
	    .tsecr = (uint32_t)-2);
	stack_sends(RST, .seq = 1);
	dropped(TCP_PAWS);
	in_state(TCPS_SYN_SENT);
	peer_sends(
	    SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .tsval = 7, .tsecr = 1);
	stack_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	app_aborts();
	lab_drain();
	lab_start();
	app_connects();
	stack_sends(SYN, .seq = 0);
	peer_sends(
	    SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .tsval = 7, .tsecr = 0);
	stack_sends(ACK, .seq = 1, .ack = 1);
	app_aborts();
	lab_drain();
	lab_end();
}

/* syn_linear: so many times after the same time, then twice as long. */
Test(syn_sent, linear)
{
	lab_start(.syn_linear = 2);
	app_connects();
	stack_sends(SYN, .seq = 0);
	for (int i = 1; i <= 3; i++) {
		quiet_until(sec(i) - 1);
		at(sec(i));
		stack_sends(SYN, .seq = 0);
	}
	quiet_until(sec(5) - 1);
	at(sec(5));
	stack_sends(SYN, .seq = 0);
	app_aborts();
	lab_end();
}

/* TCP_USER_TIMEOUT ends it earlier. */
Test(syn_sent, user_timeout)
{
	app_sets(user_timeout_us = 5000000);
	app_connects();
	stack_sends(SYN, .seq = 0);
	at(sec(1));
	stack_sends(SYN, .seq = 0);
	at(sec(3));
	stack_sends(SYN, .seq = 0);
	quiet_until(sec(5) - 1);
	no_event();
	at(sec(7));
	gone(ETIMEDOUT);
	lab_drain();
}

/* The program gives up: nothing to say to a peer who never answered. */
Test(syn_sent, close)
{
	reach(TCPS_SYN_SENT);
	app_closes();
	silence();
	in_state(TCPS_CLOSED);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1);
	stack_sends(RST, .seq = 1);
}

Test(syn_sent, abort)
{
	reach(TCPS_SYN_SENT);
	app_aborts();
	silence();
	in_state(TCPS_CLOSED);
}

/* What is written before the connection stands goes out with it. */
Test(syn_sent, data_written_early)
{
	app_connects();
	stack_sends(SYN, .seq = 0);
	app_writes(300);
	silence();
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	if (lab_info().data_segs_out == 0 && lab_next().len == 0)
		stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 300);
}

/* A program that shuts down while it connects: FIN after the handshake. */
Test(syn_sent, shutdown)
{
	reach(TCPS_SYN_SENT);
	app_shuts_down();
	silence();
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	for (struct lab_seg s; (s = lab_next()).flags != 0;)
		if (s.flags & FIN)
			expect_eq(s.seq, 1);
	in_state(TCPS_FIN_WAIT_1);
}

/* Data on the SYN-ACK: taken or not, it is not lost. */
Test(syn_sent, synack_with_data)
{
	reach(TCPS_SYN_SENT);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .len = 20);
	lab_drain();
	in_state(TCPS_ESTABLISHED);
	if (tcp_recv_queued(lab_pcb()) == 0)
		peer_sends(ACK, .seq = 1, .ack = 1, .len = 20);
	app_reads(20);
	lab_run_until(sec(1));
}

/* MUST-16, MUST-15: without an MSS option segments carry 536 bytes, over
 * IPv6 1220. */
Test(syn_sent, no_mss_option, .description = "MUST-15")
{
	const uint32_t mss = lab_default_mss();

	reach(TCPS_SYN_SENT);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1);
	app_writes(2 * mss);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = mss);
	stack_sends(ACK | PSH, .seq = 1 + mss, .ack = 1, .len = mss);
}

/* No route: the user hears it at once. */
Test(syn_sent, no_route)
{
	lab_path_error = -ENETUNREACH;
	app_connects_fails(ENETUNREACH);
	silence();
	expect_eq(lab_stats().conns, 0);
}

/* MUST-46: not to broadcast or multicast addresses. */
Test(syn_sent, impossible_destinations, .description = "MUST-46")
{
	static const uint32_t dsts[] = {0xffffffff, 0xe0000001, 0};
	struct ipaddr any = lab_addr(0), dst;
	struct tcp_opts o = {0};
	struct tcp_pcb *p;

	for (size_t i = 0; i < 2; i++) {
		dst = lab_addr(dsts[i]);
		expect_eq(tcp_connect(lab_tcp(), NULL, &any, &dst, 80, &o, NULL,
			      lab_mono(), &p),
		    -EINVAL);
	}
	silence();
}
