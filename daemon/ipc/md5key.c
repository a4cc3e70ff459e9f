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
#include "tcpd/proto.h"

_Static_assert(sizeof(struct tcp_md5sig) == MD5KEY_VALUE, "MD5KEY_VALUE");
_Static_assert(TCP_MD5SIG_MAXKEYLEN == MD5KEY_MAX, "MD5KEY_MAX");

/* What stands in the journal: all of a struct md5key but its room. */
#define HEAD_BYTES offsetof(struct md5key, key)

bool
md5key_is(int level, int name)
{
	return level == IPPROTO_TCP &&
	       (name == TCP_MD5SIG || name == TCP_MD5SIG_EXT);
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

int
md5key_parse(
    struct md5key *k, bool ipv6, int name, const void *val, uint32_t len)
{
	struct tcp_md5sig m;
	unsigned most, plen;

	if (len < sizeof m)
		return EINVAL;
	memcpy(&m, val, sizeof m);
	memset(k, 0, sizeof *k);
	if (name == TCP_MD5SIG)
		m.tcpm_flags = 0;
	if (!get_addr(&m, ipv6, &k->addr))
		return EINVAL;
	most = ipaddr_is_v4(&k->addr) ? 32 : 128;
	plen = m.tcpm_flags & TCP_MD5SIG_FLAG_PREFIX ? m.tcpm_prefixlen : most;
	/* No interface is the master of others here. */
	if (plen > most ||
	    (m.tcpm_flags & TCP_MD5SIG_FLAG_IFINDEX && m.tcpm_ifindex != 0) ||
	    m.tcpm_keylen > MD5KEY_MAX)
		return EINVAL;
	k->plen = (uint8_t)(128 - most + plen);
	k->addr = ipaddr_masked(&k->addr, k->plen);
	k->len = (uint8_t)m.tcpm_keylen;
	memcpy(k->key, m.tcpm_key, k->len);
	explicit_bzero(&m, sizeof m);
	return 0;
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
	uint32_t i = 0;

	while (i < s->n && (s->key[i].plen != k->plen ||
			       !ipaddr_eq(&s->key[i].addr, &k->addr)))
		i++;
	if (i == s->n && k->len == 0)
		return ENOENT;
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
		if (ipaddr_is_v4(&k->addr) == v4 &&
		    ipaddr_in(peer, &k->addr, k->plen) &&
		    (best == NULL || k->plen > best->plen))
			best = k;
	return best;
}

/* ---- in a hello ---- */

size_t
md5key_pack(const struct md5key *k, bool ipv6, void *buf)
{
	struct proto_opt po = {
	    .level = IPPROTO_TCP, .name = TCP_MD5SIG_EXT, .len = MD5KEY_VALUE};

	memcpy(buf, &po, sizeof po);
	md5key_value(k, ipv6, (uint8_t *)buf + sizeof po);
	return sizeof po + MD5KEY_VALUE;
}

int
md5key_unpack(
    struct md5key *k, bool ipv6, const void *buf, size_t len, uint32_t n)
{
	const uint8_t *p = buf, *end = p + len;
	struct proto_opt po;

	memset(k, 0, sizeof *k);
	for (; n > 0; n--) {
		if ((size_t)(end - p) < sizeof po)
			return EINVAL;
		memcpy(&po, p, sizeof po);
		p += sizeof po;
		if (po.len > (size_t)(end - p))
			return EINVAL;
		if (md5key_is(po.level, po.name))
			return md5key_parse(k, ipv6, po.name, p, po.len);
		p += (po.len + 7) & ~7u;
		if (p > end)
			return EINVAL;
	}
	return 0;
}

/* ---- in the journal ---- */

size_t
md5keys_journal_put(const struct md5keys *s, uint32_t *words)
{
	size_t n = 0, len;
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		len = HEAD_BYTES + s->key[i].len;
		words[n++] = (uint32_t)IPPROTO_TCP << 24 |
			     (uint32_t)TCP_MD5SIG_EXT << 8 | (uint32_t)len;
		words[n + (len - 1) / 4] = 0;
		memcpy(words + n, &s->key[i], len);
		n += (len + 3) / 4;
	}
	return n;
}

void
md5keys_journal_get(struct md5keys *s, const uint32_t *words, size_t n)
{
	size_t i, room, len;
	struct md5key *k;

	memset(s, 0, sizeof *s);
	for (i = 0; i < n; i += room) {
		uint32_t head = words[i++];

		len = head & 0xff;
		room = (len + 3) / 4;
		if (room > n - i || s->n == MD5KEY_HELD)
			return;
		if (!md5key_is((int)(head >> 24), head >> 8 & 0xffff) ||
		    len <= HEAD_BYTES || len > sizeof *k)
			continue;
		k = &s->key[s->n];
		memcpy(k, words + i, len);
		if (k->plen <= 128 && k->len == len - HEAD_BYTES)
			s->n++;
	}
}
