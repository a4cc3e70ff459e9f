/* SPDX-License-Identifier: ISC */
/*
 * Datagrams in pieces, of both families.
 */
#include "stack_lab.h"

TestSuite(reass, .init = lab_init6, .fini = lab_end);

static uint8_t frame[BUF_FRAME], bytes[BUF_FRAME];
static bool six;
static uint8_t tos;

/* The piece [at, at + len) of a segment that is bytes[]. */
static void
piece(uint32_t id, uint32_t at, uint32_t len, bool more)
{
	uint8_t p[8 + 3000] = {WIRE_PROTO_TCP};
	size_t n;

	if (six) {
		put16(p + 2, (uint16_t)(at | more));
		put32(p + 4, id);
		memcpy(p + 8, bytes + at, len);
		n = make_packet6(
		    frame, &peer6, &ours6, WIRE_PROTO_FRAGMENT, 64, p, 8 + len);
		frame[15] = (uint8_t)(tos << 4);
	} else {
		n = make_packet(frame, PEER, WIRE_PROTO_TCP, bytes + at, len);
		frame[15] = tos;
		put16(frame + 18, (uint16_t)id);
		put16(frame + 20, (uint16_t)(at / 8 | (more ? 0x2000 : 0)));
		fix_ip(frame);
	}
	peer_sends(frame, n);
}

static void
segment_came(uint32_t len)
{
	static unsigned seen;

	if (fake.inputs == 1)
		seen = 0;
	cr_assert_eq(fake.inputs, seen + 1);
	seen = fake.inputs;
	cr_assert_eq(fake.in.len, len);
	cr_assert_arr_eq(fake.bytes, bytes, len);
	cr_assert(!fake.in.csum_ok && fake.in.gso_size == 0);
	cr_assert_eq(ipaddr_is_v4(&fake.in.src), !six);
	cr_assert_eq(bufpool_used(stack_bufs(lab.s)), 0);
}

static void
both(void (*test)(void))
{
	unsigned i, j;

	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	for (i = 0; i < 2; i++) {
		six = i == 1;
		tos = 0;
		fake.inputs = 0;
		test();
		at(ms(200000 * (i + 1)));
		/* Whom errors were for does not answer. */
		for (j = 1; j < 5; j++)
			at(ms(200000 * (i + 1) + j * 1000));
		while (stack_output(lab.s, &lab.f, lab.now))
			;
		memcpy(lab.seen, stack_drops(lab.s)->count, sizeof lab.seen);
		cr_assert_eq(bufpool_used(stack_bufs(lab.s)), 0);
	}
}

/* Every order of four pieces, one of them twice. */
static void
any_order(void)
{
	static const uint32_t from[] = {0, 800, 1600, 2400};
	static const uint32_t len[] = {800, 800, 800, 33};
	unsigned run, i, left, pick, n;

	for (run = 0; run < 24; run++) {
		for (i = 0, left = 15, n = run; i < 4; n /= 4 - i, i++) {
			for (pick = 0; !(left & 1u << pick) || n % (4 - i) != 0;
			     pick++)
				n -= (left & 1u << pick) != 0;
			left &= ~(1u << pick);
			piece(run, from[pick], len[pick], pick < 3);
			if (i == 1)
				piece(run, from[pick], len[pick], pick < 3);
		}
		segment_came(2433);
	}
	nothing_dropped();
}

Test(reass, any_order_and_duplicates)
{
	both(any_order);
}

/* RFC 5722: not the datagram, nor what still comes of it. */
static void
overlaps(void)
{
	static const struct {
		uint32_t at, len;
	} rows[] = {{792, 16}, {0, 1600}, {400, 800}, {0, 24}};
	unsigned i;

	for (i = 0; i < 3; i++) {
		piece(i, 0, 800, true);
		piece(i, 1600, 800, true);
		piece(i, rows[i].at, rows[i].len, true);
		dropped(DROP_IP_FRAG_OVERLAP);
		piece(i, 800, 800, true);
		dropped(DROP_IP_FRAG_OVERLAP);
	}
	/* The same place, other bytes. */
	piece(9, 0, 800, true);
	bytes[3] ^= 1;
	piece(9, rows[3].at, rows[3].len, true);
	bytes[3] ^= 1;
	dropped(DROP_IP_FRAG_OVERLAP);
	cr_assert_eq(fake.inputs, 0);
}

