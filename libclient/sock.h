/* SPDX-License-Identifier: ISC */
/*
 * The socket calls with TCP's meaning on a descriptor of ours; a foreign one
 * gets the C library's own function.  They return and set errno as the calls
 * whose names they carry; a success leaves errno alone.
 */
#ifndef LIBCLIENT_SOCK_H
#define LIBCLIENT_SOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include "base/addr.h"
#include "hint.h"
#include "tcpd/proto.h"

struct mmsghdr;

int sock_socket(int domain, int type, int protocol);
int sock_connect(int fd, const struct sockaddr *sa, socklen_t len);
int sock_bind(int fd, const struct sockaddr *sa, socklen_t len);
int sock_listen(int fd, int backlog);
int sock_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags);
int sock_getsockname(int fd, struct sockaddr *sa, socklen_t *len);
int sock_getpeername(int fd, struct sockaddr *sa, socklen_t *len);
int sock_shutdown(int fd, int how);

int sock_getsockopt(int fd, int level, int name, void *val, socklen_t *len);
int sock_setsockopt(
    int fd, int level, int name, const void *val, socklen_t len);
int sock_ioctl(int fd, unsigned long req, void *arg);
/* The requests that sock_ioctl() looks at; all others are the kernel's. */
bool sock_ioctl_ours(unsigned long req);

ssize_t sock_recvfrom(int fd, void *buf, size_t n, int flags,
    struct sockaddr *sa, socklen_t *len);
ssize_t sock_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t sock_sendto(int fd, const void *buf, size_t n, int flags,
    const struct sockaddr *sa, socklen_t len);
ssize_t sock_sendmsg(int fd, const struct msghdr *m, int flags);
int sock_sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags);
int sock_recvmmsg(
    int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *limit);
/* The calls without an address, where they are not just the kernel's: false,
 * and nothing is done. */
bool sock_read(int fd, void *buf, size_t n, ssize_t *r);
bool sock_readv(int fd, const struct iovec *iov, int n, ssize_t *r);
bool sock_write(int fd, const void *buf, size_t n, ssize_t *r);
bool sock_writev(int fd, const struct iovec *iov, int n, ssize_t *r);

int sock_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev);

/* write() and writev() as a send, where hint.h has the number: false, and
 * nothing is done, when it is no socket. */
bool sock_write_hinted(int fd, const void *buf, size_t n, ssize_t *r);
bool sock_writev_hinted(int fd, const struct iovec *iov, int n, ssize_t *r);

/* After read() or write() failed: puts TCP's errno in the place of AF_UNIX's.
 * They return what the call shall: -1, or 0 where TCP has no error to read. */
ssize_t sock_read_failed(int fd);
ssize_t sock_write_failed(int fd);
/* Before a write: an attempt to connect that nobody asked about may be over,
 * and the send buffer still the small one of a socket that waits. */
void sock_settle_waiting(int fd);
static inline void
sock_settle(int fd)
{
	if (hint_in(&hint_waits, fd))
		sock_settle_waiting(fd);
}

/* Whose calls these are, where it is not this process: a thread's number. */
extern pid_t sock_caller;

/* ---- between the files ---- */

/* A negative errno becomes -1 and errno. */
long sock_result(long r);
/* Asks the daemon for an option, and tells it one. */
int sock_ask_option(
    int fd, uint64_t handle, int level, int name, void *val, socklen_t *len);
int sock_tell_option(int fd, uint64_t handle, int level, int name,
    const void *val, socklen_t len);
/* What an Internet socket is asked about interfaces goes to one. */
int sock_ask_interface(int family, unsigned long req, void *arg);
/* With MSG_OOB, on a descriptor of ours. */
ssize_t sock_send_urgent(
    int fd, uint64_t handle, const void *buf, size_t n, int flags);
ssize_t sock_sendmsg_urgent(
    int fd, uint64_t handle, const struct msghdr *m, int flags);
/* What is read next stands behind a mark, across which nothing reads. */
bool sock_at_mark(int fd);
/* The errno of a failed connection: the daemon's word, or native. */
int sock_take_error(int fd, uint64_t handle, int native);
/* SO_ERROR as it is natively: read and cleared. */
int sock_native_error(int fd);

struct policy_verdict;
struct sockopts;

