/* SPDX-License-Identifier: ISC */
/*
 * Sockets of UDP through the engine, without the shim: what the messages on
 * both ends are, what the requests answer, and that nothing is left of them.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include "ipc/msg.h"
#include "proc/proc.h"
#include "tests/unit/engine_lab.h"

TestSuite(dgram, .init = lab_up, .fini = lab_down, .timeout = 60);

static void
get_dgrams(struct engine *e, void *arg)
{
	*(size_t *)arg = e->ndgrams;
}

static size_t
dgrams(int i)
{
	size_t n;

	lab_on(i, get_dgrams, &n);
	return n;
}

/* A socket of engine i; a negative errno. */
static struct cl
made(int i)
{
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = PROTO_DGRAM,
	    .len = sizeof(struct proto_listen)};
	struct proto_listen l = {.backlog = AF_INET};
	struct cl c = cl_socket();
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct proto_reply rep = {.err = EPROTO};
	struct iovec out[2] = {{&h, sizeof h}, {&l, sizeof l}},
		     in = {&rep, sizeof rep};
	struct msghdr m = {.msg_iov = &in,
	    .msg_iovlen = 1,
	    .msg_control = ctl.space,
	    .msg_controllen = sizeof ctl.space};
	int s = c.fd;

	h.handle = c.handle;
	cr_assert_eq(cl_dial(s, i), 0);
	cr_assert_gt(cl_send_fd(s, out, 2, -1), 0);
	cr_assert_eq(recvmsg(s, &m, 0), (ssize_t)sizeof rep);
	close(s);
	c.fd = -rep.err;
	if (rep.err == 0)
		memcpy(&c.fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof c.fd);
	return c;
}

static struct proto_name
name_of(uint32_t addr, uint16_t port)
{
	struct proto_name n = {.family = AF_INET, .port = port};

	addr = htonl(addr);
	memcpy(n.addr, &addr, sizeof addr);
	return n;
}

static int
ask(int i, const struct cl *c, uint16_t type, const struct proto_name *n)
{
	return cl_request(i, type, c->handle, n, sizeof *n, -1, NULL, NULL);
}

static int
set_int(int i, const struct cl *c, int level, int name, int v)
{
	struct {
		struct proto_opt o;
		int v;
	} m = {{.level = level, .name = name, .len = sizeof v}, v};

	return cl_request(
	    i, PROTO_SETOPT, c->handle, &m, sizeof m, -1, NULL, NULL);
}

/* A pair: a through engine 0, bound and named at 192.0.2.1:1000, b through
 * engine 1 at port 2000. */
static void
pair(struct cl *a, struct cl *b)
{
	struct proto_name n = name_of(LAB_ADDR(0), 1000);
	int err;

	*a = made(0);
	*b = made(1);
	err = ask(0, a, PROTO_BIND, &n);
	cr_assert_eq(err, 0, "%s", strerror(err));
	n = name_of(LAB_ADDR(1), 2000);
	cr_assert_eq(ask(1, b, PROTO_BIND, &n), 0);
}

