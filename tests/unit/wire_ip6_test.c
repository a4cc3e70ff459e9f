/* SPDX-License-Identifier: ISC */
/*
 * IPv6 headers, their extension chains, ICMPv6 and the options of neighbour
 * discovery: round trips, what is refused and how, and every way of being too
 * short.  Buffers have their exact length, for the sanitizers.
 */
#include <stdlib.h>
#include <criterion/criterion.h>
#include "base/drop.h"
#include "base/rng.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp6.h"
#include "wire/ipv6.h"

static const struct ipaddr a1 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
static const struct ipaddr a2 = {{0x20, 0x01, 0x0d, 0xb8, [15] = 2}};

static const uint8_t *
exact(const uint8_t *p, size_t len)
{
	static uint8_t *copy;

	free(copy);
	cr_assert_not_null(copy = malloc(len > 0 ? len : 1));
	memcpy(copy, p, len);
	return copy;
}

Test(wire_ipv6, round_trip_and_short)
{
	struct wire_ipv6 h = {.tclass = 0xb9,
	    .flow = 0xabcde,
	    .payload_len = 20,
	    .next = WIRE_PROTO_TCP,
	    .hop_limit = 64,
	    .src = a1,
	    .dst = a2};
	uint8_t p[WIRE_IPV6_HDR + 20] = {0};
	struct wire_ipv6 g;

	cr_assert_eq(wire_ipv6_emit(&h, p), WIRE_IPV6_HDR);
	cr_assert_eq(get32(p), 0x6b9abcdeu);
	cr_assert_eq(wire_ipv6_parse(p, sizeof p, &g), 0);
	cr_assert(g.tclass == h.tclass && g.flow == h.flow && g.next == h.next);
	cr_assert(g.payload_len == 20 && g.hop_limit == 64);
	cr_assert(ipaddr_eq(&g.src, &a1) && ipaddr_eq(&g.dst, &a2));
	for (size_t len = 0; len < sizeof p; len++) {
		cr_assert_eq(
		    wire_ipv6_parse(exact(p, len), len, &g), DROP_IP_SHORT);
		cr_assert_eq(wire_ipv6_parse_quote(exact(p, len), len, &g),
		    len < WIRE_IPV6_HDR ? DROP_IP_SHORT : 0);
	}
	p[0] = 0x45;
	cr_assert_eq(wire_ipv6_parse(p, sizeof p, &g), DROP_IP_VERSION);
}

/* Walks exts, the first of which is a header "next". */
static int
walk(uint8_t next, const uint8_t *exts, size_t n, struct wire_ipv6_chain *c)
{
	uint8_t p[WIRE_IPV6_HDR + 256] = {0};
	struct wire_ipv6 h = {.next = next};

	wire_ipv6_emit(&h, p);
	memcpy(p + WIRE_IPV6_HDR, exts, n);
	*c = wire_ipv6_chain(&h);
	return wire_ipv6_walk(
	    exact(p, WIRE_IPV6_HDR + n), WIRE_IPV6_HDR + n, c);
}

#define TCP  WIRE_PROTO_TCP
#define DST  WIRE_PROTO_DSTOPTS
#define HBH  WIRE_PROTO_HOPOPTS
#define RTG  WIRE_PROTO_ROUTING
#define FRAG WIRE_PROTO_FRAGMENT

Test(wire_ipv6, the_chain_is_walked_to_its_end)
{
	static const uint8_t exts[] = {
	    DST, 0, 5, 2, 0, 0, 1, 0,			      /* HBH: alert */
	    RTG, 1, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* DST: PadN.. */
	    TCP, 0, 0, 0, 0, 0, 0, 0,			      /* RH0, 0 left */
	};
	struct wire_ipv6_chain c;

	cr_assert_eq(walk(TCP, exts, 0, &c), 0);
	cr_assert(c.proto == TCP && c.off == 40 && c.named_at == 6);
	cr_assert_eq(walk(HBH, exts, sizeof exts, &c), 0);
	cr_assert(c.proto == TCP && c.off == 72 && c.named_at == 64);
	cr_assert(!c.fragment);
	for (size_t n = 0; n < sizeof exts; n++)
		cr_assert_eq(walk(HBH, exts, n, &c), DROP_IP_SHORT, "%zu", n);
}

