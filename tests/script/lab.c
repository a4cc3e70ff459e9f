/* SPDX-License-Identifier: ISC */
/*
 * The lab itself: one TCP layer, a fake path, a clock, and the bookkeeping
 * that makes a failing script say what it saw.  It has a codec of its own for
 * TCP headers, so that it does not share the layer's mistakes, and it holds
 * every segment that the stack sends against the rules that have no exception
 * (MSS and window scale on SYN only, zeros after the last option, no more
 * than the MSS in a segment).
 *
 * The stack's payload and the peer's are a pattern by position in the stream;
 * so each segment and each read is verified byte by byte.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "crypto/crypto.h"
#include "lab.h"

#define OUR_ADDR  0xc0000202u /* 192.0.2.2 */
#define PEER_ADDR 0xc0000201u
#define SEG_OFF	  34	      /* where a segment begins in its buf */
#define PEER_ISN  0xfffffe00u /* wraps early in every script */
#define TRACE	  24
#define MAXPAY	  65536

struct conn {
	struct tcp_pcb *pcb;
	struct tuple id;
	bool iss_known, connected_out;
	uint32_t iss;
	bool ts_known;
	uint32_t ts_base;
	int32_t win;
	uint64_t wrote, read;
	unsigned events;
	bool is_gone;
	int error;
};

/* One segment of the stack's, decoded; numbers as on the wire. */
struct sent {
	bool present;
	uint32_t seq, ack;
	struct lab_seg s;
	struct tuple id;
	struct conn *c;
	uint32_t tsval, tsecr;
	bool ts;
	uint8_t cookie[16];
	bool has_md5, has_ao;
	uint8_t md5[16], head[20], whole[60];
	uint32_t hdr_len;
	uint8_t payload[MAXPAY];
};

static struct lab {
	struct lab_config cfg;
	struct tcp *tcp;
	struct bufpool *bufs;
	struct drops drops, seen_drops;
	mono_t start, now;
	struct conn conns[LAB_CONNS];
	struct conn *c;
	struct tcp_bind *bind;
	struct tcp_opts opts;
	uint32_t peer;
	bool failed, ending;
	struct sent sent;
	char trace[TRACE][200];
	unsigned ntrace;
	const char *what; /* the row of a table, for messages */
} lab;

int lab_accept_error;
enum tcp_admit lab_may_open = TCP_ADMIT_YES;
const struct tcp_bind *lab_closed;
int lab_path_error;

/* ---- messages ---- */

static void
trace(const char *fmt, ...)
{
	char *line = lab.trace[lab.ntrace++ % TRACE];
	va_list ap;
	int n;

	n = snprintf(line, sizeof lab.trace[0], "%12.3f ms  ",
	    (double)mono_diff(lab.now, lab.start) / 1000);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof lab.trace[0] - (size_t)n, fmt, ap);
	va_end(ap);
	if (getenv("LAB_TRACE") != NULL)
		fprintf(stderr, "%s\n", line);
}

static void __attribute__((format(printf, 3, 4)))
fail(const char *file, int line, const char *fmt, ...)
{
	static char msg[TRACE * 220 + 2048];
	size_t n, i;
	va_list ap;

	if (lab.failed)
		return;
	lab.failed = true;
	n = (size_t)snprintf(msg, sizeof msg, "%s:%d: at %.3f ms%s%s: ", file,
	    line, (double)mono_diff(lab.now, lab.start) / 1000,
	    lab.what != NULL ? ", " : "", lab.what != NULL ? lab.what : "");
	va_start(ap, fmt);
	n += (size_t)vsnprintf(msg + n, sizeof msg - n, fmt, ap);
	va_end(ap);
	i = lab.ntrace > TRACE ? lab.ntrace - TRACE : 0;
	for (; i < lab.ntrace && n < sizeof msg; i++)
		n += (size_t)snprintf(
		    msg + n, sizeof msg - n, "\n\t%s", lab.trace[i % TRACE]);
	/* The verdict has been given by then; a crash counts nevertheless. */
	if (lab.ending) {
		fprintf(stderr, "%s\n", msg);
		abort();
	}
	cr_assert_fail("%s", msg);
}

static void
flag_names(char *b, size_t cap, unsigned flags)
{
	static const char *const names[] = {
	    "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"};
	size_t n = 0;

	b[0] = '\0';
	for (unsigned i = 0; i < 9; i++)
		if (flags & 1u << i)
			n += (size_t)snprintf(
			    b + n, cap - n, "%s%s", n > 0 ? "|" : "", names[i]);
	if (n == 0)
		snprintf(b, cap, "nothing");
}

/* "SYN|ACK seq 0 ack 1 len 0 win 65535 mss 1460" */
static const char *
describe(const struct lab_seg *s)
{
	static char bufs[4][200];
	static unsigned next;
	char *b = bufs[next++ % 4];
	char fl[40];
	size_t cap = sizeof bufs[0], n;

	flag_names(fl, sizeof fl, s->flags);
	n = (size_t)snprintf(b, cap, "%s", fl);
	if (s->flags == 0)
		return b;
	n += (size_t)snprintf(b + n, cap - n,
	    " seq %" PRId64 " ack %" PRId64 " len %u", s->seq, s->ack, s->len);
	if (s->flags & URG)
		n += (size_t)snprintf(b + n, cap - n, " urg %u", s->urg);
	if (s->win >= 0)
		n += (size_t)snprintf(b + n, cap - n, " win %d", s->win);
	if (s->mss >= 0)
		n += (size_t)snprintf(b + n, cap - n, " mss %d", s->mss);
	if (s->wscale >= 0)
		n += (size_t)snprintf(b + n, cap - n, " wscale %d", s->wscale);
	if (s->sackok >= 0)
		n += (size_t)snprintf(b + n, cap - n, " sackok");
	if (s->tsval >= 0)
		n += (size_t)snprintf(b + n, cap - n,
		    " ts %" PRId64 " %" PRId64, s->tsval, s->tsecr);
	for (unsigned i = 0; i < 4 && s->sack[i].to != 0; i++)
		n += (size_t)snprintf(b + n, cap - n, " sack %u-%u",
		    s->sack[i].from, s->sack[i].to);
	if (s->ip > 0)
		n += (size_t)snprintf(b + n, cap - n, " %s",
		    s->ip == CE	    ? "CE"
		    : s->ip == ECT0 ? "ECT0"
				    : "ECT1");
	if (s->acc_n >= 0)
		n += (size_t)snprintf(
		    b + n, cap - n, " accecn%d", s->acc_e1 ? 1 : 0);
	for (int i = 0; i < s->acc_n; i++)
		n += (size_t)snprintf(b + n, cap - n, " %u", s->acc[i]);
	if (s->fo >= 0)
		n += (size_t)snprintf(b + n, cap - n, " fastopen%s %d",
		    s->fo_exp ? "-exp" : "", s->fo);
	return b;
}

