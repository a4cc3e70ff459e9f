/* SPDX-License-Identifier: ISC */
/*
 * A program that links libtcpd: refused, and a conversation with itself over
 * tcpd's own address.  Runs without the shim; exits 0 when all is as it
 * should be, else says what is not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tcpd/client.h"

#define MUST(cond)                                                             \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "linked: line %d: %s: %s\n", __LINE__, \
			    #cond, strerror(errno));                           \
			exit(1);                                               \
		}                                                              \
	} while (0)

static struct sockaddr_in
addr(const char *host, int port)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	inet_pton(AF_INET, host, &sin.sin_addr);
	return sin;
}

static int
connected(const struct sockaddr_in *to)
{
	int fd = tcpd_socket(AF_INET, SOCK_STREAM, 0);

	MUST(fd >= 0 && tcpd_is_ours(fd));
	MUST(tcpd_connect(fd, (const struct sockaddr *)to, sizeof *to) == 0);
	return fd;
}

int
main(void)
{
	struct sockaddr_in sin = addr("192.0.2.1", 1), from;
	socklen_t len = sizeof sin;
	int l = tcpd_socket(AF_INET, SOCK_STREAM, 0), c, a, on = 1, v = 0;
	char buf[16];

	MUST(getenv("LD_PRELOAD") == NULL);
	MUST(!tcpd_is_ours(0));
	MUST(tcpd_connect(l, (struct sockaddr *)&sin, len) == -1 &&
	     errno == ECONNREFUSED);
	sin = addr("192.0.2.2", 0);
	MUST(tcpd_bind(l, (struct sockaddr *)&sin, len) == 0);
	MUST(tcpd_listen(l, 5) == 0);
	MUST(tcpd_getsockname(l, (struct sockaddr *)&sin, &len) == 0);
	c = connected(&sin);
	len = sizeof from;
	a = tcpd_accept(l, (struct sockaddr *)&from, &len);
	MUST(a >= 0 && from.sin_family == AF_INET && len == sizeof from);
	MUST(tcpd_getpeername(c, (struct sockaddr *)&sin, &len) == 0);
	MUST(tcpd_setsockopt(a, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
	len = sizeof v;
	MUST(tcpd_getsockopt(a, IPPROTO_TCP, TCP_NODELAY, &v, &len) == 0 && v);
	MUST(tcpd_send(c, "ping", 4, 0) == 4);
	MUST(tcpd_recv(a, buf, sizeof buf, 0) == 4);
	MUST(write(a, "pong", 4) == 4 && read(c, buf, sizeof buf) == 4);
	MUST(tcpd_shutdown(c, SHUT_WR) == 0);
	MUST(tcpd_recv(a, buf, sizeof buf, 0) == 0);
	MUST(close(a) == 0 && close(c) == 0 && close(l) == 0);
	return 0;
}
