/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "adapter.h"
#include "wire/arp.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"
#include "wire/tcp.h"

#define START_US   1000000000000LL /* any time that looks like one */
#define FOREVER_US (24 * 3600 * 1000000LL)

static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 2};

/* What the calling thread's next look at the clock must say: when the call
 * that it just made was over, even if time has moved on since. */
static _Thread_local mono_t over_at;

static const struct offload none;

/* ---- frames ---- */

static void
feed(struct world *w, const uint8_t *frame, size_t len,
    const struct offload *off)
{
	struct rxframe f = {
	    .buf = buf_alloc(stack_bufs(w->stack), len), .off = *off};

	CHECK(f.buf != NULL);
	memcpy(f.buf->data, frame, len);
	f.buf->len = (uint32_t)len;
	stack_input(w->stack, &f, w->now);
}

/* Everybody else on the link is the one station behind which the script's
 * hosts are. */
static void
answer_arp(struct world *w, const uint8_t *p, size_t len)
{
	struct wire_ether eth = {.type = WIRE_ETHER_ARP};
	uint8_t frame[60] = {0};
	struct wire_arp a, r = {.op = WIRE_ARP_REPLY};

	if (wire_arp_parse(p, len, &a) != 0 || a.op != WIRE_ARP_REQUEST ||
	    a.tpa == ipaddr_to_v4(&w->cfg.addrs[0].addr))
		return;
	memcpy(eth.src, peer_mac, 6);
	memcpy(eth.dst, a.sha, 6);
	memcpy(r.sha, peer_mac, 6);
	memcpy(r.tha, a.sha, 6);
	r.spa = a.tpa;
	r.tpa = a.spa;
	wire_ether_emit(&eth, frame);
	wire_arp_emit(&r, frame + WIRE_ETHER_LEN);
	feed(w, frame, sizeof frame, &none);
}

/* Solicitations (RFC 4861 7.2.4), but not those that look for duplicates. */
static void
answer_nd(struct world *w, const uint8_t *p, const struct wire_ipv6 *h)
{
	uint8_t frame[WIRE_ETHER_LEN + WIRE_IPV6_HDR + WIRE_ICMP_HDR + 24];
	uint8_t *at = frame, body[24] = {[16] = 2, [17] = 1};
	struct wire_ether eth = {.type = WIRE_ETHER_IPV6};
	struct wire_ipv6 r = {.hop_limit = 255,
	    .next = WIRE_PROTO_ICMP6,
	    .payload_len = WIRE_ICMP_HDR + sizeof body,
	    .dst = h->src};
	struct wire_icmp m = {.type = WIRE_ICMP6_NA,
	    .rest = 0x60000000, /* solicited, override */
	    .data = body,
	    .len = sizeof body};

	if (p[WIRE_IPV6_HDR] != WIRE_ICMP6_NS || ipaddr_is_any(&h->src) ||
	    h->payload_len < WIRE_ICMP_HDR + 16)
		return;
	memcpy(body, p + WIRE_IPV6_HDR + WIRE_ICMP_HDR, 16);
	memcpy(body + 18, peer_mac, 6);
	memcpy(r.src.b, body, 16);
	memcpy(eth.src, peer_mac, 6);
	memcpy(eth.dst, w->cfg.stack.mac, 6);
	at += wire_ether_emit(&eth, at);
	at += wire_ipv6_emit(&r, at);
	at += wire_icmp6_emit(&m, &r.src, &r.dst, at);
	memcpy(at, body, sizeof body);
	feed(w, frame, sizeof frame, &none);
}

/* What the link needs and no script speaks of: ND and MLD. */
static bool
of_the_link(const uint8_t *p, const struct wire_ipv6 *h)
{
	uint8_t type = p[WIRE_IPV6_HDR];

	if (h->next == WIRE_PROTO_HOPOPTS) /* MLD's router alert */
		return true;
	return h->next == WIRE_PROTO_ICMP6 && type >= WIRE_ICMP6_MLD_QUERY;
}

/* packetdrill never looks at the checksum of what it gets.  What the stack
 * leaves to a device is judged and completed as a device would. */