/* ---- bytes ---- */

static uint8_t
pattern(uint64_t pos, bool ours)
{
	return (uint8_t)(pos * 167 + (pos >> 8) * 13 + (pos >> 16) +
			 (ours ? 91 : 0));
}

static void
put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static unsigned
get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint32_t
sum16(uint32_t sum, const uint8_t *p, size_t n)
{
	for (; n > 1; p += 2, n -= 2)
		sum += get16(p);
	if (n > 0)
		sum += (uint32_t)p[0] << 8;
	return sum;
}

/* RFC 9293 3.1: the pseudo header's protocol and length are the same numbers
 * in both families, and the mapped prefix of IPv4 addresses is not summed. */
static unsigned
checksum(const struct ipaddr *src, const struct ipaddr *dst, const uint8_t *seg,
    size_t n)
{
	unsigned from = ipaddr_is_v4(src) ? 12 : 0;
	uint32_t sum;

	sum = sum16(0, src->b + from, 16 - from);
	sum = sum16(sum, dst->b + from, 16 - from);
	sum = sum16(sum + 6 + (uint32_t)n, seg, n);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* ---- families ---- */

bool
lab_is_v6(void)
{
	const char *family = getenv("LAB_FAMILY");

	return family != NULL && strcmp(family, "6") == 0;
}

struct ipaddr
lab_addr(uint32_t v4)
{
	struct ipaddr a = {{0x20, 0x01, 0x0d, 0xb8}};

	if (!lab_is_v6())
		return ipaddr_v4(v4);
	if (v4 == 0)
		return (struct ipaddr){{0}};
	if (v4 >= 0xe0000000) /* a group, as multicast and broadcast are */
		a = (struct ipaddr){{0xff, 0x02}};
	a.b[12] = (uint8_t)(v4 >> 24);
	a.b[13] = (uint8_t)(v4 >> 16);
	a.b[14] = (uint8_t)(v4 >> 8);
	a.b[15] = (uint8_t)v4;
	return a;
}

uint16_t
lab_mtu(uint16_t v4)
{
	if (!lab_is_v6())
		return v4;
	return v4 > UINT16_MAX - 20 ? UINT16_MAX : (uint16_t)(v4 + 20);
}

uint16_t
lab_default_mss(void)
{
	return lab_is_v6() ? 1220 : 536;
}

/* ---- the layer's environment ---- */

static int
env_path(void *ctx, const struct ipaddr *src, const struct ipaddr *dst,
    struct tcp_path *out)
{
	if (lab_path_error != 0)
		return lab_path_error;
	out->src = *src;
	if (ipaddr_is_any(src))
		out->src = ipaddr_is_v4(dst) ? ipaddr_v4(OUR_ADDR)
					     : lab_addr(OUR_ADDR);
	out->rcv_mtu = lab.cfg.mtu;
	out->mtu = lab.cfg.path_mtu != 0 ? lab.cfg.path_mtu : lab.cfg.mtu;
	if (!ipaddr_is_v4(dst)) {
		out->rcv_mtu = lab_mtu(out->rcv_mtu);
		out->mtu = lab_mtu(out->mtu);
	}
	out->tso_max = lab.cfg.tso;
	return 0;
}

static enum tcp_admit
env_may_open(void *ctx, struct tcp_bind *listener)
{
	return listener == lab_closed ? TCP_ADMIT_GONE : lab_may_open;
}

static struct conn *
conn_of(const struct tuple *id)
{
	for (unsigned i = 0; i < LAB_CONNS; i++)
		if (lab.conns[i].id.lport == id->lport &&
		    lab.conns[i].id.rport == id->rport)
			return &lab.conns[i];
	return NULL;
}

static int
env_accept(void *ctx, struct tcp_bind *listener, struct tcp_pcb *pcb)
{
	struct conn *c = conn_of(tcp_tuple(pcb));

	trace("accept: %d", lab_accept_error);
	if (lab_accept_error != 0)
		return lab_accept_error;
	if (c == NULL)
		return -ECONNREFUSED;
	c->pcb = pcb;
	tcp_set_user(pcb, c);
	return 0;
}

static void
settle(void)
{
	struct tcp_event ev;
	struct conn *c;

	while (tcp_event(lab.tcp, &ev)) {
		trace("event %#x error %d", ev.bits, ev.error);
		c = ev.user;
		if (c == NULL || c->pcb != ev.pcb)
			continue;
		c->events |= ev.bits;
		if (ev.bits & TCP_EV_GONE) {
			c->pcb = NULL;
			c->is_gone = true;
			c->error = ev.error;
		}
	}
	tcp_check(lab.tcp, lab.now);
}

/* ---- life of a lab ---- */

void
lab_start_(const struct lab_config *cfg)
{
	struct tcp_config tc = {0};

	if (lab.tcp != NULL)
		lab_end();
	memset(&lab, 0, sizeof lab);
	lab.cfg = *cfg;
	if (lab.cfg.mtu == 0)
		lab.cfg.mtu = 1500;
	lab.peer = PEER_ADDR;
	lab_accept_error = 0;
	lab_path_error = 0;
	lab_may_open = TCP_ADMIT_YES;
	lab_closed = NULL;
	lab.start = lab.now =
	    (mono_t){cfg->boot_us != 0 ? cfg->boot_us : sec(1000)};
	lab.bufs = bufpool_new(cfg->pool != 0 ? cfg->pool : 64u << 20);
	tc.env.path = env_path;
	tc.env.may_open = env_may_open;
	tc.env.accept = env_accept;
	tc.bufs = lab.bufs;
	tc.drops = &lab.drops;
	tc.seed[0] = cfg->seed + 1;
	tc.seed[1] = cfg->seed + 2;
	tc.max_conns = cfg->max_conns;
	tc.size.sndbuf = cfg->sndbuf != 0 ? cfg->sndbuf : 1u << 20;
	tc.size.rcvbuf = cfg->rcvbuf != 0 ? cfg->rcvbuf : 1u << 16;
	tc.size.sndbuf_max = cfg->sndbuf_max;
	tc.size.rcvbuf_max = cfg->rcvbuf_max;
	tc.msl_us = cfg->msl_us != 0 ? cfg->msl_us : (uint32_t)sec(30);
	tc.port_first = cfg->port_first != 0 ? cfg->port_first : 32768;
	tc.port_last = cfg->port_last != 0 ? cfg->port_last : 60999;
	tc.syncookies = cfg->syncookies;
	tc.mtu_probing = cfg->mtu_probing;
	tc.max_orphans = cfg->max_orphans;
	tc.no_timestamps = cfg->no_timestamps;
	tc.no_sack = cfg->no_sack;
	tc.no_wscale = cfg->no_wscale;
	tc.no_quickack = !cfg->quickack;
	tc.pacing = cfg->pacing;
	tc.ecn = cfg->ecn;
	tc.accecn_option = cfg->accecn_option;
	tc.ect_all = cfg->ect_all;
	tc.syn_linear = cfg->syn_linear;
	tc.fastopen = cfg->fastopen;
	tc.digest = &crypto_digest;
	tc.congestion = cfg->congestion != NULL ? cfg->congestion : "newreno";
	lab.tcp = tcp_new(&tc, lab.now);
	cr_assert_not_null(lab.tcp, "tcp_new failed");
	for (unsigned i = 0; i < LAB_CONNS; i++) {
		lab.conns[i].id = (struct tuple){lab_addr(OUR_ADDR),
		    lab_addr(PEER_ADDR), 80, (uint16_t)(40000 + i)};
		lab.conns[i].win = 65535;
	}
	use(0);
	if (cfg->listens)
		app_listens();
}

void
passive_lab(void)
{
	lab_start(.listens = true);
}

void
active_lab(void)
{
	lab_start(.listens = false);
}

void
lab_end(void)
{
	if (lab.tcp == NULL)
		return;
	lab.ending = true;
	if (!lab.failed)
		lab_silence(__FILE__, __LINE__);
	tcp_free(lab.tcp);
	lab.tcp = NULL;
	if (!lab.failed)
		expect_eq(bufpool_used(lab.bufs), 0);
	if (!lab.failed)
		bufpool_free(lab.bufs);
}

void
lab_label(const char *what)
{
	lab.what = what;
}

void
use(unsigned i)
{
	cr_assert_lt(i, LAB_CONNS);
	lab.c = &lab.conns[i];
}

void
new_incarnation(void)
{
	lab.c->iss_known = false;
	lab.c->ts_known = false;
	lab.c->is_gone = false;
	lab.c->events = 0;
	lab.c->wrote = lab.c->read = 0;
	lab.c->win = 65535;
}

int
lab_key(bool on_pcb, uint32_t v4, unsigned plen, const char *key)
{
	struct tcp_md5 m = {.addr = lab_addr(v4),
	    .plen = (uint8_t)(96 + plen),
	    .len = (uint8_t)strlen(key)};

	memcpy(m.key, key, m.len);
	return on_pcb ? tcp_pcb_md5(lab.c->pcb, &m)
		      : tcp_bind_md5(lab.bind, &m);
}

int
lab_ao(bool on_pcb, uint8_t sndid, uint8_t rcvid, const char *key)
{
	struct tcp_ao_key k = {.addr = lab.c->id.raddr,
	    .plen = 128,
	    .sndid = sndid,
	    .rcvid = rcvid,
	    .maclen = 12,
	    .len = (uint8_t)strlen(key)};

	memcpy(k.key, key, k.len);
	return on_pcb ? tcp_ao_add(NULL, lab.c->pcb, &k)
		      : tcp_ao_add(lab.bind, NULL, &k);
}

struct tcp *
lab_tcp(void)
{
	return lab.tcp;
}

struct bufpool *
lab_pool(void)
{
	return lab.bufs;
}

struct tcp_pcb *
lab_pcb(void)
{
	return lab.c->pcb;
}

struct tcp_bind *
lab_bind(void)
{
	return lab.bind;
}

struct tcp_info_out
lab_info(void)
{
	struct tcp_info_out i = {0};

	if (lab.c->pcb == NULL)
		fail(AT, "tcp_info: the user holds no connection");
	tcp_info(lab.c->pcb, &i, lab.now);
	return i;
}

struct tcp_stats
lab_stats(void)
{
	struct tcp_stats s;

	tcp_stats(lab.tcp, &s);
	return s;
}

mono_t
lab_mono(void)
{
	return lab.now;
}

uint32_t
lab_iss(void)
{
	return lab.c->iss;
}

/* ---- the peer ---- */

static size_t
put_fastopen(uint8_t *o, const struct lab_seg *s)
{
	size_t head = s->fo_exp ? 4 : 2, len = (size_t)s->fo;

	o[0] = s->fo_exp ? 254 : 34;
	o[1] = (uint8_t)(head + len);
	if (s->fo_exp)
		put16(o + 2, 0xf989);
	if (s->cookie != NULL)
		memcpy(o + head, s->cookie, len);
	else
		memset(o + head, 0xc0, len);
	return head + len;
}

/* Options in Linux's order of a SYN, raw bytes last, padded with zeros. */
static size_t
put_options(uint8_t *o, const struct lab_seg *s)
{
	size_t n = 0, blocks;

	if (s->key != NULL) { /* the digest comes later */
		put32(o, 0x01011312);
		memset(o + 4, 0, 16);
		n += 20;
	}
	if (s->ao != NULL) { /* the same */
		put32(o, 0x1d100000 | (uint32_t)s->keyid << 8 | s->rnext);
		memset(o + 4, 0, 12);
		n += 16;
	}
	if (s->mss >= 0) {
		put16(o + n, 0x0204);
		put16(o + n + 2, (unsigned)s->mss);
		n += 4;
	}
	if (s->sackok >= 0) {
		put16(o + n, 0x0402);
		n += 2;
	}
	if (s->tsval >= 0) {
		put16(o + n, 0x080a);
		put32(o + n + 2, (uint32_t)s->tsval);
		put32(o + n + 6,
		    s->tsecr < 0 ? 0 : (uint32_t)s->tsecr + lab.c->ts_base);
		n += 10;
	}
	if (s->wscale >= 0) {
		o[n] = 3;
		o[n + 1] = 3;
		o[n + 2] = (uint8_t)s->wscale;
		n += 3;
	}
	for (blocks = 0; blocks < 4 && s->sack[blocks].to != 0; blocks++) {
		put32(
		    o + n + 2 + 8 * blocks, s->sack[blocks].from + lab.c->iss);
		put32(o + n + 6 + 8 * blocks, s->sack[blocks].to + lab.c->iss);
	}
	if (s->acc_n >= 0) {
		uint8_t *a = o + n + (blocks > 0 ? 2 + 8 * blocks : 0);

		a[0] = s->acc_e1 ? 174 : 172;
		a[1] = (uint8_t)(2 + 3 * s->acc_n);
		for (int i = 0; i < s->acc_n; i++) {
			a[2 + 3 * i] = (uint8_t)(s->acc[i] >> 16);
			put16(a + 3 + 3 * i, s->acc[i] & 0xffff);
		}
	}
	if (blocks > 0) {
		o[n] = 5;
		o[n + 1] = (uint8_t)(2 + 8 * blocks);
		n += o[n + 1];
	}
	if (s->acc_n >= 0)
		n += 2 + 3 * (size_t)s->acc_n;
	if (s->fo >= 0)
		n += put_fastopen(o + n, s);
	if (s->optlen > 0)
		memcpy(o + n, s->opts, s->optlen);
	n += s->optlen;
	while (n % 4 != 0)
		o[n++] = 0;
	return n;
}

static size_t
put_segment(uint8_t *p, const struct lab_seg *s)
{
	uint8_t opts[64];
	size_t n = put_options(opts, s), hl = 20 + n;
	uint64_t pos;

	if (hl > 60)
		fail(AT, "the script's options take %zu bytes", n);
	memset(p, 0, 20);
	put16(p, s->sport != 0 ? s->sport : lab.c->id.rport);
	put16(p + 2, s->dport != 0 ? s->dport : lab.c->id.lport);
	put32(p + 4, PEER_ISN + (uint32_t)s->seq);
	if (s->flags & ACK || s->ack != 0)
		put32(p + 8, lab.c->iss + (uint32_t)s->ack);
	put16(p + 12, (unsigned)(hl / 4 << 12) | s->flags);
	put16(p + 14, (unsigned)lab.c->win);
	put16(p + 18, s->urg);
	memcpy(p + 20, opts, n);
	for (uint32_t i = 0; i < s->len; i++) {
		pos = (uint64_t)s->seq + i - (s->flags & SYN ? 0 : 1);
		p[hl + i] =
		    s->data != NULL ? (uint8_t)s->data[i] : pattern(pos, false);
	}
	return hl + s->len;
}

/* RFC 2385 2.0, of a segment with n bytes in all. */
static void
digest(const struct ipaddr *src, const struct ipaddr *dst, const uint8_t *head,
    const uint8_t *payload, uint32_t paylen, uint32_t n, const char *key,
    uint8_t out[16])
{
	uint8_t b[60] = {0};
	size_t at;
	struct span spans[3] = {{b, 0}, {(void *)(uintptr_t)payload, paylen},
	    {(void *)(uintptr_t)key, strlen(key)}};

	if (ipaddr_is_v4(src)) {
		memcpy(b, src->b + 12, 4);
		memcpy(b + 4, dst->b + 12, 4);
		b[9] = 6;
		put16(b + 10, n);
		at = 12;
	} else {
		memcpy(b, src->b, 16);
		memcpy(b + 16, dst->b, 16);
		put32(b + 32, n);
		b[39] = 6;
		at = 40;
	}
	memcpy(b + at, head, 20);
	put16(b + at + 16, 0);
	spans[0].len = at + 20;
	crypto_digest.md5(spans, 3, out);
}

/* What stands before ports and numbers in both inputs. */
static size_t
put_addrs(uint8_t *b, const struct ipaddr *src, const struct ipaddr *dst)
{
	size_t n = ipaddr_is_v4(src) ? 4 : 16;

	memcpy(b, src->b + 16 - n, n);
	memcpy(b + n, dst->b + 16 - n, n);
	return 2 * n;
}

/* RFC 5925 5.1 and RFC 5926 3.1.1.1: of a segment whose header, the option
 * first, is at head; isn: its sender's initial number, and the other's. */
static void
ao_mac(const struct ipaddr *src, const struct ipaddr *dst, const uint8_t *head,
    const uint8_t *payload, uint32_t paylen, const char *key, uint32_t sne,
    const uint32_t isn[2], uint8_t out[12])
{
	uint8_t b[128] = {1, 'T', 'C', 'P', '-', 'A', 'O'}, traffic[32],
		mac[32];
	uint32_t hl = (uint32_t)(head[12] >> 4) * 4;
	struct span in[2] = {{b, 0}, {(void *)(uintptr_t)payload, paylen}};
	size_t n = 7 + put_addrs(b + 7, src, dst);

	memcpy(b + n, head, 4);
	put32(b + n + 4, isn[0]);
	put32(b + n + 8, isn[1]);
	put16(b + n + 12, 160);
	in[0].len = n + 14;
	crypto_digest.mac(
	    TCP_AO_SHA1, (const uint8_t *)key, strlen(key), in, 1, traffic);
	memset(b, 0, sizeof b);
	put32(b, sne);
	n = 4 + put_addrs(b + 4, src, dst);
	if (n == 12) {
		put16(b + n, 6);
		put16(b + n + 2, hl + paylen);
		n += 4;
	} else {
		put32(b + n, hl + paylen);
		put32(b + n + 4, 6);
		n += 8;
	}
	memcpy(b + n, head, hl);
	put16(b + n + 16, 0);
	memset(b + n + 24, 0, 12);
	in[0].len = n + hl;
	crypto_digest.mac(TCP_AO_SHA1, traffic, 20, in, 2, mac);
	memcpy(out, mac, 12);
}

/* From the peer, or to him: the initial numbers, and the extension at seq. */
static uint32_t
ao_numbers(bool from_peer, int64_t seq, uint16_t flags, uint32_t isn[2])
{
	isn[!from_peer] = PEER_ISN;
	isn[from_peer] = lab.c->iss_known ? lab.c->iss : 0;
	if ((flags & (SYN | ACK)) == SYN) { /* whichever it is */
		isn[0] += (uint32_t)seq;
		isn[1] = 0;
		return 0;
	}
	return (uint32_t)(((uint64_t)isn[0] + (uint64_t)seq) >> 32);
}

static void
sign(const struct tcp_in *in, uint8_t *p, const struct lab_seg *s)
{
	uint32_t hl = (uint32_t)(p[12] >> 4) * 4, isn[2], sne;

	if (s->ao != NULL) {
		sne = ao_numbers(true, s->seq, s->flags, isn);
		ao_mac(&in->src, &in->dst, p, p + hl, in->len - hl, s->ao, sne,
		    isn, p + 24);
		p[24] ^= s->bad_md5;
	}

	if (s->key == NULL)
		return;
	digest(&in->src, &in->dst, p, p + hl, in->len - hl, in->len, s->key,
	    p + 24);
	p[24] ^= s->bad_md5;
}

void
lab_peer_sends(const char *file, int line, struct lab_seg s)
{
	struct tcp_in in = {0};
	uint8_t *p;
	struct buf *b;

	if (s.data != NULL)
		s.len = (uint32_t)strlen(s.data);
	if (s.win >= 0)
		lab.c->win = s.win;
	b = buf_alloc(lab.bufs, SEG_OFF + 60 + s.len);
	if (b == NULL) {
		fail(file, line, "no buffer for the peer's segment");
		return;
	}
	p = b->data + SEG_OFF;
	in.off = SEG_OFF;
	in.len = (uint32_t)put_segment(p, &s);
	b->len = in.off + in.len;
	in.src = lab_addr(s.src != 0 ? s.src : lab.peer);
	in.dst = lab_addr(s.dst != 0 ? s.dst : OUR_ADDR);
	sign(&in, p, &s);
	put16(p + 16, checksum(&in.src, &in.dst, p, in.len));
	if (s.bad_csum)
		p[16] ^= 0x40;
	in.csum_ok = !s.bad_csum && s.train != 0;
	in.buf = b;
	in.gso_size = s.train;
	in.tos = s.ip > 0 ? (uint8_t)s.ip : 0;
	trace("> %s", describe(&s));
	tcp_input(lab.tcp, &in, lab.now);
	buf_unref(b);
	settle();
}

void
lab_icmp(
    const char *file, int line, enum tcp_icmp what, int64_t seq, uint16_t mtu)
{
	trace("> icmp %d seq %" PRId64, (int)what, seq);
	tcp_icmp_input(lab.tcp, &lab.c->id, lab.c->iss + (uint32_t)seq, what,
	    lab_mtu(mtu), lab.now);
	settle();
}

/* ---- what the stack sends ---- */

static void
broken(const char *why)
{
	fail(AT, "the stack sent a segment that breaks a rule: %s", why);
}

/* Returns the option's length. */
static size_t
take_option(struct sent *o, const uint8_t *p, size_t left)
{
	size_t len;

	if (p[0] == 1)
		return 1;
	if (left < 2 || p[1] < 2 || p[1] > left)
		broken("an option's length is wrong");
	len = p[1];
	if (p[0] == 2 && len == 4) {
		o->s.mss = (int32_t)get16(p + 2);
	} else if (p[0] == 3 && len == 3) {
		o->s.wscale = p[2];
	} else if (p[0] == 4 && len == 2) {
		o->s.sackok = 1;
	} else if (p[0] == 8 && len == 10) {
		o->ts = true;
		o->tsval = get32(p + 2);
		o->tsecr = get32(p + 6);
	} else if (p[0] == 5 && len >= 10 && len % 8 == 2 && len <= 34) {
		for (size_t i = 0; i < len / 8; i++) {
			o->s.sack[i].from = get32(p + 2 + 8 * i) - PEER_ISN;
			o->s.sack[i].to = get32(p + 6 + 8 * i) - PEER_ISN;
		}
	} else if ((p[0] == 172 || p[0] == 174) && len % 3 == 2 && len <= 11) {
		o->s.acc_n = (int32_t)len / 3;
		o->s.acc_e1 = p[0] == 174;
		for (size_t i = 0; i < len / 3; i++)
			o->s.acc[i] =
			    (uint32_t)p[2 + 3 * i] << 16 | get16(p + 3 + 3 * i);
	} else if ((p[0] == 34 && len <= 18) ||
		   (p[0] == 254 && len >= 4 && len <= 20 &&
		       get16(p + 2) == 0xf989)) {
		o->s.fo_exp = p[0] == 254;
		o->s.fo = (int32_t)len - (o->s.fo_exp ? 4 : 2);
		memcpy(o->cookie, p + len - o->s.fo, (size_t)o->s.fo);
		o->s.cookie = o->cookie;
	} else if (p[0] == 29 && len == 16) {
		o->has_ao = true;
		o->s.keyid = p[2];
		o->s.rnext = p[3];
	} else if (p[0] == 19 && len == 18) {
		o->has_md5 = true;
		memcpy(o->md5, p + 2, 16);
	} else {
		broken("an option that the scripts do not know");
	}
	return len;
}

static void
take_options(struct sent *o, const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] != 0)
		i += take_option(o, p + i, n - i);
	for (; i < n; i++)
		if (p[i] != 0)
			broken("no zeros after the end of options (MUST-69)");
	if (!(o->s.flags & SYN) && (o->s.mss >= 0 || o->s.wscale >= 0))
		broken("MSS or window scale without SYN (MUST-65)");
	if (!(o->s.flags & SYN) && o->s.fo >= 0)
		broken("Fast Open without SYN (RFC 7413 4.1.1)");
}

