/* SPDX-License-Identifier: ISC */
/*
 * DHCP messages.  Options may go on in the fields "file" and "sname" (RFC 2132
 * 9.3), in this order; each of the three areas is walked within its own bounds,
 * and of an option that comes twice the first counts.
 */
#include "wire/dhcp4.h"

#include <string.h>
#include "base/drop.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

#define UDP	  8
#define SNAME	  44
#define FILE_NAME 108
#define COOKIE	  236
#define OPTIONS	  240
#define MAGIC	  0x63825363

#define BOOTREQUEST 1
#define BOOTREPLY   2

enum option {
	OPT_PAD = 0,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_REQUESTED = 50,
	OPT_LEASE = 51,
	OPT_OVERLOAD = 52,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_WANTED = 55,
	OPT_MAX_LEN = 57,
	OPT_T1 = 58,
	OPT_T2 = 59,
	OPT_CLIENT = 61,
	OPT_END = 255,
};

static void
take_word(uint32_t *to, const uint8_t *p, size_t len)
{
	if (len >= 4 && *to == 0)
		*to = get32(p);
}

static void
take_option(uint8_t kind, const uint8_t *p, size_t len, struct wire_dhcp4 *out,
    uint8_t *overload)
{
	switch (kind) {
	case OPT_TYPE:
		if (len == 1 && out->type == 0)
			out->type = p[0];
		break;
	case OPT_OVERLOAD:
		if (len == 1)
			*overload = p[0];
		break;
	case OPT_MASK:
		take_word(&out->mask, p, len);
		break;
	case OPT_ROUTER:
		take_word(&out->router, p, len);
		break;
	case OPT_LEASE:
		take_word(&out->lease_s, p, len);
		break;
	case OPT_SERVER:
		take_word(&out->server, p, len);
		break;
	case OPT_T1:
		take_word(&out->t1_s, p, len);
		break;
	case OPT_T2:
		take_word(&out->t2_s, p, len);
		break;
	default:
		break;
	}
}

static bool
walk(const uint8_t *p, size_t len, struct wire_dhcp4 *out, uint8_t *overload)
{
	size_t i = 0;

	while (i < len && p[i] != OPT_END) {
		if (p[i] == OPT_PAD) {
			i++;
			continue;
		}
		if (len - i < 2 || p[i + 1] > len - i - 2)
			return false;
		take_option(p[i], p + i + 2, p[i + 1], out, overload);
		i += 2u + p[i + 1];
	}
	return true;
}

static bool
checksum_right(const uint8_t *p, size_t len, uint32_t src, uint32_t dst)
{
	struct wire_csum c = WIRE_CSUM_INIT;

	if (get16(p + 6) == 0) /* RFC 768: none was made */
		return true;
	wire_csum_pseudo4(&c, src, dst, WIRE_PROTO_UDP, (uint32_t)len);
	wire_csum_add(&c, p, len);
	return wire_csum_final(&c) == 0;
}

int
wire_dhcp4_parse(const uint8_t *p, size_t len, uint32_t src, uint32_t dst,
    bool csum_ok, struct wire_dhcp4 *out)
{
	const uint8_t *m = p + UDP;
	uint8_t overload = 0;
	bool good;

	if (len < UDP + OPTIONS || get16(p + 4) < UDP + OPTIONS ||
	    get16(p + 4) > len)
		return DROP_DHCP_MALFORMED;
	len = get16(p + 4);
	if (!csum_ok && !checksum_right(p, len, src, dst))
		return DROP_DHCP_CHECKSUM;
	if (m[0] != BOOTREPLY || m[1] != 1 || m[2] != 6 ||
	    get32(m + COOKIE) != MAGIC)
		return DROP_DHCP_MALFORMED;
	*out = (struct wire_dhcp4){.xid = get32(m + 4),
	    .ciaddr = get32(m + 12),
	    .yiaddr = get32(m + 16)};
	memcpy(out->mac, m + 28, sizeof out->mac);
	good = walk(m + OPTIONS, len - UDP - OPTIONS, out, &overload);
	if (good && (overload & 1))
		good = walk(m + FILE_NAME, COOKIE - FILE_NAME, out, &overload);
	if (good && (overload & 2))
		good = walk(m + SNAME, FILE_NAME - SNAME, out, &overload);
	return good && out->type != 0 ? 0 : DROP_DHCP_MALFORMED;
}

/* ---- out ---- */

static uint8_t *
put_bytes(uint8_t *p, uint8_t kind, const uint8_t *v, uint8_t len)
{
	p[0] = kind;
	p[1] = len;
	memcpy(p + 2, v, len);
	return p + 2 + len;
}

static uint8_t *
put_word(uint8_t *p, uint8_t kind, uint32_t v)
{
	uint8_t bytes[4];

	if (v == 0)
		return p;
	put32(bytes, v);
	return put_bytes(p, kind, bytes, sizeof bytes);
}

static void
put_options(const struct wire_dhcp4 *m, uint8_t *p)
{
	static const uint8_t wanted[] = {
	    OPT_MASK, OPT_ROUTER, OPT_LEASE, OPT_SERVER, OPT_T1, OPT_T2};
	uint8_t client[7] = {1}, max_len[2];

	memcpy(client + 1, m->mac, sizeof m->mac);
	put16(max_len, m->max_len);
	p = put_bytes(p, OPT_TYPE, &m->type, 1);
	p = put_bytes(p, OPT_CLIENT, client, sizeof client);
	p = put_word(p, OPT_REQUESTED, m->requested);
	p = put_word(p, OPT_SERVER, m->server);
	if (m->type != WIRE_DHCP4_DECLINE) {
		p = put_bytes(p, OPT_MAX_LEN, max_len, sizeof max_len);
		p = put_bytes(p, OPT_WANTED, wanted, sizeof wanted);
	}
	*p = OPT_END;
}

size_t
wire_dhcp4_emit(const struct wire_dhcp4 *m, uint32_t src, uint32_t dst,
    uint8_t p[WIRE_DHCP4_LEN])
{
	struct wire_csum c = WIRE_CSUM_INIT;
	uint8_t *b = p + UDP;
	uint16_t sum;

	memset(p, 0, WIRE_DHCP4_LEN);
	put16(p, WIRE_DHCP4_CLIENT);
	put16(p + 2, WIRE_DHCP4_SERVER);
	put16(p + 4, WIRE_DHCP4_LEN);
	b[0] = BOOTREQUEST;
	b[1] = 1; /* Ethernet, addresses of 6 bytes */
	b[2] = 6;
	put32(b + 4, m->xid);
	put16(b + 8, m->secs);
	put32(b + 12, m->ciaddr);
	memcpy(b + 28, m->mac, sizeof m->mac);
	put32(b + COOKIE, MAGIC);
	put_options(m, b + OPTIONS);
	wire_csum_pseudo4(&c, src, dst, WIRE_PROTO_UDP, WIRE_DHCP4_LEN);
	wire_csum_add(&c, p, WIRE_DHCP4_LEN);
	sum = wire_csum_final(&c);
	put16(p + 6, sum != 0 ? sum : 0xffff);
	return WIRE_DHCP4_LEN;
}
