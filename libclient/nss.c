/* SPDX-License-Identifier: ISC */
/*
 * libnss_tcpd.so.2: the service "tcpd" of nsswitch.conf(5) for hosts, which
 * asks the daemon's resolver.  libtcpd-preload.so has the C library use it
 * before the service dns (hostnames.c); a line "hosts: files tcpd dns" does so
 * for all programs.  Without a resolver in tcpd.conf it is unavailable, so that
 * the next service is asked; without a daemon one is to try again.
 *
 * Results lie in the caller's buffer, as each function of the GNU Name Service
 * Switch has it: when that is too small it says so (ERANGE), and is called
 * again with a larger one.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ipc/dnsmsg.h"
#include "lookup.h"
#include "nss_tcpd.h"
#include "wire.h"

#define EXPORT	    __attribute__((visibility("default")))
#define MAX_ALIASES 48 /* of a chain of CNAMEs; further ones are not told */
#define PTR_MAX	    80 /* 32 nibbles with dots, ip6.arpa */

__attribute__((constructor)) static void
setup(void)
{
	wire_setup();
}

/* ---- asking ---- */

/* The thread's own state of resolver(3), whose options the program may have
 * set; the C library has read resolv.conf(5) into it before it came here. */
static bool
ready(void)
{
	return (_res.options & RES_INIT) != 0 || res_init() == 0;
}

/* Are names to have addresses of IPv6? */
static bool
v6_wanted(void)
{
#ifdef RES_NOAAAA
	return !ready() || !(_res.options & RES_NOAAAA);
#else
	return true;
#endif
}

struct question {
	ns_type type;	/* ns_t_a, ns_t_aaaa, ns_t_ptr */
	uint8_t *ans;	/* DNS_MSG_MAX of room */
	ssize_t len;	/* of it, or a negative errno */
	int fd;		/* where it comes */
	struct answer { /* what is in it, see read_answer() */
		ns_msg msg;
		char owner[NS_MAXDNAME]; /* the end of the chain */
		char name[NS_MAXDNAME];	 /* the last that may be a host's */
		char alias[MAX_ALIASES][NS_MAXDNAME];
		unsigned naliases;
		int32_t ttl;
	} found;
};

struct asked {
	res_state st;
	struct question *q;
	unsigned n;
	bool unavailable; /* no resolver */
};

static void
begin(res_state st, struct question *q, const char *name)
{
	uint8_t msg[DNS_QUERY_MAX];
	int n;

	n = res_nmkquery(st, ns_o_query, name, ns_c_in, q->type, NULL, 0, NULL,
	    msg, sizeof msg);
	q->fd = n < 0 ? -EINVAL : lookup_begin(msg, (size_t)n);
}

/*
 * Follows the chain of aliases from name and counts what is at its end: 0, or
 * a value of h_errno.  The chain may go by names that no host has, which are
 * nothing to show to a program; that of an address does (RFC 2317 4).
 */
static int
read_answer(struct question *q, const char *name)
{
	struct answer *a = &q->found;
	bool any = false;
	ns_rr rr;
	int i;

	a->naliases = 0;
	a->ttl = INT32_MAX;
	if (ns_initparse(q->ans, (int)q->len, &a->msg) != 0 ||
	    snprintf(a->name, sizeof a->name, "%s", name) >=
		(int)sizeof a->name)
		return NO_RECOVERY;
	if (a->name[0] != '\0' && a->name[strlen(a->name) - 1] == '.')
		a->name[strlen(a->name) - 1] = '\0';
	strcpy(a->owner, a->name);
	for (i = 0; i < ns_msg_count(a->msg, ns_s_an); i++) {
		if (ns_parserr(&a->msg, ns_s_an, i, &rr) != 0)
			return NO_RECOVERY;
		if (ns_rr_class(rr) != ns_c_in ||
		    strcasecmp(ns_rr_name(rr), a->owner) != 0)
			continue;
		if ((int32_t)ns_rr_ttl(rr) < a->ttl &&
		    ns_rr_ttl(rr) < INT32_MAX)
			a->ttl = (int32_t)ns_rr_ttl(rr);
		if (ns_rr_type(rr) == q->type)
			any = true;
		if (ns_rr_type(rr) != ns_t_cname)
			continue;
		if (ns_name_uncompress(q->ans, q->ans + q->len, ns_rr_rdata(rr),
			a->owner, sizeof a->owner) < 0)
			return NO_RECOVERY;
		if (!(q->type == ns_t_ptr ? res_dnok : res_hnok)(a->owner))
			continue;
		if (a->naliases < MAX_ALIASES)
			strcpy(a->alias[a->naliases++], a->name);
		strcpy(a->name, a->owner);
	}
	return any ? 0 : NO_DATA;
}

