/* SPDX-License-Identifier: ISC */
/*
 * Keys of TCP-AO in their several shapes; see aokey.h.
 */
#include <errno.h>
#include <string.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include "ipc/aokey.h"

#define MAC_USUAL 12 /* RFC 5926 3.2 */

_Static_assert((int)AOKEY_ALGS == (int)TCP_AO_ALGS, "AOKEY_ALGS");

static const char names[TCP_AO_ALGS][16] = {
    [TCP_AO_SHA1] = "hmac(sha1)",
    [TCP_AO_AES128] = "cmac(aes128)",
    [TCP_AO_SHA256] = "hmac(sha256)",
};

bool
aokey_is(int level, int name)
{
	return level == IPPROTO_TCP &&
	       (name == TCP_AO_ADD_KEY || name == TCP_AO_DEL_KEY ||
		   name == TCP_AO_INFO);
}

/* The peers; nothing but the prefix may be set, and no port. */
static int
get_peers(struct md5key *k, bool ipv6, const struct sockaddr_storage *from,
    unsigned prefix)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;
	unsigned most = 128, port;
	struct ipaddr masked;

	if (from->ss_family != (ipv6 ? AF_INET6 : AF_INET))
		return EINVAL;
	if (ipv6) {
		memcpy(&sin6, from, sizeof sin6);
		memcpy(k->addr.b, &sin6.sin6_addr, sizeof k->addr.b);
		port = sin6.sin6_port;
	} else {
		memcpy(&sin, from, sizeof sin);
		k->addr = ipaddr_v4(0);
		memcpy(k->addr.b + 12, &sin.sin_addr, 4);
		port = sin.sin_port;
	}
	if (ipaddr_is_v4(&k->addr))
		most = 32;
	if (port != 0 || prefix > most)
		return EINVAL;
	k->plen = (uint8_t)(128 - most + prefix);
	masked = ipaddr_masked(&k->addr, k->plen);
	return ipaddr_eq(&masked, &k->addr) ? 0 : EINVAL;
}

/* No interface is the master of others here. */
static bool
interface_ok(uint8_t keyflags, int32_t ifindex)
{
	return (keyflags & ~(TCPD_AO_KEY_IFINDEX | TCPD_AO_KEY_EXCLUDE_OPT)) ==
		   0 &&
	       ifindex == 0;
}

static int
algorithm(const char *name, size_t room, uint8_t *alg)
{
	if (memchr(name, '\0', room) == NULL)
		return EINVAL;
	for (*alg = 0; *alg < TCP_AO_ALGS; (*alg)++) {
		if (strcmp(name, names[*alg]) == 0)
			return 0;
	}
	return ENOENT;
}

static int
from_add(struct md5key *k, bool ipv6, const struct tcpd_ao_add *a)
{
	uint8_t alg;
	int err;

	if (a->flags & ~(TCPD_AO_SET_CURRENT | TCPD_AO_SET_RNEXT) ||
	    a->reserved2 != 0 || !interface_ok(a->keyflags, a->ifindex) ||
	    a->keylen == 0 || a->keylen > TCPD_AO_KEYLEN)
		return EINVAL;
	err = get_peers(k, ipv6, &a->addr, a->prefix);
	if (err == 0)
		err = algorithm(a->alg_name, sizeof a->alg_name, &alg);
	if (err != 0)
		return err;
	if (a->maclen > 16) /* beside a SYN's other options */
		return EMSGSIZE;
	k->ao = (uint8_t)(alg + 1);
	k->sndid = a->sndid;
	k->rcvid = a->rcvid;
	k->maclen = a->maclen != 0 ? a->maclen : MAC_USUAL;
	k->flags =
	    (uint8_t)((a->keyflags & TCPD_AO_KEY_EXCLUDE_OPT ? AOKEY_NO_OPTIONS
							     : 0) |
		      (a->flags & TCPD_AO_SET_CURRENT ? AOKEY_CURRENT : 0) |
		      (a->flags & TCPD_AO_SET_RNEXT ? AOKEY_RNEXT : 0));
	k->len = a->keylen;
	memcpy(k->key, a->key, a->keylen);
	return 0;
}

