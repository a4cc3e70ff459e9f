/* SPDX-License-Identifier: ISC */
/*
 * Requests to the daemon; see wire.h.
 *
 * The policy page is mapped once at an address of its own; when the daemon
 * supersedes it, the new page is mapped over the old one in one atomic step,
 * so a thread in the middle of an evaluation reads old rules or new ones and
 * never an unmapped page.  Its caller compares generations afterwards.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <fcntl.h>
#include "ipc/policy.h"
#include "sys.h"
#include "wire.h"

/* Longest that the daemon may take to answer, seconds. */
#define PATIENCE_S 10

/* Descriptors of a question are below this one, and not far. */
#define ASK_FD 1024

static struct sockaddr_un daemon_addr = {.sun_family = AF_UNIX,
    .sun_path = PROTO_SOCKET};

/* Mapped, or not yet; never unmapped. */
static _Atomic(struct proto_policy *) policy_page;

/* Which daemon the page is from. */
static _Atomic uint64_t policy_origin;

/* What pads a hello; never written. */
static uint8_t zeros[PROTO_HELLO_BYTES];

const char *
wire_path(void)
{
	return daemon_addr.sun_path;
}

int
wire_set_path(const char *path)
{
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof daemon_addr.sun_path)
		return -ENAMETOOLONG;
	memcpy(daemon_addr.sun_path, path, n + 1);
	return 0;
}

void
wire_setup(void)
{
	const char *path = secure_getenv(PROTO_SOCKET_ENV);

	if (path != NULL)
		wire_set_path(path);
}

/* Why the daemon's socket did not take a connection, in one word. */
static int
unreachable(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM ? err
								  : -ENETDOWN;
}

/* Another thread may look at a number that it has just closed.  So the question
 * moves away from those that are given next, without a table of descriptors
 * that grows for it beyond a page or two; if there is room. */
static int
out_of_the_way(int fd)
{
	struct rlimit most = {.rlim_cur = ASK_FD};
	int min = ASK_FD, high;

	high = sys_fcntl(fd, F_DUPFD_CLOEXEC, min - min / 8);
	if (high == -EINVAL) {
		/* There may be fewer than that. */
		if (SYS(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &most, 0, 0) !=
		    0)
			return fd;
		min = most.rlim_cur < ASK_FD ? (int)most.rlim_cur : ASK_FD;
		high = sys_fcntl(fd, F_DUPFD_CLOEXEC, min - min / 8);
	}
	if (high < 0)
		return fd;
	sys_close(fd);
	return high;
}

/* Who does not wait has no patience either. */
static int
dial(bool waits)
{
	const struct timeval tv = {.tv_sec = PATIENCE_S};
	int fd, err;

	fd = sys_socket(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0)
		return fd;
	fd = out_of_the_way(fd);
	if (waits) {
		sys_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
		sys_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	}
	do
		err = sys_connect(fd, &daemon_addr, sizeof daemon_addr);
	while (err == -EINTR);
	if (err != 0) {
		sys_close(fd);
		return unreachable(err);
	}
	return fd;
}

/* One message, with a descriptor when pass_fd >= 0. */
static int
send_request(int fd, const struct wire_req *q, int pass_fd)
{
	struct proto_head head = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = q->type,
	    .len = (uint32_t)(q->len[0] + q->len[1]),
	    .handle = q->handle};
	struct iovec iov[3] = {{&head, sizeof head},
	    {(void *)(uintptr_t)q->body[0], q->len[0]},
	    {(void *)(uintptr_t)q->body[1], q->len[1]}};
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 3};
	struct cmsghdr *c;
	ssize_t r;

	if (pass_fd >= 0) {
		m.msg_control = ctl;
		m.msg_controllen = sizeof ctl;
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof pass_fd);
	}
	do
		r = sys_sendmsg(fd, &m, MSG_NOSIGNAL);
	while (r == -EINTR);
	return r == (ssize_t)(sizeof head + head.len) ? 0 : -ENETDOWN;
}

/* The descriptor in a message, or -1. */
static int
taken_fd(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

/* Exactly n bytes; a descriptor on the way goes to *fd. */
static int
receive(int from, void *buf, size_t n, int *fd)
{
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(sizeof(int))];
	struct iovec iov;
	struct msghdr m;
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		iov = (struct iovec){(char *)buf + got, n - got};
		m = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
		if (fd != NULL) {
			m.msg_control = ctl;
			m.msg_controllen = sizeof ctl;
		}
		r = sys_recvmsg(from, &m, MSG_CMSG_CLOEXEC);
		if (r == -EINTR)
			continue;
		if (r <= 0)
			return -ENETDOWN;
		if (fd != NULL && *fd < 0)
			*fd = taken_fd(&m);
		got += (size_t)r;
	}
	return 0;
}

static int
receive_reply(int fd, struct wire_req *q)
{
	struct proto_reply rep;
	int err;

	err = receive(fd, &rep, sizeof rep, q->got_fd);
	if (err != 0)
		return err;
	if (rep.magic != PROTO_MAGIC)
		return -EPROTONOSUPPORT;
	q->version = rep.version;
	if (rep.version != PROTO_VERSION)
		return -EPROTONOSUPPORT;
	q->answered = true;
	if (rep.err != 0)
		return rep.err > 0 && rep.err < 4096 ? -rep.err : -EPROTO;
	if (rep.len > q->ans_max)
		return -EPROTO;
	q->ans_len = rep.len;
	return receive(fd, q->ans, rep.len, q->got_fd);
}

