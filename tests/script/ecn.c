/* SPDX-License-Identifier: ISC */
/*
 * ECN by RFC 3168: its handshake, the marks of what leaves, the echo, the
 * answer; and its place beside RFC 9768 in the handshake.
 */
#include "lab.h"

/* The peer asks by a SYN with these flags; what comes back. */
static void
asked(enum tcp_ecn_policy policy, unsigned syn, unsigned synack)
{
	lab_start(.listens = true, .ecn = policy);
	peer_sends(SYN | syn, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | synack, .seq = 0, .ack = 1, .ip = NOT_ECT);
}

/* We ask; whether with these flags, or not. */
static void
asks(enum tcp_ecn_policy policy, unsigned syn)
{
	lab_start(.ecn = policy);
	app_connects();
	stack_sends(SYN | syn, .seq = 0, .ip = NOT_ECT);
}

static void
classic_server(void)
{
	asked(TCP_ECN_CLASSIC, ECE | CWR, ECE);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* RFC 3168 6.1.1, RFC 9768 Table 2: what a SYN gets, by what is configured. */
Test(ecn, a_syn_is_answered_as_configured)
{
	asked(TCP_ECN_OFF, ECE | CWR, 0);
	asked(TCP_ECN_OFF, AE | ECE | CWR, 0);
	asked(TCP_ECN_CLASSIC, ECE | CWR, ECE);
	asked(TCP_ECN_CLASSIC, AE | ECE | CWR, ECE);
	asked(TCP_ECN_CLASSIC, AE, 0);
	asked(TCP_ECN_PASSIVE, ECE | CWR, ECE);
	asked(TCP_ECN_PASSIVE, AE | ECE | CWR, CWR);
	asked(TCP_ECN_ON, 0, 0);
	asked(TCP_ECN_ON, ECE | CWR, ECE);
	asked(TCP_ECN_ON, AE | ECE | CWR, CWR);
	lab_end();
}

Test(ecn, a_connect_asks_as_configured, .description = "SHLD-8")
{
	asks(TCP_ECN_OFF, 0);
	asks(TCP_ECN_CLASSIC, ECE | CWR);
	asks(TCP_ECN_PASSIVE, 0);
	asks(TCP_ECN_ON, AE | ECE | CWR);
	lab_end();
}

/* RFC 3168 6.1.1: only ECE alone agrees; RFC 9768 Table 2 for one who asked
 * for more. */
Test(ecn, a_syn_ack_decides, .description = "SHLD-8")
{
	static const struct {
		enum tcp_ecn_policy policy;
		unsigned synack, mode;
	} rows[] = {
	    {TCP_ECN_CLASSIC, 0, 0},
	    {TCP_ECN_CLASSIC, ECE, 1},
	    {TCP_ECN_CLASSIC, ECE | CWR, 0},
	    {TCP_ECN_CLASSIC, AE | ECE, 1},
	    {TCP_ECN_ON, 0, 0},
	    {TCP_ECN_ON, ECE, 1},
	    {TCP_ECN_ON, AE | ECE | CWR, 0},
	    {TCP_ECN_ON, CWR, 2},
	    {TCP_ECN_ON, AE | ECE, 2},
	};

	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		lab_start(.ecn = rows[i].policy);
		app_connects();
		lab_drain();
		peer_sends(SYN | ACK | rows[i].synack, .seq = 0, .ack = 1,
		    .mss = 1460);
		lab_drain();
		in_state(TCPS_ESTABLISHED);
		expect_eq(lab_info().ecn.mode, rows[i].mode);
		app_writes(10);
		stack_sends(PSH | ACK | (rows[i].mode == 2 ? AE | ECE : 0),
		    .seq = 1, .ack = 1, .len = 10,
		    .ip = rows[i].mode != 0 ? ECT0 : NOT_ECT);
	}
	lab_end();
}

/* RFC 3168 6.1.1.1: a SYN that was lost is sent again without. */
Test(ecn, a_lost_syn_goes_without)
{
	asks(TCP_ECN_CLASSIC, ECE | CWR);
	at(sec(1));
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_stats().ecn_syn_fallbacks, 1);
	lab_end();
}

/* The answer to the first one comes late: it still counts. */
Test(ecn, the_first_syn_was_not_lost)
{
	asks(TCP_ECN_CLASSIC, ECE | CWR);
	at(sec(1));
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK | ECE, .seq = 0, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 1);
	lab_end();
}

