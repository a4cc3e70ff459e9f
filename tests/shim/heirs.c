/* SPDX-License-Identifier: ISC */
/*
 * One connection, several descriptors and processes: vfork(), posix_spawn(),
 * close_range(), dup3() and the like, and what each of them may still do.
 */
#include <spawn.h>
#include "cases.h"

extern char **environ;

static int
ended(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/* ---- programs that are begun ---- */

static pid_t
spawn(const char *program, const char *arg, posix_spawn_file_actions_t *fa)
{
	const char *args[] = {program, arg, NULL};
	pid_t pid = -1;

	say("spawn %d", posix_spawn(&pid, program, fa, NULL,
			    (char **)(uintptr_t)args, environ));
	return pid;
}

static void
vforked(void)
{
	int fd = linked(0);
	pid_t pid = vfork();

	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		execl("/bin/echo", "echo", "-n", "vforked", (char *)NULL);
		_exit(9);
	}
	say("child %d", ended(pid));
	say("peer: %s", peer("recv 7"));
	result("write", write(fd, "parent", 6));
	say("peer: %s", peer("recv 6"));
	close(fd);
	say("peer: %s", peer("end"));
}

static void
vforked_in_vain(void)
{
	int fd = linked(0);
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/nowhere", "nowhere", (char *)NULL);
		_exit(9);
	}
	say("child %d", ended(pid) >> 8);
	result("write", write(fd, "parent", 6));
	say("peer: %s", peer("recv 6"));
}

static void
spawned(void)
{
	posix_spawn_file_actions_t fa;
	int fd = linked(0);
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fd, STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&fa, fd);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	pid = spawn("/bin/echo", "spawned", &fa);
	say("child %d", ended(pid));
	say("peer: %s", peer("recv 8"));
	say_peername("getpeername", fd);
	close(fd);
	say("peer: %s", peer("end"));
}

/* A descriptor that is not to be inherited: the child does not hold the
 * connection open. */
static void
spawned_without(void)
{
	posix_spawn_file_actions_t fa;
	int fd = linked(0), p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) != 0)
		broken("pipe");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, p[0], STDIN_FILENO);
	pid = spawn("/bin/cat", "-", &fa);
	close(fd);
	say("peer: %s", peer("end"));
	close(p[1]);
	close(p[0]);
	say("child %d", ended(pid));
}

/* A program whose three descriptors are the socket. */
static void
spawned_on_it(void)
{
	posix_spawn_file_actions_t fa;
	int fd = linked(0), i;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	for (i = 0; i < 2; i++)
		posix_spawn_file_actions_adddup2(&fa, fd, i);
	posix_spawn_file_actions_addclosefrom_np(&fa, 3);
	pid = spawn("/bin/cat", "-", &fa);
	close(fd);
	peer("say echo");
	say("peer: %s", peer("recv 4"));
	peer("shut");
	say("peer: %s", peer("end"));
	say("child %d", ended(pid));
}

/* ---- ranges ---- */

static void
range(void)
{
	int fd = linked(0), other = fcntl(fd, F_DUPFD, 300);

	result("close_range", close_range((unsigned)other, ~0U, 0));
	result("closed", fcntl(other, F_GETFD));
	result("the first lives", write(fd, "abc", 3));
	result("close_range", close_range((unsigned)fd, (unsigned)fd, 0));
	say("peer: %s", peer("end"));
	result("closed", write(fd, "abc", 3));
	result("again", close_range((unsigned)fd, (unsigned)fd, 0));
	result("wrong way", close_range(10, 9, 0));
	result("unknown flags", close_range(10, 11, 0x100));
}

static void
range_not_inherited(void)
{
	int fd = linked(0);

	result(
	    "close_range", close_range((unsigned)fd, ~0U, CLOSE_RANGE_CLOEXEC));
	say("flags %d", fcntl(fd, F_GETFD));
	result("write", write(fd, "abc", 3));
	say_peername("getpeername", fd);
	close(fd);
}

static void *
leave(void *arg)
{
	unsigned fd = (unsigned)*(int *)arg;

	result("close_range", close_range(fd, ~0U, CLOSE_RANGE_UNSHARE));
	result("closed here", fcntl((int)fd, F_GETFD));
	return NULL;
}

/* A thread takes its leave of the others' descriptors. */
static void
range_unshared(void)
{
	int fd = linked(0);
	pthread_t t;

	pthread_create(&t, NULL, leave, &fd);
	pthread_join(t, NULL);
	result("write", write(fd, "abc", 3));
	say("peer: %s", peer("recv 3"));
	result("close", close(fd));
	say("peer: %s", peer("end"));
}

