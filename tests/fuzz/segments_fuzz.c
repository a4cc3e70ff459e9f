/* SPDX-License-Identifier: ISC */
/*
 * Two TCP layers and a hostile wire between them: it drops, repeats, reorders
 * and, unlike the simulator's, rewrites what passes with a good checksum, and
 * makes up segments and ICMP errors of its own.  So recovery, reassembly and
 * the closing states are reached by real segments and then lied to.
 *
 * An input is a row of bytes, each an operation that takes what it needs from
 * those that follow.  After each one both layers check themselves and what
 * they send is taken apart.  At the end the wire is honest, the users close or
 * abort, time passes, and nothing may be left: no connection, no deadline, no
 * buffer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "tcp/tcp.h"
#include "wire/tcp.h"

#define MAX_CONNS   4
#define MAX_WIRE    512
#define MAX_OPS	    2000
#define MAX_PAYLOAD 65536
#define MTU	    1500

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct packet {
	unsigned to;
	struct ipaddr src, dst;
	struct wire_tcp h;
	uint16_t gso_size;
	uint8_t tos;
	uint32_t len;
	uint8_t *payload;
};

struct host {
	struct tcp *tcp;
	struct bufpool *bufs;
	struct drops drops;
	struct ipaddr addr;
	bool tso;
	bool marked; /* each third of what comes and can be marked is */
	unsigned came;
	struct tcp_pcb *conns[MAX_CONNS];
	struct tcp_bind *listener;
};

static struct {
	const uint8_t *in;
	size_t left;
	mono_t now;
	struct host host[2];
	struct packet wire[MAX_WIRE];
	unsigned nwire;
	struct packet last[2]; /* the latest to each, without payload */
} w;

static unsigned
byte(void)
{
	if (w.left == 0)
		return 0;
	w.left--;
	return *w.in++;
}

/* A distance: small, a segment's, a window's, or far. */
static uint32_t
distance(void)
{
	unsigned b = byte(), v = byte();

	switch (b & 7) {
	case 0:
		return v;
	case 1:
		return 0u - v;
	case 2:
		return v * 97;
	case 3:
		return 0u - v * 97;
	case 4:
		return v << 12;
	case 5:
		return 0u - (v << 12);
	case 6:
		return v << 24;
	default:
		return (uint32_t)(b >> 3) * 1448;
	}
}

/* ---- hosts ---- */

static int
path(void *ctx, const struct ipaddr *src, const struct ipaddr *dst,
    struct tcp_path *out)
{
	const struct host *h = ctx;

	(void)src;
	(void)dst;
	out->src = h->addr;
	out->mtu = out->rcv_mtu = MTU;
	out->tso_max = h->tso ? 65000 : 0;
	return 0;
}

static enum tcp_admit
may_open(void *ctx, struct tcp_bind *listener)
{
	(void)ctx;
	(void)listener;
	return TCP_ADMIT_YES;
}

static int
adopt(struct host *h, struct tcp_pcb *p)
{
	unsigned i;

	for (i = 0; i < MAX_CONNS; i++) {
		if (h->conns[i] != NULL)
			continue;
		h->conns[i] = p;
		tcp_set_user(p, &h->conns[i]);
		return 0;
	}
	return -11; /* EAGAIN: the accept queue is full */
}

static int
accept_one(void *ctx, struct tcp_bind *listener, struct tcp_pcb *p)
{
	(void)listener;
	return adopt(ctx, p);
}

/* Every signature is right, so that lies have one too. */
static void
no_digest(const struct span *in, unsigned n, uint8_t out[16])
{
	size_t sum = 0;
	unsigned i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < in[i].len; k++)
			sum += ((const uint8_t *)in[i].base)[k];
	memset(out, sum == SIZE_MAX, 16);
}

static unsigned
no_mac(enum tcp_ao_alg alg, const uint8_t *key, size_t len,
    const struct span *in, unsigned n, uint8_t out[TCP_AO_TRAFFIC])
{
	uint8_t sum[16];

	(void)alg;
	(void)key;
	(void)len;
	no_digest(in, n, sum);
	memset(out, 0, TCP_AO_TRAFFIC);
	return TCP_AO_TRAFFIC;
}

