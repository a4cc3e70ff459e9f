/* SPDX-License-Identifier: ISC */
/*
 * The daemon's log.  In the foreground every process writes to standard error;
 * in the background the parent writes to syslog, and the children's standard
 * error is a pipe to the parent, so what the C library or a sanitizer says
 * when a child dies is logged as well.
 *
 * Lines are for operators: rare, one per cause, with the cure.  What a peer or
 * a client does wrong is a counter, never a line.
 */
#ifndef PROC_LOG_H
#define PROC_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level {
	LOG_LVL_ERROR,
	LOG_LVL_WARN,
	LOG_LVL_INFO,
	LOG_LVL_DEBUG,
};

enum log_dest {
	LOG_DEST_STDERR, /* for people: "tcpd: engine: text" */
	LOG_DEST_SYSLOG,
	LOG_DEST_PARENT, /* standard error is a pipe: "<level>text" */
};

/* name goes before each line: "engine"; it is kept, not copied. */
void log_init(const char *name, enum log_dest dest, enum log_level show);
void log_show(enum log_level show);
enum log_level log_shown(void);

/*
 * Bytes that a child wrote to its pipe: whole lines are logged under name,
 * what cannot be printed becomes '?'.  Returns how many bytes were used up;
 * the rest is the beginning of a line.
 */
size_t log_relay(const char *name, const char *bytes, size_t len);

#define LOG_PRINTF(a, b) __attribute__((format(printf, a, b)))
void log_error(const char *fmt, ...) LOG_PRINTF(1, 2);
void log_warn(const char *fmt, ...) LOG_PRINTF(1, 2);
void log_info(const char *fmt, ...) LOG_PRINTF(1, 2);
void log_debug(const char *fmt, ...) LOG_PRINTF(1, 2);
/* Before the loop runs only: logs and exits 1. */
_Noreturn void fatal(const char *fmt, ...) LOG_PRINTF(1, 2);

#endif
