/* SPDX-License-Identifier: ISC */
/*
 * Calls that wait: a blocking connect() or accept().  The thread stands still,
 * the trap does not: it has the socket in its epoll set.
 *
 * And attempts to connect that nobody waits in: when one is over, the send
 * buffer must become what it shall be, for a program may poll, ask nothing and
 * write.  That takes a copy of its socket, which is let go of, a quarter of a
 * second late at most, when the program has closed its own.
 *
 * What no descriptor tells is looked for, 20 ms after the call began and then
 * ever more seldom, to four times a second: whether the caller was killed, has
 * waited as long as SO_RCVTIMEO or SO_SNDTIMEO says, or has a signal.  A signal
 * does not end a call that was received (that is WAIT_KILLABLE_RECV, without
 * which a call that was made would be made again), unless it kills.
 *
 * For a signal the kernel's own word is given, ERESTARTSYS, on which it runs
 * the handler and begins the call anew or makes it EINTR, as SA_RESTART has it;
 * beginning anew does no harm to an attempt under way.  It may only be said to
 * a thread that has the signal for certain; of several, that one of them will
 * take it, it is EINTR.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>
#include "ident.h"
#include "sys.h"
#include "trap.h"

#define ERESTARTSYS 512

#define WAITERS_MAX   4096
#define ALONE_MAX     1024
#define LOOK_FIRST_MS 20
#define LOOK_MAX_MS   250

struct waiter {
	struct trap_op op;
	int64_t next_ms; /* look */
	int step_ms;
	TAILQ_ENTRY(waiter) link;
};

static TAILQ_HEAD(, waiter) waiters = TAILQ_HEAD_INITIALIZER(waiters);
/* Of calls, and of attempts that nobody waits in. */
static unsigned nwaiters[2];
/* No look is due before. */
static int64_t earliest_ms = INT64_MAX;

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
schedule(struct waiter *w, int64_t now)
{
	w->next_ms = now + w->step_ms;
	w->step_ms =
	    w->step_ms * 2 < LOOK_MAX_MS ? w->step_ms * 2 : LOOK_MAX_MS;
	if (w->op.end_ms >= 0 && w->op.end_ms < w->next_ms)
		w->next_ms = w->op.end_ms;
	if (w->next_ms < earliest_ms)
		earliest_ms = w->next_ms;
}

static bool
watch(struct waiter *w)
{
	struct epoll_event ev = {.events = w->op.events, .data.ptr = w};

	return epoll_ctl(trap.epoll, EPOLL_CTL_ADD, w->op.fd, &ev) == 0;
}

/* The set knows the file, not our descriptor of it. */
static void
unwatch(struct waiter *w)
{
	epoll_ctl(trap.epoll, EPOLL_CTL_DEL, w->op.fd, NULL);
}

/* Before the program goes on. */
void
trap_restore(struct trap_op *op)
{
	int fl;

	if (!op->was_blocking)
		return;
	op->was_blocking = false;
	fl = sys_fcntl(op->fd, F_GETFL, 0);
	sys_fcntl(op->fd, F_SETFL, fl & ~O_NONBLOCK);
}

static void
forget(struct waiter *w)
{
	TAILQ_REMOVE(&waiters, w, link);
	nwaiters[w->op.alone]--;
	trap_restore(&w->op);
	close(w->op.fd);
	free(w);
}

/* false: there are too many. */
static bool
enlist(const struct trap_op *op)
{
	unsigned most = op->alone ? ALONE_MAX : WAITERS_MAX;
	struct waiter *w =
	    nwaiters[op->alone] < most ? calloc(1, sizeof *w) : NULL;
	int64_t now = now_ms();

	if (w == NULL)
		return false;
	w->op = *op;
	w->step_ms = LOOK_FIRST_MS;
	if (w->op.end_ms >= 0)
		w->op.end_ms += now;
	if (!watch(w)) {
		free(w);
		return false;
	}
	TAILQ_INSERT_TAIL(&waiters, w, link);
	nwaiters[op->alone]++;
	schedule(w, now);
	return true;
}

