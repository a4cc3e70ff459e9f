/* SPDX-License-Identifier: ISC */
/*
 * RFC 1071's sum does not care for the byte order (section 2 B) nor for the
 * width of the words (2 C), so this adds 64-bit loads as they come and turns
 * the 16 bits of the result round at the end.  Each load is split in its
 * halves, which go to accumulators of 64 bits: no carry is lost before 2^32
 * additions, and the loop has no dependency but the adds.
 *
 * A piece that begins at an odd offset is summed as if it began at an even one
 * and its folded sum is byte-swapped (section 2 B again).
 */
#include "wire/checksum.h"

#include <string.h>
#include "base/check.h"

/* Ones-complement addition: the carry comes round. */
static inline uint64_t
add_carry(uint64_t a, uint64_t b)
{
	uint64_t s = a + b;

	return s + (s < a);
}

static inline uint16_t
fold(uint64_t s)
{
	s = (s >> 32) + (s & 0xffffffff);
	s = (s >> 32) + (s & 0xffffffff);
	s = (s >> 16) + (s & 0xffff);
	s = (s >> 16) + (s & 0xffff);
	return (uint16_t)s;
}

static inline uint16_t
swap(uint16_t v)
{
	return (uint16_t)(v << 8 | v >> 8);
}

/* From memory's order to the number. */
static inline uint16_t
from_memory(uint16_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return swap(v);
#else
	return v;
#endif
}

static inline uint64_t
load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

/* Two words side by side; gcc and clang make it SIMD where there is any. */
typedef uint64_t pair __attribute__((vector_size(16)));

static inline pair
load_pair(const uint8_t *p)
{
	pair v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* The sum of a piece at an even offset. */
static uint64_t
sum_bytes(const uint8_t *p, size_t len)
{
	pair lo0 = {0}, lo1 = {0}, hi0 = {0}, hi1 = {0}, a, b;
	uint64_t rest = 0;

	for (; len >= 32; len -= 32, p += 32) {
		a = load_pair(p);
		b = load_pair(p + 16);
		lo0 += a & 0xffffffff;
		lo1 += b & 0xffffffff;
		hi0 += a >> 32;
		hi1 += b >> 32;
	}
	lo0 += lo1;
	hi0 += hi1;
	for (; len >= 8; len -= 8, p += 8)
		rest = add_carry(rest, load64(p));
	if (len > 0) {
		uint64_t last = 0;

		memcpy(&last, p, len);
		rest = add_carry(rest, last);
	}
	rest = add_carry(rest, add_carry(lo0[0], lo0[1]));
	return add_carry(rest, add_carry(hi0[0], hi0[1]));
}

void
wire_csum_add(struct wire_csum *c, const void *data, size_t len)
{
	uint64_t s;

	if (len == 0)
		return;
	s = sum_bytes(data, len);
	c->sum = add_carry(c->sum, c->odd ? swap(fold(s)) : s);
	c->odd ^= len & 1;
}

void
wire_csum_spans(
    struct wire_csum *c, const struct span *spans, unsigned nspans, size_t skip)
{
	for (unsigned i = 0; i < nspans; i++) {
		size_t n = skip < spans[i].len ? skip : spans[i].len;

		wire_csum_add(
		    c, (const uint8_t *)spans[i].base + n, spans[i].len - n);
		skip -= n;
	}
}

void
wire_csum_pseudo4(struct wire_csum *c, uint32_t src, uint32_t dst,
    uint8_t proto, uint32_t len)
{
	uint64_t s = (uint64_t)src + dst + proto + len;

	CHECK(!c->odd);
	c->sum = add_carry(c->sum, from_memory(fold(s)));
}

void
wire_csum_pseudo(struct wire_csum *c, const struct ipaddr *src,
    const struct ipaddr *dst, uint8_t proto, uint32_t len)
{
	if (ipaddr_is_v4(dst)) {
		wire_csum_pseudo4(
		    c, ipaddr_to_v4(src), ipaddr_to_v4(dst), proto, len);
		return;
	}
	wire_csum_add(c, src->b, sizeof src->b);
	wire_csum_add(c, dst->b, sizeof dst->b);
	wire_csum_pseudo4(c, 0, 0, proto, len);
}

uint16_t
wire_csum_partial(const struct wire_csum *c)
{
	return from_memory(fold(c->sum));
}

uint16_t
wire_csum_final(const struct wire_csum *c)
{
	return (uint16_t)~wire_csum_partial(c);
}

/* RFC 1624 section 3, equation 3. */
uint16_t
wire_csum_update(uint16_t csum, uint16_t old, uint16_t new)
{
	uint64_t s = (uint64_t)(uint16_t)~csum + (uint16_t)~old + new;

	return (uint16_t)~fold(s);
}
