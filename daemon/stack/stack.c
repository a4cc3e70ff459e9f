/* SPDX-License-Identifier: ISC */
/*
 * The joint of ip and tcp: who owns what, the path that TCP asks for, and the
 * one deadline of the whole stack.
 *
 * The stack owns the buffer pool and the drop counters; ip, tcp and the
 * devices use them.  The owner's callbacks (struct tcp_env) are passed on,
 * except path(), which is answered here.
 *
 * Packets to our own address never reach a device: they wait in ip.loop and
 * come back in at stack_expire(), never from within stack_output(), so that
 * the owner sees the events of one round before the next, and two ends that
 * both live here cannot keep one call busy for ever.
 */
#include "stack/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "stack/internal.h"
#include "wire/bytes.h"
#include "wire/ether.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

_Static_assert(STACK_BACKLOG_MAX == IP_OUT_FRAMES, "the same bound");

/* RFC 791: every host takes 576 bytes; less than 68 cannot carry a header. */
#define MTU_MIN 576

/* What fits into an IP packet behind the longest headers that we send. */
#define TSO_MAX (65535 - WIRE_IPV4_HDR_MIN - WIRE_TCP_HDR_MAX)

/* Between addresses of ours.  What is bound to none leaves for a loopback
 * address from the usual one of them. */
static int
loop_path(
    const struct ipaddr *src, const struct ipaddr *dst, struct tcp_path *out)
{
	static const struct ipaddr loop6 = {{[15] = 1}};
	bool v4 = ipaddr_is_v4(dst);

	out->src = !ipaddr_is_any(src) ? *src
		   : v4		       ? ipaddr_v4(0x7f000001)
				       : loop6;
	if (ipaddr_is_v4(&out->src) != v4)
		return -EADDRNOTAVAIL;
	out->mtu = out->rcv_mtu = IP_LOOP_MTU;
	out->tso_max = 0;
	out->local = true;
	return 0;
}

int
stack_path(struct stack *s, const struct ipaddr *src, const struct ipaddr *dst,
    struct tcp_path *out)
{
	const struct ifaddr *ours;
	bool local = ip_is_local(&s->ip, dst);

	if (!stack_has_route(s, dst))
		return -ENETUNREACH;
	if (local && (ipaddr_is_any(src) ? ipaddr_is_loopback(dst)
					 : ip_is_local(&s->ip, src)))
		return loop_path(src, dst, out);
	/* As on Linux: nobody outside could answer. */
	if (ipaddr_is_loopback(src))
		return -EINVAL;
	ours = ipaddr_is_any(src) ? ifaddr_source(&s->ip, dst)
				  : ifaddr_find(&s->ip, src);
	if (ours == NULL || !ifaddr_usable(ours) ||
	    ipaddr_is_v4(&ours->addr) != ipaddr_is_v4(dst))
		return -EADDRNOTAVAIL;
	out->src = ours->addr;
	out->mtu = ip_mtu(&s->ip, dst, s->now);
	out->rcv_mtu = ipaddr_is_v4(dst) ? s->ip.mtu : s->ip.mtu6;
	out->tso_max = s->tx_tso ? TSO_MAX : 0;
	out->local = local;
	if (local) {
		out->mtu = out->rcv_mtu = IP_LOOP_MTU;
		out->tso_max = 0;
	}
	return 0;
}

static int
path(void *ctx, const struct ipaddr *src, const struct ipaddr *dst,
    struct tcp_path *out)
{
	return stack_path(ctx, src, dst, out);
}

static enum tcp_admit
may_open(void *ctx, struct tcp_bind *listener)
{
	struct stack *s = ctx;

	return s->user.may_open == NULL
		   ? TCP_ADMIT_YES
		   : s->user.may_open(s->user.ctx, listener);
}

static int
accept_conn(void *ctx, struct tcp_bind *listener, struct tcp_pcb *pcb)
{
	struct stack *s = ctx;

	if (s->user.accept == NULL)
		return -ECONNREFUSED;
	return s->user.accept(s->user.ctx, listener, pcb);
}

static void
orphan(void *ctx, uint32_t owner, int n, size_t bytes)
{
	struct stack *s = ctx;

	if (s->user.orphan != NULL)
		s->user.orphan(s->user.ctx, owner, n, bytes);
}

/* RFC 7217's secret, and the flow labels'. */
static void
secrets(
    struct stack *s, const struct stack_config *cfg, struct siphash_key *stable)
{
	static const uint8_t none[sizeof cfg->stable_secret];
	struct rng rng;

	rng_init(&rng, cfg->tcp.seed[0] ^ 0x736563, cfg->tcp.seed[1]);
	*stable = (struct siphash_key){rng_u64(&rng), rng_u64(&rng)};
	s->key_flow = (struct siphash_key){rng_u64(&rng), rng_u64(&rng)};
	_Static_assert(sizeof *stable == sizeof none, "one key");
	if (memcmp(cfg->stable_secret, none, sizeof none) != 0)
		memcpy(stable, cfg->stable_secret, sizeof *stable);
}

