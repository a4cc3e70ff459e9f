/* SPDX-License-Identifier: ISC */
/*
 * The name service of libnss_tcpd.so.2 against answers of every kind, in
 * buffers of every size; the daemon is a function here.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/rng.h"
#include "ipc/dnsmsg.h"
#include "ipc/policy.h"
#include "lookup.h"
#include "nss_tcpd.h"
#include "wire.h"

#define PENDING 2

/* ---- the daemon ---- */

struct msg {
	size_t len;
	uint8_t b[DNS_MSG_MAX];
};

static void (*server)(struct msg *m, const char *name, int type);
static struct msg pending[PENDING];
static char asked[512]; /* the names, each with a blank behind it */
static int lost;	/* an errno, and no answer */
static struct rng *noise;

static void
put(struct msg *m, const void *p, size_t n)
{
	cr_assert_leq(n, sizeof m->b - m->len);
	memcpy(m->b + m->len, p, n);
	m->len += n;
}

static void
put16(struct msg *m, unsigned v)
{
	const uint8_t b[] = {(uint8_t)(v >> 8), (uint8_t)v};

	put(m, b, 2);
}

/* As it is written, so a label may have any character but a dot. */
static void
put_name(struct msg *m, const char *s)
{
	size_t n;

	for (; *s != '\0'; s += n + (s[n] == '.')) {
		n = strcspn(s, ".");
		put(m, &(uint8_t){(uint8_t)n}, 1);
		put(m, s, n);
	}
	put(m, "", 1);
}

static void
put_record(
    struct msg *m, const char *owner, int type, const void *data, size_t n)
{
	put_name(m, owner);
	put16(m, (unsigned)type);
	put16(m, ns_c_in);
	put(m, "\0\0\0\0", 4);
	put16(m, (unsigned)n);
	put(m, data, n);
	m->b[7]++;
	m->b[6] += m->b[7] == 0;
}

static void
put_pointer(struct msg *m, const char *owner, int type, const char *to)
{
	struct msg name = {0};

	put_name(&name, to);
	put_record(m, owner, type, name.b, name.len);
}

static void
put_address(struct msg *m, const char *owner, int type, unsigned i)
{
	uint8_t a[16] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};

	put_record(m, owner, type, a, type == ns_t_a ? 4 : 16);
}

static void
rcode(struct msg *m, int code)
{
	m->b[3] = (uint8_t)((m->b[3] & 0xf0) | code);
}

static void
spoil(struct msg *m)
{
	uint32_t n = rng_below(noise, 8);

	while (n-- > 0)
		m->b[rng_below(noise, (uint32_t)m->len)] =
		    (uint8_t)rng_u64(noise);
	if (rng_below(noise, 4) == 0)
		m->len = rng_below(noise, (uint32_t)m->len + 1);
}

int
wire_begin(const struct wire_req *q)
{
	static int turn;
	struct dns_question d;
	struct msg *m = &pending[turn = (turn + 1) % PENDING];
	size_t n = strlen(asked);

	cr_assert_eq(q->type, PROTO_RESOLVE);
	cr_assert_eq(dns_query(q->body[1], q->len[1], &d), 0);
	if (n < 400)
		snprintf(asked + n, sizeof asked - n, "%s ", d.name);
	m->len = 0;
	put(m, q->body[1], d.end);
	m->b[2] |= 0x80;
	server(m, d.name, d.type);
	if (noise != NULL)
		spoil(m);
	return turn;
}

int
wire_end(int fd, struct wire_req *q)
{
	if (q == NULL || lost != 0)
		return -lost;
	cr_assert_leq(pending[fd].len, q->ans_max);
	memcpy(q->ans, pending[fd].b, pending[fd].len);
	q->ans_len = pending[fd].len;
	return 0;
}

int
wire_request(struct wire_req *q)
{
	cr_assert_eq(q->type, PROTO_RESOLVE);
	return -lost;
}

void
wire_setup(void)
{
}

static struct proto_policy page;

const struct proto_policy *
wire_policy(int *err)
{
	*err = 0;
	return &page;
}

/* What this machine's resolv.conf has is nothing to us. */
static void
options(void)
{
	setenv("LOCALDOMAIN", "near.test far.test", 1);
	unsetenv("RES_OPTIONS");
	unsetenv("HOSTALIASES");
	cr_assert_eq(res_init(), 0);
	_res.options = RES_INIT | RES_DEFAULT;
	_res.ndots = 1;
	asked[0] = '\0';
}

