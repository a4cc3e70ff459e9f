/* SPDX-License-Identifier: ISC */
/*
 * /etc/hosts: the whole file in memory, and two arrays over it, sorted by name
 * and by address, each in the file's order among equals.  Such files have been
 * seen with a hundred thousand lines.
 */
#include "config.h"
#include <sys/stat.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/addrtext.h"
#include "proc/hosts.h"

#define FILE_MAX_BYTES (16u << 20)
#define ANSWERS_MAX    64 /* records in one answer */

struct host {
	const char *name; /* in lower case */
	struct ipaddr addr;
	uint32_t place; /* in the file */
};

struct hosts {
	char *text;
	struct host *by_name, *by_addr; /* the latter: first names */
	size_t nnames, naddrs;
};

static int
by_place(const struct host *a, const struct host *b)
{
	return a->place < b->place ? -1 : a->place > b->place;
}

static int
name_cmp(const void *x, const void *y)
{
	const struct host *a = x, *b = y;
	int c = strcmp(a->name, b->name);

	return c != 0 ? c : by_place(a, b);
}

static int
addr_cmp(const void *x, const void *y)
{
	const struct host *a = x, *b = y;
	int c = memcmp(a->addr.b, b->addr.b, sizeof a->addr.b);

	return c != 0 ? c : by_place(a, b);
}

/* ---- reading ---- */

static bool
add(struct host **list, size_t *n, const struct host *h)
{
	struct host *p = *list;

	/* Room for 16 and then for each power of two. */
	if (*n == 0 || (*n >= 16 && (*n & (*n - 1)) == 0)) {
		p = reallocarray(p, *n < 16 ? 16 : *n * 2, sizeof *p);
		if (p == NULL)
			return false;
		*list = p;
	}
	p[(*n)++] = *h;
	return true;
}

/* One line, which is cut into its words. */
static bool
read_line(struct hosts *h, char *line)
{
	struct host e = {.place = (uint32_t)h->nnames};
	char *save = NULL, *word, *c;
	bool first = true;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, " \t\r\f\v", &save);
	if (word == NULL || !addrtext_parse(word, &e.addr))
		return true; /* or with a scope, that means nothing here */
	while ((word = strtok_r(NULL, " \t\r\f\v", &save)) != NULL) {
		for (c = word; *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
		if (c > word && c[-1] == '.')
			c[-1] = '\0';
		e.name = word;
		if (*word == '\0' || strlen(word) >= DNS_NAME_TEXT)
			continue;
		if (!add(&h->by_name, &h->nnames, &e) ||
		    (first && !add(&h->by_addr, &h->naddrs, &e)))
			return false;
		first = false;
	}
	return true;
}

