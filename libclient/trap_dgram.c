/* SPDX-License-Identifier: ISC */
/*
 * Datagrams of a trapped program: the calls that give or take an address, or
 * what comes beside a datagram.  Each is made here with the library's code, on
 * the program's socket and in memory of ours, and its results are written where
 * the program wants them.
 *
 * read, write, send and recv are not trapped, so what they see must be payloads
 * alone.  It is on a connected socket, which is where they are used; what came
 * before connect(), with headers, goes to the daemon, which sends it back as it
 * is wanted now.
 *
 * What a call says is read anew each time it is tried: where a datagram goes is
 * judged by the same bytes that it is sent with.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include "dgram.h"
#include "sys.h"
#include "trap.h"

#define PAYLOAD_MAX 65536
#define CONTROL_MAX 4096
#define VECTOR_MAX  1024 /* UIO_MAXIOV, of places and of messages */
/* More than fits into a socket; whoever answers them ends nevertheless. */
#define LEFT_MAX    16384

static uint8_t payload[PAYLOAD_MAX];
static uint8_t control[CONTROL_MAX];
static struct iovec places[VECTOR_MAX];

/* A message there, and the same here. */
struct message {
	struct msghdr there, here;
	size_t size; /* of all places there */
	struct iovec iov;
	struct sockaddr_storage name;
};

static bool
is_vector(const struct trap_op *op)
{
	return op->c.nr == SYS_sendmmsg || op->c.nr == SYS_recvmmsg;
}

/* Where the next msghdr is. */
static uint64_t
where(const struct trap_op *op)
{
	return op->c.arg[1] +
	       (is_vector(op) ? op->done * sizeof(struct mmsghdr) : 0);
}

/* The arguments of sendto() and recvfrom() as a message. */
static int
read_arguments(const struct trap_op *op, struct msghdr *m)
{
	const struct trap_call *c = &op->c;
	int err = 0;

	*m = (struct msghdr){
	    .msg_name = (void *)(uintptr_t)c->arg[4], .msg_iovlen = 1};
	places[0] =
	    (struct iovec){(void *)(uintptr_t)c->arg[1], (size_t)c->arg[2]};
	if (c->nr == SYS_sendto)
		m->msg_namelen = (socklen_t)c->arg[5];
	else if (m->msg_name != NULL)
		err = trap_read(
		    c, c->arg[5], &m->msg_namelen, sizeof m->msg_namelen);
	if (err == 0 && c->nr == SYS_sendto && m->msg_name != NULL &&
	    m->msg_namelen > sizeof(struct sockaddr_storage))
		err = -EINVAL;
	return err;
}

static int
read_message(const struct trap_op *op, struct message *g)
{
	const struct trap_call *c = &op->c;
	struct msghdr *m = &g->there;
	size_t i;
	int err;

	if (c->nr == SYS_sendto || c->nr == SYS_recvfrom) {
		err = read_arguments(op, m);
	} else {
		err = trap_read(c, where(op), m, sizeof *m);
		if (err == 0 && m->msg_iovlen > VECTOR_MAX)
			err = -EMSGSIZE;
		if (err == 0)
			err = trap_read(c, (uintptr_t)m->msg_iov, places,
			    m->msg_iovlen * sizeof places[0]);
	}
	if (err == 0 && m->msg_name != NULL && (int)m->msg_namelen < 0)
		err = -EINVAL;
	g->size = 0;
	for (i = 0; err == 0 && i < m->msg_iovlen; i++)
		if (__builtin_add_overflow(
			g->size, places[i].iov_len, &g->size))
			err = -EINVAL;
	g->iov = (struct iovec){
	    payload, g->size < sizeof payload ? g->size : sizeof payload};
	g->here = (struct msghdr){.msg_iov = &g->iov, .msg_iovlen = 1};
	return err;
}

/* Between the places there and the payload here, n bytes. */
static int
copy(const struct trap_call *c, const struct message *g, size_t n, bool out)
{
	size_t i, part, done = 0;
	int err = 0;

	for (i = 0; i < g->there.msg_iovlen && done < n && err == 0; i++) {
		part =
		    places[i].iov_len < n - done ? places[i].iov_len : n - done;
		err = out ? trap_write(c, (uintptr_t)places[i].iov_base,
				payload + done, part)
			  : trap_read(c, (uintptr_t)places[i].iov_base,
				payload + done, part);
		done += part;
	}
	return err;
}

