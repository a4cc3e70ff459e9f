/* SPDX-License-Identifier: ISC */
/*
 * Datagrams.  The server has one socket; a datagram's first bytes are a
 * struct request, its op says what happens to it:
 *
 * ECHO	  it goes back as it is
 * SINK	  it is counted, under its run
 * COUNT  the count of a run's bytes goes back, after the request
 * SOURCE the server sends datagrams of opt.size to the client for ms
 *
 * Bulk is measured where it arrives: what is lost on the way, or for want of a
 * buffer, does not count.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

#define DATAGRAM 65507

struct answer {
	struct request req;
	uint64_t bytes;
};

/* A socket with room for a burst, as programs that want all of it have. */
static int
datagram_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM, 0), room = 1 << 20;

	if (fd == -1)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return fd;
}

static void
serve_burst(int fd, const struct request *req, const struct sockaddr *to,
    socklen_t len, size_t size)
{
	double until = now() + req->ms / 1000.0;

	while (now() < until)
		if (sendto(fd, zeros, size, 0, to, len) == -1 &&
		    errno != ENOBUFS && errno != EAGAIN) {
			warn("burst");
			return;
		}
}

void
serve_udp(void)
{
	static char buf[DATAGRAM];
	struct sockaddr_storage from;
	struct sockaddr *to = (struct sockaddr *)&from;
	socklen_t len = address(&from);
	int fd = datagram_socket(from.ss_family);
	struct answer a = {.bytes = 0};
	struct request req;
	uint32_t run = 0;
	ssize_t n;

	if (bind(fd, to, len) == -1)
		err(1, "%s port %d", opt.host, opt.port);
	for (;;) {
		len = sizeof(from);
		n = recvfrom(fd, buf, sizeof(buf), 0, to, &len);
		if (n < (ssize_t)sizeof(req))
			continue;
		memcpy(&req, buf, sizeof(req));
		if (req.run != run) {
			run = req.run;
			a.bytes = 0;
		}
		a.req = req;
		if (req.op == SINK)
			a.bytes += n;
		else if (req.op == ECHO)
			sendto(fd, buf, n, 0, to, len);
		else if (req.op == COUNT)
			sendto(fd, &a, sizeof(a), 0, to, len);
		else if (req.op == SOURCE)
			serve_burst(fd, &req, to, len, n);
	}
}

/* ---- clients ---- */

/* Connected; a read waits for ms at most. */
static int
datagram_dial(int ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	struct sockaddr_storage to;
	socklen_t len = address(&to);
	int fd = datagram_socket(to.ss_family);

	if (connect(fd, (struct sockaddr *)&to, len) == -1)
		err(1, "connect to %s port %d", opt.host, opt.port);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1)
		err(1, "SO_RCVTIMEO");
	if (opt.size < sizeof(struct request))
		opt.size = sizeof(struct request);
	if (opt.size > DATAGRAM)
		opt.size = DATAGRAM;
	return fd;
}

/* Asks until the server says how much of this run has arrived. */
static uint64_t
ask_count(int fd, struct request *req)
{
	struct answer a;
	int tries;

	req->op = COUNT;
	for (tries = 0; tries < 50; tries++) {
		if (send(fd, req, sizeof(*req), 0) == -1 && errno != ENOBUFS)
			err(1, "send");
		if (recv(fd, &a, sizeof(a), 0) == (ssize_t)sizeof(a) &&
		    a.req.run == req->run)
			return a.bytes;
	}
	errx(1, "the server does not say what has arrived");
}

void
run_udp_send(void)
{
	struct stream st = {0};
	struct request req = {.op = SINK, .run = (uint32_t)getpid()};
	char *buf = calloc(1, DATAGRAM);
	int fd = datagram_dial(100);

	if (buf == NULL)
		err(1, "malloc");
	memcpy(buf, &req, sizeof(req));
	t_begin = now();
	while (now() < t_begin + opt.seconds)
		if (send(fd, buf, opt.size, MSG_NOSIGNAL) == -1 &&
		    errno != ENOBUFS && errno != EAGAIN)
			err(1, "send");
	st.until = now();
	st.bytes = ask_count(fd, &req);
	report("udp-send", &st, 1);
}

void
run_udp_recv(void)
{
	struct stream st = {0};
	struct request req = {.op = SOURCE,
	    .run = (uint32_t)getpid(),
	    .ms = (uint32_t)(opt.seconds * 1000)};
	char *buf = calloc(1, DATAGRAM);
	int fd = datagram_dial(500);
	ssize_t n;

	if (buf == NULL)
		err(1, "malloc");
	memcpy(buf, &req, sizeof(req));
	if (send(fd, buf, opt.size, 0) == -1)
		err(1, "send");
	t_begin = now();
	while ((n = recv(fd, buf, DATAGRAM, 0)) > 0) {
		st.bytes += n;
		st.until = now();
	}
	if (st.bytes == 0)
		errx(1, "nothing arrives");
	report("udp-recv", &st, 1);
}

void
run_udp_rr(void)
{
	struct stream st = {0};
	struct request req = {.op = ECHO, .run = (uint32_t)getpid()};
	char *buf = calloc(1, DATAGRAM);
	int fd = datagram_dial(200);

	if (buf == NULL)
		err(1, "malloc");
	t_begin = now();
	while ((st.until = now()) < t_begin + opt.seconds) {
		double t0 = now();

		memcpy(buf, &req, sizeof(req));
		if (send(fd, buf, opt.size, MSG_NOSIGNAL) == -1)
			err(1, "send");
		if (recv(fd, buf, DATAGRAM, 0) == (ssize_t)opt.size)
			sample(&st, t0);
		else
			st.lost++;
	}
	report("udp-rr", &st, 1);
}
