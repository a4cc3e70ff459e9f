/* SPDX-License-Identifier: ISC */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include "base/check.h"
#include "adapter.h"

/* What the interposed functions below serve; packetdrill has one at a time. */
static struct world *current;

static long
leave(struct world *w, long r)
{
	pthread_mutex_unlock(&w->lock);
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

/* A call of the interface: locked, and errno set from the result. */
#define CALL(expr)                                                             \
	struct world *w = u;                                                   \
	pthread_mutex_lock(&w->lock);                                          \
	return (__typeof__(expr))leave(w, (expr))

static int
on_socket(void *u, int domain, int type, int protocol)
{
	struct world *w = u;
	struct sock *s;

	if (domain != AF_INET && domain != AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM ||
	    (protocol != 0 && protocol != IPPROTO_TCP)) {
		errno = EPROTONOSUPPORT;
		return -1;
	}
	pthread_mutex_lock(&w->lock);
	s = sock_new(w, domain, SOCK_FRESH);
	sock_give_fd(s);
	if (type & SOCK_NONBLOCK)
		s->flags |= O_NONBLOCK;
	return (int)leave(w, s->fd);
}

static int
on_bind(void *u, int fd, const struct sockaddr *a, socklen_t n)
{
	CALL(sys_bind(w, fd, a, n));
}

static int
on_listen(void *u, int fd, int backlog)
{
	CALL(sys_listen(w, fd, backlog));
}

static int
on_accept(void *u, int fd, struct sockaddr *a, socklen_t *n)
{
	CALL(sys_accept(w, fd, a, n));
}

static int
on_connect(void *u, int fd, const struct sockaddr *a, socklen_t n)
{
	CALL(sys_connect(w, fd, a, n));
}

/* ---- data ---- */

static ssize_t
receive(struct world *w, int fd, const struct iovec *iov, int n, int flags)
{
	ssize_t r;

	if (sock_find(w, fd) != NULL)
		return sys_recv(w, fd, iov, n, flags);
	r = readv(fd, iov, n);
	return r < 0 ? -errno : r;
}

static ssize_t
transmit(struct world *w, int fd, const struct iovec *iov, int n, int flags,
    const struct sockaddr *a, socklen_t alen)
{
	ssize_t r;

	if (sock_find(w, fd) != NULL)
		return sys_send(w, fd, iov, n, flags, a, alen);
	r = writev(fd, iov, n);
	return r < 0 ? -errno : r;
}

static ssize_t
on_recv(void *u, int fd, void *buf, size_t len, int flags)
{
	struct iovec iov = {buf, len};

	CALL(receive(w, fd, &iov, 1, flags));
}

static ssize_t
on_read(void *u, int fd, void *buf, size_t len)
{
	return on_recv(u, fd, buf, len, 0);
}

static ssize_t
on_readv(void *u, int fd, const struct iovec *iov, int n)
{
	CALL(receive(w, fd, iov, n, 0));
}

static ssize_t
on_recvfrom(void *u, int fd, void *buf, size_t len, int flags,
    struct sockaddr *a, socklen_t *n)
{
	(void)a;
	if (n != NULL)
		*n = 0;
	return on_recv(u, fd, buf, len, flags);
}

static ssize_t
on_recvmsg(void *u, int fd, struct msghdr *m, int flags)
{
	m->msg_controllen = 0;
	m->msg_flags = 0;
	m->msg_namelen = 0;
	CALL(receive(w, fd, m->msg_iov, (int)m->msg_iovlen, flags));
}

static ssize_t
on_sendto(void *u, int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *a, socklen_t n)
{
	struct iovec iov = {(void *)(uintptr_t)buf, len};

	CALL(transmit(w, fd, &iov, 1, flags, a, n));
}

static ssize_t
on_send(void *u, int fd, const void *buf, size_t len, int flags)
{
	return on_sendto(u, fd, buf, len, flags, NULL, 0);
}

static ssize_t
on_write(void *u, int fd, const void *buf, size_t len)
{
	return on_send(u, fd, buf, len, 0);
}

static ssize_t
on_writev(void *u, int fd, const struct iovec *iov, int n)
{
	CALL(transmit(w, fd, iov, n, 0, NULL, 0));
}

static ssize_t
on_sendmsg(void *u, int fd, const struct msghdr *m, int flags)
{
	CALL(transmit(w, fd, m->msg_iov, (int)m->msg_iovlen, flags, m->msg_name,
	    m->msg_namelen));
}

static int
on_pipe(void *u, int fds[2])
{
	(void)u;
	return pipe(fds);
}

static ssize_t
splice_locked(void *u, int in, loff_t *in_off, int out, loff_t *out_off,
    size_t len, unsigned flags)
{
	CALL(sys_splice(w, in, in_off, out, out_off, len, flags));
}

static int
on_splice(void *u, int in, loff_t *in_off, int out, loff_t *out_off, size_t len,
    unsigned int flags)
{
	return (int)splice_locked(u, in, in_off, out, out_off, len, flags);
}

/* ---- the rest ---- */

static int
on_fcntl(void *u, int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, int);
	va_end(ap);
	CALL(sys_fcntl(w, fd, cmd, arg));
}

