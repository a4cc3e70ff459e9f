/* SPDX-License-Identifier: ISC */
/*
 * Signals: which calls they interrupt and which go on (signal(7)), the masks of
 * the calls that wait, SIGPIPE by every way to write, SIGIO and SIGURG.
 */
#include "cases.h"

/* ---- calls that are interrupted ---- */

enum {
	RESTART = 1 << 0, /* the handler has SA_RESTART */
	PATIENT = 1 << 1, /* the socket has a time-out, far away */
};

struct call {
	long (*make)(int fd);
	int (*socket)(void); /* on which it waits */
	const char *ends;    /* what the peer does that it ends, restarted */
	unsigned how;
};

static long
by_read(int fd)
{
	char b[8];

	return read(fd, b, sizeof b);
}

static long
by_readv(int fd)
{
	char b[8];
	struct iovec v = {b, sizeof b};

	return readv(fd, &v, 1);
}

static long
by_recv(int fd)
{
	char b[8];

	return recv(fd, b, sizeof b, 0);
}

static long
by_peek(int fd)
{
	char b[8];

	return recv(fd, b, sizeof b, MSG_PEEK);
}

static long
by_recvfrom(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	char b[8];

	return recvfrom(fd, b, sizeof b, 0, (struct sockaddr *)&ss, &len);
}

static long
by_recvmsg(int fd)
{
	char b[8];
	struct iovec v = {b, sizeof b};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	return recvmsg(fd, &m, 0);
}

static long
by_recvmmsg(int fd)
{
	char b[8];
	struct iovec v = {b, sizeof b};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};

	return recvmmsg(fd, &m, 1, 0, NULL);
}

static long
by_recv_all(int fd)
{
	char b[5];

	return recv(fd, b, sizeof b, MSG_WAITALL);
}

static long
by_trunc(int fd)
{
	return recv(fd, NULL, 5, MSG_TRUNC);
}

static long
by_accept(int fd)
{
	return accept(fd, NULL, NULL) < 0 ? -1 : 0;
}

static long
by_accept4(int fd)
{
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC) < 0 ? -1 : 0;
}

static int silent_port;

static long
by_connect(int fd)
{
	return dial(fd, PEER, silent_port);
}

static long
by_write(int fd)
{
	return write(fd, "x", 1);
}

static long
by_writev(int fd)
{
	struct iovec v = {(char[]){"x"}, 1};

	return writev(fd, &v, 1);
}

static long
by_send(int fd)
{
	return send(fd, "x", 1, 0);
}

