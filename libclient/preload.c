/* SPDX-License-Identifier: ISC */
/*
 * libtcpd-preload.so: the C library's names for what sock.h does.
 *
 * Nothing on the wait path is here (poll, select, epoll_wait), nor close: a
 * descriptor of ours is a real one.  The plain data calls are here to put an
 * errno right and for the ring; ways.c has what only ends that.  The
 * fortified names (__recv_chk and so on) check their room as the C library
 * does and go the same way.
 *
 * syscall() is here for programs that make socket calls through it; the exec
 * family is in exec.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "dgram.h"
#include "exec.h"
#include "hint.h"
#include "iface.h"
#include "lane.h"
#include "real.h"
#include "sock.h"
#include "sys.h"

#define EXPORT __attribute__((visibility("default")))

_Noreturn void __chk_fail(void);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags,
    __SOCKADDR_ARG sa, socklen_t *len);

EXPORT int
socket(int domain, int type, int protocol)
{
	return sock_socket(domain, type, protocol);
}

EXPORT int
connect(int fd, __CONST_SOCKADDR_ARG sa, socklen_t len)
{
	return sock_connect(fd, sa.__sockaddr__, len);
}

EXPORT int
bind(int fd, __CONST_SOCKADDR_ARG sa, socklen_t len)
{
	return sock_bind(fd, sa.__sockaddr__, len);
}

EXPORT int
listen(int fd, int backlog)
{
	return sock_listen(fd, backlog);
}

EXPORT int
accept(int fd, __SOCKADDR_ARG sa, socklen_t *len)
{
	return sock_accept4(fd, sa.__sockaddr__, len, 0);
}

EXPORT int
accept4(int fd, __SOCKADDR_ARG sa, socklen_t *len, int flags)
{
	return sock_accept4(fd, sa.__sockaddr__, len, flags);
}

EXPORT int
getsockname(int fd, __SOCKADDR_ARG sa, socklen_t *len)
{
	return sock_getsockname(fd, sa.__sockaddr__, len);
}

EXPORT int
getpeername(int fd, __SOCKADDR_ARG sa, socklen_t *len)
{
	return sock_getpeername(fd, sa.__sockaddr__, len);
}

EXPORT int
getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	return sock_getsockopt(fd, level, name, val, len);
}

EXPORT int
setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	return sock_setsockopt(fd, level, name, val, len);
}

EXPORT int
shutdown(int fd, int how)
{
	return sock_shutdown(fd, how);
}

EXPORT int
ioctl(int fd, unsigned long req, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, req);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (sock_ioctl_ours(req))
		return sock_ioctl(fd, req, arg);
	return real.ioctl(fd, req, arg);
}

/* ---- reading ---- */

EXPORT ssize_t
read(int fd, void *buf, size_t n)
{
	ssize_t r;

	if (dgram_seen && sock_read(fd, buf, n, &r))
		return r;
	r = real.read(fd, buf, n);
	return r >= 0 ? r : sock_read_failed(fd);
}

EXPORT ssize_t
__read_chk(int fd, void *buf, size_t n, size_t room)
{
	if (n > room)
		__chk_fail();
	return read(fd, buf, n);
}

EXPORT ssize_t
readv(int fd, const struct iovec *iov, int n)
{
	ssize_t r;

	if (dgram_seen && sock_readv(fd, iov, n, &r))
		return r;
	r = real.readv(fd, iov, n);
	return r >= 0 ? r : sock_read_failed(fd);
}

EXPORT ssize_t
recv(int fd, void *buf, size_t n, int flags)
{
	return sock_recvfrom(fd, buf, n, flags, NULL, NULL);
}

EXPORT ssize_t
__recv_chk(int fd, void *buf, size_t n, size_t room, int flags)
{
	if (n > room)
		__chk_fail();
	return sock_recvfrom(fd, buf, n, flags, NULL, NULL);
}

EXPORT ssize_t
recvfrom(
    int fd, void *buf, size_t n, int flags, __SOCKADDR_ARG sa, socklen_t *len)
{
	return sock_recvfrom(fd, buf, n, flags, sa.__sockaddr__, len);
}

