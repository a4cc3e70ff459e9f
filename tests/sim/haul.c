/* SPDX-License-Identifier: ISC */
/*
 * haul: measures what goodput measures, with real sockets: a transfer from the
 * sender's connect() to the receiver's end of file, or what each of several
 * senders gets through in some seconds.  It knows nothing of tcpd and runs
 * over the kernel's TCP or, under tcpd-run, over tcpd's.
 *
 *	haul -l [-6k] [-c congestion] [-n senders -w warm -t span] port
 *		receives
 *	haul [-c congestion] [-b back] host port bytes
 *		sends (0: for ever)
 *
 * Both ends are on one machine, so that the monotonic clock is one: a stream
 * begins with the time of the connect() and the number of bytes, all others
 * follow from their position and are verified.  The receiver prints, of one
 * transfer, microseconds and bytes; of several senders the bytes that each had
 * through in span seconds, beginning warm seconds after the last has come.
 * With -b the receiver answers with so many bytes once it has them all, over
 * the half-closed connection; the sender verifies those.  -6 listens on IPv6,
 * -k serves any number, each in a process of its own.  It says "ready" when it
 *listens.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	 65536
#define FLOWS	 16
#define PATIENCE 300000 /* ms without anything happening */

struct head {
	int64_t start_us;
	uint64_t bytes, back;
};

static struct flow {
	struct head head;
	uint64_t got, at_start;
	bool headed;
} flows[FLOWS];

static struct {
	bool listens, keeps, v6;
	unsigned senders;
	int64_t warm_us, span_us;
	uint64_t back;
	const char *congestion;
} opt = {.senders = 1};

static int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static uint8_t
byte_at(uint64_t pos)
{
	uint64_t x = pos / 8 * 0x9e3779b97f4a7c15u;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return (uint8_t)(x >> pos % 8 * 8);
}

/* The next n bytes of the stream; it begins with its head, if there is one. */
static void
fill(char *buf, const struct head *h, uint64_t pos, size_t n)
{
	for (size_t i = 0; i < n; i++, pos++)
		if (h != NULL && pos < sizeof *h)
			buf[i] = ((const char *)h)[pos];
		else
			buf[i] = (char)byte_at(pos);
}

/* True when all has been written; 0 bytes: until the peer cuts it off. */
static bool
send_stream(int fd, const struct head *h, uint64_t bytes)
{
	static char buf[CHUNK];
	uint64_t sent = 0;
	size_t n;
	ssize_t w;

	while (bytes == 0 || sent < bytes) {
		n = bytes == 0 || bytes - sent > CHUNK ? CHUNK
						       : (size_t)(bytes - sent);
		fill(buf, h, sent, n);
		w = write(fd, buf, n);
		if (w == -1 && bytes == 0)
			return false;
		if (w == -1)
			err(1, "write after %llu bytes",
			    (unsigned long long)sent);
		sent += (uint64_t)w;
	}
	return true;
}

static void
verify(struct flow *f, const uint8_t *buf, size_t n)
{
	for (size_t i = 0; i < n; i++, f->got++)
		if (f->headed && f->got < sizeof f->head)
			((uint8_t *)&f->head)[f->got] = buf[i];
		else if (buf[i] != byte_at(f->got))
			errx(1, "wrong byte at %llu",
			    (unsigned long long)f->got);
}

/* False at the end. */
static bool
receive(int fd, struct flow *f)
{
	static uint8_t buf[4 * CHUNK];
	ssize_t n = read(fd, buf, sizeof buf);

	if (n == -1)
		err(1, "read after %llu bytes", (unsigned long long)f->got);
	verify(f, buf, (size_t)n);
	return n > 0;
}

static socklen_t
address(const char *host, const char *port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)atoi(port));
		return sizeof *v4;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		errx(2, "%s: not an address", host);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)atoi(port));
	return sizeof *v6;
}

/* ---- the sender ---- */

static void
set_congestion(int fd)
{
	const char *name = opt.congestion;

	if (name != NULL && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name,
				(socklen_t)strlen(name)) == -1)
		err(1, "congestion control %s", name);
}

static int
send_all(const struct sockaddr *to, socklen_t len, uint64_t bytes)
{
	struct head h = {.bytes = bytes, .back = opt.back};
	struct flow answer = {0};
	int fd = socket(to->sa_family, SOCK_STREAM, 0);

	if (fd == -1)
		err(1, "socket");
	set_congestion(fd);
	h.start_us = clock_us();
	if (connect(fd, to, len) == -1)
		err(1, "connect");
	if (!send_stream(fd, &h, bytes))
		return 0;
	if (shutdown(fd, SHUT_WR) == -1)
		err(1, "shutdown");
	while (receive(fd, &answer))
		continue;
	if (answer.got != opt.back)
		errx(1, "%llu bytes back of %llu",
		    (unsigned long long)answer.got,
		    (unsigned long long)opt.back);
	close(fd);
	return 0;
}

