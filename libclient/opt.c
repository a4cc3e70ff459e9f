/* SPDX-License-Identifier: ISC */
/*
 * getsockopt, setsockopt and ioctl on descriptors of ours.
 *
 * The table (ipc/sockopt.h) judges values and lengths here, so a wrong one
 * costs no round trip.  Before there is a connection or a listener, options
 * are kept on the descriptor and travel with the hello; afterwards the daemon
 * is told, and asked.
 */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>
#include "device.h"
#include "dgram.h"
#include "ident.h"
#include "lane.h"
#include "iface.h"
#include "ipc/aokey.h"
#include "real.h"
#include "sock.h"
#include "sys.h"
#include "wire.h"

/* Has the daemon a connection or a listener for it? */
static bool
known_to_daemon(int fd)
{
	return ident_attached(fd) || ident_listening(fd);
}

/* ---- get ---- */

static int
get_error(int fd, uint64_t handle, void *val, socklen_t *len)
{
	int err = sock_native_error(fd);
	enum phase phase;

	if (err == 0) {
		phase = ident_phase(fd, handle);
		if (phase == PHASE_ARRIVED)
			ident_settle(fd);
		/* MUST-47: a soft error does no harm and waits here (SHLD-20:
		 * for those alone who ask). */
		if (phase == PHASE_ARRIVED || phase == PHASE_CONNECTED)
			err = sock_take_error(fd, handle, 0);
	} else {
		err = sock_take_error(fd, handle, err);
	}
	sockopt_copy(val, len, &err, sizeof err);
	return 0;
}

int
sock_ask_option(
    int fd, uint64_t handle, int level, int name, void *val, socklen_t *len)
{
	struct {
		struct proto_opt po;
		uint8_t value[PROTO_OPT_MAX];
	} ans;
	struct proto_opt po = {.level = level, .name = name};
	struct wire_req q = {.type = PROTO_GETOPT,
	    .handle = handle,
	    .body = {&po},
	    .len = {sizeof po},
	    .auth_fd = fd,
	    .ans = &ans,
	    .ans_max = sizeof ans};
	int err;

	po.len = *len < PROTO_OPT_MAX ? *len : PROTO_OPT_MAX;
	err = wire_request(&q);
	if (err != 0)
		return err;
	if (q.ans_len < sizeof po || ans.po.len > po.len ||
	    ans.po.len > q.ans_len - sizeof po)
		return -EPROTO;
	memcpy(val, ans.value, ans.po.len);
	*len = ans.po.len;
	return 0;
}

/* SO_PEERNAME: getpeername() by another door. */
static int
get_peername(int fd, void *val, socklen_t *len)
{
	struct sockaddr_storage name;
	socklen_t namelen = sizeof name;
	int saved = errno, err;

	if (sock_getpeername(fd, (struct sockaddr *)&name, &namelen) != 0) {
		err = -errno;
		errno = saved;
		return err;
	}
	if (*len > namelen)
		return -EINVAL;
	sockopt_copy(val, len, &name, namelen);
	return 0;
}

static int
get_ao(int fd, void *val, socklen_t *len)
{
	struct tcpd_ao_info out;
	struct tcp_ao_info i;
	struct md5keys keys;
	int err;

	ident_keys(fd, &keys);
	err = -aokeys_get(&keys, &i);
	explicit_bzero(&keys, sizeof keys);
	if (err != 0)
		return err;
	aokey_info_value(&i, &out);
	sockopt_copy(val, len, &out, sizeof out);
	return 0;
}

static int get_ours(
    int fd, uint64_t handle, int level, int name, void *val, socklen_t *len);

static int
get_device(int fd, uint64_t handle, void *val, socklen_t *len)
{
	int index = 0, err;
	socklen_t n = sizeof index;

	err = get_ours(fd, handle, SOL_SOCKET, SO_BINDTOIFINDEX, &index, &n);
	return err != 0 ? err : device_name(index, val, len);
}

static int
get_ours(
    int fd, uint64_t handle, int level, int name, void *val, socklen_t *len)
{
	unsigned where = sockopt_where(level, name);
	struct sockopts o;
	int err;

	if (level == SOL_SOCKET && name == SO_ERROR)
		return get_error(fd, handle, val, len);
	if (level == SOL_SOCKET && name == SO_PEERNAME)
		return get_peername(fd, val, len);
	if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
		return get_device(fd, handle, val, len);
	if (where & (SOCKOPT_STACK | SOCKOPT_LIVE) && known_to_daemon(fd)) {
		err = sock_ask_option(fd, handle, level, name, val, len);
		if (err != -EBADF)
			return err;
	}
	if (aokey_is(level, name) && name == TCP_AO_INFO)
		return get_ao(fd, val, len);
	ident_options(fd, &o);
	return -sockopt_get(&o, level, name, val, len);
}

