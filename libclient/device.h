/* SPDX-License-Identifier: ISC */
/*
 * Interfaces that sockets are bound to; 0 or a negative errno.
 */
#ifndef LIBCLIENT_DEVICE_H
#define LIBCLIENT_DEVICE_H

#include <sys/socket.h>

/* SO_BINDTODEVICE's value as an index; 0: none. */
int device_index(const void *val, socklen_t len, int *index);
/* ... and back, into a room of *len bytes. */
int device_name(int index, void *val, socklen_t *len);
/* May a socket that is bound to one (0: to none) be bound to another? */
int device_check(int before, int index);

#endif
