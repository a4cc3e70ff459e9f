/* SPDX-License-Identifier: ISC */
/*
 * Accurate ECN by RFC 9768: a section of it each.  ACE is written as the
 * three flags: 5 is AE|ECE, 6 AE|CWR, 7 all of them.
 */
#include "lab.h"

#define ACE0 0
#define ACE1 ECE
#define ACE2 CWR
#define ACE3 (CWR | ECE)
#define ACE4 AE
#define ACE5 (AE | ECE)
#define ACE6 (AE | CWR)
#define ACE7 (AE | CWR | ECE)

/* A passive open; the peer has SACK and no timestamps, and its ACK of the
 * SYN-ACK says that this arrived as it had left. */
static void
server(void)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460, .sackok = 1);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .ip = NOT_ECT,
	    .acc_e1 = true, .acc_n = 3, .acc = {1, 0, 1});
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_info().ecn.mode, 2);
}

/* An active open; the peer's SYN-ACK has an option and goes as Not-ECT. */
static void
client(void)
{
	lab_start(.ecn = TCP_ECN_ON);
	app_connects();
	stack_sends(SYN | ACE7, .seq = 0, .ip = NOT_ECT, .acc_n = NONE);
	peer_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460,
	    .sackok = 1, .acc_n = 3, .acc = {1, 0, 1});
	stack_sends(ACK | ACE2, .seq = 1, .ack = 1, .ip = NOT_ECT, .acc_n = 1,
	    .acc = {1});
}

/* Ten segments of ours, and more waits. */
static void
ten_segments(void)
{
	app_writes(30 * 1460);
	for (int i = 0; i < 10; i++)
		stack_sends(ACK | ACE5, .seq = 1 + 1460 * i, .ack = 1,
		    .len = 1460, .ip = ECT0);
	silence();
}

static void
give_up(void)
{
	app_aborts();
	lab_drain();
	lab_end();
}

/* ---- 3.1: negotiation ---- */

/* Table 2: the SYN's IP-ECN field comes back on the SYN-ACK. */
Test(accecn, the_syns_field_is_reflected)
{
	static const struct {
		int ip;
		unsigned synack;
	} rows[] = {{NOT_ECT, ACE2}, {ECT1, ACE3}, {ECT0, ACE4}, {CE, ACE6}};

	for (unsigned i = 0; i < 4; i++) {
		lab_start(.listens = true, .ecn = TCP_ECN_ON);
		peer_sends(SYN | ACE7, .seq = 0, .ip = rows[i].ip);
		stack_sends(SYN | ACK | rows[i].synack, .seq = 0, .ack = 1,
		    .ip = NOT_ECT);
		/* 3.2.2.2: CE on a SYN is not counted. */
		peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
		app_writes(1);
		stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 1);
	}
	lab_end();
}

/* 3.1.3: combinations that nobody has defined ask for it too. */
Test(accecn, reserved_syns_ask_for_it)
{
	static const unsigned syn[] = {ACE1, ACE2, ACE4, ACE5, ACE6};

	for (unsigned i = 0; i < sizeof syn / sizeof syn[0]; i++) {
		lab_start(.listens = true, .ecn = TCP_ECN_ON);
		peer_sends(SYN | syn[i], .seq = 0);
		stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	}
	lab_end();
}

/* 3.1.4.1: the SYN asks twice and goes without after that; the first answer
 * decides. */
Test(accecn, a_syn_asks_twice)
{
	lab_start(.ecn = TCP_ECN_ON);
	app_connects();
	stack_sends(SYN | ACE7, .seq = 0);
	at(sec(1));
	stack_sends(SYN | ACE7, .seq = 0);
	at(sec(3));
	stack_sends(SYN, .seq = 0);
	at(sec(7));
	stack_sends(SYN, .seq = 0);
	peer_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | ACE2, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 2);
	app_writes(1);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 1, .ip = ECT0);
	lab_end();
}

/* 3.1.5, 3.2.3.2.2: a SYN-ACK that is lost goes without the option, then
 * without the flags; then the server sends no ECT, but counts on. */
Test(accecn, a_lost_syn_ack_goes_with_less)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .acc_e1 = true,
	    .acc_n = 3, .acc = {1, 0, 1});
	at(sec(1));
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .acc_n = NONE);
	at(sec(3));
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .acc_n = NONE);
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 2);
	app_writes(1);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 1, .ip = NOT_ECT);
	peer_sends(ACK | ACE5, .seq = 1, .ack = 2, .len = 10, .ip = CE);
	stack_sends(ACK | ACE6, .seq = 2, .ack = 11);
	app_reads(10);
	lab_end();
}

/* 3.1.5: the peer's second SYN: no option, the latest field; one without
 * flags, and no ECT. */
Test(accecn, a_syn_that_comes_again)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	at(ms(600));
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460, .ip = ECT0);
	stack_sends(SYN | ACK | ACE4, .seq = 0, .ack = 1, .acc_n = NONE);
	at(ms(1200));
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
	app_writes(1);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 1, .ip = NOT_ECT);
	lab_end();
}

