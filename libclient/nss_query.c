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

/* Octets 2 and 3 of a message, RFC 1035 4.1.1, RFC 4035 3.2.3. */
#define FLAG_TC 0x02
#define FLAG_AD 0x20

#define EDNS_ROOM 1232 /* of a datagram that the daemon may get for it */
#define EDNS_DO	  0x80

static int
failed(res_state st, int verdict)
{
	st->res_h_errno = verdict;
	h_errno = verdict;
	return -1;
}

/* The name servers' word that they have verified it is no more than theirs:
 * resolv.conf(5) says whether it is believed. */
static void
doubt(res_state st, u_char *ans)
{
#ifdef RES_TRUSTAD
	if (st->options & RES_TRUSTAD)
		return;
#endif
	ans[3] &= (u_char)~FLAG_AD;
}

static int
send_it(res_state st, const u_char *msg, int len, u_char *ans, int max)
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
	doubt(st, ans);
	if (n > max)
		ans[2] |= FLAG_TC;
	return (int)n;
}

/* RFC 6891 6.1.2, when the options ask for it: the query's length with it. */
static int
add_opt(res_state st, u_char *msg, int len)
{
	const u_char opt[] = {0, 0, DNS_OPT, EDNS_ROOM >> 8, EDNS_ROOM & 0xff,
	    0, 0, st->options & RES_USE_DNSSEC ? EDNS_DO : 0, 0, 0, 0};

	if (!(st->options & (RES_USE_EDNS0 | RES_USE_DNSSEC)) ||
	    len + (int)sizeof opt > DNS_QUERY_MAX)
		return len;
	memcpy(msg + len, opt, sizeof opt);
	msg[11] = 1; /* additional records: this one */
	return len + (int)sizeof opt;
}

/* What lookup_search() wants of a name, and the answer's length in *got. */
static int
ask(res_state st, const char *name, int class, int type, u_char *ans, int max,
    int *got)
{
	u_char msg[DNS_QUERY_MAX];
	int n;

	n = res_nmkquery(
	    st, ns_o_query, name, class, type, NULL, 0, NULL, msg, sizeof msg);
	if (n <= 0)
		return NO_RECOVERY;
	n = send_it(st, msg, add_opt(st, msg, n), ans, max);
	*got = n;
	return lookup_verdict(ans, n < max ? n : max);
}

static int
query(res_state st, const char *name, int class, int type, u_char *ans, int max)
{
	int got, verdict = ask(st, name, class, type, ans, max, &got);

	if (verdict != 0)
		return failed(st, verdict == LOOKUP_OVER ? TRY_AGAIN : verdict);
	return got;
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

	return ask(w->st, name, w->class, w->type, w->ans, w->max, &w->got);
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
