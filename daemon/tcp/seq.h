/* SPDX-License-Identifier: ISC */
/*
 * Sequence numbers (RFC 9293 3.4): modulo 2^32, ordered within half the space.
 * A struct, so that a raw "<" does not compile.
 */
#ifndef TCP_SEQ_H
#define TCP_SEQ_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
	uint32_t v;
} seq_t;

#define SEQ(x) ((seq_t){(uint32_t)(x)})

static inline int32_t
seq_diff(seq_t a, seq_t b)
{
	return (int32_t)(a.v - b.v);
}

static inline bool
seq_lt(seq_t a, seq_t b)
{
	return seq_diff(a, b) < 0;
}

static inline bool
seq_leq(seq_t a, seq_t b)
{
	return seq_diff(a, b) <= 0;
}

static inline bool
seq_gt(seq_t a, seq_t b)
{
	return seq_diff(a, b) > 0;
}

static inline bool
seq_geq(seq_t a, seq_t b)
{
	return seq_diff(a, b) >= 0;
}

static inline bool
seq_eq(seq_t a, seq_t b)
{
	return a.v == b.v;
}

static inline seq_t
seq_add(seq_t a, uint32_t n)
{
	return SEQ(a.v + n);
}

static inline seq_t
seq_max(seq_t a, seq_t b)
{
	return seq_gt(a, b) ? a : b;
}

static inline seq_t
seq_min(seq_t a, seq_t b)
{
	return seq_lt(a, b) ? a : b;
}

#endif
