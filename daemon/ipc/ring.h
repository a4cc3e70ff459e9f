/* SPDX-License-Identifier: ISC */
/*
 * How a ring (tcpd/ring.h) and the stream that it belongs to carry one sequence
 * of bytes; both sides' steps.  See ring.c.
 */
#ifndef IPC_RING_H
#define IPC_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "tcpd/ring.h"

/* A mapping.  The bytes are there twice in a row, so none wraps. */
struct ring {
	struct ring_page *page;
	uint8_t *data;
	uint32_t size; /* a power of two, RING_SIZE_MIN to RING_SIZE_MAX */
};

#define RING_SIZE_MIN (128u << 10)
#define RING_SIZE_MAX (64u << 20)

/* Maps fd, of RING_DATA + size bytes.  0 or a negative errno. */
int ring_map(struct ring *r, int fd, uint32_t size);
void ring_unmap(struct ring *r);

/* ---- programs ---- */

/* What a call writes: bytes from off on. */
struct ring_from {
	void (*copy)(
	    const struct ring_from *f, size_t off, uint8_t *to, size_t n);
	/* As send(): how many, or a negative errno. */
	ssize_t (*stream)(const struct ring_from *f, size_t off, size_t n);
};

/* n > 0 bytes, as send() of the stream would. */
ssize_t ring_write(const struct ring *r, const struct ring_from *f, size_t n);
/* From now on all goes into the stream. */
void ring_end(struct ring_page *p);

/* ---- the engine ---- */

struct ring_taker {
	struct ring r;
	uint32_t taken; /* of the ring */
	uint32_t took;	/* of the stream */
	uint32_t tail;	/* of what is taken, what may be overwritten */
	bool broken;
};

enum ring_next {
	RING_NOTHING,
	RING_BYTES,  /* from data + *at on */
	RING_STREAM, /* from the stream */
	RING_BROKEN, /* no honest program says that */
};

/* All zero before; the stream has so many bytes, and nobody writes. */
void ring_begin(struct ring_taker *t, const struct ring *r, uint32_t stream);
/* What comes next, and how much of it; the stream had so many bytes before the
 * call. */
enum ring_next ring_next(
    const struct ring_taker *t, uint32_t stream, uint32_t *n, uint32_t *at);
/* It was taken. */
void ring_take_bytes(struct ring_taker *t, uint32_t n);
void ring_take_stream(struct ring_taker *t, uint32_t n);
/* n more bytes that were taken are not needed any more. */
void ring_release(struct ring_taker *t, uint32_t n);
/* All is taken: who puts more in shall wake us.  false: there is more. */
bool ring_sleep(struct ring_taker *t);
/* Bytes that are not taken yet. */
uint32_t ring_waiting(const struct ring_taker *t);
/* Programs shall use it no more. */
void ring_stop(struct ring_taker *t);

#endif
