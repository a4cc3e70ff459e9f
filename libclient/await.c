/* SPDX-License-Identifier: ISC */
/*
 * Where the library waits in the program's place, and puts another descriptor
 * there: what the trap does otherwise (trap_hook.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include "dgram.h"
#include "ident.h"
#include "sock.h"
#include "sys.h"

/* Did every handler of the program ask for interrupted calls to go on?  A
 * blocking connect() that waits in poll() cannot learn it otherwise. */
static bool
handlers_restart(void)
{
	struct sigaction sa;
	bool any = false;
	int sig, saved = errno;

	for (sig = 1; sig < NSIG; sig++) {
		if (sigaction(sig, NULL, &sa) != 0 ||
		    sa.sa_handler == SIG_DFL || sa.sa_handler == SIG_IGN)
			continue;
		if (!(sa.sa_flags & SA_RESTART)) {
			errno = saved;
			return false;
		}
		any = true;
	}
	errno = saved;
	return any;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
sock_await(int fd, uint64_t handle, const struct sockopts *fresh)
{
	int64_t limit = sock_patience_ms(fd, SO_SNDTIMEO);
	int64_t end = limit < 0 ? 0 : now_ms() + limit;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int saved = errno, r;

	for (;;) {
		if (limit >= 0) {
			limit = end - now_ms();
			limit = limit < 0 ? 0 : limit;
		}
		r = poll(&p, 1, limit > INT32_MAX ? INT32_MAX : (int)limit);
		if (r == 0)
			return -EINPROGRESS;
		/* Another thread has closed it; what came of it nobody knows.
		 */
		if (r > 0 && p.revents & POLLNVAL)
			return limit >= 0 && now_ms() >= end ? -EINPROGRESS
							     : -EBADF;
		if (r > 0)
			return sock_arrived(fd, handle, p.revents, fresh);
		r = errno;
		errno = saved;
		if (r != EINTR || limit >= 0 || !handlers_restart())
			return -r;
	}
}

/* Readers here tell a header from a payload. */
void
dgram_left_behind(int fd, struct dgram *d)
{
}

int
ident_replace(int fd, int new)
{
	int fl = sys_fcntl(fd, F_GETFD, 0), r;
	struct watch w[WATCH_MAX];
	struct epoll_event ev;
	unsigned n = ident_watches(fd, w), i, kept = 0;

	/* Those that still do. */
	for (i = 0; i < n; i++) {
		ev = (struct epoll_event){w[i].events, {.u64 = w[i].data}};
		if (w[i].fd == fd &&
		    sys_epoll_ctl(w[i].ep, EPOLL_CTL_MOD, fd, &ev) == 0)
			w[kept++] = w[i];
	}
	do
		r = sys_dup3(
		    new, fd, fl > 0 && fl & FD_CLOEXEC ? O_CLOEXEC : 0);
	while (r == -EINTR || r == -EBUSY);
	sys_close(new);
	for (i = 0; i < kept && r >= 0; i++) {
		ev = (struct epoll_event){w[i].events, {.u64 = w[i].data}};
		sys_epoll_ctl(w[i].ep, EPOLL_CTL_ADD, fd, &ev);
	}
	return r < 0 ? r : 0;
}

/* As the kernel does: to this very thread. */
void
sock_raise_sigpipe(void)
{
	SYS(SYS_tgkill, SYS(SYS_getpid, 0, 0, 0, 0, 0, 0),
	    SYS(SYS_gettid, 0, 0, 0, 0, 0, 0), SIGPIPE, 0, 0, 0);
}
