/* SPDX-License-Identifier: ISC */
/*
 * Datagrams through a descriptor of ours (tcpd/proto.h has the messages).
 *
 * Connected, a message is the payload and goes through as it is.  Otherwise a
 * struct proto_dgram goes before it, gathered and scattered by the same system
 * call.  A payload without one may still come where headers are expected: from
 * the time before connect() was through, or the other way round.  It is told by
 * the handle in the header, and then moved to where it belongs.
 *
 * An empty message is an errno or an empty datagram, as the daemon says.  UDP
 * has its errno before the next send too, so one look at the queue goes ahead
 * of each.
 */
#include <sys/socket.h>
#include <linux/errqueue.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include "dgram.h"
#include "ipc/dgramopt.h"
#include "ipc/policy.h"
#include "real.h"
#include "sys.h"
#include "wire.h"

#define FEW_SPANS  16
#define MANY_SPANS 1024 /* UIO_MAXIOV */
#define HDR	   sizeof(struct proto_dgram)

static bool
is_header(const struct dgram *d, const struct proto_dgram *h, size_t n)
{
	return n >= HDR && h->magic == PROTO_DGRAM_MAGIC &&
	       h->handle == d->handle;
}

/* ---- sending ---- */

/* An errno that waits, before something else is done. */
static int
waiting_error(int fd, const struct dgram *d)
{
	int r;

	if (d->bits & PROTO_DTAG_SHUT || !dgram_empty_next(fd))
		return 0;
	r = dgram_pending(fd, d, PROTO_EMPTY_PEEKED);
	return r < 0 ? r : 0;
}

static int
cmsg_int(const struct cmsghdr *c, int *v)
{
	uint8_t byte;

	if (c->cmsg_len == CMSG_LEN(sizeof *v)) {
		memcpy(v, CMSG_DATA(c), sizeof *v);
		return 0;
	}
	if (c->cmsg_len != CMSG_LEN(sizeof byte))
		return -EINVAL;
	memcpy(&byte, CMSG_DATA(c), sizeof byte);
	*v = byte;
	return 0;
}

static int
take_pktinfo(const struct cmsghdr *c, struct proto_dgram *h)
{
	struct in_pktinfo i;

	if (c->cmsg_len != CMSG_LEN(sizeof i))
		return -EINVAL;
	memcpy(&i, CMSG_DATA(c), sizeof i);
	if (i.ipi_spec_dst.s_addr == INADDR_ANY)
		return 0;
	h->local.family = AF_INET;
	memcpy(h->local.addr, &i.ipi_spec_dst, 4);
	h->flags |= PROTO_DGRAM_LOCAL;
	return 0;
}

static int
take_pktinfo6(const struct cmsghdr *c, struct proto_dgram *h)
{
	struct in6_pktinfo i;

	if (c->cmsg_len < CMSG_LEN(sizeof i))
		return -EINVAL;
	memcpy(&i, CMSG_DATA(c), sizeof i);
	if (IN6_IS_ADDR_UNSPECIFIED(&i.ipi6_addr))
		return 0;
	h->local.family = AF_INET6;
	memcpy(h->local.addr, &i.ipi6_addr, 16);
	h->flags |= PROTO_DGRAM_LOCAL;
	return 0;
}

/* 0, as of an option: not several. */
static int
take_segment(const struct cmsghdr *c, struct proto_dgram *h)
{
	if (c->cmsg_type != UDP_SEGMENT ||
	    c->cmsg_len != CMSG_LEN(sizeof h->segment))
		return -EINVAL;
	memcpy(&h->segment, CMSG_DATA(c), sizeof h->segment);
	h->flags |= PROTO_DGRAM_SEGMENT;
	return 0;
}

