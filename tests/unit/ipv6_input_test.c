/* SPDX-License-Identifier: ISC */
/*
 * IPv6 packets in, one judgement after another; ICMPv6; path MTU; what leaves.
 */
#include "stack_lab.h"

TestSuite(ipv6_input, .init = lab_init6, .fini = lab_end);
TestSuite(ipv6_start, .init = lab_defaults6, .fini = lab_end);

static uint8_t frame[BUF_FRAME];
static const uint8_t text[4000] = "bytes";

static void
peer6_is_known(void)
{
	tcp_says6(&peer6, NULL, 0);
	stack_sends_ns(NULL, &peer6);
	peer_sends_na(peer_mac, &peer6, &ours6, &peer6,
	    NA_SOLICITED | NA_OVERRIDE, peer_mac);
	stack_sends_packet6(peer_mac, &peer6, WIRE_PROTO_TCP, 20);
}

static void
sends(const struct ipaddr *src, const struct ipaddr *dst, uint8_t next,
    const void *payload, size_t len)
{
	peer_sends(
	    frame, make_packet6(frame, src, dst, next, 64, payload, len));
}

Test(ipv6_input, a_segment_reaches_tcp)
{
	uint8_t ext[8 + 8 + 20] = {WIRE_PROTO_DSTOPTS, 0, 1, 4, 0, 0, 0, 0,
	    WIRE_PROTO_TCP, 0, 0x1e, 4};
	size_t n;

	sends(&peer6, &ours6, WIRE_PROTO_TCP, text, 20);
	cr_assert_eq(fake.inputs, 1);
	cr_assert(ipaddr_eq(&fake.in.src, &peer6));
	cr_assert(ipaddr_eq(&fake.in.dst, &ours6));
	cr_assert_eq(fake.in.len, 20);
	cr_assert_arr_eq(fake.bytes, text, 20);
	/* Behind options, and with padding behind. */
	memcpy(ext + 16, text, 20);
	n = make_packet6(
	    frame, &peer6, &ours6, WIRE_PROTO_HOPOPTS, 1, ext, sizeof ext);
	peer_sends(frame, n + 7);
	cr_assert(fake.inputs == 2 && fake.in.len == 20);
	cr_assert_arr_eq(fake.bytes, text, 20);
	nothing_dropped();
}

Test(ipv6_input, offload_facts_go_up)
{
	struct offload off = {
	    .csum_valid = true, .gso = GSO_TCP6, .gso_size = 1428};
	size_t n =
	    make_packet6(frame, &peer6, &ours6, WIRE_PROTO_TCP, 64, text, 3000);

	peer_sends_off(frame, n, &off);
	cr_assert(fake.in.csum_ok && fake.in.gso_size == 1428);
}

Test(ipv6_input, addresses_that_cannot_be)
{
	static const struct ipaddr loop = {{[15] = 1}};
	struct ipaddr mapped = ipaddr_v4(PEER), ours_mapped = ipaddr_v4(OURS);
	struct ipaddr group = solicited_node(&ours6);
	struct {
		const struct ipaddr *src, *dst;
		enum drop why;
	} rows[] = {
	    {&all_nodes6, &ours6, DROP_IP_SOURCE},
	    {&loop, &ours6, DROP_IP_SOURCE}, {&mapped, &ours6, DROP_IP_SOURCE},
	    {&ours6, &ours6, DROP_IP_SOURCE}, {&any6, &ours6, DROP_IP_SOURCE},
	    {&peer6, &far6, DROP_IP_DST}, {&peer6, &ours_mapped, DROP_IP_DST},
	    {&peer6, &loop, DROP_IP_DST},
	    {&peer6, &all_routers6, DROP_IP_GROUP},
	    {&peer6, &group, DROP_IP_DST}, /* TCP is for one station */
	};
	unsigned i;

	for (i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		unsigned k = i % (sizeof rows / sizeof rows[0]);

		/* Nobody outside has a loopback address, serve we it or not. */
		stack_set_loopback(lab.s, i != k);
		sends(rows[k].src, rows[k].dst, WIRE_PROTO_TCP, text, 20);
		dropped(rows[k].why);
	}
	cr_assert_eq(fake.inputs, 0);
	silence();
}

