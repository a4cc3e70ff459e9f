/* SPDX-License-Identifier: ISC */
/*
 * Bytes between a program's stream and the stack, copied once: readv() from D
 * into the stack's send buffers, sendmsg() to D from its received frames.
 *
 * The reset byte.  A learns of a reset only when D is closed over unread bytes;
 * with an empty D it would see a clean end.  So the last byte that D holds is
 * looked at (MSG_PEEK) and transmitted, but stays in the queue: c->lag is 1 and
 * the next read throws that byte away.  When the send buffer is full, unread
 * bytes stay anyway and lag is 0.  Before a clean end chan_drop_lag() takes the
 * byte out.
 *
 * The preamble.  An accepted program has written nothing that could serve as
 * the reset byte, so the shim's accept() sends a proto_preamble at once, in one
 * piece.  All of it but the last byte is taken out, that one is the reset byte.
 * First bytes that differ are data (a program that accepts without the shim).
 *
 * Urgent data (RFC 9293 3.8.5).  From the program: it says beforehand which
 * byte is the last urgent one, and no read goes past that.  To the program: the
 * byte before the mark is AF_UNIX's out-of-band byte, so that SIGURG, POLLPRI,
 * MSG_OOB, SO_OOBINLINE and SIOCATMARK are the kernel's.  A kernel without it
 * (Linux before 5.15) leaves the byte in the stream, as SO_OOBINLINE would.
 */
#include "config.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <linux/sockios.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "proc/engine.h"

#define IO_SPANS   64
#define LOOK_BYTES 65536
#define LOOK_COST  256 /* bytes: a look is not for nothing */

_Static_assert(sizeof(struct span) == sizeof(struct iovec), "span is iovec");
_Static_assert(offsetof(struct span, len) == offsetof(struct iovec, iov_len),
    "span is iovec");

int
chan_pending(const struct chan *c)
{
	int n;

	if (ioctl(c->fd, FIONREAD, &n) < 0)
		return -errno;
	return n;
}

void
chan_drop_lag(struct chan *c)
{
	uint8_t byte;

	if (c->lag != 0)
		(void)!recv(c->fd, &byte, 1, MSG_DONTWAIT);
	c->lag = 0;
}

/* The first n > 0 bytes of an accepted connection have come. */
static void
take_preamble(struct chan *c, int n)
{
	struct proto_preamble want = {.handle = c->name.handle}, got;

	c->preamble = false;
	memcpy(want.magic, PROTO_PREAMBLE_MAGIC, sizeof want.magic);
	if ((size_t)n < sizeof got ||
	    recv(c->fd, &got, sizeof got, MSG_PEEK | MSG_DONTWAIT) !=
		sizeof got ||
	    memcmp(&got, &want, sizeof got) != 0)
		return;
	if (recv(c->fd, &got, sizeof got - 1, MSG_DONTWAIT) == sizeof got - 1)
		c->lag = 1;
}

/* Reads want bytes after the lag into spans.  Returns the new ones, 0 when
 * there are none after all, negative on error. */
