/* SPDX-License-Identifier: ISC */
/*
 * SYN cookies, RFC 4987 3.6: when the SYN queue is full a listener goes on
 * without it, and what the SYN offered is not lost.
 */
#include "lab.h"

TestSuite(cookie, .init = passive_lab, .fini = lab_end);

#define QUEUE 128 /* the least that a listener has */

/* Connections 1..128 stay half-open; the verbs speak of 0 then. */
static void
fill_queue(void)
{
	for (unsigned i = 1; i <= QUEUE; i++) {
		use(i);
		peer_sends(SYN, .seq = 0);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	}
	use(0);
	expect_eq(lab_stats().half_open, QUEUE);
}

static void
always(void)
{
	lab_start(.listens = true, .syncookies = TCP_COOKIES_ALWAYS);
}

/* Window scale, SACK and timestamps come back with the ACK. */
Test(cookie, keeps_all_options)
{
	struct tcp_info_out i;

	fill_queue();
	peer_sends(
	    SYN, .seq = 0, .mss = 1460, .wscale = 7, .sackok = 1, .tsval = 100);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .win = 65535, .mss = 1460,
	    .wscale = 1, .sackok = 1, .tsval = 0, .tsecr = 100);
	expect_eq(lab_stats().half_open, QUEUE);
	expect_eq(lab_stats().syn_cookies, 1);
	after(ms(70));
	peer_sends(
	    ACK, .seq = 1, .ack = 1, .win = 100, .tsval = 170, .tsecr = 0);
	in_state(TCPS_ESTABLISHED);
	i = lab_info();
	expect(i.timestamps && i.sack && i.wscale);
	expect_eq(i.snd_wscale, 7);
	expect_eq(i.snd_wnd, 100 << 7);
	expect_eq(i.snd_mss, 1460 - 12);
	expect_eq(lab_stats().passive_opens, 1);
	/* The clock of our timestamps goes on from there. */
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10, .tsecr = 170);
	peer_sends(ACK, .seq = 1, .ack = 11, .tsval = 180, .tsecr = 0);
}

/* Our own scale, as it was offered. */
Test(cookie, keeps_our_window_scale)
{
	lab_start(.listens = true, .syncookies = TCP_COOKIES_ALWAYS,
	    .rcvbuf = 1 << 20);
	peer_sends(SYN, .seq = 0, .mss = 1460, .wscale = 2, .tsval = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .wscale = 5, .tsecr = 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 0);
	expect_eq(lab_info().rcv_wscale, 5);
	app_writes(1);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 1, .win = 1 << 15);
}

Test(cookie, without_window_scale_and_sack)
{
	always();
	peer_sends(SYN, .seq = 0, .mss = 1460, .tsval = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .wscale = NONE,
	    .sackok = NONE, .tsecr = 1);
	peer_sends(
	    ACK, .seq = 1, .ack = 1, .win = 5000, .tsval = 1, .tsecr = 0);
	expect(!lab_info().wscale && !lab_info().sack);
	expect_eq(lab_info().snd_wnd, 5000);
}

/* Without timestamps nothing can bring the other options back: they are not
 * promised. */
Test(cookie, without_timestamps)
{
	always();
	peer_sends(SYN, .seq = 0, .mss = 1460, .wscale = 7, .sackok = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .wscale = NONE,
	    .sackok = NONE, .tsval = NONE);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 5000);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_info().snd_wnd, 5000);
	expect_eq(lab_info().snd_mss, 1460);
}

/* The largest that the cookie knows and the peer takes. */
Test(cookie, mss)
{
	const struct {
		int peer;
		uint32_t ours;
	} rows[] = {{256, 256}, {535, 256}, {536, 536}, {1219, 536},
	    {1440, 1440}, {1459, 1440}, {1460, 1460}, {9000, 1460},
	    {NONE, lab_default_mss()}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		always();
		peer_sends(SYN, .seq = 0, .mss = rows[i].peer);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1);
		peer_sends(ACK, .seq = 1, .ack = 1);
		expect_eq(lab_info().snd_mss, rows[i].ours);
	}
	always();
	peer_sends(SYN, .seq = 0, .mss = 255);
	silence();
	dropped(TCP_SYN_QUEUE);
}

/* The handshake's ACK was lost: the first data brings the cookie. */
Test(cookie, comes_back_with_data)
{
	fill_queue();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 40);
	in_state(TCPS_ESTABLISHED);
	app_reads(40);
	quiet_until(ms(39));
	at(ms(40));
	stack_sends(ACK, .seq = 1, .ack = 41);
}

/* Its first segment and the ACK are lost: the second must not end what the
 * peer takes for a connection. */
Test(cookie, later_data_comes_first)
{
	fill_queue();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 41, .ack = 1, .len = 40);
	silence();
	dropped(TCP_COOKIE);
	peer_sends(ACK, .seq = 81, .ack = 1);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 40);
	in_state(TCPS_ESTABLISHED);
	app_reads(40);
	peer_sends(ACK, .seq = 41, .ack = 1, .len = 40);
	app_reads(40);
	lab_run_until(sec(1));
}

