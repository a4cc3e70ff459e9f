/* SPDX-License-Identifier: ISC */
/*
 * Socket calls as a program makes them, and what came of each, one line per
 * result.  The same binary runs on the kernel's TCP and under the shim;
 * tests/shim/compare wants the same lines from both.
 *
 *	cases peer PATH          the other side: obeys at the AF_UNIX socket
 *	cases run PATH [NAME]    all cases, or those whose name begins so
 *
 * The subject is 192.0.2.2, the peer 192.0.2.1.  A result that differs by
 * design (a segment size) is printed as a property that both must have.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PEER	   "192.0.2.1"
#define SUBJECT	   "192.0.2.2"
#define NOBODY	   "192.0.2.77"
#define PATIENCE_S 20

static const char *case_name, *self, *path;
static int ctl = -1; /* to the peer */
static volatile sig_atomic_t signals;

static void
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

static void
broken(const char *what)
{
	fprintf(stderr, "cases: %s: %s: %s\n", case_name ? case_name : "?",
	    what, strerror(errno));
	exit(2);
}

/* "connect: 0" or "connect: ECONNREFUSED". */
static long
result(const char *what, long r)
{
	if (r < 0)
		say("%s: %s", what, strerrorname_np(errno));
	else
		say("%s: %ld", what, r);
	return r;
}

static struct sockaddr_in
addr(const char *host, int port)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	inet_pton(AF_INET, host, &sin.sin_addr);
	return sin;
}

static void
bounded(int fd)
{
	struct timeval tv = {.tv_sec = PATIENCE_S};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
}

/* ---- the peer ---- */

/* One connection at a time; a command a line, an answer a line. */
static int p_conn = -1, p_listen = -1;

static int
name_port(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof sin;

	if (getsockname(fd, (struct sockaddr *)&sin, &len) != 0)
		return -1;
	return ntohs(sin.sin_port);
}

static int
read_full(int fd, char *buf, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = read(fd, buf + got, n - got);
		if (r <= 0)
			return r < 0 ? -1 : (int)got;
		got += (size_t)r;
	}
	return (int)got;
}

static void
p_pattern(int fd, long n, FILE *out)
{
	static char buf[65536];
	long done = 0;
	size_t k;

	while (done < n) {
		k = n - done < (long)sizeof buf ? (size_t)(n - done)
						: sizeof buf;
		for (size_t i = 0; i < k; i++)
			buf[i] = (char)((done + (long)i) * 7 >> 3);
		for (size_t at = 0; at < k;) {
			ssize_t r = send(fd, buf + at, k - at, MSG_NOSIGNAL);
			if (r <= 0) {
				fprintf(
				    out, "err %s\n", strerrorname_np(errno));
				return;
			}
			at += (size_t)r;
		}
		done += (long)k;
	}
	fprintf(out, "ok\n");
}

static void
p_end(FILE *out)
{
	static char buf[65536];
	long total = 0;
	unsigned sum = 0;
	ssize_t r;

	while ((r = read(p_conn, buf, sizeof buf)) > 0) {
		for (ssize_t i = 0; i < r; i++)
			sum = sum * 31 + (unsigned char)buf[i];
		total += r;
	}
	fprintf(out, "%s after %ld sum %08x\n",
	    r == 0 ? "EOF" : strerrorname_np(errno), total, sum);
}

static void
p_connect(int port, FILE *out)
{
	struct sockaddr_in sin = addr(SUBJECT, port);

	p_conn = socket(AF_INET, SOCK_STREAM, 0);
	bounded(p_conn);
	if (connect(p_conn, (struct sockaddr *)&sin, sizeof sin) != 0)
		fprintf(out, "err %s\n", strerrorname_np(errno));
	else
		fprintf(out, "port %d\n", name_port(p_conn));
}

static void
p_open(FILE *out)
{
	struct sockaddr_in sin = addr(PEER, 0);
	int on = 1;

	if (p_listen < 0) {
		p_listen = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(p_listen, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		bounded(p_listen);
		if (bind(p_listen, (struct sockaddr *)&sin, sizeof sin) != 0 ||
		    listen(p_listen, 64) != 0)
			broken("peer listen");
	}
	fprintf(out, "%d\n", name_port(p_listen));
}

static void
p_accept(FILE *out)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof sin;

	p_conn = accept(p_listen, (struct sockaddr *)&sin, &len);
	if (p_conn < 0) {
		fprintf(out, "err %s\n", strerrorname_np(errno));
		return;
	}
	bounded(p_conn);
	fprintf(out, "port %d\n", ntohs(sin.sin_port));
}

static void
p_reset(void)
{
	struct linger l = {1, 0};

	setsockopt(p_conn, SOL_SOCKET, SO_LINGER, &l, sizeof l);
	close(p_conn);
	p_conn = -1;
}

static void
p_drop(void)
{
	if (p_conn >= 0)
		close(p_conn);
	p_conn = -1;
}

static void
peer_obey(const char *line, FILE *out)
{
	static char buf[65536];
	long n = 0;

	sscanf(line, "%*s %ld", &n);
	if (strncmp(line, "listen", 6) == 0) {
		p_open(out);
	} else if (strncmp(line, "accept", 6) == 0) {
		p_accept(out);
	} else if (strncmp(line, "connect", 7) == 0) {
		p_connect((int)n, out);
	} else if (strncmp(line, "send", 4) == 0) {
		p_pattern(p_conn, n, out);
	} else if (strncmp(line, "recv", 4) == 0) {
		int r = read_full(p_conn, buf, (size_t)n);
		fprintf(out, "%d %.*s\n", r, r > 0 && r < 40 ? r : 0, buf);
	} else if (strncmp(line, "end", 3) == 0) {
		p_end(out);
	} else if (strncmp(line, "reset", 5) == 0) {
		p_reset();
		fprintf(out, "ok\n");
	} else if (strncmp(line, "shut", 4) == 0) {
		shutdown(p_conn, SHUT_WR);
		fprintf(out, "ok\n");
	} else if (strncmp(line, "close", 5) == 0) {
		p_drop();
		fprintf(out, "ok\n");
	} else {
		fprintf(out, "what?\n");
	}
	fflush(out);
}

