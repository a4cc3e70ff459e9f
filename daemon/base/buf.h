/* SPDX-License-Identifier: ISC */
/*
 * struct buf: a reference-counted byte buffer from a bounded pool.
 *
 * A received frame is one buf; payload that waits for the application is a
 * reference into it, not a copy.  What an application wrote waits in bufs
 * until it is acknowledged, or where it lies: a buf can stand for memory of
 * somebody else's.  A pool hands out a few size classes, keeps freed
 * bufs on free lists, and never holds more than limit_bytes in all.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bufpool;

struct buf {
	struct buf *next; /* the holder's list link */
	struct bufpool *pool;
	uint32_t refs;
	uint32_t cap; /* bytes in data[] */
	uint32_t len; /* bytes of data[] in use, from 0 */
	uint8_t cls;
	bool lent; /* data[] is a struct buf_lent: see buf_bytes() */
	_Alignas(16) uint8_t data[];
};

struct buf_lent {
	const uint8_t *bytes;
	void (*back)(void *owner); /* when the buf is not needed any more */
	void *owner;
};

/* Sizes of the classes: a small write or an ordinary frame; a chunk of bulk
 * data; a whole 64 KiB GRO frame with its headers. */
#define BUF_SMALL 2048
#define BUF_CHUNK 16384
#define BUF_FRAME (65536 + 512)

/* NULL when memory is out.  limit_bytes counts struct buf and data[]. */
struct bufpool *bufpool_new(size_t limit_bytes);

/* Every buf must have been returned (checked). */
void bufpool_free(struct bufpool *p);

/* Bytes held by live bufs, and the limit. */
size_t bufpool_used(const struct bufpool *p);
size_t bufpool_limit(const struct bufpool *p);

/* A buf of at least cap bytes (cap <= BUF_FRAME) with refs 1 and len 0, or
 * NULL when the pool's limit is reached. */
struct buf *buf_alloc(struct bufpool *p, size_t cap);

/* A buf that stands for len bytes, read only, that stay until they are given
 * back; NULL as above. */
struct buf *buf_lend(struct bufpool *p, const uint8_t *bytes, uint32_t len,
    void (*back)(void *owner), void *owner);

/* What is in a buf, lent or not. */
static inline const uint8_t *
buf_bytes(const struct buf *b)
{
	return b->lent ? ((const struct buf_lent *)(const void *)b->data)->bytes
		       : b->data;
}

static inline struct buf *
buf_ref(struct buf *b)
{
	b->refs++;
	return b;
}

/* Drops one reference; the last one returns the buf to its pool. */
void buf_unref(struct buf *b);

#endif
