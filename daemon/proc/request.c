/* SPDX-License-Identifier: ISC */
/*
 * Requests: one message, one answer, by a table.  A request names a socket by
 * its handle; it is the client's if his uid made it.  Another user's process
 * (a worker that changed its uid) proves an accepted connection by passing the
 * descriptor itself: its peer is the engine, under the name that only our end
 * can have.
 *
 * A bound or listening socket, of a server that bound its port as root and is
 * another user now, and one that connected, are proved by the cookie that the
 * maker told: the kernel gives no two sockets the same, so a wrong one harms
 * nobody but its maker.
 */
#include "config.h"
#include <sys/socket.h>
#include <sys/un.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "proc/engine.h"

/* ---- whose socket ---- */

/* Is fd the program's end of c, which was accepted? */
static bool
proves(const struct chan *c, int fd)
{
	struct sockaddr_un sun;
	struct proto_peer want;
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (!c->accepted || c->pcb == NULL ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
	    cred.pid != getpid())
		return false;
	len = sizeof sun;
	if (getpeername(fd, (struct sockaddr *)&sun, &len) < 0 ||
	    sun.sun_family != AF_UNIX ||
	    len != offsetof(struct sockaddr_un, sun_path) + sizeof want)
		return false;
	chan_peer_name(c, &want);
	return memcmp(sun.sun_path, &want, sizeof want) == 0;
}

/* Does fd have the cookie that n's maker told? */
static bool
has_cookie(const struct name *n, int fd)
{
	uint64_t cookie = 0, told = n->kind == NAME_BOUND
					? ((const struct bound *)n)->cookie
					: ((const struct chan *)n)->cookie;
	socklen_t len = sizeof cookie;

	return told != 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 &&
	       cookie == told;
}

/* The socket that r is about; NULL and *err when there is none for him. */
static struct name *
socket_of(struct request *r, int *err)
{
	struct names *t = &r->e->names;
	struct name *n;

	n = names_find(t, r->uid, r->head.handle);
	if (n != NULL)
		return n;
	*err = EBADF;
	for (n = names_any(t, r->head.handle, NULL); n != NULL;
	     n = names_any(t, r->head.handle, n)) {
		if (r->pass >= 0 && n->kind == NAME_CHAN &&
		    proves((struct chan *)n, r->pass)) {
			r->good = true; /* its queue holds our bytes only */
			return n;
		}
		if (r->pass >= 0 &&
		    (n->kind == NAME_BOUND || n->kind == NAME_CHAN) &&
		    has_cookie(n, r->pass)) {
			r->shown = true;
			if (n->kind == NAME_BOUND)
				bound_shown((struct bound *)n, r->uid);
			return n;
		}
		*err = EACCES;
	}
	/* Without a descriptor this is only how a client learns that he must
	 * show one (a worker that changed its user). */
	if (*err == EACCES && r->pass >= 0)
		drop_count(r->e->drops, DROP_IPC_CREDENTIALS);
	return NULL;
}

static struct chan *
chan_of(struct name *n)
{
	struct chan *c = (struct chan *)n;

	return n != NULL && n->kind == NAME_CHAN && c->pcb != NULL ? c : NULL;
}

static struct bound *
bound_of(struct request *r, struct name *n)
{
	if (n == NULL || n->kind != NAME_BOUND)
		return NULL;
	bound_spoken((struct bound *)n, r->pid, r->visit_fd);
	return (struct bound *)n;
}

/* ---- the requests ---- */

bool
request_our_addr(struct request *r, const struct ipaddr *addr)
{
	return stack_is_local(r->e->stack, addr);
}

static int
do_bind(struct request *r)
{
	struct proto_name name;
	struct ipaddr addr;
	int err;

	memcpy(&name, r->body, sizeof name);
	if (!proto_name_get(&name, &addr))
		return EAFNOSUPPORT;
	if (!ipaddr_is_any(&addr) && !request_our_addr(r, &addr))
		return EADDRNOTAVAIL;
	err = refuse_bind(r->e, &addr, name.port);
	return err != 0 ? err : bound_bind(r, &name, &addr);
}