/* ---- servers ---- */

static void
none(struct msg *m, const char *name, int type)
{
	(void)name;
	(void)type;
	rcode(m, ns_r_nxdomain);
}

static void
addresses(struct msg *m, const char *name, int type)
{
	put_pointer(m, name, ns_t_cname, "a.test");
	put_pointer(m, "a.test", ns_t_cname, "b.test");
	put_address(m, "b.test", type, 1);
	put_address(m, "other.test", type, 7); /* not of the chain */
	put_address(m, "b.test", type, 2);
	put_record(m, "b.test", type, "short", 5);
}

static void
pointers(struct msg *m, const char *name, int type)
{
	(void)type;
	put_pointer(m, name, ns_t_cname, "1.0/25.2.0.192.in-addr.arpa");
	put_pointer(m, "1.0/25.2.0.192.in-addr.arpa", ns_t_ptr, "one.test");
	put_pointer(m, "1.0/25.2.0.192.in-addr.arpa", ns_t_ptr, "no host.test");
	put_pointer(m, "1.0/25.2.0.192.in-addr.arpa", ns_t_ptr, "two.test");
}

static void
many(struct msg *m, const char *name, int type)
{
	unsigned i;

	for (i = 0; m->len + strlen(name) + 28 < sizeof m->b; i++)
		put_address(m, name, type, i);
}

static void
loop(struct msg *m, const char *name, int type)
{
	unsigned i;

	(void)type;
	for (i = 0; i < 100; i++)
		put_pointer(m, name, ns_t_cname, name);
}

/* Compression that points to itself. */
static void
endless(struct msg *m, const char *name, int type)
{
	const uint8_t at[] = {
	    (uint8_t)(0xc0 | m->len >> 8), (uint8_t)m->len, 0, (uint8_t)type};

	(void)name;
	put(m, at, sizeof at);
	put(m, "\0\1\0\0\0\0\0\4\1\2\3\4", 12);
	m->b[7] = 1;
}

static void
liar(struct msg *m, const char *name, int type)
{
	put_address(m, name, type, 1);
	m->b[6] = m->b[7] = 0xff;
}

static void
longest(struct msg *m, const char *name, int type)
{
	char to[256], label[64];

	memset(label, '\\', 63); /* twice as long in text */
	label[63] = '\0';
	snprintf(to, sizeof to, "%s.%s.%s.%.61s", label, label, label, label);
	put_pointer(m, name, type == ns_t_ptr ? type : ns_t_cname, to);
}

/* By a name that no program is to see, and more of them than are told. */
static void
far_away(struct msg *m, const char *name, int type)
{
	char from[16] = "-.test", to[16];
	unsigned i;

	put_pointer(m, name, ns_t_cname, from);
	for (i = 0; i < 99; i++) {
		snprintf(to, sizeof to, "h%u.test", i);
		put_pointer(m, from, ns_t_cname, to);
		strcpy(from, to);
	}
	put_address(m, to, type, 1);
}

static void
refusal(struct msg *m, const char *name, int type)
{
	(void)name;
	(void)type;
	rcode(m, ns_r_refused);
}

/* A has failed, and there is no AAAA. */
static void
half(struct msg *m, const char *name, int type)
{
	(void)name;
	rcode(m, type == ns_t_a ? ns_r_servfail : ns_r_noerror);
}

static void
only_far(struct msg *m, const char *name, int type)
{
	if (strcmp(name, "mail.far.test") == 0)
		put_address(m, name, type, 1);
	else
		rcode(m, ns_r_nxdomain);
}

/* ---- calls ---- */

struct got {
	enum nss_status status;
	int err, herr;
	size_t bytes; /* of all that the result points to, at least */
	struct hostent h;
	struct gaih_addrtuple *t;
	char *buf;
};

static const uint8_t address[] = {192, 0, 2, 1};

static size_t
walk(struct got *g, int which)
{
	struct gaih_addrtuple *t;
	size_t n = 0, i;

	for (t = g->t; which == 4 && t != NULL; t = t->next)
		n += sizeof *t + (size_t)(t->addr[3] == 0);
	if (which == 4)
		return n + strlen(g->t->name);
	for (i = 0; g->h.h_aliases[i] != NULL; i++)
		n += strlen(g->h.h_aliases[i]) + 1 + sizeof(char *);
	for (i = 0; g->h.h_addr_list[i] != NULL; i++)
		n += sizeof(char *) + (size_t)g->h.h_length +
		     (size_t)(g->h.h_addr_list[i][g->h.h_length - 1] == 1);
	return n + strlen(g->h.h_name);
}

