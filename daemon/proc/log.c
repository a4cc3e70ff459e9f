/* SPDX-License-Identifier: ISC */
/*
 * The daemon's log: see log.h.
 *
 * A line is made in one buffer and written with one write(), so lines of
 * several processes do not mix.  Errors of writing are ignored: there is
 * nowhere left to report them.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "proc/log.h"

#define LINE_MAX_BYTES 1024

static const char *own_name = "";
static enum log_dest own_dest = LOG_DEST_STDERR;
static enum log_level own_show = LOG_LVL_INFO;

static const int syslog_prio[] = {
    [LOG_LVL_ERROR] = LOG_ERR,
    [LOG_LVL_WARN] = LOG_WARNING,
    [LOG_LVL_INFO] = LOG_INFO,
    [LOG_LVL_DEBUG] = LOG_DEBUG,
};

void
log_init(const char *name, enum log_dest dest, enum log_level show)
{
	own_name = name;
	own_dest = dest;
	own_show = show;
	if (dest == LOG_DEST_SYSLOG)
		openlog("tcpd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void
log_show(enum log_level show)
{
	own_show = show;
}

enum log_level
log_shown(void)
{
	return own_show;
}

static void
emit(enum log_level level, const char *name, const char *text)
{
	static const char *const words[] = {
	    [LOG_LVL_ERROR] = "error: ", [LOG_LVL_WARN] = "warning: "};
	const char *word = words[level < LOG_LVL_INFO ? level : 0];
	char line[LINE_MAX_BYTES + 64];
	int n;

	if (level >= LOG_LVL_INFO)
		word = "";
	switch (own_dest) {
	case LOG_DEST_SYSLOG:
		syslog(syslog_prio[level], "%s%s%s%s", name,
		    *name != '\0' ? ": " : "", word, text);
		return;
	case LOG_DEST_PARENT:
		n = snprintf(line, sizeof line, "<%d>%s\n", level, text);
		break;
	default:
		n = snprintf(line, sizeof line, "tcpd: %s%s%s%s\n", name,
		    *name != '\0' ? ": " : "", word, text);
		break;
	}
	if (n > (int)sizeof line - 1) {
		n = (int)sizeof line - 1;
		line[n - 1] = '\n';
	}
	if (write(STDERR_FILENO, line, (size_t)n) == -1)
		return;
}

static void
vlog(enum log_level level, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];

	if (level > own_show)
		return;
	vsnprintf(text, sizeof text, fmt, ap);
	emit(level, own_name, text);
}

size_t
log_relay(const char *name, const char *bytes, size_t len)
{
	size_t used = 0;

	while (used < len) {
		const char *at = bytes + used;
		const char *nl = memchr(at, '\n', len - used);
		size_t n = nl != NULL ? (size_t)(nl - at) : len - used;
		enum log_level level = LOG_LVL_ERROR;
		char text[LINE_MAX_BYTES];

		if (nl == NULL && n < sizeof text - 1)
			break;
		if (n > sizeof text - 1) {
			n = sizeof text - 1;
			nl = NULL;
		}
		for (size_t i = 0; i < n; i++)
			text[i] = at[i] >= ' ' && at[i] < 0x7f ? at[i] : '?';
		text[n] = '\0';
		used += n + (nl != NULL);
		at = text;
		if (n >= 3 && at[0] == '<' && at[2] == '>' && at[1] >= '0' &&
		    at[1] <= '3') {
			level = (enum log_level)(at[1] - '0');
			at += 3;
		}
		if (level <= own_show)
			emit(level, name, at);
	}
	return used;
}

#define LOG_FUNC(func, level)                                                  \
	void func(const char *fmt, ...)                                        \
	{                                                                      \
		va_list ap;                                                    \
                                                                               \
		va_start(ap, fmt);                                             \
		vlog(level, fmt, ap);                                          \
		va_end(ap);                                                    \
	}

LOG_FUNC(log_error, LOG_LVL_ERROR)
LOG_FUNC(log_warn, LOG_LVL_WARN)
LOG_FUNC(log_info, LOG_LVL_INFO)
LOG_FUNC(log_debug, LOG_LVL_DEBUG)

void
fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_LVL_ERROR, fmt, ap);
	va_end(ap);
	exit(1);
}
