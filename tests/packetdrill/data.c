/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "adapter.h"

struct transfer {
	struct sock *s;
	const struct iovec *iov;
	int niov, flags;
	size_t total, done;
	bool connects; /* its error is that of a connect() */
};

static struct transfer
transfer_of(struct sock *s, const struct iovec *iov, int n, int flags)
{
	struct transfer t = {.s = s, .iov = iov, .niov = n, .flags = flags};
	int i;

	for (i = 0; i < n; i++)
		t.total += iov[i].iov_len;
	return t;
}

/* Copies n bytes between the transfer's buffers, from its byte `at` on, and
 * mem: into the buffers or out of them.  The kernel does it, so that a bad
 * address of the script's is an errno: 0 or -EFAULT. */
static int
move(const struct transfer *t, size_t at, uint8_t *mem, size_t n, bool in)
{
	struct iovec from, to;
	int i;

	for (i = 0; i < t->niov && n > 0; i++) {
		size_t len = t->iov[i].iov_len, take;

		if (at >= len) {
			at -= len;
			continue;
		}
		take = len - at < n ? len - at : n;
		from = (struct iovec){mem, take};
		to = (struct iovec){(uint8_t *)t->iov[i].iov_base + at, take};
		if ((in ? process_vm_writev(getpid(), &from, 1, &to, 1, 0)
			: process_vm_readv(getpid(), &from, 1, &to, 1, 0)) !=
		    (ssize_t)take)
			return -EFAULT;
		mem += take;
		n -= take;
		at = 0;
	}
	return 0;
}

/* ---- reading ---- */

static ssize_t
take_from_pcb(struct world *w, struct transfer *t)
{
	struct tcp_pcb *p = t->s->pcb;
	bool peek = t->flags & MSG_PEEK, discard = t->flags & MSG_TRUNC;
	size_t want = t->total - t->done, got = 0;
	struct span spans[256];
	unsigned i, n;

	n = tcp_recv_peek(p, spans, 256);
	for (i = 0; i < n && got < want; i++) {
		size_t len =
		    spans[i].len < want - got ? spans[i].len : want - got;

		if (!discard &&
		    move(t, t->done + got, spans[i].base, len, true) != 0)
			return -EFAULT;
		got += len;
	}
	if (got > 0 && !peek)
		tcp_recv_consume(p, got, w->now);
	return (ssize_t)got;
}

static ssize_t
take_from_rest(struct transfer *t)
{
	struct sock *s = t->s;
	size_t n = s->rest_len - s->rest_off;

	if (n > t->total - t->done)
		n = t->total - t->done;
	if (n == 0)
		return 0;
	if (!(t->flags & MSG_TRUNC) &&
	    move(t, t->done, s->rest + s->rest_off, n, true) != 0)
		return -EFAULT;
	if (!(t->flags & MSG_PEEK))
		s->rest_off += n;
	return (ssize_t)n;
}

static long
try_recv(struct world *w, void *arg)
{
	struct transfer *t = arg;
	struct sock *s = t->s;
	ssize_t n;

	do {
		n = s->pcb != NULL ? take_from_pcb(w, t) : take_from_rest(t);
		if (n < 0)
			return t->done > 0 ? (long)t->done : n;
		t->done += (size_t)n;
	} while (n > 0 && !(t->flags & MSG_PEEK) && t->done < t->total);
	if (t->done == t->total || (t->done > 0 && !(t->flags & MSG_WAITALL)))
		return (long)t->done;
	if (s->fin || s->rd_shut || s->error != 0 || s->gone) {
		if (t->done > 0)
			return (long)t->done;
		/* As Linux: what comes behind a FIN is not read()'s. */
		return s->fin ? 0 : -sock_error(s);
	}
	return -EAGAIN;
}

static mono_t
limit_of(const struct world *w, int64_t us)
{
	return us != 0 ? mono_add(w->now, us) : MONO_NEVER;
}