static const struct tcp_digest digest = {.md5 = no_digest, .mac = no_mac};

static void
start(struct host *h, uint8_t number, bool six, unsigned bits, unsigned manner)
{
	struct ipaddr any = {{0}};
	struct tcp_config c = {.env = {.path = path,
				   .may_open = may_open,
				   .accept = accept_one,
				   .ctx = h},
	    .drops = &h->drops,
	    .seed = {number, bits},
	    .size = {.sndbuf = bits & 1 ? 1 << 20 : 20000,
		.sndbuf_max = 1 << 20,
		.rcvbuf = bits & 2 ? 1 << 20 : 30000,
		.rcvbuf_max = 1 << 20},
	    .msl_us = 1000000,
	    .port_first = 40000,
	    .port_last = 40009,
	    .mtu_probing = bits & 64 ? TCP_MTU_ALWAYS : TCP_MTU_BLACK_HOLE,
	    .fastopen = {.mode = bits & 128 ? FASTOPEN_ALL
					    : FASTOPEN_CLIENT | FASTOPEN_SERVER,
		.blackhole_s = 60},
	    .digest = &digest,
	    .ecn = (enum tcp_ecn_policy)(manner >> 2 & 3),
	    .pacing = manner & 16,
	    .congestion = tcp_cc_name(manner & 3)};

	h->addr = ipaddr_v4(0xc0000200u + number);
	if (six)
		h->addr =
		    (struct ipaddr){{0x20, 0x01, 0x0d, 0xb8, [15] = number}};
	h->tso = bits & 8;
	h->marked = manner & 32;
	h->bufs = c.bufs = bufpool_new(bits & 16 ? 400000 : 16 << 20);
	CHECK(h->bufs != NULL);
	h->tcp = tcp_new(&c, w.now);
	CHECK(h->tcp != NULL);
	CHECK(tcp_bind(h->tcp, &any, 80, 0, 0, NULL, &h->listener) == 0);
	CHECK(tcp_listen(h->listener, 8) == 0);
	CHECK(
	    tcp_bind_opts(h->listener, &(struct tcp_opts){.fastopen = 3}) == 0);
}

static void
events(struct host *h)
{
	struct tcp_event ev;
	struct tcp_pcb **at;

	while (tcp_event(h->tcp, &ev)) {
		at = ev.user;
		if (at == NULL)
			continue;
		CHECK(*at == ev.pcb);
		if (ev.bits & TCP_EV_GONE)
			*at = NULL;
		else if (ev.bits & TCP_EV_ERROR)
			(void)tcp_soft_error(ev.pcb);
	}
}

/* ---- the wire ---- */

static void
forget(struct packet *p)
{
	free(p->payload);
	p->payload = NULL;
}

static void
take_out(unsigned i)
{
	w.nwire--;
	memmove(&w.wire[i], &w.wire[i + 1], (w.nwire - i) * sizeof w.wire[0]);
}

static void
put_on(unsigned to, const struct tcp_out *o)
{
	struct packet *p, spare;
	unsigned i, ip = ipaddr_is_v4(&o->dst) ? 20 : 40;
	size_t n = 0;

	p = w.nwire < MAX_WIRE ? &w.wire[w.nwire++] : &spare;
	memset(p, 0, sizeof *p);
	p->to = to;
	p->src = o->src;
	p->dst = o->dst;
	p->gso_size = o->gso_size;
	p->tos = o->tos;
	p->len = o->payload_len;
	CHECK(wire_tcp_parse(o->hdr, o->hdr_len, &p->h) == 0);
	CHECK(p->h.hdr_len == o->hdr_len);
	if (o->gso_size == 0)
		CHECK(o->payload_len + o->hdr_len + ip <= MTU);
	else
		CHECK(o->payload_len > o->gso_size &&
		      o->gso_size + o->hdr_len + ip <= MTU);
	CHECK(p->len <= MAX_PAYLOAD && o->nspans <= FRAME_SPANS - 2);
	p->payload = malloc(p->len + 1);
	CHECK(p->payload != NULL);
	for (i = 0; i < o->nspans; i++) {
		CHECK(n + o->spans[i].len <= p->len);
		memcpy(p->payload + n, o->spans[i].base, o->spans[i].len);
		n += o->spans[i].len;
	}
	CHECK(n == p->len);
	w.last[to] = *p;
	w.last[to].payload = NULL;
	if (p == &spare)
		forget(p);
}

