/* SPDX-License-Identifier: ISC */
/*
 * Who may have a port: SO_REUSEADDR and SO_REUSEPORT, with listeners, with
 * connections and with what is left of them; ports that are the system's
 * choice; SO_BINDTODEVICE.
 */
#include <net/if.h>
#include "cases.h"

static int
bound(enum host host, int port, int reuse)
{
	union name n = addr(host, port);
	int fd = stream(0);

	if (reuse != 0)
		set_opt(fd, SOL_SOCKET, reuse, 1);
	if (bind(fd, &n.sa, name_len()) != 0) {
		port = errno;
		close(fd);
		errno = port;
		return -1;
	}
	return fd;
}

static void
say_bound(const char *what, int fd)
{
	result(what, fd < 0 ? -1 : 0);
	if (fd >= 0)
		close(fd);
}

/* ---- who may have it too ---- */

struct pair {
	enum host first, second;
};

/* A second socket at the port of a first, all ways. */
static void
pair(void)
{
	static const int reuse[] = {0, SO_REUSEADDR, SO_REUSEPORT};
	const struct pair *p = case_row;
	int a, b, i, j, listens, port;
	char what[64];

	for (i = 0; i < 3; i++) {
		for (j = 0; j < 3; j++) {
			for (listens = 0; listens < 3; listens++) {
				a = bound(p->first, 0, reuse[i]);
				port = name_port(a);
				if (listens > 0)
					listen(a, 1);
				b = bound(p->second, port, reuse[j]);
				snprintf(what, sizeof what, "%d %d, listens %d",
				    i, j, listens);
				result(what, b < 0 ? -1 : 0);
				if (b >= 0 && listens == 2)
					result("listen", listen(b, 1));
				close(b);
				close(a);
			}
		}
	}
}

/* ---- what is left of a connection ---- */

/* Closed on this side first: the port is in TIME-WAIT. */
static int
leave_one(void)
{
	int l = bound(ANY, 0, SO_REUSEADDR), port = name_port(l), c;

	listen(l, 4);
	peer("connect %d", port);
	c = accept(l, NULL, NULL);
	shutdown(c, SHUT_WR);
	say("peer: %s", peer("end"));
	peer("close");
	await_quietly(c, POLLHUP);
	close(c);
	close(l);
	return port;
}

static void
time_wait(void)
{
	int port = leave_one();

	say_bound("without", bound(ANY, port, 0));
	say_bound("with SO_REUSEADDR", bound(ANY, port, SO_REUSEADDR));
	say_bound("with SO_REUSEPORT", bound(ANY, port, SO_REUSEPORT));
	say_bound("at the address", bound(SUBJECT, port, 0));
	say_bound("with SO_REUSEADDR", bound(SUBJECT, port, SO_REUSEADDR));
}

static void
time_wait_listens(void)
{
	int port = leave_one(), l = bound(ANY, port, SO_REUSEADDR), c;

	result("listen", listen(l, 4));
	say("peer %.4s", peer("connect %d", port));
	c = accept(l, NULL, NULL);
	peer("say abc");
	say_read("read", c);
}

/* A connection that lives on without its listener. */
static void
connection_remains(void)
{
	int l = bound(ANY, 0, 0), port = name_port(l), c;

	listen(l, 4);
	peer("connect %d", port);
	c = accept(l, NULL, NULL);
	close(l);
	say_bound("without", bound(ANY, port, 0));
	say_bound("with SO_REUSEADDR", bound(ANY, port, SO_REUSEADDR));
	close(c);
}

static void
connection_remains_reusable(void)
{
	int l = bound(ANY, 0, SO_REUSEADDR), port = name_port(l), c, again;

	listen(l, 4);
	peer("connect %d", port);
	c = accept(l, NULL, NULL);
	close(l);
	say_bound("without", bound(ANY, port, 0));
	again = bound(ANY, port, SO_REUSEADDR);
	result("with SO_REUSEADDR", again < 0 ? -1 : 0);
	result("listen", listen(again, 4));
	peer("say abc");
	say_read("read", c);
}

/* ---- ports of connections ---- */

static void
two_from_one_port(void)
{
	int to = peer_number("listen"), a = bound(SUBJECT, 0, SO_REUSEADDR),
	    b = bound(SUBJECT, name_port(a), SO_REUSEADDR);

	result("connect", dial(a, PEER, to));
	result("the same", dial(b, PEER, to));
	result("elsewhere", dial(b, PEER, 1));
}