static int
peer_main(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c;
	char line[256];
	FILE *in, *out;

	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	unlink(path);
	if (bind(l, (struct sockaddr *)&un, sizeof un) != 0 ||
	    listen(l, 4) != 0)
		broken(path);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		c = accept(l, NULL, NULL);
		if (c < 0)
			continue;
		in = fdopen(c, "r");
		out = fdopen(dup(c), "w");
		while (fgets(line, sizeof line, in) != NULL) {
			if (strncmp(line, "quit", 4) == 0)
				return 0;
			peer_obey(line, out);
		}
		p_drop();
		fclose(in);
		fclose(out);
	}
}

/* ---- the subject's tools ---- */

static const char *
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

static int
peer_number(const char *what)
{
	return atoi(peer("%s", what));
}

static int
stream(int flags)
{
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0);

	if (fd < 0)
		broken("socket");
	bounded(fd);
	return fd;
}

static int
dial(int fd, const char *host, int port)
{
	struct sockaddr_in sin = addr(host, port);

	return connect(fd, (struct sockaddr *)&sin, sizeof sin);
}

/* Connected to the peer, the peer accepted. */
static int
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

static int
listening(int flags)
{
	struct sockaddr_in sin = addr("0.0.0.0", 0);
	int fd = stream(flags);

	if (bind(fd, (struct sockaddr *)&sin, sizeof sin) != 0 ||
	    listen(fd, 16) != 0)
		broken("listen");
	return fd;
}

static const char *
bits_text(unsigned b)
{
	static char buf[64];

	snprintf(buf, sizeof buf, "%s%s%s%s%s", b & POLLIN ? "IN " : "",
	    b & POLLOUT ? "OUT " : "", b & POLLERR ? "ERR " : "",
	    b & POLLHUP ? "HUP " : "", b & POLLRDHUP ? "RDHUP " : "");
	return buf;
}

static unsigned
bits(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

	poll(&p, 1, 0);
	return (unsigned)p.revents;
}

/* Waits until all of want are there, then says what is. */
static void
await_bits(const char *what, int fd, unsigned want)
{
	struct pollfd p = {fd, (short)want, 0};
	time_t end = time(NULL) + PATIENCE_S;

	while ((bits(fd) & want) != want && time(NULL) < end)
		poll(&p, 1, 10);
	say("%s: %s", what, bits_text(bits(fd)));
}

static int
so_error(int fd)
{
	int err = -1;
	socklen_t len = sizeof err;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err;
}

static void
say_error(const char *what, int fd)
{
	int err = so_error(fd);

	say("%s: %s", what, err == 0 ? "0" : strerrorname_np(err));
}

static int
get_opt(int fd, int level, int name)
{
	int v = -12345;
	socklen_t len = sizeof v;

	if (getsockopt(fd, level, name, &v, &len) != 0)
		return -errno;
	return v;
}

static int
set_opt(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof v);
}

static void
say_name(const char *what, int r, const struct sockaddr_in *sin, socklen_t len,
    bool with_port)
{
	char host[INET_ADDRSTRLEN];

	if (r != 0) {
		say("%s: %s", what, strerrorname_np(errno));
		return;
	}
	inet_ntop(AF_INET, &sin->sin_addr, host, sizeof host);
	say("%s: family %d len %u %s:%d", what, sin->sin_family, len, host,
	    with_port ? ntohs(sin->sin_port) : sin->sin_port != 0);
}

static void
say_sockname(const char *what, int fd)
{
	struct sockaddr_in sin = {0};
	socklen_t len = sizeof sin;
	int r = getsockname(fd, (struct sockaddr *)&sin, &len);

	say_name(what, r, &sin, len, false);
}

static void
say_peername(const char *what, int fd)
{
	struct sockaddr_in sin = {0};
	socklen_t len = sizeof sin;
	int r = getpeername(fd, (struct sockaddr *)&sin, &len);

	say_name(what, r, &sin, len, false);
}

static void
say_read(const char *what, int fd)
{
	char buf[4096];
	ssize_t r = read(fd, buf, sizeof buf);

	result(what, r);
}

static void
on_signal(int sig)
{
	signals++;
}

static void
handle(int sig, int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};

	signals = 0;
	sigaction(sig, &sa, NULL);
}

/* ---- the cases ---- */

static void
fresh(void)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in sin = addr(PEER, 1);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = stream(0);
	char byte = 0;

	say_sockname("getsockname", fd);
	say_peername("getpeername", fd);
	say("type %d domain %d protocol %d accepting %d",
	    get_opt(fd, SOL_SOCKET, SO_TYPE),
	    get_opt(fd, SOL_SOCKET, SO_DOMAIN),
	    get_opt(fd, SOL_SOCKET, SO_PROTOCOL),
	    get_opt(fd, SOL_SOCKET, SO_ACCEPTCONN));
	say_error("SO_ERROR", fd);
	say("poll: %s", bits_text(bits(fd)));
	result("read", read(fd, &byte, 1));
	result("recv", recv(fd, &byte, 1, 0));
	handle(SIGPIPE, 0);
	result("send NOSIGNAL", send(fd, &byte, 1, MSG_NOSIGNAL));
	say("signals %d", (int)signals);
	result("shutdown", shutdown(fd, SHUT_RDWR));
	result("accept", accept(fd, NULL, NULL));
	result("connect short", connect(fd, (struct sockaddr *)&sin, 8));
	result("connect 1", connect(fd, (struct sockaddr *)&sin, 1));
	result("connect v6", connect(fd, (struct sockaddr *)&six, sizeof six));
	result("connect UNSPEC", connect(fd, &none, sizeof none));
	result("close", close(fd));
	result("closed", dial(fd, PEER, 1));
}

