/* SPDX-License-Identifier: ISC */
/*
 * socket, connect, bind, listen, accept, names and shutdown on descriptors of
 * ours; see sock.h, and tcpd/proto.h for what passes to the daemon.
 *
 * A socket of ours begins as an AF_UNIX stream.  connect() makes it the
 * daemon's connection when the policy says so, else a socket of the kernel's
 * TCP takes its number.  bind() gives it a name in a directory that nobody
 * else can enter and hands the daemon an O_PATH descriptor of it, so that the
 * daemon can connect() to it once it listens: then accept() is the kernel's.
 *
 * Linux's states are followed to the letter where a program can see them:
 * EINPROGRESS, EALREADY, success once and then EISCONN; the error of a failed
 * attempt once (by SO_ERROR or by connect), ECONNABORTED when it was already
 * read, and then a socket that may try again.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include "ident.h"
#include "ipc/policy.h"
#include "real.h"
#include "sock.h"
#include "sys.h"
#include "wire.h"

long
sock_result(long r)
{
	if (r < 0) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

/* ---- addresses ---- */

static struct proto_name
to_name(const struct sockaddr_in *sin)
{
	struct proto_name n = {.family = AF_INET, .port = ntohs(sin->sin_port)};

	memcpy(n.addr, &sin->sin_addr, 4);
	return n;
}

static struct ipaddr
to_ipaddr(const struct sockaddr_in *sin)
{
	return ipaddr_v4(ntohl(sin->sin_addr.s_addr));
}

/* Copies as the kernel does: cut to the room, the true length returned. */
static int
put_name(const struct proto_name *n, struct sockaddr *sa, socklen_t *len)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = htons(n->port)};

	if ((int)*len < 0)
		return -EINVAL;
	memcpy(&sin.sin_addr, n->addr, 4);
	memcpy(sa, &sin, *len < sizeof sin ? *len : sizeof sin);
	*len = sizeof sin;
	return 0;
}

static int
ask_name(int fd, uint64_t handle, uint16_t type, struct proto_name *name)
{
	struct wire_req q = {.type = type,
	    .handle = handle,
	    .pass_fd = -1,
	    .auth_fd = fd,
	    .ans = name,
	    .ans_max = sizeof *name};
	int err;

	memset(name, 0, sizeof *name);
	err = wire_request(&q);
	return err == 0 && q.ans_len != sizeof *name ? -EPROTO : err;
}

/* ---- socket ---- */

