/* SPDX-License-Identifier: ISC */
/*
 * poll(), select() and epoll: the bits of every state, and who is woken when.
 */
#include <stdatomic.h>
#include "cases.h"

#define ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI)

static int
watch(int fd, unsigned events)
{
	struct epoll_event ev = {.events = events};
	int ep = epoll_create1(0);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) != 0)
		broken("epoll");
	return ep;
}

/* What epoll_wait() has within so many milliseconds. */
static void
say_event(const char *what, int ep, int ms)
{
	struct epoll_event ev = {.events = 0};
	int n = epoll_wait(ep, &ev, 1, ms);

	say("%s: %d %s%s", what, n, n > 0 ? bits_text(ev.events) : "",
	    n > 0 && ev.events & EPOLLPRI ? "PRI" : "");
}

static void
change(int ep, int fd, unsigned events)
{
	struct epoll_event ev = {.events = events};

	if (epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev) != 0)
		broken("EPOLL_CTL_MOD");
}

/* What poll() says with other requests than all. */
static void
asked(const char *what, int fd, short events)
{
	struct pollfd p = {fd, events, 0};
	int n = poll(&p, 1, 0);

	say("%s: %d %x", what, n, p.revents);
}

static void
asked_all(const char *what, int fd)
{
	say("%s", what);
	asked("nothing", fd, 0);
	asked("IN", fd, POLLIN);
	asked("OUT", fd, POLLOUT);
	asked("RDNORM WRNORM", fd, POLLRDNORM | POLLWRNORM);
	asked("RDBAND", fd, POLLRDBAND);
	asked("PRI", fd, POLLPRI);
	asked("RDHUP", fd, POLLRDHUP);
}

/* ---- the bits of each state ---- */

static void
bits_fresh(void)
{
	asked_all("fresh", stream(0));
}

static void
bits_bound(void)
{
	union name n = addr(ANY, 0);
	int fd = stream(0);

	bind(fd, &n.sa, name_len());
	asked_all("bound", fd);
}

static void
bits_listening(void)
{
	int fd = listening(0);

	asked_all("listening", fd);
	peer("connect %d", name_port(fd));
	await_quietly(fd, POLLIN);
	asked_all("with a connection", fd);
	close(accept(fd, NULL, NULL));
	asked_all("without", fd);
}

static void
listener_shut(void)
{
	int fd = listening(0);

	shutdown(fd, SHUT_RDWR);
	asked_all("shut", fd);
	result("again", listen(fd, 1));
	asked_all("listening", fd);
	peer("connect %d", name_port(fd));
	say("accept %d", accept(fd, NULL, NULL) >= 0);
}

static void
bits_connecting(void)
{
	int fd = stream(SOCK_NONBLOCK), silent = peer_number("silent");

	dial(fd, PEER, silent);
	asked_all("connecting", fd);
}

static void
bits_connected(void)
{
	asked_all("connected", linked(0));
}

static void
bits_readable(void)
{
	int fd = linked(0);

	peer("send 5");
	await_quietly(fd, POLLIN);
	asked_all("readable", fd);
	say_read("read", fd);
	asked_all("empty", fd);
}

static void
bits_refused(void)
{
	int fd = stream(SOCK_NONBLOCK);

	dial(fd, PEER, 1);
	await_quietly(fd, POLLHUP);
	asked_all("refused", fd);
	say_error("SO_ERROR", fd);
	asked_all("told", fd);
}

static void
bits_fin_received(void)
{
	int fd = linked(0);

	peer("send 5");
	peer("shut");
	await_quietly(fd, POLLRDHUP);
	asked_all("FIN behind data", fd);
	say_read("read", fd);
	asked_all("FIN", fd);
	say_read("end", fd);
	asked_all("end read", fd);
}

static void
bits_fin_sent(void)
{
	int fd = linked(0);

	shutdown(fd, SHUT_WR);
	asked_all("FIN sent", fd);
	peer("send 5");
	await_quietly(fd, POLLIN);
	asked_all("readable", fd);
}

static void
bits_shut_read(void)
{
	int fd = linked(0);

	shutdown(fd, SHUT_RD);
	asked_all("shut", fd);
	say_read("read", fd);
	result("send", send(fd, "x", 1, 0));
	say("peer: %s", peer("recv 1"));
}

static void
bits_both_fins(void)
{
	int fd = linked(0);

	shutdown(fd, SHUT_WR);
	peer("end");
	peer("close");
	await_quietly(fd, POLLHUP);
	asked_all("both", fd);
}