static void
closed_from(void)
{
	int fd = linked(0);
	pid_t pid = fork();

	if (pid == 0) {
		closefrom(3);
		_exit(write(fd, "x", 1) < 0 && errno == EBADF ? 0 : 1);
	}
	say("child %d", ended(pid));
	result("write", write(fd, "abc", 3));
	say("peer: %s", peer("recv 3"));
	say_sockname("getsockname", fd);
	closefrom(fd);
	result("closed", write(fd, "abc", 3));
}

/* ---- both sides of a fork ---- */

static void
child_closes(void)
{
	int fd = linked(0);
	pid_t pid = fork();

	if (pid == 0) {
		close(fd);
		_exit(0);
	}
	say("child %d", ended(pid));
	say("poll: %s", bits_text(bits(fd)));
	result("write", write(fd, "abc", 3));
	close(fd);
	say("peer: %s", peer("end"));
}

static void
child_shuts(void)
{
	int fd = linked(0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(shutdown(fd, SHUT_WR));
	say("child %d", ended(pid));
	result("send", send(fd, "abc", 3, MSG_NOSIGNAL));
	say("peer: %s", peer("end"));
	peer("say abc");
	say_read("read", fd);
}

static void
child_shuts_both(void)
{
	int fd = linked(0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(shutdown(fd, SHUT_RDWR));
	say("child %d", ended(pid));
	say("poll: %s", bits_text(bits(fd)));
	say_read("read", fd);
	close(fd);
	say("peer: %s", peer("end"));
}

static void
child_leaves_unread(void)
{
	int fd = linked(0);
	pid_t pid;

	peer("send 5");
	await_quietly(fd, POLLIN);
	pid = fork();
	if (pid == 0)
		_exit(0);
	say("child %d", ended(pid));
	say_read("read", fd);
	result("write", write(fd, "abc", 3));
	close(fd);
	say("peer: %s", peer("end"));
}

static void
both_leave_unread(void)
{
	int fd = linked(0);
	pid_t pid;

	peer("send 5");
	await_quietly(fd, POLLIN);
	pid = fork();
	if (pid == 0)
		_exit(0);
	say("child %d", ended(pid));
	close(fd);
	say("peer: %s", peer("end"));
}

static void
child_reads_some(void)
{
	int fd = linked(0), n = 0;
	char b[8] = "";
	pid_t pid;

	peer("say abcd");
	while (n < 4 && ioctl(fd, FIONREAD, &n) == 0)
		poll(&(struct pollfd){fd, POLLIN, 0}, 1, 10);
	pid = fork();
	if (pid == 0)
		_exit(read(fd, b, 2) == 2 && memcmp(b, "ab", 2) == 0 ? 0 : 1);
	say("child %d", ended(pid));
	result("read", read(fd, b, sizeof b));
	say("'%s'", b);
}

/* What a child sets is the connection's. */
static void
child_sets(void)
{
	int fd = linked(0);
	pid_t pid = fork();

	if (pid == 0) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		set_opt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
		_exit(set_opt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77));
	}
	say("child %d", ended(pid));
	say("blocking %d cloexec %d", !(fcntl(fd, F_GETFL) & O_NONBLOCK),
	    fcntl(fd, F_GETFD));
	say("keepalive %d idle %d", get_opt(fd, SOL_SOCKET, SO_KEEPALIVE),
	    get_opt(fd, IPPROTO_TCP, TCP_KEEPIDLE));
}

/* The parent's fresh socket is what the child connects. */
static void
child_connects(void)
{
	int fd = stream(0), port = peer_number("listen");
	pid_t pid = fork();

	if (pid == 0)
		_exit(dial(fd, PEER, port) == 0 ? 0 : errno);
	say("child %d", ended(pid));
	say_peername("getpeername", fd);
	say("peer %.4s", peer("accept"));
	result("again", dial(fd, PEER, port));
	result("write", write(fd, "abc", 3));
	say("peer: %s", peer("recv 3"));
}