Test(ipv6_input, what_is_short)
{
	size_t n =
	    make_packet6(frame, &peer6, &ours6, WIRE_PROTO_TCP, 64, text, 20);

	peer_sends(frame, n - 1);
	dropped(DROP_IP_SHORT);
	peer_sends(frame, 53);
	dropped(DROP_IP_SHORT);
	frame[14] = 0x45;
	peer_sends(frame, n);
	dropped(DROP_IP_VERSION);
	cr_assert_eq(fake.inputs, 0);
}

/* A stack without an IPv6 address and without cfg.ipv6 does not speak it. */
Test(ipv6_start, not_spoken_unless_wanted)
{
	lab.cfg.naddrs = 1;
	lab_start();
	sends(&peer6, &ours6, WIRE_PROTO_TCP, text, 20);
	dropped(DROP_ETH_TYPE);
	stack_free(lab.s);
	lab.cfg.naddrs = 2;
	lab.cfg.mtu = 1279;
	cr_assert_null(stack_new(&lab.cfg, lab.now));
	lab.cfg.mtu = 1280;
	lab_start();
}

/* RFC 8200 4.2, RFC 4443 3.4 and 2.4 (e). */
Test(ipv6_input, refused_options_are_reported)
{
	static const struct {
		uint8_t next, ext[8];
		enum drop why;
		bool report, group_too;
		uint8_t code;
		uint32_t pointer;
	} rows[] = {
	    {WIRE_PROTO_DSTOPTS, {6, 0, 0x5e, 4}, DROP_IP_EXTENSION, false,
		false, 0, 0},
	    {WIRE_PROTO_DSTOPTS, {6, 0, 0x9e, 4}, DROP_IP_EXTENSION, true, true,
		2, 42},
	    {WIRE_PROTO_DSTOPTS, {6, 0, 0xde, 4}, DROP_IP_EXTENSION, true,
		false, 2, 42},
	    {WIRE_PROTO_ROUTING, {6, 0, 0, 1}, DROP_IP_EXTENSION, true, false,
		0, 42},
	    {99, {0}, DROP_IP_PROTOCOL, true, false, 1, 6},
	    {WIRE_PROTO_NONE, {0}, DROP_IP_PROTOCOL, false, false, 0, 0},
	};
	struct wire_icmp m;
	unsigned i, group;

	peer6_is_known();
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (group = 0; group < 2; group++) {
			sends(&peer6, group ? &all_nodes6 : &ours6,
			    rows[i].next, rows[i].ext, 8);
			dropped(group && rows[i].why == DROP_IP_PROTOCOL
				    ? DROP_IP_DST
				    : rows[i].why);
			if (!rows[i].report || (group && !rows[i].group_too)) {
				silence();
				continue;
			}
			stack_sends_icmp6(
			    peer_mac, &peer6, WIRE_ICMP6_PARAM_PROBLEM, &m);
			cr_assert_eq(m.code, rows[i].code, "row %u", i);
			cr_assert_eq(m.rest, rows[i].pointer, "row %u", i);
			cr_assert(ipaddr_eq(&lab.sent_src, &ours6));
			cr_assert_eq(m.len, 48);
			cr_assert_arr_eq(m.data, frame + 14, 48);
		}
	}
}

Test(ipv6_input, no_errors_about_errors)
{
	uint8_t ext[16] = {
	    WIRE_PROTO_ICMP6, 0, 0x9e, 4, 0, 0, 0, 0, WIRE_ICMP6_UNREACH};

	peer6_is_known();
	sends(&peer6, &ours6, WIRE_PROTO_DSTOPTS, ext, sizeof ext);
	dropped(DROP_IP_EXTENSION);
	silence();
	ext[8] = WIRE_ICMP6_ECHO;
	sends(&peer6, &ours6, WIRE_PROTO_DSTOPTS, ext, sizeof ext);
	stack_sends();
}