static void
flags(void)
{
	int fd = stream(SOCK_NONBLOCK | SOCK_CLOEXEC);

	say("flags %d %d", !!(fcntl(fd, F_GETFL) & O_NONBLOCK),
	    fcntl(fd, F_GETFD));
	result("bad proto", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	result("bad type", socket(AF_INET, 77, 0));
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
	say("explicit protocol %d", get_opt(fd, SOL_SOCKET, SO_PROTOCOL));
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	say("datagram domain %d protocol %d",
	    get_opt(fd, SOL_SOCKET, SO_DOMAIN),
	    get_opt(fd, SOL_SOCKET, SO_PROTOCOL));
	close(fd);
}

static void
refused(void)
{
	int fd = stream(0), port = peer_number("listen");

	result("connect", dial(fd, PEER, 1));
	say_error("SO_ERROR", fd);
	say("poll: %s", bits_text(bits(fd)));
	say_peername("getpeername", fd);
	result("again", dial(fd, PEER, 1));
	result("to a listener", dial(fd, PEER, port));
	peer("accept");
	say_peername("getpeername", fd);
	close(fd);
	say("peer: %s", peer("end"));
}

static void
refused_later(void)
{
	int fd = stream(SOCK_NONBLOCK), port = peer_number("listen");

	result("connect", dial(fd, PEER, 1));
	await_bits("poll", fd, POLLHUP);
	say_error("SO_ERROR", fd);
	say_error("SO_ERROR again", fd);
	result("second", dial(fd, PEER, 1));
	result("third", dial(fd, PEER, 1));
	await_bits("poll", fd, POLLHUP);
	result("fourth", dial(fd, PEER, 1));
	result("fifth", dial(fd, PEER, port));
	await_bits("poll", fd, POLLOUT);
	say("peer %.4s", peer("accept"));
	close(fd);
	peer("close");
}

static void
refused_write(void)
{
	int fd = stream(SOCK_NONBLOCK);
	char byte = 0;

	result("connect", dial(fd, PEER, 1));
	await_bits("poll", fd, POLLHUP);
	result("send", send(fd, &byte, 1, MSG_NOSIGNAL));
	result("send again", send(fd, &byte, 1, MSG_NOSIGNAL));
	close(fd);
	fd = stream(SOCK_NONBLOCK);
	result("connect", dial(fd, PEER, 1));
	await_bits("poll", fd, POLLHUP);
	result("read", read(fd, &byte, 1));
	result("read again", read(fd, &byte, 1));
	close(fd);
}

static void
later(void)
{
	int fd = stream(SOCK_NONBLOCK), port = peer_number("listen");

	result("connect", dial(fd, PEER, port));
	await_bits("poll", fd, POLLOUT);
	say_error("SO_ERROR", fd);
	result("second", dial(fd, PEER, port));
	result("third", dial(fd, PEER, port));
	peer("accept");
	say_sockname("getsockname", fd);
	say_peername("getpeername", fd);
	say_read("read", fd);
	result("listen", listen(fd, 1));
	close(fd);
	say("peer: %s", peer("end"));
}

static void
epoll_modes(void)
{
	struct epoll_event ev = {
	    .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
	int fd = stream(SOCK_NONBLOCK), ep = epoll_create1(0), n;
	char buf[64];

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	n = epoll_wait(ep, &ev, 1, 0);
	say("before: %d %s", n, bits_text(n ? ev.events : 0));
	result("connect", dial(fd, PEER, peer_number("listen")));
	n = epoll_wait(ep, &ev, 1, 5000);
	say("connected: %d %s", n, bits_text(n > 0 ? ev.events : 0));
	say("no more edges: %d", epoll_wait(ep, &ev, 1, 50));
	peer("accept");
	peer("send 10");
	n = epoll_wait(ep, &ev, 1, 5000);
	say("data: %d %s", n, bits_text(n > 0 ? ev.events : 0));
	say("edge once: %d", epoll_wait(ep, &ev, 1, 50));
	result("part", read(fd, buf, 5));
	peer("send 10");
	n = epoll_wait(ep, &ev, 1, 5000);
	say("new data: %d %s", n, bits_text(n > 0 ? ev.events : 0));
	ev.events = EPOLLIN;
	epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev);
	say("level: %d %d", epoll_wait(ep, &ev, 1, 5000),
	    epoll_wait(ep, &ev, 1, 5000));
	result("rest", read(fd, buf, sizeof buf));
	say("level, empty: %d", epoll_wait(ep, &ev, 1, 50));
	peer("shut");
	n = epoll_wait(ep, &ev, 1, 5000);
	say("end: %d %s", n, bits_text(n > 0 ? ev.events : 0));
	say_read("read", fd);
	close(fd);
	close(ep);
	peer("close");
}

static void
select_modes(void)
{
	int fd = linked(SOCK_NONBLOCK);
	struct timeval tv = {0, 0};
	fd_set r, w;

	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(fd, &r);
	FD_SET(fd, &w);
	say("select: %d r %d w %d", select(fd + 1, &r, &w, NULL, &tv),
	    !!FD_ISSET(fd, &r), !!FD_ISSET(fd, &w));
	peer("send 1");
	FD_SET(fd, &r);
	tv.tv_sec = 5;
	say("select: %d", select(fd + 1, &r, NULL, NULL, &tv));
	close(fd);
	say("unread at close, peer: %s", peer("end"));
}

static void
names(void)
{
	struct sockaddr_in sin = {0};
	socklen_t len = 4;
	int fd = linked(0);

	say_sockname("getsockname", fd);
	say_peername("getpeername", fd);
	result("short", getpeername(fd, (struct sockaddr *)&sin, &len));
	say("short: len %u family %d port %d address %d", len, sin.sin_family,
	    sin.sin_port != 0, sin.sin_addr.s_addr != 0);
	len = (socklen_t)-1;
	result("negative", getsockname(fd, (struct sockaddr *)&sin, &len));
	close(fd);
	peer("close");
}

static void
half_close(void)
{
	int fd = linked(0);

	result("send", send(fd, "hello", 5, 0));
	result("shutdown", shutdown(fd, SHUT_WR));
	say("peer: %s", peer("end"));
	say("poll: %s", bits_text(bits(fd)));
	result("write", send(fd, "x", 1, MSG_NOSIGNAL));
	peer("send 100");
	await_bits("poll", fd, POLLIN);
	say_read("read", fd);
	peer("close");
	await_bits("poll", fd, POLLHUP);
	say_read("read", fd);
	result("shutdown", shutdown(fd, SHUT_RDWR));
	close(fd);
	result("bad how", shutdown(fd, 7));
}

static void
peer_closes(void)
{
	int fd = linked(0);

	peer("send 10");
	peer("shut");
	await_bits("poll", fd, POLLRDHUP);
	say_read("read", fd);
	say_read("read", fd);
	say("poll: %s", bits_text(bits(fd)));
	result("write", send(fd, "still", 5, MSG_NOSIGNAL));
	say("peer: %s", peer("recv 5"));
	say_peername("getpeername", fd);
	close(fd);
	say("peer: %s", peer("end"));
}

static void
reset_read(void)
{
	int fd = linked(0);

	peer("send 10");
	await_bits("poll", fd, POLLIN);
	peer("reset");
	await_bits("poll", fd, POLLERR);
	say_peername("getpeername", fd);
	say_read("queued", fd);
	say_read("then", fd);
	say_read("then", fd);
	result("write", send(fd, "x", 1, MSG_NOSIGNAL));
	say_error("SO_ERROR", fd);
	result("connect", dial(fd, PEER, 1));
	close(fd);
}

static void
reset_write(void)
{
	char x[1] = "x";
	int fd = linked(0);

	handle(SIGPIPE, 0);
	peer("reset");
	await_bits("poll", fd, POLLERR);
	result("send", send(fd, "x", 1, 0));
	say("signals %d", (int)signals);
	result("again", send(fd, "x", 1, 0));
	say("signals %d", (int)signals);
	result("silently", send(fd, "x", 1, MSG_NOSIGNAL));
	say("signals %d", (int)signals);
	result("sendmsg", sendmsg(fd,
			      &(struct msghdr){.msg_iov = &(struct iovec){x, 1},
				  .msg_iovlen = 1},
			      0));
	say("signals %d", (int)signals);
	say_read("read", fd);
	close(fd);
	fd = linked(0);
	peer("reset");
	await_bits("poll", fd, POLLERR);
	say_error("SO_ERROR", fd);
	say_error("SO_ERROR again", fd);
	say_read("read", fd);
	close(fd);
}

static void
closing(void)
{
	struct linger l = {1, 0};
	int fd = linked(0);

	result("send", send(fd, "bye", 3, 0));
	close(fd);
	say("close, peer: %s", peer("end"));
	fd = linked(0);
	peer("send 10");
	await_bits("poll", fd, POLLIN);
	close(fd);
	say("unread, peer: %s", peer("end"));
	fd = linked(0);
	result("linger", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
	close(fd);
	say("linger 0, peer: %s", peer("end"));
	fd = stream(0);
	result("early", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
	result("connect", dial(fd, PEER, peer_number("listen")));
	peer("accept");
	close(fd);
	say("linger 0 before connect, peer: %s", peer("end"));
}

static void
accepting(void)
{
	struct sockaddr_in sin = {0};
	socklen_t len = sizeof sin;
	int fd = listening(SOCK_NONBLOCK), c, port = name_port(fd), pport;

	say_sockname("listener", fd);
	say("accepting %d poll %s", get_opt(fd, SOL_SOCKET, SO_ACCEPTCONN),
	    bits_text(bits(fd)));
	result("none yet", accept(fd, NULL, NULL));
	result("read", read(fd, &c, 1));
	pport = atoi(peer("connect %d", port) + 5);
	await_bits("poll", fd, POLLIN);
	c = accept4(
	    fd, (struct sockaddr *)&sin, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	say_name("accepted", c < 0 ? -1 : 0, &sin, len, false);
	say("port is the peer's: %d", ntohs(sin.sin_port) == pport);
	say("flags %d %d", !!(fcntl(c, F_GETFL) & O_NONBLOCK),
	    fcntl(c, F_GETFD));
	say_sockname("its name", c);
	say("its port is the listener's: %d", name_port(c) == port);
	say_peername("its peer", c);
	say("type %d domain %d protocol %d accepting %d",
	    get_opt(c, SOL_SOCKET, SO_TYPE), get_opt(c, SOL_SOCKET, SO_DOMAIN),
	    get_opt(c, SOL_SOCKET, SO_PROTOCOL),
	    get_opt(c, SOL_SOCKET, SO_ACCEPTCONN));
	say("poll: %s", bits_text(bits(c)));
	say_read("nothing", c);
	peer("send 7");
	await_bits("poll", c, POLLIN);
	say_read("read", c);
	result("write", write(c, "answer", 6));
	say("peer: %s", peer("recv 6"));
	result("connect", dial(c, PEER, 1));
	peer("reset");
	await_bits("poll", c, POLLERR);
	say_read("reset", c);
	close(c);
	peer("connect %d", port);
	await_bits("poll", fd, POLLIN);
	len = 3;
	memset(&sin, 0, sizeof sin);
	c = accept(fd, (struct sockaddr *)&sin, &len);
	say("short: %d len %u family %d rest %d", c >= 0, len, sin.sin_family,
	    sin.sin_addr.s_addr != 0);
	say("not inherited: %d", !!(fcntl(c, F_GETFL) & O_NONBLOCK));
	close(c);
	say("close, peer: %s", peer("end"));
	close(fd);
	/* Nobody tells the daemon of the close: it finds out when the peer
	 * has connected, and resets. */
	if (strncmp(peer("connect %d", port), "err", 3) == 0)
		say("listener gone: peer refused");
	else if (strncmp(peer("end"), "ECONNRESET", 10) == 0)
		say("listener gone: peer refused");
	peer("close");
}

static void
reset_before_accept(void)
{
	int fd = listening(0), c;

	peer("connect %d", name_port(fd));
	await_bits("poll", fd, POLLIN);
	peer("reset");
	c = accept(fd, NULL, NULL);
	say("accept %d", c >= 0);
	await_bits("poll", c, POLLHUP);
	say_read("read", c);
	close(c);
	close(fd);
}

static void
listeners(void)
{
	struct sockaddr_in sin = addr("0.0.0.0", 0);
	int fd = stream(0), other;
	char byte;

	result("listen unbound", listen(fd, 5));
	say_sockname("getsockname", fd);
	result("twice", listen(fd, 9));
	result("connect", dial(fd, PEER, 1));
	result("bind", bind(fd, (struct sockaddr *)&sin, sizeof sin));
	say_peername("getpeername", fd);
	result("send", send(fd, "x", 1, MSG_NOSIGNAL));
	result("recv", recv(fd, &byte, 1, MSG_DONTWAIT));
	other = stream(0);
	sin.sin_port = htons((uint16_t)name_port(fd));
	result("in use", bind(other, (struct sockaddr *)&sin, sizeof sin));
	sin.sin_port = 0;
	result("another", bind(other, (struct sockaddr *)&sin, sizeof sin));
	result("listen", listen(other, 5));
	close(other);
	result("shutdown WR", shutdown(fd, SHUT_WR));
	result("shutdown RD", shutdown(fd, SHUT_RD));
	result("accept", accept(fd, NULL, NULL));
	close(fd);
}

static void
binding(void)
{
	struct sockaddr_in sin = addr("0.0.0.0", 0);
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	int fd = stream(0), port;

	result("short", bind(fd, (struct sockaddr *)&sin, 4));
	result("v6", bind(fd, (struct sockaddr *)&six, sizeof six));
	result("bind", bind(fd, (struct sockaddr *)&sin, sizeof sin));
	say_sockname("getsockname", fd);
	result("twice", bind(fd, (struct sockaddr *)&sin, sizeof sin));
	port = name_port(fd);
	result("connect", dial(fd, PEER, peer_number("listen")));
	say("same port: %d %d", name_port(fd) == port,
	    atoi(peer("accept") + 5) == port);
	say_sockname("getsockname", fd);
	result("connected", bind(fd, (struct sockaddr *)&sin, sizeof sin));
	close(fd);
	peer("close");
	fd = stream(0);
	sin = addr("203.0.113.9", 0);
	result("not ours", bind(fd, (struct sockaddr *)&sin, sizeof sin));
	sin = addr(SUBJECT, 0);
	result("ours", bind(fd, (struct sockaddr *)&sin, sizeof sin));
	say_sockname("getsockname", fd);
	close(fd);
}

static void
rebinding(void)
{
	struct sockaddr_in sin = addr("0.0.0.0", 0);
	int fd = stream(0), l = listening(0);

	sin.sin_port = htons((uint16_t)name_port(l));
	result("in use", bind(fd, (struct sockaddr *)&sin, sizeof sin));
	say_sockname("unbound", fd);
	close(l);
	result("free now", bind(fd, (struct sockaddr *)&sin, sizeof sin));
	result("listen", listen(fd, 1));
	close(fd);
	l = stream(0);
	set_opt(l, SOL_SOCKET, SO_REUSEADDR, 1);
	result("again", bind(l, (struct sockaddr *)&sin, sizeof sin));
	close(l);
}

static void
loopback(void)
{
	struct sockaddr_in sin = addr("127.0.0.1", 0);
	socklen_t len = sizeof sin;
	int l = stream(0), c = stream(0), a;

	set_opt(c, IPPROTO_TCP, TCP_NODELAY, 1);
	result("bind", bind(l, (struct sockaddr *)&sin, sizeof sin));
	result("listen", listen(l, 1));
	getsockname(l, (struct sockaddr *)&sin, &len);
	result("connect", connect(c, (struct sockaddr *)&sin, sizeof sin));
	a = accept(l, NULL, NULL);
	say("accept %d nodelay %d", a >= 0,
	    get_opt(c, IPPROTO_TCP, TCP_NODELAY) != 0);
	result("write", write(c, "ab", 2));
	say_read("read", a);
	say_peername("peer", a);
	close(a);
	close(c);
	close(l);
	c = stream(0);
	result("refused", dial(c, "127.0.0.1", 1));
	close(c);
}

static void
unspec(void)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = linked(0);

	result("connect UNSPEC", connect(fd, &none, sizeof none));
	say("peer: %s", peer("end"));
	say_peername("getpeername", fd);
	result("again", dial(fd, PEER, peer_number("listen")));
	say("peer %.4s", peer("accept"));
	result("send", send(fd, "x", 1, 0));
	say("peer: %s", peer("recv 1"));
	close(fd);
	peer("close");
}

static void
options(void)
{
	struct linger l = {1, 5};
	struct tcp_info ti;
	socklen_t len = sizeof l;
	int fd = stream(0), v;
	char name[16] = "";

	set_opt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 33);
	result("sndbuf", set_opt(fd, SOL_SOCKET, SO_SNDBUF, 50000));
	result("maxseg", set_opt(fd, IPPROTO_TCP, TCP_MAXSEG, 1000));
	result("connect", dial(fd, PEER, peer_number("listen")));
	peer("accept");
	say("kept: idle %d sndbuf %d", get_opt(fd, IPPROTO_TCP, TCP_KEEPIDLE),
	    get_opt(fd, SOL_SOCKET, SO_SNDBUF));
	v = get_opt(fd, IPPROTO_TCP, TCP_MAXSEG);
	say("maxseg 988..1000: %d", v >= 988 && v <= 1000);
	result("nodelay", set_opt(fd, IPPROTO_TCP, TCP_NODELAY, 1));
	say("nodelay %d", get_opt(fd, IPPROTO_TCP, TCP_NODELAY));
	result("keepalive", set_opt(fd, SOL_SOCKET, SO_KEEPALIVE, 7));
	say("keepalive %d", get_opt(fd, SOL_SOCKET, SO_KEEPALIVE));
	result("intvl 0", set_opt(fd, IPPROTO_TCP, TCP_KEEPINTVL, 0));
	result("user timeout", set_opt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 9));
	say("user timeout %d", get_opt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT));
	result("unknown", set_opt(fd, IPPROTO_TCP, 99, 1));
	say("mtu %d", get_opt(fd, IPPROTO_IP, IP_MTU));
	result("tos", set_opt(fd, IPPROTO_IP, IP_TOS, 0x1b));
	say("tos %d", get_opt(fd, IPPROTO_IP, IP_TOS));
	say("ttl %d", get_opt(fd, IPPROTO_IP, IP_TTL));
	result("linger", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
	l = (struct linger){0, 0};
	result("linger", getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
	say("linger %d %d len %u", l.l_onoff, l.l_linger, len);
	result("cc", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	len = sizeof name;
	getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len);
	say("cc %s len %u", name, len);
	result("cc", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "none", 4));
	len = 104;
	result("info", getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len));
	say("info len %u state %d", len, ti.tcpi_state);
	say("info mss %d", ti.tcpi_snd_mss >= 988 && ti.tcpi_snd_mss <= 1000);
	result("short", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 1));
	close(fd);
	peer("close");
}

