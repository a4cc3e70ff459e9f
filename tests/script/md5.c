/* SPDX-License-Identifier: ISC */
/*
 * MD5 signatures (RFC 2385): what is signed, what is dropped unanswered, whose
 * key counts, and what of a header is left for other options.
 */
#include <stdio.h>
#include <string.h>
#include "lab.h"

#define KEY "a secret of two peers"

static void
server(void)
{
	passive_lab();
	listener_key(KEY);
}

TestSuite(md5, .init = server, .fini = lab_end);

/* A connection of the listener's, established, all of it signed. */
static void
establish(void)
{
	peer_sends(SYN, .seq = 0, .mss = 1460, .key = KEY);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .key = KEY);
	peer_sends(ACK, .seq = 1, .ack = 1, .key = KEY);
	in_state(TCPS_ESTABLISHED);
}

Test(md5, both_ways_of_a_connection_are_signed)
{
	establish();
	expect(lab_info().md5);
	expect_eq(lab_info().snd_mss, 1440);
	app_writes(3000);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1440, .key = KEY);
	stack_sends(ACK, .seq = 1441, .ack = 1, .len = 1440, .key = KEY);
	peer_sends(ACK, .seq = 1, .ack = 2881, .key = KEY);
	stack_sends(ACK | PSH, .seq = 2881, .ack = 1, .len = 120, .key = KEY);
	after(RTO);
	stack_sends(ACK | PSH, .seq = 2881, .ack = 1, .len = 120, .key = KEY);
	peer_sends(ACK, .seq = 1, .ack = 3001, .len = 9, .key = KEY);
	app_reads(9);
	after(ms(40));
	stack_sends(ACK, .seq = 3001, .ack = 10, .key = KEY);
	app_closes();
	stack_sends(FIN | ACK, .seq = 3001, .ack = 10, .key = KEY);
	peer_sends(FIN | ACK, .seq = 10, .ack = 3002, .key = KEY);
	stack_sends(ACK, .seq = 3002, .ack = 11, .key = KEY);
}

/* RFC 2385 2.0: dropped without an answer, whatever state it is for. */
static void
refused(struct lab_seg s)
{
	s.key = NULL;
	lab_peer_sends(AT, s);
	silence();
	dropped(TCP_MD5_MISSING);
	s.key = "another secret";
	lab_peer_sends(AT, s);
	silence();
	dropped(TCP_MD5_WRONG);
	s.key = KEY;
	s.bad_md5 = true;
	lab_peer_sends(AT, s);
	silence();
	dropped(TCP_MD5_WRONG);
}

Test(md5, what_is_not_signed_so_is_dropped)
{
	refused(SEG(SYN, .seq = 0, .mss = 1460));
	refused(SEG(ACK, .seq = 1, .ack = 1));
	peer_sends(SYN, .seq = 0, .mss = 1460, .key = KEY);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .key = KEY);
	refused(SEG(RST, .seq = 1));
	refused(SEG(ACK, .seq = 1, .ack = 1));
	peer_sends(ACK, .seq = 1, .ack = 1, .key = KEY);
	in_state(TCPS_ESTABLISHED);
	refused(SEG(RST, .seq = 1));
	refused(SEG(ACK, .seq = 1, .ack = 1, .len = 10));
	refused(SEG(SYN, .seq = 5));
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_info().recv_queued, 0);
	no_event();
}

Test(md5, time_wait_keeps_its_key)
{
	establish();
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1, .key = KEY);
	peer_sends(FIN | ACK, .seq = 1, .ack = 2, .key = KEY);
	stack_sends(ACK, .seq = 2, .ack = 2, .key = KEY);
	expect_eq(lab_stats().time_wait, 1);
	/* The listener's key is of no account any more. */
	listener_key("");
	refused(SEG(RST, .seq = 2));
	refused(SEG(FIN | ACK, .seq = 1, .ack = 2));
	expect_eq(lab_stats().time_wait, 1);
	after(sec(1));
	peer_sends(FIN | ACK, .seq = 1, .ack = 2, .key = KEY);
	stack_sends(ACK, .seq = 2, .ack = 2, .key = KEY);
	/* A new connection is as the listener has it now. */
	new_incarnation();
	peer_sends(SYN, .seq = 1000, .key = KEY);
	silence();
	dropped(TCP_MD5_UNEXPECTED);
	peer_sends(SYN, .seq = 1000);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1001);
	expect_eq(lab_stats().time_wait, 0);
}