Test(ipv6_input, a_port_nobody_has)
{
	struct wire_icmp m;

	peer6_is_known();
	peer_sends(frame, make_udp(frame, &peer6, 53, 9, text, 1992));
	dropped(DROP_UDP_NO_SOCKET);
	stack_sends_icmp6(peer_mac, &peer6, WIRE_ICMP6_UNREACH, &m);
	cr_assert_eq(m.code, WIRE_UNREACH6_PORT);
	cr_assert_eq(lab.sent_len, 14 + 1280); /* RFC 4443 2.4 (c) */
	cr_assert_arr_eq(m.data, frame + 14, m.len);
}

Test(ipv6_input, errors_are_limited)
{
	unsigned i, n = 0;

	peer6_is_known();
	for (i = 0; i < 200; i++) {
		peer_sends(frame, make_udp(frame, &peer6, 53, 9, text, 8));
		while (stack_output(lab.s, &lab.f, lab.now))
			n++;
	}
	cr_assert_eq(n, 50);
	cr_assert_eq(stack_drops(lab.s)->count[DROP_ICMP_RATE], 150);
}

Test(ipv6_input, echo)
{
	static const size_t sizes[] = {0, 1, 56, 1451, 1452};
	struct wire_icmp m;
	unsigned i;

	peer6_is_known();
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		peer_sends_icmp6(peer_mac, &peer6, &ours6, WIRE_ICMP6_ECHO,
		    0x12345678, text, sizes[i]);
		stack_sends_icmp6(peer_mac, &peer6, WIRE_ICMP6_ECHO_REPLY, &m);
		cr_assert(m.rest == 0x12345678 && m.len == sizes[i]);
		cr_assert(sizes[i] == 0 || memcmp(m.data, text, m.len) == 0);
	}
	peer_sends_icmp6(
	    peer_mac, &peer6, &all_nodes6, WIRE_ICMP6_ECHO, 1, text, 8);
	stack_sends_icmp6(peer_mac, &peer6, WIRE_ICMP6_ECHO_REPLY, &m);
	cr_assert(ipaddr_eq(&lab.sent_src, &ours6));
	nothing_dropped();
	peer_sends_icmp6(
	    peer_mac, &peer6, &ours6, WIRE_ICMP6_ECHO, 0, text, 1453);
	dropped(DROP_ICMP_SIZE);
	peer_sends_icmp6(peer_mac, &peer6, &ours6, 200, 0, text, 8);
	dropped(DROP_ICMP_TYPE);
	peer_sends_icmp6(
	    peer_mac, &peer_ll, &ours6, WIRE_ICMP6_REDIRECT, 0, text, 32);
	dropped(DROP_ICMP_TYPE);
	silence();
}

/* An error of type and code about a segment of ours to port 80 of peer6. */
static void
error_comes(uint8_t type, uint8_t code, uint32_t rest,
    const struct ipaddr *quoted_src, uint8_t proto)
{
	uint8_t q[48] = {0}, msg[56];
	struct wire_ipv6 h = {.next = proto,
	    .payload_len = 1000,
	    .src = *quoted_src,
	    .dst = peer6};
	struct wire_icmp m = {
	    .type = type, .code = code, .rest = rest, .data = q, .len = 48};

	wire_ipv6_emit(&h, q);
	put16(q + 40, 4711);
	put16(q + 42, 80);
	put32(q + 44, 0xdeadbeef);
	wire_icmp6_emit(&m, &far6, &ours6, msg);
	memcpy(msg + 8, q, 48);
	sends(&far6, &ours6, WIRE_PROTO_ICMP6, msg, sizeof msg);
}