/* For lookup_search(): all questions about one name, at the same time. */
static int
ask(void *arg, const char *name)
{
	struct asked *as = arg;
	struct question *q;
	int best = HOST_NOT_FOUND, v;
	unsigned i;

	for (i = 0; i < as->n; i++)
		begin(as->st, &as->q[i], name);
	for (i = 0; i < as->n; i++) {
		q = &as->q[i];
		q->len =
		    q->fd < 0 ? q->fd : lookup_end(q->fd, q->ans, DNS_MSG_MAX);
		as->unavailable |= q->len == -EOPNOTSUPP;
	}
	if (as->unavailable)
		return LOOKUP_OVER;
	for (i = 0; i < as->n; i++) {
		q = &as->q[i];
		v = lookup_verdict(q->ans, q->len);
		if (v == 0)
			v = read_answer(q, name);
		if (v != 0)
			q->len = 0;
		/* One with addresses is enough, and so is one who knows that
		 * there is no such name.  That it has none is true when both
		 * say so. */
		if (i == 0 || v == 0 || best == NO_DATA ||
		    (best != 0 && v == HOST_NOT_FOUND))
			best = v;
	}
	return best;
}

/* The questions' answers, or what to return. */
static enum nss_status
answers(const char *name, struct question *q, unsigned n, bool search,
    int *errnop, int *herrnop)
{
	struct asked as = {.st = &_res, .q = q, .n = n};
	int v = NETDB_INTERNAL;
	unsigned i;
	bool room = true;

	for (i = 0; i < n; i++)
		room &= (q[i].ans = malloc(DNS_MSG_MAX)) != NULL;
	if (room && ready())
		v = search ? lookup_search(as.st, name, ask, &as)
			   : ask(&as, name);
	if (v == LOOKUP_OVER)
		v = TRY_AGAIN;
	*herrnop = as.unavailable ? NO_RECOVERY : v;
	if (v == 0)
		return NSS_STATUS_SUCCESS;
	*errnop = v == NETDB_INTERNAL ? ENOMEM : EAGAIN;
	if (as.unavailable)
		return NSS_STATUS_UNAVAIL;
	if (v == TRY_AGAIN || v == NETDB_INTERNAL)
		return NSS_STATUS_TRYAGAIN;
	*errnop = ENOENT;
	return NSS_STATUS_NOTFOUND;
}

static void
forget(struct question *q, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		free(q[i].ans);
	free(q);
}

/* ---- the caller's buffer ---- */

struct room {
	char *at;
	size_t left;
	bool full;
};

/* Aligned for pointers; NULL and full when there is none left. */
static void *
take(struct room *r, size_t n)
{
	size_t skip = -(uintptr_t)r->at & (sizeof(void *) - 1);
	void *p;

	if (r->full || skip > r->left || n > r->left - skip) {
		r->full = true;
		return NULL;
	}
	p = r->at + skip;
	r->at += skip + n;
	r->left -= skip + n;
	return p;
}

static char *
take_text(struct room *r, const char *s)
{
	char *p = take(r, strlen(s) + 1);

	return p != NULL ? strcpy(p, s) : NULL;
}

/* Not ERANGE, with which one is asked for ever. */
static enum nss_status
no_memory(int *errnop, int *herrnop)
{
	*errnop = ENOMEM;
	*herrnop = NETDB_INTERNAL;
	return NSS_STATUS_TRYAGAIN;
}

static enum nss_status
too_small(int *errnop, int *herrnop)
{
	*errnop = ERANGE;
	*herrnop = NETDB_INTERNAL;
	return NSS_STATUS_TRYAGAIN;
}

static enum nss_status
no_data(int *errnop, int *herrnop)
{
	*errnop = ENOENT;
	*herrnop = NO_DATA;
	return NSS_STATUS_NOTFOUND;
}

/* The next record at the end of the chain after *i, whose data is size long
 * (0: any length). */
static bool
next_record(struct question *q, int *i, size_t size, ns_rr *rr)
{
	ns_msg *m = &q->found.msg;

	while (q->len > 0 && *i < ns_msg_count(*m, ns_s_an))
		if (ns_parserr(m, ns_s_an, (*i)++, rr) == 0 &&
		    ns_rr_type(*rr) == q->type && ns_rr_class(*rr) == ns_c_in &&
		    strcasecmp(ns_rr_name(*rr), q->found.owner) == 0 &&
		    (size == 0 || ns_rr_rdlen(*rr) == size))
			return true;
	return false;
}

/* ---- getaddrinfo(3) of both families ---- */

