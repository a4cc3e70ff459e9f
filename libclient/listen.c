/* SPDX-License-Identifier: ISC */
/*
 * bind(), listen() and accept() on descriptors of ours.
 *
 * bind() gives the AF_UNIX socket a name in a directory that nobody else can
 * enter and hands the daemon an O_PATH descriptor of it; name and directory
 * are gone when it returns.  listen() makes it a native listener, to which the
 * daemon connects for each connection that is established: so accept() with
 * all its rules is the kernel's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/un.h>
#include "dgram.h"
#include "hint.h"
#include "ident.h"
#include "lane.h"
#include "ipc/aokey.h"
#include "ipc/policy.h"
#include "real.h"
#include "sock.h"
#include "sys.h"
#include "wire.h"

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

/* The first port that nobody needs a privilege for. */
static long
unprivileged_start(void)
{
	char text[16] = "";
	int fd = (int)SYS(SYS_openat, AT_FDCWD,
	    "/proc/sys/net/ipv4/ip_unprivileged_port_start",
	    O_RDONLY | O_CLOEXEC, 0, 0, 0);

	if (fd < 0)
		return IPPORT_RESERVED;
	SYS(SYS_read, fd, text, sizeof text - 1, 0, 0, 0);
	sys_close(fd);
	return atol(text);
}

pid_t sock_caller;

/* The daemon knows users.  Of root's processes the kernel asks more, and some
 * have given it up. */
bool
sock_may_have(uint16_t port)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3, .pid = sock_caller};
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (port == 0 || port >= IPPORT_RESERVED ||
	    SYS(SYS_capget, &head, has, 0, 0, 0, 0) != 0)
		return true;
	return has[0].effective & 1U << CAP_NET_BIND_SERVICE ||
	       port >= unprivileged_start();
}

static int
bind_tcpd(int fd, uint64_t handle, const struct endpoint *at)
{
	struct proto_name name = sock_to_name(ident_family(fd), at), got;
	uint64_t cookie = 0;
	socklen_t len = sizeof cookie;
	struct sockopts o;
	struct wire_req q = {.type = PROTO_BIND,
	    .handle = handle,
	    .body = {&name, &cookie},
	    .len = {sizeof name, sizeof cookie},
	    .auth_fd = -1,
	    .ans = &got,
	    .ans_max = sizeof got};
	int err;

	sys_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len);
	ident_options(fd, &o);
	if (sockopt_val(&o, OPT_SO_REUSEADDR, 0))
		name.flags |= PROTO_REUSEADDR;
	if (sockopt_val(&o, OPT_SO_REUSEPORT, 0))
		name.flags |= PROTO_REUSEPORT;
	if (sockopt_val(&o, OPT_IPV6_V6ONLY, 0))
		name.flags |= PROTO_V6ONLY;
	if (sockopt_val(&o, OPT_IP_BIND_ADDRESS_NO_PORT, 0))
		name.flags |= PROTO_NOPORT;
	/* Bound natively and not in the daemon: it said EADDRINUSE before,
	 * and has the node. */
	q.auth_fd = bind_native(fd);
	if (q.auth_fd < 0 && q.auth_fd != -EINVAL)
		return q.auth_fd;
	err = wire_request(&q);
	if (q.auth_fd < 0) /* EACCES: the daemon that had the node is gone */
		return err == -EACCES && name.port >= IPPORT_RESERVED ? -EINVAL
								      : err;
	sys_close(q.auth_fd);
	/* Otherwise refused, the node is lost: a fresh socket may try again. */
	if (err != 0 && err != -EADDRINUSE)
		ident_renew(fd, &handle);
	return err;
}

static int
bind_kernel(int fd, const struct sockaddr *sa, socklen_t len)
{
	int twin = ident_kernel_twin(fd), err;

	if (twin < 0)
		return twin;
	err = sys_bind(twin, sa, len);
	if (err != 0) {
		sys_close(twin);
		return err;
	}
	return ident_replace(fd, twin);
}

