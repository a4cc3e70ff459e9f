/* SPDX-License-Identifier: ISC */
/*
 * The master keys of TCP-AO (RFC 5925 3.1): a listener's, of which each
 * connection takes those for its peer, and a connection's, with the one that
 * it signs with (current) and the one that it asks its peer for (rnext).
 *
 * Two keys for the same peer have no id in common, and no peer has keys of
 * TCP-AO and of MD5 (RFC 5925 1.2).  Errnos are Linux's.
 */
#include <errno.h>
#include "tcp/internal.h"

#define AES_BYTES 16

static bool
is_for(const struct tcp_ao_key *k, const struct ipaddr *peer)
{
	return ipaddr_is_v4(&k->addr) == ipaddr_is_v4(peer) &&
	       ipaddr_in(peer, &k->addr, k->plen);
}

/* The first key for peer with these ids; -1: any. */
struct tcp_mkt *
ao_find(const struct tcp_ao *a, const struct ipaddr *peer, int sndid, int rcvid)
{
	struct tcp_mkt *k;

	TAILQ_FOREACH (k, &a->mkts, link) {
		if ((sndid < 0 || k->k.sndid == sndid) &&
		    (rcvid < 0 || k->k.rcvid == rcvid) &&
		    (peer == NULL || is_for(&k->k, peer)))
			return k;
	}
	return NULL;
}

bool
ao_due(const struct tcp_keys *set, const struct ipaddr *peer)
{
	return set != NULL && set->ao.on &&
	       (set->ao.required || ao_find(&set->ao, peer, -1, -1) != NULL);
}

static struct tcp *
layer_of(const struct tcp_bind *b, const struct tcb *p)
{
	return b != NULL ? b->t : p->t;
}

static void
mkt_free(struct tcp *t, struct tcp_ao *a, struct tcp_mkt *k)
{
	TAILQ_REMOVE(&a->mkts, k, link);
	a->n--;
	explicit_bzero(k, sizeof *k);
	slab_free(&t->md5.mkts, k);
}

void
ao_free(struct tcp *t, struct tcp_ao *a)
{
	struct tcp_mkt *k;

	while ((k = TAILQ_FIRST(&a->mkts)) != NULL)
		mkt_free(t, a, k);
	a->current = a->rnext = NULL;
	a->on = false;
}

/* RFC 5926 3.1.1.2: a key of AES has 16 bytes, or is made to have them. */
static void
put_key(const struct tcp *t, struct tcp_mkt *k, const struct tcp_ao_key *from)
{
	struct span in = {(void *)(uintptr_t)from->key, from->len};
	uint8_t zero[AES_BYTES] = {0}, made[TCP_AO_TRAFFIC];

	k->k = *from;
	k->k.addr = ipaddr_masked(&from->addr, from->plen);
	if (from->alg != TCP_AO_AES128 || from->len == AES_BYTES)
		return;
	t->cfg.digest->mac(TCP_AO_AES128, zero, sizeof zero, &in, 1, made);
	explicit_bzero(k->k.key, sizeof k->k.key);
	memcpy(k->k.key, made, AES_BYTES);
	k->k.len = AES_BYTES;
	explicit_bzero(made, sizeof made);
}

static struct tcp_mkt *
mkt_new(struct tcp *t, struct tcp_ao *a, const struct tcp_ao_key *from)
{
	struct tcp_mkt *k = slab_alloc(&t->md5.mkts);

	if (k == NULL)
		return NULL;
	put_key(t, k, from);
	TAILQ_INSERT_TAIL(&a->mkts, k, link);
	a->n++;
	a->on = true;
	return k;
}

/* May a set of b's or p's have TCP-AO?  RFC 5925 1.2: not beside MD5. */
static int
may_have(const struct tcp_bind *b, const struct tcb *p)
{
	const struct tcp_digest *d = layer_of(b, p)->cfg.digest;

	if (d == NULL || d->mac == NULL)
		return -EOPNOTSUPP;
	if (p == NULL || (p->md5.keys != NULL && p->md5.keys->ao.on))
		return 0;
	if (p->md5.key != NULL)
		return -EKEYREJECTED;
	return p->state == TCPS_SYN_SENT && p->segs_out == 0 ? 0 : -EISCONN;
}

/* For some of the same peers. */
static bool
overlap(const struct tcp_ao_key *a, const struct tcp_ao_key *b)
{
	return a->plen < b->plen ? is_for(a, &b->addr) : is_for(b, &a->addr);
}

