/* SPDX-License-Identifier: ISC */
/*
 * Sockets of UDP: names, errnos, lengths, what is peeked at and cut off, what
 * a datagram comes with.  The peer has one socket, which answers on order.
 */
#include "cases.h"
#include <linux/errqueue.h>
#include <linux/udp.h>

#ifndef UDP_SEGMENT /* Linux 4.18 */
#define UDP_SEGMENT 103
#endif

static int
dgram(int flags)
{
	int fd = socket(family, SOCK_DGRAM | flags, 0);

	if (fd < 0)
		broken("socket");
	bounded(fd);
	return fd;
}

static union name
peer_name(void)
{
	return addr(PEER, peer_number("dgram"));
}

static int
connected(void)
{
	union name n = peer_name();
	int fd = dgram(0);

	if (connect(fd, &n.sa, name_len()) != 0)
		broken("connect");
	return fd;
}

/* The peer has heard of us, so that it can answer. */
static int
introduced(void)
{
	union name n = peer_name();
	int fd = dgram(0);

	if (sendto(fd, "hello", 5, 0, &n.sa, name_len()) != 5)
		broken("sendto");
	if (strncmp(peer("drecv"), "5 hello", 7) != 0)
		broken("the peer hears nothing");
	return fd;
}

static void
say_received(const char *what, int fd, size_t room, int flags)
{
	char buf[256] = {0};
	union name from = {.v6 = {.sin6_family = 0}};
	socklen_t len = sizeof from;
	ssize_t r = recvfrom(fd, buf, room, flags, &from.sa, &len);

	result(what, r);
	if (r < 0)
		return;
	say("%s: %.20s", what, buf);
	say_name(what, 0, &from, len, false);
}

static void
fresh(void)
{
	int fd = dgram(SOCK_NONBLOCK);
	char c;

	say("poll %s", bits_text(bits(fd)));
	say("type %d protocol %d domain %d", get_opt(fd, SOL_SOCKET, SO_TYPE),
	    get_opt(fd, SOL_SOCKET, SO_PROTOCOL),
	    get_opt(fd, SOL_SOCKET, SO_DOMAIN));
	say_sockname("getsockname", fd);
	say_peername("getpeername", fd);
	result("recv", recv(fd, &c, 1, 0));
	result("read", read(fd, &c, 1));
	result("send", send(fd, "x", 1, 0));
	result("write", write(fd, "x", 1));
	result("listen", listen(fd, 5));
	result("accept", accept(fd, NULL, NULL));
	result("shutdown", shutdown(fd, SHUT_RDWR));
	say_error("SO_ERROR", fd);
	result("errqueue", recv(fd, &c, 1, MSG_ERRQUEUE));
	result("oob", recv(fd, &c, 1, MSG_OOB));
	say("poll %s", bits_text(bits(fd)));
	close(fd);
}

static void
kinds(void)
{
	static const struct {
		const char *what;
		int type, protocol;
	} rows[] = {{"udp", SOCK_DGRAM, IPPROTO_UDP},
	    {"tcp", SOCK_DGRAM, IPPROTO_TCP}, {"99", SOCK_DGRAM, 99},
	    {"flags", SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0},
	    {"stream", SOCK_STREAM, IPPROTO_UDP}};
	size_t i;
	int fd;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		fd = socket(family, rows[i].type, rows[i].protocol);
		result(rows[i].what, fd < 0 ? -1 : 0);
		if (fd < 0)
			continue;
		say("%s: cloexec %d nonblock %d", rows[i].what,
		    fcntl(fd, F_GETFD) & FD_CLOEXEC,
		    (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
		close(fd);
	}
	/* The lowest number, as always. */
	close(0);
	fd = socket(family, SOCK_DGRAM, 0);
	say("number %d", fd);
}

static void
talking(void)
{
	int fd = introduced(), n;

	say("bound %d", name_port(fd) != 0);
	peer("dsend 10");
	await_quietly(fd, POLLIN);
	say("poll %s", bits_text(bits(fd)));
	result("FIONREAD", ioctl(fd, FIONREAD, &n));
	say("size %d", n);
	say_received("peek", fd, 100, MSG_PEEK);
	say_received("peek at 3", fd, 3, MSG_PEEK);
	say_received("peek at 3, true size", fd, 3, MSG_PEEK | MSG_TRUNC);
	say_received("take 3, true size", fd, 3, MSG_TRUNC);
	say_received("no more", fd, 3, MSG_DONTWAIT);
	peer("dsend 10");
	say_received("take 4", fd, 4, 0);
	say_received("the rest is gone", fd, 4, MSG_DONTWAIT);
	peer("dsend 0");
	await_quietly(fd, POLLIN);
	say("poll %s", bits_text(bits(fd)));
	say_received("an empty one", fd, 10, 0);
	peer("dsend 7");
	peer("dsend 8");
	await_quietly(fd, POLLIN);
	say_received("first", fd, 100, 0);
	say_received("second", fd, 100, 0);
	peer("dsend 5");
	say_received("into nothing", fd, 0, 0);
	ioctl(fd, FIONREAD, &n);
	say("size %d", n);
}

static void
gathering(void)
{
	char a[3] = "", b[4] = "", c[100] = "";
	struct iovec iov[3] = {{a, 3}, {b, 4}, {c, 100}};
	union name n = peer_name(), from;
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 3};
	int fd = introduced();

	memcpy(a, "abc", 3);
	memcpy(b, "defg", 4);
	iov[2].iov_len = 0;
	m.msg_name = &n;
	m.msg_namelen = name_len();
	result("sendmsg", sendmsg(fd, &m, 0));
	say("peer: %s", peer("drecv"));
	peer("dsend 20");
	m.msg_name = &from;
	m.msg_namelen = sizeof from;
	iov[2].iov_len = 100;
	result("recvmsg", recvmsg(fd, &m, 0));
	say("%.3s %.4s %.13s flags %x", a, b, c, (unsigned)m.msg_flags);
	say_name("from", 0, &from, m.msg_namelen, false);
	peer("dsend 20");
	m.msg_iovlen = 2;
	result("recvmsg", recvmsg(fd, &m, 0));
	say("%.3s %.4s flags %x", a, b, (unsigned)m.msg_flags);
	peer("dsend 20");
	result("true size", recvmsg(fd, &m, MSG_TRUNC));
	say("flags %x", (unsigned)m.msg_flags);
	peer("dsend 5");
	result("readv", readv(fd, iov, 2));
	m.msg_iovlen = 0;
	m.msg_name = NULL;
	result("sendmsg to nobody", sendmsg(fd, &m, 0));
}

