/* SPDX-License-Identifier: ISC */
/*
 * Urgent data as sockets have it: one byte out of band, or in line behind a
 * mark that recv() does not read across.
 */
#include "cases.h"

static void
await_urgent(int fd)
{
	time_t end = time(NULL) + PATIENCE_S;
	struct pollfd p = {fd, POLLPRI, 0};

	/* A signal may come in the middle. */
	while (poll(&p, 1, 1000) <= 0 && time(NULL) < end)
		;
}

/* No call tells of what stands behind a mark, so by the clock at last. */
static void
await_all(void)
{
	peer("acked");
	poll(NULL, 0, 20);
}

static void
say_text(const char *what, int fd, size_t n, int flags)
{
	char b[64] = "";
	ssize_t r = recv(fd, b, n, flags);

	if (r < 0)
		say("%s: %s", what, strerrorname_np(errno));
	else
		say("%s: %zd '%s'", what, r, b);
}

static void
say_mark(int fd)
{
	struct pollfd p = {fd, POLLPRI, 0};
	int mark = 0; /* valgrind takes the request for one that reads it */

	if (ioctl(fd, SIOCATMARK, &mark) != 0)
		mark = -errno;
	poll(&p, 1, 0);
	say("mark %d PRI %d", mark, !!(p.revents & POLLPRI));
}

/* ab, the urgent c, de. */
static int
marked(int in_line)
{
	int fd = linked(0);

	set_opt(fd, SOL_SOCKET, SO_OOBINLINE, in_line);
	peer("mark abc");
	await_urgent(fd);
	peer("say de");
	await_all();
	return fd;
}

static void
out_of_band(void)
{
	int fd = marked(0);

	say_mark(fd);
	say_text("read", fd, 60, 0);
	say_mark(fd);
	say_text("urgent", fd, 1, MSG_OOB);
	say_mark(fd);
	say_text("read", fd, 60, 0);
	say_mark(fd);
}

static void
out_of_band_first(void)
{
	int fd = marked(0);

	say_text("urgent", fd, 1, MSG_OOB);
	say_mark(fd);
	say_text("twice", fd, 1, MSG_OOB);
	say_text("read", fd, 60, 0);
	say_mark(fd);
	say_text("read", fd, 60, 0);
}

static void
out_of_band_peeked(void)
{
	int fd = marked(0);

	say_text("peek", fd, 1, MSG_OOB | MSG_PEEK);
	say_mark(fd);
	say_text("peek", fd, 60, MSG_PEEK);
	say_text("urgent", fd, 60, MSG_OOB);
	say_text("peek", fd, 1, MSG_OOB | MSG_PEEK);
}

static void
out_of_band_unread(void)
{
	int fd = marked(0);

	say_text("read", fd, 60, 0);
	say_text("read across", fd, 60, 0);
	say_mark(fd);
	say_text("too late", fd, 1, MSG_OOB);
}

static void
out_of_band_no_room(void)
{
	int fd = marked(0);

	result("no bytes", recv(fd, NULL, 0, MSG_OOB));
	say_mark(fd);
	say_text("urgent", fd, 1, MSG_OOB);
}

static void
in_line(void)
{
	int fd = marked(1);

	say_mark(fd);
	say_text("read", fd, 60, 0);
	say_mark(fd);
	say_text("urgent", fd, 1, MSG_OOB);
	say_text("read", fd, 60, 0);
	say_mark(fd);
}

static void
in_line_byte_by_byte(void)
{
	int fd = marked(1), i;

	for (i = 0; i < 5; i++) {
		say_mark(fd);
		say_text("read", fd, 1, 0);
	}
}

