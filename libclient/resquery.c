/* SPDX-License-Identifier: ISC */
/*
 * The C library's look-ups of the DNS itself (resolver(3)), which mail servers
 * and the like make.  Its sockets are its own; so here are those functions that
 * would send something, over the daemon's resolver.  Where there is none they
 * are the C library's, whole.
 *
 * Each function has the two names that programs were linked to over the years,
 * and a form with the state of the thread.
 */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include "lookup.h"

#define EXPORT __attribute__((visibility("default")))

/* Both names of a function. */
#define ALSO(name, other)                                                      \
	EXPORT __typeof__(name) other __THROW __attribute__((alias(#name)))

#define OWN(name, ...)                                                         \
	({                                                                     \
		void *found = dlsym(RTLD_NEXT, #name);                         \
		__typeof__(&name) f;                                           \
		if (found == NULL)                                             \
			found = dlsym(RTLD_NEXT, "__" #name);                  \
		memcpy(&f, &found, sizeof f);                                  \
		found != NULL ? f(__VA_ARGS__) : (errno = ENOSYS, -1);         \
	})

static bool
served(void)
{
	return hostnames() != NULL && hostnames()->served();
}

/* The thread's own state is ready. */
static bool
prepared(void)
{
	return (_res.options & RES_INIT) != 0 || res_init() == 0;
}

/* ---- one message ---- */

EXPORT int
res_nsend(res_state st, const u_char *msg, int len, u_char *ans, int max)
{
	return served() ? hostnames()->send(st, msg, len, ans, max)
			: OWN(res_nsend, st, msg, len, ans, max);
}

EXPORT int
res_send(const u_char *msg, int len, u_char *ans, int max)
{
	return served() && prepared()
		   ? hostnames()->send(&_res, msg, len, ans, max)
		   : OWN(res_send, msg, len, ans, max);
}

/* ---- one question ---- */

EXPORT int
res_nquery(
    res_state st, const char *name, int class, int type, u_char *ans, int max)
{
	return served() ? hostnames()->query(st, name, class, type, ans, max)
			: OWN(res_nquery, st, name, class, type, ans, max);
}

EXPORT int
res_query(const char *name, int class, int type, u_char *ans, int max)
{
	return served() && prepared()
		   ? hostnames()->query(&_res, name, class, type, ans, max)
		   : OWN(res_query, name, class, type, ans, max);
}

/* ---- of a name in two parts ---- */

EXPORT int
res_nquerydomain(res_state st, const char *name, const char *domain, int class,
    int type, u_char *ans, int max)
{
	return served() ? hostnames()->querydomain(
			      st, name, domain, class, type, ans, max)
			: OWN(res_nquerydomain, st, name, domain, class, type,
			      ans, max);
}

EXPORT int
res_querydomain(const char *name, const char *domain, int class, int type,
    u_char *ans, int max)
{
	return served() && prepared()
		   ? hostnames()->querydomain(
			 &_res, name, domain, class, type, ans, max)
		   : OWN(res_querydomain, name, domain, class, type, ans, max);
}

/* ---- of a short name ---- */

EXPORT int
res_nsearch(
    res_state st, const char *name, int class, int type, u_char *ans, int max)
{
	return served() ? hostnames()->search(st, name, class, type, ans, max)
			: OWN(res_nsearch, st, name, class, type, ans, max);
}

EXPORT int
res_search(const char *name, int class, int type, u_char *ans, int max)
{
	return served() && prepared()
		   ? hostnames()->search(&_res, name, class, type, ans, max)
		   : OWN(res_search, name, class, type, ans, max);
}

ALSO(res_nsend, __res_nsend);
ALSO(res_send, __res_send);
ALSO(res_nquery, __res_nquery);
ALSO(res_query, __res_query);
ALSO(res_nquerydomain, __res_nquerydomain);
ALSO(res_querydomain, __res_querydomain);
ALSO(res_nsearch, __res_nsearch);
ALSO(res_search, __res_search);
