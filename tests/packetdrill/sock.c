/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "adapter.h"

/* ---- addresses ---- */

static int
addr_get(
    const struct sockaddr *a, socklen_t n, struct ipaddr *ip, uint16_t *port)
{
	const struct sockaddr_in *in =
	    (const struct sockaddr_in *)(const void *)a;
	const struct sockaddr_in6 *in6 =
	    (const struct sockaddr_in6 *)(const void *)a;

	if (a->sa_family == AF_INET && n >= sizeof *in) {
		*ip = ipaddr_v4(ntohl(in->sin_addr.s_addr));
		*port = ntohs(in->sin_port);
		return 0;
	}
	if (a->sa_family == AF_INET6 && n >= sizeof *in6) {
		memcpy(ip->b, in6->sin6_addr.s6_addr, 16);
		*port = ntohs(in6->sin6_port);
		return 0;
	}
	return a->sa_family == AF_INET || a->sa_family == AF_INET6
		   ? -EINVAL
		   : -EAFNOSUPPORT;
}

static void
addr_put(const struct sock *s, const struct ipaddr *ip, uint16_t port,
    struct sockaddr *a, socklen_t *n)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(port)};
	const void *from = &in6;
	socklen_t len = sizeof in6;

	if (a == NULL || n == NULL)
		return;
	if (s->domain == AF_INET) {
		in.sin_addr.s_addr = htonl(ipaddr_to_v4(ip));
		from = &in;
		len = sizeof in;
	} else {
		memcpy(in6.sin6_addr.s6_addr, ip->b, 16);
	}
	memcpy(a, from, *n < len ? *n : len);
	*n = len;
}

/* ---- a socket's life ---- */

struct sock *
sock_find(const struct world *w, int fd)
{
	struct sock *s;

	TAILQ_FOREACH (s, &w->socks, link)
		if (s->fd == fd && fd >= 0)
			return s;
	return NULL;
}

void
sock_give_fd(struct sock *s)
{
	/* Its number is wanted, and the options that tcpd leaves to it. */
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(s->fd >= 0);
}

struct sock *
sock_new(struct world *w, int domain, enum sock_kind kind)
{
	struct sock *s = calloc(1, sizeof *s);

	CHECK(s != NULL);
	s->domain = domain;
	s->kind = kind;
	s->flags = O_RDWR;
	s->fd = -1;
	TAILQ_INIT(&s->ready);
	TAILQ_INIT(&s->watches);
	TAILQ_INSERT_TAIL(&w->socks, s, link);
	return s;
}

/* Gives back what the stack holds for s.  Unless it is in the world's list of
 * sockets no more, s can be used again afterwards. */
static void
let_go(struct world *w, struct sock *s, bool abort)
{
	struct sock *c;

	while ((c = TAILQ_FIRST(&s->ready)) != NULL) {
		TAILQ_REMOVE(&s->ready, c, link);
		TAILQ_INSERT_TAIL(&w->socks, c, link);
		let_go(w, c, true);
		sock_free(w, c);
	}
	s->nready = 0;
	if (s->pcb != NULL) {
		tcp_set_user(s->pcb, NULL);
		if (abort)
			tcp_abort(s->pcb, w->now);
		else
			tcp_close(s->pcb, w->now);
	}
	s->pcb = NULL;
	if (s->bind != NULL)
		tcp_unbind(s->bind, w->now);
	s->bind = NULL;
	free(s->rest);
	s->rest = NULL;
	s->rest_len = s->rest_off = 0;
}

void
sock_free(struct world *w, struct sock *s)
{
	let_go(w, s, true);
	watches_free(s);
	TAILQ_REMOVE(&w->socks, s, link);
	free(s);
}

int
sock_apply(struct world *w, struct sock *s)
{
	bool ipv6 = s->kind == SOCK_LISTEN ? s->domain == AF_INET6
					   : !ipaddr_is_v4(&s->raddr);
	struct tcp_opts o;

	sockopt_to_tcp(&s->opts, ipv6, &o);
	o.cork |= s->more;
	if (s->kind == SOCK_LISTEN)
		return tcp_bind_opts(s->bind, &o);
	return s->pcb != NULL ? tcp_apply_opts(s->pcb, &o, w->now) : 0;
}

