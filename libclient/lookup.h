/* SPDX-License-Identifier: ISC */
/*
 * Names asked of the daemon's resolver (RESOLVER in tcpd.conf(5)), for the
 * functions of the C library that would ask the kernel's network.  All of it is
 * in libnss_tcpd.so.2; libtcpd-preload.so loads that and calls it by the table
 * below.  Messages are the DNS's (RFC 1035 4.1), composed and read with
 * libresolv.
 */
#ifndef LIBCLIENT_LOOKUP_H
#define LIBCLIENT_LOOKUP_H

#include <netdb.h>
#include <stdbool.h>
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

/* Beside the values of h_errno: TRY_AGAIN, for nobody answered, which other
 * names would not change. */
#define LOOKUP_OVER 100

/*
 * What name may be short for, by $HOSTALIASES and by the list and the options
 * of resolv.conf(5), in the order and with the ends of res_search(3): try is
 * called with each candidate until it returns 0.  It returns a value of h_errno
 * or LOOKUP_OVER; the search returns a value of h_errno.
 */
int lookup_search(res_state st, const char *name,
    int (*try)(void *arg, const char *name), void *arg);

/* h_errno of an answer or LOOKUP_OVER, 0 when it has records.  A length of
 * -EINVAL: there is no question of that name. */
int lookup_verdict(const void *ans, ssize_t len);

/* Before the first look-up of a host in a process that is to ask us. */
void lookup_switch(void);

/* What the caller means by AI_ADDRCONFIG: *hints stays, or becomes *changed, a
 * copy which says it by the families that tcpd has.  0, or EAI_NONAME: it has
 * not the one that is wanted. */
int lookup_hints(
    const char *node, const struct addrinfo **hints, struct addrinfo *changed);

/* For libtcpd-preload.so: the functions of resolver(3), by a ready state. */
struct lookup_calls {
	void (*prepare)(void);
	bool (*served)(void);
	int (*hints)(const char *node, const struct addrinfo **hints,
	    struct addrinfo *changed);
	int (*send)(
	    res_state st, const u_char *msg, int len, u_char *ans, int max);
	int (*query)(res_state st, const char *name, int class, int type,
	    u_char *ans, int max);
	int (*querydomain)(res_state st, const char *name, const char *domain,
	    int class, int type, u_char *ans, int max);
	int (*search)(res_state st, const char *name, int class, int type,
	    u_char *ans, int max);
};
extern const struct lookup_calls _nss_tcpd_calls;
#define LOOKUP_CALLS "_nss_tcpd_calls"

/* There, the table; NULL: the library is not beside this one. */
const struct lookup_calls *hostnames(void);

#endif
