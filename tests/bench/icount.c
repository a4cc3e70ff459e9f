/* SPDX-License-Identifier: ISC */
/*
 * The production stack, twice on one wire, doing the same work in every run:
 * what tests/bench/icount counts instructions of.  Virtual time, one seed, no
 * loss; two programs a and b on stacks of the same names.
 *
 *	icount 4|6 whole|plain
 *
 * whole: devices with offloads, 64 KiB frames, no checksum is computed.
 * plain: frames of the MTU, all checksums computed.
 *
 * Each phase is a function phase_*(), called once after all is warm, and ends
 * with phase_done(): there callgrind writes down what it has counted.  Printed
 * are the compiler and how many of its units each phase did.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "stack/stack.h"

#define CONNS	  256
#define MAX_QUEUE 8192
#define MESSAGE	  64

struct end {
	struct stack *s;
	struct tcp *tcp;
	struct tcp_pcb *conns[CONNS];
	unsigned nconns, gone;
	size_t delivered; /* datagrams */
};

/* Frames on their way to one end, in its bufs. */
struct wire {
	struct rxframe q[MAX_QUEUE];
	unsigned n, next;
};

static struct end a, b;
static struct wire to_a, to_b;
static mono_t now = {1000000};
static bool six, whole;

/* The name and the one call of it are what callgrind goes by, so gcc must
 * not put it into its caller. */
#define PHASE(name)                                                            \
	void name(void);                                                       \
	__attribute__((noinline)) void name(void)

PHASE(phase_done)
{
	__asm__ volatile(""); /* or it would be nothing, and not be called */
}

static struct ipaddr
host(uint8_t n)
{
	if (!six)
		return ipaddr_v4(0xc0000200 + n);
	return (struct ipaddr){{0x20, 0x01, 0x0d, 0xb8, [15] = n}};
}

static int
on_accept(void *ctx, struct tcp_bind *l, struct tcp_pcb *p)
{
	struct end *e = ctx;

	if (e->nconns == CONNS)
		return -EAGAIN;
	tcp_set_user(p, e);
	e->conns[e->nconns++] = p;
	return 0;
}

static int
on_datagram(void *ctx, void *user, const struct udp_in *d)
{
	((struct end *)ctx)->delivered++;
	return 0;
}

static void
start(struct end *e, uint8_t n)
{
	struct stack_addr addr = {host(n), six ? 64 : 96 + 24};
	struct stack_config cfg = {.mtu = 1500,
	    .addrs = &addr,
	    .naddrs = 1,
	    .mac = {2, 0, 0, 0, 0, n},
	    .tx_csum = whole,
	    .tx_tso = whole,
	    .buf_bytes = 256 << 20,
	    .udp = {.deliver = on_datagram, .ctx = e},
	    .tcp = {.env = {.accept = on_accept, .ctx = e},
		.seed = {n, 7},
		.size = {.sndbuf = 4 << 20, .rcvbuf = 4 << 20},
		.msl_us = 30000000,
		.port_first = 40000,
		.port_last = 60000,
		.congestion = "cubic"}};

	if ((e->s = stack_new(&cfg, now)) == NULL)
		errx(1, "stack_new");
	e->tcp = stack_tcp(e->s);
}

/* Everything that from has to send: copies, as a wire makes them. */
static void
output(struct end *from, struct end *to, struct wire *w)
{
	static struct txframe f;
	struct rxframe *r;
	unsigned i;

	while (stack_output(from->s, &f, now)) {
		if (w->n == MAX_QUEUE)
			errx(1, "more frames than the wire holds");
		r = &w->q[w->n++];
		r->off = f.off;
		r->off.csum_valid = f.off.needs_csum;
		r->buf = buf_alloc(stack_bufs(to->s), f.len);
		if (r->buf == NULL)
			errx(1, "no buf");
		for (i = 0; i < f.nspans; i++) {
			memcpy(r->buf->data + r->buf->len, f.spans[i].base,
			    f.spans[i].len);
			r->buf->len += (uint32_t)f.spans[i].len;
		}
	}
}

