/* SPDX-License-Identifier: ISC */
/*
 * socket, the names of a socket and shutdown on descriptors of ours, and what
 * connect.c and listen.c share: addresses, errors, the policy's word.
 *
 * A stream of ours begins as an AF_UNIX stream and becomes the daemon's by
 * connect() or bind(), or the kernel's TCP when the policy says so.
 */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include "dgram.h"
#include "hint.h"
#include "ident.h"
#include "ipc/dnsmsg.h"
#include "ipc/policy.h"
#include "lane.h"
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

/* What RFC 2133 had, without the scope; Linux still takes it. */
#define SIN6_LEN_OLD offsetof(struct sockaddr_in6, sin6_scope_id)

int
sock_endpoint(
    int family, const struct sockaddr *sa, socklen_t len, struct endpoint *out)
{
	struct sockaddr_in6 sin6 = {0};
	struct sockaddr_in sin;

	if (len < (family == AF_INET6 ? SIN6_LEN_OLD : sizeof sin))
		return -EINVAL;
	if (sa->sa_family != family)
		return -EAFNOSUPPORT;
	*out = (struct endpoint){.scope = 0};
	if (family == AF_INET) {
		memcpy(&sin, sa, sizeof sin);
		out->addr = ipaddr_v4(ntohl(sin.sin_addr.s_addr));
		out->port = ntohs(sin.sin_port);
		return 0;
	}
	memcpy(&sin6, sa, len < sizeof sin6 ? len : sizeof sin6);
	memcpy(out->addr.b, &sin6.sin6_addr, sizeof out->addr.b);
	out->port = ntohs(sin6.sin6_port);
	out->scope = sin6.sin6_scope_id;
	return 0;
}

int
sock_check_name(const struct sockaddr *sa, socklen_t len)
{
	if (len > sizeof(struct sockaddr_storage))
		return -EINVAL;
	return sys_mapped(sa, len) ? 0 : -EFAULT;
}

struct endpoint
sock_any(int family)
{
	struct endpoint any = {.port = 0};

	if (family == AF_INET)
		any.addr = ipaddr_v4(INADDR_ANY);
	return any;
}

socklen_t
sock_any_sockaddr(int family, uint16_t port, struct sockaddr_storage *out)
{
	struct proto_name name = {.port = port};
	socklen_t len = sizeof *out;

	sock_put_name(&name, family, (struct sockaddr *)out, &len);
	return len;
}

struct proto_name
sock_to_name(int family, const struct endpoint *e)
{
	struct proto_name n = {.family = (uint16_t)family, .port = e->port};

	if (family == AF_INET6)
		memcpy(n.addr, e->addr.b, 16);
	else
		memcpy(n.addr, e->addr.b + 12, 4);
	return n;
}

static bool
link_local(const struct ipaddr *a)
{
	return !ipaddr_is_v4(a) && ipaddr_is_link_local(a);
}

/* The interface that tcpd's link-local addresses belong to. */
static uint32_t
scope_of(const struct proto_name *n)
{
	const struct proto_policy *p;
	struct ipaddr a;
	int err;

	memcpy(a.b, n->addr, sizeof a.b);
	if (!link_local(&a))
		return 0;
	p = wire_policy(&err);
	return p != NULL ? p->link : 0;
}

int
sock_put_name(
    const struct proto_name *n, int family, struct sockaddr *sa, socklen_t *len)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = htons(n->port)};
	struct sockaddr_in6 sin6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(n->port)};
	socklen_t size = family == AF_INET ? sizeof sin : sizeof sin6, room;

	if (!sys_mapped(len, sizeof *len))
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	room = *len < size ? *len : size;
	*len = size;
	if (room == 0)
		return 0;
	if (!sys_mapped(sa, room))
		return -EFAULT;
	if (family == AF_INET) {
		/* IPV6_ADDRFORM is between a socket and its programs. */
		memcpy(&sin.sin_addr,
		    n->family == AF_INET6 ? n->addr + 12 : n->addr, 4);
		memcpy(sa, &sin, room);
		return 0;
	}
	memcpy(&sin6.sin6_addr, n->addr, 16);
	sin6.sin6_scope_id = scope_of(n);
	memcpy(sa, &sin6, room);
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

/* Linux takes a connection to the wildcard as one to itself. */
static struct ipaddr
itself(const struct ipaddr *any)
{
	static const struct ipaddr loop6 = {.b = {[15] = 1}};

	return ipaddr_is_v4(any) ? ipaddr_v4(INADDR_LOOPBACK) : loop6;
}

static bool
loopback(const struct ipaddr *a)
{
	static const struct ipaddr any6, loop6 = {.b = {[15] = 1}};

	return ipaddr_is_v4(a) ? ipaddr_to_v4(a) >> 24 == 127
			       : ipaddr_eq(a, &loop6) || ipaddr_eq(a, &any6);
}

int
sock_judge(const struct endpoint *e, bool to_bind, struct policy_verdict *v,
    uint32_t *generation)
{
	const struct proto_policy *p;
	struct ipaddr a = e->addr;
	int err;

	if (!to_bind && ipaddr_is_any(&a))
		a = itself(&a);
	p = wire_policy(&err);
	if (p == NULL) {
		/* No daemon: loopback works on, the rest fails loudly. */
		if (!loopback(&a))
			return err;
		*v = (struct policy_verdict){
		    PROTO_KERNEL, PROTO_WHY_LOOPBACK, 0};
		*generation = 0;
		return 0;
	}
	do {
		*generation = p->generation;
		*v = to_bind ? policy_bind(p, &a, e->port)
			     : policy_connect(p, &a, e->port);
		/* Every interface has link-local addresses. */
		if (link_local(&a) && e->scope != p->link)
			*v = (struct policy_verdict){
			    PROTO_KERNEL, PROTO_WHY_DEFAULT, 0};
	} while (*generation != *(volatile const uint32_t *)&p->generation);
	return 0;
}

