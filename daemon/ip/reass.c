/* SPDX-License-Identifier: ISC */
/*
 * Reassembly, one machine for both families.  A datagram gets a buffer of the
 * largest size at its first piece and the pieces are copied into their place,
 * so it is whole when it is complete, and what it costs does not depend on how
 * it was cut.
 *
 * Rules: a piece that is there already, byte for byte, is ignored; any other
 * overlap refuses the whole datagram and all that still comes of it (RFC 5722,
 * RFC 8200 4.5; Linux does so for IPv4 too).  The congestion marks of the
 * pieces are combined as RFC 3168 5.3 says.
 *
 * Memory (RFC 8900 asks for care): REASS_DATAGRAMS at most, an eighth of the
 * buffers at most, REASS_PER_SOURCE of one source; whoever comes when there is
 * no room pushes out the oldest, of his own when his share is used up.  When
 * its time is up the sender is told, if the first piece is there (RFC 792, RFC
 * 4443 3.3).
 */
#include "ip/reass.h"

#include <string.h>
#include "ip/icmp.h"
#include "ip/icmp6.h"
#include "ip/ip.h"
#include "wire/icmp6.h"

#define PAYLOAD_MAX 65535u

_Static_assert(REASS_HEAD + PAYLOAD_MAX <= BUF_FRAME, "a datagram fits");

bool
reass_init(struct ip *ip)
{
	unsigned i;

	for (i = 0; i < REASS_DATAGRAMS; i++) {
		ip->reass.d[i].timer.tag = IP_TIMER_REASS;
		if (!timerq_reserve(&ip->timers))
			return false;
	}
	return true;
}

void
reass_done(struct ip *ip)
{
	unsigned i;

	for (i = 0; i < REASS_DATAGRAMS; i++) {
		if (ip->reass.d[i].used)
			reass_free(ip, &ip->reass.d[i]);
	}
}

static void
drop_bytes(struct reass *d)
{
	if (d->buf != NULL)
		buf_unref(d->buf);
	d->buf = NULL;
}

void
reass_free(struct ip *ip, struct reass *d)
{
	drop_bytes(d);
	timerq_cancel(&ip->timers, &d->timer.t);
	d->used = false;
}

/* d will never be whole, for the reason why. */
static void
refuse(struct ip *ip, struct reass *d, enum drop why)
{
	drop_count(ip->drops, why);
	drop_bytes(d);
	d->refused = true;
}

/* ---- the table ---- */

static struct reass *
find(struct ip *ip, const struct ip_in *in, const struct reass_piece *p)
{
	struct reass *d = ip->reass.d, *end = d + REASS_DATAGRAMS;

	for (; d < end; d++) {
		if (d->used && d->id == p->id && d->proto == p->proto &&
		    ipaddr_eq(&d->src, &in->src) &&
		    ipaddr_eq(&d->dst, &in->dst))
			return d;
	}
	return NULL;
}

/* A free place; the oldest makes room, src's own oldest when it has its
 * share. */
static struct reass *
take_place(struct ip *ip, const struct ipaddr *src)
{
	struct reass *d = ip->reass.d, *end = d + REASS_DATAGRAMS;
	struct reass *room = NULL, *oldest = NULL, *own = NULL;
	size_t bytes = BUF_FRAME;
	unsigned n = 0;

	for (; d < end; d++) {
		if (!d->used) {
			room = d;
			continue;
		}
		bytes += d->buf != NULL ? d->buf->cap : 0;
		if (oldest == NULL || d->serial < oldest->serial)
			oldest = d;
		if (!ipaddr_eq(&d->src, src))
			continue;
		n++;
		if (own == NULL || d->serial < own->serial)
			own = d;
	}
	if (n < REASS_PER_SOURCE && room != NULL &&
	    (bytes <= bufpool_limit(ip->bufs) / 8 || oldest == NULL))
		return room;
	d = n >= REASS_PER_SOURCE ? own : oldest;
	drop_count(ip->drops, DROP_IP_FRAG_MEMORY);
	reass_free(ip, d);
	return d;
}

static struct reass *
create(struct ip *ip, const struct ip_in *in, const struct reass_piece *p,
    mono_t now)
{
	struct reass *d = take_place(ip, &in->src);
	struct buf *b = buf_alloc(ip->bufs, BUF_FRAME);

	if (b == NULL) {
		drop_count(ip->drops, DROP_IP_NO_MEMORY);
		return NULL;
	}
	*d = (struct reass){.timer.tag = IP_TIMER_REASS,
	    .used = true,
	    .src = in->src,
	    .dst = in->dst,
	    .id = p->id,
	    .proto = p->proto,
	    .serial = ++ip->reass.serial,
	    .buf = b};
	timerq_set(&ip->timers, &d->timer.t,
	    mono_add(now, ipaddr_is_v4(&in->dst) ? REASS4_US : REASS6_US));
	return d;
}

/* ---- pieces ---- */

enum fit {
	FIT_NEW,
	FIT_KNOWN, /* all of it is there */
	FIT_OVERLAP,
};

