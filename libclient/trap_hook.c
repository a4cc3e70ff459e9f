/* SPDX-License-Identifier: ISC */
/*
 * The library's code in the trap: what real.c and await.c do in a program.
 *
 * There a foreign descriptor gets the C library's own function; here that is a
 * word to the caller, who lets the kernel go on with the call.  There a call
 * waits; here it is a word to the caller as well, who waits for many at once
 * (trap_wait.c).  There another socket takes the descriptor's number; here it
 * does so in the program, and in our copy.
 *
 * No call made here may block.  What asks the daemon does, as in a program, for
 * as long as the daemon takes to answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include "ident.h"
#include "real.h"
#include "sock.h"
#include "sys.h"
#include "trap.h"

struct serving serving;

/* errno 0: nothing that the library would look into. */
static int
not_ours(void)
{
	serving.foreign = true;
	errno = 0;
	return -1;
}

static int
hook_socket(int domain, int type, int protocol)
{
	return not_ours();
}

/* A socket of the kernel's in the place of ours: not blocking, for now. */
static int
connect_twin(int fd, const struct sockaddr *sa, socklen_t len)
{
	int flags = sys_fcntl(fd, F_GETFL, 0), r;

	if (serving.elsewhere)
		return (int)sock_result(-ENETUNREACH);
	if (!(flags & O_NONBLOCK))
		sys_fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	r = sys_connect(fd, sa, len);
	if (!(flags & O_NONBLOCK)) {
		if (r == -EINPROGRESS)
			serving.waits = serving.twin_waits = true;
		else
			sys_fcntl(fd, F_SETFL, flags);
	}
	return (int)sock_result(r);
}

static int
hook_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return fd == serving.fd ? not_ours() : connect_twin(fd, sa, len);
}

static int
hook_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	return not_ours();
}

static int
hook_listen(int fd, int backlog)
{
	return not_ours();
}

/* A listener that was shut down says so to those alone who wait. */
static bool
shut_down(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};
	struct timespec none = {0, 0};

	return SYS(SYS_ppoll, &p, 1, &none, 0, 0, 0) > 0 &&
	       p.revents & POLLRDHUP;
}

/* EAGAIN, and the caller waits, whether or not the program's socket blocks;
 * its flag is everybody's, so it changes for this instant alone. */
static int
hook_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	int fl = sys_fcntl(fd, F_GETFL, 0);
	long r;

	if (!(fl & O_NONBLOCK))
		sys_fcntl(fd, F_SETFL, fl | O_NONBLOCK);
	r = SYS(SYS_accept4, fd, sa, len, flags, 0, 0);
	if (!(fl & O_NONBLOCK))
		sys_fcntl(fd, F_SETFL, fl);
	if (r == -EAGAIN && shut_down(fd))
		r = -EINVAL;
	return (int)sock_result(r);
}

static int
hook_name(int fd, struct sockaddr *sa, socklen_t *len)
{
	return not_ours();
}

static int
hook_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	return not_ours();
}

static int
hook_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	return not_ours();
}

static int
hook_shutdown(int fd, int how)
{
	return not_ours();
}

static int
hook_ioctl(int fd, unsigned long req, ...)
{
	return not_ours();
}

/* The data calls are made for descriptors of ours alone. */
static ssize_t
hook_recvfrom(
    int fd, void *buf, size_t n, int flags, struct sockaddr *sa, socklen_t *len)
{
	return sock_result(
	    SYS(SYS_recvfrom, fd, buf, n, flags | MSG_DONTWAIT, sa, len));
}

/* The library makes it a second time, without MSG_NOSIGNAL, for the signal. */
static ssize_t
hook_sendto(int fd, const void *buf, size_t n, int flags,
    const struct sockaddr *sa, socklen_t len)
{
	serving.sigpipe = !(flags & MSG_NOSIGNAL);
	return sock_result(SYS(SYS_sendto, fd, buf, n,
	    flags | MSG_DONTWAIT | MSG_NOSIGNAL, sa, len));
}

static ssize_t
hook_recvmsg(int fd, struct msghdr *m, int flags)
{
	return sock_result(sys_recvmsg(fd, m, flags | MSG_DONTWAIT));
}

static ssize_t
hook_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return sock_result(
	    sys_sendmsg(fd, m, flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

struct real real = {
    .socket = hook_socket,
    .connect = hook_connect,
    .bind = hook_bind,
    .listen = hook_listen,
    .accept4 = hook_accept4,
    .getsockname = hook_name,
    .getpeername = hook_name,
    .getsockopt = hook_getsockopt,
    .setsockopt = hook_setsockopt,
    .shutdown = hook_shutdown,
    .ioctl = hook_ioctl,
    .recvfrom = hook_recvfrom,
    .recvmsg = hook_recvmsg,
    .sendto = hook_sendto,
    .sendmsg = hook_sendmsg,
};

int
sock_await(int fd, uint64_t handle, const struct sockopts *fresh)
{
	serving.waits = true;
	return -EINPROGRESS;
}

/* With the answer. */
void
sock_raise_sigpipe(void)
{
	serving.sigpipe = true;
}

int
ident_replace(int fd, int new)
{
	uint64_t handle;
	int r = 0;

	if (!ident_ours(new, &handle) && trap_elsewhere(serving.c))
		r = -ENETUNREACH; /* it would be of our network */
	if (r == 0)
		r = trap_put(serving.c, new, serving.target_fd);
	if (r == 0)
		r = sys_dup3(new, fd, O_CLOEXEC);
	sys_close(new);
	return r < 0 ? r : 0;
}