int
sock_error(struct sock *s)
{
	int e = s->error;

	s->error = 0;
	return e;
}

size_t
sock_unread(const struct sock *s)
{
	return s->pcb != NULL ? tcp_recv_queued(s->pcb)
			      : s->rest_len - s->rest_off;
}

/* ---- what the stack says ---- */

int
sock_take(void *ctx, struct tcp_bind *listener, struct tcp_pcb *pcb)
{
	struct tcp_bind_info bi;
	struct world *w = ctx;
	struct sock *l, *s;
	const struct tuple *id = tcp_tuple(pcb);

	tcp_bind_info(listener, &bi);
	l = bi.user;
	/* Linux takes one more than it was told. */
	if (l->nready > l->backlog)
		return -EAGAIN;
	s = sock_new(w, l->domain, SOCK_CONN);
	TAILQ_REMOVE(&w->socks, s, link);
	TAILQ_INSERT_TAIL(&l->ready, s, link);
	l->nready++;
	s->pcb = pcb;
	s->connected = true;
	s->laddr = id->laddr;
	s->raddr = id->raddr;
	s->lport = id->lport;
	s->rport = id->rport;
	sockopt_inherit(&l->opts, &s->opts);
	s->rcvtimeo_us = l->rcvtimeo_us;
	s->sndtimeo_us = l->sndtimeo_us;
	tcp_set_user(pcb, s);
	sock_wake(l, POLLIN | POLLRDNORM);
	return 0;
}

/* The pcb goes with the next event: what is unread is kept here. */
static void
keep_rest(struct world *w, struct sock *s, struct tcp_pcb *p)
{
	struct span spans[64];
	unsigned n, i;

	tcp_info(p, &s->last, w->now);
	s->rest_len = tcp_recv_queued(p);
	s->rest = malloc(s->rest_len + 1);
	CHECK(s->rest != NULL);
	s->rest_off = 0;
	while (s->rest_off < s->rest_len) {
		size_t taken = 0;

		n = tcp_recv_peek(p, spans, 64);
		for (i = 0; i < n; i++) {
			memcpy(s->rest + s->rest_off + taken, spans[i].base,
			    spans[i].len);
			taken += spans[i].len;
		}
		s->rest_off += taken;
		tcp_recv_consume(p, taken, w->now);
	}
	s->rest_off = 0;
}

void
sock_event(struct world *w, const struct tcp_event *ev)
{
	struct sock *s = ev->user;
	short wake = 0;

	if (s == NULL)
		return;
	if (ev->bits & TCP_EV_CONNECTED) {
		s->connecting = false;
		s->connected = true;
		wake |= POLLOUT | POLLWRNORM;
	}
	if (ev->bits & TCP_EV_READABLE)
		wake |= POLLIN | POLLRDNORM;
	if (ev->bits & TCP_EV_WRITABLE)
		wake |= POLLOUT | POLLWRNORM;
	if (ev->bits & TCP_EV_EOF) {
		s->fin = true;
		wake |= POLLIN | POLLRDNORM | POLLRDHUP;
	}
	if (ev->bits & TCP_EV_ERROR)
		s->soft_error = tcp_soft_error(ev->pcb);
	/* As the engine: connect() does not wait for it to pass. */
	if (s->connecting && s->soft_error != 0 && s->soft_error != ETIMEDOUT &&
	    !(ev->bits & TCP_EV_GONE)) {
		tcp_abort(ev->pcb, w->now);
		s->pcb = NULL;
		s->gone = true;
		s->connecting = false;
		s->error = s->soft_error;
		wake |= POLLIN | POLLOUT | POLLERR | POLLHUP;
	}
	if (ev->bits & TCP_EV_URGENT)
		wake |= POLLPRI;
	if (ev->bits & TCP_EV_GONE) {
		keep_rest(w, s, ev->pcb);
		s->pcb = NULL;
		s->gone = true;
		s->connecting = false;
		s->error = ev->error;
		wake |= POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP |
			POLLHUP | (s->error != 0 ? POLLERR : 0);
	}
	sock_wake(s, wake);
}

/* ---- calls ---- */

