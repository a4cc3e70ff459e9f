/* SPDX-License-Identifier: ISC */
/*
 * Mapping a ring: its page and, behind it, its bytes twice, so that what begins
 * near their end goes on without a break.  For the engine and for programs,
 * who may be in a signal handler: nothing is allocated but the mapping.
 */
#include <errno.h>
#include <sys/mman.h>
#include "ipc/ring.h"

static size_t
span(const struct ring *r)
{
	return RING_DATA + 2 * (size_t)r->size;
}

static bool
map_at(uint8_t *at, size_t n, int fd, off_t off)
{
	return mmap(at, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		   off) != MAP_FAILED;
}

int
ring_map(struct ring *r, int fd, uint32_t size)
{
	uint8_t *at;
	int err;

	if (size < RING_SIZE_MIN || size > RING_SIZE_MAX ||
	    (size & (size - 1)) != 0)
		return -EINVAL;
	r->size = size;
	at = mmap(NULL, span(r), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	r->page = (struct ring_page *)(void *)at;
	r->data = at + RING_DATA;
	if (map_at(at, RING_DATA + (size_t)size, fd, 0) &&
	    map_at(r->data + size, size, fd, RING_DATA))
		return 0;
	err = -errno;
	ring_unmap(r);
	return err;
}

void
ring_unmap(struct ring *r)
{
	munmap(r->page, span(r));
	r->page = NULL;
}