static ssize_t
send_to(const struct cl *c, struct proto_name to, const char *text)
{
	struct proto_dgram h = {
	    .magic = PROTO_DGRAM_MAGIC, .handle = c->handle, .peer = to};
	struct iovec iov[2] = {
	    {&h, sizeof h}, {(void *)(uintptr_t)text, strlen(text)}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

struct message {
	struct proto_dgram h;
	char text[70000];
};

static ssize_t
hear(int fd, struct message *m)
{
	struct pollfd p = {fd, POLLIN, 0};

	if (poll(&p, 1, 5000) != 1)
		return -ETIMEDOUT;
	memset(m, 0, sizeof *m);
	return recv(fd, m, sizeof *m, 0);
}

Test(dgram, headers_say_who_and_where)
{
	static struct message m;
	struct cl a, b;

	pair(&a, &b);
	cr_assert_eq(cl_poll(a.fd), POLLOUT);
	cr_assert_gt(send_to(&a, name_of(LAB_ADDR(1), 2000), "hello"), 0);
	cr_assert_eq(hear(b.fd, &m), (ssize_t)sizeof m.h + 5);
	cr_assert_str_eq(m.text, "hello");
	cr_assert(m.h.magic == PROTO_DGRAM_MAGIC && m.h.handle == b.handle);
	cr_assert(m.h.peer.port == 1000 && m.h.peer.addr[3] == 1);
	cr_assert(m.h.local.port == 2000 && m.h.local.addr[3] == 2);
	cr_assert_eq(m.h.ttl, 64);
	close(a.fd);
	close(b.fd);
	cr_assert(lab_until(dgrams, 0, 0, 2000));
	cr_assert(lab_until(dgrams, 1, 0, 2000));
}

Test(dgram, connected_is_payload_alone)
{
	static struct message m;
	struct proto_name n = name_of(LAB_ADDR(1), 2000);
	struct cl a, b;

	pair(&a, &b);
	cr_assert_eq(send(a.fd, "early", 5, 0), 5);
	cr_assert_eq(hear(a.fd, &m), 0, "an errno waits");
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, a.handle, NULL, 0, -1, NULL, NULL),
	    EDESTADDRREQ);
	cr_assert_eq(ask(0, &a, PROTO_DCONNECT, &n), 0);
	n = name_of(LAB_ADDR(0), 1000);
	cr_assert_eq(ask(1, &b, PROTO_DCONNECT, &n), 0);
	cr_assert_eq(send(a.fd, "raw", 3, 0), 3);
	cr_assert_eq(hear(b.fd, &m), 3);
	cr_assert_arr_eq(&m, "raw", 3);
	cr_assert_eq(send(b.fd, "", 0, 0), 0);
	cr_assert_eq(hear(a.fd, &m), 0, "an empty datagram");
	/* A header goes ahead where more is to be known. */
	cr_assert_eq(set_int(1, &b, IPPROTO_IP, IP_RECVTOS, 1), 0);
	cr_assert_eq(send(a.fd, "more", 4, 0), 4);
	cr_assert_eq(hear(b.fd, &m), (ssize_t)sizeof m.h + 4);
	cr_assert_eq(m.h.flags, PROTO_DGRAM_TOS);
}

/* What came before connect() can be had again without a header. */
Test(dgram, what_came_early_comes_once_more)
{
	static struct message m;
	struct proto_name n = name_of(LAB_ADDR(0), 1000);
	struct {
		struct proto_opt o;
		uint32_t raw, later;
	} ans;
	struct cl a, b;
	size_t len;

	pair(&a, &b);
	cr_assert_gt(send_to(&a, name_of(LAB_ADDR(1), 2000), "early"), 0);
	cr_assert_eq(hear(b.fd, &m), (ssize_t)sizeof m.h + 5);
	cr_assert_eq(cl_request(1, PROTO_DCONNECT, b.handle, &n, sizeof n, -1,
			 &ans, &len),
	    0);
	cr_assert(ans.later == 1);
	m.h.flags = PROTO_DGRAM_BACK;
	cr_assert_eq(
	    send(b.fd, &m, sizeof m.h + 5, 0), (ssize_t)sizeof m.h + 5);
	cr_assert_eq(hear(b.fd, &m), 5);
	cr_assert_arr_eq(&m, "early", 5);
	cr_assert_eq(recv(a.fd, &m, sizeof m, MSG_DONTWAIT), -1,
	    "it is not sent to anybody");
}

/* A reader without the library takes the sign of an errno for an empty
 * datagram; the next errno has a sign of its own. */
Test(dgram, each_errno_has_its_sign)
{
	static struct message m;
	struct proto_name n = name_of(LAB_ADDR(1), 2001);
	struct cl a, b;
	int i;

	pair(&a, &b);
	cr_assert_eq(ask(0, &a, PROTO_DCONNECT, &n), 0);
	for (i = 0; i < 2; i++) {
		cr_assert_eq(send(a.fd, "x", 1, 0), 1);
		cr_assert_eq(hear(a.fd, &m), 0);
	}
}