static void
settle(void)
{
	struct tcp_out o;
	unsigned i, n = 0, turns;

	for (i = 0; i < 2; i++) {
		for (turns = 0; turns < 2; turns++) {
			events(&w.host[i]);
			memset(&o, 0, sizeof o);
			while (tcp_output(w.host[i].tcp, &o, w.now)) {
				put_on(!i, &o);
				CHECK(++n < 20000);
			}
		}
		tcp_check(w.host[i].tcp, w.now);
	}
}

static void
deliver(const struct packet *p)
{
	struct host *h = &w.host[p->to];
	struct tcp_in in = {.src = p->src, .dst = p->dst, .csum_ok = true};
	uint8_t hdr[WIRE_TCP_HDR_MAX];
	size_t n = wire_tcp_emit(&p->h, hdr);

	in.buf = buf_alloc(h->bufs, n + p->len);
	if (in.buf == NULL)
		return;
	memcpy(in.buf->data, hdr, n);
	if (p->payload != NULL)
		memcpy(in.buf->data + n, p->payload, p->len);
	else
		memset(in.buf->data + n, 'f', p->len);
	in.buf->len = in.len = (uint32_t)n + p->len;
	in.gso_size = p->gso_size;
	in.tos = p->tos;
	if (h->marked && (p->tos & 3) != 0 && ++h->came % 3 == 0)
		in.tos |= 3;
	tcp_input(h->tcp, &in, w.now);
	buf_unref(in.buf);
}

/* The lies. */
static void
rewrite(struct packet *p)
{
	unsigned b = byte(), i;
	uint32_t base;

	if (b & 1)
		p->h.seq += distance();
	if (b & 2)
		p->h.ack += distance();
	if (b & 4) {
		p->h.flags ^= (uint8_t)byte();
		p->tos = (uint8_t)byte();
		p->h.flags ^= p->tos & 64 ? TH_AE : 0;
	}
	if (b & 8)
		p->h.wnd = (uint16_t)distance();
	if (b & 16 && p->len > 0)
		p->len = p->len * byte() / 256;
	if (b & 32) {
		p->h.nsack = 1 + byte() % 4;
		base = p->h.ack;
		for (i = 0; i < p->h.nsack; i++) {
			p->h.sack[i].left = base + distance();
			base = p->h.sack[i].right =
			    p->h.sack[i].left + 1 + distance();
		}
	}
	if (b & 64) {
		p->h.has_ts = !p->h.has_ts || b & 1;
		p->h.tsval += distance();
		p->h.tsecr += distance();
	}
	if (b & 128) {
		p->h.mss = (uint16_t)distance();
		p->h.wscale = byte() % 15;
		p->h.sack_permitted = b & 1;
		p->h.urp = (uint16_t)byte();
	}
}

static void
forge(void)
{
	struct packet p = w.last[byte() & 1];

	if (p.src.b[10] == 0) /* nothing was sent yet */
		return;
	p.len = byte() & 1 ? byte() * 16u : 0;
	p.gso_size = p.len > 1000 ? 536 : 0;
	p.h.seq += distance();
	rewrite(&p);
	deliver(&p);
}

static void
icmp(void)
{
	const struct packet *p = &w.last[byte() & 1];
	struct tuple id = {p->src, p->dst, p->h.sport, p->h.dport};
	unsigned what = byte() % (TCP_ICMP_TOO_BIG + 1);

	tcp_icmp_input(w.host[!p->to].tcp, &id, p->h.seq + distance(),
	    (enum tcp_icmp)what, (uint16_t)distance(), w.now);
}

static void
pass_time(void)
{
	mono_t d =
	    mono_min(tcp_deadline(w.host[0].tcp), tcp_deadline(w.host[1].tcp));
	unsigned b = byte();

	if (b & 128 && !mono_is_never(d))
		w.now = mono_max(w.now, d);
	else
		w.now = mono_add(w.now, (int64_t)(b & 127) * 1000);
	tcp_expire(w.host[0].tcp, w.now);
	tcp_expire(w.host[1].tcp, w.now);
}