static void
verify(const struct world *w, uint8_t proto, const struct wire_csum *pseudo,
    uint8_t *p, size_t len, const struct offload *o)
{
	struct wire_csum c = *pseudo;
	bool good;

	if (proto != WIRE_PROTO_TCP && proto != WIRE_PROTO_ICMP &&
	    proto != WIRE_PROTO_ICMP6)
		return;
	if (o->needs_csum) {
		uint8_t *field = p + WIRE_TCP_CSUM_OFF;

		good = get16(field) == wire_csum_partial(pseudo);
		c = WIRE_CSUM_INIT;
		wire_csum_add(&c, p, len);
		put16(field, wire_csum_final(&c));
	} else {
		wire_csum_add(&c, p, len);
		good = wire_csum_final(&c) == 0;
	}
	if (good)
		return;
	fprintf(stderr, "tcpd: a wrong checksum left at %lld us\n",
	    (long long)w->now.us);
	exit(1);
}

/* false: not for the script. */
static bool
judge_ipv4(
    const struct world *w, uint8_t *p, size_t len, const struct offload *o)
{
	struct wire_csum pseudo = WIRE_CSUM_INIT;
	struct wire_ipv4 h;

	CHECK(wire_ipv4_parse(p, len, &h) == 0);
	CHECK(h.total_len == len);
	if (h.proto == WIRE_PROTO_TCP)
		wire_csum_pseudo4(
		    &pseudo, h.src, h.dst, h.proto, (uint32_t)(len - h.ihl));
	verify(w, h.proto, &pseudo, p + h.ihl, len - h.ihl, o);
	return true;
}

static bool
judge_ipv6(struct world *w, uint8_t *p, size_t len, const struct offload *o)
{
	struct wire_csum pseudo = WIRE_CSUM_INIT;
	struct wire_ipv6 h;

	CHECK(wire_ipv6_parse(p, len, &h) == 0);
	len -= WIRE_IPV6_HDR;
	CHECK(h.payload_len == len);
	wire_csum_pseudo(&pseudo, &h.src, &h.dst, h.next, (uint32_t)len);
	verify(w, h.next, &pseudo, p + WIRE_IPV6_HDR, len, o);
	if (!of_the_link(p, &h))
		return true;
	answer_nd(w, p, &h);
	return false;
}

/* Is this train, of a TCP header at tcp, cut before it comes to the wire?  By
 * the kernel, if the device cannot; which Linux's tun cannot with AccECN, whose
 * flags must stay on each. */
static bool
is_cut(const struct world *w, const uint8_t *tcp, bool *accecn)
{
	const struct sock *s;
	struct tcp_info_out in;

	*accecn = false;
	TAILQ_FOREACH (s, &w->socks, link) {
		if (s->pcb == NULL || s->lport != get16(tcp) ||
		    s->rport != get16(tcp + 2))
			continue;
		tcp_info(s->pcb, &in, w->now);
		*accecn = in.ecn.mode == 2;
	}
	return *accecn || w->cfg.no_tso;
}

static void
set_lengths(uint8_t *ip, size_t len)
{
	struct wire_csum c = WIRE_CSUM_INIT;

	if (ip[0] >> 4 == 6) {
		put16(ip + 4, (uint16_t)(len - WIRE_IPV6_HDR));
		return;
	}
	put16(ip + 2, (uint16_t)len);
	put16(ip + 10, 0);
	wire_csum_add(&c, ip, (size_t)(ip[0] & 15) * 4);
	put16(ip + 10, wire_csum_final(&c));
}

/* As segments of size, PSH and FIN on the last, CWR on the first. */
static void
cut_train(struct world *w, struct packet *train, size_t size)
{
	size_t ihl = train->data[0] >> 4 == 6
			 ? WIRE_IPV6_HDR
			 : (size_t)(train->data[0] & 15) * 4;
	const uint8_t *tcp = train->data + ihl;
	size_t hdr = ihl + (size_t)(tcp[12] >> 4) * 4, at, n;
	uint32_t seq = get32(tcp + 4);
	struct packet *p;
	bool accecn;

	if (size == 0 || train->len <= hdr + size || !is_cut(w, tcp, &accecn)) {
		STAILQ_INSERT_TAIL(&w->out, train, link);
		return;
	}
	for (at = hdr; at < train->len; at += n) {
		n = train->len - at < size ? train->len - at : size;
		p = malloc(sizeof *p + hdr + n);
		CHECK(p != NULL);
		p->at = train->at;
		p->len = hdr + n;
		memcpy(p->data, train->data, hdr);
		memcpy(p->data + hdr, train->data + at, n);
		set_lengths(p->data, p->len);
		put32(p->data + ihl + 4, seq + (uint32_t)(at - hdr));
		if (at + n < train->len)
			p->data[ihl + 13] &= (uint8_t) ~(TH_PSH | TH_FIN);
		if (at > hdr && !accecn)
			p->data[ihl + 13] &= (uint8_t)~TH_CWR;
		STAILQ_INSERT_TAIL(&w->out, p, link);
	}
	free(train);
}

