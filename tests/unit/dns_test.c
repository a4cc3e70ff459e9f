/* SPDX-License-Identifier: ISC */
/*
 * What is looked at in messages of the DNS, good and hostile, and what
 * /etc/hosts answers.
 */
#include "config.h"

#include <sys/mman.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "ipc/dnsmsg.h"
#include "proc/hosts.h"

static uint8_t query[4096], out[4096];

/* A query for name, written with dots; its length. */
static size_t
ask(const char *name, uint16_t type)
{
	static const uint8_t head[DNS_HEAD] = {0x12, 0x34, 1, 0, 0, 1};
	size_t n = DNS_HEAD, len;

	memcpy(query, head, sizeof head);
	for (; *name != '\0'; name += len + (name[len] == '.')) {
		len = strcspn(name, ".");
		query[n++] = (uint8_t)len;
		memcpy(query + n, name, len);
		n += len;
	}
	query[n++] = 0;
	query[n++] = (uint8_t)(type >> 8);
	query[n++] = (uint8_t)type;
	query[n++] = 0;
	query[n++] = DNS_IN;
	return n;
}

/* An OPT record behind the question, for datagrams of size. */
static size_t
with_opt(size_t n, unsigned size)
{
	const uint8_t opt[11] = {
	    0, 0, DNS_OPT, (uint8_t)(size >> 8), (uint8_t)size};

	memcpy(query + n, opt, sizeof opt);
	query[11] = 1;
	return n + sizeof opt;
}

Test(dns, a_query)
{
	size_t n = ask("WWW.Example", DNS_AAAA);
	struct dns_question q;

	cr_assert_eq(dns_query(query, n, &q), 0);
	cr_assert_str_eq(q.name, "www.example");
	cr_assert(q.type == DNS_AAAA && q.class == DNS_IN && q.end == n);
	cr_assert_eq(dns_query(query, with_opt(n, 1232), &q), 0);
	cr_assert_eq(q.end, n);
	n = ask("", 2);
	cr_assert_eq(dns_query(query, n, &q), 0);
	cr_assert_str_eq(q.name, "");
	/* No host's name, and so no text that could be taken for another. */
	n = ask("a\001b.example", DNS_A);
	cr_assert_eq(dns_query(query, n, &q), 0);
	cr_assert_str_eq(q.name, "");
}

Test(dns, no_query)
{
	struct dns_question q;
	size_t n = ask("a.example", DNS_A), i;

	for (i = 0; i < DNS_HEAD; i++)
		cr_assert_eq(dns_query(query, i, &q), -1);
	for (; i < n; i++)
		cr_assert_eq(dns_query(query, i, &q), DNS_FORMERR);
	query[2] |= 0x80; /* an answer gets none */
	cr_assert_eq(dns_query(query, n, &q), -1);
	query[2] = 0x28; /* an update */
	cr_assert_eq(dns_query(query, n, &q), DNS_NOTIMP);
	ask("a.example", DNS_A);
	query[5] = 2;
	cr_assert_eq(dns_query(query, n, &q), DNS_FORMERR);
	ask("a.example", DNS_A);
	query[DNS_HEAD] = 0xc0; /* compressed, to itself */
	query[DNS_HEAD + 1] = DNS_HEAD;
	cr_assert_eq(dns_query(query, n, &q), DNS_FORMERR);
	query[DNS_HEAD] = 64;
	cr_assert_eq(dns_query(query, n, &q), DNS_FORMERR);
	cr_assert_eq(
	    dns_query(query, with_opt(ask("a", 1), 0) + DNS_QUERY_MAX, &q),
	    DNS_FORMERR);
}

/* Names of 255 octets are the longest, and their text has 253 letters. */
Test(dns, long_names)
{
	struct dns_question q;
	char name[300];
	size_t n;

	memset(name, 'x', sizeof name);
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	n = ask(name, DNS_A);
	cr_assert_eq(n, DNS_HEAD + 255 + 4);
	cr_assert_eq(dns_query(query, n, &q), 0);
	cr_assert_str_eq(q.name, name);
	name[253] = 'x';
	name[254] = '\0';
	cr_assert_eq(dns_query(query, ask(name, DNS_A), &q), DNS_FORMERR);
}

