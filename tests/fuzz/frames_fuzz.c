/* SPDX-License-Identifier: ISC */
/*
 * Frames, user calls and time against the real stack, TCP and UDP included.
 *
 * An input is a byte that chooses the configuration (CONF_*), perhaps another
 * one for the manners of TCP (MANNER_*), then a sequence of steps: a byte of
 *kind and flags, a byte of time that passes first (b & 15
 * << b >> 4 milliseconds), two bytes of length (big end first), and a body of
 * that length:
 *
 *	RAW	a frame as it is
 *	FIT	the same, its Ethernet address, IP length and checksums set
 *		right (those of TCP, UDP and ICMP too, behind extension headers)
 *	SEGMENT	which connection, flags, distance of seq and ack from what the
 *		stack expects and has sent (signed), window, length of options,
 *		options, payload: what a fuzzer could never guess
 *	CALL	which call, which connection or socket of UDP, a number
 *
 * The application behind it listens and echoes, and talks on a connection of
 * its own.  It has sockets of UDP, one without a peer and one with, and two to
 * play with.  After each step the layers check themselves, every frame that
 *leaves is taken apart, and no step may make more than a bounded amount of
 *work.  At the end all is closed, time passes, and then there must be nothing
 *left: no connection, no deadline, no buffer.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "stack/stack.h"
#include "wire/arp.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/icmp6.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

#define OURS 0xc0000202
#define PEER 0xc0000201

#define MAX_STEPS  400
#define MAX_FRAMES 20000 /* that one step may send */
#define MAX_CONNS  16
#define MAX_FLOWS  16
#define HOARD	   4096
#define MAX_DGRAMS 4
#define DGRAM_CALL 240 /* and above: a call of UDP */

enum {
	CONF_PLAIN = 1,	   /* no offloads */
	CONF_POOR = 2,	   /* buffers are short */
	CONF_DENY = 4,	   /* a quota holds new connections back */
	CONF_BUSY = 8,	   /* nobody accepts */
	CONF_NARROW = 16,  /* small windows */
	CONF_MANNER = 32,  /* a second byte, MANNER_ */
	CONF_COOKIES = 64, /* for every SYN */
	CONF_SIX = 128,	   /* the connections are IPv6's, routers are heard */
};

/* The lowest two bits are the congestion control, the next two enum
 * tcp_ecn_policy, the highest two the IP-ECN field of the peer's segments. */
enum {
	MANNER_CC = 3,
	MANNER_ECN = 2,
	MANNER_PACING = 16,
	MANNER_AE = 32, /* which the peer's segments have */
	MANNER_FIELD = 6,
};

enum {
	KIND_RAW,
	KIND_FIT,
	KIND_SEGMENT,
	KIND_CALL,
	KIND_MASK = 3,
	FLAG_VALID = 4,	  /* the device vouches for the checksum */
	FLAG_PARTIAL = 8, /* or wants it filled in */
	FLAG_GSO = 16,	  /* a train of segments */
	FLAG_EXPIRE = 32, /* first, the next deadline */
	FLAG_IDLE = 64,	  /* the application does not read */
	FLAG_HOARD = 128, /* no buffer is to be had in this step */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 1};
static const struct ipaddr any6;

/* What the peer knows of a connection from the frames that he saw. */
struct flow {
	uint16_t lport, rport; /* the stack's, the peer's */
	uint32_t nxt, ack;     /* after the last byte sent; acknowledged */
	bool has_ts;
	uint32_t tsval;
};

static struct world {
	struct stack *s;
	struct tcp *tcp;
	mono_t now;
	struct tcp_bind *listener;
	unsigned connects;
	struct tcp_pcb *conns[MAX_CONNS];
	bool active[MAX_CONNS]; /* only reads; the others echo */
	struct flow flows[MAX_FLOWS];
	unsigned nflows;
	uint8_t conf, manner;
	bool idle;
	struct buf *hoard[HOARD];
	unsigned nhoard;
	struct udp_sock *dgrams[MAX_DGRAMS];
	struct ipaddr from; /* who sent the last datagram */
	uint16_t from_port;
} w;

/* ---- the application ---- */

static void
adopt(struct tcp_pcb *p, bool active)
{
	unsigned i;

	for (i = 0; i < MAX_CONNS && w.conns[i] != NULL; i++)
		;
	CHECK(i < MAX_CONNS);
	w.conns[i] = p;
	w.active[i] = active;
	tcp_set_user(p, &w.conns[i]);
}

static bool
full(void)
{
	unsigned i;

	for (i = 0; i < MAX_CONNS; i++) {
		if (w.conns[i] == NULL)
			return false;
	}
	return true;
}

