/* SPDX-License-Identifier: ISC */
/*
 * connect() on descriptors of ours.
 *
 * The policy decides.  tcpd's: the same descriptor is connected to the daemon
 * and sends the hello (tcpd/proto.h).  The kernel's: a socket of its TCP takes
 * the descriptor's number.
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
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
#include "dgram.h"
#include "hint.h"
#include "ident.h"
#include "ipc/policy.h"
#include "real.h"
#include "sock.h"
#include "sys.h"
#include "wire.h"

int64_t
sock_patience_ms(int fd, int name)
{
	struct timeval tv = {0, 0};
	socklen_t len = sizeof tv;

	if (sys_getsockopt(fd, SOL_SOCKET, name, &tv, &len) != 0 ||
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

int
sock_arrived(
    int fd, uint64_t handle, int poll_bits, const struct sockopts *fresh)
{
	int native;

	if (poll_bits & (POLLHUP | POLLERR)) {
		native = sock_native_error(fd);
		return attempt_failed(
		    fd, handle, native != 0 ? native : ECONNRESET);
	}
	if (fresh != NULL) {
		ident_sndbuf(fd, fresh);
		return 0;
	}
	ident_settle(fd);
	ident_pending(fd, false);
	return 0;
}

bool
sock_nonblocking(int fd)
{
	int fl = sys_fcntl(fd, F_GETFL, 0);

	return fl >= 0 && fl & O_NONBLOCK;
}

/* Whoever is not the user that made fd shows it, that its name be found. */
static void
show_bound(int fd, uint64_t handle)
{
	struct proto_name name;

	if (!ident_attach_as_maker(fd) && ident_bound(fd))
		sock_ask_name(fd, handle, PROTO_GETSOCKNAME, &name);
}

int
sock_attach(int fd, uint64_t handle, struct proto_attach *at,
    const struct sockopts *o, const struct iovec *data, int ndata)
{
	uint8_t opts[SOCKOPT_PACK_MAX + MD5KEY_PACK_MAX];
	struct md5keys keys;
	struct ipaddr dst = ipaddr_v4(0);
	socklen_t cookie_len = sizeof at->cookie;
	uint32_t nkeys;
	size_t len;
	int err;

	show_bound(fd, handle);
	len = sockopt_pack(o, opts, sizeof opts, &at->nopts);
	memcpy(o->ipv6 ? dst.b : dst.b + 12, at->dst.addr, o->ipv6 ? 16 : 4);
	ident_keys(fd, &keys);
	len += md5keys_pack(&keys, &dst, opts + len, &nkeys);
	at->nopts += nkeys;
	sys_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &at->cookie, &cookie_len);
	err = wire_attach(fd, handle, at, opts, len, data, ndata);
	if (nkeys > 0) {
		explicit_bzero(&keys, sizeof keys);
		explicit_bzero(opts, sizeof opts);
	}
	if (err != 0 && ident_attached(fd))
		ident_renew(fd, &handle);
	return err;
}

/* The signal of F_SETSIG, or SIGIO, to the owner, as by the kernel. */
static void
signal_owner(int fd)
{
	struct f_owner_ex owner = {.pid = 0};
	int sig = sys_fcntl(fd, F_GETSIG, 0);

	if (sig == 0)
		sig = SIGIO;
	if (sys_fcntl(fd, F_GETOWN_EX, (long)&owner) < 0 || owner.pid <= 0)
		return;
	if (owner.type == F_OWNER_TID)
		tgkill(getpid(), owner.pid, sig);
	else
		kill(owner.type == F_OWNER_PGRP ? -owner.pid : owner.pid, sig);
}

/*
 * SIGIO shall come when the connection stands, and AF_UNIX tells of room only
 * when some was missed: so this misses some, and nothing can be sent from
 * there.  Where the connection stands by now, the kernel has nothing to tell.
 */
