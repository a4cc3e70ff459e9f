/* SPDX-License-Identifier: ISC */
/*
 * Registrations with epoll that have to outlive a replaced socket.
 *
 * A program may register a socket before connect(), which then makes it one of
 * the kernel's TCP, or may try again after a failure: another socket takes the
 * descriptor's number, and epoll forgets what was closed.  So who registers a
 * socket of ours that may yet be replaced is written down on the descriptor
 * itself, and ident_replace() registers the new one.  Nothing else of epoll is
 * looked at.
 */
#include <errno.h>
#include "ident.h"
#include "real.h"
#include "sock.h"

/* Was anything ever written down in this process?  A change of a registration
 * costs nothing extra in those where the answer is no: most. */
static volatile bool any;

static void
note(int ep, int op, int fd, const struct epoll_event *ev)
{
	struct watch w[WATCH_MAX];
	unsigned n = ident_watches(fd, w), i;

	for (i = 0; i < n && (w[i].ep != ep || w[i].fd != fd); i++)
		;
	if (op == EPOLL_CTL_DEL) {
		if (i == n)
			return;
		w[i] = w[--n];
	} else {
		if (i == WATCH_MAX)
			return;
		w[i] = (struct watch){ep, fd, ev->events, ev->data.u64};
		n += i == n;
		any = true;
	}
	ident_keep_watches(fd, w, n);
}

int
sock_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	int r = real.epoll_ctl(ep, op, fd, ev), saved = errno;
	uint64_t handle;

	if (r == 0 && (op == EPOLL_CTL_ADD || any) && ident_ours(fd, &handle) &&
	    ident_replaceable(fd))
		note(ep, op, fd, ev);
	errno = saved;
	return r;
}