int
sock_socket(int domain, int type, int protocol)
{
	uint64_t handle;

	if (domain != AF_INET ||
	    (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM ||
	    (protocol != 0 && protocol != IPPROTO_TCP))
		return real.socket(domain, type, protocol);
	return (int)sock_result(ident_new(type, &handle));
}

/* ---- connect ---- */

int
sock_native_error(int fd)
{
	int err = 0;
	socklen_t len = sizeof err;

	return sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 ? err
									 : 0;
}

int
sock_take_error(int fd, uint64_t handle, int native)
{
	struct wire_req q = {.type = PROTO_ERROR,
	    .handle = handle,
	    .pass_fd = -1,
	    .auth_fd = fd};
	int err = wire_request(&q);

	/* Without a daemon (-ENETDOWN) the kernel's word is all there is. */
	return err == 0 || err == -EBADF || err == -EACCES || err == -ENETDOWN
		   ? native
		   : -err;
}

/* Did every handler of the program ask for interrupted calls to go on?  A
 * blocking connect() that waits in poll() cannot learn it otherwise. */
static bool
handlers_restart(void)
{
	struct sigaction sa;
	bool any = false;
	int sig, saved = errno;

	for (sig = 1; sig < NSIG; sig++) {
		if (sigaction(sig, NULL, &sa) != 0 ||
		    sa.sa_handler == SIG_DFL || sa.sa_handler == SIG_IGN)
			continue;
		if (!(sa.sa_flags & SA_RESTART)) {
			errno = saved;
			return false;
		}
		any = true;
	}
	errno = saved;
	return any;
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* SO_SNDTIMEO in milliseconds, -1: for ever. */
static int64_t
patience_ms(int fd)
{
	struct timeval tv = {0, 0};
	socklen_t len = sizeof tv;

	if (sys_getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len) != 0 ||
	    (tv.tv_sec == 0 && tv.tv_usec == 0))
		return -1;
	return (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
}

/* The attempt has failed: its errno, and a socket that may try again. */
static int
attempt_failed(int fd, uint64_t handle, int native)
{
	int err = sock_take_error(fd, handle, native);
	int r = ident_renew(fd, &handle);

	return r < 0 ? r : -err;
}

/* Waits for the end of the attempt; a cancellation point like connect(). */
static int
await(int fd, uint64_t handle)
{
	int64_t limit = patience_ms(fd), end = limit < 0 ? 0 : now_ms() + limit;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int saved = errno, r, native;

	for (;;) {
		if (limit >= 0) {
			limit = end - now_ms();
			limit = limit < 0 ? 0 : limit;
		}
		r = poll(&p, 1, limit > INT32_MAX ? INT32_MAX : (int)limit);
		if (r == 0)
			return -EINPROGRESS;
		if (r > 0)
			break;
		r = errno;
		errno = saved;
		if (r != EINTR || limit >= 0 || !handlers_restart())
			return -r;
	}
	if (p.revents & (POLLHUP | POLLERR)) {
		native = sock_native_error(fd);
		return attempt_failed(
		    fd, handle, native != 0 ? native : ECONNRESET);
	}
	ident_settle(fd);
	ident_pending(fd, false);
	return 0;
}

static bool
nonblocking(int fd)
{
	int fl = sys_fcntl(fd, F_GETFL, 0);

	return fl >= 0 && fl & O_NONBLOCK;
}

static int
attach(
    int fd, uint64_t handle, const struct sockaddr_in *sin, uint32_t generation)
{
	struct proto_attach at = {
	    .dst = to_name(sin), .policy_generation = generation};
	uint8_t opts[SOCKOPT_PACK_MAX];
	struct sockopts o;
	size_t len;
	int err;

	ident_options(fd, &o);
	len = sockopt_pack(&o, opts, sizeof opts, &at.nopts);
	err = wire_attach(fd, handle, &at, opts, len);
	if (err != 0) {
		if (ident_attached(fd))
			ident_renew(fd, &handle);
		return err;
	}
	err = nonblocking(fd) ? -EINPROGRESS : await(fd, handle);
	if (err == -EINPROGRESS || err == -EINTR)
		ident_pending(fd, true);
	return err;
}

/* A socket of ours that was bound to a port keeps that port's number. */
static int
bind_twin(int fd, uint64_t handle, int twin)
{
	struct proto_name name;
	struct sockaddr_in sin = {.sin_family = AF_INET};
	int err;

	if (!ident_bound(fd))
		return 0;
	err = ask_name(fd, handle, PROTO_GETSOCKNAME, &name);
	if (err != 0)
		return err == -EBADF ? 0 : err;
	sin.sin_port = htons(name.port);
	memcpy(&sin.sin_addr, name.addr, 4);
	return sys_bind(twin, &sin, sizeof sin);
}

/* The destination is the kernel's, and so becomes the socket; unless that
 * fails at once, for then the next destination may be tcpd's. */
static int
connect_kernel(
    int fd, uint64_t handle, const struct sockaddr *sa, socklen_t len)
{
	int twin = ident_kernel_twin(fd), err, r, saved = errno;

	if (twin < 0)
		return twin;
	err = bind_twin(fd, handle, twin);
	if (err == 0 && real.connect(twin, sa, len) != 0) {
		err = -errno;
		errno = saved;
	}
	if (err != 0 && err != -EINPROGRESS && err != -EINTR) {
		sys_close(twin);
		return err;
	}
	r = ident_replace(fd, twin);
	return r != 0 ? r : err;
}

/* The policy's word on sin, and its generation. */
static int
judge(const struct sockaddr_in *sin, bool to_bind, struct policy_verdict *v,
    uint32_t *generation)
{
	const struct proto_policy *p;
	struct ipaddr a = to_ipaddr(sin);
	uint16_t port = ntohs(sin->sin_port);
	int err;

	/* Linux takes a connection to 0.0.0.0 as one to itself. */
	if (!to_bind && sin->sin_addr.s_addr == INADDR_ANY)
		a = ipaddr_v4(INADDR_LOOPBACK);
	p = wire_policy(&err);
	if (p == NULL) {
		/* No daemon: loopback works on, the rest fails loudly. */
		if (ipaddr_to_v4(&a) >> 24 != 127)
			return err;
		*v = (struct policy_verdict){
		    PROTO_KERNEL, PROTO_WHY_LOOPBACK, 0};
		*generation = 0;
		return 0;
	}
	do {
		*generation = p->generation;
		*v = to_bind ? policy_bind(p, &a, port)
			     : policy_connect(p, &a, port);
	} while (*generation != *(volatile const uint32_t *)&p->generation);
	return 0;
}

static int
connect_fresh(int fd, uint64_t handle, const struct sockaddr *sa, socklen_t len)
{
	struct policy_verdict v;
	struct sockaddr_in sin;
	uint32_t generation;
	int err;

	if (len < sizeof sin)
		return -EINVAL;
	if (sa->sa_family != AF_INET)
		return -EAFNOSUPPORT;
	memcpy(&sin, sa, sizeof sin);
	err = judge(&sin, false, &v, &generation);
	if (err != 0)
		return err;
	if (v.action == PROTO_TCPD)
		return attach(fd, handle, &sin, generation);
	if (v.action == PROTO_REFUSE)
		return -ENETUNREACH;
	return connect_kernel(fd, handle, sa, len);
}

/* connect(AF_UNSPEC): back to a fresh socket; a connection is reset. */
static int
dissolve(int fd, uint64_t handle)
{
	struct proto_opt po = {.level = SOL_SOCKET,
	    .name = SO_LINGER,
	    .len = sizeof(struct linger)};
	struct linger now = {.l_onoff = 1, .l_linger = 0};
	struct wire_req q = {.type = PROTO_SETOPT,
	    .handle = handle,
	    .body = {&po, &now},
	    .len = {sizeof po, sizeof now},
	    .pass_fd = -1,
	    .auth_fd = fd};

	if (!ident_attached(fd) && !ident_listening(fd))
		return 0;
	if (ident_attached(fd))
		wire_request(&q);
	return ident_renew(fd, &handle);
}

static int
connect_ours(int fd, uint64_t handle, const struct sockaddr *sa, socklen_t len)
{
	int native, err;

	if (len < sizeof sa->sa_family)
		return -EINVAL;
	if (sa->sa_family == AF_UNSPEC)
		return dissolve(fd, handle);
	switch (ident_phase(fd, handle)) {
	case PHASE_FRESH:
		return connect_fresh(fd, handle, sa, len);
	case PHASE_CONNECTING:
		err = nonblocking(fd) ? -EALREADY : await(fd, handle);
		return err == -EINPROGRESS ? -EALREADY : err;
	case PHASE_ARRIVED:
		ident_settle(fd);
		ident_pending(fd, false);
		return 0;
	case PHASE_FAILED:
		native = sock_native_error(fd);
		if (native != 0)
			return attempt_failed(fd, handle, native);
		err = ident_renew(fd, &handle);
		return err < 0 ? err : -ECONNABORTED;
	case PHASE_LISTENING:
	case PHASE_CONNECTED:
	case PHASE_OVER:
		break;
	}
	return -EISCONN;
}

int
sock_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	uint64_t handle;

	if (!ident_ours(fd, &handle))
		return real.connect(fd, sa, len);
	return (int)sock_result(connect_ours(fd, handle, sa, len));
}

/* ---- bind ---- */

/* A fresh directory 0700 under base; its name in dir. */
static int
private_dir(const char *base, char *dir, size_t size)
{
	uint64_t r;
	int tries, n, err = -EEXIST;

	for (tries = 0; tries < 8 && err == -EEXIST; tries++) {
		if (SYS(SYS_getrandom, &r, sizeof r, 0, 0, 0, 0) != sizeof r)
			return -EAGAIN;
		n = snprintf(
		    dir, size, "%s/tcpd-%016llx", base, (unsigned long long)r);
		if (n < 0 || (size_t)n >= size - 2) /* room for "/s" */
			return -ENAMETOOLONG;
		err = (int)SYS(SYS_mkdirat, AT_FDCWD, dir, 0700, 0, 0, 0);
	}
	return err;
}

/* Binds fd to a name under base; returns an O_PATH descriptor of the node.
 * The node itself may be connected to by anyone, its directory entered by
 * nobody else, and both are gone when this returns. */
static int
bind_under(int fd, const char *base)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char dir[sizeof un.sun_path];
	int err, node = -1;

	err = private_dir(base, dir, sizeof dir);
	if (err != 0)
		return err;
	memcpy(un.sun_path, dir, strlen(dir));
	memcpy(un.sun_path + strlen(dir), "/s", 3);
	err = sys_bind(fd, &un, sizeof un);
	if (err == 0) {
		SYS(SYS_fchmodat, AT_FDCWD, un.sun_path, 0666, 0, 0, 0);
		node = (int)SYS(SYS_openat, AT_FDCWD, un.sun_path,
		    O_PATH | O_CLOEXEC, 0, 0, 0);
		SYS(SYS_unlinkat, AT_FDCWD, un.sun_path, 0, 0, 0, 0);
		err = node;
	}
	SYS(SYS_unlinkat, AT_FDCWD, dir, AT_REMOVEDIR, 0, 0, 0);
	return err;
}

