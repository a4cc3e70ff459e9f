/* SPDX-License-Identifier: ISC */
/*
 * TCP headers: each option, at any alignment, cut off at each byte, with every
 * bogus length; the bytes that emit writes; round trips of random headers.
 *
 * Buffers to parse are allocated at their exact length, so that a sanitizer
 * build sees a read past the end.
 */
#include <stdlib.h>
#include <string.h>
#include <criterion/criterion.h>
#include "base/drop.h"
#include "base/rng.h"
#include "wire/bytes.h"
#include "wire/tcp.h"

/* Parses a copy of exactly len bytes. */
static int
parse_exact(const uint8_t *p, size_t len, struct wire_tcp *out)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	int why;

	cr_assert_not_null(copy);
	memcpy(copy, p, len);
	why = wire_tcp_parse(copy, len, out);
	free(copy);
	return why;
}

/* A header with these option bytes, padded with EOL to whole words. */
static int
parse_opts(
    uint8_t flags, const uint8_t *opts, size_t optlen, struct wire_tcp *out)
{
	uint8_t hdr[WIRE_TCP_HDR_MAX] = {0};
	size_t len = WIRE_TCP_HDR_MIN + (optlen + 3) / 4 * 4;

	cr_assert_leq(len, sizeof hdr);
	hdr[12] = (uint8_t)(len / 4 << 4);
	hdr[13] = flags;
	memcpy(hdr + WIRE_TCP_HDR_MIN, opts, optlen);
	return parse_exact(hdr, len, out);
}

