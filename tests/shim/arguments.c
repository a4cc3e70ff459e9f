/* SPDX-License-Identifier: ISC */
/*
 * Calls with wrong arguments: descriptors that are none, or no sockets, bad
 * pointers, lengths, families, types, protocols and flags.
 */
#include <sys/mman.h>
#include "cases.h"

/* Nothing is mapped there.  (The compiler shall not know.) */
static void *volatile nowhere = (void *)16, *volatile null;
static volatile int minus_one = -1, too_many = 1025;

/* ---- socket ---- */

static void
socket_families(void)
{
	static const int families_[] = {-1, AF_UNSPEC, 77, 1000};

	for (size_t i = 0; i < 4; i++)
		result("socket", socket(families_[i], SOCK_STREAM, 0));
}

static void
socket_types(void)
{
	static const int types[] = {-1, 0, 6, 7, 11, 15, 77, SOCK_RDM,
	    SOCK_SEQPACKET, SOCK_DCCP, 0x1000000 | SOCK_STREAM};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		result("socket", socket(family, types[i], 0));
}

static void
socket_protocols(void)
{
	static const int protocols[] = {-1, 1, 2, IPPROTO_UDP, IPPROTO_ICMPV6,
	    IPPROTO_RAW, 77, 255, 256, 1000};

	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
		result("socket", socket(family, SOCK_STREAM, protocols[i]));
}

static void
socket_raw(void)
{
	result("no protocol", socket(family, SOCK_RAW, 0));
	result("tcp", socket(family, SOCK_RAW, IPPROTO_TCP));
}

static void
socket_flags(void)
{
	static const int flags[] = {
	    0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC};

	for (size_t i = 0; i < 4; i++) {
		int fd = socket(family, SOCK_STREAM | flags[i], 0);

		say("%d %d %d", (int)i, fcntl(fd, F_GETFD),
		    !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
		close(fd);
	}
}

static void
socket_lowest_number(void)
{
	int a = stream(0), b = stream(0), c;

	close(a);
	c = stream(0);
	say("%d", a == c && b > a);
}

static void
socket_limit(void)
{
	int fd, last = -1, tries = 0;

	while ((fd = socket(family, SOCK_STREAM, 0)) >= 0 && tries++ < 70000)
		last = fd;
	result("socket", fd);
	close(last);
	result("socket", socket(family, SOCK_STREAM, 0) - last);
}

static void
socketpair_inet(void)
{
	int sv[2];

	result("socketpair", socketpair(family, SOCK_STREAM, 0, sv));
}

/* ---- any call on what is no socket ---- */

static void
every_call(int fd)
{
	union name n = addr(PEER, 1);
	socklen_t len = sizeof n;
	char b[8] = "";
	struct iovec iov = {b, sizeof b};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int v = 1;

	result("connect", connect(fd, &n.sa, name_len()));
	result("bind", bind(fd, &n.sa, name_len()));
	result("listen", listen(fd, 1));
	result("accept", accept(fd, NULL, NULL));
	result("accept4", accept4(fd, NULL, NULL, SOCK_CLOEXEC));
	result("getsockname", getsockname(fd, &n.sa, &len));
	result("getpeername", getpeername(fd, &n.sa, &len));
	result("shutdown", shutdown(fd, SHUT_RDWR));
	result("shutdown, bad", shutdown(fd, 9));
	result("setsockopt", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 4));
	len = sizeof v;
	result("getsockopt", getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
	result("send", send(fd, b, 1, MSG_NOSIGNAL));
	result("sendto", sendto(fd, b, 1, MSG_NOSIGNAL, &n.sa, name_len()));
	result("sendmsg", sendmsg(fd, &m, MSG_NOSIGNAL));
	result("recv", recv(fd, b, 1, MSG_DONTWAIT));
	result("recvfrom", recvfrom(fd, b, 1, MSG_DONTWAIT, NULL, NULL));
	result("recvmsg", recvmsg(fd, &m, MSG_DONTWAIT));
	result("SIOCOUTQ", ioctl(fd, SIOCOUTQ, &v));
	result("SIOCATMARK", ioctl(fd, SIOCATMARK, &v));
}

static void
no_descriptor(void)
{
	every_call(-1);
}

static void
closed_descriptor(void)
{
	int fd = stream(0);

	close(fd);
	every_call(fd);
}

static void
huge_descriptor(void)
{
	every_call(1 << 30);
}

static void
a_file(void)
{
	every_call(open("/dev/null", O_RDWR));
}

static void
a_pipe(void)
{
	int p[2];

	if (pipe(p) != 0)
		broken("pipe");
	every_call(p[0]);
}

static void
an_epoll(void)
{
	every_call(epoll_create1(0));
}

static void
a_path_descriptor(void)
{
	every_call(open("/", O_PATH));
}

/* A socket of AF_UNIX stays what it is. */
static void
a_unix_socket(void)
{
	int sv[2], v = -1;
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) != 0)
		broken("socketpair");
	say("domain %d protocol %d", get_opt(sv[0], SOL_SOCKET, SO_DOMAIN),
	    get_opt(sv[0], SOL_SOCKET, SO_PROTOCOL));
	result("nodelay", set_opt(sv[0], IPPROTO_TCP, TCP_NODELAY, 1));
	result("nodelay", get_opt(sv[0], IPPROTO_TCP, TCP_NODELAY));
	result("tos", set_opt(sv[0], IPPROTO_IP, IP_TOS, 1));
	result("getsockname", getsockname(sv[0], (void *)&ss, &len));
	say("family %d len %u", ss.ss_family, len);
	result("write", write(sv[0], "abc", 3));
	result("SIOCOUTQ", ioctl(sv[0], SIOCOUTQ, &v) * 0);
	result("FIONREAD", ioctl(sv[1], FIONREAD, &v));
	say("%d", v);
	result("trunc", recv(sv[1], NULL, 0, MSG_TRUNC));
	result("oob", recv(sv[1], &v, 1, MSG_OOB));
	close(sv[1]);
	handle(SIGPIPE, 0);
	result("send", send(sv[0], "abc", 3, 0));
	say("signals %d", (int)signals);
	result("nosignal", send(sv[0], "abc", 3, MSG_NOSIGNAL));
	say("signals %d", (int)signals);
}