int
sys_bind(struct world *w, int fd, const struct sockaddr *a, socklen_t n)
{
	struct sock *s = sock_find(w, fd);
	struct ipaddr ip;
	uint16_t port;
	unsigned flags = 0;
	struct tcp_bind_info bi;
	int r;

	if (s == NULL)
		return -EBADF;
	if ((r = addr_get(a, n, &ip, &port)) != 0)
		return r;
	if (s->bind != NULL || s->kind != SOCK_FRESH)
		return -EINVAL;
	if (sockopt_val(&s->opts, OPT_SO_REUSEADDR, 0))
		flags |= TCP_BIND_REUSEADDR;
	if (sockopt_val(&s->opts, OPT_SO_REUSEPORT, 0))
		flags |= TCP_BIND_REUSEPORT;
	r = tcp_bind(w->tcp, &ip, port, flags, 0, s, &s->bind);
	if (r != 0)
		return r;
	tcp_bind_info(s->bind, &bi);
	s->laddr = bi.addr;
	s->lport = bi.port;
	return 0;
}

int
sys_listen(struct world *w, int fd, int backlog)
{
	struct sock *s = sock_find(w, fd);
	struct ipaddr any = ipaddr_v4(0);
	int r;

	if (s == NULL)
		return -EBADF;
	if (s->kind != SOCK_FRESH && s->kind != SOCK_LISTEN)
		return -EINVAL;
	if (s->bind == NULL &&
	    (r = tcp_bind(w->tcp, &any, 0, 0, 0, s, &s->bind)) != 0)
		return r;
	/* Linux: a negative number is a large one. */
	s->backlog = backlog < 0 || backlog > 4096 ? 4096 : (unsigned)backlog;
	if ((r = tcp_listen(s->bind, s->backlog)) != 0)
		return r;
	s->kind = SOCK_LISTEN;
	return sock_apply(w, s);
}

static long
try_accept(struct world *w, void *arg)
{
	struct sock *l = arg, *s = TAILQ_FIRST(&l->ready);

	if (l->kind != SOCK_LISTEN)
		return -EINVAL;
	if (s == NULL)
		return -EAGAIN;
	TAILQ_REMOVE(&l->ready, s, link);
	l->nready--;
	TAILQ_INSERT_TAIL(&w->socks, s, link);
	sock_give_fd(s);
	return s->fd;
}

static mono_t
limit_of(const struct world *w, int64_t us)
{
	return us != 0 ? mono_add(w->now, us) : MONO_NEVER;
}

int
sys_accept(struct world *w, int fd, struct sockaddr *a, socklen_t *n)
{
	struct sock *l = sock_find(w, fd), *s;
	long r;

	if (l == NULL)
		return -EBADF;
	if (l->kind != SOCK_LISTEN)
		return -EINVAL;
	r = world_call(w, try_accept, l, !(l->flags & O_NONBLOCK),
	    limit_of(w, l->rcvtimeo_us));
	if (r < 0)
		return (int)r;
	s = sock_find(w, (int)r);
	addr_put(s, &s->raddr, s->rport, a, n);
	return (int)r;
}

static long
try_connected(struct world *w, void *arg)
{
	struct sock *s = arg;
	int e;

	(void)w;
	if (s->connecting)
		return -EAGAIN;
	e = sock_error(s);
	if (e == 0 && s->gone)
		e = ECONNABORTED;
	if (e != 0)
		s->kind = SOCK_FRESH;
	return -e;
}

/* connect() with AF_UNSPEC: the connection ends, the socket is fresh again. */
static int
disconnect(struct world *w, struct sock *s)
{
	let_go(w, s, s->kind != SOCK_LISTEN);
	s->kind = SOCK_FRESH;
	s->connecting = s->connected = s->gone = s->fin = false;
	s->rd_shut = s->wr_shut = s->more = s->deferred = false;
	s->error = s->soft_error = 0;
	sock_wake(s, POLLHUP);
	world_settle(w);
	return 0;
}

