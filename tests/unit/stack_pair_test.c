/* SPDX-License-Identifier: ISC */
/*
 * Two stacks on a wire, with the real TCP, and one that talks to itself: bytes
 * arrive as they were, with every combination of what the devices can do.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include "stack/stack.h"

#define BYTES 3000000

struct end {
	struct stack *s;
	struct tcp *tcp;
	struct tcp_pcb *active, *passive;
	bool connected, eof, gone;
	size_t written, read;
	unsigned bad;
};

static struct end a, b;
static mono_t now;

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 31 + i / 4099);
}

static int
on_accept(void *ctx, struct tcp_bind *l, struct tcp_pcb *p)
{
	struct end *e = ctx;

	if (e->passive != NULL)
		return -EAGAIN;
	e->passive = p;
	return 0;
}

/* Which family the connections are of. */
static bool six;

static struct ipaddr
host(uint8_t n)
{
	if (!six)
		return ipaddr_v4(0xc0000200 + n);
	return (struct ipaddr){{0x20, 0x01, 0x0d, 0xb8, [15] = n}};
}

static void
start(struct end *e, uint8_t n, uint16_t mtu, bool csum, bool tso)
{
	struct stack_addr addr = {host(n), six ? 64 : 96 + 24};
	struct stack_config cfg = {.mtu = mtu,
	    .addrs = &addr,
	    .naddrs = 1,
	    .mac = {2, 0, 0, 0, 0, n},
	    .tx_csum = csum,
	    .tx_tso = tso,
	    .buf_bytes = 64 << 20,
	    .tcp = {.env = {.accept = on_accept, .ctx = e},
		.seed = {n, 7},
		.size = {.sndbuf = 1 << 20, .rcvbuf = 1 << 20},
		.msl_us = 30000000,
		.port_first = 40000,
		.port_last = 40999,
		.congestion = "cubic"}};

	*e = (struct end){.s = stack_new(&cfg, now)};
	cr_assert_not_null(e->s);
	e->tcp = stack_tcp(e->s);
}

static void
feed(struct end *e, struct tcp_pcb *p)
{
	struct span spans[8];
	unsigned n, i;
	size_t j, got;

	while (e->written < BYTES &&
	       (n = tcp_send_reserve(p, spans, 8, BYTES - e->written)) > 0) {
		for (got = 0, i = 0; i < n; i++) {
			for (j = 0; j < spans[i].len; j++)
				((uint8_t *)spans[i].base)[j] =
				    byte_at(e->written + got + j);
			got += spans[i].len;
		}
		e->written += got;
		tcp_send_commit(p, got, now);
	}
	if (e->written == BYTES) {
		e->written++;
		tcp_shutdown(p, now);
	}
}

static void
drink(struct end *e, struct tcp_pcb *p)
{
	struct span spans[8];
	unsigned n, i;
	size_t j, got;

	while ((n = tcp_recv_peek(p, spans, 8)) > 0) {
		for (got = 0, i = 0; i < n; i++) {
			for (j = 0; j < spans[i].len; j++)
				e->bad += ((uint8_t *)spans[i].base)[j] !=
					  byte_at(e->read + got + j);
			got += spans[i].len;
		}
		e->read += got;
		tcp_recv_consume(p, got, now);
	}
}

static void
serve(struct end *e)
{
	struct tcp_event ev;

	while (tcp_event(e->tcp, &ev)) {
		if (ev.bits & TCP_EV_GONE) {
			cr_assert_eq(ev.error, 0);
			e->gone = true;
			if (ev.pcb == e->active)
				e->active = NULL;
			continue;
		}
		if (ev.bits & TCP_EV_CONNECTED)
			e->connected = true;
	}
	if (e->active != NULL && e->connected)
		feed(e, e->active);
	if (e->passive != NULL) {
		drink(e, e->passive);
		if (tcp_recv_eof(e->passive)) {
			tcp_close(e->passive, now);
			e->passive = NULL;
			e->eof = true;
		}
	}
}

/* As a device would: a frame in pieces becomes one buf. */
static bool
carry(struct end *from, struct end *to)
{
	static struct txframe f;
	struct rxframe r;
	bool any = false;
	unsigned i;

	while (stack_output(from->s, &f, now)) {
		any = true;
		if (to == NULL)
			continue;
		r = (struct rxframe){
		    .off = f.off, .buf = buf_alloc(stack_bufs(to->s), f.len)};
		cr_assert_not_null(r.buf);
		for (i = 0; i < f.nspans; i++) {
			memcpy(r.buf->data + r.buf->len, f.spans[i].base,
			    f.spans[i].len);
			r.buf->len += (uint32_t)f.spans[i].len;
		}
		stack_input(to->s, &r, now);
	}
	return any;
}