static void
take_frame(struct world *w, const struct txframe *f)
{
	struct packet *p = malloc(sizeof *p + f->len);
	struct wire_ether eth;
	size_t n = 0;
	unsigned i;

	CHECK(p != NULL);
	for (i = 0; i < f->nspans; i++) {
		memcpy(p->data + n, f->spans[i].base, f->spans[i].len);
		n += f->spans[i].len;
	}
	CHECK(wire_ether_parse(p->data, n, &eth) == 0);
	p->at = w->now;
	p->len = n - WIRE_ETHER_LEN;
	memmove(p->data, p->data + WIRE_ETHER_LEN, p->len);
	if ((eth.type == WIRE_ETHER_IPV4 &&
		judge_ipv4(w, p->data, p->len, &f->off)) ||
	    (eth.type == WIRE_ETHER_IPV6 &&
		judge_ipv6(w, p->data, p->len, &f->off))) {
		cut_train(w, p, f->off.gso_size);
		return;
	}
	if (eth.type == WIRE_ETHER_ARP)
		answer_arp(w, p->data, p->len);
	free(p);
}

void
world_inject(struct world *w, const uint8_t *packet, size_t len)
{
	static uint8_t frame[WIRE_ETHER_LEN + 65536];
	struct wire_ether eth = {.type = WIRE_ETHER_IPV4};
	struct offload off = none;

	if (len == 0 || len > 65535)
		return;
	memcpy(eth.src, peer_mac, 6);
	memcpy(eth.dst, w->cfg.stack.mac, 6);
	if (packet[0] >> 4 == 6)
		eth.type = WIRE_ETHER_IPV6;
	wire_ether_emit(&eth, frame);
	memcpy(frame + WIRE_ETHER_LEN, packet, len);
	if (w->cfg.gso != 0 && len > w->cfg.gso + 60)
		off = (struct offload){.csum_valid = true,
		    .gso = packet[0] >> 4 == 6 ? GSO_TCP6 : GSO_TCP4,
		    .gso_size = (uint16_t)w->cfg.gso};
	feed(w, frame, WIRE_ETHER_LEN + len, &off);
	world_settle(w);
}

/* ---- calls that wait ---- */

static bool
finish(struct world *w, struct waiter *wt, long result)
{
	wt->done = true;
	wt->done_at = w->now;
	wt->result = result;
	TAILQ_REMOVE(&w->waiters, wt, link);
	pthread_cond_signal(&wt->cond);
	return true;
}

static bool
try_waiters(struct world *w)
{
	struct waiter *wt, *next;
	bool any = false;
	long r;

	for (wt = TAILQ_FIRST(&w->waiters); wt != NULL; wt = next) {
		next = TAILQ_NEXT(wt, link);
		r = wt->attempt(w, wt->arg);
		if (r != -EAGAIN || !mono_before(w->now, wt->deadline))
			any = finish(w, wt, r);
	}
	return any;
}

long
world_call(struct world *w, long (*attempt)(struct world *w, void *arg),
    void *arg, bool block, mono_t deadline)
{
	struct waiter wt = {
	    .attempt = attempt, .arg = arg, .deadline = deadline};
	long r = attempt(w, arg);

	world_settle(w);
	if (r != -EAGAIN || !block)
		return r;
	pthread_cond_init(&wt.cond, NULL);
	TAILQ_INSERT_TAIL(&w->waiters, &wt, link);
	while (!wt.done)
		pthread_cond_wait(&wt.cond, &w->lock);
	pthread_cond_destroy(&wt.cond);
	over_at = wt.done_at;
	return wt.result;
}