Test(reass, overlaps_refuse_the_whole)
{
	both(overlaps);
}

/* The sender is told, with the first piece, if that came. */
static void
too_late(void)
{
	int64_t t = lab.now.us, us = six ? 60000000 : 30000000;
	struct wire_icmp m;
	const uint8_t *p;

	piece(1, 0, 800, true);
	memcpy(bytes + 4096, frame + 14, 28 + 40);
	piece(2, 800, 800, true);
	lab.now.us = t + us - 1;
	silence();
	cr_assert_eq(stack_deadline(lab.s).us, t + us);
	lab.now.us = t + us;
	stack_expire(lab.s, lab.now);
	cr_assert_eq(stack_drops(lab.s)->count[DROP_IP_FRAG_TIME],
	    lab.seen[DROP_IP_FRAG_TIME] + 2);
	if (six) {
		stack_sends_ns(NULL, &peer6);
		peer_sends_na(peer_mac, &peer6, &ours6, &peer6,
		    NA_SOLICITED | NA_OVERRIDE, peer_mac);
		stack_sends_icmp6(
		    peer_mac, &peer6, WIRE_ICMP6_TIME_EXCEEDED, &m);
		cr_assert(m.code == 1 && m.len == 848);
		cr_assert_arr_eq(m.data, bytes + 4096, 68);
	} else {
		stack_sends_arp(all_macs, WIRE_ARP_REQUEST, OURS, PEER);
		peer_sends_arp(our_mac, WIRE_ARP_REPLY, peer_mac, PEER, OURS);
		p = stack_sends_packet(
		    peer_mac, PEER, WIRE_PROTO_ICMP, 576 - 20);
		cr_assert(p[0] == WIRE_ICMP_TIME_EXCEEDED && p[1] == 1);
		cr_assert_arr_eq(p + 8, bytes + 4096, 28);
	}
	silence();
}

Test(reass, time_is_up)
{
	both(too_late);
}

static void
bounds(void)
{
	unsigned i, n = 0;
	uint64_t before;

	/* One source has eight at most. */
	for (i = 0; i < 20; i++)
		piece(i, 0, 800, true);
	before = lab.seen[DROP_IP_FRAG_MEMORY];
	cr_assert_eq(
	    stack_drops(lab.s)->count[DROP_IP_FRAG_MEMORY], before + 12);
	cr_assert_leq(bufpool_used(stack_bufs(lab.s)), 8 * (BUF_FRAME + 64));
	/* The newest are there still. */
	piece(19, 800, 8, false);
	cr_assert_eq(fake.inputs, 1);
	piece(0, 800, 8, false);
	cr_assert_eq(fake.inputs, 1);
	/* Pieces with more gaps than we keep. */
	for (i = 0; i < 70; i++) {
		piece(100, 16 + i * 16, 8, true);
		n = i;
		if (stack_drops(lab.s)->count[DROP_IP_FRAGMENT] !=
		    lab.seen[DROP_IP_FRAGMENT])
			break;
	}
	cr_assert_eq(n, 64);
}

Test(reass, memory_is_bounded)
{
	both(bounds);
}

Test(reass, many_sources)
{
	struct ipaddr src = peer6;
	uint8_t p[8 + 800] = {WIRE_PROTO_TCP, 0, 0, 1};
	unsigned i;

	for (i = 0; i < 1000; i++) {
		put32(src.b + 8, i);
		peer_sends(frame, make_packet6(frame, &src, &ours6,
				      WIRE_PROTO_FRAGMENT, 64, p, sizeof p));
		cr_assert_leq(bufpool_used(stack_bufs(lab.s)), 1 << 20,
		    "an eighth of all buffers");
	}
}

static void
ends_disagree(void)
{
	piece(1, 800, 100, false);
	piece(1, 1600, 8, true);
	dropped(DROP_IP_FRAGMENT);
	piece(2, 1600, 8, true);
	piece(2, 800, 100, false);
	dropped(DROP_IP_FRAGMENT);
	piece(3, 800, 100, false);
	piece(3, 8, 96, false);
	dropped(DROP_IP_FRAGMENT);
	piece(4, 0, 100, true); /* no multiple of eight */
	dropped(DROP_IP_FRAGMENT);
	cr_assert_eq(fake.inputs, 0);
	while (stack_output(lab.s, &lab.f, lab.now))
		;
}

