/* SPDX-License-Identifier: ISC */
/*
 * Connections whose ends are both in one stack: what passes without segments,
 * what must not, and that nobody can tell the one from the other.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include "base/rng.h"
#include "stack/stack.h"

#define RCVBUF (256u << 10)
#define MIB    (1u << 20)

struct end {
	struct tcp_pcb *p;
	uint64_t written, read; /* bytes */
	bool shut, eof, gone, readable;
	int error;
};

static struct stack *s;
static struct tcp *tcp;
static struct end ends[2]; /* active, passive */
static mono_t now;

static int
on_accept(void *ctx, struct tcp_bind *l, struct tcp_pcb *p)
{
	ends[1].p = p;
	tcp_set_user(p, &ends[1]);
	return 0;
}

/* ---- driving ---- */

static void
events(void)
{
	struct tcp_event ev;
	struct end *e;

	while (tcp_event(tcp, &ev)) {
		e = ev.user;
		if (ev.bits & TCP_EV_READABLE)
			e->readable = true;
		if (!(ev.bits & TCP_EV_GONE))
			continue;
		e->gone = true;
		e->eof = e->eof || ev.error == 0;
		e->error = ev.error;
		e->p = NULL;
	}
}

static uint64_t
packets(void)
{
	struct stack_stats st;

	stack_stats(s, &st);
	return st.out_packets;
}

static uint64_t
passed(void)
{
	struct tcp_stats st;

	tcp_stats(tcp, &st);
	return st.local_bytes;
}

/* All that happens without time. */
static void
settle(void)
{
	struct txframe f;
	uint64_t before;

	events();
	do {
		before = packets() + passed();
		while (stack_output(s, &f, now)) /* of ARP alone */
			cr_assert_eq(((uint8_t *)f.spans[0].base)[13], 6);
		stack_expire(s, now);
		events();
		tcp_check(tcp, now);
	} while (before != packets() + passed() ||
		 !mono_before(now, stack_deadline(s)));
}

/* us later, with what was due before. */
static void
later(int64_t us)
{
	mono_t end = mono_add(now, us), due;

	while ((due = stack_deadline(s), !mono_before(end, due))) {
		now = mono_max(now, due);
		settle();
	}
	now = end;
	settle();
}

static uint8_t
byte_at(const struct end *e, uint64_t i)
{
	return (uint8_t)(i * 31 + i / 4099 + (e == &ends[1]));
}

/* At most n bytes, without what follows; how many were taken. */
static size_t
say(struct end *e, size_t n)
{
	struct span spans[8];
	size_t all = 0, got, i;
	unsigned k, nspans;

	while (all < n &&
	       (nspans = tcp_send_reserve(e->p, spans, 8, n - all)) > 0) {
		for (got = 0, k = 0; k < nspans; k++) {
			for (i = 0; i < spans[k].len; i++)
				((uint8_t *)spans[k].base)[i] =
				    byte_at(e, e->written++);
			got += spans[k].len;
		}
		tcp_send_commit(e->p, got, now);
		all += got;
	}
	return all;
}

/* At most n bytes; how many were taken. */
static size_t
put(struct end *e, size_t n)
{
	size_t all = say(e, n);

	settle();
	return all;
}

/* At most n bytes; how many there were. */
static size_t
get(struct end *e, size_t n)
{
	const struct end *other = e == ends ? &ends[1] : ends;
	size_t all = 0, len, i;
	struct span span;

	while (e->p != NULL && all < n && tcp_recv_peek(e->p, &span, 1) == 1) {
		len = span.len < n - all ? span.len : n - all;
		for (i = 0; i < len; i++)
			cr_assert_eq(((uint8_t *)span.base)[i],
			    byte_at(other, e->read + i));
		e->read += len;
		all += len;
		tcp_recv_consume(e->p, len, now);
	}
	e->eof = e->eof || (e->p != NULL && tcp_recv_eof(e->p));
	settle();
	return all;
}