#define OPTS(...)                                                              \
	(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

Test(wire_tcp, plain_header)
{
	static const uint8_t p[] = {0x12, 0x34, 0x00, 0x50, 0x01, 0x02, 0x03,
	    0x04, 0xa1, 0xa2, 0xa3, 0xa4, 0x50, 0x18, 0xfa, 0xf0, 0xbe, 0xef,
	    0x00, 0x07, 'x'};
	struct wire_tcp h;

	cr_assert_eq(parse_exact(p, sizeof p, &h), 0);
	cr_assert_eq(h.sport, 0x1234);
	cr_assert_eq(h.dport, 80);
	cr_assert_eq(h.seq, 0x01020304);
	cr_assert_eq(h.ack, 0xa1a2a3a4);
	cr_assert_eq(h.flags, TH_PSH | TH_ACK);
	cr_assert_eq(h.hdr_len, 20);
	cr_assert_eq(h.wnd, 0xfaf0);
	cr_assert_eq(h.urp, 7);
	cr_assert(!h.has_mss && !h.has_wscale && !h.sack_permitted);
	cr_assert(!h.has_ts);
	cr_assert_eq(h.nsack, 0);
}

/* The reserved bits are ignored (RFC 9293 3.1); the lowest is AE's now. */
Test(wire_tcp, reserved_bits)
{
	uint8_t p[20] = {[12] = 0x5f, [13] = 0xff};
	struct wire_tcp h;

	cr_assert_eq(parse_exact(p, sizeof p, &h), 0);
	cr_assert_eq(h.hdr_len, 20);
	cr_assert_eq(h.flags, TH_AE | 0xff);
}

Test(wire_tcp, short_by_any_length)
{
	struct wire_tcp h;

	for (size_t off = 0; off < 16; off++) {
		for (size_t len = 0; len <= 64; len++) {
			uint8_t p[64] = {[12] = (uint8_t)(off << 4)};
			bool good = len >= 20 && off >= 5 && off * 4 <= len;

			cr_assert_eq(parse_exact(p, len, &h),
			    good ? 0 : DROP_TCP_SHORT, "off %zu len %zu", off,
			    len);
		}
	}
}

Test(wire_tcp, mss, .description = "MUST-4")
{
	struct wire_tcp h;

	cr_assert_eq(parse_opts(TH_SYN, OPTS(2, 4, 0x05, 0xb4), &h), 0);
	cr_assert(h.has_mss);
	cr_assert_eq(h.mss, 1460);
	cr_assert_eq(parse_opts(TH_SYN, OPTS(2, 4, 0, 0), &h), 0);
	cr_assert(h.has_mss);
	cr_assert_eq(h.mss, 0);
}

/* RFC 7323 2.3: a shift above 14 counts as 14. */
Test(wire_tcp, wscale)
{
	struct wire_tcp h;

	for (unsigned shift = 0; shift < 256; shift++) {
		const uint8_t o[] = {3, 3, (uint8_t)shift};

		cr_assert_eq(parse_opts(TH_SYN | TH_ACK, o, 3, &h), 0);
		cr_assert(h.has_wscale);
		cr_assert_eq(h.wscale, shift > 14 ? 14 : shift);
	}
}

Test(wire_tcp, syn_options_count_in_a_syn_only, .description = "MUST-65")
{
	struct wire_tcp h;

	cr_assert_eq(
	    parse_opts(TH_ACK, OPTS(2, 4, 5, 0xb4, 3, 3, 7, 4, 2), &h), 0);
	cr_assert(!h.has_mss && !h.has_wscale && !h.sack_permitted);
	cr_assert_eq(
	    parse_opts(TH_SYN, OPTS(2, 4, 5, 0xb4, 3, 3, 7, 4, 2), &h), 0);
	cr_assert(h.has_mss && h.has_wscale && h.sack_permitted);
}

Test(wire_tcp, timestamps_at_any_alignment, .description = "MUST-64")
{
	static const uint8_t ts[] = {8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
	struct wire_tcp h;

	for (size_t shift = 0; shift <= 30; shift++) {
		uint8_t o[40];

		memset(o, 1, sizeof o);
		memcpy(o + shift, ts, sizeof ts);
		cr_assert_eq(parse_opts(TH_ACK, o, sizeof o, &h), 0);
		cr_assert(h.has_ts, "shift %zu", shift);
		cr_assert_eq(h.tsval, 0x01020304);
		cr_assert_eq(h.tsecr, 0x05060708);
	}
	/* the usual form, which has a way of its own */
	cr_assert_eq(
	    parse_opts(TH_ACK, OPTS(1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8), &h),
	    0);
	cr_assert(h.has_ts);
	cr_assert_eq(h.tsval, 0x01020304);
	cr_assert_eq(h.tsecr, 0x05060708);
}

Test(wire_tcp, sack_blocks)
{
	struct wire_tcp h;

	for (unsigned n = 1; n <= 4; n++) {
		uint8_t o[40] = {5, (uint8_t)(2 + 8 * n)};

		for (unsigned i = 0; i < n; i++) {
			put32(o + 2 + 8 * i, 1000 * i);
			put32(o + 6 + 8 * i, 1000 * i + 500);
		}
		cr_assert_eq(parse_opts(TH_ACK, o, 2 + 8 * n, &h), 0);
		cr_assert_eq(h.nsack, n);
		for (unsigned i = 0; i < n; i++) {
			cr_assert_eq(h.sack[i].left, 1000 * i);
			cr_assert_eq(h.sack[i].right, 1000 * i + 500);
		}
	}
}

/* Any length for any kind: never more is believed than is right. */
Test(wire_tcp, every_kind_with_every_length, .description = "MUST-7")
{
	static const struct {
		uint8_t kind, len;
	} known[] = {{2, 4}, {3, 3}, {4, 2}, {8, 10}};
	struct wire_tcp h;

	for (unsigned kind = 2; kind < 256; kind++) {
		for (unsigned len = 0; len < 256; len++) {
			uint8_t o[40] = {(uint8_t)kind, (uint8_t)len};
			bool bad = len < 2 || len > sizeof o;
			bool hit[4];

			memset(o + 2, 1, sizeof o - 2);
			cr_assert_eq(parse_opts(TH_SYN, o, sizeof o, &h),
			    bad ? DROP_TCP_OPTION : 0, "kind %u len %u", kind,
			    len);
			if (bad)
				continue;
			for (int i = 0; i < 4; i++)
				hit[i] = kind == known[i].kind &&
					 len == known[i].len;
			cr_assert_eq(h.has_mss, hit[0]);
			cr_assert_eq(h.has_wscale, hit[1]);
			cr_assert_eq(h.sack_permitted, hit[2]);
			cr_assert_eq(h.has_ts, hit[3]);
			cr_assert_eq(h.nsack,
			    kind == 5 && len > 2 && len % 8 == 2 ? len / 8 : 0);
		}
	}
}

Test(wire_tcp, unknown_options_are_skipped, .description = "MUST-6 MUST-68")
{
	struct wire_tcp h;

	cr_assert_eq(
	    parse_opts(TH_SYN,
		OPTS(34, 4, 9, 9, 254, 2, 253, 5, 1, 2, 3, 2, 4, 5, 0xb4), &h),
	    0);
	cr_assert(h.has_mss);
	cr_assert_eq(h.mss, 1460);
}

Test(wire_tcp, end_of_list_ends, .description = "MUST-4")
{
	struct wire_tcp h;

	/* what is behind it is not looked at, malformed or not */
	cr_assert_eq(
	    parse_opts(TH_SYN, OPTS(1, 0, 2, 4, 5, 0xb4, 8, 0), &h), 0);
	cr_assert(!h.has_mss);
}

/* MUST-7, with the header's end in each place inside the options. */
Test(wire_tcp, options_cut_off_at_each_byte, .description = "MUST-7")
{
	static const uint8_t o[] = {1, 2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4,
	    5, 6, 7, 8, 3, 3, 7, 5, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 8,
	    8, 8, 8, 1, 1};
	/* where an option ends, the list is well-formed */
	static const uint8_t ends[] = {0, 1, 5, 7, 17, 20, 38, 39, 40};
	struct wire_tcp h;

	for (size_t words = 0; words <= 10; words++) {
		for (size_t nops = 0; nops < 4 && nops <= words * 4; nops++) {
			uint8_t buf[40];
			size_t n = words * 4 - nops;
			bool good = false;

			memset(buf, 1, nops);
			memcpy(buf + nops, o, n);
			for (size_t i = 0; i < sizeof ends; i++)
				good |= ends[i] == n;
			cr_assert_eq(parse_opts(TH_SYN, buf, words * 4, &h),
			    good ? 0 : DROP_TCP_OPTION, "%zu bytes", n);
			cr_assert(!good || h.has_mss == (n >= 5));
			cr_assert(!good || h.has_ts == (n >= 17));
			cr_assert(!good || h.nsack == (n >= 38 ? 2 : 0));
		}
	}
}

/* Garbage: whatever it is, only the two answers, and no read outside. */
Test(wire_tcp, random_bytes)
{
	uint8_t p[70];
	struct wire_tcp h;
	struct rng r;

	rng_init(&r, 9, 9);
	for (int run = 0; run < 20000; run++) {
		size_t len = rng_below(&r, sizeof p + 1);
		int why;

		for (size_t i = 0; i < len; i++)
			p[i] = (uint8_t)(rng_below(&r, 3) == 0
					     ? rng_below(&r, 12)
					     : rng_below(&r, 256));
		why = parse_exact(p, len, &h);
		cr_assert(why == 0 || why == DROP_TCP_SHORT ||
			  why == DROP_TCP_OPTION);
		if (why != 0)
			continue;
		cr_assert_leq(h.hdr_len, len);
		cr_assert_leq(h.wscale, 14);
		cr_assert_leq(h.nsack, 4);
	}
}

static void
emits(const struct wire_tcp *h, const uint8_t *opts, size_t optlen)
{
	uint8_t hdr[WIRE_TCP_HDR_MAX];
	size_t len;

	memset(hdr, 0xee, sizeof hdr);
	len = wire_tcp_emit(h, hdr);
	cr_assert_eq(len, WIRE_TCP_HDR_MIN + optlen);
	cr_assert_eq(len, wire_tcp_hdr_len(h));
	cr_assert_eq(hdr[12], (len / 4 << 4 | (h->flags & TH_AE) >> 8));
	cr_assert_eq(get16(hdr + WIRE_TCP_CSUM_OFF), 0);
	cr_assert_arr_eq(hdr + WIRE_TCP_HDR_MIN, opts, optlen);
}

/* The order and padding are Linux's, byte for byte. */
Test(wire_tcp, emit_syn, .description = "MUST-69")
{
	struct wire_tcp h = {.flags = TH_SYN, .has_mss = true, .mss = 1460};

	emits(&h, OPTS(2, 4, 5, 0xb4));
	h.sack_permitted = true;
	emits(&h, OPTS(2, 4, 5, 0xb4, 1, 1, 4, 2));
	h.has_wscale = true;
	h.wscale = 7;
	emits(&h, OPTS(2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7));
	h.has_ts = true;
	h.tsval = 0x01020304;
	emits(&h, OPTS(2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3,
		      3, 7));
	h.sack_permitted = false;
	emits(&h, OPTS(2, 4, 5, 0xb4, 1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3,
		      3, 7));
}

/* RFC 9768 3.2.3: alone, and with SACK blocks as far as there is room. */
Test(wire_tcp, emit_accecn)
{
	struct wire_tcp h = {.flags = TH_ACK | TH_AE,
	    .accecn = {.present = true, .n = 1, .count = {0x010203, 4, 5}},
	    .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}};

	emits(&h, OPTS(172, 5, 1, 2, 3, 1, 1, 1));
	h.accecn.n = 0;
	emits(&h, OPTS(172, 2, 1, 1));
	h.accecn.n = 3;
	h.accecn.first_e1 = true;
	emits(&h, OPTS(174, 11, 1, 2, 3, 0, 0, 4, 0, 0, 5, 1));
	h.nsack = 1;
	emits(&h, OPTS(174, 11, 1, 2, 3, 0, 0, 4, 0, 0, 5, 1, 1, 1, 5, 10, 0, 0,
		      0, 1, 0, 0, 0, 2));
	/* 12 for the timestamps, 11, 10: no room for a second block. */
	h.has_ts = true;
	h.nsack = 4;
	emits(&h, OPTS(1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 174, 11, 1, 2, 3, 0,
		      0, 4, 0, 0, 5, 1, 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2));
	/* It is not in a SYN of ours with everything, if it does not fit. */
	h = (struct wire_tcp){.flags = TH_SYN | TH_ACK,
	    .has_mss = true,
	    .has_ts = true,
	    .has_wscale = true,
	    .accecn = {.present = true, .n = 3}};
	cr_assert_eq(wire_tcp_hdr_len(&h), 20 + 20 + 12);
}

Test(wire_tcp, parse_accecn)
{
	struct wire_tcp h;

	cr_assert_eq(parse_opts(TH_ACK, OPTS(172, 5, 1, 2, 3, 1, 1, 1), &h), 0);
	cr_assert(h.accecn.present && !h.accecn.first_e1);
	cr_assert_eq(h.accecn.n, 1);
	cr_assert_eq(h.accecn.count[0], 0x010203);
	cr_assert_eq(parse_opts(TH_ACK, OPTS(174, 2, 1, 1), &h), 0);
	cr_assert(h.accecn.present && h.accecn.first_e1);
	cr_assert_eq(h.accecn.n, 0);
	/* other lengths: the whole counters, three at most */
	cr_assert_eq(parse_opts(TH_ACK, OPTS(172, 4, 9, 9), &h), 0);
	cr_assert_eq(h.accecn.n, 0);
	cr_assert_eq(parse_opts(TH_ACK, OPTS(172, 7, 0, 0, 1, 9, 9, 1), &h), 0);
	cr_assert_eq(h.accecn.n, 1);
	cr_assert_eq(
	    parse_opts(TH_ACK,
		OPTS(172, 14, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 1, 1), &h),
	    0);
	cr_assert_eq(h.accecn.n, 3);
	cr_assert_eq(h.accecn.count[2], 3);
	/* on a SYN it is nothing, on a SYN-ACK something */
	cr_assert_eq(parse_opts(TH_SYN, OPTS(172, 2, 1, 1), &h), 0);
	cr_assert(!h.accecn.present);
	cr_assert_eq(parse_opts(TH_SYN | TH_ACK, OPTS(172, 2, 1, 1), &h), 0);
	cr_assert(h.accecn.present);
	/* beyond the header: malformed as any other */
	cr_assert_eq(
	    parse_opts(TH_ACK, OPTS(172, 5, 1, 2), &h), DROP_TCP_OPTION);
}

/* Before what says how the connection will be, as Linux has it, with whose
 * padding it shares words. */
Test(wire_tcp, emit_accecn_in_a_syn_ack)
{
	struct wire_tcp h = {.flags = TH_SYN | TH_ACK,
	    .has_mss = true,
	    .mss = 0x102,
	    .sack_permitted = true,
	    .has_wscale = true,
	    .wscale = 7,
	    .accecn = {
		.present = true, .first_e1 = true, .n = 3, .count = {3, 4, 5}}};

	emits(&h, OPTS(2, 4, 1, 2, 174, 11, 0, 0, 3, 0, 0, 4, 0, 0, 5, 1, 1, 1,
		      4, 2, 1, 3, 3, 7));
	h.accecn.n = 1;
	emits(&h, OPTS(2, 4, 1, 2, 174, 5, 0, 0, 3, 1, 4, 2, 1, 3, 3, 7));
	h.sack_permitted = false;
	emits(&h, OPTS(2, 4, 1, 2, 174, 5, 0, 0, 3, 3, 3, 7));
	h.has_ts = true;
	h.accecn.n = 3;
	emits(&h, OPTS(2, 4, 1, 2, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 174, 11,
		      0, 0, 3, 0, 0, 4, 0, 0, 5, 1, 1, 3, 3, 7));
}

/* RFC 7413 4.1.1: of a length that there is, on a SYN; as Linux writes it. */
Test(wire_tcp, emit_fastopen)
{
	struct wire_tcp h = {.flags = TH_SYN,
	    .fastopen = {
		.present = true, .len = 4, .cookie = {1, 2, 3, 4, 5, 6, 7, 8}}};

	emits(&h, OPTS(34, 6, 1, 2, 3, 4, 1, 1));
	h.fastopen.len = 8;
	emits(&h, OPTS(34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1));
	h.fastopen.len = 0;
	emits(&h, OPTS(34, 2, 1, 1));
	h.fastopen.exp = true;
	emits(&h, OPTS(254, 4, 0xf9, 0x89));
	h.fastopen.len = 6;
	emits(&h, OPTS(254, 10, 0xf9, 0x89, 1, 2, 3, 4, 5, 6, 1, 1));
	/* and nowhere else */
	h.flags = TH_ACK;
	emits(&h, (const uint8_t *)"", 0);
	/* The longest fits beside all others. */
	h = (struct wire_tcp){.flags = TH_SYN | TH_ACK,
	    .has_mss = true,
	    .has_ts = true,
	    .has_wscale = true,
	    .sack_permitted = true,
	    .fastopen = {.present = true, .exp = true, .len = 16},
	    .accecn = {.present = true, .n = 3}};
	cr_assert_eq(wire_tcp_hdr_len(&h), 60);
	/* AccECN has what is left: two counters, or one, or none. */
	h.fastopen.exp = false;
	h.fastopen.len = 8;
	cr_assert_eq(wire_tcp_hdr_len(&h), 20 + 20 + 12 + 8);
	h = (struct wire_tcp){.flags = TH_SYN | TH_ACK,
	    .fastopen = {.present = true, .len = 2 + 4},
	    .accecn = {.present = true, .n = 1, .count = {7}}};
	emits(&h, OPTS(172, 5, 0, 0, 7, 1, 1, 1, 34, 8, 0, 0, 0, 0, 0, 0));
}

Test(wire_tcp, parse_fastopen)
{
	static const uint8_t lens[] = {0, 4, 6, 8, 10, 12, 14, 16};
	uint8_t o[24];
	struct wire_tcp h;

	for (unsigned len = 0; len <= 18; len++) {
		for (int exp = 0; exp < 2; exp++) {
			size_t head = exp ? 4 : 2;
			bool good = memchr(lens, (int)len, sizeof lens) != NULL;

			memcpy(o, exp ? "\xfe\0\xf9\x89" : "\x22", head);
			o[1] = (uint8_t)(head + len);
			memset(o + head, 0x5a, len);
			cr_assert_eq(parse_opts(TH_SYN, o, head + len, &h), 0);
			cr_assert_eq(h.fastopen.present, good);
			cr_assert_eq(h.fastopen.bad, !good);
			cr_assert_eq(h.fastopen.exp, good && exp);
			cr_assert_eq(h.fastopen.len, good ? len : 0);
			for (unsigned i = 0; good && i < len; i++)
				cr_assert_eq(h.fastopen.cookie[i], 0x5a);
			/* and not without SYN */
			cr_assert_eq(parse_opts(TH_ACK, o, head + len, &h), 0);
			cr_assert(!h.fastopen.present && !h.fastopen.bad);
		}
	}
	/* another experiment, or what is too short to say which */
	cr_assert_eq(parse_opts(TH_SYN, OPTS(254, 4, 0xf9, 0x88), &h), 0);
	cr_assert(!h.fastopen.present);
	cr_assert_eq(parse_opts(TH_SYN, OPTS(254, 3, 0xf9, 1), &h), 0);
	cr_assert(!h.fastopen.present && !h.fastopen.bad);
}

/* RFC 2385 3.0; of another length it is none, and two are no good. */
Test(wire_tcp, md5)
{
	uint8_t opts[40];
	struct wire_tcp h = {.flags = TH_SYN,
	    .has_md5 = true,
	    .fastopen = {.present = true, .len = 8}};
	unsigned len;

	cr_assert_eq(wire_tcp_hdr_len(&h), 40);
	h = (struct wire_tcp){.flags = TH_SYN,
	    .has_md5 = true,
	    .has_mss = true,
	    .has_ts = true,
	    .sack_permitted = true,
	    .has_wscale = true,
	    .accecn = {.present = true, .n = 3}};
	cr_assert_eq(wire_tcp_hdr_len(&h), 60);
	memset(opts, 1, sizeof opts);
	for (len = 2; len < 40; len++) {
		opts[0] = 19;
		opts[1] = (uint8_t)len;
		cr_assert_eq(parse_opts(TH_ACK, opts, len, &h), 0);
		cr_assert_eq(h.has_md5, len == 18);
		cr_assert(!h.md5_twice);
	}
	opts[0] = opts[18] = 19;
	opts[1] = opts[19] = 18;
	cr_assert_eq(parse_opts(TH_ACK, opts, 36, &h), 0);
	cr_assert(h.has_md5 && h.md5_twice);
}

/* RFC 5925 2.2; two are no good, nor is one without ids or with more of a MAC
 * than is known, but all are there. */
Test(wire_tcp, ao)
{
	uint8_t opts[40], hdr[WIRE_TCP_HDR_MAX];
	struct wire_tcp h = {.flags = TH_SYN,
	    .ao = {.present = true, .keyid = 1, .rnext = 2, .len = 13},
	    .has_mss = true,
	    .has_ts = true,
	    .sack_permitted = true,
	    .has_wscale = true,
	    .fastopen = {.present = true, .len = 8}};
	unsigned len;

	cr_assert_eq(wire_tcp_emit(&h, hdr), 60);
	cr_assert_eq(hdr[WIRE_TCP_AO_AT], 29);
	cr_assert_eq(hdr[WIRE_TCP_AO_AT + 1], 17);
	memset(opts, 1, sizeof opts);
	for (len = 2; len < 39; len++) {
		opts[1] = 29;
		opts[2] = (uint8_t)len;
		cr_assert_eq(parse_opts(TH_ACK, opts, len + 1, &h), 0);
		cr_assert(h.ao.present);
		cr_assert_eq(h.ao.bad, len < 4 || len > 20);
		cr_assert(h.ao.bad || h.ao.len == len - 4);
		cr_assert_eq(h.ao.at, 21);
	}
	opts[0] = opts[16] = 29;
	opts[1] = opts[17] = 16;
	cr_assert_eq(parse_opts(TH_ACK, opts, 32, &h), 0);
	cr_assert(h.ao.present && h.ao.bad);
}

Test(wire_tcp, emit_others, .description = "MUST-65 MUST-69")
{
	struct wire_tcp h = {.flags = TH_ACK,
	    .has_mss = true,
	    .has_wscale = true,
	    .sack_permitted = true,
	    .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}};

	emits(&h, (const uint8_t *)"", 0);
	h.nsack = 1;
	emits(&h, OPTS(1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2));
	h.nsack = 4;
	emits(&h, OPTS(1, 1, 5, 34, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0,
		      4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8));
	h.has_ts = true;
	h.tsecr = 0xff;
	/* three blocks fit behind a timestamp */
	emits(&h,
	    OPTS(1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0xff, 1, 1, 5, 26, 0, 0, 0,
		1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6));
	h.nsack = 0;
	emits(&h, OPTS(1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0xff));
}

