/* SPDX-License-Identifier: ISC */
/*
 * What few programs do, and those that do rely on: options set in an unusual
 * order, rights and devices that are not there, completions that must come or
 * be refused, and what of all this the peer sees in the packets.
 */
#include <net/if.h>
#include "cases.h"

static int
bound_at(int fd, int port)
{
	union name n = addr(ANY, port);

	return bind(fd, &n.sa, name_len());
}

/* One of the pair gets the option only when it is bound. */
static void
reuse_late_of(int name)
{
	int when, a, b, port;

	for (when = 0; when < 4; when++) {
		/* Of a port for one user's alone Linux remembers what it was.
		 */
		if (name == SO_REUSEPORT && when == 1)
			continue;
		a = stream(0);
		b = stream(0);
		set_opt(a, SOL_SOCKET, name, when & 1);
		set_opt(b, SOL_SOCKET, name, 1);
		bound_at(a, 0);
		port = name_port(a);
		set_opt(a, SOL_SOCKET, name, !(when & 1));
		if (when & 2)
			listen(a, 1);
		say("option %d, before %d, listens %d", name, when & 1,
		    when >> 1);
		result("bind", bound_at(b, port));
		close(a);
		close(b);
	}
}

static void
reuse_late(void)
{
	reuse_late_of(SO_REUSEADDR);
	reuse_late_of(SO_REUSEPORT);
}

/* Taken back by the second: then it may not have the port. */
static void
reuse_withdrawn(void)
{
	int a = stream(0), b = stream(0), c = stream(0), port;

	set_opt(a, SOL_SOCKET, SO_REUSEADDR, 1);
	set_opt(b, SOL_SOCKET, SO_REUSEADDR, 1);
	set_opt(c, SOL_SOCKET, SO_REUSEADDR, 1);
	result("first", bound_at(a, 0));
	port = name_port(a);
	result("second", bound_at(b, port));
	set_opt(a, SOL_SOCKET, SO_REUSEADDR, 0);
	result("third", bound_at(c, port));
	result("listen", listen(b, 1));
	result("listen, the other", listen(a, 1));
}

/* One side, then it again, or the other. */
static void
shut_again(void)
{
	int fd, first, second;

	for (first = SHUT_RD; first <= SHUT_WR; first++) {
		for (second = SHUT_RD; second <= SHUT_RDWR; second++) {
			fd = linked(0);
			say("%d then %d", first, second);
			result("shutdown", shutdown(fd, first));
			result("again", shutdown(fd, second));
			if (first != SHUT_RD) {
				say("peer: %s", peer("end"));
				peer("shut");
				await_quietly(fd, POLLHUP);
				say("bits %s", bits_text(bits(fd)));
			}
			close(fd);
			peer("close");
		}
	}
}

/* Both, and the peer has not said that it is done. */
static void
shut_twice(void)
{
	int fd = linked(0);

	result("shutdown", shutdown(fd, SHUT_RDWR));
	say("peer: %s", peer("end"));
	result("again", shutdown(fd, SHUT_RDWR));
	say_sockname("getsockname", fd);
	say_peername("getpeername", fd);
}

static void
shut_when_over(void)
{
	int fd = linked(0);

	peer("reset");
	await_quietly(fd, POLLHUP);
	result("reset", shutdown(fd, SHUT_RDWR));
	result("again", shutdown(fd, SHUT_RDWR));
	fd = linked(0);
	peer("shut");
	await_quietly(fd, POLLRDHUP);
	result("after a FIN", shutdown(fd, SHUT_RD));
	result("and ours", shutdown(fd, SHUT_RDWR));
	say("peer: %s", peer("end"));
	say("bits %s", bits_text(bits(fd)));
	say_read("read", fd);
}

/* These processes are root's and have no capabilities. */
static void
low_ports(void)
{
	static const int ports[] = {1, 79, 80, 1023};

	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		int fd = stream(0);

		result("bind", bound_at(fd, ports[i]));
		result("then any", bound_at(fd, 0));
		result("listen", listen(fd, 1));
		close(fd);
		fd = socket(family, SOCK_DGRAM, 0);
		result("UDP", bound_at(fd, ports[i]));
		result("then any", bound_at(fd, 0));
		close(fd);
	}
}

