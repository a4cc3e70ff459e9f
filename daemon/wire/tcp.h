/* SPDX-License-Identifier: ISC */
/*
 * The TCP header and its options (RFC 9293 3.1 and 3.2, RFC 7323, RFC 2018,
 * RFC 2385, RFC 5925, RFC 7413, RFC 9768): bytes <-> struct.  The checksum is
 * the caller's in both directions.
 */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TH_FIN 0x01
#define TH_SYN 0x02
#define TH_RST 0x04
#define TH_PSH 0x08
#define TH_ACK 0x10
#define TH_URG 0x20
#define TH_ECE 0x40
#define TH_CWR 0x80
#define TH_AE  0x100 /* RFC 9768 3.1.1 */

#define WIRE_TCP_HDR_MIN    20
#define WIRE_TCP_HDR_MAX    60
#define WIRE_TCP_CSUM_OFF   16 /* where the checksum stands */
#define WIRE_TCP_SACK_MAX   4
#define WIRE_TCP_WSCALE_MAX 14 /* RFC 7323 2.3 */
#define WIRE_TCP_ACCECN_MAX 3  /* counters in an AccECN option */
#define WIRE_TCP_COOKIE_MIN 4  /* RFC 7413 4.1.1 */
#define WIRE_TCP_COOKIE_MAX 16
#define WIRE_TCP_MD5	    16 /* bytes of a digest (RFC 2385 3.0) */
#define WIRE_TCP_MD5_LEN    20 /* of its option and the nops before it */
#define WIRE_TCP_MD5_AT	    24 /* where emit leaves the digest */
#define WIRE_TCP_AO	    4  /* bytes of a TCP-AO option before its MAC */
#define WIRE_TCP_AO_MAC	    16 /* of that at most */
#define WIRE_TCP_AO_AT	    20 /* where emit puts the option */

struct wire_sack {
	uint32_t left, right; /* right is the first number not received */
};

/* An AccECN option (RFC 9768 3.2.3): counters of bytes modulo 2^24, in the
 * order of its kind: ECT(0), CE, ECT(1) or, with first_e1, the other way. */
struct wire_accecn {
	bool present, first_e1;
	uint8_t n; /* of count; an empty option has 0 */
	uint32_t count[WIRE_TCP_ACCECN_MAX];
};

/* A Fast Open option (RFC 7413 4.1.1); without a cookie it asks for one. */
struct wire_fastopen {
	bool present;
	bool exp;    /* under its experimental number (RFC 6994) */
	bool bad;    /* parse: there was one of a length that none has */
	uint8_t len; /* of the cookie, bytes: 0, or even from MIN to MAX */
	uint8_t cookie[WIRE_TCP_COOKIE_MAX];
};

/* A TCP-AO option (RFC 5925 2.2). */
struct wire_ao {
	bool present;
	bool bad;   /* parse: there was another one, or one of no length */
	uint8_t at; /* parse: where it stands in the header */
	uint8_t keyid, rnext;
	uint8_t len; /* of the MAC */
	uint8_t mac[WIRE_TCP_AO_MAC];
};

/* Its bytes, and those of the nops behind it, for a MAC of n. */
static inline uint8_t
wire_ao_len(uint8_t n)
{
	return (uint8_t)((WIRE_TCP_AO + n + 3) / 4 * 4);
}

/* All in host order. */
struct wire_tcp {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t flags;	 /* TH_* */
	uint8_t hdr_len; /* bytes; set by parse, ignored by emit */
	uint16_t wnd;	 /* as it stands, not scaled */
	uint16_t urp;

	/* In a SYN only; elsewhere parse skips and emit omits them. */
	bool has_mss, has_wscale, sack_permitted;
	uint8_t wscale; /* at most 14 */
	uint16_t mss;	/* what the peer wrote, 0 too */
	struct wire_fastopen fastopen;

	bool has_ts;
	uint32_t tsval, tsecr;

	/* An MD5 signature; emit puts it first. */
	bool has_md5;
	bool md5_twice; /* parse: there was another one */
	uint8_t md5[WIRE_TCP_MD5];
	struct wire_ao ao; /* the same, instead */

	/* Not in a SYN without ACK.  It goes before the SACK blocks; emit
	 * leaves out counters, and it, rather than write beyond the header. */
	struct wire_accecn accecn;

	unsigned nsack;
	struct wire_sack sack[WIRE_TCP_SACK_MAX];
};

/*
 * Reads the header at p; len is that of header and payload together.  Returns
 * 0, DROP_TCP_SHORT or DROP_TCP_OPTION; *out is undefined unless 0.
 */
int wire_tcp_parse(const uint8_t *p, size_t len, struct wire_tcp *out);

/* The header length that emit would write for h. */
size_t wire_tcp_hdr_len(const struct wire_tcp *h);

/*
 * Writes the header with its options in Linux's order and padding, as many
 * SACK blocks as fit, checksum zero.  Returns its length.
 */
size_t wire_tcp_emit(const struct wire_tcp *h, uint8_t hdr[WIRE_TCP_HDR_MAX]);

#endif