/* What is said of one datagram: Linux's own checks. */
static int
take_cmsg(const struct cmsghdr *c, struct proto_dgram *h)
{
	bool v6 = c->cmsg_level == IPPROTO_IPV6;
	int v, err;

	if (c->cmsg_level == SOL_SOCKET)
		return -EINVAL;
	if (c->cmsg_level == IPPROTO_UDP)
		return take_segment(c, h);
	if (c->cmsg_level != IPPROTO_IP && !v6)
		return 0;
	if (v6 ? c->cmsg_type == IPV6_PKTINFO : c->cmsg_type == IP_PKTINFO)
		return v6 ? take_pktinfo6(c, h) : take_pktinfo(c, h);
	err = cmsg_int(c, &v);
	if (err != 0)
		return err;
	if (v6 ? c->cmsg_type == IPV6_TCLASS : c->cmsg_type == IP_TOS) {
		if (v < (v6 ? -1 : 0) || v > 255)
			return -EINVAL;
		h->tos = (uint8_t)v;
		h->flags |= v >= 0 ? PROTO_DGRAM_TOS : 0;
		return 0;
	}
	if (v6 ? c->cmsg_type == IPV6_HOPLIMIT : c->cmsg_type == IP_TTL) {
		if (v < (v6 ? -1 : 1) || v > 255)
			return -EINVAL;
		h->ttl = (uint8_t)v;
		h->flags |= v >= 0 ? PROTO_DGRAM_TTL : 0;
		return 0;
	}
	return -EINVAL;
}

static int
take_control(const struct msghdr *m, struct proto_dgram *h)
{
	const uint8_t *at = m->msg_control;
	size_t left = at != NULL ? m->msg_controllen : 0, n;
	const struct cmsghdr *c;
	int err = 0;

	if (left > INT32_MAX)
		return -ENOBUFS;
	/* Not CMSG_NXTHDR(): it ends where one is too long, and nothing else
	 * looks at the first one's length. */
	while (err == 0 && left >= sizeof *c) {
		c = (const struct cmsghdr *)(const void *)at;
		if (c->cmsg_len < CMSG_LEN(0) || c->cmsg_len > left)
			return -EINVAL;
		err = take_cmsg(c, h);
		n = CMSG_ALIGN(c->cmsg_len);
		n = n < left ? n : left;
		at += n;
		left -= n;
	}
	return err;
}

/* Where to: Linux lets a socket of AF_INET6 send to an address of AF_INET, and
 * takes AF_UNSPEC for AF_INET on the others. */
static int
take_name(const struct dgram *d, const struct msghdr *m, struct endpoint *e)
{
	const struct sockaddr *sa = m->msg_name;
	struct sockaddr_in sin;
	int family = dgram_family(d);

	if (m->msg_namelen < sizeof sa->sa_family)
		return -EINVAL;
	if (family == AF_INET6 && sa->sa_family == AF_INET)
		family = AF_INET;
	else if (family == AF_INET6 && sa->sa_family != AF_INET6)
		return -EINVAL;
	if (family == AF_INET && sa->sa_family == AF_UNSPEC &&
	    dgram_family(d) == AF_INET && m->msg_namelen >= sizeof sin) {
		memcpy(&sin, sa, sizeof sin);
		sin.sin_family = AF_INET;
		return sock_endpoint(
		    AF_INET, (struct sockaddr *)&sin, sizeof sin, e);
	}
	return sock_endpoint(family, sa, m->msg_namelen, e);
}

/* AF_UNSPEC is nobody to a socket of AF_INET6. */
static bool
has_name(const struct dgram *d, const struct msghdr *m)
{
	const struct sockaddr *sa = m->msg_name;

	return sa != NULL && (dgram_family(d) == AF_INET ||
				 m->msg_namelen < sizeof sa->sa_family ||
				 sa->sa_family != AF_UNSPEC);
}

/* To an address: PROTO_TCPD, PROTO_KERNEL or a negative errno. */
static int
aim(int fd, struct dgram *d, const struct msghdr *m, struct proto_dgram *h)
{
	struct endpoint e;
	int r = take_name(d, m, &e);

	if (r != 0)
		return r;
	if (e.port == 0)
		return -EINVAL;
	r = dgram_judge(d, &e, false);
	if (r != PROTO_TCPD)
		return r;
	h->peer = sock_to_name(dgram_family(d), &e);
	dgram_mark(fd, d, PROTO_DTAG_SETTLED, 0);
	return r;
}

