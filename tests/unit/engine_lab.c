/* SPDX-License-Identifier: ISC */
/* Two engines on a cable, and a client; see engine_lab.h. */
#include "config.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "ipc/policy.h"
#include "proc/undertaker.h"
#include "tests/unit/engine_lab.h"

struct lab_engine lab[2];
struct conf_quota lab_quota = {.conns = 4096,
    .listeners = 256,
    .half_open = 1024,
    .buffer_bytes = 1 << 28};

struct order {
	void (*fn)(struct engine *, void *);
	void *arg;
};

static struct runner {
	pthread_t thread;
	struct event_base *eb;
	struct event ev;
	int orders[2]; /* the engine has [1] */
	int wire, listener;
	bool running;
} runners[2];

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "engine_lab: %s: %s\n", what, strerror(errno));
	abort();
}

static void
on_order(evutil_socket_t fd, short what, void *arg)
{
	struct runner *r = arg;
	struct order o;

	if (recv(fd, &o, sizeof o, 0) != sizeof o)
		die("order");
	o.fn(lab[r - runners].e, o.arg);
	if (send(fd, "", 1, MSG_NOSIGNAL) != 1)
		die("order");
}

static void
make_engine(int i)
{
	struct runner *r = &runners[i];
	struct dev_caps caps = {.kind = DEV_TAP,
	    .vnet_hdr = true,
	    .csum = true,
	    .tso = true,
	    .gro = true,
	    .mtu = 1500,
	    .mac = {2, 0, 0, 0, 0, (uint8_t)(i + 1)},
	    .name = "wire"};
	struct engine_setup s = {.fd_dir = "/proc/self/fd"};
	struct conf *c = calloc(1, sizeof *c);

	c->g.addrs[0].addr = ipaddr_v4(LAB_ADDR(i));
	c->g.addrs[0].plen = 96 + 24;
	c->g.naddrs = 1;
	c->g.quota = lab_quota;
	memcpy(s.stack.mac, caps.mac, 6);
	s.stack.mtu = 1500;
	s.stack.addrs = s.addrs;
	s.stack.naddrs = engine_addrs(c, s.addrs);
	s.stack.tx_csum = s.stack.tx_tso = true;
	s.stack.buf_bytes = 1 << 28;
	s.stack.tcp.size.sndbuf = s.stack.tcp.size.rcvbuf = 1 << 20;
	s.stack.tcp.msl_us = 1000000;
	s.stack.tcp.port_first = 32768;
	s.stack.tcp.port_last = 60999;
	s.stack.tcp.congestion = "cubic";
	s.stack.tcp.fastopen.mode = FASTOPEN_CLIENT | FASTOPEN_SERVER;
	r->eb = event_base_new();
	lab[i].e = engine_new(r->eb, &s, c);
	if (lab[i].e == NULL ||
	    engine_set_device(lab[i].e, r->wire, &caps) != 0 ||
	    engine_set_listener(lab[i].e, r->listener) != 0)
		die("engine");
	event_assign(
	    &r->ev, r->eb, r->orders[1], EV_READ | EV_PERSIST, on_order, r);
	event_add(&r->ev, NULL);
}

static void *
run(void *arg)
{
	struct runner *r = arg;

	while (engine_turn(lab[r - runners].e))
		;
	return NULL;
}

static int
listen_at(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof sun) < 0 ||
	    chmod(path, 0777) < 0 || listen(fd, 4096) < 0)
		die(path);
	return fd;
}

static char dir[] = "/tmp/engine-lab.XXXXXX";

void
lab_up(void)
{
	int i, size = 4 << 20, sv[2];

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!undertaker_start() || mkdtemp(dir) == NULL ||
	    chmod(dir, 0755) < 0 ||
	    socketpair(
		AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) < 0)
		die("wire");
	for (i = 0; i < 2; i++) {
		struct runner *r = &runners[i];

		setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		r->wire = sv[i];
		snprintf(lab[i].path, sizeof lab[i].path, "%s/%d", dir, i);
		r->listener = listen_at(lab[i].path);
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
			r->orders) < 0)
			die("orders");
		make_engine(i);
	}
	for (i = 0; i < 2; i++) {
		runners[i].running = true;
		pthread_create(&runners[i].thread, NULL, run, &runners[i]);
	}
}

void
lab_on(int i, void (*fn)(struct engine *, void *), void *arg)
{
	struct order o = {fn, arg};
	char c;

	if (!runners[i].running) {
		fn(lab[i].e, arg);
		return;
	}
	if (send(runners[i].orders[0], &o, sizeof o, MSG_NOSIGNAL) < 0 ||
	    recv(runners[i].orders[0], &c, 1, 0) != 1)
		die("engine does not answer");
}

