/* SPDX-License-Identifier: ISC */
/* Names asked of the daemon's resolver; see lookup.h. */
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ipc/dnsmsg.h"
#include "lookup.h"
#include "wire.h"

int
lookup_served(void)
{
	struct wire_req q = {.type = PROTO_RESOLVE, .auth_fd = -1};

	return wire_request(&q);
}

int
lookup_begin(const void *query, size_t len)
{
	/* No datagram: the whole answer is wanted at once. */
	const struct proto_resolve r = {.flags = 0};
	const struct wire_req q = {.type = PROTO_RESOLVE,
	    .body = {&r, query},
	    .len = {sizeof r, len},
	    .auth_fd = -1};

	return wire_begin(&q);
}

ssize_t
lookup_end(int fd, void *ans, size_t max)
{
	struct wire_req q = {.ans_max = DNS_MSG_MAX};
	int err;

	q.ans = malloc(DNS_MSG_MAX);
	if (q.ans == NULL) {
		wire_end(fd, NULL);
		return -ENOMEM;
	}
	err = wire_end(fd, &q);
	if (err == 0 && q.ans_len < DNS_HEAD)
		err = -EPROTO;
	if (err == 0)
		memcpy(ans, q.ans, q.ans_len < max ? q.ans_len : max);
	free(q.ans);
	return err != 0 ? err : (ssize_t)q.ans_len;
}

ssize_t
lookup_ask(const void *query, size_t len, void *ans, size_t max)
{
	int fd = lookup_begin(query, len);

	return fd < 0 ? fd : lookup_end(fd, ans, max);
}

int
lookup_verdict(const void *ans, ssize_t len)
{
	const uint8_t *p = ans; /* the caller's, aligned for nothing */

	if (len < DNS_HEAD)
		return len == -EINVAL ? HOST_NOT_FOUND : LOOKUP_OVER;
	switch (p[3] & 0xf) {
	case ns_r_noerror:
		return (p[6] | p[7]) != 0 ? 0 : NO_DATA;
	case ns_r_nxdomain:
		return HOST_NOT_FOUND;
	case ns_r_servfail:
	case ns_r_notimpl:
	case ns_r_refused: /* by these servers */
		return TRY_AGAIN;
	default:
		return NO_RECOVERY;
	}
}

/* ---- short names ---- */

static int
try_in(int (*try)(void *arg, const char *name), void *arg, const char *name,
    const char *domain)
{
	char whole[NS_MAXDNAME];
	int n;

	n = snprintf(whole, sizeof whole, "%s.%s", name, domain);
	return n > 0 && (size_t)n < sizeof whole ? try(arg, whole)
						 : NO_RECOVERY;
}

struct listed {
	int verdict; /* the last one */
	bool any, root, no_data, failed;
};

/* Name in each domain of the list, until it is one or there is no point. */
static struct listed
try_list(res_state st, int (*try)(void *arg, const char *name), void *arg,
    const char *name)
{
	struct listed l = {.verdict = HOST_NOT_FOUND};
	const char *domain;
	unsigned i;

	for (i = 0; i < MAXDNSRCH && st->dnsrch[i] != NULL; i++) {
		domain = st->dnsrch[i];
		domain += domain[0] == '.';
		l.any = true;
		l.root |= domain[0] == '\0';
		l.verdict = try_in(try, arg, name, domain);
		l.no_data |= l.verdict == NO_DATA;
		l.failed |= l.verdict == TRY_AGAIN;
		if (l.verdict != NO_DATA && l.verdict != TRY_AGAIN &&
		    l.verdict != HOST_NOT_FOUND)
			break;
		if (!(st->options & RES_DNSRCH))
			break; /* the first is the domain of our own */
	}
	return l;
}

static int
search(res_state st, const char *name, int (*try)(void *arg, const char *name),
    void *arg)
{
	struct listed l = {.verdict = HOST_NOT_FOUND};
	size_t len = strlen(name), i;
	bool rooted = len > 0 && name[len - 1] == '.';
	int whole = -1;
	unsigned dots = 0;

	if (len == 0)
		return NO_RECOVERY; /* it is not the root that is meant */
	for (i = 0; i < len; i++)
		dots += name[i] == '.';
	if (dots >= st->ndots || rooted) {
		whole = try(arg, name);
		if (whole == 0 || whole == LOOKUP_OVER || rooted)
			return whole;
	}
	if (st->options & (dots == 0 ? RES_DEFNAMES : RES_DNSRCH))
		l = try_list(st, try, arg, name);
	if (l.verdict == 0 || l.verdict == LOOKUP_OVER)
		return l.verdict;
	if (whole < 0 && !l.root &&
	    (dots > 0 || !l.any || !(st->options & RES_NOTLDQUERY))) {
		l.verdict = try(arg, name);
		if (l.verdict == 0 || l.verdict == LOOKUP_OVER)
			return l.verdict;
	}
	/* What was said of the name itself counts most; then, that one exists
	 * more than doubt about another one. */
	return whole >= 0  ? whole
	       : l.no_data ? NO_DATA
	       : l.failed  ? TRY_AGAIN
			   : l.verdict;
}

int
lookup_search(res_state st, const char *name,
    int (*try)(void *arg, const char *name), void *arg)
{
	char other[NS_MAXDNAME];
	const char *alias = NULL;
	int verdict;

	/* It is deprecated to look names up by it, which is not done here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	if (strchr(name, '.') == NULL)
		alias = res_hostalias(st, name, other, sizeof other);
#pragma GCC diagnostic pop
	verdict = alias != NULL ? try(arg, alias) : search(st, name, try, arg);
	return verdict == LOOKUP_OVER ? TRY_AGAIN : verdict;
}
