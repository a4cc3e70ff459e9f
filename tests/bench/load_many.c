/* SPDX-License-Identifier: ISC */
/*
 * Clients of many connections: one epoll loop over all of them, or a process
 * for each.
 */
#include <sys/epoll.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

/* ---- many: all connections open at once, then each echoes size bytes ---- */

struct many {
	int fd;
	bool up;
	size_t sent, got;
};

/* The byte at an offset of a connection's stream. */
static unsigned char
pattern(int conn, size_t off)
{
	return (unsigned char)(conn * 131 + off * 7 + (off >> 8) * 13);
}

static void
many_fill(int conn, size_t off, unsigned char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = pattern(conn, off + i);
}

/* true once this connection has everything back. */
static bool
many_step(struct many *m, int conn, uint32_t events)
{
	unsigned char buf[8192], want[8192];
	size_t len = opt.size - m->sent;
	ssize_t n;

	if (events & EPOLLOUT && len != 0) {
		if (len > sizeof(buf))
			len = sizeof(buf);
		many_fill(conn, m->sent, buf, len);
		n = send(m->fd, buf, len, MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN)
			err(1, "connection %d: send", conn);
		if (n > 0)
			m->sent += n;
	}
	if (events & ~(uint32_t)EPOLLOUT) {
		n = read(m->fd, buf, sizeof(buf));
		if (n == 0)
			errx(1, "connection %d: end after %zu of %zu bytes",
			    conn, m->got, opt.size);
		if (n == -1 && errno != EAGAIN)
			err(1, "connection %d: read", conn);
		if (n > 0) {
			many_fill(conn, m->got, want, n);
			if (memcmp(buf, want, n) != 0)
				errx(1, "connection %d: wrong bytes near %zu",
				    conn, m->got);
			m->got += n;
		}
	}
	return m->got == opt.size;
}