static bool
add_tuples(struct question *q, struct room *r, struct gaih_addrtuple ***end,
    char **name)
{
	bool v4 = q->type == ns_t_a;
	struct gaih_addrtuple *t;
	ns_rr rr;
	int i = 0;

	while (next_record(q, &i, v4 ? 4 : 16, &rr)) {
		/* The caller may have one of his own for the first. */
		t = **end != NULL ? **end : take(r, sizeof *t);
		if (*name == NULL)
			*name = take_text(r, q->found.name);
		if (r->full)
			return false;
		*t = (struct gaih_addrtuple){
		    .name = *name, .family = v4 ? AF_INET : AF_INET6};
		memcpy(t->addr, ns_rr_rdata(rr), ns_rr_rdlen(rr));
		**end = t;
		*end = &t->next;
	}
	return true;
}

EXPORT enum nss_status
_nss_tcpd_gethostbyname4_r(const char *name, struct gaih_addrtuple **pat,
    char *buf, size_t len, int *errnop, int *herrnop, int32_t *ttlp)
{
	struct gaih_addrtuple **end = pat, *given = *pat;
	struct room r = {buf, len, false};
	struct question *q = calloc(2, sizeof *q);
	enum nss_status s;
	char *first = NULL;

	if (q == NULL)
		return no_memory(errnop, herrnop);
	q[0].type = ns_t_a;
	q[1].type = ns_t_aaaa;
	s = answers(name, q, v6_wanted() ? 2 : 1, true, errnop, herrnop);
	if (s == NSS_STATUS_SUCCESS &&
	    (!add_tuples(&q[0], &r, &end, &first) ||
		!add_tuples(&q[1], &r, &end, &first))) {
		*pat = given; /* not what is in this buffer */
		s = too_small(errnop, herrnop);
	} else if (s == NSS_STATUS_SUCCESS && first == NULL)
		s = no_data(errnop, herrnop);
	if (s == NSS_STATUS_SUCCESS && ttlp != NULL)
		*ttlp = q[q[0].len > 0 ? 0 : 1].found.ttl;
	forget(q, 2);
	return s;
}

/* ---- gethostbyname(3) and those like it ---- */

static char **
take_list(struct room *r, size_t n)
{
	char **list = take(r, (n + 1) * sizeof *list);

	if (list != NULL)
		list[n] = NULL;
	return list;
}

/* h_name and h_aliases. */
static void
fill_names(struct hostent *h, const struct answer *a, struct room *r)
{
	unsigned i;

	h->h_name = take_text(r, a->name);
	h->h_aliases = take_list(r, a->naliases);
	for (i = 0; i < a->naliases && h->h_aliases != NULL; i++)
		h->h_aliases[i] = take_text(r, a->alias[i]);
}

static size_t
fill_addresses(struct hostent *h, struct question *q, struct room *r)
{
	size_t n = 0, k = 0;
	ns_rr rr;
	int i;

	for (i = 0; next_record(q, &i, (size_t)h->h_length, &rr);)
		n++;
	h->h_addr_list = take_list(r, n);
	for (i = 0; k < n && next_record(q, &i, (size_t)h->h_length, &rr);) {
		char *p = take(r, (size_t)h->h_length);

		if (r->full)
			break;
		memcpy(p, ns_rr_rdata(rr), (size_t)h->h_length);
		h->h_addr_list[k++] = p;
	}
	return n;
}

EXPORT enum nss_status
_nss_tcpd_gethostbyname3_r(const char *name, int af, struct hostent *h,
    char *buf, size_t len, int *errnop, int *herrnop, int32_t *ttlp,
    char **canonp)
{
	struct room r = {buf, len, false};
	struct question *q;
	enum nss_status s;

	if (af != AF_INET && af != AF_INET6) {
		*herrnop = NO_DATA;
		*errnop = EAFNOSUPPORT;
		return NSS_STATUS_UNAVAIL;
	}
	q = calloc(1, sizeof *q);
	if (q == NULL)
		return no_memory(errnop, herrnop);
	/* Without IPv6 the question is whether the name exists. */
	q->type = af == AF_INET || !v6_wanted() ? ns_t_a : ns_t_aaaa;
	s = answers(name, q, 1, true, errnop, herrnop);
	if (s == NSS_STATUS_SUCCESS) {
		*h = (struct hostent){
		    .h_addrtype = af, .h_length = af == AF_INET ? 4 : 16};
		fill_names(h, &q->found, &r);
		if (fill_addresses(h, q, &r) == 0)
			s = no_data(errnop, herrnop);
		if (r.full)
			s = too_small(errnop, herrnop);
	}
	if (s == NSS_STATUS_SUCCESS && ttlp != NULL)
		*ttlp = q->found.ttl;
	if (s == NSS_STATUS_SUCCESS && canonp != NULL)
		*canonp = h->h_name;
	forget(q, 1);
	return s;
}

