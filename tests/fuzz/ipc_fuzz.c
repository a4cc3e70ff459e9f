/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: clients of tcpd.sock.  A whole engine on a cable that leads
 * nowhere; the input is a script of hostile clients:
 *
 *	op, arg, len (2 bytes, little endian), len bytes
 *	0  a new client sends the bytes as they are
 *	1  client arg sends them
 *	2  client arg goes away
 *	3  a new client sends a request of type arg, the bytes are its body
 *	4  the same with a descriptor (a listening socket's node, a pipe's end
 *	   or the client's own socket)
 *	5  a new client attaches; the bytes are the options
 *	6  client arg shuts down its writing
 *	7  as 5, by Fast Open: before the options, bytes for its flags and for
 *	   how much of the rest is data
 *	8  the resolver answers the arg-th last query with the bytes
 *	9  the resolver sends the bytes as they are
 *	10 a new client asks for a socket of UDP, of AF_INET6 if arg is odd, and
 *	   has that from then on
 *	11 client arg sends a datagram whose header, but for the first words,
 *	   and payload are the bytes
 *	12 a new client sends a request of type 16 + arg, as 3
 *	13 a datagram comes from the cable, to a port by arg
 *	14 client arg takes the next datagram and has it come once more, with
 *	   other flags and bytes behind it
 *
 * Handles are few, so that requests meet sockets.  In the end all clients go
 * and nothing may be left of them.
 */
#include "config.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/check.h"
#include "proc/engine.h"
#include "proc/log.h"
#include "proc/proc.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

#define MAX_CLIENTS 32
#define MAX_STEPS   200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct event_base *eb;
	struct engine *e;
	struct event always;
	int busy, wire, node, listener, pipe[2], resolver;
	uint32_t query; /* the resolver's last */
	int clients[MAX_CLIENTS];
	unsigned next;
	bool knot; /* a socket is in flight to its own other end */
} w;

static struct sockaddr_un door = {.sun_family = AF_UNIX};

static void
nothing(evutil_socket_t fd, short what, void *arg)
{
}

/* A native listener, its name gone again. */
static void
make_node(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	snprintf(sun.sun_path, sizeof sun.sun_path, "/tmp/ipc-fuzz-n.%d",
	    (int)getpid());
	w.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(w.listener, (struct sockaddr *)&sun, sizeof sun) == 0);
	CHECK(listen(w.listener, 4) == 0);
	w.node = open(sun.sun_path, O_PATH | O_CLOEXEC);
	unlink(sun.sun_path);
	CHECK(w.node >= 0 && pipe2(w.pipe, O_CLOEXEC) == 0);
}

static int
make_door(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(door.sun_path, sizeof door.sun_path, "/tmp/ipc-fuzz.%d",
	    (int)getpid());
	unlink(door.sun_path);
	CHECK(bind(fd, (struct sockaddr *)&door, sizeof door) == 0);
	CHECK(listen(fd, MAX_CLIENTS) == 0);
	return fd;
}

static void
begin(void)
{
	struct dev_caps caps = {.kind = DEV_TAP, .mtu = 1500, .name = "wire"};
	struct engine_setup s = {.fd_dir = "/proc/self/fd",
	    .stack = {.mac = {2, 0, 0, 0, 0, 1},
		.mtu = 1500,
		.buf_bytes = 1 << 22,
		.tcp = {.size = {.sndbuf = 65536, .rcvbuf = 65536},
		    .msl_us = 1000000,
		    .port_first = 32768,
		    .port_last = 32800,
		    .congestion = "cubic"}}};
	struct conf *c = calloc(1, sizeof *c);
	int sv[2], i;

	CHECK(c != NULL);
	c->g.addrs[0].addr = ipaddr_v4(0xc0000202);
	c->g.addrs[0].plen = 96 + 24;
	c->g.addrs[1].addr = (struct ipaddr){{0x20, 1, 0xd, 0xb8, [15] = 2}};
	c->g.addrs[1].plen = 64;
	c->g.naddrs = 2;
	s.stack.addrs = s.addrs;
	s.stack.naddrs = engine_addrs(c, s.addrs);
	c->g.quota = (struct conf_quota){.conns = 8,
	    .listeners = 4,
	    .half_open = 6,
	    .buffer_bytes = 1 << 20};
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		  sv) == 0);
	w.wire = sv[1];
	w.eb = event_base_new();
	w.e = engine_new(w.eb, &s, c);
	CHECK(w.e != NULL && engine_set_device(w.e, sv[0], &caps) == 0);
	CHECK(engine_set_listener(w.e, make_door()) == 0);
	engine_set_policy(w.e, eventfd(0, EFD_CLOEXEC));
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		  0, sv) == 0);
	CHECK(engine_set_resolver(w.e, sv[0]));
	w.resolver = sv[1];
	w.query = 0;
	/* Always readable: no turn waits. */
	w.busy = eventfd(1, EFD_CLOEXEC);
	event_assign(
	    &w.always, w.eb, w.busy, EV_READ | EV_PERSIST, nothing, NULL);
	event_add(&w.always, NULL);
	make_node();
	for (i = 0; i < MAX_CLIENTS; i++)
		w.clients[i] = -1;
	w.next = 0;
	w.knot = false;
}