static void
inheriting(void)
{
	struct timeval tv = {.tv_sec = 3};
	int fd = listening(0), c;
	socklen_t len = sizeof tv;

	set_opt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_opt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_opt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 44);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	say("listener: nodelay %d idle %d",
	    get_opt(fd, IPPROTO_TCP, TCP_NODELAY),
	    get_opt(fd, IPPROTO_TCP, TCP_KEEPIDLE));
	peer("connect %d", name_port(fd));
	c = accept(fd, NULL, NULL);
	tv.tv_sec = 0;
	getsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, &len);
	say("child: nodelay %d keepalive %d idle %d timeout %ld",
	    get_opt(c, IPPROTO_TCP, TCP_NODELAY),
	    get_opt(c, SOL_SOCKET, SO_KEEPALIVE),
	    get_opt(c, IPPROTO_TCP, TCP_KEEPIDLE), (long)tv.tv_sec);
	result("set", set_opt(c, IPPROTO_TCP, TCP_NODELAY, 0));
	say("child: nodelay %d", get_opt(c, IPPROTO_TCP, TCP_NODELAY));
	say("listener: nodelay %d", get_opt(fd, IPPROTO_TCP, TCP_NODELAY));
	close(c);
	close(fd);
	peer("close");
}

static void
addresses(void)
{
	struct sockaddr_in sin = addr(NOBODY, 9);
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	char buf[64];
	struct iovec iov = {buf, sizeof buf};
	struct msghdr m = {.msg_name = &from,
	    .msg_namelen = sizeof from,
	    .msg_iov = &iov,
	    .msg_iovlen = 1};
	int fd = linked(0), l = listening(0), c;

	result("sendto",
	    sendto(fd, "abc", 3, 0, (struct sockaddr *)&sin, sizeof sin));
	say("peer: %s", peer("recv 3"));
	peer("send 5");
	result("recvfrom",
	    recvfrom(fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &len));
	say("len %u", len);
	peer("send 5");
	result("recvmsg", recvmsg(fd, &m, 0));
	say("namelen %u flags %d", m.msg_namelen, m.msg_flags);
	close(fd);
	peer("close");
	peer("connect %d", name_port(l));
	c = accept(l, NULL, NULL);
	peer("send 5");
	len = sizeof from;
	result("recvfrom",
	    recvfrom(c, buf, sizeof buf, 0, (struct sockaddr *)&from, &len));
	say("len %u", len);
	close(c);
	close(l);
	peer("close");
}

