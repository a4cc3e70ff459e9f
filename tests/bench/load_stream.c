/* SPDX-License-Identifier: ISC */
/* Clients with one blocking thread a connection. */
#include <err.h>
#include <stdlib.h>
#include <unistd.h>

#include "load.h"

static void *
stream_send(void *arg)
{
	struct stream *st = arg;
	int fd = dial(SINK);
	uint64_t count;

	while (now() < t_begin + opt.seconds)
		if (send(fd, zeros, opt.write, MSG_NOSIGNAL) == -1)
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
	report(mode, streams, opt.conns);
}

void
run_send(void)
{
	run_streams("send", stream_send);
}

void
run_recv(void)
{
	run_streams("recv", stream_recv);
}

void
run_rr(void)
{
	run_streams("rr", stream_rr);
}

void
run_crr(void)
{
	run_streams("crr", stream_crr);
}
