/* SPDX-License-Identifier: ISC */
/*
 * A thread waits in a call, and another closes or shuts down what it waits for;
 * several that wait for the same.
 */
#include <sys/syscall.h>
#include "cases.h"

/* What waits, and what came of it. */
struct waiter {
	long (*call)(struct waiter *w);
	int fd, port;
	volatile pid_t tid;
	long r;
	int err;
	pthread_t thread;
};

static void *
waits(void *arg)
{
	struct waiter *w = arg;

	w->tid = (pid_t)syscall(SYS_gettid);
	w->r = w->call(w);
	w->err = errno;
	return NULL;
}

/* Does the kernel say that it sleeps? */
static bool
sleeps(const struct waiter *w)
{
	char name[64], state = '?';
	FILE *f;

	snprintf(name, sizeof name, "/proc/self/task/%d/stat", w->tid);
	f = fopen(name, "r");
	if (f == NULL)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(f);
	return state == 'S';
}

static void
begin(struct waiter *w)
{
	int asleep = 0;

	pthread_create(&w->thread, NULL, waits, w);
	while (asleep < 5) {
		poll(NULL, 0, 4);
		asleep = w->tid != 0 && sleeps(w) ? asleep + 1 : 0;
	}
}

static void
end(const char *what, struct waiter *w)
{
	pthread_join(w->thread, NULL);
	if (w->r < 0)
		say("%s: %s", what, strerrorname_np(w->err));
	else
		say("%s: %ld", what, w->r);
}

/* ---- the calls ---- */

static long
by_read(struct waiter *w)
{
	char b[16];

	return read(w->fd, b, sizeof b);
}

static long
by_recv(struct waiter *w)
{
	char b[16];

	return recv(w->fd, b, sizeof b, 0);
}

static long
by_recv_all(struct waiter *w)
{
	char b[16];

	return recv(w->fd, b, sizeof b, MSG_WAITALL);
}

static long
by_recvmsg(struct waiter *w)
{
	char b[16];
	struct iovec v = {b, sizeof b};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	return recvmsg(w->fd, &m, 0);
}

static long
by_accept(struct waiter *w)
{
	return accept(w->fd, NULL, NULL) < 0 ? -1 : 0;
}

static long
by_connect(struct waiter *w)
{
	return dial(w->fd, PEER, w->port);
}

static long
by_send(struct waiter *w)
{
	return send(w->fd, "x", 1, MSG_NOSIGNAL);
}

static long
by_poll(struct waiter *w)
{
	struct pollfd p = {w->fd, POLLIN | POLLRDHUP, 0};

	return poll(&p, 1, w->port) > 0 ? p.revents : 0;
}

static long
by_select(struct waiter *w)
{
	struct timeval tv = {w->port / 1000, w->port % 1000 * 1000};
	fd_set r;

	FD_ZERO(&r);
	FD_SET(w->fd, &r);
	return select(w->fd + 1, &r, NULL, NULL, &tv);
}

static long
by_epoll(struct waiter *w)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP};
	int ep = epoll_create1(0);
	long r;

	epoll_ctl(ep, EPOLL_CTL_ADD, w->fd, &ev);
	ev.events = 0;
	r = epoll_wait(ep, &ev, 1, w->port) > 0 ? ev.events : 0;
	close(ep);
	return r;
}

/* ---- shutdown ---- */

static void
shut(long (*call)(struct waiter *), int how)
{
	struct waiter w = {.call = call, .fd = linked(0), .port = 5000};

	begin(&w);
	result("shutdown", shutdown(w.fd, how));
	end("the call", &w);
	say("poll: %s", bits_text(bits(w.fd)));
}

static void
shut_under_read(void)
{
	shut(by_read, SHUT_RD);
	shut(by_read, SHUT_RDWR);
}

static void
shut_under_recv(void)
{
	shut(by_recv, SHUT_RD);
	shut(by_recv_all, SHUT_RDWR);
	shut(by_recvmsg, SHUT_RDWR);
}

static void
shut_under_poll(void)
{
	shut(by_poll, SHUT_RD);
	shut(by_poll, SHUT_RDWR);
}

