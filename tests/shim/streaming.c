/* SPDX-License-Identifier: ISC */
/*
 * Established connections: data, ends, resets, options.
 */
#include "cases.h"

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

/* The end has been told, and stays one. */
static void
reset_behind_fin(void)
{
	int fd = linked(0);

	handle(SIGPIPE, 0);
	peer("send 5");
	peer("shut");
	await_quietly(fd, POLLRDHUP);
	say_read("data", fd);
	say_read("end", fd);
	peer("reset");
	await_bits("poll", fd, POLLHUP);
	say_read("read", fd);
	result("send", send(fd, "x", 1, 0));
	say("signals %d", (int)signals);
	say_error("SO_ERROR", fd);
	say_read("then", fd);
	close(fd);
	fd = linked(0);
	peer("send 5");
	peer("shut");
	await_quietly(fd, POLLRDHUP);
	peer("reset");
	await_bits("poll", fd, POLLHUP);
	say_error("SO_ERROR", fd);
	say_read("data", fd);
	say_read("end", fd);
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
addresses(void)
{
	union name sin = addr(NOBODY, 9);
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	char buf[64];
	struct iovec iov = {buf, sizeof buf};
	struct msghdr m = {.msg_name = &from,
	    .msg_namelen = sizeof from,
	    .msg_iov = &iov,
	    .msg_iovlen = 1};
	int fd = linked(0), l = listening(0), c;

	result("sendto", sendto(fd, "abc", 3, 0, &sin.sa, name_len()));
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
urgent_out(void)
{
	struct iovec v[3] = {{(char[]){'a', 'b'}, 2}, {(char[]){'c'}, 1}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	int fd = linked(0);

	result("write", write(fd, "xy", 2));
	result("send", send(fd, "z!", 2, MSG_OOB));
	result("more", send(fd, "more", 4, 0));
	say("peer %s", peer("oob"));
	result("sendmsg", sendmsg(fd, &m, MSG_OOB));
	result("more", send(fd, "more", 4, 0));
	say("peer %s", peer("oob"));
	close(fd);
	peer("close");
}

static void
urgent_in(int in_line)
{
	struct pollfd p = {.events = POLLPRI};
	char buf[64], urg = '-';
	int fd = p.fd = linked(0), n;
	int mark = 0; /* valgrind takes the request for one that reads it */

	set_opt(fd, SOL_SOCKET, SO_OOBINLINE, in_line);
	fcntl(fd, F_SETOWN, getpid());
	signals = 0;
	handle(SIGURG, SA_RESTART);
	peer("urgent");
	/* The signal interrupts it, if it has not come before. */
	while ((n = poll(&p, 1, PATIENCE_S * 1000)) < 0 && errno == EINTR)
		;
	say("POLLPRI %d", n > 0);
	say("SIGURG %d", (int)signals);
	result("read", recv(fd, buf, sizeof buf, 0));
	ioctl(fd, SIOCATMARK, &mark);
	say("mark %d", mark);
	result("oob", recv(fd, &urg, 1, MSG_OOB));
	if (in_line)
		result("inline", recv(fd, &urg, 1, 0));
	say("byte '%c'", urg);
	signal(SIGURG, SIG_DFL);
	close(fd);
	peer("close");
}

/* Out-of-band data, as sockets have it. */
static void
urgent(void)
{
	urgent_out();
	urgent_in(0);
	urgent_in(1);
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

/* Large pieces, each when poll() allows it, to a peer who takes them. */
static void
write_polled(const char *what, int fd)
{
	static char piece[65536];
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	const char *said;
	int done = 0, status;
	pid_t pid = fork();
	ssize_t r;

	if (pid == 0) {
		for (; done < 1 << 20 && poll(&p, 1, 5000) == 1; done += r)
			if ((r = write(fd, piece, sizeof piece)) < 0)
				r = 0;
		shutdown(fd, SHUT_WR);
		_exit(done < 1 << 20);
	}
	said = peer("end");
	waitpid(pid, &status, 0);
	say("%s: written %d, peer: %.3s", what, WIFEXITED(status) && !status,
	    said);
	close(fd);
	peer("close");
}

/* Buffers that are smaller than what is written at once. */
static void
small_buffers(void)
{
	static const int sizes[] = {1, 8192, 16384, 32768, 50000};
	int fd;

	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		fd = linked(SOCK_NONBLOCK);
		set_opt(fd, SOL_SOCKET, SO_SNDBUF, sizes[i]);
		write_polled("SO_SNDBUF", fd);
		fd = linked(SOCK_NONBLOCK);
		set_opt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, sizes[i]);
		write_polled("TCP_NOTSENT_LOWAT", fd);
	}
}

/* The end of an attempt to connect is polled for, and nothing else asked. */
static void
written_unasked(void)
{
	struct pollfd p = {.events = POLLOUT};
	int port = peer_number("listen");

	p.fd = stream(SOCK_NONBLOCK);
	result("connect", dial(p.fd, PEER, port));
	peer("accept");
	say("poll %d", poll(&p, 1, 5000));
	write_polled("pieces", p.fd);
}

/* Who wants an address is trapped where others are not. */
static void
peeking_for_all(void)
{
	struct timeval tv = {.tv_usec = 50000};
	union name from;
	socklen_t len = sizeof from;
	char buf[10] = {0};
	int fd = linked(0);

	peer("say abc");
	await_quietly(fd, POLLIN);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	result("peek",
	    recvfrom(fd, buf, 7, MSG_PEEK | MSG_WAITALL, &from.sa, &len));
	say("%s", buf);
}

static const struct shim_case table[] = {
    CASE(small_buffers),
    CASE(written_unasked),
    CASE(half_close),
    CASE(peer_closes),
    CASE(reset_read),
    CASE(reset_behind_fin),
    CASE(reset_write),
    CASE(closing),
    CASE(addresses),
    CASE(receiving),
    CASE(urgent),
    CASE(gathering),
    CASE(options),
    CASE(bulk),
    CASE(peeking_for_all),
};
const struct subject streaming_cases = SUBJECT("streaming", table);
