/* SPDX-License-Identifier: ISC */
/*
 * Clients that lie, fall silent, die in crowds, or are not who they say.
 */
#include "config.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/engine_lab.h"

TestSuite(engine_hostile, .init = lab_up, .fini = lab_down, .timeout = 60);

Test(engine_hostile, a_thousand_killed_at_once_leave_nothing)
{
	struct cl l = cl_socket();
	int port = cl_listen(&l, 1, 0, 1024), i, n = 500, status, ready[2];
	static char junk[20000];
	pid_t pid;
	char c;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < n; i++) {
			struct cl a = cl_socket();

			if (cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port) != 0)
				_exit(1);
			(void)send(a.fd, junk, sizeof junk, MSG_DONTWAIT);
		}
		(void)!write(ready[1], "", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &c, 1), 1);
	cr_assert_eq(lab_conns(0), (size_t)n);
	for (i = 0; i < n / 2; i++)
		cr_assert_geq(cl_accept(&l), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
}

/* What is sent raw; the answer's errno, -1: closed without one. */
static int
raw(const void *p, size_t n, struct proto_reply *reply)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ssize_t r;

	strcpy(sun.sun_path, lab[0].path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	cr_assert_eq(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
	r = recv(fd, reply, sizeof *reply, MSG_WAITALL);
	close(fd);
	return r == sizeof *reply ? reply->err : -1;
}

Test(engine_hostile, malformed_clients_are_counted_and_closed)
{
	struct proto_head h = {
	    .magic = PROTO_MAGIC, .version = 77, .type = PROTO_ERROR};
	struct proto_reply r;
	struct cl a;
	int b;

	cr_assert_eq(raw("GET / HTTP/1.0\r\n\r\n", 18, &r), -1);
	cr_assert_eq(lab_drops(0, DROP_IPC_MALFORMED), 1);
	cr_assert_eq(raw(&h, sizeof h, &r), EPROTONOSUPPORT);
	cr_assert_eq(r.version, PROTO_VERSION);
	cr_assert_eq(lab_drops(0, DROP_IPC_VERSION), 1);
	h.version = PROTO_VERSION;
	h.type = PROTO_BIND; /* without its body */
	cr_assert_eq(raw(&h, sizeof h, &r), -1);
	h.len = 1 << 20;
	cr_assert_eq(raw(&h, sizeof h, &r), -1);
	h.len = 0;
	h.type = 99;
	cr_assert_eq(raw(&h, sizeof h, &r), -1);
	cr_assert_eq(lab_drops(0, DROP_IPC_MALFORMED), 4);
	cl_pair(&a, &b); /* and it works as before */
}

Test(engine_hostile, half_a_request_waits_for_the_rest)
{
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = PROTO_ERROR,
	    .handle = 5};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct proto_reply r;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path, lab[0].path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	cr_assert_eq(send(fd, &h, 7, 0), 7);
	(void)lab_conns(0); /* a turn goes by */
	cr_assert_eq(
	    send(fd, (char *)&h + 7, sizeof h - 7, 0), (ssize_t)sizeof h - 7);
	cr_assert_eq(recv(fd, &r, sizeof r, MSG_WAITALL), (ssize_t)sizeof r);
	cr_assert_eq(r.err, EBADF);
}

