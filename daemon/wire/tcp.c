/* SPDX-License-Identifier: ISC */
/*
 * TCP headers.  Nothing that a peer wrote is trusted: every option's length is
 * checked against the header's end before a byte of it is read.
 *
 * A length of 0 or 1, or one that leaves the header, makes the whole segment
 * malformed (MUST-7).  An option of a known kind with another length than its
 * kind has is skipped, as an unknown kind is (MUST-6), and as Linux does.
 * Options may start at any byte (MUST-64), in any segment (MUST-5); those of
 * RFC 9293 itself are understood (MUST-4), and all but EOL and NOP have a
 * length (MUST-68).
 *
 * What is emitted has Linux's order, so that header prediction, GRO and
 * middleboxes on the way see what they know:
 *
 *	all	nop nop MD5 | or AO, nops behind it |
 *	SYN	mss | sackOK TS, or nop nop TS | AccECN | nop nop sackOK, if
 *		without TS | nop wscale | Fast Open, nops behind it
 *	others	nop nop TS | AccECN | nop nop SACK...
 *
 * An MSS goes into each SYN (MUST-14) and nowhere else (MUST-65).  Padding is
 * by NOP, in front of options whose place in a word is fixed; behind an AccECN
 * option, which has no even length, there may be more or fewer of them.  So
 * there is no end of options and nothing behind one (MUST-69).
 */
#include "wire/tcp.h"

#include <string.h>
#include "base/drop.h"
#include "wire/bytes.h"

enum opt_kind {
	OPT_EOL = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_WSCALE = 3,
	OPT_SACK_PERMITTED = 4,
	OPT_SACK = 5,
	OPT_TS = 8,
	OPT_MD5 = 19,
	OPT_AO = 29,
	OPT_FASTOPEN = 34,
	OPT_ACCECN0 = 172,
	OPT_ACCECN1 = 174,
	OPT_EXP = 254,
};

enum opt_len {
	LEN_MSS = 4,
	LEN_WSCALE = 3,
	LEN_SACK_PERMITTED = 2,
	LEN_SACK_BASE = 2,
	LEN_SACK_BLOCK = 8,
	LEN_TS = 10,
	LEN_MD5 = 18,
	LEN_ACCECN_BASE = 2,
	LEN_ACCECN_COUNT = 3,
	LEN_FASTOPEN = 2,
	LEN_FASTOPEN_EXP = 4,
};

#define EXP_FASTOPEN 0xf989 /* which experiment (RFC 6994) */

/* nop nop TS: how nearly every segment's options look. */
#define TS_ALIGNED_LEN	12
#define TS_ALIGNED_WORD 0x0101080aU

static void
parse_sack(const uint8_t *p, size_t len, struct wire_tcp *out)
{
	size_t n = (len - LEN_SACK_BASE) / LEN_SACK_BLOCK;

	if (n == 0 || n > WIRE_TCP_SACK_MAX ||
	    len != LEN_SACK_BASE + n * LEN_SACK_BLOCK)
		return;
	p += LEN_SACK_BASE;
	for (size_t i = 0; i < n; i++, p += LEN_SACK_BLOCK)
		out->sack[i] = (struct wire_sack){get32(p), get32(p + 4)};
	out->nsack = (unsigned)n;
}

/* RFC 9768 3.2.3: of any other length the whole counters that fit count. */
static void
parse_accecn(const uint8_t *p, size_t len, struct wire_tcp *out)
{
	struct wire_accecn *a = &out->accecn;
	size_t n = (len - LEN_ACCECN_BASE) / LEN_ACCECN_COUNT;

	a->present = true;
	a->first_e1 = p[0] == OPT_ACCECN1;
	a->n = (uint8_t)(n < WIRE_TCP_ACCECN_MAX ? n : WIRE_TCP_ACCECN_MAX);
	p += LEN_ACCECN_BASE;
	for (size_t i = 0; i < a->n; i++, p += LEN_ACCECN_COUNT)
		a->count[i] = (uint32_t)p[0] << 16 | get16(p + 1);
}

/* A cookie of len bytes.  As in Linux, an option whose length none has counts
 * as none, and of several the last one counts. */
static void
parse_fastopen(const uint8_t *p, size_t len, bool exp, struct wire_tcp *out)
{
	struct wire_fastopen *f = &out->fastopen;

	if (len % 2 != 0 || len > WIRE_TCP_COOKIE_MAX ||
	    (len > 0 && len < WIRE_TCP_COOKIE_MIN)) {
		f->bad = true;
		return;
	}
	f->present = true;
	f->exp = exp;
	f->len = (uint8_t)len;
	memcpy(f->cookie, p, len);
}