Test(ipv6_input, errors_mean_something_to_tcp)
{
	static const struct {
		uint8_t type, code;
		uint32_t rest;
		int what;
		uint16_t mtu;
	} rows[] = {
	    {WIRE_ICMP6_UNREACH, 0, 0, TCP_ICMP_NET_UNREACH, 0},
	    {WIRE_ICMP6_UNREACH, 1, 0, TCP_ICMP_ADMIN, 0},
	    {WIRE_ICMP6_UNREACH, 3, 0, TCP_ICMP_HOST_UNREACH, 0},
	    {WIRE_ICMP6_UNREACH, 4, 0, TCP_ICMP_PORT_UNREACH, 0},
	    {WIRE_ICMP6_TIME_EXCEEDED, 0, 0, TCP_ICMP_TIME_EXCEEDED, 0},
	    {WIRE_ICMP6_PARAM_PROBLEM, 0, 0, TCP_ICMP_PARAM_PROBLEM, 0},
	    {WIRE_ICMP6_PARAM_PROBLEM, 1, 6, TCP_ICMP_PROTO_UNREACH, 0},
	    {WIRE_ICMP6_TOO_BIG, 0, 1400, TCP_ICMP_TOO_BIG, 1400},
	    {WIRE_ICMP6_TOO_BIG, 0, 0x12345678, TCP_ICMP_TOO_BIG, 65535},
	};
	unsigned i;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		error_comes(rows[i].type, rows[i].code, rows[i].rest, &ours6,
		    WIRE_PROTO_TCP);
		cr_assert_eq(fake.errors, i + 1);
		cr_assert_eq((int)fake.what, rows[i].what, "row %u", i);
		cr_assert_eq(fake.mtu, rows[i].mtu);
		cr_assert(ipaddr_eq(&fake.id.laddr, &ours6));
		cr_assert(ipaddr_eq(&fake.id.raddr, &peer6));
		cr_assert(fake.id.lport == 4711 && fake.id.rport == 80);
		cr_assert_eq(fake.seq, 0xdeadbeef);
	}
	error_comes(WIRE_ICMP6_UNREACH, 7, 0, &ours6, WIRE_PROTO_TCP);
	dropped(DROP_ICMP_TYPE);
	error_comes(WIRE_ICMP6_UNREACH, 0, 0, &peer6, WIRE_PROTO_TCP);
	dropped(DROP_ICMP_QUOTE);
	error_comes(WIRE_ICMP6_UNREACH, 0, 0, &ours6, WIRE_PROTO_UDP);
	dropped(DROP_ICMP_QUOTE); /* of no socket that there is */
	error_comes(WIRE_ICMP6_UNREACH, 0, 0, &ours6, WIRE_PROTO_ICMP6);
	dropped(DROP_ICMP_TYPE);
}

static uint16_t
path_mtu(const struct ipaddr *dst)
{
	struct ipaddr src = any6;
	struct tcp_path path;

	cr_assert_eq(fake.cfg.env.path(fake.cfg.env.ctx, &src, dst, &path), 0);
	cr_assert_eq(path.rcv_mtu, 1500);
	return path.mtu;
}

/* RFC 8201: believed by TCP, known to the next connection, for ten minutes. */
Test(ipv6_input, path_mtus_are_kept)
{
	error_comes(WIRE_ICMP6_TOO_BIG, 0, 1400, &ours6, WIRE_PROTO_TCP);
	cr_assert_eq(path_mtu(&peer6), 1500, "TCP did not believe it");
	fake.believes = true;
	error_comes(WIRE_ICMP6_TOO_BIG, 0, 1400, &ours6, WIRE_PROTO_TCP);
	cr_assert_eq(path_mtu(&peer6), 1400);
	error_comes(WIRE_ICMP6_TOO_BIG, 0, 1450, &ours6, WIRE_PROTO_TCP);
	cr_assert_eq(path_mtu(&peer6), 1400, "no growth by order");
	error_comes(WIRE_ICMP6_TOO_BIG, 0, 600, &ours6, WIRE_PROTO_TCP);
	cr_assert_eq(path_mtu(&peer6), 1280, "RFC 8201 4");
	at(ms(599999));
	stack_expire(lab.s, lab.now);
	cr_assert_eq(path_mtu(&peer6), 1280);
	at(ms(600000));
	stack_expire(lab.s, lab.now);
	cr_assert_eq(path_mtu(&peer6), 1500);
}

/* ---- out ---- */