/* At most max of the frames that wait. */
static unsigned
input(struct end *to, struct wire *w, unsigned max)
{
	unsigned n = 0;

	while (n < max && w->next < w->n) {
		stack_input(to->s, &w->q[w->next++], now);
		n++;
	}
	if (w->next == w->n)
		w->n = w->next = 0;
	return n;
}

/* Takes what has come for p. */
static size_t
drink(struct tcp_pcb *p)
{
	struct span spans[8];
	size_t got = 0;
	unsigned n, i;

	while ((n = tcp_recv_peek(p, spans, 8)) > 0) {
		size_t len = 0;

		for (i = 0; i < n; i++)
			len += spans[i].len;
		tcp_recv_consume(p, len, now);
		got += len;
	}
	return got;
}

static size_t
events(struct end *e)
{
	struct tcp_event ev;
	size_t got = 0;

	while (tcp_event(e->tcp, &ev)) {
		if (ev.bits & TCP_EV_GONE) {
			if (ev.error != 0)
				errx(1, "connection: %s", strerror(ev.error));
			e->gone++;
			continue;
		}
		if (ev.bits & TCP_EV_READABLE)
			got += drink(ev.pcb);
	}
	return got;
}

/* What happens by itself, until nothing does. */
static void
settle(void)
{
	unsigned moves;

	do {
		stack_expire(a.s, now);
		stack_expire(b.s, now);
		output(&a, &b, &to_b);
		moves = input(&b, &to_b, MAX_QUEUE);
		events(&b);
		output(&b, &a, &to_a);
		moves += input(&a, &to_a, MAX_QUEUE);
		events(&a);
	} while (moves != 0);
}

static void
pass(int64_t us)
{
	mono_t until = mono_add(now, us);

	while (mono_before(now, until)) {
		mono_t next =
		    mono_min(stack_deadline(a.s), stack_deadline(b.s));

		now = mono_max(mono_add(now, 1), mono_min(next, until));
		settle();
	}
}

static void
send_bytes(struct tcp_pcb *p, size_t want)
{
	struct span spans[8];
	unsigned n, i;
	size_t len;

	while (want > 0 && (n = tcp_send_reserve(p, spans, 8, want)) > 0) {
		for (len = 0, i = 0; i < n; i++) {
			memset(spans[i].base, 'x', spans[i].len);
			len += spans[i].len;
		}
		tcp_send_commit(p, len, now);
		want -= len;
	}
	if (want != 0)
		errx(1, "no room for %zu bytes", want);
}

/* ---- bulk: one connection, a window of bytes at a time ---- */

static size_t bulk_bytes, received;
static unsigned batch, frames, acks;

PHASE(phase_write)
{
	send_bytes(a.conns[0], bulk_bytes);
}

PHASE(phase_transmit)
{
	output(&a, &b, &to_b);
}

PHASE(phase_receive)
{
	while (input(&b, &to_b, batch) > 0) {
		received += events(&b);
		output(&b, &a, &to_a);
	}
}

PHASE(phase_ack)
{
	while (input(&a, &to_a, 1) > 0)
		events(&a);
}

static void
bulk(void)
{
	unsigned i;

	/* Until the congestion window has room for all of it. */
	for (i = 0; i < 8; i++) {
		send_bytes(a.conns[0], bulk_bytes);
		settle();
		pass(1000);
	}
	phase_write();
	phase_done();
	phase_transmit();
	phase_done();
	frames = to_b.n;
	phase_receive();
	phase_done();
	acks = to_a.n;
	phase_ack();
	phase_done();
	if (received != bulk_bytes)
		errx(1, "%zu bytes of %zu at once", received, bulk_bytes);
	settle();
	printf("write KiB %zu\n", bulk_bytes / 1024);
	printf("transmit %s %zu\n", whole ? "KiB" : "packet",
	    whole ? bulk_bytes / 1024 : frames);
	printf("receive %s %zu\n", whole ? "KiB" : "packet",
	    whole ? bulk_bytes / 1024 : frames);
	printf("ack ACK %u\n", acks);
}