/* 3.1.5: two kinds of SYN in one handshake end it. */
Test(accecn, mixed_syns_are_reset)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	peer_sends(SYN | ACE3, .seq = 0);
	stack_sends(RST | ACK, .seq = 1, .ack = 1);
	dropped(TCP_ECN_MIXED);
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE3, .seq = 0);
	stack_sends(SYN | ACK | ACE1, .seq = 0, .ack = 1);
	peer_sends(SYN | ACE7, .seq = 0);
	stack_sends(RST | ACK, .seq = 1, .ack = 1);
	dropped(TCP_ECN_MIXED);
	lab_end();
}

/* 3.1.2: a SYN instead of an answer.  Then each has a SYN-ACK to answer, and
 * to hear how his own arrived. */
Test(accecn, simultaneous_open)
{
	lab_start(.ecn = TCP_ECN_ON);
	app_connects();
	stack_sends(SYN | ACE7, .seq = 0);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460, .ip = ECT1);
	stack_sends(SYN | ACK | ACE3, .seq = 0, .ack = 1, .acc_e1 = true,
	    .acc_n = 3, .acc = {1, 0, 1});
	peer_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | ACE2, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 2);
	expect_eq(lab_info().ca_state, 0);
	expect_eq(lab_info().ecn.delivered_ce, 0);
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
	silence();
	expect_eq(lab_info().ecn.delivered_ce, 0);
	app_writes(1);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 1, .ip = ECT0);
	lab_end();
}

/* The same, on a path that clears the flags: the SYN-ACK goes twice with the
 * option, and the peer's answer to it is what tells. */
Test(accecn, simultaneous_open_bleached)
{
	lab_start(.ecn = TCP_ECN_ON, .ect_all = true, .syn_linear = 4);
	app_connects();
	stack_sends(SYN | ACE7, .seq = 0);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .acc_e1 = true,
	    .acc_n = 3, .acc = {1, 0, 1});
	at(sec(1));
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .acc_e1 = true,
	    .acc_n = 3, .acc = {1, 0, 1});
	/* It is no SYN: each time twice as long. */
	quiet_until(ms(2999));
	at(sec(3));
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .acc_n = NONE);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	expect(lab_info().ecn.no_ect);
	app_writes(1);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 1, .ip = NOT_ECT);
	lab_end();
}

/* 5.1 (informative): a cookie keeps nothing, the ACK's flags show it. */
Test(accecn, through_a_syn_cookie)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON,
	    .syncookies = TCP_COOKIES_ALWAYS);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 2);
	use(1);
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 0);
	lab_end();
}

/* ---- 3.2.2.1, 3.2.2.2: the ACK of the SYN-ACK ---- */

/* It tells the SYN-ACK's field and carries nothing else, though there is data;
 * CE counts. */
Test(accecn, the_syn_acks_field_is_told)
{
	static const struct {
		int ip;
		unsigned ack, next;
	} rows[] = {{NOT_ECT, ACE2, ACE5}, {ECT1, ACE3, ACE5},
	    {ECT0, ACE4, ACE5}, {CE, ACE6, ACE6}};

	for (unsigned i = 0; i < 4; i++) {
		lab_start(.ecn = TCP_ECN_ON);
		app_connects();
		stack_sends(SYN | ACE7, .seq = 0);
		app_writes(10);
		peer_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460,
		    .ip = rows[i].ip);
		stack_sends(ACK | rows[i].ack, .seq = 1, .ack = 1,
		    .ip = NOT_ECT, .acc_n = 1, .acc = {1});
		stack_sends(PSH | ACK | rows[i].next, .seq = 1, .ack = 1,
		    .len = 10, .ip = ECT0, .acc_n = 1, .acc = {1});
	}
	lab_end();
}

/* The same for a SYN-ACK that comes again; a mark on it counts once. */
Test(accecn, a_syn_ack_again)
{
	client();
	for (int i = 0; i < 2; i++) {
		at(sec(1 + i));
		peer_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460,
		    .ip = CE);
		stack_sends(ACK | ACE6, .seq = 1, .ack = 1, .len = 0);
	}
	expect_eq(lab_info().ecn.received_ce, 1);
	lab_end();
}

/* ... and as few of them as of other answers: what has none leaves nothing
 * behind that a later segment would tell, when it is read as the count. */
Test(accecn, syn_acks_again_and_again)
{
	client();
	at(sec(1));
	for (int i = 0; i < 2; i++)
		peer_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | ACE2, .seq = 1, .ack = 1, .len = 0);
	peer_sends(SYN | RST | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460);
	app_writes(10);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10);
	give_up();
}