/* Makes the numbers relative; learns the ISN and the first timestamp. */
static void
relate(struct sent *o)
{
	struct conn *c = o->c;

	if (o->s.flags & SYN && !c->iss_known) {
		c->iss_known = true;
		c->iss = o->seq;
	}
	if (o->ts && !c->ts_known) {
		c->ts_known = true;
		c->ts_base = o->tsval;
	}
	o->s.seq = (int32_t)(o->seq - c->iss);
	o->s.ack = o->s.flags & ACK ? (int32_t)(o->ack - PEER_ISN) : 0;
	if (o->ts) {
		o->s.tsval = o->tsval - c->ts_base;
		o->s.tsecr = o->tsecr;
	}
}

static void
take_payload(struct sent *o, const struct tcp_out *out)
{
	uint32_t n = 0;
	uint64_t pos;

	for (unsigned i = 0; i < out->nspans; i++) {
		if (n + out->spans[i].len > MAXPAY)
			broken("more payload than 64 KiB");
		memcpy(o->payload + n, out->spans[i].base, out->spans[i].len);
		n += (uint32_t)out->spans[i].len;
	}
	if (n != out->payload_len)
		broken("payload_len is not the sum of the spans");
	if (out->gso_size == 0 && n + out->hdr_len + 20 > lab.cfg.mtu)
		broken("longer than the path's MTU");
	if (out->gso_size != 0 && out->gso_size >= n)
		broken("a GSO segment that need not be cut");
	o->s.len = n;
	o->s.train = out->gso_size;
	pos = (uint64_t)o->s.seq - 1 + (o->s.flags & SYN ? 1 : 0);
	for (uint32_t i = 0; i < n; i++)
		if (o->payload[i] != pattern(pos + i, true))
			fail(AT, "wrong byte at %" PRIu64 " of the stream",
			    pos + i);
}

