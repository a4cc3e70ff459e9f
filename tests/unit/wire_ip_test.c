/* SPDX-License-Identifier: ISC */
/*
 * Ethernet, ARP, IPv4 and ICMP headers: round trips, and every way of being
 * too short or lying about a length.  Buffers have their exact length, so that
 * a sanitizer build sees a read past the end.
 */
#include <stdlib.h>
#include <criterion/criterion.h>
#include "base/drop.h"
#include "base/rng.h"
#include "wire/arp.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ipv4.h"

/* A copy of exactly that length; good until the next one is asked for. */
static const uint8_t *
exact(const uint8_t *p, size_t len)
{
	static uint8_t *copy;

	free(copy);
	cr_assert_not_null(copy = malloc(len > 0 ? len : 1));
	memcpy(copy, p, len);
	return copy;
}

static void
fill(struct rng *r, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_u64(r);
}

/* Puts the right checksum into the IPv4 header at p. */
static void
seal(uint8_t *p)
{
	struct wire_csum c = WIRE_CSUM_INIT;

	put16(p + WIRE_IPV4_CSUM_OFF, 0);
	wire_csum_add(&c, p, (size_t)(p[0] & 15) * 4);
	put16(p + WIRE_IPV4_CSUM_OFF, wire_csum_final(&c));
}

static int
parse_ipv4(const uint8_t *p, size_t len, struct wire_ipv4 *out)
{
	return wire_ipv4_parse(exact(p, len), len, out);
}

Test(wire_ether, round_trip_and_short)
{
	struct wire_ether h = {
	    {1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}, WIRE_ETHER_ARP, 0, 0};
	uint8_t p[WIRE_ETHER_LEN];
	struct wire_ether g;

	cr_assert_eq(wire_ether_emit(&h, p), sizeof p);
	cr_assert_eq(get16(p + 12), 0x0806);
	cr_assert_eq(wire_ether_parse(p, sizeof p, &g), 0);
	cr_assert_arr_eq(g.dst, h.dst, 6);
	cr_assert_arr_eq(g.src, h.src, 6);
	cr_assert_eq(g.type, h.type);
	for (size_t len = 0; len < sizeof p; len++)
		cr_assert_eq(
		    wire_ether_parse(exact(p, len), len, &g), DROP_ETH_SHORT);
}

Test(wire_ether, tags)
{
	struct wire_ether h = {.type = WIRE_ETHER_ARP, .vlan = 0x123}, g;
	uint8_t p[WIRE_ETHER_MAX];

	cr_assert_eq(wire_ether_emit(&h, p), sizeof p);
	cr_assert_eq(get32(p + 12), 0x81000123);
	p[14] |= 0xf0; /* priority means nothing */
	cr_assert_eq(wire_ether_parse(p, sizeof p, &g), 0);
	cr_assert(g.vlan == 0x123 && g.type == h.type && g.len == 18);
	for (size_t len = 14; len < sizeof p; len++)
		cr_assert_eq(
		    wire_ether_parse(exact(p, len), len, &g), DROP_ETH_SHORT);
}

Test(wire_arp, round_trip_and_short)
{
	struct wire_arp h = {.op = WIRE_ARP_REQUEST,
	    .sha = {2, 2, 3, 4, 5, 6},
	    .tha = {0},
	    .spa = 0xc0000201,
	    .tpa = 0xc0000202};
	uint8_t p[WIRE_ARP_LEN + 18] = {0};
	struct wire_arp g;

	cr_assert_eq(wire_arp_emit(&h, p), WIRE_ARP_LEN);
	for (size_t len = 0; len < WIRE_ARP_LEN; len++)
		cr_assert_eq(
		    wire_arp_parse(exact(p, len), len, &g), DROP_ARP_MALFORMED);
	cr_assert_eq(wire_arp_parse(p, sizeof p, &g), 0, "padding is fine");
	cr_assert_eq(g.op, h.op);
	cr_assert_arr_eq(g.sha, h.sha, 6);
	cr_assert_arr_eq(g.tha, h.tha, 6);
	cr_assert_eq(g.spa, h.spa);
	cr_assert_eq(g.tpa, h.tpa);
}

