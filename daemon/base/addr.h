/* SPDX-License-Identifier: ISC */
/*
 * struct ipaddr: an IP address of either family in 16 bytes of network order;
 * IPv4 is kept v4-mapped (::ffff:a.b.c.d), so that tables have one key.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct ipaddr {
	uint8_t b[16];
};

/* One connection's identity, local side first; ports in host order. */
struct tuple {
	struct ipaddr laddr, raddr;
	uint16_t lport, rport;
};

/* An IPv4 address from its value in host order. */
static inline struct ipaddr
ipaddr_v4(uint32_t host)
{
	return (struct ipaddr){
	    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (uint8_t)(host >> 24),
		(uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)host}};
}

static inline bool
ipaddr_is_v4(const struct ipaddr *a)
{
	static const uint8_t pfx[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a->b, pfx, sizeof pfx) == 0;
}

/* The IPv4 address in host order; the caller knows that it is one. */
static inline uint32_t
ipaddr_to_v4(const struct ipaddr *a)
{
	return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 |
	       (uint32_t)a->b[14] << 8 | a->b[15];
}

static inline bool
ipaddr_eq(const struct ipaddr *a, const struct ipaddr *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* True when the first plen bits (of 128, of IPv4 addresses too: 96 + n) of a
 * and prefix agree. */
static inline bool
ipaddr_in(const struct ipaddr *a, const struct ipaddr *prefix, unsigned plen)
{
	unsigned n = plen / 8, rest = plen % 8;

	return memcmp(a->b, prefix->b, n) == 0 &&
	       (rest == 0 || (a->b[n] ^ prefix->b[n]) >> (8 - rest) == 0);
}

/* How many leading bits a and b have in common, 0..128. */
static inline unsigned
ipaddr_common(const struct ipaddr *a, const struct ipaddr *b)
{
	unsigned n = 0;

	while (n < 128 && ipaddr_in(a, b, n + 1))
		n++;
	return n;
}

/* a with all bits behind the first plen cleared. */
static inline struct ipaddr
ipaddr_masked(const struct ipaddr *a, unsigned plen)
{
	struct ipaddr m = {{0}};

	memcpy(m.b, a->b, plen / 8);
	if (plen % 8 != 0)
		m.b[plen / 8] =
		    (uint8_t)(a->b[plen / 8] & 0xff << (8 - plen % 8));
	return m;
}

/* ff00::/8 and 224.0.0.0/4. */
static inline bool
ipaddr_is_multicast(const struct ipaddr *a)
{
	return a->b[0] == 0xff || (ipaddr_is_v4(a) && a->b[12] >> 4 == 0xe);
}

/* ::1 and 127.0.0.0/8. */
static inline bool
ipaddr_is_loopback(const struct ipaddr *a)
{
	static const struct ipaddr loop6 = {{[15] = 1}};

	return ipaddr_eq(a, &loop6) || (ipaddr_is_v4(a) && a->b[12] == 127);
}

/* fe80::/10 and 169.254.0.0/16. */
static inline bool
ipaddr_is_link_local(const struct ipaddr *a)
{
	return (a->b[0] == 0xfe && a->b[1] >> 6 == 2) ||
	       (ipaddr_is_v4(a) && a->b[12] == 169 && a->b[13] == 254);
}

/* The wildcard of either family: 0.0.0.0 (mapped) or ::. */
static inline bool
ipaddr_is_any(const struct ipaddr *a)
{
	static const struct ipaddr any6;

	return ipaddr_eq(a, &any6) || (ipaddr_is_v4(a) && ipaddr_to_v4(a) == 0);
}

#endif