Test(engine_hostile, another_user_needs_the_descriptor)
{
	struct proto_opt o = {IPPROTO_TCP, TCP_NODELAY, 4, 0};
	struct cl a, l = cl_socket();
	struct sockaddr_un sun;
	struct proto_peer peer;
	socklen_t sl = sizeof sun;
	uint8_t out[64], opt[sizeof o + 4];
	size_t len;
	int b, status, port, on = 1;
	uint64_t refused;
	pid_t pid;

	if (getuid() != 0)
		cr_skip_test("needs root for a second user");
	port = cl_listen(&l, 1, 0, 16);
	a = cl_socket();
	cr_assert_eq(cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), 0);
	b = cl_accept(&l);
	cr_assert_eq(getpeername(b, (struct sockaddr *)&sun, &sl), 0);
	memcpy(&peer, sun.sun_path, sizeof peer);
	cr_assert_eq(peer.local.flags, getuid());
	refused = lab_drops(1, DROP_IPC_CREDENTIALS);
	pid = fork();
	if (pid == 0) {
		int e[3];

		if (setresuid(1234, 1234, 1234) != 0)
			_exit(99);
		/* The listener, too. */
		e[0] = cl_request(
		    1, PROTO_GETSOCKNAME, l.handle, NULL, 0, -1, out, &len);
		e[1] = cl_request(
		    1, PROTO_GETSOCKNAME, l.handle, NULL, 0, a.fd, out, &len);
		e[2] = cl_request(
		    1, PROTO_GETSOCKNAME, l.handle, NULL, 0, l.fd, out, &len);
		if (e[0] != EACCES || e[1] != EACCES || e[2] != 0)
			_exit(2);
		e[0] = cl_request(
		    1, PROTO_GETOPT, peer.handle, &o, sizeof o, -1, out, &len);
		e[1] = cl_request(1, PROTO_GETOPT, peer.handle, &o, sizeof o,
		    a.fd, out, &len);
		e[2] = cl_request(
		    1, PROTO_GETOPT, peer.handle, &o, sizeof o, b, out, &len);
		/* What he tells is not heard: there is no asking back. */
		memcpy(opt, &o, sizeof o);
		memcpy(opt + sizeof o, &on, 4);
		if (cl_tell(1, peer.handle, opt, sizeof opt) != 0)
			_exit(3);
		_exit(e[0] == EACCES && e[1] == EACCES && e[2] == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 99)
		cr_skip_test("cannot become another user here");
	cr_assert_eq(status, 0);
	/* Those who showed a.fd were the other two. */
	cr_assert_eq(cl_request(1, PROTO_GETOPT, peer.handle, &o, sizeof o, -1,
			 out, &len),
	    0);
	memcpy(&on, out + sizeof o, 4);
	cr_assert_eq(on, 0);
	cr_assert_eq(lab_drops(1, DROP_IPC_CREDENTIALS), refused + 3);
}

static void
hurry(struct engine *e, void *arg)
{
	e->visit_us = 20000;
}

static size_t
silent_clients(int i)
{
	return (size_t)lab_drops(i, DROP_IPC_LIMIT);
}

Test(engine_hostile, silent_clients_are_dropped)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	lab_on(0, hurry, NULL);
	strcpy(sun.sun_path, lab[0].path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	cr_assert_eq(send(fd, "tc", 2, 0), 2);
	cr_assert(lab_until(silent_clients, 0, 1, 2000));
	cr_assert_leq(read(fd, &c, 1), 0);
}

static void
get_turns(struct engine *e, void *arg)
{
	*(uint64_t *)arg = e->turn;
}

/* A child dials n times; the number of connections that came up. */
static int
dial_many(int n, uint16_t port)
{
	int i, status, up = 0;
	pid_t pid = fork();

	if (pid == 0) {
		for (i = 0; i < n; i++) {
			struct cl a = cl_socket();

			up += cl_connect(&a, 0, LAB_ADDR(1), port) == 0;
		}
		_exit(up);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

Test(engine_hostile, out_of_descriptors_refuses_and_recovers)
{
	struct cl l = cl_socket();
	int port = cl_listen(&l, 1, 0, 64), used, up;
	struct rlimit was, few;
	uint64_t before, after;

	cr_assert_eq(dial_many(20, (uint16_t)port), 20);
	cr_assert(lab_until(lab_conns, 0, 0, 1000));
	used = dup(0);
	close(used);
	getrlimit(RLIMIT_NOFILE, &was);
	few = was;
	few.rlim_cur = (rlim_t)used + 12;
	lab_on(0, get_turns, &before);
	setrlimit(RLIMIT_NOFILE, &few);
	up = dial_many(20, (uint16_t)port);
	setrlimit(RLIMIT_NOFILE, &was);
	lab_on(0, get_turns, &after);
	cr_assert_lt(up, 20);
	cr_assert_lt(after - before, 20000, "it spins");
	cr_assert(lab_until(lab_conns, 0, 0, 2000));
	/* What overflowed in the accept queue goes first. */
	while (cl_poll(l.fd) & POLLIN)
		close(cl_accept(&l));
	cr_assert_eq(dial_many(20, (uint16_t)port), 20);
}

/* A socket of the kernel's whose last close() waits for its peer, *peer. */
static int
lingerer(int *peer)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger wait = {1, 60};
	static char junk[1 << 20];
	socklen_t len = sizeof sin;
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(l, (struct sockaddr *)&sin, len) < 0 || listen(l, 1) < 0 ||
	    getsockname(l, (struct sockaddr *)&sin, &len) < 0 ||
	    connect(fd, (struct sockaddr *)&sin, len) < 0)
		cr_skip_test("no loopback");
	*peer = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	close(l);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, junk, sizeof junk) > 0)
		;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof wait);
	return fd;
}