static void
receiving(void)
{
	struct timeval tv = {.tv_usec = 50000};
	char buf[256];
	int fd = linked(0), n;

	result("none", recv(fd, buf, sizeof buf, MSG_DONTWAIT));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	result("timeout", recv(fd, buf, sizeof buf, 0));
	bounded(fd);
	peer("send 100");
	result("peek", recv(fd, buf, 10, MSG_PEEK));
	result("waitall", recv(fd, buf, 40, MSG_WAITALL));
	result("trunc", recv(fd, NULL, 20, MSG_TRUNC));
	ioctl(fd, FIONREAD, &n);
	say("FIONREAD %d", n);
	result("recv", recv(fd, buf, sizeof buf, 0));
	result("oob", recv(fd, buf, 1, MSG_OOB));
	result("ioctl", ioctl(fd, SIOCOUTQ, &n));
	say("SIOCOUTQ %d", n);
	close(fd);
	peer("close");
}

static void
gathering(void)
{
	char ab[] = "ab", cde[] = "cde";
	struct iovec v[2] = {{ab, 2}, {cde, 3}};
	int fd = linked(0), p[2];

	result("writev", writev(fd, v, 2));
	say("peer: %s", peer("recv 5"));
	if (pipe(p) != 0 || write(p[1], "spliced", 7) != 7)
		broken("pipe");
	result("splice", splice(p[0], NULL, fd, NULL, 7, 0));
	say("peer: %s", peer("recv 7"));
	close(p[0]);
	close(p[1]);
	close(fd);
	peer("close");
}