static long
by_sendmsg(int fd)
{
	struct iovec v = {(char[]){"x"}, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	return sendmsg(fd, &m, 0);
}

static long
by_poll(int fd)
{
	return poll(&(struct pollfd){fd, POLLIN, 0}, 1, 5000);
}

static long
by_select(int fd)
{
	struct timeval tv = {5, 0};
	fd_set r;

	FD_ZERO(&r);
	FD_SET(fd, &r);
	return select(fd + 1, &r, NULL, NULL, &tv);
}

static long
by_epoll(int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	return epoll_wait(ep, &ev, 1, 5000);
}

static int
to_read(void)
{
	return linked(0);
}

static int
to_accept(void)
{
	return listening(0);
}

static int
to_connect(void)
{
	silent_port = peer_number("silent");
	return stream(0);
}

static int
to_write(void)
{
	int fd = linked(0);

	fill(fd);
	return fd;
}

static int later_port;
static volatile bool over; /* the call has returned */

/* When the call has been restarted more than once. */
static void *
later(void *what)
{
	while (signals < 3 && !over)
		poll(NULL, 0, 5);
	if (strcmp(what, "recv") != 0)
		peer(what, later_port);
	else
		while (!over)
			peer("recv 65536");
	return NULL;
}

static void
patience(int fd, time_t s)
{
	struct timeval tv = {.tv_sec = s};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

/* Signals come until the call has returned. */
static timer_t
begin_signals(void)
{
	struct itimerspec its = {
	    .it_value.tv_nsec = 20000000, .it_interval.tv_nsec = 20000000};
	struct sigevent sev = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t t;

	timer_create(CLOCK_MONOTONIC, &sev, &t);
	timer_settime(t, 0, &its, NULL);
	return t;
}

static void
interrupted(void)
{
	const struct call *c = case_row;
	int fd = c->socket(), err;
	sigset_t usr1, before;
	pthread_t thread;
	timer_t t;
	long r;

	patience(fd, c->how & PATIENT ? 30 : 0);
	handle(SIGUSR1, c->how & RESTART ? SA_RESTART : 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	later_port = name_port(fd);
	if (c->how == RESTART && c->ends != NULL) {
		pthread_sigmask(SIG_BLOCK, &usr1, &before);
		pthread_create(
		    &thread, NULL, later, (void *)(uintptr_t)c->ends);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	t = begin_signals();
	r = c->make(fd);
	err = errno;
	over = true;
	timer_delete(t);
	errno = err;
	result("the call", r);
	say("signals %d", signals > 0);
	if (c->how == RESTART && c->ends != NULL)
		pthread_join(thread, NULL);
}

/* What was received before a signal is returned. */
static void
interrupted_halfway(void)
{
	int fd = linked(0), err;
	timer_t t;
	char b[8];
	long r;

	peer("say ab");
	await_quietly(fd, POLLIN);
	patience(fd, 0);
	handle(SIGUSR1, 0);
	t = begin_signals();
	r = recv(fd, b, 5, MSG_WAITALL);
	err = errno;
	timer_delete(t);
	errno = err;
	result("recv", r);
}

/* A connection that goes on after its connect() was interrupted. */
static void
connect_goes_on(void)
{
	int fd = stream(0), silent = peer_number("silent");
	timer_t t;

	handle(SIGUSR1, 0);
	t = begin_signals();
	result("connect", dial(fd, PEER, silent));
	timer_delete(t);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	result("again", dial(fd, PEER, silent));
	say("poll: %s", bits_text(bits(fd)));
	say_peername("getpeername", fd);
	say_error("SO_ERROR", fd);
	close(fd);
}

/* ---- masks ---- */

static void
block_usr1(sigset_t *none)
{
	sigset_t usr1;

	sigemptyset(none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	handle(SIGUSR1, SA_RESTART);
	raise(SIGUSR1);
}

static void
say_masked(const char *what, long r)
{
	sigset_t now;
	int err = errno;

	sigprocmask(SIG_SETMASK, NULL, &now);
	errno = err;
	result(what, r);
	say("signals %d, blocked again %d", (int)signals,
	    sigismember(&now, SIGUSR1));
}

static void
mask_of_ppoll(void)
{
	struct timespec ts = {5, 0};
	struct pollfd p = {.events = POLLIN};
	int fd = p.fd = linked(0);
	sigset_t none;

	block_usr1(&none);
	say_masked("ppoll", ppoll(&p, 1, &ts, &none));
	raise(SIGUSR1);
	peer("send 5");
	await_quietly(fd, POLLIN);
	say_masked("with data", ppoll(&p, 1, &ts, &none));
}

static void
mask_of_pselect(void)
{
	struct timespec ts = {5, 0};
	int fd = linked(0);
	sigset_t none;
	fd_set r;

	block_usr1(&none);
	FD_ZERO(&r);
	FD_SET(fd, &r);
	say_masked("pselect", pselect(fd + 1, &r, NULL, NULL, &ts, &none));
	raise(SIGUSR1);
	peer("send 5");
	await_quietly(fd, POLLIN);
	FD_SET(fd, &r);
	say_masked("with data", pselect(fd + 1, &r, NULL, NULL, &ts, &none));
}

static void
mask_of_epoll(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int fd = linked(0), ep = epoll_create1(0);
	sigset_t none;

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	block_usr1(&none);
	say_masked("epoll_pwait", epoll_pwait(ep, &ev, 1, 5000, &none));
	raise(SIGUSR1);
	peer("send 5");
	await_quietly(fd, POLLIN);
	say_masked("with data", epoll_pwait(ep, &ev, 1, 5000, &none));
}

/* What is blocked does not interrupt. */
static void
masked(void)
{
	struct timeval tv = {.tv_usec = 60000};
	int fd = linked(0), l = listening(0);
	sigset_t none;
	char b[8];

	block_usr1(&none);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	say_masked("recv", recv(fd, b, sizeof b, 0));
	say_masked("accept", accept(l, NULL, NULL));
	say_masked("poll", poll(&(struct pollfd){fd, POLLIN, 0}, 1, 20));
}

/* ---- SIGPIPE ---- */

static long
by_send_quietly(int fd)
{
	return send(fd, "x", 1, MSG_NOSIGNAL);
}

static long
by_sendto(int fd)
{
	union name n = addr(PEER, 9);

	return sendto(fd, "x", 1, 0, &n.sa, name_len());
}

static long
by_sendmmsg(int fd)
{
	struct iovec v = {(char[]){"x"}, 1};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};

	return sendmmsg(fd, &m, 1, 0);
}

static long
by_urgent(int fd)
{
	return send(fd, "x", 1, MSG_OOB);
}

static long
by_nothing(int fd)
{
	return send(fd, "", 0, 0);
}

static void
piped(const char *what, int fd)
{
	const struct call *c = case_row;

	signals = 0;
	result(what, c->make(fd));
	say("signals %d", (int)signals);
}

static void
pipe_signal(void)
{
	int fd;

	handle(SIGPIPE, 0);
	piped("fresh", stream(0));
	piped("listening", listening(0));
	fd = linked(0);
	shutdown(fd, SHUT_WR);
	piped("shut", fd);
	peer("reset");
	await_quietly(fd, POLLHUP);
	piped("shut and reset", fd);
	close(fd);
	fd = linked(0);
	peer("reset");
	await_quietly(fd, POLLHUP);
	piped("reset", fd);
	piped("told", fd);
	close(fd);
	fd = stream(0);
	dial(fd, PEER, 1);
	piped("refused", fd);
}

/* ---- what is signalled ---- */

static volatile int sig_fd, sig_band, sig_code;

static void
on_io(int sig, siginfo_t *si, void *context)
{
	signals++;
	sig_fd = si->si_fd;
	sig_band |= (int)si->si_band;
	sig_code = si->si_code;
}

static void
handle_io(int sig)
{
	struct sigaction sa = {
	    .sa_sigaction = on_io, .sa_flags = SA_SIGINFO | SA_RESTART};

	signals = 0;
	sig_band = 0;
	sigaction(sig, &sa, NULL);
}

static void
await_signal(const char *what)
{
	time_t end = time(NULL) + 5;

	while (signals == 0 && time(NULL) < end)
		poll(NULL, 0, 10);
	say("%s: signalled %d", what, signals > 0);
	signals = 0;
}

static void
io_signal(void)
{
	int fd = linked(0);

	handle(SIGIO, SA_RESTART);
	result("owner", fcntl(fd, F_SETOWN, getpid()));
	result("flags", fcntl(fd, F_SETFL, O_ASYNC));
	say("asynchronous %d", !!(fcntl(fd, F_GETFL) & O_ASYNC));
	peer("send 5");
	await_signal("data");
	say_read("read", fd);
	peer("shut");
	await_signal("the end");
	signal(SIGIO, SIG_IGN);
}

static void
io_signal_by_ioctl(void)
{
	int fd = linked(0), on = 1, pid = getpid(), got = 0;

	handle(SIGIO, SA_RESTART);
	result("owner", ioctl(fd, FIOSETOWN, &pid));
	result("owner", ioctl(fd, FIOGETOWN, &got));
	say("%d", got == pid);
	got = 0;
	result("owner", ioctl(fd, SIOCSPGRP, &pid));
	result("owner", ioctl(fd, SIOCGPGRP, &got));
	say("%d", got == pid);
	result("on", ioctl(fd, FIOASYNC, &on));
	say("asynchronous %d", !!(fcntl(fd, F_GETFL) & O_ASYNC));
	peer("send 5");
	await_signal("data");
	on = 0;
	result("off", ioctl(fd, FIOASYNC, &on));
	say("asynchronous %d", !!(fcntl(fd, F_GETFL) & O_ASYNC));
	signals = 0;
	say_read("read", fd);
	peer("send 5");
	await_quietly(fd, POLLIN);
	say("signals %d", (int)signals);
}

static void
io_signal_told(void)
{
	int fd = linked(0);

	handle_io(SIGUSR2);
	result("signal", fcntl(fd, F_SETSIG, SIGUSR2));
	say("signal %d", fcntl(fd, F_GETSIG) == SIGUSR2);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
	peer("send 5");
	await_signal("data");
	say("of the descriptor %d, code %d, IN %d", sig_fd == fd,
	    sig_code == POLL_IN, !!(sig_band & POLLIN));
	result("bad signal", fcntl(fd, F_SETSIG, 100));
}

static void
io_signal_of_listener(void)
{
	int fd = listening(SOCK_NONBLOCK), c;

	handle(SIGIO, SA_RESTART);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
	peer("connect %d", name_port(fd));
	await_signal("a connection");
	await_quietly(fd, POLLIN);
	c = accept(fd, NULL, NULL);
	say("inherited %d owner %d", !!(fcntl(c, F_GETFL) & O_ASYNC),
	    fcntl(c, F_GETOWN));
	signal(SIGIO, SIG_IGN);
}

static void
io_signal_of_connect(void)
{
	int fd = stream(SOCK_NONBLOCK);

	handle(SIGIO, SA_RESTART);
	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
	signals = 0;
	dial(fd, PEER, peer_number("listen"));
	await_signal("connected");
	await_quietly(fd, POLLOUT);
	signal(SIGIO, SIG_IGN);
	say("still asynchronous %d, owner %d", !!(fcntl(fd, F_GETFL) & O_ASYNC),
	    fcntl(fd, F_GETOWN) == getpid());
}

static void
owners(void)
{
	struct f_owner_ex ex = {.type = F_OWNER_PID, .pid = getpid()};
	int fd = linked(0);

	say("nobody %d", fcntl(fd, F_GETOWN));
	result("group", fcntl(fd, F_SETOWN, -getpgrp()));
	say("group %d", fcntl(fd, F_GETOWN) == -getpgrp());
	result("owner", fcntl(fd, F_SETOWN_EX, &ex));
	say("process %d", fcntl(fd, F_GETOWN) == getpid());
	ex.type = 77;
	result("unknown", fcntl(fd, F_SETOWN_EX, &ex));
	result("nobody there", fcntl(fd, F_SETOWN, 999999999));
}

/* SIGURG comes to the owner without O_ASYNC. */
static void
urgent_signal(void)
{
	int fd = linked(0);

	handle_io(SIGURG);
	fcntl(fd, F_SETOWN, getpid());
	peer("mark ab");
	await_signal("urgent");
	peer("mark cd");
	await_signal("again");
}

static void
urgent_signal_unowned(void)
{
	int fd = linked(0);

	handle(SIGURG, SA_RESTART);
	peer("mark ab");
	poll(&(struct pollfd){fd, POLLPRI, 0}, 1, 5000);
	say("signals %d", (int)signals);
}

#define CALL(name, by, on, end, flags)                                         \
	{                                                                      \
		name, interrupted, &(const struct call)                        \
		{                                                              \
			by, on, end, flags                                     \
		}                                                              \
	}
#define FOUR(by, on, end)                                                      \
	CALL(#by, by, on, end, 0),                                             \
	    CALL(#by "_restarted", by, on, end, RESTART),                      \
	    CALL(#by "_patient", by, on, end, PATIENT),                        \
	    CALL(#by "_patient_restarted", by, on, end, PATIENT | RESTART)
#define TWO(by, on)                                                            \
	CALL(#by, by, on, NULL, 0),                                            \
	    CALL(#by "_restarted", by, on, NULL, RESTART)
#define PIPED(by)                                                              \
	{                                                                      \
		"pipe_" #by, pipe_signal, &(const struct call)                 \
		{                                                              \
			.make = by                                             \
		}                                                              \
	}

static const struct shim_case table[] = {
    FOUR(by_read, to_read, "send 5"),
    FOUR(by_readv, to_read, "send 5"),
    FOUR(by_recv, to_read, "send 5"),
    FOUR(by_peek, to_read, "send 5"),
    FOUR(by_recvfrom, to_read, "send 5"),
    FOUR(by_recvmsg, to_read, "send 5"),
    FOUR(by_recvmmsg, to_read, "send 5"),
    FOUR(by_recv_all, to_read, "send 5"),
    FOUR(by_trunc, to_read, "send 5"),
    FOUR(by_accept, to_accept, "connect %d"),
    FOUR(by_accept4, to_accept, "connect %d"),
    FOUR(by_write, to_write, "recv"),
    FOUR(by_send, to_write, "recv"),
    FOUR(by_sendmsg, to_write, "recv"),
    FOUR(by_writev, to_write, "recv"),
    CALL("by_connect", by_connect, to_connect, NULL, 0),
    CALL("by_connect_patient", by_connect, to_connect, NULL, PATIENT),
    CALL("by_connect_patient_restarted", by_connect, to_connect, NULL,
	PATIENT | RESTART),
    TWO(by_poll, to_read),
    TWO(by_select, to_read),
    TWO(by_epoll, to_read),
    CASE(interrupted_halfway),
    CASE(connect_goes_on),
    CASE(mask_of_ppoll),
    CASE(mask_of_pselect),
    CASE(mask_of_epoll),
    CASE(masked),
    PIPED(by_write),
    PIPED(by_writev),
    PIPED(by_send),
    PIPED(by_send_quietly),
    PIPED(by_sendto),
    PIPED(by_sendmsg),
    PIPED(by_sendmmsg),
    PIPED(by_urgent),
    PIPED(by_nothing),
    CASE(io_signal),
    CASE(io_signal_by_ioctl),
    CASE(io_signal_told),
    CASE(io_signal_of_listener),
    CASE(io_signal_of_connect),
    CASE(owners),
    CASE(urgent_signal),
    CASE(urgent_signal_unowned),
};
const struct subject signalling_cases = SUBJECT("signalling", table);
