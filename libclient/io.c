/* SPDX-License-Identifier: ISC */
/*
 * The data calls.  Bytes never pass through here: a call goes to the kernel
 * as it came, and only its failure, an address or a rare flag is looked at.
 *
 * Where AF_UNIX says something else than TCP:
 *   EPIPE after a reset           the reset's own errno first, as TCP
 *   ECONNRESET for every end      the daemon knows ETIMEDOUT, EHOSTUNREACH...
 *   EINVAL, ENOTCONN unconnected  ENOTCONN to read, EPIPE to write
 *
 * The kernel raises SIGPIPE with the EPIPE, before the errno can be put right,
 * and none where AF_UNIX is not connected.  So the send family asks it not to;
 * the signal is raised here when EPIPE stands, and where the descriptor is
 * foreign the call is repeated as it was.  write() has no such flag: on numbers
 * that were given to sockets of ours (hint.h) it is a send().
 */
#include <limits.h>
#include <string.h>
#include <sys/un.h>
#include "dgram.h"
#include "hint.h"
#include "ident.h"
#include "lane.h"
#include "real.h"
#include "sock.h"
#include "stream.h"
#include "sys.h"
#include "wire.h"

struct hints hint_ours, hint_waits;

/* ---- failures ---- */

ssize_t
sock_read_failed(int fd)
{
	uint64_t handle;

	if (errno != ECONNRESET && errno != EINVAL)
		return -1;
	if (!ident_ours(fd, &handle))
		return -1;
	if (errno == ECONNRESET) {
		errno = sock_take_error(fd, handle, ECONNRESET);
		if (errno == EPIPE) /* reset behind its end */
			return 0;
	} else if (!ident_attached(fd)) {
		errno = ENOTCONN;
	}
	return -1;
}

/* errno is EPIPE, ECONNRESET or ENOTCONN and fd is ours. */
static void
write_errno(int fd, uint64_t handle)
{
	int native;

	if (errno == ENOTCONN) {
		errno = EPIPE;
		return;
	}
	native = errno == ECONNRESET ? errno : sock_native_error(fd);
	if (native != 0)
		errno = sock_take_error(fd, handle, native);
}

static bool
write_error(void)
{
	return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN;
}

ssize_t
sock_write_failed(int fd)
{
	bool unconnected = errno == ENOTCONN;
	uint64_t handle;

	if (write_error() && ident_ours(fd, &handle)) {
		write_errno(fd, handle);
		if (unconnected)
			sock_raise_sigpipe();
	}
	return -1;
}

/* After a send with MSG_NOSIGNAL put in: true when the call is to be made
 * once more as the program made it, for the signal's sake. */
static bool
send_again(int fd, int flags)
{
	uint64_t handle;

	if (!write_error())
		return false;
	if (!ident_ours(fd, &handle))
		return errno == EPIPE && !(flags & MSG_NOSIGNAL);
	write_errno(fd, handle);
	if (errno == EPIPE && !(flags & MSG_NOSIGNAL))
		sock_raise_sigpipe();
	return false;
}

/* ---- sending ---- */

void
sock_settle_waiting(int fd)
{
	uint64_t handle;

	if (ident_ours(fd, &handle)) {
		if (!ident_writable(fd))
			return;
		ident_settle(fd);
	}
	hint_put(&hint_waits, fd, false);
}

ssize_t
sock_sendto(int fd, const void *buf, size_t n, int flags,
    const struct sockaddr *sa, socklen_t len)
{
	struct iovec iov = {(void *)(uintptr_t)buf, n};
	struct msghdr m = {.msg_name = (void *)(uintptr_t)sa,
	    .msg_namelen = sa != NULL ? len : 0,
	    .msg_iov = &iov,
	    .msg_iovlen = 1};
	struct lane *l;
	struct dgram d;
	uint64_t handle;
	ssize_t r;
	int err;

	if (dgram_ours(fd, &d))
		return sock_result(dgram_send(fd, &d, buf, n, flags, sa, len));
	sock_settle(fd);
	if (flags & MSG_FASTOPEN && ident_ours(fd, &handle))
		return sock_send_fast(fd, handle, &m, flags);
	if (flags & MSG_OOB && ident_ours(fd, &handle))
		return sock_send_urgent(fd, handle, buf, n, flags);
	/* TCP takes no notice of an address, but for its being one. */
	if (sa != NULL && ident_ours(fd, &handle)) {
		err = sock_check_name(sa, len);
		if (err != 0)
			return sock_result(err);
		sa = NULL;
		len = 0;
	}
	l = sa == NULL ? lane_enter(fd) : NULL;
	if (!lane_send(l, fd, &iov, 1, flags, &r))
		r = real.sendto(fd, buf, n, flags | MSG_NOSIGNAL, sa, len);
	lane_leave(l, fd, r);
	if (r >= 0 || !send_again(fd, flags))
		return r;
	return real.sendto(fd, buf, n, flags, sa, len);
}