static void
connecting(void)
{
	union name n = peer_name(), any = {.sa = {.sa_family = AF_UNSPEC}};
	int fd = dgram(0);
	char buf[20] = "";

	result("connect", connect(fd, &n.sa, name_len()));
	say_sockname("getsockname", fd);
	say_peername("getpeername", fd);
	say("poll %s", bits_text(bits(fd)));
	result("send", send(fd, "one", 3, 0));
	say("peer: %s", peer("drecv"));
	peer("dsend 6");
	say_received("recvfrom", fd, 20, 0);
	result("write", write(fd, "", 0));
	say("peer: %s", peer("drecv"));
	peer("dsend 0");
	result("read", read(fd, buf, sizeof buf));
	peer("dsend 9");
	result("read 4", read(fd, buf, 4));
	result("sendto its peer", sendto(fd, "two", 3, 0, &n.sa, name_len()));
	say("peer: %s", peer("drecv"));
	result("again", connect(fd, &n.sa, name_len()));
	result("dissolve", connect(fd, &any.sa, sizeof any));
	say_peername("getpeername", fd);
	say_sockname("getsockname", fd);
	result("sendto", sendto(fd, "three", 5, 0, &n.sa, name_len()));
	say("peer: %s", peer("drecv"));
	result("send", send(fd, "x", 1, 0));
	result("dissolve", connect(fd, &any.sa, sizeof any));
}

/* What came before connect() is not lost by it. */
static void
connecting_late(void)
{
	int fd = introduced();
	union name n = peer_name();
	char buf[100] = "";
	struct iovec iov[2] = {{buf, 5}, {buf + 50, 50}};

	peer("dsend 90");
	peer("dsend 91");
	peer("dsend 4");
	await_quietly(fd, POLLIN);
	say_received("peek", fd, 100, MSG_PEEK);
	result("connect", connect(fd, &n.sa, name_len()));
	result("read", read(fd, buf, sizeof buf));
	say("%.90s", buf);
	result("readv", readv(fd, iov, 2));
	say_received("recvfrom", fd, 100, 0);
	peer("dsend 92");
	peer("dsend 93");
	memset(buf, 0, sizeof buf);
	result("read", read(fd, buf, sizeof buf));
	say("%.92s", buf);
	result("readv", readv(fd, iov, 2));
	say("%.5s %.45s", buf, buf + 50);
}

static void
shutting(void)
{
	int fd = connected();
	char c;

	result("how", shutdown(fd, 7));
	result("shutdown", shutdown(fd, SHUT_WR));
	result("send", send(fd, "x", 1, MSG_NOSIGNAL));
	result("shutdown", shutdown(fd, SHUT_RD));
	result("recv", recv(fd, &c, 1, 0));
	result("recv", recv(fd, &c, 1, MSG_DONTWAIT));
	say_error("SO_ERROR", fd);
}

/* A datagram that is refused.  The kernel does not say so each time: it sends
 * few ICMP errors a second. */