static void
bits_shut_both(void)
{
	int fd = linked(0);

	shutdown(fd, SHUT_RDWR);
	asked_all("shut", fd);
	say_read("read", fd);
	result("send", send(fd, "x", 1, MSG_NOSIGNAL));
}

static void
bits_reset(void)
{
	int fd = linked(0);

	peer("reset");
	await_quietly(fd, POLLHUP);
	asked_all("reset", fd);
	say_read("read", fd);
	asked_all("told", fd);
}

static void
bits_reset_behind_data(void)
{
	int fd = linked(0);

	peer("send 5");
	await_quietly(fd, POLLIN);
	peer("reset");
	await_quietly(fd, POLLHUP);
	asked_all("reset", fd);
}

static void
bits_full(void)
{
	char buf[65536] = "";
	int fd = linked(SOCK_NONBLOCK);

	while (write(fd, buf, sizeof buf) > 0)
		;
	result("write", write(fd, buf, sizeof buf));
	/* What is on the way may make room for more. */
	while (bits(fd) & POLLOUT)
		if (write(fd, buf, sizeof buf) < 0)
			poll(NULL, 0, 10);
	asked_all("full", fd);
}

static void
write_band(void)
{
	asked("connected", linked(0), POLLWRBAND);
}

static void
bits_closed_number(void)
{
	int fd = stream(0);

	close(fd);
	asked("closed", fd, POLLIN);
}

/* ---- select ---- */

static void
say_select(const char *what, int fd, int ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	fd_set r, w, e;
	int n;

	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(fd, &r);
	FD_SET(fd, &w);
	FD_SET(fd, &e);
	n = select(fd + 1, &r, &w, &e, &tv);
	say("%s: %d %d%d%d", what, n, !!FD_ISSET(fd, &r), !!FD_ISSET(fd, &w),
	    !!FD_ISSET(fd, &e));
}

static void
select_states(void)
{
	int fd = stream(SOCK_NONBLOCK);

	say_select("fresh", fd, 0);
	dial(fd, PEER, 1);
	await_quietly(fd, POLLHUP);
	say_select("refused", fd, 0);
	close(fd);
	fd = listening(0);
	say_select("listening", fd, 0);
	close(fd);
	fd = linked(0);
	say_select("connected", fd, 0);
	peer("shut");
	await_quietly(fd, POLLRDHUP);
	say_select("FIN", fd, 0);
	peer("reset");
	await_quietly(fd, POLLHUP);
	say_select("reset", fd, 0);
}

static void
select_connecting(void)
{
	int fd = stream(SOCK_NONBLOCK);

	dial(fd, PEER, peer_number("silent"));
	say_select("connecting", fd, 20);
}

static void
select_urgent(void)
{
	int fd = linked(0);
	struct timeval tv = {5, 0};
	fd_set e;

	peer("urgent");
	FD_ZERO(&e);
	FD_SET(fd, &e);
	say("%d", select(fd + 1, NULL, NULL, &e, &tv));
	say("%d", !!FD_ISSET(fd, &e));
}

static void
select_many(void)
{
	int fds[200], i, port = peer_number("listen"), n = 0;
	struct timeval tv = {5, 0};
	fd_set w;

	FD_ZERO(&w);
	for (i = 0; i < 200; i++) {
		fds[i] = stream(0);
		if (dial(fds[i], PEER, port) != 0)
			broken("connect");
		peer("accept");
		peer("close");
		FD_SET(fds[i], &w);
	}
	say("%d", select(fds[199] + 1, NULL, &w, NULL, &tv));
	for (i = 0; i < 200; i++) {
		await_quietly(fds[i], POLLIN);
		n += read(fds[i], &tv, 1) == 0;
	}
	say("ends %d", n);
}

/* ---- epoll ---- */

static void
level_repeats(void)
{
	int fd = linked(0), ep = watch(fd, EPOLLIN);

	say_event("empty", ep, 0);
	peer("send 5");
	say_event("data", ep, 5000);
	say_event("data again", ep, 0);
	say_read("read", fd);
	say_event("empty", ep, 0);
}

static void
edge_for_each_arrival(void)
{
	int fd = linked(0), ep = watch(fd, EPOLLIN | EPOLLET);

	peer("send 5");
	say_event("data", ep, 5000);
	say_event("once", ep, 20);
	peer("send 5");
	say_event("more", ep, 5000);
	say_event("once", ep, 20);
	say_read("read", fd);
	say_event("none", ep, 20);
}