static void
many_open(struct many *m, int ep, int conn)
{
	struct sockaddr_storage to;
	socklen_t len = address(&to);
	struct epoll_event ev = {.events = EPOLLOUT, .data.u32 = conn};

	m->fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (m->fd == -1)
		err(1, "connection %d: socket", conn);
	if (connect(m->fd, (struct sockaddr *)&to, len) == -1 &&
	    errno != EINPROGRESS)
		err(1, "connection %d: connect", conn);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, m->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
many_connected(struct many *m, int conn)
{
	struct request req = {.op = ECHO};
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(m->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		err(1, "connection %d: SO_ERROR", conn);
	if (error != 0)
		errx(1, "connection %d: %s", conn, strerror(error));
	if (send(m->fd, &req, sizeof(req), MSG_NOSIGNAL) != sizeof(req))
		err(1, "connection %d: send", conn);
	m->up = true;
}

static void
many_loop(struct many *conns, int ep, bool opening)
{
	struct epoll_event ev[256];
	int left = opt.conns, i, n;

	while (left != 0) {
		n = epoll_wait(ep, ev, 256, 60000);
		if (n == 0)
			errx(1, "%d of %d connections stand still, %s", left,
			    opt.conns, opening ? "opening" : "transferring");
		for (i = 0; i < n; i++) {
			int conn = ev[i].data.u32;
			struct many *m = &conns[conn];
			struct epoll_event mod = {.data.u32 = conn};

			if (opening)
				many_connected(m, conn);
			else if (many_step(m, conn, ev[i].events))
				;
			else if (m->sent == opt.size)
				mod.events = EPOLLIN;
			else
				continue;
			if (opening || m->got == opt.size)
				left--;
			epoll_ctl(ep, EPOLL_CTL_MOD, m->fd, &mod);
		}
	}
}

void
run_many(void)
{
	struct many *conns = calloc(opt.conns, sizeof(*conns));
	int ep = epoll_create1(EPOLL_CLOEXEC), i;
	struct stream st = {0};

	t_begin = now();
	for (i = 0; i < opt.conns; i++)
		many_open(&conns[i], ep, i);
	many_loop(conns, ep, true);
	for (i = 0; i < opt.conns; i++) {
		struct epoll_event ev = {
		    .events = EPOLLIN | EPOLLOUT, .data.u32 = i};
		epoll_ctl(ep, EPOLL_CTL_MOD, conns[i].fd, &ev);
	}
	many_loop(conns, ep, false);
	for (i = 0; i < opt.conns; i++) {
		st.bytes += conns[i].got;
		close(conns[i].fd);
	}
	st.until = now();
	report("many", &st, 1);
}

/* ---- turns: requests and responses on all connections at once ---- */

struct turn {
	int fd;
	size_t got;
	double since; /* when its request was sent */
};

static void
turn_ask(struct turn *t, const char *buf)
{
	t->got = 0;
	t->since = now();
	if (send(t->fd, buf, opt.size, MSG_NOSIGNAL) != (ssize_t)opt.size)
		err(1, "send");
}

/* More of a response; all of it is a sample, and the next request follows. */
static void
turn_read(struct turn *t, char *buf, struct stream *st)
{
	ssize_t n = read(t->fd, buf, opt.size - t->got);

	if (n <= 0)
		errx(
		    1, "read: %s", n == 0 ? "unexpected end" : strerror(errno));
	t->got += n;
	if (t->got < opt.size)
		return;
	sample(st, t->since);
	turn_ask(t, buf);
}

void
run_turns(void)
{
	struct turn *turns = calloc(opt.conns, sizeof(*turns));
	char *buf = calloc(1, opt.size);
	int ep = epoll_create1(EPOLL_CLOEXEC), i, n;
	struct epoll_event ev[256];
	struct stream st = {0};

	if (turns == NULL || buf == NULL || ep == -1)
		err(1, "turns");
	for (i = 0; i < opt.conns; i++) {
		ev[0].events = EPOLLIN;
		ev[0].data.ptr = &turns[i];
		turns[i].fd = dial(ECHO);
		if (epoll_ctl(ep, EPOLL_CTL_ADD, turns[i].fd, ev) == -1)
			err(1, "epoll_ctl");
	}
	t_begin = now();
	for (i = 0; i < opt.conns; i++)
		turn_ask(&turns[i], buf);
	while ((st.until = now()) < t_begin + opt.seconds) {
		n = epoll_wait(ep, ev, 256, 10000);
		if (n == 0)
			errx(1, "all connections stand still");
		for (i = 0; i < n; i++)
			turn_read(ev[i].data.ptr, buf, &st);
	}
	report("turns", &st, 1);
}

/* ---- hold: a process a connection, in mid-transfer until it is killed ---- */

static void
hold_one(int conn, int ready)
{
	char *buf = calloc(1, CHUNK);
	int fd = dial(conn % 2 ? SINK : SOURCE);
	bool told = false;
	ssize_t n;

	for (;;) {
		if (conn % 2)
			n = send(fd, zeros, opt.size, MSG_NOSIGNAL);
		else
			n = read(fd, buf, opt.size);
		if (n <= 0)
			err(1, "connection %d", conn);
		if (!told && write(ready, "x", 1) == 1)
			told = true;
	}
}

/* Prints "ready" and the children's numbers once all have moved bytes. */
void
run_hold(void)
{
	pid_t *pids = calloc(opt.conns, sizeof(*pids));
	int ready[2], i;
	char byte;

	if (pipe(ready) == -1)
		err(1, "pipe");
	for (i = 0; i < opt.conns; i++) {
		if ((pids[i] = fork()) == -1)
			err(1, "fork");
		if (pids[i] == 0)
			hold_one(i, ready[1]);
	}
	for (i = 0; i < opt.conns; i++)
		read_full(ready[0], &byte, 1);
	printf("ready");
	for (i = 0; i < opt.conns; i++)
		printf(" %d", (int)pids[i]);
	printf("\n");
	fflush(stdout);
	for (i = 0; i < opt.conns; i++)
		wait(NULL);
}