/* Of one that has no meaning it must be known that it was there. */
static void
parse_ao(const uint8_t *p, size_t len, struct wire_tcp *out)
{
	struct wire_ao *a = &out->ao;

	a->bad = a->present || len < WIRE_TCP_AO ||
		 len > WIRE_TCP_AO + WIRE_TCP_AO_MAC;
	a->present = true;
	if (a->bad)
		return;
	a->keyid = p[2];
	a->rnext = p[3];
	a->len = (uint8_t)(len - WIRE_TCP_AO);
	memcpy(a->mac, p + WIRE_TCP_AO, a->len);
}

/* One option of len bytes, kind and length bytes included. */
static void
parse_option(const uint8_t *p, size_t len, struct wire_tcp *out)
{
	bool syn = out->flags & TH_SYN;

	switch (p[0]) {
	case OPT_MSS:
		if (syn && len == LEN_MSS) {
			out->has_mss = true;
			out->mss = get16(p + 2);
		}
		break;
	case OPT_WSCALE:
		if (syn && len == LEN_WSCALE) {
			out->has_wscale = true;
			out->wscale = p[2] > WIRE_TCP_WSCALE_MAX
					  ? WIRE_TCP_WSCALE_MAX
					  : p[2];
		}
		break;
	case OPT_SACK_PERMITTED:
		if (syn && len == LEN_SACK_PERMITTED)
			out->sack_permitted = true;
		break;
	case OPT_SACK:
		parse_sack(p, len, out);
		break;
	case OPT_TS:
		if (len == LEN_TS) {
			out->has_ts = true;
			out->tsval = get32(p + 2);
			out->tsecr = get32(p + 6);
		}
		break;
	case OPT_MD5:
		if (len == LEN_MD5) {
			out->md5_twice = out->has_md5;
			out->has_md5 = true;
			memcpy(out->md5, p + 2, sizeof out->md5);
		}
		break;
	case OPT_AO:
		parse_ao(p, len, out);
		break;
	case OPT_ACCECN0:
	case OPT_ACCECN1:
		/* RFC 9768 3.2.3.2.1 */
		if ((out->flags & (TH_SYN | TH_ACK)) != TH_SYN)
			parse_accecn(p, len, out);
		break;
	case OPT_FASTOPEN:
		if (syn)
			parse_fastopen(
			    p + LEN_FASTOPEN, len - LEN_FASTOPEN, false, out);
		break;
	case OPT_EXP:
		if (syn && len >= LEN_FASTOPEN_EXP &&
		    get16(p + 2) == EXP_FASTOPEN)
			parse_fastopen(p + LEN_FASTOPEN_EXP,
			    len - LEN_FASTOPEN_EXP, true, out);
		break;
	default:
		break;
	}
}

static int
parse_options(const uint8_t *p, size_t len, struct wire_tcp *out)
{
	size_t i = 0, olen;

	while (i < len && p[i] != OPT_EOL) {
		if (p[i] == OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= len)
			return DROP_TCP_OPTION;
		olen = p[i + 1];
		if (olen < 2 || olen > len - i)
			return DROP_TCP_OPTION;
		parse_option(p + i, olen, out);
		if (p[i] == OPT_AO)
			out->ao.at = (uint8_t)(WIRE_TCP_HDR_MIN + i);
		i += olen;
	}
	return 0;
}

int
wire_tcp_parse(const uint8_t *p, size_t len, struct wire_tcp *out)
{
	size_t hdr_len, opt_len;

	if (len < WIRE_TCP_HDR_MIN)
		return DROP_TCP_SHORT;
	hdr_len = (size_t)(p[12] >> 4) * 4;
	if (hdr_len < WIRE_TCP_HDR_MIN || hdr_len > len)
		return DROP_TCP_SHORT;
	*out = (struct wire_tcp){
	    .sport = get16(p),
	    .dport = get16(p + 2),
	    .seq = get32(p + 4),
	    .ack = get32(p + 8),
	    .flags = get16(p + 12) & (TH_AE | 0xff),
	    .hdr_len = (uint8_t)hdr_len,
	    .wnd = get16(p + 14),
	    .urp = get16(p + 18),
	};
	p += WIRE_TCP_HDR_MIN;
	opt_len = hdr_len - WIRE_TCP_HDR_MIN;
	if (opt_len == TS_ALIGNED_LEN && get32(p) == TS_ALIGNED_WORD) {
		out->has_ts = true;
		out->tsval = get32(p + 4);
		out->tsecr = get32(p + 8);
		return 0;
	}
	return parse_options(p, opt_len, out);
}

