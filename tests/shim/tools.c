/* SPDX-License-Identifier: ISC */
/*
 * The words of cases.h.
 */
#include "cases.h"

const void *case_row;
const char *case_name, *self, *path;
int ctl = -1;
volatile sig_atomic_t signals;

void
say(const char *fmt, ...)
{
	va_list ap;

	printf("%s: ", case_name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void
broken(const char *what)
{
	fprintf(stderr, "cases: %s: %s: %s\n", case_name ? case_name : "?",
	    what, strerror(errno));
	exit(2);
}

/* "connect: 0" or "connect: ECONNREFUSED". */
long
result(const char *what, long r)
{
	if (r < 0)
		say("%s: %s", what, strerrorname_np(errno));
	else
		say("%s: %ld", what, r);
	return r;
}

int family = AF_INET;
bool mapped;

/* The hosts of cases.h, on each kind of socket. */
static const char *const hosts[][3] = {
    [ANY] = {"0.0.0.0", "::", "::"},
    [LOOPBACK] = {"127.0.0.1", "::1", "::ffff:127.0.0.1"},
    [PEER] = {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"},
    [SUBJECT] = {"192.0.2.2", "2001:db8::2", "::ffff:192.0.2.2"},
    [NOBODY] = {"192.0.2.77", "2001:db8::77", "::ffff:192.0.2.77"},
    [FOREIGN] = {"203.0.113.9", "2001:db8:9::9", "::ffff:203.0.113.9"},
};

void
choose_kind(const char *kind)
{
	family = strcmp(kind, "4") == 0 ? AF_INET : AF_INET6;
	mapped = strcmp(kind, "mapped") == 0;
}

socklen_t
name_len(void)
{
	return family == AF_INET ? sizeof(struct sockaddr_in)
				 : sizeof(struct sockaddr_in6);
}

union name
addr(enum host host, int port)
{
	union name n = {.v6 = {.sin6_family = (sa_family_t)family}};

	n.port = htons((uint16_t)port);
	if (family == AF_INET)
		inet_pton(AF_INET, hosts[host][0], &n.v4.sin_addr);
	else
		inet_pton(
		    AF_INET6, hosts[host][mapped ? 2 : 1], &n.v6.sin6_addr);
	return n;
}

void
bounded(int fd)
{
	struct timeval tv = {.tv_sec = PATIENCE_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
}

const char *
peer(const char *fmt, ...)
{
	static char line[256];
	va_list ap;
	size_t n = 0;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	line[len++] = '\n';
	if (write(ctl, line, (size_t)len) != len)
		broken("peer");
	while (n < sizeof line - 1) {
		if (read(ctl, line + n, 1) != 1)
			broken("peer is gone");
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = '\0';
	return line;
}

int
peer_number(const char *what)
{
	return atoi(peer("%s", what));
}

int
stream(int flags)
{
	int fd = socket(family, SOCK_STREAM | flags, 0);

	if (fd < 0)
		broken("socket");
	bounded(fd);
	return fd;
}

int
dial(int fd, enum host host, int port)
{
	union name sin = addr(host, port);

	return connect(fd, &sin.sa, name_len());
}

/* Connected to the peer, the peer accepted. */
int
linked(int flags)
{
	int fd = stream(0);

	if (dial(fd, PEER, peer_number("listen")) != 0)
		broken("connect");
	if (strncmp(peer("accept"), "port", 4) != 0)
		broken("peer's accept");
	if (flags & SOCK_NONBLOCK)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int
listening(int flags)
{
	union name sin = addr(ANY, 0);
	int fd = stream(flags);

	if (bind(fd, &sin.sa, name_len()) != 0 || listen(fd, 16) != 0)
		broken("listen");
	return fd;
}

const char *
bits_text(unsigned b)
{
	static char buf[64];

	snprintf(buf, sizeof buf, "%s%s%s%s%s", b & POLLIN ? "IN " : "",
	    b & POLLOUT ? "OUT " : "", b & POLLERR ? "ERR " : "",
	    b & POLLHUP ? "HUP " : "", b & POLLRDHUP ? "RDHUP " : "");
	return buf;
}

unsigned
bits(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

	poll(&p, 1, 0);
	return (unsigned)p.revents;
}

/* Waits until all of want are there. */
void
await_quietly(int fd, unsigned want)
{
	struct pollfd p = {fd, (short)want, 0};
	time_t end = time(NULL) + PATIENCE_S;

	/* A socket that is shut both ways is writable, and one of AF_UNIX a
	 * moment later. */
	if (want & POLLHUP)
		want |= POLLOUT;
	while ((bits(fd) & want) != want && time(NULL) < end)
		poll(&p, 1, 10);
}

/* Then says what is. */
void
await_bits(const char *what, int fd, unsigned want)
{
	await_quietly(fd, want);
	say("%s: %s", what, bits_text(bits(fd)));
}

void
fill(int fd)
{
	static char buf[65536];
	int full = 0;

	/* What is on the way makes room once more. */
	for (;;) {
		while (send(fd, buf, sizeof buf, MSG_DONTWAIT) > 0)
			full = 0;
		while (send(fd, buf, 1, MSG_DONTWAIT) > 0)
			full = 0;
		if (++full > 3)
			break;
		poll(NULL, 0, 30);
	}
}

int
so_error(int fd)
{
	int err = -1;
	socklen_t len = sizeof err;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err;
}

void
say_error(const char *what, int fd)
{
	int err = so_error(fd);

	say("%s: %s", what, err == 0 ? "0" : strerrorname_np(err));
}

int
get_opt(int fd, int level, int name)
{
	int v = -12345;
	socklen_t len = sizeof v;

	if (getsockopt(fd, level, name, &v, &len) != 0)
		return -errno;
	return v;
}

int
set_opt(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof v);
}

void
say_name(const char *what, int r, const union name *sin, socklen_t len,
    bool with_port)
{
	char host[INET6_ADDRSTRLEN];

	if (r != 0) {
		say("%s: %s", what, strerrorname_np(errno));
		return;
	}
	if (sin->family == AF_INET)
		inet_ntop(AF_INET, &sin->v4.sin_addr, host, sizeof host);
	else
		inet_ntop(AF_INET6, &sin->v6.sin6_addr, host, sizeof host);
	say("%s: family %d len %u %s:%d", what, sin->family, len, host,
	    with_port ? ntohs(sin->port) : sin->port != 0);
}

void
say_sockname(const char *what, int fd)
{
	union name sin = {.port = 0};
	socklen_t len = name_len();
	int r = getsockname(fd, &sin.sa, &len);

	say_name(what, r, &sin, len, false);
}

void
say_peername(const char *what, int fd)
{
	union name sin = {.port = 0};
	socklen_t len = name_len();
	int r = getpeername(fd, &sin.sa, &len);

	say_name(what, r, &sin, len, false);
}

void
say_read(const char *what, int fd)
{
	char buf[4096];
	ssize_t r = read(fd, buf, sizeof buf);

	result(what, r);
}

void
on_signal(int sig)
{
	signals++;
}

void
handle(int sig, int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};

	signals = 0;
	sigaction(sig, &sa, NULL);
}