/* Descriptors of ours that go to somebody who may know nothing of a ring. */
static void
end_passed(const struct msghdr *m)
{
	struct cmsghdr *c;
	size_t at;
	int fd;

	if (m == NULL || m->msg_control == NULL || m->msg_controllen == 0 ||
	    !sys_mapped(m->msg_control, m->msg_controllen))
		return;
	for (c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (at = CMSG_LEN(0); at + sizeof fd <= c->cmsg_len;
		     at += sizeof fd) {
			memcpy(&fd, (char *)c + at, sizeof fd);
			lane_end(fd);
		}
	}
}

ssize_t
sock_sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct msghdr plain;
	struct lane *l;
	struct dgram d;
	uint64_t handle;
	ssize_t r;
	int err;

	if (m != NULL && dgram_ours(fd, &d))
		return sock_result(dgram_sendmsg(fd, &d, m, flags));
	sock_settle(fd);
	if (flags & MSG_FASTOPEN && m != NULL && ident_ours(fd, &handle))
		return sock_send_fast(fd, handle, m, flags);
	if (flags & MSG_OOB && m != NULL && ident_ours(fd, &handle))
		return sock_sendmsg_urgent(fd, handle, m, flags);
	if (m != NULL && (m->msg_name != NULL || m->msg_control != NULL) &&
	    ident_ours(fd, &handle)) {
		err = m->msg_name != NULL
			  ? sock_check_name(m->msg_name, m->msg_namelen)
			  : 0;
		if (err == 0 && m->msg_control != NULL)
			err = stream_check_control(m);
		if (err != 0)
			return sock_result(err);
		plain = *m;
		plain.msg_name = NULL;
		plain.msg_namelen = 0;
		plain.msg_control = NULL;
		plain.msg_controllen = 0;
		m = &plain;
	}
	end_passed(m);
	l = m != NULL && m->msg_name == NULL && m->msg_controllen == 0
		? lane_enter(fd)
		: NULL;
	if (l == NULL ||
	    !lane_send(l, fd, m->msg_iov, m->msg_iovlen, flags, &r))
		r = real.sendmsg(fd, m, flags | MSG_NOSIGNAL);
	lane_leave(l, fd, r);
	if (r >= 0 || !send_again(fd, flags))
		return r;
	return real.sendmsg(fd, m, flags);
}

bool
sock_write_hinted(int fd, const void *buf, size_t n, ssize_t *r)
{
	int saved = errno;

	*r = sock_sendto(fd, buf, n, 0, NULL, 0);
	if (*r >= 0 || errno != ENOTSOCK)
		return true;
	hint_set(fd, false);
	errno = saved;
	return false;
}

bool
sock_writev_hinted(int fd, const struct iovec *iov, int n, ssize_t *r)
{
	struct msghdr m = {
	    .msg_iov = (void *)(uintptr_t)iov, .msg_iovlen = (size_t)n};
	int saved = errno;

	/* Of none the kernel asks nobody. */
	if (n <= 0 || n > IOV_MAX)
		return false;
	*r = sock_sendmsg(fd, &m, 0);
	if (*r >= 0 || errno != ENOTSOCK)
		return true;
	hint_set(fd, false);
	errno = saved;
	return false;
}

/* ---- receiving ---- */

/* There is no urgent byte, says TCP before it looks whether there could be. */
static ssize_t
recv_failed(int fd, int flags)
{
	if (flags & MSG_OOB && errno == EINVAL && !ident_listening(fd))
		return -1;
	return sock_read_failed(fd);
}

/* MSG_TRUNC on TCP: take n bytes and throw them away. */
static ssize_t
discard(int fd, size_t n, int flags)
{
	char sink[4096];
	size_t done = 0;
	ssize_t r;

	flags &= ~MSG_TRUNC;
	while (done < n) {
		r = real.recvfrom(fd, sink,
		    n - done < sizeof sink ? n - done : sizeof sink, flags,
		    NULL, NULL);
		if (r < 0 && done == 0)
			return sock_read_failed(fd);
		if (r <= 0)
			break;
		done += (size_t)r;
		if (sock_at_mark(fd))
			break;
		if (!(flags & MSG_WAITALL))
			flags |= MSG_DONTWAIT;
	}
	return (ssize_t)done;
}

/*
 * Did what came with this source address come from the daemon's end?  TCP gives
 * no such address, AF_UNIX that of its far end.  The name itself tells, as far
 * as the room of a sockaddr_in goes that programs have for it, so that each
 * recvfrom() is one call; the kernel is asked where it does not.
 */
static bool
from_daemon(int fd, const struct sockaddr *sa, socklen_t len)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)sa;
	const char *path = wire_path();
	const size_t head = sizeof un->sun_family, seen = 14;
	size_t n = strlen(path) + 1;
	uint64_t handle;

	if (sa->sa_family != AF_UNIX)
		return false;
	/* There may be less room than that, and no memory behind it. */
	if ((uintptr_t)sa % 4096 > 4096 - head - seen)
		return ident_ours(fd, &handle);
	if (len == head + sizeof(struct proto_peer) && un->sun_path[0] == 0 &&
	    memcmp(un->sun_path + 1, PROTO_PEER_MAGIC, 7) == 0)
		return true;
	if (hint_has(fd) && len == head + n &&
	    memcmp(un->sun_path, path, n < seen ? n : seen) == 0)
		return true;
	return ident_ours(fd, &handle);
}