static void
provoke(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int i;

	for (i = 0; i < PATIENCE_S * 5; i++) {
		if (send(fd, "x", 1, 0) == 1 && poll(&p, 1, 200) > 0)
			return;
	}
	broken("nobody refuses it");
}

static void
refused(void)
{
	union name n = addr(PEER, 9);
	int fd = dgram(0);
	char c;

	result("connect", connect(fd, &n.sa, name_len()));
	provoke(fd);
	result("recv", recv(fd, &c, 1, 0));
	result("recv", recv(fd, &c, 1, MSG_DONTWAIT));
	provoke(fd);
	result("send", send(fd, "x", 1, 0));
	close(fd);
	fd = dgram(0);
	result("connect", connect(fd, &n.sa, name_len()));
	provoke(fd);
	say_error("SO_ERROR", fd);
	say_error("SO_ERROR", fd);
	result("read", recv(fd, &c, 1, MSG_DONTWAIT));
	say("poll %s", bits_text(bits(fd)));
	/* Nobody tells who has no peer. */
	close(fd);
	fd = dgram(0);
	result("sendto", sendto(fd, "x", 1, 0, &n.sa, name_len()));
	n = peer_name();
	result("sendto", sendto(fd, "y", 1, 0, &n.sa, name_len()));
	say("peer: %s", peer("drecv"));
	result("recv", recv(fd, &c, 1, MSG_DONTWAIT));
}

static void
wrong(void)
{
	static char big[70000];
	union name n = peer_name(), o = n;
	struct iovec iov = {big, 1};
	struct msghdr m = {
	    .msg_name = &n, .msg_namelen = name_len(), .msg_iov = &iov};
	int fd = dgram(0);

	result("too long", sendto(fd, big, sizeof big, 0, &n.sa, name_len()));
	result("a bit", sendto(fd, big, 65536, 0, &n.sa, name_len()));
	result("short name", sendto(fd, "x", 1, 0, &n.sa, 5));
	o.family = AF_UNIX;
	result("family", sendto(fd, "x", 1, 0, &o.sa, name_len()));
	o = n;
	o.port = 0;
	result("port 0", sendto(fd, "x", 1, 0, &o.sa, name_len()));
	result("oob", sendto(fd, "x", 1, MSG_OOB, &n.sa, name_len()));
	result("nothing", sendmsg(fd, &m, 0));
	say("peer: %s", peer("drecv"));
	m.msg_iovlen = 1025;
	result("spans", sendmsg(fd, &m, 0));
	result("bad fd", sendto(-1, "x", 1, 0, &n.sa, name_len()));
	result("connect short", connect(fd, &n.sa, 5));
	o = n;
	o.family = AF_UNIX;
	result("connect family", connect(fd, &o.sa, name_len()));
	result("bind short", bind(fd, &n.sa, 5));
	if (family == AF_INET) {
		o = addr(PEER, 9);
		o.v4.sin_addr.s_addr = INADDR_BROADCAST;
		result("broadcast", sendto(fd, "x", 1, 0, &o.sa, name_len()));
	}
}

static void
binding(void)
{
	union name n = addr(SUBJECT, 0), o;
	int a = dgram(0), b = dgram(0);

	result("bind", bind(a, &n.sa, name_len()));
	say("port %d", name_port(a) != 0);
	result("twice", bind(a, &n.sa, name_len()));
	n.port = htons((uint16_t)name_port(a));
	result("taken", bind(b, &n.sa, name_len()));
	o = addr(ANY, name_port(a));
	result("any of it", bind(b, &o.sa, name_len()));
	set_opt(b, SOL_SOCKET, SO_REUSEADDR, 1);
	result("one-sided", bind(b, &n.sa, name_len()));
	set_opt(a, SOL_SOCKET, SO_REUSEADDR, 1);
	result("both sides", bind(b, &n.sa, name_len()));
	close(b);
	b = dgram(0);
	set_opt(b, SOL_SOCKET, SO_REUSEPORT, 1);
	result("another way", bind(b, &n.sa, name_len()));
	n = addr(NOBODY, 0);
	result("not ours", bind(b, &n.sa, name_len()));
	n = addr(ANY, 0);
	result("any", bind(b, &n.sa, name_len()));
	say_sockname("its name", b);
	close(a);
	close(b);
}

/* The youngest of those that share an address gets what comes. */
static void
sharing_a_port(void)
{
	int a = introduced(), b, port = name_port(a);
	union name n = addr(ANY, port);

	close(a);
	a = dgram(0);
	b = dgram(0);
	set_opt(a, SOL_SOCKET, SO_REUSEADDR, 1);
	set_opt(b, SOL_SOCKET, SO_REUSEADDR, 1);
	result("bind", bind(a, &n.sa, name_len()));
	result("bind", bind(b, &n.sa, name_len()));
	peer("dsend 3");
	await_quietly(b, POLLIN);
	say("a %s", bits_text(bits(a)));
	say_received("b", b, 10, 0);
	close(b);
	peer("dsend 4");
	say_received("a", a, 10, 0);
}