static void
break_loop(struct engine *e, void *arg)
{
	e->stopped = true;
}

static void
begin_stop(struct engine *e, void *arg)
{
	engine_stop(e);
}

void
lab_stop(int i)
{
	lab_on(i, begin_stop, NULL);
	pthread_join(runners[i].thread, NULL);
	runners[i].running = false;
}

void
lab_down(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct runner *r = &runners[i];

		if (r->running) {
			lab_on(i, break_loop, NULL);
			pthread_join(r->thread, NULL);
			r->running = false;
		}
		event_del(&r->ev);
		engine_free(lab[i].e);
		event_base_free(r->eb);
		close(r->orders[0]);
		close(r->orders[1]);
		unlink(lab[i].path);
	}
	rmdir(dir);
}

/* ---- looking inside ---- */

static void
get_conns(struct engine *e, void *arg)
{
	*(size_t *)arg = e->nchans;
}

static void
get_bounds(struct engine *e, void *arg)
{
	*(size_t *)arg = e->nbounds;
}

struct drop_query {
	enum drop d;
	uint64_t n;
};

static void
get_drops(struct engine *e, void *arg)
{
	struct drop_query *q = arg;

	q->n = e->drops->count[q->d];
}

size_t
lab_conns(int i)
{
	size_t n;

	lab_on(i, get_conns, &n);
	return n;
}

size_t
lab_bounds(int i)
{
	size_t n;

	lab_on(i, get_bounds, &n);
	return n;
}

uint64_t
lab_drops(int i, enum drop d)
{
	struct drop_query q = {d, 0};

	lab_on(i, get_drops, &q);
	return q.n;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

bool
lab_until(size_t (*cond)(int), int i, size_t want, int ms)
{
	int64_t end = now_ms() + ms;

	while (cond(i) != want) {
		if (now_ms() > end)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

static void
set_policy(struct engine *e, void *arg)
{
	engine_set_policy(e, *(int *)arg);
}

void
lab_refuse(int i, uint32_t addr, uint16_t port)
{
	const struct ipaddr dst = ipaddr_v4(addr), any = ipaddr_v4(0);
	int fd = memfd_create("policy", MFD_CLOEXEC);
	struct proto_policy p;

	policy_init(&p, 1);
	if (policy_add_connect(&p, &dst, 128, port, port, PROTO_REFUSE,
		PROTO_WHY_CONF, 1) != 0 ||
	    policy_add_bind(
		&p, &any, 96, port, port, PROTO_REFUSE, PROTO_WHY_CONF, 2) != 0)
		die("policy");
	policy_finalise(&p);
	if (fd < 0 || write(fd, &p, sizeof p) != sizeof p)
		die("policy");
	lab_on(i, set_policy, &fd);
}

/* ---- the client ---- */

struct cl
cl_socket(void)
{
	static uint64_t next = 1;
	struct cl c;

	c.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c.handle = ((uint64_t)getpid() << 24 | next++) & PROTO_HANDLE_MASK;
	return c;
}

int
cl_dial(int fd, int i)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	strcpy(sun.sun_path, lab[i].path);
	return connect(fd, (struct sockaddr *)&sun, sizeof sun) < 0 ? errno : 0;
}

static void
put_name(struct proto_name *n, uint32_t addr, uint16_t port)
{
	memset(n, 0, sizeof *n);
	n->family = AF_INET;
	n->port = port;
	n->addr[0] = (uint8_t)(addr >> 24);
	n->addr[1] = (uint8_t)(addr >> 16);
	n->addr[2] = (uint8_t)(addr >> 8);
	n->addr[3] = (uint8_t)addr;
}

int
cl_start(struct cl *c, int i, uint32_t addr, uint16_t port)
{
	return cl_start_fast(c, i, addr, port, 0, "");
}

int
cl_start_fast(struct cl *c, int i, uint32_t addr, uint16_t port, uint32_t flags,
    const char *text)
{
	static const uint8_t zeros[PROTO_HELLO_BYTES];
	uint8_t hello[PROTO_HELLO_BYTES];
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = PROTO_ATTACH,
	    .len = (uint32_t)(sizeof(struct proto_attach) + strlen(text)),
	    .handle = c->handle};
	struct proto_attach a = {
	    .flags = flags, .data_len = (uint32_t)strlen(text)};
	int size = PROTO_ATTACH_SNDBUF / 2, err;

	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if ((err = cl_dial(c->fd, i)) != 0)
		return err;
	put_name(&a.dst, addr, port);
	memcpy(hello, zeros, sizeof hello);
	memcpy(hello, &h, sizeof h);
	memcpy(hello + sizeof h, &a, sizeof a);
	memcpy(hello + sizeof h + sizeof a, text, strlen(text));
	if (send(c->fd, hello, sizeof hello, MSG_NOSIGNAL) < 0)
		return errno;
	return send(c->fd, zeros, 1, MSG_NOSIGNAL) < 0 && errno != EPIPE ? errno
									 : 0;
}

int
cl_finish(struct cl *c, int i)
{
	struct pollfd p = {c->fd, POLLOUT, 0};
	int size = 1 << 20, err;

	if (poll(&p, 1, 10000) != 1)
		return ETIMEDOUT;
	if ((p.revents & (POLLHUP | POLLERR)) == 0) {
		setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		return 0;
	}
	err = cl_request(i, PROTO_ERROR, c->handle, NULL, 0, -1, NULL, NULL);
	return err != 0 ? err : ECONNRESET;
}

int
cl_connect(struct cl *c, int i, uint32_t addr, uint16_t port)
{
	int err = cl_start(c, i, addr, port);

	return err != 0 ? err : cl_finish(c, i);
}

ssize_t
cl_send_fd(int s, struct iovec *iov, size_t niov, int fd)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = {0};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = niov};

	if (fd >= 0) {
		m.msg_control = ctl.space;
		m.msg_controllen = sizeof ctl.space;
		ctl.h.cmsg_level = SOL_SOCKET;
		ctl.h.cmsg_type = SCM_RIGHTS;
		ctl.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.h), &fd, sizeof fd);
	}
	return sendmsg(s, &m, MSG_NOSIGNAL);
}

