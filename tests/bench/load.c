/* SPDX-License-Identifier: ISC */
/*
 * load: one small program that serves and makes TCP traffic, for benchmarks
 * and for tests that need more connections than real programs open.  It knows
 * nothing of tcpd: the same binary runs over the kernel's TCP and, under
 * tcpd-run, over tcpd's, so that ratios compare the stacks and nothing else.
 *
 * A connection begins with one struct request, which says what the server
 * does with the rest:
 *
 * SINK	  read until the peer's FIN, answer the count of bytes, close
 * SOURCE send until the peer is gone
 * ECHO	  send back what comes, until the peer's FIN
 * ANSWER send 64 bytes, close
 *
 * The server is one thread with epoll.  The client has one blocking thread a
 * stream (send, recv, rr, crr), one epoll loop over all connections (many) or
 * one process a connection (hold).  Each prints one line of JSON.  Throughput
 * counts what the other end has confirmed, over the time until it did.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum op {
	SINK = 'S',
	SOURCE = 'G',
	ECHO = 'E',
	ANSWER = 'A'
};

struct request {
	char op;
	char pad[63];
};

#define CHUNK (128 * 1024)

/* What the command line says. */
static struct {
	const char *host;
	int port;
	int conns;
	double seconds;
	size_t size;
	uint64_t pace; /* bytes a second and connection; 0: none */
} opt = {NULL, 9000, 1, 2, 64, 0};

static char zeros[CHUNK];

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* opt.host and opt.port, of either family; how long it is. */
static socklen_t
address(struct sockaddr_storage *out)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	struct sockaddr_in sin = {.sin_family = AF_INET};

	sin.sin_port = sin6.sin6_port = htons(opt.port);
	if (inet_pton(AF_INET, opt.host, &sin.sin_addr) == 1) {
		memcpy(out, &sin, sizeof(sin));
		return sizeof(sin);
	}
	if (inet_pton(AF_INET6, opt.host, &sin6.sin6_addr) != 1)
		errx(2, "%s: not an address", opt.host);
	memcpy(out, &sin6, sizeof(sin6));
	return sizeof(sin6);
}

static void
no_delay(int fd)
{
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) ==
	    -1)
		err(1, "TCP_NODELAY");
}

static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* ---- the server ---- */

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