static int
ask(int fd, struct wire_req *q, int pass_fd)
{
	int err = send_request(fd, q, pass_fd);

	return err != 0 ? err : receive_reply(fd, q);
}

int
wire_request(struct wire_req *q)
{
	int fd, err;

	q->answered = false;
	fd = dial(true);
	if (fd < 0)
		return fd;
	err = ask(fd, q, -1);
	if (err == -EACCES && q->auth_fd >= 0) {
		err = ask(fd, q, q->auth_fd);
		if (err == -ENETDOWN) /* it does not want to see it */
			err = -EACCES;
	}
	sys_close(fd);
	return err;
}

int
wire_tell(const struct wire_req *q)
{
	int fd = dial(false), err;

	if (fd < 0)
		return fd;
	err = send_request(fd, q, -1);
	sys_close(fd);
	return err;
}

int
wire_begin(const struct wire_req *q)
{
	int fd = dial(true), err;

	if (fd < 0)
		return fd;
	err = send_request(fd, q, -1);
	if (err == 0)
		return fd;
	sys_close(fd);
	return err;
}

int
wire_end(int fd, struct wire_req *q)
{
	int err = q == NULL ? 0 : receive_reply(fd, q);

	sys_close(fd);
	return err;
}

/* connect() to the daemon on a descriptor that may be non-blocking: a full
 * queue there is worth a short wait, not an error. */
static int
attach_connect(int fd)
{
	int err, flags;

	err = sys_connect(fd, &daemon_addr, sizeof daemon_addr);
	if (err != -EAGAIN)
		return err;
	flags = sys_fcntl(fd, F_GETFL, 0);
	if (flags < 0 || !(flags & O_NONBLOCK))
		return err;
	sys_fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	err = sys_connect(fd, &daemon_addr, sizeof daemon_addr);
	sys_fcntl(fd, F_SETFL, flags);
	return err;
}

int
wire_attach(int fd, uint64_t handle, const struct proto_attach *at,
    const void *opts, size_t opts_len, const struct iovec *data, int ndata)
{
	struct proto_head head = {.magic = PROTO_MAGIC,
	    .version = PROTO_VERSION,
	    .type = PROTO_ATTACH,
	    .len = (uint32_t)(sizeof *at + opts_len + at->data_len),
	    .handle = handle};
	size_t pad = PROTO_HELLO_BYTES - sizeof head - head.len;
	struct iovec iov[4 + WIRE_SPANS] = {{&head, sizeof head},
	    {(void *)(uintptr_t)at, sizeof *at},
	    {(void *)(uintptr_t)opts, opts_len}};
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = 4 + (size_t)ndata};
	int err, i, sndbuf = PROTO_ATTACH_SNDBUF / 2;
	ssize_t r;

	for (i = 0; i < ndata; i++)
		iov[3 + i] = data[i];
	iov[3 + i] = (struct iovec){zeros, pad};

	sys_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf);
	err = attach_connect(fd);
	if (err != 0)
		return err == -EINTR ? err : unreachable(err);
	r = sys_sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (r != PROTO_HELLO_BYTES)
		return r == -EFAULT ? -EFAULT : -ENETDOWN;
	/* The attempt may have failed by now; the waiter will see it. */
	sys_send(fd, zeros, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	sndbuf = PROTO_WAIT_SNDBUF / 2;
	sys_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof sndbuf);
	return 0;
}

/* Maps a policy over the page's address, or at a new one the first time. */
static int
map_policy(int fd)
{
	struct proto_policy *old = atomic_load(&policy_page), *p, *none = NULL;
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof *p)
		return -EPROTO;
	p = mmap(old, sizeof *p, PROT_READ,
	    MAP_SHARED | (old != NULL ? MAP_FIXED : 0), fd, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	if (old == NULL &&
	    !atomic_compare_exchange_strong(&policy_page, &none, p)) {
		/* Another thread was first; its page serves. */
		munmap(p, sizeof *p);
		p = none;
	}
	return policy_valid(p) ? 0 : -EPROTONOSUPPORT;
}

static int
fetch_policy(void)
{
	int fd = -1, err;
	struct wire_req q = {
	    .type = PROTO_POLICY, .auth_fd = -1, .got_fd = &fd};

	err = wire_request(&q);
	if (err == 0)
		err = fd < 0 ? -EPROTO : map_policy(fd);
	if (fd >= 0)
		sys_close(fd);
	return err;
}

/* A daemon that was killed cannot supersede its page; the next one makes the
 * socket anew.  0: there is none. */
static uint64_t
origin(void)
{
	struct stat st;

	if (stat(daemon_addr.sun_path, &st) != 0)
		return 0;
	return (uint64_t)st.st_ino ^ (uint64_t)st.st_ctim.tv_sec << 32 ^
	       (uint64_t)st.st_ctim.tv_nsec;
}

const struct proto_policy *
wire_policy(int *err)
{
	const struct proto_policy *p = atomic_load(&policy_page);
	uint64_t now;
	int saved = errno;

	*err = 0;
	now = origin();
	if (p == NULL || p->superseded ||
	    (now != 0 && now != atomic_load(&policy_origin))) {
		*err = fetch_policy();
		if (*err == 0)
			atomic_store(&policy_origin, now);
	}
	errno = saved;
	p = atomic_load(&policy_page);
	return p != NULL && policy_valid(p) ? p : NULL;
}
