/* SPDX-License-Identifier: ISC */
/*
 * Requests about sockets of UDP.  One is his whose uid made it; another user's
 * process (a worker that changed its uid) shows the descriptor itself, whose
 * cookie we know.
 */
#include "config.h"
#include <sys/socket.h>
#include <errno.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>
#include "ipc/dgramopt.h"
#include "proc/engine.h"

static bool
proves(const struct dgram *d, int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof cookie;

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 &&
	       cookie == d->cookie;
}

struct dgram *
dgram_of(struct request *r, int *err)
{
	struct names *t = &r->e->names;
	struct name *n = names_find(t, r->uid, r->head.handle);

	*err = 0;
	if (n != NULL)
		return n->kind == NAME_DGRAM ? (struct dgram *)n : NULL;
	for (n = names_any(t, r->head.handle, NULL); n != NULL;
	     n = names_any(t, r->head.handle, n)) {
		if (n->kind != NAME_DGRAM)
			continue;
		if (r->pass >= 0 && proves((struct dgram *)n, r->pass)) {
			r->good = true; /* its queue holds our bytes only */
			return (struct dgram *)n;
		}
		*err = EACCES;
		if (r->pass >= 0)
			drop_count(r->e->drops, DROP_IPC_CREDENTIALS);
	}
	return NULL;
}

/* PROTO_DGRAM, of a handle that nobody has. */
int
dgram_make(struct request *r)
{
	struct proto_listen l;
	int fd, err;

	memcpy(&l, r->body, sizeof l);
	if (l.backlog != AF_INET && l.backlog != AF_INET6)
		return EAFNOSUPPORT;
	if (r->head.handle == 0 ||
	    names_find(&r->e->names, r->uid, r->head.handle) != NULL)
		return EINVAL;
	if (r->acct->conns >= r->acct->limit.conns)
		dgrams_bury(r->e);
	if (r->acct->conns >= r->acct->limit.conns) {
		r->acct->conns_refused++;
		r->e->stats.refused_quota++;
		return EMFILE;
	}
	err = dgram_new(r, l.backlog == AF_INET6, &fd);
	if (err != 0)
		return err;
	r->pass_fd = fd;
	r->pass_on = true;
	return 0;
}

static int
put_name(struct request *r, const struct dgram *d, const struct ipaddr *a,
    uint16_t port)
{
	struct proto_name name;

	proto_name_put(&name, d->opts.ipv6, a, port);
	memcpy(r->out, &name, sizeof name);
	r->outlen = sizeof name;
	return 0;
}

static int
put_words(struct request *r, uint32_t a, uint32_t b)
{
	struct proto_opt o = {.len = 2 * sizeof a};

	memcpy(r->out, &o, sizeof o);
	memcpy(r->out + sizeof o, &a, sizeof a);
	memcpy(r->out + sizeof o + sizeof a, &b, sizeof b);
	r->outlen = sizeof o + o.len;
	return 0;
}

static int
do_bind(struct request *r, struct dgram *d)
{
	struct proto_name name;
	struct ipaddr addr;
	int err;

	memcpy(&name, r->body, sizeof name);
	if (!proto_name_get(&name, &addr) ||
	    (name.family == AF_INET6) != d->opts.ipv6)
		return EAFNOSUPPORT;
	if (!ipaddr_is_any(&addr) && !request_our_addr(r, &addr))
		return EADDRNOTAVAIL;
	if (!bound_may_have(r, name.port))
		return EACCES;
	err = refuse_bind(r->e, &addr, name.port);
	if (err != 0)
		return err;
	err = udp_bind(d->sock, &addr, name.port);
	if (err == -EADDRINUSE) {
		dgrams_bury(r->e);
		err = udp_bind(d->sock, &addr, name.port);
	}
	return -err;
}

