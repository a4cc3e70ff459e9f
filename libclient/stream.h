/* SPDX-License-Identifier: ISC */
/*
 * What sock.h's data calls leave to stream.c; on descriptors of ours.  They
 * return as the calls whose flags or names they are about.
 */
#ifndef LIBCLIENT_STREAM_H
#define LIBCLIENT_STREAM_H

#include <sys/socket.h>
#include <sys/types.h>

struct mmsghdr;
struct timespec;

/* What TCP says of a message's control: 0 or a negative errno. */
int stream_check_control(const struct msghdr *m);
/* MSG_WAITALL; not with MSG_PEEK. */
ssize_t stream_recv_all(int fd, void *buf, size_t n, int flags);
int stream_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags);
int stream_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags,
    const struct timespec *ts);

#endif
