/* SPDX-License-Identifier: ISC */
/*
 * TCP-AO (RFC 5925): what is signed and with which key, what is dropped
 * unanswered, how keys follow each other, and what of a header is left.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "lab.h"

#define KEY "a secret of two peers"
#define ALT "a later one"

/* Our side's ids: 1 to send, 2 to receive; later 3 and 4. */
#define FROM_PEER .ao = KEY, .keyid = 2, .rnext = 1
#define FROM_US	  .ao = KEY, .keyid = 1, .rnext = 2

static void
server(void)
{
	passive_lab();
	expect_eq(lab_ao(false, 1, 2, KEY), 0);
}

TestSuite(ao, .init = server, .fini = lab_end);

static void
establish(void)
{
	peer_sends(SYN, .seq = 0, .mss = 1460, FROM_PEER);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, FROM_US);
	peer_sends(ACK, .seq = 1, .ack = 1, FROM_PEER);
	in_state(TCPS_ESTABLISHED);
}

/* The peer's numbers wrap at 512, and what wraps counts in the MAC. */
Test(ao, both_ways_of_a_connection_are_signed)
{
	establish();
	expect(lab_info().ao);
	expect_eq(lab_info().ao_current, 1);
	expect_eq(lab_info().ao_rnext, 2);
	expect_eq(lab_info().snd_mss, 1444);
	app_writes(3000);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1444, FROM_US);
	stack_sends(ACK, .seq = 1445, .ack = 1, .len = 1444, FROM_US);
	peer_sends(ACK, .seq = 1, .ack = 2889, FROM_PEER);
	stack_sends(ACK | PSH, .seq = 2889, .ack = 1, .len = 112, FROM_US);
	after(RTO);
	stack_sends(ACK | PSH, .seq = 2889, .ack = 1, .len = 112, FROM_US);
	peer_sends(ACK, .seq = 1, .ack = 3001, .len = 1000, FROM_PEER);
	app_reads(1000);
	after(ms(40));
	stack_sends(ACK, .seq = 3001, .ack = 1001, FROM_US);
	peer_sends(ACK, .seq = 1001, .ack = 3001, .len = 9, FROM_PEER);
	app_reads(9);
	/* What comes again from before the wrap is good, and answered. */
	peer_sends(ACK, .seq = 1, .ack = 3001, .len = 1000, FROM_PEER);
	stack_sends(ACK, .seq = 3001, .ack = 1010, .any_sack = true, FROM_US);
	app_closes();
	stack_sends(FIN | ACK, .seq = 3001, .ack = 1010, FROM_US);
	peer_sends(FIN | ACK, .seq = 1010, .ack = 3002, FROM_PEER);
	stack_sends(ACK, .seq = 3002, .ack = 1011, FROM_US);
}

/* Our own numbers wrap as well: with the same seed, at the time when initial
 * ones have come that far. */
Test(ao, our_numbers_wrap)
{
	uint32_t iss;

	lab_start(.listens = true);
	peer_sends(SYN, .seq = 0, .mss = 1460);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1);
	iss = lab_iss();
	lab_start(.listens = true);
	expect_eq(lab_ao(false, 1, 2, KEY), 0);
	at((int64_t)(0u - iss - 2000) * 4);
	establish();
	expect_eq(lab_iss(), 0u - 2000);
	app_writes(3000);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1444, FROM_US);
	stack_sends(ACK, .seq = 1445, .ack = 1, .len = 1444, FROM_US);
	stack_sends(ACK | PSH, .seq = 2889, .ack = 1, .len = 112, FROM_US);
	peer_sends(ACK, .seq = 1, .ack = 3001, FROM_PEER);
	app_closes();
	stack_sends(FIN | ACK, .seq = 3001, .ack = 1, FROM_US);
	peer_sends(FIN | ACK, .seq = 1, .ack = 3002, FROM_PEER);
	stack_sends(ACK, .seq = 3002, .ack = 2, FROM_US);
}

