/* SPDX-License-Identifier: ISC */
/*
 * Fast Open of our own connections, RFC 7413 4.1.3 and 4.2.1: the cache, the
 * SYN, what its answer may be, and ways that swallow it.
 */
#include <string.h>
#include "lab.h"

static void
client(void)
{
	lab_start(.fastopen = {.mode = FASTOPEN_CLIENT, .blackhole_s = 3600});
}

TestSuite(fastsyn, .init = client, .fini = lab_end);

static const uint8_t cookie[16] = "abcdefghijklmnop";

/* Connection i has asked for a cookie, got one of n octets, and ended. */
static void
get_cookie(unsigned i, int n)
{
	use(i);
	app_opens_fast(0);
	stack_sends(SYN, .seq = 0, .mss = 1460, .fo = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1400, .fo = n,
	    .cookie = cookie);
	in_state(TCPS_ESTABLISHED);
	stack_sends(ACK, .seq = 1, .ack = 1);
	app_aborts();
	stack_sends(RST | ACK, .seq = 1, .ack = 1);
}

Test(fastsyn, asks_for_a_cookie_and_uses_it)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(500);
	stack_sends(
	    SYN, .seq = 0, .len = 500, .mss = 1460, .fo = 8, .cookie = cookie);
	peer_sends(SYN | ACK, .seq = 0, .ack = 501, .mss = 1460);
	in_state(TCPS_ESTABLISHED);
	event(TCP_EV_CONNECTED);
	stack_sends(ACK, .seq = 501, .ack = 1);
	expect(lab_info().syn_data);
	expect_eq(lab_info().fastopen_fail, 0);
	expect_eq(lab_info().bytes_acked, 500);
	expect_eq(lab_info().send_queued, 0);
	expect_eq(lab_stats().fastopen_active, 1);
	expect_eq(lab_info().delivered_packets, 1);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 501, .ack = 1, .len = 10);
	peer_sends(ACK, .seq = 1, .ack = 511);
	expect_eq(lab_info().delivered_packets, 2);
}

/* RFC 7413 4.1.1: every length that there is. */
Test(fastsyn, cookies_of_any_length)
{
	for (unsigned n = 4; n <= 16; n += 2) {
		client();
		get_cookie(0, (int)n);
		use(1);
		app_opens_fast(1);
		stack_sends(
		    SYN, .seq = 0, .len = 1, .fo = (int)n, .cookie = cookie);
		lab_drain();
	}
	/* Of another one there is none. */
	client();
	use(0);
	app_opens_fast(0);
	stack_sends(SYN, .seq = 0, .fo = 0);
	peer_sends(
	    SYN | ACK, .seq = 0, .ack = 1, .opts = "\x22\x04xy", .optlen = 4);
	dropped(TCP_FASTOPEN);
	lab_drain();
	use(1);
	app_opens_fast(5);
	stack_sends(SYN, .seq = 0, .len = 0, .fo = 0, .fo_exp = true);
}

/* The MSS that the server named, with room for any options, is what a SYN may
 * carry; the rest follows. */
Test(fastsyn, more_than_fits)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(3000);
	stack_sends(SYN, .seq = 0, .len = 1360, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1361, .mss = 1000, .win = 60000);
	stack_sends(ACK, .seq = 1361, .ack = 1, .len = 1000);
	stack_sends(ACK | PSH, .seq = 2361, .ack = 1, .len = 640);
	peer_sends(ACK, .seq = 1, .ack = 3001);
	app_aborts();
	stack_sends(RST | ACK, .seq = 3001, .ack = 1);
	/* What it said last. */
	use(2);
	app_opens_fast(3000);
	stack_sends(SYN, .seq = 0, .len = 960, .fo = 8);
}

Test(fastsyn, room)
{
	const struct ipaddr any = lab_addr(0), dst = lab_addr(0xc0000201);
	struct tcp_opts o = {0};

	expect_eq(tcp_fastopen_room(lab_tcp(), &any, &dst, &o, lab_mono()), 0);
	o.fastopen_bare = true;
	expect_eq(
	    tcp_fastopen_room(lab_tcp(), &any, &dst, &o, lab_mono()), 1420);
	o.fastopen_bare = false;
	get_cookie(0, 8);
	expect_eq(
	    tcp_fastopen_room(lab_tcp(), &any, &dst, &o, lab_mono()), 1360);
	o.max_seg = 500;
	expect_eq(
	    tcp_fastopen_room(lab_tcp(), &any, &dst, &o, lab_mono()), 460);
	lab_path_error = -ENETUNREACH;
	expect_eq(tcp_fastopen_room(lab_tcp(), &any, &dst, &o, lab_mono()),
	    -ENETUNREACH);
	lab_path_error = 0;
	tcp_set_fastopen(lab_tcp(), &(struct tcp_fastopen){0});
	expect_eq(tcp_fastopen_room(lab_tcp(), &any, &dst, &o, lab_mono()),
	    -EOPNOTSUPP);
}