/* ---- sending ---- */

static int
read_beside(const struct trap_call *c, struct message *g)
{
	const struct msghdr *m = &g->there;
	int err = 0;

	if (m->msg_name != NULL) {
		g->here.msg_name = &g->name;
		g->here.msg_namelen = m->msg_namelen < sizeof g->name
					  ? m->msg_namelen
					  : sizeof g->name;
		err = trap_read(
		    c, (uintptr_t)m->msg_name, &g->name, g->here.msg_namelen);
	}
	if (err == 0 && m->msg_control != NULL && m->msg_controllen > 0) {
		if (m->msg_controllen > sizeof control)
			return -ENOBUFS;
		g->here.msg_control = control;
		g->here.msg_controllen = m->msg_controllen;
		err = trap_read(
		    c, (uintptr_t)m->msg_control, control, m->msg_controllen);
	}
	return err;
}

static ssize_t
send_one(const struct trap_op *op, struct dgram *d)
{
	const struct trap_call *c = &op->c;
	struct message g;
	int err = read_message(op, &g);
	ssize_t r;

	if (err == 0 && g.size > sizeof payload)
		err = -EMSGSIZE;
	if (err == 0)
		err = read_beside(c, &g);
	if (err == 0)
		err = copy(c, &g, g.size, false);
	if (!trap_valid(c))
		return -ESRCH;
	if (err != 0 || d->bits & PROTO_DTAG_SETTLED)
		return err != 0 ? err
				: dgram_sendmsg(op->fd, d, &g.here, op->flags);
	/* It may become the kernel's, and then is its user's. */
	if (!trap_become_caller(c))
		return -ESRCH;
	r = dgram_sendmsg(op->fd, d, &g.here, op->flags);
	trap_become_self();
	return r;
}

/* ---- receiving ---- */

/* What recvmsg() changes of its message, but for what it points to. */
static int
write_message(const struct trap_op *op, const struct message *g)
{
	uint64_t at = where(op);
	const struct msghdr *m = &g->here;
	int err = 0;

	if (op->c.nr == SYS_recvfrom)
		return g->there.msg_name == NULL
			   ? 0
			   : trap_write(&op->c, op->c.arg[5], &m->msg_namelen,
				 sizeof m->msg_namelen);
	if (g->there.msg_name != NULL)
		err = trap_write(&op->c,
		    at + offsetof(struct msghdr, msg_namelen), &m->msg_namelen,
		    sizeof m->msg_namelen);
	if (err == 0)
		err = trap_write(&op->c,
		    at + offsetof(struct msghdr, msg_controllen),
		    &m->msg_controllen, sizeof m->msg_controllen);
	if (err == 0)
		err =
		    trap_write(&op->c, at + offsetof(struct msghdr, msg_flags),
			&m->msg_flags, sizeof m->msg_flags);
	return err;
}

static int
write_beside(const struct trap_op *op, const struct message *g)
{
	const struct msghdr *m = &g->here;
	socklen_t room = g->there.msg_namelen, len = m->msg_namelen;
	int err = 0;

	if (m->msg_name != NULL)
		err = trap_write(&op->c, (uintptr_t)g->there.msg_name, &g->name,
		    room < len ? room : len);
	if (err == 0 && m->msg_control != NULL)
		err = trap_write(&op->c, (uintptr_t)g->there.msg_control,
		    control, m->msg_controllen);
	return err != 0 ? err : write_message(op, g);
}

static ssize_t
recv_one(const struct trap_op *op, struct dgram *d)
{
	struct message g;
	int err = read_message(op, &g);
	ssize_t n;

	if (!trap_valid(&op->c))
		return -ESRCH;
	if (err != 0)
		return err;
	if (g.there.msg_name != NULL) {
		g.here.msg_name = &g.name;
		g.here.msg_namelen = sizeof g.name;
	}
	if (g.there.msg_control != NULL && g.there.msg_controllen > 0) {
		g.here.msg_control = control;
		g.here.msg_controllen = g.there.msg_controllen < sizeof control
					    ? g.there.msg_controllen
					    : sizeof control;
	}
	n = dgram_recvmsg(op->fd, d, &g.here, op->flags);
	if (n < 0)
		return n;
	err = copy(&op->c, &g,
	    (size_t)n < g.iov.iov_len ? (size_t)n : g.iov.iov_len, true);
	if (err == 0)
		err = write_beside(op, &g);
	return err != 0 ? err : n;
}