static void
up(uint64_t seed)
{
	struct stack_addr addr = {ipaddr_v4(0xc0000202), 96 + 24};
	struct stack_config cfg = {.mtu = 1500,
	    .addrs = &addr,
	    .naddrs = 1,
	    .mac = {2, 0, 0, 0, 0, 2},
	    .buf_bytes = 64 << 20,
	    .tcp = {.env = {.accept = on_accept},
		.seed = {seed, 7},
		.size = {.sndbuf = MIB, .rcvbuf = RCVBUF},
		.msl_us = 1000000,
		.port_first = 40000,
		.port_last = 40999,
		.congestion = "cubic"}};
	struct ipaddr any = {{0}};
	static const struct tcp_opts opts;
	struct tcp_bind *l;

	memset(ends, 0, sizeof ends);
	now.us = 1000000;
	s = stack_new(&cfg, now);
	tcp = stack_tcp(s);
	any = ipaddr_v4(0);
	cr_assert_eq(tcp_bind(tcp, &any, 80, 0, 0, NULL, &l), 0);
	cr_assert_eq(tcp_listen(l, 8), 0);
	cr_assert_eq(tcp_connect(tcp, NULL, &any, &addr.addr, 80, &opts,
			 &ends[0], now, &ends[0].p),
	    0);
	settle();
	later(1000000);
	cr_assert_not_null(ends[1].p);
	cr_assert_eq(tcp_pcb_state(ends[0].p), TCPS_ESTABLISHED);
}

static void
end_up(void)
{
	up(1);
}

static void
down(void)
{
	stack_free(s);
}

static void
set(struct end *e, bool cork, bool nodelay)
{
	struct tcp_opts o;

	tcp_get_opts(e->p, &o);
	o.cork = cork;
	o.nodelay = nodelay;
	cr_assert_eq(tcp_apply_opts(e->p, &o, now), 0);
	settle();
}

TestSuite(local, .init = end_up, .fini = down);

/* ---- what passes ---- */

Test(local, text_passes_in_no_segment)
{
	struct tcp_info_out from, to;
	uint64_t before;

	put(&ends[0], 1); /* and what belongs to the handshake */
	get(&ends[1], 1);
	before = packets();
	for (int i = 0; i < 32; i++) {
		cr_assert_eq(put(&ends[0], 100000), 100000);
		cr_assert(ends[1].readable);
		ends[1].readable = false;
		cr_assert_eq(get(&ends[1], MIB), 100000);
	}
	cr_assert_eq(packets(), before);
	cr_assert_eq(passed(), 3200001);
	tcp_info(ends[0].p, &from, now);
	tcp_info(ends[1].p, &to, now);
	cr_assert_eq(from.bytes_sent, 3200001);
	cr_assert_eq(from.bytes_acked, 3200001);
	cr_assert_eq(from.send_queued, 0);
	cr_assert_eq(to.bytes_received, 3200001);
	cr_assert_geq(from.data_segs_out, 3200000 / from.snd_mss);
	cr_assert_eq(from.data_segs_out, to.data_segs_in);
	cr_assert_eq(from.delivered_bytes, from.bytes_acked);
	cr_assert_eq(from.delivered_packets, from.data_segs_out + 1);
	cr_assert_eq(from.last_data_sent_us, 0);
	cr_assert_eq(to.last_data_recv_us, 0);
}

Test(local, switched_off_it_goes_in_segments)
{
	uint64_t before = packets();

	tcp_set_fast_path(tcp, false);
	cr_assert_eq(put(&ends[0], 100000), 100000);
	for (int i = 0; i < 100 && ends[1].read < 100000; i++) {
		get(&ends[1], MIB);
		later(1000);
	}
	cr_assert_eq(ends[1].read, 100000);
	cr_assert_gt(packets(), before);
	cr_assert_eq(passed(), 0);
}