#define MAX4 65507
#define MAX6 65527

static ssize_t
length(const struct dgram *d, const struct msghdr *m)
{
	size_t i, n = 0;

	if (m->msg_iovlen > MANY_SPANS)
		return -EMSGSIZE;
	for (i = 0; i < m->msg_iovlen; i++) {
		if (m->msg_iov[i].iov_len > UINT16_MAX)
			return -EMSGSIZE;
		n += m->msg_iov[i].iov_len;
	}
	return n > (dgram_family(d) == AF_INET ? MAX4 : MAX6) ? -EMSGSIZE
							      : (ssize_t)n;
}

/* AF_UNIX's errnos, of a send. */
static ssize_t
send_failed(const struct dgram *d)
{
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ||
	    errno == ECONNREFUSED)
		return d->bits & PROTO_DTAG_SHUT ? -EPIPE : -ENETDOWN;
	return -errno;
}

static ssize_t
send_spans(
    int fd, const struct dgram *d, const struct iovec *iov, size_t n, int flags)
{
	struct msghdr m = {.msg_iov = (void *)(uintptr_t)iov, .msg_iovlen = n};
	ssize_t r = real.sendmsg(fd, &m, flags | MSG_NOSIGNAL);

	return r < 0 ? send_failed(d) : r;
}

/* Too many for a small stack, which few programs have with so many. */
__attribute__((noinline)) static ssize_t
send_many(int fd, const struct dgram *d, const struct msghdr *m,
    struct proto_dgram *h, int flags)
{
	struct iovec iov[MANY_SPANS + 1] = {{h, HDR}};

	memcpy(iov + 1, m->msg_iov, m->msg_iovlen * sizeof iov[0]);
	return send_spans(fd, d, iov, m->msg_iovlen + 1, flags);
}

static ssize_t
send_with_header(int fd, const struct dgram *d, const struct msghdr *m,
    struct proto_dgram *h, int flags)
{
	struct iovec iov[FEW_SPANS + 1] = {{h, HDR}};
	ssize_t r;

	h->magic = PROTO_DGRAM_MAGIC;
	h->handle = d->handle;
	if (m->msg_iovlen > FEW_SPANS) {
		r = send_many(fd, d, m, h, flags);
	} else {
		memcpy(iov + 1, m->msg_iov, m->msg_iovlen * sizeof iov[0]);
		r = send_spans(fd, d, iov, m->msg_iovlen + 1, flags);
	}
	return r < 0 ? r : r - (ssize_t)HDR;
}

static bool
to_v4(int fd, const struct dgram *d, const struct proto_dgram *h)
{
	struct proto_name peer = h->peer;
	struct ipaddr a;

	if (peer.family == 0 && dgram_peer(fd, &peer) != 0)
		return false;
	memcpy(a.b, peer.addr, sizeof a.b);
	return dgram_family(d) == AF_INET || ipaddr_is_v4(&a);
}

ssize_t
dgram_sendmsg(int fd, struct dgram *d, const struct msghdr *m, int flags)
{
	struct proto_dgram h = {.magic = 0};
	ssize_t n = length(d, m);
	int r;

	if (n < 0)
		return n;
	if (has_name(d, m)) {
		r = aim(fd, d, m, &h);
		if (r == PROTO_KERNEL) {
			r = dgram_to_kernel(fd, d);
			if (r != 0)
				return r;
			n = real.sendmsg(fd, m, flags);
			return n < 0 ? -errno : n;
		}
		if (r < 0)
			return r;
	} else if (!(d->bits & PROTO_DTAG_CONN)) {
		return -EDESTADDRREQ;
	}
	if (flags & MSG_OOB && to_v4(fd, d, &h))
		return -EOPNOTSUPP;
	if (n > MAX4 && to_v4(fd, d, &h))
		return -EMSGSIZE;
	r = take_control(m, &h);
	if (h.segment != 0 && n > h.segment * DGRAMOPT_SEGMENTS)
		r = -EINVAL;
	if (flags & MSG_MORE)
		h.flags |= PROTO_DGRAM_MORE;
	flags &= ~(MSG_OOB | MSG_MORE); /* UDP over IPv6 does not know OOB */
	if (r == 0)
		r = waiting_error(fd, d);
	if (r != 0)
		return r;
	if (h.peer.family != 0 || h.flags != 0)
		return send_with_header(fd, d, m, &h, flags);
	return send_spans(fd, d, m->msg_iov, m->msg_iovlen, flags);
}