/* An O_PATH descriptor of fd's new name; -EINVAL: it has one already. */
static int
bind_native(int fd)
{
	char beside[sizeof((struct sockaddr_un *)NULL)->sun_path];
	const char *bases[4] = {
	    beside, secure_getenv("XDG_RUNTIME_DIR"), "/tmp", "/dev/shm"};
	const char *slash = strrchr(wire_path(), '/');
	int err = -EADDRNOTAVAIL, i, r;

	snprintf(beside, sizeof beside, "%.*s/bind",
	    slash ? (int)(slash - wire_path()) : 1, slash ? wire_path() : ".");
	if (ident_bound(fd))
		return -EINVAL;
	for (i = 0; i < 4; i++) {
		if (bases[i] == NULL)
			continue;
		r = bind_under(fd, bases[i]);
		if (r >= 0)
			return r;
		if (r == -EMFILE || r == -ENFILE)
			return r;
		if (r == -EINVAL && ident_bound(fd))
			return r;
		err = r;
	}
	/* Nowhere to make a node: the clearest of a poor choice. */
	return err == -EINVAL ? -EADDRNOTAVAIL : err;
}

static int
bind_tcpd(int fd, uint64_t handle, const struct sockaddr_in *sin)
{
	struct proto_name name = to_name(sin), got;
	struct sockopts o;
	struct wire_req q = {.type = PROTO_BIND,
	    .handle = handle,
	    .body = {&name},
	    .len = {sizeof name},
	    .auth_fd = -1,
	    .ans = &got,
	    .ans_max = sizeof got};
	int err;

	ident_options(fd, &o);
	if (sockopt_val(&o, OPT_SO_REUSEADDR, 0))
		name.flags |= PROTO_REUSEADDR;
	if (sockopt_val(&o, OPT_SO_REUSEPORT, 0))
		name.flags |= PROTO_REUSEPORT;
	/* Bound natively and not in the daemon: it said EADDRINUSE before,
	 * and has the node. */
	q.pass_fd = bind_native(fd);
	if (q.pass_fd < 0 && q.pass_fd != -EINVAL)
		return q.pass_fd;
	err = wire_request(&q);
	if (q.pass_fd >= 0)
		sys_close(q.pass_fd);
	return err;
}