static void
from_listening_port(void)
{
	int l = bound(ANY, 0, SO_REUSEADDR), port = name_port(l), fd;

	fd = bound(ANY, port, SO_REUSEADDR);
	listen(l, 4);
	result("connect", dial(fd, PEER, peer_number("listen")));
	say("same port %d", name_port(fd) == port);
}

static void
bound_without_port(void)
{
	union name n = addr(SUBJECT, 0);
	int fd = stream(0);

	result("set", set_opt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1));
	result("bind", bind(fd, &n.sa, name_len()));
	say("port %d", name_port(fd) != 0);
	say_sockname("getsockname", fd);
	result("connect", dial(fd, PEER, peer_number("listen")));
	say("port %d", name_port(fd) != 0);
	say_sockname("getsockname", fd);
	close(fd);
	fd = stream(0);
	set_opt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	result("bind", bind(fd, &n.sa, name_len()));
	result("listen", listen(fd, 1));
	say("port %d", name_port(fd) != 0);
}

static void
ephemeral_ports(void)
{
	int fd[50], i, j, same = 0;

	for (i = 0; i < 50; i++) {
		fd[i] = bound(ANY, 0, 0);
		for (j = 0; j < i; j++)
			same += name_port(fd[i]) == name_port(fd[j]);
	}
	say("same %d, above 1023 %d", same, name_port(fd[0]) > 1023);
}

/* ---- balance ---- */

#define SHARES 4

/* How many of so many connections come to each. */
static void
share_out(const int *l, int n, int port, int *got)
{
	struct pollfd p[SHARES];
	int i;

	for (i = 0; i < SHARES; i++)
		p[i] = (struct pollfd){l[i], POLLIN, 0};
	for (; n > 0; n--) {
		peer("connect %d", port);
		if (poll(p, SHARES, 5000) <= 0)
			return;
		for (i = 0; i < SHARES; i++) {
			if (!(p[i].revents & POLLIN))
				continue;
			close(accept(l[i], NULL, NULL));
			got[i]++;
		}
		peer("close");
	}
}

static void
balanced(void)
{
	int l[SHARES], got[SHARES] = {0}, i, port = 0, all = 0, idle = 0;

	for (i = 0; i < SHARES; i++) {
		l[i] = bound(ANY, port, SO_REUSEPORT);
		port = name_port(l[i]);
		if (listen(l[i], 64) != 0)
			broken("listen");
	}
	share_out(l, 60, port, got);
	for (i = 0; i < SHARES; i++) {
		all += got[i];
		idle += got[i] == 0;
	}
	say("all %d, without any %d", all, idle);
	/* Two less: their share goes to the others. */
	close(l[0]);
	close(l[1]);
	l[0] = l[1] = -1;
	memset(got, 0, sizeof got);
	share_out(l, 30, port, got);
	say("to the closed %d, to the others %d", got[0] + got[1],
	    got[2] + got[3]);
	say("each %d", got[2] > 0 && got[3] > 0);
}

/* One that has just had a connection is closed: the next goes to the other. */
static void
balanced_closing(void)
{
	int l[SHARES] = {-1, -1, -1, -1}, got[SHARES], round, port, all = 0;

	for (round = 0; round < 50; round++) {
		memset(got, 0, sizeof got);
		l[0] = bound(ANY, 0, SO_REUSEPORT);
		port = name_port(l[0]);
		l[1] = bound(ANY, port, SO_REUSEPORT);
		if (listen(l[0], 4) != 0 || listen(l[1], 4) != 0)
			broken("listen");
		share_out(l, 1, port, got);
		close(l[!got[0]]);
		l[!got[0]] = -1;
		share_out(l, 1, port, got);
		all += got[0] + got[1];
		close(l[0] < 0 ? l[1] : l[0]);
	}
	say("all %d", all);
}

