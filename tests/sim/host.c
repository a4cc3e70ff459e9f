/* SPDX-License-Identifier: ISC */
/*
 * A host: the production stack and a device.  The device fills in check sums
 * and cuts GSO frames when the scenario says that it can (as a NIC with TSO),
 * or passes them uncut with their offload facts (as a TAP does to another).
 */
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include "base/check.h"
#include "sim.h"

#define ETH 14

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t
sum(uint32_t from, const uint8_t *p, size_t n)
{
	for (; n > 1; p += 2, n -= 2)
		from += get16(p);
	if (n > 0)
		from += (uint32_t)p[0] << 8;
	while (from >> 16 != 0)
		from = (from & 0xffff) + (from >> 16);
	return from;
}

static void
fill_csum(uint8_t *frame, size_t len, const struct offload *o)
{
	uint8_t *at = frame + o->csum_start + o->csum_offset;

	CHECK((size_t)o->csum_start + o->csum_offset + 2 <= len);
	put16(at, ~sum(0, frame + o->csum_start, len - o->csum_start) & 0xffff);
}

static void
launch(
    struct host *h, const uint8_t *frame, size_t len, const struct offload *off)
{
	struct packet *p = malloc(sizeof *p + len);

	CHECK(p != NULL);
	p->len = len;
	p->off = *off;
	p->damaged = false;
	memcpy(p->data, frame, len);
	h->sim->packets++;
	link_send(&h->sim->links[h->index], p);
}

struct ipaddr
sim_addr(const struct sim *s, uint32_t n)
{
	struct ipaddr a = {{0x20, 0x01, 0x0d, 0xb8}};

	if (!s->six)
		return ipaddr_v4(0xc0000200u + n);
	put32(a.b + 12, n);
	return a;
}

/* The TCP check sum over header and payload, from scratch. */
static void
full_csum(uint8_t *ip, uint8_t *tcp, size_t n)
{
	uint32_t s = 6 + (uint32_t)n;

	s = ip[0] >> 4 == 4 ? sum(s, ip + 12, 8) : sum(s, ip + 8, 32);
	put16(tcp + 16, 0);
	put16(tcp + 16, ~sum(s, tcp, n) & 0xffff);
}

/* Cuts one GSO frame into segments, as a NIC with TSO does. */
static void
cut(struct host *h, uint8_t *frame, size_t len, const struct offload *off)
{
	uint8_t part[2048], *ip = part + ETH, *tcp;
	size_t ihl = sim_tcp_at(frame, len) - ETH, hl, pos, n;
	uint32_t seq;
	unsigned id = get16(frame + ETH + 4), flags, i = 0;
	struct offload plain = {0};

	hl = ETH + ihl + (frame[ETH + ihl + 12] >> 4) * 4u;
	seq = get32(frame + ETH + ihl + 4);
	flags = frame[ETH + ihl + 13];
	CHECK(hl == off->hdr_len);
	CHECK(off->gso_size > 0 && hl + off->gso_size <= sizeof part);
	for (pos = hl; pos < len; pos += n, i++) {
		n = len - pos < off->gso_size ? len - pos : off->gso_size;
		memcpy(part, frame, hl);
		memcpy(part + hl, frame + pos, n);
		tcp = ip + ihl;
		if (off->gso == GSO_TCP6) {
			put16(ip + 4, (unsigned)(hl - ETH - ihl + n));
		} else {
			put16(ip + 2, (unsigned)(hl - ETH + n));
			put16(ip + 4, (id + i) & 0xffff);
			put16(ip + 10, 0);
			put16(ip + 10, ~sum(0, ip, ihl) & 0xffff);
		}
		put32(tcp + 4, seq + (uint32_t)(pos - hl));
		if (pos + n < len)
			tcp[13] = (uint8_t)(flags & ~(TH_FIN | TH_PSH));
		if (i > 0)
			tcp[13] &= (uint8_t)~TH_CWR;
		full_csum(ip, tcp, hl - ETH - ihl + n);
		launch(h, part, hl + n, &plain);
	}
}

static void
transmit(struct host *h, const struct txframe *f)
{
	static uint8_t frame[FRAME_MAX];
	struct sim *s = h->sim;
	struct offload off = f->off;
	size_t len = 0;

	for (unsigned i = 0; i < f->nspans; i++) {
		CHECK(len + f->spans[i].len <= sizeof frame);
		memcpy(frame + len, f->spans[i].base, f->spans[i].len);
		len += f->spans[i].len;
	}
	CHECK(len == f->len);
	CHECK(!off.needs_csum || h->cfg.csum);
	CHECK(off.gso == GSO_NONE || h->cfg.tso);
	CHECK(off.gso != GSO_NONE || len <= h->cfg.mtu + (size_t)ETH);
	h->frames++;
	sim_digest(s, &s->now.us, 8);
	sim_digest(s, frame, len);
	oracle_sent(h, frame, len);
	if (off.gso != GSO_NONE && !h->cfg.whole) {
		cut(h, frame, len, &off);
		return;
	}
	if (off.needs_csum && h->cfg.whole) {
		off.needs_csum = false;
		off.csum_valid = true;
	} else if (off.needs_csum) {
		fill_csum(frame, len, &off);
		off.needs_csum = false;
	}
	launch(h, frame, len, &off);
}