/* The error queue ends somewhere, and goes with its option. */
Test(dgram, error_queue_is_bounded)
{
	static struct message m;
	struct proto_name n = name_of(LAB_ADDR(1), 2001);
	struct {
		struct proto_derror h;
		char text[PROTO_DERROR_DATA];
	} ans;
	struct cl a, b;
	size_t len;
	int i;

	pair(&a, &b);
	cr_assert_eq(
	    cl_request(0, PROTO_DERROR, a.handle, NULL, 0, -1, &ans, &len),
	    EAGAIN);
	cr_assert_eq(set_int(0, &a, IPPROTO_IP, IP_RECVERR, 1), 0);
	for (i = 0; i < 40; i++) {
		cr_assert_gt(send_to(&a, n, "refused"), 0);
		if (i == 0)
			cr_assert_eq(hear(a.fd, &m), 0, "an errno waits");
	}
	while (lab_drops(0, DROP_UDP_FULL) < 8)
		poll(NULL, 0, 1); /* the suite's time is limited */
	for (i = 0; i < 32; i++) {
		cr_assert_eq(cl_request(0, PROTO_DERROR, a.handle, NULL, 0, -1,
				 &ans, &len),
		    0);
		cr_assert(ans.h.error == ECONNREFUSED && ans.h.len == 7);
		cr_assert_arr_eq(ans.text, "refused", 7);
		cr_assert(ans.h.dst.port == 2001 && ans.h.from.addr[3] == 2);
	}
	cr_assert_eq(
	    cl_request(0, PROTO_DERROR, a.handle, NULL, 0, -1, &ans, &len),
	    EAGAIN);
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, a.handle, NULL, 0, -1, NULL, NULL), 0,
	    "the last one took the errno along");
}

/* Whose port it is not, he hears of it; and only once. */
Test(dgram, refused_is_told)
{
	static struct message m;
	struct proto_name n = name_of(LAB_ADDR(1), 2001);
	struct proto_listen why = {.backlog = PROTO_EMPTY_TAKEN};
	struct {
		struct proto_opt o;
		uint32_t err, empty;
	} ans;
	struct cl a, b;
	size_t len;

	pair(&a, &b);
	cr_assert_eq(ask(0, &a, PROTO_DCONNECT, &n), 0);
	cr_assert_eq(send(a.fd, "x", 1, 0), 1);
	cr_assert_eq(hear(a.fd, &m), 0);
	cr_assert_eq(cl_request(0, PROTO_DEMPTY, a.handle, &why, sizeof why, -1,
			 &ans, &len),
	    0);
	cr_assert(ans.err == ECONNREFUSED && ans.empty == 0);
	why.backlog = PROTO_EMPTY_ASKED;
	cr_assert_eq(cl_request(0, PROTO_DEMPTY, a.handle, &why, sizeof why, -1,
			 &ans, &len),
	    0);
	cr_assert(ans.err == 0 && ans.empty == 0);
}

Test(dgram, a_full_buffer_drops)
{
	static struct message m;
	struct cl a, b;
	int i, got = 0;

	pair(&a, &b);
	cr_assert_eq(set_int(1, &b, SOL_SOCKET, SO_RCVBUF, 8192), 0);
	for (i = 0; i < 200; i++)
		cr_assert_gt(
		    send_to(&a, name_of(LAB_ADDR(1), 2000), "text"), 0);
	while (lab_drops(1, DROP_UDP_FULL) == 0)
		poll(NULL, 0, 1); /* the suite's time is limited */
	while (recv(b.fd, &m, sizeof m, MSG_DONTWAIT) > 0)
		got++;
	cr_assert(got > 0 && got < 200, "%d", got);
	/* It goes on. */
	while (strcmp(m.text, "end") != 0) {
		cr_assert_gt(send_to(&a, name_of(LAB_ADDR(1), 2000), "end"), 0);
		cr_assert_gt(hear(b.fd, &m), 0);
	}
}

/* close() and then another socket on the port, at once. */
Test(dgram, a_port_is_free_when_it_is_closed)
{
	struct proto_name n = name_of(0, 2000);
	struct cl c;
	int i;

	for (i = 0; i < 50; i++) {
		c = made(1);
		cr_assert_eq(ask(1, &c, PROTO_BIND, &n), 0, "round %d", i);
		close(c.fd);
	}
}

static void
few(void)
{
	lab_quota.conns = 3;
	lab_up();
}

static void
down(void)
{
	lab_down();
}