static int
bind_kernel(int fd, const struct sockaddr_in *sin)
{
	int twin = ident_kernel_twin(fd), err;

	if (twin < 0)
		return twin;
	err = sys_bind(twin, sin, sizeof *sin);
	if (err != 0) {
		sys_close(twin);
		return err;
	}
	return ident_replace(fd, twin);
}

static int
bind_by_policy(int fd, uint64_t handle, const struct sockaddr_in *sin)
{
	struct policy_verdict v;
	uint32_t generation;
	int err;

	err = judge(sin, true, &v, &generation);
	if (err != 0)
		return err;
	if (v.action == PROTO_TCPD)
		return bind_tcpd(fd, handle, sin);
	return v.action == PROTO_REFUSE ? -EADDRNOTAVAIL : bind_kernel(fd, sin);
}

static int
bind_ours(int fd, uint64_t handle, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in sin;

	if (len < sizeof sin)
		return -EINVAL;
	memcpy(&sin, sa, sizeof sin);
	if (sin.sin_family != AF_INET &&
	    (sin.sin_family != AF_UNSPEC || sin.sin_addr.s_addr != INADDR_ANY))
		return -EAFNOSUPPORT;
	if (ident_attached(fd) || ident_listening(fd))
		return -EINVAL;
	return bind_by_policy(fd, handle, &sin);
}

