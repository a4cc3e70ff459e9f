/* SPDX-License-Identifier: ISC */
/*
 * MSG_OOB on the way out (RFC 9293 3.8.5).  The bytes go the way of all others;
 * before the last one is written the daemon is told that a mark stands behind
 * it, because a pointer must leave with its octet and not after it.  So this
 * needs nothing of the kernel's AF_UNIX.  tcpd's own programs do not use it
 * (SHLD-13).
 *
 * On the way in there is nothing to do here: the daemon sends the octet before
 * the mark as AF_UNIX's own out-of-band byte, and SIGURG, POLLPRI, MSG_OOB,
 * SO_OOBINLINE and SIOCATMARK are the kernel's.
 */
#include <errno.h>
#include <linux/sockios.h>
#include "ident.h"
#include "real.h"
#include "sock.h"
#include "sys.h"
#include "wire.h"

bool
sock_at_mark(int fd)
{
	int mark = 0;

	return sys_ioctl(fd, SIOCATMARK, &mark) == 0 && mark;
}

/* The next byte that is written is the last urgent one.  0 or -errno. */
static int
announce(int fd, uint64_t handle)
{
	struct wire_req q = {
	    .type = PROTO_URGENT, .handle = handle, .auth_fd = fd};
	int err = wire_request(&q);

	return err == -EBADF ? 0 : err;
}

ssize_t
sock_send_urgent(int fd, uint64_t handle, const void *buf, size_t n, int flags)
{
	ssize_t done = 0, r;
	int err;

	flags &= ~MSG_OOB;
	if (n > 1) {
		done = sock_sendto(fd, buf, n - 1, flags, NULL, 0);
		if (done < (ssize_t)n - 1)
			return done;
	}
	/* What is not connected fails by itself, with the right errno. */
	err = n > 0 && ident_attached(fd) ? announce(fd, handle) : 0;
	if (err != 0)
		return done > 0 ? done : sock_result(err);
	r = sock_sendto(fd, (const char *)buf + done, n > 0, flags, NULL, 0);
	return r < 0 && done > 0 ? done : done + r;
}

ssize_t
sock_sendmsg_urgent(int fd, uint64_t handle, const struct msghdr *m, int flags)
{
	const struct iovec *v = m->msg_iov;
	size_t left = m->msg_iovlen;
	ssize_t done = 0, r;

	/* Only the last byte of all is marked. */
	while (left > 0 && v[left - 1].iov_len == 0)
		left--;
	for (; left > 0; v++, left--) {
		r = left > 1 ? sock_sendto(fd, v->iov_base, v->iov_len,
				   flags & ~MSG_OOB, NULL, 0)
			     : sock_send_urgent(
				   fd, handle, v->iov_base, v->iov_len, flags);
		if (r < 0)
			return done > 0 ? done : r;
		done += r;
		if ((size_t)r < v->iov_len)
			break;
	}
	return done;
}