static void
shut_under_select(void)
{
	shut(by_select, SHUT_RD);
	shut(by_select, SHUT_RDWR);
}

static void
shut_under_epoll(void)
{
	shut(by_epoll, SHUT_RD);
	shut(by_epoll, SHUT_RDWR);
}

static void
shut_under_accept(void)
{
	struct waiter w = {.call = by_accept, .fd = listening(0)};

	begin(&w);
	result("shutdown", shutdown(w.fd, SHUT_RD));
	end("accept", &w);
}

static void
shut_under_connect(void)
{
	struct waiter w = {
	    .call = by_connect, .fd = stream(0), .port = peer_number("silent")};

	begin(&w);
	result("shutdown", shutdown(w.fd, SHUT_RDWR));
	end("connect", &w);
	say_peername("getpeername", w.fd);
}

static void
shut_under_send(void)
{
	struct waiter w = {.call = by_send, .fd = linked(0)};

	fill(w.fd);
	begin(&w);
	result("shutdown", shutdown(w.fd, SHUT_WR));
	end("send", &w);
}

/* ---- what the peer does ---- */

static void
peer_does(long (*call)(struct waiter *), const char *what)
{
	struct waiter w = {.call = call, .fd = linked(0), .port = 5000};

	begin(&w);
	peer("%s", what);
	end(what, &w);
}

static void
reset_under_calls(void)
{
	peer_does(by_read, "reset");
	peer_does(by_recv, "reset");
	peer_does(by_recvmsg, "reset");
	peer_does(by_recv_all, "reset");
	peer_does(by_select, "reset");
}

static void
end_under_calls(void)
{
	peer_does(by_read, "shut");
	peer_does(by_recv, "shut");
	peer_does(by_recv_all, "shut");
	peer_does(by_poll, "shut");
	peer_does(by_epoll, "shut");
}

static void
data_under_calls(void)
{
	peer_does(by_read, "send 5");
	peer_does(by_recvmsg, "send 5");
	peer_does(by_poll, "send 5");
	peer_does(by_epoll, "send 5");
	peer_does(by_select, "send 5");
}

static void
reset_under_send(void)
{
	struct waiter w = {.call = by_send, .fd = linked(0)};

	fill(w.fd);
	begin(&w);
	peer("reset");
	end("send", &w);
}

/* ---- close ---- */

/* The call goes on with what it began with. */
static void
close_under(long (*call)(struct waiter *))
{
	struct waiter w = {.call = call, .fd = linked(0), .port = 5000};

	begin(&w);
	result("close", close(w.fd));
	peer("say abc");
	end("the call", &w);
	say("peer: %s", peer("end"));
}

static void
close_under_read(void)
{
	close_under(by_read);
}

static void
close_under_recv(void)
{
	close_under(by_recv);
}

static void
close_under_poll(void)
{
	struct waiter w = {.call = by_poll, .fd = linked(0), .port = 5000};

	begin(&w);
	result("close", close(w.fd));
	peer("say abc");
	end("poll", &w);
	say("peer: %s", peer("end"));
}

/* An epoll forgets what is closed. */
static void
close_under_epoll(void)
{
	struct waiter w = {.call = by_epoll, .fd = linked(0), .port = 300};

	begin(&w);
	result("close", close(w.fd));
	say("peer: %s", peer("end"));
	end("epoll_wait", &w);
}

static void
close_under_accept(void)
{
	struct waiter w = {.call = by_accept, .fd = listening(0)};
	int port = name_port(w.fd);

	begin(&w);
	result("close", close(w.fd));
	say("peer %.4s", peer("connect %d", port));
	end("accept", &w);
}