/* The data is not taken: it goes with the next segment. */
Test(fastsyn, data_not_taken)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(500);
	stack_sends(SYN, .seq = 0, .len = 500, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .fo = 6,
	    .cookie = cookie + 8);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 500);
	expect(!lab_info().syn_data);
	expect_eq(lab_info().fastopen_fail, 2);
	expect_eq(lab_info().bytes_retrans, 500);
	expect_eq(lab_stats().fastopen_active_fail, 1);
	peer_sends(ACK, .seq = 1, .ack = 501);
	app_aborts();
	lab_drain();
	/* The newer cookie counts. */
	use(2);
	app_opens_fast(5);
	stack_sends(SYN, .seq = 0, .len = 5, .fo = 6, .cookie = cookie + 8);
}

/* It was sent before: Nagle's next small segment does not wait for it. */
Test(fastsyn, what_goes_again_holds_nothing)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(500);
	stack_sends(SYN, .seq = 0, .len = 500, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 500);
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 501, .ack = 1, .len = 10);
	app_writes(10);
	silence();
	peer_sends(ACK, .seq = 1, .ack = 511);
	stack_sends(ACK | PSH, .seq = 511, .ack = 1, .len = 10);
	peer_sends(ACK, .seq = 1, .ack = 521);
}

/* What follows it does not get into its train, and it is pushed, each time; it
 * counts as what goes again until it is acknowledged. */
Test(fastsyn, what_goes_again_goes_by_itself)
{
	lab_start(.fastopen.mode = FASTOPEN_CLIENT, .tso = 65535);
	get_cookie(0, 8);
	use(1);
	app_opens_fast(4000);
	stack_sends(SYN, .seq = 0, .len = 1360, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1000, .sackok = 1);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 1360);
	stack_sends(ACK | PSH, .seq = 1361, .ack = 1, .len = 2640);
	expect_eq(lab_info().retrans_bytes, 1360);
	peer_sends(ACK, .seq = 1, .ack = 1, .sack = {{1361, 4001}});
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1000);
	stack_sends(ACK | PSH, .seq = 1001, .ack = 1, .len = 360);
	peer_sends(ACK, .seq = 1, .ack = 4001);
	expect_eq(lab_info().retrans_bytes, 0);
}

/* A program that has more to say than a SYN holds will answer, so that the ACK
 * of the first text waits for that, as in Linux. */
Test(fastsyn, more_to_say)
{
	lab_start(.fastopen.mode = FASTOPEN_CLIENT, .quickack = true);
	get_cookie(0, 8);
	use(1);
	app_opens_fast(2000);
	stack_sends(SYN, .seq = 0, .len = 1360, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1361, .mss = 1460);
	stack_sends(ACK | PSH, .seq = 1361, .ack = 1, .len = 640);
	peer_sends(ACK | PSH, .seq = 1, .ack = 2001, .len = 100);
	quiet_for(ms(39));
	after(ms(1));
	stack_sends(ACK, .seq = 2001, .ack = 101);
	app_reads(100);
	app_aborts();
	stack_sends(RST | ACK, .seq = 2001, .ack = 101);
	/* Not so where the data only goes again. */
	use(2);
	app_opens_fast(500);
	stack_sends(SYN, .seq = 0, .len = 500, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 500);
	peer_sends(ACK | PSH, .seq = 1, .ack = 501, .len = 100);
	stack_sends(ACK, .seq = 501, .ack = 101);
	app_reads(100);
}

Test(fastsyn, data_taken_in_part)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(500);
	stack_sends(SYN, .seq = 0, .len = 500, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 201, .mss = 1460);
	stack_sends(ACK | PSH, .seq = 201, .ack = 1, .len = 300);
	expect(!lab_info().syn_data);
	expect_eq(lab_info().bytes_acked, 200);
	peer_sends(ACK, .seq = 1, .ack = 501);
	expect_eq(lab_info().send_queued, 0);
}

/* More than there was, or less than the SYN. */
Test(fastsyn, impossible_acks)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(500);
	stack_sends(SYN, .seq = 0, .len = 500, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 502);
	stack_sends(RST, .seq = 502);
	peer_sends(SYN | ACK, .seq = 0, .ack = 0);
	stack_sends(RST, .seq = 0);
	peer_sends(RST | ACK, .seq = 0, .ack = 0);
	silence();
	in_state(TCPS_SYN_SENT);
	peer_sends(RST | ACK, .seq = 0, .ack = 501);
	gone(ECONNREFUSED);
}

