/* SPDX-License-Identifier: ISC */
/*
 * The checksum against a naive sum, byte by byte, over spans cut at any place,
 * odd ones too; the example of RFC 1071 section 3; incremental updates.
 */
#include <criterion/criterion.h>
#include "base/rng.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

enum {
	BYTES = 3000
};

static uint16_t
naive(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return (uint16_t)~sum;
}

static void
fill(struct rng *r, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)rng_u64(r);
}

/* 0x0000 and 0xffff are the same number in ones-complement arithmetic. */
static bool
same(uint16_t a, uint16_t b)
{
	return a % 0xffff == b % 0xffff;
}

Test(checksum, rfc_1071_example)
{
	static const uint8_t p[] = {
	    0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	struct wire_csum c = WIRE_CSUM_INIT;

	wire_csum_add(&c, p, sizeof p);
	cr_assert_eq(wire_csum_partial(&c), 0xddf2);
	cr_assert_eq(wire_csum_final(&c), 0x220d);
}

Test(checksum, nothing)
{
	struct wire_csum c = WIRE_CSUM_INIT;

	wire_csum_add(&c, NULL, 0);
	cr_assert_eq(wire_csum_final(&c), 0xffff);
}

Test(checksum, every_length_and_alignment)
{
	uint8_t data[200 + 8];
	struct rng r;

	rng_init(&r, 1, 0);
	fill(&r, data, sizeof data);
	for (size_t shift = 0; shift < 8; shift++) {
		for (size_t len = 0; len <= 200; len++) {
			struct wire_csum c = WIRE_CSUM_INIT;

			wire_csum_add(&c, data + shift, len);
			cr_assert_eq(wire_csum_final(&c),
			    naive(data + shift, len), "len %zu", len);
		}
	}
}

Test(checksum, all_ones_carry)
{
	static uint8_t data[65536];
	struct wire_csum c = WIRE_CSUM_INIT;

	memset(data, 0xff, sizeof data);
	for (int i = 0; i < 16; i++)
		wire_csum_add(&c, data, sizeof data);
	cr_assert_eq(wire_csum_final(&c), 0);
}

/* Cuts data in random pieces, empty and odd ones too. */
static unsigned
cut(struct rng *r, uint8_t *data, size_t len, struct span *spans, unsigned max)
{
	unsigned n = 0;
	size_t at = 0;

	while (n < max - 1 && at < len) {
		size_t piece = rng_below(r, 200);

		if (piece > len - at)
			piece = len - at;
		spans[n++] = (struct span){data + at, piece};
		at += piece;
	}
	spans[n++] = (struct span){data + at, len - at};
	return n;
}

Test(checksum, random_spans)
{
	static uint8_t data[BYTES];
	struct span spans[FRAME_SPANS];
	struct rng r;

	rng_init(&r, 2, 0);
	for (int run = 0; run < 3000; run++) {
		size_t len = rng_below(&r, BYTES + 1);
		size_t skip = rng_below(&r, (uint32_t)len + 1);
		struct wire_csum all = WIRE_CSUM_INIT, part = WIRE_CSUM_INIT;
		unsigned n;

		fill(&r, data, 64);
		n = cut(&r, data, len, spans, FRAME_SPANS);
		wire_csum_spans(&all, spans, n, 0);
		cr_assert_eq(wire_csum_final(&all), naive(data, len));
		wire_csum_spans(&part, spans, n, skip);
		cr_assert_eq(
		    wire_csum_final(&part), naive(data + skip, len - skip));
	}
}

/* A stored checksum makes the whole sum 0; a device gets the partial one. */
Test(checksum, pseudo_header)
{
	uint8_t pkt[12 + 33];
	struct rng r;

	rng_init(&r, 3, 0);
	for (int run = 0; run < 1000; run++) {
		struct wire_csum c = WIRE_CSUM_INIT, v = WIRE_CSUM_INIT;

		fill(&r, pkt, sizeof pkt);
		pkt[8] = 0;
		pkt[9] = WIRE_PROTO_TCP;
		put16(pkt + 10, 33);
		put16(pkt + 12 + 16, 0);
		wire_csum_pseudo4(
		    &c, get32(pkt), get32(pkt + 4), WIRE_PROTO_TCP, 33);
		cr_assert(
		    same((uint16_t)~wire_csum_partial(&c), naive(pkt, 12)));
		wire_csum_add(&c, pkt + 12, 33);
		cr_assert(same(wire_csum_final(&c), naive(pkt, sizeof pkt)));
		put16(pkt + 12 + 16, wire_csum_final(&c));
		wire_csum_pseudo4(
		    &v, get32(pkt), get32(pkt + 4), WIRE_PROTO_TCP, 33);
		wire_csum_add(&v, pkt + 12, 33);
		cr_assert_eq(wire_csum_final(&v), 0);
	}
}

Test(checksum, pseudo_header_of_ipv6)
{
	struct ipaddr a, b;
	uint8_t pkt[40 + 33];
	struct rng r;

	rng_init(&r, 6, 0);
	for (int run = 0; run < 1000; run++) {
		struct wire_csum c = WIRE_CSUM_INIT;

		fill(&r, pkt, sizeof pkt);
		memcpy(a.b, pkt, 16);
		memcpy(b.b, pkt + 16, 16);
		put32(pkt + 32, 33); /* RFC 8200 8.1 */
		put32(pkt + 36, WIRE_PROTO_TCP);
		wire_csum_pseudo(&c, &a, &b, WIRE_PROTO_TCP, 33);
		wire_csum_add(&c, pkt + 40, 33);
		cr_assert(same(
		    (uint16_t)~wire_csum_partial(&c), naive(pkt, sizeof pkt)));
	}
}

Test(checksum, one_wrong_bit_shows)
{
	uint8_t data[65];
	struct rng r;

	rng_init(&r, 4, 0);
	fill(&r, data, sizeof data);
	for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
		struct wire_csum a = WIRE_CSUM_INIT, b = WIRE_CSUM_INIT;

		wire_csum_add(&a, data, sizeof data);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		wire_csum_add(&b, data, sizeof data);
		cr_assert_neq(wire_csum_final(&a), wire_csum_final(&b));
	}
}

Test(checksum, update)
{
	uint8_t data[20];
	struct rng r;

	rng_init(&r, 5, 0);
	for (int run = 0; run < 10000; run++) {
		size_t at = 2 * rng_below(&r, sizeof data / 2);
		uint16_t before, old, new;

		fill(&r, data, sizeof data);
		before = naive(data, sizeof data);
		old = get16(data + at);
		new = (uint16_t)rng_below(&r, 65536);
		put16(data + at, new);
		cr_assert(same(wire_csum_update(before, old, new),
		    naive(data, sizeof data)));
	}
}