/* Table 4: what a server makes of it. */
Test(accecn, the_servers_reading)
{
	static const struct {
		unsigned ack;
		int ip; /* of what the server sends then */
		unsigned ce;
	} rows[] = {{ACE0, NOT_ECT, 0}, {ACE1, ECT0, 0}, {ACE2, ECT0, 0},
	    {ACE3, NOT_ECT, 0}, {ACE4, NOT_ECT, 0}, {ACE5, ECT0, 0},
	    {ACE6, NOT_ECT, 1}, {ACE7, ECT0, 0}};

	for (unsigned i = 0; i < 8; i++) {
		lab_start(.listens = true, .ecn = TCP_ECN_ON);
		peer_sends(SYN | ACE7, .seq = 0, .mss = 1460);
		stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
		peer_sends(ACK | rows[i].ack, .seq = 1, .ack = 1);
		expect_eq(lab_info().ecn.delivered_ce, rows[i].ce);
		app_writes(10);
		stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10,
		    .ip = rows[i].ip);
	}
	lab_end();
}

/* With data it is the counter already. */
Test(accecn, data_instead_of_the_ack)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 10);
	expect_eq(lab_info().ecn.mode, 2);
	expect_eq(lab_info().ecn.delivered_ce, 0);
	app_reads(10);
	app_writes(10);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 1, .ack = 11, .len = 10, .ip = ECT0);
	lab_end();
}

/* Note 1: after a zero the feedback is not believed. */
Test(accecn, zero_disables_the_feedback)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	app_writes(10);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10);
	peer_sends(ACK | ACE7, .seq = 1, .ack = 11);
	expect_eq(lab_stats().ecn_reductions, 0);
	lab_end();
}

/* ---- 3.2.2.2, 3.2.3: what arrives is counted ---- */

Test(accecn, marks_are_counted)
{
	server();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 1000, .ip = ECT0);
	peer_sends(ACK | ACE5, .seq = 1001, .ack = 1, .len = 1000, .ip = ECT0);
	stack_sends(
	    ACK | ACE5, .seq = 1, .ack = 2001, .acc_n = 1, .acc = {2001});
	/* 3.2.2.5.1: the first mark is told at once. */
	peer_sends(ACK | ACE5, .seq = 2001, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(
	    ACK | ACE6, .seq = 1, .ack = 3001, .acc_n = 2, .acc = {2001, 1000});
	/* The field that comes last stays in. */
	peer_sends(ACK | ACE5, .seq = 3001, .ack = 1, .len = 1000, .ip = ECT0);
	peer_sends(ACK | ACE5, .seq = 4001, .ack = 1, .len = 1000, .ip = ECT0);
	stack_sends(
	    ACK | ACE6, .seq = 1, .ack = 5001, .acc_n = 2, .acc = {4001, 1000});
	peer_sends(ACK | ACE5, .seq = 5001, .ack = 1, .len = 1000, .ip = ECT1);
	peer_sends(ACK | ACE5, .seq = 6001, .ack = 1, .len = 1000, .ip = ECT1);
	stack_sends(ACK | ACE6, .seq = 1, .ack = 7001, .acc_n = 3,
	    .acc = {4001, 1000, 2001});
	/* Nothing new: no option. */
	app_reads(7000);
	peer_sends(ACK | ACE5, .seq = 7001, .ack = 1, .len = 1000);
	peer_sends(ACK | ACE5, .seq = 8001, .ack = 1, .len = 1000);
	stack_sends(ACK | ACE6, .seq = 1, .ack = 9001, .acc_n = NONE);
	app_reads(2000);
	expect_eq(lab_info().ecn.received_e0, 4000);
	expect_eq(lab_info().ecn.received_e1, 2000);
	expect_eq(lab_info().ecn.received_ce_bytes, 1000);
	expect_eq(lab_info().ecn.received_ce, 1);
	lab_end();
}

/* 3.2.3.3: ECT(1) alone is best told in the other order. */
Test(accecn, the_shorter_order)
{
	server();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 1000, .ip = ECT1);
	peer_sends(ACK | ACE5, .seq = 1001, .ack = 1, .len = 1000, .ip = CE);
	stack_sends(ACK | ACE6, .seq = 1, .ack = 2001, .acc_n = 2,
	    .acc_e1 = true, .acc = {1001, 1000});
	app_reads(2000);
	lab_end();
}

/* 3.2: what lies outside the window is not counted, what comes again is. */
Test(accecn, acceptable_packets_count)
{
	server();
	peer_sends(ACK | ACE5, .seq = 200000, .ack = 1, .len = 100, .ip = CE);
	stack_sends(ACK | ACE5, .seq = 1, .ack = 1, .acc_n = NONE);
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 100, .ip = CE);
	stack_sends(
	    ACK | ACE6, .seq = 1, .ack = 101, .acc_n = 2, .acc = {1, 100});
	/* Half of it is old. */
	peer_sends(ACK | ACE5, .seq = 51, .ack = 1, .len = 100, .ip = CE);
	stack_sends(ACK | ACE7, .seq = 1, .ack = 151, .any_sack = true,
	    .acc_n = 2, .acc = {1, 200});
	app_reads(150);
	lab_end();
}