/* RFC 7413 4.1.3.1: the SYN that goes again has no data and no option. */
Test(fastsyn, the_syn_is_lost)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(500);
	stack_sends(SYN, .seq = 0, .len = 500, .fo = 8);
	after(sec(1));
	stack_sends(SYN, .seq = 0, .fo = NONE, .mss = 1460);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 500);
	expect_eq(lab_info().fastopen_fail, 3);
	expect_eq(lab_stats().fastopen_active_fail, 1);
	peer_sends(ACK, .seq = 1, .ack = 501);
	/* One loss says nothing of the way. */
	expect_eq(lab_stats().fastopen_blackhole, 0);
	app_aborts();
	lab_drain();
	use(2);
	app_opens_fast(5);
	stack_sends(SYN, .seq = 0, .len = 5, .fo = 8, .cookie = cookie);
}

/* It was not lost but its answer late, or that was. */
Test(fastsyn, the_answer_is_late)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(500);
	stack_sends(SYN, .seq = 0, .len = 500, .fo = 8);
	after(sec(1));
	stack_sends(SYN, .seq = 0, .fo = NONE);
	peer_sends(SYN | ACK, .seq = 0, .ack = 501, .mss = 1460);
	stack_sends(ACK, .seq = 501, .ack = 1);
	expect(lab_info().syn_data);
	expect_eq(lab_info().bytes_acked, 500);
	peer_sends(SYN | ACK, .seq = 0, .ack = 501, .mss = 1460);
	stack_sends(ACK, .seq = 501, .ack = 1);
}

/* Text and FIN may come with the SYN-ACK. */
Test(fastsyn, data_with_the_synack)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(5);
	stack_sends(SYN, .seq = 0, .len = 5, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 6, .len = 100, .mss = 1460);
	app_reads(100);
	stack_sends(ACK, .seq = 6, .ack = 101);
}

Test(fastsyn, simultaneous)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(500);
	stack_sends(SYN, .seq = 0, .len = 500, .fo = 8);
	peer_sends(SYN, .seq = 0, .len = 300, .mss = 1460);
	in_state(TCPS_SYN_RECEIVED);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE);
	peer_sends(ACK, .seq = 1, .ack = 501);
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_info().bytes_acked, 500);
	lab_drain();
}

/* ---- the cache ---- */

/* A server that asks for none never gave one. */
Test(fastsyn, no_cookie_is_given)
{
	app_opens_fast(100);
	stack_sends(SYN, .seq = 0, .len = 0, .fo = 0, .fo_exp = false);
	expect_eq(lab_info().fastopen_fail, 1);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	expect_eq(lab_stats().fastopen_active_fail, 0);
	peer_sends(ACK, .seq = 1, .ack = 101);
	/* Perhaps it is an old one; and then, no. */
	use(1);
	app_opens_fast(100);
	stack_sends(SYN, .seq = 0, .fo = 0, .fo_exp = true);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	lab_drain();
	use(2);
	app_opens_fast(100);
	stack_sends(SYN, .seq = 0, .fo = 0, .fo_exp = false);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	lab_drain();
	use(3);
	app_opens_fast(100);
	stack_sends(SYN, .seq = 0, .fo = 0, .fo_exp = false);
}

Test(fastsyn, an_experimental_cookie)
{
	app_opens_fast(0);
	stack_sends(SYN, .seq = 0, .fo = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1);
	use(1);
	app_opens_fast(0);
	stack_sends(SYN, .seq = 0, .fo = 0, .fo_exp = true);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .fo = 8,
	    .fo_exp = true, .cookie = cookie);
	stack_sends(ACK, .seq = 1, .ack = 1);
	use(2);
	app_opens_fast(10);
	stack_sends(SYN, .seq = 0, .len = 10, .fo = 8, .fo_exp = true,
	    .cookie = cookie);
}

/* A cookie that was not asked for is not kept. */
Test(fastsyn, unsolicited_cookie)
{
	app_connects();
	stack_sends(SYN, .seq = 0, .fo = NONE);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .fo = 8,
	    .cookie = cookie);
	stack_sends(ACK, .seq = 1, .ack = 1);
	use(1);
	app_opens_fast(10);
	stack_sends(SYN, .seq = 0, .fo = 0);
}

