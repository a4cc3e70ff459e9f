/* SPDX-License-Identifier: ISC */
/*
 * Keys of TCP_MD5SIG and of TCP-AO that clients give their listeners and
 * connections, within what a user and a connection may have of them.
 */
#include <errno.h>
#include <string.h>
#include <netinet/in.h>
#include "proc/engine.h"

static void
stack_key(struct tcp_md5 *m, const struct md5key *k)
{
	*m = (struct tcp_md5){.addr = k->addr, .plen = k->plen, .len = k->len};
	memcpy(m->key, k->key, k->len);
}

/* Of either kind, for b or (NULL) p: 0 or a positive errno. */
static int
give(struct tcp_bind *b, struct tcp_pcb *p, const struct md5key *k)
{
	struct tcp_ao_key a;
	struct tcp_md5 m;
	int err;

	if (k->ao != 0) {
		aokey_to_tcp(k, &a);
		err = -tcp_ao_add(b, p, &a);
		explicit_bzero(&a, sizeof a);
		return err;
	}
	stack_key(&m, k);
	err = b != NULL ? -tcp_bind_md5(b, &m) : -tcp_pcb_md5(p, &m);
	explicit_bzero(&m, sizeof m);
	return err;
}

/* It is one too many. */
static void
take_back(struct tcp_bind *b, struct tcp_pcb *p, const struct md5key *k)
{
	static const struct tcp_ao_want as_it_is = {-1, -1};
	struct md5key none = *k;
	struct tcp_ao_key a;

	explicit_bzero(none.key, sizeof none.key);
	none.len = 0;
	if (k->ao == 0) {
		give(b, p, &none);
		return;
	}
	aokey_to_tcp(&none, &a);
	tcp_ao_del(b, p, &a, &as_it_is);
}

static void
count(struct bound *b)
{
	b->acct->keys -= b->nkeys;
	b->nkeys = (uint32_t)tcp_bind_keys(b->tb);
	b->acct->keys += b->nkeys;
}

int
bound_key(struct bound *b, const struct md5key *k)
{
	struct account *a = b->acct;
	int err;

	if (b->tb == NULL ||
	    (b->listening && k->flags & (AOKEY_CURRENT | AOKEY_RNEXT)))
		return EINVAL;
	err = give(b->tb, NULL, k);
	if (tcp_bind_keys(b->tb) > b->nkeys && a->keys >= KEYS_PER_UID)
		bound_bury(a, b);
	if (tcp_bind_keys(b->tb) > b->nkeys && a->keys >= KEYS_PER_UID) {
		take_back(b->tb, NULL, k);
		err = ENOMEM;
	}
	count(b);
	return err;
}

static int
chan_key(struct chan *c, const struct md5key *k)
{
	struct md5key plain = *k;
	int err;

	/* What is to be taken back must not be in use. */
	if (k->ao != 0 && tcp_pcb_keys(c->pcb) >= KEYS_PER_CONN)
		return ENOMEM;
	err = give(NULL, c->pcb, k);
	if (tcp_pcb_keys(c->pcb) > KEYS_PER_CONN) {
		take_back(NULL, c->pcb, &plain);
		err = ENOMEM;
	}
	explicit_bzero(&plain, sizeof plain);
	return err;
}

int
chan_keys(struct chan *c, const struct md5keys *s)
{
	struct tcp_ao_info i = {
	    .current = -1,
	    .rnext = -1,
	    .required = s->ao & AOKEYS_REQUIRED,
	    .accept_icmps = s->ao & AOKEYS_ICMPS,
	};
	const struct md5key *k;
	bool ao = false;
	int err = 0;

	for (k = s->key; k < s->key + s->n && err == 0; k++) {
		err = chan_key(c, k);
		ao = ao || k->ao != 0;
	}
	if (err == 0 && (ao || i.required))
		err = -tcp_ao_set(NULL, c->pcb, &i);
	return err;
}

static int
del_key(
    struct bound *b, struct chan *c, bool ipv6, const void *val, uint32_t len)
{
	struct tcp_ao_key k;
	struct aokey_del d;
	int err;

	err = aokey_parse_del(&d, ipv6, val, len);
	if (err != 0)
		return err;
	aokey_to_tcp(&d.k, &k);
	if (b == NULL)
		return d.async ? EINVAL
			       : -tcp_ao_del(NULL, c->pcb, &k, &d.want);
	if (d.want.current >= 0 || d.want.rnext >= 0)
		return EINVAL;
	err = -tcp_ao_del(b->tb, NULL, &k, &d.want);
	count(b);
	return err;
}

static int
set_info(struct bound *b, struct chan *c, const void *val, uint32_t len)
{
	struct tcp_ao_info i;
	int err;

	err = aokey_parse_info(&i, val, len);
	if (err == 0)
		err = -tcp_ao_set(
		    b != NULL ? b->tb : NULL, b != NULL ? NULL : c->pcb, &i);
	return err;
}

int
keys_setopt(
    struct bound *b, struct chan *c, const struct proto_opt *o, const void *val)
{
	bool ipv6 = b != NULL ? b->opts.ipv6 : c->opts.ipv6;
	struct md5key k;
	int err;

	if (b != NULL && b->tb == NULL)
		return EINVAL;
	if (o->name == TCP_AO_DEL_KEY)
		return del_key(b, c, ipv6, val, o->len);
	if (o->name == TCP_AO_INFO)
		return set_info(b, c, val, o->len);
	err = o->name == TCP_AO_ADD_KEY
		  ? aokey_parse(&k, ipv6, val, o->len)
		  : md5key_parse(&k, ipv6, o->name, val, o->len);
	if (err == 0)
		err = b != NULL ? bound_key(b, &k) : chan_key(c, &k);
	explicit_bzero(&k, sizeof k);
	return err;
}

int
keys_getopt(
    const struct bound *b, const struct chan *c, void *val, uint32_t *len)
{
	struct tcpd_ao_info out;
	struct tcp_ao_info i;
	int err;

	if (b != NULL && b->tb == NULL)
		return ENOENT;
	err = -tcp_ao_get(
	    b != NULL ? b->tb : NULL, b != NULL ? NULL : c->pcb, &i);
	if (err != 0)
		return err;
	aokey_info_value(&i, &out);
	sockopt_copy(val, len, &out, sizeof out);
	return 0;
}