/* The stack's next segment into lab.sent, where it stays until awaited. */
static bool
peek(void)
{
	struct sent *o = &lab.sent;
	struct tcp_out out;
	const uint8_t *h = out.hdr;

	if (o->present)
		return true;
	memset(&out, 0, sizeof out);
	if (!tcp_output(lab.tcp, &out, lab.now))
		return false;
	o->present = true;
	o->ts = o->has_md5 = o->has_ao = false;
	o->s = SEG(get16(h + 12) & 0x1ff);
	o->s.ip = out.tos & 3;
	o->seq = get32(h + 4);
	o->ack = get32(h + 8);
	o->s.win = (int32_t)get16(h + 14);
	o->s.urg = (uint16_t)get16(h + 18);
	o->s.tos = out.tos;
	o->s.ttl = out.ttl;
	o->id = (struct tuple){
	    out.src, out.dst, (uint16_t)get16(h), (uint16_t)get16(h + 2)};
	if (out.hdr_len != h[12] >> 4 << 2 || out.hdr_len < 20)
		broken("hdr_len is not the header's data offset");
	if (get16(h + 16) != 0)
		broken("the checksum is the caller's to fill in");
	if (h[12] & 0x0e)
		broken("reserved bits are set");
	memcpy(o->head, h, 20);
	memcpy(o->whole, h, sizeof o->whole);
	o->hdr_len = out.hdr_len;
	o->c = conn_of(&o->id);
	if (o->c == NULL)
		o->c = lab.c;
	take_options(o, h + 20, out.hdr_len - 20u);
	relate(o);
	take_payload(o, &out);
	trace("< %s", describe(&o->s));
	settle();
	return true;
}