static void
turn(struct end *e)
{
	serve(e);
	while (!mono_before(now, stack_deadline(e->s))) {
		stack_expire(e->s, now);
		serve(e);
		carry(e, e == &a && b.s != NULL ? &b : &a);
	}
}

static void
listen_on(struct end *e)
{
	struct ipaddr any = {{0}};
	struct tcp_bind *l;

	cr_assert_eq(tcp_bind(e->tcp, &any, 80, 0, 0, NULL, &l), 0);
	cr_assert_eq(tcp_listen(l, 8), 0);
}

static void
connect_to(struct end *e, uint8_t n)
{
	struct ipaddr any = ipaddr_v4(0), peer = host(n);
	static const struct tcp_opts opts;

	cr_assert_eq(tcp_connect(e->tcp, NULL, &any, &peer, 80, &opts, NULL,
			 now, &e->active),
	    0);
}

static void
all_arrived(const struct end *receiver)
{
	cr_assert(receiver->eof);
	cr_assert_eq(receiver->read, BYTES);
	cr_assert_eq(receiver->bad, 0);
}

static void
transfer(uint16_t mtu, bool csum, bool tso)
{
	const struct drops *d;
	unsigned i, j, moves;

	now.us = 1000000;
	start(&a, 1, mtu, csum, tso);
	start(&b, 2, mtu, false, false);
	listen_on(&b);
	connect_to(&a, 2);
	for (i = 0; i < 20000 && !b.eof; i++) {
		now = mono_add(now, 100);
		turn(&a);
		turn(&b);
		moves = carry(&a, &b);
		moves += carry(&b, &a);
		if (moves == 0)
			now = mono_max(now,
			    mono_min(stack_deadline(a.s), stack_deadline(b.s)));
	}
	all_arrived(&b);
	for (i = 0; i < 2; i++) {
		d = stack_drops(i == 0 ? a.s : b.s);
		for (j = 0; j < NDROPS; j++)
			cr_assert(d->count[j] == 0 || j == DROP_IP_GROUP, "%s",
			    drop_name(j));
	}
	stack_free(a.s);
	stack_free(b.s);
	a.s = b.s = NULL;
}

Test(stack_pair, bytes_arrive_whatever_the_device_can_do)
{
	static const uint16_t least[2] = {576, 1280};
	int i;

	for (i = 0; i < 2; i++) {
		six = i == 1;
		transfer(1500, true, true);
		transfer(1500, true, false);
		transfer(1500, false, false);
		transfer(least[i], false, false);
		transfer(9000, true, true);
		transfer(65535, true, true);
	}
}

static void
a_stack_talks_to_itself(void)
{
	unsigned i;

	now.us = 1000000;
	start(&a, 1, 1500, true, true);
	b.s = NULL;
	listen_on(&a);
	connect_to(&a, 1);
	for (i = 0; i < 20000 && !a.eof; i++) {
		now = mono_add(now, 100);
		turn(&a);
		carry(&a, NULL);
	}
	all_arrived(&a);
	stack_free(a.s);
}

Test(stack_pair, a_stack_talks_to_itself)
{
	a_stack_talks_to_itself();
	six = true;
	a_stack_talks_to_itself();
}

/* ---- loopback ---- */

static struct ipaddr
loop_addr(uint8_t n)
{
	static const struct ipaddr loop6 = {{[15] = 1}};

	return six ? loop6 : ipaddr_v4(0x7f000000 + n);
}

/* To a group: neighbour discovery and the like. */
static bool
group(const struct txframe *f)
{
	return ((const uint8_t *)f->spans[0].base)[0] & 1;
}

/* Nothing else may leave. */
static void
among_ourselves(unsigned turns)
{
	struct txframe f;

	while (turns-- > 0) {
		now = mono_add(now, 100);
		do {
			stack_expire(a.s, now);
			serve(&a);
			while (stack_output(a.s, &f, now))
				cr_assert(group(&f));
		} while (!mono_before(now, stack_deadline(a.s)));
	}
}

static void
loop_connect(const struct ipaddr *src, const struct ipaddr *dst, int result)
{
	static const struct tcp_opts opts;

	a.active = NULL;
	cr_assert_eq(
	    tcp_connect(a.tcp, NULL, src, dst, 80, &opts, NULL, now, &a.active),
	    result);
}