static ssize_t
read_spans(struct chan *c, const struct span *spans, unsigned n, size_t want)
{
	struct iovec iov[IO_SPANS + 1];
	uint8_t old;
	unsigned i, k = 0;
	size_t len;
	ssize_t r;

	if (c->lag != 0)
		iov[k++] = (struct iovec){&old, 1};
	for (i = 0; i < n && want > 0; i++) {
		len = spans[i].len < want ? spans[i].len : want;
		iov[k++] = (struct iovec){spans[i].base, len};
		want -= len;
	}
	if (k == 0)
		return 0;
	r = readv(c->fd, iov, (int)k);
	if (r < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (r > 0 && c->lag != 0) {
		c->lag = 0;
		r--;
	}
	return r;
}

static uint8_t *
span_at(const struct span *spans, unsigned n, size_t at)
{
	unsigned i;

	for (i = 0; i < n; at -= spans[i++].len)
		if (at < spans[i].len)
			return (uint8_t *)spans[i].base + at;
	CHECK(!"offset within the spans");
}

void
chan_took(struct chan *c, size_t n)
{
	if (c->to_mark != 0 && (c->to_mark -= (uint32_t)n) == 0)
		tcp_send_urgent(c->pcb, engine_now(c->e));
}

enum moved
chan_take_some(struct chan *c, size_t avail, size_t budget, size_t *took)
{
	struct span spans[IO_SPANS];
	size_t room = 0, want;
	unsigned i, n;
	ssize_t r;

	want = avail < budget ? avail : budget;
	n = tcp_send_reserve(c->pcb, spans, IO_SPANS, want);
	if (n == 0)
		return MOVED_WAIT;
	for (i = 0; i < n; i++)
		room += spans[i].len;
	if (room > avail)
		room = avail;
	if (c->to_mark != 0 && room > c->to_mark)
		room = c->to_mark;
	want = room == avail ? avail - 1 : room;
	r = read_spans(c, spans, n, want);
	if (r < 0)
		return r == -ECONNRESET ? MOVED_RESET : MOVED_CLOSED;
	*took = (size_t)r;
	if (room == avail && *took == want && c->lag == 0) {
		r = recv(
		    c->fd, span_at(spans, n, want), 1, MSG_PEEK | MSG_DONTWAIT);
		if (r == 1) {
			c->lag = 1;
			(*took)++;
		}
	}
	if (*took == 0)
		return MOVED_ALL; /* an edge comes when there is more */
	tcp_send_commit(c->pcb, *took, engine_now(c->e));
	chan_took(c, *took);
	/* All of it?  Then an edge tells of more, unless that was the end. */
	return c->lag != 0 && c->bits == 0 ? MOVED_ALL : MOVED_SOME;
}

enum moved
chan_take(struct chan *c, size_t budget)
{
	enum moved m;
	size_t took;
	int n;

	while (budget > 0) {
		n = chan_pending(c);
		if (n < 0)
			return MOVED_CLOSED;
		if (n <= c->lag && c->ring == NULL)
			return c->bits != 0 ? MOVED_CLOSED : MOVED_ALL;
		if (c->preamble) {
			take_preamble(c, n);
			continue;
		}
		took = 0;
		n = n > c->lag ? n - c->lag : 0;
		m = c->ring != NULL
			? chan_ring_take(c, (uint32_t)n, budget, &took)
			: chan_take_some(c, (size_t)n, budget, &took);
		c->e->taken += took;
		if (m != MOVED_SOME)
			return m;
		took = took > LOOK_COST ? took : LOOK_COST;
		budget -= took < budget ? took : budget;
	}
	return MOVED_SOME;
}

void
chan_mark_next(struct chan *c)
{
	int n = chan_pending(c);

	if (n > 0 && c->preamble) {
		take_preamble(c, n);
		n = chan_pending(c);
	}
	c->to_mark =
	    (n > c->lag ? (uint32_t)n - c->lag : 0) + chan_ring_waiting(c) + 1;
}

/* Up to n spans for one sendmsg(), *len bytes in all; to the urgent mark and no
 * further, *flags then say so. */
static unsigned
next_spans(struct chan *c, struct span *spans, size_t *len, int *flags)
{
	unsigned i, n = tcp_recv_peek(c->pcb, spans, IO_SPANS);
	size_t mark = tcp_recv_urgent(c->pcb);

	*flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	for (i = 0, *len = 0; i < n; i++) {
		*len += spans[i].len;
		if (mark == 0 || *len < mark)
			continue;
		spans[i].len -= *len - mark;
		*len = mark;
		*flags |= c->e->no_oob ? 0 : MSG_OOB;
		return i + 1;
	}
	return n;
}

/* n bytes more are A's.  What it leaves there is no reason for a larger
 * window; looked at now and then. */
static void
given(struct chan *c, uint32_t n)
{
	int unread;

	c->given += n;
	if (c->given < LOOK_BYTES)
		return;
	c->given = 0;
	if (ioctl(c->fd, SIOCOUTQ, &unread) == 0)
		tcp_recv_unread(c->pcb, (uint32_t)unread);
}

enum moved
chan_deliver(struct chan *c)
{
	struct span spans[IO_SPANS];
	struct msghdr m = {0};
	size_t len;
	unsigned n;
	ssize_t r;
	int flags;

	while ((n = next_spans(c, spans, &len, &flags)) > 0) {
		m.msg_iov = (struct iovec *)spans;
		m.msg_iovlen = n;
		r = sendmsg(c->fd, &m, flags);
		if (r < 0 && errno == EOPNOTSUPP && flags & MSG_OOB) {
			c->e->no_oob = true;
			continue;
		}
		if (r < 0) {
			if (errno == EAGAIN || errno == ENOBUFS ||
			    errno == ENOMEM || errno == EINTR)
				return MOVED_WAIT;
			return errno == ECONNRESET ? MOVED_RESET : MOVED_EPIPE;
		}
		given(c, (uint32_t)r);
		tcp_recv_consume(c->pcb, (size_t)r, engine_now(c->e));
		if ((size_t)r < len)
			return MOVED_WAIT;
	}
	return MOVED_ALL;
}