/* ---- addresses ---- */

static void
connect_lengths(void)
{
	union {
		union name n;
		char room[256];
	} u = {.n = addr(PEER, 1)};
	static const socklen_t lens[] = {0, 1, 2, 7, 15, 23, 24, 27, 128, 129,
	    256, (socklen_t)-1, (socklen_t)INT32_MIN};
	int fd;

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		fd = stream(0);
		say("length %d", (int)lens[i]);
		result("connect", connect(fd, &u.n.sa, lens[i]));
		close(fd);
	}
}

static void
connect_pointers(void)
{
	int fd = stream(0);

	result("null", connect(fd, NULL, name_len()));
	result("nowhere", connect(fd, nowhere, name_len()));
	result("null, no length", connect(fd, NULL, 0));
	result("null, too long", connect(fd, NULL, 1000));
	result("at the end", connect(fd, (void *)-8, name_len()));
}

static void
connect_families(void)
{
	static const int other[] = {AF_UNIX, AF_NETLINK, 77, 65535};
	struct sockaddr_storage ss = {.ss_family = 0};
	int fd = stream(0);

	for (size_t i = 0; i < 4; i++) {
		ss.ss_family = (sa_family_t)other[i];
		result("connect", connect(fd, (void *)&ss, name_len()));
	}
	ss.ss_family = other_family();
	result("the other", connect(fd, (void *)&ss, sizeof ss));
}

static void
connect_to_group(void)
{
	union name n = addr(PEER, 9);
	int fd = stream(SOCK_NONBLOCK);

	if (family == AF_INET || mapped)
		return;
	inet_pton(AF_INET6, "ff02::1", &n.v6.sin6_addr);
	result("group", connect(fd, &n.sa, name_len()));
	n.v6.sin6_scope_id = 2;
	inet_pton(AF_INET6, "2001:db8::1", &n.v6.sin6_addr);
	n.port = htons(1);
	fcntl(fd, F_SETFL, 0);
	result("a scope where none belongs", connect(fd, &n.sa, name_len()));
}

static void
bind_lengths(void)
{
	union {
		union name n;
		char room[256];
	} u = {.n = addr(ANY, 0)};
	static const socklen_t lens[] = {
	    0, 1, 2, 7, 15, 16, 23, 24, 28, 128, 129, (socklen_t)-1};
	int fd;

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		fd = stream(0);
		say("length %d", (int)lens[i]);
		result("bind", bind(fd, &u.n.sa, lens[i]));
		close(fd);
	}
}

