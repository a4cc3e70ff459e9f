/* SPDX-License-Identifier: ISC */
/*
 * The table of real calls; see real.h.  The constructor is all that runs in a
 * program before it asks for something: a look-up for each call that programs
 * make on what is no socket.  A look-up takes half a microsecond, so those of
 * the other calls wait for the first of these.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
#include "dgram.h"
#include "real.h"
#include "sys.h"
#include "wire.h"

static long
result(long r)
{
	if (r < 0) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

static bool loaded, complete;

static void look_up_sockets(void);

/* May the C library be asked for its functions?  Then it has been. */
static bool
late(void)
{
	if (!loaded)
		return false;
	if (!complete)
		look_up_sockets();
	complete = true;
	return true;
}

/* In the body of raw_NAME(), whose place the found one has taken. */
#define LATE(name, ...)                                                        \
	do {                                                                   \
		if (late() && real.name != raw_##name)                         \
			return real.name(__VA_ARGS__);                         \
	} while (0)

static int
raw_socket(int domain, int type, int protocol)
{
	LATE(socket, domain, type, protocol);
	return (int)result(sys_socket(domain, type, protocol));
}

static int
raw_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	LATE(connect, fd, sa, len);
	return (int)result(sys_connect(fd, sa, len));
}

static int
raw_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	LATE(bind, fd, sa, len);
	return (int)result(sys_bind(fd, sa, len));
}

static int
raw_listen(int fd, int backlog)
{
	LATE(listen, fd, backlog);
	return (int)result(sys_listen(fd, backlog));
}

static int
raw_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	LATE(accept4, fd, sa, len, flags);
	return (int)result(SYS(SYS_accept4, fd, sa, len, flags, 0, 0));
}

static int
raw_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	LATE(getsockname, fd, sa, len);
	return (int)result(sys_getsockname(fd, sa, len));
}

static int
raw_getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	LATE(getpeername, fd, sa, len);
	return (int)result(sys_getpeername(fd, sa, len));
}

static int
raw_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	LATE(getsockopt, fd, level, name, val, len);
	return (int)result(sys_getsockopt(fd, level, name, val, len));
}

static int
raw_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	LATE(setsockopt, fd, level, name, val, len);
	return (int)result(sys_setsockopt(fd, level, name, val, len));
}

static int
raw_shutdown(int fd, int how)
{
	LATE(shutdown, fd, how);
	return (int)result(sys_shutdown(fd, how));
}

static int
raw_ioctl(int fd, unsigned long req, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, req);
	arg = va_arg(ap, void *);
	va_end(ap);
	return (int)result(sys_ioctl(fd, req, arg));
}

static ssize_t
raw_read(int fd, void *buf, size_t n)
{
	return result(SYS(SYS_read, fd, buf, n, 0, 0, 0));
}

static ssize_t
raw_readv(int fd, const struct iovec *iov, int n)
{
	return result(SYS(SYS_readv, fd, iov, n, 0, 0, 0));
}

static ssize_t
raw_recvfrom(
    int fd, void *buf, size_t n, int flags, struct sockaddr *sa, socklen_t *len)
{
	LATE(recvfrom, fd, buf, n, flags, sa, len);
	return result(SYS(SYS_recvfrom, fd, buf, n, flags, sa, len));
}

static ssize_t
raw_recvmsg(int fd, struct msghdr *m, int flags)
{
	LATE(recvmsg, fd, m, flags);
	return result(sys_recvmsg(fd, m, flags));
}

static ssize_t
raw_write(int fd, const void *buf, size_t n)
{
	return result(SYS(SYS_write, fd, buf, n, 0, 0, 0));
}

static ssize_t
raw_writev(int fd, const struct iovec *iov, int n)
{
	return result(SYS(SYS_writev, fd, iov, n, 0, 0, 0));
}

static ssize_t
raw_sendto(int fd, const void *buf, size_t n, int flags,
    const struct sockaddr *sa, socklen_t len)
{
	LATE(sendto, fd, buf, n, flags, sa, len);
	return result(SYS(SYS_sendto, fd, buf, n, flags, sa, len));
}

static ssize_t
raw_sendmsg(int fd, const struct msghdr *m, int flags)
{
	LATE(sendmsg, fd, m, flags);
	return result(sys_sendmsg(fd, m, flags));
}

static int
raw_sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
	LATE(sendmmsg, fd, v, n, flags);
	return (int)result(SYS(SYS_sendmmsg, fd, v, n, flags, 0, 0));
}

static int
raw_recvmmsg(
    int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *limit)
{
	LATE(recvmmsg, fd, v, n, flags, limit);
	return (int)result(SYS(SYS_recvmmsg, fd, v, n, flags, limit, 0));
}