static void
want_signal(int fd)
{
	int fl = sys_fcntl(fd, F_GETFL, 0);

	if (fl < 0 || !(fl & O_ASYNC))
		return;
	sys_send(fd, NULL, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (ident_writable(fd))
		signal_owner(fd);
}

int
sock_attempt(int fd, uint64_t handle, bool block, const struct sockopts *o)
{
	int err = block ? sock_await(fd, handle, o) : -EINPROGRESS;

	if (err == -EINPROGRESS || err == -EINTR) {
		ident_pending(fd, true);
		hint_put(&hint_waits, fd, true);
		want_signal(fd);
	}
	return err;
}

static int
attach(int fd, uint64_t handle, const struct endpoint *dst, uint32_t generation,
    const struct sockopts *o)
{
	struct proto_attach at = {
	    .dst = sock_to_name(o->ipv6 ? AF_INET6 : AF_INET, dst),
	    .policy_generation = generation};
	int err;

	if (sockopt_val(o, OPT_TCP_FASTOPEN_CONNECT, 0)) {
		err = sock_fast_flags(handle, &at, o);
		if (err != 0)
			return err;
	}
	err = sock_attach(fd, handle, &at, o, NULL, 0);
	if (err != 0)
		return err;
	if (!(at.flags & PROTO_WAITS))
		return sock_attempt(fd, handle, !sock_nonblocking(fd), o);
	/* As good as connected: what is written now makes the SYN go. */
	ident_sndbuf(fd, o);
	return 0;
}

/* A socket of ours that was bound to a port keeps that port's number. */
static int
bind_twin(int fd, uint64_t handle, int twin)
{
	struct sockaddr_storage any;
	struct proto_name name;
	socklen_t len;
	int err;

	if (!ident_bound(fd))
		return 0;
	err = sock_ask_name(fd, handle, PROTO_GETSOCKNAME, &name);
	if (err != 0)
		return err == -EBADF ? 0 : err;
	len = sizeof any;
	sock_put_name(&name, ident_family(fd), (struct sockaddr *)&any, &len);
	return sys_bind(twin, &any, len);
}

/* The destination is the kernel's, and so becomes the socket; unless that
 * fails at once, for then the next destination may be tcpd's. */
ssize_t
sock_kernel(int fd, uint64_t handle, sock_kernel_fn *begin, void *arg)
{
	int twin = ident_kernel_twin(fd), r, saved = errno;
	ssize_t n;

	if (twin < 0)
		return twin;
	n = bind_twin(fd, handle, twin);
	if (n == 0 && (n = begin(twin, arg)) < 0) {
		n = -errno;
		errno = saved;
	}
	if (n < 0 && n != -EINPROGRESS && n != -EINTR) {
		sys_close(twin);
		return n;
	}
	r = ident_replace(fd, twin);
	return r != 0 ? r : n;
}

int
sock_destination(int fd, const struct sockaddr *sa, socklen_t len,
    struct endpoint *dst, uint32_t *generation, struct sockopts *o)
{
	int family = ident_family(fd), err;
	struct policy_verdict v;

	err = sock_endpoint(family, sa, len, dst);
	if (err != 0)
		return err;
	ident_options_of(fd, family, o);
	if (o->ipv6 && ipaddr_is_v4(&dst->addr) &&
	    sockopt_val(o, OPT_IPV6_V6ONLY, 0))
		return -ENETUNREACH;
	err = sock_judge(dst, false, &v, generation);
	if (err != 0)
		return err;
	if (v.action == PROTO_TCPD && sock_elsewhere(o))
		v.action = PROTO_KERNEL;
	return v.action == PROTO_REFUSE ? -ENETUNREACH : (int)v.action;
}

struct target {
	const struct sockaddr *sa;
	socklen_t len;
};

static ssize_t
connect_twin(int twin, void *arg)
{
	const struct target *t = arg;

	return real.connect(twin, t->sa, t->len);
}

/* In a sandbox whose resolver is not to be had by way of the kernel.
 * -ECONNREFUSED: it is no sandbox. */
static int
connect_resolver(int fd, const struct endpoint *dst)
{
	struct proto_name at = sock_to_name(ident_family(fd), dst);
	struct sockaddr_un un;
	socklen_t len = sock_resolver_name(&at, &un);

	return sys_connect(fd, &un, len);
}

static int
connect_fresh(int fd, uint64_t handle, const struct sockaddr *sa, socklen_t len)
{
	struct target t = {sa, len};
	struct endpoint dst;
	struct sockopts o;
	uint32_t generation;
	int r = sock_destination(fd, sa, len, &dst, &generation, &o);

	if (r < 0)
		return r;
	if (sock_is_resolver(&dst) &&
	    (r == PROTO_TCPD || !sock_kernel_may(ident_family(fd))) &&
	    connect_resolver(fd, &dst) == 0)
		return 0;
	if (r == PROTO_TCPD)
		return attach(fd, handle, &dst, generation, &o);
	return (int)sock_kernel(fd, handle, connect_twin, &t);
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

	err = sock_check_name(sa, len);
	if (err != 0)
		return err;
	if (len < sizeof sa->sa_family)
		return -EINVAL;
	if (sa->sa_family == AF_UNSPEC)
		return dissolve(fd, handle);
	switch (ident_phase(fd, handle)) {
	case PHASE_FRESH:
		return connect_fresh(fd, handle, sa, len);
	case PHASE_CONNECTING:
		err = sock_nonblocking(fd) ? -EALREADY
					   : sock_await(fd, handle, NULL);
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
	struct dgram d;

	if (dgram_ours(fd, &d))
		return (int)sock_result(dgram_connect(fd, &d, sa, len));
	if (!ident_ours(fd, &handle))
		return real.connect(fd, sa, len);
	return (int)sock_result(connect_ours(fd, handle, sa, len));
}