static bool
read_all(struct hosts *h, int fd, size_t size)
{
	char *line, *end;
	size_t have = 0;
	ssize_t n = 1;

	if ((h->text = calloc(1, size + 1)) == NULL)
		return false;
	while (have < size && n > 0) {
		n = read(fd, h->text + have, size - have);
		have += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		return false;
	for (line = h->text; line < h->text + have; line = end + 1) {
		end = line + strcspn(line, "\n");
		*end = '\0';
		if (!read_line(h, line))
			return false;
	}
	if (h->nnames > 0)
		qsort(h->by_name, h->nnames, sizeof *h->by_name, name_cmp);
	if (h->naddrs > 0)
		qsort(h->by_addr, h->naddrs, sizeof *h->by_addr, addr_cmp);
	return true;
}

struct hosts *
hosts_read(int fd)
{
	struct hosts *h = calloc(1, sizeof *h);
	struct stat st;

	if (h != NULL && fstat(fd, &st) == 0 && st.st_size >= 0 &&
	    st.st_size <= (off_t)FILE_MAX_BYTES &&
	    read_all(h, fd, (size_t)st.st_size))
		return h;
	hosts_free(h);
	return NULL;
}

void
hosts_free(struct hosts *h)
{
	if (h == NULL)
		return;
	free(h->by_name);
	free(h->by_addr);
	free(h->text);
	free(h);
}

/* ---- answers ---- */

struct reply {
	uint8_t *b;
	size_t n, room, records;
};

/* A record of the question's name. */
static void
put_record(struct reply *r, uint16_t type, const void *data, size_t len)
{
	const uint8_t head[] = {0xc0, DNS_HEAD, (uint8_t)(type >> 8),
	    (uint8_t)type, 0, DNS_IN, 0, 0, 0, 0, (uint8_t)(len >> 8),
	    (uint8_t)len};

	if (r->records == ANSWERS_MAX || r->room - r->n < sizeof head + len)
		return;
	memcpy(r->b + r->n, head, sizeof head);
	memcpy(r->b + r->n + sizeof head, data, len);
	r->n += sizeof head + len;
	r->records++;
}

/* name as a message has it; its length, 0: it is none. */
static size_t
wire_name(const char *name, uint8_t out[DNS_NAME_TEXT])
{
	size_t n = 0, len;

	for (; *name != '\0'; name += len + (name[len] == '.')) {
		len = strcspn(name, ".");
		if (len == 0 || len > 63 || n + len + 2 > 255)
			return 0;
		out[n++] = (uint8_t)len;
		memcpy(out + n, name, len);
		n += len;
	}
	out[n++] = 0;
	return n;
}

/* The i-th label from the end of a name's text, before which there are *end
 * characters; as a number below limit of that base.  -1: it is none. */
static int
last_label(const char *name, size_t *end, int base, int limit)
{
	char word[4] = "", *stop;
	size_t begin = *end;
	long v;

	while (begin > 0 && name[begin - 1] != '.')
		begin--;
	if (*end - begin == 0 || *end - begin >= sizeof word)
		return -1;
	memcpy(word, name + begin, *end - begin);
	if (!isxdigit((unsigned char)word[0]))
		return -1;
	v = strtol(word, &stop, base);
	if (*stop != '\0' || v >= limit)
		return -1;
	*end = begin > 0 ? begin - 1 : 0;
	return (int)v;
}

/* The address whose name is asked for by this one: RFC 1035 3.5, RFC 3596 2.5.
 */
static bool
reverse(const char *name, struct ipaddr *a)
{
	static const char v4[] = ".in-addr.arpa", v6[] = ".ip6.arpa";
	size_t n = strlen(name), i;
	int v;

	if (n > sizeof v4 - 1 && strcmp(name + n - (sizeof v4 - 1), v4) == 0) {
		*a = ipaddr_v4(0);
		n -= sizeof v4 - 1;
		for (i = 12; i < 16; i++) {
			if ((v = last_label(name, &n, 10, 256)) < 0)
				return false;
			a->b[i] = (uint8_t)v;
		}
		return n == 0;
	}
	if (n <= sizeof v6 - 1 || strcmp(name + n - (sizeof v6 - 1), v6) != 0)
		return false;
	n -= sizeof v6 - 1;
	memset(a, 0, sizeof *a);
	for (i = 0; i < 32; i++) {
		if ((v = last_label(name, &n, 16, 16)) < 0)
			return false;
		a->b[i / 2] |= (uint8_t)(i % 2 == 0 ? v << 4 : v);
	}
	return n == 0;
}

/* The first of the sorted list that is not less than key. */
static size_t
lower_bound(const struct host *list, size_t n, const struct host *key,
    int (*cmp)(const void *, const void *))
{
	size_t lo = 0, mid;

	while (lo < n) {
		mid = lo + (n - lo) / 2;
		if (cmp(&list[mid], key) < 0)
			lo = mid + 1;
		else
			n = mid;
	}
	return lo;
}

static bool
answer_name(
    const struct hosts *h, const struct dns_question *q, struct reply *r)
{
	const struct host key = {.name = q->name}, *e;
	size_t i = lower_bound(h->by_name, h->nnames, &key, name_cmp);
	bool any = false, v4;

	for (; i < h->nnames; i++) {
		e = &h->by_name[i];
		if (strcmp(e->name, q->name) != 0)
			break;
		any = true;
		v4 = ipaddr_is_v4(&e->addr);
		if (v4 && q->type == DNS_A)
			put_record(r, DNS_A, e->addr.b + 12, 4);
		if (!v4 && q->type == DNS_AAAA)
			put_record(r, DNS_AAAA, e->addr.b, 16);
	}
	return any;
}

static bool
answer_address(
    const struct hosts *h, const struct dns_question *q, struct reply *r)
{
	struct host key = {.name = NULL};
	uint8_t name[DNS_NAME_TEXT];
	size_t i, n;

	if (!reverse(q->name, &key.addr))
		return false;
	i = lower_bound(h->by_addr, h->naddrs, &key, addr_cmp);
	if (i == h->naddrs || !ipaddr_eq(&h->by_addr[i].addr, &key.addr))
		return false;
	n = wire_name(h->by_addr[i].name, name);
	put_record(r, DNS_PTR, name, n);
	return n > 0;
}

size_t
hosts_answer(const struct hosts *h, const void *query, size_t len,
    const struct dns_question *q, void *out, size_t room)
{
	struct reply r = {.b = out, .room = room};
	bool known = false;

	if (q->class != DNS_IN || q->name[0] == '\0')
		return 0;
	r.n = dns_empty(query, len, DNS_NOERROR, out);
	if (q->type == DNS_A || q->type == DNS_AAAA)
		known = answer_name(h, q, &r);
	else if (q->type == DNS_PTR)
		known = answer_address(h, q, &r);
	if (!known)
		return 0;
	r.b[7] = (uint8_t)r.records;
	return r.n;
}