Test(md5, time_wait_without_anybody_ends)
{
	establish();
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1, .key = KEY);
	peer_sends(FIN | ACK, .seq = 1, .ack = 2, .key = KEY);
	stack_sends(ACK, .seq = 2, .ack = 2, .key = KEY);
	quiet_for(sec(62));
	expect_eq(lab_stats().time_wait, 0);
}

Test(md5, a_signature_that_nobody_asked_for_is_dropped)
{
	listener_key("");
	peer_sends(SYN, .seq = 0, .key = KEY);
	silence();
	dropped(TCP_MD5_UNEXPECTED);
	handshake();
	peer_sends(RST, .seq = 1, .key = KEY);
	silence();
	dropped(TCP_MD5_UNEXPECTED);
	in_state(TCPS_ESTABLISHED);
}

Test(md5, active_open)
{
	active_lab();
	app_connects();
	app_key(KEY);
	/* As Linux: no timestamps, so that SACK has room. */
	stack_sends(SYN, .seq = 0, .mss = 1460, .sackok = 1, .wscale = 1,
	    .tsval = NONE, .key = KEY);
	refused(SEG(SYN | ACK, .seq = 0, .ack = 1));
	refused(SEG(RST | ACK, .seq = 0, .ack = 1));
	in_state(TCPS_SYN_SENT);
	after(sec(1));
	stack_sends(SYN, .seq = 0, .mss = 1460, .tsval = NONE, .key = KEY);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1000, .sackok = 1,
	    .key = KEY);
	stack_sends(ACK, .seq = 1, .ack = 1, .key = KEY);
	expect_eq(lab_info().snd_mss, 980);
	app_aborts();
	stack_sends(RST | ACK, .seq = 1, .ack = 1, .key = KEY);
}

/* The longest prefix counts; a second key takes the first one's place; none is
 * taken away that is not there. */
Test(md5, the_longest_prefix_counts)
{
	expect_eq(lab_key(false, 0xc0000200, 24, "of the net"), 0);
	expect_eq(lab_key(false, 0xc0000200, 0, "of all"), 0);
	expect_eq(lab_key(false, 0xc0000200, 25, ""), -ENOENT);
	expect_eq(tcp_bind_keys(lab_bind()), 3);
	establish();
	lab_peer(0xc0000209);
	peer_sends(SYN, .seq = 0, .sport = 41000, .key = KEY);
	silence();
	dropped(TCP_MD5_WRONG);
	listener_key("");
	lab_peer(0xc0000201);
	use(1);
	peer_sends(SYN, .seq = 0, .key = KEY);
	silence();
	peer_sends(SYN, .seq = 0, .key = "of the net");
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .key = "of the net");
	expect_eq(lab_key(false, 0xc0000277, 24, "a new one"), 0);
	use(2);
	peer_sends(SYN, .seq = 0, .key = "a new one");
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .key = "a new one");
	expect_eq(lab_key(false, 0xc0000200, 24, ""), 0);
	use(3);
	peer_sends(SYN, .seq = 0, .key = "of all");
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .key = "of all");
	/* The first one has a copy of its own. */
	use(0);
	app_writes(5);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 5, .key = KEY);
}

Test(md5, a_key_may_change_and_go)
{
	establish();
	app_key("a later one");
	refused(SEG(ACK, .seq = 1, .ack = 1, .len = 10));
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 10, .key = "a later one");
	app_reads(10);
	after(ms(40));
	stack_sends(ACK, .seq = 1, .ack = 11, .key = "a later one");
	app_key("");
	expect_eq(lab_info().snd_mss, 1460);
	app_writes(1460);
	stack_sends(ACK | PSH, .seq = 1, .ack = 11, .len = 1460);
	peer_sends(ACK, .seq = 11, .ack = 1461);
}