ssize_t
dgram_send(int fd, struct dgram *d, const void *buf, size_t n, int flags,
    const struct sockaddr *sa, socklen_t len)
{
	struct iovec iov = {(void *)(uintptr_t)buf, n};
	struct msghdr m = {.msg_name = (void *)(uintptr_t)sa,
	    .msg_namelen = len,
	    .msg_iov = &iov,
	    .msg_iovlen = 1};

	return dgram_sendmsg(fd, d, &m, flags);
}

/* ---- receiving ---- */

/* The i-th byte of the room. */
static uint8_t *
byte_at(const struct iovec *iov, size_t i)
{
	while (i >= iov->iov_len) {
		i -= iov->iov_len;
		iov++;
	}
	return (uint8_t *)iov->iov_base + i;
}

static size_t
room_of(const struct msghdr *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->msg_iovlen; i++)
		n += m->msg_iov[i].iov_len;
	return n;
}

/* A payload of n bytes came without a header: its first bytes are in h, the
 * others at the beginning of the room.  Moves them. */
static void
move_up(const struct msghdr *m, const struct proto_dgram *h, size_t n)
{
	size_t i = n, room = room_of(m);

	if (i > room)
		i = room;
	if (m->msg_iovlen == 1 && i > HDR)
		memmove((uint8_t *)m->msg_iov->iov_base + HDR,
		    m->msg_iov->iov_base, i - HDR);
	else
		for (; i > HDR; i--)
			*byte_at(m->msg_iov, i - 1) =
			    *byte_at(m->msg_iov, i - 1 - HDR);
	for (i = i < HDR ? i : HDR; i > 0; i--)
		*byte_at(m->msg_iov, i - 1) = ((const uint8_t *)h)[i - 1];
}

struct control {
	uint8_t *at;
	size_t room, used;
	int flags; /* MSG_CTRUNC */
};

static void
add_cmsg(struct control *c, int level, int type, const void *val, size_t n)
{
	struct cmsghdr h = {
	    .cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type};
	size_t room = c->room - c->used;

	if (room < sizeof h) {
		c->flags |= MSG_CTRUNC;
		return;
	}
	if (h.cmsg_len > room) {
		c->flags |= MSG_CTRUNC;
		h.cmsg_len = room;
		n = room - CMSG_LEN(0);
	}
	memcpy(c->at + c->used, &h, sizeof h);
	memcpy(c->at + c->used + CMSG_LEN(0), val, n);
	c->used += CMSG_SPACE(n) < room ? CMSG_SPACE(n) : room;
}

static uint32_t
link_of(void)
{
	const struct proto_policy *p;
	int err;

	p = wire_policy(&err);
	return p != NULL ? p->link : 0;
}