Test(wire_ipv6, a_fragment_header_ends_the_walk)
{
	static const uint8_t exts[] = {FRAG, 0, 1, 4, 0, 0, 0, 0, TCP, 0, 0x05,
	    0xa9, 0xde, 0xad, 0xbe, 0xef};
	struct wire_ipv6_chain c;

	cr_assert_eq(walk(DST, exts, sizeof exts, &c), 0);
	cr_assert(c.fragment && c.more && c.frag_off == 0x5a8);
	cr_assert(c.id == 0xdeadbeef && c.proto == TCP && c.off == 56);
	cr_assert(c.frag_at == 48 && c.frag_named == 40 && c.named_at == 48);
}

/* RFC 8200 4.2: the two top bits of an unknown option's type. */
Test(wire_ipv6, refusals_name_their_place)
{
	static const struct {
		uint8_t next, exts[16];
		int why;
		uint8_t problem;
		bool tell_group;
		uint32_t pointer;
	} rows[] = {
	    {DST, {TCP, 0, 0x1e, 4}, 0, 0, false, 0},
	    {DST, {TCP, 0, 0x5e, 4}, DROP_IP_EXTENSION, 255, false, 42},
	    {DST, {TCP, 0, 0x9e, 4}, DROP_IP_EXTENSION, 2, true, 42},
	    {DST, {TCP, 0, 0xde, 4}, DROP_IP_EXTENSION, 2, false, 42},
	    {DST, {TCP, 0, 0, 0xc2, 3}, DROP_IP_EXTENSION, 2, false, 43},
	    {DST, {TCP, 0, 1, 5}, DROP_IP_OPTION, 0, false, 42},
	    {DST, {TCP, 0, 1, 3, 0, 0, 0, 1}, DROP_IP_OPTION, 0, false, 47},
	    {RTG, {TCP, 0, 0, 1}, DROP_IP_EXTENSION, 0, false, 42},
	    {RTG, {TCP, 0, 2, 1}, DROP_IP_EXTENSION, 0, false, 42},
	    {RTG, {TCP, 0, 253, 0}, 0, 0, false, 0},
	    {DST, {HBH, 0, 1, 4}, DROP_IP_EXTENSION, 1, false, 40},
	};
	struct wire_ipv6_chain c;

	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		cr_assert_eq(walk(rows[i].next, rows[i].exts, 16, &c),
		    rows[i].why, "row %u", i);
		if (rows[i].why == 0)
			continue;
		cr_assert_eq(c.problem, rows[i].problem, "row %u", i);
		cr_assert_eq(c.tell_group, rows[i].tell_group, "row %u", i);
		if (c.problem != WIRE_IPV6_SILENT)
			cr_assert_eq(c.pointer, rows[i].pointer, "row %u", i);
	}
}

Test(wire_ipv6, chains_are_bounded)
{
	uint8_t exts[9 * 8] = {0}, opts[32] = {TCP, 3};
	struct wire_ipv6_chain c;

	for (unsigned i = 0; i < 9; i++) {
		exts[i * 8] = i < 8 ? DST : TCP;
		exts[i * 8 + 2] = 1;
		exts[i * 8 + 3] = 4;
	}
	cr_assert_eq(walk(DST, exts, sizeof exts, &c), DROP_IP_OPTION);
	cr_assert_eq(c.problem, WIRE_IPV6_SILENT);
	exts[7 * 8] = TCP;
	cr_assert_eq(walk(DST, exts, 64, &c), 0);
	for (unsigned i = 0; i < 9; i++)
		opts[2 + i * 2] = 0x1e;
	cr_assert_eq(walk(DST, opts, sizeof opts, &c), DROP_IP_OPTION);
	opts[2 + 8 * 2] = 0;
	cr_assert_eq(walk(DST, opts, sizeof opts, &c), 0);
}

Test(wire_ipv6, noise_is_survived)
{
	uint8_t exts[200];
	struct wire_ipv6_chain c;
	struct rng r;

	rng_init(&r, 6, 6);
	for (unsigned run = 0; run < 20000; run++) {
		static const uint8_t first[] = {HBH, DST, RTG, FRAG};
		size_t n = rng_below(&r, sizeof exts);

		for (size_t i = 0; i < n; i++)
			exts[i] = (uint8_t)(rng_below(&r, 3) ? rng_below(&r, 62)
							     : rng_u64(&r));
		if (walk(first[run % 4], exts, n, &c) == 0)
			cr_assert(c.off <= WIRE_IPV6_HDR + n);
	}
}