static int
on_ioctl(void *u, int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	CALL(sys_ioctl(w, fd, request, arg));
}

static int
on_close(void *u, int fd)
{
	CALL(sys_close(w, fd));
}

static int
on_shutdown(void *u, int fd, int how)
{
	CALL(sys_shutdown(w, fd, how));
}

static int
on_getsockopt(void *u, int fd, int level, int name, void *val, socklen_t *len)
{
	CALL(sys_getsockopt(w, fd, level, name, val, len));
}

static int
on_setsockopt(
    void *u, int fd, int level, int name, const void *val, socklen_t len)
{
	CALL(sys_setsockopt(w, fd, level, name, val, len));
}

static int
on_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms)
{
	CALL(sys_poll(w, fds, n, timeout_ms));
}

static int
on_epoll_create(void *u, int size)
{
	struct world *w = u;
	struct sock *s;

	if (size <= 0) {
		errno = EINVAL;
		return -1;
	}
	pthread_mutex_lock(&w->lock);
	s = sock_new(w, AF_UNIX, SOCK_EPOLL);
	sock_give_fd(s);
	return (int)leave(w, s->fd);
}

static int
on_epoll_ctl(void *u, int epfd, int op, int fd, struct epoll_event *ev)
{
	CALL(sys_epoll_ctl(w, epfd, op, fd, ev));
}

static int
on_epoll_wait(
    void *u, int epfd, struct epoll_event *evs, int max, int timeout_ms)
{
	CALL(sys_epoll_wait(w, epfd, evs, max, timeout_ms));
}

/* ---- packets and the clock ---- */

static int
on_netdev_send(void *u, const void *packet, size_t len)
{
	struct world *w = u;

	pthread_mutex_lock(&w->lock);
	world_advance(w, w->now);
	world_inject(w, packet, len);
	return (int)leave(w, 0);
}

static int
on_netdev_receive(void *u, void *buf, size_t *len, long long *us)
{
	struct world *w = u;
	struct packet *p;

	pthread_mutex_lock(&w->lock);
	p = world_receive(w);
	*us = p != NULL ? p->at.us : w->now.us;
	if (p == NULL || p->len > *len)
		*len = 0;
	else
		*len = p->len;
	if (*len > 0)
		memcpy(buf, p->data, *len);
	free(p);
	return (int)leave(w, 0);
}

static int
on_usleep(void *u, useconds_t us)
{
	struct world *w = u;

	pthread_mutex_lock(&w->lock);
	world_advance(w, mono_add(w->now, us));
	return (int)leave(w, 0);
}

