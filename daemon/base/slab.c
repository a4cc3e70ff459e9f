/* SPDX-License-Identifier: ISC */
/*
 * Slabs: chunks of 64 KiB cut into objects; a freed object is the next one
 * handed out, while it is warm.  Under AddressSanitizer freed objects are
 * poisoned past the link that they hold, so a use after the end is caught.
 */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/slab.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)	  ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define CHUNK_BYTES 65536

struct chunk {
	struct chunk *next;
	_Alignas(16) unsigned char data[];
};

struct freeobj {
	struct freeobj *next;
};

void
slab_init(struct slab *s, size_t size, size_t limit)
{
	CHECK(size <= CHUNK_BYTES - sizeof(struct chunk));
	if (size < sizeof(struct freeobj))
		size = sizeof(struct freeobj);
	*s = (struct slab){.size = (size + 15) & ~(size_t)15, .limit = limit};
}

void
slab_done(struct slab *s)
{
	struct chunk *c, *next;

	CHECK(s->used == 0);
	for (c = s->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	s->chunks = s->freelist = NULL;
}

static int
grow(struct slab *s)
{
	struct chunk *c = aligned_alloc(64, CHUNK_BYTES);
	size_t i, n = (CHUNK_BYTES - sizeof *c) / s->size;

	if (c == NULL)
		return 0;
	c->next = s->chunks;
	s->chunks = c;
	for (i = n; i-- > 0;) {
		struct freeobj *o = (void *)(c->data + i * s->size);

		o->next = s->freelist;
		s->freelist = o;
		ASAN_POISON_MEMORY_REGION(o + 1, s->size - sizeof *o);
	}
	return 1;
}

void *
slab_alloc(struct slab *s)
{
	struct freeobj *o;

	if (s->limit != 0 && s->used >= s->limit)
		return NULL;
	if (s->freelist == NULL && !grow(s))
		return NULL;
	o = s->freelist;
	s->freelist = o->next;
	s->used++;
	ASAN_UNPOISON_MEMORY_REGION(o, s->size);
	return memset(o, 0, s->size);
}

void
slab_free(struct slab *s, void *obj)
{
	struct freeobj *o = obj;

	CHECK(s->used > 0);
	o->next = s->freelist;
	s->freelist = o;
	s->used--;
	ASAN_POISON_MEMORY_REGION(o + 1, s->size - sizeof *o);
}
