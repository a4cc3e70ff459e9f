/* SPDX-License-Identifier: ISC */
/*
 * TCP Fast Open for programs: sendto() with MSG_FASTOPEN, and connect() with
 * TCP_FASTOPEN_CONNECT.
 *
 * Whether a SYN to some place can carry data the daemon knows; it is asked
 * first (PROTO_FASTOPEN), for on that depends what the call returns, as on
 * Linux.  If it can, the data of a MSG_FASTOPEN goes with the hello, so that it
 * is there when the SYN leaves; what does not fit is written afterwards, by a
 * blocking call here, by the program otherwise.  Should the daemon have changed
 * its mind meanwhile, the data goes with the handshake's last segment.
 *
 * With TCP_FASTOPEN_CONNECT, connect() is over at once if it can, and what the
 * program writes first, by whatever call, makes the SYN leave.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include "ident.h"
#include "real.h"
#include "sock.h"
#include "sys.h"
#include "wire.h"

/* Octets that a SYN of fd's could carry: 0, none as things are; -EOPNOTSUPP:
 * Fast Open is off; another negative errno: no connection is possible. */
static int
room(uint64_t handle, const struct proto_attach *at, const struct sockopts *o)
{
	struct {
		struct proto_opt po;
		uint32_t room;
	} ans;
	struct proto_attach body = *at;
	uint8_t opts[SOCKOPT_PACK_MAX];
	struct wire_req q = {.type = PROTO_FASTOPEN,
	    .handle = handle,
	    .body = {&body, opts},
	    .len = {sizeof body, 0},
	    .auth_fd = -1,
	    .ans = &ans,
	    .ans_max = sizeof ans};
	size_t max;
	int err;

	q.len[1] = sockopt_pack(o, opts, sizeof opts, &body.nopts);
	err = wire_request(&q);
	if (err != 0)
		return err;
	if (q.ans_len != sizeof ans)
		return -EPROTO;
	max =
	    PROTO_MSG_MAX - sizeof(struct proto_head) - sizeof body - q.len[1];
	return ans.room < max ? (int)ans.room : (int)max;
}

int
sock_fast_off(int fd, uint64_t handle)
{
	int family = ident_family(fd);
	const struct endpoint any = sock_any(family);
	const struct proto_attach at = {.dst = sock_to_name(family, &any)};
	struct sockopts o;

	ident_options_of(fd, family, &o);
	return room(handle, &at, &o) == -EOPNOTSUPP ? -EOPNOTSUPP : 0;
}

int
sock_fast_flags(
    uint64_t handle, struct proto_attach *at, const struct sockopts *o)
{
	int n = room(handle, at, o);

	if (n >= 0)
		at->flags = PROTO_FAST | (n > 0 ? PROTO_WAITS : 0);
	return n < 0 && n != -EOPNOTSUPP ? n : 0;
}

/* The first max bytes of m, in at most WIRE_SPANS spans; *len: as many. */
static int
first_bytes(const struct msghdr *m, size_t max, struct iovec *out, size_t *len)
{
	size_t i;
	int n = 0;

	*len = 0;
	for (i = 0; i < m->msg_iovlen && n < WIRE_SPANS && *len < max; i++) {
		out[n] = m->msg_iov[i];
		if (out[n].iov_len > max - *len)
			out[n].iov_len = max - *len;
		*len += out[n++].iov_len;
	}
	return n;
}

/* The rest of m behind its first done bytes, on a connection: how many were
 * sent in all, or a negative errno when there were none. */
static ssize_t
send_rest(int fd, const struct msghdr *m, size_t done, int flags)
{
	size_t at = 0, i;
	ssize_t r;

	for (i = 0; i < m->msg_iovlen; at += m->msg_iov[i++].iov_len) {
		size_t len = m->msg_iov[i].iov_len;
		size_t skip = done > at ? done - at : 0;

		if (skip >= len)
			continue;
		r = sock_sendto(fd, (char *)m->msg_iov[i].iov_base + skip,
		    len - skip, flags & ~MSG_FASTOPEN, NULL, 0);
		if (r < 0)
			return done > 0 ? (ssize_t)done : -errno;
		done += (size_t)r;
		if ((size_t)r < len - skip)
			break;
	}
	return (ssize_t)done;
}