static void
edge_on_connected(void)
{
	int fd = stream(SOCK_NONBLOCK), ep = watch(fd, ALL | EPOLLET);

	say_event("fresh", ep, 0);
	say_event("once", ep, 0);
	dial(fd, PEER, peer_number("listen"));
	say_event("connected", ep, 5000);
	say_event("once", ep, 20);
}

/* An edge may come twice under the shim: AF_UNIX tells of the end first and
 * then frees what was unread, which is room. */
static void
let_settle(int ep)
{
	struct epoll_event ev;

	while (epoll_wait(ep, &ev, 1, 20) > 0)
		;
}

static void
edge_on_refused(void)
{
	int fd = stream(SOCK_NONBLOCK), ep = watch(fd, ALL | EPOLLET);

	say_event("fresh", ep, 0);
	dial(fd, PEER, 1);
	say_event("refused", ep, 5000);
	let_settle(ep);
	say_error("SO_ERROR", fd);
	say_event("told", ep, 20);
}

static void
edge_on_fin(void)
{
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, ALL | EPOLLET);

	say_event("connected", ep, 0);
	peer("shut");
	say_event("FIN", ep, 5000);
	say_event("once", ep, 20);
	say_read("read", fd);
	say_event("none", ep, 20);
	shutdown(fd, SHUT_WR);
	await_quietly(fd, POLLHUP);
	say_event("both", ep, 5000);
}

static void
edge_on_reset(void)
{
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, ALL | EPOLLET);

	say_event("connected", ep, 0);
	peer("reset");
	say_event("reset", ep, 5000);
	let_settle(ep);
	say_read("read", fd);
	say_event("none", ep, 20);
}

static void
edge_on_room(void)
{
	char buf[65536] = "";
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, EPOLLOUT | EPOLLET);
	long n, total = 0;
	ssize_t r;

	say_event("connected", ep, 0);
	do {
		while ((r = write(fd, buf, sizeof buf)) > 0)
			total += r;
	} while (poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 100) > 0);
	let_settle(ep);
	for (n = 65536; n < total; n += 65536)
		peer("recv 65536");
	say_event("room", ep, 5000);
}

static void
edge_on_urgent(void)
{
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, EPOLLPRI | EPOLLET);

	peer("urgent");
	say_event("urgent", ep, 5000);
	say_event("once", ep, 20);
}

static void
edge_on_listener(void)
{
	int fd = listening(SOCK_NONBLOCK), ep = watch(fd, EPOLLIN | EPOLLET);
	int port = name_port(fd);

	peer("connect %d", port);
	say_event("one", ep, 5000);
	say_event("once", ep, 20);
	peer("connect %d", port);
	say_event("another", ep, 5000);
	say("%d", accept(fd, NULL, NULL) >= 0);
	say("%d", accept(fd, NULL, NULL) >= 0);
	result("none", accept(fd, NULL, NULL));
	say_event("none", ep, 20);
}

static void
edge_then_changed(void)
{
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, EPOLLIN | EPOLLET);

	peer("send 5");
	say_event("data", ep, 5000);
	change(ep, fd, EPOLLIN | EPOLLET);
	say_event("changed", ep, 20);
	change(ep, fd, EPOLLOUT | EPOLLET);
	say_event("writable", ep, 20);
}

static void
one_shot(void)
{
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, EPOLLIN | EPOLLONESHOT);

	peer("send 5");
	say_event("data", ep, 5000);
	peer("send 5");
	say_event("disarmed", ep, 20);
	change(ep, fd, EPOLLIN | EPOLLONESHOT);
	say_event("armed", ep, 20);
	say_event("disarmed", ep, 20);
}

static void
one_shot_hup(void)
{
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, EPOLLIN | EPOLLONESHOT);

	peer("send 5");
	say_event("data", ep, 5000);
	peer("reset");
	await_quietly(fd, POLLHUP);
	say_event("disarmed", ep, 20);
	change(ep, fd, 0);
	say_event("nothing asked", ep, 20);
}

static void
hup_unasked(void)
{
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, 0);

	peer("shut");
	await_quietly(fd, POLLRDHUP);
	say_event("FIN", ep, 20);
	peer("reset");
	await_quietly(fd, POLLHUP);
	say_event("reset", ep, 20);
}