void
world_settle(struct world *w)
{
	static struct txframe f;
	struct tcp_event ev;
	bool busy = true;

	if (w->settling)
		return;
	w->settling = true;
	while (busy) {
		busy = false;
		while (tcp_event(w->tcp, &ev)) {
			sock_event(w, &ev);
			busy = true;
		}
		/* Who waits inside the kernel is there before the ACK goes. */
		busy |= try_waiters(w);
		while (stack_output(w->stack, &f, w->now)) {
			take_frame(w, &f);
			busy = true;
		}
	}
	tcp_check(w->tcp, w->now);
	w->settling = false;
}

/* ---- time ---- */

static mono_t
next_deadline(const struct world *w)
{
	mono_t d = stack_deadline(w->stack);
	const struct waiter *wt;

	TAILQ_FOREACH (wt, &w->waiters, link)
		d = mono_min(d, wt->deadline);
	return d;
}

static void
step_to(struct world *w, mono_t t)
{
	w->now = mono_max(w->now, t);
	stack_expire(w->stack, w->now);
	world_settle(w);
}

void
world_advance(struct world *w, mono_t until)
{
	mono_t d;

	while (!mono_before(until, d = next_deadline(w)))
		step_to(w, d);
	w->now = mono_max(w->now, until);
}

struct packet *
world_receive(struct world *w)
{
	mono_t limit = mono_add(w->now, FOREVER_US), d;
	struct packet *p;

	while ((p = STAILQ_FIRST(&w->out)) == NULL) {
		d = next_deadline(w);
		if (mono_before(limit, d))
			return NULL;
		step_to(w, d);
	}
	STAILQ_REMOVE_HEAD(&w->out, link);
	return p;
}

mono_t
world_look(struct world *w)
{
	mono_t t = over_at;

	over_at.us = 0;
	if (t.us != 0)
		return t;
	world_advance(w, mono_add(w->now, 1));
	return w->now;
}

/* ---- its life ---- */

static enum tcp_admit
may_open(void *ctx, struct tcp_bind *listener)
{
	(void)ctx;
	(void)listener;
	return TCP_ADMIT_YES;
}

struct world *
world_new(const char *flags)
{
	struct world *w = calloc(1, sizeof *w);
	struct stack_config *c;

	CHECK(w != NULL);
	settings_parse(&w->cfg, flags);
	pthread_mutex_init(&w->lock, NULL);
	TAILQ_INIT(&w->socks);
	TAILQ_INIT(&w->waiters);
	STAILQ_INIT(&w->out);
	w->now.us = START_US;
	c = &w->cfg.stack;
	c->tcp.env.may_open = may_open;
	c->tcp.env.accept = sock_take;
	c->tcp.env.ctx = w;
	w->stack = stack_new(c, w->now);
	if (w->stack == NULL) {
		fprintf(stderr,
		    "tcpd: no stack can be made with --so_flags=%s\n",
		    flags != NULL ? flags : "");
		exit(1);
	}
	w->tcp = stack_tcp(w->stack);
	/* What a station says when it comes up is no part of a script. */
	world_advance(w, mono_add(w->now, 10 * 1000000));
	return w;
}

void
world_reconfigure(struct world *w)
{
	const struct tcp_config *c = &w->cfg.stack.tcp;

	CHECK(tcp_set_defaults(w->tcp, c->congestion, &c->size) == 0);
	tcp_set_options(w->tcp, c->no_timestamps, c->no_sack, c->no_wscale);
	tcp_set_ecn(w->tcp, c->ecn);
	tcp_set_accecn(w->tcp, c->accecn_option, c->ect_all);
	tcp_set_syn_linear(w->tcp, c->syn_linear);
	tcp_set_min_tso_segs(w->tcp, c->min_tso_segs);
	tcp_set_fastopen(w->tcp, &c->fastopen);
}

void
world_free(struct world *w)
{
	struct packet *p;
	struct sock *s;

	while ((s = TAILQ_FIRST(&w->socks)) != NULL)
		sock_free(w, s);
	world_settle(w);
	while ((p = STAILQ_FIRST(&w->out)) != NULL) {
		STAILQ_REMOVE_HEAD(&w->out, link);
		free(p);
	}
	stack_free(w->stack);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