Test(engine_hostile, nobody_waits_for_a_strangers_descriptor)
{
	struct proto_name name = {.family = AF_INET};
	struct cl l = cl_socket();
	uint8_t out[64];
	size_t len;
	int peer, status, go[2], fd = lingerer(&peer);
	char c;

	/* The engine's is the last copy of it: ours goes before the child
	 * asks, and a process that exits does not wait. */
	cr_assert_eq(pipe(go), 0);
	if (fork() == 0) {
		close(peer);
		close(go[1]);
		if (read(go[0], &c, 1) != 0)
			_exit(2);
		_exit(cl_request(0, PROTO_BIND, 1, &name, sizeof name, fd, out,
			  &len) == EPERM
			  ? 0
			  : 1);
	}
	close(fd);
	close(go[0]);
	close(go[1]);
	cr_assert(wait(&status) > 0);
	cr_assert_eq(status, 0);
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, 1, NULL, 0, -1, out, &len), EBADF);
	cr_assert_eq(lab_drops(0, DROP_IPC_MALFORMED), 1);
	cr_assert_gt(cl_listen(&l, 0, 0, 1), 0);
	close(peer);
}

Test(engine_hostile, descriptors_come_only_when_asked_for)
{
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = PROTO_ERROR};
	struct iovec iov = {&h, sizeof h};
	struct cl a;
	int b, s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (setsockopt(s, SOL_SOCKET, 83 /* SO_PASSRIGHTS */, &on, sizeof on) <
	    0)
		cr_skip_test("this kernel cannot refuse descriptors");
	cr_assert_eq(cl_dial(s, 0), 0);
	cr_assert_lt(cl_send_fd(s, &iov, 1, s), 0);
	cr_assert_eq(errno, EPERM);
	cl_pair(&a, &b);
	cr_assert_lt(cl_send_fd(a.fd, &iov, 1, s), 0);
	cr_assert_eq(errno, EPERM);
	cr_assert_lt(cl_send_fd(b, &iov, 1, s), 0);
	cr_assert_eq(errno, EPERM);
}

/* By a program that does without the library, which asks the policy first. */
Test(engine_hostile, what_the_policy_refuses_is_refused)
{
	struct cl l = cl_socket(), a = cl_socket(), b = cl_socket();
	struct cl again = cl_socket();
	int port = cl_listen(&l, 1, 0, 16), other;

	cr_assert_eq(cl_connect(&a, 0, LAB_ADDR(1), (uint16_t)port), 0);
	lab_refuse(0, LAB_ADDR(1), (uint16_t)port);
	cr_assert_eq(
	    cl_connect(&b, 0, LAB_ADDR(1), (uint16_t)port), ENETUNREACH);
	cr_assert_eq(lab_drops(0, DROP_IPC_POLICY), 1);
	cr_assert_eq(cl_listen(&again, 0, (uint16_t)port, 1), -EADDRNOTAVAIL);
	cr_assert_eq(lab_drops(0, DROP_IPC_POLICY), 2);
	close(again.fd);
	again = cl_socket();
	other = cl_listen(&again, 0, 0, 1);
	cr_assert_gt(other, 0, "%d", other);
	cr_assert(cl_write(a.fd, "x", 1), "what was there goes on");
}