/* A GRO train is so many packets with one field. */
Test(accecn, trains_count_as_packets)
{
	server();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 5000, .ip = CE,
	    .train = 1000);
	stack_sends(
	    ACK | ACE2, .seq = 1, .ack = 5001, .acc_n = 2, .acc = {1, 5000});
	expect_eq(lab_info().ecn.received_ce, 5);
	app_reads(5000);
	lab_end();
}

/* 3.2.2.5.1: with nothing to acknowledge, the third marked ACK is answered,
 * not the first. */
Test(accecn, marked_acks_are_answered_by_the_third)
{
	server();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .ip = CE);
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .ip = CE);
	silence();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .ip = CE);
	stack_sends(ACK | ACE0, .seq = 1, .ack = 1, .acc_n = NONE);
	lab_end();
}

/* The second mark among data that waits for its ACK. */
Test(accecn, marked_data_is_answered_by_the_second)
{
	server();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 100, .ip = CE);
	stack_sends(ACK | ACE6, .seq = 1, .ack = 101);
	peer_sends(ACK | ACE5, .seq = 101, .ack = 1, .len = 100, .ip = CE);
	silence();
	peer_sends(ACK | ACE5, .seq = 201, .ack = 1, .len = 100, .ip = CE);
	stack_sends(ACK | ACE0, .seq = 1, .ack = 301);
	app_reads(300);
	lab_end();
}

/* ---- 3.2.3.3: room for the option ---- */

/* Two SACK blocks come first; a third gives way. */
Test(accecn, sack_blocks_and_the_option)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460, .sackok = 1, .tsval = 1);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .acc_e1 = true,
	    .acc_n = 3, .acc = {1, 0, 1});
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 0);
	peer_sends(ACK | ACE5, .seq = 1001, .ack = 1, .len = 100, .ip = ECT0,
	    .tsval = 1, .tsecr = 0);
	stack_sends(ACK | ACE5, .seq = 1, .ack = 1, .sack = {{1001, 1101}},
	    .acc_n = 1, .acc = {101});
	peer_sends(ACK | ACE5, .seq = 2001, .ack = 1, .len = 100, .ip = CE,
	    .tsval = 1, .tsecr = 0);
	stack_sends(ACK | ACE6, .seq = 1, .ack = 1,
	    .sack = {{2001, 2101}, {1001, 1101}}, .acc_n = 2,
	    .acc = {101, 100});
	peer_sends(ACK | ACE5, .seq = 3001, .ack = 1, .len = 100, .ip = CE,
	    .tsval = 1, .tsecr = 0);
	peer_sends(ACK | ACE5, .seq = 4001, .ack = 1, .len = 100, .ip = ECT1,
	    .tsval = 1, .tsecr = 0);
	/* All three would leave room for one block: the two that changed are
	 * the last two of the other order, and no shorter. */
	stack_sends(ACK | ACE7, .seq = 1, .ack = 1, .any_sack = true);
	give_up();
}

/* In a SYN-ACK with all options there is room for all counters. */
Test(accecn, a_full_syn_ack)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460, .sackok = 1, .wscale = 7,
	    .tsval = 1);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460,
	    .sackok = 1, .tsval = 0, .acc_e1 = true, .acc_n = 3,
	    .acc = {1, 0, 1});
	lab_end();
}

/* The option takes from the segment's payload, as SACK does. */
Test(accecn, the_option_shortens_segments)
{
	server();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 100, .ip = ECT0);
	app_reads(100);
	app_writes(3000);
	stack_sends(ACK | ACE5, .seq = 1, .ack = 101, .len = 1452, .acc_n = 1,
	    .acc = {101});
	stack_sends(
	    ACK | ACE5, .seq = 1453, .ack = 101, .len = 1460, .acc_n = NONE);
	stack_sends(PSH | ACK | ACE5, .seq = 2913, .ack = 101, .len = 88);
	give_up();
}

/* Segments that are shorter by the option are segments nevertheless: slow
 * start goes from ten to twenty (RFC 6928 2, RFC 5681 2). */
Test(accecn, an_option_costs_no_segment)
{
	int64_t end;

	lab_start(.ecn = TCP_ECN_ON);
	app_connects();
	stack_sends(SYN | ACE7, .seq = 0);
	peer_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460,
	    .sackok = 1, .tsval = 0, .tsecr = 0, .acc_n = 3, .acc = {1, 0, 1});
	stack_sends(ACK | ACE2, .seq = 1, .ack = 1);
	app_writes(40 * 1448);
	stack_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 1440, .acc_n = 1,
	    .acc = {1});
	for (int i = 0; i < 9; i++)
		stack_sends(
		    ACK | ACE5, .seq = 1441 + i * 1448, .ack = 1, .len = 1448);
	silence();
	end = 1441 + 9 * 1448;
	peer_sends(ACK | ACE5, .seq = 1, .ack = end);
	for (int i = 0; i < 20; i++)
		stack_sends(
		    ACK | ACE5, .seq = end + i * 1448, .ack = 1, .len = 1448);
	silence();
	give_up();
}