int
aokey_parse(struct md5key *k, bool ipv6, const void *val, uint32_t len)
{
	struct tcpd_ao_add a;
	int err;

	if (len < sizeof a)
		return EINVAL;
	memcpy(&a, val, sizeof a);
	memset(k, 0, sizeof *k);
	err = from_add(k, ipv6, &a);
	explicit_bzero(&a, sizeof a);
	return err;
}

int
aokey_parse_del(struct aokey_del *d, bool ipv6, const void *val, uint32_t len)
{
	struct tcpd_ao_del a;

	if (len < sizeof a)
		return EINVAL;
	memcpy(&a, val, sizeof a);
	memset(d, 0, sizeof *d);
	if (a.flags & ~(TCPD_AO_SET_CURRENT | TCPD_AO_SET_RNEXT |
			  TCPD_AO_DEL_ASYNC) ||
	    a.reserved2 != 0 || !interface_ok(a.keyflags, a.ifindex))
		return EINVAL;
	d->k.sndid = a.sndid;
	d->k.rcvid = a.rcvid;
	d->want.current = a.flags & TCPD_AO_SET_CURRENT ? a.current_key : -1;
	d->want.rnext = a.flags & TCPD_AO_SET_RNEXT ? a.rnext : -1;
	d->async = a.flags & TCPD_AO_DEL_ASYNC;
	return get_peers(&d->k, ipv6, &a.addr, a.prefix);
}

int
aokey_parse_info(struct tcp_ao_info *i, const void *val, uint32_t len)
{
	struct tcpd_ao_info a;

	if (len < sizeof a)
		return EINVAL;
	memcpy(&a, val, sizeof a);
	if (a.flags & ~0x1fu || a.reserved2 != 0)
		return EINVAL;
	*i = (struct tcp_ao_info){
	    .current = a.flags & TCPD_AO_SET_CURRENT ? a.current_key : -1,
	    .rnext = a.flags & TCPD_AO_SET_RNEXT ? a.rnext : -1,
	    .required = a.flags & TCPD_AO_REQUIRED,
	    .accept_icmps = a.flags & TCPD_AO_ACCEPT_ICMPS,
	    .set_counters = a.flags & TCPD_AO_SET_COUNTERS,
	    .good = a.good,
	    .bad = a.bad,
	    .not_found = a.key_not_found,
	    .missing = a.ao_required,
	    .icmps = a.dropped_icmp,
	};
	return 0;
}

void
aokey_value(const struct md5key *k, bool ipv6, void *val)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	struct sockaddr_in sin = {.sin_family = AF_INET};
	bool v4 = ipaddr_is_v4(&k->addr);
	struct tcpd_ao_add a = {
	    .flags = (k->flags & AOKEY_CURRENT ? TCPD_AO_SET_CURRENT : 0) |
		     (k->flags & AOKEY_RNEXT ? TCPD_AO_SET_RNEXT : 0),
	    .prefix = (uint8_t)(v4 ? k->plen - 96 : k->plen),
	    .sndid = k->sndid,
	    .rcvid = k->rcvid,
	    .maclen = k->maclen,
	    .keyflags =
		k->flags & AOKEY_NO_OPTIONS ? TCPD_AO_KEY_EXCLUDE_OPT : 0,
	    .keylen = k->len};

	memcpy(&sin6.sin6_addr, k->addr.b, 16);
	memcpy(&sin.sin_addr, k->addr.b + 12, 4);
	if (ipv6)
		memcpy(&a.addr, &sin6, sizeof sin6);
	else
		memcpy(&a.addr, &sin, sizeof sin);
	strcpy(a.alg_name, names[k->ao - 1]);
	memcpy(a.key, k->key, k->len);
	memcpy(val, &a, sizeof a);
	explicit_bzero(&a, sizeof a);
}