static ssize_t
send_tcpd(int fd, uint64_t handle, const struct msghdr *m, int flags,
    struct proto_attach *at, const struct sockopts *o)
{
	bool block = !(flags & MSG_DONTWAIT) && !sock_nonblocking(fd);
	struct iovec data[WIRE_SPANS];
	size_t len;
	int n, err;

	n = room(handle, at, o);
	if (n < 0)
		return n;
	at->flags = PROTO_FAST;
	n = first_bytes(m, (size_t)n, data, &len);
	at->data_len = (uint32_t)len;
	err = sock_attach(fd, handle, at, o, data, n);
	if (err != 0)
		return err;
	err = sock_attempt(fd, handle, block, o);
	if (err == -EINPROGRESS && len > 0)
		return (ssize_t)len;
	return err != 0 ? err : send_rest(fd, m, len, flags);
}

struct message {
	const struct msghdr *m;
	int flags;
};

static ssize_t
send_twin(int twin, void *arg)
{
	const struct message *msg = arg;

	return real.sendmsg(twin, msg->m, msg->flags);
}

static ssize_t
send_fresh(int fd, uint64_t handle, const struct msghdr *m, int flags)
{
	struct message msg = {m, flags};
	struct proto_attach at = {.nopts = 0};
	struct endpoint dst;
	struct sockopts o;
	int r;

	if (m->msg_name == NULL)
		return -EINVAL;
	r = sock_destination(
	    fd, m->msg_name, m->msg_namelen, &dst, &at.policy_generation, &o);
	if (r < 0)
		return r;
	if (r != PROTO_TCPD)
		return sock_kernel(fd, handle, send_twin, &msg);
	at.dst = sock_to_name(o.ipv6 ? AF_INET6 : AF_INET, &dst);
	return send_tcpd(fd, handle, m, flags, &at, &o);
}

/* It has connected, and waits perhaps for this. */
static ssize_t
send_waiting(int fd, uint64_t handle, const struct msghdr *m, int flags)
{
	struct proto_name name;

	if (sock_ask_name(fd, handle, PROTO_GETPEERNAME, &name) != -ENOTCONN)
		return -EISCONN;
	return send_rest(fd, m, 0, flags);
}

/* In Linux's order; a socket that a sendto() began to connect is connected for
 * the next one, and then it is too late for a third. */
static ssize_t
send_fast(int fd, uint64_t handle, const struct msghdr *m, int flags)
{
	const struct sockaddr *sa = m->msg_name;
	enum phase phase = ident_phase(fd, handle);
	int err = phase != PHASE_FRESH ? sock_fast_off(fd, handle) : 0;

	if (err != 0)
		return err;
	if (sa != NULL && m->msg_namelen >= sizeof sa->sa_family &&
	    sa->sa_family == AF_UNSPEC)
		return -EOPNOTSUPP;
	switch (phase) {
	case PHASE_FRESH:
		return send_fresh(fd, handle, m, flags);
	case PHASE_CONNECTING:
		if (flags & MSG_DONTWAIT || sock_nonblocking(fd))
			return -EALREADY;
		err = sock_await(fd, handle, NULL);
		break;
	case PHASE_ARRIVED:
		ident_settle(fd);
		ident_pending(fd, false);
		break;
	case PHASE_FAILED:
		return sock_connect(fd, sa, m->msg_namelen) < 0 ? -errno : 0;
	case PHASE_CONNECTED:
		return send_waiting(fd, handle, m, flags);
	case PHASE_LISTENING:
	case PHASE_OVER:
		return -EISCONN;
	}
	return err != 0 ? err : send_rest(fd, m, 0, flags);
}

ssize_t
sock_send_fast(int fd, uint64_t handle, const struct msghdr *m, int flags)
{
	int saved = errno;
	ssize_t r = send_fast(fd, handle, m, flags);

	if (r >= 0)
		errno = saved;
	return sock_result(r);
}