static size_t
accecn_len(const struct wire_tcp *h)
{
	return h->accecn.present
		   ? LEN_ACCECN_BASE + (size_t)h->accecn.n * LEN_ACCECN_COUNT
		   : 0;
}

/* Bytes of the Fast Open option and the nops behind it.  Beside a signature
 * there is no room for one. */
static size_t
fastopen_len(const struct wire_tcp *h)
{
	size_t n = h->fastopen.exp ? LEN_FASTOPEN_EXP : LEN_FASTOPEN;

	if (!(h->flags & TH_SYN) || !h->fastopen.present || h->has_md5 ||
	    h->ao.present)
		return 0;
	return (n + h->fastopen.len + 3) / 4 * 4;
}

/* Bytes of the options that are neither AccECN nor SACK. */
static size_t
fixed_options_len(const struct wire_tcp *h)
{
	bool syn = h->flags & TH_SYN;
	size_t n = h->has_md5 ? WIRE_TCP_MD5_LEN : 0;

	if (h->ao.present)
		n += wire_ao_len(h->ao.len);
	if (syn && h->has_mss)
		n += LEN_MSS;
	if (h->has_ts)
		n += 2 + LEN_TS;
	else if (syn && h->sack_permitted)
		n += 2 + LEN_SACK_PERMITTED;
	if (syn && h->has_wscale)
		n += 1 + LEN_WSCALE;
	return n + fastopen_len(h);
}

/* Bytes that an AccECN option of len adds: it ends where a word does, or where
 * some of the nops would be that precede the next option. */
static size_t
accecn_room(const struct wire_tcp *h, size_t sacks, size_t len)
{
	bool syn = h->flags & TH_SYN;
	size_t spare = 0;

	if (syn && h->sack_permitted && !h->has_ts)
		spare = 2;
	else if (syn && h->has_wscale)
		spare = 1;
	else if (fastopen_len(h) == 0 && sacks > 0)
		spare = 2;
	return len % 4 <= spare ? len - len % 4 : len + 4 - len % 4;
}

/* The options that may have to yield, and how long all are. */
struct layout {
	size_t accecn; /* bytes; 0: none, or no room for a counter */
	size_t sacks;  /* blocks */
	size_t len;
};

static struct layout
lay_out(const struct wire_tcp *h)
{
	size_t fixed = fixed_options_len(h), sack, tail;
	size_t room = WIRE_TCP_HDR_MAX - WIRE_TCP_HDR_MIN - fixed;
	struct layout l = {.accecn = accecn_len(h), .sacks = h->nsack};

	while (accecn_room(h, 0, l.accecn) > room && l.accecn > LEN_ACCECN_BASE)
		l.accecn -= LEN_ACCECN_COUNT;
	if (accecn_room(h, 0, l.accecn) > room ||
	    (l.accecn == LEN_ACCECN_BASE && h->accecn.n > 0))
		l.accecn = 0;
	for (;; l.sacks--) {
		sack = l.sacks > 0
			   ? 2 + LEN_SACK_BASE + l.sacks * LEN_SACK_BLOCK
			   : 0;
		tail = accecn_room(h, l.sacks, l.accecn) + sack;
		if (tail <= room)
			break;
	}
	l.len = fixed + tail;
	return l;
}

size_t
wire_tcp_hdr_len(const struct wire_tcp *h)
{
	return WIRE_TCP_HDR_MIN + lay_out(h).len;
}

static uint8_t *
emit_word(uint8_t *p, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	p[0] = a;
	p[1] = b;
	p[2] = c;
	p[3] = d;
	return p + 4;
}

static uint8_t *
emit_ts(const struct wire_tcp *h, uint8_t *p)
{
	if ((h->flags & TH_SYN) && h->sack_permitted)
		p = emit_word(
		    p, OPT_SACK_PERMITTED, LEN_SACK_PERMITTED, OPT_TS, LEN_TS);
	else
		p = emit_word(p, OPT_NOP, OPT_NOP, OPT_TS, LEN_TS);
	put32(p, h->tsval);
	put32(p + 4, h->tsecr);
	return p + 8;
}

