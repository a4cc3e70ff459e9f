/* SPDX-License-Identifier: ISC */
/*
 * Keys of TCP_MD5SIG in their several shapes; see md5key.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tcp.h>
#include "ipc/md5key.h"
#include "tcpd/ao.h"
#include "tcpd/proto.h"

_Static_assert(
    sizeof(struct tcp_md5sig) == MD5KEY_MD5_VALUE, "MD5KEY_MD5_VALUE");
_Static_assert(TCP_MD5SIG_MAXKEYLEN == MD5KEY_MAX, "MD5KEY_MAX");

/* What stands in the journal: all of a struct md5key but its room. */
#define HEAD_BYTES offsetof(struct md5key, key)

bool
md5key_is(int level, int name)
{
	return level == IPPROTO_TCP &&
	       (name == TCP_MD5SIG || name == TCP_MD5SIG_EXT);
}

bool
md5key_kept(int level, int name)
{
	return md5key_is(level, name) ||
	       (level == IPPROTO_TCP &&
		   (name == TCP_AO_ADD_KEY || name == TCP_AO_INFO));
}

/* The peer's address; false: not of the socket's family. */
static bool
get_addr(const struct tcp_md5sig *m, bool ipv6, struct ipaddr *out)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (ipv6) {
		memcpy(&sin6, &m->tcpm_addr, sizeof sin6);
		memcpy(out->b, &sin6.sin6_addr, sizeof out->b);
		return sin6.sin6_family == AF_INET6;
	}
	memcpy(&sin, &m->tcpm_addr, sizeof sin);
	*out = ipaddr_v4(0);
	memcpy(out->b + 12, &sin.sin_addr, 4);
	return sin.sin_family == AF_INET;
}

static int
from_sig(struct md5key *k, bool ipv6, const struct tcp_md5sig *m, uint8_t flags)
{
	unsigned most, plen;

	if (!get_addr(m, ipv6, &k->addr))
		return EINVAL;
	most = ipaddr_is_v4(&k->addr) ? 32 : 128;
	plen = flags & TCP_MD5SIG_FLAG_PREFIX ? m->tcpm_prefixlen : most;
	/* No interface is the master of others here. */
	if (plen > most ||
	    (flags & TCP_MD5SIG_FLAG_IFINDEX && m->tcpm_ifindex != 0) ||
	    m->tcpm_keylen > MD5KEY_MAX)
		return EINVAL;
	k->plen = (uint8_t)(128 - most + plen);
	k->addr = ipaddr_masked(&k->addr, k->plen);
	k->len = (uint8_t)m->tcpm_keylen;
	memcpy(k->key, m->tcpm_key, k->len);
	return 0;
}

int
md5key_parse(
    struct md5key *k, bool ipv6, int name, const void *val, uint32_t len)
{
	struct tcp_md5sig m;
	int err;

	if (len < sizeof m)
		return EINVAL;
	memcpy(&m, val, sizeof m);
	memset(k, 0, sizeof *k);
	err = from_sig(k, ipv6, &m, name == TCP_MD5SIG ? 0 : m.tcpm_flags);
	explicit_bzero(&m, sizeof m);
	return err;
}

void
md5key_value(const struct md5key *k, bool ipv6, void *val)
{
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
	struct sockaddr_in sin = {.sin_family = AF_INET};
	bool v4 = ipaddr_is_v4(&k->addr);
	struct tcp_md5sig m = {.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX,
	    .tcpm_prefixlen = (uint8_t)(v4 ? k->plen - 96 : k->plen),
	    .tcpm_keylen = k->len};

	memcpy(&sin6.sin6_addr, k->addr.b, 16);
	memcpy(&sin.sin_addr, k->addr.b + 12, 4);
	if (ipv6)
		memcpy(&m.tcpm_addr, &sin6, sizeof sin6);
	else
		memcpy(&m.tcpm_addr, &sin, sizeof sin);
	memcpy(m.tcpm_key, k->key, k->len);
	memcpy(val, &m, sizeof m);
	explicit_bzero(&m, sizeof m);
}

/* ---- those of a descriptor ---- */

int
md5keys_set(struct md5keys *s, const struct md5key *k)
{
	const struct md5key *x;
	uint32_t i = 0;

	while (i < s->n && (s->key[i].ao != 0 || s->key[i].plen != k->plen ||
			       !ipaddr_eq(&s->key[i].addr, &k->addr)))
		i++;
	if (i == s->n && k->len == 0)
		return ENOENT;
	for (x = s->key; x < s->key + s->n && k->len > 0; x++)
		if (x->ao != 0 && ipaddr_in(&k->addr, &x->addr, x->plen))
			return EKEYREJECTED;
	if (i == MD5KEY_HELD)
		return ENOMEM;
	if (k->len == 0) {
		s->key[i] = s->key[--s->n];
		explicit_bzero(&s->key[s->n], sizeof s->key[0]);
		return 0;
	}
	s->key[i] = *k;
	s->n += i == s->n;
	return 0;
}