TestSuite(dgram_quota, .init = few, .fini = down, .timeout = 60);

Test(dgram_quota, a_socket_is_a_connection)
{
	struct cl c[3], more;
	int i;

	for (i = 0; i < 3; i++) {
		c[i] = made(0);
		cr_assert_geq(c[i].fd, 0);
	}
	more = made(0);
	cr_assert_eq(more.fd, -EMFILE);
	close(c[1].fd);
	more = made(0);
	cr_assert_geq(more.fd, 0, "its place is free at once");
}

/* Another user's, and one that nobody has. */
Test(dgram, requests_about_others)
{
	struct cl a = made(0), none = cl_socket();
	struct proto_name n = name_of(LAB_ADDR(1), 9);

	cr_assert_eq(ask(0, &none, PROTO_DCONNECT, &n), EBADF);
	cr_assert_eq(
	    cl_request(0, PROTO_LISTEN, a.handle, &(struct proto_listen){5, 0},
		sizeof(struct proto_listen), -1, NULL, NULL),
	    EOPNOTSUPP);
	n.family = AF_INET6;
	cr_assert_eq(ask(0, &a, PROTO_DCONNECT, &n), EAFNOSUPPORT);
	n = name_of(LAB_ADDR(1), 80);
	cr_assert_eq(ask(0, &a, PROTO_BIND, &n), EADDRNOTAVAIL);
	cr_assert_eq(
	    cl_request(0, PROTO_GETPEERNAME, a.handle, NULL, 0, -1, NULL, NULL),
	    ENOTCONN);
}

/* A header that the library would not have written. */
Test(dgram, what_the_policy_refuses_is_not_sent)
{
	static struct message m;
	struct cl a, b;
	struct proto_name n = name_of(LAB_ADDR(1), 2000);
	struct pollfd p;

	pair(&a, &b);
	lab_refuse(0, LAB_ADDR(1), 2000);
	cr_assert_eq(ask(0, &a, PROTO_DCONNECT, &n), ENETUNREACH);
	cr_assert_gt(send_to(&a, n, "hello"), 0);
	cr_assert_eq(hear(a.fd, &m), 0, "an errno");
	cr_assert_eq(
	    cl_request(0, PROTO_ERROR, a.handle, NULL, 0, -1, NULL, NULL),
	    ENETUNREACH);
	p = (struct pollfd){b.fd, POLLIN, 0};
	cr_assert_eq(poll(&p, 1, 0), 0);
	cr_assert_eq(lab_drops(0, DROP_IPC_POLICY), 2);
	close(a.fd);
	a = made(0);
	n = name_of(0, 2000);
	cr_assert_eq(ask(0, &a, PROTO_BIND, &n), EADDRNOTAVAIL);
}

/* A turn in which connections have had all that the device takes. */
static void
two_full_turns(struct engine *e, void *arg)
{
	struct cl *c = arg;
	struct name *n = names_find(&e->names, getuid(), c->handle);
	struct udp_info i;

	send_to(c, name_of(LAB_ADDR(1), 2000), "x");
	dgrams_bury(e); /* which looks who has something */
	e->tx_blocked = true;
	engine_flush(e);
	udp_info(((struct dgram *)n)->sock, &i);
	cr_expect_eq(i.out, 0);
	engine_flush(e);
	udp_info(((struct dgram *)n)->sock, &i);
	cr_expect_eq(i.out, 1, "it goes first in the next one");
	e->tx_blocked = false;
}

Test(dgram, connections_leave_it_a_share)
{
	static struct message m;
	struct cl a, b;

	pair(&a, &b);
	lab_on(0, two_full_turns, &a);
	cr_assert_eq(hear(b.fd, &m), (ssize_t)sizeof m.h + 1);
}

/* ---- the resolver at 127.0.0.1 ---- */

static void
give_resolver(struct engine *e, void *arg)
{
	cr_expect(engine_set_resolver(e, *(int *)arg));
}

static void
get_queries(struct engine *e, void *arg)
{
	struct dquery *q;
	size_t n = 0;

	RB_FOREACH (q, dqueries, &e->dqueries)
		n++;
	*(size_t *)arg = n;
}