/* room, if it is not NULL: of a SYN that is to be a Fast Open's. */
static int
start_connect(struct world *w, struct sock *s, const struct sockaddr *a,
    socklen_t n, int *room)
{
	struct ipaddr dst, any = ipaddr_v4(0);
	struct tcp_opts o;
	uint16_t port;
	int r;

	if ((r = addr_get(a, n, &dst, &port)) != 0)
		return r;
	let_go(w, s, true); /* an earlier try's */
	s->connected = s->gone = s->fin = false;
	s->rd_shut = s->wr_shut = false;
	s->error = s->soft_error = 0;
	sockopt_to_tcp(&s->opts, !ipaddr_is_v4(&dst), &o);
	if (room != NULL) {
		*room = tcp_fastopen_room(w->tcp, &any, &dst, &o, w->now);
		if (*room < 0)
			return *room;
	}
	r = tcp_connect(
	    w->tcp, s->bind, &any, &dst, port, &o, s, w->now, &s->pcb);
	if (r != 0)
		return r;
	s->deferred = s->by_send = false;
	s->kind = SOCK_CONN;
	s->connecting = true;
	s->laddr = tcp_tuple(s->pcb)->laddr;
	s->lport = tcp_tuple(s->pcb)->lport;
	s->raddr = dst;
	s->rport = port;
	return 0;
}

bool
sock_fast_off(struct world *w)
{
	return !(w->cfg.stack.tcp.fastopen.mode & FASTOPEN_CLIENT);
}

int
sock_open_fast(struct world *w, struct sock *s, const struct sockaddr *a,
    socklen_t n, bool waits, int *room)
{
	int r;

	if (a == NULL)
		return -EINVAL;
	if ((r = start_connect(w, s, a, n, room)) != 0)
		return r;
	s->deferred = waits && *room > 0;
	s->by_send = !waits;
	tcp_fastopen(s->pcb, s->deferred, w->now);
	return 0;
}

/* TCP_FASTOPEN_CONNECT, perhaps. */
static int
begin_connect(
    struct world *w, struct sock *s, const struct sockaddr *a, socklen_t n)
{
	int room;

	if (sockopt_val(&s->opts, OPT_TCP_FASTOPEN_CONNECT, 0) &&
	    !sock_fast_off(w))
		return sock_open_fast(w, s, a, n, true, &room);
	return start_connect(w, s, a, n, NULL);
}

int
sys_connect(struct world *w, int fd, const struct sockaddr *a, socklen_t n)
{
	struct sock *s = sock_find(w, fd);
	bool block;
	long r;

	if (s == NULL)
		return -EBADF;
	block = !(s->flags & O_NONBLOCK);
	if (n >= sizeof a->sa_family && a->sa_family == AF_UNSPEC)
		return disconnect(w, s);
	if (s->kind == SOCK_LISTEN || (s->kind == SOCK_CONN && s->connected))
		return -EISCONN;
	if (s->deferred)
		return -EISCONN;
	if (s->connecting && !block)
		return -EALREADY;
	if (s->kind == SOCK_FRESH && (r = begin_connect(w, s, a, n)) != 0)
		return (int)r;
	if (s->deferred)
		return 0;
	r = world_call(w, try_connected, s, block, limit_of(w, s->sndtimeo_us));
	return r == -EAGAIN ? -EINPROGRESS : (int)r;
}

int
sys_shutdown(struct world *w, int fd, int how)
{
	struct sock *s = sock_find(w, fd);

	if (s == NULL)
		return -EBADF;
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	if (s->kind == SOCK_LISTEN) {
		if (how != SHUT_WR)
			disconnect(w, s);
		return 0;
	}
	if (s->kind != SOCK_CONN || s->gone)
		return -ENOTCONN;
	if (s->connecting) {
		disconnect(w, s);
		return 0;
	}
	if (how != SHUT_WR)
		s->rd_shut = true;
	if (how != SHUT_RD && !s->wr_shut) {
		s->wr_shut = true;
		tcp_shutdown(s->pcb, w->now);
	}
	sock_wake(s, sock_mask(s));
	world_settle(w);
	return 0;
}

int
sys_close(struct world *w, int fd)
{
	struct sock *s = sock_find(w, fd);
	int32_t linger;

	if (s == NULL)
		return close(fd) == 0 ? 0 : -errno;
	close(s->fd);
	linger = sockopt_val(&s->opts, OPT_SO_LINGER, -1);
	let_go(w, s, linger == 0);
	sock_free(w, s);
	world_settle(w);
	return 0;
}
