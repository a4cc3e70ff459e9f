/* SPDX-License-Identifier: ISC */
/*
 * Datagrams that arrive in pieces (RFC 791 3.2, RFC 8200 4.5).
 */
#ifndef IP_REASS_H
#define IP_REASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/mono.h"
#include "base/timerq.h"

struct ip;
struct ip_in;

#define REASS_DATAGRAMS	 32 /* each holds a BUF_FRAME */
#define REASS_PER_SOURCE 8
#define REASS_SPANS	 64	  /* pieces with gaps between them */
#define REASS_HEAD	 256	  /* room for the headers */
#define REASS4_US	 30000000 /* Linux's; RFC 1122 3.3.2 */
#define REASS6_US	 60000000 /* RFC 8200 4.5 */

struct reass_span {
	uint32_t from, to; /* bytes of the payload that are there */
};

struct reass {
	struct tagged_timer timer;
	bool used, refused; /* refused: whatever else comes is dropped */
	struct ipaddr src, dst;
	uint32_t id;
	uint8_t proto; /* IPv4's; its key has it */
	uint8_t ecn;   /* 1 << code point, of all pieces */
	uint64_t serial;
	struct buf *buf;   /* payload from REASS_HEAD on, headers before */
	uint32_t head_len; /* of the first piece's headers; 0: not there */
	uint32_t total;	   /* bytes of payload; 0: not known yet */
	unsigned nspans;
	struct reass_span spans[REASS_SPANS]; /* in order, none touch */
};

struct reass_table {
	uint64_t serial; /* of the newest */
	struct reass d[REASS_DATAGRAMS];
};

/* A piece of a datagram. */
struct reass_piece {
	uint32_t id;
	uint8_t proto;
	bool more;
	uint32_t at, len; /* in the datagram's payload */
	/* The packet's headers, which the payload follows directly. */
	const uint8_t *head;
	uint32_t head_len;
};

/* Takes the piece in from in->src to in->dst.  The datagram that it completes,
 * with the headers of its first piece, or NULL (counted if it was dropped);
 * the caller owns it. */
struct reass *reass_input(struct ip *ip, const struct ip_in *in,
    const struct reass_piece *p, mono_t now);
/* It is done with, whatever it holds. */
void reass_free(struct ip *ip, struct reass *d);
/* Its time ran out. */
void reass_expire(struct ip *ip, struct timer *t, mono_t now);

bool reass_init(struct ip *ip);
void reass_done(struct ip *ip);

#endif