/* RFC 3168 6.1.4, 6.1.6: no mark on ACKs, RFC 3168 6.1.5: nor on what is sent
 * again. */
Test(ecn, only_new_data_is_ect, .description = "SHLD-8")
{
	classic_server();
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000, .ip = ECT0);
	peer_sends(ACK, .seq = 1001, .ack = 1, .len = 1000, .ip = ECT0);
	stack_sends(ACK, .seq = 1, .ack = 2001, .ip = NOT_ECT);
	app_reads(2000);
	app_writes(100);
	stack_sends(PSH | ACK, .seq = 1, .ack = 2001, .len = 100, .ip = ECT0);
	after(RTO);
	stack_sends(
	    PSH | ACK, .seq = 1, .ack = 2001, .len = 100, .ip = NOT_ECT);
	peer_sends(ACK, .seq = 2001, .ack = 101);
	app_shuts_down();
	stack_sends(FIN | ACK, .seq = 101, .ack = 2001, .ip = NOT_ECT);
	lab_end();
}

/* RFC 3168 6.1.3: ECE at once and in every segment, until CWR comes. */
Test(ecn, a_mark_is_echoed_until_cwr, .description = "SHLD-8")
{
	classic_server();
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK | ECE, .seq = 1, .ack = 1001);
	app_writes(10);
	stack_sends(PSH | ACK | ECE, .seq = 1, .ack = 1001, .len = 10);
	peer_sends(ACK, .seq = 1001, .ack = 11, .len = 1000, .ip = ECT0);
	peer_sends(ACK, .seq = 2001, .ack = 11, .len = 1000, .ip = ECT0);
	stack_sends(ACK | ECE, .seq = 11, .ack = 3001);
	peer_sends(ACK | CWR, .seq = 3001, .ack = 11, .len = 1000, .ip = ECT0);
	stack_sends(ACK, .seq = 11, .ack = 4001);
	app_reads(4000);
	expect(lab_info().ecn.seen);
	lab_end();
}

/* The same section: CWR and CE in one segment: the mark is a new one. */
Test(ecn, cwr_with_a_mark_goes_on)
{
	classic_server();
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK | ECE, .seq = 1, .ack = 1001);
	peer_sends(ACK | CWR, .seq = 1001, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK | ECE, .seq = 1, .ack = 2001);
	app_reads(2000);
	lab_end();
}

/* RFC 3168 6.1.5: a mark on what is outside the window means nothing. */
Test(ecn, a_mark_outside_the_window_is_ignored)
{
	classic_server();
	peer_sends(ACK, .seq = 200000, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK, .seq = 1, .ack = 1);
	lab_end();
}

/* RFC 3168 6.1.2, RFC 8511: less of a window, at most once in a round trip,
 * then CWR with the first new data. */
Test(ecn, an_echo_takes_of_the_window_once, .description = "SHLD-8")
{
	uint32_t cwnd;

	classic_server();
	app_writes(20 * 1460);
	for (int i = 0; i < 10; i++)
		stack_sends(ACK, .seq = 1 + 1460 * i, .ack = 1, .len = 1460,
		    .ip = ECT0);
	silence();
	cwnd = lab_info().cwnd_bytes;
	peer_sends(ACK | ECE, .seq = 1, .ack = 1461);
	expect_eq(lab_info().ca_state, 2);
	expect_eq(lab_info().ssthresh_bytes, cwnd * 4 / 5);
	/* Proportional rate reduction: it sinks, and who waits for CWR gets it
	 * at once. */
	stack_sends(
	    ACK | CWR, .seq = 1 + 10 * 1460, .ack = 1, .len = 1460, .ip = ECT0);
	peer_sends(ACK | ECE, .seq = 1, .ack = 1 + 2 * 1460);
	silence();
	peer_sends(ACK | ECE, .seq = 1, .ack = 1 + 3 * 1460);
	expect_eq(lab_info().cwnd_bytes, cwnd * 4 / 5);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 1 + 4 * 1460);
	stack_sends(
	    ACK, .seq = 1 + 11 * 1460, .ack = 1, .len = 1460, .ip = ECT0);
	expect_eq(lab_info().cwnd_bytes, cwnd * 4 / 5);
	peer_sends(ACK, .seq = 1, .ack = 1 + 10 * 1460);
	lab_drain();
	expect_eq(lab_info().ca_state, 2);
	peer_sends(ACK, .seq = 1, .ack = 1 + 11 * 1460);
	expect_eq(lab_info().ca_state, 0);
	expect_eq(lab_stats().ecn_reductions, 1);
	/* A new round trip, a new answer. */
	lab_drain();
	peer_sends(ACK | ECE, .seq = 1, .ack = 1 + 12 * 1460);
	expect_eq(lab_info().ca_state, 2);
	expect_eq(lab_stats().ecn_reductions, 2);
	lab_drain();
	app_aborts();
	lab_drain();
	lab_end();
}

