/* SPDX-License-Identifier: ISC */
/*
 * Bufs come from malloc one by one and go to their class's free list, last in
 * first out, so that the next frame lands in warm cache lines.  The packet
 * path meets malloc only while the pool grows to its working size.
 *
 * The limit bounds live and free bufs together.  When a class has to grow and
 * the limit is in the way, free bufs of the other classes are given back to
 * malloc; so memory never sticks to the class that once had a burst.  Free
 * bufs beyond KEEP_BYTES and beyond what is live are given back at once: after
 * a burst the daemon shrinks again.
 *
 * With AddressSanitizer a free buf's data is poisoned, so that a reference
 * kept too long is found at its first use.
 *
 * Not for several threads: a pool belongs to one engine.
 */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>
#include "base/check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BUF_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define BUF_POISON 1
#endif
#ifdef BUF_POISON
#include <sanitizer/asan_interface.h>
#define poison(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define poison(p, n)   ((void)(p), (void)(n))
#define unpoison(p, n) ((void)(p), (void)(n))
#endif

#define NCLASSES   4
#define LENT	   3 /* the class of bufs that stand for other memory */
#define KEEP_BYTES ((size_t)64 << 20)

static const uint32_t class_cap[NCLASSES] = {
    BUF_SMALL, BUF_CHUNK, BUF_FRAME, sizeof(struct buf_lent)};

struct bufpool {
	struct buf *free[NCLASSES];
	size_t limit;
	size_t used;   /* bytes of live bufs */
	size_t unused; /* bytes of bufs on the free lists */
};

static inline size_t
class_bytes(unsigned cls)
{
	return sizeof(struct buf) + class_cap[cls];
}

struct bufpool *
bufpool_new(size_t limit_bytes)
{
	struct bufpool *p = calloc(1, sizeof *p);

	if (p != NULL)
		p->limit = limit_bytes;
	return p;
}

/* Gives one free buf of a class back to malloc; false when there is none. */
static bool
shrink_class(struct bufpool *p, unsigned cls)
{
	struct buf *b = p->free[cls];

	if (b == NULL)
		return false;
	p->free[cls] = b->next;
	p->unused -= class_bytes(cls);
	unpoison(b->data, b->cap);
	free(b);
	return true;
}

void
bufpool_free(struct bufpool *p)
{
	if (p == NULL)
		return;
	CHECK(p->used == 0);
	for (unsigned cls = 0; cls < NCLASSES; cls++)
		while (shrink_class(p, cls))
			;
	CHECK(p->unused == 0);
	free(p);
}

size_t
bufpool_used(const struct bufpool *p)
{
	return p->used;
}

size_t
bufpool_limit(const struct bufpool *p)
{
	return p->limit;
}

/* A new buf of a class; the other classes' free bufs make room for it. */
static struct buf *
grow_class(struct bufpool *p, unsigned cls)
{
	size_t bytes = class_bytes(cls);
	struct buf *b;

	if (bytes > p->limit || p->used > p->limit - bytes)
		return NULL;
	for (unsigned other = NCLASSES; other-- > 0;)
		while (p->used + p->unused + bytes > p->limit &&
		       shrink_class(p, other))
			;
	CHECK(p->used + p->unused + bytes <= p->limit);
	if ((b = malloc(bytes)) == NULL)
		return NULL;
	b->pool = p;
	b->cap = class_cap[cls];
	b->cls = (uint8_t)cls;
	return b;
}

static struct buf *
alloc_class(struct bufpool *p, unsigned cls)
{
	struct buf *b;

	if ((b = p->free[cls]) != NULL) {
		p->free[cls] = b->next;
		p->unused -= class_bytes(cls);
		unpoison(b->data, b->cap);
	} else if ((b = grow_class(p, cls)) == NULL) {
		return NULL;
	}
	p->used += class_bytes(cls);
	b->next = NULL;
	b->refs = 1;
	b->len = 0;
	b->lent = false;
	return b;
}

struct buf *
buf_alloc(struct bufpool *p, size_t cap)
{
	CHECK(cap <= BUF_FRAME);
	return alloc_class(p, cap <= BUF_SMALL ? 0 : cap <= BUF_CHUNK ? 1 : 2);
}

struct buf *
buf_lend(struct bufpool *p, const uint8_t *bytes, uint32_t len,
    void (*back)(void *owner), void *owner)
{
	struct buf *b = alloc_class(p, LENT);
	struct buf_lent lent = {bytes, back, owner};

	if (b == NULL)
		return NULL;
	memcpy(b->data, &lent, sizeof lent);
	b->lent = true;
	b->len = len;
	return b;
}

void
buf_unref(struct buf *b)
{
	struct bufpool *p = b->pool;
	size_t bytes;

	struct buf_lent *lent = (struct buf_lent *)(void *)b->data;

	CHECK(b->refs > 0);
	if (--b->refs > 0)
		return;
	if (b->lent)
		lent->back(lent->owner);
	bytes = class_bytes(b->cls);
	p->used -= bytes;
	if (p->unused + bytes > KEEP_BYTES && p->unused + bytes > p->used) {
		free(b);
		return;
	}
	poison(b->data, b->cap);
	b->next = p->free[b->cls];
	p->free[b->cls] = b;
	p->unused += bytes;
}
