/* SPDX-License-Identifier: ISC */
/*
 * The look-ups of the DNS itself that resolver(3) has, over the daemon's
 * resolver: what resquery.c calls.  Results and h_errno are as there.
 */
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include "ipc/dnsmsg.h"
#include "lookup.h"

static int
failed(res_state st, int verdict)
{
	st->res_h_errno = verdict;
	h_errno = verdict;
	return -1;
}

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

static bool
served(void)
{
	return lookup_served() != -EOPNOTSUPP;
}

__attribute__((visibility("default")))
const struct lookup_calls _nss_tcpd_calls = {
    .prepare = lookup_switch,
    .served = served,
    .hints = lookup_hints,
    .send = send_it,
    .query = query,
    .querydomain = querydomain,
    .search = search,
};