/* gethostbyname4_r(), 3_r of IPv4 (3) or IPv6 (6), or gethostbyaddr2_r (2). */
static struct got
call(int which, const char *name, size_t room)
{
	struct got g = {.err = -1, .herr = -1};
	int32_t ttl = -1;
	char *canon = NULL;

	g.buf = malloc(room + 1);
	g.buf = realloc(g.buf, room != 0 ? room : 1); /* no byte more */
	cr_assert_not_null(g.buf);
	if (which == 4)
		g.status = _nss_tcpd_gethostbyname4_r(
		    name, &g.t, g.buf, room, &g.err, &g.herr, &ttl);
	else if (which == 2)
		g.status = _nss_tcpd_gethostbyaddr2_r(address, 4, AF_INET, &g.h,
		    g.buf, room, &g.err, &g.herr, &ttl);
	else
		g.status = _nss_tcpd_gethostbyname3_r(name,
		    which == 3 ? AF_INET : AF_INET6, &g.h, g.buf, room, &g.err,
		    &g.herr, &ttl, &canon);
	if (g.status == NSS_STATUS_SUCCESS) {
		cr_assert_eq(g.herr, 0);
		cr_assert_geq(ttl, 0);
		g.bytes = walk(&g, which);
	} else {
		cr_assert_null(g.t);
		cr_assert_gt(g.err, 0);
		cr_assert_neq(g.herr, 0);
	}
	return g;
}

static const int calls[] = {4, 3, 6, 2};

static bool
too_small(const struct got *g)
{
	return g->status == NSS_STATUS_TRYAGAIN && g->err == ERANGE &&
	       g->herr == NETDB_INTERNAL;
}

Test(nss, any_room_is_enough_or_too_small, .init = options)
{
	bool enough;
	size_t room, i;
	struct got g;

	for (i = 0; i < 4; i++) {
		server = calls[i] == 2 ? pointers : addresses;
		enough = false;
		for (room = 0; room <= 1024; room++) {
			g = call(calls[i], "www.test", room);
			cr_assert(enough ? g.status == NSS_STATUS_SUCCESS
					 : g.status == NSS_STATUS_SUCCESS ||
					       too_small(&g),
			    "call %d, %zu bytes: status %d errno %d", calls[i],
			    room, g.status, g.err);
			enough = g.status == NSS_STATUS_SUCCESS;
			free(g.buf);
		}
		cr_assert(enough, "call %d", calls[i]);
	}
}

Test(nss, as_many_as_a_message_has, .init = options)
{
	size_t room, i;
	struct got g;

	server = many;
	for (i = 0; i < 3; i++) {
		for (room = 1024;; room *= 2) {
			g = call(calls[i], "www.test", room);
			if (!too_small(&g))
				break;
			free(g.buf);
		}
		cr_assert_eq(g.status, NSS_STATUS_SUCCESS);
		cr_assert_gt(g.bytes, 20000);
		free(g.buf);
	}
}

Test(nss, what_is_wrong_is_no_answer, .init = options)
{
	static void (*const bad[])(struct msg *, const char *, int) = {
	    none, loop, endless, liar, longest};
	size_t room, i, k;
	struct got g;

	for (k = 0; k < sizeof bad / sizeof *bad; k++)
		for (i = 0; i < 4; i++)
			for (room = 0; room < 4096; room += 64) {
				server = bad[k];
				g = call(calls[i], "www.test", room);
				cr_assert(g.status == NSS_STATUS_NOTFOUND ||
					      too_small(&g),
				    "server %zu call %d: %d", k, calls[i],
				    g.status);
				free(g.buf);
			}
}

/* Valid messages with some octets changed or cut off. */
Test(nss, garbage, .init = options)
{
	static void (*const all[])(struct msg *, const char *, int) = {
	    addresses, pointers, loop, endless, liar, longest, far_away};
	struct rng r;
	struct got g;
	unsigned i;

	rng_init(&r, 1, 2);
	for (i = 0; i < 20000; i++) {
		server = all[i % 7];
		noise = &r;
		g = call(calls[i / 7 % 4], "www.test", rng_below(&r, 1024));
		free(g.buf);
	}
}

/* ---- meanings ---- */