/* Dropped without an answer, whatever state it is for. */
static void
refused(struct lab_seg s)
{
	s.ao = NULL;
	lab_peer_sends(AT, s);
	silence();
	dropped(TCP_AO_MISSING);
	s.ao = "another secret";
	s.keyid = 2;
	s.rnext = 1;
	lab_peer_sends(AT, s);
	silence();
	dropped(TCP_AO_WRONG);
	s.ao = KEY;
	s.keyid = 9;
	lab_peer_sends(AT, s);
	silence();
	dropped(TCP_AO_KEY);
	s.keyid = 2;
	s.bad_md5 = true;
	lab_peer_sends(AT, s);
	silence();
	dropped(TCP_AO_WRONG);
	s.ao = NULL;
	s.key = KEY;
	s.bad_md5 = false;
	lab_peer_sends(AT, s);
	silence();
	dropped(TCP_AO_MISSING);
}

Test(ao, what_is_not_signed_so_is_dropped)
{
	refused(SEG(SYN, .seq = 0, .mss = 1460));
	peer_sends(SYN, .seq = 0, .mss = 1460, FROM_PEER);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, FROM_US);
	refused(SEG(RST, .seq = 1));
	refused(SEG(ACK, .seq = 1, .ack = 1));
	peer_sends(ACK, .seq = 1, .ack = 1, FROM_PEER);
	in_state(TCPS_ESTABLISHED);
	refused(SEG(RST, .seq = 1));
	refused(SEG(ACK, .seq = 1, .ack = 1, .len = 10));
	refused(SEG(SYN, .seq = 5));
	in_state(TCPS_ESTABLISHED);
	expect_eq(lab_info().recv_queued, 0);
	no_event();
}

Test(ao, a_signature_that_nobody_asked_for_is_dropped)
{
	lab_start(.listens = true);
	peer_sends(SYN, .seq = 0, FROM_PEER);
	silence();
	dropped(TCP_AO_UNEXPECTED);
	handshake();
	peer_sends(RST, .seq = 1, FROM_PEER);
	silence();
	dropped(TCP_AO_UNEXPECTED);
	in_state(TCPS_ESTABLISHED);
	/* Nor is what belongs to nothing reset: no key could be derived. */
	peer_sends(
	    ACK, .seq = 7, .ack = 5, .sport = 81, .dport = 3000, FROM_PEER);
	silence();
	dropped(TCP_AO_UNEXPECTED);
}

/* A new key is there on both sides before it is used; who asks for it first
 * gets it, and then does as he is asked. */
Test(ao, keys_follow_each_other)
{
	establish();
	expect_eq(lab_ao(true, 3, 4, ALT), 0);
	expect_eq(lab_ao(true, 3, 5, ALT), -EEXIST);
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 10, .ao = KEY, .keyid = 2,
	    .rnext = 3);
	app_reads(10);
	after(ms(40));
	stack_sends(
	    ACK, .seq = 1, .ack = 11, .ao = ALT, .keyid = 3, .rnext = 2);
	expect_eq(tcp_ao_set(NULL, lab_pcb(),
		      &(struct tcp_ao_info){.current = -1, .rnext = 4}),
	    0);
	stack_sends(
	    ACK, .seq = 1, .ack = 11, .ao = ALT, .keyid = 3, .rnext = 4);
	peer_sends(ACK, .seq = 11, .ack = 1, .len = 10, .ao = ALT, .keyid = 4,
	    .rnext = 3);
	app_reads(10);
	/* The old one is good until it is taken away. */
	peer_sends(ACK, .seq = 21, .ack = 1, .len = 10, .ao = KEY, .keyid = 2,
	    .rnext = 3);
	after(ms(40));
	stack_sends(
	    ACK, .seq = 1, .ack = 31, .ao = ALT, .keyid = 3, .rnext = 4);
	expect_eq(tcp_pcb_keys(lab_pcb()), 2);
	/* Somebody sends an old one again: the key that it asks for is not the
	 * one that is wanted now. */
	peer_sends(ACK, .seq = 1, .ack = 1, .len = 10, FROM_PEER);
	stack_sends(
	    ACK, .seq = 1, .ack = 31, .ao = ALT, .keyid = 3, .rnext = 4);
	app_aborts();
	stack_sends(
	    RST | ACK, .seq = 1, .ack = 31, .ao = ALT, .keyid = 3, .rnext = 4);
}