static bool
named_differs(int64_t want, int64_t got)
{
	if (want == ANY)
		return false;
	if (want == NONE)
		return got >= 0;
	return want != got;
}

/* Is it signed as it should be? */
static bool
signed_with(const struct sent *o, const char *key)
{
	uint8_t want[16];

	if (key == NULL || !o->has_md5)
		return key == NULL && !o->has_md5;
	digest(&o->id.laddr, &o->id.raddr, o->head, o->payload, o->s.len,
	    o->hdr_len + o->s.len, key, want);
	return memcmp(want, o->md5, 16) == 0;
}

static bool
ao_with(const struct sent *o, const struct lab_seg *w)
{
	uint32_t isn[2], sne;
	uint8_t want[12];

	if (w->ao == NULL || !o->has_ao)
		return w->ao == NULL && !o->has_ao;
	sne = ao_numbers(false, o->s.seq, o->s.flags, isn);
	ao_mac(&o->id.laddr, &o->id.raddr, o->whole, o->payload, o->s.len,
	    w->ao, sne, isn, want);
	return o->s.keyid == w->keyid && o->s.rnext == w->rnext &&
	       memcmp(want, o->whole + 24, 12) == 0;
}

static bool
same(const struct lab_seg *w, const struct lab_seg *g)
{
	if (w->flags != g->flags || w->len != g->len || w->ack != g->ack)
		return false;
	if (!w->any_seq &&
	    w->seq != (w->raw_seq ? (int64_t)lab.sent.seq : g->seq))
		return false;
	if (named_differs(w->win, g->win) || named_differs(w->mss, g->mss) ||
	    named_differs(w->wscale, g->wscale) ||
	    named_differs(w->sackok, g->sackok) ||
	    named_differs(w->tsval, g->tsval) ||
	    named_differs(w->tsecr, g->tsecr) ||
	    named_differs(w->tos, g->tos) || named_differs(w->ttl, g->ttl))
		return false;
	if (w->flags & URG && w->urg != g->urg)
		return false;
	if (named_differs(w->ip, g->ip) || named_differs(w->acc_n, g->acc_n))
		return false;
	if (w->acc_n >= 0 && (w->acc_e1 != g->acc_e1 ||
				 memcmp(w->acc, g->acc,
				     sizeof w->acc[0] * (size_t)w->acc_n) != 0))
		return false;
	if (w->train != 0 && w->train != g->train)
		return false;
	if (named_differs(w->fo, g->fo) ||
	    (w->fo >= 0 && w->fo_exp != g->fo_exp) ||
	    (w->fo > 0 && w->cookie != NULL &&
		memcmp(w->cookie, g->cookie, (size_t)w->fo) != 0))
		return false;
	return w->any_sack || memcmp(w->sack, g->sack, sizeof w->sack) == 0;
}

