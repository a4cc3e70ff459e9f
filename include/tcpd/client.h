/* SPDX-License-Identifier: ISC */
/*
 * libtcpd: sockets of tcpd for programs that ask for them by name instead of
 * being started under tcpd-run(1).  See libtcpd(3).
 *
 * Each function is the socket call of the same name.  The descriptor is a real
 * one: read, write, poll, select, epoll, sendfile, dup, fork, exec, close and
 * the passing of descriptors are the kernel's and need nothing from here.
 * Descriptors that are not tcpd's may be passed to all of them.
 *
 * Which stack a destination belongs to is the policy of tcpd.conf(5).  Errno
 * beyond the usual: ENETDOWN when the daemon cannot be reached,
 * EPROTONOSUPPORT when it is of another version.
 *
 * Functions are thread-safe and async-signal-safe; they allocate nothing and
 * keep no descriptor open.
 */
#ifndef TCPD_CLIENT_H
#define TCPD_CLIENT_H

#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

int tcpd_socket(int domain, int type, int protocol);
int tcpd_connect(int fd, const struct sockaddr *addr, socklen_t len);
int tcpd_bind(int fd, const struct sockaddr *addr, socklen_t len);
int tcpd_listen(int fd, int backlog);
int tcpd_accept(int fd, struct sockaddr *addr, socklen_t *len);
int tcpd_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int tcpd_getsockname(int fd, struct sockaddr *addr, socklen_t *len);
int tcpd_getpeername(int fd, struct sockaddr *addr, socklen_t *len);
int tcpd_getsockopt(int fd, int level, int name, void *val, socklen_t *len);
int tcpd_setsockopt(
    int fd, int level, int name, const void *val, socklen_t len);
int tcpd_shutdown(int fd, int how);
/* SIOCOUTQ, SIOCINQ and other requests with a pointer argument. */
int tcpd_ioctl(int fd, unsigned long request, void *arg);

/* The data calls differ from the C library's in errno only: a reset, a
 * time-out and an unreachable host are told apart. */
ssize_t tcpd_recv(int fd, void *buf, size_t n, int flags);
ssize_t tcpd_recvfrom(int fd, void *buf, size_t n, int flags,
    struct sockaddr *addr, socklen_t *len);
ssize_t tcpd_recvmsg(int fd, struct msghdr *msg, int flags);
ssize_t tcpd_send(int fd, const void *buf, size_t n, int flags);
ssize_t tcpd_sendto(int fd, const void *buf, size_t n, int flags,
    const struct sockaddr *addr, socklen_t len);
ssize_t tcpd_sendmsg(int fd, const struct msghdr *msg, int flags);

/* Another daemon's socket than $TCPD_SOCKET or the default; before threads.
 * Returns 0, or -1 and ENAMETOOLONG. */
int tcpd_set_path(const char *path);

/* 1 when the descriptor is one of tcpd's, else 0. */
int tcpd_is_ours(int fd);

#ifdef __cplusplus
}
#endif

#endif