static int
app_accept(void *ctx, struct tcp_bind *b, struct tcp_pcb *p)
{
	if (full() || (w.conf & CONF_BUSY))
		return -EAGAIN;
	adopt(p, false);
	return 0;
}

static enum tcp_admit
app_may_open(void *ctx, struct tcp_bind *b)
{
	return w.conf & CONF_DENY ? TCP_ADMIT_NO : TCP_ADMIT_YES;
}

static void
app_write(struct tcp_pcb *p, size_t want)
{
	struct span spans[8];
	unsigned n = tcp_send_reserve(p, spans, 8, want), i;
	size_t got = 0;

	for (i = 0; i < n; i++) {
		memset(spans[i].base, 'x', spans[i].len);
		got += spans[i].len;
	}
	CHECK(got <= want);
	if (got > 0)
		tcp_send_commit(p, got, w.now);
}

/* What the address is called in the family of this run. */
static struct ipaddr
called(uint32_t v4)
{
	struct ipaddr a = {{0x20, 0x01, 0x0d, 0xb8}};

	if (!(w.conf & CONF_SIX))
		return ipaddr_v4(v4);
	put32(a.b + 12, v4 & 0xff);
	return a;
}

static void
app_connect(uint32_t dst)
{
	struct ipaddr any = w.conf & CONF_SIX ? any6 : ipaddr_v4(0);
	struct ipaddr peer = called(dst);
	struct tcp_pcb *p;
	static const struct tcp_opts opts;

	if (full() || tcp_connect(w.tcp, NULL, &any, &peer, 80, &opts, NULL,
			  w.now, &p) != 0)
		return;
	/* Each second one; what is written when it is adopted goes along. */
	if (w.connects++ % 2 == 1)
		tcp_fastopen(p, w.connects % 4 == 0, w.now);
	adopt(p, true);
}

static void
app_close(struct tcp_pcb **p)
{
	tcp_close(*p, w.now);
	*p = NULL;
}

static void
app_read(struct tcp_pcb *p, bool echo)
{
	struct span spans[16];
	size_t left = tcp_recv_queued(p), take, seen;
	unsigned n, i;

	while (left > 0 && (n = tcp_recv_peek(p, spans, 16)) > 0) {
		for (seen = 0, i = 0; i < n; i++)
			seen += spans[i].len;
		CHECK(seen > 0 && seen <= left);
		take = tcp_send_space(p) < seen ? tcp_send_space(p) : seen;
		if (echo)
			app_write(p, take);
		tcp_recv_consume(p, seen, w.now);
		left -= seen;
	}
}

static void
app_event(const struct tcp_event *ev)
{
	struct tcp_pcb **p = ev->user;

	if (p == NULL)
		return;
	CHECK(*p == ev->pcb);
	if (ev->bits & TCP_EV_GONE) {
		*p = NULL;
		return;
	}
	if (ev->bits & TCP_EV_CONNECTED)
		app_write(*p, 3000);
	if (ev->bits & TCP_EV_ERROR)
		(void)tcp_soft_error(*p);
	if (w.idle)
		return;
	if (ev->bits & TCP_EV_READABLE)
		app_read(*p, !w.active[p - w.conns]);
	if ((ev->bits & TCP_EV_EOF) && tcp_recv_eof(*p))
		app_close(p);
}

/* ---- datagrams ---- */

static int
dgram_deliver(void *ctx, void *user, const struct udp_in *d)
{
	CHECK(
	    user >= (void *)w.dgrams && user < (void *)(w.dgrams + MAX_DGRAMS));
	if (d->len > 0 && d->data[0] == 0xee)
		return -EPIPE; /* its program has gone */
	if (w.idle)
		return -EAGAIN;
	w.from = d->src;
	w.from_port = d->sport;
	return 0;
}

static void
dgram_failed(void *ctx, void *user, int error)
{
	CHECK(error > 0);
}

static void
dgram_reported(void *ctx, void *user, const struct udp_icmp *e)
{
	uint8_t sum = 0;
	uint32_t i;

	for (i = 0; i < e->len; i++)
		sum ^= e->data[i];
	CHECK(e->error > 0 && (sum | 1) != 0);
}

static void
dgram_open(unsigned i)
{
	w.dgrams[i] =
	    udp_open(stack_udp(w.s), w.conf & CONF_SIX, i & 1, &w.dgrams[i]);
	CHECK(w.dgrams[i] != NULL);
}

