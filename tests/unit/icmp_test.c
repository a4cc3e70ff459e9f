/* SPDX-License-Identifier: ISC */
/*
 * ICMP: echo, errors in, errors out, and the limits of both.
 */
#include "stack_lab.h"

TestSuite(icmp, .init = lab_init, .fini = lab_end);
TestSuite(icmp_start, .init = lab_defaults, .fini = lab_end);

static uint8_t frame[BUF_FRAME];
static const uint8_t text[4000] = "an echo";

/* A segment of ours, as an error quotes it, to port 80 of PEER. */
static size_t
make_quote(uint8_t *p)
{
	struct wire_ipv4 h = {.df = true,
	    .ttl = 60,
	    .src = OURS,
	    .dst = PEER,
	    .proto = WIRE_PROTO_TCP,
	    .total_len = 1500};

	p += wire_ipv4_emit(&h, p);
	put16(p, 4711);
	put16(p + 2, 80);
	put32(p + 4, 0xdeadbeef);
	return 28;
}

Test(icmp, echo_is_answered_with_its_bytes)
{
	static const size_t sizes[] = {0, 1, 56, 1471, 1472};
	struct wire_icmp m;
	const uint8_t *p;
	unsigned i;

	peer_is_known();
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		peer_sends(frame, make_icmp(frame, WIRE_ICMP_ECHO, 0,
				      0x12345678, text, sizes[i]));
		p = stack_sends_packet(
		    peer_mac, PEER, WIRE_PROTO_ICMP, 8 + sizes[i]);
		cr_assert_eq(wire_icmp_parse(p, 8 + sizes[i], &m), 0);
		cr_assert_eq(m.type, WIRE_ICMP_ECHO_REPLY);
		cr_assert_eq(m.rest, 0x12345678);
		cr_assert_arr_eq(m.data, text, sizes[i]);
	}
	nothing_dropped();
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_ECHO, 0, 0, text, 1473));
	dropped(DROP_ICMP_SIZE);
	silence();
}

Test(icmp, an_echo_to_the_unknown_waits_for_its_address)
{
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_ECHO, 0, 1, text, 8));
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, PEER);
	silence();
	peer_sends_arp(our_mac, WIRE_ARP_REPLY, peer_mac, PEER, OURS);
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_ICMP, 16);
}

Test(icmp, echo_is_limited)
{
	unsigned i, answers = 0;

	peer_is_known();
	for (i = 0; i < 1500; i++) {
		peer_sends(
		    frame, make_icmp(frame, WIRE_ICMP_ECHO, 0, i, text, 8));
		while (stack_output(lab.s, &lab.f, lab.now))
			answers++;
	}
	cr_assert_eq(answers, 1000);
	cr_assert_eq(stack_drops(lab.s)->count[DROP_ICMP_RATE], 500);
	/* A hundredth of a second makes room for a hundred. */
	at(ms(10));
	for (i = 0; i < 200; i++)
		peer_sends(
		    frame, make_icmp(frame, WIRE_ICMP_ECHO, 0, i, text, 8));
	while (stack_output(lab.s, &lab.f, lab.now))
		answers++;
	cr_assert_eq(answers, 1100);
}

Test(icmp, answers_that_nobody_fetches_are_bounded)
{
	unsigned i, answers = 0;

	peer_is_known();
	for (i = 0; i < 1000; i++)
		peer_sends(
		    frame, make_icmp(frame, WIRE_ICMP_ECHO, 0, i, text, 8));
	for (; i < 1200; i++)
		peer_sends_arp(our_mac, WIRE_ARP_REQUEST, peer_mac, PEER, OURS);
	while (stack_output(lab.s, &lab.f, lab.now))
		answers++;
	cr_assert_eq(answers, 1024);
	cr_assert_eq(stack_drops(lab.s)->count[DROP_IP_OUT_QUEUE], 176);
}

Test(icmp, malformed_messages_are_counted)
{
	size_t len = make_icmp(frame, WIRE_ICMP_ECHO, 0, 1, text, 8);
	uint8_t quote[64];

	frame[40] ^= 1;
	peer_sends(frame, len);
	dropped(DROP_ICMP_CHECKSUM);
	len = make_packet(frame, PEER, WIRE_PROTO_ICMP, text, 7);
	peer_sends(frame, len);
	dropped(DROP_ICMP_MALFORMED);

	/* Quotes that cannot be of ours. */
	make_quote(quote);
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_UNREACH, 1, 0, quote, 27));
	dropped(DROP_ICMP_MALFORMED);
	quote[0] = 0x65;
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_UNREACH, 1, 0, quote, 28));
	dropped(DROP_ICMP_MALFORMED);
	make_quote(quote);
	quote[0] = 0x4f;
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_UNREACH, 1, 0, quote, 28));
	dropped(DROP_ICMP_MALFORMED);
	make_quote(quote);
	put32(quote + 12, OTHER);
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_UNREACH, 1, 0, quote, 28));
	dropped(DROP_ICMP_QUOTE);
	make_quote(quote);
	put16(quote + 6, 5);
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_UNREACH, 1, 0, quote, 28));
	dropped(DROP_ICMP_QUOTE);
	make_quote(quote);
	quote[9] = WIRE_PROTO_UDP; /* of no socket that there is */
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_UNREACH, 1, 0, quote, 28));
	dropped(DROP_ICMP_QUOTE);
	quote[9] = WIRE_PROTO_ICMP;
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_UNREACH, 1, 0, quote, 28));
	dropped(DROP_ICMP_TYPE);
	cr_assert_eq(fake.errors, 0);
	silence();
}