static void
say_control(struct msghdr *m)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
		say("level %d type %d length %zu first %d", c->cmsg_level,
		    c->cmsg_type, (size_t)(c->cmsg_len - CMSG_LEN(0)),
		    c->cmsg_type == IP_PKTINFO || c->cmsg_type == IPV6_PKTINFO
			? 0
			: *(int *)(void *)CMSG_DATA(c) & 0xff);
	say("flags %x", (unsigned)m->msg_flags);
}

static void
ask_for_control(int fd)
{
	set_opt(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set_opt(fd, IPPROTO_IP, IP_RECVTOS, 1);
	set_opt(fd, IPPROTO_IP, IP_RECVTTL, 1);
	if (family == AF_INET)
		return;
	set_opt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	set_opt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	set_opt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
}

static void
controlling(void)
{
	char buf[50];
	union {
		struct cmsghdr h;
		char space[256];
	} ctl_buf;
	struct iovec iov = {buf, sizeof buf};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	union name n = peer_name();
	int fd = introduced(), i;

	ask_for_control(fd);
	for (i = 0; i < 3; i++) {
		static const size_t rooms[] = {sizeof ctl_buf, 20, 0};

		peer("dsend 5");
		m.msg_control = ctl_buf.space;
		m.msg_controllen = rooms[i];
		result("recvmsg", recvmsg(fd, &m, 0));
		if (i != 1)
			say_control(&m);
		else
			say("flags %x", (unsigned)m.msg_flags);
	}
	result("connect", connect(fd, &n.sa, name_len()));
	peer("dsend 5");
	m.msg_controllen = sizeof ctl_buf;
	result("recvmsg", recvmsg(fd, &m, 0));
	say_control(&m);
	peer("dsend 7");
	result("read", read(fd, buf, sizeof buf));
}

/* An option of one datagram: what the peer sees of it. */
static void
marking(void)
{
	bool v6 = family == AF_INET6 && !mapped;
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c = {.h = {.cmsg_len = CMSG_LEN(sizeof(int)),
		   .cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		   .cmsg_type = v6 ? IPV6_TCLASS : IP_TOS}};
	static char text[] = "marked";
	struct iovec iov = {text, 6};
	union name n = peer_name();
	struct msghdr m = {.msg_name = &n,
	    .msg_namelen = name_len(),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = sizeof c};
	int fd = dgram(0), v = 0x2c;

	memcpy(CMSG_DATA(&c.h), &v, sizeof v);
	result("sendmsg", sendmsg(fd, &m, 0));
	say("peer: %s", peer("drecv"));
	c.h.cmsg_type = v6 ? IPV6_HOPLIMIT : IP_TTL;
	result("hops", sendmsg(fd, &m, 0));
	say("peer: %s", peer("drecv"));
	v = 300;
	memcpy(CMSG_DATA(&c.h), &v, sizeof v);
	result("too many", sendmsg(fd, &m, 0));
	c.h.cmsg_type = 99;
	result("unknown", sendmsg(fd, &m, 0));
	c.h.cmsg_len = 3;
	result("short", sendmsg(fd, &m, 0));
}

/* Lengths and levels of what is said of a datagram. */
static void
marking_wrongly(void)
{
	bool v6 = family == AF_INET6 && !mapped;
	union {
		struct cmsghdr h;
		char space[256];
	} c;
	struct cmsghdr *second =
	    (struct cmsghdr *)(void *)(c.space + CMSG_SPACE(sizeof(int)));
	static char text[] = "marked";
	struct iovec iov = {text, 6};
	union name n = peer_name();
	struct msghdr m = {.msg_name = &n,
	    .msg_namelen = name_len(),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = CMSG_SPACE(sizeof(int))};
	int fd = dgram(0);

	memset(&c, 0, sizeof c);
	c.h = (struct cmsghdr){.cmsg_len = CMSG_LEN(2 * sizeof(int)),
	    .cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	    .cmsg_type = v6 ? IPV6_TCLASS : IP_TOS};
	m.msg_controllen = sizeof c;
	result("two values", sendmsg(fd, &m, 0));
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	m.msg_controllen = c.h.cmsg_len - 1;
	result("cut off", sendmsg(fd, &m, 0));
	c.h.cmsg_len = (size_t)-1;
	result("huge", sendmsg(fd, &m, 0));
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	*second = c.h;
	m.msg_controllen = 2 * CMSG_SPACE(sizeof(int));
	result("two", sendmsg(fd, &m, 0));
	second->cmsg_len += 8;
	result("second cut off", sendmsg(fd, &m, 0));
	second->cmsg_len = (size_t)-CMSG_SPACE(sizeof(int));
	result("second backwards", sendmsg(fd, &m, 0));
	second->cmsg_len = 0;
	result("second empty", sendmsg(fd, &m, 0));
	m.msg_controllen = CMSG_SPACE(sizeof(int)) + 8;
	result("a bit behind it", sendmsg(fd, &m, 0));
	c.h.cmsg_level = 77;
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	result("level", sendmsg(fd, &m, 0));
	m.msg_controllen = (size_t)1 << 63;
	result("room", sendmsg(fd, &m, 0));
}

/* Nothing is mapped there.  (The compiler shall not know.) */
static void *volatile nowhere = (void *)16;

static void
pointing(void)
{
	bool v6 = family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP, fd = introduced(), v = 1;
	int name = v6 ? IPV6_UNICAST_HOPS : IP_TTL;
	socklen_t len = sizeof v;
	union name n = peer_name();

	result("FIONREAD", ioctl(fd, FIONREAD, nowhere));
	result("SIOCOUTQ", ioctl(fd, SIOCOUTQ, nowhere));
	result("getsockname", getsockname(fd, &n.sa, nowhere));
	len = sizeof n;
	result("getsockname", getsockname(fd, nowhere, &len));
	result("getpeername", getpeername(fd, &n.sa, nowhere));
	result("getsockopt", getsockopt(fd, level, name, &v, nowhere));
	len = sizeof v;
	result("getsockopt", getsockopt(fd, level, name, nowhere, &len));
	result("SO_ERROR", getsockopt(fd, SOL_SOCKET, SO_ERROR, nowhere, &len));
	result("setsockopt", setsockopt(fd, level, name, nowhere, sizeof v));
	result("short", setsockopt(fd, SOL_SOCKET, SO_RCVBUF, nowhere, 1));
	result("SO_RCVBUF",
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, nowhere, sizeof v));
	result("bind", bind(fd, nowhere, name_len()));
	result("connect", connect(fd, nowhere, name_len()));
	result("long", connect(fd, &n.sa, 200));
	n = peer_name();
	result("connect", connect(fd, &n.sa, name_len()));
	result("getpeername", getpeername(fd, &n.sa, nowhere));
	len = sizeof n;
	result("getpeername", getpeername(fd, nowhere, &len));
	/* All is as it was. */
	result("send", send(fd, "x", 1, 0));
	say("peer: %s", peer("drecv"));
}

