/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "base/slab.h"

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
}