static struct wire_tcp
random_header(struct rng *r)
{
	struct wire_tcp h = {
	    .sport = (uint16_t)rng_u64(r),
	    .dport = (uint16_t)rng_u64(r),
	    .seq = (uint32_t)rng_u64(r),
	    .ack = (uint32_t)rng_u64(r),
	    .flags = (uint16_t)rng_u64(r) & (TH_AE | 0xff),
	    .wnd = (uint16_t)rng_u64(r),
	    .urp = (uint16_t)rng_u64(r),
	};

	if (h.flags & TH_SYN) {
		if ((h.has_mss = rng_below(r, 2)))
			h.mss = (uint16_t)rng_u64(r);
		if ((h.has_wscale = rng_below(r, 2)))
			h.wscale = (uint8_t)rng_below(r, 15);
		h.sack_permitted = rng_below(r, 2);
		h.fastopen.present = rng_below(r, 2);
	}
	if ((h.has_md5 = rng_below(r, 3) == 0)) {
		h.fastopen.present = false; /* there is no room */
		for (unsigned i = 0; i < sizeof h.md5; i++)
			h.md5[i] = (uint8_t)rng_u64(r);
	}
	if (!h.has_md5 && (h.ao.present = rng_below(r, 3) == 0)) {
		h.fastopen.present = false;
		h.ao.at = WIRE_TCP_AO_AT;
		h.ao.keyid = (uint8_t)rng_u64(r);
		h.ao.rnext = (uint8_t)rng_u64(r);
		h.ao.len = (uint8_t)rng_below(r, WIRE_TCP_AO_MAC + 1);
		for (unsigned i = 0; i < h.ao.len; i++)
			h.ao.mac[i] = (uint8_t)rng_u64(r);
	}
	if (h.fastopen.present) {
		h.fastopen.exp = rng_below(r, 2);
		h.fastopen.len = (uint8_t)(2 * rng_below(r, 9));
		if (h.fastopen.len == 2)
			h.fastopen.len = 0;
		for (unsigned i = 0; i < h.fastopen.len; i++)
			h.fastopen.cookie[i] = (uint8_t)rng_u64(r);
	}
	if ((h.has_ts = rng_below(r, 2))) {
		h.tsval = (uint32_t)rng_u64(r);
		h.tsecr = (uint32_t)rng_u64(r);
	}
	h.accecn.present =
	    (h.flags & (TH_SYN | TH_ACK)) != TH_SYN && rng_below(r, 2);
	if (h.accecn.present)
		h.accecn.n = (uint8_t)rng_below(r, WIRE_TCP_ACCECN_MAX + 1);
	h.accecn.first_e1 = h.accecn.present && rng_below(r, 2);
	for (unsigned i = 0; i < h.accecn.n; i++)
		h.accecn.count[i] = (uint32_t)rng_u64(r) & 0xffffff;
	h.nsack = rng_below(r, 5);
	for (unsigned i = 0; i < h.nsack; i++) {
		h.sack[i].left = (uint32_t)rng_u64(r);
		h.sack[i].right = (uint32_t)rng_u64(r);
	}
	return h;
}