static void
say_heard(int n)
{
	for (int i = 0; i < n; i++)
		say("peer: %s", peer("drecv"));
}

/* Several of one length in one call: by the option, and by what is said of the
 * call. */
static void
segments(void)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} c = {.h = {.cmsg_len = CMSG_LEN(sizeof(uint16_t)),
		   .cmsg_level = IPPROTO_UDP,
		   .cmsg_type = UDP_SEGMENT}};
	static const uint16_t sizes[] = {4, 10, 11, 1, 0};
	static char text[200] = "aaaabbbbcc";
	struct iovec iov = {text, 10};
	union name n = peer_name();
	struct msghdr m = {.msg_name = &n,
	    .msg_namelen = name_len(),
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = CMSG_SPACE(sizeof(uint16_t))};
	int fd = dgram(0);
	size_t i;

	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		memcpy(CMSG_DATA(&c.h), &sizes[i], sizeof sizes[i]);
		result("sendmsg", sendmsg(fd, &m, 0));
		say_heard(sizes[i] == 4 ? 3 : sizes[i] == 1 ? 10 : 1);
	}
	say("%d", get_opt(fd, IPPROTO_UDP, UDP_SEGMENT));
	result("too long", set_opt(fd, IPPROTO_UDP, UDP_SEGMENT, 65536));
	result("negative", set_opt(fd, IPPROTO_UDP, UDP_SEGMENT, -1));
	result("set", set_opt(fd, IPPROTO_UDP, UDP_SEGMENT, 3));
	say("%d", get_opt(fd, IPPROTO_UDP, UDP_SEGMENT));
	result("not by the option", sendmsg(fd, &m, 0));
	say_heard(1);
	result("sendto", sendto(fd, text, 10, 0, &n.sa, name_len()));
	say_heard(4);
	connect(fd, &n.sa, name_len());
	result("write", write(fd, text, 7));
	say_heard(3);
	result("nothing", write(fd, text, 0));
	say_heard(1);
	result("off", set_opt(fd, IPPROTO_UDP, UDP_SEGMENT, 0));
	result("write", write(fd, text, 7));
	say_heard(1);
	memcpy(CMSG_DATA(&c.h), &sizes[3], sizeof sizes[3]);
	iov.iov_len = sizeof text;
	result("too many", sendmsg(fd, &m, 0));
	c.h.cmsg_type = 99;
	result("unknown", sendmsg(fd, &m, 0));
	c.h.cmsg_type = UDP_SEGMENT;
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	m.msg_controllen = sizeof c;
	result("an int", sendmsg(fd, &m, 0));
}