static void
dgram_send(struct udp_sock *s, bool back, uint8_t v)
{
	static const uint8_t data[256 * 300];
	struct udp_msg m = {.to_peer = !back,
	    .dst = w.from,
	    .dport = w.from_port,
	    .tos = -1,
	    .ttl = -1,
	    .data = data,
	    .len = v * 300u};

	(void)udp_send(s, &m);
}

static void
dgram_options(struct udp_sock *s, uint8_t v)
{
	struct udp_opts o = {.tos = v,
	    .hops = v & 1,
	    .pmtu = (enum udp_pmtu)(v % 6),
	    .pmtu6 = (enum udp_pmtu)(v % 6),
	    .no_csum = v & 16,
	    .errors = v & 32,
	    .errors6 = v & 32,
	    .flags = v & (UDP_REUSEADDR | UDP_REUSEPORT)};

	udp_set_opts(s, &o);
}

static void
dgram_call(uint8_t what, unsigned i, uint8_t v)
{
	struct ipaddr peer = called(PEER), us = called(OURS);
	struct udp_sock *s = w.dgrams[i];
	struct udp_info info;

	switch (what & 7) {
	case 0:
	case 1:
		dgram_send(s, what & 1, v);
		break;
	case 2:
		udp_close(s);
		dgram_open(i);
		break;
	case 3:
		(void)udp_bind(s, v & 1 ? &us : &any6, v);
		break;
	case 4:
		(void)udp_connect(s, &peer, v);
		break;
	case 5:
		udp_disconnect(s);
		break;
	case 6:
		dgram_options(s, v);
		break;
	default:
		(void)udp_connect(s, &us, v);
		break;
	}
	udp_info(s, &info);
}

/* ---- what leaves ---- */

static struct flow *
flow_of(uint16_t lport, uint16_t rport)
{
	unsigned i;

	for (i = 0; i < w.nflows; i++) {
		if (w.flows[i].lport == lport && w.flows[i].rport == rport)
			return &w.flows[i];
	}
	if (w.nflows < MAX_FLOWS)
		i = w.nflows++;
	else
		i = rport % MAX_FLOWS;
	w.flows[i] = (struct flow){.lport = lport, .rport = rport};
	return &w.flows[i];
}

static void
see_segment(const struct ipaddr *src, const struct ipaddr *dst,
    const struct offload *off, const uint8_t *p, size_t len)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	struct wire_tcp h;
	struct flow *f;

	CHECK(wire_tcp_parse(p, len, &h) == 0);
	CHECK(off->needs_csum == !(w.conf & CONF_PLAIN));
	wire_csum_pseudo(&c, src, dst, WIRE_PROTO_TCP, (uint32_t)len);
	if (off->needs_csum)
		CHECK(get16(p + WIRE_TCP_CSUM_OFF) == wire_csum_partial(&c));
	else
		wire_csum_add(&c, p, len);
	CHECK(off->needs_csum || wire_csum_final(&c) == 0);
	if (off->gso != GSO_NONE)
		CHECK(off->gso_size > 0 && len - h.hdr_len > off->gso_size);
	else
		CHECK(len <= 1480);
	f = flow_of(h.sport, h.dport);
	f->nxt = h.seq + (uint32_t)(len - h.hdr_len) +
		 ((h.flags & TH_SYN) != 0) + ((h.flags & TH_FIN) != 0);
	if (h.flags & TH_ACK)
		f->ack = h.ack;
	f->has_ts = h.has_ts;
	f->tsval = h.tsval;
}

static void
see_datagram(const struct ipaddr *src, const struct ipaddr *dst,
    const struct offload *off, const uint8_t *p, size_t len)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	struct wire_udp h;

	CHECK(wire_udp_parse(p, len, &h) == 0 && h.len == len && len <= 1480);
	CHECK(off->gso == GSO_NONE && h.dport != 0 && h.sport != 0);
	if (h.csum == 0) {
		CHECK(ipaddr_is_v4(dst));
		return;
	}
	wire_csum_pseudo(&c, src, dst, WIRE_PROTO_UDP, (uint32_t)len);
	if (off->needs_csum) {
		CHECK(h.csum == wire_csum_partial(&c));
	} else {
		wire_csum_add(&c, p, len);
		CHECK(wire_csum_final(&c) == 0);
	}
}

static void
see_ipv4(const uint8_t *p, size_t len, const struct offload *off)
{
	struct ipaddr src, dst;
	struct wire_ipv4 ip;

	CHECK(wire_ipv4_parse(p, len, &ip) == 0);
	CHECK(ip.total_len == len && ip.src == OURS);
	CHECK(ip.df || ip.proto == WIRE_PROTO_UDP);
	if (ip.mf || ip.frag_off != 0)
		return;
	src = ipaddr_v4(ip.src);
	dst = ipaddr_v4(ip.dst);
	if (ip.proto == WIRE_PROTO_TCP)
		see_segment(&src, &dst, off, p + 20, len - 20);
	else if (ip.proto == WIRE_PROTO_UDP)
		see_datagram(&src, &dst, off, p + 20, len - 20);
}