/* Each byte that must have one value, with another one. */
Test(wire_arp, foreign_kinds)
{
	struct wire_arp h = {.op = WIRE_ARP_REPLY, .spa = 1, .tpa = 2}, g;
	uint8_t p[WIRE_ARP_LEN];

	wire_arp_emit(&h, p);
	for (size_t at = 0; at < 8; at++) {
		p[at] ^= 0x40;
		cr_assert_eq(
		    wire_arp_parse(p, sizeof p, &g), DROP_ARP_MALFORMED);
		p[at] ^= 0x40;
	}
	put16(p + 6, 3);
	cr_assert_eq(wire_arp_parse(p, sizeof p, &g), DROP_ARP_MALFORMED);
	put16(p + 6, WIRE_ARP_REPLY);
	p[8] = 0xff;
	cr_assert_eq(wire_arp_parse(p, sizeof p, &g), DROP_ARP_MALFORMED,
	    "a group as the sender");
}

Test(wire_ipv4, round_trips)
{
	uint8_t p[65535];
	struct rng r;

	rng_init(&r, 1, 1);
	memset(p, 0, sizeof p);
	for (int run = 0; run < 5000; run++) {
		struct wire_ipv4
		    h =
			{
			    .tos = (uint8_t)rng_u64(&r),
			    .total_len = (uint16_t)(20 + rng_below(&r, 65516)),
			    .id = (uint16_t)rng_u64(&r),
			    .df = rng_below(&r, 2),
			    .mf = rng_below(&r, 2),
			    .frag_off = (uint16_t)(rng_below(&r, 8192) * 8),
			    .ttl = (uint8_t)rng_u64(&r),
			    .proto = (uint8_t)rng_u64(&r),
			    .src = (uint32_t)rng_u64(&r),
			    .dst = (uint32_t)rng_u64(&r),
			},
		    g;

		cr_assert_eq(wire_ipv4_emit(&h, p), 20);
		cr_assert_eq(wire_ipv4_parse(p, sizeof p, &g), 0);
		cr_assert_eq(g.ihl, 20);
		cr_assert(g.tos == h.tos && g.total_len == h.total_len);
		cr_assert(g.id == h.id && g.df == h.df && g.mf == h.mf);
		cr_assert_eq(g.frag_off, h.frag_off);
		cr_assert(g.ttl == h.ttl && g.proto == h.proto);
		cr_assert(g.src == h.src && g.dst == h.dst);
		cr_assert(!g.source_route);
	}
}

Test(wire_ipv4, lengths)
{
	uint8_t p[80];
	struct wire_ipv4 g;

	for (size_t ihl = 0; ihl < 16; ihl++) {
		for (size_t total = 0; total <= 80; total += 4) {
			for (size_t len = 0; len <= 80; len += 5) {
				bool good = len >= 20 && ihl >= 5 &&
					    total >= ihl * 4 && total <= len;

				memset(p, 0, sizeof p);
				p[0] = (uint8_t)(0x40 | ihl);
				put16(p + 2, (uint16_t)total);
				seal(p);
				cr_assert_eq(parse_ipv4(p, len, &g),
				    good ? 0 : DROP_IP_SHORT,
				    "ihl %zu total %zu len %zu", ihl, total,
				    len);
			}
		}
	}
}

