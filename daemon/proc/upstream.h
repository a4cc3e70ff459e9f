/* SPDX-License-Identifier: ISC */
/*
 * The name servers of tcpd.conf, asked by way of tcpd's own stack.
 */
#ifndef PROC_UPSTREAM_H
#define PROC_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <event2/event.h>
#include "proc/conf.h"

struct upstream;

/* An answer that belongs to the query, by its question and number; NULL: none
 * of the servers had one. */
typedef void upstream_done_fn(void *arg, const void *ans, size_t len);

/* door: where the daemon's client socket is found; it stays the caller's. */
struct upstream *upstream_new(
    struct event_base *eb, const char *door, const struct conf_resolver *conf);
/* Ends what is under way, without answers. */
void upstream_free(struct upstream *u);

/* Asks; done() may be called before this returns.  The query, of one question,
 * is copied. */
void upstream_ask(struct upstream *u, const void *query, size_t len,
    upstream_done_fn *done, void *arg);

#endif