static size_t
queries(int i)
{
	size_t n;

	lab_on(i, get_queries, &n);
	return n;
}

/* Our end of a resolver of engine 0. */
static int
resolver(void)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	lab_on(0, give_resolver, &pair[0]);
	return pair[1];
}

struct asked {
	struct msg_head h;
	struct proto_resolve q;
	char text[4096];
};

static ssize_t
hear_query(int fd, struct asked *a)
{
	struct pollfd p = {fd, POLLIN, 0};

	memset(a, 0, sizeof *a);
	if (poll(&p, 1, 5000) != 1)
		return -ETIMEDOUT;
	return recv(fd, a, sizeof *a, 0) -
	       (ssize_t)offsetof(struct asked, text);
}

static void
answer(int fd, uint32_t id, const char *text)
{
	struct msg_head h = {.magic = msgchan_internal.magic,
	    .version = msgchan_internal.version,
	    .type = RM_ANSWER,
	    .len = (uint32_t)strlen(text),
	    .id = id};
	struct iovec iov[2] = {
	    {&h, sizeof h}, {(void *)(uintptr_t)text, strlen(text)}};

	cr_assert_gt(writev(fd, iov, 2), 0);
}

#define NAMES name_of(INADDR_LOOPBACK, 53)

Test(dgram, loopback_has_a_resolver)
{
	static struct message m;
	struct proto_name n = NAMES;
	static struct asked q;
	struct cl a = made(0);
	int fd = resolver();

	cr_assert_gt(send_to(&a, n, "short"), 0);
	cr_assert_gt(send_to(&a, n, "the question"), 0);
	cr_assert_eq(hear_query(fd, &q), 12);
	cr_assert_str_eq(q.text, "the question");
	cr_assert_eq(q.q.flags, PROTO_DATAGRAM);
	answer(fd, q.h.id + 1, "to nobody's question");
	answer(fd, q.h.id, "what it says");
	answer(fd, q.h.id, "what it said");
	cr_assert_eq(hear(a.fd, &m), (ssize_t)sizeof m.h + 12);
	cr_assert_str_eq(m.text, "what it says");
	cr_assert(m.h.peer.port == 53 && m.h.peer.addr[0] == 127);
	cr_assert_neq(m.h.local.port, 0);
	/* The same with a peer; and who has another one does not hear it. */
	cr_assert_eq(ask(0, &a, PROTO_DCONNECT, &n), 0);
	cr_assert_eq(send(a.fd, "one question", 12, 0), 12);
	cr_assert_eq(hear_query(fd, &q), 12);
	answer(fd, q.h.id, "one answer's");
	cr_assert_eq(hear(a.fd, &m), 12);
	cr_assert_eq(send(a.fd, "two question", 12, 0), 12);
	cr_assert_eq(hear_query(fd, &q), 12);
	n = name_of(LAB_ADDR(1), 2000);
	cr_assert_eq(ask(0, &a, PROTO_DCONNECT, &n), 0);
	cr_assert_eq(queries(0), 0);
	answer(fd, q.h.id, "too late now");
	lab_refuse(0, INADDR_LOOPBACK, 53);
	n = NAMES;
	cr_assert_eq(ask(0, &a, PROTO_DCONNECT, &n), ENETUNREACH);
	close(fd);
}

Test(dgram, queries_are_counted_and_forgotten)
{
	static struct asked q;
	struct cl a = made(0), b = made(0);
	int fd = resolver(), i;

	for (i = 0; i < QUERIES_PER_UID + 9; i++)
		cr_assert_gt(send_to(&a, NAMES, "the question"), 0);
	for (i = 0; i < QUERIES_PER_UID; i++)
		cr_assert_eq(hear_query(fd, &q), 12);
	cr_assert_eq(queries(0), QUERIES_PER_UID);
	close(a.fd);
	cr_assert(lab_until(queries, 0, 0, 5000));
	cr_assert_gt(send_to(&b, NAMES, "another time"), 0);
	cr_assert_eq(hear_query(fd, &q), 12);
	cr_assert_str_eq(q.text, "another time");
	close(fd);
	cr_assert(lab_until(queries, 0, 0, 5000), "there is no resolver");
}