/* Two SACK blocks fit beside a signature, none beside timestamps as well. */
Test(md5, sack_blocks_that_fit)
{
	unsigned i;

	peer_sends(SYN, .seq = 0, .mss = 1460, .sackok = 1, .tsval = 1,
	    .tsecr = 0, .wscale = 7, .key = KEY);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .sackok = 1,
	    .tsval = NONE, .key = KEY);
	peer_sends(ACK, .seq = 1, .ack = 1, .key = KEY);
	for (i = 1; i <= 3; i++) {
		peer_sends(
		    ACK, .seq = 1 + 200 * i, .ack = 1, .len = 100, .key = KEY);
		stack_sends(
		    ACK, .seq = 1, .ack = 1, .any_sack = true, .key = KEY);
	}
	peer_sends(ACK, .seq = 801, .ack = 1, .len = 100, .key = KEY);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{801, 901}, {601, 701}},
	    .key = KEY);
	app_writes(1500);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1420,
	    .sack = {{801, 901}, {601, 701}}, .key = KEY);
	lab_drain();
}

Test(md5, timestamps_without_sack)
{
	peer_sends(SYN, .seq = 0, .mss = 1460, .tsval = 1, .tsecr = 0,
	    .wscale = 7, .key = KEY);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .tsval = 0,
	    .wscale = 1, .key = KEY);
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 0, .key = KEY);
	app_writes(3000);
	stack_sends(
	    ACK, .seq = 1, .ack = 1, .len = 1428, .tsval = 0, .key = KEY);
	lab_drain();
}

/* A cookie keeps its timestamp, and SACK blocks wait for the day. */
Test(md5, cookies_are_signed)
{
	lab_start(.listens = true, .syncookies = TCP_COOKIES_ALWAYS);
	listener_key(KEY);
	refused(SEG(SYN, .seq = 0, .mss = 1460));
	peer_sends(SYN, .seq = 0, .mss = 1460, .sackok = 1, .tsval = 1,
	    .tsecr = 0, .wscale = 7, .key = KEY);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .sackok = 1,
	    .tsval = 0, .wscale = 1, .key = KEY);
	refused(SEG(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 0));
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 0, .key = KEY);
	in_state(TCPS_ESTABLISHED);
	peer_sends(ACK, .seq = 201, .ack = 1, .len = 100, .tsval = 1,
	    .tsecr = 0, .key = KEY);
	stack_sends(ACK, .seq = 1, .ack = 1, .key = KEY);
	app_writes(1500);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1428, .key = KEY);
	lab_drain();
}

/* Accurate ECN's counters give way, and what was promised of a segment's size
 * holds. */
Test(md5, beside_accurate_ecn)
{
	for (int ts = 0; ts < 2; ts++) {
		lab_start(.listens = true, .ecn = TCP_ECN_ON);
		listener_key(KEY);
		peer_sends(SYN | AE | CWR | ECE, .seq = 0, .mss = 1460,
		    .tsval = ts ? 1 : NONE, .tsecr = 0, .key = KEY);
		stack_sends(SYN | ACK | CWR, .seq = 0, .ack = 1, .key = KEY);
		peer_sends(ACK | CWR, .seq = 1, .ack = 1,
		    .tsval = ts ? 1 : NONE, .tsecr = 0, .key = KEY);
		in_state(TCPS_ESTABLISHED);
		expect_eq(lab_info().ecn.mode, 2);
		for (unsigned i = 0; i < 4; i++)
			peer_sends(ACK | AE | ECE, .seq = 1 + 100 * i, .ack = 1,
			    .len = 100, .ip = CE, .tsval = ts ? 1 : NONE,
			    .tsecr = 0, .key = KEY);
		app_reads(400);
		app_writes(8000);
		/* take_payload() holds each against the MTU. */
		expect(lab_drain() >= 5);
		expect_eq(lab_info().snd_mss, ts ? 1428 : 1440);
	}
}

/* No train of segments is made: each has its own signature. */
Test(md5, segments_one_by_one)
{
	lab_start(.listens = true, .tso = 65000);
	listener_key(KEY);
	establish();
	app_writes(4320);
	for (unsigned i = 0; i < 3; i++)
		stack_sends(ACK | (i == 2 ? PSH : 0), .seq = 1 + 1440 * i,
		    .ack = 1, .len = 1440, .key = KEY);
	/* And one that comes is not right, whoever merged it. */
	peer_sends(
	    ACK, .seq = 1, .ack = 4321, .len = 3000, .train = 1500, .key = KEY);
	expect_eq(lab_info().recv_queued, 3000);
	lab_drain();
}