void
trap_wait(const struct trap_op *op)
{
	struct trap_op copy = *op;

	if (enlist(op))
		return;
	trap_restore(&copy);
	trap_answer(&copy.c, -ENOBUFS);
	close(copy.fd);
}

/* What the daemon has not read: of one that connects, the hello. */
static size_t
unread(int fd)
{
	int n = 0;

	sys_ioctl(fd, SIOCOUTQ, &n);
	return (size_t)n;
}

static bool
settle(struct trap_op *op, uint32_t events)
{
	ident_settle(op->fd);
	return true;
}

void
trap_settle_later(const struct trap_call *c, int fd)
{
	struct trap_op op = {.c = *c,
	    .fd = fd,
	    .events = EPOLLOUT,
	    .end_ms = -1,
	    .alone = true,
	    .size = unread(fd),
	    .again = settle};

	if (!enlist(&op))
		close(fd);
}

void
trap_happened(void *waiter, uint32_t events)
{
	struct waiter *w = waiter;

	unwatch(w);
	if (!w->op.again(&w->op, events)) {
		if (watch(w))
			return;
		trap_restore(&w->op);
		trap_answer(&w->op.c, -ENOBUFS);
	}
	forget(w);
}

/* What a signal that waits makes of the call; 0: there is none. */
static int
interruption(const struct trap_op *op)
{
	struct trap_status s;

	if (!trap_status(op->c.tid, &s) ||
	    ((s.pending | s.shared) & ~s.blocked) == 0)
		return 0;
	/* With a time-out it would begin to wait anew. */
	if (op->end_ms >= 0)
		return -EINTR;
	return s.pending & ~s.blocked || s.threads == 1 ? -ERESTARTSYS : -EINTR;
}

static uint64_t
cookie(int fd)
{
	uint64_t v = 0;
	socklen_t len = sizeof v;

	sys_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &v, &len);
	return v;
}

/* Has the program the socket still, where it was? */
static bool
still_open(const struct trap_op *op)
{
	int fd = trap_getfd(&op->c, (int)op->c.arg[0]);
	bool same = fd >= 0 && cookie(fd) == cookie(op->fd);

	if (fd >= 0)
		close(fd);
	return same;
}

/* true: the waiter is gone. */
static bool
look_after(struct waiter *w, int64_t now)
{
	int result = 0;

	if (w->op.alone) {
		/* The program may have filled the small buffer before we saw
		 * that it was empty; it is never ready then. */
		if (unread(w->op.fd) != w->op.size)
			ident_settle(w->op.fd);
		else if (still_open(&w->op))
			return false;
	} else if (trap_valid(&w->op.c)) {
		if (w->op.end_ms >= 0 && w->op.end_ms <= now)
			result = w->op.timed_out;
		else
			result = interruption(&w->op);
		if (result == 0)
			return false;
	}
	unwatch(w);
	trap_restore(&w->op);
	close(w->op.fd); /* before the program can close its own */
	w->op.fd = -1;
	if (result != 0)
		trap_answer(
		    &w->op.c, w->op.done > 0 ? (long)w->op.done : result);
	forget(w);
	return true;
}

int
trap_look(void)
{
	struct waiter *w, *next;
	int64_t now;

	if (TAILQ_EMPTY(&waiters))
		return -1;
	now = now_ms();
	if (now >= earliest_ms) {
		earliest_ms = INT64_MAX;
		for (w = TAILQ_FIRST(&waiters); w != NULL; w = next) {
			next = TAILQ_NEXT(w, link);
			if (w->next_ms > now) {
				if (w->next_ms < earliest_ms)
					earliest_ms = w->next_ms;
			} else if (!look_after(w, now)) {
				schedule(w, now);
			}
		}
		if (TAILQ_EMPTY(&waiters))
			return -1;
	}
	return (int)(earliest_ms - now);
}