/* The value goes to the program when all is well, if there is room for it. */
static int
get_checked(
    int fd, uint64_t handle, int level, int name, void *val, socklen_t *len)
{
	uint8_t value[PROTO_OPT_MAX];
	socklen_t n;
	int err;

	if (level != SOL_SOCKET && level != IPPROTO_IP &&
	    level != IPPROTO_TCP &&
	    (level != IPPROTO_IPV6 || ident_family(fd) != AF_INET6))
		return ident_family(fd) == AF_INET6 ? -ENOPROTOOPT
						    : -EOPNOTSUPP;
	if (!sys_mapped(len, sizeof *len))
		return -EFAULT;
	/* IPPROTO_IPV6 takes it for a large one. */
	if ((int)*len < 0 && level != IPPROTO_IPV6)
		return -EINVAL;
	n = *len < sizeof value ? *len : sizeof value;
	err = get_ours(fd, handle, level, name, value, &n);
	if (err != 0)
		return err;
	if (!sys_mapped(val, n))
		return -EFAULT;
	memcpy(val, value, n);
	*len = n;
	return 0;
}

/* An AF_UNIX descriptor that refused an option of TCP's may be an accepted
 * connection that came by a raw system call. */
static bool
late_adoption(int fd, int level, uint64_t *handle)
{
	return (errno == EOPNOTSUPP || errno == ENOPROTOOPT) &&
	       (level == IPPROTO_TCP || level == IPPROTO_IP ||
		   level == IPPROTO_IPV6) &&
	       ident_adopt(fd, handle);
}

int
sock_getsockopt(int fd, int level, int name, void *val, socklen_t *len)
{
	uint64_t handle;
	struct dgram d;
	int r;

	if (dgram_ours(fd, &d))
		return (int)sock_result(
		    dgram_getsockopt(fd, &d, level, name, val, len));
	if (!ident_ours(fd, &handle)) {
		r = real.getsockopt(fd, level, name, val, len);
		if (r == 0 || !late_adoption(fd, level, &handle))
			return r;
	}
	if (sockopt_where(level, name) == SOCKOPT_NATIVE &&
	    (level != SOL_SOCKET || name != SO_ERROR))
		return real.getsockopt(fd, level, name, val, len);
	return (int)sock_result(get_checked(fd, handle, level, name, val, len));
}

/* ---- set ---- */

/* Told a moment later, it is no other connection that the program sees. */
static bool
may_be_late(int level, int name)
{
	if (level == SOL_SOCKET)
		return name == SO_KEEPALIVE;
	return level == IPPROTO_TCP &&
	       (name == TCP_NODELAY || name == TCP_KEEPIDLE ||
		   name == TCP_KEEPINTVL || name == TCP_KEEPCNT ||
		   name == TCP_USER_TIMEOUT);
}

static int
tell_option(int fd, uint64_t handle, bool attached, int level, int name,
    const void *val, socklen_t len)
{
	struct proto_opt po = {.level = level,
	    .name = name,
	    .len = len < PROTO_OPT_MAX ? len : PROTO_OPT_MAX};
	struct wire_req q = {.type = PROTO_SETOPT,
	    .handle = handle,
	    .body = {&po, val},
	    .len = {sizeof po, po.len},
	    .auth_fd = fd};
	int err;

	/* The table has judged it; where it cannot be refused either, the
	 * program need not wait until the daemon has heard of it. */
	if (attached && may_be_late(level, name) && ident_mine(fd)) {
		q.type = PROTO_TELLOPT;
		if (wire_tell(&q) == 0)
			return 0;
		q.type = PROTO_SETOPT;
	}
	err = wire_request(&q);
	/* The connection is gone: as with Linux, nothing is wrong with it. */
	return err == -EBADF ? 0 : err;
}

int
sock_tell_option(int fd, uint64_t handle, int level, int name, const void *val,
    socklen_t len)
{
	return tell_option(fd, handle, false, level, name, val, len);
}

/* Keys of TCP_MD5SIG and TCP-AO: the daemon's for what it knows, else they
 * wait here. */
