/* SPDX-License-Identifier: ISC */
/*
 * Sockets of UDP: the calls with UDP's meaning on a descriptor of ours.
 *
 * dgram_seen is false until this process may have one, so that a program
 * without UDP pays for none of this: a look at one variable a call, and no
 * system call.
 *
 * Functions return what the call does, or a negative errno.
 */
#ifndef LIBCLIENT_DGRAM_H
#define LIBCLIENT_DGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "sock.h"
#include "tcpd/proto.h"

struct mmsghdr;

struct dgram {
	uint64_t handle;
	unsigned bits; /* PROTO_DTAG_INET6, ... */
};

extern bool dgram_seen;
bool dgram_look(int fd, struct dgram *d);
static inline bool
dgram_ours(int fd, struct dgram *d)
{
	return dgram_seen && dgram_look(fd, d);
}
/* Has the process been given one? */
void dgram_inherited(void);
void dgram_received(const struct msghdr *m);

bool dgram_wanted(int domain, int type, int protocol);
int dgram_socket(int domain, int type);
int dgram_bind(
    int fd, struct dgram *d, const struct sockaddr *sa, socklen_t len);
int dgram_connect(
    int fd, struct dgram *d, const struct sockaddr *sa, socklen_t len);
int dgram_getsockname(
    int fd, const struct dgram *d, struct sockaddr *sa, socklen_t *len);
int dgram_getpeername(
    int fd, const struct dgram *d, struct sockaddr *sa, socklen_t *len);
int dgram_shutdown(int fd, struct dgram *d, int how);

int dgram_getsockopt(int fd, const struct dgram *d, int level, int name,
    void *val, socklen_t *len);
int dgram_setsockopt(int fd, struct dgram *d, int level, int name,
    const void *val, socklen_t len);
int dgram_ioctl(int fd, const struct dgram *d, unsigned long req, void *arg);

ssize_t dgram_sendmsg(
    int fd, struct dgram *d, const struct msghdr *m, int flags);
ssize_t dgram_recvmsg(int fd, struct dgram *d, struct msghdr *m, int flags);
/* What these two are made of; buf and n as in the call. */
ssize_t dgram_send(int fd, struct dgram *d, const void *buf, size_t n,
    int flags, const struct sockaddr *sa, socklen_t len);
ssize_t dgram_recv(int fd, struct dgram *d, void *buf, size_t n, int flags,
    struct sockaddr *sa, socklen_t *len);
int dgram_sendmmsg(
    int fd, struct dgram *d, struct mmsghdr *v, unsigned n, int flags);
int dgram_recvmmsg(int fd, struct dgram *d, struct mmsghdr *v, unsigned n,
    int flags, const struct timespec *limit);

/* ---- between the files ---- */

static inline int
dgram_family(const struct dgram *d)
{
	return d->bits & PROTO_DTAG_INET6 ? AF_INET6 : AF_INET;
}
/* Sets and clears bits, for all who hold it. */
int dgram_mark(int fd, struct dgram *d, unsigned set, unsigned clear);
/* The peer of a connected one. */
int dgram_peer(int fd, struct proto_name *out);
/* Is e tcpd's?  PROTO_TCPD, PROTO_KERNEL when that can still be, or a negative
 * errno. */
int dgram_judge(const struct dgram *d, const struct endpoint *e, bool to_bind);
/* The kernel's from now on, with its options and its port. */
int dgram_to_kernel(int fd, const struct dgram *d);
/* After connect(), when what comes from now on is raw and what came has
 * headers: await.c leaves it there, the trap does not. */
void dgram_left_behind(int fd, struct dgram *d);
/* Is the next message an empty one? */
bool dgram_empty_next(int fd);
/* An errno that waits; why is an enum proto_empty.  0: none, 1: it was an empty
 * datagram, or a negative errno, -ENETDOWN: there is no daemon. */
int dgram_pending(int fd, const struct dgram *d, uint32_t why);

#endif
