/* SPDX-License-Identifier: ISC */
/*
 * Typed messages over SOCK_SEQPACKET: see msg.h for what this promises.
 *
 * Trusts nothing that arrives.  A record is read whole into one buffer of the
 * process (loops are single-threaded and a handler never reads a channel), so
 * a connection costs no buffer of its own.  A zero-length record reads like
 * the end of the stream and is treated as that.
 *
 * A callback may free its channel; the channel then goes when the outermost
 * callback returns (depth).  Nothing calls back from within msgchan_send(): a
 * failure there is told by the event `dead`.
 */
#include "config.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "ipc/msg.h"

#define QUEUE_DEFAULT (1u << 20)
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif
#define MSGS_PER_TURN 32 /* then the loop looks at others */

struct outmsg {
	TAILQ_ENTRY(outmsg) link;
	size_t len;
	unsigned nfds;
	int fds[MSG_FDS_MAX];
	uint8_t data[];
};

struct msgchan {
	struct msgchan_config cfg;
	const struct msgchan_ops *ops;
	void *arg;
	int fd;
	struct event *rd, *wr, *dead;
	TAILQ_HEAD(, outmsg) out;
	size_t queued;
	int depth;    /* callbacks under way */
	int error;    /* what closed() will be told */
	bool closing; /* no more I/O */
	bool freed;
};

const struct msgchan_config msgchan_internal = {.magic = 0x69706374,
    .version = 1,
    .fds_max = 1};

static _Alignas(16) uint8_t inbuf[sizeof(struct msg_head) + MSG_DATA_MAX];
static uint64_t malformed;

uint64_t
msgchan_malformed(void)
{
	return malformed;
}

bool
msg_get(const struct msg *m, void *out, size_t size)
{
	if (m->len != size)
		return false;
	memcpy(out, m->data, size);
	return true;
}

int
msg_rows(const struct msg *m, void *head, size_t headsize, size_t rowsize,
    const void **rows)
{
	if (m->len < headsize || (m->len - headsize) % rowsize != 0)
		return -1;
	if (headsize > 0)
		memcpy(head, m->data, headsize);
	*rows = (const uint8_t *)m->data + headsize;
	return (int)((m->len - headsize) / rowsize);
}

int
msg_take_fd(struct msg *m, unsigned i)
{
	int fd;

	if (i >= m->nfds)
		return -1;
	fd = m->fds[i];
	m->fds[i] = -1;
	return fd;
}

bool
msg_allow_fds(int fd, bool on)
{
	int v = on;

	return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &v, sizeof v) == 0;
}

static void
outmsg_free(struct msgchan *c, struct outmsg *o)
{
	TAILQ_REMOVE(&c->out, o, link);
	c->queued -= o->len;
	for (unsigned i = 0; i < o->nfds; i++)
		close(o->fds[i]);
	free(o);
}

static void
destroy(struct msgchan *c)
{
	struct outmsg *o;

	while ((o = TAILQ_FIRST(&c->out)) != NULL)
		outmsg_free(c, o);
	if (c->rd != NULL)
		event_free(c->rd);
	if (c->wr != NULL)
		event_free(c->wr);
	if (c->dead != NULL)
		event_free(c->dead);
	if (c->fd != -1)
		close(c->fd);
	free(c);
}

static void
leave(struct msgchan *c)
{
	if (--c->depth == 0 && c->freed)
		destroy(c);
}

void
msgchan_free(struct msgchan *c)
{
	if (c == NULL || c->freed)
		return;
	c->freed = true;
	c->closing = true;
	event_del(c->rd);
	event_del(c->wr);
	event_del(c->dead);
	if (c->depth == 0)
		destroy(c);
}

/* Ends the channel; closed() is called from the loop. */
static void
end_later(struct msgchan *c, int error)
{
	if (c->closing)
		return;
	c->closing = true;
	c->error = error;
	event_del(c->rd);
	event_del(c->wr);
	event_active(c->dead, EV_TIMEOUT, 1);
}

static void
on_dead(evutil_socket_t fd, short what, void *arg)
{
	struct msgchan *c = arg;

	c->depth++;
	c->ops->closed(c->arg, c->error);
	leave(c);
}

