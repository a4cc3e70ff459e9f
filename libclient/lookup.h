/* SPDX-License-Identifier: ISC */
/*
 * Names asked of the daemon's resolver (RESOLVER in tcpd.conf(5)), for the
 * functions of the C library that would ask the kernel's network:
 * libtcpd-preload.so and libnss_tcpd.so.2 share it.  Messages are the DNS's
 * (RFC 1035 4.1), composed and read with libresolv.
 */
#ifndef LIBCLIENT_LOOKUP_H
#define LIBCLIENT_LOOKUP_H

#include <stddef.h>
#include <sys/types.h>
#include <resolv.h>

/* Is there a resolver?  0, -EOPNOTSUPP: tcpd.conf has none, or the negative
 * errno that kept it from being known. */
int lookup_served(void);

/* One query and its answer, whose length is returned; the bytes beyond max are
 * lost.  A negative errno: -EOPNOTSUPP and -EAGAIN as PROTO_RESOLVE has them,
 * -ENETDOWN: nobody answers, -ENOMEM. */
ssize_t lookup_ask(const void *query, size_t len, void *ans, size_t max);

/* The same in two steps, so that several can be under way: a descriptor, and
 * the answer to what was asked there, which closes it. */
int lookup_begin(const void *query, size_t len);
ssize_t lookup_end(int fd, void *ans, size_t max);

/*
 * What name may be short for, by the list and ndots of resolv.conf(5): try is
 * called with each candidate until it returns 0 or what ends a search.  It
 * returns a value of h_errno, and so does the search.
 */
int lookup_search(res_state st, const char *name,
    int (*try)(void *arg, const char *name), void *arg);

/* h_errno of an answer, 0 when it has records. */
int lookup_verdict(const void *ans, ssize_t len);

#endif