/* As many servers as there are: memory does not grow, the last one stays. */
Test(fastsyn, the_cache_is_bounded)
{
	const struct ipaddr any = lab_addr(0);
	struct tcp_opts o = {0};
	struct ipaddr dst;
	unsigned known = 0, n = 3000;

	for (unsigned i = 0; i < n; i++) {
		dst = lab_addr(0x0a000000 + i);
		lab_peer(0x0a000000 + i);
		new_incarnation();
		get_cookie(0, 8);
		expect(tcp_fastopen_room(
			   lab_tcp(), &any, &dst, &o, lab_mono()) > 0);
		after(us(1));
	}
	for (unsigned i = 0; i < n; i++) {
		dst = lab_addr(0x0a000000 + i);
		known += tcp_fastopen_room(
			     lab_tcp(), &any, &dst, &o, lab_mono()) > 0;
	}
	expect(known > 700 && known <= 1024);
}

/* ---- without cookies ---- */

Test(fastsyn, bare)
{
	lab_start(.fastopen.mode = FASTOPEN_CLIENT | FASTOPEN_CLIENT_BARE);
	app_opens_fast(100);
	stack_sends(SYN, .seq = 0, .len = 100, .fo = NONE);
	peer_sends(SYN | ACK, .seq = 0, .ack = 101, .mss = 1460);
	stack_sends(ACK, .seq = 101, .ack = 1);
	expect(lab_info().syn_data);
}

Test(fastsyn, off)
{
	lab_start(.fastopen.mode = FASTOPEN_SERVER);
	app_opens_fast(100);
	stack_sends(SYN, .seq = 0, .len = 0, .fo = NONE);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
}

/* ---- TCP_FASTOPEN_CONNECT ---- */

Test(fastsyn, waits_for_data)
{
	get_cookie(0, 8);
	use(1);
	app_opens_waiting();
	in_state(TCPS_SYN_SENT);
	quiet_for(sec(300));
	app_writes(10);
	stack_sends(SYN, .seq = 0, .len = 10, .fo = 8);
	quiet_for(ms(999));
	after(ms(1));
	stack_sends(SYN, .seq = 0, .fo = NONE);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10);
	peer_sends(ACK, .seq = 1, .ack = 11);
}

/* Data that is urgent must be known to be: it goes with a segment that says. */
Test(fastsyn, urgent_data)
{
	get_cookie(0, 8);
	use(1);
	app_opens_waiting();
	app_writes(10);
	app_marks_urgent();
	stack_sends(SYN, .seq = 0, .len = 0, .fo = 8);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK | PSH | URG, .seq = 1, .ack = 1, .len = 10, .urg = 10);
	peer_sends(ACK, .seq = 1, .ack = 11);
}

Test(fastsyn, waits_and_closes)
{
	app_opens_waiting();
	app_closes();
	silence();
	use(1);
	app_opens_waiting();
	app_shuts_down();
	stack_sends(SYN, .seq = 0, .fo = 0);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(FIN | ACK, .seq = 1, .ack = 1);
}

/* What was written before the close is delivered, although nothing is known of
 * the peer yet. */
Test(fastsyn, closed_before_the_answer)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(2000);
	app_closes();
	stack_sends(SYN, .seq = 0, .len = 1360, .fo = 8);
	expect_eq(lab_stats().orphans, 1);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1361, .mss = 1460);
	stack_sends(FIN | ACK | PSH, .seq = 1361, .ack = 1, .len = 640);
	peer_sends(FIN | ACK, .seq = 1, .ack = 2002);
	stack_sends(ACK, .seq = 2002, .ack = 2);
	expect_eq(lab_stats().orphans, 0);
	/* Or nobody is there. */
	use(2);
	app_opens_fast(20);
	app_closes();
	stack_sends(SYN, .seq = 0, .len = 20, .fo = 8);
	peer_sends(RST | ACK, .seq = 0, .ack = 21);
	expect_eq(lab_stats().orphans, 0);
	use(3);
	app_opens_fast(20);
	app_closes();
	(void)lab_run_until(lab_now() + sec(300));
	expect_eq(lab_stats().orphans, 0);
}

/* ---- ways that swallow it ---- */

/* A SYN of a Fast Open whose way swallows it, until its third time-out. */
static void
fall_into_hole(unsigned i)
{
	use(i);
	app_opens_fast(10);
	stack_sends(SYN, .seq = 0, .len = 10, .fo = 8);
	after(sec(1));
	stack_sends(SYN, .seq = 0, .fo = NONE);
	after(sec(2));
	stack_sends(SYN, .seq = 0, .fo = NONE);
	after(sec(4));
	stack_sends(SYN, .seq = 0, .fo = NONE);
	app_aborts();
	lab_drain();
}

