/* SPDX-License-Identifier: ISC */
/*
 * The rarer ways to send and receive, where AF_UNIX has another meaning than
 * TCP: MSG_WAITALL, whose AF_UNIX swallows the error behind what it returns;
 * control messages, which TCP only looks at; and several messages in a call,
 * each of which has to go through sock.h's.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>
#include "sock.h"
#include "stream.h"
#include "sys.h"

/* As sock_cmsg_send() of the kernel, for a user without privileges. */
static int
control_errno(const struct cmsghdr *c)
{
	if (c->cmsg_level != SOL_SOCKET)
		return 0;
	switch (c->cmsg_type) {
	case SCM_RIGHTS:
	case SCM_CREDENTIALS:
	case SO_PRIORITY:
		return 0;
	case SO_MARK:
		return EPERM;
	default:
		return EINVAL;
	}
}

int
stream_check_control(const struct msghdr *m)
{
	const char *p = m->msg_control;
	size_t left = m->msg_controllen, len;
	const struct cmsghdr *c;
	int err;

	if (!sys_mapped(p, left))
		return -EFAULT;
	for (; left >= sizeof *c; p += len, left -= len) {
		c = (const struct cmsghdr *)(const void *)p;
		if (c->cmsg_len < sizeof *c || c->cmsg_len > left)
			return -EINVAL;
		err = control_errno(c);
		if (err != 0)
			return -err;
		len = CMSG_ALIGN(c->cmsg_len);
		if (len > left)
			break;
	}
	return 0;
}

ssize_t
stream_recv_all(int fd, void *buf, size_t n, int flags)
{
	int64_t limit = sock_patience_ms(fd, SO_RCVTIMEO);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int saved = errno;
	size_t done = 0;
	ssize_t r;

	flags &= ~MSG_WAITALL;
	for (;;) {
		r = sock_recvfrom(
		    fd, (char *)buf + done, n - done, flags, NULL, NULL);
		if (r < 0 && done == 0)
			return r;
		if (r > 0)
			done += (size_t)r;
		if (r == 0 || done == n || sock_at_mark(fd) ||
		    (flags & MSG_DONTWAIT && r > 0 && sock_nonblocking(fd)))
			break;
		/* An error is the next call's. */
		if (poll(&p, 1, limit < INT_MAX ? (int)limit : INT_MAX) <= 0 ||
		    p.revents & POLLERR)
			break;
		flags |= MSG_DONTWAIT;
	}
	errno = saved;
	return (ssize_t)done;
}

static size_t
message_bytes(const struct msghdr *m)
{
	size_t n = 0, i;

	for (i = 0; i < m->msg_iovlen; i++)
		n += m->msg_iov[i].iov_len;
	return n;
}

int
stream_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
	unsigned i;
	ssize_t r;

	for (i = 0; i < n && i < IOV_MAX; i++) {
		r = sock_sendmsg(fd, &m[i].msg_hdr, flags);
		if (r < 0)
			return i > 0 ? (int)i : -1;
		m[i].msg_len = (unsigned)r;
		if ((size_t)r < message_bytes(&m[i].msg_hdr))
			return (int)i + 1;
	}
	return (int)i;
}

static bool
passed(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > end->tv_sec ||
	       (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

/* As on Linux, the time-out is looked at after each message only. */
int
stream_recvmmsg(
    int fd, struct mmsghdr *m, unsigned n, int flags, const struct timespec *ts)
{
	struct timespec end = {0, 0};
	unsigned i;
	ssize_t r;

	if (ts != NULL &&
	    (ts->tv_sec < 0 || ts->tv_nsec < 0 || ts->tv_nsec > 999999999))
		return (int)sock_result(-EINVAL);
	if (ts != NULL) {
		clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_sec += ts->tv_sec;
		end.tv_nsec += ts->tv_nsec;
		if (end.tv_nsec > 999999999) {
			end.tv_sec++;
			end.tv_nsec -= 1000000000;
		}
	}
	for (i = 0; i < n && i < IOV_MAX; i++) {
		r = sock_recvmsg(fd, &m[i].msg_hdr, flags & ~MSG_WAITFORONE);
		if (r < 0)
			return i > 0 ? (int)i : -1;
		m[i].msg_len = (unsigned)r;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (ts != NULL && passed(&end))
			return (int)i + 1;
	}
	return (int)i;
}