Test(icmp, what_is_ignored_is_counted, .description = "MUST-55")
{
	static const uint8_t types[] = {WIRE_ICMP_ECHO_REPLY,
	    WIRE_ICMP_SOURCE_QUENCH, WIRE_ICMP_REDIRECT, 9, 10, 13, 14, 15, 16,
	    17, 18, 42, 255};
	uint8_t quote[28];
	unsigned i;

	make_quote(quote);
	for (i = 0; i < sizeof types; i++) {
		peer_sends(frame, make_icmp(frame, types[i], 0, 0, quote, 28));
		dropped(DROP_ICMP_TYPE);
	}
	peer_sends(
	    frame, make_icmp(frame, WIRE_ICMP_UNREACH, 16, 0, quote, 28));
	dropped(DROP_ICMP_TYPE);
	cr_assert_eq(fake.errors, 0);
	silence();
}

Test(icmp, errors_reach_tcp_with_their_meaning, .description = "MUST-54")
{
	static const struct {
		uint8_t type, code;
		enum tcp_icmp what;
	} rows[] = {
	    {3, 0, TCP_ICMP_NET_UNREACH},
	    {3, 1, TCP_ICMP_HOST_UNREACH},
	    {3, 2, TCP_ICMP_PROTO_UNREACH},
	    {3, 3, TCP_ICMP_PORT_UNREACH},
	    {3, 5, TCP_ICMP_HOST_UNREACH},
	    {3, 6, TCP_ICMP_NET_UNREACH},
	    {3, 7, TCP_ICMP_HOST_UNREACH},
	    {3, 9, TCP_ICMP_NET_UNREACH},
	    {3, 10, TCP_ICMP_HOST_UNREACH},
	    {3, 11, TCP_ICMP_NET_UNREACH},
	    {3, 12, TCP_ICMP_HOST_UNREACH},
	    {3, 13, TCP_ICMP_HOST_UNREACH},
	    {3, 15, TCP_ICMP_HOST_UNREACH},
	    {11, 0, TCP_ICMP_TIME_EXCEEDED},
	    {11, 1, TCP_ICMP_TIME_EXCEEDED},
	    {12, 0, TCP_ICMP_PARAM_PROBLEM},
	};
	uint8_t quote[28];
	unsigned i;

	make_quote(quote);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		peer_sends(frame,
		    make_icmp(frame, rows[i].type, rows[i].code, 0, quote, 28));
		cr_assert_eq(fake.errors, i + 1, "row %u", i);
		cr_assert_eq(fake.what, rows[i].what, "row %u", i);
		cr_assert_eq(fake.seq, 0xdeadbeef);
		cr_assert_eq(ipaddr_to_v4(&fake.id.laddr), OURS);
		cr_assert_eq(ipaddr_to_v4(&fake.id.raddr), PEER);
		cr_assert_eq(fake.id.lport, 4711);
		cr_assert_eq(fake.id.rport, 80);
	}
	nothing_dropped();
	silence();
}

/* RFC 1191 4 and 7.1: the next hop's MTU, or the next plateau. */
Test(icmp, too_big_names_an_mtu)
{
	static const struct {
		uint32_t rest;
		uint16_t total, mtu;
	} rows[] = {
	    {1280, 1500, 1280},
	    {0xffff0000 | 1006, 1500, 1006},
	    {0, 1500, 1492},
	    {0, 1492, 1006},
	    {0, 65535, 32000},
	    {0, 200, 68},
	};
	uint8_t quote[28];
	unsigned i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		make_quote(quote);
		put16(quote + 2, rows[i].total);
		peer_sends(
		    frame, make_icmp(frame, WIRE_ICMP_UNREACH,
			       WIRE_UNREACH_NEEDFRAG, rows[i].rest, quote, 28));
		cr_assert_eq(fake.what, TCP_ICMP_TOO_BIG);
		cr_assert_eq(fake.mtu, rows[i].mtu, "row %u: %u", i, fake.mtu);
	}
}