static void
nested(void)
{
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, EPOLLIN);
	int outer = watch(ep, EPOLLIN),
	    outest = watch(outer, EPOLLIN | EPOLLET);

	say_event("empty", outest, 0);
	peer("send 5");
	say_event("outest", outest, 5000);
	say_event("outer", outer, 0);
	say_event("inner", ep, 0);
	say_read("read", fd);
	say_event("outer", outer, 0);
}

static void
two_watchers(void)
{
	int fd = linked(SOCK_NONBLOCK), a = watch(fd, EPOLLIN | EPOLLET),
	    b = watch(fd, EPOLLIN | EPOLLET);

	peer("send 5");
	say_event("a", a, 5000);
	say_event("b", b, 5000);
	say_event("a", a, 20);
	say_event("b", b, 20);
}

static void
exclusive(void)
{
	int fd = listening(SOCK_NONBLOCK);
	int a = watch(fd, EPOLLIN | EPOLLEXCLUSIVE),
	    b = watch(fd, EPOLLIN | EPOLLEXCLUSIVE);

	peer("connect %d", name_port(fd));
	await_quietly(fd, POLLIN);
	say_event("a", a, 5000);
	say_event("b", b, 5000);
	close(accept(fd, NULL, NULL));
	say_event("a", a, 0);
	say_event("b", b, 0);
}