static void
add_v4(struct control *c, const struct proto_dgram *h, const uint8_t *addr)
{
	struct in_pktinfo i = {.ipi_ifindex = 0};
	int ttl = h->ttl;

	if (h->flags & PROTO_DGRAM_LOCAL) {
		i.ipi_ifindex = (int)link_of();
		memcpy(&i.ipi_spec_dst, addr, 4);
		memcpy(&i.ipi_addr, addr, 4);
		add_cmsg(c, IPPROTO_IP, IP_PKTINFO, &i, sizeof i);
	}
	if (h->flags & PROTO_DGRAM_TTL)
		add_cmsg(c, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
	if (h->flags & PROTO_DGRAM_TOS)
		add_cmsg(c, IPPROTO_IP, IP_TOS, &h->tos, sizeof h->tos);
}

static void
add_v6(struct control *c, const struct proto_dgram *h, bool mapped)
{
	struct in6_pktinfo i = {.ipi6_ifindex = 0};
	int v;

	if (h->flags & PROTO_DGRAM_LOCAL6) {
		i.ipi6_ifindex = link_of();
		memcpy(&i.ipi6_addr, h->local.addr, 16);
		add_cmsg(c, IPPROTO_IPV6, IPV6_PKTINFO, &i, sizeof i);
	}
	if (mapped)
		return;
	v = h->ttl;
	if (h->flags & PROTO_DGRAM_HOPS)
		add_cmsg(c, IPPROTO_IPV6, IPV6_HOPLIMIT, &v, sizeof v);
	v = h->tos;
	if (h->flags & PROTO_DGRAM_TCLASS)
		add_cmsg(c, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof v);
}

/* What the program wants to know of a datagram, by its socket's family and
 * that of the packet. */
static void
put_control(const struct dgram *d, struct msghdr *m,
    const struct proto_dgram *h, size_t stamp)
{
	struct control c = {.at = m->msg_control,
	    .room = m->msg_control != NULL ? m->msg_controllen : 0,
	    .used = stamp};
	struct ipaddr a;
	bool mapped;

	if (dgram_family(d) == AF_INET) {
		add_v4(&c, h, h->local.addr);
	} else {
		memcpy(a.b, h->local.addr, sizeof a.b);
		mapped = ipaddr_is_v4(&a);
		add_v6(&c, h, mapped);
		if (mapped)
			add_v4(&c, h, h->local.addr + 12);
	}
	m->msg_controllen = c.used;
	m->msg_flags |= c.flags;
}

/* From whom. */
static int
put_source(int fd, const struct dgram *d, struct msghdr *m,
    const struct proto_name *from)
{
	struct proto_name peer;

	if (m->msg_name == NULL)
		return 0;
	if (from == NULL) {
		if (dgram_peer(fd, &peer) != 0) {
			m->msg_namelen = 0;
			return 0;
		}
		from = &peer;
	}
	return sock_put_name(
	    from, dgram_family(d), m->msg_name, &m->msg_namelen);
}

/* An empty message came: 0 an empty datagram, -ERESTART nothing at all, or the
 * errno of the call. */
static ssize_t
empty(int fd, const struct dgram *d, int flags)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};
	struct timespec none = {0, 0};
	bool over = SYS(SYS_ppoll, &p, 1, &none, 0, 0, 0) > 0;
	int r = 0;

	if (!over || !(d->bits & PROTO_DTAG_SHUT))
		r = dgram_pending(fd, d,
		    flags & MSG_PEEK ? PROTO_EMPTY_PEEKED : PROTO_EMPTY_TAKEN);
	if (r != 0)
		return r < 0 ? r : 0;
	if (!over)
		return -ERESTART;
	/* Shut for reading, perhaps by who does not know what it is: nothing to
	 * wait for.  Only who would wait gets the end, as on Linux. */
	return flags & MSG_DONTWAIT || sock_nonblocking(fd) ? -EAGAIN : 0;
}

static ssize_t
recv_failed(void)
{
	if (errno == ECONNRESET || errno == ENOTCONN || errno == EINVAL)
		return -ENETDOWN;
	return -errno;
}

/* A message that is all payload, or the errno that an empty one means. */
static ssize_t
recv_raw(int fd, const struct dgram *d, struct msghdr *m, int flags)
{
	struct msghdr plain = {.msg_iov = m->msg_iov,
	    .msg_iovlen = m->msg_iovlen,
	    .msg_control = m->msg_control,
	    .msg_controllen = m->msg_controllen};
	ssize_t n = real.recvmsg(fd, &plain, flags);

	if (n < 0)
		return recv_failed();
	m->msg_flags = plain.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	if (n == 0 && !(m->msg_flags & MSG_TRUNC) &&
	    (n = empty(fd, d, flags)) < 0)
		return n;
	m->msg_controllen = plain.msg_controllen;
	put_source(fd, d, m, NULL);
	return n;
}