/* The option may come when the byte has: then it is in line. */
static void
in_line_late(void)
{
	int fd = marked(0);

	set_opt(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	say_text("read", fd, 60, 0);
	say_text("urgent", fd, 1, MSG_OOB);
	say_text("read", fd, 60, 0);
}

static void
peek_to_the_mark(void)
{
	int fd = marked(0);

	say_text("peek", fd, 60, MSG_PEEK);
	say_text("read one", fd, 1, 0);
	say_text("peek", fd, 60, MSG_PEEK);
	say_text("read", fd, 60, 0);
	say_text("peek", fd, 60, MSG_PEEK);
}

static void
all_across_the_mark(void)
{
	int fd = marked(0);

	say_text("all", fd, 4, MSG_WAITALL);
	say_mark(fd);
	say_text("the rest", fd, 60, MSG_DONTWAIT);
}

static void
discard_to_the_mark(void)
{
	int fd = marked(0);

	result("discard", recv(fd, NULL, 60, MSG_TRUNC));
	say_mark(fd);
	say_text("read", fd, 60, 0);
}

static void
messages_to_the_mark(void)
{
	char a[2] = "", b[8] = "";
	struct iovec v[2] = {{a, 1}, {b, 7}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	int fd = marked(0);

	result("recvmsg", recvmsg(fd, &m, 0));
	say("'%s' '%s' flags %x", a, b, m.msg_flags);
	result("urgent", recvmsg(fd, &m, MSG_OOB));
	say("'%.1s' flags %x", a, m.msg_flags);
	result("readv", readv(fd, v, 2));
}

/* Two marks: the first byte is in line from then on. */
static void
marked_twice(void)
{
	int fd = linked(0);

	peer("mark ab");
	await_urgent(fd);
	peer("mark cd");
	await_all();
	say_mark(fd);
	say_text("urgent", fd, 1, MSG_OOB);
	say_text("read", fd, 60, 0);
	say_mark(fd);
	say_text("read", fd, 60, MSG_DONTWAIT);
}

static void
marked_again_later(void)
{
	int fd = linked(0);

	peer("mark ab");
	await_urgent(fd);
	say_text("urgent", fd, 1, MSG_OOB);
	say_text("read", fd, 60, 0);
	peer("mark cd");
	await_urgent(fd);
	say_text("urgent", fd, 1, MSG_OOB);
	say_text("read", fd, 60, 0);
}

static void
marked_then_ended(void)
{
	int fd = linked(0);

	peer("mark ab");
	peer("shut");
	await_quietly(fd, POLLRDHUP);
	say_text("read", fd, 60, 0);
	say_text("urgent", fd, 1, MSG_OOB);
	say_text("end", fd, 60, 0);
}

static void
none(void)
{
	int fd = linked(0), u = stream(0), l = listening(0), mark = 0;

	say_text("none", fd, 1, MSG_OOB);
	say_mark(fd);
	set_opt(fd, SOL_SOCKET, SO_OOBINLINE, 1);
	say_text("in line", fd, 1, MSG_OOB);
	result("fresh", ioctl(u, SIOCATMARK, &mark));
	result("listening", ioctl(l, SIOCATMARK, &mark) < 0 ? -1 : 0);
	mark = 0;
	result("connected", ioctl(fd, SIOCATMARK, &mark));
}

static void
polled(void)
{
	struct epoll_event ev = {.events = EPOLLPRI};
	int fd = marked(0), ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	say("level %d", epoll_wait(ep, &ev, 1, 0));
	say("level %d PRI %d", epoll_wait(ep, &ev, 1, 0),
	    !!(ev.events & EPOLLPRI));
	say_text("urgent", fd, 1, MSG_OOB);
	say("taken %d", epoll_wait(ep, &ev, 1, 0));
	peer("mark z");
	say("another %d", epoll_wait(ep, &ev, 1, 5000));
}

static void
selected(void)
{
	struct timeval tv = {0, 0};
	int fd = marked(0);
	fd_set e;

	FD_ZERO(&e);
	FD_SET(fd, &e);
	say("select %d", select(fd + 1, NULL, NULL, &e, &tv));
	say_text("urgent", fd, 1, MSG_OOB);
	FD_SET(fd, &e);
	say("select %d", select(fd + 1, NULL, NULL, &e, &tv));
}

static void
queued_to_the_mark(void)
{
	int fd = marked(0), n = -1;

	ioctl(fd, FIONREAD, &n);
	say("before it %d", n);
	say_text("read", fd, 60, 0);
	ioctl(fd, FIONREAD, &n);
	say("at it %d", n);
}

/* ---- on the way out ---- */

static void
sent_one(void)
{
	int fd = linked(0);

	result("write", write(fd, "xy", 2));
	result("send", send(fd, "a", 1, MSG_OOB));
	result("send", send(fd, "bc", 2, 0));
	say("peer %s", peer("oob"));
}

static void
sent_none(void)
{
	int fd = linked(0);

	result("send", send(fd, "", 0, MSG_OOB));
	result("send", send(fd, "bc", 2, 0));
	say("peer: %s", peer("recv 2"));
}

static void
sent_unconnected(void)
{
	int fd = stream(0), l = listening(0);

	result("fresh", send(fd, "a", 1, MSG_OOB | MSG_NOSIGNAL));
	result("listening", send(l, "a", 1, MSG_OOB | MSG_NOSIGNAL));
	fd = linked(0);
	shutdown(fd, SHUT_WR);
	result("shut", send(fd, "a", 1, MSG_OOB | MSG_NOSIGNAL));
}

static void
sent_by_child(void)
{
	int fd = linked(0), status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(send(fd, "ab", 2, MSG_OOB) == 2 ? 0 : 1);
	waitpid(pid, &status, 0);
	say("child %d", status);
	result("send", send(fd, "c", 1, 0));
	say("peer %s", peer("oob"));
}

static const struct shim_case table[] = {
    CASE(out_of_band),
    CASE(out_of_band_first),
    CASE(out_of_band_peeked),
    CASE(out_of_band_unread),
    CASE(out_of_band_no_room),
    CASE(in_line),
    CASE(in_line_byte_by_byte),
    CASE(in_line_late),
    CASE(peek_to_the_mark),
    CASE(all_across_the_mark),
    CASE(discard_to_the_mark),
    CASE(messages_to_the_mark),
    CASE(marked_twice),
    CASE(marked_again_later),
    CASE(marked_then_ended),
    CASE(none),
    CASE(polled),
    CASE(selected),
    CASE(queued_to_the_mark),
    CASE(sent_one),
    CASE(sent_none),
    CASE(sent_unconnected),
    CASE(sent_by_child),
};
const struct subject marks_cases = SUBJECT("marks", table);