/* Memory that waits is bounded by both buffers, and everybody is woken. */
Test(local, the_window_holds_back)
{
	size_t n, all = put(&ends[0], 4 * MIB);
	uint64_t before;

	cr_assert_leq(all, MIB + RCVBUF);
	cr_assert_geq(all, MIB);
	cr_assert_eq(
	    tcp_recv_queued(ends[1].p) + tcp_send_queued(ends[0].p), all);
	cr_assert_leq(tcp_recv_queued(ends[1].p), RCVBUF);
	before = packets();
	while ((n = get(&ends[1], 50000)) > 0)
		all -= n;
	cr_assert_eq(all, 0);
	cr_assert_eq(packets(), before, "the window was told by a segment");
	cr_assert_eq(put(&ends[0], 1000), 1000);
	cr_assert_eq(get(&ends[1], MIB), 1000);
}

/* What goes out now; nothing arrives yet. */
static void
send_all(void)
{
	struct txframe f;

	cr_assert_not(stack_output(s, &f, now));
}

static uint32_t
sent_again(const struct end *e)
{
	struct tcp_info_out o;

	tcp_info(e->p, &o, now);
	return o.total_retrans;
}

/* An ACK that is in IP's loop has its number before text that passes. */
Test(local, nothing_overtakes_an_acknowledgment)
{
	tcp_shutdown(ends[1].p, now);
	send_all();
	stack_expire(s, now);
	send_all();
	cr_assert_eq(say(&ends[0], 1000), 1000);
	settle();
	cr_assert_eq(tcp_pcb_state(ends[1].p), TCPS_FIN_WAIT_2);
	cr_assert_eq(get(&ends[1], MIB), 1000);
	later(1000000);
	cr_assert_eq(sent_again(&ends[1]), 0);
	cr_assert_eq(put(&ends[0], 1000), 1000);
	cr_assert_eq(passed(), 1000);
}

/* A window in IP's loop is older than one that is told without it. */
Test(local, nothing_overtakes_a_window)
{
	cr_assert_eq(put(&ends[0], RCVBUF), RCVBUF);
	cr_assert_eq(tcp_send_queued(ends[0].p), 0);
	cr_assert_eq(say(&ends[1], 1), 1);
	tcp_send_urgent(ends[1].p, now);
	send_all(); /* it says that the window is shut */
	while (tcp_recv_queued(ends[1].p) > 0)
		tcp_recv_consume(ends[1].p, 4096, now);
	settle();
	tcp_shutdown(ends[0].p, now);
	settle();
	cr_assert(tcp_recv_eof(ends[1].p));
}

/* MUST-26: only who hears nothing asks. */
Test(local, no_keepalives_while_text_passes)
{
	struct tcp_stats st;
	struct tcp_opts o;

	for (int i = 0; i < 2; i++) {
		tcp_get_opts(ends[i].p, &o);
		o.keepalive = true;
		o.keepidle_s = o.keepintvl_s = 10;
		cr_assert_eq(tcp_apply_opts(ends[i].p, &o, now), 0);
	}
	put(&ends[0], 1);
	for (int i = 0; i < 10; i++) {
		later(9000000);
		put(&ends[0], 10);
		get(&ends[1], MIB);
	}
	cr_assert_eq(passed(), 101);
	tcp_stats(tcp, &st);
	cr_assert_eq(st.keepalive_probes, 0);
	later(10000000);
	tcp_stats(tcp, &st);
	cr_assert_gt(st.keepalive_probes, 0);
	cr_assert_not(ends[0].gone || ends[1].gone);
}

/* SO_MAX_PACING_RATE is the user's wish, whatever the way. */
Test(local, a_rate_holds_back)
{
	struct tcp_opts o;

	tcp_get_opts(ends[0].p, &o);
	o.max_pacing_rate = 100000;
	cr_assert_eq(tcp_apply_opts(ends[0].p, &o, now), 0);
	put(&ends[0], MIB);
	for (int i = 0; i < 100; i++) {
		get(&ends[1], MIB);
		later(20000);
	}
	cr_assert_eq(passed(), 0);
	cr_assert_leq(ends[1].read, 400000);
}

