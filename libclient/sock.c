/* SPDX-License-Identifier: ISC */
/*
 * socket, the names of a socket and shutdown on descriptors of ours, and what
 * connect.c and listen.c share: addresses, errors, the policy's word.
 *
 * A socket of ours begins as an AF_UNIX stream and becomes the daemon's by
 * connect() or bind(), or the kernel's TCP when the policy says so.
 */
#include <netinet/in.h>
#include <string.h>
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

struct proto_name
sock_to_name(const struct sockaddr_in *sin)
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
int
sock_put_name(const struct proto_name *n, struct sockaddr *sa, socklen_t *len)
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

int
sock_ask_name(int fd, uint64_t handle, uint16_t type, struct proto_name *name)
{
	struct wire_req q = {.type = type,
	    .handle = handle,
	    .auth_fd = fd,
	    .ans = name,
	    .ans_max = sizeof *name};
	int err;

	memset(name, 0, sizeof *name);
	err = wire_request(&q);
	return err == 0 && q.ans_len != sizeof *name ? -EPROTO : err;
}

/* ---- errors ---- */

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
	struct wire_req q = {
	    .type = PROTO_ERROR, .handle = handle, .auth_fd = fd};
	int err = wire_request(&q);

	/* Unasked (no daemon, no descriptor left) the kernel's word holds. */
	return !q.answered || err == 0 || err == -EBADF || err == -EACCES
		   ? native
		   : -err;
}

/* ---- policy ---- */

/* The policy's word on sin, and its generation. */
int
sock_judge(const struct sockaddr_in *sin, bool to_bind,
    struct policy_verdict *v, uint32_t *generation)
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
		return sock_put_name(&peer.local, sa, len);
	if (ident_attached(fd) || ident_bound(fd)) {
		err = sock_ask_name(fd, handle, PROTO_GETSOCKNAME, &name);
		/* Ended, or its bind failed: it has no name any more. */
		if (err == -EBADF || err == -ENOTCONN || err == -EINVAL)
			memset(&name, 0, sizeof name);
		else if (err != 0)
			return err;
	}
	return sock_put_name(&name, sa, len);
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
		return sock_put_name(&peer.remote, sa, len);
	}
	err = sock_ask_name(fd, handle, PROTO_GETPEERNAME, &name);
	if (err != 0)
		return err == -EBADF || err == -EINVAL ? -ENOTCONN : err;
	return sock_put_name(&name, sa, len);
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