static int
do_listen(struct request *r)
{
	struct sockopts opts = {.ipv6 = false};
	struct proto_listen l;
	struct bound *b;
	int err = 0;

	memcpy(&l, r->body, sizeof l);
	b = bound_of(r, socket_of(r, &err));
	if (b == NULL)
		return err != 0 ? err : EINVAL;
	opts.ipv6 = b->opts.ipv6;
	err = sockopt_unpack(&opts, (const uint8_t *)r->body + sizeof l,
	    r->len - sizeof l, l.nopts);
	if (err != 0)
		return err;
	b->opts = opts;
	return bound_listen(b, l.backlog);
}

static int
do_shutdown(struct request *r)
{
	struct proto_listen l;
	struct bound *b;
	int err = 0;

	memcpy(&l, r->body, sizeof l);
	b = bound_of(r, socket_of(r, &err));
	if (b == NULL)
		return err != 0 ? err : ENOTCONN;
	if (l.backlog == SHUT_WR)
		return 0; /* a listener has nothing to send */
	return bound_unlisten(b);
}

static int
put_name(struct request *r, bool ipv6, const struct ipaddr *a, uint16_t port)
{
	struct proto_name name;

	proto_name_put(&name, ipv6, a, port);
	memcpy(r->out, &name, sizeof name);
	r->outlen = sizeof name;
	return 0;
}

static int
do_getsockname(struct request *r)
{
	struct tcp_bind_info info;
	const struct tuple *t;
	struct name *n;
	struct chan *c;
	struct bound *b;
	int err = 0;

	n = socket_of(r, &err);
	if ((c = chan_of(n)) != NULL) {
		t = tcp_tuple(c->pcb);
		return put_name(r, c->opts.ipv6, &t->laddr, t->lport);
	}
	b = bound_of(r, n);
	if (b != NULL && b->tb == NULL && b->portless)
		return put_name(r, b->opts.ipv6, &b->addr, 0);
	if (b == NULL || b->tb == NULL)
		return err != 0 ? err : EBADF;
	tcp_bind_info(b->tb, &info);
	return put_name(r, b->opts.ipv6, &info.addr, info.port);
}

static int
do_getpeername(struct request *r)
{
	const struct tuple *t;
	struct chan *c;
	int err = 0;

	c = chan_of(socket_of(r, &err));
	if (c == NULL || c->half_open)
		return err != 0 ? err : ENOTCONN;
	t = tcp_tuple(c->pcb);
	return put_name(r, c->opts.ipv6, &t->raddr, t->rport);
}

static int
put_value(struct request *r, struct proto_opt *o, uint32_t len)
{
	o->len = len;
	o->reserved = 0;
	memcpy(r->out, o, sizeof *o);
	r->outlen = sizeof *o + len;
	return 0;
}

static int
do_getopt(struct request *r)
{
	struct tcp_info_out info = {0};
	struct proto_opt o;
	struct bound *b;
	struct chan *c;
	struct name *n;
	uint32_t len;
	int err = 0;

	memcpy(&o, r->body, sizeof o);
	n = socket_of(r, &err);
	if (n == NULL)
		return err;
	len = o.len < PROTO_OPT_MAX ? o.len : PROTO_OPT_MAX;
	c = chan_of(n);
	b = c == NULL ? bound_of(r, n) : NULL;
	if (c == NULL && b == NULL)
		return ENOTCONN;
	if (aokey_is(o.level, o.name)) {
		err = keys_getopt(b, c, r->out + sizeof o, &len);
	} else if (c != NULL) {
		tcp_info(c->pcb, &info, engine_now(r->e));
		err = sockopt_get_live(
		    &c->opts, &info, o.level, o.name, r->out + sizeof o, &len);
	} else {
		info.state = b->listening ? TCPS_LISTEN : TCPS_CLOSED;
		err = sockopt_get_live(
		    &b->opts, &info, o.level, o.name, r->out + sizeof o, &len);
	}
	return err != 0 ? err : put_value(r, &o, len);
}