static void
see_ipv6(const uint8_t *p, size_t len, const struct offload *off)
{
	struct wire_ipv6_chain c;
	struct wire_ipv6 ip;
	struct wire_icmp m;

	CHECK(wire_ipv6_parse(p, len, &ip) == 0);
	CHECK(ip.payload_len == len - 40 && !ipaddr_is_v4(&ip.dst));
	c = wire_ipv6_chain(&ip);
	CHECK(wire_ipv6_walk(p, len, &c) == 0);
	if (c.fragment) {
		CHECK(c.proto == WIRE_PROTO_UDP);
		return;
	}
	if (c.proto == WIRE_PROTO_TCP)
		see_segment(&ip.src, &ip.dst, off, p + c.off, len - c.off);
	else if (c.proto == WIRE_PROTO_UDP)
		see_datagram(&ip.src, &ip.dst, off, p + c.off, len - c.off);
	else
		CHECK(wire_icmp6_parse(
			  p + c.off, len - c.off, &ip.src, &ip.dst, &m) == 0);
}

static void
see_frame(const struct txframe *f)
{
	static uint8_t flat[BUF_FRAME];
	struct wire_arp arp;
	size_t len = 0;
	unsigned i;

	CHECK(f->nspans >= 1 && f->nspans <= FRAME_SPANS);
	for (i = 0; i < f->nspans; i++) {
		CHECK(len + f->spans[i].len <= sizeof flat);
		memcpy(flat + len, f->spans[i].base, f->spans[i].len);
		len += f->spans[i].len;
	}
	CHECK(len == f->len && len >= 14);
	CHECK(memcmp(flat + 6, our_mac, 6) == 0);
	if (get16(flat + 12) == WIRE_ETHER_ARP) {
		CHECK(wire_arp_parse(flat + 14, len - 14, &arp) == 0);
		return;
	}
	if (get16(flat + 12) == WIRE_ETHER_IPV6)
		see_ipv6(flat + 14, len - 14, &f->off);
	else
		see_ipv4(flat + 14, len - 14, &f->off);
}

/* Events and frames until there are none, deadlines until they lie ahead. */
static void
settle(void)
{
	static struct txframe f;
	struct tcp_event ev;
	unsigned frames = 0, turns = 0;

	for (;;) {
		while (tcp_event(w.tcp, &ev))
			app_event(&ev);
		while (stack_output(w.s, &f, w.now)) {
			see_frame(&f);
			CHECK(++frames < MAX_FRAMES);
		}
		tcp_check(w.tcp, w.now);
		udp_check(stack_udp(w.s));
		if (mono_before(w.now, stack_deadline(w.s)))
			return;
		CHECK(++turns < 1000);
		stack_expire(w.s, w.now);
	}
}

/* ---- what arrives ---- */

static void
deliver(const uint8_t *frame, size_t len, uint8_t flags)
{
	struct rxframe f = {.off = {0}};

	f.buf = buf_alloc(stack_bufs(w.s), len > 0 ? len : 1);
	if (f.buf == NULL)
		return;
	if (flags & FLAG_HOARD) {
		while (w.nhoard < HOARD && (w.hoard[w.nhoard] = buf_alloc(
						stack_bufs(w.s), 1)) != NULL)
			w.nhoard++;
	}
	memcpy(f.buf->data, frame, len);
	f.buf->len = (uint32_t)len;
	f.off.csum_valid = flags & FLAG_VALID;
	f.off.needs_csum = flags & FLAG_PARTIAL;
	if (flags & FLAG_GSO) {
		f.off.gso = w.conf & CONF_SIX ? GSO_TCP6 : GSO_TCP4;
		f.off.gso_size = 100;
	}
	stack_input(w.s, &f, w.now);
}

static size_t
checksum_at(uint8_t proto)
{
	return proto == WIRE_PROTO_TCP	 ? WIRE_TCP_CSUM_OFF
	       : proto == WIRE_PROTO_UDP ? WIRE_UDP_CSUM_OFF
					 : 2;
}

