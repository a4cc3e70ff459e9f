/* SPDX-License-Identifier: ISC */
/*
 * The TCP authentication option (RFC 5925), with the algorithms of RFC 5926:
 * each segment has a MAC made with a traffic key, which both ends derive from
 * a master key and from addresses, ports and initial numbers; so no number
 * and no segment of another connection fits.
 *
 * A set's master keys (MKTs) are known by two ids: what we sign with sndid
 * comes from the peer with rcvid.  Each segment also says which key the peer
 * is to sign with from now on (rnext), so that keys change without a pause.
 * A connection has copies of its listener's keys for its peer, with their
 * traffic keys; a half-open one and a cookie's answer derive theirs each time.
 *
 * The sequence number extension (RFC 5925 6.2) is the upper half of a number
 * of 64 bits: each direction keeps one, close to where it is, and what is at
 * most half a round away from that is told by the difference.  It is brought
 * up to date with each segment, between which no more than a window passes.
 *
 * What comes is judged as in md5.c, and by the same rule nothing is answered
 * that could not be signed: what belongs to no connection has no numbers to
 * derive a key from, and gets no reset.
 */
#include "tcp/internal.h"
#include "wire/bytes.h"

#define KDF_MAX	 (1 + 6 + 2 * 16 + 2 * 2 + 2 * 4 + 2)
#define TEXT_MAX (4 + HEAD_MAX + WIRE_TCP_HDR_MAX)

static const uint16_t traffic_bits[TCP_AO_ALGS] =
    {[TCP_AO_SHA1] = 160, [TCP_AO_AES128] = 128, [TCP_AO_SHA256] = 256};

/* ---- numbers and keys ---- */

static uint64_t
extend(uint64_t near, seq_t s)
{
	return near + (uint64_t)(int64_t)(int32_t)(s.v - (uint32_t)near);
}

/* RFC 5926 3.1.1: one block of each function is enough.  From src to dst, whose
 * initial numbers are sisn and disn. */
static void
kdf(const struct tcp *t, const struct tcp_mkt *k, const struct ipaddr *src,
    const struct ipaddr *dst, const uint16_t port[2], seq_t sisn, seq_t disn,
    uint8_t out[TCP_AO_TRAFFIC])
{
	uint8_t b[KDF_MAX] = {1, 'T', 'C', 'P', '-', 'A', 'O'}, *p = b + 7;
	size_t n = ipaddr_is_v4(src) ? 4 : 16;
	struct span in = {.base = b};

	memcpy(p, src->b + 16 - n, n);
	memcpy(p + n, dst->b + 16 - n, n);
	p += 2 * n;
	put16(p, port[0]);
	put16(p + 2, port[1]);
	put32(p + 4, sisn.v);
	put32(p + 8, disn.v);
	put16(p + 12, traffic_bits[k->k.alg]);
	in.len = (size_t)(p + 14 - b);
	t->cfg.digest->mac(k->k.alg, k->k.key, k->k.len, &in, 1, out);
}

static void
kdf_send(const struct tcp *t, const struct tcp_mkt *k, const struct tuple *id,
    seq_t iss, seq_t irs, uint8_t out[TCP_AO_TRAFFIC])
{
	kdf(t, k, &id->laddr, &id->raddr,
	    (const uint16_t[]){id->lport, id->rport}, iss, irs, out);
}

static void
kdf_receive(const struct tcp *t, const struct tcp_mkt *k,
    const struct tuple *id, seq_t iss, seq_t irs, uint8_t out[TCP_AO_TRAFFIC])
{
	kdf(t, k, &id->raddr, &id->laddr,
	    (const uint16_t[]){id->rport, id->lport}, irs, iss, out);
}

void
ao_derive(const struct tcp *t, const struct tuple *id, const struct tcp_ao *a,
    struct tcp_mkt *k)
{
	kdf_send(t, k, id, a->iss, a->irs, k->snd);
	kdf_receive(t, k, id, a->iss, a->irs, k->rcv);
}

/* The traffic keys of p, as soon as both initial numbers are known. */
static void
derive(const struct tcb *p, struct tcp_ao *a)
{
	struct tcp_mkt *k;

	if (!a->derived) {
		a->derived = true;
		a->iss = p->iss;
		a->irs = p->irs;
		a->snd = p->iss.v;
		a->rcv = p->irs.v;
		TAILQ_FOREACH (k, &a->mkts, link)
			ao_derive(p->t, &p->h->node.id, a, k);
	}
	a->snd = extend(a->snd, p->snd_una);
	a->rcv = extend(a->rcv, p->rcv_nxt);
}

