/* SPDX-License-Identifier: ISC */
/*
 * A slab hands out objects of one size from chunks that it allocates as they
 * are needed; freed objects are reused, chunks are kept until slab_done().
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>

struct slab {
	size_t size;  /* bytes of an object */
	size_t limit; /* objects at most; 0: as memory allows */
	size_t used;
	void *freelist;
	void *chunks;
};

void slab_init(struct slab *s, size_t size, size_t limit);
/* Every object must have been freed (checked). */
void slab_done(struct slab *s);
/* A zeroed object, or NULL at the limit or out of memory. */
void *slab_alloc(struct slab *s);
void slab_free(struct slab *s, void *obj);

#endif