/* ---- connections ---- */

static void
open_one(void)
{
	struct ipaddr any = ipaddr_v4(0), peer = host(2);
	static const struct tcp_opts opts;

	if (tcp_connect(a.tcp, NULL, &any, &peer, 80, &opts, &a, now,
		&a.conns[a.nconns++]) != 0)
		errx(1, "tcp_connect");
}

PHASE(phase_connect)
{
	while (a.nconns < CONNS) {
		open_one();
		settle();
	}
}

/* A request and a response on each connection. */
static void
turns(void)
{
	unsigned i;

	for (i = 0; i < CONNS; i++) {
		send_bytes(a.conns[i], MESSAGE);
		settle();
		send_bytes(b.conns[i], MESSAGE);
		settle();
	}
}

PHASE(phase_turn)
{
	turns();
}

PHASE(phase_close)
{
	unsigned i;

	for (i = 0; i < CONNS; i++) {
		tcp_close(a.conns[i], now);
		settle();
		tcp_close(b.conns[i], now);
		settle();
	}
}

static void
connections(void)
{
	struct ipaddr any = {{0}};
	struct tcp_bind *l;

	if (tcp_bind(b.tcp, &any, 80, 0, 0, NULL, &l) != 0 ||
	    tcp_listen(l, CONNS) != 0)
		errx(1, "listen");
	/* The first one finds the neighbours. */
	open_one();
	settle();
	bulk();
	phase_connect();
	phase_done();
	turns();
	pass(1000000); /* delayed ACKs and probes are done */
	phase_turn();
	phase_done();
	pass(1000000);
	phase_close();
	phase_done();
	if (b.nconns != CONNS || a.gone + b.gone != 0)
		errx(1, "%u connections, %u gone", b.nconns, a.gone + b.gone);
	printf("connect connection %u\nturn turn %u\nclose connection %u\n",
	    CONNS - 1, CONNS, CONNS);
}

/* ---- datagrams ---- */

static void
send_datagrams(struct udp_sock *sock)
{
	static char data[512];
	struct udp_msg m = {.to_peer = true,
	    .tos = -1,
	    .ttl = -1,
	    .data = data,
	    .len = sizeof data};
	unsigned i;

	for (i = 0; i < CONNS; i++) {
		if (udp_send(sock, &m) != 0)
			errx(1, "udp_send");
		output(&a, &b, &to_b);
		input(&b, &to_b, MAX_QUEUE);
	}
}

static struct udp_sock *from;

PHASE(phase_datagram)
{
	send_datagrams(from);
}

static void
datagrams(void)
{
	struct ipaddr peer = host(2);
	struct udp_sock *to = udp_open(stack_udp(b.s), six, 0, &b);

	from = udp_open(stack_udp(a.s), six, 0, &a);
	if (from == NULL || to == NULL || udp_bind(to, &peer, 53) != 0 ||
	    udp_connect(from, &peer, 53) != 0)
		errx(1, "udp");
	send_datagrams(from);
	phase_datagram();
	phase_done();
	if (b.delivered != 2 * CONNS)
		errx(1, "%zu datagrams", b.delivered);
	printf("datagram datagram %u\n", CONNS);
	udp_close(from);
	udp_close(to);
}

int
main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: icount 4|6 whole|plain");
	six = argv[1][0] == '6';
	whole = strcmp(argv[2], "whole") == 0;
	bulk_bytes = whole ? 2 << 20 : 1 << 20;
	batch = whole ? 2 : 8;
#ifdef __clang__
	printf("compiler clang %s\n", __VERSION__);
#else
	printf("compiler gcc %s\n", __VERSION__);
#endif
	start(&a, 1);
	start(&b, 2);
	pass(10000);
	connections();
	datagrams();
	return 0;
}
