/* SPDX-License-Identifier: ISC */
/*
 * System calls without the C library: they return a negative errno, leave
 * errno alone, are no cancellation points, and cannot be caught by this very
 * library's own symbols.  Everything that the shim does for itself goes
 * through these.
 */
#ifndef LIBCLIENT_SYS_H
#define LIBCLIENT_SYS_H

#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#if defined(__x86_64__)
#define SYS_HAVE_RAW 1
static inline long
sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile(
	    "syscall"
	    : "=a"(ret)
	    : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	    : "rcx", "r11", "memory");
	return ret;
}
#elif defined(__aarch64__)
#define SYS_HAVE_RAW 1
static inline long
sys6(long n, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#define SYS_HAVE_RAW 0
static inline long
sys6(long n, long a, long b, long c, long d, long e, long f)
{
	int saved = errno;
	long ret = syscall(n, a, b, c, d, e, f);

	if (ret == -1)
		ret = -errno;
	errno = saved;
	return ret;
}
#endif

#define SYS(n, a, b, c, d, e, f)                                               \
	sys6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),         \
	    (long)(f))

static inline int
sys_socket(int domain, int type, int protocol)
{
	return (int)SYS(SYS_socket, domain, type, protocol, 0, 0, 0);
}

static inline int
sys_close(int fd)
{
	return (int)SYS(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline int
sys_connect(int fd, const void *sa, socklen_t len)
{
	return (int)SYS(SYS_connect, fd, sa, len, 0, 0, 0);
}

static inline int
sys_bind(int fd, const void *sa, socklen_t len)
{
	return (int)SYS(SYS_bind, fd, sa, len, 0, 0, 0);
}

static inline int
sys_listen(int fd, int backlog)
{
	return (int)SYS(SYS_listen, fd, backlog, 0, 0, 0, 0);
}

static inline int
sys_getsockname(int fd, void *sa, socklen_t *len)
{
	return (int)SYS(SYS_getsockname, fd, sa, len, 0, 0, 0);
}

static inline int
sys_getpeername(int fd, void *sa, socklen_t *len)
{
	return (int)SYS(SYS_getpeername, fd, sa, len, 0, 0, 0);
}

static inline int
sys_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	return (int)SYS(SYS_getsockopt, fd, level, name, val, len, 0);
}

static inline int
sys_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	return (int)SYS(SYS_setsockopt, fd, level, name, val, len, 0);
}

static inline int
sys_shutdown(int fd, int how)
{
	return (int)SYS(SYS_shutdown, fd, how, 0, 0, 0, 0);
}

static inline ssize_t
sys_send(int fd, const void *buf, size_t n, int flags)
{
	return SYS(SYS_sendto, fd, buf, n, flags, 0, 0);
}

static inline ssize_t
sys_recv(int fd, void *buf, size_t n, int flags)
{
	return SYS(SYS_recvfrom, fd, buf, n, flags, 0, 0);
}

static inline ssize_t
sys_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return SYS(SYS_sendmsg, fd, m, flags, 0, 0, 0);
}

static inline ssize_t
sys_recvmsg(int fd, struct msghdr *m, int flags)
{
	return SYS(SYS_recvmsg, fd, m, flags, 0, 0, 0);
}

static inline int
sys_fcntl(int fd, int cmd, long arg)
{
	return (int)SYS(SYS_fcntl, fd, cmd, arg, 0, 0, 0);
}

static inline int
sys_ioctl(int fd, unsigned long req, void *arg)
{
	return (int)SYS(SYS_ioctl, fd, req, arg, 0, 0, 0);
}

static inline int
sys_epoll_ctl(int ep, int op, int fd, void *ev)
{
	return (int)SYS(SYS_epoll_ctl, ep, op, fd, ev, 0, 0);
}

static inline int
sys_dup3(int from, int to, int flags)
{
	return (int)SYS(SYS_dup3, from, to, flags, 0, 0, 0);
}

/*
 * Is there memory at p, n bytes of it?  What a system call answers with EFAULT
 * a library must not die of.  mincore() is asked, which touches nothing; memory
 * that is there and may not be read or written passes.
 */
static inline bool
sys_mapped(const void *p, size_t n)
{
	uintptr_t page = getauxval(AT_PAGESZ), end = (uintptr_t)p + n;
	uintptr_t a = (uintptr_t)p & ~(page - 1);
	unsigned char core;

	if (n > 0 && end - 1 < (uintptr_t)p)
		return false;
	for (; n > 0 && a < end && a + page > a; a += page)
		if (SYS(SYS_mincore, a, page, &core, 0, 0, 0) == -ENOMEM)
			return false;
	return true;
}

#endif