static int
do_connect(struct request *r, struct dgram *d)
{
	struct proto_name name;
	struct ipaddr addr;
	int err = 0;

	memcpy(&name, r->body, sizeof name);
	here_forget(d);
	d->asks = false;
	if (name.family == AF_UNSPEC)
		udp_disconnect(d->sock);
	else if (!proto_name_get(&name, &addr) ||
		 (name.family == AF_INET6) != d->opts.ipv6)
		err = EAFNOSUPPORT;
	else if ((err = refuse_connect(r->e, d->name.uid, &addr, name.port)) ==
		 0)
		err = here_is(r->e, &addr, name.port)
			  ? here_connect(d, &addr, name.port)
			  : -udp_connect(d->sock, &addr, name.port);
	if (err != 0)
		return err;
	dgram_apply(d);
	return put_words(r, d->raw && dgram_queued(d) == 0, d->raw);
}

static int
do_getsockname(struct request *r, struct dgram *d)
{
	struct udp_info info;

	udp_info(d->sock, &info);
	return put_name(r, d, &info.id.laddr, info.id.lport);
}

static int
do_getpeername(struct request *r, struct dgram *d)
{
	struct udp_info info;

	udp_info(d->sock, &info);
	if (!info.connected)
		return ENOTCONN;
	return put_name(r, d, &info.id.raddr, info.id.rport);
}

static int
do_getopt(struct request *r, struct dgram *d)
{
	struct udp_info info;
	struct proto_opt o;
	uint32_t len;
	int err;

	memcpy(&o, r->body, sizeof o);
	len = o.len < PROTO_OPT_MAX ? o.len : PROTO_OPT_MAX;
	udp_info(d->sock, &info);
	err = dgramopt_get(
	    &d->opts, info.mtu, o.level, o.name, r->out + sizeof o, &len);
	if (err != 0)
		return err;
	o.len = len;
	o.reserved = 0;
	memcpy(r->out, &o, sizeof o);
	r->outlen = sizeof o + len;
	return 0;
}

static int
do_setopt(struct request *r, struct dgram *d)
{
	struct udp_info info;
	struct proto_opt o;
	int err;

	memcpy(&o, r->body, sizeof o);
	if (o.len != r->len - sizeof o || o.len > PROTO_OPT_MAX)
		return -EPROTO;
	if (o.level == IPPROTO_UDP)
		dgram_catch_up(d); /* which that does not concern */
	udp_info(d->sock, &info);
	if (o.level == IPPROTO_IPV6 && o.name == IPV6_V6ONLY &&
	    info.id.lport != 0)
		return EINVAL; /* it has an address by now */
	err = dgramopt_set(&d->opts, o.level, o.name,
	    (const uint8_t *)r->body + sizeof o, o.len);
	if (err == 0)
		dgram_apply(d);
	if (o.level == IPPROTO_UDP && o.name == UDP_CORK && !d->opts.cork)
		dgram_uncork(d);
	return err;
}

/* What an empty message meant. */
static int
do_empty(struct request *r, struct dgram *d)
{
	struct proto_listen l;
	bool error = d->error != 0;
	uint32_t what;

	memcpy(&l, r->body, sizeof l);
	if (l.backlog != PROTO_EMPTY_ASKED) {
		error = d->nempties > 0 ? d->empties & 1 : !d->raw;
		if ((error || l.backlog == PROTO_EMPTY_TAKEN) &&
		    d->nempties > 0) {
			d->nempties--;
			d->empties >>= 1;
		}
		if (!error)
			return put_words(r, 0, 1);
	}
	what = (uint32_t)d->error;
	d->error = 0;
	return put_words(r, what, 0);
}

static int
do_error(struct request *r, struct dgram *d)
{
	int err = d->error;

	d->error = 0;
	return err;
}

static int (*const table[PROTO_NTYPES])(struct request *, struct dgram *) = {
    [PROTO_BIND] = do_bind,
    [PROTO_GETSOCKNAME] = do_getsockname,
    [PROTO_GETPEERNAME] = do_getpeername,
    [PROTO_GETOPT] = do_getopt,
    [PROTO_SETOPT] = do_setopt,
    [PROTO_ERROR] = do_error,
    [PROTO_DCONNECT] = do_connect,
    [PROTO_DEMPTY] = do_empty,
    [PROTO_DERROR] = dgram_error_take,
};

/* The lengths are as in request.c's table. */
int
dgram_serve(struct request *r, struct dgram *d)
{
	unsigned type = r->head.type;

	return table[type] != NULL ? table[type](r, d) : EOPNOTSUPP;
}
