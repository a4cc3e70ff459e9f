/* SPDX-License-Identifier: ISC */
/*
 * The calls that are trapped.  Each is made as the library makes it for a
 * program that calls it by name, on a descriptor of ours for the same socket;
 * what is not tcpd's the kernel goes on with.  That is safe where nothing was
 * decided by the program's memory: foreign descriptors stay foreign (no call
 * that goes on makes a socket of the kernel's IP but socket(), whose arguments
 * are in registers).
 *
 * With --no-bypass no socket() goes on, so the guarantee rests on nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "dgram.h"
#include "ident.h"
#include "sock.h"
#include "sys.h"
#include "trap.h"

/* Linux has no longer options for TCP. */
#define VALUE_MAX 4096
#define MPTCP	  262

/* What cannot be read there cannot be here: the library says so in turn. */
#define UNREADABLE ((void *)(uintptr_t)1)

/* The program's descriptor, when it is one of tcpd's; otherwise the kernel goes
 * on, which knows best what is wrong with it. */
static bool
take_ours(const struct trap_call *c)
{
	struct sockaddr_storage un;
	socklen_t len = sizeof un;
	struct dgram d;
	uint64_t handle;
	int fd = trap_getfd(c, (int)c->arg[0]);

	serving =
	    (struct serving){.c = c, .fd = fd, .target_fd = (int)c->arg[0]};
	if (fd >= 0 &&
	    (ident_ours(fd, &handle) || dgram_look(fd, &d) ||
		(sys_getpeername(fd, &un, &len) == 0 &&
		    un.ss_family == AF_UNIX && ident_adopt(fd, &handle))))
		return true;
	if (fd >= 0)
		close(fd);
	trap_continue(c);
	return false;
}

/* Ends what take_ours() began; r is as the library's functions return it.  Our
 * copy goes first: when the program closes its own, the socket is closed. */
static void
finish(const struct trap_call *c, long r)
{
	if (r < 0)
		r = -errno;
	close(serving.fd);
	if (serving.foreign)
		trap_continue(c);
	else
		trap_answer(c, r);
}

static void
fail(const struct trap_call *c, int err)
{
	close(serving.fd);
	trap_answer(c, err);
}

/* After the program's memory was read, before it is believed. */
static bool
still_there(const struct trap_call *c)
{
	if (trap_valid(c))
		return true;
	close(serving.fd);
	return false;
}

/* Root's program that has become another user is that user to the daemon.  Who
 * it is is read like its memory: before it is seen to be there still.  false:
 * it is not. */
bool
trap_become_caller(const struct trap_call *c)
{
	struct trap_status s = {.euid = 0};
	bool known = !trap.privileged || trap_status(c->tid, &s);

	serving.elsewhere = trap_elsewhere(c);
	if (!trap_valid(c) || !known)
		return false;
	if (s.euid != 0)
		SYS(SYS_setresuid, -1, s.euid, -1, 0, 0, 0);
	return true;
}

void
trap_become_self(void)
{
	if (trap.privileged)
		SYS(SYS_setresuid, -1, 0, -1, 0, 0, 0);
}

/* The name that a program gives; one that is too long is not looked at. */
static const struct sockaddr *
read_name(const struct trap_call *c, struct sockaddr_storage *sa, socklen_t len)
{
	memset(sa, 0, sizeof *sa);
	return len <= sizeof *sa && trap_read(c, c->arg[1], sa, len) != 0
		   ? UNREADABLE
		   : (const struct sockaddr *)sa;
}

/* connect() or bind(), in the name of the program's user.  Its caller is gone
 * when there is no answer to give, and then finish() has nobody to give it to.
 */
static int
with_name(const struct trap_call *c,
    int (*make)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_storage sa;
	socklen_t len = (socklen_t)c->arg[2];
	const struct sockaddr *at = read_name(c, &sa, len);
	int r;

	if (!trap_become_caller(c)) {
		errno = ESRCH;
		return -1;
	}
	r = make(serving.fd, at, len);
	trap_become_self();
	return r;
}

