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
#include <arpa/nameser.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include "ipc/dnsmsg.h"
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
	return lookup_served() != -EOPNOTSUPP;
}

/* The thread's own state is ready. */
static bool
prepared(void)
{
	return (_res.options & RES_INIT) != 0 || res_init() == 0;
}

static int
failed(res_state st, int verdict)
{
	st->res_h_errno = verdict;
	h_errno = verdict;
	return -1;
}

/* ---- one message ---- */

static int
send_it(const u_char *msg, int len, u_char *ans, int max)
{
	ssize_t n;

	if (len < DNS_HEAD || max < DNS_HEAD) {
		errno = EINVAL;
		return -1;
	}
	n = lookup_ask(msg, (size_t)len, ans, (size_t)max);
	if (n < 0) {
		errno = n == -ENETDOWN ? ECONNREFUSED : (int)-n;
		return -1;
	}
	if (n > max)
		((HEADER *)ans)->tc = 1;
	return (int)n;
}

EXPORT int
res_nsend(res_state st, const u_char *msg, int len, u_char *ans, int max)
{
	return served() ? send_it(msg, len, ans, max)
			: OWN(res_nsend, st, msg, len, ans, max);
}

EXPORT int
res_send(const u_char *msg, int len, u_char *ans, int max)
{
	return served() ? send_it(msg, len, ans, max)
			: OWN(res_send, msg, len, ans, max);
}

/* ---- one question ---- */

static int
query(res_state st, const char *name, int class, int type, u_char *ans, int max)
{
	u_char msg[DNS_QUERY_MAX];
	int n, verdict;

	n = res_nmkquery(
	    st, ns_o_query, name, class, type, NULL, 0, NULL, msg, sizeof msg);
	if (n <= 0)
		return failed(st, NO_RECOVERY);
	n = send_it(msg, n, ans, max);
	if (n < 0)
		return failed(st, TRY_AGAIN);
	verdict = lookup_verdict(ans, n < max ? n : max);
	if (verdict != 0)
		return failed(st, verdict);
	return n;
}

EXPORT int
res_nquery(
    res_state st, const char *name, int class, int type, u_char *ans, int max)
{
	return served() ? query(st, name, class, type, ans, max)
			: OWN(res_nquery, st, name, class, type, ans, max);
}

EXPORT int
res_query(const char *name, int class, int type, u_char *ans, int max)
{
	return served() && prepared()
		   ? query(&_res, name, class, type, ans, max)
		   : OWN(res_query, name, class, type, ans, max);
}

/* ---- of a name in two parts ---- */

static int
querydomain(res_state st, const char *name, const char *domain, int class,
    int type, u_char *ans, int max)
{
	char whole[NS_MAXDNAME];
	int n;

	n = domain != NULL
		? snprintf(whole, sizeof whole, "%s.%s", name, domain)
		: snprintf(whole, sizeof whole, "%s", name);
	if (n < 0 || (size_t)n >= sizeof whole)
		return failed(st, NO_RECOVERY);
	return query(st, whole, class, type, ans, max);
}

EXPORT int
res_nquerydomain(res_state st, const char *name, const char *domain, int class,
    int type, u_char *ans, int max)
{
	return served() ? querydomain(st, name, domain, class, type, ans, max)
			: OWN(res_nquerydomain, st, name, domain, class, type,
			      ans, max);
}

EXPORT int
res_querydomain(const char *name, const char *domain, int class, int type,
    u_char *ans, int max)
{
	return served() && prepared()
		   ? querydomain(&_res, name, domain, class, type, ans, max)
		   : OWN(res_querydomain, name, domain, class, type, ans, max);
}

/* ---- of a short name ---- */

struct wanted {
	res_state st;
	int class, type;
	u_char *ans;
	int max, got;
};

static int
try_name(void *arg, const char *name)
{
	struct wanted *w = arg;

	w->got = query(w->st, name, w->class, w->type, w->ans, w->max);
	return w->got >= 0 ? 0 : w->st->res_h_errno;
}

static int
search(
    res_state st, const char *name, int class, int type, u_char *ans, int max)
{
	struct wanted w = {st, class, type, ans, max, -1};
	int verdict = lookup_search(st, name, try_name, &w);

	return verdict == 0 ? w.got : failed(st, verdict);
}

EXPORT int
res_nsearch(
    res_state st, const char *name, int class, int type, u_char *ans, int max)
{
	return served() ? search(st, name, class, type, ans, max)
			: OWN(res_nsearch, st, name, class, type, ans, max);
}

EXPORT int
res_search(const char *name, int class, int type, u_char *ans, int max)
{
	return served() && prepared()
		   ? search(&_res, name, class, type, ans, max)
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