/* One in several calls. */
static void
pieces(void)
{
	static char text[] = "two";
	struct iovec iov = {text, 3};
	union name n = peer_name(), o = addr(PEER, 9);
	struct msghdr m = {.msg_name = &n,
	    .msg_namelen = name_len(),
	    .msg_iov = &iov,
	    .msg_iovlen = 1};
	int fd = dgram(0);

	result("one", sendto(fd, "one", 3, MSG_MORE, &n.sa, name_len()));
	result("two", sendmsg(fd, &m, MSG_MORE));
	result("three", sendto(fd, "three", 5, 0, &n.sa, name_len()));
	say_heard(1);
	result("one", sendto(fd, "one", 3, MSG_MORE, &n.sa, name_len()));
	result("elsewhere", sendto(fd, "2", 1, 0, &o.sa, name_len()));
	say_heard(1);
	result("one", sendto(fd, "one", 3, MSG_MORE, &n.sa, name_len()));
	result("off", set_opt(fd, IPPROTO_UDP, UDP_CORK, 0));
	say_heard(1);
	say("%d", get_opt(fd, IPPROTO_UDP, UDP_CORK));
	result("on", set_opt(fd, IPPROTO_UDP, UDP_CORK, 7));
	say("%d", get_opt(fd, IPPROTO_UDP, UDP_CORK));
	result("connect", connect(fd, &n.sa, name_len()));
	result("send", send(fd, "a", 1, 0));
	result("write", write(fd, "bc", 2));
	result("sendto", sendto(fd, "def", 3, 0, &n.sa, name_len()));
	result("off", set_opt(fd, IPPROTO_UDP, UDP_CORK, 0));
	say_heard(1);
	result("off again", set_opt(fd, IPPROTO_UDP, UDP_CORK, 0));
	result("unsent", sendto(fd, "x", 1, MSG_MORE, &n.sa, name_len()));
	close(fd);
	fd = dgram(0);
	result("last", sendto(fd, "last", 4, 0, &n.sa, name_len()));
	say_heard(1);
}

/* How much one can have, and what fits on the path. */
static void
lengths(void)
{
	static char big[65536];
	bool v6 = family == AF_INET6 && !mapped;
	union name n = peer_name();
	int fd = dgram(0), i, v;
	size_t most = v6 ? 65527 : 65507;
	socklen_t len = sizeof v;

	result("mtu", getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			  v6 ? IPV6_MTU : IP_MTU, &v, &len));
	for (i = 0; i < 2; i++) {
		result("too long",
		    sendto(fd, big, most + 1, 0, &n.sa, name_len()));
		result("longest", sendto(fd, big, most, 0, &n.sa, name_len()));
		say_heard(1);
		result("connect", connect(fd, &n.sa, name_len()));
	}
	result("mtu", getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			  v6 ? IPV6_MTU : IP_MTU, &v, &len));
	say("%d", v);
}

static void
several(void)
{
	char text[4][10] = {"one", "two", "three", "four"};
	struct mmsghdr v[4];
	struct iovec iov[4];
	union name n = peer_name();
	struct timespec limit = {5, 0};
	int fd = introduced(), i;

	memset(v, 0, sizeof v);
	for (i = 0; i < 4; i++) {
		iov[i] = (struct iovec){text[i], strlen(text[i])};
		v[i].msg_hdr = (struct msghdr){.msg_name = &n,
		    .msg_namelen = name_len(),
		    .msg_iov = &iov[i],
		    .msg_iovlen = 1};
	}
	result("sendmmsg", sendmmsg(fd, v, 4, 0));
	for (i = 0; i < 4; i++)
		say("%u, peer: %s", v[i].msg_len, peer("drecv"));
	peer("dsend 5");
	peer("dsend 6");
	await_quietly(fd, POLLIN);
	for (i = 0; i < 4; i++) {
		iov[i].iov_len = 10;
		v[i].msg_hdr.msg_name = NULL;
	}
	result("recvmmsg", recvmmsg(fd, v, 2, 0, &limit));
	say("%u %u", v[0].msg_len, v[1].msg_len);
	result("none", recvmmsg(fd, v, 4, MSG_DONTWAIT, NULL));
	n.port = 0;
	v[0].msg_hdr.msg_name = &n;
	result("fails", sendmmsg(fd, v, 4, 0));
}

