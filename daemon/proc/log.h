/* SPDX-License-Identifier: ISC */
/*
 * The daemon's log.  In the foreground every process writes to standard error;
 * in the background the parent writes to syslog and the children, who cannot
 * reach it from their sandboxes, send their lines to the parent.
 *
 * Lines are for operators: rare, one per cause, with the cure.  What a peer or
 * a client does wrong is a counter, never a line.
 */
#ifndef PROC_LOG_H
#define PROC_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LVL_ERROR,
	LOG_LVL_WARN,
	LOG_LVL_INFO,
	LOG_LVL_DEBUG,
};

/* name goes before each line: "engine". to_stderr: else syslog (parent). */
void log_init(const char *name, bool to_stderr, enum log_level show);
void log_show(enum log_level show);
enum log_level log_shown(void);

/* Lines go to sink from now on (a child in the background); NULL: back. */
typedef void log_sink_fn(void *arg, enum log_level level, const char *line);
void log_sink(log_sink_fn *sink, void *arg);
/* One line of another process, by its name. */
void log_line(enum log_level level, const char *name, const char *line);

#define LOG_PRINTF(a, b) __attribute__((format(printf, a, b)))
void log_error(const char *fmt, ...) LOG_PRINTF(1, 2);
void log_warn(const char *fmt, ...) LOG_PRINTF(1, 2);
void log_info(const char *fmt, ...) LOG_PRINTF(1, 2);
void log_debug(const char *fmt, ...) LOG_PRINTF(1, 2);
/* Before the loop runs only: logs and exits 1. */
_Noreturn void fatal(const char *fmt, ...) LOG_PRINTF(1, 2);

#endif