void
aokey_info_value(const struct tcp_ao_info *i, struct tcpd_ao_info *val)
{
	*val = (struct tcpd_ao_info){
	    .flags = (i->current >= 0 ? TCPD_AO_SET_CURRENT : 0) |
		     (i->rnext >= 0 ? TCPD_AO_SET_RNEXT : 0) |
		     (i->required ? TCPD_AO_REQUIRED : 0) |
		     (i->accept_icmps ? TCPD_AO_ACCEPT_ICMPS : 0),
	    .current_key = (uint8_t)(i->current >= 0 ? i->current : 0),
	    .rnext = (uint8_t)(i->rnext >= 0 ? i->rnext : 0),
	    .good = i->good,
	    .bad = i->bad,
	    .key_not_found = i->not_found,
	    .ao_required = i->missing,
	    .dropped_icmp = i->icmps,
	};
}

void
aokey_to_tcp(const struct md5key *k, struct tcp_ao_key *out)
{
	*out = (struct tcp_ao_key){.addr = k->addr,
	    .plen = k->plen,
	    .sndid = k->sndid,
	    .rcvid = k->rcvid,
	    .alg = (uint8_t)(k->ao - 1),
	    .maclen = k->maclen,
	    .no_options = k->flags & AOKEY_NO_OPTIONS,
	    .current = k->flags & AOKEY_CURRENT,
	    .rnext = k->flags & AOKEY_RNEXT,
	    .len = k->len};
	memcpy(out->key, k->key, k->len);
}

/* ---- those of a descriptor ---- */

static bool
overlap(const struct md5key *a, const struct md5key *b)
{
	return ipaddr_is_v4(&a->addr) == ipaddr_is_v4(&b->addr) &&
	       ipaddr_in(
		   &a->addr, &b->addr, a->plen < b->plen ? a->plen : b->plen);
}

/* flag is k's alone. */
static void
mark(struct md5keys *s, const struct md5key *k, uint8_t flag)
{
	uint32_t i;

	for (i = 0; i < s->n; i++)
		s->key[i].flags &= (uint8_t)~flag;
	s->key[k - s->key].flags |= flag;
}

int
aokeys_add(struct md5keys *s, const struct md5key *k)
{
	const struct md5key *x;
	uint8_t flags = k->flags;

	for (x = s->key; x < s->key + s->n; x++) {
		if (!overlap(x, k))
			continue;
		if (x->ao == 0)
			return EKEYREJECTED;
		if (x->sndid == k->sndid || x->rcvid == k->rcvid)
			return EEXIST;
	}
	if (s->n == MD5KEY_HELD)
		return ENOMEM;
	s->key[s->n++] = *k;
	s->ao |= AOKEYS_ON;
	if (flags & AOKEY_CURRENT)
		mark(s, &s->key[s->n - 1], AOKEY_CURRENT);
	if (flags & AOKEY_RNEXT)
		mark(s, &s->key[s->n - 1], AOKEY_RNEXT);
	return 0;
}

/* By one of its ids, or (-1) its mark, which is in flag. */
static const struct md5key *
find(const struct md5keys *s, int id, uint8_t flag)
{
	const struct md5key *k;

	for (k = s->key; k < s->key + s->n; k++) {
		if (k->ao == 0)
			continue;
		if (id < 0 ? (k->flags & flag) != 0
			   : id == (flag == AOKEY_RNEXT ? k->rcvid : k->sndid))
			return k;
	}
	return NULL;
}

static int
mark_wanted(struct md5keys *s, const struct tcp_ao_want *w)
{
	const struct md5key *current = find(s, w->current, AOKEY_CURRENT);
	const struct md5key *rnext = find(s, w->rnext, AOKEY_RNEXT);

	if ((w->current >= 0 && current == NULL) ||
	    (w->rnext >= 0 && rnext == NULL))
		return ENOENT;
	if (current != NULL)
		mark(s, current, AOKEY_CURRENT);
	if (rnext != NULL)
		mark(s, rnext, AOKEY_RNEXT);
	return 0;
}