static void
fit_ipv6(uint8_t *frame, size_t len)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	uint8_t *ip = frame + 14, *p;
	struct wire_ipv6_chain chain;
	struct wire_ipv6 h;
	size_t at;

	if (frame[0] != 0x33)
		memcpy(frame, our_mac, 6);
	put16(ip + 4, (uint16_t)(len - 54));
	if (wire_ipv6_parse(ip, len - 14, &h) != 0)
		return;
	chain = wire_ipv6_chain(&h);
	if (wire_ipv6_walk(ip, len - 14, &chain) != 0 || chain.off > len - 14 ||
	    (chain.proto != WIRE_PROTO_TCP && chain.proto != WIRE_PROTO_UDP &&
		chain.proto != WIRE_PROTO_ICMP6))
		return;
	p = ip + chain.off;
	len -= 14 + chain.off;
	at = checksum_at(chain.proto);
	if (len < at + 2)
		return;
	if (chain.proto == WIRE_PROTO_UDP)
		put16(p + 4, (uint16_t)len);
	put16(p + at, 0);
	wire_csum_pseudo(&c, &h.src, &h.dst, chain.proto, (uint32_t)len);
	wire_csum_add(&c, p, len);
	put16(p + at, wire_csum_final(&c));
}

/* Sets right what a fuzzer finds hard: addresses, lengths, checksums. */
static void
make_fit(uint8_t *frame, size_t len)
{
	struct wire_csum c = WIRE_CSUM_INIT;
	uint8_t *ip = frame + 14, *p;
	size_t ihl;

	if (len >= 54 && get16(frame + 12) == WIRE_ETHER_IPV6)
		fit_ipv6(frame, len);
	if (len < 34 || get16(frame + 12) != WIRE_ETHER_IPV4)
		return;
	memcpy(frame, our_mac, 6);
	ihl = (size_t)(ip[0] & 15) * 4;
	if (ihl < 20 || ihl > len - 14)
		return;
	put16(ip + 2, (uint16_t)(len - 14));
	put16(ip + 10, 0);
	wire_csum_add(&c, ip, ihl);
	put16(ip + 10, wire_csum_final(&c));
	p = ip + ihl;
	len -= 14 + ihl;
	c = WIRE_CSUM_INIT;
	if (ip[9] == WIRE_PROTO_TCP && len >= 20) {
		wire_csum_pseudo4(&c, get32(ip + 12), get32(ip + 16),
		    WIRE_PROTO_TCP, (uint32_t)len);
		put16(p + 16, 0);
		wire_csum_add(&c, p, len);
		put16(p + 16, wire_csum_final(&c));
	} else if (ip[9] == WIRE_PROTO_UDP && len >= WIRE_UDP_HDR) {
		put16(p + 4, (uint16_t)len);
		wire_csum_pseudo4(&c, get32(ip + 12), get32(ip + 16),
		    WIRE_PROTO_UDP, (uint32_t)len);
		put16(p + WIRE_UDP_CSUM_OFF, 0);
		wire_csum_add(&c, p, len);
		put16(p + WIRE_UDP_CSUM_OFF, wire_csum_final(&c));
	} else if (ip[9] == WIRE_PROTO_ICMP && len >= 8) {
		put16(p + 2, 0);
		wire_csum_add(&c, p, len);
		put16(p + 2, wire_csum_final(&c));
	}
}

/* ... of a socket of UDP, if the quote is of UDP. */
static void
fit_quoted_udp(uint8_t *udp)
{
	struct udp_info info;

	udp_info(w.dgrams[get16(udp + 2) % MAX_DGRAMS], &info);
	put16(udp, info.id.lport);
	put16(udp + 2, info.connected ? info.id.rport : w.from_port);
}

/* A quote whose source port is zero is of a flow: the destination port names
 * it, and the sequence number is a distance from what it sent. */
static void
fit_quote(uint8_t *frame, size_t len)
{
	bool six = len > 54 && frame[14] >> 4 == 6;
	size_t at = six ? 54 + 8 + 40 : 34 + 8 + 20;
	uint8_t *tcp = frame + at;
	const struct flow *f;

	if (len < at + 8 || get16(tcp) != 0)
		return;
	if (six ? frame[20] != WIRE_PROTO_ICMP6
		: frame[14] != 0x45 || frame[23] != WIRE_PROTO_ICMP)
		return;
	if (frame[six ? at - 34 : at - 11] == WIRE_PROTO_UDP) {
		fit_quoted_udp(tcp);
		return;
	}
	if (w.nflows == 0)
		return;
	f = &w.flows[get16(tcp + 2) % w.nflows];
	put16(tcp, f->lport);
	put16(tcp + 2, f->rport);
	put32(tcp + 4, f->nxt + get32(tcp + 4));
}

static size_t
heads(void)
{
	return w.conf & CONF_SIX ? 54 : 34;
}