Test(ao, time_wait_answers_signed)
{
	establish();
	app_closes();
	stack_sends(FIN | ACK, .seq = 1, .ack = 1, FROM_US);
	peer_sends(FIN | ACK, .seq = 1, .ack = 2, FROM_PEER);
	stack_sends(ACK, .seq = 2, .ack = 2, FROM_US);
	expect_eq(lab_stats().time_wait, 1);
	refused(SEG(RST, .seq = 2));
	refused(SEG(FIN | ACK, .seq = 1, .ack = 2));
	after(sec(1));
	peer_sends(FIN | ACK, .seq = 1, .ack = 2, FROM_PEER);
	stack_sends(ACK, .seq = 2, .ack = 2, FROM_US);
	quiet_for(sec(62));
	expect_eq(lab_stats().time_wait, 0);
}

Test(ao, active_open)
{
	active_lab();
	app_connects();
	expect_eq(lab_ao(true, 1, 2, KEY), 0);
	stack_sends(SYN, .seq = 0, .mss = 1460, .sackok = 1, .wscale = 1,
	    .tsval = 0, FROM_US);
	refused(SEG(SYN | ACK, .seq = 0, .ack = 1));
	refused(SEG(RST | ACK, .seq = 0, .ack = 1));
	in_state(TCPS_SYN_SENT);
	after(sec(1));
	stack_sends(SYN, .seq = 0, .mss = 1460, FROM_US);
	peer_sends(
	    SYN | ACK, .seq = 0, .ack = 1, .mss = 1000, .sackok = 1, FROM_PEER);
	stack_sends(ACK, .seq = 1, .ack = 1, FROM_US);
	expect_eq(lab_info().snd_mss, 984);
	app_aborts();
	stack_sends(RST | ACK, .seq = 1, .ack = 1, FROM_US);
}

Test(ao, simultaneous_open)
{
	active_lab();
	app_connects();
	expect_eq(lab_ao(true, 1, 2, KEY), 0);
	stack_sends(SYN, .seq = 0, FROM_US);
	peer_sends(SYN, .seq = 0, .mss = 1460, FROM_PEER);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, FROM_US);
	peer_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, FROM_PEER);
	in_state(TCPS_ESTABLISHED);
	stack_sends(ACK, .seq = 1, .ack = 1, FROM_US);
}

/* Too late for the first key; never beside MD5; only for one's own peer. */
Test(ao, refusals)
{
	struct tcp_md5 m = {
	    .addr = lab_addr(0xc0000201), .plen = 128, .len = 1};

	expect_eq(tcp_bind_md5(lab_bind(), &m), -EKEYREJECTED);
	establish();
	expect_eq(tcp_pcb_md5(lab_pcb(), &m), -EKEYREJECTED);
	lab_start(.listens = true);
	handshake();
	expect_eq(lab_ao(true, 1, 2, KEY), -EISCONN);
	expect_eq(tcp_bind_md5(lab_bind(), &m), 0);
	expect_eq(lab_ao(false, 1, 2, KEY), -EKEYREJECTED);
}

/* A connection takes what is for its peer, so that has an end. */
Test(ao, keys_of_a_peer)
{
	struct tcp_ao_key k = {.addr = lab_addr(0xc0000200),
	    .plen = 120,
	    .sndid = 100,
	    .rcvid = 100,
	    .maclen = 12,
	    .len = 1};
	const struct tcp_ao_want as_it_is = {-1, -1};

	for (uint8_t i = 11; i <= 24; i++)
		expect_eq(lab_ao(false, i, i, KEY), 0);
	/* Fifteen are the peer's own; one more of all in his network. */
	expect_eq(tcp_ao_add(lab_bind(), NULL, &k), 0);
	expect_eq(lab_ao(false, 25, 25, KEY), -ENOMEM);
	k.sndid = k.rcvid = 101;
	expect_eq(tcp_ao_add(lab_bind(), NULL, &k), -ENOMEM);
	/* Another network's are not his. */
	k.addr = lab_addr(0xc0000300);
	for (k.sndid = 101; k.sndid < 117; k.sndid++) {
		k.rcvid = k.sndid;
		expect_eq(tcp_ao_add(lab_bind(), NULL, &k), 0);
	}
	k.rcvid = k.sndid;
	expect_eq(tcp_ao_add(lab_bind(), NULL, &k), -ENOMEM);
	k.addr = lab_addr(0xc0000200);
	k.sndid = k.rcvid = 100;
	expect_eq(tcp_ao_del(lab_bind(), NULL, &k, &as_it_is), 0);
	expect_eq(lab_ao(false, 25, 25, KEY), 0);
	expect_eq(lab_ao(false, 26, 26, KEY), -ENOMEM);
	establish();
	expect_eq(tcp_pcb_keys(lab_pcb()), 16);
	/* One of IPv6 is for nobody over IPv4. */
	k.addr = (struct ipaddr){0};
	k.plen = 0;
	if (ipaddr_is_v4(&tcp_tuple(lab_pcb())->raddr))
		expect_eq(tcp_ao_add(NULL, lab_pcb(), &k), -EINVAL);
	app_aborts();
	lab_drain();
}

