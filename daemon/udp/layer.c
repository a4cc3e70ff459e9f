/* SPDX-License-Identifier: ISC */
/*
 * The UDP layer's life, its sockets', and what goes out.
 *
 * A datagram longer than the path takes is cut up by us where the socket lets
 * it (UDP_PMTU_WANT, which is Linux's default): then one that fits may not be
 * cut up on the way either, so that routers tell how much fits (RFC 8900 asks
 * for no more of a host).
 */
#include "udp/udp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "udp/internal.h"

#define HDR4 (20 + 8)
#define HDR6 (40 + 8)

struct udp *
udp_new(const struct udp_config *cfg)
{
	struct udp *u = calloc(1, sizeof *u);

	if (u == NULL)
		return NULL;
	u->net = cfg->net;
	u->env = cfg->env;
	u->drops = cfg->drops;
	u->port_first = cfg->port_first;
	u->port_last = cfg->port_last;
	rng_init(&u->rng, cfg->seed[0], cfg->seed[1]);
	u->key_group = (struct siphash_key){rng_u64(&u->rng), rng_u64(&u->rng)};
	slab_init(&u->socks, sizeof(struct udp_sock), 0);
	RB_INIT(&u->ports);
	RB_INIT(&u->open);
	RB_INIT(&u->peers);
	return u;
}

void
udp_free(struct udp *u)
{
	if (u == NULL)
		return;
	slab_done(&u->socks);
	free(u);
}

struct udp_sock *
udp_open(struct udp *u, bool ipv6, uint32_t owner, void *user)
{
	struct udp_sock *s = slab_alloc(&u->socks);

	if (s == NULL)
		return NULL;
	s->u = u;
	s->user = user;
	s->owner = owner;
	s->opts.pmtu = s->opts.pmtu6 = UDP_PMTU_WANT;
	s->ipv6 = ipv6;
	if (!ipv6)
		s->bound = ipaddr_v4(0);
	s->id.laddr = s->bound;
	return s;
}

void
udp_close(struct udp_sock *s)
{
	udp_unlist(s);
	slab_free(&s->u->socks, s);
}

void
udp_set_opts(struct udp_sock *s, const struct udp_opts *o)
{
	s->opts = *o;
}

void *
udp_user(const struct udp_sock *s)
{
	return s->user;
}

/* May a socket like s send to dst? */
static int
reachable(const struct udp_sock *s, const struct ipaddr *dst)
{
	bool v4 = ipaddr_is_v4(dst);

	if (!s->ipv6)
		return v4 ? 0 : -EAFNOSUPPORT;
	if (v4 && s->opts.flags & UDP_V6ONLY)
		return -ENETUNREACH;
	if (s->addr_bound && ipaddr_is_v4(&s->bound) != v4)
		return -ENETUNREACH;
	return 0;
}

static const struct ipaddr any6;

static void
set_peer(struct udp_sock *s, const struct ipaddr *src, const struct ipaddr *dst,
    uint16_t port)
{
	udp_unlist(s);
	/* Port 0 is nobody's, and nothing comes from there. */
	s->connected = port != 0;
	s->id.laddr = *src;
	s->id.raddr = *dst;
	s->id.rport = port;
	udp_list(s);
}

int
udp_connect(struct udp_sock *s, const struct ipaddr *dst, uint16_t port)
{
	struct udp_path path;
	int r = reachable(s, dst);

	if (r == 0)
		r = s->u->net.path(s->u->net.ctx,
		    s->addr_bound ? &s->bound : &any6, dst, &path);
	if (r == 0)
		r = udp_autobind(s);
	if (r != 0)
		return r;
	set_peer(s, &path.src, dst, port);
	return 0;
}

int
udp_prepare(struct udp_sock *s, const struct ipaddr *dst)
{
	int r = reachable(s, dst);

	return r != 0 ? r : udp_autobind(s);
}

int
udp_connect_here(struct udp_sock *s, const struct ipaddr *src,
    const struct ipaddr *dst, uint16_t port)
{
	int r = udp_prepare(s, dst);

	if (r == 0)
		set_peer(s, s->addr_bound ? &s->bound : src, dst, port);
	return r;
}