/* ---- 3.2.3.2: the option and the path ---- */

/* 3.2.3.2.2: the first data, with the option, is lost: it may be why. */
Test(accecn, an_option_that_is_lost)
{
	client();
	app_writes(10);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10, .acc_n = 1,
	    .acc = {1});
	after(RTO);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10, .acc_n = NONE);
	peer_sends(ACK | ACE5, .seq = 1, .ack = 11, .len = 100, .ip = ECT0);
	after(ms(40));
	stack_sends(ACK | ACE5, .seq = 11, .ack = 101, .acc_n = NONE);
	expect_eq(lab_stats().ecn_options_off, 1);
	app_reads(100);
	lab_end();
}

/* One that arrived was not: a later loss says nothing. */
/* Not so when other data with it has come. */
Test(accecn, an_option_that_is_lost_by_chance)
{
	lab_start(.ecn = TCP_ECN_ON, .accecn_option = TCP_ACCECN_ALWAYS);
	app_connects();
	stack_sends(SYN | ACE7, .seq = 0);
	peer_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460,
	    .sackok = 1, .acc_e1 = true, .acc_n = 3, .acc = {1, 0, 1});
	stack_sends(ACK | ACE2, .seq = 1, .ack = 1);
	app_writes(10);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10,
	    .acc_e1 = true, .acc_n = 3, .acc = {1, 0, 1});
	app_sets(nodelay = true);
	app_writes(10);
	stack_sends(PSH | ACK | ACE5, .seq = 11, .ack = 1, .len = 10,
	    .acc_e1 = true, .acc_n = 3, .acc = {1, 0, 1});
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .sack = {{11, 21}});
	stack_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 10, .acc_e1 = true,
	    .acc_n = 3, .acc = {1, 0, 1});
	expect_eq(lab_stats().ecn_options_off, 0);
	give_up();
}

Test(accecn, an_option_that_arrived)
{
	client();
	app_writes(10);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10, .acc_n = 1,
	    .acc = {1});
	peer_sends(ACK | ACE5, .seq = 1, .ack = 11, .acc_n = 1, .acc = {11});
	expect_eq(lab_info().ecn.delivered_e0, 10);
	app_writes(10);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 11, .ack = 1, .len = 10, .acc_n = NONE);
	after(RTO);
	stack_sends(PSH | ACK | ACE5, .seq = 11, .ack = 1, .len = 10);
	peer_sends(ACK | ACE5, .seq = 1, .ack = 21, .len = 100, .ip = ECT0);
	after(ms(40));
	stack_sends(
	    ACK | ACE5, .seq = 21, .ack = 101, .acc_n = 1, .acc = {101});
	app_reads(100);
	lab_end();
}

/* 3.2.3.2.4: counters that begin at zero were set to it. */
Test(accecn, a_zeroed_option_is_ignored)
{
	lab_start(.ecn = TCP_ECN_ON);
	app_connects();
	stack_sends(SYN | ACE7, .seq = 0);
	peer_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .mss = 1460,
	    .acc_n = 3, .acc = {0, 0, 0});
	stack_sends(ACK | ACE2, .seq = 1, .ack = 1);
	app_writes(1460);
	stack_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 1452);
	stack_sends(PSH | ACK | ACE5, .seq = 1453, .ack = 1, .len = 8);
	peer_sends(
	    ACK | ACE5, .seq = 1, .ack = 1461, .acc_n = 2, .acc = {0, 1460});
	expect_eq(lab_info().ecn.delivered_ce_bytes, 0);
	expect_eq(lab_info().ecn.opt_seen, 3);
	expect_eq(lab_stats().ecn_reductions, 0);
	lab_end();
}

/* ---- 3.2.2.3, 3.2.2.4: mangling ---- */

/* The client's SYN left as Not-ECT and arrived as something else. */
Test(accecn, a_mangled_syn)
{
	static const unsigned synack[] = {ACE3, ACE4, ACE6};

	for (unsigned i = 0; i < 3; i++) {
		lab_start(.ecn = TCP_ECN_ON);
		app_connects();
		stack_sends(SYN | ACE7, .seq = 0);
		peer_sends(
		    SYN | ACK | synack[i], .seq = 0, .ack = 1, .mss = 1460);
		stack_sends(ACK | ACE2, .seq = 1, .ack = 1);
		app_writes(10);
		stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10,
		    .ip = NOT_ECT);
		expect(lab_info().ecn.no_ect);
		/* It still answers to marks. */
		peer_sends(ACK | ACE6, .seq = 1, .ack = 11);
		expect_eq(lab_stats().ecn_reductions, 1);
		/* 3.2.2.2: CE on the SYN is told, not counted. */
		expect_eq(lab_info().ecn.delivered_ce, 1);
	}
	lab_end();
}