/* The same section: a loss in the same round trip does not reduce it again,
 * and a loss alone is told by CWR too. */
Test(ecn, a_loss_is_told_by_cwr, .description = "SHLD-8")
{
	asked(TCP_ECN_CLASSIC, ECE | CWR, ECE);
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(14600 + 1460);
	lab_drain();
	for (int i = 0; i < 3; i++)
		peer_sends(ACK, .seq = 1, .ack = 1);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1460, .ip = NOT_ECT);
	peer_sends(ACK, .seq = 1, .ack = 14601);
	stack_sends(
	    PSH | ACK | CWR, .seq = 14601, .ack = 1, .len = 1460, .ip = ECT0);
	lab_end();
}

/* A segment without ECT behind others that had it was sent again, probably:
 * its sender waits (as on Linux). */
Test(ecn, not_ect_after_ect_is_answered_at_once)
{
	classic_server();
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 1000, .ip = ECT0);
	app_reads(1000);
	after(ms(40));
	stack_sends(ACK, .seq = 1, .ack = 1001);
	peer_sends(ACK, .seq = 1001, .ack = 1, .len = 1000);
	stack_sends(ACK, .seq = 1, .ack = 2001);
	app_reads(1000);
	lab_end();
}

/* RFC 3168 5.3, virtio's GSO_ECN: one segment of a burst has CWR, and so has
 * the burst. */
Test(ecn, a_burst_can_carry_cwr)
{
	lab_start(.listens = true, .ecn = TCP_ECN_CLASSIC, .tso = 60000);
	peer_sends(SYN | ECE | CWR, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ECE, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(30 * 1460);
	for (int i = 0; i < 2; i++)
		stack_sends(PSH | ACK, .seq = 1 + 7300 * i, .ack = 1,
		    .len = 7300, .ip = ECT0, .train = 1460);
	peer_sends(ACK | ECE, .seq = 1, .ack = 14601);
	stack_sends(PSH | ACK | CWR, .seq = 14601, .ack = 1, .len = 4 * 1460,
	    .ip = ECT0, .train = 1460);
	stack_sends(PSH | ACK, .seq = 14601 + 4 * 1460, .ack = 1,
	    .len = 4 * 1460, .ip = ECT0, .train = 1460);
	silence();
	app_aborts();
	lab_drain();
	lab_end();
}

/* ECE of the SYN-ACK itself, again and late, is no echo. */
Test(ecn, a_syn_ack_is_no_echo)
{
	asks(TCP_ECN_CLASSIC, ECE | CWR);
	peer_sends(SYN | ACK | ECE, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1);
	app_writes(1460);
	lab_drain();
	peer_sends(SYN | ACK | ECE, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1461, .ack = 1);
	expect_eq(lab_info().ca_state, 0);
	app_aborts();
	lab_drain();
	lab_end();
}

/* RFC 9768 3.1.2, last paragraph: both sides asked. */
Test(ecn, simultaneous_open)
{
	asks(TCP_ECN_CLASSIC, ECE | CWR);
	peer_sends(SYN | ECE | CWR, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ECE, .seq = 0, .ack = 1);
	peer_sends(SYN | ACK | ECE, .seq = 0, .ack = 1, .mss = 1460);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_info().ecn.mode, 1);
	expect_eq(lab_info().ca_state, 0);
	app_writes(10);
	stack_sends(PSH | ACK, .seq = 1, .ack = 1, .len = 10, .ip = ECT0);
	lab_end();
}

/* A cookie remembers that ECN was asked for, in the timestamp. */
Test(ecn, through_a_syn_cookie)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON,
	    .syncookies = TCP_COOKIES_ALWAYS);
	peer_sends(SYN | ECE | CWR, .seq = 0, .mss = 1460, .tsval = 100);
	stack_sends(SYN | ACK | ECE, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 101, .tsecr = 0);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_info().ecn.mode, 1);
	use(1);
	peer_sends(SYN | ECE | CWR, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 0);
	lab_end();
}
