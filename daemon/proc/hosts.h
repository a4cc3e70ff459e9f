/* SPDX-License-Identifier: ISC */
/*
 * The daemon's /etc/hosts as the resolver answers from it.
 */
#ifndef PROC_HOSTS_H
#define PROC_HOSTS_H

#include <stddef.h>
#include "ipc/dnsmsg.h"

struct hosts;

/* What the file fd says, read from where it stands; lines that nobody
 * understands are left out: hosts(5).
 * NULL: it cannot be read, or memory is out. */
struct hosts *hosts_read(int fd);
void hosts_free(struct hosts *h);

/*
 * The answer to a query whose question is q: addresses of a name or the name of
 * an address (PTR), and for a name that is in the file with addresses of the
 * other family alone an answer without records.  Returns its length, at most
 * room, which is at least DNS_QUERY_MAX; 0: the file has nothing to say to
 * that.
 */
size_t hosts_answer(const struct hosts *h, const void *query, size_t len,
    const struct dns_question *q, void *out, size_t room);

#endif