/* ---- the MAC ---- */

/* What is signed of a segment of len bytes in all but its payload: the option
 * with a MAC of maclen bytes stands at byte at of the header. */
static size_t
put_text(uint8_t b[TEXT_MAX], const struct tcp_mkt *k, uint32_t sne,
    const struct ipaddr *src, const struct ipaddr *dst, const uint8_t *tcp,
    size_t hdr_len, size_t at, uint32_t len)
{
	size_t n = 4 + md5_put_head(b + 4, src, dst, tcp, len), mac;

	put32(b, sne);
	if (k->k.no_options) {
		memcpy(b + n, tcp + at, WIRE_TCP_AO);
		mac = n + WIRE_TCP_AO;
		n = mac + k->k.maclen;
	} else {
		memcpy(
		    b + n, tcp + WIRE_TCP_HDR_MIN, hdr_len - WIRE_TCP_HDR_MIN);
		mac = n + at + WIRE_TCP_AO - WIRE_TCP_HDR_MIN;
		n += hdr_len - WIRE_TCP_HDR_MIN;
	}
	memset(b + mac, 0, k->k.maclen);
	return n;
}

static void
make_mac(const struct tcp *t, const struct tcp_mkt *k, const uint8_t *traffic,
    const struct span *in, unsigned n, uint8_t out[TCP_AO_TRAFFIC])
{
	t->cfg.digest->mac(
	    k->k.alg, traffic, traffic_bits[k->k.alg] / 8, in, n, out);
}

void
ao_option(const struct tcb *p, struct wire_ao *o)
{
	const struct tcp_ao *a = &p->md5.keys->ao;

	o->present = true;
	o->keyid = a->current->k.sndid;
	o->rnext = a->rnext->k.rcvid;
	o->len = a->current->k.maclen;
}

void
ao_sign(struct tcb *p, struct tcp_out *out)
{
	struct tcp_ao *a = &p->md5.keys->ao;
	const struct tcp_mkt *k = a->current;
	uint8_t text[TEXT_MAX], mac[TCP_AO_TRAFFIC], first[TCP_AO_TRAFFIC];
	struct span spans[FRAME_SPANS];
	seq_t seq = SEQ(get32(out->hdr + 4));
	const uint8_t *traffic = k->snd;
	uint32_t sne = 0;

	CHECK(out->gso_size == 0); /* each segment has its own */
	if (p->state == TCPS_SYN_SENT) {
		kdf_send(p->t, k, &p->h->node.id, p->iss, SEQ(0), first);
		traffic = first;
	} else {
		derive(p, a);
		sne = (uint32_t)(extend(a->snd, seq) >> 32);
	}
	spans[0].base = text;
	spans[0].len = put_text(text, k, sne, &out->src, &out->dst, out->hdr,
	    out->hdr_len, WIRE_TCP_AO_AT, out->hdr_len + out->payload_len);
	memcpy(&spans[1], out->spans, out->nspans * sizeof spans[0]);
	make_mac(p->t, k, traffic, spans, out->nspans + 1, mac);
	memcpy(out->hdr + WIRE_TCP_AO_AT + WIRE_TCP_AO, mac, k->k.maclen);
	if (traffic == first)
		explicit_bzero(first, sizeof first);
}

void
ao_sign_ctl(const struct tcp *t, const struct signer *by,
    const struct tuple *id, struct wire_tcp *h)
{
	uint8_t hdr[WIRE_TCP_HDR_MAX], text[TEXT_MAX], mac[TCP_AO_TRAFFIC];
	const struct tcp_mkt *k = by->ao;
	uint8_t traffic[TCP_AO_TRAFFIC];
	struct span in = {.base = text};
	size_t len;

	h->ao = (struct wire_ao){.present = true,
	    .keyid = k->k.sndid,
	    .rnext = by->rnext,
	    .len = k->k.maclen};
	len = wire_tcp_emit(h, hdr);
	in.len = put_text(text, k,
	    (uint32_t)(extend(by->near, SEQ(h->seq)) >> 32), &id->laddr,
	    &id->raddr, hdr, len, WIRE_TCP_AO_AT, (uint32_t)len);
	kdf_send(t, k, id, by->iss, by->irs, traffic);
	make_mac(t, k, traffic, &in, 1, mac);
	memcpy(h->ao.mac, mac, k->k.maclen);
	explicit_bzero(traffic, sizeof traffic);
}