/* ---- the receiver ---- */

static int
accept_one(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd == -1)
		err(1, "accept");
	return fd;
}

static void
one_transfer(int fd)
{
	struct flow *f = &flows[0];
	int64_t us;

	f->headed = true;
	while (receive(fd, f))
		continue;
	if (f->got < sizeof f->head || f->got != f->head.bytes)
		errx(1, "%llu bytes of %llu", (unsigned long long)f->got,
		    (unsigned long long)f->head.bytes);
	us = clock_us() - f->head.start_us;
	if (f->head.back > 0)
		send_stream(fd, NULL, f->head.back);
	if (shutdown(fd, SHUT_WR) == -1)
		err(1, "shutdown");
	close(fd);
	printf("%lld %llu\n", (long long)us, (unsigned long long)f->got);
	fflush(stdout);
}

/* A process for each, until the end of this one. */
static _Noreturn void
many_transfers(int listener)
{
	int fd;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		fd = accept_one(listener);
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			one_transfer(fd);
			exit(0);
		default:
			close(fd);
		}
	}
}

static void
several_senders(int listener)
{
	struct pollfd p[FLOWS + 1] = {{.fd = listener, .events = POLLIN}};
	int64_t from = INT64_MAX, to = INT64_MAX, wait_us;
	unsigned n = 0;
	bool counts = false;

	while (clock_us() < to) {
		wait_us = (counts ? to : from) - clock_us();
		if (from == INT64_MAX || wait_us > PATIENCE * 1000LL)
			wait_us = PATIENCE * 1000LL;
		if (poll(p, n + 1,
			wait_us > 0 ? (int)(wait_us / 1000) + 1 : 0) == -1)
			err(1, "poll");
		for (unsigned i = 0; i < n; i++)
			if (p[i + 1].revents != 0 &&
			    !receive(p[i + 1].fd, &flows[i]))
				errx(1, "a sender has ended");
		if (p[0].revents != 0 && n < opt.senders) {
			p[++n] = (struct pollfd){.events = POLLIN};
			p[n].fd = accept_one(listener);
			flows[n - 1].headed = true;
			if (n == opt.senders)
				from = clock_us() + opt.warm_us;
		}
		if (!counts && clock_us() >= from) {
			counts = true;
			to = clock_us() + opt.span_us;
			for (unsigned i = 0; i < n; i++)
				flows[i].at_start = flows[i].got;
		}
	}
	for (unsigned i = 0; i < n; i++)
		printf("%llu%c",
		    (unsigned long long)(flows[i].got - flows[i].at_start),
		    i + 1 < n ? ' ' : '\n');
}

static int
listen_on(const char *port)
{
	struct sockaddr_storage any;
	socklen_t len = address(opt.v6 ? "::" : "0.0.0.0", port, &any);
	int fd = socket(any.ss_family, SOCK_STREAM, 0);

	if (fd != -1)
		set_congestion(fd);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) ==
		-1 ||
	    bind(fd, (struct sockaddr *)&any, len) == -1 ||
	    listen(fd, FLOWS) == -1)
		err(1, "port %s", port);
	return fd;
}

static _Noreturn void
usage(void)
{
	fprintf(stderr,
	    "usage: haul -l [-6k] [-c congestion] "
	    "[-n senders -w warm -t span] port\n"
	    "       haul [-c congestion] [-b back] host port bytes\n");
	exit(2);
}

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "6b:c:kln:t:w:")) != -1) {
		if (c == 'l')
			opt.listens = true;
		else if (c == '6')
			opt.v6 = true;
		else if (c == 'b')
			opt.back = strtoull(optarg, NULL, 0);
		else if (c == 'c')
			opt.congestion = optarg;
		else if (c == 'k')
			opt.keeps = true;
		else if (c == 'n')
			opt.senders = (unsigned)atoi(optarg);
		else if (c == 't')
			opt.span_us = atoi(optarg) * 1000000LL;
		else if (c == 'w')
			opt.warm_us = atoi(optarg) * 1000000LL;
		else
			usage();
	}
	if (argc - optind != (opt.listens ? 1 : 3) || opt.senders > FLOWS)
		usage();
}

int
main(int argc, char **argv)
{
	struct sockaddr_storage to;
	socklen_t len;
	int fd;

	options(argc, argv);
	argv += optind;
	signal(SIGPIPE, SIG_IGN);
	if (!opt.listens) {
		len = address(argv[0], argv[1], &to);
		return send_all(
		    (struct sockaddr *)&to, len, strtoull(argv[2], NULL, 0));
	}
	fd = listen_on(argv[0]);
	fputs("ready\n", stderr);
	if (opt.senders > 1)
		several_senders(fd);
	else if (opt.keeps)
		many_transfers(fd);
	else
		one_transfer(accept_one(fd));
	return 0;
}
