/* SPDX-License-Identifier: ISC */
/*
 * The sandbox's name server: 127.0.0.1 and ::1, port 53, UDP and TCP, for what
 * any C library, a static program or Go asks there; and streams of AF_UNIX, by
 * which the library connects a program that can have no socket of the kernel's
 * (datagrams of such a one are the daemon's own).  It reads nothing out of a
 * query and keeps nothing: each goes to the daemon as it is (PROTO_RESOLVE), in
 * a connection of its own, and the answer to whom asked.
 *
 * A datagram that finds all slots taken is dropped, its sender will ask again;
 * a stream waits, for it is read only as far as one query, whose answer goes
 * before the next one is looked at.  A daemon that cannot be reached is an
 * answer, too: SERVFAIL at once.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ipc/dnsmsg.h"
#include "run_sandbox.h"
#include "sock.h"
#include "sys.h"
#include "wire.h"

#define QUERIES	 256
#define STREAMS	 64
#define BACKLOG	 64
#define A_TURN	 64	/* datagrams or streams of a socket */
#define QUERY_MS 30000	/* the daemon gives up long before */
#define IDLE_MS	 120000 /* a stream that asks nothing */

struct stream {
	int fd; /* -1: free */
	int64_t since;
	struct query *asked;
	size_t have; /* in buf: a length and a query */
	uint8_t buf[2 + DNS_QUERY_MAX];
	uint8_t *out; /* an answer with its length, until it is sent */
	size_t out_len, sent;
};

struct query {
	int fd; /* of the daemon, -1: free */
	int64_t since;
	struct stream *stream; /* NULL: it was a datagram */
	int socket;	       /* the one that it came to */
	struct sockaddr_in6 from;
	socklen_t from_len;
	uint8_t msg[DNS_QUERY_MAX];
	size_t len, have;
	uint8_t *reply; /* proto_reply and answer */
};

#define PLACES 3 /* IPv4, IPv6, IPv4 of a socket of AF_INET6 */

static struct {
	int udp[2], tcp[2], local[PLACES];
	struct query queries[QUERIES];
	struct stream streams[STREAMS];
	void *who[DNS_POLLS];
} dns;

_Static_assert(QUERIES + STREAMS + 4 + PLACES <= DNS_POLLS, "DNS_POLLS");

#define REPLY_MAX (sizeof(struct proto_reply) + DNS_MSG_MAX)

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- sockets ---- */

static int
listen_at(int family, int type)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
	    .sin_port = htons(DNS_PORT),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
	    .sin6_port = htons(DNS_PORT),
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd, err;

	fd = sys_socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	err = family == AF_INET ? sys_bind(fd, &v4, sizeof v4)
				: sys_bind(fd, &v6, sizeof v6);
	if (err == 0 && type == SOCK_STREAM)
		err = sys_listen(fd, BACKLOG);
	if (err == 0)
		return fd;
	sys_close(fd);
	return err;
}

/* Where the library finds it; nobody is in this network namespace yet. */
static int
listen_locally(const struct proto_name *at)
{
	struct sockaddr_un un;
	socklen_t len = sock_resolver_name(at, &un);
	int fd, err;

	fd = sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	err = sys_bind(fd, &un, len);
	if (err == 0)
		err = sys_listen(fd, BACKLOG);
	if (err == 0)
		return fd;
	sys_close(fd);
	return err;
}

bool
dns_open(void)
{
	static const struct proto_name places[PLACES] = {
	    {AF_INET, DNS_PORT, 0, {127, 0, 0, 1}},
	    {AF_INET6, DNS_PORT, 0, {[15] = 1}},
	    {AF_INET6, DNS_PORT, 0, {[10] = 0xff, 0xff, 127, 0, 0, 1}},
	};
	unsigned i;

	for (i = 0; i < QUERIES; i++)
		dns.queries[i].fd = -1;
	for (i = 0; i < STREAMS; i++)
		dns.streams[i].fd = -1;
	dns.udp[0] = listen_at(AF_INET, SOCK_DGRAM);
	dns.tcp[0] = listen_at(AF_INET, SOCK_STREAM);
	/* Not every kernel has IPv6, and no resolv.conf of ours names it. */
	dns.udp[1] = listen_at(AF_INET6, SOCK_DGRAM);
	dns.tcp[1] = listen_at(AF_INET6, SOCK_STREAM);
	for (i = 0; i < PLACES; i++)
		dns.local[i] = listen_locally(&places[i]);
	if (dns.udp[0] >= 0 && dns.tcp[0] >= 0)
		return true;
	errno = dns.udp[0] < 0 ? -dns.udp[0] : -dns.tcp[0];
	return false;
}

/* ---- streams ---- */