/* One sendmsg(); 0 or a negative errno. */
static int
send_record(
    int fd, const struct iovec *iov, size_t niov, const int *fds, unsigned nfds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
	} ctl;
	struct msghdr mh = {.msg_iov = (struct iovec *)iov, .msg_iovlen = niov};

	if (nfds > 0) {
		struct cmsghdr *cm;

		memset(&ctl, 0, sizeof ctl);
		mh.msg_control = ctl.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(cm), fds, sizeof(int) * nfds);
	}
	for (;;) {
		if (sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 0;
		if (errno != EINTR)
			return errno == EWOULDBLOCK || errno == ENOBUFS
				   ? -EAGAIN
				   : -errno;
	}
}

/* Sends what waits until the socket is full; 0, -EAGAIN or the failure. */
static int
flush_queue(struct msgchan *c)
{
	struct outmsg *o;

	while ((o = TAILQ_FIRST(&c->out)) != NULL) {
		struct iovec iov = {o->data, o->len};
		int rc = send_record(c->fd, &iov, 1, o->fds, o->nfds);

		if (rc != 0)
			return rc;
		outmsg_free(c, o);
	}
	return 0;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct msgchan *c = arg;
	int rc = flush_queue(c);

	if (rc == -EAGAIN)
		return;
	if (rc != 0) {
		end_later(c, rc == -EPIPE || rc == -ECONNRESET ? 0 : rc);
		return;
	}
	event_del(c->wr);
	if (c->ops->drained != NULL) {
		c->depth++;
		c->ops->drained(c->arg);
		leave(c);
	}
}

/* Collects the descriptors of a record; false when there were too many. */
static bool
take_fds(struct msghdr *mh, struct msg *m, unsigned max)
{
	bool ok = (mh->msg_flags & MSG_CTRUNC) == 0;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm != NULL;
	     cm = CMSG_NXTHDR(mh, cm)) {
		unsigned n;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned)((cm->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (unsigned i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cm) + i * sizeof fd, sizeof fd);
			if (m->nfds < max) {
				m->fds[m->nfds++] = fd;
			} else {
				close(fd);
				ok = false;
			}
		}
	}
	return ok;
}

/* An empty message of type 0, so that the other side can name both versions
 * in its complaint. */
static void
tell_version(struct msgchan *c)
{
	struct msg_head h = {.magic = c->cfg.magic, .version = c->cfg.version};
	struct iovec iov = {&h, sizeof h};

	send_record(c->fd, &iov, 1, NULL, 0);
}

/* Reads one record.  1: *m holds a message; 0: the end; -EAGAIN: none now;
 * -EPROTO: garbage; another negative errno. */
static int
read_record(struct msgchan *c, struct msg *m)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * MSG_FDS_MAX)];
	} ctl;
	struct iovec iov = {inbuf, sizeof inbuf};
	struct msghdr mh = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ctl.buf,
	    .msg_controllen = sizeof ctl.buf};
	struct msg_head h;
	ssize_t n;

	memset(m, 0, sizeof *m);
	n = recvmsg(c->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR || errno == EWOULDBLOCK ? -EAGAIN
							      : -errno;
	if (!take_fds(&mh, m, c->cfg.fds_max))
		return -EPROTO;
	if (n == 0)
		return 0;
	if ((size_t)n < sizeof h || (mh.msg_flags & MSG_TRUNC) != 0)
		return -EPROTO;
	memcpy(&h, inbuf, sizeof h);
	if (h.magic == c->cfg.magic && h.version != c->cfg.version)
		tell_version(c);
	if (h.magic != c->cfg.magic || h.version != c->cfg.version ||
	    h.len != (size_t)n - sizeof h)
		return -EPROTO;
	m->type = h.type;
	m->id = h.id;
	m->len = h.len;
	m->data = inbuf + sizeof h;
	return 1;
}

static void
close_fds(struct msg *m)
{
	for (unsigned i = 0; i < m->nfds; i++)
		if (m->fds[i] != -1)
			close(m->fds[i]);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct msgchan *c = arg;

	c->depth++;
	for (int i = 0; i < MSGS_PER_TURN && !c->closing; i++) {
		struct msg m;
		int rc = read_record(c, &m);

		if (rc == 1 && !c->ops->input(c->arg, &m))
			rc = -EPROTO;
		close_fds(&m);
		if (rc == -EAGAIN)
			break;
		if (rc == -EPROTO)
			malformed++;
		if (rc != 1)
			end_later(c, rc == -ECONNRESET ? 0 : rc);
		if (!event_pending(c->rd, EV_READ, NULL))
			break; /* paused */
	}
	leave(c);
}

