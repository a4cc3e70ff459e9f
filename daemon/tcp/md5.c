/* SPDX-License-Identifier: ISC */
/*
 * TCP MD5 signatures (RFC 2385), as BGP's speakers use them: each segment of a
 * connection carries a digest of itself and of a key that both ends know.
 *
 * Keys are a listener's, for peers by their prefix, or a connection's.  Of
 * several the longest prefix counts.  A connection that a listener makes gets
 * a copy of its peer's key and keeps it, whatever becomes of the listener's;
 * a half-open one asks its listener each time; TIME-WAIT, which has no room,
 * leaves its key in a tree beside, where only signed ones are looked for.
 *
 * A segment without a signature where one is due, with one where none is, or
 * with a wrong one is dropped before anything else is done with it, and not
 * answered: so a reset that somebody else made does nothing.  A segment that
 * belongs to nothing is answered with a reset only when that can be signed.
 *
 * The digest is made outside (tcp_config.digest), in one call over everything;
 * keys are overwritten when they go.  A user has no way to read one.
 *
 * The same sets hold the keys of TCP-AO (ao.c), which takes over where they
 * count; a connection has keys of one kind.
 */
#include <errno.h>
#include "tcp/internal.h"
#include "wire/bytes.h"

int
tcp_key_cmp(struct tcp_key *a, struct tcp_key *b)
{
	if (a->plen != b->plen)
		return a->plen < b->plen ? -1 : 1;
	return memcmp(&a->addr, &b->addr, sizeof a->addr);
}

int
signed_tw_cmp(struct tcp_signed_tw *a, struct tcp_signed_tw *b)
{
	return memcmp(&a->id, &b->id, sizeof a->id);
}

RB_GENERATE(keytree, tcp_key, node, tcp_key_cmp)
RB_GENERATE(signedtws, tcp_signed_tw, node, signed_tw_cmp)

void
md5_init(struct tcp *t)
{
	RB_INIT(&t->md5.tws);
	slab_init(&t->md5.keys, sizeof(struct tcp_key), 0);
	slab_init(&t->md5.mkts, sizeof(struct tcp_mkt), 0);
	slab_init(&t->md5.sets, sizeof(struct tcp_keys), 0);
	slab_init(&t->md5.tw_slab, sizeof(struct tcp_signed_tw), 0);
}

void
md5_done(struct tcp *t)
{
	slab_done(&t->md5.keys);
	slab_done(&t->md5.mkts);
	slab_done(&t->md5.sets);
	slab_done(&t->md5.tw_slab);
}

/* ---- keys ---- */

static void
key_free(struct tcp *t, struct tcp_keys *set, struct tcp_key *k)
{
	RB_REMOVE(keytree, &set->tree, k);
	set->of_len[k->plen]--;
	set->n--;
	explicit_bzero(k, sizeof *k);
	slab_free(&t->md5.keys, k);
}

void
md5_free(struct tcp *t, struct tcp_keys **set)
{
	struct tcp_key *k;

	if (*set == NULL)
		return;
	while ((k = RB_MIN(keytree, &(*set)->tree)) != NULL)
		key_free(t, *set, k);
	ao_free(t, &(*set)->ao);
	slab_free(&t->md5.sets, *set);
	*set = NULL;
}

bool
md5_want_set(struct tcp *t, struct tcp_keys **set)
{
	if (*set != NULL)
		return true;
	if ((*set = slab_alloc(&t->md5.sets)) == NULL)
		return false;
	TAILQ_INIT(&(*set)->ao.mkts);
	return true;
}

void
md5_unwant_set(struct tcp *t, struct tcp_keys **set)
{
	if (*set != NULL && (*set)->n == 0 && !(*set)->ao.on)
		md5_free(t, set);
}

/* A prefix of IPv4 is a longer one of the mapped addresses, and none of IPv6
 * shorter than that is theirs. */
static const struct tcp_key *
find(const struct tcp_keys *set, const struct ipaddr *peer)
{
	int least = ipaddr_is_v4(peer) ? 96 : 0;
	struct tcp_key want, *k;

	for (int plen = 128; set != NULL && plen >= least; plen--) {
		if (set->of_len[plen] == 0)
			continue;
		want.plen = (uint8_t)plen;
		want.addr = ipaddr_masked(peer, (unsigned)plen);
		k = RB_FIND(keytree, (struct keytree *)&set->tree, &want);
		if (k != NULL)
			return k;
	}
	return NULL;
}