EXPORT ssize_t
__recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags,
    __SOCKADDR_ARG sa, socklen_t *len)
{
	if (n > room)
		__chk_fail();
	return sock_recvfrom(fd, buf, n, flags, sa.__sockaddr__, len);
}

EXPORT ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	return sock_recvmsg(fd, m, flags);
}

EXPORT int
recvmmsg(
    int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *limit)
{
	return sock_recvmmsg(fd, v, n, flags, limit);
}

/* ---- writing ---- */

EXPORT ssize_t
write(int fd, const void *buf, size_t n)
{
	ssize_t r;

	if (dgram_seen && sock_write(fd, buf, n, &r))
		return r;
	if (hint_has(fd) && sock_write_hinted(fd, buf, n, &r))
		return r;
	r = real.write(fd, buf, n);
	return r >= 0 ? r : sock_write_failed(fd);
}

EXPORT ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	ssize_t r;

	if (dgram_seen && sock_writev(fd, iov, n, &r))
		return r;
	if (hint_has(fd) && sock_writev_hinted(fd, iov, n, &r))
		return r;
	r = real.writev(fd, iov, n);
	return r >= 0 ? r : sock_write_failed(fd);
}

EXPORT ssize_t
send(int fd, const void *buf, size_t n, int flags)
{
	return sock_sendto(fd, buf, n, flags, NULL, 0);
}

EXPORT ssize_t
sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG sa,
    socklen_t len)
{
	return sock_sendto(fd, buf, n, flags, sa.__sockaddr__, len);
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	return sock_sendmsg(fd, m, flags);
}

EXPORT int
sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
	return sock_sendmmsg(fd, v, n, flags);
}

EXPORT ssize_t
sendfile(int out, int in, off_t *off, size_t n)
{
	ssize_t r;

	sock_settle(out);
	lane_end(out);
	r = real.sendfile(out, in, off, n);
	return r >= 0 ? r : sock_write_failed(out);
}

EXPORT ssize_t
sendfile64(int out, int in, off64_t *off, size_t n)
{
	ssize_t r;

	sock_settle(out);
	lane_end(out);
	r = real.sendfile(out, in, (off_t *)off, n);
	return r >= 0 ? r : sock_write_failed(out);
}

/* One of them is a pipe, or it fails as it would without us. */
EXPORT ssize_t
splice(int in, off64_t *in_off, int out, off64_t *out_off, size_t n,
    unsigned flags)
{
	ssize_t r;

	lane_end(out);
	r = real.splice(in, in_off, out, out_off, n, flags);
	if (r >= 0)
		return r;
	return sock_read_failed(in) == 0 ? 0 : sock_write_failed(out);
}

/* ---- who watches ---- */

EXPORT int
epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	return sock_epoll_ctl(ep, op, fd, ev);
}

/* ---- which addresses there are ---- */

EXPORT int
getifaddrs(struct ifaddrs **list)
{
	return iface_getifaddrs(list);
}

EXPORT void
freeifaddrs(struct ifaddrs *list)
{
	iface_freeifaddrs(list);
}

EXPORT unsigned
if_nametoindex(const char *name)
{
	return iface_nametoindex(name);
}

EXPORT char *
if_indextoname(unsigned index, char name[IFNAMSIZ])
{
	return iface_indextoname(index, name);
}

/* ---- by number ---- */

#if SYS_HAVE_RAW
/* As in ways.c. */
static void
end_rings(long nr, int fd)
{
	switch (nr) {
#ifdef SYS_fork
	case SYS_fork:
#endif
	case SYS_clone:
	case SYS_clone3:
	case SYS_io_uring_setup:
	case SYS_seccomp:
		lane_disable();
		break;
#ifdef SYS_dup2
	case SYS_dup2:
#endif
	case SYS_dup:
	case SYS_dup3:
	case SYS_fcntl:
	case SYS_pwritev2:
		lane_end(fd);
		break;
	default:
		break;
	}
}