void
lab_stack_sends(const char *file, int line, struct lab_seg want)
{
	struct sent *o = &lab.sent;

	if (lab.failed)
		return;
	if (want.data != NULL)
		want.len = (uint32_t)strlen(want.data);
	if (!peek()) {
		fail(file, line, "the stack sends nothing, expected %s",
		    describe(&want));
		return;
	}
	if (o->c != lab.c)
		fail(file, line, "the stack sends %s on another connection",
		    describe(&o->s));
	if (!same(&want, &o->s))
		fail(file, line, "the stack sends\n\t%s, expected\n\t%s",
		    describe(&o->s), describe(&want));
	if (!signed_with(o, want.key))
		fail(file, line, "%s is %s", describe(&o->s),
		    !o->has_md5	       ? "not signed"
		    : want.key == NULL ? "signed"
				       : "signed with another key");
	if (!ao_with(o, &want))
		fail(file, line, "%s has %s, ids %u and %u", describe(&o->s),
		    o->has_ao ? "another TCP-AO" : "no TCP-AO", o->s.keyid,
		    o->s.rnext);
	o->present = false;
}

void
lab_silence(const char *file, int line)
{
	if (!lab.failed && peek())
		fail(file, line, "the stack should be silent, sends %s",
		    describe(&lab.sent.s));
}

struct lab_seg
lab_next(void)
{
	if (!peek())
		return SILENT;
	lab.sent.present = false;
	return lab.sent.s;
}

unsigned
lab_drain(void)
{
	unsigned n = 0;

	for (; peek(); n++)
		lab.sent.present = false;
	return n;
}

/* ---- time ---- */

int64_t
lab_now(void)
{
	return mono_diff(lab.now, lab.start);
}

static mono_t
next_deadline(void)
{
	return mono_min(tcp_deadline(lab.tcp), tcp_rest_deadline(lab.tcp));
}

/* Moves to t and expires what is due; the layer must not ask for the same
 * moment again. */
static void
expire_at(const char *file, int line, mono_t t)
{
	mono_t d;

	lab.now = t;
	tcp_expire(lab.tcp, t);
	settle();
	d = next_deadline();
	if (!mono_before(t, d))
		fail(file, line, "the deadline does not move on: it spins");
}

/* To the next deadline if it comes before t, else to t; true when there. */
static bool
step_towards(const char *file, int line, mono_t t)
{
	mono_t d = mono_max(next_deadline(), lab.now);

	if (!mono_before(d, t)) {
		expire_at(file, line, t);
		return true;
	}
	expire_at(file, line, d);
	return false;
}

void
lab_at(const char *file, int line, int64_t t)
{
	mono_t to = mono_add(lab.start, t);

	if (mono_before(to, lab.now))
		fail(file, line, "the script goes back in time");
	do
		lab_silence(file, line);
	while (!lab.failed && !step_towards(file, line, to));
}

void
lab_quiet_until(const char *file, int line, int64_t t)
{
	lab_at(file, line, t);
	lab_silence(file, line);
}

void
lab_speaks(const char *file, int line, int64_t from, int64_t to)
{
	mono_t limit = mono_add(lab.start, to);
	bool there = false;

	while (!lab.failed && !peek() && !there)
		there = step_towards(file, line, limit);
	if (!lab.sent.present)
		fail(file, line, "the stack stays silent");
	if (lab_now() < from)
		fail(file, line, "the stack speaks too early: %s",
		    describe(&lab.sent.s));
}

unsigned
lab_run_until(int64_t t)
{
	mono_t to = mono_add(lab.start, t);
	unsigned n = 0;
	bool there;

	do {
		n += lab_drain();
		there = step_towards(AT, to);
	} while (!there && !lab.failed);
	return n + lab_drain();
}

/* ---- the application ---- */

void
lab_listens(const char *file, int line)
{
	struct ipaddr any = lab_addr(0);
	int r;

	r = tcp_bind(lab.tcp, &any, lab.c->id.lport, lab.cfg.bind_flags, 0,
	    NULL, &lab.bind);
	if (r == 0)
		r = tcp_listen(
		    lab.bind, lab.cfg.backlog != 0 ? lab.cfg.backlog : 128);
	if (r != 0)
		fail(file, line, "cannot listen: %s", strerror(-r));
	else if (lab.cfg.fastopen_limit != 0)
		tcp_bind_opts(lab.bind,
		    &(struct tcp_opts){.fastopen = lab.cfg.fastopen_limit});
	settle();
}