/* Every bit of it counts. */
Test(cookie, forged)
{
	for (int bit = 0; bit < 32; bit++) {
		always();
		peer_sends(SYN, .seq = 0, .mss = 1460);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1);
		peer_sends(ACK, .seq = 1, .ack = 1 + (int64_t)(1u << bit));
		expect(lab_drain() <= 1); /* a reset, or silence */
		in_state(TCPS_LISTEN);
	}
	expect_eq(lab_stats().passive_opens, 0);
}

/* Of another number of the peer's, or for another peer. */
Test(cookie, of_another_connection)
{
	always();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 2, .ack = 1);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 1, .sport = 41000);
	silence();
	expect_eq(lab_stats().passive_opens, 0);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
}

/* A timestamp that we never sent, or sent too long ago. */
Test(cookie, echo_must_be_ours)
{
	always();
	peer_sends(SYN, .seq = 0, .mss = 1460, .tsval = 1);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .tsecr = 1);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = -140000);
	expect_eq(lab_next().flags, RST);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 1000);
	expect_eq(lab_next().flags, RST);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 0);
	in_state(TCPS_ESTABLISHED);
}

/* Good for one to two ticks of 67 s. */
Test(cookie, grows_old)
{
	always();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(sec(67));
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	always();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	at(sec(135));
	peer_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_next().flags, RST);
	in_state(TCPS_LISTEN);
}

/* No cookie is out: then no ACK can be one, however it is made. */
Test(cookie, none_is_out)
{
	always();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	/* The listener comes anew. */
	app_unlistens();
	app_listens();
	peer_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_next().flags, RST);
}

/* A place came free, and the peer's second SYN took it, before the answer to
 * the cookie arrived. */
Test(cookie, meets_a_half_open_connection)
{
	fill_queue();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	use(1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	use(0);
	peer_sends(SYN, .seq = 0, .mss = 1460);
	expect_eq(lab_next().flags, SYN | ACK);
	in_state(TCPS_SYN_RECEIVED);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_stats().half_open, QUEUE - 1);
	app_writes(5);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 5);
}

/* A quota of half-open connections is no reason to turn a peer away. */
Test(cookie, by_quota)
{
	lab_may_open = TCP_ADMIT_COOKIE;
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	expect_eq(lab_stats().half_open, 0);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	lab_start(.listens = true, .syncookies = TCP_COOKIES_NEVER);
	lab_may_open = TCP_ADMIT_COOKIE;
	peer_sends(SYN, .seq = 0, .mss = 1460);
	silence();
	dropped(TCP_QUOTA);
}

Test(cookie, accept_queue_full)
{
	always();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	lab_accept_error = -EAGAIN;
	peer_sends(ACK, .seq = 1, .ack = 1);
	silence();
	dropped(TCP_ACCEPT_QUEUE);
	lab_accept_error = 0;
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 3);
	in_state(TCPS_ESTABLISHED);
	app_reads(3);
	lab_run_until(sec(1));
	use(1);
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	lab_accept_error = -ECONNREFUSED;
	peer_sends(ACK, .seq = 1, .ack = 1);
	stack_sends(RST, .seq = 1);
}

Test(cookie, table_full)
{
	lab_start(.listens = true, .syncookies = TCP_COOKIES_ALWAYS,
	    .max_conns = 1);
	for (unsigned i = 0; i < 2; i++) {
		use(i);
		peer_sends(SYN, .seq = 0, .mss = 1460);
		stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	}
	use(0);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	use(1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	silence();
	dropped(TCP_NO_MEMORY);
}

/* No retransmission: the SYN-ACK is nobody's. */
Test(cookie, is_silent_afterwards)
{
	always();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	quiet_for(sec(200));
	expect(mono_is_never(tcp_deadline(lab_tcp())));
	/* RFC 6298 2.1: nobody measured that round trip. */
	use(1);
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	after(ms(20));
	peer_sends(ACK, .seq = 1, .ack = 1);
	expect_eq(lab_info().srtt_us, 0);
	expect_eq(lab_info().rto_us, sec(1));
}

/* The accept queue is full when the ACK comes, and the next one has another
 * number, its data being lost: it is the same connection. */
Test(cookie, an_ack_that_was_refused)
{
	lab_start(.listens = true, .syncookies = TCP_COOKIES_ALWAYS);
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	lab_accept_error = -EAGAIN;
	peer_sends(ACK, .seq = 1, .ack = 1);
	dropped(TCP_ACCEPT_QUEUE);
	in_state(TCPS_SYN_RECEIVED);
	lab_accept_error = 0;
	peer_sends(ACK, .seq = 11, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 10);
	app_reads(10);
	lab_drain();
	lab_end();
}