/* ---- one call, perhaps of several messages ---- */

static bool
is_send(const struct trap_op *op)
{
	return op->c.nr == SYS_sendto || op->c.nr == SYS_sendmsg ||
	       op->c.nr == SYS_sendmmsg;
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* One of a vector is through: its length, and is it the last one? */
static bool
one_more(struct trap_op *op, ssize_t n)
{
	unsigned len = (unsigned)n;

	if (trap_write(&op->c, where(op) + offsetof(struct mmsghdr, msg_len),
		&len, sizeof len) != 0)
		return true;
	op->done++;
	if (op->flags & MSG_WAITFORONE)
		op->events = 0;
	return op->done == op->size ||
	       (op->limit_ns >= 0 && now_ns() >= op->limit_ns);
}

/* Our copy of the socket goes first: when the program closes its own, the port
 * is free, and what comes is another one's. */
static bool
answer(struct trap_op *op, long result)
{
	close(op->fd);
	op->fd = -1;
	return trap_answer(&op->c, op->done > 0 ? (long)op->done : result) ||
	       true;
}

static bool
serve(struct trap_op *op, uint32_t events)
{
	struct dgram d;
	ssize_t r;

	serving = (struct serving){
	    .c = &op->c, .fd = op->fd, .target_fd = (int)op->c.arg[0]};
	do {
		/* A send may have made it the kernel's. */
		if (!dgram_look(op->fd, &d))
			return op->done > 0 ? answer(op, 0)
					    : trap_continue(&op->c) || true;
		r = is_send(op) ? send_one(op, &d) : recv_one(op, &d);
		if (r == -EAGAIN && op->events != 0)
			return false;
	} while (r >= 0 && is_vector(op) && !one_more(op, r));
	return answer(op, r);
}

/* How many there are, and how long they may take. */
static int
prepare_vector(struct trap_op *op)
{
	const struct trap_call *c = &op->c;
	struct timespec t;

	op->size =
	    (uint32_t)c->arg[2] < VECTOR_MAX ? (uint32_t)c->arg[2] : VECTOR_MAX;
	if (c->nr != SYS_recvmmsg || c->arg[4] == 0)
		return 0;
	if (trap_read(c, c->arg[4], &t, sizeof t) != 0)
		return -EFAULT;
	if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec > 999999999)
		return -EINVAL;
	/* A century is for ever. */
	if (t.tv_sec < 100LL * 366 * 86400)
		op->limit_ns = now_ns() + t.tv_sec * 1000000000LL + t.tv_nsec;
	return 0;
}

void
trap_datagram(const struct trap_call *c)
{
	struct trap_op op = {.c = *c,
	    .fd = serving.fd,
	    .limit_ns = -1,
	    .timed_out = -EAGAIN,
	    .again = serve};
	int err = 0;

	op.flags =
	    (int)c->arg[c->nr == SYS_sendmsg || c->nr == SYS_recvmsg ? 2 : 3];
	if (op.flags & MSG_ERRQUEUE)
		op.flags |= MSG_DONTWAIT; /* nobody waits for errors */
	if (is_vector(&op))
		err = prepare_vector(&op);
	if (err != 0 || (is_vector(&op) && op.size == 0)) {
		trap_answer(c, err);
		close(op.fd);
		return;
	}
	trap_start(&op, is_send(&op) ? EPOLLOUT : EPOLLIN,
	    is_send(&op) ? SO_SNDTIMEO : SO_RCVTIMEO);
}

/* ---- what came before connect() ---- */

void
dgram_left_behind(int fd, struct dgram *d)
{
	struct proto_dgram h;
	unsigned left = LEFT_MAX;
	ssize_t n;

	/* Those with headers are ahead of those without. */
	while (left-- > 0 &&
	       sys_recv(fd, &h, sizeof h, MSG_PEEK | MSG_DONTWAIT) ==
		   (ssize_t)sizeof h &&
	       h.magic == PROTO_DGRAM_MAGIC && h.handle == d->handle) {
		n = sys_recv(fd, payload, sizeof payload, MSG_DONTWAIT);
		if (n < (ssize_t)sizeof h)
			break;
		memcpy(&h, payload, sizeof h);
		h.flags = PROTO_DGRAM_BACK;
		memcpy(payload, &h, sizeof h);
		sys_send(fd, payload, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	dgram_mark(fd, d, PROTO_DTAG_RAW, 0);
}