static size_t
put_heads(uint8_t *frame, size_t segment)
{
	struct wire_ether eth = {.type = WIRE_ETHER_IPV4};
	struct wire_ipv4 h = {.df = true,
	    .ttl = 64,
	    .src = PEER,
	    .dst = OURS,
	    .tos = w.manner >> MANNER_FIELD,
	    .proto = WIRE_PROTO_TCP,
	    .total_len = (uint16_t)(20 + segment)};

	struct wire_ipv6 h6 = {.hop_limit = 64,
	    .src = called(PEER),
	    .dst = called(OURS),
	    .next = WIRE_PROTO_TCP,
	    .tclass = w.manner >> MANNER_FIELD,
	    .payload_len = (uint16_t)segment};

	memcpy(eth.dst, our_mac, 6);
	memcpy(eth.src, peer_mac, 6);
	if (w.conf & CONF_SIX) {
		eth.type = WIRE_ETHER_IPV6;
		wire_ipv6_emit(&h6, frame + 14);
	} else {
		wire_ipv4_emit(&h, frame + 14);
	}
	wire_ether_emit(&eth, frame);
	return heads() + segment;
}

/* Option values mean something only near the stack's own: a time stamp echo of
 * zero becomes its last one, SACK edges are distances from what it sent. */
static void
fit_option(uint8_t *o, const struct flow *f)
{
	unsigned i;

	if (o[0] == 8 && o[1] == 10 && get32(o + 6) == 0)
		put32(o + 6, f->tsval);
	if (o[0] == 5) {
		for (i = 2; i + 4 <= o[1]; i += 4)
			put32(o + i, get32(o + i) + f->nxt);
	}
}

static void
fit_options(uint8_t *opts, size_t n, const struct flow *f)
{
	size_t i = 0;

	while (i + 1 < n && opts[i] != 0) {
		if (opts[i] == 1) {
			i++;
			continue;
		}
		if (opts[i + 1] < 2 || opts[i + 1] > n - i)
			return;
		fit_option(opts + i, f);
		i += opts[i + 1];
	}
}

/* which, flags, seq (4), ack (4), window (2), options/4, options, payload. */
#define SEGMENT_HEAD 13

static void
peer_segment(const uint8_t *b, size_t len, uint8_t flags)
{
	static uint8_t frame[BUF_FRAME];
	struct flow nobody = {.lport = 80}, *f = &nobody;
	uint8_t *p = frame + heads();
	size_t opts, payload;

	if (len < SEGMENT_HEAD || len > 60000)
		return;
	if (w.nflows > 0 && b[0] < 128)
		f = &w.flows[b[0] % w.nflows];
	else
		nobody.rport = (uint16_t)(1024 + b[0]);
	opts = (size_t)(b[12] % 11) * 4;
	if (opts > len - SEGMENT_HEAD)
		opts = 0;
	payload = len - SEGMENT_HEAD - opts;
	put16(p, f->rport);
	put16(p + 2, f->lport);
	put32(p + 4, f->ack + get32(b + 2));
	put32(p + 8, f->nxt + get32(b + 6));
	p[12] = (uint8_t)((5 + opts / 4) << 4 | (w.manner & MANNER_AE ? 1 : 0));
	p[13] = b[1];
	put16(p + 14, get16(b + 10));
	put32(p + 16, 0);
	memcpy(p + 20, b + SEGMENT_HEAD, opts + payload);
	fit_options(p + 20, opts, f);
	len = put_heads(frame, 20 + opts + payload);
	make_fit(frame, len);
	deliver(frame, len, flags);
}

static void
peer_packet(const uint8_t *b, size_t len, uint8_t flags)
{
	static uint8_t frame[BUF_FRAME];

	if (len > 65000)
		return;
	memcpy(frame, b, len);
	fit_quote(frame, len);
	make_fit(frame, len);
	deliver(frame, len, flags);
}

/* ---- user calls ---- */

static void
change_options(struct tcp_pcb *p, uint8_t v)
{
	struct tcp_opts o;

	tcp_get_opts(p, &o);
	o.nodelay = v & 1;
	o.keepalive = v & 2;
	o.cork = v & 4;
	o.quickack = (v >> 3) % 3;
	o.keepidle_s = v & 16 ? 1 : 0;
	o.user_timeout_us = v & 32 ? 3000000 : 0;
	o.congestion = tcp_cc_name((w.manner + (v >> 6)) & MANNER_CC);
	o.sndbuf = v & 128 ? 8192 : 65536;
	(void)tcp_apply_opts(p, &o, w.now);
}

