/* SPDX-License-Identifier: ISC */
/*
 * Memory that a connection's programs and the engine share: what is written to
 * a busy stream lies here, and the engine sends it from here.  Behind the page
 * come size bytes, in a memfd that nobody can resize.
 *
 * Each word has one side that writes it, but for `word`.  Neither trusts the
 * other: the engine takes the programs' words for what they may be at most.
 */
#ifndef TCPD_RING_H
#define TCPD_RING_H

#include <stdatomic.h>
#include <stdint.h>

#define RING_LINE 64
/* Where the bytes begin: a page on every machine. */
#define RING_DATA 65536

struct ring_page {
	/* The engine's. */
	_Alignas(RING_LINE) _Atomic uint32_t tail; /* acknowledged: free */
	_Atomic uint32_t took; /* bytes of the stream since the ring began */
	_Atomic uint32_t ended;

	/* Both sides': how many bytes were ever put in, above RING_HEAD_SHIFT,
	 * and RING_ASLEEP. */
	_Alignas(RING_LINE) _Atomic uint64_t word;

	/* The programs'. */
	_Alignas(RING_LINE) _Atomic uint32_t busy; /* calls under way */
	_Atomic uint32_t sent; /* bytes given to the stream, as took */
	_Atomic uint32_t off;  /* it is used no more */
	/* What is in the ring from here on (above RING_MARK_SHIFT) comes after
	 * so many bytes of the stream. */
	_Atomic uint64_t mark;
};
_Static_assert(sizeof(struct ring_page) == 3 * RING_LINE, "ring_page");
_Static_assert(sizeof(struct ring_page) <= RING_DATA, "ring_page");

#define RING_ASLEEP	1u
#define RING_HEAD_SHIFT 32
#define RING_MARK_SHIFT 32

#endif