static void
duplicates(void)
{
	int fd = linked(0), copy = dup(fd);

	close(fd);
	result("write", write(copy, "dup", 3));
	say("peer: %s", peer("recv 3"));
	say_peername("getpeername", copy);
	close(copy);
	say("peer: %s", peer("end"));
}

static void
children(void)
{
	int fd = linked(0), gate[2], status;
	char byte;
	pid_t pid;

	if (pipe(gate) != 0)
		broken("pipe");
	pid = fork();
	if (pid == 0) {
		close(gate[1]);
		if (read(gate[0], &byte, 1) < 0)
			_exit(1);
		_exit(write(fd, "child", 5) == 5 ? 0 : 1);
	}
	close(fd);
	if (write(gate[1], "x", 1) != 1)
		broken("gate");
	say("peer: %s", peer("recv 5"));
	waitpid(pid, &status, 0);
	say("child %d", status);
	say("peer: %s", peer("end"));
	close(gate[0]);
	close(gate[1]);
}

static void
executing(void)
{
	int fd = linked(0), status;
	char num[16];
	pid_t pid;

	snprintf(num, sizeof num, "%d", fd);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execl(self, "cases", "fd", num, (char *)NULL);
		_exit(9);
	}
	waitpid(pid, &status, 0);
	say("child %d", status);
	say("peer: %s", peer("recv 6"));
	pid = fork();
	if (pid == 0) {
		unsetenv("LD_PRELOAD");
		dup2(fd, 1);
		execl("/bin/echo", "echo", "-n", "plain.", (char *)NULL);
		_exit(9);
	}
	waitpid(pid, &status, 0);
	say("child %d", status);
	say("peer: %s", peer("recv 6"));
	close(fd);
	say("peer: %s", peer("end"));
}