static int
to_device(int fd, const char *name)
{
	return setsockopt(
	    fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name));
}

static void
say_bound(const char *what, int fd)
{
	char name[IFNAMSIZ] = "";
	socklen_t len = sizeof name;

	result(what, getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len));
	say("%s: %.4s, index of lo %d", what,
	    strcmp(name, "lo") == 0 ? name : "-",
	    get_opt(fd, SOL_SOCKET, SO_BINDTOIFINDEX) == 1);
}

static void
to_loopback(void)
{
	union name n = addr(LOOPBACK, 0);
	int l = stream(0), fd = stream(0), c;

	result("listener", to_device(l, "lo"));
	say_bound("listener", l);
	result("bind", bind(l, &n.sa, name_len()));
	result("listen", listen(l, 1));
	result("device", to_device(fd, "lo"));
	say_bound("device", fd);
	result("connect", dial(fd, LOOPBACK, name_port(l)));
	c = accept(l, NULL, NULL);
	result("write", write(fd, "abc", 3));
	say_read("read", c);
	say_bound("accepted", c);
	fd = stream(SOCK_NONBLOCK);
	to_device(fd, "lo");
	/* What is said of it is the route's business. */
	say("elsewhere %d", dial(fd, PEER, 9) == 0 || errno == EINPROGRESS);
}

static void
to_nowhere(void)
{
	int fd = stream(SOCK_NONBLOCK);

	result(
	    "unknown index", set_opt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 4711));
	say("index %d", get_opt(fd, SOL_SOCKET, SO_BINDTOIFINDEX));
	say("connect %d", dial(fd, PEER, 9) == 0 || errno == EINPROGRESS);
	fd = stream(0);
	result("empty", to_device(fd, ""));
	result("no bytes", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
	result("unknown", to_device(fd, "nosuch0"));
	result("index 0", set_opt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 0));
	say_bound("still", fd);
}

/* ---- who waits for a completion ---- */

/* Refused or complete: never neither. */
static void
zerocopy(void)
{
	int fd = linked(0), r;
	char buf[256];
	struct msghdr m = {.msg_control = buf, .msg_controllen = sizeof buf};
	struct pollfd p = {fd, 0, 0};

	/* Without the option the flag means nothing. */
	result("send", send(fd, "abc", 3, MSG_ZEROCOPY));
	say("peer: %s", peer("recv 3"));
	result("queue", recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT));
	say("bits %s", bits_text(bits(fd)));
	if (set_opt(fd, SOL_SOCKET, SO_ZEROCOPY, 1) != 0) {
		say("told");
		return;
	}
	send(fd, "abc", 3, MSG_ZEROCOPY);
	peer("recv 3");
	r = poll(&p, 1, PATIENCE_S * 1000);
	m.msg_controllen = sizeof buf;
	r = r == 1 ? (int)recvmsg(fd, &m, MSG_ERRQUEUE) : -1;
	say("%s", r == 0 ? "told" : "not told");
}

/* ---- hints ---- */

static void
say_hint(int fd, int name, int v)
{
	int r = set_opt(fd, SOL_SOCKET, name, v), err = errno;

	say("%d to %d: %s, is %d", name, v, r == 0 ? "0" : strerrorname_np(err),
	    get_opt(fd, SOL_SOCKET, name));
}

static void
hints_of(const char *what, int fd)
{
	say("%s", what);
	for (int v = 0; v < 8; v += 3) {
		say_hint(fd, SO_PRIORITY, v);
		say_hint(fd, SO_MARK, v);
		say_hint(fd, SO_BUSY_POLL, v);
		say_hint(fd, SO_INCOMING_CPU, v);
		say_hint(fd, SO_INCOMING_NAPI_ID, v);
		say_hint(fd, SO_PREFER_BUSY_POLL, v);
		say_hint(fd, SO_BUSY_POLL_BUDGET, v);
	}
	close(fd);
}

static void
hints(void)
{
	hints_of("fresh", stream(0));
	hints_of("listening", listening(0));
	hints_of("connected", linked(0));
}