static void
user_call(const uint8_t *b, size_t len)
{
	struct tcp_info_out info;
	struct tcp_pcb **p;

	if (len < 3)
		return;
	if (b[0] >= DGRAM_CALL) {
		dgram_call(b[0], b[1] % MAX_DGRAMS, b[2]);
		return;
	}
	if (b[0] % 12 == 0) {
		app_connect(b[1] & 1 ? OURS : PEER);
		return;
	}
	p = &w.conns[b[1] % MAX_CONNS];
	if (*p == NULL)
		return;
	switch (b[0] % 12) {
	case 1:
		app_write(*p, (size_t)b[2] * 64);
		break;
	case 2:
		tcp_shutdown(*p, w.now);
		break;
	case 3:
		app_close(p);
		break;
	case 4:
		tcp_abort(*p, w.now);
		*p = NULL;
		break;
	case 5:
		change_options(*p, b[2]);
		break;
	case 6:
		tcp_clamp_window(*p, (uint32_t)b[2] * 256);
		break;
	case 7:
		tcp_recv_discard(*p, w.now);
		break;
	case 8:
		tcp_info(*p, &info, w.now);
		tcp_set_fast_path(w.tcp, b[2] % 4 != 3);
		break;
	case 9:
		app_read(*p, true);
		break;
	case 10:
		(void)tcp_soft_error(*p);
		if (b[2] & 1)
			tcp_send_urgent(*p, w.now);
		(void)tcp_recv_urgent(*p);
		break;
	default:
		(void)tcp_listen(w.listener, b[2]);
		break;
	}
}

/* ---- a run ---- */

static struct stack *
make_stack(uint8_t conf)
{
	struct stack_addr addrs[2] = {
	    {ipaddr_v4(OURS), 96 + 24}, {called(OURS), 64}};
	struct stack_route route = {ipaddr_v4(0), ipaddr_v4(0xc00002fe), 96};
	struct stack_config cfg = {.mtu = 1500,
	    .addrs = addrs,
	    .naddrs = conf & CONF_SIX ? 2 : 1,
	    .accept_ra = conf & CONF_SIX,
	    .routes = &route,
	    .nroutes = 1,
	    .tx_csum = !(conf & CONF_PLAIN),
	    .tx_tso = !(conf & CONF_PLAIN),
	    .buf_bytes = conf & CONF_POOR ? 192 << 10 : 2 << 20,
	    .udp = {.deliver = dgram_deliver,
		.failed = dgram_failed,
		.reported = dgram_reported},
	    .tcp = {.env = {.accept = app_accept, .may_open = app_may_open},
		.seed = {1, 2},
		.size = {.sndbuf = conf & CONF_NARROW ? 4096 : 65536,
		    .sndbuf_max = 1 << 18,
		    .rcvbuf = conf & CONF_NARROW ? 2048 : 65536,
		    .rcvbuf_max = 1 << 18},
		.msl_us = 1000000,
		.port_first = 40000,
		.port_last = 40099,
		.fastopen = {.mode = FASTOPEN_CLIENT | FASTOPEN_SERVER,
		    .nkeys = 1,
		    .blackhole_s = 60},
		.syncookies =
		    conf & CONF_COOKIES ? TCP_COOKIES_ALWAYS : TCP_COOKIES_AUTO,
		.ecn = (enum tcp_ecn_policy)(w.manner >> MANNER_ECN & 3),
		.pacing = w.manner & MANNER_PACING,
		.congestion = tcp_cc_name(w.manner & MANNER_CC)}};

	memcpy(cfg.mac, our_mac, 6);
	return stack_new(&cfg, w.now);
}

static void
introduce_peer6(void)
{
	struct wire_ipv6 h = {.hop_limit = 255,
	    .src = called(PEER),
	    .dst = called(OURS),
	    .next = WIRE_PROTO_ICMP6};
	uint8_t frame[54 + 32] = {0};

	memcpy(frame + 6, peer_mac, 6);
	put16(frame + 12, WIRE_ETHER_IPV6);
	wire_ipv6_emit(&h, frame + 14);
	frame[54] = WIRE_ICMP6_NS;
	memcpy(frame + 62, h.dst.b, 16);
	wire_nd_lla_emit(WIRE_ND_SOURCE_LLA, peer_mac, frame + 78);
	make_fit(frame, sizeof frame);
	deliver(frame, sizeof frame, 0);
}

/* The peer makes himself known, else little would leave. */
static void
introduce_peer(void)
{
	struct wire_arp a = {.op = WIRE_ARP_REQUEST, .spa = PEER, .tpa = OURS};
	uint8_t frame[42];

	memcpy(frame, our_mac, 6);
	memcpy(frame + 6, peer_mac, 6);
	put16(frame + 12, WIRE_ETHER_ARP);
	memcpy(a.sha, peer_mac, 6);
	wire_arp_emit(&a, frame + 14);
	deliver(frame, sizeof frame, 0);
	if (w.conf & CONF_SIX)
		introduce_peer6();
}

