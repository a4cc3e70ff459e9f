/* SPDX-License-Identifier: ISC */
/*
 * A slab hands out objects of one size from chunks that it takes as they are
 * needed.  A freed object is reused; a chunk all of whose objects are free
 * gives its memory back, but for one that stays at hand.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>

struct slab_chunk;
struct slab_arena;

struct slab {
	size_t size;  /* bytes of an object */
	size_t limit; /* objects at most; 0: as memory allows */
	size_t used;
	size_t each;		    /* objects of a chunk */
	struct slab_chunk *partial; /* with objects and with room */
	struct slab_chunk *spare;   /* without objects, at hand */
	struct slab_arena *arenas;
	size_t away; /* chunks that have given back their memory */
};

void slab_init(struct slab *s, size_t size, size_t limit);
/* Every object must have been freed (checked). */
void slab_done(struct slab *s);
/* A zeroed object, or NULL at the limit or out of memory. */
void *slab_alloc(struct slab *s);
void slab_free(struct slab *s, void *obj);

#endif