static void
say_congestion(const char *what, int fd)
{
	char name[32] = "";
	socklen_t len = sizeof name;

	result(what, getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
	say("%s: %s, length %u", what, name, len);
}

static void
congestion_early(void)
{
	int fd = stream(0), l;
	union name n = addr(ANY, 0);

	result("reno", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	say_congestion("fresh", fd);
	/* From here on a route may have a word, as the lab's has. */
	result("connect", dial(fd, PEER, peer_number("listen")));
	result(
	    "cubic", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 6));
	say_congestion("connected", fd);
	result("none", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "none", 4));
	l = stream(0);
	setsockopt(l, IPPROTO_TCP, TCP_CONGESTION, "reno", 5);
	result("bind", bind(l, &n.sa, name_len()));
	result("listen", listen(l, 1));
	say_congestion("listening", l);
}

/* ---- as the peer sees it ---- */

static void
say_seen(const char *what)
{
	say("%s: %s", what, peer("seen"));
}

static void
mark(int fd, int tos, int hops)
{
	bool six = family == AF_INET6 && !mapped;

	result("tos", six ? set_opt(fd, IPPROTO_IPV6, IPV6_TCLASS, tos)
			  : set_opt(fd, IPPROTO_IP, IP_TOS, tos));
	result("hops", six ? set_opt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops)
			   : set_opt(fd, IPPROTO_IP, IP_TTL, hops));
}

static void
marks_seen(void)
{
	int fd = stream(0);

	mark(fd, 0x28, 33);
	dial(fd, PEER, peer_number("watch"));
	peer("accept");
	say_seen("SYN");
	result("write", write(fd, "abc", 3));
	say("peer: %s", peer("recv 3"));
	say_seen("data");
	mark(fd, 0x48, 44);
	result("write", write(fd, "abcd", 4));
	say("peer: %s", peer("recv 4"));
	say_seen("data");
	result("shutdown", shutdown(fd, SHUT_WR));
	say("peer: %s", peer("end"));
	say_seen("FIN");
}

static void
marks_inherited(void)
{
	int l = stream(0), fd;
	union name n = addr(ANY, 0);

	mark(l, 0x28, 33);
	bind(l, &n.sa, name_len());
	listen(l, 1);
	peer("watch");
	peer("connect %d", name_port(l));
	fd = accept(l, NULL, NULL);
	say_seen("SYN");
	result("write", write(fd, "abc", 3));
	say("peer: %s", peer("recv 3"));
	say_seen("data");
}

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Linux holds a segment back for 200 ms at most: a machine that has no time
 * for us tries again. */
static void
corked(void)
{
	int fd, i, tries;
	long began;

	for (tries = 0; tries < 20; tries++) {
		fd = stream(0);
		dial(fd, PEER, peer_number("watch"));
		peer("accept");
		peer("seen");
		set_opt(fd, IPPROTO_TCP, TCP_CORK, 1);
		began = now_ms();
		for (i = 0; i < 5; i++)
			if (write(fd, "0123456789", 10) != 10)
				broken("write");
		set_opt(fd, IPPROTO_TCP, TCP_CORK, 0);
		if (now_ms() - began < 100)
			break;
		close(fd);
		peer("close");
	}
	say("peer: %.2s", peer("recv 50"));
	say_seen("uncorked");
	/* As long as it is corked the FIN goes with the rest. */
	set_opt(fd, IPPROTO_TCP, TCP_CORK, 1);
	result("write", write(fd, "0123456789", 10));
	result("shutdown", shutdown(fd, SHUT_WR));
	say("peer: %s", peer("end"));
	say("all %s", strncmp(peer("seen"), "10", 2) == 0 ? "sent" : "lost");
}

static const struct shim_case table[] = {
    CASE(reuse_late),
    CASE(reuse_withdrawn),
    CASE(shut_again),
    CASE(shut_twice),
    CASE(shut_when_over),
    CASE(low_ports),
    CASE(to_loopback),
    CASE(to_nowhere),
    CASE(zerocopy),
    CASE(hints),
    CASE(congestion_early),
    CASE(marks_seen),
    CASE(marks_inherited),
    CASE(corked),
};
const struct subject corners_cases = SUBJECT("corners", table);