static int
bind_by_policy(
    int fd, uint64_t handle, const struct sockaddr *sa, socklen_t len)
{
	struct policy_verdict v;
	struct endpoint at;
	struct sockopts o;
	uint32_t generation;
	int err;

	err = sock_endpoint(ident_family(fd), sa, len, &at);
	if (err != 0)
		return err;
	if (ident_attached(fd) || ident_listening(fd))
		return -EINVAL;
	ident_options(fd, &o);
	if (o.ipv6 &&
	    (at.addr.b[0] == 0xff || (ipaddr_is_v4(&at.addr) &&
					 sockopt_val(&o, OPT_IPV6_V6ONLY, 0))))
		return -EINVAL;
	err = sock_judge(&at, true, &v, &generation);
	if (err != 0)
		return err;
	if (v.action == PROTO_TCPD && sock_elsewhere(&o))
		v.action = PROTO_KERNEL;
	if (v.action == PROTO_TCPD && !sock_may_have(at.port))
		return -EACCES;
	if (v.action == PROTO_TCPD)
		return bind_tcpd(fd, handle, &at);
	return v.action == PROTO_REFUSE ? -EADDRNOTAVAIL
					: bind_kernel(fd, sa, len);
}

static int
bind_ours(int fd, uint64_t handle, const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_in sin;
	int err = sock_check_name(sa, len);

	if (err != 0)
		return err;
	/* An old way to write 0.0.0.0, which Linux still takes. */
	if (ident_family(fd) == AF_INET && len >= sizeof sin) {
		memcpy(&sin, sa, sizeof sin);
		if (sin.sin_family == AF_UNSPEC &&
		    sin.sin_addr.s_addr == INADDR_ANY)
			sin.sin_family = AF_INET;
		sa = (const struct sockaddr *)&sin;
		len = sizeof sin;
	}
	return bind_by_policy(fd, handle, sa, len);
}

int
sock_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	uint64_t handle;
	struct dgram d;

	if (dgram_ours(fd, &d))
		return (int)sock_result(dgram_bind(fd, &d, sa, len));
	if (!ident_ours(fd, &handle))
		return real.bind(fd, sa, len);
	return (int)sock_result(bind_ours(fd, handle, sa, len));
}

/* ---- listen, accept ---- */

/* The keys go first: not one SYN shall come in without. */
static int
tell_keys(int fd, uint64_t handle, const struct md5keys *keys)
{
	uint8_t val[MD5KEY_VALUE];
	struct proto_opt po = {.level = IPPROTO_TCP};
	struct wire_req q = {.type = PROTO_SETOPT,
	    .handle = handle,
	    .body = {&po, val},
	    .len = {sizeof po, 0},
	    .auth_fd = fd};
	struct tcpd_ao_info info;
	struct md5key k;
	int err = 0;

	for (uint32_t i = 0; i < keys->n && err == 0; i++) {
		/* Which one a connection begins with, its peer says. */
		k = keys->key[i];
		k.flags &= AOKEY_NO_OPTIONS;
		po.len =
		    key_value(&k, ident_family(fd) == AF_INET6, val, &po.name);
		q.len[1] = po.len;
		err = wire_request(&q);
	}
	explicit_bzero(val, sizeof val);
	explicit_bzero(&k, sizeof k);
	po.len = keys_info(keys, &info);
	if (err == 0 && po.len > 0) {
		po.name = TCP_AO_INFO;
		q.body[1] = &info;
		q.len[1] = po.len;
		err = wire_request(&q);
	}
	return err;
}

static int
tell_listen(int fd, uint64_t handle, int backlog)
{
	struct proto_listen body = {.backlog = (uint32_t)backlog};
	uint8_t opts[SOCKOPT_PACK_MAX];
	struct wire_req q = {.type = PROTO_LISTEN,
	    .handle = handle,
	    .body = {&body, opts},
	    .len = {sizeof body, 0},
	    .auth_fd = fd};
	struct md5keys keys;
	struct sockopts o;
	int err;

	ident_keys(fd, &keys);
	err = tell_keys(fd, handle, &keys);
	ident_options(fd, &o);
	q.len[1] = sockopt_pack(&o, opts, sizeof opts, &body.nopts);
	if (err == 0)
		err = wire_request(&q);
	if (err == 0 && (keys.n > 0 || keys.ao != 0)) {
		explicit_bzero(&keys, sizeof keys);
		ident_keep_keys(fd, &keys);
	}
	return err;
}

