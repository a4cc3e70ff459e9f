/* SPDX-License-Identifier: ISC */
/*
 * A thread that closes descriptors which strangers sent: see undertaker.c.
 */
#ifndef PROC_UNDERTAKER_H
#define PROC_UNDERTAKER_H

#include <stdbool.h>
#include <stddef.h>

struct burial;

/* Before the system call filter: it begins a thread.  Once a process. */
bool undertaker_start(void);
/* Takes the descriptors over.  NULL: there was no thread or no memory, they
 * were closed here and now. */
struct burial *undertaker_bury(const int *fds, size_t n);
/* Are they all closed?  If so, b is freed. */
bool undertaker_done(struct burial *b);

#endif