static int
set_key(int fd, uint64_t handle, int level, int name, const void *val,
    socklen_t len)
{
	struct md5keys keys;
	int err;

	if (md5key_is(level, name) && len < sizeof(struct tcp_md5sig))
		return -EINVAL;
	if (known_to_daemon(fd))
		return sock_tell_option(fd, handle, level, name, val, len);
	ident_keys(fd, &keys);
	err = -keys_change(&keys, ident_family(fd) == AF_INET6, name, val, len);
	if (err == 0)
		err = ident_keep_keys(fd, &keys);
	explicit_bzero(&keys, sizeof keys);
	return err;
}

/* What is allowed in some states only. */
static int
too_late(int fd, uint64_t handle, int level, int name, int v)
{
	bool v6only = level == IPPROTO_IPV6 && name == IPV6_V6ONLY;
	enum phase phase;

	if (v6only && ident_bound(fd))
		return EINVAL;
	if (!v6only &&
	    (level != IPPROTO_TCP ||
		(name != TCP_FASTOPEN_CONNECT && name != TCP_FASTOPEN &&
		    name != TCP_FASTOPEN_NO_COOKIE &&
		    name != TCP_WINDOW_CLAMP)))
		return 0;
	if (!known_to_daemon(fd))
		return 0;
	phase = ident_phase(fd, handle);
	if (phase == PHASE_OVER || phase == PHASE_FAILED)
		return 0;
	if (v6only)
		return EINVAL;
	switch (name) {
	case TCP_FASTOPEN_CONNECT:
		return EINVAL;
	case TCP_FASTOPEN:
	case TCP_FASTOPEN_NO_COOKIE:
		return phase != PHASE_LISTENING ? EINVAL : 0;
	case TCP_WINDOW_CLAMP:
		return v == 0 ? EINVAL : 0;
	default:
		return 0;
	}
}

/* Is a socket bound to a device, and may it be to that? */
static int
check_device(int fd, uint64_t handle, int index)
{
	int before = 0, err;
	socklen_t n = sizeof before;

	err = get_ours(fd, handle, SOL_SOCKET, SO_BINDTOIFINDEX, &before, &n);
	return err != 0 ? err : device_check(before, index);
}

static int set_ours(int fd, uint64_t handle, int level, int name,
    const void *val, socklen_t len);

static int
set_device(int fd, uint64_t handle, const void *val, socklen_t len)
{
	int index, err = device_index(val, len, &index);

	return err != 0 ? err
			: set_ours(fd, handle, SOL_SOCKET, SO_BINDTOIFINDEX,
			      &index, sizeof index);
}

/* IPV6_ADDRFORM: the family is part of the tag, for everybody who holds it. */
static int
become_ipv4(int fd, uint64_t handle)
{
	struct proto_name peer;
	struct ipaddr a;
	socklen_t len = sizeof(int);
	int v, err;

	err = get_ours(fd, handle, IPPROTO_IPV6, IPV6_ADDRFORM, &v, &len);
	if (err == 0)
		err = sock_ask_name(fd, handle, PROTO_GETPEERNAME, &peer);
	if (err != 0)
		return -ENOTCONN; /* not, or not any more, ESTABLISHED */
	len = sizeof v;
	err = get_ours(fd, handle, IPPROTO_IPV6, IPV6_V6ONLY, &v, &len);
	memcpy(a.b, peer.addr, sizeof a.b);
	if (err != 0 || v != 0 || !ipaddr_is_v4(&a))
		return -EADDRNOTAVAIL;
	return ident_tag(fd, AF_INET, handle);
}