/* What is the next packet's fate? */
static void
move(unsigned op)
{
	unsigned i;
	struct packet p;

	if (w.nwire == 0)
		return;
	i = op & 1 ? byte() % w.nwire : 0;
	p = w.wire[i];
	switch (op >> 1 & 7) {
	case 0: /* lost */
		take_out(i);
		forget(&p);
		return;
	case 1: /* twice */
		deliver(&p);
		return;
	case 2: /* rewritten, and the true one later */
	case 3:
		rewrite(&p);
		deliver(&p);
		return;
	default:
		take_out(i);
		deliver(&p);
		forget(&p);
	}
}

/* ---- users ---- */

static void
write_some(struct tcp_pcb *p, size_t want)
{
	struct span s[4];
	unsigned n, i;
	size_t got;

	while (want > 0 && (n = tcp_send_reserve(p, s, 4, want)) > 0) {
		for (got = 0, i = 0; i < n; i++) {
			memset(s[i].base, 'x', s[i].len);
			got += s[i].len;
		}
		CHECK(got > 0 && got <= want);
		tcp_send_commit(p, got, w.now);
		want -= got;
	}
}

static void
read_some(struct tcp_pcb *p, size_t want)
{
	struct span s[8];
	size_t n, queued = tcp_recv_queued(p);
	unsigned k, i;

	if (want > queued)
		want = queued;
	while (want > 0 && (k = tcp_recv_peek(p, s, 8)) > 0) {
		for (n = 0, i = 0; i < k; i++)
			n += s[i].len;
		n = n < want ? n : want;
		tcp_recv_unread(p, (uint32_t)(want * 3));
		tcp_recv_consume(p, n, w.now);
		want -= n;
	}
	CHECK(want == 0);
}

static void
options(struct tcp_pcb *p)
{
	unsigned v = byte();
	struct tcp_opts o;

	tcp_get_opts(p, &o);
	o.nodelay = v & 1;
	o.cork = v & 2;
	o.quickack = (v >> 2) % 3;
	o.keepalive = v & 8;
	o.keepidle_s = v & 16 ? 1 : 0;
	o.max_seg = v & 32 ? 100 : 0;
	o.user_timeout_us = v & 64 ? 2000000 : 0;
	o.rcvbuf = v & 128 ? 4096 : 200000;
	CHECK(tcp_apply_opts(p, &o, w.now) == 0);
}

/* The same of TCP-AO: one of four, and what is asked of all. */
static void
ao_key(struct tcp_bind *b, struct tcp_pcb *p, const struct ipaddr *peer)
{
	unsigned v = byte();
	struct tcp_ao_key k = {.addr = *peer,
	    .plen = 128,
	    .sndid = v & 3,
	    .rcvid = v & 3,
	    .alg = v & 4 ? TCP_AO_AES128 : TCP_AO_SHA1,
	    .maclen = v & 8 ? 12 : 1 + (v & 15),
	    .no_options = v & 16,
	    .current = v & 32,
	    .rnext = v & 64,
	    .len = 5,
	    .key = "hello"};
	struct tcp_ao_want want = {-1, v & 32 ? (int)(v >> 6) : -1};
	struct tcp_ao_info info = {.current = v & 32 ? (int)(v & 3) : -1,
	    .rnext = v & 64 ? (int)(v & 3) : -1,
	    .required = v & 8,
	    .accept_icmps = v & 16};

	if (!(v & 128))
		(void)tcp_ao_add(b, p, &k);
	else if (v & 4)
		(void)tcp_ao_del(b, p, &k, &want);
	else
		(void)tcp_ao_set(b, p, &info);
}

/* The listener's, or the connection's, or none any more. */
static void
key(struct host *h, struct tcp_pcb *p, const struct ipaddr *peer)
{
	unsigned v = byte();
	struct tcp_md5 m = {.addr = *peer,
	    .plen = v & 1 ? 128 : 96,
	    .len = v & 2 ? 0 : 5,
	    .key = "hello"};

	if (v & 8)
		ao_key(v & 4 ? h->listener : NULL, v & 4 ? NULL : p, peer);
	else if (v & 4)
		(void)tcp_bind_md5(h->listener, &m);
	else
		(void)tcp_pcb_md5(p, &m);
}