void
lab_unlistens(const char *file, int line)
{
	tcp_unbind(lab.bind, lab.now);
	lab.bind = NULL;
	settle();
}

void
lab_connects_from(const char *file, int line, struct tcp_bind *bind, int error)
{
	struct ipaddr any = lab_addr(0), dst = lab_addr(lab.peer);
	struct conn *c = lab.c, *o;
	int r;

	trace("connect()");
	r = tcp_connect(
	    lab.tcp, bind, &any, &dst, 80, &lab.opts, c, lab.now, &c->pcb);
	if (r != -error) {
		fail(file, line, "connect() gives %d (%s)", r, strerror(-r));
		return;
	}
	if (r != 0) {
		c->pcb = NULL;
		return;
	}
	/* A port that was used before is this connection's now. */
	if ((o = conn_of(tcp_tuple(c->pcb))) != NULL)
		o->id.lport = 0;
	c->id = *tcp_tuple(c->pcb);
	settle();
}

void
lab_connects(const char *file, int line, int error)
{
	lab_connects_from(file, line, NULL, error);
}

void
lab_peer(uint32_t v4)
{
	lab.peer = v4;
}

const uint8_t *
lab_cookie(void)
{
	return lab.sent.cookie;
}

void
lab_opens_fast(const char *file, int line, size_t n, bool waits)
{
	lab_connects(file, line, 0);
	if (lab.failed)
		return;
	tcp_fastopen(lab.c->pcb, waits, lab.now);
	if (n > 0)
		lab_writes(file, line, n);
	settle();
}

static struct tcp_pcb *
held(const char *file, int line)
{
	if (lab.c->pcb == NULL)
		fail(file, line, "the user holds no connection");
	return lab.c->pcb;
}

size_t
lab_offers(size_t n)
{
	struct conn *c = lab.c;
	struct span spans[8];
	size_t done = 0, part;
	unsigned k;

	while (done < n) {
		k = tcp_send_reserve(c->pcb, spans, 8, n - done);
		if (k == 0)
			break;
		part = 0;
		for (unsigned i = 0; i < k; i++)
			for (size_t j = 0; j < spans[i].len; j++, part++)
				((uint8_t *)spans[i].base)[j] =
				    pattern(c->wrote + part, true);
		if (part > n - done)
			fail(AT, "reserve offers more than was wanted");
		tcp_send_commit(c->pcb, part, lab.now);
		c->wrote += part;
		done += part;
	}
	settle();
	return done;
}

void
lab_writes(const char *file, int line, size_t n)
{
	size_t done;

	if (held(file, line) == NULL)
		return;
	trace("write %zu", n);
	done = lab_offers(n);
	if (done != n)
		fail(file, line, "the send buffer took %zu of %zu", done, n);
}

static uint8_t lent_bytes[1 << 17];
static uint32_t lent_at, lent_out; /* used of that; bufs that are out */

static void
lent_taken(void *owner)
{
	lent_out++;
}

static void
lent_back(void *owner)
{
	lent_out--;
}

uint32_t
lab_lent(void)
{
	return lent_out;
}

void
lab_lends(const char *file, int line, size_t n)
{
	struct tcp_lent l = {.bytes = lent_bytes + lent_at,
	    .len = (uint32_t)n,
	    .take = lent_taken,
	    .back = lent_back};
	size_t i;

	if (held(file, line) == NULL)
		return;
	trace("lend %zu", n);
	for (i = 0; i < n; i++)
		lent_bytes[lent_at + i] = pattern(lab.c->wrote + i, true);
	if (!tcp_send_lend(lab.c->pcb, &l, lab.now))
		fail(file, line, "%zu bytes were not taken", n);
	lent_at += (uint32_t)n;
	lab.c->wrote += n;
	settle();
}

void
lab_marks_urgent(const char *file, int line)
{
	if (held(file, line) == NULL)
		return;
	trace("urgent");
	tcp_send_urgent(lab.c->pcb, lab.now);
	settle();
}

/* Verifies what is there from the head; returns how much that was. */
static size_t
verify(const char *file, int line, size_t n, const char *text)
{
	struct span spans[16];
	struct conn *c = lab.c;
	unsigned k = tcp_recv_peek(c->pcb, spans, 16);
	size_t seen = 0;
	uint8_t want;

	for (unsigned i = 0; i < k && seen < n; i++)
		for (size_t j = 0; j < spans[i].len && seen < n; j++, seen++) {
			want = text != NULL ? (uint8_t)text[seen]
					    : pattern(c->read + seen, false);
			if (((uint8_t *)spans[i].base)[j] != want)
				fail(file, line, "wrong byte at %" PRIu64,
				    c->read + seen);
		}
	return seen;
}

void
lab_reads(const char *file, int line, size_t n, const char *text)
{
	struct conn *c = lab.c;
	size_t done = 0, k;

	if (held(file, line) == NULL)
		return;
	trace("read %zu", n);
	if (tcp_recv_queued(c->pcb) < n)
		fail(file, line, "only %zu of %zu bytes to read",
		    tcp_recv_queued(c->pcb), n);
	while (!lab.failed && done < n) {
		k = verify(
		    file, line, n - done, text != NULL ? text + done : NULL);
		if (k == 0) {
			fail(file, line, "nothing to peek at");
			return;
		}
		tcp_recv_consume(c->pcb, k, lab.now);
		c->read += k;
		done += k;
	}
	settle();
}

void
lab_leaves(uint32_t unread)
{
	trace("unread %u", unread);
	tcp_recv_unread(lab.c->pcb, unread);
}

void
lab_reads_eof(const char *file, int line)
{
	if (held(file, line) != NULL && !tcp_recv_eof(lab.c->pcb))
		fail(file, line, "not at the end of the peer's stream");
}

void
lab_shuts_down(const char *file, int line)
{
	if (held(file, line) == NULL)
		return;
	trace("shutdown()");
	tcp_shutdown(lab.c->pcb, lab.now);
	settle();
}

void
lab_closes(const char *file, int line)
{
	struct tcp_pcb *p = held(file, line);

	if (p == NULL)
		return;
	trace("close()");
	lab.c->pcb = NULL;
	tcp_close(p, lab.now);
	settle();
}

void
lab_aborts(const char *file, int line)
{
	struct tcp_pcb *p = held(file, line);

	if (p == NULL)
		return;
	trace("abort");
	lab.c->pcb = NULL;
	tcp_abort(p, lab.now);
	settle();
}

struct tcp_opts
lab_opts(void)
{
	struct tcp_opts o = lab.opts;

	if (lab.c->pcb != NULL)
		tcp_get_opts(lab.c->pcb, &o);
	return o;
}

