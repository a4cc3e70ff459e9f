/* SPDX-License-Identifier: ISC */
/*
 * The keys of TCP_MD5SIG and TCP_MD5SIG_EXT (RFC 2385).  A listener's and a
 * connection's are the daemon's, who never gives one back; those of a socket
 * that is neither yet are few, and wait on its descriptor.
 *
 * Those of TCP-AO (aokey.h) are kept, and go to the daemon, beside them.
 *
 * Lengths, ranges and errnos are Linux's.  Pure code, for both sides.
 */
#ifndef IPC_MD5KEY_H
#define IPC_MD5KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"

#define MD5KEY_MAX  80 /* bytes of a key */
#define MD5KEY_HELD 16 /* keys of a socket without a connection */

struct md5key {
	struct ipaddr addr; /* of its peers; IPv4 is v4-mapped */
	uint8_t plen;	    /* of 128 */
	uint8_t len;	    /* 0: take it away */
	/* One of TCP-AO: its algorithm, an enum tcp_ao_alg plus one. */
	uint8_t ao;
	uint8_t sndid, rcvid, maclen, flags; /* AOKEY_ */
	uint8_t key[MD5KEY_MAX];
};

#define AOKEY_ALGS 3
enum {
	AOKEY_NO_OPTIONS = 1 << 0,
	AOKEY_CURRENT = 1 << 1,
	AOKEY_RNEXT = 1 << 2
};
enum {
	AOKEYS_ON = 1 << 0, /* TCP-AO was spoken of */
	AOKEYS_REQUIRED = 1 << 1,
	AOKEYS_ICMPS = 1 << 2
};

struct md5keys {
	uint32_t n;
	uint8_t ao; /* AOKEYS_ */
	struct md5key key[MD5KEY_HELD];
};

bool md5key_is(int level, int name);
/* What a hello and a journal have that is no struct sockopts'. */
bool md5key_kept(int level, int name);

/* The value of setsockopt() on a socket of AF_INET6 or AF_INET: 0 or a
 * positive errno. */
int md5key_parse(
    struct md5key *k, bool ipv6, int name, const void *val, uint32_t len);

/* k as a value of TCP_MD5SIG_EXT; val has room for MD5KEY_VALUE bytes, which
 * one of TCP-AO takes. */
#define MD5KEY_VALUE	 288
#define MD5KEY_MD5_VALUE 216
void md5key_value(const struct md5key *k, bool ipv6, void *val);

/* Adds, replaces or takes away: 0, ENOENT or ENOMEM. */
int md5keys_set(struct md5keys *s, const struct md5key *k);
/* The one with the longest prefix of peer, or NULL. */
const struct md5key *md5keys_find(
    const struct md5keys *s, const struct ipaddr *peer);

/* In a hello, behind what sockopt_pack() wrote, which leaves them out: those
 * for peer, *n of them; unpack() is for what sockopt_unpack() took. */
#define MD5KEY_PACK_MAX (MD5KEY_HELD * (16 + 104) + 24)
size_t md5keys_pack(
    const struct md5keys *s, const struct ipaddr *peer, void *buf, uint32_t *n);
int md5keys_unpack(struct md5keys *s, const void *buf, size_t len, uint32_t n);

/* In the journal, behind sockopt_journal_put()'s words. */
#define MD5KEYS_JOURNAL_MAX (MD5KEY_HELD * 27 + 2)
size_t md5keys_journal_put(const struct md5keys *s, uint32_t *words);
void md5keys_journal_get(struct md5keys *s, const uint32_t *words, size_t n);

#endif