static void
exclusive_errors(void)
{
	struct epoll_event ev = {
	    .events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT};
	int fd = listening(0), ep = epoll_create1(0);

	result("one-shot", epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	ev.events = EPOLLIN | EPOLLEXCLUSIVE;
	result("add", epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	result("change", epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev));
	result("twice", epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	result("remove", epoll_ctl(ep, EPOLL_CTL_DEL, fd, &ev));
	result("again", epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	result("itself", epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
}

static void
before_connecting(void)
{
	int fd = stream(SOCK_NONBLOCK), ep = watch(fd, EPOLLOUT | EPOLLONESHOT);

	say_event("fresh", ep, 0);
	dial(fd, PEER, peer_number("listen"));
	change(ep, fd, EPOLLOUT);
	say_event("connected", ep, 5000);
	say_error("SO_ERROR", fd);
}

/* A registration outlives the connect() that makes a socket the kernel's. */
static void
before_loopback(void)
{
	union name n = addr(LOOPBACK, 0);
	socklen_t len = name_len();
	int l = stream(0), fd = stream(SOCK_NONBLOCK),
	    ep = watch(fd, ALL | EPOLLET), c;

	bind(l, &n.sa, name_len());
	listen(l, 1);
	getsockname(l, &n.sa, &len);
	say_event("fresh", ep, 0);
	result("connect", connect(fd, &n.sa, len) < 0 ? -1 : 0);
	say_event("connected", ep, 5000);
	c = accept(l, NULL, NULL);
	if (write(c, "hello", 5) != 5)
		broken("write");
	say_event("data", ep, 5000);
	say_read("read", fd);
	close(c);
	say_event("end", ep, 5000);
}

/* ... and then it is changed and removed by the same number. */
static void
before_loopback_changed(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	union name n = addr(LOOPBACK, 0);
	socklen_t len = name_len();
	int l = stream(0), fd = stream(0), ep = watch(fd, EPOLLOUT), c;

	bind(l, &n.sa, name_len());
	listen(l, 1);
	getsockname(l, &n.sa, &len);
	result("connect", connect(fd, &n.sa, len));
	c = accept(l, NULL, NULL);
	say_event("writable", ep, 5000);
	result("change", epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev));
	say_event("empty", ep, 0);
	if (write(c, "hello", 5) != 5)
		broken("write");
	say_event("data", ep, 5000);
	result("remove", epoll_ctl(ep, EPOLL_CTL_DEL, fd, &ev));
	say_event("removed", ep, 0);
}

static void
after_a_failure(void)
{
	int fd = stream(SOCK_NONBLOCK), ep;

	dial(fd, PEER, 1);
	await_quietly(fd, POLLHUP);
	result("told", dial(fd, PEER, 1));
	ep = watch(fd, ALL);
	dial(fd, PEER, peer_number("listen"));
	say_event("connected", ep, 5000);
	peer("accept");
	peer("send 5");
	await_quietly(fd, POLLIN);
	say_event("data", ep, 5000);
}

static void
over_a_failure(void)
{
	int fd = stream(SOCK_NONBLOCK), ep = watch(fd, ALL | EPOLLET);

	dial(fd, PEER, 1);
	await_quietly(fd, POLLHUP);
	say_event("refused", ep, 5000);
	result("told", dial(fd, PEER, 1));
	dial(fd, PEER, peer_number("listen"));
	await_quietly(fd, POLLOUT);
	say_event("connected", ep, 5000);
	say_event("once", ep, 0);
}

static void
duplicate_keeps_it(void)
{
	int fd = linked(0), ep = watch(fd, EPOLLIN), copy = dup(fd);

	close(fd);
	peer("send 5");
	say_event("data", ep, 5000);
	say_read("read", copy);
	close(copy);
	peer("close");
	say_event("gone", ep, 20);
}

static void
closed_is_forgotten(void)
{
	int fd = linked(0), ep = watch(fd, EPOLLIN | EPOLLRDHUP);

	peer("send 5");
	await_quietly(fd, POLLIN);
	close(fd);
	say_event("closed", ep, 20);
}

static atomic_int woken;
static atomic_bool enough;

static void *
waits(void *arg)
{
	int ep = *(int *)arg;

	while (!enough)
		woken += epoll_wait(ep, &(struct epoll_event){0}, 1, 20);
	return NULL;
}

/* Two threads at one epoll: an edge wakes one. */
static void
wakes_one(void)
{
	int fd = linked(SOCK_NONBLOCK), ep = watch(fd, EPOLLIN | EPOLLET), i;
	time_t end = time(NULL) + PATIENCE_S;
	pthread_t t[2];

	for (i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, waits, &ep);
	peer("send 5");
	while (woken == 0 && time(NULL) < end)
		poll(NULL, 0, 10);
	poll(NULL, 0, 50);
	enough = true;
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	say("%d", (int)woken);
}

static void
ppoll_and_pselect(void)
{
	struct timespec ts = {5, 0};
	int fd = linked(0);
	struct pollfd p = {fd, POLLIN, 0};
	sigset_t none;
	fd_set r;

	sigemptyset(&none);
	peer("send 5");
	say("ppoll %d", ppoll(&p, 1, &ts, &none));
	FD_ZERO(&r);
	FD_SET(fd, &r);
	say("pselect %d", pselect(fd + 1, &r, NULL, NULL, &ts, &none));
}

static void
low_water_of_poll(void)
{
	struct pollfd p = {.events = POLLIN};
	int fd = p.fd = linked(0);

	result("set", set_opt(fd, SOL_SOCKET, SO_RCVLOWAT, 100));
	peer("send 10");
	say("ten: %d", poll(&p, 1, 50));
	peer("send 90");
	say("a hundred: %d", poll(&p, 1, 5000));
	say_read("read", fd);
}

static const struct shim_case table[] = {
    CASE(bits_fresh),
    CASE(bits_bound),
    CASE(bits_listening),
    CASE(listener_shut),
    CASE(bits_connecting),
    CASE(bits_connected),
    CASE(bits_readable),
    CASE(bits_refused),
    CASE(bits_fin_received),
    CASE(bits_fin_sent),
    CASE(bits_shut_read),
    CASE(bits_both_fins),
    CASE(bits_shut_both),
    CASE(bits_reset),
    CASE(bits_reset_behind_data),
    CASE(bits_full),
    CASE(write_band),
    CASE(bits_closed_number),
    CASE(select_states),
    CASE(select_connecting),
    CASE(select_urgent),
    CASE(select_many),
    CASE(level_repeats),
    CASE(edge_for_each_arrival),
    CASE(edge_on_connected),
    CASE(edge_on_refused),
    CASE(edge_on_fin),
    CASE(edge_on_reset),
    CASE(edge_on_room),
    CASE(edge_on_urgent),
    CASE(edge_on_listener),
    CASE(edge_then_changed),
    CASE(one_shot),
    CASE(one_shot_hup),
    CASE(hup_unasked),
    CASE(nested),
    CASE(two_watchers),
    CASE(exclusive),
    CASE(exclusive_errors),
    CASE(before_connecting),
    CASE(before_loopback),
    CASE(before_loopback_changed),
    CASE(after_a_failure),
    CASE(over_a_failure),
    CASE(duplicate_keeps_it),
    CASE(closed_is_forgotten),
    CASE(wakes_one),
    CASE(ppoll_and_pselect),
    CASE(low_water_of_poll),
};
const struct subject polling_cases = SUBJECT("polling", table);