/* SHUT_RD: what comes is acknowledged, and nobody's. */
Test(local, text_that_is_not_wanted)
{
	tcp_recv_discard(ends[1].p, now);
	for (int i = 0; i < 20; i++) {
		put(&ends[0], MIB);
		later(100000);
	}
	cr_assert_eq(tcp_recv_queued(ends[1].p), 0);
	cr_assert_eq(tcp_send_queued(ends[0].p), 0);
	cr_assert_eq(sent_again(&ends[0]), 0);
}

/* Who connects to himself talks to himself, as in Linux. */
Test(local, one_end_is_both)
{
	static const struct tcp_opts opts;
	struct ipaddr addr = ipaddr_v4(0xc0000202);
	struct end self = {0};
	struct span span;
	struct tcp_bind *b;

	cr_assert_eq(tcp_bind(tcp, &addr, 5000, 0, 0, NULL, &b), 0);
	cr_assert_eq(
	    tcp_connect(tcp, b, NULL, &addr, 5000, &opts, &self, now, &self.p),
	    0);
	settle();
	later(1000000);
	cr_assert_eq(tcp_pcb_state(self.p), TCPS_ESTABLISHED);
	for (int i = 1; i <= 100; i++) {
		cr_assert_eq(put(&self, 30000), 30000);
		cr_assert_eq(tcp_recv_queued(self.p), 30000);
		for (size_t n = 0; n < 30000; n += span.len) {
			cr_assert_eq(tcp_recv_peek(self.p, &span, 1), 1);
			cr_assert_eq(
			    *(uint8_t *)span.base, byte_at(&self, self.read));
			self.read += span.len;
			tcp_recv_consume(self.p, span.len, now);
		}
		settle();
	}
	cr_assert_eq(passed(), 3000000);
	tcp_close(self.p, now);
	settle();
}

/* A window that stays shut for long is asked for, by segments. */
Test(local, probes_of_a_shut_window)
{
	size_t all = put(&ends[0], 4 * MIB);
	uint64_t before = packets();

	later(600 * 1000000LL);
	cr_assert_gt(packets(), before);
	cr_assert_not(ends[0].gone);
	while (get(&ends[1], MIB) > 0)
		;
	cr_assert_eq(ends[1].read, all);
}

Test(local, cork_holds_back)
{
	set(&ends[0], true, false);
	put(&ends[0], 100);
	cr_assert_eq(get(&ends[1], MIB), 0);
	set(&ends[0], false, false);
	cr_assert_eq(get(&ends[1], MIB), 100);
}

Test(local, the_end_comes_behind_the_text)
{
	put(&ends[0], 5000);
	tcp_shutdown(ends[0].p, now);
	settle();
	cr_assert_not(tcp_recv_eof(ends[1].p));
	cr_assert_eq(get(&ends[1], MIB), 5000);
	cr_assert(ends[1].eof);
	put(&ends[1], 7000); /* the other way lives */
	cr_assert_eq(get(&ends[0], MIB), 7000);
	cr_assert_eq(passed(), 12000);
	tcp_close(ends[1].p, now);
	settle();
	get(&ends[0], 1);
	cr_assert(ends[0].eof);
}

Test(local, reset_behind_text)
{
	put(&ends[0], 5000);
	tcp_abort(ends[0].p, now);
	settle();
	cr_assert(ends[1].gone);
	cr_assert_eq(ends[1].error, ECONNRESET);
}

/* MUST-31: the mark stays where it is. */
Test(local, urgent_text_goes_in_segments)
{
	struct span span;

	put(&ends[0], 100);
	get(&ends[1], MIB);
	cr_assert_eq(tcp_send_reserve(ends[0].p, &span, 1, 10), 1);
	memset(span.base, 0, 10);
	tcp_send_commit(ends[0].p, 10, now);
	tcp_send_urgent(ends[0].p, now);
	settle();
	cr_assert_eq(tcp_recv_urgent(ends[1].p), 10);
	cr_assert_eq(passed(), 100);
}