static void
close_under_connect(void)
{
	struct timeval tv = {.tv_sec = 2}; /* it sleeps before that */
	struct waiter w = {
	    .call = by_connect, .fd = stream(0), .port = peer_number("silent")};

	setsockopt(w.fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	begin(&w);
	result("close", close(w.fd));
	end("connect", &w);
}

/* ---- several ---- */

static void
two_accept(void)
{
	struct waiter a = {.call = by_accept, .fd = listening(0)},
		      b = {.call = by_accept, .fd = a.fd};
	int port = name_port(a.fd);

	begin(&a);
	begin(&b);
	say("peer %.4s", peer("connect %d", port));
	say("peer %.4s", peer("connect %d", port));
	end("one", &a);
	end("other", &b);
}

static void
two_accept_shut(void)
{
	struct waiter a = {.call = by_accept, .fd = listening(0)},
		      b = {.call = by_accept, .fd = a.fd};

	begin(&a);
	begin(&b);
	shutdown(a.fd, SHUT_RDWR);
	end("one", &a);
	end("other", &b);
}

static void
two_read(void)
{
	struct waiter a = {.call = by_read, .fd = linked(0)},
		      b = {.call = by_recv, .fd = a.fd};

	begin(&a);
	begin(&b);
	peer("say abc");
	peer("shut");
	pthread_join(a.thread, NULL);
	pthread_join(b.thread, NULL);
	say("%ld", a.r + b.r);
}

static void
read_and_write(void)
{
	struct waiter w = {.call = by_read, .fd = linked(0)};

	begin(&w);
	result("write", write(w.fd, "abc", 3));
	say("peer: %s", peer("recv 3"));
	peer("send 5");
	end("read", &w);
}

static void
many_poll(void)
{
	struct waiter w[3];
	int fd = linked(0), i;

	for (i = 0; i < 3; i++) {
		w[i] = (struct waiter){.call = i == 0	? by_poll
					       : i == 1 ? by_epoll
							: by_select,
		    .fd = fd,
		    .port = 5000};
		begin(&w[i]);
	}
	peer("send 5");
	for (i = 0; i < 3; i++)
		end("woken", &w[i]);
}

/* ---- processes at one listener ---- */

#define WORKERS 4
#define GUESTS	20

/* Until the listener is shut down; how many it served, by its status. */
static void
work(int fd, unsigned how)
{
	struct epoll_event ev = {.events = EPOLLIN | how};
	int ep = epoll_create1(0), c, served = 0;

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	for (;;) {
		epoll_wait(ep, &ev, 1, -1);
		c = accept(fd, NULL, NULL);
		if (c < 0 && errno == EAGAIN)
			continue;
		if (c < 0)
			_exit(served);
		if (write(c, "w", 1) == 1)
			served++;
		close(c);
	}
}

static void
herd(unsigned how)
{
	int fd = listening(SOCK_NONBLOCK), i, status, port = name_port(fd);
	int answered = 0, served = 0;
	pid_t pid[WORKERS];

	for (i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			work(fd, how);
	}
	for (i = 0; i < GUESTS; i++) {
		peer("connect %d", port);
		answered += strncmp(peer("end"), "EOF after 1 ", 12) == 0;
		peer("close");
	}
	shutdown(fd, SHUT_RDWR);
	for (i = 0; i < WORKERS; i++) {
		waitpid(pid[i], &status, 0);
		served += WIFEXITED(status) ? WEXITSTATUS(status) : -100;
	}
	say("answered %d served %d", answered, served);
}

static void
herd_of_all(void)
{
	herd(0);
}

static void
herd_exclusive(void)
{
	herd(EPOLLEXCLUSIVE);
}

static void
herd_on_edges(void)
{
	herd(EPOLLET);
}

static const struct shim_case table[] = {
    CASE(shut_under_read),
    CASE(shut_under_recv),
    CASE(shut_under_poll),
    CASE(shut_under_select),
    CASE(shut_under_epoll),
    CASE(shut_under_accept),
    CASE(shut_under_connect),
    CASE(shut_under_send),
    CASE(reset_under_calls),
    CASE(end_under_calls),
    CASE(data_under_calls),
    CASE(reset_under_send),
    CASE(close_under_read),
    CASE(close_under_recv),
    CASE(close_under_poll),
    CASE(close_under_epoll),
    CASE(close_under_accept),
    CASE(close_under_connect),
    CASE(two_accept),
    CASE(two_accept_shut),
    CASE(two_read),
    CASE(read_and_write),
    CASE(many_poll),
    CASE(herd_of_all),
    CASE(herd_exclusive),
    CASE(herd_on_edges),
};
const struct subject waiting_cases = SUBJECT("waiting", table);