static int
set_ours(int fd, uint64_t handle, int level, int name, const void *val,
    socklen_t len)
{
	static const uint8_t nothing[PROTO_OPT_MAX];
	struct sockopts o, before;
	bool attached, listening;
	int err, v = 0;

	if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
		return set_device(fd, handle, val, len);
	if ((int)len < 0)
		return -EINVAL;
	if (val == NULL && level == IPPROTO_IPV6) /* stands for 0 */
		val = nothing;
	if (!sys_mapped(val, len < PROTO_OPT_MAX ? len : PROTO_OPT_MAX))
		return len < sizeof v &&
			       (level == SOL_SOCKET || level == IPPROTO_TCP)
			   ? -EINVAL
			   : -EFAULT;
	if (md5key_is(level, name) || aokey_is(level, name))
		return set_key(fd, handle, level, name, val, len);
	ident_options(fd, &o);
	before = o;
	err = sockopt_set(&o, level, name, val, len);
	if (err == 0) {
		memcpy(&v, val, len < sizeof v ? len : sizeof v);
		err = too_late(fd, handle, level, name, v);
	}
	if (err == 0 && level == SOL_SOCKET && name == SO_BINDTOIFINDEX)
		err = -check_device(fd, handle, v);
	if (level == IPPROTO_TCP && name == TCP_QUEUE_SEQ && err == EINVAL &&
	    len >= sizeof v && known_to_daemon(fd) &&
	    ident_phase(fd, handle) != PHASE_OVER)
		err = EPERM;
	if (err == ENOTCONN && ident_attached(fd)) /* IPV6_ADDRFORM */
		return become_ipv4(fd, handle);
	if (err == 0 && level == IPPROTO_TCP && name == TCP_FASTOPEN_CONNECT)
		err = -sock_fast_off(fd, handle);
	if (err != 0)
		return -err;
	if (!(sockopt_where(level, name) & SOCKOPT_STACK))
		return 0;
	attached = ident_attached(fd);
	listening = !attached && ident_listening(fd);
	if (!attached && !listening) {
		if (memcmp(&o, &before, sizeof o) == 0)
			return 0;
		err = ident_keep_options(fd, &o);
		/* By these the next bind() of its port is judged. */
		if (err == 0 && level == SOL_SOCKET &&
		    (name == SO_REUSEADDR || name == SO_REUSEPORT) &&
		    ident_bound(fd))
			err =
			    sock_tell_option(fd, handle, level, name, val, len);
		return err;
	}
	err = tell_option(fd, handle, attached, level, name, val, len);
	if (err != 0)
		return err;
	if (listening)
		return ident_keep_options(fd, &o);
	if (((level == SOL_SOCKET && name == SO_SNDBUF) ||
		(level == IPPROTO_TCP && name == TCP_NOTSENT_LOWAT)) &&
	    ident_phase(fd, handle) != PHASE_CONNECTING) {
		lane_end(fd);
		ident_sndbuf(fd, &o);
	}
	return 0;
}

int
sock_setsockopt(int fd, int level, int name, const void *val, socklen_t len)
{
	uint64_t handle;
	struct dgram d;
	int r;

	if (dgram_ours(fd, &d))
		return (int)sock_result(
		    dgram_setsockopt(fd, &d, level, name, val, len));
	if (!ident_ours(fd, &handle)) {
		r = real.setsockopt(fd, level, name, val, len);
		if (r == 0 || !late_adoption(fd, level, &handle))
			return r;
	}
	if (sockopt_where(level, name) == SOCKOPT_NATIVE)
		return real.setsockopt(fd, level, name, val, len);
	return (int)sock_result(set_ours(fd, handle, level, name, val, len));
}

/* ---- ioctl ---- */

bool
sock_ioctl_ours(unsigned long req)
{
	/* Interfaces, routes, ARP, times: an Internet socket answers them. */
	return req == SIOCOUTQ || req == SIOCOUTQNSD ||
	       (req == FIONREAD && dgram_seen) || req == SIOCGSTAMP_OLD ||
	       req == SIOCGSTAMPNS_OLD || req == SIOCGSTAMP_NEW ||
	       req == SIOCGSTAMPNS_NEW || (req >= SIOCADDRT && req <= 0x89ff);
}

static int
get_outq(int fd, uint64_t handle, unsigned long req, int *out)
{
	struct {
		struct proto_opt po;
		uint32_t unacked, unsent;
	} ans;
	struct wire_req q = {.type = PROTO_OUTQ,
	    .handle = handle,
	    .auth_fd = fd,
	    .ans = &ans,
	    .ans_max = sizeof ans};
	int err;

	if (ident_listening(fd))
		return -EINVAL;
	if (!sys_mapped(out, sizeof *out))
		return -EFAULT;
	*out = 0;
	if (!ident_attached(fd))
		return 0;
	err = wire_request(&q);
	if (err != 0)
		return err == -EBADF ? 0 : err;
	if (q.ans_len < sizeof ans)
		return -EPROTO;
	*out = (int)(req == SIOCOUTQ ? ans.unacked : ans.unsent);
	return 0;
}

int
sock_ask_interface(int family, unsigned long req, void *arg)
{
	int r;

	return iface_ioctl(family, req, arg, &r) ? r
						 : iface_ask(family, req, arg);
}

int
sock_ioctl(int fd, unsigned long req, void *arg)
{
	uint64_t handle;
	struct dgram d;

	if (dgram_ours(fd, &d))
		return (int)sock_result(dgram_ioctl(fd, &d, req, arg));
	if (req == FIONREAD || !ident_ours(fd, &handle))
		return real.ioctl(fd, req, arg);
	if (req == SIOCOUTQ || req == SIOCOUTQNSD)
		return (int)sock_result(get_outq(fd, handle, req, arg));
	return (int)sock_result(sock_ask_interface(ident_family(fd), req, arg));
}