static void
query_free(struct query *q)
{
	sys_close(q->fd);
	q->fd = -1;
	free(q->reply);
	q->reply = NULL;
}

static void
stream_close(struct stream *s)
{
	if (s->asked != NULL)
		query_free(s->asked);
	s->asked = NULL;
	free(s->out);
	s->out = NULL;
	sys_close(s->fd);
	s->fd = -1;
}

static void
stream_write(struct stream *s)
{
	ssize_t n = sys_send(s->fd, s->out + s->sent, s->out_len - s->sent,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && n != -EAGAIN && n != -EINTR) {
		stream_close(s);
		return;
	}
	s->sent += n > 0 ? (size_t)n : 0;
	if (s->sent < s->out_len)
		return;
	free(s->out);
	s->out = NULL;
	s->since = now_ms();
}

static void
stream_answer(struct stream *s, const uint8_t *msg, size_t len)
{
	s->asked = NULL;
	s->out = malloc(2 + len);
	if (s->out == NULL) {
		stream_close(s);
		return;
	}
	s->out[0] = (uint8_t)(len >> 8);
	s->out[1] = (uint8_t)len;
	memcpy(s->out + 2, msg, len);
	s->out_len = 2 + len;
	s->sent = 0;
	stream_write(s);
}

/* ---- queries ---- */

/* The answer to q goes to whom asked. */
static void
query_done(struct query *q, const uint8_t *msg, size_t len)
{
	struct stream *s = q->stream;

	if (s == NULL)
		SYS(SYS_sendto, q->socket, msg, len,
		    MSG_DONTWAIT | MSG_NOSIGNAL, &q->from, q->from_len);
	else
		stream_answer(s, msg, len);
	query_free(q);
}

static void
query_failed(struct query *q, int err)
{
	uint8_t msg[DNS_QUERY_MAX];

	query_done(q, msg,
	    dns_empty(q->msg, q->len,
		err == EOPNOTSUPP ? DNS_REFUSED : DNS_SERVFAIL, msg));
}

static struct query *
query_slot(void)
{
	unsigned i;

	for (i = 0; i < QUERIES; i++)
		if (dns.queries[i].fd < 0)
			return &dns.queries[i];
	return NULL;
}

/* q->msg is to be asked. */
static void
query_begin(struct query *q)
{
	struct proto_resolve r = {
	    .flags = q->stream == NULL ? PROTO_DATAGRAM : 0};
	const struct wire_req req = {.type = PROTO_RESOLVE,
	    .body = {&r, q->msg},
	    .len = {sizeof r, q->len},
	    .auth_fd = -1};

	q->since = now_ms();
	q->have = 0;
	q->fd = wire_begin(&req);
	if (q->fd < 0)
		query_failed(q, -q->fd);
}

/* What the daemon says; hostile or not, an answer is bytes and a length. */
static void
query_input(struct query *q)
{
	struct proto_reply rep = {.len = 0};
	ssize_t n;

	if (q->reply == NULL && (q->reply = malloc(REPLY_MAX)) == NULL) {
		query_failed(q, ENOMEM);
		return;
	}
	n = sys_recv(
	    q->fd, q->reply + q->have, REPLY_MAX - q->have, MSG_DONTWAIT);
	if (n == -EAGAIN || n == -EINTR)
		return;
	q->have += n > 0 ? (size_t)n : 0;
	if (q->have >= sizeof rep)
		memcpy(&rep, q->reply, sizeof rep);
	if (q->have >= sizeof rep && rep.err == 0 && rep.len >= DNS_HEAD &&
	    q->have == sizeof rep + rep.len)
		query_done(q, q->reply + sizeof rep, rep.len);
	else if (n <= 0 || q->have == REPLY_MAX ||
		 (q->have >= sizeof rep && rep.err != 0))
		query_failed(q, rep.err);
}

/* ---- what comes in ---- */

/* The next query of a stream, if it is whole and there is nothing before it. */
static void
stream_next(struct stream *s)
{
	struct query *q;
	size_t len;

	if (s->asked != NULL || s->out != NULL || s->have < 2)
		return;
	len = (size_t)s->buf[0] << 8 | s->buf[1];
	if (len < DNS_HEAD || len > DNS_QUERY_MAX) {
		stream_close(s);
		return;
	}
	if (s->have < 2 + len || (q = query_slot()) == NULL)
		return;
	memcpy(q->msg, s->buf + 2, len);
	q->len = len;
	q->stream = s;
	s->asked = q;
	s->have -= 2 + len;
	memmove(s->buf, s->buf + 2 + len, s->have);
	query_begin(q);
}

static void
stream_input(struct stream *s)
{
	ssize_t n = sys_recv(
	    s->fd, s->buf + s->have, sizeof s->buf - s->have, MSG_DONTWAIT);

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		stream_close(s);
		return;
	}
	s->have += (size_t)n;
	s->since = now_ms();
	stream_next(s);
}