/* One for some of the same peers with an id of k's. */
static bool
clashes(const struct tcp_ao *a, const struct tcp_ao_key *k)
{
	const struct tcp_mkt *x;

	TAILQ_FOREACH (x, &a->mkts, link) {
		if ((x->k.sndid == k->sndid || x->k.rcvid == k->rcvid) &&
		    overlap(&x->k, k))
			return true;
	}
	return false;
}

/* With k too, how many would be for all of its peers?  0: too many for one. */
static uint16_t
within(const struct tcp_ao *a, const struct tcp_ao_key *k)
{
	const struct tcp_mkt *x;
	uint16_t n = 1;

	TAILQ_FOREACH (x, &a->mkts, link) {
		if (!overlap(&x->k, k))
			continue;
		n += x->k.plen <= k->plen;
		if (n > TCP_AO_PEER_KEYS ||
		    (x->k.plen >= k->plen && x->within == TCP_AO_PEER_KEYS))
			return 0;
	}
	return n;
}

/* There is one more or less for the peers of k. */
static void
count_within(struct tcp_ao *a, const struct tcp_mkt *k, int more)
{
	struct tcp_mkt *x;

	TAILQ_FOREACH (x, &a->mkts, link) {
		if (x != k && x->k.plen >= k->k.plen && overlap(&x->k, &k->k))
			x->within = (uint16_t)(x->within + more);
	}
}

int
pcb_ao_add(struct tcp_bind *b, struct tcb *p, const struct tcp_ao_key *k)
{
	struct tcp_keys **set = b != NULL ? &b->keys : &p->md5.keys;
	struct tcp *t = layer_of(b, p);
	int r = may_have(b, p);
	struct tcp_mkt *new;
	uint16_t n = 1;

	if (k->plen > 128 || k->len == 0 || k->len > sizeof k->key ||
	    k->alg >= TCP_AO_ALGS || k->maclen == 0 ||
	    k->maclen > WIRE_TCP_AO_MAC)
		return -EINVAL;
	if (r != 0)
		return r;
	if (p != NULL && !is_for(k, &p->h->node.id.raddr))
		return -EINVAL;
	if (b != NULL && md5_key(b, &k->addr) != NULL)
		return -EKEYREJECTED;
	if (*set != NULL && clashes(&(*set)->ao, k))
		return -EEXIST;
	if (b != NULL && *set != NULL && (n = within(&(*set)->ao, k)) == 0)
		return -ENOMEM;
	if (!md5_want_set(t, set) ||
	    (new = mkt_new(t, &(*set)->ao, k)) == NULL) {
		md5_unwant_set(t, set);
		return -ENOMEM;
	}
	if (p == NULL) {
		new->within = n;
		count_within(&(*set)->ao, new, 1);
		return 0;
	}
	if ((*set)->ao.derived)
		ao_derive(t, &p->h->node.id, &(*set)->ao, new);
	if (k->current || (*set)->ao.current == NULL)
		(*set)->ao.current = new;
	if (k->rnext || (*set)->ao.rnext == NULL)
		(*set)->ao.rnext = new;
	md5_adopt(p);
	/* The peer hears of what is asked of him. */
	if (k->rnext && synchronized(p)) {
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
	}
	return 0;
}

/* The keys that w names; false: one is not there. */
static bool
named(const struct tcp_ao *a, const struct tcp_ao_want *w,
    struct tcp_mkt **current, struct tcp_mkt **rnext)
{
	*current =
	    w->current < 0 ? a->current : ao_find(a, NULL, w->current, -1);
	*rnext = w->rnext < 0 ? a->rnext : ao_find(a, NULL, -1, w->rnext);
	return (w->current < 0 || *current != NULL) &&
	       (w->rnext < 0 || *rnext != NULL);
}

static void
change(struct tcb *p, struct tcp_ao *a, struct tcp_mkt *current,
    struct tcp_mkt *rnext)
{
	bool tell = rnext != a->rnext;

	a->current = current;
	a->rnext = rnext;
	md5_adopt(p);
	if (tell && synchronized(p)) {
		p->flags |= PF_ACK_NOW;
		pcb_ready(p);
	}
}