int
aokeys_del(struct md5keys *s, const struct aokey_del *d)
{
	uint8_t marks = (uint8_t)((d->want.current < 0 ? AOKEY_CURRENT : 0) |
				  (d->want.rnext < 0 ? AOKEY_RNEXT : 0));
	struct md5key *k;
	int err;

	if (d->async)
		return EINVAL;
	for (k = s->key; k < s->key + s->n; k++) {
		if (k->ao != 0 && k->sndid == d->k.sndid &&
		    k->rcvid == d->k.rcvid && k->plen == d->k.plen &&
		    ipaddr_eq(&k->addr, &d->k.addr))
			break;
	}
	if (k == s->key + s->n)
		return ENOENT;
	if (k->flags & marks || d->want.current == k->sndid ||
	    d->want.rnext == k->rcvid)
		return EBUSY;
	err = mark_wanted(s, &d->want);
	if (err != 0)
		return err;
	*k = s->key[--s->n];
	explicit_bzero(&s->key[s->n], sizeof s->key[0]);
	return 0;
}

int
aokeys_set(struct md5keys *s, const struct tcp_ao_info *i)
{
	int err = mark_wanted(s, &(struct tcp_ao_want){i->current, i->rnext});
	uint32_t n;

	for (n = 0; n < s->n && err == 0; n++) {
		if (i->required && s->key[n].ao == 0)
			err = EKEYREJECTED;
	}
	if (err != 0)
		return err;
	s->ao = (uint8_t)(AOKEYS_ON | (i->required ? AOKEYS_REQUIRED : 0) |
			  (i->accept_icmps ? AOKEYS_ICMPS : 0));
	return 0;
}

int
aokeys_get(const struct md5keys *s, struct tcp_ao_info *i)
{
	const struct md5key *current = find(s, -1, AOKEY_CURRENT);
	const struct md5key *rnext = find(s, -1, AOKEY_RNEXT);

	if (s->ao == 0)
		return ENOENT;
	*i = (struct tcp_ao_info){
	    .current = current != NULL ? current->sndid : -1,
	    .rnext = rnext != NULL ? rnext->rcvid : -1,
	    .required = s->ao & AOKEYS_REQUIRED,
	    .accept_icmps = s->ao & AOKEYS_ICMPS};
	return 0;
}

uint32_t
keys_info(const struct md5keys *s, struct tcpd_ao_info *val)
{
	struct tcp_ao_info i = {.current = -1,
	    .rnext = -1,
	    .required = s->ao & AOKEYS_REQUIRED,
	    .accept_icmps = s->ao & AOKEYS_ICMPS};

	if ((s->ao & (AOKEYS_REQUIRED | AOKEYS_ICMPS)) == 0)
		return 0;
	aokey_info_value(&i, val);
	return sizeof *val;
}

uint32_t
key_value(const struct md5key *k, bool ipv6, void *val, int *name)
{
	*name = k->ao != 0 ? TCP_AO_ADD_KEY : TCP_MD5SIG_EXT;
	if (k->ao == 0) {
		md5key_value(k, ipv6, val);
		return MD5KEY_MD5_VALUE;
	}
	aokey_value(k, ipv6, val);
	return sizeof(struct tcpd_ao_add);
}

int
keys_change(
    struct md5keys *s, bool ipv6, int name, const void *val, uint32_t len)
{
	struct tcp_ao_info i;
	struct aokey_del d;
	struct md5key k;
	int err;

	switch (name) {
	case TCP_AO_ADD_KEY:
		err = aokey_parse(&k, ipv6, val, len);
		if (err == 0)
			err = aokeys_add(s, &k);
		break;
	case TCP_AO_DEL_KEY:
		err = aokey_parse_del(&d, ipv6, val, len);
		return err != 0 ? err : aokeys_del(s, &d);
	case TCP_AO_INFO:
		err = aokey_parse_info(&i, val, len);
		return err != 0 ? err : aokeys_set(s, &i);
	default:
		err = md5key_parse(&k, ipv6, name, val, len);
		if (err == 0)
			err = md5keys_set(s, &k);
	}
	explicit_bzero(&k, sizeof k);
	return err;
}