/* ---- socket ---- */

static void
serve_socket(const struct trap_call *c)
{
	int type = (int)c->arg[1], fd = -1;
	bool udp = (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_DGRAM;

	serving = (struct serving){.c = c, .fd = -1};
	/* Who asks for MPTCP does without it where there is none. */
	if ((int)c->arg[2] == MPTCP) {
		trap_answer(c, -EPROTONOSUPPORT);
		return;
	}
	/* Of UDP it is the daemon's from here on, and counted. */
	if (udp && !trap_become_caller(c)) {
		trap_answer(c, -EPERM);
		return;
	}
	fd = sock_socket((int)c->arg[0], type | SOCK_CLOEXEC, (int)c->arg[2]);
	if (udp)
		trap_become_self();
	if (fd >= 0) {
		trap_give(c, fd, type & SOCK_CLOEXEC);
		close(fd);
	} else if (!serving.foreign) {
		trap_answer(c, -errno);
	} else if (trap.no_bypass) {
		trap_answer(c, -EACCES);
	} else {
		trap_continue(c);
	}
}

/* ---- connect ---- */

static bool
connect_over(struct trap_op *op, uint32_t events)
{
	int err = 0;
	socklen_t len = sizeof err;
	uint64_t handle;
	long r;

	if (ident_ours(op->fd, &handle)) {
		serving = (struct serving){
		    .c = &op->c, .fd = op->fd, .target_fd = (int)op->c.arg[0]};
		r = sock_arrived(op->fd, handle, (int)events, NULL);
	} else {
		sys_getsockopt(op->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		r = -err;
		trap_restore(op);
	}
	trap_answer(&op->c, r);
	return true;
}

static void
await_connection(const struct trap_call *c, int timed_out)
{
	struct trap_op op = {.c = *c,
	    .fd = serving.fd,
	    .events = EPOLLOUT,
	    .timed_out = timed_out,
	    .end_ms = sock_patience_ms(serving.fd, SO_SNDTIMEO),
	    .was_blocking = serving.twin_waits,
	    .again = connect_over};

	trap_wait(&op);
}

/* sendmsg() and its like are trapped for datagrams. */
static void
serve_data(const struct trap_call *c)
{
	struct dgram d;

	if (!take_ours(c))
		return;
	if (dgram_look(serving.fd, &d)) {
		trap_datagram(c);
	} else if (c->nr == SYS_sendto ||
		   (c->nr == SYS_sendmsg && c->arg[2] & MSG_OOB)) {
		trap_send(c);
	} else if (c->nr == SYS_recvfrom) {
		trap_recv(c);
	} else {
		trap_continue(c);
		close(serving.fd);
	}
}

static void
serve_connect(const struct trap_call *c)
{
	uint64_t handle;
	int r;

	if (!take_ours(c))
		return;
	r = with_name(c, sock_connect);
	if (r < 0 && serving.waits) {
		await_connection(c, -errno);
	} else if (r < 0 && errno == EINPROGRESS && !serving.foreign &&
		   ident_ours(serving.fd, &handle)) {
		trap_settle_later(c, serving.fd);
		trap_answer(c, -EINPROGRESS);
	} else {
		finish(c, r);
	}
}

/* ---- bind, listen, accept ---- */

static void
serve_bind(const struct trap_call *c)
{
	int r;

	if (!take_ours(c))
		return;
	sock_caller = c->tid;
	r = with_name(c, sock_bind);
	finish(c, r);
}

static void
serve_listen(const struct trap_call *c)
{
	int r;

	if (!take_ours(c))
		return;
	if (!trap_become_caller(c)) {
		fail(c, -ESRCH);
		return;
	}
	r = sock_listen(serving.fd, (int)c->arg[1]);
	trap_become_self();
	finish(c, r);
}

/* A buffer of ours has as much room as any name needs. */
static socklen_t
room_here(socklen_t room)
{
	return (int)room < 0 || room < sizeof(struct sockaddr_storage)
		   ? room
		   : sizeof(struct sockaddr_storage);
}

/* The peer's name for the program; as the kernel, the room is cut to it. */
static int
write_name(const struct trap_call *c, const struct sockaddr_storage *name,
    socklen_t room, socklen_t len)
{
	int err = trap_write(c, c->arg[1], name, room < len ? room : len);

	return err != 0 ? err : trap_write(c, c->arg[2], &len, sizeof len);
}

static int
accept_flags(const struct trap_call *c)
{
	return c->nr == SYS_accept4 ? (int)c->arg[3] : 0;
}

/* As in finish(): a listener that the program closes then is no more. */
static void
let_go(struct trap_op *op)
{
	close(op->fd);
	op->fd = -1;
}

static bool
refuse(struct trap_op *op, int err)
{
	let_go(op);
	return trap_answer(&op->c, err) || true;
}

/* true: answered. */
static bool
accept_now(struct trap_op *op, uint32_t events)
{
	const struct trap_call *c = &op->c;
	struct sockaddr_storage name;
	socklen_t len = room_here(op->room);
	int new, err = 0, flags = accept_flags(c);

	serving =
	    (struct serving){.c = c, .fd = op->fd, .target_fd = (int)c->arg[0]};
	/* The connection shall stay where it is, then. */
	if (!trap_has_room(c))
		return refuse(op, -EMFILE);
	new = sock_accept4(op->fd,
	    c->arg[1] != 0 ? (struct sockaddr *)&name : NULL,
	    op->room_known ? &len : NULL, flags | SOCK_CLOEXEC);
	if (new < 0) {
		if (errno == EAGAIN && op->events != 0)
			return false;
		return refuse(op, -errno);
	}
	if (c->arg[1] != 0)
		err = write_name(c, &name, op->room, len);
	let_go(op);
	if (err != 0)
		trap_answer(c, err);
	else
		trap_give(c, new, flags & SOCK_CLOEXEC);
	close(new);
	return true;
}

static void
serve_accept(const struct trap_call *c)
{
	struct trap_op op = {
	    .c = *c, .timed_out = -EAGAIN, .again = accept_now};
	int flags = accept_flags(c);

	if (!take_ours(c))
		return;
	op.fd = serving.fd;
	if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0) {
		fail(c, -EINVAL);
		return;
	}
	if (c->arg[1] != 0)
		op.room_known =
		    trap_read(c, c->arg[2], &op.room, sizeof op.room) == 0;
	if (!still_there(c))
		return;
	op.events = sock_nonblocking(op.fd) ? 0 : EPOLLIN;
	op.end_ms = sock_patience_ms(op.fd, SO_RCVTIMEO);
	if (accept_now(&op, 0))
		close(op.fd);
	else
		trap_wait(&op);
}

/* ---- names, shutdown ---- */

static void
serve_name(const struct trap_call *c)
{
	struct sockaddr_storage name;
	struct sockaddr *sa = (struct sockaddr *)&name;
	socklen_t room = 0, len, *lenp = &len;
	int r;

	if (!take_ours(c))
		return;
	if (trap_read(c, c->arg[2], &room, sizeof room) != 0)
		lenp = NULL;
	if (!still_there(c))
		return;
	len = room_here(room);
	r = c->nr == SYS_getsockname ? sock_getsockname(serving.fd, sa, lenp)
				     : sock_getpeername(serving.fd, sa, lenp);
	if (r == 0 && (r = write_name(c, &name, room, len)) != 0)
		fail(c, r);
	else
		finish(c, r);
}

static void
serve_shutdown(const struct trap_call *c)
{
	if (take_ours(c) && still_there(c))
		finish(c, sock_shutdown(serving.fd, (int)c->arg[1]));
}

/* ---- options ---- */

static void
serve_getsockopt(const struct trap_call *c)
{
	uint8_t val[VALUE_MAX];
	socklen_t len, *lenp = &len;
	int r;

	if (!take_ours(c))
		return;
	if (trap_read(c, c->arg[4], &len, sizeof len) != 0)
		lenp = NULL;
	else if ((int)len > VALUE_MAX)
		len = VALUE_MAX;
	if (!still_there(c))
		return;
	r = sock_getsockopt(
	    serving.fd, (int)c->arg[1], (int)c->arg[2], val, lenp);
	if (r < 0 || serving.foreign) {
		finish(c, r);
		return;
	}
	r = trap_write(c, c->arg[3], val, len);
	if (r == 0)
		r = trap_write(c, c->arg[4], &len, sizeof len);
	fail(c, r);
}

static void
serve_setsockopt(const struct trap_call *c)
{
	uint8_t val[VALUE_MAX];
	socklen_t len = (socklen_t)c->arg[4];
	const void *at = c->arg[3] != 0 ? val : NULL;
	int r;

	if (!take_ours(c))
		return;
	if ((int)len > VALUE_MAX)
		len = VALUE_MAX;
	if ((int)len > 0 && at != NULL &&
	    trap_read(c, c->arg[3], val, len) != 0)
		at = UNREADABLE;
	/* Who joins a group of the kernel's gets a socket of the kernel's. */
	if (!trap_become_caller(c)) {
		fail(c, -ESRCH);
		return;
	}
	r = sock_setsockopt(
	    serving.fd, (int)c->arg[1], (int)c->arg[2], at, len);
	trap_become_self();
	finish(c, r);
}

/* ---- ioctl ---- */

size_t
trap_ioctl_size(unsigned long req)
{
	switch (req) {
	case FIONREAD: /* of a datagram's size */
	case SIOCOUTQ:
	case SIOCOUTQNSD:
		return sizeof(int);
	case SIOCGIFADDR:
	case SIOCGIFDSTADDR:
	case SIOCGIFBRDADDR:
	case SIOCGIFNETMASK:
		return sizeof(struct ifreq);
	default:
		return 0; /* an AF_UNIX socket answers it as well */
	}
}

static void
serve_ioctl(const struct trap_call *c)
{
	unsigned long req = (uint32_t)c->arg[1];
	size_t size = trap_ioctl_size(req);
	union {
		int i;
		struct ifreq r;
	} arg;
	void *at = &arg;
	int r;

	if (!take_ours(c))
		return;
	if (trap_read(c, c->arg[2], &arg, size) != 0)
		at = UNREADABLE;
	if (!still_there(c))
		return;
	r = sock_ioctl(serving.fd, req, at);
	if (r == 0 && (r = trap_write(c, c->arg[2], &arg, size)) != 0)
		fail(c, r);
	else
		finish(c, r);
}

void
trap_serve(const struct trap_call *c)
{
	switch (c->nr) {
	case SYS_socket:
		serve_socket(c);
		break;
	case SYS_connect:
		serve_connect(c);
		break;
	case SYS_bind:
		serve_bind(c);
		break;
	case SYS_listen:
		serve_listen(c);
		break;
#ifdef SYS_accept
	case SYS_accept:
#endif
	case SYS_accept4:
		serve_accept(c);
		break;
	case SYS_getsockname:
	case SYS_getpeername:
		serve_name(c);
		break;
	case SYS_shutdown:
		serve_shutdown(c);
		break;
	case SYS_getsockopt:
		serve_getsockopt(c);
		break;
	case SYS_setsockopt:
		serve_setsockopt(c);
		break;
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
		serve_data(c);
		break;
	case SYS_ioctl:
		serve_ioctl(c);
		break;
	default:
		trap_continue(c);
	}
}
