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
#include "hint.h"
#include "ident.h"
#include "real.h"
#include "sock.h"

/* The numbers for which something was written down in this process, until it
 * is seen that they need it no more.  A change of any other's registration, as
 * a server makes when a connection's buffer is full, is one call. */
static struct hints watched;

static bool
may_be_watched(int fd)
{
	return fd >= HINT_MAX || hint_in(&watched, fd);
}

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
		hint_put(&watched, fd, true);
	}
	ident_keep_watches(fd, w, n);
}

int
sock_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	int r = real.epoll_ctl(ep, op, fd, ev), saved = errno;
	uint64_t handle;

	if (r == 0 && (op == EPOLL_CTL_ADD || may_be_watched(fd))) {
		if (ident_ours(fd, &handle) && ident_replaceable(fd))
			note(ep, op, fd, ev);
		else
			hint_put(&watched, fd, false);
	}
	errno = saved;
	return r;
}
