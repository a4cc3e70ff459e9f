/* SPDX-License-Identifier: ISC */
/*
 * What a child gives up before it reads its first foreign byte.
 */
#ifndef PROC_SANDBOX_H
#define PROC_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include "proc/conf.h"
#include "proc/proc.h"

/*
 * Enters the sandbox of role.  Steps that the machine
 * refuses are logged as warnings and left out; what must not go wrong (a
 * failed change of user after it began) ends the process.  The engine calls it
 * after it has made its event base and everything that needs open(); later it
 * can open nothing, and connects to listeners under sandbox_fd_dir().
 */
void sandbox_enter(enum proc_role role, const struct conf_global *g);

/* Where the process's own descriptors are found by path: "/fd" in the
 * sandboxes of engine and resolver, else "/proc/self/fd". */
const char *sandbox_fd_dir(void);

#endif
