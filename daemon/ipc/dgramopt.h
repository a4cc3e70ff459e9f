/* SPDX-License-Identifier: ISC */
/*
 * Socket options of a socket of UDP: the table of sockopt.h with what differs
 * from TCP.  For both sides, and as hostile input as there.
 */
#ifndef IPC_DGRAMOPT_H
#define IPC_DGRAMOPT_H

#include "ipc/sockopt.h"

/* As sockopt_where(). */
unsigned dgramopt_where(int level, int name);
/* As sockopt_set(). */
int dgramopt_set(
    struct sockopts *o, int level, int name, const void *val, uint32_t len);
/* As sockopt_get(); mtu is that of the path of a connected one, else 0. */
int dgramopt_get(const struct sockopts *o, uint16_t mtu, int level, int name,
    void *val, uint32_t *len);

/* The buffer sizes, as getsockopt() shows them. */
#define DGRAMOPT_BUF	 212992
#define DGRAMOPT_BUF_MAX (2 * DGRAMOPT_BUF)

/* More datagrams of UDP_SEGMENT in one call are EINVAL, as on Linux. */
#define DGRAMOPT_SEGMENTS 128

/* Is it kept in one of struct sockopts that has been set to o alone? */
bool dgramopt_kept(const struct sockopts *o, int level, int name);

/* Is it about groups of receivers, which are the kernel's? */
bool dgramopt_multicast(int level, int name);

/* Is it a time stamp with each datagram, which the descriptor has itself? */
bool dgramopt_stamp(int level, int name);

#endif