static void
begin(uint8_t conf, uint8_t manner)
{
	struct ipaddr any = any6; /* of both families */
	struct ipaddr peer;
	unsigned i;

	memset(&w, 0, sizeof w);
	w.now.us = 1000000000;
	w.conf = conf;
	w.manner = manner;
	peer = called(PEER);
	w.s = make_stack(conf);
	CHECK(w.s != NULL);
	w.tcp = stack_tcp(w.s);
	CHECK(tcp_bind(w.tcp, &any, 80, 0, 1, NULL, &w.listener) == 0);
	CHECK(tcp_listen(w.listener, 8) == 0);
	CHECK(tcp_bind_opts(w.listener, &(struct tcp_opts){.fastopen = 4,
					    .fastopen_bare = true}) == 0);
	for (i = 0; i < MAX_DGRAMS; i++)
		dgram_open(i);
	introduce_peer();
	CHECK(udp_bind(w.dgrams[0], &any, 53) == 0);
	CHECK(udp_connect(w.dgrams[1], &peer, 53) == 0);
	app_connect(PEER);
	settle();
}

static void
step(uint8_t op, uint8_t wait, const uint8_t *body, size_t len)
{
	mono_t next = stack_deadline(w.s);

	w.now = mono_add(w.now, ((int64_t)(wait & 15) << (wait >> 4)) * 1000);
	if ((op & FLAG_EXPIRE) && !mono_is_never(next))
		w.now = mono_max(w.now, next);
	w.idle = op & FLAG_IDLE;
	settle();
	switch (op & KIND_MASK) {
	case KIND_RAW:
		deliver(body, len, op);
		break;
	case KIND_FIT:
		peer_packet(body, len, op);
		break;
	case KIND_SEGMENT:
		peer_segment(body, len, op);
		break;
	case KIND_CALL:
		user_call(body, len);
		break;
	}
	settle();
	while (w.nhoard > 0)
		buf_unref(w.hoard[--w.nhoard]);
}

/* An IPv6 stack asks for routers for ever: it is at rest when nothing else is
 * due for hours. */
static bool
at_rest(mono_t since)
{
	mono_t quiet = mono_add(since, (int64_t)24 * 3600 * 1000000);

	if (!(w.conf & CONF_SIX))
		return mono_is_never(stack_deadline(w.s));
	return mono_is_never(tcp_deadline(w.tcp)) && mono_before(quiet, w.now);
}

/* The users go, the time passes: nothing may be left. */
static void
finish(void)
{
	struct tcp_stats st;
	struct udp_stats udp;
	unsigned i, turns;
	mono_t since;

	w.idle = true;
	for (i = 0; i < MAX_CONNS; i++) {
		if (w.conns[i] == NULL)
			continue;
		if (i % 2 == 0)
			tcp_close(w.conns[i], w.now);
		else
			tcp_abort(w.conns[i], w.now);
		w.conns[i] = NULL;
	}
	tcp_unbind(w.listener, w.now);
	for (i = 0; i < MAX_DGRAMS; i++)
		udp_close(w.dgrams[i]);
	settle();
	since = w.now;
	for (turns = 0; !at_rest(since); turns++) {
		CHECK(turns < 100000);
		w.now = mono_is_never(stack_deadline(w.s))
			    ? mono_add(w.now, (int64_t)48 * 3600 * 1000000)
			    : mono_max(w.now, stack_deadline(w.s));
		stack_expire(w.s, w.now);
		settle();
	}
	tcp_stats(w.tcp, &st);
	CHECK(st.conns == 0 && st.half_open == 0 && st.time_wait == 0);
	CHECK(st.binds == 0 && st.orphans == 0);
	udp_stats(stack_udp(w.s), &udp);
	CHECK(udp.socks == 0);
	CHECK(bufpool_used(stack_bufs(w.s)) == 0);
	stack_free(w.s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned steps;
	size_t len;

	uint8_t conf = size > 0 ? data[0] : 0;
	size_t head = conf & CONF_MANNER ? 2 : 1;

	begin(conf, head == 2 && size > 1 ? data[1] : 0);
	data += head < size ? head : size;
	size -= head < size ? head : size;
	for (steps = 0; size >= 4 && steps < MAX_STEPS; steps++) {
		len = get16(data + 2);
		if (len > size - 4)
			len = size - 4;
		step(data[0], data[1], data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
	finish();
	return 0;
}