/* with: what the kernel says beside it, a time stamp. */
static ssize_t
recv_spans(int fd, struct iovec *iov, const struct msghdr *m,
    struct msghdr *with, int flags)
{
	*with = (struct msghdr){.msg_iov = iov,
	    .msg_iovlen = m->msg_iovlen + 1,
	    .msg_control = m->msg_control,
	    .msg_controllen = m->msg_controllen};
	memcpy(iov + 1, m->msg_iov, m->msg_iovlen * sizeof iov[0]);
	return real.recvmsg(fd, with, flags);
}

__attribute__((noinline)) static ssize_t
recv_many(int fd, struct proto_dgram *h, const struct msghdr *m,
    struct msghdr *with, int flags)
{
	struct iovec iov[MANY_SPANS + 1] = {{h, HDR}};

	return recv_spans(fd, iov, m, with, flags);
}

static ssize_t
recv_with_header(int fd, struct dgram *d, struct msghdr *m, int flags)
{
	struct iovec iov[FEW_SPANS + 1];
	struct proto_dgram h;
	struct msghdr with;
	size_t room = room_of(m);
	ssize_t n;
	bool has;

	iov[0] = (struct iovec){&h, HDR};
	n = m->msg_iovlen > FEW_SPANS
		? recv_many(fd, &h, m, &with, flags | MSG_TRUNC)
		: recv_spans(fd, iov, m, &with, flags | MSG_TRUNC);
	if (n < 0)
		return recv_failed();
	if (n == 0 && (n = empty(fd, d, flags)) < 0)
		return n;
	has = is_header(d, &h, (size_t)n);
	if (has)
		n -= (ssize_t)HDR;
	else
		move_up(m, &h, (size_t)n);
	m->msg_flags =
	    ((size_t)n > room ? MSG_TRUNC : 0) | (with.msg_flags & MSG_CTRUNC);
	if (has)
		put_control(d, m, &h, with.msg_controllen);
	else
		m->msg_controllen = with.msg_controllen;
	put_source(fd, d, m, has ? &h.peer : NULL);
	/* It came through tcpd, so that is where the answer goes. */
	dgram_mark(fd, d, PROTO_DTAG_SETTLED, 0);
	return (size_t)n > room && !(flags & MSG_TRUNC) ? (ssize_t)room : n;
}

/* ---- the error queue ---- */

struct answer {
	struct proto_derror head;
	uint8_t data[PROTO_DERROR_DATA];
};

static void
put_error(const struct dgram *d, struct msghdr *m, const struct proto_derror *h)
{
	struct control c = {.at = m->msg_control,
	    .room = m->msg_control != NULL ? m->msg_controllen : 0};
	struct {
		struct sock_extended_err e;
		union {
			struct sockaddr_in v4;
			struct sockaddr_in6 v6;
		} from;
	} x = {.e = {.ee_errno = h->error,
		   .ee_origin = h->origin,
		   .ee_type = h->type,
		   .ee_code = h->code,
		   .ee_info = h->info}};
	bool v6 = dgram_family(d) == AF_INET6;
	socklen_t len = sizeof x.from;

	if (h->from.family != 0)
		sock_put_name(&h->from, dgram_family(d),
		    (struct sockaddr *)&x.from, &len);
	add_cmsg(&c, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	    v6 ? IPV6_RECVERR : IP_RECVERR, &x,
	    sizeof x.e + (v6 ? sizeof x.from.v6 : sizeof x.from.v4));
	m->msg_controllen = c.used;
	m->msg_flags |= c.flags;
}