Test(ipv6_input, segments_go_out_with_their_offloads)
{
	struct tcp_out *o;
	uint32_t label, other;

	peer6_is_known();
	o = tcp_says6(&peer6, text, 3000);
	o->gso_size = 1428;
	o->tos = 0xb8;
	o->ttl = 9;
	stack_sends_packet6(peer_mac, &peer6, WIRE_PROTO_TCP, 3020);
	cr_assert(lab.f.off.needs_csum && lab.f.off.gso == GSO_TCP6);
	cr_assert(lab.f.off.csum_start == 54 && lab.f.off.csum_offset == 16);
	cr_assert(lab.f.off.gso_size == 1428 && lab.f.off.hdr_len == 74);
	cr_assert_eq(lab.sent_hops, 9);
	cr_assert_eq(get16(lab.sent + 14) >> 4 & 0xff, 0xb8);
	label = get32(lab.sent + 14) & 0xfffff;
	cr_assert_neq(label, 0);
	/* RFC 6437: the same for the connection, another for another. */
	tcp_says6(&peer6, text, 1);
	stack_sends_packet6(peer_mac, &peer6, WIRE_PROTO_TCP, 21);
	cr_assert_eq(get32(lab.sent + 14) & 0xfffff, label);
	o = tcp_says6(&peer6, text, 1);
	put16(o->hdr, 81);
	stack_sends_packet6(peer_mac, &peer6, WIRE_PROTO_TCP, 21);
	other = get32(lab.sent + 14) & 0xfffff;
	cr_assert_neq(other, label);
}

Test(ipv6_start, a_plain_device_gets_whole_checksums)
{
	struct wire_csum c = WIRE_CSUM_INIT;

	lab.cfg.tx_csum = lab.cfg.tx_tso = false;
	lab_start();
	while (stack_output(lab.s, &lab.f, lab.now))
		;
	peer6_is_known();
	tcp_says6(&peer6, text, 777);
	stack_sends_packet6(peer_mac, &peer6, WIRE_PROTO_TCP, 797);
	wire_csum_pseudo(&c, &ours6, &peer6, WIRE_PROTO_TCP, 797);
	wire_csum_add(&c, lab.sent + 54, 797);
	cr_assert_eq(wire_csum_final(&c), 0);
}

Test(ipv6_input, what_is_for_ourselves_comes_back)
{
	tcp_says6(&ours6, text, 2000);
	silence();
	stack_expire(lab.s, lab.now);
	cr_assert_eq(fake.inputs, 1);
	cr_assert(ipaddr_eq(&fake.in.src, &ours6) && fake.in.csum_ok);
	cr_assert_eq(fake.in.len, 2020);
	nothing_dropped();
}

/* RFC 6724 5, one rule after another. */
Test(ipv6_start, source_addresses)
{
	static const struct ipaddr ula = {{0xfd, 0x01, [15] = 2}};
	static const struct ipaddr ula_dst = {{0xfd, 0x02, [15] = 9}};
	static const struct ipaddr two = {
	    {0x20, 0x01, 0x0d, 0xb8, 1, [15] = 2}};
	static const struct ipaddr two_dst = {
	    {0x20, 0x01, 0x0d, 0xb8, 1, [15] = 9}};
	static const struct ipaddr six_to_four = {{0x20, 0x02, 1, [15] = 9}};
	struct ipaddr src = any6;
	struct tcp_path path;
	struct {
		const struct ipaddr *dst, *want;
	} rows[] = {{&peer6, &ours6}, {&ula_dst, &ula}, {&two_dst, &two},
	    {&far6, &ours6}, {&six_to_four, &ours6}, {&peer_ll, &lab.ll},
	    {&two, &two}};
	unsigned i;

	lab.addrs[1] = (struct stack_addr){ula, 64};
	lab.addrs[2] = (struct stack_addr){two, 64};
	lab.addrs[3] = (struct stack_addr){ours6, 64};
	lab.cfg.naddrs = 4;
	lab.routes[1] = (struct stack_route){any6, peer6, 0};
	lab.cfg.nroutes = 2;
	lab_start();
	while (stack_output(lab.s, &lab.f, lab.now)) {
		uint8_t *p = lab.f.spans[0].base;

		if (p[22] == 0xfe)
			memcpy(lab.ll.b, p + 22, 16);
	}
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cr_assert_eq(fake.cfg.env.path(
				 fake.cfg.env.ctx, &src, rows[i].dst, &path),
		    0, "row %u", i);
		cr_assert(ipaddr_eq(&path.src, rows[i].want), "row %u", i);
	}
	/* Mixed families never. */
	src = ipaddr_v4(OURS);
	cr_assert_neq(
	    fake.cfg.env.path(fake.cfg.env.ctx, &src, &peer6, &path), 0);
}