static void
turns(unsigned n)
{
	static uint8_t frame[8192];
	struct msg_head h;

	while (n-- > 0) {
		CHECK(engine_turn(w.e));
		while (recv(w.wire, frame, sizeof frame, 0) > 0)
			;
		while (recv(w.resolver, frame, sizeof frame, 0) > 0) {
			memcpy(&h, frame, sizeof h);
			w.query = h.id;
		}
	}
}

/* It need not be the resolver that speaks so: nothing in it is believed. */
static void
resolver_says(const uint8_t *p, size_t len, bool raw, unsigned arg)
{
	struct msg_head h = {.magic = msgchan_internal.magic,
	    .version = msgchan_internal.version,
	    .type = RM_ANSWER,
	    .len = (uint32_t)len,
	    .id = w.query - arg};
	struct iovec iov[2] = {
	    {&h, raw ? 0 : sizeof h}, {(void *)(uintptr_t)p, len}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};

	(void)!sendmsg(w.resolver, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int *
slot(unsigned i)
{
	return &w.clients[i % MAX_CLIENTS];
}

static void
leave(int *c)
{
	if (*c >= 0)
		close(*c);
	*c = -1;
}

static int
dial(void)
{
	int *c = slot(w.next++);

	leave(c);
	*c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(connect(*c, (struct sockaddr *)&door, sizeof door) == 0);
	return *c;
}

static void
transmit(int fd, struct iovec *iov, size_t n, int pass)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = {0};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};

	if (pass >= 0) {
		m.msg_control = ctl.space;
		m.msg_controllen = sizeof ctl.space;
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.h), &pass, sizeof pass);
	}
	(void)!sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The first byte of the body chooses handle and descriptor, too. */
static void
request(unsigned type, const uint8_t *p, size_t len, bool pass)
{
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = (uint16_t)(pass ? type % 16 : type % 32),
	    .handle = 1 + type / 64};
	struct iovec iov[2] = {{&h, sizeof h}, {(void *)p, len}};
	int fd = dial(), with = -1;

	if (pass)
		with = type / 16 % 3 == 0   ? w.node
		       : type / 16 % 3 == 1 ? w.pipe[0]
					    : fd;
	/* Such a one ends by its deadline only, while it is not whole. */
	w.knot |= with == fd;
	h.len = (uint32_t)len;
	transmit(fd, iov, 2, -1);
	if (with >= 0) {
		turns(2); /* now it may have been asked for */
		transmit(fd, iov, 2, with);
	}
}

static void
attach(unsigned arg, bool fast, const uint8_t *p, size_t len)
{
	static const uint8_t zeros[PROTO_HELLO_BYTES];
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = PROTO_ATTACH,
	    .handle = 1 + arg / 64};
	struct proto_attach a = {
	    .dst = {.family = AF_INET, .port = 80, .addr = {192, 0, 2, 77}},
	    .nopts = arg % 16};
	struct iovec iov[4] = {{&h, sizeof h}, {&a, sizeof a}, {(void *)p, len},
	    {(void *)zeros, 0}};
	int fd = dial();

	if (fast && len >= 2) {
		a.flags = p[0];
		a.data_len = p[1];
		iov[2].iov_base = (void *)(p += 2);
		iov[2].iov_len = len -= 2;
	}
	if (len > PROTO_MSG_MAX)
		iov[2].iov_len = len = PROTO_MSG_MAX;
	if (arg & 32)
		a.dst = (struct proto_name){.family = AF_INET6,
		    .port = 80,
		    .addr = {0x20, 1, 0xd, 0xb8, [15] = 77}};
	if (arg & 16)
		a.dst.addr[0] = 10; /* no route */
	h.len = (uint32_t)(sizeof a + len);
	iov[3].iov_len = PROTO_HELLO_BYTES - sizeof h - sizeof a - len;
	transmit(fd, iov, 4, -1);
	(void)!send(fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What came of a request for a socket of UDP takes the client's place. */
static void
take_socket(int *c)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct proto_reply rep;
	struct iovec iov = {&rep, sizeof rep};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ctl.space,
	    .msg_controllen = sizeof ctl.space};

	if (recvmsg(*c, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != sizeof rep ||
	    CMSG_FIRSTHDR(&m) == NULL)
		return;
	leave(c);
	memcpy(c, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof *c);
}

static void
ask_dgram(unsigned arg)
{
	struct proto_listen l = {.backlog = arg & 1 ? AF_INET6 : AF_INET};
	unsigned at = w.next;

	request(PROTO_DGRAM | (arg & 0xc0), (uint8_t *)&l, sizeof l, false);
	turns(2);
	take_socket(slot(at));
}