Test(dns, an_empty_answer)
{
	size_t n = ask("a.example", DNS_A), len;

	len = dns_empty(query, with_opt(n, 4096), DNS_SERVFAIL, out);
	cr_assert_eq(len, n);
	cr_assert(dns_answers(out, len, query, n));
	cr_assert(out[2] == 0x81 && (out[3] & 0xf) == DNS_SERVFAIL);
	cr_assert_eq(out[11], 0, "the OPT record is counted still");
	/* A question that cannot be read is left out. */
	cr_assert_eq(dns_empty(query, n - 1, DNS_FORMERR, out), DNS_HEAD);
	cr_assert_eq(out[5], 0);
}

Test(dns, room)
{
	size_t n = ask("a.example", DNS_A);

	cr_assert_eq(dns_room(query, n), 512);
	cr_assert_eq(dns_room(query, with_opt(n, 1232)), 1232);
	cr_assert_eq(dns_room(query, with_opt(n, 100)), 512);
	cr_assert_eq(dns_room(query, with_opt(n, 1232) - 1), 512);
	query[10] = 0xff; /* more records than there are octets */
	cr_assert_eq(dns_room(query, n), 512);
}

Test(dns, answers_belong_to_questions)
{
	size_t n = ask("a.example", DNS_A), i;
	uint8_t good[512];

	dns_empty(query, n, DNS_NOERROR, good);
	cr_assert(dns_answers(good, n, query, n));
	good[DNS_HEAD + 1] = 'A'; /* the case does not matter */
	cr_assert(dns_answers(good, n, query, n));
	for (i = 0; i < n; i++) {
		dns_empty(query, n, DNS_NOERROR, good);
		cr_assert_not(dns_answers(good, i, query, n));
		if (i == 3 || (i >= 6 && i < DNS_HEAD))
			continue; /* result and counts */
		good[i] ^= i == 2 ? 0x80 : 0x81;
		cr_assert_not(dns_answers(good, n, query, n), "octet %zu", i);
	}
}

Test(dns, an_answer_is_cut)
{
	size_t n = ask("a.example", DNS_A);
	uint8_t ans[600] = {0};

	dns_empty(query, n, DNS_NXDOMAIN, ans);
	ans[7] = 30;
	cr_assert_eq(dns_cut(ans, 512, 512), 512);
	cr_assert_eq(ans[2] & 2, 0);
	cr_assert_eq(dns_cut(ans, 513, 512), n);
	cr_assert(ans[2] & 2 && (ans[3] & 0xf) == DNS_NXDOMAIN && ans[7] == 0);
	cr_assert(dns_answers(ans, n, query, n));
}

/* ---- /etc/hosts ---- */

static struct hosts *
hosts_of(const char *text)
{
	int fd = memfd_create("hosts", MFD_CLOEXEC);
	struct hosts *h;

	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	lseek(fd, 0, SEEK_SET);
	h = hosts_read(fd);
	close(fd);
	cr_assert_not_null(h);
	return h;
}

/* Records of the answer, -1: the file does not know. */
static int
answer(const struct hosts *h, const char *name, uint16_t type)
{
	size_t n = ask(name, type), len;
	struct dns_question q;

	cr_assert_eq(dns_query(query, n, &q), 0);
	len = hosts_answer(h, query, n, &q, out, sizeof out);
	if (len == 0)
		return -1;
	cr_assert(dns_answers(out, len, query, n));
	cr_assert_eq(out[3] & 0xf, DNS_NOERROR);
	return out[7];
}

/* The data of the answer's i-th record, all as long as the first. */
static const uint8_t *
data(size_t i)
{
	size_t n = DNS_HEAD;

	while (out[n] != 0)
		n += 1 + (size_t)out[n];
	n += 5;
	return out + n + i * (12 + (size_t)out[n + 11]) + 12;
}