/* The image that executing() starts. */
static int
inherited(int fd)
{
	case_name = "executing";
	say_peername("exec: getpeername", fd);
	say_sockname("exec: getsockname", fd);
	say("exec: protocol %d", get_opt(fd, SOL_SOCKET, SO_PROTOCOL));
	result("exec: set", set_opt(fd, IPPROTO_TCP, TCP_NODELAY, 1));
	say("exec: nodelay %d", get_opt(fd, IPPROTO_TCP, TCP_NODELAY));
	return write(fd, "exec'd", 6) == 6 ? 0 : 1;
}

static void
passing(void)
{
	int fd = linked(0), sv[2], got, status;
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c = {0};
	char byte = 'x';
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = sizeof c};
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) != 0)
		broken("socketpair");
	pid = fork();
	if (pid == 0) {
		close(fd);
		if (recvmsg(sv[1], &m, 0) != 1)
			_exit(1);
		memcpy(&got, CMSG_DATA(&c.h), sizeof got);
		say_peername("passed: getpeername", got);
		_exit(write(got, "passed", 6) == 6 ? 0 : 1);
	}
	c.h = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd),
	    .cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&c.h), &fd, sizeof fd);
	if (sendmsg(sv[0], &m, 0) != 1)
		broken("sendmsg");
	waitpid(pid, &status, 0);
	say("child %d", status);
	say("peer: %s", peer("recv 6"));
	close(fd);
	close(sv[0]);
	close(sv[1]);
	say("peer: %s", peer("end"));
}

static void
workers(void)
{
	int fd = listening(0), i, status, c, served = 0, port = name_port(fd);
	pid_t pid[3];

	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			/* Until the listener is shut down. */
			while ((c = accept(fd, NULL, NULL)) >= 0) {
				if (write(c, "w", 1) != 1)
					_exit(1);
				close(c);
			}
			_exit(errno == EINVAL ? 0 : errno);
		}
	}
	for (i = 0; i < 30; i++) {
		if (strncmp(peer("connect %d", port), "port", 4) == 0)
			served += strncmp(peer("end"), "EOF after 1 ", 12) == 0;
		peer("close");
	}
	say("served %d", served);
	result("shutdown", shutdown(fd, SHUT_RD));
	for (i = 0; i < 3; i++) {
		waitpid(pid[i], &status, 0);
		say("worker %d", status);
	}
	close(fd);
}

static void
orphan_listener(void)
{
	int gate[2], port_pipe[2], port;
	char byte;
	pid_t pid;

	if (pipe(gate) != 0 || pipe(port_pipe) != 0)
		broken("pipe");
	pid = fork();
	if (pid == 0) {
		int fd = listening(0);

		if (fork() == 0) {
			/* Inherits, and never says a word of its own. */
			close(gate[1]);
			if (read(gate[0], &byte, 1) < 0)
				_exit(1);
			_exit(0);
		}
		port = name_port(fd);
		if (write(port_pipe[1], &port, sizeof port) < 0)
			_exit(1);
		_exit(0);
	}
	close(gate[0]);
	if (read(port_pipe[0], &port, sizeof port) != sizeof port)
		broken("port");
	waitpid(pid, NULL, 0);
	say("parent dead, peer %.4s", peer("connect %d", port));
	peer("close");
	close(gate[1]); /* the heir ends */
	close(port_pipe[0]);
	close(port_pipe[1]);
}