static int
do_key(struct request *r, struct name *n, const struct proto_opt *o,
    const uint8_t *val)
{
	struct bound *b = bound_of(r, n);
	struct chan *c = chan_of(n);

	return b == NULL && c == NULL ? ENOTCONN : keys_setopt(b, c, o, val);
}

static int
set_bound(struct bound *b, const struct proto_opt *o, const uint8_t *val)
{
	int err = sockopt_set(&b->opts, o->level, o->name, val, o->len);

	if (err != 0)
		return err;
	if (o->level == SOL_SOCKET &&
	    (o->name == SO_REUSEADDR || o->name == SO_REUSEPORT))
		bound_reuse(b, o->name,
		    sockopt_val(&b->opts,
			o->name == SO_REUSEADDR ? OPT_SO_REUSEADDR
						: OPT_SO_REUSEPORT,
			0) != 0);
	return bound_opts(b);
}

static int
do_setopt(struct request *r)
{
	struct tcp_opts opts, now;
	struct sockopts next;
	struct proto_opt o;
	const uint8_t *val;
	struct bound *b;
	struct chan *c;
	struct name *n;
	int err = 0;

	memcpy(&o, r->body, sizeof o);
	val = (const uint8_t *)r->body + sizeof o;
	if (o.len != r->len - sizeof o || o.len > PROTO_OPT_MAX)
		return -EPROTO;
	n = socket_of(r, &err);
	if (n == NULL)
		return err;
	if (md5key_is(o.level, o.name) || aokey_is(o.level, o.name))
		return do_key(r, n, &o, val);
	if ((b = bound_of(r, n)) != NULL)
		return set_bound(b, &o, val);
	if ((c = chan_of(n)) == NULL)
		return ENOTCONN;
	next = c->opts;
	err = sockopt_set(&next, o.level, o.name, val, o.len);
	if (err != 0)
		return err;
	sockopt_to_tcp(&next, chan_ipv6(c), &opts);
	if (!c->half_open) {
		/* As on Linux, TCP_MAXSEG is the handshake's. */
		tcp_get_opts(c->pcb, &now);
		opts.max_seg = now.max_seg;
	}
	err = -tcp_apply_opts(c->pcb, &opts, engine_now(r->e));
	if (err == 0)
		c->opts = next;
	return err;
}

static int
do_error(struct request *r)
{
	struct chan *c;
	struct name *n;
	int err = 0;

	n = socket_of(r, &err);
	if (n == NULL)
		return err;
	if ((c = chan_of(n)) != NULL)
		return tcp_soft_error(c->pcb);
	return error_take(r->e, n->uid, n->handle);
}

static int
do_policy(struct request *r)
{
	if (r->e->policy_fd < 0)
		return EAGAIN;
	r->pass_fd = r->e->policy_fd;
	return 0;
}

static int
do_outq(struct request *r)
{
	struct proto_opt o = {0};
	uint32_t q[2];
	struct chan *c;
	int err = 0, n;

	c = chan_of(socket_of(r, &err));
	if (c == NULL)
		return err != 0 ? err : ENOTCONN;
	n = c->state == CHAN_CONNECTING || c->preamble
		? 0
		: chan_pending(c) - c->lag;
	if (n < 0)
		n = 0;
	n += (int)chan_ring_waiting(c);
	q[0] = (uint32_t)tcp_send_queued(c->pcb) + (uint32_t)n;
	q[1] = (uint32_t)tcp_send_unsent(c->pcb) + (uint32_t)n;
	memcpy(r->out + sizeof o, q, sizeof q);
	return put_value(r, &o, sizeof q);
}

static int
do_urgent(struct request *r)
{
	struct chan *c;
	int err = 0;

	c = chan_of(socket_of(r, &err));
	if (c == NULL || c->state != CHAN_OPEN)
		return err != 0 ? err : ENOTCONN;
	chan_mark_next(c);
	return 0;
}

static int
do_ring(struct request *r)
{
	struct proto_opt o = {0};
	uint32_t size;
	struct chan *c;
	int err = 0;

	c = chan_of(socket_of(r, &err));
	if (c == NULL)
		return err != 0 ? err : ENOTCONN;
	err = chan_ring_open(c, &r->pass_fd, &size);
	if (err != 0)
		return err;
	r->pass_on = true;
	memcpy(r->out + sizeof o, &size, sizeof size);
	return put_value(r, &o, sizeof size);
}