ssize_t
sys_recv(struct world *w, int fd, const struct iovec *iov, int n, int flags)
{
	struct sock *s = sock_find(w, fd);
	struct transfer t;
	bool block;
	long r;
	int e;

	if (s == NULL)
		return -EBADF;
	if (flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (s->kind != SOCK_CONN) {
		e = sock_error(s);
		return e != 0 ? -e : -ENOTCONN;
	}
	/* Linux has urgent data apart, tcpd has none. */
	if (flags & MSG_OOB)
		return -EINVAL;
	t = transfer_of(s, iov, n, flags);
	block = !(s->flags & O_NONBLOCK) && !(flags & MSG_DONTWAIT);
	r = world_call(w, try_recv, &t, block, limit_of(w, s->rcvtimeo_us));
	return r == -EAGAIN && t.done > 0 ? (long)t.done : r;
}

/* ---- writing ---- */

static ssize_t
put(struct world *w, struct transfer *t)
{
	struct tcp_pcb *p = t->s->pcb;
	struct span spans[8];
	size_t n = 0;
	unsigned k, i;

	k = tcp_send_reserve(p, spans, 8, t->total - t->done);
	for (i = 0; i < k; i++) {
		if (move(t, t->done + n, spans[i].base, spans[i].len, false) !=
		    0)
			return -EFAULT;
		n += spans[i].len;
	}
	if (n > 0)
		tcp_send_commit(p, n, w->now);
	return (ssize_t)n;
}

static long
try_send(struct world *w, void *arg)
{
	struct transfer *t = arg;
	struct sock *s = t->s;
	ssize_t n = 0;
	int e;

	if (s->connecting)
		return -EAGAIN;
	if (s->error != 0 || s->gone || s->wr_shut || s->kind != SOCK_CONN) {
		if (t->done > 0 && !t->connects)
			return (long)t->done;
		e = sock_error(s);
		return e != 0 ? -e : -EPIPE;
	}
	t->connects = false;
	while (t->done < t->total && (n = put(w, t)) > 0)
		t->done += (size_t)n;
	if (n < 0)
		return t->done > 0 ? (long)t->done : n;
	return t->done == t->total ? (long)t->done : -EAGAIN;
}

/* The first of t go with the SYN, which leaves now. */
static int
put_fast(struct world *w, struct transfer *t, int room)
{
	struct transfer first = *t;
	ssize_t n = 0;

	if (first.total > (size_t)room)
		first.total = (size_t)room;
	while (first.done < first.total && (n = put(w, &first)) > 0)
		first.done += (size_t)n;
	t->done = first.done;
	return n < 0 ? (int)n : 0;
}

/* MSG_FASTOPEN, or the first write after TCP_FASTOPEN_CONNECT: 0, and what is
 * left of t is sent as ever; or the call's result, which is not 0. */
static ssize_t
send_fast(struct world *w, struct transfer *t, bool block,
    const struct sockaddr *a, socklen_t alen)
{
	struct sock *s = t->s;
	struct tcp_opts o;
	int room, r;

	if (s->deferred) {
		sockopt_to_tcp(&s->opts, !ipaddr_is_v4(&s->raddr), &o);
		room =
		    tcp_fastopen_room(w->tcp, &s->laddr, &s->raddr, &o, w->now);
		s->deferred = false;
		if (t->total == 0)
			tcp_send_commit(s->pcb, 0, w->now);
	} else if (sock_fast_off(w) ||
		   (a != NULL && alen >= 2 && a->sa_family == AF_UNSPEC)) {
		return -EOPNOTSUPP;
	} else if (s->kind == SOCK_FRESH) {
		r = sock_open_fast(w, s, a, alen, false, &room);
		if (r != 0)
			return r;
	} else if (s->connecting) {
		return block ? 0 : -EALREADY;
	} else {
		r = s->by_send && !s->gone ? 0 : -EISCONN;
		s->by_send = false;
		return s->gone && s->error != 0 ? -sock_error(s) : r;
	}
	if ((r = put_fast(w, t, room > 0 ? room : 0)) != 0)
		return r;
	world_settle(w);
	t->connects = block;
	if (block)
		return 0;
	return t->done > 0 ? (ssize_t)t->done : -EINPROGRESS;
}

ssize_t
sys_send(struct world *w, int fd, const struct iovec *iov, int n, int flags,
    const struct sockaddr *a, socklen_t alen)
{
	struct sock *s = sock_find(w, fd);
	bool block, more = flags & MSG_MORE;
	struct transfer t;
	long r;

	if (s == NULL)
		return -EBADF;
	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	t = transfer_of(s, iov, n, flags);
	block = !(s->flags & O_NONBLOCK) && !(flags & MSG_DONTWAIT);
	if ((flags & MSG_FASTOPEN || s->deferred) &&
	    (r = send_fast(w, &t, block, a, alen)) != 0)
		return r;
	if (more && !s->more) {
		s->more = true;
		sock_apply(w, s);
	}
	r = world_call(w, try_send, &t, block, limit_of(w, s->sndtimeo_us));
	if (!more && s->more) {
		s->more = false;
		sock_apply(w, s);
		world_settle(w);
	}
	return r == -EAGAIN && t.done > 0 ? (long)t.done : r;
}

/* ---- between a socket and a file ---- */

ssize_t
sys_sendfile(struct world *w, int out, int in, off_t *off, size_t len)
{
	struct iovec iov;
	ssize_t n, r;
	uint8_t *mem;

	if (len > 16 << 20)
		len = 16 << 20;
	if ((mem = malloc(len + 1)) == NULL)
		return -ENOMEM;
	n = off != NULL ? pread(in, mem, len, *off) : read(in, mem, len);
	if (n < 0) {
		r = -errno;
		free(mem);
		return r;
	}
	iov = (struct iovec){mem, (size_t)n};
	r = n > 0 ? sys_send(w, out, &iov, 1, 0, NULL, 0) : 0;
	free(mem);
	if (r > 0 && off != NULL)
		*off += r;
	else if (r < n && off == NULL)
		(void)lseek(in, r < 0 ? -n : r - n, SEEK_CUR);
	return r;
}

/* One side is a pipe, and a pipe that scripts fill never holds more than it
 * can take. */
ssize_t
sys_splice(struct world *w, int in, loff_t *in_off, int out, loff_t *out_off,
    size_t len, unsigned flags)
{
	int msg = flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0;
	struct iovec iov;
	ssize_t n, r;
	uint8_t *mem;

	if (sock_find(w, in) == NULL && sock_find(w, out) == NULL) {
		r = splice(in, in_off, out, out_off, len, flags);
		return r < 0 ? -errno : r;
	}
	if (in_off != NULL || out_off != NULL)
		return -ESPIPE;
	if (flags & SPLICE_F_MORE)
		msg |= MSG_MORE;
	if (len > 65536)
		len = 65536;
	if ((mem = malloc(len + 1)) == NULL)
		return -ENOMEM;
	iov = (struct iovec){mem, len};
	if (sock_find(w, in) != NULL) {
		n = sys_recv(w, in, &iov, 1, msg & MSG_DONTWAIT);
		r = n > 0 ? write(out, mem, (size_t)n) : n;
	} else {
		n = read(in, mem, len);
		iov.iov_len = n > 0 ? (size_t)n : 0;
		r = n > 0 ? sys_send(w, out, &iov, 1, msg, NULL, 0)
			  : (n < 0 ? -errno : 0);
	}
	free(mem);
	return r;
}