void
lab_apply(const char *file, int line, const struct tcp_opts *o)
{
	int r;

	if (lab.c->pcb == NULL) {
		lab.opts = *o;
		return;
	}
	r = tcp_apply_opts(lab.c->pcb, o, lab.now);
	if (r != 0)
		fail(file, line, "options refused: %s", strerror(-r));
	settle();
}

/* ---- what the user learns ---- */

void
lab_event(const char *file, int line, unsigned bits)
{
	if ((lab.c->events & bits) != bits)
		fail(file, line, "events %#x, expected %#x", lab.c->events,
		    bits);
	lab.c->events &= ~bits;
}

void
lab_no_event(const char *file, int line)
{
	if (lab.c->events != 0)
		fail(file, line, "unexpected events %#x", lab.c->events);
}

void
lab_gone(const char *file, int line, int error)
{
	if (!lab.c->is_gone)
		fail(file, line, "the connection is not gone");
	if (lab.c->error != error && lab.c->error != -error)
		fail(file, line, "gone with %s, expected %s",
		    strerror(abs(lab.c->error)), strerror(error));
	lab.c->is_gone = false;
	lab.c->events &= ~(unsigned)TCP_EV_GONE;
}

struct search {
	const struct tuple *id;
	enum tcp_state state;
};

static void
search_entry(void *arg, const struct tcp_entry *e)
{
	struct search *s = arg;

	if (e->id.lport == s->id->lport && e->id.rport == s->id->rport &&
	    ipaddr_eq(&e->id.raddr, &s->id->raddr))
		s->state = e->state;
}

void
lab_in_state(const char *file, int line, enum tcp_state want)
{
	struct search s = {&lab.c->id, TCPS_CLOSED};
	struct tcp_bind_info bi;

	tcp_foreach(lab.tcp, search_entry, &s);
	if (s.state == TCPS_CLOSED && lab.bind != NULL) {
		tcp_bind_info(lab.bind, &bi);
		if (bi.listening && want == TCPS_LISTEN)
			s.state = TCPS_LISTEN;
	}
	if (s.state != want)
		fail(file, line, "in state %s, expected %s",
		    tcp_state_name(s.state), tcp_state_name(want));
	if (lab.c->pcb != NULL && tcp_pcb_state(lab.c->pcb) != s.state)
		fail(file, line, "tcp_foreach and tcp_pcb_state disagree");
}

void
lab_dropped(const char *file, int line, enum drop d)
{
	if (lab.drops.count[d] <= lab.seen_drops.count[d])
		fail(file, line, "no drop %s was counted", drop_name(d));
	lab.seen_drops.count[d] = lab.drops.count[d];
}

void
lab_expect(const char *file, int line, bool ok, const char *what)
{
	if (!ok)
		fail(file, line, "not so: %s", what);
}

void
lab_expect_eq(
    const char *file, int line, int64_t got, int64_t want, const char *what)
{
	if (got != want)
		fail(file, line, "%s: %" PRId64 ", expected %" PRId64, what,
		    got, want);
}

/* ---- beginnings and tables ---- */

void
lab_handshake(const char *file, int line, struct lab_seg syn)
{
	int64_t ecr = syn.tsval >= 0 ? 0 : ANY;

	syn.seq = 0;
	lab_peer_sends(file, line, syn);
	lab_stack_sends(file, line, SEG(SYN | ACK, .seq = 0, .ack = 1));
	lab_peer_sends(file, line,
	    SEG(ACK, .seq = 1, .ack = 1, .tsval = syn.tsval, .tsecr = ecr));
	lab_silence(file, line);
	lab_in_state(file, line, TCPS_ESTABLISHED);
	lab.c->events = 0;
}

static void
peer_fin(const char *file, int line, int64_t ack, int64_t seq)
{
	lab_peer_sends(file, line, SEG(FIN | ACK, .seq = 1, .ack = ack));
	lab_stack_sends(file, line, SEG(ACK, .seq = seq, .ack = 2));
}

static void
app_fin(const char *file, int line, int64_t ack)
{
	lab_shuts_down(file, line);
	lab_stack_sends(file, line, SEG(FIN | ACK, .seq = 1, .ack = ack));
}

static void
past_established(const char *file, int line, enum tcp_state s)
{
	switch (s) {
	case TCPS_CLOSE_WAIT:
	case TCPS_LAST_ACK:
		peer_fin(file, line, 1, 1);
		if (s == TCPS_LAST_ACK)
			app_fin(file, line, 2);
		break;
	case TCPS_FIN_WAIT_1:
	case TCPS_CLOSING:
		app_fin(file, line, 1);
		if (s == TCPS_CLOSING)
			peer_fin(file, line, 1, 2);
		break;
	case TCPS_FIN_WAIT_2:
	case TCPS_TIME_WAIT:
		app_fin(file, line, 1);
		lab_peer_sends(file, line, SEG(ACK, .seq = 1, .ack = 2));
		if (s == TCPS_TIME_WAIT)
			peer_fin(file, line, 2, 2);
		break;
	default:
		break;
	}
}

void
lab_reach(const char *file, int line, enum tcp_state s)
{
	if (s == TCPS_SYN_SENT) {
		lab_connects(file, line, 0);
		lab_stack_sends(file, line, SEG(SYN, .seq = 0));
	} else if (s == TCPS_SYN_RECEIVED) {
		lab_peer_sends(file, line, SEG(SYN, .seq = 0, .mss = 1460));
		lab_stack_sends(file, line, SEG(SYN | ACK, .seq = 0, .ack = 1));
	} else if (s != TCPS_LISTEN && s != TCPS_CLOSED) {
		lab_handshake(file, line, SEG(SYN, .mss = 1460));
		past_established(file, line, s);
	}
	lab_silence(file, line);
	lab_in_state(file, line, s);
	lab.c->events = 0;
}

static void
walk_row(const char *file, enum tcp_state from, const struct lab_row *r)
{
	lab.what = r->what;
	lab_reach(file, r->line, from);
	if (from != TCPS_TIME_WAIT)
		lab.c->is_gone = false;
	lab_peer_sends(file, r->line, r->in);
	if (r->out.flags != 0)
		lab_stack_sends(file, r->line, r->out);
	lab_silence(file, r->line);
	lab_in_state(file, r->line, r->next);
	if (r->gone != 0)
		lab_gone(file, r->line, r->gone);
	else if (lab.c->is_gone && lab.c->error != 0)
		fail(file, r->line, "gone with error %d", lab.c->error);
	if (r->ev != 0)
		lab_event(file, r->line, r->ev);
}

void
lab_walk(
    const char *file, enum tcp_state from, const struct lab_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (from == TCPS_SYN_SENT || from == TCPS_CLOSED)
			active_lab();
		else
			passive_lab();
		walk_row(file, from, &rows[i]);
		if (lab.failed)
			return;
	}
}
