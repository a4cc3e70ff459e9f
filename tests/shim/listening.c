/* SPDX-License-Identifier: ISC */
/*
 * bind(), listen() and accept(), alone and by several processes.
 */
#include "cases.h"

static void
accepting(void)
{
	union name sin = {.port = 0};
	socklen_t len = name_len();
	int fd = listening(SOCK_NONBLOCK), c, port = name_port(fd), pport;

	say_sockname("listener", fd);
	say("accepting %d poll %s", get_opt(fd, SOL_SOCKET, SO_ACCEPTCONN),
	    bits_text(bits(fd)));
	result("none yet", accept(fd, NULL, NULL));
	result("read", read(fd, &c, 1));
	pport = atoi(peer("connect %d", port) + 5);
	await_bits("poll", fd, POLLIN);
	c = accept4(fd, &sin.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	say_name("accepted", c < 0 ? -1 : 0, &sin, len, false);
	say("port is the peer's: %d", ntohs(sin.port) == pport);
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
	c = accept(fd, &sin.sa, &len);
	say("short: %d len %u family %d rest %d", c >= 0, len, sin.family,
	    sin.v4.sin_addr.s_addr != 0);
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
	union name sin = addr(ANY, 0);
	int fd = stream(0), other;
	char byte;

	result("listen unbound", listen(fd, 5));
	say_sockname("getsockname", fd);
	result("twice", listen(fd, 9));
	result("connect", dial(fd, PEER, 1));
	result("bind", bind(fd, &sin.sa, name_len()));
	say_peername("getpeername", fd);
	result("send", send(fd, "x", 1, MSG_NOSIGNAL));
	result("recv", recv(fd, &byte, 1, MSG_DONTWAIT));
	other = stream(0);
	sin.port = htons((uint16_t)name_port(fd));
	result("in use", bind(other, &sin.sa, name_len()));
	sin.port = 0;
	result("another", bind(other, &sin.sa, name_len()));
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
	union name sin = addr(ANY, 0);
	struct sockaddr_in6 other = {.sin6_family = other_family()};
	int fd = stream(0), port;

	result("short", bind(fd, &sin.sa, 4));
	result("other", bind(fd, (struct sockaddr *)&other, sizeof other));
	result("bind", bind(fd, &sin.sa, name_len()));
	say_sockname("getsockname", fd);
	result("twice", bind(fd, &sin.sa, name_len()));
	port = name_port(fd);
	result("connect", dial(fd, PEER, peer_number("listen")));
	say("same port: %d %d", name_port(fd) == port,
	    atoi(peer("accept") + 5) == port);
	say_sockname("getsockname", fd);
	result("connected", bind(fd, &sin.sa, name_len()));
	close(fd);
	peer("close");
	fd = stream(0);
	sin = addr(FOREIGN, 0);
	result("not ours", bind(fd, &sin.sa, name_len()));
	sin = addr(SUBJECT, 0);
	result("ours", bind(fd, &sin.sa, name_len()));
	say_sockname("getsockname", fd);
	close(fd);
}

static void
rebinding(void)
{
	union name sin = addr(ANY, 0);
	int fd = stream(0), l = listening(0);

	sin.port = htons((uint16_t)name_port(l));
	result("in use", bind(fd, &sin.sa, name_len()));
	say_sockname("unbound", fd);
	result("listen all the same", listen(fd, 1));
	say_sockname("anywhere", fd);
	close(fd);
	fd = stream(0);
	result("in use", bind(fd, &sin.sa, name_len()));
	close(l);
	result("free now", bind(fd, &sin.sa, name_len()));
	result("listen", listen(fd, 1));
	close(fd);
	l = stream(0);
	set_opt(l, SOL_SOCKET, SO_REUSEADDR, 1);
	result("again", bind(l, &sin.sa, name_len()));
	close(l);
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

static const struct shim_case table[] = {
    CASE(accepting),
    CASE(reset_before_accept),
    CASE(listeners),
    CASE(binding),
    CASE(rebinding),
    CASE(inheriting),
    CASE(workers),
    CASE(orphan_listener),
};
const struct subject listening_cases = SUBJECT("listening", table);