/* 3.2.2.4: the first count is zero. */
Test(accecn, a_zeroed_ace)
{
	client();
	app_writes(10);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10, .ip = ECT0);
	peer_sends(ACK, .seq = 1, .ack = 11);
	expect_eq(lab_stats().ecn_reductions, 0);
	app_writes(10);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 11, .ack = 1, .len = 10, .ip = NOT_ECT);
	lab_end();
}

/* 3.2.2.3: nothing but marks for eight rounds: no ECT; then they are no
 * marks. */
Test(accecn, nothing_but_marks)
{
	static const unsigned ace[] = {
	    ACE6, ACE7, ACE0, ACE1, ACE2, ACE3, ACE4, ACE5, ACE6, ACE7};
	uint64_t answered;

	server();
	for (int i = 0; i < 10; i++) {
		app_writes(100);
		stack_sends(PSH | ACK | ACE5, .seq = 1 + 100 * i, .ack = 1,
		    .len = 100, .ip = i < 8 ? ECT0 : NOT_ECT);
		peer_sends(ACK | ace[i], .seq = 1, .ack = 101 + 100 * i);
	}
	expect(lab_info().ecn.no_ect);
	answered = lab_stats().ecn_reductions;
	app_writes(100);
	stack_sends(PSH | ACK | ACE5, .seq = 1001, .ack = 1, .len = 100);
	peer_sends(ACK | ACE0, .seq = 1, .ack = 1101);
	expect_eq(lab_stats().ecn_reductions, answered);
	lab_end();
}

/* One that is not marked, and the trial is over. */
Test(accecn, marks_on_nearly_all)
{
	static const unsigned ace[] = {
	    ACE6, ACE7, ACE7, ACE0, ACE1, ACE2, ACE3, ACE4, ACE5, ACE6};

	server();
	for (unsigned i = 0; i < 10; i++) {
		app_writes(100);
		stack_sends(PSH | ACK | ACE5, .seq = 1 + 100 * (int64_t)i,
		    .ack = 1, .len = 100, .ip = ECT0);
		peer_sends(
		    ACK | ace[i], .seq = 1, .ack = 101 + 100 * (int64_t)i);
	}
	expect(!lab_info().ecn.no_ect);
	lab_end();
}

/* 3.2.3.2.5: marked bytes without marked packets. */
Test(accecn, bytes_without_packets)
{
	server();
	app_writes(1460);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 1460, .ip = ECT0);
	peer_sends(
	    ACK | ACE5, .seq = 1, .ack = 1461, .acc_n = 2, .acc = {1, 1460});
	app_writes(10);
	stack_sends(
	    PSH | ACK | ACE5, .seq = 1461, .ack = 1, .len = 10, .ip = NOT_ECT);
	lab_end();
}

/* Eight small ones are a whole turn of the count. */
Test(accecn, eight_small_segments)
{
	server();
	app_sets(nodelay = true);
	for (int i = 0; i < 8; i++) {
		app_writes(100);
		stack_sends(PSH | ACK | ACE5, .seq = 1 + 100 * i, .ack = 1,
		    .len = 100, .ip = ECT0);
	}
	peer_sends(
	    ACK | ACE5, .seq = 1, .ack = 801, .acc_n = 2, .acc = {1, 800});
	expect_eq(lab_info().ecn.delivered_ce, 8);
	expect(!lab_info().ecn.no_ect);
	lab_end();
}

/* ---- 3.2.2.5.2: the answer to marks ---- */

Test(accecn, a_mark_is_answered)
{
	uint32_t cwnd;

	server();
	ten_segments();
	cwnd = lab_info().cwnd_bytes;
	peer_sends(
	    ACK | ACE6, .seq = 1, .ack = 1461, .acc_n = 2, .acc = {1, 1460});
	expect_eq(lab_info().ca_state, 2);
	expect_eq(lab_info().ssthresh_bytes, cwnd * 4 / 5);
	expect_eq(lab_info().ecn.delivered_ce, 1);
	expect_eq(lab_info().ecn.delivered_ce_bytes, 1460);
	/* More of the same round trip: the window is where it shall be. */
	peer_sends(ACK | ACE0, .seq = 1, .ack = 1461 + 2 * 1460, .acc_n = 2,
	    .acc = {1, 3 * 1460});
	expect_eq(lab_info().ssthresh_bytes, cwnd * 4 / 5);
	expect_eq(lab_info().cwnd_bytes, cwnd * 4 / 5);
	expect_eq(lab_info().ecn.delivered_ce, 3);
	/* 3.1.5: there is no CWR in this mode. */
	peer_sends(ACK | ACE0, .seq = 1, .ack = 1461 + 6 * 1460, .acc_n = 2,
	    .acc = {1 + 4 * 1460, 3 * 1460});
	stack_sends(
	    ACK | ACE5, .seq = 14601, .ack = 1, .len = 1460, .ip = ECT0);
	expect_eq(lab_info().ecn.delivered_e0, 4 * 1460);
	expect_eq(lab_stats().ecn_reductions, 1);
	give_up();
}