static int
listen_ours(int fd, uint64_t handle, int backlog)
{
	struct sockaddr_storage any;
	struct endpoint at;
	socklen_t len;
	int err, family = ident_family(fd);

	if (ident_attached(fd))
		return -EINVAL;
	if (!ident_bound(fd)) {
		len = sock_any_sockaddr(family, 0, &any);
		err = bind_by_policy(fd, handle, (struct sockaddr *)&any, len);
		if (err != 0)
			return err;
		if (!ident_ours(fd, &handle)) /* the policy: the kernel's */
			return sys_listen(fd, backlog);
	}
	err = sys_listen(fd, backlog);
	if (err == 0)
		err = tell_listen(fd, handle, backlog);
	if (err == -EDESTADDRREQ) {
		/* Its bind() failed, so it is not bound at all: as above. */
		at = sock_any(family);
		err = bind_tcpd(fd, handle, &at);
		if (err == 0)
			err = tell_listen(fd, handle, backlog);
	}
	/* Bound at a daemon that is no more. */
	return err == -EBADF ? -ENETDOWN : err;
}

int
sock_listen(int fd, int backlog)
{
	uint64_t handle;
	struct dgram d;

	if (dgram_ours(fd, &d))
		return (int)sock_result(-EOPNOTSUPP);
	if (!ident_ours(fd, &handle))
		return real.listen(fd, backlog);
	return (int)sock_result(listen_ours(fd, handle, backlog));
}

/* The daemon leaves its last byte: then its queue is never empty, and a close
 * of it is seen as a reset. */
static void
send_preamble(int fd, uint64_t handle)
{
	struct proto_preamble p = {.handle = handle};

	memcpy(p.magic, PROTO_PREAMBLE_MAGIC, sizeof p.magic);
	sys_send(fd, &p, sizeof p, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Linux's child has its listener's time-outs, and takes urgent data as he. */
static void
inherit_native(int listener, int fd)
{
	static const int names[] = {SO_OOBINLINE, SO_RCVTIMEO, SO_SNDTIMEO};
	struct timeval tv;
	socklen_t len;
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		tv = (struct timeval){0};
		len = sizeof tv;
		if (sys_getsockopt(listener, SOL_SOCKET, names[i], &tv, &len) ==
			0 &&
		    (tv.tv_sec != 0 || tv.tv_usec != 0))
			sys_setsockopt(fd, SOL_SOCKET, names[i], &tv, len);
	}
}

static void
welcome(int listener, int family, int fd, const struct proto_peer *peer)
{
	struct sockopts o;

	ident_tag(fd, family, peer->handle & PROTO_HANDLE_MASK);
	send_preamble(fd, peer->handle & PROTO_HANDLE_MASK);
	ident_options_of(listener, family, &o);
	ident_sndbuf(fd, &o);
	inherit_native(listener, fd);
}

/* TCP does not wait at a listener that was shut down, and says so even to who
 * would not wait. */
static int
accept_failed(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};
	struct timespec none = {0, 0};

	if (errno == EAGAIN && SYS(SYS_ppoll, &p, 1, &none, 0, 0, 0) == 1 &&
	    p.revents & POLLRDHUP)
		errno = EINVAL;
	return -1;
}

int
sock_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	struct sockaddr_un un;
	struct proto_peer peer;
	uint64_t handle;
	socklen_t unlen;
	struct dgram d;
	int new, err, family;

	if (dgram_ours(fd, &d))
		return (int)sock_result(-EOPNOTSUPP);
	if (!ident_ours(fd, &handle))
		return real.accept4(fd, sa, len, flags);
	for (;;) {
		unlen = sizeof un;
		new = real.accept4(fd, (struct sockaddr *)&un, &unlen, flags);
		if (new < 0)
			return accept_failed(fd);
		if (ident_is_peer(&un, unlen, &peer))
			break;
		/* Not from the daemon: somebody of the same user. */
		sys_close(new);
	}
	family = ident_family(fd);
	welcome(fd, family, new, &peer);
	hint_set(new, true);
	lane_new(new);
	if (sa == NULL)
		return new;
	err = sock_put_name(&peer.remote, family, sa, len);
	if (err == 0)
		return new;
	/* The caller cannot be told whose it is: lost, as on Linux. */
	sys_close(new);
	return (int)sock_result(err);
}
