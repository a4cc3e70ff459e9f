/* SPDX-License-Identifier: ISC */
/*
 * load: one small program that serves and makes TCP and UDP traffic, for
 * benchmarks and for tests that need more connections than real programs open.
 * It knows nothing of tcpd: the same binary runs over the kernel's TCP and,
 * under tcpd-run, over tcpd's, so that ratios compare the stacks and nothing
 * else.
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
 * stream (send, recv, rr, crr), one epoll loop over all connections (many,
 * turns) or one process a connection (hold).  Each prints one line of JSON.
 * Throughput counts what the other end has confirmed, over the time until it
 * did.  Datagrams (serve-udp, udp-send, udp-recv, udp-rr) are in load_udp.c.
 */
#include <sys/resource.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

struct load_opt opt = {NULL, 9000, 1, 2, 64, CHUNK, 0};
char zeros[CHUNK];
double t_begin;

double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

socklen_t
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

void
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

int
dial(char op)
{
	struct sockaddr_storage to;
	socklen_t len = address(&to);
	struct request req = {.op = op, .write = (uint32_t)opt.write};
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

void
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

void
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

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void
report_samples(struct stream *all, double span)
{
	size_t n = all->nsamples;

	qsort(all->samples, n, sizeof(float), by_value);
	printf(", \"count\": %zu, \"per_s\": %.1f, \"p50_us\": %.1f, "
	       "\"p99_us\": %.1f, \"p999_us\": %.1f",
	    n, n / span, all->samples[n / 2], all->samples[(size_t)(n * 0.99)],
	    all->samples[(size_t)(n * 0.999)]);
}

void
report(const char *mode, struct stream *streams, int n)
{
	struct stream all = {0};
	struct rusage use;
	double span;
	int i;

	for (i = 0; i < n; i++) {
		struct stream *st = &streams[i];

		all.bytes += st->bytes;
		all.lost += st->lost;
		if (st->until > all.until)
			all.until = st->until;
		all.samples = realloc(all.samples,
		    (all.nsamples + st->nsamples + 1) * sizeof(float));
		if (all.samples == NULL)
			err(1, "malloc");
		if (st->nsamples != 0)
			memcpy(all.samples + all.nsamples, st->samples,
			    st->nsamples * sizeof(float));
		all.nsamples += st->nsamples;
	}
	span = all.until - t_begin;
	getrusage(RUSAGE_SELF, &use);
	printf("{\"mode\": \"%s\", \"conns\": %d, \"seconds\": %.4f, "
	       "\"cpu\": %.4f, \"lost\": %llu",
	    mode, n, span,
	    use.ru_utime.tv_sec + use.ru_stime.tv_sec +
		(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
	    (unsigned long long)all.lost);
	if (all.bytes != 0)
		printf(", \"bytes\": %llu, \"gbit_s\": %.4f",
		    (unsigned long long)all.bytes, all.bytes * 8 / span / 1e9);
	if (all.nsamples != 0)
		report_samples(&all, span);
	printf("}\n");
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
    {"serve", serve},
    {"serve-udp", serve_udp},
    {"send", run_send},
    {"recv", run_recv},
    {"rr", run_rr},
    {"crr", run_crr},
    {"turns", run_turns},
    {"many", run_many},
    {"hold", run_hold},
    {"udp-send", run_udp_send},
    {"udp-recv", run_udp_recv},
    {"udp-rr", run_udp_rr},
};
#define NMODES (sizeof(modes) / sizeof(modes[0]))

static void
usage(void)
{
	size_t i;

	fprintf(stderr, "usage: load [-p port] [-c connections] [-t seconds] "
			"[-s size] [-w bytes a write] [-b pace] mode address\n"
			"modes:");
	for (i = 0; i < NMODES; i++)
		fprintf(stderr, " %s", modes[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	size_t i;
	int ch;

	while ((ch = getopt(argc, argv, "p:c:t:s:w:b:")) != -1) {
		if (ch == 'p')
			opt.port = atoi(optarg);
		else if (ch == 'c')
			opt.conns = atoi(optarg);
		else if (ch == 't')
			opt.seconds = atof(optarg);
		else if (ch == 's')
			opt.size = strtoul(optarg, NULL, 0);
		else if (ch == 'w')
			opt.write = strtoul(optarg, NULL, 0);
		else if (ch == 'b')
			opt.pace = strtoull(optarg, NULL, 0);
		else
			usage();
	}
	if (argc - optind != 2 || opt.conns < 1 || opt.size < 1 ||
	    opt.write < 1 || opt.write > CHUNK)
		usage();
	opt.host = argv[optind + 1];
	raise_descriptors();
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < NMODES; i++)
		if (strcmp(argv[optind], modes[i].name) == 0) {
			modes[i].run();
			return 0;
		}
	usage();
}