/* An ACK that was overtaken says nothing. */
Test(accecn, old_acks_are_ignored)
{
	server();
	ten_segments();
	peer_sends(ACK | ACE6, .seq = 1, .ack = 1 + 4 * 1460);
	expect_eq(lab_info().ecn.delivered_ce, 1);
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1 + 2 * 1460);
	expect_eq(lab_info().ecn.delivered_ce, 1);
	give_up();
}

/* Without the option, what eight packets or more may hide is assumed (A.2.1);
 * fewer hide nothing. */
Test(accecn, a_count_that_may_have_wrapped)
{
	server();
	ten_segments();
	peer_sends(ACK | ACE7, .seq = 1, .ack = 1 + 9 * 1460);
	expect_eq(lab_info().ecn.delivered_ce, 2);
	give_up();
	server();
	ten_segments();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1 + 1460);
	lab_drain();
	peer_sends(ACK | ACE7, .seq = 1, .ack = 1 + 11 * 1460);
	expect_eq(lab_info().ecn.delivered_ce, 10);
	give_up();
}

/* An ACK for ten is the rule with this peer, and no sign that others, with
 * marks, were lost. */
Test(accecn, a_count_from_who_acknowledges_rarely)
{
	server();
	ten_segments();
	peer_sends(ACK | ACE7, .seq = 1, .ack = 1 + 10 * 1460);
	expect_eq(lab_info().ecn.delivered_ce, 2);
	give_up();
}

/* With it, its bytes say how many there were. */
Test(accecn, the_option_settles_a_wrap)
{
	server();
	ten_segments();
	peer_sends(ACK | ACE7, .seq = 1, .ack = 1 + 10 * 1460, .acc_n = 2,
	    .acc = {1 + 8 * 1460, 2 * 1460});
	expect_eq(lab_info().ecn.delivered_ce, 2);
	give_up();
	server();
	ten_segments();
	peer_sends(ACK | ACE7, .seq = 1, .ack = 1 + 10 * 1460, .acc_n = 2,
	    .acc = {1, 10 * 1460});
	expect_eq(lab_info().ecn.delivered_ce, 10);
	give_up();
}

/* Marks told by packets are not told again by the bytes that follow. */
Test(accecn, packets_first_then_bytes)
{
	server();
	ten_segments();
	peer_sends(ACK | ACE6, .seq = 1, .ack = 1461);
	peer_sends(ACK | ACE6, .seq = 1, .ack = 1 + 2 * 1460, .acc_n = 2,
	    .acc = {1461, 1460});
	expect_eq(lab_info().ecn.delivered_ce, 1);
	expect_eq(lab_info().ecn.delivered_ce_bytes, 1460);
	give_up();
}

/* The 24-bit counters go round. */
Test(accecn, bytes_wrap)
{
	server();
	ten_segments();
	peer_sends(
	    ACK | ACE5, .seq = 1, .ack = 1461, .acc_n = 1, .acc = {0xfffff0});
	peer_sends(
	    ACK | ACE5, .seq = 1, .ack = 1 + 2 * 1460, .acc_n = 1, .acc = {16});
	expect_eq(lab_info().ecn.delivered_e0, 0x1000010 - 1);
	give_up();
}

/* accecn_option = always, ect_all: what Linux's segments are like, to a peer
 * who has an option of his own. */
Test(accecn, always_the_option)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON,
	    .accecn_option = TCP_ACCECN_ALWAYS, .ect_all = true);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460, .sackok = 1);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .ip = NOT_ECT);
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
	app_writes(10);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10, .ip = ECT0,
	    .acc_n = NONE);
	peer_sends(
	    ACK | ACE5, .seq = 1, .ack = 11, .acc_n = 3, .acc = {11, 0, 1});
	app_writes(10);
	stack_sends(PSH | ACK | ACE5, .seq = 11, .ack = 1, .len = 10,
	    .ip = ECT0, .acc_e1 = true, .acc_n = 3, .acc = {1, 0, 1});
	at(ms(200) + 1);
	stack_sends(PSH | ACK | ACE5, .seq = 11, .ack = 1, .len = 10,
	    .ip = ECT0, .acc_e1 = true, .acc_n = 3, .acc = {1, 0, 1});
	peer_sends(ACK | ACE5, .seq = 101, .ack = 21, .len = 100, .ip = ECT1);
	stack_sends(ACK | ACE5, .seq = 21, .ack = 1, .ip = ECT0,
	    .sack = {{101, 201}}, .acc_e1 = true, .acc_n = 3,
	    .acc = {101, 0, 1});
	give_up();
}

/* accecn_option = never: not even in a SYN-ACK, and no test of the path. */
Test(accecn, never_the_option)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON,
	    .accecn_option = TCP_ACCECN_NEVER);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460, .sackok = 1);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1, .acc_n = NONE);
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
	app_writes(10);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 10, .ip = ECT0,
	    .acc_n = NONE);
	peer_sends(ACK | ACE5, .seq = 1, .ack = 11, .len = 10, .ip = CE);
	stack_sends(ACK | ACE6, .seq = 11, .ack = 11, .acc_n = NONE);
	give_up();
}

