/* SPDX-License-Identifier: ISC */
/*
 * SipHash-2-4 with 64 bits of result, written from the paper (Aumasson and
 * Bernstein, "SipHash: a fast short-input PRF", 2012, section 2): two rounds
 * per word of input, four to finish.  Words are little-endian.
 */
#include "base/siphash.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 = rotl(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

/* Spelt out, for compilers make one load of it and not of a loop. */
static inline uint64_t
load_word(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	       (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
	       (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

/* The little-endian word of n < 8 bytes, zeros above. */
static inline uint64_t
load(const uint8_t *p, size_t n)
{
	uint64_t m = 0;

	for (size_t i = 0; i < n; i++)
		m |= (uint64_t)p[i] << (8 * i);
	return m;
}

uint64_t
siphash(const struct siphash_key *key, const void *data, size_t len)
{
	const uint8_t *p = data;
	size_t left = len;
	struct sip s = {
	    .v0 = key->k0 ^ 0x736f6d6570736575,
	    .v1 = key->k1 ^ 0x646f72616e646f6d,
	    .v2 = key->k0 ^ 0x6c7967656e657261,
	    .v3 = key->k1 ^ 0x7465646279746573,
	};

	for (; left >= 8; left -= 8, p += 8)
		sip_word(&s, load_word(p));
	sip_word(&s, (uint64_t)(len & 0xff) << 56 | load(p, left));
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