ssize_t
sock_recvfrom(
    int fd, void *buf, size_t n, int flags, struct sockaddr *sa, socklen_t *len)
{
	struct dgram d;
	uint64_t handle;
	ssize_t r;
	int saved = errno;

	if (dgram_ours(fd, &d))
		return sock_result(dgram_recv(fd, &d, buf, n, flags, sa, len));
	if ((flags & (MSG_TRUNC | MSG_PEEK)) == MSG_TRUNC &&
	    ident_ours(fd, &handle)) {
		if (sa != NULL && sys_mapped(len, sizeof *len))
			*len = 0;
		r = discard(fd, n, flags);
		if (r >= 0)
			errno = saved;
		return r;
	}
	if (flags & MSG_ERRQUEUE && ident_ours(fd, &handle))
		return sock_result(-EAGAIN);
	if ((flags & (MSG_WAITALL | MSG_PEEK)) == MSG_WAITALL && n > 0 &&
	    ident_ours(fd, &handle)) {
		if (sa != NULL && sys_mapped(len, sizeof *len))
			*len = 0;
		return stream_recv_all(fd, buf, n, flags);
	}
	r = real.recvfrom(fd, buf, n, flags, sa, len);
	if (r < 0)
		return recv_failed(fd, flags);
	/* AF_UNIX counts the urgent byte even if there is no room for it. */
	if (flags & MSG_OOB && n == 0 && r > 0 && ident_ours(fd, &handle))
		r = 0;
	if (sa != NULL && len != NULL && *len > 0 && from_daemon(fd, sa, *len))
		*len = 0;
	return r;
}

ssize_t
sock_recvmsg(int fd, struct msghdr *m, int flags)
{
	struct dgram d;
	uint64_t handle;
	ssize_t r;

	if (m != NULL && dgram_ours(fd, &d))
		return sock_result(dgram_recvmsg(fd, &d, m, flags));
	if (flags & MSG_ERRQUEUE && ident_ours(fd, &handle))
		return sock_result(-EAGAIN);
	r = real.recvmsg(fd, m, flags);
	if (r < 0)
		return recv_failed(fd, flags);
	if (m->msg_controllen > 0 && !dgram_seen)
		dgram_received(m);
	if (m->msg_name != NULL && m->msg_namelen > 0 &&
	    from_daemon(fd, m->msg_name, m->msg_namelen))
		m->msg_namelen = 0;
	return r;
}

/* ---- several at once, and what only a socket of UDP has here ---- */

int
sock_sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
	uint64_t handle;
	struct dgram d;

	if (dgram_ours(fd, &d))
		return (int)sock_result(dgram_sendmmsg(fd, &d, v, n, flags));
	if (ident_ours(fd, &handle))
		return stream_sendmmsg(fd, v, n, flags);
	return real.sendmmsg(fd, v, n, flags);
}

int
sock_recvmmsg(
    int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *limit)
{
	uint64_t handle;
	struct dgram d;

	if (dgram_ours(fd, &d))
		return (int)sock_result(
		    dgram_recvmmsg(fd, &d, v, n, flags, limit));
	if (ident_ours(fd, &handle))
		return stream_recvmmsg(fd, v, n, flags, limit);
	return real.recvmmsg(fd, v, n, flags, limit);
}

bool
sock_read(int fd, void *buf, size_t n, ssize_t *r)
{
	struct dgram d;

	if (!dgram_ours(fd, &d))
		return false;
	*r = sock_result(dgram_recv(fd, &d, buf, n, 0, NULL, NULL));
	return true;
}

bool
sock_readv(int fd, const struct iovec *iov, int n, ssize_t *r)
{
	struct msghdr m = {
	    .msg_iov = (void *)(uintptr_t)iov, .msg_iovlen = (size_t)n};
	struct dgram d;

	if (n < 0 || !dgram_ours(fd, &d))
		return false;
	*r = sock_result(dgram_recvmsg(fd, &d, &m, 0));
	return true;
}

bool
sock_write(int fd, const void *buf, size_t n, ssize_t *r)
{
	struct dgram d;

	if (!dgram_ours(fd, &d))
		return false;
	*r = sock_result(dgram_send(fd, &d, buf, n, 0, NULL, 0));
	return true;
}

bool
sock_writev(int fd, const struct iovec *iov, int n, ssize_t *r)
{
	struct msghdr m = {
	    .msg_iov = (void *)(uintptr_t)iov, .msg_iovlen = (size_t)n};
	struct dgram d;

	if (n < 0 || !dgram_ours(fd, &d))
		return false;
	*r = sock_result(dgram_sendmsg(fd, &d, &m, 0));
	return true;
}