/* What belongs to nothing is reset when the reset can be signed: by the
 * listener of that port, or by one of the port where it came from. */
Test(md5, resets_for_what_belongs_to_nothing)
{
	peer_sends(ACK, .seq = 77, .ack = 500, .key = KEY);
	stack_sends(RST, .seq = 500, .key = KEY);
	peer_sends(
	    ACK, .seq = 77, .ack = 500, .sport = 80, .dport = 3000, .key = KEY);
	stack_sends(RST, .seq = 500, .key = KEY);
	peer_sends(
	    ACK, .seq = 77, .ack = 500, .sport = 81, .dport = 3000, .key = KEY);
	silence();
	dropped(TCP_MD5_UNEXPECTED);
	peer_sends(ACK, .seq = 77, .ack = 500, .sport = 80, .dport = 3000,
	    .key = "another");
	silence();
	dropped(TCP_MD5_UNEXPECTED);
	peer_sends(ACK, .seq = 77, .ack = 500, .sport = 81, .dport = 3000);
	stack_sends(RST, .seq = 500);
}

Test(md5, challenges_and_probes_are_signed)
{
	establish();
	peer_sends(SYN, .seq = 5, .key = KEY);
	stack_sends(ACK, .seq = 1, .ack = 1, .key = KEY);
	peer_sends(RST, .seq = 9, .key = KEY);
	silence();
	app_sets(keepalive = true);
	app_sets(keepidle_s = 10);
	after(sec(10));
	stack_sends(ACK, .seq = 0, .ack = 1, .key = KEY);
	peer_sends(ACK, .seq = 1, .ack = 1, .key = KEY);
	peer_sends(ACK, .seq = 1, .ack = 1, .win = 0, .key = KEY);
	app_writes(10);
	after(RTO);
	stack_sends(ACK, .seq = 0, .ack = 1, .key = KEY);
	peer_sends(RST, .seq = 1, .key = KEY);
	gone(ECONNRESET);
}

/* No Fast Open beside a signature. */
Test(md5, no_fast_open)
{
	lab_start(.listens = true, .fastopen = {.mode = 0x3 | 0x400},
	    .fastopen_limit = 10);
	listener_key(KEY);
	peer_sends(SYN, .seq = 0, .mss = 1460, .fo = 0, .key = KEY);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE, .key = KEY);
	use(1);
	app_opens_fast(500);
	app_key(KEY);
	stack_sends(SYN, .seq = 0, .len = 0, .fo = NONE, .key = KEY);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .key = KEY);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 500, .key = KEY);
}

/* A user who stops listening and listens again has his keys still; and some
 * who gave none have none. */
Test(md5, keys_move)
{
	struct tcp_keys *k = tcp_bind_keys_take(lab_bind());

	expect_eq(tcp_bind_keys(lab_bind()), 0);
	tcp_bind_keys_give(lab_tcp(), lab_bind(), k);
	expect_eq(tcp_bind_keys(lab_bind()), 1);
	tcp_bind_keys_give(lab_tcp(), lab_bind(), NULL);
	expect_eq(tcp_bind_keys(lab_bind()), 0);
	listener_key(KEY);
	k = tcp_bind_keys_take(lab_bind());
	app_unlistens();
	tcp_bind_keys_give(lab_tcp(), NULL, k);
}

/* A thousand keys of one listener, each its peer's. */
Test(md5, many_keys)
{
	char key[32];
	unsigned i;

	for (i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "key %u", i);
		expect_eq(lab_key(false, 0xc6120000 + i, 32, key), 0);
	}
	for (i = 0; i < 1000; i += 111) {
		snprintf(key, sizeof key, "key %u", i);
		lab_peer(0xc6120000 + i);
		peer_sends(SYN, .seq = 0, .key = "key");
		silence();
		peer_sends(SYN, .seq = 0, .key = key);
		expect_eq(lab_stats().half_open, i / 111 + 1);
		lab_drain();
	}
	for (i = 0; i < 1000; i++)
		expect_eq(lab_key(false, 0xc6120000 + i, 32, ""), 0);
	expect_eq(tcp_bind_keys(lab_bind()), 1);
}
