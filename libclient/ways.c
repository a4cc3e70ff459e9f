/* SPDX-License-Identifier: ISC */
/*
 * Calls by which something may come to write to a socket of ours that is not
 * seen here: each ends the socket's ring first (lane.c), or the candidacy for
 * one, and is otherwise the C library's.
 *
 * duplicates: of dup() and its like each writes under a number of its own.
 * stdio: the C library's own streams write by calls inside of it.
 * children: sh of system() and popen() has what is inherited.
 * sandboxes: who forbids himself system calls shall not be caught by ours.
 * io_uring: a program that has one is let alone altogether.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "lane.h"
#include "real.h"
#include "sys.h"

#define EXPORT __attribute__((visibility("default")))

static int
result(long r)
{
	if (r >= 0)
		return (int)r;
	errno = (int)-r;
	return -1;
}

/* Here is where all of them are seen. */
__attribute__((constructor)) static void
setup(void)
{
	lane_enable();
}

/* ---- duplicates ---- */

EXPORT int
dup(int fd)
{
	lane_end(fd);
	return result(SYS(SYS_dup, fd, 0, 0, 0, 0, 0));
}

EXPORT int
dup2(int fd, int to)
{
	int (*next)(int, int) = NULL;

	lane_end(fd);
	real_resolve("dup2", &next);
	return next(fd, to);
}

EXPORT int
dup3(int fd, int to, int flags)
{
	lane_end(fd);
	return result(sys_dup3(fd, to, flags));
}

EXPORT int
fcntl(int fd, int cmd, ...)
{
	static int (*next)(int, int, ...);
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		lane_end(fd);
	if (next == NULL)
		real_resolve("fcntl64", &next);
	return next(fd, cmd, arg);
}

EXPORT int fcntl64(int fd, int cmd, ...) __attribute__((alias("fcntl")));

/* ---- stdio, and what has an offset that a socket has not ---- */

EXPORT FILE *
fdopen(int fd, const char *mode)
{
	FILE *(*next)(int, const char *) = NULL;

	lane_end(fd);
	real_resolve("fdopen", &next);
	return next(fd, mode);
}

EXPORT int
vdprintf(int fd, const char *format, va_list ap)
{
	int (*next)(int, const char *, va_list) = NULL;

	lane_end(fd);
	real_resolve("vdprintf", &next);
	return next(fd, format, ap);
}

EXPORT int
dprintf(int fd, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = vdprintf(fd, format, ap);
	va_end(ap);
	return r;
}

int __vdprintf_chk(int fd, int flag, const char *format, va_list ap);
int __dprintf_chk(int fd, int flag, const char *format, ...);

EXPORT int
__vdprintf_chk(int fd, int flag, const char *format, va_list ap)
{
	int (*next)(int, int, const char *, va_list) = NULL;

	lane_end(fd);
	real_resolve("__vdprintf_chk", &next);
	return next(fd, flag, format, ap);
}

EXPORT int
__dprintf_chk(int fd, int flag, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = __vdprintf_chk(fd, flag, format, ap);
	va_end(ap);
	return r;
}

EXPORT ssize_t
pwritev2(int fd, const struct iovec *v, int n, off_t off, int flags)
{
	ssize_t (*next)(int, const struct iovec *, int, off_t, int) = NULL;

	lane_end(fd);
	real_resolve("pwritev2", &next);
	return next(fd, v, n, off, flags);
}

/* ---- children ---- */

EXPORT int
system(const char *command)
{
	int (*next)(const char *) = NULL;

	lane_end_inherited(false);
	real_resolve("system", &next);
	return next(command);
}

EXPORT FILE *
popen(const char *command, const char *mode)
{
	FILE *(*next)(const char *, const char *) = NULL;

	lane_end_inherited(false);
	real_resolve("popen", &next);
	return next(command, mode);
}

/* ---- sandboxes ---- */

EXPORT int
prctl(int what, ...)
{
	unsigned long a[4];
	va_list ap;
	int i;

	va_start(ap, what);
	for (i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (what == PR_SET_SECCOMP)
		lane_disable();
	return result(SYS(SYS_prctl, what, a[0], a[1], a[2], a[3], 0));
}

/* ---- io_uring ---- */

struct io_uring;
struct io_uring_params;
int io_uring_queue_init(unsigned n, struct io_uring *u, unsigned flags);
int io_uring_queue_init_params(
    unsigned n, struct io_uring *u, struct io_uring_params *p);
int io_uring_setup(unsigned n, struct io_uring_params *p);

EXPORT int
io_uring_queue_init(unsigned n, struct io_uring *u, unsigned flags)
{
	int (*next)(unsigned, struct io_uring *, unsigned) = NULL;

	lane_disable();
	real_resolve("io_uring_queue_init", &next);
	return next != NULL ? next(n, u, flags) : -ENOSYS;
}

EXPORT int
io_uring_queue_init_params(
    unsigned n, struct io_uring *u, struct io_uring_params *p)
{
	int (*next)(unsigned, struct io_uring *, struct io_uring_params *) =
	    NULL;

	lane_disable();
	real_resolve("io_uring_queue_init_params", &next);
	return next != NULL ? next(n, u, p) : -ENOSYS;
}

EXPORT int
io_uring_setup(unsigned n, struct io_uring_params *p)
{
	lane_disable();
	return (int)SYS(SYS_io_uring_setup, n, p, 0, 0, 0, 0);
}