static void
bind_pointers(void)
{
	int fd = stream(0);

	result("null", bind(fd, NULL, name_len()));
	result("nowhere", bind(fd, nowhere, name_len()));
	result("null, too long", bind(fd, NULL, 1000));
	say_sockname("getsockname", fd);
}

static void
bind_families(void)
{
	static const int other[] = {AF_UNSPEC, AF_UNIX, AF_NETLINK, 77};
	struct sockaddr_storage ss = {.ss_family = 0};
	int fd;

	for (size_t i = 0; i < 4; i++) {
		fd = stream(0);
		ss.ss_family = (sa_family_t)other[i];
		result("bind", bind(fd, (void *)&ss, sizeof(union name)));
		close(fd);
	}
}

/* AF_UNSPEC is AF_INET for 0.0.0.0 alone. */
static void
bind_unspec_address(void)
{
	struct sockaddr_in sin = {.sin_family = AF_UNSPEC};
	int fd = stream(0);

	inet_pton(AF_INET, "192.0.2.2", &sin.sin_addr);
	result("bind", bind(fd, (void *)&sin, sizeof sin));
}

static void
bind_foreign(void)
{
	union name n = addr(FOREIGN, 0);
	int fd = stream(0);

	result("bind", bind(fd, &n.sa, name_len()));
	n = addr(NOBODY, 0);
	result("on the link", bind(fd, &n.sa, name_len()));
	n = addr(SUBJECT, 0);
	result("then ours", bind(fd, &n.sa, name_len()));
	say_sockname("getsockname", fd);
}

static void
bind_broadcast(void)
{
	union name n = addr(ANY, 0);
	int fd = stream(0);

	if (family != AF_INET)
		return;
	inet_pton(AF_INET, "224.0.0.1", &n.v4.sin_addr);
	result("group", bind(fd, &n.sa, name_len()));
	inet_pton(AF_INET, "255.255.255.255", &n.v4.sin_addr);
	result("broadcast", bind(fd, &n.sa, name_len()));
	inet_pton(AF_INET, "192.0.2.255", &n.v4.sin_addr);
	result("the link's", bind(fd, &n.sa, name_len()));
}

static void
freebind(void)
{
	union name n = addr(FOREIGN, 0);
	int fd = stream(0);

	result("set", set_opt(fd, IPPROTO_IP, IP_FREEBIND, 1));
	result("bind", bind(fd, &n.sa, name_len()));
	say_sockname("getsockname", fd);
	result("listen", listen(fd, 1));
	close(fd);
	fd = stream(0);
	n = addr(SUBJECT, 0);
	set_opt(fd, IPPROTO_IP, IP_FREEBIND, 1);
	result("ours", bind(fd, &n.sa, name_len()));
	result("connect", dial(fd, PEER, peer_number("listen")));
	say("freebind %d", get_opt(fd, IPPROTO_IP, IP_FREEBIND));
	say_sockname("getsockname", fd);
}

/* ---- names ---- */

static void
name_lengths(void)
{
	static const socklen_t lens[] = {
	    0, 1, 2, 4, 8, 16, 28, 100, (socklen_t)-1, (socklen_t)INT32_MIN};
	int fd = linked(0);
	unsigned char buf[128];
	socklen_t len, i;
	size_t k;
	int r;

	for (k = 0; k < sizeof lens / sizeof lens[0]; k++) {
		memset(buf, 0x5a, sizeof buf);
		len = lens[k];
		r = (int)result(
		    "getpeername", getpeername(fd, (void *)buf, &len));
		for (i = sizeof buf; i > 0 && buf[i - 1] == 0x5a; i--)
			;
		say("room %d length %u written %u", (int)lens[k], len,
		    r == 0 ? i : 0);
		len = lens[k];
		result("getsockname", getsockname(fd, (void *)buf, &len));
	}
}

static void
name_pointers(void)
{
	union name n;
	socklen_t len = sizeof n;
	int fd = linked(0);

	result("no length", getsockname(fd, &n.sa, NULL));
	result("nowhere", getsockname(fd, &n.sa, nowhere));
	result("no name", getsockname(fd, NULL, &len));
	len = 0;
	result("no room", getsockname(fd, NULL, &len));
	say("length %u", len);
	result("peer, no length", getpeername(fd, &n.sa, NULL));
	len = sizeof n;
	result("peer, nowhere", getpeername(fd, nowhere, &len));
}