static const char text[] =
    "# none\n"
    "127.0.0.1\tlocalhost\n"
    "::1 localhost ip6-localhost\n"
    "\n"
    "192.0.2.7  Host.Example. host alias # a comment alias2\n"
    "192.0.2.3 host\n"
    "2001:db8::7 six.example\n"
    "fe80::1%lo0 scoped\n"
    "192.0.2 short\n"
    "192.0.2.9 another.example\r\n"
    "192.0.2.10 last";

Test(hosts, names)
{
	struct hosts *h = hosts_of(text);

	cr_assert_eq(answer(h, "HOST.example", DNS_A), 1);
	cr_assert_eq(memcmp(data(0), "\300\0\2\7", 4), 0);
	cr_assert_eq(answer(h, "host", DNS_A), 2);
	cr_assert_eq(memcmp(data(0), "\300\0\2\7", 4), 0, "the file's order");
	cr_assert_eq(memcmp(data(1), "\300\0\2\3", 4), 0);
	cr_assert_eq(answer(h, "alias", DNS_AAAA), 0, "another family's");
	cr_assert_eq(answer(h, "six.example", DNS_AAAA), 1);
	cr_assert(data(0)[0] == 0x20 && data(0)[15] == 7);
	cr_assert_eq(answer(h, "localhost", DNS_A), 1);
	cr_assert_eq(answer(h, "localhost", DNS_AAAA), 1);
	cr_assert_eq(answer(h, "another.example", DNS_A), 1);
	cr_assert_eq(answer(h, "last", DNS_A), 1);
	cr_assert_eq(answer(h, "host", 15), -1, "MX is not the file's");
	cr_assert_eq(answer(h, "alias2", DNS_A), -1);
	cr_assert_eq(answer(h, "short", DNS_A), -1);
	cr_assert_eq(answer(h, "scoped", DNS_AAAA), -1);
	cr_assert_eq(answer(h, "host.example.com", DNS_A), -1);
	cr_assert_eq(answer(h, "", DNS_A), -1);
	hosts_free(h);
}

Test(hosts, addresses)
{
	static const char six[] = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
				  "0.0.8.b.d.0.1.0.0.2.ip6.arpa";
	struct hosts *h = hosts_of(text);

	cr_assert_eq(answer(h, "7.2.0.192.in-addr.arpa", DNS_PTR), 1);
	cr_assert_eq(memcmp(data(0), "\4host\7example", 14), 0);
	cr_assert_eq(answer(h, six, DNS_PTR), 1);
	cr_assert_eq(memcmp(data(0), "\3six\7example", 13), 0);
	cr_assert_eq(answer(h, six + 2, DNS_PTR), -1);
	cr_assert_eq(answer(h, "8.2.0.192.in-addr.arpa", DNS_PTR), -1);
	cr_assert_eq(answer(h, "2.0.192.in-addr.arpa", DNS_PTR), -1);
	cr_assert_eq(answer(h, "1.7.2.0.192.in-addr.arpa", DNS_PTR), -1);
	cr_assert_eq(answer(h, "263.2.0.192.in-addr.arpa", DNS_PTR), -1);
	cr_assert_eq(answer(h, "-1.2.0.192.in-addr.arpa", DNS_PTR), -1);
	cr_assert_eq(answer(h, "in-addr.arpa", DNS_PTR), -1);
	cr_assert_eq(answer(h, ".ip6.arpa", DNS_PTR), -1);
	hosts_free(h);
}

Test(hosts, many_and_none)
{
	static char big[40 * 3000];
	struct hosts *h = hosts_of("");
	size_t n = 0;
	int i;

	cr_assert_eq(answer(h, "localhost", DNS_A), -1);
	hosts_free(h);
	for (i = 0; i < 3000; i++)
		n += (size_t)snprintf(big + n, sizeof big - n,
		    "10.0.%d.%d h%d all\n", i / 250, i % 250 + 1, i);
	h = hosts_of(big);
	for (i = 0; i < 3000; i += 7) {
		snprintf(big, sizeof big, "h%d", i);
		cr_assert_eq(answer(h, big, DNS_A), 1);
		cr_assert_eq(data(0)[3], i % 250 + 1);
	}
	cr_assert_eq(answer(h, "all", DNS_A), 64, "no more than fit");
	hosts_free(h);
}