int
sock_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	uint64_t handle;

	if (!ident_ours(fd, &handle))
		return real.bind(fd, sa, len);
	return (int)sock_result(bind_ours(fd, handle, sa, len));
}

/* ---- listen, accept ---- */

static int
tell_listen(int fd, uint64_t handle, int backlog)
{
	struct proto_listen body = {.backlog = (uint32_t)backlog};
	uint8_t opts[SOCKOPT_PACK_MAX];
	struct wire_req q = {.type = PROTO_LISTEN,
	    .handle = handle,
	    .body = {&body, opts},
	    .len = {sizeof body, 0},
	    .pass_fd = -1,
	    .auth_fd = fd};
	struct sockopts o;

	ident_options(fd, &o);
	q.len[1] = sockopt_pack(&o, opts, sizeof opts, &body.nopts);
	return wire_request(&q);
}

static int
listen_ours(int fd, uint64_t handle, int backlog)
{
	static const struct sockaddr_in any = {.sin_family = AF_INET};
	int err;

	if (ident_attached(fd))
		return -EINVAL;
	if (!ident_bound(fd)) {
		err = bind_by_policy(fd, handle, &any);
		if (err != 0)
			return err;
		if (!ident_ours(fd, &handle)) /* the policy: the kernel's */
			return sys_listen(fd, backlog);
	}
	err = sys_listen(fd, backlog);
	return err != 0 ? err : tell_listen(fd, handle, backlog);
}

int
sock_listen(int fd, int backlog)
{
	uint64_t handle;

	if (!ident_ours(fd, &handle))
		return real.listen(fd, backlog);
	return (int)sock_result(listen_ours(fd, handle, backlog));
}

/* Two bytes and the descriptor itself, by which the daemon knows the preamble
 * from the program's data: then its queue is never empty, and a close of it
 * is seen as a reset. */
static void
send_preamble(int fd)
{
	char two[2] = {0, 0};
	struct iovec iov = {two, sizeof two};
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = ctl,
	    .msg_controllen = sizeof ctl};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	sys_sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Linux's child has its listener's time-outs. */
static void
inherit_timeouts(int listener, int fd)
{
	static const int names[] = {SO_RCVTIMEO, SO_SNDTIMEO};
	struct timeval tv;
	socklen_t len;
	int i;

	for (i = 0; i < 2; i++) {
		len = sizeof tv;
		if (sys_getsockopt(listener, SOL_SOCKET, names[i], &tv, &len) ==
			0 &&
		    (tv.tv_sec != 0 || tv.tv_usec != 0))
			sys_setsockopt(fd, SOL_SOCKET, names[i], &tv, len);
	}
}

static void
welcome(int listener, int fd, const struct proto_peer *peer)
{
	struct sockopts o;

	ident_tag(fd, peer->handle & PROTO_HANDLE_MASK);
	send_preamble(fd);
	ident_options(listener, &o);
	ident_sndbuf(fd, &o);
	inherit_timeouts(listener, fd);
}

int
sock_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	struct sockaddr_un un;
	struct proto_peer peer;
	uint64_t handle;
	socklen_t unlen;
	int new;

	if (!ident_ours(fd, &handle))
		return real.accept4(fd, sa, len, flags);
	if (sa != NULL && (int)*len < 0) {
		errno = EINVAL;
		return -1;
	}
	for (;;) {
		unlen = sizeof un;
		new = real.accept4(fd, (struct sockaddr *)&un, &unlen, flags);
		if (new < 0)
			return -1;
		if (ident_is_peer(&un, unlen, &peer))
			break;
		/* Not from the daemon: somebody of the same user. */
		sys_close(new);
	}
	welcome(fd, new, &peer);
	if (sa != NULL)
		put_name(&peer.remote, sa, len);
	return new;
}