static void
names_unconnected(void)
{
	union name n;
	socklen_t len = sizeof n;
	int fd = stream(0);

	result("no length", getpeername(fd, &n.sa, NULL));
	result("no name", getpeername(fd, NULL, &len));
	len = (socklen_t)-1;
	result("negative", getpeername(fd, &n.sa, &len));
	len = sizeof n;
	result("getsockname", getsockname(fd, NULL, &len));
}

/* ---- accept ---- */

static void
accept_flags(void)
{
	static const int flags[] = {1, 2, SOCK_NONBLOCK | 1, 0x1000000, -1};
	int fd = listening(SOCK_NONBLOCK);

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		result("accept4", accept4(fd, NULL, NULL, flags[i]));
}

static void
accept_flags_unconnected(void)
{
	int fd = stream(SOCK_NONBLOCK);

	result("accept4", accept4(fd, NULL, NULL, 77));
	result("accept", accept(fd, NULL, NULL));
	result("accept, nowhere", accept(fd, nowhere, nowhere));
}

static void
accept_pointers(void)
{
	union name n;
	socklen_t len = sizeof n;
	int fd = listening(0);

	peer("connect %d", name_port(fd));
	result("no length", accept(fd, &n.sa, NULL));
	say("peer: %s", peer("end"));
	peer("connect %d", name_port(fd));
	result("nowhere", accept(fd, nowhere, &len));
	peer("close");
	peer("connect %d", name_port(fd));
	say("no name, a length: %d", accept(fd, NULL, &len) >= 0);
	say("length %u", len);
	peer("close");
	peer("connect %d", name_port(fd));
	len = (socklen_t)-1;
	result("negative", accept(fd, &n.sa, &len));
	peer("close");
}

static void
accept_room(void)
{
	static const socklen_t lens[] = {0, 1, 2, 8, 16, 28, 100};
	unsigned char buf[128];
	int fd = listening(0);
	socklen_t len, i;
	size_t k;
	int c;

	for (k = 0; k < sizeof lens / sizeof lens[0]; k++) {
		peer("connect %d", name_port(fd));
		memset(buf, 0x5a, sizeof buf);
		len = lens[k];
		c = accept(fd, (void *)buf, &len);
		for (i = sizeof buf; i > 0 && buf[i - 1] == 0x5a; i--)
			;
		say("%d room %u length %u written %u", c >= 0, lens[k], len, i);
		close(c);
		peer("close");
	}
}

/* ---- data ---- */

static void
data_pointers(void)
{
	int fd = linked(0);

	handle(SIGPIPE, 0);
	result("send", send(fd, nowhere, 1, 0));
	result("write", write(fd, nowhere, 1));
	result("nothing", send(fd, nowhere, 0, 0));
	result("write nothing", write(fd, NULL, 0));
	peer("send 10");
	await_quietly(fd, POLLIN);
	result("recv", recv(fd, nowhere, 1, 0));
	result("read", read(fd, nowhere, 1));
	result("recv nothing", recv(fd, nowhere, 0, 0));
	say_read("read", fd);
	say("signals %d", (int)signals);
}

static void
recvfrom_pointers(void)
{
	union name n;
	socklen_t len = (socklen_t)-1;
	char b[4];
	int fd = linked(0);

	peer("send 10");
	await_quietly(fd, POLLIN);
	result("negative", recvfrom(fd, b, 1, 0, &n.sa, &len));
	result("no length", recvfrom(fd, b, 1, 0, &n.sa, NULL));
	len = sizeof n;
	result("no name", recvfrom(fd, b, 1, 0, NULL, &len));
	say("length %u", len);
	say_read("the rest", fd);
}

static void
vectors(void)
{
	struct iovec v[3] = {{(char[]){"ab"}, 2}, {NULL, 0}, {nowhere, 2}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 3};
	int fd = linked(0);

	result("writev", writev(fd, v, 2));
	result("none", writev(fd, v, 0));
	result("too many", writev(fd, v, too_many));
	result("negative", writev(fd, v, minus_one));
	result("null", writev(fd, null, 1));
	result("sendmsg of the bad", sendmsg(fd, &m, 0) < 0 ? -1 : 0);
	m.msg_iovlen = (size_t)too_many;
	result("sendmsg of too many", sendmsg(fd, &m, 0));
	m.msg_iovlen = 0;
	result("sendmsg of none", sendmsg(fd, &m, 0));
	result("null", sendmsg(fd, NULL, 0));
	v[0].iov_len = (size_t)-1;
	result("huge", writev(fd, v, 1));
	result("recvmsg of null", recvmsg(fd, NULL, MSG_DONTWAIT));
	m.msg_iovlen = (size_t)too_many;
	result("recvmsg of too many", recvmsg(fd, &m, MSG_DONTWAIT));
}

