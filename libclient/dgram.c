/* SPDX-License-Identifier: ISC */
/*
 * Sockets of UDP: socket, bind, connect, names, shutdown.
 *
 * The daemon makes the descriptor, one end of an AF_UNIX pair, so it is the
 * daemon's from socket() on and nothing but its tag is kept here.  Which stack
 * it belongs to is decided when it is used: by the first address that it is
 * bound to, connected to or sends to.  A wildcard address decides nothing; what
 * is only bound to that is still the kernel's when the kernel's is what it
 * sends to (a query to a resolver on 127.0.0.53), and keeps its port.
 *
 * Without a daemon there is a descriptor all the same, which can become the
 * kernel's; anything else that is done with it fails with ENETDOWN.
 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include "dgram.h"
#include "ident.h"
#include "ipc/policy.h"
#include "real.h"
#include "sys.h"
#include "wire.h"

bool dgram_seen;

#define INHERITED_MAX 32 /* descriptors that are looked at when loaded */

bool
dgram_look(int fd, struct dgram *d)
{
	uint64_t tag = ident_get_tag(fd);
	unsigned top = (unsigned)(tag >> PROTO_TAG_SHIFT);
	socklen_t len = sizeof(int);
	int domain;

	if ((top & PROTO_TAG_DGRAM_MASK) != PROTO_TAG_DGRAM ||
	    sys_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 ||
	    domain != AF_UNIX)
		return false;
	d->handle = tag & PROTO_HANDLE_MASK;
	d->bits = top & ~(unsigned)PROTO_TAG_DGRAM_MASK;
	return true;
}

int
dgram_mark(int fd, struct dgram *d, unsigned set, unsigned clear)
{
	unsigned bits = (d->bits | set) & ~clear;

	if (bits == d->bits)
		return 0;
	d->bits = bits;
	return ident_set_tag(
	    fd, (PROTO_TAG_DGRAM | bits) << PROTO_TAG_SHIFT | d->handle);
}

void
dgram_inherited(void)
{
	struct timespec none = {0, 0};
	struct pollfd p[INHERITED_MAX];
	struct dgram d;
	int fd;

	/* One call tells the open ones. */
	for (fd = 0; fd < INHERITED_MAX; fd++)
		p[fd] = (struct pollfd){.fd = fd};
	SYS(SYS_ppoll, p, INHERITED_MAX, &none, 0, 0, 0);
	for (fd = 0; fd < INHERITED_MAX && !dgram_seen; fd++)
		if (!(p[fd].revents & POLLNVAL))
			dgram_seen = dgram_look(fd, &d);
}

void
dgram_received(const struct msghdr *m)
{
	struct cmsghdr *c;
	struct dgram d;
	size_t i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(m); c != NULL && !dgram_seen;
	     c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof fd;
		for (i = 0; i < n && !dgram_seen; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			dgram_seen = dgram_look(fd, &d);
		}
	}
}

/* ---- socket ---- */

