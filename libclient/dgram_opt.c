/* SPDX-License-Identifier: ISC */
/*
 * getsockopt, setsockopt and ioctl on sockets of UDP.  The daemon keeps the
 * options; values that the table refuses cost no round trip.
 */
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>
#include "dgram.h"
#include "ident.h"
#include "ipc/dgramopt.h"
#include "real.h"
#include "sys.h"
#include "wire.h"

static int
get_error(int fd, const struct dgram *d, void *val, socklen_t *len)
{
	int err = 1;

	if (dgram_empty_next(fd))
		err = dgram_pending(fd, d, PROTO_EMPTY_PEEKED);
	if (err > 0) /* none, or a datagram is next */
		err = dgram_pending(fd, d, PROTO_EMPTY_ASKED);
	err = -err;
	if (err < 0 || (err == ENETDOWN && d->bits & PROTO_DTAG_SHUT))
		err = 0;
	sockopt_copy(val, len, &err, sizeof err);
	return 0;
}

static int
get_ours(int fd, const struct dgram *d, int level, int name, void *val,
    socklen_t *len)
{
	struct sockopts none = {.ipv6 = dgram_family(d) == AF_INET6};
	int err;

	if (level == SOL_SOCKET && name == SO_ERROR)
		return get_error(fd, d, val, len);
	/* What was never set is as it was, but for what the path says. */
	if (dgramopt_where(level, name) & SOCKOPT_LIVE ||
	    d->bits & PROTO_DTAG_OPTS) {
		err = sock_ask_option(fd, d->handle, level, name, val, len);
		if (err != -EBADF && err != -ENETDOWN)
			return err;
	}
	return -dgramopt_get(&none, 0, level, name, val, len);
}

int
dgram_getsockopt(int fd, const struct dgram *d, int level, int name, void *val,
    socklen_t *len)
{
	uint8_t value[PROTO_OPT_MAX];
	socklen_t n;
	int err;

	if (!sys_mapped(len, sizeof *len))
		return -EFAULT;
	if ((int)*len < 0)
		return -EINVAL;
	if (dgramopt_where(level, name) == SOCKOPT_NATIVE &&
	    (level != SOL_SOCKET || name != SO_ERROR))
		return real.getsockopt(fd, level, name, val, len) < 0 ? -errno
								      : 0;
	n = *len < sizeof value ? *len : sizeof value;
	err = get_ours(fd, d, level, name, value, &n);
	if (err != 0)
		return err;
	if (!sys_mapped(val, n))
		return -EFAULT;
	memcpy(val, value, n);
	*len = n;
	return 0;
}

/* Those that make a header needed. */
static bool
wants_more(int level, int name)
{
	if (level == IPPROTO_IP)
		return name == IP_PKTINFO || name == IP_RECVTOS ||
		       name == IP_RECVTTL;
	return level == IPPROTO_IPV6 &&
	       (name == IPV6_RECVPKTINFO || name == IPV6_RECVTCLASS ||
		   name == IPV6_RECVHOPLIMIT);
}

int
dgram_setsockopt(int fd, struct dgram *d, int level, int name, const void *val,
    socklen_t len)
{
	struct sockopts o = {.ipv6 = dgram_family(d) == AF_INET6};
	int err;

	if ((int)len < 0)
		return -EINVAL;
	if (val == NULL && len > 0)
		return -EFAULT;
	if (dgramopt_where(level, name) == SOCKOPT_NATIVE) {
		if (dgramopt_stamp(level, name))
			dgram_mark(fd, d, PROTO_DTAG_OPTS, 0);
		return real.setsockopt(fd, level, name, val, len) < 0 ? -errno
								      : 0;
	}
	if (dgramopt_multicast(level, name) &&
	    !(d->bits & PROTO_DTAG_SETTLED)) {
		/* Groups are the kernel's, and so is who joins one. */
		err = dgram_to_kernel(fd, d);
		if (err != 0)
			return err;
		return real.setsockopt(fd, level, name, val, len) < 0 ? -errno
								      : 0;
	}
	if (!sys_mapped(val, len < PROTO_OPT_MAX ? len : PROTO_OPT_MAX))
		return len < sizeof err && level == SOL_SOCKET ? -EINVAL
							       : -EFAULT;
	err = dgramopt_set(&o, level, name, val, len);
	if (err != 0)
		return -err;
	if (!dgramopt_kept(&o, level, name))
		return 0;
	/* A reader must not take a header for bytes in between. */
	if (wants_more(level, name))
		dgram_mark(fd, d, 0, PROTO_DTAG_RAW);
	dgram_mark(fd, d, PROTO_DTAG_OPTS, 0);
	err = sock_tell_option(fd, d->handle, level, name, val, len);
	if (err == 0 && level == SOL_SOCKET && name == SO_SNDBUF)
		sys_setsockopt(fd, level, name, val, len);
	return err;
}

/* ---- ioctl ---- */

/* UDP's answer is the size of the next datagram. */
static int
next_size(int fd, const struct dgram *d, int *out)
{
	struct proto_dgram h;
	ssize_t n =
	    sys_recv(fd, &h, sizeof h, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	if (!sys_mapped(out, sizeof *out))
		return -EFAULT;
	if (n >= (ssize_t)sizeof h && h.magic == PROTO_DGRAM_MAGIC &&
	    h.handle == d->handle)
		n -= (ssize_t)sizeof h;
	*out = n > 0 ? (int)n : 0;
	return 0;
}

int
dgram_ioctl(int fd, const struct dgram *d, unsigned long req, void *arg)
{
	if (req == FIONREAD)
		return next_size(fd, d, arg);
	if (req == SIOCOUTQ)
		return sys_ioctl(fd, req, arg);
	return sock_ask_interface(dgram_family(d), req, arg);
}