static ssize_t
recv_error(int fd, const struct dgram *d, struct msghdr *m)
{
	struct answer a;
	struct wire_req q = {.type = PROTO_DERROR,
	    .handle = d->handle,
	    .auth_fd = fd,
	    .ans = &a,
	    .ans_max = sizeof a};
	size_t i, n, room = room_of(m);

	if (!(d->bits & PROTO_DTAG_OPTS) || wire_request(&q) != 0)
		return -EAGAIN;
	if (q.ans_len < sizeof a.head || a.head.len > q.ans_len - sizeof a.head)
		return -EPROTO;
	n = a.head.len < room ? a.head.len : room;
	for (i = 0; i < n; i++)
		*byte_at(m->msg_iov, i) = a.data[i];
	m->msg_flags = MSG_ERRQUEUE | (a.head.len > room ? MSG_TRUNC : 0);
	put_error(d, m, &a.head);
	put_source(fd, d, m, &a.head.dst);
	return (ssize_t)n;
}

ssize_t
dgram_recvmsg(int fd, struct dgram *d, struct msghdr *m, int flags)
{
	ssize_t n;

	flags &= ~MSG_OOB; /* UDP does not know it */
	if (m->msg_iovlen > MANY_SPANS)
		return -EMSGSIZE;
	if (m->msg_name != NULL && (int)m->msg_namelen < 0)
		return -EINVAL;
	if (flags & MSG_ERRQUEUE)
		return recv_error(fd, d, m);
	do {
		n = d->bits & PROTO_DTAG_RAW
			? recv_raw(fd, d, m, flags)
			: recv_with_header(fd, d, m, flags);
		/* Woken for an errno that somebody was told already. */
	} while (n == -ERESTART);
	return n;
}

ssize_t
dgram_recv(int fd, struct dgram *d, void *buf, size_t n, int flags,
    struct sockaddr *sa, socklen_t *len)
{
	struct iovec iov = {buf, n};
	struct msghdr m = {.msg_name = sa,
	    .msg_namelen = sa != NULL ? *len : 0,
	    .msg_iov = &iov,
	    .msg_iovlen = 1};
	ssize_t r = dgram_recvmsg(fd, d, &m, flags);

	if (r >= 0 && sa != NULL)
		*len = m.msg_namelen;
	return r;
}

/* ---- several at once ---- */

int
dgram_sendmmsg(
    int fd, struct dgram *d, struct mmsghdr *v, unsigned n, int flags)
{
	unsigned i;
	ssize_t r;

	if (n > MANY_SPANS)
		n = MANY_SPANS;
	for (i = 0; i < n; i++) {
		/* The first may have made it the kernel's. */
		if (i > 0 && !dgram_ours(fd, d)) {
			r = real.sendmsg(fd, &v[i].msg_hdr, flags);
			r = r < 0 ? -errno : r;
		} else {
			r = dgram_sendmsg(fd, d, &v[i].msg_hdr, flags);
		}
		if (r < 0)
			return i > 0 ? (int)i : (int)r;
		v[i].msg_len = (unsigned)r;
	}
	return (int)n;
}

static bool
past(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end->tv_sec ||
	       (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

int
dgram_recvmmsg(int fd, struct dgram *d, struct mmsghdr *v, unsigned n,
    int flags, const struct timespec *limit)
{
	struct timespec end = {0, 0};
	unsigned i;
	ssize_t r;

	if (limit != NULL) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec +=
		    limit->tv_sec + (end.tv_nsec + limit->tv_nsec) / 1000000000;
		end.tv_nsec = (end.tv_nsec + limit->tv_nsec) % 1000000000;
	}
	for (i = 0; i < n; i++) {
		r = dgram_recvmsg(
		    fd, d, &v[i].msg_hdr, flags & ~MSG_WAITFORONE);
		if (r < 0)
			return i > 0 ? (int)i : (int)r;
		v[i].msg_len = (unsigned)r;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* As Linux: looked at after each one, no earlier. */
		if (limit != NULL && past(&end))
			return (int)i + 1;
	}
	return (int)n;
}