static void
timing_out(void)
{
	struct timeval tv = {.tv_usec = 100000};
	int fd = stream(0);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	result("connect", dial(fd, NOBODY, 9));
	result("again", dial(fd, NOBODY, 9));
	say_peername("getpeername", fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	result("non-blocking", dial(fd, NOBODY, 9));
	say("poll: %s", bits_text(bits(fd)));
	say_read("read", fd);
	close(fd);
}

static void
unreachable(void)
{
	int fd = stream(0);

	result("connect", dial(fd, NOBODY, 9));
	close(fd);
}

static void
interrupted(void)
{
	struct itimerspec its = {.it_value.tv_nsec = 50000000};
	struct sigevent sev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t t;
	int fd = stream(0);

	handle(SIGUSR1, 0);
	timer_create(CLOCK_MONOTONIC, &sev, &t);
	timer_settime(t, 0, &its, NULL);
	result("connect", dial(fd, NOBODY, 9));
	say("signals %d", (int)signals);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	result("goes on", dial(fd, NOBODY, 9));
	timer_delete(t);
	close(fd);
}

static void *
dialler(void *arg)
{
	int port = *(int *)arg, i, fd;
	long good = 0;
	char byte;

	for (i = 0; i < 25; i++) {
		fd = stream(0);
		if (dial(fd, PEER, port) == 0 && shutdown(fd, SHUT_WR) == 0 &&
		    read(fd, &byte, 1) >= 0)
			good++;
		close(fd);
	}
	return (void *)good;
}

static void *
closer(void *arg)
{
	int i;

	for (i = 0; i < 100; i++) {
		peer("accept");
		peer("close");
	}
	return NULL;
}

static void
threads(void)
{
	int port = peer_number("listen"), i;
	pthread_t t[4], c;
	void *r;

	pthread_create(&c, NULL, closer, NULL);
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, dialler, &port);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &r);
		say("thread %ld", (long)r);
	}
	pthread_join(c, NULL);
}

#define BULK (3 << 20)

static unsigned
bulk_in(int fd, long *total)
{
	static unsigned char buf[65536];
	unsigned sum = 0;
	ssize_t r;

	*total = 0;
	while (*total < BULK && (r = read(fd, buf, sizeof buf)) > 0) {
		for (ssize_t i = 0; i < r; i++)
			sum = sum * 31 + buf[i];
		*total += r;
	}
	return sum;
}

static void
bulk(void)
{
	static char buf[BULK];
	const char *said;
	int fd = linked(0);
	long total, done;
	unsigned sum;
	pid_t pid;
	ssize_t r;

	pid = fork();
	if (pid == 0) {
		sum = bulk_in(fd, &total);
		say("got %ld sum %08x", total, sum);
		_exit(0);
	}
	said = peer("send %d", BULK);
	waitpid(pid, NULL, 0);
	say("peer: %s", said);
	for (done = 0; done < BULK; done++)
		buf[done] = (char)(done * 13 >> 2);
	pid = fork();
	if (pid == 0) {
		for (done = 0; done < BULK; done += r)
			if ((r = write(
				 fd, buf + done, (size_t)(BULK - done))) <= 0)
				_exit(1);
		shutdown(fd, SHUT_WR);
		_exit(0);
	}
	say("peer: %s", peer("end"));
	waitpid(pid, NULL, 0);
	close(fd);
	peer("close");
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
    {"fresh", fresh},
    {"flags", flags},
    {"refused", refused},
    {"refused_later", refused_later},
    {"refused_write", refused_write},
    {"later", later},
    {"epoll_modes", epoll_modes},
    {"select_modes", select_modes},
    {"names", names},
    {"half_close", half_close},
    {"peer_closes", peer_closes},
    {"reset_read", reset_read},
    {"reset_write", reset_write},
    {"closing", closing},
    {"accepting", accepting},
    {"reset_before_accept", reset_before_accept},
    {"listeners", listeners},
    {"binding", binding},
    {"rebinding", rebinding},
    {"loopback", loopback},
    {"unspec", unspec},
    {"options", options},
    {"inheriting", inheriting},
    {"addresses", addresses},
    {"receiving", receiving},
    {"gathering", gathering},
    {"duplicates", duplicates},
    {"children", children},
    {"executing", executing},
    {"passing", passing},
    {"workers", workers},
    {"orphan_listener", orphan_listener},
    {"timing_out", timing_out},
    {"unreachable", unreachable},
    {"interrupted", interrupted},
    {"threads", threads},
    {"bulk", bulk},
};

static int
subject_main(const char *only)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	time_t end = time(NULL) + PATIENCE_S;
	size_t i, ran = 0;

	snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
	ctl = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The peer may be starting yet. */
	while (connect(ctl, (struct sockaddr *)&un, sizeof un) != 0) {
		if (time(NULL) > end)
			broken(path);
		poll(NULL, 0, 20);
	}
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (only != NULL &&
		    strncmp(cases[i].name, only, strlen(only)) != 0)
			continue;
		case_name = cases[i].name;
		alarm(60);
		cases[i].run();
		ran++;
	}
	if (getenv("CASES_QUIT") != NULL && write(ctl, "quit\n", 5) < 0)
		broken("quit");
	return ran > 0 ? 0 : 2;
}

int
main(int argc, char **argv)
{
	self = argv[0];
	if (argc >= 3)
		path = argv[2];
	if (argc == 3 && strcmp(argv[1], "peer") == 0)
		return peer_main();
	if (argc == 3 && strcmp(argv[1], "fd") == 0)
		return inherited(atoi(argv[2]));
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return subject_main(argc > 3 ? argv[3] : NULL);
	fputs("usage: cases peer|run PATH [NAME]\n", stderr);
	return 2;
}
