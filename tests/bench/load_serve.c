/* SPDX-License-Identifier: ISC */
/*
 * The server of connections: one thread with epoll.  What a connection is for
 * its first 64 bytes say (struct request).
 */
#include <sys/epoll.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

struct conn {
	int fd;
	char op; /* 0: the request is not complete */
	bool eof;
	size_t got;	 /* bytes of the request */
	uint64_t count;	 /* SINK */
	size_t len, off; /* what ECHO, ANSWER and SINK's end still send */
	char *buf;
	struct request req;
};

static void
watch(int ep, struct conn *c, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = c};

	if (epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
conn_free(struct conn *c)
{
	close(c->fd);
	free(c->buf);
	free(c);
}

/* Sends what is left of buf; 1: all gone, 0: not yet, -1: the peer is. */
static int
conn_flush(int ep, struct conn *c)
{
	while (c->off < c->len) {
		ssize_t n =
		    send(c->fd, c->buf + c->off, c->len - c->off, MSG_NOSIGNAL);
		if (n == -1 && errno == EAGAIN) {
			watch(ep, c, EPOLLOUT);
			return 0;
		}
		if (n == -1)
			return -1;
		c->off += n;
	}
	c->off = c->len = 0;
	return 1;
}

/* Four chunks, in as many writes as the client wants, before others' turn. */
static int
serve_source(struct conn *c)
{
	size_t write = c->req.write, done = 0;
	ssize_t n;

	while (done < 4 * CHUNK) {
		n = send(c->fd, zeros, write, MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		done += n;
	}
	return 0;
}

/* The request is there: what follows depends on it. */
static int
serve_begin(int ep, struct conn *c)
{
	c->op = c->req.op;
	if (c->req.write == 0 || c->req.write > CHUNK)
		c->req.write = CHUNK;
	if (c->op != SINK)
		no_delay(c->fd);
	if (c->op == SOURCE)
		watch(ep, c, EPOLLIN | EPOLLOUT);
	if (c->op == ANSWER) {
		c->len = sizeof(struct request);
		memset(c->buf, 'a', c->len);
		c->eof = true;
		return conn_flush(ep, c);
	}
	return 1;
}

/* -1: done with it. */
static int
serve_read(int ep, struct conn *c)
{
	char *to = c->op == 0 ? (char *)&c->req + c->got : c->buf;
	size_t room = c->op == 0 ? sizeof(c->req) - c->got : CHUNK;
	ssize_t n = read(c->fd, to, room);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) {
		c->eof = true;
		if (c->op != SINK)
			return -1;
		c->len = sizeof(c->count);
		memcpy(c->buf, &c->count, sizeof(c->count));
		return conn_flush(ep, c) == 0 ? 0 : -1;
	}
	if (c->op == 0) {
		c->got += n;
		if (c->got < sizeof(c->req))
			return 0;
		return serve_begin(ep, c) == 1 && !c->eof ? 0
		       : c->len > c->off		  ? 0
							  : -1;
	}
	if (c->op == SINK)
		c->count += n;
	if (c->op == ECHO) {
		c->len = n;
		return conn_flush(ep, c) == -1 ? -1 : 0;
	}
	return 0;
}

static int
serve_write(int ep, struct conn *c)
{
	int done;

	if (c->op == SOURCE)
		return serve_source(c);
	done = conn_flush(ep, c);
	if (done == 1 && c->eof)
		return -1;
	if (done == 1)
		watch(ep, c, EPOLLIN);
	return done;
}

static void
serve_accept(int ep, int listener)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct conn *c;
	int fd, i;

	for (i = 0; i < 64; i++) {
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd == -1 && errno != EAGAIN && errno != ECONNABORTED)
			warn("accept");
		if (fd == -1)
			return;
		if ((c = calloc(1, sizeof(*c))) == NULL ||
		    (c->buf = malloc(CHUNK)) == NULL)
			err(1, "malloc");
		c->fd = fd;
		ev.data.ptr = c;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
			err(1, "epoll_ctl");
	}
}

void
serve(void)
{
	struct sockaddr_storage to;
	socklen_t len = address(&to);
	struct epoll_event ev[64] = {{.events = EPOLLIN}};
	int ep = epoll_create1(EPOLL_CLOEXEC), i, n;
	int listener = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (ep == -1 || listener == -1)
		err(1, "socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(listener, (struct sockaddr *)&to, len) == -1 ||
	    listen(listener, 4096) == -1)
		err(1, "%s port %d", opt.host, opt.port);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev[0]) == -1)
		err(1, "epoll_ctl");
	for (;;) {
		n = epoll_wait(ep, ev, 64, -1);
		if (n == -1 && errno != EINTR)
			err(1, "epoll_wait");
		for (i = 0; i < n; i++) {
			struct conn *c = ev[i].data.ptr;
			int r = 0;

			if (c == NULL) {
				serve_accept(ep, listener);
				continue;
			}
			if (ev[i].events & ~(uint32_t)EPOLLOUT)
				r = serve_read(ep, c);
			if (r != -1 && ev[i].events & EPOLLOUT)
				r = serve_write(ep, c);
			if (r == -1)
				conn_free(c);
		}
	}
}