static void
unreachable_is_sent(uint8_t proto, uint8_t code, size_t payload)
{
	const struct ipaddr peer = ipaddr_v4(PEER);
	size_t len = proto == WIRE_PROTO_UDP
			 ? make_udp(frame, &peer, 53, 9, text, payload)
			 : make_packet(frame, PEER, proto, text, payload);
	size_t quote = len - 14 > 548 ? 548 : len - 14;
	struct wire_icmp m;
	const uint8_t *p;

	peer_sends(frame, len);
	dropped(
	    proto == WIRE_PROTO_UDP ? DROP_UDP_NO_SOCKET : DROP_IP_PROTOCOL);
	p = stack_sends_packet(peer_mac, PEER, WIRE_PROTO_ICMP, 8 + quote);
	cr_assert_eq(wire_icmp_parse(p, 8 + quote, &m), 0);
	cr_assert_eq(m.type, WIRE_ICMP_UNREACH);
	cr_assert_eq(m.code, code);
	cr_assert_eq(m.rest, 0);
	cr_assert_arr_eq(m.data, frame + 14, quote);
	silence();
}

Test(icmp, nobody_speaks_that_here)
{
	peer_is_known();
	unreachable_is_sent(WIRE_PROTO_UDP, WIRE_UNREACH_PORT, 100);
	unreachable_is_sent(WIRE_PROTO_UDP, WIRE_UNREACH_PORT, 1400);
	unreachable_is_sent(132, WIRE_UNREACH_PROTO, 0);
	unreachable_is_sent(255, WIRE_UNREACH_PROTO, 1480);
}

Test(icmp, unreachables_are_limited)
{
	const struct ipaddr peer = ipaddr_v4(PEER);
	unsigned i, answers = 0;
	size_t len = make_udp(frame, &peer, 53, 9, text, 8);

	peer_is_known();
	for (i = 0; i < 120; i++)
		peer_sends(frame, len);
	while (stack_output(lab.s, &lab.f, lab.now))
		answers++;
	cr_assert_eq(answers, 50);
	cr_assert_eq(stack_drops(lab.s)->count[DROP_ICMP_RATE], 70);
	/* Echo has an allowance of its own. */
	peer_sends(frame, make_icmp(frame, WIRE_ICMP_ECHO, 0, 1, text, 8));
	stack_sends_packet(peer_mac, PEER, WIRE_PROTO_ICMP, 16);
}

/* Nothing is said about what was for many, or in pieces, or from nowhere. */
Test(icmp, never_about_groups_and_fragments)
{
	size_t len = make_packet(frame, PEER, WIRE_PROTO_UDP, text, 8);

	memset(frame, 0xff, 6);
	peer_sends(frame, len);
	dropped(DROP_IP_DST);
	len = make_packet(frame, PEER, WIRE_PROTO_UDP, text, 8);
	put32(frame + 30, 0xc00002ff);
	fix_ip(frame);
	peer_sends(frame, len);
	dropped(DROP_IP_DST);
	len = make_packet(frame, PEER, WIRE_PROTO_UDP, text, 8);
	put16(frame + 20, 0x2000);
	fix_ip(frame);
	peer_sends(frame, len);
	nothing_dropped(); /* it waits for the rest */
	len = make_packet(frame, 0xc00002ff, WIRE_PROTO_UDP, text, 8);
	peer_sends(frame, len);
	dropped(DROP_IP_SOURCE);
	silence();
}

Test(icmp_start, no_route_back)
{
	size_t len;

	lab.cfg.nroutes = 0;
	lab_start();
	stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, OURS);
	make_icmp(frame, WIRE_ICMP_ECHO, 0, 1, text, 8);
	len = make_packet(frame, FAR, WIRE_PROTO_ICMP, frame + 34, 16);
	peer_sends(frame, len);
	dropped(DROP_IP_NO_ROUTE);
	silence();
}

Test(icmp, without_buffers_the_answer_is_a_counted_drop)
{
	struct buf *taken[4096], *last = NULL;
	struct rxframe f = {.off = {0}};
	unsigned n = 0, i;
	size_t len;

	peer_is_known();
	while ((taken[n] = buf_alloc(stack_bufs(lab.s), 1)) != NULL)
		n++;
	last = taken[--n]; /* for the frame itself */
	len = make_icmp(frame, WIRE_ICMP_ECHO, 0, 1, text, 8);
	memcpy(last->data, frame, len);
	last->len = (uint32_t)len;
	f.buf = last;
	stack_input(lab.s, &f, lab.now);
	dropped(DROP_IP_NO_MEMORY);
	silence();
	for (i = 0; i < n; i++)
		buf_unref(taken[i]);
}