Test(nss, an_address_by_a_delegation_of_few, .init = options)
{
	struct got g;

	server = pointers;
	g = call(2, NULL, 1024);
	cr_assert_eq(g.status, NSS_STATUS_SUCCESS);
	cr_assert_str_eq(g.h.h_name, "one.test");
	cr_assert_str_eq(g.h.h_aliases[0], "two.test");
	cr_assert_null(g.h.h_aliases[1]);
	free(g.buf);
}

Test(nss, an_address_of_ipv4_in_one_of_ipv6, .init = options)
{
	const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1},
		      self[16] = {[15] = 1};
	struct hostent h;
	char buf[1024];
	int err, herr;

	server = pointers;
	cr_assert_eq(_nss_tcpd_gethostbyaddr2_r(mapped, 16, AF_INET6, &h, buf,
			 sizeof buf, &err, &herr, NULL),
	    NSS_STATUS_SUCCESS);
	cr_assert_str_eq(asked, "1.2.0.192.in-addr.arpa ");
	cr_assert_eq(h.h_addrtype, AF_INET);
	cr_assert_eq(h.h_length, 4);
	cr_assert_arr_eq(h.h_addr_list[0], address, 4);
	asked[0] = '\0';
	cr_assert_eq(_nss_tcpd_gethostbyaddr2_r(self, 16, AF_INET6, &h, buf,
			 sizeof buf, &err, &herr, NULL),
	    NSS_STATUS_SUCCESS);
	cr_assert_str_eq(strrchr(asked, '0'), "0.ip6.arpa ");
}

Test(nss, a_long_way, .init = options)
{
	struct got g;
	unsigned n = 0;

	server = far_away;
	g = call(3, "www.test", 8192);
	cr_assert_eq(g.status, NSS_STATUS_SUCCESS);
	cr_assert_str_eq(g.h.h_name, "h98.test");
	cr_assert_str_eq(g.h.h_aliases[0], "www.test");
	cr_assert_str_eq(g.h.h_aliases[1], "h0.test");
	while (g.h.h_aliases[n] != NULL)
		n++;
	cr_assert_eq(n, 48);
	free(g.buf);
}

Test(nss, doubt_about_one_family_is_doubt, .init = options)
{
	struct got g;

	server = half;
	g = call(4, "www.test", 1024);
	cr_assert_eq(g.status, NSS_STATUS_TRYAGAIN);
	cr_assert_eq(g.herr, TRY_AGAIN);
	cr_assert_eq(g.err, EAGAIN);
	free(g.buf);
}

Test(nss, the_tuple_of_the_caller, .init = options)
{
	struct gaih_addrtuple own = {0}, *t = &own;
	char buf[1024];
	int err, herr;

	server = addresses;
	cr_assert_eq(_nss_tcpd_gethostbyname4_r(
			 "www.test", &t, buf, 8, &err, &herr, NULL),
	    NSS_STATUS_TRYAGAIN);
	cr_assert_eq(t, &own);
	cr_assert_eq(_nss_tcpd_gethostbyname4_r(
			 "www.test", &t, buf, sizeof buf, &err, &herr, NULL),
	    NSS_STATUS_SUCCESS);
	cr_assert_eq(t, &own);
	cr_assert_eq(own.family, AF_INET);
	cr_assert_not_null(own.next);
}

/* ---- options and searches, which are the program's to set ---- */

static void
searches(const char *name, void (*how)(struct msg *, const char *, int),
    int herr, const char *names)
{
	struct got g;

	asked[0] = '\0';
	server = how;
	g = call(3, name, 1024);
	free(g.buf);
	cr_assert_str_eq(asked, names);
	cr_assert_eq(g.herr, herr, "%s: %d", name, g.herr);
}

Test(nss, searches, .init = options)
{
	searches("mail", only_far, 0, "mail.near.test mail.far.test ");
	searches("x", none, HOST_NOT_FOUND, "x.near.test x.far.test x ");
	searches(
	    "x.y", none, HOST_NOT_FOUND, "x.y x.y.near.test x.y.far.test ");
	searches("x.y.", none, HOST_NOT_FOUND, "x.y ");
	searches("x", half, TRY_AGAIN, "x.near.test x.far.test x ");
	searches("x.y.", refusal, TRY_AGAIN, "x.y ");
	searches("x..y", none, HOST_NOT_FOUND, "");
	searches("", none, NO_RECOVERY, "");
	_res.ndots = 2;
	searches(
	    "x.y", none, HOST_NOT_FOUND, "x.y.near.test x.y.far.test x.y ");
	_res.options |= RES_NOTLDQUERY;
	searches("x", none, HOST_NOT_FOUND, "x.near.test x.far.test ");
	_res.options &= ~(RES_DNSRCH | RES_NOTLDQUERY);
	searches("x", none, HOST_NOT_FOUND, "x.near.test x ");
	_res.options &= ~RES_DEFNAMES;
	searches("x", none, HOST_NOT_FOUND, "x ");
}

