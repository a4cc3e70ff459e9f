/* SPDX-License-Identifier: ISC */
/*
 * Datagrams in, and what ICMP says about those that went out.
 *
 * A checksum of zero is one that was not made: good in IPv4 (RFC 768, RFC 1122
 * 4.1.3.4), never in IPv6 (RFC 8200 8.1).
 *
 * Errors follow Linux: one that will not go away fails a connected socket;
 * others are the path's trouble, and who has no peer cannot be told whom it is
 * about, unless he asks (IP_RECVERR).
 */
#include <errno.h>
#include "udp/internal.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

static enum drop
verify(const struct udp_packet *in, const struct wire_udp *h)
{
	struct wire_csum c = WIRE_CSUM_INIT;

	if (h->csum == 0)
		return ipaddr_is_v4(&in->dst) ? DROP_NONE : DROP_UDP_NO_CSUM;
	if (in->csum_ok)
		return DROP_NONE;
	wire_csum_pseudo(&c, &in->src, &in->dst, WIRE_PROTO_UDP, h->len);
	wire_csum_add(&c, in->p, h->len);
	return wire_csum_final(&c) == 0 ? DROP_NONE : DROP_UDP_CHECKSUM;
}

static bool
dropped(struct udp *u, enum drop why)
{
	drop_count(u->drops, why);
	u->stats.in_errors++;
	return true;
}

/* false: nobody has s any more. */
static bool
deliver(struct udp_sock *s, const struct udp_in *d)
{
	struct udp *u = s->u;
	int r = u->env.deliver(u->env.ctx, s->user, d);

	if (r == -EPIPE)
		return false;
	if (r != 0) {
		s->full++;
		u->stats.full++;
		return true;
	}
	s->in++;
	s->in_bytes += d->len;
	u->stats.in++;
	u->stats.in_bytes += d->len;
	return true;
}

bool
udp_input(struct udp *u, const struct udp_packet *in)
{
	struct udp_in d = {
	    .src = in->src, .dst = in->dst, .tos = in->tos, .ttl = in->ttl};
	struct tuple id = {.laddr = in->dst, .raddr = in->src};
	struct udp_sock *s;
	struct wire_udp h;
	int why = wire_udp_parse(in->p, in->len, &h);

	if (why == DROP_NONE)
		why = verify(in, &h);
	if (why != DROP_NONE)
		return dropped(u, why);
	id.lport = d.dport = h.dport;
	id.rport = d.sport = h.sport;
	d.data = in->p + WIRE_UDP_HDR;
	d.len = (uint32_t)h.len - WIRE_UDP_HDR;
	while ((s = udp_find(u, &id)) != NULL && !deliver(s, &d))
		udp_let_go(s);
	if (s != NULL)
		return true;
	drop_count(u->drops, DROP_UDP_NO_SOCKET);
	u->stats.no_port++;
	return false;
}

bool
udp_icmp_input(struct udp *u, const struct udp_icmp *e)
{
	struct udp_sock *s = udp_find(u, &e->id);
	bool v4 = ipaddr_is_v4(&e->id.raddr), wanted;
	enum udp_pmtu pmtu;

	if (s == NULL)
		return false;
	u->stats.icmp_errors++;
	pmtu = v4 ? s->opts.pmtu : s->opts.pmtu6;
	/* Who lets routers cut his datagrams has no use for their word. */
	if (e->too_big && (pmtu == UDP_PMTU_DONT || pmtu >= UDP_PMTU_INTERFACE))
		return true;
	wanted = v4 ? s->opts.errors : s->opts.errors6;
	if (wanted)
		u->env.reported(u->env.ctx, s->user, e);
	if (wanted || (s->connected && e->hard))
		u->env.failed(u->env.ctx, s->user, e->error);
	return true;
}