/* ---- who is gone ---- */

/* More than the device is given at once. */
static void
leave_much_behind(struct engine *e, void *arg)
{
	struct cl *c = arg;
	int i, j;

	for (i = 0; i < 3; i++) {
		for (j = 0; j < 150; j++)
			send_to(&c[i], name_of(LAB_ADDR(1), 2000), "x");
		close(c[i].fd);
	}
	dgrams_bury(e);
	cr_expect(e->ndgrams == 3, "they wait for the device");
}

Test(dgram, who_looks_for_the_dead_comes_to_an_end)
{
	static struct message m;
	struct cl c[3], b;

	pair(&c[0], &b);
	c[1] = made(0);
	c[2] = made(0);
	/* Then the neighbour is known. */
	cr_assert_gt(send_to(&c[0], name_of(LAB_ADDR(1), 2000), "hello"), 0);
	cr_assert_eq(hear(b.fd, &m), (ssize_t)sizeof m.h + 5);
	lab_on(0, leave_much_behind, c);
	cr_assert(lab_until(dgrams, 0, 0, 5000));
}

/* ---- several in one message, and one in several ---- */

static ssize_t
send_flags(const struct cl *c, uint32_t flags, uint16_t segment, size_t n)
{
	static char text[70000];
	struct proto_dgram h = {.magic = PROTO_DGRAM_MAGIC,
	    .handle = c->handle,
	    .peer = name_of(LAB_ADDR(1), 2000),
	    .flags = flags,
	    .segment = segment};
	struct iovec iov[2] = {{&h, sizeof h}, {text, n}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

static int
errno_of(const struct cl *c)
{
	static struct message m;

	cr_assert_eq(hear(c->fd, &m), 0, "an errno");
	return cl_request(0, PROTO_ERROR, c->handle, NULL, 0, -1, NULL, NULL);
}

Test(dgram, segments_are_not_cut_up)
{
	static struct message m;
	struct cl a, b;
	int i;

	pair(&a, &b);
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_SEGMENT, 1000, 2500), 0);
	for (i = 0; i < 3; i++)
		cr_assert_eq(
		    hear(b.fd, &m), (ssize_t)sizeof m.h + (i < 2 ? 1000 : 500));
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_SEGMENT, 1473, 2500), 0);
	cr_assert_eq(errno_of(&a), EMSGSIZE);
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_SEGMENT, 1, 129), 0);
	cr_assert_eq(errno_of(&a), EINVAL);
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_SEGMENT, 1, 128), 0);
	for (i = 0; i < 128; i++)
		cr_assert_eq(hear(b.fd, &m), (ssize_t)sizeof m.h + 1);
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_SEGMENT, 0, 3000), 0);
	cr_assert_eq(hear(b.fd, &m), (ssize_t)sizeof m.h + 3000);
}

static void
get_held(struct engine *e, void *arg)
{
	*(size_t *)arg = engine_bytes(e);
}

static size_t
held(int i)
{
	size_t n;

	lab_on(i, get_held, &n);
	return n;
}

Test(dgram, pieces_are_bounded_and_counted)
{
	static struct message m;
	struct cl a, b;

	pair(&a, &b);
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_MORE, 0, 40000), 0);
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_MORE, 0, 40000), 0);
	cr_assert_eq(errno_of(&a), EMSGSIZE);
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_MORE, 0, 100), 0);
	cr_assert_gt(send_flags(&a, 0, 0, 20), 0);
	cr_assert_eq(hear(b.fd, &m), (ssize_t)sizeof m.h + 120);
	/* Longer than any of IPv4's. */
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_MORE, 0, 65500), 0);
	cr_assert_gt(send_flags(&a, 0, 0, 20), 0);
	cr_assert_eq(errno_of(&a), EMSGSIZE);
	cr_assert_gt(send_flags(&a, PROTO_DGRAM_MORE, 0, 20), 0);
	cr_assert_eq(set_int(0, &a, IPPROTO_UDP, UDP_CORK, 1), 0);
	cr_assert_gt(held(0), 65000);
	close(a.fd);
	cr_assert(lab_until(dgrams, 0, 0, 2000));
	cr_assert_eq(held(0), 0);
}