static int
on_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
	struct world *w = u;
	mono_t t;

	(void)tz;
	pthread_mutex_lock(&w->lock);
	t = world_look(w);
	tv->tv_sec = t.us / 1000000;
	tv->tv_usec = t.us % 1000000;
	return (int)leave(w, 0);
}

static void
on_free(void *u)
{
	if (current == u)
		current = NULL;
	world_free(u);
}

void
packetdrill_interface_init(const char *flags, struct packetdrill_interface *out)
{
	*out = (struct packetdrill_interface){
	    .userdata = current = world_new(flags),
	    .free = on_free,
	    .socket = on_socket,
	    .bind = on_bind,
	    .listen = on_listen,
	    .accept = on_accept,
	    .connect = on_connect,
	    .read = on_read,
	    .readv = on_readv,
	    .recv = on_recv,
	    .recvfrom = on_recvfrom,
	    .recvmsg = on_recvmsg,
	    .write = on_write,
	    .writev = on_writev,
	    .send = on_send,
	    .sendto = on_sendto,
	    .sendmsg = on_sendmsg,
	    .fcntl = on_fcntl,
	    .ioctl = on_ioctl,
	    .close = on_close,
	    .shutdown = on_shutdown,
	    .getsockopt = on_getsockopt,
	    .setsockopt = on_setsockopt,
	    .poll = on_poll,
	    .netdev_send = on_netdev_send,
	    .netdev_receive = on_netdev_receive,
	    .usleep = on_usleep,
	    .gettimeofday = on_gettimeofday,
	    .epoll_create = on_epoll_create,
	    .epoll_ctl = on_epoll_ctl,
	    .epoll_wait = on_epoll_wait,
	    .pipe = on_pipe,
	    .splice = on_splice,
	};
}

/*
 * Calls that packetdrill makes of libc on descriptors of ours: what a script
 * asserts about TCP_INFO, and sendfile(); and its shell commands, of which
 * "tcpd-set key=value,..." changes settings.  With LD_PRELOAD set to this
 * library they come here.
 */

int
world_real_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	static int (*real)(int, int, int, void *, socklen_t *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "getsockopt");
	return real(fd, level, name, val, len) == 0 ? 0 : -errno;
}

__attribute__((visibility("default"))) int
getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	struct world *w = current;
	bool ours;
	int r;

	if (w != NULL) {
		pthread_mutex_lock(&w->lock);
		ours = sock_find(w, fd) != NULL;
		pthread_mutex_unlock(&w->lock);
		if (ours)
			return on_getsockopt(w, fd, level, name, val, len);
	}
	r = world_real_getsockopt(fd, level, name, val, len);
	if (r == 0)
		return 0;
	errno = -r;
	return -1;
}

static ssize_t
sendfile_locked(void *u, int out, int in, off_t *off, size_t len)
{
	CALL(sys_sendfile(w, out, in, off, len));
}

__attribute__((visibility("default"))) ssize_t
sendfile(int out, int in, off_t *off, size_t len)
{
	static ssize_t (*real)(int, int, off_t *, size_t);
	struct world *w = current;
	bool ours = false;

	if (w != NULL) {
		pthread_mutex_lock(&w->lock);
		ours = sock_find(w, out) != NULL;
		pthread_mutex_unlock(&w->lock);
	}
	if (ours)
		return sendfile_locked(w, out, in, off, len);
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "sendfile");
	return real(out, in, off, len);
}

/* A command of a script: a wait status. */
__attribute__((visibility("default"))) int
system(const char *command)
{
	static const char set[] = "tcpd-set ";
	static int (*real)(const char *);
	struct world *w = current;
	bool good;

	if (w != NULL && command != NULL &&
	    strncmp(command, set, sizeof set - 1) == 0) {
		pthread_mutex_lock(&w->lock);
		good = settings_change(&w->cfg, command + sizeof set - 1);
		if (good)
			world_reconfigure(w);
		pthread_mutex_unlock(&w->lock);
		return good ? 0 : 1 << 8;
	}
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "system");
	return real(command);
}
