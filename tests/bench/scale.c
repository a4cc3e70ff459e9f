/* SPDX-License-Identifier: ISC */
/*
 * What a packet costs among 10 connections, and among a million.
 *
 * The production stack, whole, in this process and in virtual time; its device
 * is memory, and its peers are the few numbers that are kept of each here.  For
 * each number of connections there is a stack of its own with so many
 * established, each with keep-alive on; then bursts of frames go in as the
 * engine takes them: 64 bytes of text each, to BURST different connections, and
 * the acknowledgments of what was said a while ago.  The program reads, answers
 * seven of eight with 64 bytes (of the eighth the acknowledgment is delayed),
 * and what there is to send is sent.  So each exchange arms and meets the
 * retransmission timer, and now and then the one for a delayed ACK fires.
 *
 * Measured is the stack with its user calls, frames made and read outside of
 * that; a cost is for each frame, in or out.  The stacks take turns in each
 * round, the caches are warmed after each change, and medians are shown.
 *
 * uniform: each burst to connections at random among all of them, so that of a
 * million none is in a cache.  active: to 1,000 of them, spread evenly.
 */
#include <arpa/inet.h>
#include <sys/param.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/check.h"
#include "base/rng.h"
#include "stack/stack.h"
#include "wire/arp.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/ipv4.h"
#include "wire/tcp.h"

#define OUR_ADDR   0xc0000202u /* 192.0.2.2 */
#define GATEWAY	   0xc0000201u
#define PEERS	   0xc6120000u /* 198.18.0.0/15 */
#define PORTS	   1000	       /* of each peer's */
#define PORT_FIRST 20000
#define SERVICE	   80
#define BURST	   10
#define TEXT	   64
#define BURST_US   20 /* of virtual time */
#define LAG_MAX	   64 /* bursts until the peer acknowledges */
#define ACTIVE	   1000
#define ROUNDS_MAX 99
#define IDLE_US	   12000000

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 2};

struct peer {
	uint32_t snd_nxt, rcv_nxt, acked, tsval;
};

/* What the stack sent, as far as the peer has to know. */
struct said {
	uint32_t conn, end, tsval;
};

struct due {
	unsigned n;
	struct said said[BURST];
};