void
udp_disconnect(struct udp_sock *s)
{
	uint16_t port = s->port_bound ? s->id.lport : 0;

	udp_unlist(s);
	s->connected = false;
	s->id = (struct tuple){.laddr = s->bound, .lport = port};
	if (port != 0)
		udp_list(s);
}

/* ---- out ---- */

/* The path's MTU, and whether it may be cut up. */
static int
fit(const struct udp_sock *s, const struct udp_path *path, bool uncut,
    struct udp_out *o)
{
	bool v4 = ipaddr_is_v4(&o->dst);
	enum udp_pmtu pmtu = v4 ? s->opts.pmtu : s->opts.pmtu6;
	uint32_t need = o->len + (v4 ? HDR4 : HDR6);

	if (o->len > (v4 ? UDP_MAX4 : UDP_MAX6))
		return -EMSGSIZE;
	o->mtu = pmtu >= UDP_PMTU_PROBE ? path->link_mtu : path->mtu;
	o->whole = need <= o->mtu && pmtu != UDP_PMTU_DONT &&
		   pmtu < UDP_PMTU_INTERFACE;
	if (need > o->mtu &&
	    (uncut || (pmtu >= UDP_PMTU_DO && pmtu != UDP_PMTU_OMIT)))
		return -EMSGSIZE;
	return 0;
}

static int
send_to(struct udp_sock *s, const struct udp_msg *m, struct udp_out *o)
{
	const struct ipaddr *src = &s->id.laddr;
	bool v4 = ipaddr_is_v4(&o->dst);
	struct udp_path path;
	int r;

	if (o->dport == 0)
		return -EINVAL;
	r = reachable(s, &o->dst);
	if (r == 0)
		r = udp_autobind(s);
	if (r != 0)
		return r;
	if (m->have_src && !ipaddr_is_any(&m->src))
		src = &m->src;
	/* DEVIATION: Linux lets IP_PKTINFO put on another user's name. */
	if (s->addr_bound && !ipaddr_eq(src, &s->bound) &&
	    udp_is_others(s, src))
		return -EADDRNOTAVAIL;
	r = s->u->net.path(s->u->net.ctx, src, &o->dst, &path);
	if (r != 0)
		return r;
	o->src = path.src;
	o->sport = s->id.lport;
	o->tos = v4 ? s->opts.tos : s->opts.tclass;
	o->ttl = v4 ? s->opts.ttl : s->opts.hops;
	if (m->tos >= 0)
		o->tos = (uint8_t)m->tos;
	if (m->ttl > 0)
		o->ttl = (uint8_t)m->ttl;
	o->no_csum = v4 && s->opts.no_csum;
	r = fit(s, &path, m->uncut, o);
	return r != 0 ? r : s->u->net.output(s->u->net.ctx, o);
}

int
udp_send(struct udp_sock *s, const struct udp_msg *m)
{
	struct udp_out o = {
	    .dst = m->dst, .dport = m->dport, .data = m->data, .len = m->len};
	int r;

	if (m->to_peer) {
		if (!s->connected)
			return -EDESTADDRREQ;
		o.dst = s->id.raddr;
		o.dport = s->id.rport;
	}
	r = send_to(s, m, &o);
	if (r != 0) {
		s->u->stats.out_errors++;
		return r;
	}
	s->out++;
	s->out_bytes += m->len;
	s->u->stats.out++;
	s->u->stats.out_bytes += m->len;
	return 0;
}

/* ---- what there is ---- */

void
udp_info(const struct udp_sock *s, struct udp_info *out)
{
	struct udp_path path;

	*out = (struct udp_info){.id = s->id,
	    .connected = s->connected,
	    .flags = s->opts.flags,
	    .in = s->in,
	    .in_bytes = s->in_bytes,
	    .out = s->out,
	    .out_bytes = s->out_bytes,
	    .full = s->full};
	if (s->connected && s->u->net.path(s->u->net.ctx, &s->id.laddr,
				&s->id.raddr, &path) == 0)
		out->mtu = path.mtu;
}

void
udp_stats(const struct udp *u, struct udp_stats *out)
{
	*out = u->stats;
	out->socks = u->socks.used;
}