static void
child_binds(void)
{
	union name n = addr(SUBJECT, 0);
	int fd = stream(0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(bind(fd, &n.sa, name_len()) == 0 ? 0 : errno);
	say("child %d", ended(pid));
	say_sockname("getsockname", fd);
	result("bind", bind(fd, &n.sa, name_len()));
	result("listen", listen(fd, 5));
	peer("connect %d", name_port(fd));
	say("accept %d", accept(fd, NULL, NULL) >= 0);
}

static void
child_listens(void)
{
	int fd = stream(0);
	pid_t pid = fork();

	if (pid == 0)
		_exit(listen(fd, 5) == 0 ? 0 : errno);
	say("child %d", ended(pid));
	say("accepting %d", get_opt(fd, SOL_SOCKET, SO_ACCEPTCONN));
	peer("connect %d", name_port(fd));
	say("accept %d", accept(fd, NULL, NULL) >= 0);
}

/* ---- numbers ---- */

static void
dup3_flags(void)
{
	int fd = linked(0);

	result("dup3", dup3(fd, 200, O_CLOEXEC));
	say("flags %d", fcntl(200, F_GETFD));
	result("onto itself", dup3(fd, fd, 0));
	result("dup2 onto itself", dup2(fd, fd) - fd);
	result("unknown flags", dup3(fd, 201, O_NONBLOCK));
	result("negative", dup3(fd, -1, 0));
	close(fd);
	result("write", write(200, "abc", 3));
	say("peer: %s", peer("recv 3"));
	say_peername("getpeername", 200);
}

static void
dup_at_least(void)
{
	int fd = linked(0);

	result("F_DUPFD", fcntl(fd, F_DUPFD, 250));
	say("flags %d", fcntl(250, F_GETFD));
	result("next", fcntl(fd, F_DUPFD_CLOEXEC, 250));
	say("flags %d", fcntl(251, F_GETFD));
	result("negative", fcntl(fd, F_DUPFD, -1));
	close(fd);
	close(250);
	result("write", write(251, "abc", 3));
	say("peer: %s", peer("recv 3"));
}

/* Another number, the same socket. */
static void
dup_shares(void)
{
	int fd = linked(0), copy = dup(fd);

	fcntl(copy, F_SETFL, O_NONBLOCK);
	say("blocking %d", !(fcntl(fd, F_GETFL) & O_NONBLOCK));
	result("set", set_opt(copy, IPPROTO_TCP, TCP_NODELAY, 1));
	say("nodelay %d", get_opt(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
	shutdown(copy, SHUT_WR);
	result("send", send(fd, "x", 1, MSG_NOSIGNAL));
	say("same cookie %d", get_opt(fd, SOL_SOCKET, SO_COOKIE) ==
				  get_opt(copy, SOL_SOCKET, SO_COOKIE));
}

static void
dup_over_connection(void)
{
	int fd = linked(0), n = open("/dev/null", O_RDWR);

	result("write", write(fd, "abc", 3));
	result("dup2", dup2(n, fd) - fd);
	say("peer: %s", peer("end"));
	say_peername("getpeername", fd);
	result("write", write(fd, "abc", 3));
	result("send", send(fd, "abc", 3, 0));
}

static void
dup_over_file(void)
{
	int fd = linked(0), n = open("/dev/null", O_RDWR);

	result("dup2", dup2(fd, n) - n);
	close(fd);
	result("write", write(n, "abc", 3));
	say("peer: %s", peer("recv 3"));
	say("type %d", get_opt(n, SOL_SOCKET, SO_TYPE));
	peer("shut");
	say_read("read", n);
}

/* The number of a connection goes to another socket. */
static void
number_again(void)
{
	int fd = linked(0), again;

	peer("reset");
	await_quietly(fd, POLLHUP);
	close(fd);
	again = stream(0);
	say("same number %d", again == fd);
	say_error("SO_ERROR", again);
	say_peername("getpeername", again);
	result("connect", dial(again, PEER, peer_number("listen")));
	say("peer %.4s", peer("accept"));
}

static const struct shim_case table[] = {
    CASE(vforked),
    CASE(vforked_in_vain),
    CASE(spawned),
    CASE(spawned_without),
    CASE(spawned_on_it),
    CASE(range),
    CASE(range_not_inherited),
    CASE(range_unshared),
    CASE(closed_from),
    CASE(child_closes),
    CASE(child_shuts),
    CASE(child_shuts_both),
    CASE(child_leaves_unread),
    CASE(both_leave_unread),
    CASE(child_reads_some),
    CASE(child_sets),
    CASE(child_connects),
    CASE(child_binds),
    CASE(child_listens),
    CASE(dup3_flags),
    CASE(dup_at_least),
    CASE(dup_shares),
    CASE(dup_over_connection),
    CASE(dup_over_file),
    CASE(number_again),
};
const struct subject heirs_cases = SUBJECT("heirs", table);