int
cl_request(int i, uint16_t type, uint64_t handle, const void *body, size_t len,
    int fd, void *out, size_t *outlen)
{
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = type,
	    .len = (uint32_t)len,
	    .handle = handle};
	struct iovec iov[2] = {{&h, sizeof h}, {(void *)body, len}};
	struct timeval patience = {1, 0};
	struct proto_reply r;
	ssize_t n;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	/*
	 * Both engines are threads of one process: when it is out of
	 * descriptors, one can take the other's spare, and nobody is told.
	 */
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if ((err = cl_dial(s, i)) != 0)
		goto out;
	if (cl_send_fd(s, iov, 2, -1) < 0) {
		err = errno;
		goto out;
	}
	n = recv(s, &r, sizeof r, MSG_WAITALL);
	if (n == sizeof r && r.err == EACCES && fd >= 0 &&
	    cl_send_fd(s, iov, 2, fd) > 0)
		n = recv(s, &r, sizeof r, MSG_WAITALL);
	err = n == sizeof r ? r.err : EPROTO;
	if (n == sizeof r && out != NULL) {
		n = r.len > 0 ? recv(s, out, r.len, MSG_WAITALL) : 0;
		*outlen = n > 0 ? (size_t)n : 0;
	}
out:
	close(s);
	return err;
}

int
cl_tell(int i, uint64_t handle, const void *body, size_t len)
{
	struct proto_head h = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = PROTO_TELLOPT,
	    .len = (uint32_t)len,
	    .handle = handle};
	struct iovec iov[2] = {{&h, sizeof h}, {(void *)body, len}};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = cl_dial(s, i);

	if (err == 0 && cl_send_fd(s, iov, 2, -1) < 0)
		err = errno;
	close(s);
	return err;
}

int
cl_listen(struct cl *c, int i, uint16_t port, int backlog)
{
	struct proto_name name;

	put_name(&name, 0, port);
	name.flags = PROTO_REUSEADDR;
	return cl_listen_at(c, i, &name, backlog);
}

int
cl_listen_at(struct cl *c, int i, struct proto_name *name, int backlog)
{
	struct proto_listen l = {.backlog = (uint32_t)backlog};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct {
		struct proto_name name;
		uint64_t cookie;
	} body = {.name = *name};
	socklen_t cookie_len = sizeof body.cookie;
	size_t len;
	int node, err;

	getsockopt(c->fd, SOL_SOCKET, SO_COOKIE, &body.cookie, &cookie_len);
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s/n%llx", dir,
	    (unsigned long long)c->handle);
	if (bind(c->fd, (struct sockaddr *)&sun, sizeof sun) < 0)
		return -errno;
	node = open(sun.sun_path, O_PATH | O_CLOEXEC);
	unlink(sun.sun_path);
	err = cl_request(
	    i, PROTO_BIND, c->handle, &body, sizeof body, node, NULL, NULL);
	close(node);
	if (err != 0)
		return -err;
	if (listen(c->fd, backlog) < 0)
		return -errno;
	err = cl_request(
	    i, PROTO_LISTEN, c->handle, &l, sizeof l, -1, NULL, NULL);
	if (err == 0)
		err = cl_request(
		    i, PROTO_GETSOCKNAME, c->handle, NULL, 0, -1, name, &len);
	return err != 0 ? -err : name->port;
}