static void wake(void *arg);

static void
plan_wake(struct host *h)
{
	mono_t d = stack_deadline(h->stack);

	if (mono_is_never(d) ||
	    (!mono_before(d, h->wake) && mono_before(h->sim->now, h->wake)))
		return;
	h->wake = mono_max(d, h->sim->now);
	sim_at(h->sim, h->wake, wake, h);
}

void
host_pump(struct host *h)
{
	static struct txframe f;
	struct tcp_event ev;
	struct sim *s = h->sim;
	bool busy = true;

	if (h->pumping || s->failed)
		return;
	h->pumping = true;
	while (busy && !s->failed) {
		busy = false;
		while (tcp_event(host_tcp(h), &ev)) {
			app_event(h, &ev);
			busy = true;
		}
		while (!s->failed && stack_output(h->stack, &f, s->now)) {
			transmit(h, &f);
			busy = true;
		}
	}
	h->pumping = false;
	oracle_step(h);
	plan_wake(h);
}

static void
wake(void *arg)
{
	struct host *h = arg;
	struct sim *s = h->sim;

	if (h->stack == NULL || h->wake.us != s->now.us)
		return; /* an earlier one took its place */
	h->wake = MONO_NEVER;
	if (!mono_before(s->now, stack_deadline(h->stack))) {
		h->wakeups++;
		stack_expire(h->stack, s->now);
		if (!mono_before(s->now, stack_deadline(h->stack)))
			sim_fail(s, "host %u: the deadline does not move on",
			    h->index);
	}
	host_pump(h);
}

void
host_receive(struct host *h, struct packet *p)
{
	struct rxframe f = {0};

	if (h->stack == NULL || h->sim->failed) {
		free(p);
		return;
	}
	f.off = p->off;
	f.buf = buf_alloc(stack_bufs(h->stack), p->len);
	if (f.buf != NULL) {
		memcpy(f.buf->data, p->data, p->len);
		f.buf->len = (uint32_t)p->len;
		if (!p->damaged)
			oracle_received(h, p->data, p->len);
		stack_input(h->stack, &f, h->sim->now);
	}
	free(p);
	host_pump(h);
}

struct tcp *
host_tcp(struct host *h)
{
	return stack_tcp(h->stack);
}

static enum tcp_admit
may_open(void *ctx, struct tcp_bind *listener)
{
	return TCP_ADMIT_YES;
}

static void
deliver(struct link *l, struct packet *p)
{
	host_receive(&l->sim->hosts[l->to], p);
}

void
host_init(struct sim *s, unsigned index, const struct hostcfg *cfg)
{
	struct host *h = &s->hosts[index];
	struct stack_config c = {0};
	struct stack_addr addr;
	struct ipaddr any = {{0}};

	h->sim = s;
	h->index = index;
	s->links[1 - index].deliver = deliver;
	h->addr = sim_addr(s, 1 + index);
	addr = (struct stack_addr){h->addr, s->six ? 64 : 96 + 24};
	h->cfg = *cfg;
	h->wake = MONO_NEVER;
	memcpy(c.mac, (uint8_t[6]){2, 0, 0, 0, 0, (uint8_t)(index + 1)}, 6);
	c.mtu = cfg->mtu;
	c.addrs = &addr;
	c.naddrs = 1;
	c.tx_csum = cfg->csum;
	c.tx_tso = cfg->tso;
	c.buf_bytes = cfg->buf_bytes;
	c.tcp.env.may_open = may_open;
	c.tcp.env.accept = app_accept;
	c.tcp.env.ctx = h;
	c.tcp.seed[0] = rng_u64(&s->rng);
	c.tcp.seed[1] = rng_u64(&s->rng);
	c.tcp.size.sndbuf = cfg->sndbuf;
	c.tcp.size.rcvbuf = cfg->rcvbuf;
	c.tcp.msl_us = cfg->msl_us;
	c.tcp.port_first = 32768;
	c.tcp.port_last = 60999;
	c.tcp.congestion = cfg->congestion;
	c.tcp.rest_us = cfg->rest_us;
	c.tcp.pacing = cfg->pacing;
	c.tcp.ecn = cfg->ecn;
	c.tcp.fastopen = (struct tcp_fastopen){
	    .mode = cfg->fastopen, .blackhole_s = cfg->fastopen_limit % 3 * 5};
	h->stack = stack_new(&c, s->now);
	CHECK(h->stack != NULL);
	CHECK(tcp_bind(host_tcp(h), &any, SERVER_PORT, 0, 0, NULL,
		  &h->listener) == 0);
	CHECK(tcp_listen(h->listener, 128) == 0);
	CHECK(tcp_bind_opts(h->listener,
		  &(struct tcp_opts){.fastopen = cfg->fastopen_limit}) == 0);
}

void
host_done(struct host *h)
{
	tcp_unbind(h->listener, h->sim->now);
	stack_free(h->stack);
	h->stack = NULL;
}