static long
by_number(long nr, const long a[6])
{
	switch (nr) {
	case SYS_socket:
		return sock_socket((int)a[0], (int)a[1], (int)a[2]);
	case SYS_connect:
		return sock_connect(
		    (int)a[0], (struct sockaddr *)a[1], (socklen_t)a[2]);
	case SYS_bind:
		return sock_bind(
		    (int)a[0], (struct sockaddr *)a[1], (socklen_t)a[2]);
	case SYS_listen:
		return sock_listen((int)a[0], (int)a[1]);
#ifdef SYS_accept
	case SYS_accept:
		return sock_accept4(
		    (int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2], 0);
#endif
	case SYS_accept4:
		return sock_accept4((int)a[0], (struct sockaddr *)a[1],
		    (socklen_t *)a[2], (int)a[3]);
	case SYS_getsockname:
		return sock_getsockname(
		    (int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2]);
	case SYS_getpeername:
		return sock_getpeername(
		    (int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2]);
	case SYS_getsockopt:
		return sock_getsockopt((int)a[0], (int)a[1], (int)a[2],
		    (void *)a[3], (socklen_t *)a[4]);
	case SYS_setsockopt:
		return sock_setsockopt((int)a[0], (int)a[1], (int)a[2],
		    (const void *)a[3], (socklen_t)a[4]);
	case SYS_shutdown:
		return sock_shutdown((int)a[0], (int)a[1]);
	case SYS_ioctl:
		return ioctl((int)a[0], (unsigned long)a[1], (void *)a[2]);
	case SYS_read:
		return read((int)a[0], (void *)a[1], (size_t)a[2]);
	case SYS_readv:
		return readv((int)a[0], (struct iovec *)a[1], (int)a[2]);
	case SYS_recvfrom:
		return sock_recvfrom((int)a[0], (void *)a[1], (size_t)a[2],
		    (int)a[3], (struct sockaddr *)a[4], (socklen_t *)a[5]);
	case SYS_recvmsg:
		return sock_recvmsg(
		    (int)a[0], (struct msghdr *)a[1], (int)a[2]);
	case SYS_recvmmsg:
		return sock_recvmmsg((int)a[0], (struct mmsghdr *)a[1],
		    (unsigned)a[2], (int)a[3], (struct timespec *)a[4]);
	case SYS_write:
		return write((int)a[0], (void *)a[1], (size_t)a[2]);
	case SYS_writev:
		return writev((int)a[0], (struct iovec *)a[1], (int)a[2]);
	case SYS_sendto:
		return sock_sendto((int)a[0], (void *)a[1], (size_t)a[2],
		    (int)a[3], (struct sockaddr *)a[4], (socklen_t)a[5]);
	case SYS_sendmsg:
		return sock_sendmsg(
		    (int)a[0], (struct msghdr *)a[1], (int)a[2]);
	case SYS_sendmmsg:
		return sock_sendmmsg((int)a[0], (struct mmsghdr *)a[1],
		    (unsigned)a[2], (int)a[3]);
	case SYS_sendfile:
		return sendfile(
		    (int)a[0], (int)a[1], (off_t *)a[2], (size_t)a[3]);
	case SYS_splice:
		return splice((int)a[0], (off64_t *)a[1], (int)a[2],
		    (off64_t *)a[3], (size_t)a[4], (unsigned)a[5]);
	case SYS_epoll_ctl:
		return sock_epoll_ctl((int)a[0], (int)a[1], (int)a[2],
		    (struct epoll_event *)a[3]);
	default:
		end_rings(nr, (int)a[0]);
		return real.syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

EXPORT long
syscall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_execve)
		return exec_file(AT_FDCWD, (const char *)a[0], (char **)a[1],
		    (char **)a[2], 0);
	if (nr == SYS_execveat)
		return exec_file((int)a[0], (const char *)a[1], (char **)a[2],
		    (char **)a[3], (int)a[4]);
	return by_number(nr, a);
}
#endif