/* Nobody takes what comes: the sender hears it, as ever. */
Test(local, text_for_a_closed_end_is_reset)
{
	tcp_close(ends[1].p, now);
	settle();
	put(&ends[0], 10);
	cr_assert(ends[0].gone);
	cr_assert_eq(passed(), 0);
}

/* The numbers go around twice; segments go on where it ends. */
Test(local, sequence_numbers_wrap)
{
	struct span spans[8];
	uint64_t all = 0;
	unsigned i, n;
	size_t got;

	while (all < (UINT64_C(9) << 30)) {
		n = tcp_send_reserve(ends[0].p, spans, 8, 200000);
		for (got = 0, i = 0; i < n; i++)
			got += spans[i].len;
		tcp_send_commit(ends[0].p, got, now);
		(void)settle();
		cr_assert_eq(tcp_recv_queued(ends[1].p), got);
		tcp_recv_consume(ends[1].p, got, now);
		all += got;
	}
	cr_assert_eq(passed(), all);
	settle();
	tcp_set_fast_path(tcp, false);
	put(&ends[0], MIB);
	for (i = 0; i < 100; i++) {
		get(&ends[1], MIB);
		later(1000);
	}
	cr_assert_eq(ends[1].read, MIB);
}

/* ---- all of it, in any order ---- */

static void
do_something(struct rng *r)
{
	struct end *e = &ends[rng_below(r, 2)];

	switch (rng_below(r, 12)) {
	case 0:
		tcp_set_fast_path(tcp, rng_below(r, 3) != 0);
		return;
	case 1:
		later(rng_below(r, 3) * 200000);
		return;
	case 2:
		if (e->p != NULL && !e->shut)
			set(e, rng_below(r, 2), rng_below(r, 2));
		return;
	case 3:
		if (e->p != NULL && rng_below(r, 40) == 0) {
			set(e, false, true);
			tcp_shutdown(e->p, now);
			e->shut = true;
			settle();
		}
		return;
	case 4:
		if (e->p != NULL)
			tcp_clamp_window(e->p, 1000u << rng_below(r, 10));
		settle();
		return;
	case 5:
	case 6:
	case 7:
		(void)get(e, 1u << rng_below(r, 20));
		return;
	default:
		if (e->p != NULL && !e->shut)
			put(e, 1u << rng_below(r, 20));
	}
}

static void
finish(void)
{
	int i, k;

	for (i = 0; i < 2; i++) {
		if (ends[i].p == NULL || ends[i].shut)
			continue;
		set(&ends[i], false, true);
		tcp_shutdown(ends[i].p, now);
		ends[i].shut = true;
	}
	for (k = 0; k < 10000 && !(ends[0].eof && ends[1].eof); k++) {
		for (i = 0; i < 2; i++) {
			if (ends[i].p != NULL)
				tcp_clamp_window(ends[i].p, UINT32_MAX);
			(void)get(&ends[i], MIB);
		}
		later(10000);
	}
}

Test(local, any_mixture_arrives, .timeout = 120)
{
	struct rng r;
	uint64_t some = 0, segments = 0;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		down();
		up(seed);
		rng_init(&r, seed, 0);
		for (int i = 0; i < 200; i++)
			do_something(&r);
		finish();
		for (int i = 0; i < 2; i++) {
			cr_assert(ends[i].eof, "seed %d", (int)seed);
			cr_assert_eq(ends[i].read, ends[1 - i].written,
			    "seed %d", (int)seed);
			cr_assert_eq(ends[i].error, 0);
		}
		some += passed() > 0;
		segments += passed() < ends[0].written + ends[1].written;
	}
	cr_assert_gt(some, 200);
	cr_assert_gt(segments, 200);
}
