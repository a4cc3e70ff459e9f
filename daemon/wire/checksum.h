/* SPDX-License-Identifier: ISC */
/*
 * The Internet checksum (RFC 1071) over any sequence of pieces of any length,
 * and its incremental update (RFC 1624).
 *
 *	struct wire_csum c = WIRE_CSUM_INIT;
 *
 *	wire_csum_pseudo(&c, &src, &dst, WIRE_PROTO_TCP, tcp_len);
 *	wire_csum_add(&c, hdr, hdr_len);
 *	wire_csum_add(&c, payload, payload_len);
 *	put16(hdr + 16, wire_csum_final(&c));
 *
 * Results are numbers in host order, to be stored with put16().  Over data
 * that holds a right checksum, wire_csum_final() is 0.
 */
#ifndef WIRE_CHECKSUM_H
#define WIRE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/frame.h"

struct wire_csum {
	uint64_t sum; /* ones-complement, memory's byte order */
	bool odd;     /* an odd number of bytes has been added */
};

#define WIRE_CSUM_INIT ((struct wire_csum){0, false})

void wire_csum_add(struct wire_csum *c, const void *data, size_t len);

/* The bytes from skip on of all spans one after another. */
void wire_csum_spans(struct wire_csum *c, const struct span *spans,
    unsigned nspans, size_t skip);

/* Adds the pseudo header; addresses in host order, len of the IP payload.
 * Nothing odd may have been added before. */
void wire_csum_pseudo4(struct wire_csum *c, uint32_t src, uint32_t dst,
    uint8_t proto, uint32_t len);
/* The same for either family, by what dst is (RFC 8200 8.1). */
void wire_csum_pseudo(struct wire_csum *c, const struct ipaddr *src,
    const struct ipaddr *dst, uint8_t proto, uint32_t len);

/* The sum folded to 16 bits, not complemented: what a device that fills in
 * checksums wants to find in the field (over the pseudo header). */
uint16_t wire_csum_partial(const struct wire_csum *c);

/* The checksum: the complement of that. */
uint16_t wire_csum_final(const struct wire_csum *c);

/* The checksum csum after one 16-bit word it covers went from old to new. */
uint16_t wire_csum_update(uint16_t csum, uint16_t old, uint16_t new);

#endif