static void
plain_only(unsigned i)
{
	use(i);
	app_opens_fast(10);
	stack_sends(SYN, .seq = 0, .len = 0, .fo = NONE);
	app_aborts();
	lab_drain();
}

static void
fast_again(unsigned i)
{
	use(i);
	app_opens_fast(10);
	stack_sends(SYN, .seq = 0, .len = 10, .fo = 8);
}

Test(fastsyn, black_hole)
{
	get_cookie(0, 8);
	fall_into_hole(1);
	expect_eq(lab_stats().fastopen_blackhole, 1);
	plain_only(2);
	after(sec(3599));
	plain_only(3);
	after(sec(1));
	/* Again: twice as long. */
	fall_into_hole(4);
	expect_eq(lab_stats().fastopen_blackhole, 2);
	after(sec(7199));
	plain_only(5);
	after(sec(1));
	/* Now it works, and what was is forgotten. */
	fast_again(6);
	peer_sends(SYN | ACK, .seq = 0, .ack = 11, .mss = 1460);
	stack_sends(ACK, .seq = 11, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 11, .len = 5);
	app_reads(5);
	app_closes();
	stack_sends(FIN | ACK, .seq = 11, .ack = 6);
	peer_sends(RST, .seq = 6);
	fall_into_hole(7);
	after(sec(3600));
	fast_again(8);
}

/* Not longer than 64 times. */
Test(fastsyn, black_holes_for_ever)
{
	get_cookie(0, 8);
	for (unsigned i = 1; i <= 9; i++) {
		fall_into_hole(i);
		after(sec(3600) << (i - 1 < 6 ? i - 1 : 6));
	}
	fast_again(10);
}

/* An attempt that ends sooner says the same. */
Test(fastsyn, black_hole_within_the_limit)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(10);
	app_sets(syn_retries = 1);
	stack_sends(SYN, .seq = 0, .len = 10, .fo = 8);
	after(sec(1));
	stack_sends(SYN, .seq = 0);
	after(sec(2));
	gone(ETIMEDOUT);
	expect_eq(lab_stats().fastopen_blackhole, 1);
	plain_only(2);
}

/* Behind the handshake, too. */
Test(fastsyn, black_hole_behind_the_handshake)
{
	get_cookie(0, 8);
	fast_again(1);
	peer_sends(SYN | ACK, .seq = 0, .ack = 11, .mss = 1460);
	stack_sends(ACK, .seq = 11, .ack = 1);
	app_writes(10);
	(void)lab_run_until(lab_now() + sec(10));
	expect_eq(lab_stats().fastopen_blackhole, 1);
	plain_only(2);
}

/* A FIN without what was before it, and then a reset. */
Test(fastsyn, black_hole_of_the_answer)
{
	get_cookie(0, 8);
	fast_again(1);
	peer_sends(SYN | ACK, .seq = 0, .ack = 11, .mss = 1460);
	stack_sends(ACK, .seq = 11, .ack = 1);
	peer_sends(FIN | ACK, .seq = 101, .ack = 11);
	stack_sends(ACK, .seq = 11, .ack = 1, .any_sack = true);
	peer_sends(RST, .seq = 1);
	gone(ECONNRESET);
	expect_eq(lab_stats().fastopen_blackhole, 1);
	plain_only(2);
}

Test(fastsyn, black_holes_not_looked_at)
{
	lab_start(.fastopen.mode = FASTOPEN_CLIENT);
	get_cookie(0, 8);
	fall_into_hole(1);
	expect_eq(lab_stats().fastopen_blackhole, 0);
	fast_again(2);
}

/* A router says that it was too big: without its data it goes at once. */
Test(fastsyn, too_big)
{
	get_cookie(0, 8);
	use(1);
	app_opens_fast(1360);
	stack_sends(SYN, .seq = 0, .len = 1360, .fo = 8);
	icmp_says(TCP_ICMP_TOO_BIG, 0, 1340);
	stack_sends(SYN, .seq = 0, .fo = NONE);
	icmp_says(TCP_ICMP_TOO_BIG, 0, 1300);
	silence();
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1300);
	stack_sends(ACK | PSH, .seq = 1301, .ack = 1, .len = 60);
}

/* One that waits for data meets a SYN: there is nothing to wait for any more,
 * and what is written later is data as any other. */
Test(fastsyn, the_peer_opens_while_we_wait)
{
	app_opens_waiting();
	silence();
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	peer_sends(ACK, .seq = 1, .ack = 1);
	in_state(TCPS_ESTABLISHED);
	app_writes(100);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 100);
	peer_sends(ACK, .seq = 1, .ack = 101);
}