struct msgchan *
msgchan_new(struct event_base *eb, int fd, const struct msgchan_config *cfg,
    const struct msgchan_ops *ops, void *arg)
{
	struct msgchan *c = calloc(1, sizeof *c);

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->cfg = *cfg;
	if (c->cfg.queue_max == 0)
		c->cfg.queue_max = QUEUE_DEFAULT;
	CHECK(c->cfg.fds_max <= MSG_FDS_MAX);
	c->ops = ops;
	c->arg = arg;
	c->fd = fd;
	TAILQ_INIT(&c->out);
	evutil_make_socket_nonblocking(fd);
	c->rd = event_new(eb, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->wr = event_new(eb, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->dead = event_new(eb, -1, 0, on_dead, c);
	if (c->rd == NULL || c->wr == NULL || c->dead == NULL ||
	    event_add(c->rd, NULL) != 0) {
		destroy(c);
		return NULL;
	}
	return c;
}

/* Puts a record at the end of the queue. */
static int
enqueue(struct msgchan *c, const struct iovec *iov, unsigned niov, size_t len,
    const int *fds, unsigned nfds)
{
	struct outmsg *o;
	size_t at = 0;

	if (c->queued + len > c->cfg.queue_max)
		return -EAGAIN;
	if ((o = malloc(sizeof *o + len)) == NULL)
		return -ENOMEM;
	o->len = len;
	o->nfds = 0;
	for (unsigned i = 0; i < niov; i++) {
		if (iov[i].iov_len > 0)
			memcpy(o->data + at, iov[i].iov_base, iov[i].iov_len);
		at += iov[i].iov_len;
	}
	TAILQ_INSERT_TAIL(&c->out, o, link);
	c->queued += len;
	for (unsigned i = 0; i < nfds; i++) {
		int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);

		if (fd == -1) {
			outmsg_free(c, o);
			return -errno;
		}
		o->fds[o->nfds++] = fd;
	}
	event_add(c->wr, NULL);
	return 0;
}

static int
send_pieces(struct msgchan *c, uint16_t type, uint32_t id, struct iovec *iov,
    unsigned niov, const int *fds, unsigned nfds)
{
	struct msg_head h = {
	    .magic = c->cfg.magic, .version = c->cfg.version, .type = type};
	size_t len = 0;
	int rc = -EAGAIN;

	for (unsigned i = 1; i < niov; i++)
		len += iov[i].iov_len;
	if (len > MSG_DATA_MAX || nfds > MSG_FDS_MAX)
		return -EMSGSIZE;
	if (c->closing)
		return -EPIPE;
	h.len = (uint32_t)len;
	h.id = id;
	iov[0] = (struct iovec){&h, sizeof h};
	if (TAILQ_EMPTY(&c->out))
		rc = send_record(c->fd, iov, niov, fds, nfds);
	if (rc == -EAGAIN)
		return enqueue(c, iov, niov, sizeof h + len, fds, nfds);
	if (rc == -EPIPE || rc == -ECONNRESET)
		rc = -EPIPE; /* reading will find what is left, and the end */
	return rc;
}

int
msgchan_send(struct msgchan *c, uint16_t type, uint32_t id, const void *data,
    size_t len, const int *fds, unsigned nfds)
{
	struct iovec iov[2] = {[1] = {(void *)data, len}};

	return send_pieces(c, type, id, iov, 2, fds, nfds);
}

int
msgchan_send2(struct msgchan *c, uint16_t type, uint32_t id, const void *head,
    size_t headlen, const void *rows, size_t rowslen)
{
	struct iovec iov[3] = {
	    [1] = {(void *)head, headlen}, [2] = {(void *)rows, rowslen}};

	return send_pieces(c, type, id, iov, 3, NULL, 0);
}

size_t
msgchan_queued(const struct msgchan *c)
{
	return c->queued;
}

void
msgchan_pause(struct msgchan *c, bool pause)
{
	if (c->closing)
		return;
	if (pause)
		event_del(c->rd);
	else
		event_add(c->rd, NULL);
}

bool
msgchan_flush(struct msgchan *c, int timeout_ms)
{
	struct timespec t0, t1;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = POLLOUT};
		int left, rc = c->closing ? -EPIPE : flush_queue(c);

		if (rc != -EAGAIN)
			return rc == 0;
		clock_gettime(CLOCK_MONOTONIC, &t1);
		left = timeout_ms - (int)((t1.tv_sec - t0.tv_sec) * 1000 +
					  (t1.tv_nsec - t0.tv_nsec) / 1000000);
		if (left <= 0)
			return false;
		poll(&p, 1, left);
	}
}

int
msgchan_fd(const struct msgchan *c)
{
	return c->fd;
}