static void
unknown_flags(void)
{
	int fd = linked(0);
	char b[4];

	result("send", send(fd, "x", 1, 0x00100000));
	result("send all", send(fd, "x", 1, MSG_DONTROUTE | MSG_CONFIRM));
	say("peer: %s", peer("recv 2"));
	peer("send 2");
	await_quietly(fd, POLLIN);
	result("recv", recv(fd, b, 1, 0x00100000));
	result("recv", recv(fd, b, 1, MSG_CONFIRM | MSG_EOR));
}

static void
listen_backlogs(void)
{
	static const int backlogs[] = {0, -1, 1, 100000, INT32_MIN};
	int fd = stream(0);

	for (size_t i = 0; i < sizeof backlogs / sizeof backlogs[0]; i++)
		result("listen", listen(fd, backlogs[i]));
	peer("connect %d", name_port(fd));
	say("accept %d", accept(fd, NULL, NULL) >= 0);
}

static void
shutdown_hows(void)
{
	static const int hows[] = {-1, 3, 4, 1000};
	int fd = linked(0), u = stream(0), l = listening(0);

	for (size_t i = 0; i < 4; i++) {
		result("connected", shutdown(fd, hows[i]));
		result("fresh", shutdown(u, hows[i]));
		result("listening", shutdown(l, hows[i]));
	}
	result("fresh", shutdown(u, SHUT_RD));
	result("fresh", shutdown(u, SHUT_WR));
}

/* Addresses on the last bytes of a page, behind which there is nothing. */
static void
page_ends(void)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	union name n = addr(PEER, 1);
	int fd = stream(0), *v;
	socklen_t *len;

	munmap(page + 4096, 4096);
	memcpy(page + 4096 - name_len(), &n, name_len());
	result("connect",
	    connect(fd, (void *)(page + 4096 - name_len()), name_len()));
	result("beyond",
	    connect(fd, (void *)(page + 4100 - name_len()), name_len()));
	v = (int *)(page + 4092);
	*v = 1;
	result("set", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, v, sizeof *v));
	result("beyond",
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, page + 4094, sizeof *v));
	len = (socklen_t *)(page + 4088);
	*len = sizeof *v;
	result("get", getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, v, len));
	say("%d length %u", *v != 0, *len);
	result("beyond",
	    getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, page + 4094, len));
	*len = 100;
	result("getsockname",
	    getsockname(fd, (void *)(page + 4096 - name_len()), len) * 0);
}

static const struct shim_case table[] = {
    CASE(socket_families),
    CASE(socket_types),
    CASE(socket_protocols),
    CASE(socket_raw),
    CASE(socket_flags),
    CASE(socket_lowest_number),
    CASE(socket_limit),
    CASE(socketpair_inet),
    CASE(no_descriptor),
    CASE(closed_descriptor),
    CASE(huge_descriptor),
    CASE(a_file),
    CASE(a_pipe),
    CASE(an_epoll),
    CASE(a_path_descriptor),
    CASE(a_unix_socket),
    CASE(connect_lengths),
    CASE(connect_pointers),
    CASE(connect_families),
    CASE(connect_to_group),
    CASE(bind_lengths),
    CASE(bind_pointers),
    CASE(bind_families),
    CASE(bind_unspec_address),
    CASE(bind_foreign),
    CASE(bind_broadcast),
    CASE(freebind),
    CASE(name_lengths),
    CASE(name_pointers),
    CASE(names_unconnected),
    CASE(accept_flags),
    CASE(accept_flags_unconnected),
    CASE(accept_pointers),
    CASE(accept_room),
    CASE(data_pointers),
    CASE(recvfrom_pointers),
    CASE(vectors),
    CASE(unknown_flags),
    CASE(listen_backlogs),
    CASE(shutdown_hows),
    CASE(page_ends),
};
const struct subject arguments_cases = SUBJECT("arguments", table);