static void
loopback_is_served(void)
{
	struct ipaddr any = six ? (struct ipaddr){{0}} : ipaddr_v4(0);
	struct ipaddr loop = loop_addr(9), usual = loop_addr(1), out = host(2);
	const struct drops *d;
	unsigned i;

	now.us = 1000000;
	start(&a, 1, 1500, true, true);
	b.s = NULL;
	listen_on(&a);
	loop_connect(&any, &loop, -ENETUNREACH);
	cr_assert(!stack_is_local(a.s, &loop));
	stack_set_loopback(a.s, true);
	cr_assert(stack_is_local(a.s, &loop));
	loop_connect(&loop, &out, -EINVAL);
	loop_connect(&any, &loop, 0);
	cr_assert(ipaddr_eq(&tcp_tuple(a.active)->laddr, &usual));
	for (i = 0; i < 20000 && !a.eof; i++)
		among_ourselves(1);
	all_arrived(&a);
	d = stack_drops(a.s);
	for (i = 0; i < NDROPS; i++)
		cr_assert(
		    d->count[i] == 0 || i == DROP_IP_GROUP, "%s", drop_name(i));
	stack_free(a.s);
}

Test(stack_pair, loopback_is_served)
{
	loopback_is_served();
	six = true;
	loopback_is_served();
}

/* Two that call each other at once, and one that calls itself. */
static void
simultaneous_on_loopback(bool alone)
{
	struct ipaddr at = loop_addr(1);
	static const struct tcp_opts opts;
	struct tcp_pcb *p[2];
	struct tcp_bind *l[2];
	unsigned i, n = alone ? 1 : 2;

	now.us = 1000000;
	start(&a, 1, 1500, true, true);
	b.s = NULL;
	stack_set_loopback(a.s, true);
	for (i = 0; i < n; i++)
		cr_assert_eq(tcp_bind(a.tcp, &at, (uint16_t)(700 + i), 0, 0,
				 NULL, &l[i]),
		    0);
	for (i = 0; i < n; i++)
		cr_assert_eq(
		    tcp_connect(a.tcp, l[i], &at, &at,
			(uint16_t)(700 + (n - 1 - i)), &opts, NULL, now, &p[i]),
		    0);
	for (i = 0; i < 20; i++) {
		now = mono_add(now, 100);
		turn(&a);
		carry(&a, NULL);
	}
	for (i = 0; i < n; i++)
		cr_assert_eq(tcp_pcb_state(p[i]), TCPS_ESTABLISHED);
	stack_free(a.s);
}

Test(stack_pair, simultaneous_on_loopback)
{
	simultaneous_on_loopback(false);
	simultaneous_on_loopback(true);
	six = true;
	simultaneous_on_loopback(false);
	simultaneous_on_loopback(true);
}

/* Three questions, a second apart, and the program knows. */
static void
nobody_at_that_address(void)
{
	struct tcp_event ev;
	mono_t began;

	now.us = 1000000;
	start(&a, 1, 1500, true, true);
	connect_to(&a, 9);
	began = now;
	for (;;) {
		carry(&a, NULL);
		if (tcp_event(a.tcp, &ev))
			break;
		cr_assert(mono_diff(now, began) < 10000000);
		now = mono_max(now, stack_deadline(a.s));
		stack_expire(a.s, now);
	}
	cr_assert(ev.bits & TCP_EV_GONE);
	cr_assert_eq(ev.error, EHOSTUNREACH);
	cr_assert_eq(mono_diff(now, began), 3000000);
	stack_free(a.s);
}

Test(stack_pair, nobody_at_that_address)
{
	nobody_at_that_address();
	six = true;
	nobody_at_that_address();
}

/* A neighbour that answers what is sent to him need not be asked (RFC 4861
 * 7.3.1): three busy minutes see no further ARP. */
static void
progress_spares_questions(void)
{
	struct stack_stats before, after;
	struct span span;
	unsigned i;

	now.us = 1000000;
	start(&a, 1, 1500, true, true);
	start(&b, 2, 1500, true, true);
	listen_on(&b);
	connect_to(&a, 2);
	a.written = BYTES + 1; /* serve() sends nothing of its own */
	for (i = 0; i < 1800; i++) {
		now = mono_add(now, 100000);
		if (a.connected &&
		    tcp_send_reserve(a.active, &span, 1, 100) == 1)
			tcp_send_commit(a.active, span.len, now);
		turn(&a);
		carry(&a, &b);
		turn(&b);
		carry(&b, &a);
		if (i == 10)
			stack_stats(a.s, &before);
	}
	stack_stats(a.s, &after);
	cr_assert_gt(after.out_packets, before.out_packets + 500);
	cr_assert_eq(after.arp_requests, before.arp_requests);
	cr_assert_eq(after.solicitations, before.solicitations);
	cr_assert_eq(six ? after.arp_requests : after.solicitations, 0);
	stack_free(a.s);
	stack_free(b.s);
}

Test(stack_pair, progress_spares_questions)
{
	progress_spares_questions();
	six = true;
	progress_spares_questions();
}