struct world {
	struct stack *stack;
	struct rng rng;
	mono_t now;
	uint32_t n, lag;
	struct peer *peers;
	struct due due[LAG_MAX + 1];
	uint64_t bursts;
	double worst_us; /* of one frame while connections were made */
	double busy; /* bytes of memory for each connection, just made ... */
	double idle; /* ... and after IDLE_US */
	double ns[2][ROUNDS_MAX];
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static double
resident(void)
{
	unsigned long total, pages;
	FILE *f = fopen("/proc/self/statm", "r");

	CHECK(f != NULL && fscanf(f, "%lu %lu", &total, &pages) == 2);
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* ---- frames ---- */

static struct rxframe
frame(struct world *w, uint32_t conn, struct wire_tcp *h, size_t text)
{
	struct buf *b = buf_alloc(stack_bufs(w->stack), 256);
	uint32_t src = PEERS + 1 + conn / PORTS;
	struct wire_ether eth = {.type = WIRE_ETHER_IPV4};
	size_t at, len;

	CHECK(b != NULL);
	h->sport = (uint16_t)(PORT_FIRST + conn % PORTS);
	h->dport = SERVICE;
	memcpy(eth.dst, our_mac, 6);
	memcpy(eth.src, peer_mac, 6);
	at = wire_ether_emit(&eth, b->data);
	len = wire_tcp_emit(h, b->data + at + WIRE_IPV4_HDR_MIN);
	wire_ipv4_emit(
	    &(struct wire_ipv4){
		.total_len = (uint16_t)(WIRE_IPV4_HDR_MIN + len + text),
		.df = true,
		.ttl = 64,
		.proto = WIRE_PROTO_TCP,
		.src = src,
		.dst = OUR_ADDR},
	    b->data + at);
	at += WIRE_IPV4_HDR_MIN + len;
	memset(b->data + at, 'x', text);
	b->len = (uint32_t)(at + text);
	return (struct rxframe){.off = {.csum_valid = true}, .buf = b};
}

/* A segment of a connection's peer, at the stack's time. */
static struct rxframe
segment(struct world *w, uint32_t conn, size_t text)
{
	struct peer *p = &w->peers[conn];
	struct wire_tcp h = {.seq = p->snd_nxt,
	    .ack = p->acked,
	    .flags = (uint16_t)(TH_ACK | (text > 0 ? TH_PSH : 0)),
	    .wnd = 512,
	    .has_ts = true,
	    .tsval = (uint32_t)(w->now.us / 1000),
	    .tsecr = p->tsval};

	p->snd_nxt += (uint32_t)text;
	return frame(w, conn, &h, text);
}

static void
answer_arp(struct world *w)
{
	struct buf *b = buf_alloc(stack_bufs(w->stack), 256);
	struct wire_arp arp = {
	    .op = WIRE_ARP_REPLY, .spa = GATEWAY, .tpa = OUR_ADDR};
	struct wire_ether eth = {.type = WIRE_ETHER_ARP};
	struct rxframe f = {.buf = b};
	size_t at;

	CHECK(b != NULL);
	memcpy(arp.sha, peer_mac, 6);
	memcpy(arp.tha, our_mac, 6);
	memcpy(eth.dst, our_mac, 6);
	memcpy(eth.src, peer_mac, 6);
	at = wire_ether_emit(&eth, b->data);
	b->len = (uint32_t)(at + wire_arp_emit(&arp, b->data + at));
	stack_input(w->stack, &f, w->now);
}

/* What a frame of the stack's says; false: it is no segment. */
static bool
understand(struct world *w, const struct txframe *f, struct said *said,
    struct wire_tcp *h)
{
	const uint8_t *p = f->spans[0].base;
	uint32_t dst;

	if (p[12] == 0x08 && p[13] == 0x06) {
		answer_arp(w);
		return false;
	}
	CHECK(p[12] == 0x08 && p[13] == 0x00);
	memcpy(&dst, p + 30, 4);
	if (wire_tcp_parse(p + 34, f->spans[0].len - 34, h) != 0)
		return false;
	said->conn = (ntohl(dst) - PEERS - 1) * PORTS + h->dport - PORT_FIRST;
	said->end = h->seq + (uint32_t)(f->len - 34 - h->hdr_len) +
		    (h->flags & TH_SYN ? 1u : 0u);
	said->tsval = h->tsval;
	CHECK(said->conn < w->n && !(h->flags & TH_RST));
	return true;
}

/* ---- making connections ---- */

static enum tcp_admit
may_open(void *ctx, struct tcp_bind *b)
{
	(void)ctx;
	(void)b;
	return TCP_ADMIT_YES;
}

static int
take(void *ctx, struct tcp_bind *b, struct tcp_pcb *pcb)
{
	(void)b;
	tcp_set_user(pcb, ctx);
	return 0;
}

static void
give(struct world *w, struct rxframe f)
{
	uint64_t begin = now_ns();
	double us;

	stack_input(w->stack, &f, w->now);
	us = (double)(now_ns() - begin) / 1000;
	w->worst_us = MAX(w->worst_us, us);
}

static void
establish(struct world *w, uint32_t conn)
{
	struct wire_tcp h = {.seq = conn * 7919,
	    .flags = TH_SYN,
	    .wnd = 65535,
	    .has_mss = true,
	    .mss = 1460,
	    .has_wscale = true,
	    .wscale = 7,
	    .sack_permitted = true,
	    .has_ts = true,
	    .tsval = (uint32_t)(w->now.us / 1000)};
	struct peer *p = &w->peers[conn];
	struct txframe f;
	struct said said;
	bool answered = false;

	give(w, frame(w, conn, &h, 0));
	while (stack_output(w->stack, &f, w->now)) {
		if (!understand(w, &f, &said, &h))
			continue;
		CHECK(said.conn == conn && h.flags == (TH_SYN | TH_ACK));
		answered = true;
		*p = (struct peer){.snd_nxt = h.ack,
		    .rcv_nxt = said.end,
		    .acked = said.end,
		    .tsval = said.tsval};
	}
	CHECK(answered);
	give(w, segment(w, conn, 0));
	CHECK(!stack_output(w->stack, &f, w->now));
	w->now = mono_add(w->now, BURST_US);
	if (!mono_before(w->now, stack_deadline(w->stack)))
		stack_expire(w->stack, w->now);
}

static void
world_open(struct world *w, uint32_t n)
{
	struct stack_addr addr = {ipaddr_v4(OUR_ADDR), 96 + 24};
	struct stack_route route = {
	    .dst = ipaddr_v4(0), .gateway = ipaddr_v4(GATEWAY), .plen = 96};
	struct stack_config c = {.mtu = 1500,
	    .addrs = &addr,
	    .naddrs = 1,
	    .routes = &route,
	    .nroutes = 1,
	    .tx_csum = true,
	    .tx_tso = true,
	    .buf_bytes = (size_t)256 << 20};
	struct ipaddr any = {{0}};
	struct tcp_opts opts = {.keepalive = true};
	struct tcp_bind *b;
	struct wire_tcp h;
	struct txframe f;
	struct said said;
	mono_t until;
	double before;

	*w = (struct world){.n = n, .now = {1000000}};
	w->lag = MIN(MAX(n / BURST / 2, 1), LAG_MAX);
	rng_init(&w->rng, 1, n);
	w->peers = calloc(n, sizeof *w->peers);
	CHECK(w->peers != NULL);
	memset(w->peers, 0xff, n * sizeof *w->peers);
	memcpy(c.mac, our_mac, 6);
	c.tcp.env =
	    (struct tcp_env){.may_open = may_open, .accept = take, .ctx = w};
	c.tcp.seed[0] = n;
	c.tcp.size = (struct tcp_bufs){.sndbuf = 65536,
	    .sndbuf_max = 4 << 20,
	    .rcvbuf = 131072,
	    .rcvbuf_max = 6 << 20};
	c.tcp.msl_us = 30000000;
	c.tcp.port_first = 32768;
	c.tcp.port_last = 60999;
	c.tcp.ecn = TCP_ECN_ON;
	w->stack = stack_new(&c, w->now);
	CHECK(w->stack != NULL);
	CHECK(
	    tcp_bind(stack_tcp(w->stack), &any, SERVICE, 0, 0, NULL, &b) == 0);
	CHECK(tcp_bind_opts(b, &opts) == 0 && tcp_listen(b, 4096) == 0);
	before = resident();
	for (uint32_t i = 0; i < n; i++)
		establish(w, i);
	w->busy = (resident() - before) / n;
	until = mono_add(w->now, IDLE_US);
	while (!mono_before(until, stack_deadline(w->stack))) {
		w->now = mono_max(w->now, stack_deadline(w->stack));
		stack_expire(w->stack, w->now);
		while (stack_output(w->stack, &f, w->now))
			(void)understand(w, &f, &said, &h);
	}
	w->now = until;
	w->idle = (resident() - before) / n;
	tcp_check(stack_tcp(w->stack), w->now);
}

static void
world_close(struct world *w)
{
	stack_free(w->stack);
	free(w->peers);
}

/* ---- bursts ---- */

/* BURST different ones of n, spread over all. */
static void
choose(struct world *w, uint32_t n, uint32_t conns[BURST])
{
	unsigned i, j;

	for (i = 0; i < BURST; i++) {
		do {
			conns[i] =
			    (uint32_t)(rng_u64(&w->rng) % n) * (w->n / n);
			for (j = 0; j < i && conns[j] != conns[i]; j++)
				;
		} while (j < i);
	}
}

/* Reads what came and answers; returns how many were answered. */
static void
serve(struct world *w)
{
	static const uint8_t text[TEXT];
	struct span spans[4];
	struct tcp_event ev;
	size_t len;
	unsigned i, k;

	while (tcp_event(stack_tcp(w->stack), &ev)) {
		CHECK(!(ev.bits & TCP_EV_GONE));
		k = tcp_recv_peek(ev.pcb, spans, 4);
		for (i = 0, len = 0; i < k; i++)
			len += spans[i].len;
		if (len == 0)
			continue;
		tcp_recv_consume(ev.pcb, len, w->now);
		if (tcp_tuple(ev.pcb)->rport % 8 == 3)
			continue;
		k = tcp_send_reserve(ev.pcb, spans, 4, TEXT);
		for (i = 0, len = 0; i < k; len += spans[i++].len)
			memcpy(spans[i].base, text, spans[i].len);
		CHECK(len == TEXT);
		tcp_send_commit(ev.pcb, TEXT, w->now);
	}
}

/* One turn of the engine: what came, what it means, what goes. */
static unsigned
turn(struct world *w, struct rxframe *in, unsigned n, struct due *due)
{
	static struct txframe f;
	struct wire_tcp h;
	unsigned i, out = 0;
	struct said said;

	if (!mono_before(w->now, stack_deadline(w->stack)))
		stack_expire(w->stack, w->now);
	for (i = 0; i < n; i++)
		stack_input(w->stack, &in[i], w->now);
	serve(w);
	while (stack_output(w->stack, &f, w->now)) {
		out++;
		if (!understand(w, &f, &said, &h) || f.len <= 34u + h.hdr_len)
			continue;
		if (due != NULL) {
			CHECK(due->n < BURST);
			due->said[due->n++] = said;
		}
	}
	return out;
}

/* A burst of text and the acknowledgments that are due; returns the frames,
 * and adds up the time. */
static unsigned
burst(struct world *w, uint32_t among, uint64_t *ns)
{
	struct rxframe acks[BURST], text[BURST];
	struct due *due = &w->due[w->bursts % (w->lag + 1)];
	uint32_t conns[BURST];
	unsigned i, n = 0, frames;
	uint64_t begin;

	for (i = 0; i < due->n; i++) {
		struct peer *p = &w->peers[due->said[i].conn];

		if ((int32_t)(due->said[i].end - p->acked) <= 0)
			continue;
		p->acked = due->said[i].end;
		p->tsval = due->said[i].tsval;
		acks[n++] = segment(w, due->said[i].conn, 0);
	}
	due->n = 0;
	choose(w, among, conns);
	for (i = 0; i < BURST; i++)
		text[i] = segment(w, conns[i], TEXT);
	begin = now_ns();
	frames = n + BURST;
	frames += turn(w, acks, n, NULL);
	frames += turn(w, text, BURST, due);
	*ns += now_ns() - begin;
	w->bursts++;
	w->now = mono_add(w->now, BURST_US);
	return frames;
}

static double
cost(struct world *w, uint32_t among, unsigned bursts)
{
	uint64_t ns = 0, frames = 0;
	unsigned i;

	for (i = 0; i < bursts / 4; i++)
		burst(w, among, &ns);
	for (i = 0, ns = 0; i < bursts; i++)
		frames += burst(w, among, &ns);
	return (double)ns / (double)frames;
}

/* ---- the table ---- */

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
median(double *v, unsigned n)
{
	qsort(v, n, sizeof *v, by_value);
	return n % 2 != 0 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void
report(struct world *worlds, unsigned n, unsigned rounds)
{
	double first = 0, uniform, active;

	printf("# connections  ns/frame uniform (min-max)  of first"
	       "  active 1000  of first  bytes new, idle  worst set-up us\n");
	for (unsigned i = 0; i < n; i++) {
		struct world *w = &worlds[i];

		uniform = median(w->ns[0], rounds);
		active = median(w->ns[1], rounds);
		if (i == 0)
			first = uniform;
		printf("%10u %10.0f (%.0f-%.0f) %8.2f %10.0f %8.2f %8.0f %6.0f"
		       " %10.0f\n",
		    w->n, uniform, w->ns[0][0], w->ns[0][rounds - 1],
		    uniform / first, active, active / first, w->busy, w->idle,
		    w->worst_us);
	}
}

int
main(int argc, char **argv)
{
	static struct world worlds[16];
	unsigned rounds = 5, bursts = 20000, n = 0, i, r;
	uint32_t least = BURST, most = 1000000;
	int ch;

	while ((ch = getopt(argc, argv, "b:m:n:r:")) != -1) {
		if (ch == 'b')
			bursts = (unsigned)atoi(optarg);
		else if (ch == 'm')
			least = (uint32_t)atoi(optarg);
		else if (ch == 'n')
			most = (uint32_t)atoi(optarg);
		else if (ch == 'r')
			rounds = (unsigned)atoi(optarg);
		else
			return 2;
	}
	if (optind != argc || rounds < 1 || rounds > ROUNDS_MAX || bursts < 4 ||
	    least < BURST || most < least || most > 100000000) {
		fprintf(stderr, "usage: scale [-m least] [-n most] "
				"[-b bursts] [-r rounds]\n");
		return 2;
	}
	for (uint32_t conns = least; conns <= most; conns *= 10)
		world_open(&worlds[n++], conns);
	for (i = 0; i < n; i++) /* each has something to do, now and then */
		(void)cost(&worlds[i], worlds[i].n, worlds[i].n / BURST);
	for (r = 0; r < rounds; r++)
		for (i = 0; i < n; i++) {
			struct world *w = &worlds[i];

			w->ns[0][r] = cost(w, w->n, bursts);
			w->ns[1][r] = w->n > ACTIVE ? cost(w, ACTIVE, bursts)
						    : w->ns[0][r];
		}
	report(worlds, n, rounds);
	for (i = 0; i < n; i++)
		world_close(&worlds[i]);
	return 0;
}
