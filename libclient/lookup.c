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
	const HEADER *h = ans;

	if (len < DNS_HEAD)
		return len == -EINVAL ? NO_RECOVERY : TRY_AGAIN;
	switch (h->rcode) {
	case ns_r_noerror:
		return h->ancount != 0 ? 0 : NO_DATA;
	case ns_r_nxdomain:
		return HOST_NOT_FOUND;
	case ns_r_servfail:
		return TRY_AGAIN;
	default:
		return NO_RECOVERY;
	}
}

/* ---- short names ---- */

struct search {
	int (*try)(void *arg, const char *name);
	void *arg;
	int worst; /* of those tried: what is said when none is it */
};

/* Is this the end of the search? */
static bool
over(struct search *s, const char *name)
{
	int verdict = s->try(s->arg, name);
	bool end =
	    verdict == 0 || verdict == NO_RECOVERY || verdict == NETDB_INTERNAL;

	/* That a name exists counts more than doubt about another one. */
	if (end || verdict == NO_DATA ||
	    (verdict == TRY_AGAIN && s->worst != NO_DATA))
		s->worst = verdict;
	return end;
}

static bool
over_in(struct search *s, const char *name, const char *domain)
{
	char whole[NS_MAXDNAME];
	int n;

	if (strcmp(domain, ".") == 0)
		domain = "";
	n = snprintf(whole, sizeof whole, "%s.%s", name, domain);
	return n > 0 && (size_t)n < sizeof whole && over(s, whole);
}

int
lookup_search(res_state st, const char *name,
    int (*try)(void *arg, const char *name), void *arg)
{
	struct search s = {try, arg, HOST_NOT_FOUND};
	size_t len = strlen(name);
	unsigned dots = 0, i;
	bool whole, list;

	for (i = 0; name[i] != '\0'; i++)
		dots += name[i] == '.';
	if (len > 0 && name[len - 1] == '.') {
		over(&s, name);
		return s.worst;
	}
	whole = dots >= st->ndots;
	if (whole && over(&s, name))
		return s.worst;
	list = st->options & (dots == 0 ? RES_DEFNAMES : RES_DNSRCH);
	for (i = 0; list && i < MAXDNSRCH && st->dnsrch[i] != NULL; i++) {
		if (over_in(&s, name, st->dnsrch[i]))
			return s.worst;
		if (!(st->options & RES_DNSRCH))
			break; /* the first is the domain of our own */
	}
	if (!whole)
		over(&s, name);
	return s.worst;
}
