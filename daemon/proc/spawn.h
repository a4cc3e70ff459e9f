/* SPDX-License-Identifier: ISC */
/*
 * Starting a child: this binary again, in a fresh address space, with its
 * channel on PROC_FD and nothing else open but 0, 1 and 2.
 */
#ifndef PROC_SPAWN_H
#define PROC_SPAWN_H

#include <sys/types.h>

#include "proc/proc.h"

struct spawned {
	pid_t pid;
	int channel; /* the parent's end, SOCK_SEQPACKET */
	int log;     /* what it writes to standard error; -1: inherited */
};

/* "engine", "frontend", "resolver", "parent". */
const char *role_name(enum proc_role role);
/* ROLE_PARENT when the name is none. */
enum proc_role role_of(const char *name);

/* 0 or a negative errno.  In the background (not a->debug) the child's
 * standard error is a pipe. */
int spawn(enum proc_role role, const struct proc_args *a, struct spawned *out);

#endif