/* ---- who signs ---- */

static struct signer
signer(const struct tcp_ao *a)
{
	return (struct signer){.ao = a->current,
	    .rnext = a->rnext->k.rcvid,
	    .iss = a->iss,
	    .irs = a->irs,
	    .near = a->snd};
}

struct signer
ao_signer_pcb(struct tcb *p)
{
	struct tcp_ao *a = &p->md5.keys->ao;

	derive(p, a);
	return signer(a);
}

void
ao_settle(struct tcb *p)
{
	struct tcp_ao *a = &p->md5.keys->ao;

	derive(p, a);
	a->snd = extend(a->snd, p->snd_nxt);
}

struct signer
ao_signer_tw(const struct tcp_keys *set)
{
	return signer(&set->ao);
}

bool
ao_signer_half(const struct tcp_half *h, struct signer *by)
{
	const struct tcp_keys *set = h->listener->keys;

	*by = (struct signer){.rnext = h->ao_rnext,
	    .iss = h->iss,
	    .irs = h->irs,
	    .near = h->iss.v};
	if (set != NULL)
		by->ao = ao_find(&set->ao, &h->node.id.raddr, h->ao_keyid, -1);
	return by->ao != NULL;
}

/* The peer signs with s's key and wants to be signed to with another, or, if
 * that is not known, the same. */
void
ao_half(struct tcp_half *h, const struct seg *s)
{
	const struct tcp_mkt *k = s->by.ao, *want;

	h->ao = k != NULL;
	if (k == NULL)
		return;
	want = ao_find(&h->listener->keys->ao, &s->id.raddr, s->h.ao.rnext, -1);
	h->ao_keyid = want != NULL ? want->k.sndid : k->k.sndid;
	h->ao_rnext = k->k.rcvid;
}

/* ---- what arrives ---- */

/* Initial numbers, and the extended one that s is close to; false: there is no
 * way to know them. */
static bool
numbers(const struct tcp_node *n, const struct tcp_ao *a, const struct seg *s,
    struct signer *by, uint64_t *near)
{
	const struct tcp_half *h = (const struct tcp_half *)n;
	const struct tcb *p =
	    n != NULL && n->kind == NODE_PCB ? node_tcb(n) : NULL;

	*near = s->seq.v;
	if ((s->h.flags & (TH_SYN | TH_ACK)) == TH_SYN) {
		by->irs = s->seq;
		by->iss = SEQ(0);
		by->near = 0;
	} else if (n == NULL) {
		/* The answer to a cookie, if it is one. */
		if (!(s->h.flags & TH_ACK))
			return false;
		by->irs = seq_add(s->seq, (uint32_t)-1);
		by->iss = seq_add(s->ack, (uint32_t)-1);
		by->near = by->iss.v;
		*near = by->irs.v;
	} else if (n->kind == NODE_HALF) {
		by->irs = h->irs;
		by->iss = h->iss;
		by->near = h->iss.v;
		*near = h->irs.v;
	} else if (n->kind == NODE_PCB && p->state == TCPS_SYN_SENT) {
		by->irs = s->h.flags & TH_SYN ? s->seq : SEQ(0);
		by->iss = p->iss;
		by->near = p->iss.v;
	} else {
		by->irs = a->irs;
		by->iss = a->iss;
		by->near = a->snd;
		*near = a->rcv;
	}
	return true;
}

static bool
same(const uint8_t *a, const uint8_t *b, size_t n)
{
	unsigned d = 0;

	while (n-- > 0)
		d |= a[n] ^ b[n];
	return d == 0;
}

static bool
verified(const struct tcp *t, const struct tcp_mkt *k, const uint8_t *traffic,
    uint32_t sne, const struct seg *s)
{
	const uint8_t *tcp = s->in->buf->data + s->in->off;
	uint8_t text[TEXT_MAX], mac[TCP_AO_TRAFFIC];
	struct span in[2] = {
	    {.base = text}, {(void *)(uintptr_t)(tcp + s->h.hdr_len),
				s->in->len - s->h.hdr_len}};

	if (s->h.ao.len != k->k.maclen)
		return false;
	in[0].len = put_text(text, k, sne, &s->in->src, &s->in->dst, tcp,
	    s->h.hdr_len, s->h.ao.at, s->in->len);
	make_mac(t, k, traffic, in, 2, mac);
	return same(mac, s->h.ao.mac, k->k.maclen);
}