static int
serve_source(int ep, struct conn *c)
{
	int i;

	for (i = 0; i < 4; i++) {
		ssize_t n = send(c->fd, zeros, sizeof(zeros), MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
	}
	return 0;
}

/* The request is there: what follows depends on it. */
static int
serve_begin(int ep, struct conn *c)
{
	c->op = c->req.op;
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
		return serve_source(ep, c);
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

static void
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

/* ---- clients: one blocking thread a stream ---- */

struct stream {
	pthread_t thread;
	uint64_t bytes;
	double until;	/* when this one was done */
	float *samples; /* rr, crr: microseconds */
	size_t nsamples, max;
};

static double t_begin;

static int
dial(char op)
{
	struct sockaddr_storage to;
	socklen_t len = address(&to);
	struct request req = {.op = op};
	int fd = socket(to.ss_family, SOCK_STREAM, 0);

	if (fd == -1)
		err(1, "socket");
	if (opt.pace != 0 && setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE,
				 &opt.pace, sizeof(opt.pace)) == -1)
		err(1, "SO_MAX_PACING_RATE");
	if (connect(fd, (struct sockaddr *)&to, len) == -1)
		err(1, "connect to %s port %d", opt.host, opt.port);
	if (op == ECHO || op == ANSWER)
		no_delay(fd);
	if (send(fd, &req, sizeof(req), MSG_NOSIGNAL) != sizeof(req))
		err(1, "send");
	return fd;
}

static void
read_full(int fd, void *buf, size_t len)
{
	size_t off = 0;
	ssize_t n;

	while (off < len) {
		n = read(fd, (char *)buf + off, len - off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			errx(1, "read: %s",
			    n == 0 ? "unexpected end" : strerror(errno));
		off += n;
	}
}

static void *
stream_send(void *arg)
{
	struct stream *st = arg;
	int fd = dial(SINK);
	uint64_t count;

	while (now() < t_begin + opt.seconds)
		if (send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL) == -1)
			err(1, "send");
	if (shutdown(fd, SHUT_WR) == -1)
		err(1, "shutdown");
	read_full(fd, &count, sizeof(count));
	st->bytes = count;
	st->until = now();
	close(fd);
	return NULL;
}

static void *
stream_recv(void *arg)
{
	struct stream *st = arg;
	char *buf = malloc(CHUNK);
	int fd = dial(SOURCE);
	ssize_t n;

	while (now() < t_begin + opt.seconds) {
		n = read(fd, buf, CHUNK);
		if (n <= 0)
			err(1, "read");
		st->bytes += n;
	}
	st->until = now();
	close(fd);
	free(buf);
	return NULL;
}

static void
sample(struct stream *st, double t0)
{
	if (st->nsamples == st->max) {
		st->max = st->max == 0 ? 65536 : st->max * 2;
		st->samples = realloc(st->samples, st->max * sizeof(float));
		if (st->samples == NULL)
			err(1, "malloc");
	}
	st->samples[st->nsamples++] = (now() - t0) * 1e6;
}

static void *
stream_rr(void *arg)
{
	struct stream *st = arg;
	char *buf = calloc(1, opt.size);
	int fd = dial(ECHO);

	while (now() < t_begin + opt.seconds) {
		double t0 = now();

		if (send(fd, buf, opt.size, MSG_NOSIGNAL) != (ssize_t)opt.size)
			err(1, "send");
		read_full(fd, buf, opt.size);
		sample(st, t0);
	}
	st->until = now();
	close(fd);
	free(buf);
	return NULL;
}

static void *
stream_crr(void *arg)
{
	struct stream *st = arg;
	char answer[sizeof(struct request)], end;

	while (now() < t_begin + opt.seconds) {
		double t0 = now();
		int fd = dial(ANSWER);

		read_full(fd, answer, sizeof(answer));
		if (read(fd, &end, 1) != 0)
			errx(1, "no orderly end after the answer");
		close(fd);
		sample(st, t0);
	}
	st->until = now();
	return NULL;
}

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void
report(const char *mode, struct stream *streams)
{
	struct stream all = {0};
	struct rusage use;
	double span;
	int i;

	for (i = 0; i < opt.conns; i++) {
		struct stream *st = &streams[i];

		all.bytes += st->bytes;
		if (st->until > all.until)
			all.until = st->until;
		all.samples = realloc(all.samples,
		    (all.nsamples + st->nsamples + 1) * sizeof(float));
		if (st->nsamples != 0)
			memcpy(all.samples + all.nsamples, st->samples,
			    st->nsamples * sizeof(float));
		all.nsamples += st->nsamples;
	}
	span = all.until - t_begin;
	getrusage(RUSAGE_SELF, &use);
	printf("{\"mode\": \"%s\", \"conns\": %d, \"seconds\": %.4f, "
	       "\"cpu\": %.4f",
	    mode, opt.conns, span,
	    use.ru_utime.tv_sec + use.ru_stime.tv_sec +
		(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	if (all.bytes != 0)
		printf(", \"bytes\": %llu, \"gbit_s\": %.4f",
		    (unsigned long long)all.bytes, all.bytes * 8 / span / 1e9);
	if (all.nsamples != 0) {
		qsort(all.samples, all.nsamples, sizeof(float), by_value);
		printf(", \"count\": %zu, \"per_s\": %.1f, \"p50_us\": %.1f, "
		       "\"p99_us\": %.1f",
		    all.nsamples, all.nsamples / span,
		    all.samples[all.nsamples / 2],
		    all.samples[(size_t)(all.nsamples * 0.99)]);
	}
	printf("}\n");
}

static void
run_streams(const char *mode, void *(*fn)(void *))
{
	struct stream *streams = calloc(opt.conns, sizeof(*streams));
	int i;

	t_begin = now();
	for (i = 0; i < opt.conns; i++)
		if (pthread_create(&streams[i].thread, NULL, fn, &streams[i]))
			errx(1, "pthread_create");
	for (i = 0; i < opt.conns; i++)
		pthread_join(streams[i].thread, NULL);
	report(mode, streams);
}

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

static void
many(void)
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
	i = opt.conns;
	opt.conns = 1;
	report("many", &st);
	opt.conns = i;
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
static void
hold(void)
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

static void
usage(void)
{
	fprintf(stderr,
	    "usage: load [-p port] [-c connections] [-t seconds] [-s size] "
	    "serve|send|recv|rr|crr|many|hold address\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	int ch;

	while ((ch = getopt(argc, argv, "p:c:t:s:b:")) != -1) {
		if (ch == 'p')
			opt.port = atoi(optarg);
		else if (ch == 'c')
			opt.conns = atoi(optarg);
		else if (ch == 't')
			opt.seconds = atof(optarg);
		else if (ch == 's')
			opt.size = strtoul(optarg, NULL, 0);
		else if (ch == 'b')
			opt.pace = strtoull(optarg, NULL, 0);
		else
			usage();
	}
	if (argc - optind != 2 || opt.conns < 1 || opt.size < 1)
		usage();
	opt.host = argv[optind + 1];
	raise_descriptors();
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(argv[optind], "serve") == 0)
		serve();
	else if (strcmp(argv[optind], "send") == 0)
		run_streams("send", stream_send);
	else if (strcmp(argv[optind], "recv") == 0)
		run_streams("recv", stream_recv);
	else if (strcmp(argv[optind], "rr") == 0)
		run_streams("rr", stream_rr);
	else if (strcmp(argv[optind], "crr") == 0)
		run_streams("crr", stream_crr);
	else if (strcmp(argv[optind], "many") == 0)
		many();
	else if (strcmp(argv[optind], "hold") == 0)
		hold();
	else
		usage();
	return 0;
}
