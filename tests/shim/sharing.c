/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that are copied, inherited, passed and used by threads.
 */
#include "cases.h"

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
int
case_inherited(int fd)
{
	case_name = "sharing/executing";
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

static const struct shim_case table[] = {
    CASE(duplicates),
    CASE(children),
    CASE(executing),
    CASE(passing),
    CASE(threads),
};
const struct subject sharing_cases = SUBJECT("sharing", table);
