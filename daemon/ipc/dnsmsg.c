/* SPDX-License-Identifier: ISC */
/*
 * Messages of the DNS; see dnsmsg.h.
 */
#include <string.h>
#include "ipc/dnsmsg.h"

/* Of the head. */
#define QR     0x80 /* byte 2 */
#define OPCODE 0x78
#define AA     0x04
#define TC     0x02
#define RD     0x01
#define RA     0x80 /* byte 3 */
#define CD     0x10

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint16_t
dns_id(const void *msg)
{
	return get16(msg);
}

void
dns_set_id(void *msg, uint16_t id)
{
	put16(msg, id);
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Where the name at `at' ends, 0: nowhere.  A pointer is an end, and not
 * followed. */
static size_t
skip_name(const uint8_t *m, size_t len, size_t at)
{
	while (at < len) {
		if (m[at] == 0)
			return at + 1;
		if (m[at] >= 0xc0)
			return at + 2 <= len ? at + 2 : 0;
		if (m[at] > 63)
			return 0;
		at += 1 + (size_t)m[at];
	}
	return 0;
}

/* The text of an uncompressed name of at most 255 octets that ends at end. */
static void
name_text(const uint8_t *m, size_t at, size_t end, char out[DNS_NAME_TEXT])
{
	size_t n = 0, stop;
	uint8_t c;

	while (at + 1 < end) {
		stop = at + 1 + m[at];
		if (n > 0)
			out[n++] = '.';
		for (at++; at < stop; at++) {
			c = lower(m[at]);
			if (c <= ' ' || c > '~' || c == '.') {
				out[0] = '\0';
				return;
			}
			out[n++] = (char)c;
		}
	}
	out[n] = '\0';
}

/* The one question: where it ends, 0: there is none. */
static size_t
question(const uint8_t *m, size_t len)
{
	size_t end, i;

	if (len < DNS_HEAD || get16(m + 4) != 1)
		return 0;
	end = skip_name(m, len, DNS_HEAD);
	if (end == 0 || end - DNS_HEAD > 255 || end + 4 > len)
		return 0;
	for (i = DNS_HEAD; m[i] != 0; i += 1 + (size_t)m[i])
		if (m[i] >= 0xc0)
			return 0;
	return end + 4;
}

int
dns_query(const void *msg, size_t len, struct dns_question *q)
{
	const uint8_t *m = msg;

	if (len < DNS_HEAD || m[2] & QR)
		return -1;
	if ((m[2] & OPCODE) != 0)
		return DNS_NOTIMP;
	q->end = question(m, len);
	if (q->end == 0 || m[2] & TC || len > DNS_QUERY_MAX)
		return DNS_FORMERR;
	name_text(m, DNS_HEAD, q->end - 4, q->name);
	q->type = get16(m + q->end - 4);
	q->class = get16(m + q->end - 2);
	return 0;
}

size_t
dns_empty(const void *query, size_t len, enum dns_rcode rcode, void *out)
{
	uint8_t *o = out;
	size_t end = question(query, len);

	memmove(out, query, end == 0 ? DNS_HEAD : end);
	o[2] = (uint8_t)(QR | (o[2] & (OPCODE | RD)));
	o[3] = (uint8_t)(RA | (o[3] & CD) | rcode);
	put16(o + 4, end != 0);
	memset(o + 6, 0, 6);
	return end == 0 ? DNS_HEAD : end;
}

size_t
dns_room(const void *query, size_t len)
{
	const uint8_t *m = query;
	size_t at = question(m, len);
	unsigned left;

	if (at == 0)
		return 512;
	for (left = (unsigned)get16(m + 6) + get16(m + 8) + get16(m + 10);
	     left > 0; left--) {
		at = skip_name(m, len, at);
		if (at == 0 || at + 10 > len)
			break;
		if (get16(m + at) == DNS_OPT)
			return get16(m + at + 2) < 512 ? 512
						       : get16(m + at + 2);
		at += 10 + (size_t)get16(m + at + 8);
	}
	return 512;
}

bool
dns_answers(const void *ans, size_t len, const void *query, size_t qlen)
{
	const uint8_t *a = ans, *q = query;
	size_t end = question(q, qlen), i;

	if (end == 0 || len < end || question(a, len) != end ||
	    (a[2] & (QR | OPCODE)) != QR || dns_id(a) != dns_id(q))
		return false;
	/* Lengths of labels are below 'A'. */
	for (i = DNS_HEAD; i < end - 4; i++)
		if (lower(a[i]) != lower(q[i]))
			return false;
	return memcmp(a + i, q + i, 4) == 0;
}

size_t
dns_cut(void *ans, size_t len, size_t room)
{
	uint8_t *a = ans;

	if (len <= room)
		return len;
	len = dns_empty(ans, len, a[3] & 0xf, ans);
	a[2] |= TC;
	return len;
}
