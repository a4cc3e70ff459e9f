/* SPDX-License-Identifier: ISC */
/*
 * What a program sends: a message is a datagram, or several of one length
 * (UDP_SEGMENT), or a piece of one (MSG_MORE, UDP_CORK), which waits here for
 * the others and counts against its user's buffer bytes.
 *
 * As on Linux, where a datagram in pieces goes, and what is said of it, is the
 * first piece's word; one that becomes too long is lost as a whole.
 */
#include "config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ipc/dgramopt.h"
#include "proc/engine.h"

struct dgram_pieces {
	struct udp_msg m;
	uint16_t segment;
	uint8_t data[UDP_MAX6]; /* m.len of it */
};

/* What a message says, by its header or as the payload that it is. */
static void
read_message(const struct dgram *d, const uint8_t *p, size_t len,
    struct udp_msg *out, uint16_t *segment, bool *more)
{
	struct proto_dgram h = {.magic = 0};

	*out =
	    (struct udp_msg){.to_peer = true, .tos = -1, .ttl = -1, .data = p};
	out->len = (uint32_t)len;
	*segment = d->opts.segment;
	*more = d->opts.cork;
	if (len >= sizeof h)
		memcpy(&h, p, sizeof h);
	if (h.magic != PROTO_DGRAM_MAGIC || h.handle != d->name.handle)
		return;
	out->data = p + sizeof h;
	out->len = (uint32_t)(len - sizeof h);
	if (proto_name_get(&h.peer, &out->dst)) {
		out->to_peer = false;
		out->dport = h.peer.port;
	}
	if (h.flags & PROTO_DGRAM_LOCAL)
		out->have_src = proto_name_get(&h.local, &out->src);
	if (h.flags & PROTO_DGRAM_TOS)
		out->tos = h.tos;
	if (h.flags & PROTO_DGRAM_TTL)
		out->ttl = h.ttl;
	if (h.flags & PROTO_DGRAM_SEGMENT)
		*segment = h.segment;
	*more |= (h.flags & PROTO_DGRAM_MORE) != 0;
}

/* true: it is what came before connect(), and is no datagram to send. */
static bool
come_once_more(struct dgram *d, const uint8_t *p, size_t len)
{
	struct proto_dgram h = {.magic = 0};
	struct udp_in in;

	if (len >= sizeof h)
		memcpy(&h, p, sizeof h);
	if (h.magic != PROTO_DGRAM_MAGIC || h.handle != d->name.handle ||
	    !(h.flags & PROTO_DGRAM_BACK))
		return false;
	in = (struct udp_in){.sport = h.peer.port,
	    .dport = h.local.port,
	    .tos = h.tos,
	    .ttl = h.ttl,
	    .data = p + sizeof h,
	    .len = (uint32_t)(len - sizeof h)};
	if (proto_name_get(&h.peer, &in.src) &&
	    proto_name_get(&h.local, &in.dst))
		dgram_deliver(NULL, d, &in);
	return true;
}

static bool
for_resolver(const struct dgram *d, const struct udp_msg *m)
{
	return m->to_peer ? d->asks : here_is(d->e, &m->dst, m->dport);
}

/* One datagram, or all of one call. */
static int
send_segments(struct dgram *d, const struct udp_msg *all, uint16_t segment)
{
	struct udp_msg m = *all;
	uint32_t done;
	int r = 0;

	if (segment == 0)
		return udp_send(d->sock, &m);
	if (all->len > (uint32_t)segment * DGRAMOPT_SEGMENTS)
		return -EINVAL;
	m.uncut = true;
	for (done = 0; r == 0 && (done < all->len || done == 0);
	     done += m.len) {
		m.data = (const uint8_t *)all->data + done;
		m.len = all->len - done < segment ? all->len - done : segment;
		r = udp_send(d->sock, &m);
		if (m.len == 0)
			break;
	}
	return r;
}

static void
send_out(struct dgram *d, const struct udp_msg *m, uint16_t segment)
{
	/* The peer was judged when it became one. */
	int r = m->to_peer
		    ? 0
		    : -refuse_connect(d->e, d->name.uid, &m->dst, m->dport);

	if (r == 0)
		r = for_resolver(d, m) ? here_ask(d, m)
				       : send_segments(d, m, segment);
	if (r == 0)
		return;
	drop_count(d->e->drops, DROP_UDP_SEND);
	if (r == -EMSGSIZE)
		dgram_too_long(d, m);
	if (r != -ENOBUFS) /* Linux drops it without a word too */
		dgram_tell(d, -r);
}

/* ---- in pieces ---- */

uint64_t
dgram_pieces_held(const struct dgram *d)
{
	return d->pieces != NULL ? sizeof *d->pieces : 0;
}

void
dgram_pieces_purge(struct dgram *d)
{
	free(d->pieces);
	d->pieces = NULL;
}

static void
lost(struct dgram *d, int error)
{
	drop_count(d->e->drops, DROP_UDP_SEND);
	dgram_pieces_purge(d);
	dgram_tell(d, error);
}

/* One more. */
static void
keep_piece(struct dgram *d, const struct udp_msg *m, uint16_t segment)
{
	struct dgram_pieces *w = d->pieces;

	if (w == NULL) {
		if (account_take(d, sizeof *w))
			w = d->pieces = malloc(sizeof *w);
		if (w == NULL) {
			lost(d, ENOBUFS);
			return;
		}
		w->m = *m;
		w->m.len = 0;
		w->segment = segment;
	}
	if (m->len > sizeof w->data - w->m.len) {
		lost(d, EMSGSIZE);
		return;
	}
	memcpy(w->data + w->m.len, m->data, m->len);
	w->m.len += m->len;
}

void
dgram_uncork(struct dgram *d)
{
	struct dgram_pieces *w = d->pieces;

	if (w == NULL)
		return;
	d->pieces = NULL;
	w->m.data = w->data;
	send_out(d, &w->m, w->segment);
	free(w);
}

void
dgram_message(struct dgram *d, const uint8_t *p, size_t len)
{
	struct udp_msg m;
	uint16_t segment;
	bool more;

	if (come_once_more(d, p, len))
		return;
	read_message(d, p, len, &m, &segment, &more);
	if (!more && d->pieces == NULL) {
		send_out(d, &m, segment);
		return;
	}
	keep_piece(d, &m, segment);
	if (!more)
		dgram_uncork(d);
}