static ssize_t
raw_sendfile(int out, int in, off_t *off, size_t n)
{
	return result(SYS(SYS_sendfile, out, in, off, n, 0, 0));
}

static ssize_t
raw_splice(int in, off64_t *in_off, int out, off64_t *out_off, size_t n,
    unsigned flags)
{
	return result(SYS(SYS_splice, in, in_off, out, out_off, n, flags));
}

static int
raw_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	LATE(epoll_ctl, ep, op, fd, ev);
	return (int)result(sys_epoll_ctl(ep, op, fd, ev));
}

static long
raw_syscall(long n, ...)
{
	long a[6];
	va_list ap;
	int i;

	va_start(ap, n);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return result(sys6(n, a[0], a[1], a[2], a[3], a[4], a[5]));
}

/* Never called by who has not called the C library's first. */
static int
raw_getifaddrs(struct ifaddrs **list)
{
	LATE(getifaddrs, list);
	return (int)result(-ENOSYS);
}

static void
raw_freeifaddrs(struct ifaddrs *list)
{
	if (late() && real.freeifaddrs != raw_freeifaddrs)
		real.freeifaddrs(list);
}

static unsigned
raw_if_nametoindex(const char *name)
{
	LATE(if_nametoindex, name);
	return 0;
}

static char *
raw_if_indextoname(unsigned index, char *name)
{
	LATE(if_indextoname, index, name);
	return NULL;
}

struct real real = {
    .socket = raw_socket,
    .connect = raw_connect,
    .bind = raw_bind,
    .listen = raw_listen,
    .accept4 = raw_accept4,
    .getsockname = raw_getsockname,
    .getpeername = raw_getpeername,
    .getsockopt = raw_getsockopt,
    .setsockopt = raw_setsockopt,
    .shutdown = raw_shutdown,
    .ioctl = raw_ioctl,
    .read = raw_read,
    .readv = raw_readv,
    .recvfrom = raw_recvfrom,
    .recvmsg = raw_recvmsg,
    .write = raw_write,
    .writev = raw_writev,
    .sendto = raw_sendto,
    .sendmsg = raw_sendmsg,
    .sendmmsg = raw_sendmmsg,
    .recvmmsg = raw_recvmmsg,
    .sendfile = raw_sendfile,
    .splice = raw_splice,
    .epoll_ctl = raw_epoll_ctl,
    .syscall = raw_syscall,
    .getifaddrs = raw_getifaddrs,
    .freeifaddrs = raw_freeifaddrs,
    .if_nametoindex = raw_if_nametoindex,
    .if_indextoname = raw_if_indextoname,
};

/* Function pointers travel through void * as POSIX's dlsym() has it. */
void
real_resolve(const char *name, void *slot)
{
	void *sym = dlsym(RTLD_NEXT, name);

	if (sym != NULL)
		memcpy(slot, &sym, sizeof sym);
}

/* Signals and other threads may be in here as well: all find the same. */
static void
look_up_sockets(void)
{
	int saved = errno;

	real_resolve("socket", &real.socket);
	real_resolve("connect", &real.connect);
	real_resolve("bind", &real.bind);
	real_resolve("listen", &real.listen);
	real_resolve("accept4", &real.accept4);
	real_resolve("getsockname", &real.getsockname);
	real_resolve("getpeername", &real.getpeername);
	real_resolve("getsockopt", &real.getsockopt);
	real_resolve("setsockopt", &real.setsockopt);
	real_resolve("shutdown", &real.shutdown);
	real_resolve("recvfrom", &real.recvfrom);
	real_resolve("recvmsg", &real.recvmsg);
	real_resolve("sendto", &real.sendto);
	real_resolve("sendmsg", &real.sendmsg);
	real_resolve("sendmmsg", &real.sendmmsg);
	real_resolve("recvmmsg", &real.recvmmsg);
	real_resolve("epoll_ctl", &real.epoll_ctl);
	real_resolve("getifaddrs", &real.getifaddrs);
	real_resolve("freeifaddrs", &real.freeifaddrs);
	real_resolve("if_nametoindex", &real.if_nametoindex);
	real_resolve("if_indextoname", &real.if_indextoname);
	errno = saved;
}

__attribute__((constructor)) static void
setup(void)
{
	int saved = errno;

	real_resolve("ioctl", &real.ioctl);
	real_resolve("read", &real.read);
	real_resolve("readv", &real.readv);
	real_resolve("write", &real.write);
	real_resolve("writev", &real.writev);
	real_resolve("sendfile64", &real.sendfile);
	real_resolve("splice", &real.splice);
	real_resolve("syscall", &real.syscall);
	loaded = true;
	wire_setup();
	dgram_inherited();
	errno = saved;
}