int
cl_accept(const struct cl *l)
{
	struct proto_preamble p;
	struct sockaddr_un sun;
	struct proto_peer peer;
	socklen_t len = sizeof sun;
	int fd = accept4(l->fd, (struct sockaddr *)&sun, &len, SOCK_CLOEXEC);

	if (fd < 0)
		return fd;
	memcpy(&peer, sun.sun_path, sizeof peer);
	memcpy(p.magic, PROTO_PREAMBLE_MAGIC, sizeof p.magic);
	p.handle = peer.handle;
	(void)send(fd, &p, sizeof p, MSG_NOSIGNAL);
	return fd;
}

void
cl_pair(struct cl *a, int *b)
{
	struct cl l = cl_socket();
	int port = cl_listen(&l, 1, 0, 16);

	*a = cl_socket();
	if (port < 0 ||
	    (errno = cl_connect(a, 0, LAB_ADDR(1), (uint16_t)port)) != 0)
		die("pair");
	*b = cl_accept(&l);
	close(l.fd);
}

int
cl_poll(int fd)
{
	struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};

	poll(&p, 1, 0);
	return p.revents;
}

bool
cl_wait(int fd, int bits, int ms)
{
	int64_t end = now_ms() + ms;

	while ((cl_poll(fd) & bits) != bits) {
		if (now_ms() > end)
			return false;
		poll(NULL, 0, 1);
	}
	return true;
}

bool
cl_write(int fd, const void *p, size_t n)
{
	const char *at = p;
	ssize_t r;

	for (; n > 0; n -= (size_t)r, at += r)
		if ((r = send(fd, at, n, MSG_NOSIGNAL)) < 0)
			return false;
	return true;
}

ssize_t
cl_read(int fd, void *p, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = read(fd, (char *)p + got, n - got);
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

/* The stream's byte at i. */
static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 2654435761u >> 13);
}

void *
cl_bulk_write(void *arg)
{
	struct cl_bulk *k = arg;
	static const size_t sizes[] = {1, 7, 1448, 65536, 100000, 13};
	uint8_t *buf = malloc(100000);
	size_t at = 0, i, n, turn = 0;

	for (k->ok = true; k->ok && at < k->n; at += n) {
		n = sizes[turn++ % 6];
		if (n > k->n - at)
			n = k->n - at;
		for (i = 0; i < n; i++)
			buf[i] = byte_at(at + i);
		k->ok = cl_write(k->fd, buf, n);
	}
	shutdown(k->fd, SHUT_WR);
	free(buf);
	return NULL;
}

void *
cl_bulk_read(void *arg)
{
	struct cl_bulk *k = arg;
	uint8_t *buf = malloc(50000);
	size_t at = 0, i;
	ssize_t r;

	for (k->ok = true; (r = read(k->fd, buf, 50000)) > 0; at += (size_t)r)
		for (i = 0; i < (size_t)r; i++)
			k->ok = k->ok && buf[i] == byte_at(at + i);
	if (!k->ok || r != 0 || at != k->n)
		fprintf(stderr, "read: ok %d r %zd errno %d at %zu of %zu\n",
		    k->ok, r, r < 0 ? errno : 0, at, k->n);
	k->ok = k->ok && r == 0 && at == k->n;
	free(buf);
	return NULL;
}

size_t
cl_fill(int fd)
{
	static char buf[1 << 16];
	size_t sent = 0;
	ssize_t r;

	do {
		while ((r = send(fd, buf, sizeof buf, MSG_DONTWAIT)) > 0)
			sent += (size_t)r;
	} while (cl_wait(fd, POLLOUT, 300));
	return sent;
}

size_t
cl_drain(int fd)
{
	static char buf[1 << 16];
	size_t got = 0;
	ssize_t r;

	while ((r = read(fd, buf, sizeof buf)) > 0)
		got += (size_t)r;
	return r == 0 ? got : SIZE_MAX;
}