Test(reass, ends_that_disagree)
{
	both(ends_disagree);
}

/* RFC 3168 5.3. */
static void
marks(void)
{
	tos = 3;
	piece(1, 0, 800, true);
	tos = 2;
	piece(1, 800, 8, false);
	segment_came(808);
	tos = 3;
	piece(2, 0, 800, true);
	tos = 0;
	piece(2, 800, 8, false);
	dropped(DROP_IP_FRAGMENT);
}

Test(reass, congestion_marks)
{
	both(marks);
}

/* A datagram of more than 65535 bytes, and one without room for its header. */
Test(reass, too_long)
{
	struct wire_icmp m;

	six = false;
	piece(1, 65528, 8, false);
	dropped(DROP_IP_FRAGMENT);
	six = true;
	tcp_says6(&peer6, NULL, 0);
	stack_sends_ns(NULL, &peer6);
	peer_sends_na(peer_mac, &peer6, &ours6, &peer6,
	    NA_SOLICITED | NA_OVERRIDE, peer_mac);
	stack_sends();
	piece(1, 65528, 8, false);
	dropped(DROP_IP_FRAGMENT);
	stack_sends_icmp6(peer_mac, &peer6, WIRE_ICMP6_PARAM_PROBLEM, &m);
	cr_assert(m.code == 0 && m.rest == 42);
	piece(1, 0, 9, true);
	dropped(DROP_IP_FRAGMENT);
	stack_sends_icmp6(peer_mac, &peer6, WIRE_ICMP6_PARAM_PROBLEM, &m);
	cr_assert(m.code == 0 && m.rest == 4);
	/* RFC 7112: the TCP header is not all there. */
	piece(2, 0, 16, true);
	dropped(DROP_IP_FRAGMENT);
	stack_sends_icmp6(peer_mac, &peer6, WIRE_ICMP6_PARAM_PROBLEM, &m);
	cr_assert(m.code == 3 && m.rest == 0);
}

/* RFC 6946: an atomic fragment meets nobody. */
Test(reass, atomic_fragments)
{
	six = true;
	piece(7, 0, 800, true);
	piece(7, 0, 100, false);
	cr_assert_eq(fake.inputs, 1);
	cr_assert_eq(fake.in.len, 100);
	piece(7, 800, 8, false);
	cr_assert_eq(fake.inputs, 2);
	cr_assert_eq(fake.in.len, 808);
	nothing_dropped();
}

/* Options before the fragment header stay, its own goes. */
Test(reass, headers_in_front)
{
	uint8_t p[16 + 800] = {
	    WIRE_PROTO_FRAGMENT, 0, 1, 4, 0, 0, 0, 0, WIRE_PROTO_TCP, 0, 0, 1};
	uint32_t i;

	for (i = 0; i < 2; i++) {
		put16(p + 10, (uint16_t)(i == 0 ? 1 : 800));
		memset(p + 16, (int)i + 1, 800);
		peer_sends(frame,
		    make_packet6(frame, &peer6, &ours6, WIRE_PROTO_DSTOPTS, 64,
			p, i == 0 ? sizeof p : 16 + 5));
	}
	cr_assert_eq(fake.inputs, 1);
	cr_assert_eq(fake.in.len, 805);
	cr_assert(fake.bytes[0] == 1 && fake.bytes[804] == 2);
	cr_assert_eq(bufpool_used(stack_bufs(lab.s)), 0);
	nothing_dropped();
}

Test(reass, without_buffers)
{
	struct buf *taken[4096];
	unsigned n = 0;

	while ((taken[n] = buf_alloc(stack_bufs(lab.s), BUF_CHUNK)) != NULL)
		n++;
	buf_unref(taken[--n]); /* for the frames */
	piece(1, 0, 800, true);
	dropped(DROP_IP_NO_MEMORY);
	while (n > 0)
		buf_unref(taken[--n]);
	piece(1, 0, 800, true);
	piece(1, 800, 8, false);
	cr_assert_eq(fake.inputs, 1);
}