Test(wire_icmp6, round_trip_and_wrong)
{
	struct wire_icmp m = {WIRE_ICMP6_ECHO, 0, 0x12345678,
			     (const uint8_t *)"hello", 5},
			 g;
	uint8_t p[13];

	cr_assert_eq(wire_icmp6_emit(&m, &a1, &a2, p), WIRE_ICMP_HDR);
	memcpy(p + WIRE_ICMP_HDR, "hello", 5);
	cr_assert_eq(wire_icmp6_parse(p, sizeof p, &a1, &a2, &g), 0);
	cr_assert(g.type == 128 && g.code == 0 && g.rest == m.rest);
	cr_assert_eq(g.len, 5);
	/* The pseudo header counts. */
	cr_assert_eq(
	    wire_icmp6_parse(p, sizeof p, &a1, &a1, &g), DROP_ICMP_CHECKSUM);
	for (size_t len = 0; len < sizeof p; len++)
		cr_assert_eq(wire_icmp6_parse(exact(p, len), len, &a1, &a2, &g),
		    len < 8 ? DROP_ICMP_MALFORMED : DROP_ICMP_CHECKSUM);
}

Test(wire_icmp6, a_quote_needs_the_ports)
{
	uint8_t p[WIRE_IPV6_HDR + 8] = {0};
	struct wire_ipv6 h = {
	    .payload_len = 1000, .next = TCP, .src = a1, .dst = a2};
	struct wire_icmp m = {.data = p, .len = sizeof p};
	struct wire_icmp6_quote q;

	wire_ipv6_emit(&h, p);
	put16(p + 40, 80);
	put16(p + 42, 4711);
	put32(p + 44, 99);
	cr_assert_eq(wire_icmp6_quote(&m, &q), 0);
	cr_assert(q.sport == 80 && q.dport == 4711 && q.seq == 99);
	cr_assert(q.proto == TCP && ipaddr_eq(&q.ip.src, &a1));
	for (size_t len = 0; len < sizeof p; len++) {
		m.data = exact(p, len);
		m.len = len;
		cr_assert_eq(wire_icmp6_quote(&m, &q), DROP_ICMP_MALFORMED);
	}
}

Test(wire_nd, options)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	uint8_t p[8 + 8 + 32 + 8] = {0};
	struct wire_nd_opts o;

	wire_nd_lla_emit(WIRE_ND_SOURCE_LLA, mac, p);
	p[8] = WIRE_ND_MTU;
	p[9] = 1;
	put32(p + 12, 1400);
	p[16] = WIRE_ND_PREFIX;
	p[17] = 4;
	p[18] = 64;
	p[19] = 0xc0;
	put32(p + 20, 86400);
	put32(p + 24, UINT32_MAX);
	memcpy(p + 32, a1.b, 16);
	p[48] = 200; /* unknown: skipped */
	p[49] = 1;
	cr_assert_eq(wire_nd_opts_parse(p, sizeof p, &o), 0);
	cr_assert_arr_eq(o.source_lla, mac, 6);
	cr_assert_null(o.target_lla);
	cr_assert(o.mtu == 1400 && o.nprefixes == 1);
	cr_assert(o.prefixes[0].plen == 64 && o.prefixes[0].on_link &&
		  o.prefixes[0].autonomous);
	cr_assert_eq(o.prefixes[0].valid_s, 86400);
	cr_assert_eq(o.prefixes[0].preferred_s, UINT32_MAX);
	cr_assert(ipaddr_eq(&o.prefixes[0].prefix, &a1));
	for (size_t len = 0; len <= sizeof p; len++)
		cr_assert_eq(wire_nd_opts_parse(exact(p, len), len, &o),
		    len == 0 || len == 8 || len == 16 || len == 48 || len == 56
			? 0
			: DROP_ICMP_MALFORMED,
		    "%zu", len);
	p[9] = 0;
	cr_assert_eq(wire_nd_opts_parse(p, sizeof p, &o), DROP_ICMP_MALFORMED);
}