static bool
init_ip(struct stack *s, const struct stack_config *cfg, mono_t now)
{
	struct ip_config ic = {.mtu = cfg->mtu,
	    .bufs = s->bufs,
	    .drops = &s->drops,
	    .vlan = cfg->vlan,
	    .acd = cfg->conflict_detection,
	    .dhcp4 = cfg->dhcp4,
	    .ipv6 = cfg->ipv6,
	    .accept_ra = cfg->accept_ra,
	    .dad_probes = cfg->dad_probes};

	memcpy(ic.mac, cfg->mac, sizeof ic.mac);
	secrets(s, cfg, &ic.stable);
	/* Other streams of numbers than TCP's, from the same secret. */
	ic.seed[0] = cfg->tcp.seed[0] ^ 0x6970;
	ic.seed[1] = cfg->tcp.seed[1];
	return ip_init(&s->ip, &ic, now) &&
	       stack_set_addrs(s, cfg->addrs, cfg->naddrs, now) &&
	       stack_set_routes(s, cfg->routes, cfg->nroutes);
}

static bool
init_tcp(struct stack *s, const struct stack_config *cfg, mono_t now)
{
	struct tcp_config tc = cfg->tcp;

	s->user = tc.env;
	tc.env = (struct tcp_env){.path = path,
	    .may_open = may_open,
	    .accept = accept_conn,
	    .orphan = orphan,
	    .ctx = s};
	tc.bufs = s->bufs;
	tc.drops = &s->drops;
	s->tcp = tcp_new(&tc, now);
	return s->tcp != NULL;
}

struct stack *
stack_new(const struct stack_config *cfg, mono_t now)
{
	struct stack *s;

	if (cfg->mtu < MTU_MIN || cfg->vlan >= WIRE_ETHER_VIDS)
		return NULL;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->now = now;
	s->tx_csum = cfg->tx_csum;
	/* A device that cuts up segments must fill in their checksums. */
	s->tx_tso = cfg->tx_tso && cfg->tx_csum;
	s->bufs = bufpool_new(cfg->buf_bytes);
	if (s->bufs == NULL || !init_ip(s, cfg, now) ||
	    !init_tcp(s, cfg, now) || !stack_init_udp(s, cfg)) {
		stack_free(s);
		return NULL;
	}
	stack_set_loopback(s, cfg->loopback);
	return s;
}

void
stack_free(struct stack *s)
{
	if (s->tcp != NULL)
		tcp_free(s->tcp);
	udp_free(s->udp);
	if (s->lent != NULL)
		buf_unref(s->lent);
	ip_done(&s->ip);
	if (s->bufs != NULL)
		bufpool_free(s->bufs);
	free(s);
}

struct tcp *
stack_tcp(struct stack *s)
{
	return s->tcp;
}

struct udp *
stack_udp(struct stack *s)
{
	return s->udp;
}

size_t
stack_backlog(const struct stack *s)
{
	return s->ip.out.n;
}

struct bufpool *
stack_bufs(struct stack *s)
{
	return s->bufs;
}

struct drops *
stack_drops(struct stack *s)
{
	return &s->drops;
}

/* ---- addresses and routes ---- */

bool
stack_has_route(const struct stack *s, const struct ipaddr *dst)
{
	return ip_is_local(&s->ip, dst) ||
	       (!ip_is_group(&s->ip, dst) &&
		   route_find(&s->ip.routes, dst) != NULL);
}

bool
stack_is_local(const struct stack *s, const struct ipaddr *addr)
{
	return ip_is_local(&s->ip, addr);
}

void
stack_set_loopback(struct stack *s, bool on)
{
	s->ip.loopback = on;
}

bool
stack_set_addrs(
    struct stack *s, const struct stack_addr *addrs, unsigned n, mono_t now)
{
	struct ipnet nets[STACK_ADDRS];
	unsigned i;

	if (n > STACK_ADDRS)
		return false;
	for (i = 0; i < n; i++)
		nets[i] = (struct ipnet){addrs[i].addr, addrs[i].plen};
	return ip_set_addrs(&s->ip, nets, n, now);
}

bool
stack_set_routes(struct stack *s, const struct stack_route *routes, unsigned n)
{
	struct route r[STACK_ROUTES];
	unsigned i;

	if (n > STACK_ROUTES)
		return false;
	for (i = 0; i < n; i++)
		r[i] = (struct route){.dst = routes[i].dst,
		    .gateway = routes[i].gateway,
		    .plen = routes[i].plen,
		    .origin = ROUTE_STATIC};
	return ip_set_routes(&s->ip, r, n);
}

uint32_t
stack_changes(const struct stack *s)
{
	return s->ip.changes;
}

bool
stack_addrs_settled(const struct stack *s)
{
	const struct ifaddr *a = NULL;

	while ((a = ifaddr_next(&s->ip, a)) != NULL) {
		if (a->state == ADDR_TENTATIVE)
			return false;
	}
	return true;
}