const struct md5key *
md5keys_find(const struct md5keys *s, const struct ipaddr *peer)
{
	const struct md5key *k, *best = NULL;
	bool v4 = ipaddr_is_v4(peer);

	for (k = s->key; k < s->key + s->n; k++)
		if (k->ao == 0 && ipaddr_is_v4(&k->addr) == v4 &&
		    ipaddr_in(peer, &k->addr, k->plen) &&
		    (best == NULL || k->plen > best->plen))
			best = k;
	return best;
}

/* ---- in a hello and in the journal ---- */

static uint8_t *
pack_one(uint8_t *p, int name, const void *val, size_t len)
{
	struct proto_opt po = {
	    .level = IPPROTO_TCP, .name = name, .len = (uint32_t)len};

	memcpy(p, &po, sizeof po);
	memset(p + sizeof po, 0, (len + 7) & ~(size_t)7);
	memcpy(p + sizeof po, val, len);
	return p + sizeof po + ((len + 7) & ~(size_t)7);
}

static int
name_of(const struct md5key *k)
{
	return k->ao != 0 ? TCP_AO_ADD_KEY : TCP_MD5SIG_EXT;
}

size_t
md5keys_pack(
    const struct md5keys *s, const struct ipaddr *peer, void *buf, uint32_t *n)
{
	const struct md5key *k, *md5 = md5keys_find(s, peer);
	bool v4 = ipaddr_is_v4(peer);
	uint8_t *p = buf;

	*n = 0;
	for (k = s->key; k < s->key + s->n; k++) {
		if (k->ao != 0 ? ipaddr_is_v4(&k->addr) != v4 ||
				     !ipaddr_in(peer, &k->addr, k->plen)
			       : k != md5)
			continue;
		p = pack_one(p, name_of(k), k, HEAD_BYTES + k->len);
		(*n)++;
	}
	if (s->ao != 0) {
		p = pack_one(p, TCP_AO_INFO, &s->ao, 1);
		(*n)++;
	}
	return (size_t)(p - (uint8_t *)buf);
}

/* One of either, of len bytes; false: it means nothing. */
static bool
take(struct md5keys *s, int name, const void *val, size_t len)
{
	struct md5key *k = &s->key[s->n];

	if (name == TCP_AO_INFO) {
		if (len > 0)
			memcpy(&s->ao, val, 1);
		return len > 0;
	}
	if (len <= HEAD_BYTES || len > sizeof *k || s->n == MD5KEY_HELD)
		return false;
	memset(k, 0, sizeof *k);
	memcpy(k, val, len);
	if (k->plen > 128 || k->len != len - HEAD_BYTES ||
	    (k->ao != 0) != (name == TCP_AO_ADD_KEY) || k->ao > AOKEY_ALGS)
		return false;
	s->n++;
	return true;
}

int
md5keys_unpack(struct md5keys *s, const void *buf, size_t len, uint32_t n)
{
	const uint8_t *p = buf, *end = p + len;
	struct proto_opt po;

	memset(s, 0, sizeof *s);
	for (; n > 0; n--) {
		if ((size_t)(end - p) < sizeof po)
			return EINVAL;
		memcpy(&po, p, sizeof po);
		p += sizeof po;
		if (po.len > (size_t)(end - p))
			return EINVAL;
		if (md5key_kept(po.level, po.name) &&
		    !take(s, po.name, p, po.len))
			return EINVAL;
		if (((po.len + 7) & ~7u) > (size_t)(end - p))
			return EINVAL;
		p += (po.len + 7) & ~7u;
	}
	return 0;
}

static size_t
journal_one(uint32_t *words, int name, const void *val, size_t len)
{
	words[0] =
	    (uint32_t)IPPROTO_TCP << 24 | (uint32_t)name << 8 | (uint32_t)len;
	if (len % 4 != 0)
		words[1 + len / 4] = 0; /* its end holds nothing else */
	memcpy(words + 1, val, len);
	return 1 + (len + 3) / 4;
}

size_t
md5keys_journal_put(const struct md5keys *s, uint32_t *words)
{
	const struct md5key *k;
	size_t n = 0;

	for (k = s->key; k < s->key + s->n; k++)
		n += journal_one(words + n, name_of(k), k, HEAD_BYTES + k->len);
	if (s->ao != 0)
		n += journal_one(words + n, TCP_AO_INFO, &s->ao, 1);
	return n;
}

void
md5keys_journal_get(struct md5keys *s, const uint32_t *words, size_t n)
{
	size_t i, room, len;

	memset(s, 0, sizeof *s);
	for (i = 0; i < n; i += room) {
		uint32_t head = words[i++];

		len = head & 0xff;
		room = (len + 3) / 4;
		if (room > n - i)
			return;
		if (md5key_kept((int)(head >> 24), head >> 8 & 0xffff))
			(void)take(s, head >> 8 & 0xffff, words + i, len);
	}
}
