/* SPDX-License-Identifier: ISC */
/*
 * The parts of tcpd-run: what a program's file is and which way serves it
 * (run_check.c), the filters on system calls (run_filter.c), the start of a
 * trapped program (run_trap.c) and of one that the library leaves to it
 * (run_exec.c).
 */
#ifndef LIBCLIENT_RUN_H
#define LIBCLIENT_RUN_H

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include "sys.h"

/* As env(1) and nice(1) have them. */
enum {
	EXIT_OURS = 125,    /* tcpd-run itself failed */
	EXIT_NOT_RUN = 126, /* found, and cannot be served or executed */
	EXIT_NOT_FOUND = 127,
	EXIT_NO_DAEMON = 124,
};

struct run_options {
	bool trap;	/* asked for, or needed by the program */
	bool sandbox;	/* no way out but tcpd */
	bool no_bypass; /* no socket of the kernel's IP, come what may */
	bool exec;	/* what cannot be served is the kernel's */
};

/*
 * Looks at the file of prog and at the interpreters that it names, and sets
 * o->trap when LD_PRELOAD cannot serve it and trapping can.  With report it
 * prints what it found.  0, or an exit status after saying why.
 */
int run_inspect(const char *prog, struct run_options *o, bool report);
/* The same of a file that is not looked for; why, if not NULL, is why it must
 * be trapped. */
int run_inspect_file(
    const char *path, struct run_options *o, bool report, const char **why);

/* The steps of --no-bypass: no inherited socket of the kernel's IP, no ring of
 * io_uring; then the filter.  0, or an exit status after saying why. */
int run_no_bypass(const struct run_options *o);

/* From here on the caller's socket calls are trapped, in all that it executes
 * and forks; --no-bypass is among it.  0, or an exit status after saying why:
 * EXIT_NOT_RUN when they are trapped, and by nobody.
 */
int run_trap(const struct run_options *o);

/* Takes the library out of the environment: all that a trapped program starts
 * is trapped like itself. */
void run_drop_library(void);

/* Executes file as exec.c orders it: words are what LD_PRELOAD is to be, then
 * the program's arguments, of which there is one at least. */
_Noreturn void run_exec(const char *file, char **words);
/* With this before its number the file is a descriptor made for the order. */
#define RUN_FD_DIR "/proc/self/fd/"

/*
 * How a warning about what cannot be served ends.  No protocol has the number
 * -1, which is EINVAL: EACCES comes from --no-bypass, which what is warned of
 * inherits.
 */
static inline const char *
run_unserved(void)
{
	return sys_socket(AF_INET, SOCK_STREAM, -1) == -EACCES
		   ? "it has no socket of IP"
		   : "its sockets are the kernel's";
}

/* Can this kernel trap?  NULL, or what is missing. */
const char *run_trap_obstacle(void);

/* ---- run_filter.c: 0 or a negative errno ---- */

/* The rules of --no-bypass; with trapped, sockets of IP are left to the trap.
 */
int filter_no_bypass(bool trapped);
/* The one rule that the trap itself obeys then. */
int filter_no_sockets(void);
/* The descriptor from which notifications are received. */
int filter_trap(void);
bool filter_can_trap(void);
/* Are families other than IP let through by filter_no_bypass()? */
bool filter_harmless(int family);

#endif
