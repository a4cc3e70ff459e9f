/* SPDX-License-Identifier: ISC */
/*
 * Peers' connections to listeners: what the stack asks in the middle of a
 * segment.  Nothing may be unbound here; a listener that turns out to be dead
 * is marked and reaped in the flush.
 *
 * An established connection is a connect() of a new D to the listener's node:
 * the kernel's accept queue, wake-ups and time-outs are then the program's own.
 * D carries a struct proto_peer as its name, so accept() tells the program
 * whose connection it is.
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "proc/engine.h"
#include "proc/log.h"

#define PROBE_FRESH_US 200LL /* bounds what probing costs: 3 us each */
#define PROBE_CROWD    16    /* half-open ones, from where on it must */

/*
 * Was it asked so lately that it counts as alive?  What comes after all to one
 * of several at a port, closed since, would be reset, though the others could
 * have it: each SYN asks there, but in a flood.
 */
static bool
lately_alive(struct bound *b, const struct tcp_bind_info *info)
{
	if (info->flags & TCP_BIND_REUSEPORT && info->half_open < PROBE_CROWD)
		return false;
	return mono_diff(engine_now(b->e), b->probed) <= PROBE_FRESH_US;
}

enum tcp_admit
bound_may_open(void *ctx, struct tcp_bind *tb)
{
	struct engine *e = ctx;
	struct tcp_bind_info info;
	struct account *a;
	struct bound *b;

	tcp_bind_info(tb, &info);
	b = info.user;
	if (b == NULL || b->dead)
		return TCP_ADMIT_GONE;
	/* A listener that its living program closed: nobody told us. */
	if (!lately_alive(b, &info) && !bound_alive(b)) {
		b->dead = e->reap = true;
		return TCP_ADMIT_GONE;
	}
	a = b->acct;
	if (a->conns >= a->limit.conns) {
		a->conns_refused++;
		return TCP_ADMIT_NO;
	}
	if (account_half_passive(e, a) >= a->limit.half_open) {
		a->half_open_refused++;
		return TCP_ADMIT_COOKIE;
	}
	a->half_passive++;
	return TCP_ADMIT_YES;
}

void
chan_peer_name(const struct chan *c, struct proto_peer *out)
{
	const struct tuple *t = tcp_tuple(c->pcb);

	memset(out, 0, sizeof *out);
	memcpy(out->magic, PROTO_PEER_MAGIC, sizeof out->magic);
	out->handle = c->name.handle;
	proto_name_put(&out->local, c->opts.ipv6, &t->laddr, t->lport);
	out->local.flags = c->acct->uid;
	proto_name_put(&out->remote, c->opts.ipv6, &t->raddr, t->rport);
}

static uint64_t
new_handle(struct engine *e, uint32_t uid)
{
	uint64_t h;

	do
		h = rng_u64(&e->rng) & PROTO_HANDLE_MASK;
	while (h == 0 || names_find(&e->names, uid, h) != NULL);
	return h;
}

/* D, under its name, connected to b's node; or a negative errno. */
static int
connect_node(struct engine *e, struct bound *b, struct chan *c)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct proto_peer peer;

	chan_peer_name(c, &peer);
	memcpy(sun.sun_path, &peer, sizeof peer);
	if (bind(c->fd, (struct sockaddr *)&sun,
		offsetof(struct sockaddr_un, sun_path) + sizeof peer) < 0)
		return -errno;
	bound_node_address(e, b->node, &sun);
	if (connect(c->fd, (struct sockaddr *)&sun, sizeof sun) < 0)
		return -errno;
	return 0;
}

static int
accept_error(struct engine *e, struct bound *b, int err)
{
	switch (err) {
	case -EAGAIN:
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return -EAGAIN; /* the peer tries again */
	case -ECONNREFUSED:
		b->dead = e->reap = true;
		break;
	default:
		if (!e->told_path)
			log_warn("cannot reach a listener of uid %u: %s; is "
				 "its node open to the engine's user?",
			    b->name.uid, strerror(-err));
		e->told_path = true;
	}
	b->refused++;
	return -ECONNREFUSED;
}

int
bound_accept(void *ctx, struct tcp_bind *tb, struct tcp_pcb *pcb)
{
	struct engine *e = ctx;
	struct tcp_bind_info info;
	struct tcp_opts opts;
	struct account *a;
	struct bound *b;
	struct chan *c;
	int fd, err;

	tcp_bind_info(tb, &info);
	b = info.user;
	if (b == NULL || b->dead || e->stopping)
		return -ECONNREFUSED;
	a = b->acct;
	if (a->conns >= a->limit.conns) {
		a->conns_refused++;
		return -EAGAIN;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return accept_error(e, b, -errno);
	(void)msg_allow_fds(fd, false);
	c = chan_new(e, a, new_handle(e, a->uid), fd, b->pid);
	if (c == NULL) {
		close(fd);
		return -EAGAIN;
	}
	c->state = CHAN_OPEN;
	c->accepted = c->preamble = true;
	c->pcb = pcb;
	sockopt_inherit(&b->opts, &c->opts);
	err = connect_node(e, b, c);
	if (err == 0 && !chan_start(c, false))
		err = -ENOMEM;
	if (err != 0) {
		c->pcb = NULL; /* the layer's still */
		chan_free(c);
		return accept_error(e, b, err);
	}
	/* A wildcard's connections may be of the other family. */
	sockopt_to_tcp(&c->opts, chan_ipv6(c), &opts);
	account_congestion(a, &opts);
	if (sockopt_any(&c->opts) || opts.congestion != NULL) {
		(void)tcp_apply_opts(pcb, &opts, engine_now(e));
	}
	tcp_set_user(pcb, c);
	account_share(c);
	b->accepted++;
	e->stats.accepts++;
	return 0;
}
