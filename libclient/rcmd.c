/* SPDX-License-Identifier: ISC */
/*
 * rcmd(3) and rresvport(3): the C library makes their sockets inside itself,
 * where no library can be in between, so they are here, as the manual has them.
 * The second channel is accepted from a reserved port only, as everywhere: the
 * protocol (RFC 1282) has no other proof of who calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT	   __attribute__((visibility("default")))
#define FIRST_PORT (IPPORT_RESERVED / 2)
#define PATIENCE   16 /* seconds of the last wait for one that refuses */

static in_port_t *
port_of(struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET
		   ? &((struct sockaddr_in *)ss)->sin_port
		   : &((struct sockaddr_in6 *)ss)->sin6_port;
}

EXPORT int
rresvport_af(int *port, sa_family_t af)
{
	struct sockaddr_storage ss = {.ss_family = af};
	socklen_t len = af == AF_INET ? sizeof(struct sockaddr_in)
				      : sizeof(struct sockaddr_in6);
	int fd, tries;

	if (af != AF_INET && af != AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	fd = socket(af, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	if (*port < FIRST_PORT || *port >= IPPORT_RESERVED)
		*port = IPPORT_RESERVED - 1;
	for (tries = FIRST_PORT; tries > 0; tries--) {
		*port_of(&ss) = htons((in_port_t)*port);
		if (bind(fd, (struct sockaddr *)&ss, len) == 0)
			return fd;
		if (errno != EADDRINUSE)
			break;
		if (--*port < FIRST_PORT)
			*port = IPPORT_RESERVED - 1;
	}
	if (tries == 0)
		errno = EAGAIN; /* all of them are taken */
	tries = errno;
	close(fd);
	errno = tries;
	return -1;
}

EXPORT int
rresvport(int *port)
{
	return rresvport_af(port, AF_INET);
}

/* ---- rcmd(3) ---- */

/* A connection from a reserved port to one of these addresses. */
static int
call(const struct addrinfo *first, int *port)
{
	const struct addrinfo *ai = first;
	unsigned wait = 1;
	bool refused = false;
	int fd, err;

	while (ai != NULL) {
		fd = rresvport_af(port, (sa_family_t)ai->ai_family);
		if (fd < 0)
			return -1;
		fcntl(fd, F_SETOWN, getpid());
		if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
			return fd;
		err = errno;
		close(fd);
		errno = err;
		if (err == EADDRINUSE) {
			(*port)--;
			continue;
		}
		refused |= err == ECONNREFUSED;
		ai = ai->ai_next;
		if (ai == NULL && refused && wait <= PATIENCE) {
			sleep(wait); /* it may be about to start */
			wait *= 2;
			refused = false;
			ai = first;
		}
	}
	return -1;
}

/* The second channel, which the other side opens: its descriptor. */
static int
second_channel(int fd, sa_family_t af, int port)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	struct pollfd p[2];
	char text[8];
	int listener, conn = -1, n, from_port;

	listener = rresvport_af(&port, af);
	if (listener < 0)
		return -1;
	n = snprintf(text, sizeof text, "%d", port) + 1;
	p[0] = (struct pollfd){.fd = fd, .events = POLLIN};
	p[1] = (struct pollfd){.fd = listener, .events = POLLIN};
	if (listen(listener, 1) == 0 && write(fd, text, (size_t)n) == n &&
	    poll(p, 2, -1) > 0 && p[1].revents != 0)
		conn = accept(listener, (struct sockaddr *)&from, &len);
	close(listener);
	if (conn < 0)
		return -1;
	from_port = ntohs(*port_of(&from));
	if ((from.ss_family == AF_INET || from.ss_family == AF_INET6) &&
	    from_port >= FIRST_PORT && from_port < IPPORT_RESERVED)
		return conn;
	close(conn);
	errno = EPROTO;
	return -1;
}

/* The other side's first byte: 0, or else a line that says why not. */
static bool
agreed(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		return false;
	if (c == 0)
		return true;
	while (read(fd, &c, 1) == 1 && write(STDERR_FILENO, &c, 1) == 1 &&
	       c != '\n')
		;
	return false;
}

static bool
introduce(int fd, const char *locuser, const char *remuser, const char *cmd)
{
	struct iovec iov[3] = {
	    {(void *)(uintptr_t)locuser, strlen(locuser) + 1},
	    {(void *)(uintptr_t)remuser, strlen(remuser) + 1},
	    {(void *)(uintptr_t)cmd, strlen(cmd) + 1}};
	ssize_t all =
	    (ssize_t)(iov[0].iov_len + iov[1].iov_len + iov[2].iov_len);

	return writev(fd, iov, 3) == all && agreed(fd);
}

static int
converse(const struct addrinfo *ai, const char *locuser, const char *remuser,
    const char *cmd, int *fd2p)
{
	int port = IPPORT_RESERVED - 1, fd, fd2 = -1;
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	bool ok;

	fd = call(ai, &port);
	if (fd < 0) {
		dprintf(STDERR_FILENO, "%s: %s\n",
		    ai->ai_canonname != NULL ? ai->ai_canonname : "rcmd",
		    strerror(errno));
		return -1;
	}
	if (fd2p == NULL)
		ok = write(fd, "", 1) == 1;
	else {
		ok = getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
		     (fd2 = second_channel(fd, peer.ss_family, port - 1)) >= 0;
		if (!ok)
			dprintf(STDERR_FILENO,
			    "socket: protocol failure in circuit setup\n");
	}
	if (ok && introduce(fd, locuser, remuser, cmd)) {
		if (fd2p != NULL)
			*fd2p = fd2;
		return fd;
	}
	if (fd2 >= 0)
		close(fd2);
	close(fd);
	return -1;
}

EXPORT int
rcmd_af(char **host, unsigned short port, const char *locuser,
    const char *remuser, const char *cmd, int *fd2p, sa_family_t af)
{
	static char canonical[NI_MAXHOST];
	const struct addrinfo hints = {.ai_family = af,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_CANONNAME};
	struct addrinfo *ai;
	sigset_t urgent, old;
	char service[8];
	int err, fd;

	snprintf(service, sizeof service, "%u", ntohs(port));
	err = getaddrinfo(*host, service, &hints, &ai);
	if (err != 0) {
		dprintf(STDERR_FILENO, "%s: %s\n", *host, gai_strerror(err));
		return -1;
	}
	if (ai->ai_canonname != NULL) {
		snprintf(canonical, sizeof canonical, "%s", ai->ai_canonname);
		*host = canonical;
	}
	sigemptyset(&urgent);
	sigaddset(&urgent, SIGURG);
	pthread_sigmask(SIG_BLOCK, &urgent, &old);
	fd = converse(ai, locuser, remuser, cmd, fd2p);
	err = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	freeaddrinfo(ai);
	errno = err;
	return fd;
}

EXPORT int
rcmd(char **host, unsigned short port, const char *locuser, const char *remuser,
    const char *cmd, int *fd2p)
{
	return rcmd_af(host, port, locuser, remuser, cmd, fd2p, AF_INET);
}