static void
waiting(void)
{
	struct timeval tv = {0, 20000};
	int fd = dgram(0), e = epoll_create1(0);
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
	union name n = peer_name();
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	result("recv", recv(fd, &c, 1, 0));
	result("recvfrom", recvfrom(fd, &c, 1, 0, NULL, NULL));
	bounded(fd);
	epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev);
	result("epoll", epoll_wait(e, &ev, 1, 0));
	say("%s", bits_text(ev.events));
	result("no other edge", epoll_wait(e, &ev, 1, 0));
	result("sendto", sendto(fd, "x", 1, 0, &n.sa, name_len()));
	peer("drecv");
	peer("dsend 3");
	await_quietly(fd, POLLIN);
	do
		result("epoll", epoll_wait(e, &ev, 1, 5000));
	while (!(ev.events & EPOLLIN));
	result("recv", recv(fd, &c, 1, 0));
}

static void
children(void)
{
	int fd = connected(), copy;
	pid_t pid = fork();
	char buf[20] = "";

	if (pid == 0)
		_exit(write(fd, "child", 5) == 5 ? 0 : 1);
	waitpid(pid, NULL, 0);
	say("peer: %s", peer("drecv"));
	copy = dup(fd);
	close(fd);
	peer("dsend 6");
	result("read", read(copy, buf, sizeof buf));
	say("%s", buf);
	say_peername("getpeername", copy);
}

