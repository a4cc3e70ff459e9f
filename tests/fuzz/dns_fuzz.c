/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: messages of the DNS, and /etc/hosts.  The input is
 *
 *	two octets	length of the query, big endian
 *	the query
 *	two octets	length of the answer
 *	the answer
 *	the rest	/etc/hosts
 *
 * What is made of them keeps its bounds, belongs to the query, and can be read
 * again.
 */
#include "config.h"

#include <sys/mman.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "ipc/dnsmsg.h"
#include "proc/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of the next piece with nothing behind it, for the sanitizer. */
static uint8_t *
piece(const uint8_t **data, size_t *size, size_t *len)
{
	uint8_t *p;

	*len = *size >= 2 ? (size_t)(*data)[0] << 8 | (*data)[1] : 0;
	if (*size >= 2) {
		*data += 2;
		*size -= 2;
	}
	if (*len > *size)
		*len = *size;
	CHECK((p = malloc(*len + 1)) != NULL);
	p = realloc(p, *len != 0 ? *len : 1);
	memcpy(p, *data, *len);
	*data += *len;
	*size -= *len;
	return p;
}

static void
try_hosts(const uint8_t *query, size_t len, const struct dns_question *q,
    const uint8_t *text, size_t size)
{
	int fd = memfd_create("hosts", MFD_CLOEXEC);
	uint8_t out[DNS_QUERY_MAX];
	struct hosts *h;
	size_t n;

	CHECK(fd >= 0 && write(fd, text, size) == (ssize_t)size);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	h = hosts_read(fd);
	CHECK(h != NULL);
	n = hosts_answer(h, query, len, q, out, sizeof out);
	CHECK(n == 0 || dns_answers(out, n, query, len));
	hosts_free(h);
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len, alen, n, room;
	uint8_t *query = piece(&data, &size, &len);
	uint8_t *ans = piece(&data, &size, &alen);
	struct dns_question q;
	bool good;
	uint8_t *out;

	good = dns_query(query, len, &q) == 0;
	room = dns_room(query, len);
	CHECK(room >= 512);
	if (len >= DNS_HEAD) {
		CHECK((out = malloc(len)) != NULL);
		n = dns_empty(query, len, DNS_SERVFAIL, out);
		CHECK(n >= DNS_HEAD && n <= len);
		CHECK(!good || dns_answers(out, n, query, len));
		free(out);
	}
	if (good) {
		CHECK(q.end <= len && strlen(q.name) < DNS_NAME_TEXT);
		try_hosts(query, len, &q, data, size);
		if (dns_answers(ans, alen, query, len)) {
			n = dns_cut(ans, alen, room);
			CHECK(n <= alen && dns_answers(ans, n, query, len));
		}
	}
	free(query);
	free(ans);
	return 0;
}