static uint8_t *
emit_sack(const struct wire_tcp *h, size_t n, uint8_t *p)
{
	*p++ = OPT_SACK;
	*p++ = (uint8_t)(LEN_SACK_BASE + n * LEN_SACK_BLOCK);
	for (size_t i = 0; i < n; i++, p += LEN_SACK_BLOCK) {
		put32(p, h->sack[i].left);
		put32(p + 4, h->sack[i].right);
	}
	return p;
}

static uint8_t *
emit_fastopen(const struct wire_tcp *h, uint8_t *p)
{
	const struct wire_fastopen *f = &h->fastopen;
	uint8_t *end = p + fastopen_len(h);

	if (f->exp) {
		p = emit_word(p, OPT_EXP, (uint8_t)(LEN_FASTOPEN_EXP + f->len),
		    EXP_FASTOPEN >> 8, EXP_FASTOPEN & 0xff);
	} else {
		*p++ = OPT_FASTOPEN;
		*p++ = (uint8_t)(LEN_FASTOPEN + f->len);
	}
	memcpy(p, f->cookie, f->len);
	p += f->len;
	memset(p, OPT_NOP, (size_t)(end - p));
	return end;
}

static uint8_t *
emit_accecn(const struct wire_accecn *a, size_t len, uint8_t *p)
{
	unsigned n = (unsigned)((len - LEN_ACCECN_BASE) / LEN_ACCECN_COUNT);

	*p++ = a->first_e1 ? OPT_ACCECN1 : OPT_ACCECN0;
	*p++ = (uint8_t)len;
	for (unsigned i = 0; i < n; i++, p += LEN_ACCECN_COUNT) {
		p[0] = (uint8_t)(a->count[i] >> 16);
		put16(p + 1, (uint16_t)a->count[i]);
	}
	return p;
}

/* NOPs, until the next byte is the at-th of a word of the header. */
static uint8_t *
pad(const uint8_t *opts, uint8_t *p, size_t at)
{
	while ((size_t)(p - opts) % 4 != at)
		*p++ = OPT_NOP;
	return p;
}

static uint8_t *
emit_ao(const struct wire_ao *a, uint8_t *p)
{
	uint8_t *end = p + wire_ao_len(a->len);

	p = emit_word(
	    p, OPT_AO, (uint8_t)(WIRE_TCP_AO + a->len), a->keyid, a->rnext);
	memcpy(p, a->mac, a->len);
	memset(p + a->len, OPT_NOP, (size_t)(end - p) - a->len);
	return end;
}

static uint8_t *
emit_options(const struct wire_tcp *h, uint8_t *const opts)
{
	struct layout l = lay_out(h);
	bool syn = h->flags & TH_SYN;
	uint8_t *p = opts;

	if (h->has_md5) {
		p = emit_word(p, OPT_NOP, OPT_NOP, OPT_MD5, LEN_MD5);
		memcpy(p, h->md5, sizeof h->md5);
		p += sizeof h->md5;
	}
	if (h->ao.present)
		p = emit_ao(&h->ao, p);
	if (syn && h->has_mss)
		p = emit_word(p, OPT_MSS, LEN_MSS, (uint8_t)(h->mss >> 8),
		    (uint8_t)h->mss);
	if (h->has_ts)
		p = emit_ts(h, p);
	if (l.accecn > 0)
		p = emit_accecn(&h->accecn, l.accecn, p);
	if (syn && h->sack_permitted && !h->has_ts) {
		p = pad(opts, p, 2);
		*p++ = OPT_SACK_PERMITTED;
		*p++ = LEN_SACK_PERMITTED;
	}
	if (syn && h->has_wscale) {
		p = pad(opts, p, 1);
		*p++ = OPT_WSCALE;
		*p++ = LEN_WSCALE;
		*p++ = h->wscale;
	}
	if (fastopen_len(h) > 0)
		p = emit_fastopen(h, pad(opts, p, 0));
	if (l.sacks > 0)
		p = emit_sack(h, l.sacks, pad(opts, p, 2));
	return pad(opts, p, 0);
}

size_t
wire_tcp_emit(const struct wire_tcp *h, uint8_t hdr[WIRE_TCP_HDR_MAX])
{
	size_t len = (size_t)(emit_options(h, hdr + WIRE_TCP_HDR_MIN) - hdr);

	put16(hdr, h->sport);
	put16(hdr + 2, h->dport);
	put32(hdr + 4, h->seq);
	put32(hdr + 8, h->ack);
	put16(hdr + 12, (uint16_t)(len / 4 << 12 | h->flags));
	put16(hdr + 14, h->wnd);
	put16(hdr + WIRE_TCP_CSUM_OFF, 0);
	put16(hdr + 18, h->urp);
	return len;
}