/* By processes that know nothing of each other. */
static void
balanced_between_processes(void)
{
	int first = bound(ANY, 0, SO_REUSEPORT), port = name_port(first), i, c;
	int served = 0, status, idle = 0, gate[2], fd;
	pid_t pid[SHARES];
	char byte;

	if (pipe(gate) != 0)
		broken("pipe");
	for (i = 0; i < SHARES; i++) {
		pid[i] = fork();
		if (pid[i] != 0)
			continue;
		close(first);
		fd = bound(ANY, port, SO_REUSEPORT);
		if (listen(fd, 64) != 0 || write(gate[1], "x", 1) != 1)
			_exit(200);
		for (c = 0; (i = accept(fd, NULL, NULL)) >= 0; c++) {
			/* "s": no more.  An exit closes the connection first,
			 * and the next one could still come here. */
			if (read(i, &byte, 1) != 1 || byte == 's') {
				close(fd);
				_exit(c);
			}
			close(i);
		}
		_exit(201);
	}
	close(first);
	for (i = 0; i < SHARES; i++)
		if (read(gate[0], &byte, 1) != 1)
			broken("gate");
	for (i = 0; i < 60; i++) {
		peer("connect %d", port);
		peer("say a");
		peer("end");
		peer("close");
	}
	/* Each takes its leave, until all have. */
	for (i = 0; i < SHARES; i++) {
		peer("connect %d", port);
		peer("say s");
		peer("end");
		peer("close");
	}
	for (i = 0; i < SHARES; i++) {
		waitpid(pid[i], &status, 0);
		served += WEXITSTATUS(status);
		idle += WEXITSTATUS(status) == 0;
	}
	say("served %d, without any %d", served, idle);
}

/* ---- devices ---- */

static void
say_device(const char *what, int fd, const char *want)
{
	char name[IFNAMSIZ] = "";
	socklen_t len = sizeof name;

	if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &len) != 0)
		say("%s: %s", what, strerrorname_np(errno));
	else
		say("%s: as set %d, length %d", what, strcmp(name, want) == 0,
		    len == 0				 ? 0
		    : len == (socklen_t)strlen(want) + 1 ? 1
							 : -1);
}

static int
to_device(int fd, const char *name)
{
	return setsockopt(
	    fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name) + 1);
}

const char *
device(void)
{
	const char *name = getenv("CASES_DEVICE");

	return name != NULL ? name : "lab0";
}

static void
device_unknown(void)
{
	int fd = stream(0);

	result("none", to_device(fd, "nosuch0"));
	result("too long", to_device(fd, "a-name-that-is-too-long-for-one"));
	result("empty", to_device(fd, ""));
	say_device("get", fd, "");
}

static void
device_connects(void)
{
	int fd = stream(0);

	result("set", to_device(fd, device()));
	say_device("get", fd, device());
	result("connect", dial(fd, PEER, peer_number("listen")));
	say("peer %.4s", peer("accept"));
	say_device("get", fd, device());
	result("again", to_device(fd, device()));
	result("another", to_device(fd, "lo"));
	result("none", to_device(fd, ""));
	result("write", write(fd, "abc", 3));
	say("peer: %s", peer("recv 3"));
}

static void
device_listens(void)
{
	int fd = bound(ANY, 0, 0), c;

	result("set", to_device(fd, device()));
	result("listen", listen(fd, 4));
	peer("connect %d", name_port(fd));
	c = accept(fd, NULL, NULL);
	say("accept %d", c >= 0);
	say_device("inherited", c, device());
}

static void
device_room(void)
{
	char name[64];
	socklen_t len;
	int fd = stream(0);

	to_device(fd, device());
	for (len = 0; len <= 16; len += 4) {
		socklen_t got = len;

		result("get",
		    getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &got));
	}
	result(
	    "not ended", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
}

static void
device_by_index(void)
{
	int fd = stream(0), index = (int)if_nametoindex(device());

	result("set", set_opt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, index));
	say("get %d", get_opt(fd, SOL_SOCKET, SO_BINDTOIFINDEX) == index);
	say_device("get", fd, device());
	result(
	    "negative", set_opt(stream(0), SOL_SOCKET, SO_BINDTOIFINDEX, -1));
	result("none", set_opt(stream(0), SOL_SOCKET, SO_BINDTOIFINDEX, 0));
}

#define PAIR(one, other)                                                       \
	{                                                                      \
		"pair_" #one "_" #other, pair, &(const struct pair)            \
		{                                                              \
			one, other                                             \
		}                                                              \
	}

static const struct shim_case table[] = {
    PAIR(ANY, ANY),
    PAIR(ANY, SUBJECT),
    PAIR(SUBJECT, ANY),
    PAIR(SUBJECT, SUBJECT),
    CASE(time_wait),
    CASE(time_wait_listens),
    CASE(connection_remains),
    CASE(connection_remains_reusable),
    CASE(two_from_one_port),
    CASE(from_listening_port),
    CASE(bound_without_port),
    CASE(ephemeral_ports),
    CASE(balanced),
    CASE(balanced_closing),
    CASE(balanced_between_processes),
    CASE(device_unknown),
    CASE(device_connects),
    CASE(device_listens),
    CASE(device_room),
    CASE(device_by_index),
};
const struct subject ports_cases = SUBJECT("ports", table);