/* 3.1.5: a SYN-ACK without flags, after one with them, has an answer that tells
 * its field, and changes nothing. */
Test(accecn, a_bare_syn_ack_after_the_handshake)
{
	client();
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .ip = ECT0);
	stack_sends(ACK | ACE4, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.mode, 2);
	give_up();
}

/* The ACK of the handshake is no feedback, but its timestamp counts: the same
 * again is no news. */
Test(accecn, no_news_by_the_timestamp_of_the_handshake)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460, .tsval = 1);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1, .tsval = 2, .tsecr = 0);
	app_writes(1000);
	lab_drain();
	peer_sends(ACK | ACE6, .seq = 1, .ack = 1, .tsval = 2, .tsecr = 0);
	expect_eq(lab_info().ecn.delivered_ce, 0);
	give_up();
}

/* With timestamps, of whatever value: the newest counts. */
Test(accecn, feedback_by_timestamp)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460, .tsval = 0xf0000000);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	peer_sends(
	    ACK | ACE2, .seq = 1, .ack = 1, .tsval = 0xf0000000, .tsecr = 0);
	app_writes(2 * 1448);
	lab_drain();
	peer_sends(
	    ACK | ACE6, .seq = 1, .ack = 1449, .tsval = 0xf0000002, .tsecr = 0);
	expect_eq(lab_info().ecn.delivered_ce, 1);
	/* Nothing new but the time. */
	peer_sends(
	    ACK | ACE7, .seq = 1, .ack = 1449, .tsval = 0xf0000003, .tsecr = 0);
	expect_eq(lab_info().ecn.delivered_ce, 2);
	peer_sends(
	    ACK | ACE5, .seq = 1, .ack = 1449, .tsval = 0xf0000002, .tsecr = 0);
	expect_eq(lab_info().ecn.delivered_ce, 2);
	give_up();
}

/* A peer that sends options left it out: nothing has changed. */
Test(accecn, no_option_no_wrap)
{
	client();
	app_writes(9 * 1460);
	lab_drain();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1 + 9 * 1460);
	expect_eq(lab_info().ecn.delivered_ce, 0);
	lab_end();
}

/* ---- offloads and ends ---- */

/* A device leaves CWR, which is one of ACE's bits, to the first segment of a
 * burst: with it there is no burst. */
Test(accecn, bursts_and_the_count)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON, .tso = 60000);
	peer_sends(SYN | ACE7, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
	app_writes(3 * 1460);
	stack_sends(PSH | ACK | ACE5, .seq = 1, .ack = 1, .len = 3 * 1460,
	    .train = 1460);
	peer_sends(
	    ACK | ACE5, .seq = 1, .ack = 1 + 3 * 1460, .len = 10, .ip = CE);
	stack_sends(ACK | ACE6, .seq = 1 + 3 * 1460, .ack = 11);
	app_reads(10);
	app_writes(2 * 1460);
	stack_sends(ACK | ACE6, .seq = 1 + 3 * 1460, .ack = 11, .len = 1460);
	stack_sends(
	    PSH | ACK | ACE6, .seq = 1 + 4 * 1460, .ack = 11, .len = 1460);
	give_up();
}

/* TIME-WAIT goes on with the count. */
Test(accecn, time_wait_keeps_the_count)
{
	server();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1, .len = 10, .ip = CE);
	stack_sends(ACK | ACE6, .seq = 1, .ack = 11);
	app_reads(10);
	app_shuts_down();
	stack_sends(FIN | ACK | ACE6, .seq = 1, .ack = 11);
	peer_sends(FIN | ACK | ACE5, .seq = 11, .ack = 2);
	stack_sends(ACK | ACE6, .seq = 2, .ack = 12);
	in_state(TCPS_TIME_WAIT);
	lab_end();
}

/* 3.2.3: an option of another length: its whole counters count; on a SYN it
 * is nothing. */
Test(accecn, odd_options)
{
	lab_start(.listens = true, .ecn = TCP_ECN_ON);
	peer_sends(
	    SYN | ACE7, .seq = 0, .mss = 1460, .acc_n = 3, .acc = {0, 0, 0});
	stack_sends(SYN | ACK | ACE2, .seq = 0, .ack = 1);
	peer_sends(ACK | ACE2, .seq = 1, .ack = 1);
	expect_eq(lab_info().ecn.opt_seen, 0);
	ten_segments();
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1461,
	    .opts = "\254\7\0\5\265\0\0", .optlen = 7);
	expect_eq(lab_info().ecn.delivered_e0, 1460);
	peer_sends(ACK | ACE5, .seq = 1, .ack = 1 + 2 * 1460,
	    .opts = "\254\16\0\13\151\0\0\0\0\0\1\0\0\0", .optlen = 14);
	expect_eq(lab_info().ecn.delivered_e0, 2920);
	give_up();
}