static int
set_key(struct tcp *t, struct tcp_keys **set, const struct tcp_md5 *m)
{
	struct tcp_key *k,
	    want = {.plen = m->plen, .addr = ipaddr_masked(&m->addr, m->plen)};

	if (m->plen > 128 || m->len > TCP_MD5_KEY)
		return -EINVAL;
	if (t->cfg.digest == NULL)
		return -EOPNOTSUPP;
	if (*set == NULL && m->len == 0)
		return -ENOENT;
	if (m->len > 0 && ao_due(*set, &m->addr))
		return -EKEYREJECTED;
	if (!md5_want_set(t, set))
		return -ENOMEM;
	k = RB_FIND(keytree, &(*set)->tree, &want);
	if (m->len == 0) {
		if (k == NULL)
			return -ENOENT;
		key_free(t, *set, k);
		md5_unwant_set(t, set);
		return 0;
	}
	if (k == NULL) {
		if ((k = slab_alloc(&t->md5.keys)) == NULL) {
			md5_unwant_set(t, set);
			return -ENOMEM;
		}
		k->plen = want.plen;
		k->addr = want.addr;
		RB_INSERT(keytree, &(*set)->tree, k);
		(*set)->of_len[k->plen]++;
		(*set)->n++;
	}
	memset(k->secret, 0, sizeof k->secret);
	memcpy(k->secret, m->key, m->len);
	k->len = m->len;
	return 0;
}

int
tcp_bind_md5(struct tcp_bind *b, const struct tcp_md5 *m)
{
	return set_key(b->t, &b->keys, m);
}

size_t
tcp_bind_keys(const struct tcp_bind *b)
{
	return b->keys != NULL ? b->keys->n + b->keys->ao.n : 0;
}

struct tcp_keys *
tcp_bind_keys_take(struct tcp_bind *b)
{
	struct tcp_keys *k = b->keys;

	b->keys = NULL;
	return k;
}

void
tcp_bind_keys_give(struct tcp *t, struct tcp_bind *b, struct tcp_keys *k)
{
	if (b != NULL) {
		md5_free(t, &b->keys);
		b->keys = k;
	} else {
		md5_free(t, &k);
	}
}

static bool
has_ao(const struct tcb *p)
{
	return p->md5.keys != NULL && p->md5.keys->ao.on;
}

/* Which of its keys counts. */
static void
choose(struct tcb *p)
{
	p->md5.key = has_ao(p) ? NULL : find(p->md5.keys, &p->h->node.id.raddr);
	if (has_ao(p))
		p->md5.room = wire_ao_len(p->md5.keys->ao.current->k.maclen);
	else
		p->md5.room = p->md5.key != NULL ? WIRE_TCP_MD5_LEN : 0;
}

void
md5_adopt(struct tcb *p)
{
	choose(p);
	if (p->state == TCPS_CLOSED || p->flags & PF_FINISHED)
		return;
	/* As on Linux: no room for all, and SACK is worth more. */
	if (p->state == TCPS_SYN_SENT && p->md5.key != NULL)
		p->flags &= ~PF_TS;
	pcb_set_mss(p);
}

int
pcb_set_md5(struct tcb *p, const struct tcp_md5 *m)
{
	int r = m->len > 0 && has_ao(p) ? -EKEYREJECTED
					: set_key(p->t, &p->md5.keys, m);

	md5_adopt(p);
	return r;
}

size_t
pcb_keys(const struct tcb *p)
{
	return p->md5.keys != NULL ? p->md5.keys->n + p->md5.keys->ao.n : 0;
}

bool
md5_inherit(struct tcb *p, const struct tcp_bind *b, const struct tcp_half *h)
{
	const struct tcp_key *k = find(b->keys, &p->h->node.id.raddr);
	struct tcp_md5 m = {.addr = p->h->node.id.raddr, .plen = 128};
	int r;

	if (!ao_inherit(p, b, h))
		return false;
	if (k == NULL || has_ao(p)) {
		choose(p);
		return true;
	}
	m.len = k->len;
	memcpy(m.key, k->secret, k->len);
	r = set_key(p->t, &p->md5.keys, &m);
	explicit_bzero(&m, sizeof m);
	choose(p);
	return r == 0;
}

const struct tcp_key *
md5_key(const struct tcp_bind *b, const struct ipaddr *peer)
{
	return find(b->keys, peer);
}

/* ---- TIME-WAIT ---- */

static struct tcp_signed_tw *
find_tw(const struct tcp *t, const struct tuple *id)
{
	struct tcp_signed_tw want;

	if (RB_EMPTY(&t->md5.tws))
		return NULL;
	want.id = *id;
	return RB_FIND(signedtws, (struct signedtws *)&t->md5.tws, &want);
}