static int64_t
left_us(mono_t until, mono_t now)
{
	if (mono_is_never(until))
		return -1;
	return mono_before(now, until) ? mono_diff(until, now) : 0;
}

void
stack_foreach_addr(const struct stack *s,
    void (*fn)(void *arg, const struct stack_addr_row *a), void *arg,
    mono_t now)
{
	const struct ifaddr *a = NULL;
	struct stack_addr_row row;

	while ((a = ifaddr_next(&s->ip, a)) != NULL) {
		row = (struct stack_addr_row){.addr = a->addr,
		    .plen = a->plen,
		    .usable = ifaddr_usable(a),
		    .state = addr_state_name(a->state),
		    .origin = addr_origin_name(a->origin),
		    .preferred_us = left_us(a->preferred_until, now),
		    .valid_us = left_us(a->valid_until, now)};
		fn(arg, &row);
	}
}

void
stack_foreach_route(const struct stack *s,
    void (*fn)(void *arg, const struct stack_route_row *r), void *arg)
{
	const struct route *r = s->ip.routes.r;
	const struct route *end = r + s->ip.routes.n;
	struct stack_route_row row;

	for (; r < end; r++) {
		row = (struct stack_route_row){.dst = r->dst,
		    .gateway = r->gateway,
		    .plen = r->plen,
		    .origin = route_origin_name(r->origin)};
		fn(arg, &row);
	}
}

/* ---- time ---- */

mono_t
stack_deadline(const struct stack *s)
{
	mono_t d = mono_min(tcp_deadline(s->tcp), tcp_rest_deadline(s->tcp));

	if (s->ip.loop.n > 0)
		return s->now;
	return mono_min(d, timerq_deadline(&s->ip.timers));
}

/* What we sent to ourselves before this call. */
static void
take_looped(struct stack *s, mono_t now)
{
	struct pktq q = s->ip.loop;
	struct buf *b;

	s->ip.loop = (struct pktq){0};
	while ((b = pktq_get(&q)) != NULL) {
		stack_take_frame(s, b, PKT_HEAD, &pkt_info(b)->off, true, now);
		buf_unref(b);
	}
}

/* Of a whole frame of ours. */
static struct ipaddr
destination(const struct stack *s, struct buf *b)
{
	const uint8_t *p =
	    pkt_frame(b) + (s->ip.vlan != 0 ? WIRE_ETHER_MAX : WIRE_ETHER_LEN);
	struct ipaddr dst;

	if (p[0] >> 4 == 4)
		return ipaddr_v4(get32(p + 16));
	memcpy(dst.b, p + 24, sizeof dst.b);
	return dst;
}

/* The connections that wait for a neighbour who does not answer: those whose
 * frames waited, and those with himself. */
static void
report_failure(struct stack *s, struct neigh_failure *fail, mono_t now)
{
	struct ipaddr dst, last = fail->addr;
	struct buf *b;

	tcp_host_unreachable(s->tcp, &last, now);
	while ((b = pktq_get(&fail->undelivered)) != NULL) {
		drop_count(&s->drops, DROP_IP_NEIGH_FAILED);
		dst = destination(s, b);
		if (!ipaddr_eq(&dst, &last))
			tcp_host_unreachable(s->tcp, &dst, now);
		last = dst;
		buf_unref(b);
	}
}

void
stack_expire(struct stack *s, mono_t now)
{
	struct neigh_failure fail;

	s->now = now;
	take_looped(s, now);
	while (ip_expire(&s->ip, now, &fail))
		report_failure(s, &fail, now);
	tcp_expire(s->tcp, now);
}

/* ---- what there is ---- */

void
stack_stats(const struct stack *s, struct stack_stats *out)
{
	*out = (struct stack_stats){
	    .in_frames = s->in_frames,
	    .out_frames = s->out_frames,
	    .in_bytes = s->in_bytes,
	    .out_bytes = s->out_bytes,
	    .in_packets = s->ip.in_packets,
	    .out_packets = s->out_packets,
	    .echo_replies = s->ip.echo_replies,
	    .arp_requests = s->ip.arp_requests,
	    .solicitations = s->ip.solicitations,
	    .icmp_errors = s->ip.icmp_errors,
	    .neighbours = s->ip.neigh.n,
	    .buf_used = bufpool_used(s->bufs),
	    .buf_limit = bufpool_limit(s->bufs),
	};
}

void
stack_foreach_neigh(const struct stack *s,
    void (*fn)(void *arg, const struct stack_neigh *n), void *arg, mono_t now)
{
	const struct neigh *n = s->ip.neigh.entries;
	const struct neigh *end = n + s->ip.neigh.touched;
	struct stack_neigh row;

	for (; n < end; n++) {
		if (n->state == NEIGH_FREE)
			continue;
		row = (struct stack_neigh){.addr = n->addr,
		    .state = neigh_state_name(neigh_state_at(n, now)),
		    .age_us = mono_diff(now, n->confirmed)};
		memcpy(row.mac, n->mac, sizeof row.mac);
		fn(arg, &row);
	}
}
