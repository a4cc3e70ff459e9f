/* SPDX-License-Identifier: ISC */
/*
 * The connection to the daemon's control socket.
 */
#ifndef TCPCTL_CLIENT_H
#define TCPCTL_CLIENT_H

#include <stddef.h>
#include "tcpd/control.h"

/* A descriptor, or -1 with the cause and the cure in why. */
int client_open(const char *path, char *why, size_t whylen);

/* Called for each row, whose size is that of its kind. */
typedef void client_row_fn(void *arg, const void *row);

/* One query to its end: 0, or -1 with the cause and the cure in why. */
int client_query(int fd, const struct ctl_query *q, client_row_fn *row,
    void *arg, char *why, size_t whylen);

#endif