bool
sock_elsewhere(const struct sockopts *o)
{
	uint32_t index = (uint32_t)sockopt_val(o, OPT_SO_BINDTOIFINDEX, 0);
	const struct proto_policy *p;
	int err;

	if (index == 0)
		return false;
	p = wire_policy(&err);
	return p == NULL || index != p->link;
}

/* ---- the resolver ---- */

bool
sock_is_resolver(const struct endpoint *e)
{
	const struct ipaddr any =
	    ipaddr_is_v4(&e->addr) ? ipaddr_v4(0) : (struct ipaddr){.b = {0}};
	struct ipaddr self = itself(&any);

	return e->port == DNS_PORT && ipaddr_eq(&e->addr, &self);
}

socklen_t
sock_resolver_name(const struct proto_name *at, struct sockaddr_un *un)
{
	const struct proto_peer name = {.magic = PROTO_PEER_MAGIC,
	    .handle = PROTO_RESOLVER_HANDLE,
	    .local = *at,
	    .remote = *at};

	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(un->sun_path, &name, sizeof name);
	return (
	    socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof name);
}

bool
sock_kernel_may(int family)
{
	int fd = sys_socket(family, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP);

	if (fd >= 0)
		sys_close(fd);
	return fd != -EACCES;
}

/* ---- socket ---- */

int
sock_socket(int domain, int type, int protocol)
{
	uint64_t handle;
	int fd;

	if (dgram_wanted(domain, type, protocol))
		return (int)sock_result(dgram_socket(domain, type));
	if ((domain != AF_INET && domain != AF_INET6) ||
	    (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM ||
	    (protocol != 0 && protocol != IPPROTO_TCP))
		return real.socket(domain, type, protocol);
	fd = ident_new(domain, type, &handle);
	hint_set(fd, fd >= 0);
	lane_new(fd);
	return (int)sock_result(fd);
}

/* ---- names ---- */

static int
sockname_ours(int fd, uint64_t handle, struct sockaddr *sa, socklen_t *len)
{
	struct proto_name name = {.port = 0};
	struct proto_peer peer;
	int err, family = ident_family(fd);

	if (ident_peer(fd, &peer))
		return sock_put_name(&peer.local, family, sa, len);
	if (ident_attached(fd) || ident_bound(fd)) {
		err = sock_ask_name(fd, handle, PROTO_GETSOCKNAME, &name);
		/* Ended, or its bind failed: it has no name any more. */
		if (err == -EBADF || err == -ENOTCONN || err == -EINVAL)
			memset(&name, 0, sizeof name);
		else if (err != 0)
			return err;
	}
	return sock_put_name(&name, family, sa, len);
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
	struct dgram d;
	int r;

	if (dgram_ours(fd, &d))
		return (int)sock_result(dgram_getsockname(fd, &d, sa, len));
	if (!ident_ours(fd, &handle)) {
		room = sys_mapped(len, sizeof *len) ? *len : 0;
		r = real.getsockname(fd, sa, len);
		if (r != 0 || !adopted(fd, sa, room, &handle))
			return r;
		*len = room;
	}
	return (int)sock_result(sockname_ours(fd, handle, sa, len));
}

/* On this host?  Then what it did before has happened, as on the kernel's
 * loopback, and the daemon knows. */
static bool
near(const struct proto_peer *p)
{
	static const uint8_t loop6[16] = {[15] = 1};
	const uint8_t *a = p->remote.addr;

	if (p->handle == PROTO_RESOLVER_HANDLE)
		return false; /* nobody to ask */
	if (memcmp(a, p->local.addr, sizeof p->local.addr) == 0)
		return true;
	return p->remote.family == AF_INET6 ? memcmp(a, loop6, 16) == 0
					    : a[0] == 127;
}

static int
peername_ours(int fd, uint64_t handle, struct sockaddr *sa, socklen_t *len)
{
	struct proto_name name;
	struct proto_peer peer;
	int err;

	if (!ident_attached(fd))
		return -ENOTCONN;
	if (ident_peer(fd, &peer)) {
		if (ident_phase(fd, handle) == PHASE_OVER)
			return -ENOTCONN;
		if (!near(&peer))
			return sock_put_name(
			    &peer.remote, ident_family(fd), sa, len);
	}
	err = sock_ask_name(fd, handle, PROTO_GETPEERNAME, &name);
	if (err != 0)
		return err == -EBADF || err == -EINVAL ? -ENOTCONN : err;
	return sock_put_name(&name, ident_family(fd), sa, len);
}

int
sock_getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	socklen_t room;
	uint64_t handle;
	struct dgram d;
	int r;

	if (dgram_ours(fd, &d))
		return (int)sock_result(dgram_getpeername(fd, &d, sa, len));
	if (!ident_ours(fd, &handle)) {
		room = sys_mapped(len, sizeof *len) ? *len : 0;
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
	struct dgram d;

	if (dgram_ours(fd, &d))
		return (int)sock_result(dgram_shutdown(fd, &d, how));
	if (!ident_ours(fd, &handle))
		return real.shutdown(fd, how);
	return (int)sock_result(shutdown_ours(fd, handle, how));
}