/* Could a SYN of this socket's carry data?  Asked before an attach. */
static int
do_fastopen(struct request *r)
{
	static const struct ipaddr any6;
	struct proto_opt o = {0};
	struct tcp_bind_info info;
	struct tcp_opts opts;
	struct ipaddr src;
	struct bound *b;
	struct hello h;
	int n = hello_parse(r->body, r->len, &h);
	bool v4;

	if (n != 0)
		return n;
	v4 = ipaddr_is_v4(&h.dst);
	src = v4 ? ipaddr_v4(0) : any6;
	b = bound_find(r->e, r->uid, r->head.handle);
	if (b != NULL && b->tb != NULL) {
		tcp_bind_info(b->tb, &info);
		if (!ipaddr_is_any(&info.addr))
			src = info.addr;
	}
	sockopt_to_tcp(&h.opts, !v4, &opts);
	n = tcp_fastopen_room(r->e->tcp, &src, &h.dst, &opts, engine_now(r->e));
	if (n < 0)
		return -n;
	memcpy(r->out + sizeof o, &n, sizeof n);
	return put_value(r, &o, sizeof n);
}

/* What only a socket of UDP can be asked. */
static int
no_dgram(struct request *r)
{
	return EBADF;
}

static const struct {
	int (*serve)(struct request *);
	size_t min, max; /* of the body */
} table[PROTO_NTYPES] = {
    [PROTO_BIND] = {do_bind, sizeof(struct proto_name),
	sizeof(struct proto_name) + sizeof(uint64_t)},
    [PROTO_LISTEN] = {do_listen, sizeof(struct proto_listen), PROTO_MSG_MAX},
    [PROTO_GETSOCKNAME] = {do_getsockname, 0, 0},
    [PROTO_GETPEERNAME] = {do_getpeername, 0, 0},
    [PROTO_GETOPT] = {do_getopt, sizeof(struct proto_opt),
	sizeof(struct proto_opt) + PROTO_OPT_MAX},
    [PROTO_SETOPT] = {do_setopt, sizeof(struct proto_opt),
	sizeof(struct proto_opt) + PROTO_OPT_MAX},
    [PROTO_ERROR] = {do_error, 0, 0},
    [PROTO_POLICY] = {do_policy, 0, 0},
    [PROTO_SHUTDOWN] = {do_shutdown, sizeof(struct proto_listen),
	sizeof(struct proto_listen)},
    [PROTO_OUTQ] = {do_outq, 0, 0},
    [PROTO_URGENT] = {do_urgent, 0, 0},
    [PROTO_RING] = {do_ring, 0, 0},
    [PROTO_FASTOPEN] = {do_fastopen, sizeof(struct proto_attach),
	PROTO_MSG_MAX},
    [PROTO_RESOLVE] = {resolve_ask, 0, PROTO_MSG_MAX},
    [PROTO_DGRAM] = {dgram_make, sizeof(struct proto_listen),
	sizeof(struct proto_listen)},
    [PROTO_DCONNECT] = {no_dgram, sizeof(struct proto_name),
	sizeof(struct proto_name)},
    [PROTO_DEMPTY] = {no_dgram, sizeof(struct proto_listen),
	sizeof(struct proto_listen)},
    [PROTO_DERROR] = {no_dgram, 0, 0},
    [PROTO_TELLOPT] = {do_setopt, sizeof(struct proto_opt),
	sizeof(struct proto_opt) + PROTO_OPT_MAX},
};

int
request_serve(struct request *r)
{
	unsigned type = r->head.type;
	struct dgram *d;
	int err = 0;

	if (type >= PROTO_NTYPES || table[type].serve == NULL ||
	    r->len < table[type].min || r->len > table[type].max)
		return -EPROTO;
	d = dgram_of(r, &err);
	if (d != NULL)
		return dgram_serve(r, d);
	return err != 0 ? err : table[type].serve(r);
}