Test(wire_ipv4, version_and_checksum)
{
	struct wire_ipv4 h = {.total_len = 20, .ttl = 64, .src = 1, .dst = 2};
	struct wire_ipv4 g;
	uint8_t p[20];

	wire_ipv4_emit(&h, p);
	for (size_t bit = 0; bit < 160; bit++) {
		int why;

		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		why = parse_ipv4(p, sizeof p, &g);
		cr_assert_neq(why, 0, "bit %zu", bit);
		if (bit >= 4 && bit < 8)
			cr_assert_eq(why, DROP_IP_VERSION);
		if (bit >= 32)
			cr_assert_eq(why, DROP_IP_CHECKSUM);
		p[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	cr_assert_eq(parse_ipv4(p, sizeof p, &g), 0);
}

static int
parse_ip_options(const uint8_t *opts, size_t n, struct wire_ipv4 *out)
{
	uint8_t p[60] = {0};
	size_t ihl = 20 + (n + 3) / 4 * 4;

	p[0] = (uint8_t)(0x40 | ihl / 4);
	put16(p + 2, (uint16_t)ihl);
	memcpy(p + 20, opts, n);
	seal(p);
	return parse_ipv4(p, ihl, out);
}

Test(wire_ipv4, options)
{
	struct wire_ipv4 g;

	for (unsigned kind = 2; kind < 256; kind++) {
		for (unsigned len = 0; len < 256; len++) {
			uint8_t o[40] = {1, (uint8_t)kind, (uint8_t)len};
			bool bad = len < 2 || len > 39;

			cr_assert_eq(parse_ip_options(o, 40, &g),
			    bad ? DROP_IP_OPTION : 0);
			cr_assert(bad || g.source_route ==
					     (kind == 131 || kind == 137));
		}
	}
	cr_assert_eq(parse_ip_options((const uint8_t[]){1, 1, 1, 7}, 4, &g),
	    DROP_IP_OPTION, "a kind without a length");
	cr_assert_eq(parse_ip_options((const uint8_t[]){1, 0, 7, 0}, 4, &g), 0,
	    "nothing counts behind the end of the list");
}

Test(wire_icmp, round_trips)
{
	uint8_t p[8 + 64];
	struct rng r;

	rng_init(&r, 2, 2);
	for (int run = 0; run < 2000; run++) {
		size_t n = rng_below(&r, 65);
		struct wire_icmp m =
				     {
					 .type = (uint8_t)rng_u64(&r),
					 .code = (uint8_t)rng_u64(&r),
					 .rest = (uint32_t)rng_u64(&r),
					 .data = p + 8,
					 .len = n,
				     },
				 g;

		fill(&r, p + 8, n);
		cr_assert_eq(wire_icmp_emit(&m, p), 8);
		cr_assert_eq(wire_icmp_parse(p, 8 + n, &g), 0);
		cr_assert(g.type == m.type && g.code == m.code);
		cr_assert_eq(g.rest, m.rest);
		cr_assert_eq(g.data, p + 8);
		cr_assert_eq(g.len, n);
		p[rng_below(&r, (uint32_t)(8 + n))] ^= 0x10;
		cr_assert_eq(wire_icmp_parse(p, 8 + n, &g), DROP_ICMP_CHECKSUM);
	}
	for (size_t len = 0; len < 8; len++) {
		struct wire_icmp g;

		cr_assert_eq(wire_icmp_parse(exact(p, len), len, &g),
		    DROP_ICMP_MALFORMED);
	}
}

/* An error's quote, cut off at each byte: all of its header and 8 bytes. */
Test(wire_icmp, quotes)
{
	struct wire_ipv4 ip = {
	    .total_len = 1500, .proto = WIRE_PROTO_TCP, .src = 5, .dst = 6};
	uint8_t p[40] = {0};

	wire_ipv4_emit(&ip, p);
	put16(p + 20, 1234);
	put16(p + 22, 80);
	put32(p + 24, 0xdeadbeef);
	for (size_t len = 0; len <= sizeof p; len++) {
		struct wire_icmp m = {.data = exact(p, len), .len = len};
		struct wire_icmp_quote q;
		int why = wire_icmp_quote(&m, &q);

		cr_assert_eq(why, len < 28 ? DROP_ICMP_MALFORMED : 0);
		if (why != 0)
			continue;
		cr_assert(q.ip.src == 5 && q.ip.dst == 6);
		cr_assert_eq(q.ip.proto, WIRE_PROTO_TCP);
		cr_assert(q.sport == 1234 && q.dport == 80);
		cr_assert_eq(q.seq, 0xdeadbeef);
	}
	p[0] = 0x4f;
	{
		struct wire_icmp m = {.data = p, .len = sizeof p};
		struct wire_icmp_quote q;

		cr_assert_eq(wire_icmp_quote(&m, &q), DROP_ICMP_MALFORMED);
	}
}
