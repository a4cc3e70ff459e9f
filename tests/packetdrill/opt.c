/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <linux/in.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include "adapter.h"

/* ---- what the kernel answers for an AF_UNIX socket, or we ---- */

static int64_t
timeval_us(const void *val)
{
	struct timeval tv;

	memcpy(&tv, val, sizeof tv);
	return tv.tv_sec * 1000000LL + tv.tv_usec;
}

static int
set_native(struct sock *s, int level, int name, const void *val, socklen_t len)
{
	if (level == SOL_SOCKET && len >= sizeof(struct timeval)) {
		if (name == SO_RCVTIMEO)
			s->rcvtimeo_us = timeval_us(val);
		if (name == SO_SNDTIMEO)
			s->sndtimeo_us = timeval_us(val);
	}
	return setsockopt(s->fd, level, name, val, len) == 0 ? 0 : -errno;
}

static int
get_native(struct sock *s, int level, int name, void *val, socklen_t *len)
{
	int32_t v;

	if (level != SOL_SOCKET || (name != SO_ERROR && name != SO_ACCEPTCONN))
		return world_real_getsockopt(s->fd, level, name, val, len);
	v = s->kind == SOCK_LISTEN;
	if (name == SO_ERROR && (v = sock_error(s)) == 0) {
		v = s->soft_error;
		s->soft_error = 0;
	}
	sockopt_copy(val, len, &v, sizeof v);
	return 0;
}

/* ---- options ---- */

int
sys_setsockopt(struct world *w, int fd, int level, int name, const void *val,
    socklen_t len)
{
	struct sock *s = sock_find(w, fd);
	unsigned where = sockopt_where(level, name);
	int r;

	if (s == NULL)
		return -EBADF;
	if (where & SOCKOPT_NATIVE)
		return set_native(s, level, name, val, len);
	if (level == IPPROTO_TCP && name == TCP_FASTOPEN_CONNECT &&
	    sock_fast_off(w))
		return -EOPNOTSUPP;
	r = sockopt_set(&s->opts, level, name, val, len);
	if (r != 0)
		return -r;
	if ((where & SOCKOPT_STACK) && (r = sock_apply(w, s)) != 0)
		return r;
	world_settle(w);
	return 0;
}

int
sys_getsockopt(
    struct world *w, int fd, int level, int name, void *val, socklen_t *len)
{
	struct sock *s = sock_find(w, fd);
	struct tcp_info_out live;
	socklen_t room = *len;
	int r;

	if (s == NULL)
		return -EBADF;
	if (sockopt_where(level, name) & SOCKOPT_NATIVE)
		return get_native(s, level, name, val, len);
	if (s->kind == SOCK_LISTEN)
		live = (struct tcp_info_out){.state = TCPS_LISTEN};
	else if (s->pcb != NULL)
		tcp_info(s->pcb, &live, w->now);
	else if (s->gone)
		live = s->last;
	else
		live.state = TCPS_NSTATES;
	r = live.state == TCPS_NSTATES
		? -sockopt_get(&s->opts, level, name, val, len)
		: -sockopt_get_live(&s->opts, &live, level, name, val, len);
	/* packetdrill insists on all the fields that it knows. */
	if (r == 0 && level == IPPROTO_TCP && name == TCP_INFO) {
		memset((char *)val + *len, 0, room - *len);
		*len = room;
	}
	return r;
}

/* ---- fcntl and ioctl ---- */

int
sys_fcntl(struct world *w, int fd, int cmd, long arg)
{
	struct sock *s = sock_find(w, fd);
	int r;

	if (s == NULL) {
		r = fcntl(fd, cmd, arg);
		return r < 0 ? -errno : r;
	}
	switch (cmd) {
	case F_GETFL:
		return s->flags;
	case F_SETFL:
		s->flags = O_RDWR | (int)(arg & O_NONBLOCK);
		return 0;
	case F_GETFD:
	case F_SETFD:
		r = fcntl(s->fd, cmd, arg);
		return r < 0 ? -errno : r;
	default:
		return -EINVAL;
	}
}

int
sys_ioctl(struct world *w, int fd, unsigned long request, void *arg)
{
	struct sock *s = sock_find(w, fd);
	size_t n = 0;

	if (s == NULL)
		return ioctl(fd, request, arg) < 0 ? -errno : 0;
	switch (request) {
	case FIONBIO:
		s->flags = O_RDWR | (*(int *)arg != 0 ? O_NONBLOCK : 0);
		return 0;
	case SIOCINQ:
		if (s->kind == SOCK_LISTEN)
			return -EINVAL;
		n = sock_unread(s);
		break;
	case SIOCOUTQ:
		if (s->kind == SOCK_LISTEN)
			return -EINVAL;
		n = s->pcb != NULL ? tcp_send_queued(s->pcb) : 0;
		break;
	case SIOCOUTQNSD:
		if (s->kind == SOCK_LISTEN)
			return -EINVAL;
		n = s->pcb != NULL ? tcp_send_unsent(s->pcb) : 0;
		break;
	default:
		return -ENOTTY;
	}
	*(int *)arg = (int)n;
	return 0;
}
