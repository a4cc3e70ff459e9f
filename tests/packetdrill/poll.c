/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include "base/check.h"
#include "adapter.h"

struct watch {
	TAILQ_ENTRY(watch) of_sock, of_epoll;
	struct sock *sock, *epoll;
	struct epoll_event ev;
	bool ready;
};

/* Linux's rule: a third of the send buffer is free. */
static bool
writable(const struct sock *s)
{
	struct tcp_info_out in;

	if (s->pcb == NULL)
		return true;
	tcp_info(s->pcb, &in, (mono_t){0});
	return 3 * tcp_send_space(s->pcb) >= in.sndbuf;
}

static short
conn_mask(const struct sock *s)
{
	short m = 0;

	if (s->gone || (s->fin && s->wr_shut) || (s->rd_shut && s->wr_shut))
		m |= POLLHUP;
	if (s->gone || s->fin || s->rd_shut)
		m |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (s->deferred)
		m |= POLLOUT | POLLWRNORM;
	if (!s->connecting) {
		if (sock_unread(s) > 0)
			m |= POLLIN | POLLRDNORM;
		if (s->wr_shut || s->gone || writable(s))
			m |= POLLOUT | POLLWRNORM;
	}
	return m;
}

short
sock_mask(const struct sock *s)
{
	short m = s->error != 0 ? POLLERR : 0;

	switch (s->kind) {
	case SOCK_LISTEN:
		return (short)(s->nready > 0 ? m | POLLIN | POLLRDNORM : m);
	case SOCK_CONN:
		return (short)(m | conn_mask(s));
	case SOCK_FRESH:
		return POLLOUT | POLLWRNORM | POLLHUP;
	default:
		return 0;
	}
}

void
sock_wake(struct sock *s, short mask)
{
	struct watch *x;

	if (mask == 0 || s->kind == SOCK_EPOLL)
		return;
	TAILQ_FOREACH (x, &s->watches, of_sock)
		if ((uint32_t)mask & (x->ev.events | POLLERR | POLLHUP))
			x->ready = true;
}

static void
watch_free(struct watch *x)
{
	TAILQ_REMOVE(&x->sock->watches, x, of_sock);
	TAILQ_REMOVE(&x->epoll->watches, x, of_epoll);
	free(x);
}

void
watches_free(struct sock *s)
{
	struct watch *x;

	while ((x = TAILQ_FIRST(&s->watches)) != NULL)
		watch_free(x);
}

/* ---- poll ---- */

struct poll_call {
	struct pollfd *fds;
	nfds_t n;
};

static long
try_poll(struct world *w, void *arg)
{
	struct poll_call *c = arg;
	long hits = 0;
	nfds_t i;

	for (i = 0; i < c->n; i++) {
		struct sock *s = sock_find(w, c->fds[i].fd);
		int want = c->fds[i].events | POLLERR | POLLHUP;

		if (c->fds[i].fd < 0)
			c->fds[i].revents = 0;
		else
			c->fds[i].revents =
			    s != NULL ? (short)(sock_mask(s) & want) : POLLNVAL;
		hits += c->fds[i].revents != 0;
	}
	return hits > 0 ? hits : -EAGAIN;
}

static mono_t
limit_of(const struct world *w, int timeout_ms)
{
	return timeout_ms < 0 ? MONO_NEVER
			      : mono_add(w->now, timeout_ms * 1000LL);
}

int
sys_poll(struct world *w, struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct poll_call c = {fds, n};
	long r = world_call(
	    w, try_poll, &c, timeout_ms != 0, limit_of(w, timeout_ms));

	return r == -EAGAIN ? 0 : (int)r;
}

/* ---- epoll ---- */

static struct watch *
watch_find(struct sock *ep, const struct sock *s)
{
	struct watch *x;

	TAILQ_FOREACH (x, &ep->watches, of_epoll)
		if (x->sock == s)
			return x;
	return NULL;
}

static uint32_t
watch_hits(const struct watch *x)
{
	/* One-shot, and shot: nothing at all until it is set again. */
	if ((x->ev.events &
		~(uint32_t)(EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)) == 0)
		return 0;
	return (uint32_t)(unsigned short)sock_mask(x->sock) &
	       (x->ev.events | EPOLLERR | EPOLLHUP);
}

int
sys_epoll_ctl(
    struct world *w, int epfd, int op, int fd, const struct epoll_event *ev)
{
	struct sock *ep = sock_find(w, epfd), *s = sock_find(w, fd);
	struct watch *x;

	if (ep == NULL || s == NULL)
		return -EBADF;
	if (ep->kind != SOCK_EPOLL || s->kind == SOCK_EPOLL)
		return -EINVAL;
	x = watch_find(ep, s);
	switch (op) {
	case EPOLL_CTL_ADD:
		if (x != NULL)
			return -EEXIST;
		x = calloc(1, sizeof *x);
		CHECK(x != NULL);
		x->sock = s;
		x->epoll = ep;
		TAILQ_INSERT_TAIL(&s->watches, x, of_sock);
		TAILQ_INSERT_TAIL(&ep->watches, x, of_epoll);
		break;
	case EPOLL_CTL_MOD:
		if (x == NULL)
			return -ENOENT;
		break;
	case EPOLL_CTL_DEL:
		if (x == NULL)
			return -ENOENT;
		watch_free(x);
		return 0;
	default:
		return -EINVAL;
	}
	x->ev = *ev;
	x->ready = watch_hits(x) != 0;
	world_settle(w);
	return 0;
}

struct epoll_call {
	struct sock *ep;
	struct epoll_event *evs;
	int max;
};

static long
try_epoll(struct world *w, void *arg)
{
	struct epoll_call *c = arg;
	struct watch *x;
	uint32_t hits;
	int n = 0;

	(void)w;
	TAILQ_FOREACH (x, &c->ep->watches, of_epoll) {
		if (n == c->max)
			break;
		hits = watch_hits(x);
		/* A level that has come is seen without a wake-up. */
		if (!x->ready && (x->ev.events & EPOLLET))
			continue;
		x->ready = false;
		if (hits == 0)
			continue;
		c->evs[n] = x->ev;
		c->evs[n++].events = hits;
		if (x->ev.events & EPOLLONESHOT)
			x->ev.events = EPOLLONESHOT;
	}
	return n > 0 ? n : -EAGAIN;
}

int
sys_epoll_wait(
    struct world *w, int epfd, struct epoll_event *evs, int max, int timeout_ms)
{
	struct epoll_call c = {sock_find(w, epfd), evs, max};
	long r;

	if (c.ep == NULL)
		return -EBADF;
	if (c.ep->kind != SOCK_EPOLL || max <= 0)
		return -EINVAL;
	r = world_call(
	    w, try_epoll, &c, timeout_ms != 0, limit_of(w, timeout_ms));
	return r == -EAGAIN ? 0 : (int)r;
}