bool
md5_tw_enter(struct tcb *p)
{
	struct tcp *t = p->t;
	struct tcp_signed_tw *w;

	if (p->md5.key == NULL && !has_ao(p))
		return true;
	if (has_ao(p))
		ao_settle(p);
	if ((w = slab_alloc(&t->md5.tw_slab)) == NULL)
		return false;
	w->id = p->h->node.id;
	w->keys = p->md5.keys;
	w->key = p->md5.key;
	p->md5.keys = NULL;
	p->md5.key = NULL;
	RB_INSERT(signedtws, &t->md5.tws, w);
	return true;
}

void
md5_tw_gone(struct tcp *t, const struct tuple *id)
{
	struct tcp_signed_tw *w = find_tw(t, id);

	if (w == NULL)
		return;
	RB_REMOVE(signedtws, &t->md5.tws, w);
	md5_free(t, &w->keys);
	slab_free(&t->md5.tw_slab, w);
}

/* ---- digests ---- */

size_t
md5_put_head(uint8_t b[HEAD_MAX], const struct ipaddr *src,
    const struct ipaddr *dst, const uint8_t *tcp, uint32_t len)
{
	uint8_t *p = b;

	if (ipaddr_is_v4(src)) {
		put32(p, ipaddr_to_v4(src));
		put32(p + 4, ipaddr_to_v4(dst));
		put16(p + 8, 6);
		put16(p + 10, (uint16_t)len);
		p += 12;
	} else {
		memcpy(p, src, sizeof *src);
		memcpy(p + 16, dst, sizeof *dst);
		put32(p + 32, len);
		put32(p + 36, 6);
		p += 40;
	}
	memcpy(p, tcp, WIRE_TCP_HDR_MIN);
	put16(p + WIRE_TCP_CSUM_OFF, 0);
	return (size_t)(p + WIRE_TCP_HDR_MIN - b);
}

static struct span
secret(const struct tcp_key *k)
{
	return (struct span){(void *)(uintptr_t)k->secret, k->len};
}

void
md5_option(const struct tcb *p, struct wire_tcp *h)
{
	if (has_ao(p))
		ao_option(p, &h->ao);
	else
		h->has_md5 = p->md5.key != NULL;
}

void
md5_sign(struct tcb *p, struct tcp_out *out)
{
	struct span spans[FRAME_SPANS];
	uint8_t head[HEAD_MAX];
	unsigned n = out->nspans;

	if (has_ao(p)) {
		ao_sign(p, out);
		return;
	}
	if (p->md5.key == NULL)
		return;
	CHECK(out->gso_size == 0); /* each segment has its own */
	spans[0].base = head;
	spans[0].len = md5_put_head(head, &out->src, &out->dst, out->hdr,
	    out->hdr_len + out->payload_len);
	memcpy(&spans[1], out->spans, n * sizeof spans[0]);
	spans[n + 1] = secret(p->md5.key);
	p->t->cfg.digest->md5(spans, n + 2, out->hdr + WIRE_TCP_MD5_AT);
}

void
md5_sign_ctl(const struct tcp *t, const struct signer *by,
    const struct tuple *id, struct wire_tcp *h)
{
	uint8_t hdr[WIRE_TCP_HDR_MAX], head[HEAD_MAX];
	struct span spans[2] = {{.base = head}};
	size_t len;

	if (by->ao != NULL) {
		ao_sign_ctl(t, by, id, h);
		return;
	}
	if (by->md5 == NULL)
		return;
	spans[1] = secret(by->md5);
	h->has_md5 = true;
	len = wire_tcp_emit(h, hdr);
	spans[0].len =
	    md5_put_head(head, &id->laddr, &id->raddr, hdr, (uint32_t)len);
	t->cfg.digest->md5(spans, 2, h->md5);
}

struct signer
md5_signer_pcb(struct tcb *p)
{
	return has_ao(p) ? ao_signer_pcb(p)
			 : (struct signer){.md5 = p->md5.key};
}

bool
md5_signer_half(const struct tcp_half *h, struct signer *by)
{
	if (h->ao)
		return ao_signer_half(h, by);
	*by = (struct signer){.md5 = md5_key(h->listener, &h->node.id.raddr)};
	return true;
}

struct signer
md5_signer_tw(const struct tcp *t, const struct tuple *id)
{
	const struct tcp_signed_tw *w = find_tw(t, id);

	if (w == NULL)
		return (struct signer){0};
	return w->keys->ao.on ? ao_signer_tw(w->keys)
			      : (struct signer){.md5 = w->key};
}

