/* SPDX-License-Identifier: ISC */
/*
 * What a program of ours writes much of goes through memory that it shares with
 * the daemon (ipc/ring.h); see lane.c.
 */
#ifndef LIBCLIENT_LANE_H
#define LIBCLIENT_LANE_H

#include <stdbool.h>
#include <sys/socket.h>

/* Calls that could bring a descriptor to who does not know are all seen. */
void lane_enable(void);
/* This process was given a new socket of ours. */
void lane_new(int fd);
/* Around a call that writes to fd.  NULL: nobody is to know. */
struct lane;
struct lane *lane_enter(int fd);
void lane_leave(struct lane *l, int fd, ssize_t wrote);
/* For who is in: true, *r is its result; false: fd is to be written to as
 * ever. */
bool lane_send(struct lane *l, int fd, const struct iovec *v, size_t n,
    int flags, ssize_t *r);

/* What knows nothing of it may write to fd from now on. */
void lane_end(int fd);
/* No rings in this process any more. */
void lane_disable(void);
/* A process is to be made with what it inherits, or (all) may be given. */
void lane_end_inherited(bool all);

#endif