Test(nss, nobody_is_asked_once, .init = options)
{
	lost = ENETDOWN;
	searches("x", none, TRY_AGAIN, "x.near.test ");
	searches("x.y", none, TRY_AGAIN, "x.y ");
}

Test(nss, without_ipv6, .init = options)
{
#ifdef RES_NOAAAA
	struct got g;

	_res.options |= RES_NOAAAA;
	server = addresses;
	g = call(4, "www.test", 1024);
	cr_assert_eq(g.status, NSS_STATUS_SUCCESS);
	cr_assert_str_eq(asked, "www.test ");
	free(g.buf);
	g = call(6, "www.test", 1024);
	cr_assert_eq(g.status, NSS_STATUS_NOTFOUND);
	cr_assert_eq(g.herr, NO_DATA);
	free(g.buf);
#else
	cr_skip_test("no such option in this C library");
#endif
}

/* ---- AI_ADDRCONFIG ---- */

/* What becomes of the hints: 0: they stay, EAI_NONAME, or flags and family. */
static int
hinted(const char *node, int flags, int family)
{
	const struct addrinfo had = {.ai_flags = flags, .ai_family = family},
			      *h = &had;
	struct addrinfo changed;
	int err = _nss_tcpd_calls.hints(node, &h, &changed);

	if (err != 0 || h == &had)
		return err;
	cr_assert_eq(h, &changed);
	return h->ai_flags << 8 | h->ai_family;
}

Test(nss, families_are_those_of_the_policy)
{
	struct ipaddr a = ipaddr_v4(0x0a000000);
	const int keep = AI_CANONNAME, flags = keep | AI_ADDRCONFIG;

	policy_init(&page, 1);
	cr_assert_eq(hinted("x.test", flags, AF_UNSPEC), 0);
	policy_add_connect(
	    &page, &a, 104, 0, 65535, PROTO_TCPD, PROTO_WHY_CONF, 1);
	cr_assert_eq(hinted("x.test", flags, AF_UNSPEC), keep << 8 | AF_INET);
	cr_assert_eq(hinted("x.test", flags, AF_INET), keep << 8 | AF_INET);
	cr_assert_eq(hinted("x.test", flags, AF_INET6), EAI_NONAME);
	cr_assert_eq(hinted("x.test", keep, AF_INET6), 0);
	cr_assert_eq(hinted("10.0.0.1", flags, AF_INET6), 0);
	a = (struct ipaddr){0};
	policy_add_connect(
	    &page, &a, 0, 0, 65535, PROTO_TCPD, PROTO_WHY_CONF, 2);
	cr_assert_eq(hinted("x.test", flags, AF_UNSPEC), keep << 8 | AF_UNSPEC);
	cr_assert_eq(hinted("x.test", flags, AF_INET6), keep << 8 | AF_INET6);
	lost = EOPNOTSUPP;
	cr_assert_eq(hinted("x.test", flags, AF_UNSPEC), 0);
}

/* ---- resolver(3) ---- */

static unsigned additional;

static void
verified(struct msg *m, const char *name, int type)
{
	additional = m->b[11];
	m->b[3] |= 0x20;
	m->b[11] = 0;
	put_address(m, name, type, 1);
}

Test(nss, verified_is_what_the_options_believe, .init = options)
{
	u_char ans[512];

	server = verified;
	cr_assert_gt(_nss_tcpd_calls.query(
			 &_res, "x.test", ns_c_in, ns_t_a, ans, sizeof ans),
	    DNS_HEAD);
	cr_assert_eq(ans[3] & 0x20, 0);
	cr_assert_eq(additional, 0);
#ifdef RES_TRUSTAD
	_res.options |= RES_TRUSTAD | RES_USE_DNSSEC;
	cr_assert_gt(_nss_tcpd_calls.query(
			 &_res, "x.test", ns_c_in, ns_t_a, ans, sizeof ans),
	    DNS_HEAD);
	cr_assert_eq(ans[3] & 0x20, 0x20);
	cr_assert_eq(additional, 1);
#endif
}