static void
send_dgram(unsigned arg, const uint8_t *p, size_t len)
{
	const size_t fixed = offsetof(struct proto_dgram, peer);
	struct proto_dgram h = {.magic = PROTO_DGRAM_MAGIC,
	    .flags = len > 0 ? p[0] : 0,
	    .handle = 1 + arg / 64};
	size_t rest = len < sizeof h - fixed ? len : sizeof h - fixed;
	struct iovec iov[2] = {
	    {&h, sizeof h}, {(void *)(uintptr_t)(p + rest), len - rest}};

	memcpy((uint8_t *)&h + fixed, p, rest);
	if (arg & 32)
		h.flags |= PROTO_DGRAM_MORE;
	if (*slot(arg) >= 0)
		transmit(*slot(arg), iov, 2, -1);
}

/* As the trap does after connect(). */
static void
send_back(unsigned arg, const uint8_t *p, size_t len)
{
	static uint8_t text[65536];
	struct proto_dgram h = {.magic = 0};
	struct iovec in[2] = {{&h, sizeof h}, {text, sizeof text}};
	struct iovec out[3] = {
	    {&h, sizeof h}, {text, 0}, {(void *)(uintptr_t)p, len}};
	struct msghdr m = {.msg_iov = in, .msg_iovlen = 2};
	ssize_t n;

	if (*slot(arg) < 0)
		return;
	n = recvmsg(*slot(arg), &m, MSG_DONTWAIT);
	if (n < 0)
		return;
	if (h.magic == PROTO_DGRAM_MAGIC)
		h.flags |= PROTO_DGRAM_BACK;
	if (n > (ssize_t)sizeof h)
		out[1].iov_len = (size_t)n - sizeof h;
	transmit(*slot(arg), out, 3, -1);
}

static void
dgram_comes(unsigned arg, const uint8_t *p, size_t len)
{
	uint8_t frame[14 + 20 + 8 + 1400] = {
	    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	struct wire_ipv4 ip = {
	    .ttl = 64, .proto = 17, .src = 0xc0000201, .dst = 0xc0000202};
	struct wire_udp udp = {.sport = 53};

	if (len > 1400)
		len = 1400;
	udp.dport = (uint16_t)(arg < 128 ? 32768 + arg : 8080);
	udp.len = (uint16_t)(8 + len);
	ip.total_len = (uint16_t)(28 + len);
	wire_ipv4_emit(&ip, frame + 14);
	wire_udp_emit(&udp, frame + 34);
	memcpy(frame + 42, p, len);
	(void)!send(w.wire, frame, 42 + len, MSG_DONTWAIT);
}

static void
step(unsigned op, unsigned arg, const uint8_t *p, size_t len)
{
	struct iovec iov = {(void *)p, len};

	switch (op % 15) {
	case 0:
		transmit(dial(), &iov, 1, -1);
		break;
	case 1:
		if (*slot(arg) >= 0)
			transmit(*slot(arg), &iov, 1, -1);
		break;
	case 2:
		leave(slot(arg));
		break;
	case 3:
	case 4:
		request(arg, p, len, op % 15 == 4);
		break;
	case 5:
	case 7:
		attach(arg, op % 15 == 7, p, len);
		break;
	case 6:
		if (*slot(arg) >= 0)
			shutdown(*slot(arg), SHUT_WR);
		break;
	case 8:
	case 9:
		resolver_says(p, len, op % 15 == 9, arg);
		break;
	case 10:
		ask_dgram(arg);
		break;
	case 11:
		send_dgram(arg, p, len);
		break;
	case 12:
		request(16 + arg % 16 + (arg & 0xc0), p, len, false);
		break;
	case 13:
		dgram_comes(arg, p, len);
		break;
	case 14:
		send_back(arg, p, len);
		break;
	}
	turns(2);
}

static void
finish(void)
{
	struct tcp_stats st;
	unsigned i;

	for (i = 0; i < MAX_CLIENTS; i++)
		leave(slot(i));
	close(w.listener);
	turns(4);
	CHECK(w.e->ndgrams == 0);
	CHECK(w.knot || (w.e->nchans == 0 && w.e->nvisits == 0));
	/* A Fast Open goes on with what its program wrote before it left. */
	tcp_stats(w.e->tcp, &st);
	CHECK(st.orphans > 0 || engine_bytes(w.e) == 0);
	event_del(&w.always);
	engine_free(w.e);
	event_base_free(w.eb);
	close(w.busy);
	close(w.wire);
	close(w.resolver);
	close(w.node);
	close(w.pipe[0]);
	close(w.pipe[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned steps;
	size_t len;

	begin();
	for (steps = 0; size >= 4 && steps < MAX_STEPS; steps++) {
		len = data[2] | (size_t)data[3] << 8;
		if (len > size - 4)
			len = size - 4;
		step(data[0], data[1], data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
	finish();
	unlink(door.sun_path);
	return 0;
}
