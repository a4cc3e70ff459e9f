/* SPDX-License-Identifier: ISC */
/*
 * Numbers that sockets of ours were given in this process.  Only a hint: that a
 * write() to them is better made a send(), whose SIGPIPE can be held back.  The
 * kernel says what a descriptor is; a hint that is wrong costs a call, and one
 * that is missing (dup, exec, a passed descriptor) the order of a signal.
 */
#ifndef LIBCLIENT_HINT_H
#define LIBCLIENT_HINT_H

#include <limits.h>
#include <stdbool.h>

#define HINT_MAX  65536
#define HINT_BITS ((int)(sizeof(long) * CHAR_BIT))

struct hints {
	unsigned long words[HINT_MAX / HINT_BITS];
};

extern struct hints hint_ours;
/* Those of them whose connect() returned before it was over, as long as nobody
 * has written since: a missing one leaves a small send buffer. */
extern struct hints hint_waits;

static inline bool
hint_in(const struct hints *h, int fd)
{
	return fd >= 0 && fd < HINT_MAX &&
	       __atomic_load_n(&h->words[fd / HINT_BITS], __ATOMIC_RELAXED) >>
		       fd % HINT_BITS &
		   1;
}

static inline void
hint_put(struct hints *h, int fd, bool on)
{
	unsigned long bit;

	if (fd < 0 || fd >= HINT_MAX || hint_in(h, fd) == on)
		return;
	bit = 1UL << fd % HINT_BITS;
	if (on)
		__atomic_fetch_or(
		    &h->words[fd / HINT_BITS], bit, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(
		    &h->words[fd / HINT_BITS], ~bit, __ATOMIC_RELAXED);
}

static inline bool
hint_has(int fd)
{
	return hint_in(&hint_ours, fd);
}

static inline void
hint_set(int fd, bool on)
{
	hint_put(&hint_ours, fd, on);
}

#endif