/* As Linux has it, a cookie's answer tells the numbers that it is signed for.
 */
Test(ao, cookies_are_signed)
{
	lab_start(.listens = true, .syncookies = TCP_COOKIES_ALWAYS);
	expect_eq(lab_ao(false, 1, 2, KEY), 0);
	refused(SEG(SYN, .seq = 0, .mss = 1460));
	peer_sends(SYN, .seq = 0, .mss = 1460, .sackok = 1, .tsval = 1,
	    .tsecr = 0, .wscale = 7, FROM_PEER);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .mss = 1460, .sackok = 1,
	    .tsval = 0, .wscale = 1, FROM_US);
	refused(SEG(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 0));
	peer_sends(ACK, .seq = 1, .ack = 1, .tsval = 1, .tsecr = 0, FROM_PEER);
	in_state(TCPS_ESTABLISHED);
	/* One SACK block fits beside timestamps. */
	peer_sends(ACK, .seq = 201, .ack = 1, .len = 100, .tsval = 1,
	    .tsecr = 0, FROM_PEER);
	stack_sends(ACK, .seq = 1, .ack = 1, .sack = {{201, 301}}, FROM_US);
	app_writes(1500);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1420, .sack = {{201, 301}},
	    FROM_US);
	lab_drain();
}

Test(ao, challenges_and_probes_are_signed)
{
	establish();
	peer_sends(SYN, .seq = 5, FROM_PEER);
	stack_sends(ACK, .seq = 1, .ack = 1, FROM_US);
	app_sets(keepalive = true);
	app_sets(keepidle_s = 10);
	after(sec(10));
	stack_sends(ACK, .seq = 0, .ack = 1, FROM_US);
	peer_sends(ACK, .seq = 1, .ack = 1, FROM_PEER);
	peer_sends(RST, .seq = 1, FROM_PEER);
	gone(ECONNRESET);
}

/* RFC 5925 7.8 */
Test(ao, hard_icmp_errors_mean_nothing)
{
	establish();
	app_writes(10);
	stack_sends(ACK | PSH, .seq = 1, .ack = 1, .len = 10, FROM_US);
	icmp_says(TCP_ICMP_PORT_UNREACH, 1, 0);
	dropped(TCP_AO_ICMP);
	no_event();
	expect_eq(tcp_ao_set(NULL, lab_pcb(),
		      &(struct tcp_ao_info){
			  .current = -1, .rnext = -1, .accept_icmps = true}),
	    0);
	icmp_says(TCP_ICMP_PORT_UNREACH, 1, 0);
	event(TCP_EV_ERROR);
}

/* No Fast Open, and no trains of segments. */
Test(ao, segments_one_by_one)
{
	lab_start(.listens = true, .tso = 65000,
	    .fastopen = {.mode = 0x3 | 0x400}, .fastopen_limit = 10);
	expect_eq(lab_ao(false, 1, 2, KEY), 0);
	peer_sends(SYN, .seq = 0, .mss = 1460, .fo = 0, FROM_PEER);
	stack_sends(SYN | ACK, .seq = 0, .ack = 1, .fo = NONE, FROM_US);
	peer_sends(ACK, .seq = 1, .ack = 1, FROM_PEER);
	app_writes(2888);
	stack_sends(ACK, .seq = 1, .ack = 1, .len = 1444, FROM_US);
	stack_sends(ACK | PSH, .seq = 1445, .ack = 1, .len = 1444, FROM_US);
}