static void
on_datagrams(int fd)
{
	struct query *q;
	struct iovec iov;
	struct msghdr m;
	ssize_t n;
	int i;

	for (i = 0; i < A_TURN && (q = query_slot()) != NULL; i++) {
		iov = (struct iovec){q->msg, sizeof q->msg};
		m = (struct msghdr){.msg_name = &q->from,
		    .msg_namelen = sizeof q->from,
		    .msg_iov = &iov,
		    .msg_iovlen = 1};
		n = sys_recvmsg(fd, &m, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return;
		if (n < DNS_HEAD || m.msg_flags & MSG_TRUNC)
			continue;
		q->len = (size_t)n;
		q->from_len = m.msg_namelen;
		q->socket = fd;
		q->stream = NULL;
		query_begin(q);
	}
}

static void
on_streams(int fd)
{
	int i, conn;

	for (i = 0; i < STREAMS; i++) {
		if (dns.streams[i].fd >= 0)
			continue;
		conn = (int)SYS(SYS_accept4, fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC, 0, 0);
		if (conn < 0)
			return;
		dns.streams[i] = (struct stream){.fd = conn, .since = now_ms()};
	}
}

/* ---- the loop's part ---- */

static unsigned
wait_for(struct pollfd *p, unsigned n, int fd, short events, void *who)
{
	p[n] = (struct pollfd){.fd = fd, .events = events};
	dns.who[n] = who;
	return n + 1;
}

/* Ends what takes too long; the time until the next such look. */
static int
overdue(void)
{
	int64_t now = now_ms(), next = INT64_MAX, due;
	struct stream *s;
	struct query *q;
	unsigned i;

	for (i = 0; i < QUERIES; i++) {
		q = &dns.queries[i];
		if (q->fd >= 0 && q->since + QUERY_MS <= now)
			query_failed(q, ETIMEDOUT);
		due = q->since + QUERY_MS;
		if (q->fd >= 0 && due < next)
			next = due;
	}
	for (i = 0; i < STREAMS; i++) {
		s = &dns.streams[i];
		if (s->fd >= 0 && s->asked == NULL && s->since + IDLE_MS <= now)
			stream_close(s);
		/* Behind its last one, or when it found no slot. */
		if (s->fd >= 0)
			stream_next(s);
		due = s->since + IDLE_MS;
		if (s->fd >= 0 && s->asked == NULL && due < next)
			next = due;
	}
	return next == INT64_MAX ? -1 : (int)(next - now);
}

unsigned
dns_polls(struct pollfd *p, int *timeout_ms)
{
	bool slot, room = false;
	unsigned n = 0, i;
	struct stream *s;

	*timeout_ms = overdue();
	slot = query_slot() != NULL;
	/* Queries first and what makes new descriptors last: one that is closed
	 * on the way is not taken for another. */
	for (i = 0; i < QUERIES; i++)
		if (dns.queries[i].fd >= 0)
			n = wait_for(
			    p, n, dns.queries[i].fd, POLLIN, &dns.queries[i]);
	for (i = 0; i < STREAMS; i++) {
		s = &dns.streams[i];
		room |= s->fd < 0;
		if (s->fd < 0 || (s->out == NULL && s->have == sizeof s->buf))
			continue;
		n = wait_for(p, n, s->fd,
		    s->out != NULL     ? POLLOUT
		    : s->asked != NULL ? 0
				       : POLLIN,
		    s);
	}
	for (i = 0; i < 2; i++) {
		n = wait_for(p, n, slot ? dns.udp[i] : -1, POLLIN, NULL);
		n = wait_for(p, n, room ? dns.tcp[i] : -1, POLLIN, NULL);
	}
	for (i = 0; i < PLACES; i++)
		n = wait_for(p, n, room ? dns.local[i] : -1, POLLIN, NULL);
	return n;
}

void
dns_serve(const struct pollfd *p, unsigned n)
{
	struct stream *s;
	struct query *q;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (p[i].revents == 0)
			continue;
		q = dns.who[i];
		s = dns.who[i];
		if (dns.who[i] == NULL) {
			if (p[i].fd == dns.udp[0] || p[i].fd == dns.udp[1])
				on_datagrams(p[i].fd);
			else
				on_streams(p[i].fd);
		} else if (q >= dns.queries && q < dns.queries + QUERIES) {
			if (q->fd == p[i].fd)
				query_input(q);
		} else if (s->fd == p[i].fd) {
			if (s->out != NULL)
				stream_write(s);
			else if (p[i].revents & POLLIN)
				stream_input(s);
			else
				stream_close(s);
		}
	}
}