/* Counters for which a cookie or a signature leaves no room are left out. */
static bool
same_accecn(const struct wire_tcp *g, const struct wire_tcp *h)
{
	if (!h->fastopen.present && !h->has_md5 && !h->ao.present)
		return memcmp(&g->accecn, &h->accecn, sizeof g->accecn) == 0;
	return g->accecn.n <= h->accecn.n &&
	       (!g->accecn.present || h->accecn.present) &&
	       memcmp(g->accecn.count, h->accecn.count,
		   g->accecn.n * sizeof g->accecn.count[0]) == 0;
}

Test(wire_tcp, round_trips)
{
	uint8_t hdr[WIRE_TCP_HDR_MAX];
	struct rng r;

	rng_init(&r, 10, 10);
	for (int run = 0; run < 20000; run++) {
		struct wire_tcp h = random_header(&r), g;
		size_t len = wire_tcp_emit(&h, hdr);

		cr_assert_eq(len % 4, 0);
		cr_assert_eq(parse_exact(hdr, len, &g), 0);
		cr_assert_eq(g.hdr_len, len);
		cr_assert_leq(g.nsack, h.nsack);
		cr_assert(g.nsack == h.nsack || len + 12 > 60);
		cr_assert(g.sport == h.sport && g.dport == h.dport);
		cr_assert(g.seq == h.seq && g.ack == h.ack);
		cr_assert(g.flags == h.flags && g.wnd == h.wnd);
		cr_assert_eq(g.urp, h.urp);
		cr_assert(g.has_mss == h.has_mss && g.mss == h.mss);
		cr_assert(g.has_wscale == h.has_wscale);
		cr_assert_eq(g.wscale, h.wscale);
		cr_assert_eq(g.sack_permitted, h.sack_permitted);
		cr_assert(g.has_ts == h.has_ts && g.tsval == h.tsval);
		cr_assert_eq(g.tsecr, h.tsecr);
		cr_assert(same_accecn(&g, &h));
		cr_assert(g.has_md5 == h.has_md5 && !g.md5_twice);
		cr_assert(memcmp(g.md5, h.md5, sizeof g.md5) == 0);
		cr_assert(memcmp(&g.ao, &h.ao, sizeof g.ao) == 0);
		cr_assert(!h.has_md5 ||
			  memcmp(hdr + WIRE_TCP_MD5_AT, h.md5, 16) == 0);
		cr_assert(
		    memcmp(&g.fastopen, &h.fastopen, sizeof g.fastopen) == 0);
		for (unsigned i = 0; i < g.nsack; i++) {
			cr_assert_eq(g.sack[i].left, h.sack[i].left);
			cr_assert_eq(g.sack[i].right, h.sack[i].right);
		}
	}
}