/* ---- names ---- */

static int
sockname_ours(int fd, uint64_t handle, struct sockaddr *sa, socklen_t *len)
{
	struct proto_name name = {.family = AF_INET};
	struct proto_peer peer;
	int err;

	if ((int)*len < 0)
		return -EINVAL;
	if (ident_peer(fd, &peer))
		return put_name(&peer.local, sa, len);
	if (ident_attached(fd) || ident_bound(fd)) {
		err = ask_name(fd, handle, PROTO_GETSOCKNAME, &name);
		/* Ended, or its bind failed: it has no name any more. */
		if (err == -EBADF || err == -ENOTCONN || err == -EINVAL)
			memset(&name, 0, sizeof name);
		else if (err != 0)
			return err;
	}
	return put_name(&name, sa, len);
}

/* A foreign AF_UNIX name that may be an accepted connection's. */
static bool
adopted(int fd, const struct sockaddr *sa, socklen_t room, uint64_t *handle)
{
	return room >= sizeof sa->sa_family && sa->sa_family == AF_UNIX &&
	       ident_adopt(fd, handle);
}

int
sock_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	socklen_t room;
	uint64_t handle;
	int r;

	if (!ident_ours(fd, &handle)) {
		room = len != NULL ? *len : 0;
		r = real.getsockname(fd, sa, len);
		if (r != 0 || !adopted(fd, sa, room, &handle))
			return r;
		*len = room;
	}
	return (int)sock_result(sockname_ours(fd, handle, sa, len));
}

static int
peername_ours(int fd, uint64_t handle, struct sockaddr *sa, socklen_t *len)
{
	struct proto_name name;
	struct proto_peer peer;
	int err;

	if (!ident_attached(fd))
		return -ENOTCONN;
	if ((int)*len < 0)
		return -EINVAL;
	if (ident_peer(fd, &peer)) {
		if (ident_phase(fd, handle) == PHASE_OVER)
			return -ENOTCONN;
		return put_name(&peer.remote, sa, len);
	}
	err = ask_name(fd, handle, PROTO_GETPEERNAME, &name);
	if (err != 0)
		return err == -EBADF || err == -EINVAL ? -ENOTCONN : err;
	return put_name(&name, sa, len);
}

int
sock_getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	socklen_t room;
	uint64_t handle;
	int r;

	if (!ident_ours(fd, &handle)) {
		room = len != NULL ? *len : 0;
		r = real.getpeername(fd, sa, len);
		if (r != 0 || !adopted(fd, sa, room, &handle))
			return r;
		*len = room;
	}
	return (int)sock_result(peername_ours(fd, handle, sa, len));
}

/* ---- shutdown ---- */

static int
shutdown_listener(int fd, uint64_t handle, int how)
{
	struct proto_listen body = {.backlog = (uint32_t)how};
	struct wire_req q = {.type = PROTO_SHUTDOWN,
	    .handle = handle,
	    .body = {&body},
	    .len = {sizeof body},
	    .pass_fd = -1,
	    .auth_fd = fd};
	int err;

	/* Linux: a listener has no sending side to shut. */
	if (how == SHUT_WR)
		return 0;
	err = sys_shutdown(fd, how);
	if (err == 0)
		wire_request(&q);
	return err;
}

static int
shutdown_ours(int fd, uint64_t handle, int how)
{
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	switch (ident_phase(fd, handle)) {
	case PHASE_LISTENING:
		return shutdown_listener(fd, handle, how);
	case PHASE_FRESH:
	case PHASE_FAILED:
	case PHASE_OVER:
		return -ENOTCONN;
	case PHASE_ARRIVED:
		ident_settle(fd);
		break;
	case PHASE_CONNECTING:
	case PHASE_CONNECTED:
		break;
	}
	return sys_shutdown(fd, how);
}

int
sock_shutdown(int fd, int how)
{
	uint64_t handle;

	if (!ident_ours(fd, &handle))
		return real.shutdown(fd, how);
	return (int)sock_result(shutdown_ours(fd, handle, how));
}
