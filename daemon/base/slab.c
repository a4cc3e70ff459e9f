/* SPDX-License-Identifier: ISC */
/*
 * Slabs: chunks of 64 KiB, so aligned that an object's address names its
 * chunk, cut into objects; a freed object is its chunk's next one, while it is
 * warm.  Chunks come in arenas of 2 MiB, from the second on of huge pages where
 * the kernel has them: a million objects all over memory are a miss of the
 * address translation each, else.  A chunk that gives its memory back keeps its
 * place in the arena.
 *
 * Under AddressSanitizer freed objects are poisoned past the link that they
 * hold, so a use after the end is caught.
 */
#include <sys/mman.h>
#include <stdint.h>
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

#define CHUNK_BYTES ((size_t)65536)
#define ARENA_BYTES ((size_t)2 << 20)
#define CHUNKS	    (ARENA_BYTES / CHUNK_BYTES)

struct slab_arena {
	struct slab_arena *next;
	unsigned char *base;
	uint32_t away; /* bit i: chunk i has no memory */
};

_Static_assert(CHUNKS == 32, "a bit each");

struct freeobj {
	struct freeobj *next;
};

struct slab_chunk {
	struct slab_chunk *next, **prev; /* among the partial ones */
	struct slab_arena *arena;
	struct freeobj *free;
	size_t used;
	size_t fresh; /* objects that were never handed out: the last ones */
	_Alignas(16) unsigned char data[];
};

void
slab_init(struct slab *s, size_t size, size_t limit)
{
	CHECK(size <= CHUNK_BYTES - sizeof(struct slab_chunk));
	if (size < sizeof(struct freeobj))
		size = sizeof(struct freeobj);
	*s = (struct slab){.size = (size + 15) & ~(size_t)15, .limit = limit};
	s->each = (CHUNK_BYTES - sizeof(struct slab_chunk)) / s->size;
}

void
slab_done(struct slab *s)
{
	struct slab_arena *a;

	CHECK(s->used == 0);
	while ((a = s->arenas) != NULL) {
		s->arenas = a->next;
		ASAN_UNPOISON_MEMORY_REGION(a->base, ARENA_BYTES);
		munmap(a->base, ARENA_BYTES);
		free(a);
	}
	s->partial = s->spare = NULL;
	s->away = 0;
}

/* ---- chunks ---- */

static int
arena_new(struct slab *s)
{
	struct slab_arena *a = malloc(sizeof *a);
	unsigned char *p;
	size_t before;

	if (a == NULL)
		return 0;
	p = mmap(NULL, 2 * ARENA_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		free(a);
		return 0;
	}
	before = -(uintptr_t)p % ARENA_BYTES;
	if (before > 0)
		munmap(p, before);
	munmap(p + before + ARENA_BYTES, ARENA_BYTES - before);
	a->base = p + before;
	if (s->arenas != NULL)
		(void)madvise(a->base, ARENA_BYTES, MADV_HUGEPAGE);
	a->away = UINT32_MAX;
	a->next = s->arenas;
	s->arenas = a;
	s->away += CHUNKS;
	return 1;
}

static void
link_partial(struct slab *s, struct slab_chunk *c)
{
	c->next = s->partial;
	c->prev = &s->partial;
	if (c->next != NULL)
		c->next->prev = &c->next;
	s->partial = c;
}

static void
unlink_partial(struct slab_chunk *c)
{
	*c->prev = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
}

static int
grow(struct slab *s)
{
	struct slab_chunk *c = s->spare;
	struct slab_arena *a;
	unsigned i;

	if (c != NULL) {
		s->spare = NULL;
		link_partial(s, c);
		return 1;
	}
	if (s->away == 0 && !arena_new(s))
		return 0;
	for (a = s->arenas; a->away == 0; a = a->next)
		;
	i = (unsigned)__builtin_ctz(a->away);
	a->away &= ~(1u << i);
	s->away--;
	c = (void *)(a->base + i * CHUNK_BYTES);
	*c = (struct slab_chunk){.arena = a, .fresh = s->each};
	link_partial(s, c);
	return 1;
}

/* c has no objects any more. */
static void
retire(struct slab *s, struct slab_chunk *c)
{
	struct slab_arena *a = c->arena;

	unlink_partial(c);
	if (s->spare == NULL) {
		s->spare = c;
		return;
	}
	ASAN_UNPOISON_MEMORY_REGION(c, CHUNK_BYTES);
	(void)madvise(c, CHUNK_BYTES, MADV_DONTNEED);
	a->away |= 1u << (size_t)((unsigned char *)c - a->base) / CHUNK_BYTES;
	s->away++;
}

/* ---- objects ---- */

void *
slab_alloc(struct slab *s)
{
	struct slab_chunk *c;
	struct freeobj *o;

	if (s->limit != 0 && s->used >= s->limit)
		return NULL;
	if (s->partial == NULL && !grow(s))
		return NULL;
	c = s->partial;
	if ((o = c->free) != NULL)
		c->free = o->next;
	else
		o = (void *)(c->data + (s->each - c->fresh--) * s->size);
	if (++c->used == s->each)
		unlink_partial(c);
	s->used++;
	ASAN_UNPOISON_MEMORY_REGION(o, s->size);
	return memset(o, 0, s->size);
}

void
slab_free(struct slab *s, void *obj)
{
	struct slab_chunk *c =
	    (void *)((uintptr_t)obj & ~(uintptr_t)(CHUNK_BYTES - 1));
	struct freeobj *o = obj;

	CHECK(s->used > 0);
	o->next = c->free;
	c->free = o;
	ASAN_POISON_MEMORY_REGION(o + 1, s->size - sizeof *o);
	if (c->used-- == s->each)
		link_partial(s, c);
	s->used--;
	if (c->used == 0)
		retire(s, c);
}