EXPORT enum nss_status
_nss_tcpd_gethostbyname2_r(const char *name, int af, struct hostent *h,
    char *buf, size_t len, int *errnop, int *herrnop)
{
	return _nss_tcpd_gethostbyname3_r(
	    name, af, h, buf, len, errnop, herrnop, NULL, NULL);
}

EXPORT enum nss_status
_nss_tcpd_gethostbyname_r(const char *name, struct hostent *h, char *buf,
    size_t len, int *errnop, int *herrnop)
{
	return _nss_tcpd_gethostbyname2_r(
	    name, AF_INET, h, buf, len, errnop, herrnop);
}

/* ---- addresses ---- */

/* RFC 1035 3.5, RFC 3596 2.5. */
static void
ptr_name(const uint8_t *a, int af, char *out)
{
	int i;

	if (af == AF_INET) {
		snprintf(out, PTR_MAX, "%u.%u.%u.%u.in-addr.arpa", a[3], a[2],
		    a[1], a[0]);
		return;
	}
	for (i = 15; i >= 0; i--)
		out += sprintf(out, "%x.%x.", a[i] & 15, a[i] >> 4);
	strcpy(out, "ip6.arpa");
}

/* An address of IPv4 in one of IPv6 (RFC 4291 2.5.5), which ::1 is not? */
static bool
holds_v4(const uint8_t *a)
{
	static const uint8_t none[12], mapped[12] = {[10] = 0xff, 0xff};

	return memcmp(a, mapped, 12) == 0 ||
	       (memcmp(a, none, 12) == 0 && memcmp(a + 12, "\0\0\0\1", 4) != 0);
}

/* The first name is h_name, the others are aliases. */
static void
fill_pointers(struct hostent *h, struct question *q, struct room *r)
{
	char name[NS_MAXDNAME];
	size_t n = 0, k = 0;
	ns_rr rr;
	int i;

	for (i = 0; next_record(q, &i, 0, &rr);)
		n++;
	h->h_aliases = take_list(r, n);
	for (i = 0; !r->full && k < n && next_record(q, &i, 0, &rr);) {
		if (ns_name_uncompress(q->ans, q->ans + q->len, ns_rr_rdata(rr),
			name, sizeof name) < 0 ||
		    !res_hnok(name))
			continue;
		if (h->h_name == NULL)
			h->h_name = take_text(r, name);
		else
			h->h_aliases[k++] = take_text(r, name);
	}
	if (h->h_aliases != NULL)
		h->h_aliases[k] = NULL;
}

EXPORT enum nss_status
_nss_tcpd_gethostbyaddr2_r(const void *addr, socklen_t alen, int af,
    struct hostent *h, char *buf, size_t len, int *errnop, int *herrnop,
    int32_t *ttlp)
{
	struct room r = {buf, len, false};
	char name[PTR_MAX];
	struct question *q;
	enum nss_status s;

	if (af == AF_INET6 && alen == 16 && holds_v4(addr)) {
		af = AF_INET;
		addr = (const uint8_t *)addr + 12;
	}
	if ((af != AF_INET || alen < 4) && (af != AF_INET6 || alen < 16)) {
		*herrnop = NETDB_INTERNAL;
		*errnop = EAFNOSUPPORT;
		return NSS_STATUS_UNAVAIL;
	}
	q = calloc(1, sizeof *q);
	if (q == NULL)
		return no_memory(errnop, herrnop);
	q->type = ns_t_ptr;
	ptr_name(addr, af, name);
	s = answers(name, q, 1, false, errnop, herrnop);
	if (s == NSS_STATUS_SUCCESS) {
		*h = (struct hostent){
		    .h_addrtype = af, .h_length = af == AF_INET ? 4 : 16};
		h->h_addr_list = take_list(&r, 1);
		if (h->h_addr_list != NULL &&
		    (h->h_addr_list[0] = take(&r, (size_t)h->h_length)) != NULL)
			memcpy(h->h_addr_list[0], addr, (size_t)h->h_length);
		fill_pointers(h, q, &r);
		if (h->h_name == NULL)
			s = no_data(errnop, herrnop);
		if (r.full)
			s = too_small(errnop, herrnop);
	}
	if (s == NSS_STATUS_SUCCESS && ttlp != NULL)
		*ttlp = q->found.ttl;
	forget(q, 1);
	return s;
}

EXPORT enum nss_status
_nss_tcpd_gethostbyaddr_r(const void *addr, socklen_t alen, int af,
    struct hostent *h, char *buf, size_t len, int *errnop, int *herrnop)
{
	return _nss_tcpd_gethostbyaddr2_r(
	    addr, alen, af, h, buf, len, errnop, herrnop, NULL);
}
