/* SPDX-License-Identifier: ISC */
/*
 * A stranger on the wire: he sees nothing, but sends what he likes to either
 * host, in anybody's name: SYNs from made-up neighbours, segments for the
 * connections that exist with numbers that he guesses, ICMP errors, frames cut
 * short, noise.  The transfers must not notice, and nothing of his may stay.
 * (Forged ARP is another matter: RFC 826 has no defence, and the stack none.)
 */
#include <stdlib.h>
#include <string.h>
#include "base/check.h"
#include "sim.h"

#define FRAME 160

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

static uint32_t
sum(uint32_t s, const uint8_t *p, size_t n)
{
	for (; n > 1; p += 2, n -= 2)
		s += (uint32_t)p[0] << 8 | p[1];
	if (n > 0)
		s += (uint32_t)p[0] << 8;
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void
noise(struct sim *s, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rng_below(&s->rng, 256);
}

/* Bytes of Ethernet and IP header. */
static size_t
heads(const struct sim *s)
{
	return s->six ? 54 : 34;
}

/* The checksum of n bytes at p behind the pseudo header of f. */
static unsigned
pseudo_sum(const struct sim *s, const uint8_t *f, unsigned proto,
    const uint8_t *p, size_t n)
{
	uint32_t c = s->six ? sum(proto + (uint32_t)n, f + 22, 32)
			    : sum(proto + (uint32_t)n, f + 26, 8);

	return ~sum(c, p, n) & 0xffff;
}

/* Ethernet and IP around n bytes behind them. */
static size_t
wrap(struct sim *s, uint8_t *f, unsigned to, const struct ipaddr *src,
    unsigned proto, size_t n)
{
	uint8_t *ip = f + 14;

	memcpy(f, (uint8_t[6]){2, 0, 0, 0, 0, (uint8_t)(to + 1)}, 6);
	memcpy(f + 6, (uint8_t[6]){2, 0, 0, 0, 9, 9}, 6);
	if (s->six) {
		put16(f + 12, 0x86dd);
		put32(ip, (uint32_t)6 << 28);
		put16(ip + 4, (unsigned)n);
		ip[6] = (uint8_t)proto;
		ip[7] = 64;
		memcpy(ip + 8, src->b, 16);
		memcpy(ip + 24, s->hosts[to].addr.b, 16);
		return 54 + n;
	}
	put16(f + 12, 0x0800);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, (unsigned)(20 + n));
	put16(ip + 4, rng_below(&s->rng, 65536));
	ip[8] = 64;
	ip[9] = (uint8_t)proto;
	memcpy(ip + 12, src->b + 12, 4);
	memcpy(ip + 16, s->hosts[to].addr.b + 12, 4);
	put16(ip + 10, ~sum(0, ip, 20) & 0xffff);
	return 34 + n;
}

/* Ports of a connection that exists, or of none. */
static void
choose_ports(struct sim *s, uint8_t *tcp, unsigned to)
{
	const struct flow *f = &s->flows[rng_below(&s->rng, s->nflows)];
	bool client = f->end[0].host == &s->hosts[to];

	if (rng_below(&s->rng, 3) == 0 || f->cport == 0) {
		put16(tcp, 1024 + rng_below(&s->rng, 60000));
		put16(tcp + 2, SERVER_PORT);
		return;
	}
	put16(tcp + (client ? 2 : 0), f->cport);
	put16(tcp + (client ? 0 : 2), SERVER_PORT);
}

static size_t
forge_segment(struct sim *s, uint8_t *f, unsigned to)
{
	uint8_t *tcp = f + heads(s);
	size_t len = rng_below(&s->rng, 60), n = 20 + len;
	struct ipaddr src = s->hosts[1 - to].addr;

	noise(s, tcp, n);
	choose_ports(s, tcp, to);
	tcp[12] = (uint8_t)(rng_below(&s->rng, 8) == 0 ? rng_below(&s->rng, 256)
						       : 0x50);
	/* Whoever knows the ports can end an attempt to connect by a SYN, as
	 * simultaneous open takes it (RFC 9293 3.5); so that is left out. */
	if (!(tcp[13] & TH_ACK))
		tcp[13] &= (uint8_t)~TH_SYN;
	if (rng_below(&s->rng, 3) == 0) {
		src = sim_addr(s, 3 + rng_below(&s->rng, 250));
		tcp[13] = TH_SYN;
	}
	wrap(s, f, to, &src, 6, n);
	put16(tcp + 16, 0);
	put16(tcp + 16, pseudo_sum(s, f, 6, tcp, n));
	return heads(s) + n;
}

/* An error about a segment that the victim never sent. */
static size_t
forge_icmp(struct sim *s, uint8_t *f, unsigned to)
{
	uint8_t *icmp = f + heads(s), inner[96];
	size_t quoted = heads(s) - 14, n = 8 + quoted + 8;
	bool unreachable = rng_below(&s->rng, 2) == 0;

	noise(s, icmp, n);
	if (s->six)
		icmp[0] = unreachable ? 1 : 3;
	else
		icmp[0] = unreachable ? 3 : 11;
	icmp[1] = (uint8_t)rng_below(&s->rng, 16);
	/* The packet inside is from the victim. */
	wrap(s, inner, 1 - to, &s->hosts[to].addr, 6, 20);
	memcpy(icmp + 8, inner + 14, quoted);
	choose_ports(s, icmp + 8 + quoted, 1 - to);
	wrap(s, f, to, &s->hosts[1 - to].addr, s->six ? 58 : 1, n);
	put16(icmp + 2, 0);
	put16(icmp + 2,
	    s->six ? pseudo_sum(s, f, 58, icmp, n) : ~sum(0, icmp, n) & 0xffff);
	return heads(s) + n;
}

static void
act(void *arg)
{
	struct sim *s = arg;
	unsigned to = rng_below(&s->rng, 2);
	struct packet *p = calloc(1, sizeof *p + FRAME);

	CHECK(p != NULL);
	if (rng_below(&s->rng, 4) == 0)
		p->len = forge_icmp(s, p->data, to);
	else
		p->len = forge_segment(s, p->data, to);
	CHECK(p->len <= FRAME);
	if (rng_below(&s->rng, 10) == 0)
		p->len = 1 + rng_below(&s->rng, (uint32_t)p->len);
	if (rng_below(&s->rng, 10) == 0)
		noise(s, p->data + 14, p->len > 14 ? p->len - 14 : 0);
	p->damaged = true; /* nothing that the oracle should believe */
	host_receive(&s->hosts[to], p);
	if (s->links[0].faults)
		sim_at(
		    s, mono_add(s->now, 1 + rng_below(&s->rng, 5000)), act, s);
}

void
stranger_start(struct sim *s)
{
	sim_at(s, s->now, act, s);
}