/* In a time that does not tell how many bytes were right. */
static bool
same(const uint8_t *a, const uint8_t *b)
{
	unsigned i, d = 0;

	for (i = 0; i < WIRE_TCP_MD5; i++)
		d |= a[i] ^ b[i];
	return d == 0;
}

static bool
verified(const struct tcp *t, const struct tcp_key *k, const struct seg *s)
{
	const uint8_t *tcp = s->in->buf->data + s->in->off;
	uint8_t head[HEAD_MAX], digest[WIRE_TCP_MD5];
	struct span spans[3] = {{.base = head},
	    {(void *)(uintptr_t)(tcp + s->h.hdr_len),
		s->in->len - s->h.hdr_len},
	    secret(k)};

	spans[0].len =
	    md5_put_head(head, &s->in->src, &s->in->dst, tcp, s->in->len);
	t->cfg.digest->md5(spans, 3, digest);
	return same(digest, s->h.md5) && !s->h.md5_twice;
}

/* ---- what arrives ---- */

/* The keys that are due on s, for n or (NULL) a listener, and of these the one
 * of MD5; false: s belongs to nothing. */
static bool
keys_due(struct tcp *t, const struct tcp_node *n, const struct seg *s,
    struct tcp_keys **set, const struct tcp_key **k)
{
	const struct tcp_bind *b = NULL;
	const struct tcp_signed_tw *w;

	*set = NULL;
	*k = NULL;
	if (n != NULL && n->kind == NODE_PCB) {
		*set = node_tcb(n)->md5.keys;
		*k = node_tcb(n)->md5.key;
		return true;
	}
	if (n != NULL && n->kind == NODE_HALF)
		b = ((const struct tcp_half *)n)->listener;
	/* What may begin a new connection is the listener's, as its key is. */
	else if (n == NULL || (s->h.flags & (TH_SYN | TH_ACK)) == TH_SYN)
		b = bind_lookup(t, &s->id);
	if (b != NULL) {
		*set = b->keys;
		*k = find(b->keys, &s->id.raddr);
	} else if (n != NULL && (w = find_tw(t, &s->id)) != NULL) {
		*set = w->keys;
		*k = w->key;
	}
	return b != NULL || n != NULL;
}

/* The same for TCP-AO, in what comes without its option. */
static bool
lacks_ao(const struct tcp_node *n, struct tcp_keys *set, const struct seg *s)
{
	bool half = n != NULL && n->kind == NODE_HALF;

	if (!(half && ((const struct tcp_half *)n)->ao) &&
	    !ao_due(set, &s->id.raddr))
		return false;
	if (set != NULL)
		set->ao.missing++;
	return true;
}

bool
md5_input(struct tcp *t, struct tcp_node *n, struct seg *s)
{
	const struct tcp_key *k;
	struct tcp_keys *set;

	/* Nobody has a key, as nearly always. */
	if (t->md5.sets.used == 0 && !s->h.has_md5 && !s->h.ao.present)
		return true;
	if (!keys_due(t, n, s, &set, &k))
		return true;
	if (s->h.ao.present)
		return ao_input(t, n, set, s);
	if (lacks_ao(n, set, s))
		return drop(t, DROP_TCP_AO_MISSING) == NEXT;
	if (k == NULL && !s->h.has_md5)
		return true;
	if (k == NULL)
		return drop(t, DROP_TCP_MD5_UNEXPECTED) == NEXT;
	if (!s->h.has_md5)
		return drop(t, DROP_TCP_MD5_MISSING) == NEXT;
	if (!verified(t, k, s))
		return drop(t, DROP_TCP_MD5_WRONG) == NEXT;
	s->by.md5 = k;
	return true;
}

bool
md5_may_reset(struct tcp *t, struct seg *s)
{
	struct tuple other = s->id;
	const struct tcp_bind *b;
	const struct tcp_key *k;

	if (s->h.ao.present && s->by.ao == NULL) {
		drop(t, DROP_TCP_AO_UNEXPECTED);
		return false;
	}
	if (!s->h.has_md5 || seg_signed(s))
		return true;
	/* A connection that was lost here, perhaps to where the port that we
	 * listen on ourselves is: then its key is the listener's. */
	other.lport = s->id.rport;
	if ((b = bind_lookup(t, &other)) == NULL ||
	    (k = find(b->keys, &s->id.raddr)) == NULL || !verified(t, k, s)) {
		drop(t, DROP_TCP_MD5_UNEXPECTED);
		return false;
	}
	s->by.md5 = k;
	return true;
}