static void
options(void)
{
	static const struct {
		const char *what;
		int level, name, value;
	} rows[] = {
	    {"IP_TOS", IPPROTO_IP, IP_TOS, 0x2e},
	    {"IP_TOS with ECN", IPPROTO_IP, IP_TOS, 3},
	    {"IP_TTL", IPPROTO_IP, IP_TTL, 3},
	    {"IP_TTL 0", IPPROTO_IP, IP_TTL, 0},
	    {"IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE},
	    {"IP_MTU_DISCOVER 9", IPPROTO_IP, IP_MTU_DISCOVER, 9},
	    {"IP_PKTINFO", IPPROTO_IP, IP_PKTINFO, 7},
	    {"IP_RECVTOS", IPPROTO_IP, IP_RECVTOS, 1},
	    {"IP_RECVTTL", IPPROTO_IP, IP_RECVTTL, 1},
	    {"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, 3},
	    {"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, 3},
	    {"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, 1},
	    {"IPV6_RECVPKTINFO", IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
	    {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 5},
	    {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1},
	    {"SO_BROADCAST", SOL_SOCKET, SO_BROADCAST, 1},
	    {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 5000},
	    {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 1},
	    {"SO_TYPE", SOL_SOCKET, SO_TYPE, 1},
	    {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, 1},
	    {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1},
	    {"an unknown one", IPPROTO_IP, 250, 1},
	    {"of UDP", IPPROTO_UDP, 250, 1},
	    {"UDP_CORK off", IPPROTO_UDP, 1, 0},
	};
	size_t i;
	int fd = dgram(0), v;
	socklen_t len;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		say("%s", rows[i].what);
		len = sizeof v;
		if (result("get", getsockopt(fd, rows[i].level, rows[i].name,
				      &v, &len)) == 0)
			say("%d, %u", v, len);
		result("set", setsockopt(fd, rows[i].level, rows[i].name,
				  &rows[i].value, sizeof v));
		len = sizeof v;
		if (getsockopt(fd, rows[i].level, rows[i].name, &v, &len) == 0)
			say("%d, %u", v, len);
	}
}

/* A decision for the kernel, after what was decided does not bind. */
static void
loopback(void)
{
	union name n = addr(ANY, 0), home = addr(LOOPBACK, 0), from;
	socklen_t len = sizeof from;
	int a = dgram(0), b = dgram(0), port;
	char c;

	result("bind", bind(a, &home.sa, name_len()));
	home.port = htons((uint16_t)name_port(a));
	set_opt(b, IPPROTO_IP, IP_TTL, 17);
	result("bind", bind(b, &n.sa, name_len()));
	port = name_port(b);
	result("sendto", sendto(b, "x", 1, 0, &home.sa, name_len()));
	result("recvfrom", recvfrom(a, &c, 1, 0, &from.sa, &len));
	say("port %d", ntohs(from.port) == port);
	say("TTL %d", get_opt(b, IPPROTO_IP, IP_TTL));
	result("connect", connect(b, &home.sa, name_len()));
	result("send", send(b, "y", 1, 0));
	result("read", read(a, &c, 1));
}

/* What MSG_ERRQUEUE gives, and nothing more of it. */
static void
say_queue(const char *what, int fd, size_t room)
{
	union {
		struct cmsghdr h;
		char space[512];
	} c;
	char buf[100] = "";
	union name n, *from;
	struct iovec iov = {buf, room};
	struct msghdr m = {.msg_name = &n,
	    .msg_namelen = sizeof n,
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = sizeof c};
	const struct sock_extended_err *e;
	struct cmsghdr *h;

	if (result(what, recvmsg(fd, &m, MSG_ERRQUEUE)) < 0)
		return;
	say("%.20s flags %x", buf, (unsigned)m.msg_flags);
	say_name("to", 0, &n, m.msg_namelen, true);
	for (h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h)) {
		e = (const void *)CMSG_DATA(h);
		say("level %d type %d length %zu", h->cmsg_level, h->cmsg_type,
		    (size_t)h->cmsg_len);
		say("errno %u origin %u type %u code %u info %u", e->ee_errno,
		    e->ee_origin, e->ee_type, e->ee_code, e->ee_info);
		from = (union name *)(void *)SO_EE_OFFENDER(e);
		if (from->family != AF_UNSPEC)
			say_name("from", 0, from, name_len(), true);
	}
}

/* A datagram that somebody is told of by ICMP, in the error queue. */
static void
provoke_error(int fd, const union name *to)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int i;

	for (i = 0; i < PATIENCE_S * 5; i++) {
		sendto(fd, "wrong", 5, 0, to != NULL ? &to->sa : NULL,
		    to != NULL ? name_len() : 0);
		if (poll(&p, 1, 200) > 0)
			return;
	}
	broken("nobody refuses it");
}

static void
error_queue(void)
{
	bool v6 = family == AF_INET6;
	union name n = addr(PEER, 9);
	int fd = dgram(0), i;
	char c;

	say("%d", get_opt(fd, IPPROTO_IP, IP_RECVERR));
	say_queue("without", fd, 50);
	set_opt(fd, IPPROTO_IP, IP_RECVERR, 7);
	if (v6)
		set_opt(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	say("%d", get_opt(fd, IPPROTO_IP, IP_RECVERR));
	say_queue("empty", fd, 50);
	/* Who has no peer is told as well. */
	for (i = 0; i < 2; i++) {
		provoke_error(fd, &n);
		result("recv", recv(fd, &c, 1, MSG_DONTWAIT));
		say_queue("queue", fd, 50);
		say_queue("no more", fd, 50);
	}
	result("connect", connect(fd, &n.sa, name_len()));
	provoke_error(fd, NULL);
	say_queue("connected", fd, 3);
	say_error("with the queue goes the errno", fd);
	result("recv", recv(fd, &c, 1, MSG_DONTWAIT));
	provoke_error(fd, NULL);
	set_opt(fd, IPPROTO_IP, IP_RECVERR, 0);
	if (v6)
		set_opt(fd, IPPROTO_IPV6, IPV6_RECVERR, 0);
	say_queue("purged", fd, 50);
}

static void
time_stamps(void)
{
	static const int names[] = {SO_TIMESTAMP, SO_TIMESTAMPNS};
	union {
		struct cmsghdr h;
		char space[256];
	} c;
	char buf[50];
	struct iovec iov = {buf, sizeof buf};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	union name n = peer_name();
	struct cmsghdr *h;
	time_t then;
	size_t i;
	int fd = introduced();

	for (i = 0; i < 4; i++) {
		if (i == 2)
			result("connect", connect(fd, &n.sa, name_len()));
		set_opt(fd, SOL_SOCKET, names[i % 2], 1);
		set_opt(fd, IPPROTO_IP, IP_RECVTTL, i == 1);
		say("%d %d", get_opt(fd, SOL_SOCKET, SO_TIMESTAMP),
		    get_opt(fd, SOL_SOCKET, SO_TIMESTAMPNS));
		peer("dsend 5");
		m.msg_control = c.space;
		m.msg_controllen = sizeof c;
		result("recvmsg", recvmsg(fd, &m, 0));
		for (h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h)) {
			memcpy(&then, CMSG_DATA(h), sizeof then);
			say("level %d type %d length %zu now %d", h->cmsg_level,
			    h->cmsg_type, (size_t)h->cmsg_len,
			    h->cmsg_level == SOL_SOCKET &&
				time(NULL) - then < 60);
		}
	}
	set_opt(fd, SOL_SOCKET, SO_TIMESTAMPNS, 0);
	peer("dsend 5");
	m.msg_controllen = 0;
	m.msg_control = NULL;
	result("recvmsg", recvmsg(fd, &m, 0));
	say("flags %x", (unsigned)m.msg_flags);
}

static const struct shim_case cases[] = {
    CASE(fresh),
    CASE(kinds),
    CASE(talking),
    CASE(gathering),
    CASE(connecting),
    CASE(connecting_late),
    CASE(shutting),
    CASE(refused),
    CASE(wrong),
    CASE(binding),
    CASE(sharing_a_port),
    CASE(controlling),
    CASE(marking),
    CASE(marking_wrongly),
    CASE(pointing),
    CASE(segments),
    CASE(pieces),
    CASE(lengths),
    CASE(several),
    CASE(waiting),
    CASE(children),
    CASE(options),
    CASE(loopback),
    CASE(error_queue),
    CASE(time_stamps),
};

const struct subject datagrams_cases = SUBJECT("datagrams", cases);