bool
dgram_wanted(int domain, int type, int protocol)
{
	return (domain == AF_INET || domain == AF_INET6) &&
	       (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_DGRAM &&
	       (protocol == 0 || protocol == IPPROTO_UDP);
}

/* The lowest number that is free, as a program may count on; with the flags
 * that it asked for. */
static int
settle_number(int fd, int type)
{
	int low =
	    sys_fcntl(fd, type & SOCK_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, 0);

	if (low < 0 || low > fd) {
		if (low >= 0)
			sys_close(low);
		if (!(type & SOCK_CLOEXEC))
			sys_fcntl(fd, F_SETFD, 0);
	} else {
		sys_close(fd);
		fd = low;
	}
	if (type & SOCK_NONBLOCK)
		sys_fcntl(fd, F_SETFL, sys_fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
	return fd;
}

static int
ask_socket(int domain, uint64_t handle)
{
	struct proto_listen body = {.backlog = (uint32_t)domain};
	int fd = -1, err;
	struct wire_req q = {.type = PROTO_DGRAM,
	    .handle = handle,
	    .body = {&body},
	    .len = {sizeof body},
	    .auth_fd = -1,
	    .got_fd = &fd};

	err = wire_request(&q);
	if (err == 0)
		return fd >= 0 ? fd : -EPROTO;
	if (fd >= 0)
		sys_close(fd);
	return err;
}

int
dgram_socket(int domain, int type)
{
	struct dgram d = {.handle = ident_handle()};
	int fd = ask_socket(domain, d.handle), err;

	if (fd == -ENETDOWN)
		fd = sys_socket(AF_UNIX,
		    SOCK_SEQPACKET | (type & (SOCK_NONBLOCK | SOCK_CLOEXEC)),
		    0);
	else if (fd >= 0)
		fd = settle_number(fd, type);
	if (fd < 0)
		return fd;
	err = ident_set_tag(
	    fd, (PROTO_TAG_DGRAM | (domain == AF_INET6 ? PROTO_DTAG_INET6 : 0))
			<< PROTO_TAG_SHIFT |
		    d.handle);
	if (err != 0) {
		sys_close(fd);
		return err;
	}
	dgram_seen = true;
	return fd;
}

/* ---- which stack ---- */

int
dgram_judge(const struct dgram *d, const struct endpoint *e, bool to_bind)
{
	const int refused = to_bind ? -EADDRNOTAVAIL : -ENETUNREACH;
	struct policy_verdict v;
	uint32_t generation;
	int err = sock_judge(e, to_bind, &v, &generation);

	if (err != 0)
		return err;
	/* The daemon answers there, to who can have no answer from another. */
	if (v.action == PROTO_KERNEL && !to_bind && sock_is_resolver(e) &&
	    (d->bits & PROTO_DTAG_SETTLED || !sock_kernel_may(dgram_family(d))))
		return PROTO_TCPD;
	if (v.action == PROTO_REFUSE ||
	    (v.action == PROTO_KERNEL && d->bits & PROTO_DTAG_SETTLED))
		return refused;
	return (int)v.action;
}

/* What was set, but for what the kernel keeps on either. */
static void
copy_options(int fd, const struct dgram *d, int twin)
{
	static const struct {
		int level, name;
	} all[] = {
	    {SOL_SOCKET, SO_REUSEADDR},
	    {SOL_SOCKET, SO_REUSEPORT},
	    {IPPROTO_IP, IP_TOS},
	    {IPPROTO_IP, IP_TTL},
	    {IPPROTO_IP, IP_PKTINFO},
	    {IPPROTO_IP, IP_RECVTOS},
	    {IPPROTO_IP, IP_RECVTTL},
	    {IPPROTO_IP, IP_MTU_DISCOVER},
	    {IPPROTO_IP, IP_RECVERR},
	    {IPPROTO_IPV6, IPV6_RECVERR},
	    {SOL_SOCKET, SO_TIMESTAMP_OLD},
	    {SOL_SOCKET, SO_TIMESTAMPNS_OLD},
	    {SOL_SOCKET, SO_TIMESTAMP_NEW},
	    {SOL_SOCKET, SO_TIMESTAMPNS_NEW},
	    {IPPROTO_IPV6, IPV6_V6ONLY},
	    {IPPROTO_IPV6, IPV6_UNICAST_HOPS},
	    {IPPROTO_IPV6, IPV6_TCLASS},
	    {IPPROTO_IPV6, IPV6_RECVPKTINFO},
	    {IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
	    {IPPROTO_IPV6, IPV6_RECVTCLASS},
	    {IPPROTO_IPV6, IPV6_MTU_DISCOVER},
	    {IPPROTO_UDP, UDP_CORK},
	    {IPPROTO_UDP, UDP_SEGMENT},
	};
	int v, fresh;
	socklen_t len;
	size_t i;

	ident_copy_native(fd, twin);
	if (!(d->bits & PROTO_DTAG_OPTS))
		return;
	for (i = 0; i < sizeof all / sizeof all[0]; i++) {
		len = sizeof v;
		if (dgram_getsockopt(
			fd, d, all[i].level, all[i].name, &v, &len) != 0)
			continue;
		len = sizeof fresh;
		if (sys_getsockopt(
			twin, all[i].level, all[i].name, &fresh, &len) == 0 &&
		    fresh != v)
			sys_setsockopt(
			    twin, all[i].level, all[i].name, &v, sizeof v);
	}
}

/* The port that it has by now. */
static int
bind_twin(int fd, const struct dgram *d, int twin)
{
	struct sockaddr_storage any;
	struct proto_name name;
	socklen_t len = sizeof any;

	if (sock_ask_name(fd, d->handle, PROTO_GETSOCKNAME, &name) != 0 ||
	    name.port == 0)
		return 0;
	sock_put_name(&name, dgram_family(d), (struct sockaddr *)&any, &len);
	return sys_bind(twin, &any, len);
}

int
dgram_to_kernel(int fd, const struct dgram *d)
{
	int twin = sys_socket(
	    dgram_family(d), SOCK_DGRAM | ident_flags(fd), IPPROTO_UDP);
	int err;

	if (twin < 0)
		return twin;
	copy_options(fd, d, twin);
	err = bind_twin(fd, d, twin);
	if (err != 0) {
		sys_close(twin);
		return err;
	}
	return ident_replace(fd, twin);
}

/* The call once more, on the kernel's. */
static int
result(int r)
{
	return r < 0 ? -errno : r;
}

/* ---- the peer, kept on the descriptor ---- */

/*
 * In a socket filter whose instructions load its words one after another and
 * then let everything pass (ident.c keeps a stream's options the same way;
 * this one runs, for nothing, when a datagram comes).
 */
#define PEER_WORDS (sizeof(struct proto_name) / sizeof(uint32_t))

static int
keep_peer(int fd, const struct proto_name *peer)
{
	struct sock_filter f[PEER_WORDS + 1];
	struct sock_fprog prog = {.len = PEER_WORDS + 1, .filter = f};
	uint32_t words[PEER_WORDS];
	unsigned i;

	memcpy(words, peer, sizeof words);
	for (i = 0; i < PEER_WORDS; i++)
		f[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, words[i]);
	f[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	return sys_setsockopt(
	    fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof prog);
}

int
dgram_peer(int fd, struct proto_name *out)
{
	struct sock_filter f[PEER_WORDS + 1];
	socklen_t n = PEER_WORDS + 1; /* in instructions, not bytes */
	uint32_t words[PEER_WORDS];
	unsigned i;

	memset(f, 0, sizeof f);
	if (sys_getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, f, &n) != 0 ||
	    n != PEER_WORDS + 1)
		return -ENOTCONN;
	for (i = 0; i < PEER_WORDS; i++)
		words[i] = f[i].k;
	memcpy(out, words, sizeof *out);
	return 0;
}

/* ---- bind, connect ---- */

/* What the daemon says of a socket that it has never known. */
static int
told(int err)
{
	return err == -EBADF ? -ENETDOWN : err;
}

int
dgram_bind(int fd, struct dgram *d, const struct sockaddr *sa, socklen_t len)
{
	struct proto_name name;
	struct wire_req q = {.type = PROTO_BIND,
	    .handle = d->handle,
	    .body = {&name},
	    .len = {sizeof name},
	    .auth_fd = fd};
	struct endpoint e;
	int r = sock_check_name(sa, len);

	if (r == 0)
		r = sock_endpoint(dgram_family(d), sa, len, &e);
	if (r == 0)
		r = dgram_judge(d, &e, true);
	if (r < 0)
		return r;
	if (r == PROTO_KERNEL) {
		r = dgram_to_kernel(fd, d);
		return r != 0 ? r : result(real.bind(fd, sa, len));
	}
	if (!sock_may_have(e.port))
		return -EACCES;
	name = sock_to_name(dgram_family(d), &e);
	r = wire_request(&q);
	if (r == 0 && !ipaddr_is_any(&e.addr))
		dgram_mark(fd, d, PROTO_DTAG_SETTLED, 0);
	return told(r);
}

static int
ask_connect(int fd, const struct dgram *d, const struct proto_name *name,
    bool *raw, bool *later)
{
	struct {
		struct proto_opt po;
		uint32_t raw, later;
	} ans = {.raw = 0};
	struct wire_req q = {.type = PROTO_DCONNECT,
	    .handle = d->handle,
	    .body = {name},
	    .len = {sizeof *name},
	    .auth_fd = fd,
	    .ans = &ans,
	    .ans_max = sizeof ans};
	int err = wire_request(&q);

	*raw = ans.raw != 0;
	*later = ans.later != 0;
	return told(err);
}

/* connect(AF_UNSPEC). */
static int
dissolve(int fd, struct dgram *d)
{
	struct proto_name none = {.family = AF_UNSPEC};
	bool raw, later;

	dgram_mark(fd, d, 0, PROTO_DTAG_RAW | PROTO_DTAG_CONN);
	return ask_connect(fd, d, &none, &raw, &later);
}

int
dgram_connect(int fd, struct dgram *d, const struct sockaddr *sa, socklen_t len)
{
	struct proto_name name;
	struct endpoint e;
	bool raw, later;
	int r = sock_check_name(sa, len);

	if (r != 0)
		return r;
	if (len < sizeof sa->sa_family)
		return -EINVAL;
	if (sa->sa_family == AF_UNSPEC)
		return dissolve(fd, d);
	r = sock_endpoint(dgram_family(d), sa, len, &e);
	if (r == 0)
		r = dgram_judge(d, &e, false);
	if (r < 0)
		return r;
	if (r == PROTO_KERNEL) {
		r = dgram_to_kernel(fd, d);
		return r != 0 ? r : result(real.connect(fd, sa, len));
	}
	/* A reader must not take a header for bytes in between. */
	dgram_mark(fd, d, 0, PROTO_DTAG_RAW);
	name = sock_to_name(dgram_family(d), &e);
	r = ask_connect(fd, d, &name, &raw, &later);
	if (r != 0)
		return r;
	r = keep_peer(fd, &name);
	dgram_mark(fd, d,
	    PROTO_DTAG_SETTLED | PROTO_DTAG_CONN | (raw ? PROTO_DTAG_RAW : 0),
	    0);
	if (r == 0 && later && !raw)
		dgram_left_behind(fd, d);
	return r;
}

/* ---- names, shutdown ---- */

int
dgram_getsockname(
    int fd, const struct dgram *d, struct sockaddr *sa, socklen_t *len)
{
	struct proto_name name;
	int err;

	err = sock_ask_name(fd, d->handle, PROTO_GETSOCKNAME, &name);
	/* It has none any more, or never had. */
	if (err == -EBADF || err == -ENETDOWN)
		memset(&name, 0, sizeof name);
	else if (err != 0)
		return err;
	return sock_put_name(&name, dgram_family(d), sa, len);
}

int
dgram_getpeername(
    int fd, const struct dgram *d, struct sockaddr *sa, socklen_t *len)
{
	struct proto_name name;
	int err;

	if (!(d->bits & PROTO_DTAG_CONN))
		return -ENOTCONN;
	err = dgram_peer(fd, &name);
	if (err == 0 && name.port == 0)
		err = -ENOTCONN;
	return err != 0 ? err : sock_put_name(&name, dgram_family(d), sa, len);
}

int
dgram_shutdown(int fd, struct dgram *d, int how)
{
	int err;

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	dgram_mark(fd, d, PROTO_DTAG_SHUT, 0);
	err = sys_shutdown(fd, how);
	/* Linux does it all the same. */
	return d->bits & PROTO_DTAG_CONN ? err : -ENOTCONN;
}

bool
dgram_empty_next(int fd)
{
	return sys_recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT) == 0;
}

int
dgram_pending(int fd, const struct dgram *d, uint32_t why)
{
	struct proto_listen body = {.backlog = why};
	struct {
		struct proto_opt po;
		uint32_t err, empty;
	} ans = {.err = 0};
	struct wire_req q = {.type = PROTO_DEMPTY,
	    .handle = d->handle,
	    .body = {&body},
	    .len = {sizeof body},
	    .auth_fd = fd,
	    .ans = &ans,
	    .ans_max = sizeof ans};
	int err = wire_request(&q);

	if (err != 0)
		return -ENETDOWN;
	if (why == PROTO_EMPTY_PEEKED && !ans.empty)
		sys_recv(fd, NULL, 0, MSG_DONTWAIT);
	if (ans.err != 0)
		return ans.err < 4096 ? -(int)ans.err : -EPROTO;
	return ans.empty != 0;
}