/* Waits for the end of a connection attempt; a cancellation point like
 * connect().  fresh: the options of one that has just begun and was pending for
 * nobody, else NULL. */
int sock_await(int fd, uint64_t handle, const struct sockopts *fresh);
/* The attempt has ended, as the bits of poll() tell: the call's result. */
int sock_arrived(
    int fd, uint64_t handle, int poll_bits, const struct sockopts *fresh);
/* SO_SNDTIMEO or SO_RCVTIMEO in milliseconds, -1: for ever. */
int64_t sock_patience_ms(int fd, int name);
bool sock_nonblocking(int fd);
/* What goes with EPIPE. */
void sock_raise_sigpipe(void);

/* Where to, or at which address: what a sockaddr of either family says. */
struct endpoint {
	struct ipaddr addr; /* IPv4 is v4-mapped */
	uint16_t port;
	uint32_t scope; /* the interface of a link-local address; 0: none */
};

/* sa for a socket of family: 0, -EINVAL or -EAFNOSUPPORT, as Linux. */
int sock_endpoint(
    int family, const struct sockaddr *sa, socklen_t len, struct endpoint *out);
/* A name that a program gave: 0, -EINVAL when it is longer than any, -EFAULT
 * when it cannot be read. */
int sock_check_name(const struct sockaddr *sa, socklen_t len);
/* The wildcard of a family, with a port; both forms. */
struct endpoint sock_any(int family);
socklen_t sock_any_sockaddr(
    int family, uint16_t port, struct sockaddr_storage *out);
struct proto_name sock_to_name(int family, const struct endpoint *e);
/* A name of a socket of family.  Copies as the kernel does: cut to the room,
 * the true length returned; -EINVAL, -EFAULT. */
int sock_put_name(const struct proto_name *n, int family, struct sockaddr *sa,
    socklen_t *len);
/* Asks the daemon: PROTO_GETSOCKNAME or PROTO_GETPEERNAME. */
int sock_ask_name(
    int fd, uint64_t handle, uint16_t type, struct proto_name *name);
/* Where a connection to sa leads: PROTO_TCPD or PROTO_KERNEL, or a negative
 * errno.  *o: fd's options. */
int sock_destination(int fd, const struct sockaddr *sa, socklen_t len,
    struct endpoint *dst, uint32_t *generation, struct sockopts *o);
/* Attaches, with what at says and fd's options o; 0 or a negative errno. */
int sock_attach(int fd, uint64_t handle, struct proto_attach *at,
    const struct sockopts *o, const struct iovec *data, int ndata);
/* What comes of it: waits, or -EINPROGRESS. */
int sock_attempt(int fd, uint64_t handle, bool block, const struct sockopts *o);
/* The socket becomes one of the kernel's, which begin() puts to use: its result
 * is that of the call, -1 with errno set an error. */
typedef ssize_t sock_kernel_fn(int twin, void *arg);
ssize_t sock_kernel(int fd, uint64_t handle, sock_kernel_fn *begin, void *arg);
/* TCP_FASTOPEN_CONNECT: how at is to be; 0 or a negative errno. */
int sock_fast_flags(
    uint64_t handle, struct proto_attach *at, const struct sockopts *o);
/* With MSG_FASTOPEN, on a descriptor of ours.  Returns as sendmsg(). */
ssize_t sock_send_fast(
    int fd, uint64_t handle, const struct msghdr *m, int flags);
/* Is Fast Open off?  0 or -EOPNOTSUPP. */
int sock_fast_off(int fd, uint64_t handle);
/* Has who calls the right to a port? */
bool sock_may_have(uint16_t port);
/* Bound to another interface than tcpd's: nothing of tcpd's goes there. */
bool sock_elsewhere(const struct sockopts *o);
/* Where the sandbox's resolver is: 127.0.0.1 or ::1, port 53; and the name at
 * which it answers who can have no socket of TCP there: its length. */
socklen_t sock_resolver_name(
    const struct proto_name *at, struct sockaddr_un *un);
bool sock_is_resolver(const struct endpoint *e);
/* May a socket of the kernel's exist here?  Not with --no-bypass. */
bool sock_kernel_may(int family);
/* The policy's word on e, and its generation. */
int sock_judge(const struct endpoint *e, bool to_bind, struct policy_verdict *v,
    uint32_t *generation);

#endif