/* How from..to fits; *at: the first span behind it. */
static enum fit
place(const struct reass *d, const struct reass_piece *p, const uint8_t *bytes,
    unsigned *at)
{
	uint32_t to = p->at + p->len;
	const struct reass_span *s;
	unsigned i;

	for (i = 0; i < d->nspans && d->spans[i].to <= p->at; i++)
		;
	*at = i;
	s = &d->spans[i];
	if (i == d->nspans || to <= s->from)
		return FIT_NEW;
	if (s->from <= p->at && to <= s->to &&
	    memcmp(d->buf->data + REASS_HEAD + p->at, bytes, p->len) == 0)
		return FIT_KNOWN;
	return FIT_OVERLAP;
}

/* Adds a span in front of the one at i, joined with those that it touches;
 * false when there are too many. */
static bool
add_span(struct reass *d, unsigned i, uint32_t from, uint32_t to)
{
	bool before = i > 0 && d->spans[i - 1].to == from;
	bool behind = i < d->nspans && d->spans[i].from == to;
	struct reass_span *s = d->spans + i;

	if (before && behind) {
		s[-1].to = s->to;
		memmove(s, s + 1, (--d->nspans - i) * sizeof *s);
	} else if (before) {
		s[-1].to = to;
	} else if (behind) {
		s->from = from;
	} else {
		if (d->nspans == REASS_SPANS)
			return false;
		memmove(s + 1, s, (d->nspans++ - i) * sizeof *s);
		*s = (struct reass_span){from, to};
	}
	return true;
}

/* The end that p tells agrees with what is known. */
static bool
end_agrees(struct reass *d, const struct reass_piece *p)
{
	uint32_t to = p->at + p->len;
	uint32_t seen = d->nspans > 0 ? d->spans[d->nspans - 1].to : 0;

	if (p->more)
		return d->total == 0 || to < d->total;
	if ((d->total != 0 && d->total != to) || seen > to)
		return false;
	d->total = to;
	return true;
}

/* Congestion experienced by a sender that does not know of ECN is impossible
 * (RFC 3168 5.3). */
static bool
ecn_agrees(struct reass *d, uint8_t tos)
{
	d->ecn |= (uint8_t)(1 << (tos & 3));
	return !(d->ecn & 1 << 3) || !(d->ecn & 1 << 0);
}

static bool
complete(const struct reass *d)
{
	return d->total != 0 && d->nspans == 1 && d->spans[0].from == 0 &&
	       d->spans[0].to == d->total;
}

static void
keep(struct reass *d, const struct reass_piece *p, const uint8_t *bytes)
{
	uint8_t *payload = d->buf->data + REASS_HEAD;

	memcpy(payload + p->at, bytes, p->len);
	if (p->at != 0)
		return;
	d->head_len = p->head_len;
	memcpy(payload - p->head_len, p->head, p->head_len);
}

struct reass *
reass_input(struct ip *ip, const struct ip_in *in, const struct reass_piece *p,
    mono_t now)
{
	struct reass *d = find(ip, in, p);
	const uint8_t *bytes = p->head + p->head_len;
	unsigned at;

	if (p->len == 0 || p->at + p->len > PAYLOAD_MAX ||
	    p->head_len > REASS_HEAD) {
		drop_count(ip->drops, DROP_IP_FRAGMENT);
		return NULL;
	}
	if (d == NULL && (d = create(ip, in, p, now)) == NULL)
		return NULL;
	if (d->refused) {
		drop_count(ip->drops, DROP_IP_FRAG_OVERLAP);
		return NULL;
	}
	switch (place(d, p, bytes, &at)) {
	case FIT_KNOWN:
		return NULL;
	case FIT_OVERLAP:
		refuse(ip, d, DROP_IP_FRAG_OVERLAP);
		return NULL;
	case FIT_NEW:
		break;
	}
	if (!end_agrees(d, p) || !ecn_agrees(d, in->tos) ||
	    !add_span(d, at, p->at, p->at + p->len)) {
		refuse(ip, d, DROP_IP_FRAGMENT);
		return NULL;
	}
	keep(d, p, bytes);
	return complete(d) ? d : NULL;
}

void
reass_expire(struct ip *ip, struct timer *t, mono_t now)
{
	struct reass *d =
	    (struct reass *)(void *)((uint8_t *)t -
				     offsetof(struct reass, timer));
	struct ip_in in = {.buf = d->buf,
	    .src = d->src,
	    .dst = d->dst,
	    .off = REASS_HEAD,
	    .hdr_len = d->head_len};

	if (!d->refused)
		drop_count(ip->drops, DROP_IP_FRAG_TIME);
	if (!d->refused && d->head_len != 0) {
		in.len = d->spans[0].to;
		if (d->proto == WIRE_PROTO_ICMP) /* maybe an error itself */
			;
		else if (ipaddr_is_v4(&d->dst))
			icmp_error(ip, &in, WIRE_ICMP_TIME_EXCEEDED,
			    WIRE_TIME_REASSEMBLY, now);
		else
			icmp6_error(ip, &in, WIRE_ICMP6_TIME_EXCEEDED,
			    WIRE_TIME6_REASSEMBLY, 0, false, now);
	}
	reass_free(ip, d);
}
