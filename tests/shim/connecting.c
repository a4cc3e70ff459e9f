/* SPDX-License-Identifier: ISC */
/*
 * Fresh sockets and connect(): its states, errors, names and waits.
 */
#include "cases.h"

static void
fresh(void)
{
	struct sockaddr_in6 other = {.sin6_family = other_family()};
	union name sin = addr(PEER, 1);
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
	result("connect short", connect(fd, &sin.sa, 8));
	result("connect 1", connect(fd, &sin.sa, 1));
	result("connect other",
	    connect(fd, (struct sockaddr *)&other, sizeof other));
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
	result("bad proto", socket(family, SOCK_STREAM, IPPROTO_UDP));
	result("bad type", socket(family, 77, 0));
	close(fd);
	fd = socket(family, SOCK_STREAM, IPPROTO_TCP);
	say("explicit protocol %d", get_opt(fd, SOL_SOCKET, SO_PROTOCOL));
	close(fd);
	fd = socket(family, SOCK_DGRAM, 0);
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
	union name sin = {.port = 0};
	socklen_t len = 4;
	int fd = linked(0);

	say_sockname("getsockname", fd);
	say_peername("getpeername", fd);
	result("short", getpeername(fd, &sin.sa, &len));
	say("short: len %u family %d port %d address %d", len, sin.family,
	    sin.port != 0, sin.v4.sin_addr.s_addr != 0);
	len = (socklen_t)-1;
	result("negative", getsockname(fd, &sin.sa, &len));
	close(fd);
	peer("close");
}

static void
loopback(void)
{
	union name sin = addr(LOOPBACK, 0);
	socklen_t len = name_len();
	int l = stream(0), c = stream(0), a;

	set_opt(c, IPPROTO_TCP, TCP_NODELAY, 1);
	result("bind", bind(l, &sin.sa, name_len()));
	result("listen", listen(l, 1));
	getsockname(l, &sin.sa, &len);
	result("connect", connect(c, &sin.sa, name_len()));
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
	result("refused", dial(c, LOOPBACK, 1));
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
timing_out(void)
{
	struct timeval tv = {.tv_usec = 100000};
	int fd = stream(0), silent = peer_number("silent");

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	result("connect", dial(fd, PEER, silent));
	result("again", dial(fd, PEER, silent));
	say_peername("getpeername", fd);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	result("non-blocking", dial(fd, PEER, silent));
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
	/* Again and again: the first may come before the call does. */
	struct itimerspec its = {
	    .it_value.tv_nsec = 50000000, .it_interval.tv_nsec = 50000000};
	struct sigevent sev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t t;
	int fd = stream(0), silent = peer_number("silent");

	handle(SIGUSR1, 0);
	timer_create(CLOCK_MONOTONIC, &sev, &t);
	timer_settime(t, 0, &its, NULL);
	result("connect", dial(fd, PEER, silent));
	timer_delete(t);
	say("signals: %s", signals > 0 ? "yes" : "no");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	result("goes on", dial(fd, PEER, silent));
	close(fd);
}

static const struct shim_case table[] = {
    CASE(fresh),
    CASE(flags),
    CASE(refused),
    CASE(refused_later),
    CASE(refused_write),
    CASE(later),
    CASE(epoll_modes),
    CASE(select_modes),
    CASE(names),
    CASE(loopback),
    CASE(unspec),
    CASE(timing_out),
    CASE(unreachable),
    CASE(interrupted),
};
const struct subject connecting_cases = SUBJECT("connecting", table);