/* Older than a probe of his would be now: it can be one that somebody sends
 * again.  Its signature is as good as ever. */
static bool
is_old(const struct tcb *p, const struct seg *s)
{
	return synchronized(p) &&
	       (seq_lt(seq_add(s->seq, 1), p->rcv_nxt) ||
		   ((s->h.flags & TH_ACK) && seq_lt(s->ack, p->snd_una)));
}

/* RFC 5925 6.1: the peer says which key he wants next.  Who listens to old
 * segments can be made to sign with a key that the peer has given up. */
static void
rotate(struct tcb *p, struct tcp_ao *a, const struct seg *s)
{
	struct tcp_mkt *k;

	if (s->h.ao.rnext == a->current->k.sndid || (p != NULL && is_old(p, s)))
		return;
	k = ao_find(a, &s->id.raddr, s->h.ao.rnext, -1);
	if (k == NULL)
		return;
	a->current = k;
	if (p != NULL)
		md5_adopt(p);
}

static bool
judge(struct tcp *t, struct tcp_ao *a, struct tcp_mkt *k, struct signer *by,
    uint64_t near, const struct seg *s)
{
	uint32_t sne = (uint32_t)(extend(near, s->seq) >> 32);
	bool cached =
	    a->derived && seq_eq(by->irs, a->irs) && seq_eq(by->iss, a->iss);
	uint8_t once[TCP_AO_TRAFFIC];
	bool good;

	if (!cached)
		kdf_receive(t, k, &s->id, by->iss, by->irs, once);
	good = verified(t, k, cached ? k->rcv : once, sne, s);
	if (!cached)
		explicit_bzero(once, sizeof once);
	a->good += good;
	a->bad += !good;
	return good;
}

bool
ao_input(struct tcp *t, struct tcp_node *n, struct tcp_keys *set, struct seg *s)
{
	struct tcb *p = n != NULL && n->kind == NODE_PCB ? node_tcb(n) : NULL;
	struct tcp_ao *a = set != NULL ? &set->ao : NULL;
	struct signer by = {0};
	struct tcp_mkt *k;
	uint64_t near;

	if (a == NULL || !a->on ||
	    (n != NULL && n->kind == NODE_HALF && !((struct tcp_half *)n)->ao))
		return drop(t, DROP_TCP_AO_UNEXPECTED) == NEXT;
	k = ao_find(a, &s->id.raddr, -1, s->h.ao.keyid);
	if (s->h.ao.bad || s->h.has_md5) {
		a->bad++;
		return drop(t, DROP_TCP_AO_WRONG) == NEXT;
	}
	if (k == NULL) {
		a->not_found++;
		return drop(t, DROP_TCP_AO_KEY) == NEXT;
	}
	if (p != NULL && p->state != TCPS_SYN_SENT)
		derive(p, a);
	if (!numbers(n, a, s, &by, &near))
		return drop(t, DROP_TCP_NO_ACK) == NEXT;
	if (!judge(t, a, k, &by, near, s))
		return drop(t, DROP_TCP_AO_WRONG) == NEXT;
	by.ao = k;
	by.rnext = k->k.rcvid;
	s->by = by;
	if (n != NULL && n->kind != NODE_HALF &&
	    (s->h.flags & (TH_SYN | TH_ACK)) != TH_SYN)
		rotate(p, a, s);
	return true;
}

/* RFC 5925 7.8, as Linux has it: hard errors, which anybody can make up, say
 * nothing about a connection that is proven to be with its peer. */
bool
ao_ignores(struct tcb *p, enum tcp_icmp what)
{
	bool v4 = ipaddr_is_v4(&p->h->node.id.raddr);
	struct tcp_keys *set = p->md5.keys;

	if (set == NULL || !set->ao.on || set->ao.accept_icmps ||
	    !synchronized(p))
		return false;
	if (what != TCP_ICMP_PORT_UNREACH &&
	    what != (v4 ? TCP_ICMP_PROTO_UNREACH : TCP_ICMP_ADMIN) &&
	    !(v4 && what == TCP_ICMP_TOO_BIG))
		return false;
	set->ao.icmps++;
	drop(p->t, DROP_TCP_AO_ICMP);
	return true;
}