int
pcb_ao_del(struct tcp_bind *b, struct tcb *p, const struct tcp_ao_key *k,
    const struct tcp_ao_want *w)
{
	struct tcp_keys **set = b != NULL ? &b->keys : &p->md5.keys;
	struct ipaddr addr = ipaddr_masked(&k->addr, k->plen);
	struct tcp_mkt *x, *current, *rnext;
	struct tcp_ao *a;

	if (*set == NULL || !(*set)->ao.on)
		return -ENOENT;
	a = &(*set)->ao;
	if (!named(a, w, &current, &rnext))
		return -ENOENT;
	TAILQ_FOREACH (x, &a->mkts, link) {
		if (x->k.sndid == k->sndid && x->k.rcvid == k->rcvid &&
		    x->k.plen == k->plen && ipaddr_eq(&x->k.addr, &addr))
			break;
	}
	if (x == NULL)
		return -ENOENT;
	if (p != NULL && (x == current || x == rnext))
		return -EBUSY;
	if (p != NULL)
		change(p, a, current, rnext);
	else
		count_within(a, x, -1);
	mkt_free(layer_of(b, p), a, x);
	if (b != NULL && a->n == 0 && !a->required) {
		a->on = false;
		md5_unwant_set(b->t, set);
	}
	return 0;
}

int
pcb_ao_set(struct tcp_bind *b, struct tcb *p, const struct tcp_ao_info *i)
{
	struct tcp_keys **set = b != NULL ? &b->keys : &p->md5.keys;
	struct tcp_ao_want w = {i->current, i->rnext};
	struct tcp_mkt *current, *rnext;
	struct tcp_ao *a;

	/* A connection without a key would have nothing to sign with. */
	if (p != NULL && (*set == NULL || !(*set)->ao.on))
		return p->state == TCPS_SYN_SENT ? -EKEYREJECTED : -EISCONN;
	if (b != NULL && (w.current >= 0 || w.rnext >= 0))
		return -EINVAL;
	if (b != NULL && i->required && *set != NULL && (*set)->n > 0)
		return -EKEYREJECTED;
	if (may_have(b, p) != 0)
		return may_have(b, p);
	if (!md5_want_set(layer_of(b, p), set))
		return -ENOMEM;
	a = &(*set)->ao;
	if (!named(a, &w, &current, &rnext))
		return -ENOENT;
	if (p != NULL)
		change(p, a, current, rnext);
	a->on = true;
	a->required = i->required;
	a->accept_icmps = i->accept_icmps;
	if (i->set_counters) {
		a->good = i->good;
		a->bad = i->bad;
		a->not_found = i->not_found;
		a->missing = i->missing;
		a->icmps = i->icmps;
	}
	return 0;
}

int
pcb_ao_get(const struct tcp_bind *b, const struct tcb *p, struct tcp_ao_info *i)
{
	const struct tcp_keys *set = b != NULL ? b->keys : p->md5.keys;
	const struct tcp_ao *a;

	if (set == NULL || !set->ao.on)
		return -ENOENT;
	a = &set->ao;
	*i = (struct tcp_ao_info){
	    .current = a->current != NULL ? a->current->k.sndid : -1,
	    .rnext = a->rnext != NULL ? a->rnext->k.rcvid : -1,
	    .required = a->required,
	    .accept_icmps = a->accept_icmps,
	    .good = a->good,
	    .bad = a->bad,
	    .not_found = a->not_found,
	    .missing = a->missing,
	    .icmps = a->icmps,
	};
	return 0;
}

/* Of h's listener, all for its peer; the handshake has chosen among them. */
bool
ao_inherit(struct tcb *p, const struct tcp_bind *b, const struct tcp_half *h)
{
	const struct ipaddr *peer = &p->h->node.id.raddr;
	struct tcp_mkt *k, *copy;
	struct tcp_ao *a;

	if (!ao_due(b->keys, peer))
		return h == NULL || !h->ao;
	if (!md5_want_set(p->t, &p->md5.keys))
		return false;
	a = &p->md5.keys->ao;
	a->required = b->keys->ao.required;
	a->accept_icmps = b->keys->ao.accept_icmps;
	TAILQ_FOREACH (k, &b->keys->ao.mkts, link) {
		if (!is_for(&k->k, peer))
			continue;
		if ((copy = mkt_new(p->t, a, &k->k)) == NULL)
			return false;
	}
	a->current = ao_find(a, peer, h != NULL ? h->ao_keyid : -1, -1);
	a->rnext = ao_find(a, peer, -1, h != NULL ? h->ao_rnext : -1);
	return a->current != NULL && a->rnext != NULL;
}

void
ao_check(const struct tcb *p)
{
	const struct tcp_keys *set = p->md5.keys;
	const struct tcp_mkt *k;
	bool current = false, rnext = false;
	size_t n = 0;

	if (set == NULL || !set->ao.on)
		return;
	TAILQ_FOREACH (k, &set->ao.mkts, link) {
		n++;
		current |= k == set->ao.current;
		rnext |= k == set->ao.rnext;
	}
	CHECK(n == set->ao.n && current && rnext);
	CHECK(p->md5.key == NULL);
	CHECK(p->md5.room == wire_ao_len(set->ao.current->k.maclen));
}