static void
call(unsigned op)
{
	struct ipaddr any = {{0}}, dst;
	struct host *h = &w.host[op & 1];
	struct tcp_pcb **at = &h->conns[byte() % MAX_CONNS], *p;
	static const struct tcp_opts none;
	unsigned how;

	if (*at == NULL) {
		dst = w.host[!(op & 1)].addr;
		how = byte();
		if (tcp_connect(h->tcp, NULL, &any, &dst, how & 1 ? 80 : 40000,
			&none, NULL, w.now, &p) != 0)
			return;
		CHECK(adopt(h, p) == 0);
		if (how & 8)
			key(h, p, &dst);
		if (how & 6)
			tcp_fastopen(p, how & 4, w.now);
		if (how & 2)
			write_some(p, (size_t)(how >> 3) << 7);
		return;
	}
	switch (op >> 1 & 15) {
	case 0:
		tcp_shutdown(*at, w.now);
		break;
	case 1:
		tcp_close(*at, w.now);
		*at = NULL;
		break;
	case 2:
		tcp_abort(*at, w.now);
		*at = NULL;
		break;
	case 3:
		options(*at);
		break;
	case 4:
		tcp_clamp_window(*at, byte() << 8);
		break;
	case 5:
		tcp_recv_discard(*at, w.now);
		break;
	case 6:
	case 7:
	case 8:
		read_some(*at, (size_t)byte() << (byte() & 15));
		break;
	case 10:
		key(h, *at, &w.host[!(op & 1)].addr);
		break;
	case 9:
		write_some(*at, byte());
		tcp_send_urgent(*at, w.now);
		break;
	default:
		write_some(*at, (size_t)byte() << (byte() & 12));
		break;
	}
}

/* ---- a run ---- */

static void
one(void)
{
	unsigned op = byte();

	switch (op >> 5) {
	case 0:
	case 1:
		call(op);
		break;
	case 2:
		pass_time();
		break;
	case 3:
		if (op & 1)
			forge();
		else if (op & 2)
			icmp();
		else
			rewrite(w.nwire > 0 ? &w.wire[0] : &w.last[0]);
		break;
	default:
		move(op);
		break;
	}
	settle();
}

static void
finish(unsigned bits)
{
	struct tcp_stats st;
	struct packet p;
	unsigned i, k, turns;
	mono_t d;

	for (i = 0; i < 2; i++) {
		for (k = 0; k < MAX_CONNS; k++) {
			struct tcp_pcb *c = w.host[i].conns[k];

			w.host[i].conns[k] = NULL;
			if (c != NULL && bits & 32)
				tcp_close(c, w.now);
			else if (c != NULL)
				tcp_abort(c, w.now);
		}
		tcp_unbind(w.host[i].listener, w.now);
	}
	for (turns = 0;; turns++) {
		CHECK(turns < 100000);
		settle();
		if (w.nwire > 0) {
			p = w.wire[0];
			take_out(0);
			deliver(&p);
			forget(&p);
			continue;
		}
		d = mono_min(
		    tcp_deadline(w.host[0].tcp), tcp_deadline(w.host[1].tcp));
		if (mono_is_never(d))
			break;
		w.now = mono_max(w.now, d);
		tcp_expire(w.host[0].tcp, w.now);
		tcp_expire(w.host[1].tcp, w.now);
	}
	for (i = 0; i < 2; i++) {
		tcp_stats(w.host[i].tcp, &st);
		CHECK(st.conns == 0 && st.half_open == 0 && st.time_wait == 0);
		CHECK(st.binds == 0 && st.orphans == 0);
		CHECK(bufpool_used(w.host[i].bufs) == 0);
		tcp_free(w.host[i].tcp);
		bufpool_free(w.host[i].bufs);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned i, bits, more, manner;

	memset(&w, 0, sizeof w);
	w.in = data;
	w.left = size;
	w.now.us = 1000000000;
	bits = byte();
	more = byte();
	manner = byte();
	start(&w.host[0], 1, more & 32, bits, manner);
	manner = byte();
	start(&w.host[1], 2, more & 32, more, manner);
	for (i = 0; i < MAX_OPS && w.left > 0; i++)
		one();
	finish(bits);
	return 0;
}
