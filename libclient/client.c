/* SPDX-License-Identifier: ISC */
/*
 * libtcpd.so: the names of tcpd/client.h for what sock.h does.
 */
#include <errno.h>
#include "dgram.h"
#include "ident.h"
#include "real.h"
#include "sock.h"
#include "tcpd/client.h"
#include "wire.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int
tcpd_socket(int domain, int type, int protocol)
{
	return sock_socket(domain, type, protocol);
}

EXPORT int
tcpd_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	return sock_connect(fd, addr, len);
}

EXPORT int
tcpd_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return sock_bind(fd, addr, len);
}

EXPORT int
tcpd_listen(int fd, int backlog)
{
	return sock_listen(fd, backlog);
}

EXPORT int
tcpd_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	return sock_accept4(fd, addr, len, 0);
}

EXPORT int
tcpd_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	return sock_accept4(fd, addr, len, flags);
}

EXPORT int
tcpd_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	return sock_getsockname(fd, addr, len);
}

EXPORT int
tcpd_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
	return sock_getpeername(fd, addr, len);
}

EXPORT int
tcpd_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	return sock_getsockopt(fd, level, name, val, len);
}

EXPORT int
tcpd_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	return sock_setsockopt(fd, level, name, val, len);
}

EXPORT int
tcpd_shutdown(int fd, int how)
{
	return sock_shutdown(fd, how);
}

EXPORT int
tcpd_ioctl(int fd, unsigned long request, void *arg)
{
	if (sock_ioctl_ours(request))
		return sock_ioctl(fd, request, arg);
	return real.ioctl(fd, request, arg);
}

EXPORT ssize_t
tcpd_recv(int fd, void *buf, size_t n, int flags)
{
	return sock_recvfrom(fd, buf, n, flags, NULL, NULL);
}

EXPORT ssize_t
tcpd_recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *addr,
    socklen_t *len)
{
	return sock_recvfrom(fd, buf, n, flags, addr, len);
}

EXPORT ssize_t
tcpd_recvmsg(int fd, struct msghdr *msg, int flags)
{
	return sock_recvmsg(fd, msg, flags);
}

EXPORT ssize_t
tcpd_send(int fd, const void *buf, size_t n, int flags)
{
	return sock_sendto(fd, buf, n, flags, NULL, 0);
}

EXPORT ssize_t
tcpd_sendto(int fd, const void *buf, size_t n, int flags,
    const struct sockaddr *addr, socklen_t len)
{
	return sock_sendto(fd, buf, n, flags, addr, len);
}

EXPORT ssize_t
tcpd_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return sock_sendmsg(fd, msg, flags);
}

EXPORT int
tcpd_set_path(const char *path)
{
	return (int)sock_result(wire_set_path(path));
}

EXPORT int
tcpd_is_ours(int fd)
{
	uint64_t handle;
	struct dgram d;
	int saved = errno;
	int ours = ident_ours(fd, &handle) || dgram_look(fd, &d);

	errno = saved;
	return ours;
}
